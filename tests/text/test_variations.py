"""Different variations by a pipeline are those of its own first epochs."""

from __future__ import annotations

import pytest

from covary import Pipeline, text

SENTENCE = "The quick brown fox jumps over the lazy dog near the old river bank."


def test_variations_are_different_and_those_of_the_named_epochs() -> None:
    pipeline = Pipeline([text.RandomSwap(0.2), text.KeyboardTypo(0.05, p=0.5)], seed=5)
    spans = [(4, 19, "ANIMAL")]
    found = pipeline.variations(SENTENCE, 12, key="a", spans=spans)
    assert found.reason == "" and len({*found.texts, SENTENCE}) == 13
    for made, fields, epoch in zip(found.texts, found.fields, found.epochs, strict=True):
        again = pipeline(text=SENTENCE, spans=spans, key="a", epoch=epoch)
        assert again["text"] == made and again["spans"] == fields["spans"]


def test_fewer_come_with_a_reason() -> None:
    found = Pipeline([text.RandomSwap(0.5)]).variations("two words", 5)
    assert len(found.texts) < 5 and found.reason
    with pytest.raises(ValueError, match="n is 0"):
        Pipeline([text.RandomSwap()]).variations(SENTENCE, 0)
