"""Pictures, sounds and texts through one pipeline."""

import json

import numpy as np
import pytest

from covary import OneOf, Pipeline, audio, image, text
from covary.targets.events import Events, Frames

PICTURE = np.arange(40 * 30 * 3, dtype=np.uint8).reshape(40, 30, 3)
WAVE = np.sin(np.arange(4000) / 7).astype(np.float32)
SENTENCE = "the quick brown fox jumps over the lazy dog near Berlin"

MIXED = Pipeline(
    [
        image.HorizontalFlip(p=0.5),
        audio.Gain((-6, 6)),
        text.RandomSwap(0.2),
        OneOf([image.Brightness(0.3), audio.Reverse(), text.RandomDeletion(0.3)]),
        audio.Shift((-0.5, 0.5)),
    ],
    seed=3,
)


def test_each_part_of_a_sample_goes_through_the_operations_for_it():
    out = MIXED(image=PICTURE, audio=WAVE, rate=8000, text=SENTENCE, label=4, key="a")
    assert set(out) == {"image", "audio", "rate", "text", "label"} and out["label"] == 4
    for name, value in (("image", PICTURE), ("text", SENTENCE)):
        alone = MIXED(**{name: value}, key="a")
        assert np.array_equal(alone[name], out[name]), f"{name} does not depend on what is beside it"
    assert np.array_equal(MIXED(audio=WAVE, rate=8000, key="a")["audio"], out["audio"])


def test_operations_for_other_things_change_nothing():
    images = Pipeline([op for op in MIXED.operations if type(op).__module__.startswith("covary.ops.image")], seed=3)
    both = Pipeline([*images.operations, text.RandomSwap(0.5), audio.Reverse()], seed=3)
    for key in range(5):
        assert np.array_equal(images(image=PICTURE, key=key)["image"], both(image=PICTURE, key=key)["image"])


@pytest.mark.parametrize("absent", ["image", "audio", "text"])
def test_batch_equals_single_calls_for_samples_of_several_kinds(absent):
    samples = [
        {"image": PICTURE, "audio": WAVE[: 2000 + 100 * row], "rate": 8000, "text": SENTENCE, "id": row}
        for row in range(6)
    ]
    samples[2][absent] = None
    columns = {name: [sample[name] for sample in samples] for name in samples[0]}
    batch = MIXED.batch(**columns, keys=range(6), epoch=[0, 1, 2, 3, 4, 5])
    for row, sample in enumerate(samples):
        one = MIXED(**sample, key=row, epoch=row)
        assert all(np.array_equal(one[name], batch[name][row]) for name in sample if one[name] is not None)
        assert batch[absent][row] is None if row == 2 else batch[absent][row] is not None


def test_bare_texts_and_sounds_come_back_bare():
    texts = Pipeline([text.RandomSwap(0.5)], seed=1)
    assert texts(SENTENCE, key=3) == texts(text=SENTENCE, key=3)["text"] != SENTENCE
    assert texts.batch([SENTENCE] * 3, keys=[1, 2, 3])[2] == texts(SENTENCE, key=3)
    sounds = Pipeline([audio.Reverse()], rate=8000)
    assert np.array_equal(sounds(WAVE), WAVE[::-1])


def test_labels_of_every_kind_move():
    pipeline = Pipeline(
        [image.HorizontalFlip(p=1), audio.Reverse(), text.RandomSwap(0.4)],
        time_labels={"voice": Frames(hop_seconds=0.1), "notes": Events(unit="samples")},
    )
    out = pipeline(
        image=PICTURE,
        boxes=np.array([[0.0, 0, 10, 40]]),
        audio=WAVE,
        rate=8000,
        events=[(0.0, 0.1, "a")],
        notes=[(0, 80)],
        voice=np.array([1, 0, 0, 0, 0]),
        text=SENTENCE,
        spans=[(49, 55, "CITY")],
        key=5,
    )
    assert np.array_equal(out["boxes"], [[20, 0, 30, 40]])
    assert np.allclose(out["events"][0][:2], (0.4, 0.5)) and tuple(out["notes"][0][:2]) == (3920, 4000)
    assert out["voice"].tolist() == [0, 0, 0, 0, 1]
    start, end, label = out["spans"][0]
    assert out["text"][start:end] == "Berlin" and label == "CITY"


def test_trace_and_replay_cover_every_kind():
    trace = MIXED.trace(key="b", epoch=2, size=(40, 30), audio=np.zeros(4000, np.float32), rate=8000, text=SENTENCE)
    assert json.loads(json.dumps(trace)) == trace
    assert [record["name"] for record in trace["operations"]].count("OneOf") == 1
    sample = {"image": PICTURE, "audio": WAVE, "rate": 8000, "text": SENTENCE}
    out, again = MIXED(**sample, key="b", epoch=2), MIXED.replay(trace, **sample)
    assert all(np.array_equal(out[name], again[name]) for name in sample)


def test_yaml_keeps_operations_and_options_of_every_kind():
    pipeline = Pipeline(
        MIXED.operations, seed=9, rate=16000, protect=["word:fox"], time_labels={"f0": Frames(0.02, "track")}
    )
    again = Pipeline.from_yaml(pipeline.to_yaml())
    assert again == pipeline and again.time_labels == {"f0": Frames(0.02, "track")}
    assert "audio.Gain" in pipeline.to_yaml()


def test_a_bare_name_is_that_of_the_image_operation():
    assert Pipeline.from_yaml("operations:\n- Normalize\n") == Pipeline([image.Normalize()])
    assert Pipeline.from_yaml("operations:\n- audio.Normalize\n") == Pipeline([audio.Normalize()])
    assert Pipeline.from_yaml("operations:\n- Reverse\n") == Pipeline([audio.Reverse()])


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"rate": 0}, "rate is 0; allowed"),
        ({"protect": "word:x"}, "protect is 'word:x'; allowed"),
        ({"protect": ["nonsense"]}, "nonsense"),
        ({"time_labels": {"a": 3}}, r"time_labels\['a'\] is a int"),
    ],
)
def test_wrong_options_are_named(options, said):
    with pytest.raises((TypeError, ValueError), match=said):
        Pipeline([audio.Reverse()], **options)


def test_what_cannot_be_varied_is_named():
    with pytest.raises(TypeError, match=r"no audio or image or text among the fields \['label'\]"):
        MIXED(label=3)
    with pytest.raises(TypeError, match="without a rate"):
        MIXED(audio=WAVE)
    with pytest.raises(ValueError, match=r"rate is 2\.5"):
        MIXED(audio=WAVE, rate=2.5)
    with pytest.raises(TypeError, match="trace: nothing to trace; pass audio="):
        MIXED.trace(key=1)
