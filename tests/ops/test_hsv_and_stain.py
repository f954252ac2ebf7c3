"""Hue, saturation, value against colorsys; stains against scikit-image."""

from __future__ import annotations

import colorsys
from itertools import pairwise

import numpy as np
import pytest
from skimage import color

from covary import Pipeline, image
from covary.draws.distributions import Constant
from covary.ops.image.stain import stained

PICTURE = np.random.default_rng(0).integers(0, 256, (20, 30, 3)).astype(np.uint8)


def shifted(picture: np.ndarray, hue: float, saturation: float, value: float) -> np.ndarray:
    """The standard library's HSV, pixel by pixel, in fractions of white."""
    out = []
    for pixel in picture.reshape(-1, 3):
        h, s, v = colorsys.rgb_to_hsv(*pixel)
        changed = (h + hue) % 1, min(max(s + saturation, 0), 1), min(max(v + value, 0), 1)
        out.append(colorsys.hsv_to_rgb(*changed))
    return np.array(out).reshape(picture.shape)


@pytest.mark.parametrize(
    "shifts", [(0.25, 0.0, 0.0), (-0.4, 0.0, 0.0), (0.0, 0.3, 0.0), (0.0, -0.3, 0.0), (0, 0, 0.2), (0.1, -0.2, -0.1)]
)
def test_hue_saturation_and_value_equal_colorsys(shifts) -> None:
    operation = image.HueSaturationValue(*(Constant(shift) for shift in shifts))
    expected = shifted(PICTURE / 255, *shifts)
    floats = Pipeline([operation])(image=(PICTURE / 255).astype(np.float32))["image"]
    np.testing.assert_allclose(floats, expected, atol=2e-5)
    deep = Pipeline([operation])(image=(PICTURE.astype(np.uint16) * 257))["image"]
    assert np.abs(deep / 65535 - expected).max() < 1e-4
    # Half of a unit of 2 degrees of hue is 1.5 % of white; saturation is rounded, too.
    bytes_ = Pipeline([operation])(image=PICTURE)["image"]
    assert np.abs(bytes_ / 255 - expected).max() < 0.03
    assert np.abs(bytes_ / 255 - expected).mean() < 0.005


def test_stains_are_taken_apart_as_by_scikit_image() -> None:
    picture = np.clip(PICTURE, 30, 250)
    factors, shifts = np.array([1.3, 0.7, 1.0]), np.array([0.05, -0.02, 0.0])
    ours = stained((picture / 255).astype(np.float32), factors, shifts)
    # scikit-image counts densities in its own unit and clips them: the same steps with its matrices.
    stains = color.rgb_from_hed[:2] / np.linalg.norm(color.rgb_from_hed[:2], axis=1, keepdims=True)
    stains = np.concatenate([stains, color.rgb_from_hed[2:] / np.linalg.norm(color.rgb_from_hed[2])])
    share = (picture / 255 + 1 / 255) / (1 + 1 / 255)
    density = -np.log(share) @ np.linalg.inv(stains)
    expected = np.exp(-((density * factors + shifts) @ stains)) * (1 + 1 / 255) - 1 / 255
    np.testing.assert_allclose(ours, expected, atol=1e-4)


def test_more_of_a_stain_is_darker_where_it_absorbs() -> None:
    pink = np.full((4, 4, 3), (230, 150, 200), np.uint8)
    more = stained(pink, np.array([1.0, 1.5, 1.0]), np.zeros(3)).astype(int)
    change = (more - pink)[0, 0]
    assert change[1] < -20 and abs(change[1]) > abs(change[0]) and abs(change[1]) > abs(change[2])


@pytest.mark.parametrize("operation", [image.HueSaturationValue(), image.HEStain()], ids=repr)
def test_more_changes_as_strength_rises_and_nothing_at_0(operation) -> None:
    changes = []
    for strength in (0, 0.25, 0.5, 0.75, 1):
        pipeline = Pipeline([operation]).with_strength(strength)
        outs = [pipeline(image=PICTURE, key=key)["image"].astype(float) for key in range(40)]
        changes.append(np.mean([np.abs(out - PICTURE).mean() for out in outs]))
    assert changes[0] == 0 and all(more > less for less, more in pairwise(changes))


@pytest.mark.parametrize("operation", [image.HueSaturationValue(), image.HEStain()], ids=repr)
def test_sizes_types_and_channels(operation) -> None:
    for size in ((1, 1), (1, 9), (2, 3), (31, 17)):
        for dtype in ("uint8", "uint16", "float32"):
            picture = np.ones((*size, 3), dtype)
            out = Pipeline([operation])(image=picture, key=1)["image"]
            assert out.shape == picture.shape and out.dtype == picture.dtype and (picture == 1).all()
    grey = np.full((5, 6, 1), 99, np.uint8)
    assert np.array_equal(Pipeline([operation])(image=grey)["image"], grey)
    with pytest.raises(ValueError, match=type(operation).__name__):
        Pipeline([operation])(image=np.zeros((5, 6, 4), np.uint8))
