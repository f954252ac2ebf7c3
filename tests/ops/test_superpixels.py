"""Superpixels: what a segmentation is, and the kernel against NumPy."""

from __future__ import annotations

import numpy as np
import pytest
from photograph import assert_changes_rise_with_strength, assert_key_decides, assert_takes_all_pictures, photograph
from skimage.segmentation import slic

from covary import Pipeline, image
from covary.draws.distributions import Constant
from covary.ops.image.superpixels import block_means, flattened, segment, segmented


def test_superpixels_take_all_pictures_and_rise_with_strength() -> None:
    operation = image.Superpixels()
    assert_takes_all_pictures(operation)
    assert_changes_rise_with_strength(operation)
    assert_key_decides(operation)


@pytest.mark.parametrize("size", [(1, 1, 1), (5, 40, 3), (33, 21, 4), (64, 64, 3)])
def test_numpys_labels_and_means_equal_the_kernels(size) -> None:
    from covary import kernels

    rng = np.random.default_rng(0)
    features = rng.integers(0, 256, size, dtype=np.uint8)
    rows, columns = min(5, size[0]), min(6, size[1])
    near = max(round(size[0] * size[1] / (rows * columns)), 1)
    labels = segment(features, rows, columns)
    np.testing.assert_array_equal(labels, segmented(features, rows, columns, near, 400))
    if kernels.native is None:
        pytest.skip("the compiled kernels are missing")
    chosen = (rng.random(rows * columns) < 0.6).astype(np.uint8)
    for dtype in ("uint8", "uint16", "float32"):
        picture = np.repeat(np.repeat(features, 2, 0), 2, 1)[: 2 * size[0] - 1].astype(dtype)
        ours = picture.copy()
        kernels.native.flatten_segments(ours, labels, 2, chosen)
        np.testing.assert_array_equal(ours, flattened(picture.copy(), labels, 2, chosen))


def explained(picture: np.ndarray, labels: np.ndarray) -> float:
    """What share of the variance the segments' means explain."""
    values = picture.reshape(-1, 3).astype(float)
    counts = np.maximum(np.bincount(labels.ravel()), 1)
    means = np.stack([np.bincount(labels.ravel(), values[:, c]) / counts for c in range(3)], axis=1)
    return 1 - np.square(values - means[labels.ravel()]).sum() / np.square(values - values.mean(axis=0)).sum()


def test_segments_explain_as_much_as_scikit_images_slic() -> None:
    picture = photograph(128)
    ours = explained(picture, segment(picture, 10, 10))
    theirs = explained(picture, slic(picture, 100, start_label=0))
    assert ours > theirs - 0.05 and ours > 0.8


def test_all_superpixels_replaced_leave_one_colour_each() -> None:
    picture = photograph(128)
    out = Pipeline([image.Superpixels(1.0, Constant(50.0))])(image=picture, key=0)["image"]
    assert len(np.unique(out.reshape(-1, 3), axis=0)) <= 60
    assert abs(out.mean() - picture.mean()) < 1


def test_what_is_not_replaced_keeps_its_pixels() -> None:
    picture = photograph(128)
    out = Pipeline([image.Superpixels(0.3, max_size=32)])(image=picture, key=0)["image"]
    assert 0.5 < (out == picture).all(axis=2).mean() < 0.95


def test_block_means_equal_numpys_means() -> None:
    picture = photograph(128)
    expected = picture.reshape(32, 4, 32, 4, 3).mean(axis=(1, 3))
    assert np.abs(block_means(picture, 4) - expected).max() <= 0.5
    odd = block_means(picture[:7, :5], 4)
    assert odd.shape == (2, 2, 3) and abs(odd[1, 1, 0] - picture[4:7, 4:5, 0].mean()) <= 0.5


def test_wrong_sizes_are_named() -> None:
    with pytest.raises(ValueError, match="Superpixels: max_size"):
        image.Superpixels(max_size=4)
