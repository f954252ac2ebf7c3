"""The compiled filters of neighbours against OpenCV, SciPy, NumPy and whole numbers, by both instruction sets."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from picturing import WHITE, noise_picture
from scipy.ndimage import map_coordinates

from covary import Pipeline, image, kernels
from covary.ops.image.blurs import box_mean, square_median
from covary.ops.image.defocus import disc_halves
from covary.ops.image.morphology import neighbourhood, reshaped
from covary.ops.image.motion import zoom_mean, zoom_steps

pytestmark = pytest.mark.skipif(kernels.native is None, reason="the compiled kernels are not built")

DTYPES = list(WHITE)
# Rows shorter than a vector, of several vectors, and of several tiles.
SHAPES = [(1, 1, 1), (1, 9, 3), (2, 3, 9), (31, 17, 2), (7, 300, 3), (9, 130, 9)]


def check(compiled: Callable[..., None], picture: np.ndarray, expected: np.ndarray) -> None:
    """Into another array, which leaves the picture as it was, and in place; with vectors and without."""
    for simd in (True, False):
        given, out = picture.copy(), np.empty_like(picture)
        given.flags.writeable = False
        compiled(given, out, simd)
        np.testing.assert_array_equal(out, expected)
        np.testing.assert_array_equal(given, picture)
        own = picture.copy()
        compiled(own, own, simd)
        np.testing.assert_array_equal(own, expected)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("radius", [1, 2, 3])
def test_medians_equal_opencvs_and_scipys(dtype: str, shape: tuple[int, int, int], radius: int) -> None:
    picture = noise_picture(*shape, dtype)
    if dtype != "float32":
        picture = np.where(picture % 3 == 0, picture % 8, picture).astype(dtype)  # with many equal values
    expected = square_median(picture.copy(), radius)
    check(lambda p, out, simd: kernels.native.median(p, out, radius, simd), picture, expected)


def test_medians_of_all_zeros_and_ones_are_the_majority() -> None:
    """The 0-1 principle: a network of comparisons that is right for zeros and ones is right for everything."""
    generator = np.random.default_rng(4)
    for radius in (1, 2, 3):
        side = 2 * radius + 1
        pixels = side * side
        # Channels are pictures of their own, with every number of ones, most of them close to half.
        ones = np.concatenate([np.arange(pixels + 1), generator.integers(pixels // 2 - 1, pixels // 2 + 3, 4000)])
        order = np.argsort(generator.random((pixels, len(ones))), axis=0)
        picture = (order < ones).astype(np.uint8).reshape(side, side, len(ones))
        for simd in (True, False):
            out = np.empty_like(picture)
            kernels.native.median(picture, out, radius, simd)
            np.testing.assert_array_equal(out[radius, radius], ones > pixels // 2)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("near", ["disc", "square"])
@pytest.mark.parametrize("radius", [1, 2, 5, 16])
def test_extremes_equal_opencvs_morphology(dtype: str, shape: tuple[int, int, int], near: str, radius: int) -> None:
    picture = noise_picture(*shape, dtype)
    halves = disc_halves(radius) if near == "disc" else [radius] * (2 * radius + 1)
    for lightest, operation in ((True, "dilation"), (False, "erosion")):
        expected = reshaped(picture.copy(), operation, radius, near)
        check(lambda p, out, simd, high=lightest: kernels.native.extreme(p, out, halves, high, simd), picture, expected)
    assert neighbourhood(radius, near).sum() == sum(2 * half + 1 for half in halves)


@pytest.mark.parametrize("width", [512, 500])  # rows of whole lines of memory go past the caches, others do not
@pytest.mark.parametrize("operation", ["dilation", "closing"])
def test_extremes_of_large_pictures_equal_opencvs_morphology(width: int, operation: str) -> None:
    picture = noise_picture(400, width, 3, "uint8")
    made = Pipeline([image.Morphological(operation, (1, 1))])(picture)
    np.testing.assert_array_equal(made, reshaped(picture.copy(), operation, 1, "disc"))


@pytest.mark.parametrize(("dtype", "radii"), [("uint8", [1, 2, 3, 5, 7]), ("uint16", [1, 2, 3])])
@pytest.mark.parametrize("shape", SHAPES)
def test_means_equal_opencvs_blur(dtype: str, radii: list[int], shape: tuple[int, int, int]) -> None:
    picture = noise_picture(*shape, dtype)
    for radius in radii:
        expected = box_mean(picture.copy(), radius)
        check(lambda p, out, simd, r=radius: kernels.native.box(p, out, r, simd), picture, expected)


def squares_of(sums: np.ndarray, side: int, dtype: str) -> np.ndarray:
    """(side, side, C): each channel is a picture of its own with the given sum."""
    pixels = side * side
    each, more = np.divmod(sums, pixels)
    flat = each + (np.arange(pixels)[:, None] < more)
    return flat.reshape(side, side, len(sums)).astype(dtype)


@pytest.mark.parametrize("simd", [True, False])
def test_means_of_bytes_are_rounded_right_for_every_sum(simd: bool) -> None:
    for radius in range(1, 8):
        pixels = (2 * radius + 1) ** 2
        sums = np.arange(255 * pixels + 1)
        picture = squares_of(sums, 2 * radius + 1, "uint8")
        out = np.empty_like(picture)
        kernels.native.box(picture, out, radius, simd)
        np.testing.assert_array_equal(out[radius, radius], (sums + pixels // 2) // pixels)


@pytest.mark.parametrize("simd", [True, False])
def test_means_of_16_bits_are_rounded_right_beside_every_half(simd: bool) -> None:
    for radius in range(1, 4):
        pixels = (2 * radius + 1) ** 2
        sums = (np.arange(65535)[:, None] * pixels + [pixels // 2, pixels // 2 + 1]).ravel()
        picture = squares_of(sums, 2 * radius + 1, "uint16")
        out = np.empty_like(picture)
        kernels.native.box(picture, out, radius, simd)
        np.testing.assert_array_equal(out[radius, radius], (sums + pixels // 2) // pixels)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [*SHAPES, (40, 33, 3), (16, 50, 1)])
@pytest.mark.parametrize("factor", [1.02, 1.31, 4.0])
def test_zooms_have_the_bytes_of_numpys(dtype: str, shape: tuple[int, int, int], factor: float) -> None:
    picture = noise_picture(*shape, dtype)
    steps = zoom_steps(factor, *shape[:2])
    check(lambda p, out, simd: kernels.native.zoom_blur(p, out, steps, simd), picture, zoom_mean(picture, steps))


def test_a_zoom_lies_as_scipy_samples_it() -> None:
    picture = noise_picture(23, 30, 1, "float32")
    y, x = np.indices((23, 30)).astype(float)
    zoomed = map_coordinates(picture[..., 0].astype(float), [(y - 11) / 1.7 + 11, (x - 14.5) / 1.7 + 14.5], order=1)
    np.testing.assert_allclose(zoom_mean(picture, [1.7])[..., 0], (picture[..., 0] + zoomed) / 2, atol=1e-6)


def test_what_does_not_fit_is_refused() -> None:
    native, picture = kernels.native, noise_picture(4, 5)
    with pytest.raises(ValueError, match="out"):
        native.median(picture, picture[:3].copy(), 1, True)
    with pytest.raises(TypeError, match="out"):
        native.median(picture, picture.astype(np.uint16), 1, True)
    with pytest.raises(ValueError, match="radius"):
        native.median(picture, picture, 4, True)
    with pytest.raises(ValueError, match="radius"):
        native.box(picture.astype(np.uint16), picture.astype(np.uint16), 4, True)
    with pytest.raises(TypeError, match="picture"):
        native.box(picture.astype(np.float32), picture.astype(np.float32), 1, True)
    with pytest.raises(ValueError, match="halves"):
        native.extreme(picture, picture, [1, 1], True, True)
    with pytest.raises(ValueError, match="steps"):
        native.zoom_blur(picture, picture, [0.5], True)
