"""Colour operations against closed forms, one operation after another in NumPy, and scikit-image."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from describing import describe, describe_at, values_of
from hypothesis import given, settings
from hypothesis import strategies as st
from picturing import WHITE, draw_changes, noise_picture, pictures
from skimage.color import rgb2hsv, rgb2yiq

from covary.ops.image.colour import Brightness, ColorJitter, Contrast, Grayscale, Hue, RGBShift, Saturation

LUMA = np.array([0.299, 0.587, 0.114])


def brightened(x: np.ndarray, factor: float) -> np.ndarray:
    return factor * x


def contrasted(x: np.ndarray, factor: float, pivot: float | None = None) -> np.ndarray:
    return factor * x + (1 - factor) * ((x @ LUMA).mean() if pivot is None else pivot)


def saturated(x: np.ndarray, factor: float) -> np.ndarray:
    return factor * x + (1 - factor) * (x @ LUMA)[..., None]


def turned(x: np.ndarray, shift: float) -> np.ndarray:
    """The chroma turned about the grey axis by Rodrigues' formula, then put back to its luma."""
    axis, angle = np.ones(3) / np.sqrt(3), 2 * np.pi * shift
    about = (
        x * np.cos(angle)
        + np.cross(np.broadcast_to(axis, x.shape), x) * np.sin(angle)
        + axis * (x @ axis)[..., None] * (1 - np.cos(angle))
    )
    return about + (x @ LUMA - about @ LUMA)[..., None]


@pytest.mark.parametrize("dtype", list(WHITE))
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_brightness_equals_multiplication(dtype: str, channels: int) -> None:
    image = noise_picture(channels=channels, dtype=dtype)
    factors = values_of(Brightness((0.2, 1.9)), 3)["factor"]
    results, _ = pictures(Brightness((0.2, 1.9)), [image] * 3, exact=True)
    for factor, result in zip(factors, results, strict=True):
        np.testing.assert_allclose(result, image * factor, rtol=1e-6)


@pytest.mark.parametrize("dtype", list(WHITE))
@pytest.mark.parametrize("channels", [1, 3])
def test_contrast_about_the_middle_equals_the_closed_form(dtype: str, channels: int) -> None:
    image = noise_picture(channels=channels, dtype=dtype).astype(np.float64)
    factors = values_of(Contrast((0, 2)), 3)["factor"]
    results, _ = pictures(Contrast((0, 2)), [image.astype(dtype)] * 3, exact=True)
    for factor, result in zip(factors, results, strict=True):
        expected = WHITE[dtype] / 2 + factor * (image.astype(dtype) - WHITE[dtype] / 2)
        np.testing.assert_allclose(result, expected, rtol=1e-5, atol=1e-6 * WHITE[dtype])


@pytest.mark.parametrize("dtype", list(WHITE))
def test_contrast_about_the_mean_is_torchvisions_blend_with_the_mean_grey(dtype: str) -> None:
    image = noise_picture(dtype=dtype)
    factors = values_of(Contrast((0, 2)), 3)["factor"]
    results, _ = pictures(Contrast((0, 2), pivot="mean"), [image] * 3, exact=True)
    for factor, result in zip(factors, results, strict=True):
        expected = contrasted(image.astype(np.float64), factor)
        np.testing.assert_allclose(result, expected, rtol=1e-5, atol=1e-6 * WHITE[dtype])


def test_contrast_zero_is_the_pivot_everywhere() -> None:
    image = noise_picture()
    (flat,), _ = pictures(Contrast((0, 0)), [image], exact=True)
    np.testing.assert_allclose(flat, 127.5)
    (mean,), _ = pictures(Contrast((0, 0), pivot="mean"), [image], exact=True)
    np.testing.assert_allclose(mean, (image @ LUMA).mean(), rtol=1e-6)


@pytest.mark.parametrize("dtype", list(WHITE))
def test_saturation_is_the_blend_with_luma(dtype: str) -> None:
    image = noise_picture(dtype=dtype)
    factors = values_of(Saturation((0, 2)), 3)["factor"]
    results, _ = pictures(Saturation((0, 2)), [image] * 3, exact=True)
    for factor, result in zip(factors, results, strict=True):
        expected = saturated(image.astype(np.float64), factor)
        np.testing.assert_allclose(result, expected, rtol=1e-5, atol=1e-6 * WHITE[dtype])


def test_grayscale_equals_the_luma_of_scikit_images_yiq() -> None:
    """scikit-image's rgb2gray has Rec. 709 weights; the Y of its YIQ has those of Rec. 601."""
    image = noise_picture(dtype="float32")
    (result,), _ = pictures(Grayscale(p=1), [image], exact=True)
    expected = rgb2yiq(image.astype(np.float64))[..., :1]
    np.testing.assert_allclose(result, np.broadcast_to(expected, image.shape), atol=1e-6)


def test_grayscale_happens_to_one_picture_in_ten_by_default() -> None:
    assert Grayscale().p == 0.1


@pytest.mark.parametrize("shift", [-0.5, -0.3, 0.0, 0.1, 1 / 3, 0.5])
def test_hue_equals_rodrigues_rotation_put_back_to_its_luma(shift: float) -> None:
    image = noise_picture(dtype="float32")
    (result,), _ = pictures(Hue((shift, shift)), [image], exact=True)
    np.testing.assert_allclose(result, turned(image.astype(np.float64), shift), atol=1e-6)


def test_hue_by_a_third_takes_the_chroma_of_red_to_green_and_green_to_blue() -> None:
    (change,) = describe_at(Hue((1 / 3, 1 / 3)), (1, 1))
    matrix = change.matrix[0, :, :3]
    for source, target in ((0, 1), (1, 2), (2, 0)):
        grey = LUMA[source] - LUMA[target]
        np.testing.assert_allclose(matrix @ np.eye(3)[source], np.eye(3)[target] + grey, atol=1e-12)


def test_hue_turns_as_hsv_hue_does() -> None:
    """Near grey the hue angle of scikit-image's HSV moves to the same side, by nearly as much."""
    colour = 0.5 + 0.05 * np.random.Generator(np.random.PCG64(0)).uniform(-1, 1, (200, 3))
    for shift in (-0.2, 0.05, 0.2):
        (change,) = describe_at(Hue((shift, shift)), (1, 1))
        moved = colour @ change.matrix[0, :, :3].T
        difference = (rgb2hsv(moved[None])[0, :, 0] - rgb2hsv(colour[None])[0, :, 0] - shift + 0.5) % 1 - 0.5
        # A hexagon's and a circle's angle differ by up to 1/50 of a turn.
        assert np.abs(difference).max() < 0.02


@settings(max_examples=30)
@given(st.floats(-0.25, 0.25), st.floats(-0.25, 0.25))
def test_hue_shifts_add_up_and_keep_luma_and_grey(first: float, second: float) -> None:
    matrices = []
    for shift in (first, second, first + second):
        (change,) = describe_at(Hue((shift, shift)), (1, 1))
        matrix = change.matrix[0, :, :3]
        np.testing.assert_allclose(LUMA @ matrix, LUMA, atol=1e-12)
        np.testing.assert_allclose(matrix @ np.ones(3), 1, atol=1e-12)
        np.testing.assert_array_equal(change.matrix[0, :, 3], 0)
        matrices.append(matrix)
    np.testing.assert_allclose(matrices[0] @ matrices[1], matrices[2], atol=1e-12)


FACTORS = st.floats(0, 2)


@settings(max_examples=40)
@given(FACTORS, FACTORS, FACTORS, st.floats(-0.5, 0.5), st.booleans(), st.booleans())
def test_color_jitter_equals_the_four_one_after_another_in_all_orders(
    b: float, c: float, s: float, h: float, mean: bool, contrast_last: bool
) -> None:
    operation = ColorJitter((b, b), (c, c), (s, s), (h, h), pivot="mean" if mean else "middle")
    image = noise_picture(3, 4, dtype="float32")
    (change,) = describe_at(operation, (3, 4), order=0.25 if contrast_last else 0.75)
    (result,) = draw_changes([change], [image * np.float32(255)], exact=True)
    x = image.astype(np.float64) * 255
    steps = {
        "b": lambda x: brightened(x, b),
        "c": lambda x: contrasted(x, c, None if mean else 127.5),
        "s": lambda x: saturated(x, s),
        "h": lambda x: turned(x, h),
    }
    orders = ["".join(order) for order in itertools.permutations("bcsh")]
    alike = [order for order in orders if (order.index("b") < order.index("c")) == contrast_last]
    assert len(alike) == 12
    for order in orders if mean else alike:
        expected = x
        for step in order:
            expected = steps[step](expected)
        np.testing.assert_allclose(result, expected, rtol=1e-4, atol=1e-2)


def test_color_jitter_puts_contrast_last_in_half_of_all_pictures() -> None:
    changes, _ = describe(ColorJitter((0.5, 0.5), (0.5, 0.5), 0, 0), [(1, 1)] * 4000)
    offsets = changes[0].matrix[:, 0, 3]
    first, last = 0.5 * 127.5 * 0.5, 0.5 * 127.5
    assert set(np.unique(offsets)) == {first, last}
    assert abs((offsets == last).mean() - 0.5) < 6 * 0.5 / np.sqrt(4000)


@pytest.mark.parametrize("pivot", ["middle", "mean"])
def test_color_jitter_with_one_range_is_that_operation(pivot: str) -> None:
    image = noise_picture(dtype="float32")
    alone = {
        "brightness": Brightness((0.4, 0.4)),
        "contrast": Contrast((0.4, 0.4), pivot=pivot),
        "saturation": Saturation((0.4, 0.4)),
        "hue": Hue((0.4, 0.4)),
    }
    for name, operation in alone.items():
        jitter = ColorJitter(**{key: (0.4, 0.4) if key == name else 0 for key in alone}, pivot=pivot)
        (expected,), _ = pictures(operation, [image], exact=True)
        (result,), _ = pictures(jitter, [image], exact=True)
        np.testing.assert_allclose(result, expected, atol=1e-6)


def test_color_jitter_leaves_grey_pictures_without_colour() -> None:
    grey = noise_picture(channels=1, dtype="float32")
    operation = ColorJitter(0.5, 0.5, 0.5, 0.5)
    (one,), _ = pictures(operation, [grey], exact=True)
    (three,), _ = pictures(operation, [np.repeat(grey, 3, axis=2)], exact=True)
    np.testing.assert_allclose(three, np.repeat(one, 3, axis=2), atol=1e-6)


@pytest.mark.parametrize("dtype", list(WHITE))
def test_rgb_shift_adds_fractions_of_white(dtype: str) -> None:
    image = noise_picture(dtype=dtype)
    operation = RGBShift((0.1, 0.1), (-0.2, -0.2), (0.3, 0.3))
    (result,), _ = pictures(operation, [image], exact=True)
    expected = image + np.array([0.1, -0.2, 0.3]) * WHITE[dtype]
    np.testing.assert_allclose(result, expected, rtol=1e-5, atol=1e-6 * WHITE[dtype])


def test_a_number_means_either_side_of_the_identity_as_in_torchvision() -> None:
    drawn = values_of(ColorJitter(brightness=0.3, contrast=1.5, saturation=0.1, hue=0.2), 2000)
    for name, low, high in (
        ("brightness", 0.7, 1.3),
        ("contrast", 0, 2.5),
        ("saturation", 0.9, 1.1),
        ("hue", -0.2, 0.2),
    ):
        values = drawn[name]
        assert low <= values.min() < low + 0.01 * (high - low)
        assert high - 0.01 * (high - low) < values.max() <= high
