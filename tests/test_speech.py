"""The speech that other tests are fed with."""

import numpy as np
import pytest

from tools.speech import Sentence, missing, synthesise, synthesise_all

pytestmark = pytest.mark.skipif(missing() is not None, reason=str(missing()))

TEXT = "Hello world, the 42 quick dogs. Good-bye!"


def test_a_sentence_is_the_same_whatever_was_spoken_before():
    first = synthesise(TEXT)
    others = synthesise_all([Sentence("seven", "de"), Sentence(TEXT), Sentence(TEXT, "en-us+f3", 120, 80)])
    assert np.array_equal(first.samples, others[1].samples)
    assert first.words == others[1].words
    assert not np.array_equal(first.samples, others[2].samples)


def test_words_are_those_of_the_text_in_its_order_and_stand_one_after_another():
    speech = synthesise(TEXT)
    assert [word["text"] for word in speech.words] == ["Hello", "world", "the", "42", "quick", "dogs", "Good-bye"]
    times = np.array([(word["start"], word["end"]) for word in speech.words])
    assert (times[:, 1] > times[:, 0]).all() and (times[1:, 0] >= times[:-1, 1]).all()
    assert times.max() * speech.rate <= len(speech.samples)


def test_words_are_loud_and_pauses_silent():
    speech = synthesise("one, two. three", speed=140)
    inside = np.zeros(len(speech.samples), bool)
    for word in speech.words:
        inside[round(word["start"] * speech.rate) : round(word["end"] * speech.rate)] = True
    power = speech.samples.astype(float) ** 2
    assert power[inside].mean() > 1000 * power[~inside].mean()


def test_what_cannot_be_spoken_is_said():
    with pytest.raises(ValueError, match="no voice 'nobody'"):
        synthesise("one", "nobody")
    with pytest.raises(ValueError, match="nothing of it"):
        synthesise(" ... ")
