"""Noise: the statistics of what is drawn and of what is rendered."""

from __future__ import annotations

import numpy as np
import pytest
from describing import describe, values_of
from picturing import WHITE, in_dtype, pictures
from scipy.stats import kstest

from covary.ops.image.noise import GaussianNoise, SaltAndPepper

GREY = np.full((128, 128, 3), 128)


@pytest.mark.parametrize("dtype", list(WHITE))
def test_gaussian_noise_has_the_std_and_mean_given_in_units_of_white(dtype: str) -> None:
    image = in_dtype(GREY, dtype)
    (result,), _ = pictures(GaussianNoise(0.05, mean=(0.1, 0.1)), [image], exact=True)
    noise = (result - image.astype(np.float64)) / WHITE[dtype]
    count = noise.size
    assert abs(noise.mean() - 0.1) < 6 * 0.05 / np.sqrt(count)
    assert abs(noise.std() - 0.05) < 6 * 0.05 / np.sqrt(2 * count)


def test_gaussian_noise_is_normal_and_independent() -> None:
    image = in_dtype(GREY, "float32")
    (one, other), _ = pictures(GaussianNoise(0.05), [image] * 2, exact=True)
    first, second = ((x - image) / 0.05 for x in (one, other))
    assert kstest(first.ravel()[::7], "norm").pvalue > 1e-4
    bound = 6 / np.sqrt(128 * 127)
    pairs = {
        "two pictures": (first, second),
        "two channels": (first[..., 0], first[..., 1]),
        "neighbours across": (first[:, 1:, 0], first[:, :-1, 0]),
        "neighbours down": (first[1:, :, 0], first[:-1, :, 0]),
    }
    for name, (a, b) in pairs.items():
        assert abs(np.corrcoef(a.ravel(), b.ravel())[0, 1]) < bound, name


def test_noise_for_all_channels_is_grey() -> None:
    image = in_dtype(GREY, "float32")
    (result,), _ = pictures(GaussianNoise(0.05, per_channel=False), [image], exact=True)
    assert result.std() > 0.04
    np.testing.assert_array_equal(result[..., 0], result[..., 1])
    np.testing.assert_array_equal(result[..., 0], result[..., 2])


def test_std_is_spread_evenly_over_its_range() -> None:
    drawn = values_of(GaussianNoise((0.01, 0.05)), 2000)["std"]
    assert kstest(drawn, "uniform", args=(0.01, 0.04)).pvalue > 1e-4


@pytest.mark.parametrize("dtype", list(WHITE))
@pytest.mark.parametrize(("amount", "salt"), [(0.1, 0.5), (0.3, 0.2), (1.0, 1.0), (1.0, 0.0)])
def test_salt_and_pepper_strike_their_shares_of_the_pixels(dtype: str, amount: float, salt: float) -> None:
    image = in_dtype(GREY, dtype)
    (result,), _ = pictures(SaltAndPepper(amount, salt=salt), [image])
    np.testing.assert_array_equal(result[..., 0], result[..., 1])
    np.testing.assert_array_equal(result[..., 0], result[..., 2])
    white, black = ((result[..., 0] == level).mean() for level in (WHITE[dtype], 0))
    pixels = 128 * 128
    for share, expected in ((white, amount * salt), (black, amount * (1 - salt))):
        assert abs(share - expected) <= 6 * np.sqrt(expected * (1 - expected) / pixels) + 1 / 65536
    kept = (result[..., 0] == image[0, 0, 0]).mean()
    assert kept + white + black == 1


def test_the_two_kinds_of_noise_have_streams_of_their_own() -> None:
    (gaussian,), _ = describe(GaussianNoise(), [(1, 1)] * 50)
    (impulses,), _ = describe(SaltAndPepper(), [(1, 1)] * 50)
    streams = np.concatenate([gaussian.stream, impulses.stream])
    assert len(np.unique(streams)) == 100
