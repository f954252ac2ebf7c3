"""Tone operations against integer arithmetic and the power function; uint8 results are those of Pillow's masks."""

from __future__ import annotations

import numpy as np
import pytest
from describing import describe, values_of
from hypothesis import given, settings
from hypothesis import strategies as st
from picturing import WHITE, in_dtype, noise_picture, pictures

from covary.draws.distributions import LogUniform, Uniform
from covary.ops.image.tone import Gamma, Invert, Posterize, Solarize

RAMP = np.arange(256).reshape(16, 16, 1).repeat(3, axis=2)


@pytest.mark.parametrize("dtype", list(WHITE))
@pytest.mark.parametrize("gamma", [0.3, 0.8, 1.0, 1.25, 4.0])
def test_gamma_equals_the_power_of_the_fraction_of_white(dtype: str, gamma: float) -> None:
    image = in_dtype(RAMP, dtype)
    (result,), _ = pictures(Gamma((gamma, gamma)), [image], exact=True)
    np.testing.assert_allclose(result / WHITE[dtype], (RAMP / 255) ** gamma, atol=2e-7)


def test_gamma_of_float32_between_the_table_entries_is_interpolated_closely() -> None:
    image = np.random.Generator(np.random.PCG64(3)).uniform(0.01, 1, (40, 40, 1)).astype(np.float32)
    for gamma in (0.5, 2.2):
        (result,), _ = pictures(Gamma((gamma, gamma)), [image])
        np.testing.assert_allclose(result, image.astype(np.float64) ** gamma, atol=1e-6)


def test_gamma_is_drawn_log_uniformly_so_that_darker_and_brighter_are_alike() -> None:
    assert isinstance(Gamma().gamma, LogUniform)
    drawn = values_of(Gamma((0.5, 2)), 4000)["gamma"]
    assert abs((drawn < 1).mean() - 0.5) < 6 * 0.5 / np.sqrt(4000)


@pytest.mark.parametrize("bits", range(1, 9))
def test_posterize_equals_the_mask_of_the_upper_bits(bits: int) -> None:
    image = in_dtype(RAMP, "uint8")
    (result,), _ = pictures(Posterize(bits), [image])
    np.testing.assert_array_equal(result, image & np.uint8(256 - 2 ** (8 - bits)))


@pytest.mark.parametrize("bits", range(1, 8))
def test_posterize_of_uint16_keeps_the_upper_bits_at_the_values_of_uint8(bits: int) -> None:
    image = np.arange(65536).reshape(256, 256, 1).astype(np.uint16)
    (result,), _ = pictures(Posterize(bits), [image])
    np.testing.assert_array_equal(result, (image >> (16 - bits) << (8 - bits)) * np.uint16(257))


@pytest.mark.parametrize("dtype", list(WHITE))
def test_posterize_to_eight_bits_changes_no_picture_of_any_depth(dtype: str) -> None:
    image = (np.arange(65536).reshape(256, 256, 1) / 65535 * WHITE[dtype]).astype(dtype)
    (result,), _ = pictures(Posterize(8), [image])
    np.testing.assert_allclose(result, image, rtol=0, atol=1e-7 if dtype == "float32" else 0)


@pytest.mark.parametrize("operation", [Posterize((1, 8)), Posterize(Uniform(1, 8))])
def test_posterize_draws_whole_numbers_of_bits(operation: Posterize) -> None:
    image = in_dtype(RAMP, "uint8")
    results, _ = pictures(operation, [image] * 60)
    levels = {len(np.unique(result)) for result in results}
    assert levels == {2, 4, 8, 16, 32, 64, 128, 256}


@pytest.mark.parametrize("dtype", list(WHITE))
@pytest.mark.parametrize("threshold", [0, 1, 100, 128, 254, 255])
def test_solarize_inverts_from_the_threshold_on_and_nothing_at_one(dtype: str, threshold: int) -> None:
    (result,), _ = pictures(Solarize(threshold / 255), [in_dtype(RAMP, dtype)])
    expected = np.where((threshold <= RAMP) & (threshold < 255), 255 - RAMP, RAMP)
    np.testing.assert_allclose(result, in_dtype(expected, dtype), rtol=0, atol=1e-7 if dtype == "float32" else 0)


@pytest.mark.parametrize("dtype", list(WHITE))
@pytest.mark.parametrize("channels", [1, 3, 5])
def test_invert_is_white_minus_the_value_and_its_own_inverse(dtype: str, channels: int) -> None:
    image = noise_picture(channels=channels, dtype=dtype)
    (result,), _ = pictures(Invert(), [image])
    np.testing.assert_array_equal(result, np.asarray(WHITE[dtype] - image, dtype=dtype))
    (back,), _ = pictures(Invert(), [result])
    np.testing.assert_allclose(back, image, rtol=0, atol=1e-7 if dtype == "float32" else 0)


def departure(operation: Posterize | Solarize | Gamma) -> np.ndarray:
    changes, _ = describe(operation, [(1, 1)])
    return np.abs(changes[0].table[0][0] - np.arange(256))


@settings(max_examples=30)
@given(st.floats(0, 1), st.floats(0, 1))
def test_magnitude_is_monotone(one: float, other: float) -> None:
    """More strength never changes a picture less."""
    weak, strong = sorted((one, other))
    for operation, whole in ((Posterize(1), True), (Solarize(0), True), (Gamma((3, 3)), False)):
        less, more = departure(operation.with_strength(weak)), departure(operation.with_strength(strong))
        if whole:
            assert less.sum() <= more.sum()
        else:
            assert (less <= more + 1e-4).all()
