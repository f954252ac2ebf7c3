"""Videos and volumes blended with labels of each frame: every frame is mixed as its own picture would be."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from covary import Loader, Pipeline, image, mix
from covary.data import Arrays

FIELDS = ["video", "volume"]


def clips(count: int, frames: int) -> NDArray[np.float32]:
    """(B, T, 3, 4): all values of frame t of sample b are 100 b + t."""
    numbers = 100 * np.arange(count)[:, None] + np.arange(frames)
    return np.ones((count, frames, 3, 4), np.float32) * numbers[:, :, None, None].astype(np.float32)


def numbers(count: int, frames: int, classes: int, seed: int) -> NDArray[np.int64]:
    return np.random.default_rng(seed).integers(0, classes, (count, frames))


shapes = st.tuples(st.integers(2, 7), st.integers(1, 9), st.integers(2, 12)).filter(lambda shape: shape[1] != shape[2])


@pytest.mark.parametrize("field", FIELDS)
@settings(max_examples=25, deadline=None)
@given(shape=shapes, seed=st.integers(0, 2**32), rows=st.booleans())
def test_frames_are_mixed_as_single_pictures_with_the_lambda_of_their_video(
    field: str, shape: tuple[int, int, int], seed: int, rows: bool
) -> None:
    count, frames, classes = shape
    label = numbers(count, frames, classes, seed)
    given = np.eye(classes, dtype=np.float32)[label] if rows else label
    out = mix.MixUp(1.0, field=field, pairs=True)(
        {field: clips(count, frames), "label": given}, classes=classes, seed=seed
    )
    assert out["target"].shape == (count, frames, classes) and out["target"].dtype == np.float32
    for frame in range(frames):
        batch = {"image": clips(count, frames)[:, frame], "label": label[:, frame]}
        alone = mix.MixUp(1.0, pairs=True, name="MixUp")(batch, classes=classes, seed=seed)
        np.testing.assert_array_equal(out[field][:, frame], alone["image"])
        np.testing.assert_array_equal(out["target"][:, frame], alone["target"])
        np.testing.assert_array_equal(out["lam"], alone["lam"])
    np.testing.assert_allclose(out["target"].sum(axis=-1, dtype=np.float64), 1, atol=1e-6)
    both = [np.eye(classes)[each] if not rows else each for each in (out["target_a"], out["target_b"])]
    lam = out["lam"][:, None, None]
    np.testing.assert_allclose(out["target"], lam * both[0] + (1 - lam) * both[1], atol=1e-6)


@settings(max_examples=25, deadline=None)
@given(shape=shapes, seed=st.integers(0, 2**32))
def test_videos_that_are_equal_stay_what_they_are(shape: tuple[int, int, int], seed: int) -> None:
    count, frames, classes = shape
    label = np.repeat(numbers(1, frames, classes, seed), count, axis=0)
    video = np.repeat(clips(1, frames), count, axis=0)
    out = mix.MixUp(1.0, field="video")({"video": video, "label": label}, classes=classes, seed=seed)
    np.testing.assert_array_equal(out["video"], video)
    np.testing.assert_array_equal(out["target"], np.eye(classes, dtype=np.float32)[label])


@settings(max_examples=25, deadline=None)
@given(shape=shapes, seed=st.integers(0, 2**32), data=st.data())
def test_frames_and_their_labels_in_another_order_come_out_in_that_order(
    shape: tuple[int, int, int], seed: int, data: st.DataObject
) -> None:
    count, frames, classes = shape
    video, label = clips(count, frames), numbers(count, frames, classes, seed)
    samples = data.draw(st.permutations(range(count)))
    order = data.draw(st.permutations(range(frames)))
    mixer = mix.MixUp(1.0, field="video")
    truth = mixer({"video": video, "label": label}, classes=classes, seed=seed, keys=range(count))
    other = {"video": video[samples][:, order], "label": label[samples][:, order]}
    out = mixer(other, classes=classes, seed=seed, keys=samples)
    np.testing.assert_array_equal(out["video"], truth["video"][samples][:, order])
    np.testing.assert_array_equal(out["target"], truth["target"][samples][:, order])


def test_several_classes_of_a_frame_are_mixed_linearly() -> None:
    rows = np.random.default_rng(1).integers(0, 2, (5, 4, 6)).astype(np.uint8)
    out = mix.MixUp(1.0, field="video", pairs=True)({"video": clips(5, 4), "label": rows})
    lam = out["lam"][:, None, None]
    np.testing.assert_allclose(out["target"], lam * out["target_a"] + (1 - lam) * out["target_b"], atol=1e-6)
    np.testing.assert_array_equal(out["target_a"], rows)


def test_labels_of_whole_videos_are_those_of_pictures() -> None:
    video = clips(6, 4)
    for label in (np.arange(6) % 5, np.eye(5, dtype=np.int64)[np.arange(6) % 5]):
        out = mix.MixUp(1.0, field="video")({"video": video, "label": label}, classes=5)
        alone = mix.MixUp(1.0)({"image": video[:, 0], "label": label}, classes=5)
        np.testing.assert_array_equal(out["target"], alone["target"])


SOFT = np.full((4, 6), 1 / 6, np.float32)
NUMBERS = np.array([[0, 0, 5, 5, 1, 1]] * 4)


@pytest.mark.parametrize(
    ("label", "classes", "message"),
    [
        (NUMBERS, 5, "label of sample 0, frame 2, is 5; allowed: class numbers from 0 to 4"),
        (NUMBERS, None, "samples of 6 frames: a row for each sample, or the class of each frame"),
        (NUMBERS, 6, "samples of 6 frames: a row for each sample, or the class of each frame"),
        (NUMBERS.astype(np.float32), 6, "samples of 6 frames: a row for each sample, or the class of each frame"),
        (np.zeros((4, 5), int), 7, "label has 5 columns; there are 7 classes"),
        (np.zeros((4, 5, 7)), 7, r"allowed: .* and for each of 6 frames \(B, 6, number of classes\)"),
        (np.zeros((4, 6, 3)), 7, "label has 3 columns; there are 7 classes"),
    ],
)
def test_wrong_labels_are_refused(label: Any, classes: int | None, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        mix.MixUp(field="video")({"video": clips(4, 6), "label": label}, classes=classes)


def test_rows_of_as_many_classes_as_frames_are_labels_of_the_whole() -> None:
    out = mix.MixUp(field="video")({"video": clips(4, 6), "label": SOFT}, classes=6)
    assert out["target"].shape == (4, 6)
    np.testing.assert_allclose(out["target"], SOFT, atol=1e-7)


def test_the_loader_mixes_labels_of_frames() -> None:
    label = numbers(6, 4, 3, 7)
    video = np.random.default_rng(0).integers(0, 256, (6, 4, 20, 24, 3), dtype=np.uint8)
    data = Arrays(video=video, label=label, classes=["walk", "run", "rest"])
    mixer, pipeline = mix.MixUp(1.0, field="video", pairs=True), Pipeline([image.RandomCrop(16)], seed=3)
    with Loader(data, pipeline, batch_size=6, workers=0, mix=mixer) as loader:
        (batch,) = loader
    rows = np.eye(3)[label[list(batch.keys)]]
    assert batch.target.shape == (6, 4, 3)
    np.testing.assert_array_equal(np.eye(3)[batch.target_a], rows)
    lam = batch.lam[:, None, None]
    np.testing.assert_allclose(batch.target, lam * rows + (1 - lam) * np.eye(3)[batch.target_b], atol=1e-6)
