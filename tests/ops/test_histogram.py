"""AutoContrast, Equalize and Sharpness against Pillow and OpenCV; other dtypes against uint8 and the closed form."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from picturing import WHITE, in_dtype, noise_picture
from PIL import Image as PillowImage
from PIL import ImageEnhance, ImageOps

from covary import Pipeline, image
from covary.draws.distributions import Constant
from covary.ops.base import Operation
from covary.ops.image import AutoContrast, Equalize, Sharpness


def applied(operation: Operation, picture: np.ndarray) -> np.ndarray:
    return np.asarray(Pipeline([operation])(image=picture, key=0)["image"])


def narrow(seed: int, low: int, high: int, size: tuple[int, int] = (40, 50)) -> np.ndarray:
    return np.random.Generator(np.random.PCG64(seed)).integers(low, high + 1, (*size, 3), dtype=np.uint8)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 99), st.integers(0, 254), st.integers(1, 255), st.sampled_from([0, 2, 10]))
def test_autocontrast_equals_pillow_within_its_rounding_down(seed: int, low: int, high: int, percent: int) -> None:
    picture = narrow(seed, min(low, high), max(low, high))
    expected = np.asarray(ImageOps.autocontrast(PillowImage.fromarray(picture), cutoff=percent)).astype(int)
    difference = applied(AutoContrast(cutoff=percent / 100), picture).astype(int) - expected
    assert difference.min() >= 0
    assert difference.max() <= 1


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 99), st.integers(0, 255), st.integers(0, 255))
def test_equalize_equals_opencv_of_each_channel(seed: int, low: int, high: int) -> None:
    picture = narrow(seed, min(low, high), max(low, high))
    expected = np.stack([cv2.equalizeHist(np.ascontiguousarray(picture[..., c])) for c in range(3)], axis=2)
    np.testing.assert_allclose(applied(Equalize(), picture).astype(int), expected, atol=1)  # exact halves


def test_equalize_is_close_to_pillow_on_a_large_picture() -> None:
    picture = np.clip(np.random.Generator(np.random.PCG64(1)).normal(90, 25, (512, 512, 3)), 0, 255).astype(np.uint8)
    expected = np.asarray(ImageOps.equalize(PillowImage.fromarray(picture))).astype(int)
    difference = applied(Equalize(), picture).astype(int) - expected
    # Pillow counts the darker pixels only, OpenCV those of the level, too.
    of_one_level = max(np.bincount(picture[..., c].ravel()).max() for c in range(3)) / 512**2 * 255
    assert difference.min() >= -1
    assert difference.max() <= of_one_level + 1


@pytest.mark.parametrize("dtype", ["uint16", "float32"])
@pytest.mark.parametrize("operation", [AutoContrast(), AutoContrast(cutoff=0.1), Equalize(), AutoContrast(amount=0.4)])
def test_other_dtypes_agree_with_uint8(dtype: str, operation: Operation) -> None:
    levels = narrow(3, 50, 180)
    expected = applied(operation, levels) / 255
    np.testing.assert_allclose(
        applied(operation, in_dtype(levels.astype(int), dtype)) / WHITE[dtype], expected, atol=0.51 / 255
    )


@pytest.mark.parametrize("dtype", list(WHITE))
@pytest.mark.parametrize("operation", [AutoContrast(), Equalize()])
def test_a_channel_of_one_value_and_amount_zero_change_nothing(dtype: str, operation: Operation) -> None:
    flat = in_dtype(np.full((9, 8, 3), 77), dtype)
    np.testing.assert_array_equal(applied(operation, flat), flat)
    noisy = noise_picture(dtype=dtype)
    np.testing.assert_array_equal(applied(operation.with_strength(0), noisy), noisy)


@pytest.mark.parametrize("operation", [AutoContrast, Equalize])
def test_amount_is_the_share_in_a_blend(operation: type[AutoContrast] | type[Equalize]) -> None:
    picture = narrow(5, 60, 150)
    whole = applied(operation(), picture).astype(float)
    np.testing.assert_allclose(applied(operation(amount=0.25), picture), 0.75 * picture + 0.25 * whole, atol=0.75)


@pytest.mark.parametrize("factor", [0.0, 0.4, 1.0, 1.7])
def test_sharpness_equals_pillow_inside_its_border(factor: float) -> None:
    picture = narrow(7, 0, 255)
    expected = np.asarray(ImageEnhance.Sharpness(PillowImage.fromarray(picture)).enhance(factor)).astype(int)
    made = applied(Sharpness((factor, factor)), picture).astype(int)
    assert np.abs(made - expected)[1:-1, 1:-1].max() <= 1  # Pillow rounds the smooth picture first


def test_clahe_equals_opencvs_of_the_lightness():
    picture = np.random.default_rng(0).integers(60, 140, (64, 80, 3)).astype(np.uint8)
    operation = image.CLAHE(Constant(3.0), (4, 5))
    lab = cv2.cvtColor(picture, cv2.COLOR_RGB2Lab)
    lab[..., 0] = cv2.createCLAHE(3.0, (5, 4)).apply(lab[..., 0].copy())
    assert np.array_equal(Pipeline([operation])(image=picture)["image"], cv2.cvtColor(lab, cv2.COLOR_Lab2RGB))
    grey = picture[..., :1]
    expected = cv2.createCLAHE(3.0, (5, 4)).apply(grey[..., 0].copy())
    assert np.array_equal(Pipeline([operation])(image=grey)["image"][..., 0], expected)


@settings(max_examples=40, deadline=None)
@given(
    st.integers(0, 99),
    st.tuples(st.integers(1, 70), st.integers(1, 70)),
    st.tuples(st.integers(1, 9), st.integers(1, 9)),
    st.sampled_from([1.0, 2.5, 40.0]),
    st.integers(1, 120),
)
def test_clahe_of_any_size_and_tiles_equals_opencvs(seed, size, tiles, limit, spread) -> None:
    values = np.random.default_rng(seed).normal(110, spread, (*size, 1))
    for dtype, unit in (("uint8", 1), ("uint16", 257), ("uint16", 3)):
        grey = np.clip(values * unit, 0, np.iinfo(dtype).max).astype(dtype)
        expected = cv2.createCLAHE(limit, tiles[::-1]).apply(grey[..., 0].copy())
        made = Pipeline([image.CLAHE(Constant(limit), tiles)])(image=grey)["image"][..., 0]
        np.testing.assert_array_equal(made, expected)


def test_clahe_of_deep_tiles_with_more_pixels_than_levels_equals_opencvs() -> None:
    grey = np.clip(np.random.default_rng(0).normal(30000, 200, (600, 500, 1)), 0, 65535).astype(np.uint16)
    for limit in (1.0, 40.0):
        expected = cv2.createCLAHE(limit, (2, 1)).apply(grey[..., 0].copy())
        made = Pipeline([image.CLAHE(Constant(limit), (1, 2))])(image=grey)["image"][..., 0]
        np.testing.assert_array_equal(made, expected)


@pytest.mark.parametrize("channels", [1, 3])
def test_clahe_of_other_depths_raises_contrast_alike_and_half_of_it_by_half(channels):
    rng = np.random.default_rng(0)
    picture = np.clip(rng.normal(100, 12, (96, 96, channels)), 0, 255).astype(np.uint8)
    spread = {}
    for dtype, white in (("uint8", 255), ("uint16", 65535), ("float32", 1.0)):
        deep = (picture / 255 * white).astype(dtype)
        out = Pipeline([image.CLAHE(Constant(4.0))])(image=deep)["image"]
        assert out.dtype == deep.dtype and out.shape == deep.shape
        spread[dtype] = (out / white).std()
        half = Pipeline([image.CLAHE(Constant(4.0), amount=0.5)])(image=deep)["image"]
        assert np.abs(half / white - (out / white + deep / white) / 2).max() < 0.003
    assert spread["uint8"] > 1.2 * (picture / 255).std()
    assert abs(spread["uint16"] / spread["float32"] - 1) < 0.02


def test_clahe_takes_small_pictures_and_names_wrong_arguments():
    for size in ((1, 1), (1, 9), (2, 3), (31, 17)):
        for dtype in ("uint8", "uint16", "float32"):
            picture = np.ones((*size, 3), dtype)
            assert Pipeline([image.CLAHE()])(image=picture)["image"].shape == picture.shape
    with pytest.raises(ValueError, match="CLAHE: tile_grid_size"):
        image.CLAHE(tile_grid_size=(0, 4))
    with pytest.raises(ValueError, match="CLAHE"):
        Pipeline([image.CLAHE()])(image=np.zeros((9, 9, 4), np.uint8))
    picture = np.random.default_rng(0).integers(0, 256, (20, 20, 3)).astype(np.uint8)
    assert np.array_equal(Pipeline([image.CLAHE()]).with_strength(0)(image=picture)["image"], picture)
