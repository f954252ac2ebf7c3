"""Blurs against OpenCV, SciPy and closed forms."""

from __future__ import annotations

import numpy as np
import pytest
from describing import describe, describe_at
from hypothesis import given, settings
from hypothesis import strategies as st
from picturing import WHITE, noise_picture, pictures
from scipy.ndimage import correlate, gaussian_filter, median_filter, uniform_filter

from covary import Pipeline, image, kernels
from covary.draws.distributions import Constant
from covary.ops.image.defocus import disc_halves, disc_mean, exchanged
from covary.ops.image.motion import line_kernels, zoom_steps

DTYPES = list(WHITE)


def drawn(operation: object, picture: np.ndarray, key: int = 1) -> np.ndarray:
    return Pipeline([operation])(image=picture, key=key)["image"]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("channels", [1, 3, 9])
@pytest.mark.parametrize("radius", [1, 3])
def test_blur_equals_scipys_uniform_filter(dtype: str, channels: int, radius: int) -> None:
    picture = noise_picture(11, 8, channels, dtype)
    size = 2 * radius + 1
    expected = uniform_filter(picture.astype(np.float64), (size, size, 1), mode="mirror")
    error = np.abs(drawn(image.Blur(radius), picture) - expected).max()
    assert error <= (1e-6 if dtype == "float32" else 0.5 + 1e-6)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("channels", [1, 2, 3, 9])
@pytest.mark.parametrize("radius", [1, 2, 4])
def test_median_equals_scipys(dtype: str, channels: int, radius: int) -> None:
    picture = noise_picture(12, 9, channels, dtype)
    expected = median_filter(picture, (2 * radius + 1, 2 * radius + 1, 1), mode="nearest")
    np.testing.assert_array_equal(drawn(image.MedianBlur(radius), picture), expected)


@settings(max_examples=40)
@given(st.floats(0, 12), st.floats(0, 360), st.floats(-1, 1))
def test_line_kernels_equal_many_points_spread_linearly(length: float, angle: float, direction: float) -> None:
    across, down = 0.5 * length * np.cos(np.radians(angle)), -0.5 * length * np.sin(np.radians(angle))
    t = (np.arange(4000) + 0.5) / 2000 - 1
    places = np.arange(-7, 8)
    hats_x = np.maximum(0, 1 - np.abs(across * t - places[:, None]))
    hats_y = np.maximum(0, 1 - np.abs(down * t - places[:, None]))
    expected = np.einsum("yt,xt,t->yx", hats_y, hats_x, (1 + direction * t) / t.size)
    (kernel,) = line_kernels(*(np.array([number]) for number in (across, down, direction)), 7)
    np.testing.assert_allclose(kernel, expected, atol=2e-4)


def test_motion_along_a_row_is_a_trapezium_and_its_mean_stays() -> None:
    (change,) = describe_at(image.MotionBlur(Constant(4.0), Constant(0.0), Constant(0.0)), (9, 9))
    np.testing.assert_allclose(change.kernel[0][2], [0.125, 0.25, 0.25, 0.25, 0.125], atol=1e-12)
    assert np.count_nonzero(change.kernel[0]) == 5
    (growing,) = describe_at(image.MotionBlur(Constant(4.0), Constant(90.0), Constant(1.0)), (9, 9))
    column = growing.kernel[0][:, 2]
    # Anticlockwise from the right: upwards, which has the later and heavier half.
    assert column[0] > column[-1] and np.count_nonzero(growing.kernel[0] > 1e-12) == 5


@pytest.mark.parametrize("radius", [0, 0.9, 1, 1.5, 3, 6.4, 10, 40])
def test_discs_hold_all_pixels_within_the_radius(radius: float) -> None:
    halves = disc_halves(radius)
    y, x = np.indices((2 * int(radius) + 1,) * 2) - int(radius)
    near = x**2 + y**2 <= radius**2
    np.testing.assert_array_equal([2 * half + 1 for half in halves], near.sum(axis=1))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (2, 3), (13, 40), (33, 17)])
@pytest.mark.parametrize("radius", [1.0, 3.2, 11.0])
def test_discs_equal_scipys_correlation(dtype: str, shape: tuple[int, int], radius: float) -> None:
    for channels in (1, 2, 3, 4, 9):
        picture = noise_picture(*shape, channels, dtype)
        halves = disc_halves(radius)
        reach = len(halves) // 2
        kernel = np.abs(np.arange(-reach, reach + 1)) <= np.array(halves)[:, None]
        expected = correlate(picture.astype(np.float64), kernel[..., None] / kernel.sum(), mode="mirror")
        twin = disc_mean(picture, halves)
        np.testing.assert_allclose(twin, expected, atol=1e-6 if dtype == "float32" else 0.5 + 1e-6)
        if kernels.native is not None:
            kernels.native.disc(picture, halves)
            np.testing.assert_array_equal(picture, twin)


def test_the_widest_disc_of_white_stays_white() -> None:
    for dtype, white in WHITE.items():
        picture = np.full((30, 20, 2), white, dtype)
        np.testing.assert_array_equal(drawn(image.Defocus(100, 0), picture), picture)


def test_defocus_equals_the_disc_softened_by_scipys_gaussian() -> None:
    picture = noise_picture(40, 50, dtype="float32")
    y, x = np.indices((11, 11)) - 5
    disc = (x**2 + y**2 <= 25).astype(float)
    soft = gaussian_filter(picture.astype(np.float64), 0.5, radius=2, mode="mirror", axes=(0, 1))
    expected = correlate(soft, disc[..., None] / disc.sum(), mode="mirror")
    np.testing.assert_allclose(drawn(image.Defocus(5, 0.5), picture), expected, atol=1e-5)


@pytest.mark.parametrize("factor", [1.01, 1.1, 1.31, 2.0])
def test_zooms_are_spread_evenly_in_the_logarithm_up_to_the_factor(factor: float) -> None:
    steps = np.log(zoom_steps(factor, 200, 300))
    sums = sorted(sum(steps[i] for i in range(len(steps)) if n >> i & 1) for n in range(2 ** len(steps)))
    np.testing.assert_allclose(sums, np.linspace(0, np.log(factor), len(sums)), atol=1e-12)


@pytest.mark.parametrize("dtype", DTYPES)
def test_zoom_blur_equals_the_mean_of_single_zooms(dtype: str) -> None:
    from scipy.ndimage import map_coordinates

    levels = gaussian_filter(noise_picture(60, 80, 2).astype(float), (2, 2, 0))
    picture = (levels / 255 * WHITE[dtype]).astype(dtype)
    zooms = np.exp(np.linspace(0, np.log(1.2), 2 ** len(zoom_steps(1.2, 60, 80))))
    mean = np.zeros(picture.shape)
    for zoom in zooms:
        y, x = np.indices((60, 80))
        y, x = (y - 29.5) / zoom + 29.5, (x - 39.5) / zoom + 39.5
        for channel in range(2):
            mean[..., channel] += map_coordinates(picture[..., channel].astype(float), [y, x], order=1) / len(zooms)
    error = np.abs(drawn(image.ZoomBlur(1.2), picture) - mean)
    # Several interpolations in a row smooth a little more than one.
    assert error.max() < 0.02 * WHITE[dtype] and error.mean() < 0.003 * WHITE[dtype]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(1, 1), (1, 7), (2, 3), (15, 22)])
def test_exchanged_pixels_are_the_same_by_kernel_and_by_python(dtype: str, shape: tuple[int, int]) -> None:
    picture = noise_picture(*shape, 3, dtype)
    made = exchanged(picture, 3, 2, 12345678901234567890)
    as_rows = [np.sort(np.round(p.reshape(-1, 3).astype(float) @ [1, 1e6, 1e12])) for p in (picture, made)]
    np.testing.assert_array_equal(*as_rows)
    if kernels.native is not None:
        compiled = picture.copy()
        kernels.native.glass(compiled, 3, 2, 12345678901234567890)
        np.testing.assert_array_equal(compiled, made)


def test_one_round_of_glass_takes_pixels_no_further_than_the_exchanges_can() -> None:
    places = np.arange(40 * 40, dtype=np.uint16).reshape(40, 40, 1)
    made = drawn(image.GlassBlur(0, 2, 1), places)
    assert len(np.unique(made)) == places.size and (made != places).mean() > 0.8
    came_from = np.stack(np.divmod(made[..., 0].astype(int), 40))
    # What is exchanged again travels on, the way the rows go; nothing comes from more than two rows below.
    assert (came_from - np.indices((40, 40)))[0].max() <= 2


def test_advanced_blur_with_beta_1_is_a_turned_gaussian() -> None:
    (change,) = describe_at(
        image.AdvancedBlur(Constant(2.0), Constant(0.7), Constant(30.0), Constant(1.0), Constant(0.0)), (9, 9)
    )
    y, x = np.indices(change.kernel[0].shape) - 6
    turn = np.array([[np.cos(np.pi / 6), -np.sin(np.pi / 6)], [np.sin(np.pi / 6), np.cos(np.pi / 6)]])
    # y goes down, so an anticlockwise turn has the axis (cos, -sin).
    covariance = turn.T @ np.diag([4.0, 0.49]) @ turn
    inverse = np.linalg.inv(covariance)
    expected = np.exp(-0.5 * (inverse[0, 0] * x * x + 2 * inverse[0, 1] * x * y + inverse[1, 1] * y * y))
    np.testing.assert_allclose(change.kernel[0], expected / expected.sum(), atol=1e-12)
    # Up and to the right is heavier than down and to the right.
    assert change.kernel[0][5, 8] > change.kernel[0][7, 8]


def test_advanced_blurs_weights_vary_by_the_noise() -> None:
    arguments = (Constant(1.0), Constant(1.0), Constant(0.0), Constant(1.0))
    (plain,), _ = describe(image.AdvancedBlur(*arguments, Constant(0.0)), [(9, 9)] * 50)
    (noisy,), _ = describe(image.AdvancedBlur(*arguments, Constant(0.3)), [(9, 9)] * 50)
    ratio = (noisy.kernel / plain.kernel).reshape(50, -1)
    ratio /= ratio.mean(axis=1, keepdims=True)
    assert 0.6 < ratio.min() < 0.75 and 1.25 < ratio.max() < 1.45
    np.testing.assert_allclose(noisy.kernel.sum(axis=(1, 2)), 1)


@pytest.mark.parametrize("dtype", DTYPES)
def test_bilateral_keeps_edges_and_smooths_what_is_alike(dtype: str) -> None:
    rng = np.random.default_rng(0)
    levels = np.where(np.arange(60) < 30, 50, 200)[None, :, None] + rng.normal(0, 4, (40, 60, 3))
    picture = (np.clip(levels, 0, 255) / 255 * WHITE[dtype]).astype(dtype)
    made = drawn(image.Bilateral(7, 0.1, Constant(2.0)), picture).astype(float) / WHITE[dtype] * 255
    assert made[:, 2:28].std() < 0.5 * levels[:, 2:28].std()
    assert made[:, 27:30].max() < 75 and made[:, 30:33].min() > 175


def test_bilateral_equals_the_papers_formula_on_one_channel() -> None:
    picture = noise_picture(9, 11, 1, "float32")
    padded = np.pad(picture[..., 0].astype(float), 2, mode="reflect")
    numerator, denominator = np.zeros((9, 11)), np.zeros((9, 11))
    for dy in range(-2, 3):
        for dx in range(-2, 3):
            if dy * dy + dx * dx > 4:  # OpenCV's neighbours lie within a circle
                continue
            other = padded[2 + dy : 11 + dy, 2 + dx : 13 + dx]
            weight = np.exp(-0.5 * (dx * dx + dy * dy) / 1.5**2 - 0.5 * (other - picture[..., 0]) ** 2 / 0.3**2)
            numerator, denominator = numerator + weight * other, denominator + weight
    made = drawn(image.Bilateral(5, 0.3, Constant(1.5)), picture)[..., 0]
    np.testing.assert_allclose(made, numerator / denominator, atol=2e-4)


def test_wrong_arguments_are_named() -> None:
    with pytest.raises(ValueError, match="Bilateral: size"):
        image.Bilateral(4)
    with pytest.raises(ValueError, match="Blur: radius"):
        image.Blur(1.5)
    with pytest.raises(ValueError, match="Defocus: radius"):
        image.Defocus(101)


def test_pictures_of_the_reference_renderer_are_the_same() -> None:
    picture = noise_picture(20, 30)
    (reference,), _ = pictures(image.MotionBlur(7), [picture])
    native = Pipeline([image.MotionBlur(7)])(image=picture, key=0)["image"]
    assert np.abs(reference.astype(int) - native.astype(int)).max() <= 1
