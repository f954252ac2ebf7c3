"""Filters against scipy.ndimage."""

from __future__ import annotations

import numpy as np
import pytest
from describing import describe, describe_at
from hypothesis import given, settings
from hypothesis import strategies as st
from picturing import WHITE, noise_picture, pictures
from scipy.ndimage import correlate, gaussian_filter, gaussian_filter1d

from covary.ops.image.filters import GaussianBlur, Sharpen


@settings(max_examples=40)
@given(st.floats(0.01, 20))
def test_taps_equal_scipys_gaussian_of_an_impulse(sigma: float) -> None:
    changes, _ = describe(GaussianBlur((sigma, 25)), [(5, 5)] * 2)
    exact, _ = describe(GaussianBlur(sigma), [(5, 5)])
    taps = exact[0].kernel_x[0]
    impulse = np.zeros(len(taps))
    impulse[len(taps) // 2] = 1
    radius = int(np.ceil(3 * sigma))
    assert len(taps) == 2 * radius + 1
    np.testing.assert_allclose(taps, gaussian_filter1d(impulse, sigma, radius=radius, mode="constant"), atol=1e-15)
    np.testing.assert_array_equal(exact[0].kernel_y, exact[0].kernel_x)
    assert changes[0].kernel_x.shape == (2, 151)


@pytest.mark.parametrize("dtype", list(WHITE))
@pytest.mark.parametrize("sigma", [0.3, 1.0, 2.7])
@pytest.mark.parametrize("shape", [(1, 1), (2, 9), (12, 17)])
def test_blur_equals_scipys_gaussian_filter(dtype: str, sigma: float, shape: tuple[int, int]) -> None:
    image = noise_picture(*shape, dtype=dtype)
    (result,), _ = pictures(GaussianBlur(sigma), [image], exact=True)
    wide = image.astype(np.float64)
    expected = gaussian_filter(wide, sigma, mode="mirror", radius=int(np.ceil(3 * sigma)), axes=(0, 1))
    np.testing.assert_allclose(result, expected, rtol=1e-5, atol=1e-6 * WHITE[dtype])


def test_narrow_blurs_of_a_wide_range_have_the_taps_they_have_alone() -> None:
    """The width follows the range, the taps follow the sigma alone."""
    for u in (0.0, 0.1, 0.5, 0.9):
        (wide,) = describe_at(GaussianBlur((0.2, 6.0)), (9, 9), sigma=u)
        sigma = 0.2 + 5.8 * u
        (alone,) = describe_at(GaussianBlur(sigma), (9, 9))
        margin = (wide.kernel_x.shape[1] - alone.kernel_x.shape[1]) // 2
        padded = np.pad(alone.kernel_x[0], margin)
        np.testing.assert_allclose(wide.kernel_x[0], padded, atol=1e-16)


def test_sigma_zero_is_exactly_the_identity_within_any_range() -> None:
    (change,) = describe_at(GaussianBlur((0, 3)), (9, 9), sigma=0.0)
    np.testing.assert_array_equal(change.kernel_x[0], np.eye(19)[9])
    (idle,) = describe_at(GaussianBlur().with_strength(0), (9, 9))
    np.testing.assert_array_equal(idle.kernel_x, [[1.0]])


@settings(max_examples=30)
@given(st.floats(0, 100))
def test_taps_sum_to_one_and_are_symmetric(sigma: float) -> None:
    (change,), _ = describe(GaussianBlur(sigma), [(5, 5)])
    np.testing.assert_allclose(change.kernel_x.sum(axis=1), 1, atol=1e-12)
    np.testing.assert_array_equal(change.kernel_x, change.kernel_x[:, ::-1])


@pytest.mark.parametrize("dtype", list(WHITE))
@pytest.mark.parametrize(("alpha", "lightness"), [(0.2, 1.0), (0.5, 0.5), (1.0, 1.0), (0.0, 0.7)])
def test_sharpen_equals_the_blend_with_scipys_correlation(dtype: str, alpha: float, lightness: float) -> None:
    image = noise_picture(8, 6, dtype=dtype)
    operation = Sharpen(alpha, lightness=(lightness, lightness))
    (result,), _ = pictures(operation, [image], exact=True)
    wide = image.astype(np.float64)
    kernel = np.full((3, 3), -1.0)
    kernel[1, 1] = 8 + lightness
    edges = correlate(wide, kernel[:, :, None], mode="mirror")
    expected = (1 - alpha) * wide + alpha * edges
    np.testing.assert_allclose(result, expected, rtol=1e-5, atol=1e-5 * WHITE[dtype])


def test_sharpen_keeps_even_areas_by_default() -> None:
    image = np.full((5, 7, 3), 93, dtype=np.uint8)
    results, _ = pictures(Sharpen(), [image] * 5)
    for result in results:
        np.testing.assert_array_equal(result, image)
