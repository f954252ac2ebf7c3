"""Noise of light and sensors against the laws of scipy."""

from __future__ import annotations

import numpy as np
import pytest
from photograph import assert_changes_rise_with_strength, assert_key_decides, assert_takes_all_pictures
from scipy import stats

from covary import Pipeline, image
from covary.draws.distributions import Constant

ALL = [
    image.ShotNoise(),
    image.ISONoise(),
    image.MultiplicativeNoise(),
    image.MultiplicativeNoise(per_channel=True),
    image.MultiplicativeNoise((0.5, 1.7), elementwise=True),
    *(image.AdditiveNoise(law) for law in ("uniform", "gaussian", "laplace", "beta", "rayleigh", "exponential")),
    image.AdditiveNoise("laplace", elementwise=False),
    image.RicianNoise(),
    image.PixelDropout(0.1),
    image.PixelDropout(0.1, fill="noise", per_channel=True),
    image.FilmGrain(),
]


def on_level(operation: object, level: float, channels: int = 1, side: int = 250) -> np.ndarray:
    """What becomes of a float32 picture of one level."""
    return Pipeline([operation])(image=np.full((side, side, channels), level, np.float32), key=3)["image"]


@pytest.mark.parametrize("operation", ALL, ids=repr)
def test_noise_takes_all_pictures_and_rises_with_strength(operation) -> None:
    assert_takes_all_pictures(operation)
    assert_changes_rise_with_strength(operation, 4)
    assert_key_decides(operation)


@pytest.mark.parametrize(("scale", "level"), [(0.01, 0.5), (0.1, 0.9), (0.5, 0.6), (0.001, 0.3)])
def test_shot_noise_has_the_moments_of_scipys_poisson(scale, level) -> None:
    counts = on_level(image.ShotNoise(scale), level) / scale
    law = stats.poisson(level / scale)
    assert abs(counts.mean() - law.mean()) < 5 * law.std() / 250
    assert abs(counts.var() / law.var() - 1) < 0.03
    assert np.abs(counts - np.rint(counts)).max() < 1e-3


def test_iso_noise_is_grey_and_coloured_and_grows_with_light() -> None:
    grey = on_level(image.ISONoise(0.1, 0), 0.5, 3)
    np.testing.assert_array_equal(grey[..., 0], grey[..., 2])
    coloured = on_level(image.ISONoise(0, 0.1), 0.5, 3)
    assert abs(np.corrcoef(coloured.reshape(-1, 3).T)[0, 1]) < 0.02
    deviations = [on_level(image.ISONoise(0, 0.1), level, 3).std() for level in (0.0, 0.5, 1.0)]
    np.testing.assert_allclose(deviations, 0.1 * np.sqrt(0.09 + 0.91 * np.array([0, 0.5, 1])), rtol=0.02)


def test_speckle_is_uniform_between_the_multipliers() -> None:
    speckle = on_level(image.MultiplicativeNoise((0.5, 1.7), elementwise=True), 0.5) / 0.5
    assert stats.kstest(speckle.ravel(), stats.uniform(0.5, 1.2).cdf).statistic < 0.01


def test_multipliers_are_one_a_picture_or_one_a_channel() -> None:
    one = on_level(image.MultiplicativeNoise(), 0.5, 3, 8)
    assert len(np.unique(one)) == 1 and 0.45 <= one[0, 0, 0] <= 0.55
    each = on_level(image.MultiplicativeNoise(per_channel=True), 0.5, 3, 8)
    assert len(np.unique(each)) == 3 and (each == each[:1, :1]).all() and (np.abs(each - 0.5) <= 0.0501).all()


@pytest.mark.parametrize(
    ("name", "law"),
    [
        ("uniform", stats.uniform()),
        ("gaussian", stats.norm()),
        ("laplace", stats.laplace()),
        ("beta", stats.beta(2, 5)),
        ("rayleigh", stats.rayleigh()),
        ("exponential", stats.expon()),
    ],
)
def test_additive_noise_follows_scipys_law(name, law) -> None:
    noise = (on_level(image.AdditiveNoise(name, Constant(0.1), 2, 5), 0.5) - 0.5) / 0.1
    assert stats.kstest(noise.ravel() * law.std() + law.mean(), law.cdf).statistic < 0.01


def test_additive_noise_may_be_shared() -> None:
    shared = on_level(image.AdditiveNoise(per_channel=False), 0.5, 3)
    np.testing.assert_array_equal(shared[..., 0], shared[..., 1])
    whole = on_level(image.AdditiveNoise(elementwise=False), 0.5, 3, 8)
    assert (whole == whole[:1, :1]).all() and len(np.unique(whole)) == 3
    assert len(np.unique(on_level(image.AdditiveNoise(elementwise=False, per_channel=False), 0.5, 3, 8))) == 1


def test_rician_noise_follows_scipys_rice() -> None:
    for level in (0.0, 0.1, 0.5):
        noisy = on_level(image.RicianNoise(0.1), level)
        assert stats.kstest(noisy.ravel() / 0.1, stats.rice(level / 0.1).cdf).statistic < 0.012


def test_pixel_dropout_drops_its_share_to_its_colour() -> None:
    picture = np.full((200, 200, 3), 9, np.uint8)
    dropped = Pipeline([image.PixelDropout(0.3, fill=(1, 2, 3))])(image=picture, key=1)["image"]
    gone = (dropped != 9).any(axis=2)
    assert abs(gone.mean() - 0.3) < 0.01 and (dropped[gone] == (1, 2, 3)).all()
    each = Pipeline([image.PixelDropout(0.3, per_channel=True)])(image=picture, key=1)["image"] == 0
    assert abs(each.mean() - 0.3) < 0.01 and abs((each[..., 0] & each[..., 1]).mean() - 0.09) < 0.01


def test_film_grain_is_coarser_where_asked_and_fainter_in_the_light() -> None:
    likeness = []
    for size in (1, 3, 8):
        grain = on_level(image.FilmGrain(0.1, Constant(float(size))), 0.2)[..., 0]
        likeness.append(np.corrcoef(grain[:, :-1].ravel(), grain[:, 1:].ravel())[0, 1])
    assert likeness[0] < 0.8 and likeness == sorted(likeness) and likeness[-1] > 0.9
    dark, light = (on_level(image.FilmGrain(0.1, Constant(1.0)), level).std() for level in (0.0, 1.0))
    assert abs(light / dark - 0.3) < 1e-3


def test_wrong_arguments_are_named() -> None:
    for wrong, argument in (
        (lambda: image.AdditiveNoise("pink"), "distribution"),
        (lambda: image.AdditiveNoise(alpha=0), "alpha"),
        (lambda: image.PixelDropout(fill="red"), "fill"),
        (lambda: image.RicianNoise(per_channel=1), "per_channel"),
        (lambda: image.ShotNoise(2.0), "scale"),
    ):
        with pytest.raises(ValueError, match=argument):
            wrong()
