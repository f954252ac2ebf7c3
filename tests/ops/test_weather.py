"""Weather and road: visible, seeded, where they say, and kernels against NumPy."""

from __future__ import annotations

import numpy as np
import pytest
from photograph import assert_changes_rise_with_strength, assert_key_decides, assert_takes_all_pictures, photograph

from covary import Pipeline, image, kernels
from covary.draws.distributions import Constant
from covary.ops.image.cover import cover, covered, stroked, strokes
from covary.ops.image.weather import _spline, between_knots, smooth_noise, whitening
from covary.ops.view import View

ALL = [
    image.RandomFog(),
    image.RandomRain(),
    image.RandomSnow(),
    image.RandomSnow(mode="lying"),
    image.RandomSnow(mode="falling"),
    image.Spatter(),
    image.Spatter(mode="mud"),
    image.Frost(),
    image.RandomShadow(),
    image.RandomSunFlare(),
    image.RandomGravel(),
    image.WetRoad(),
    image.Night(),
]
needs_kernels = pytest.mark.skipif(kernels.native is None, reason="the compiled kernels are missing")


def after(operation: object, picture: np.ndarray, key: int = 0) -> np.ndarray:
    return Pipeline([operation])(image=picture, key=key)["image"]


def grey(level: float = 0.5, side: int = 128, channels: int = 3) -> np.ndarray:
    return np.full((side, side, channels), level, np.float32)


@pytest.mark.parametrize("operation", ALL, ids=repr)
def test_weather_takes_all_pictures_rises_with_strength_and_is_seen(operation) -> None:
    assert_takes_all_pictures(operation)
    assert_changes_rise_with_strength(operation, 6)
    assert_key_decides(operation)
    picture = photograph()
    changed = [np.abs(after(operation, picture, key).astype(int) - picture).max(axis=2) for key in range(4)]
    # Some part of it changes by 16 levels and more.
    assert np.mean([(change >= 16).mean() for change in changed]) > 0.005


@needs_kernels
@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
def test_numpys_curves_of_lying_snow_are_the_kernels(dtype, monkeypatch) -> None:
    amount = np.append(np.random.default_rng(0).random(30), [0.0, 0.5, 1.0])
    view = View(np.full((len(amount), 2), 8), 3, dtype)
    compiled = whitening(amount, view)
    monkeypatch.setattr(kernels, "native", None)
    np.testing.assert_array_equal(compiled, whitening(amount, view))


def test_lying_snow_is_a_smooth_step_of_closed_form_from_the_threshold_on() -> None:
    level, amount = np.arange(65536) / 65535, 0.6
    rise = np.clip((level - 0.45) / 0.3, 0, 1)
    expected = level + (3 * rise**2 - 2 * rise**3) * (1 - level)
    made = whitening(np.array([amount]), View(np.full((1, 2), 8), 3, "uint16"))[0, 0] / 65535
    np.testing.assert_allclose(made, expected, atol=1e-6)
    assert made[0] == 0 and made[-1] == 1


@needs_kernels
@pytest.mark.parametrize("channels", [1, 3, 4])
@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
def test_numpys_cover_gives_the_kernels_bytes(dtype, channels) -> None:
    rng = np.random.default_rng(0)
    white = {"uint8": 255, "uint16": 65535, "float32": 1}[dtype]
    picture = (rng.random((30, 40, channels)) * white).astype(dtype)
    alpha, light = rng.integers(0, 256, (2, 30, 40), dtype=np.uint8)
    alpha[:5] = 0
    for own in (light, None):
        ours = cover(picture.copy(), alpha, own, (0.5, 0.5, 0.5))
        paint = np.full(channels, 0.5, np.float32) * np.float32(white)
        np.testing.assert_array_equal(ours, covered(picture.copy(), alpha, own, paint))


def test_cover_equals_its_formula_in_float64() -> None:
    rng = np.random.default_rng(0)
    picture = rng.integers(0, 256, (30, 40, 3), dtype=np.uint8)
    alpha, light = rng.integers(0, 256, (2, 30, 40), dtype=np.uint8)
    share, lit = alpha[..., None] / 255, light[..., None] / 255
    expected = picture + share * (np.array([0.2, 0.5, 1]) * 255 * lit - picture)
    made = cover(picture.copy(), alpha, light, (0.2, 0.5, 1))
    assert np.abs(made - expected).max() <= 0.5001


@needs_kernels
def test_numpys_strokes_give_the_kernels_bytes() -> None:
    rng = np.random.default_rng(0)
    lines = np.concatenate([rng.uniform(-20, 70, (300, 4)), rng.uniform(0.2, 4, (300, 1))], axis=1)
    lines[:50, 2:4] = lines[:50, :2]  # discs
    lines[50:60, 3] = lines[50:60, 1]  # level ones
    paint = rng.integers(0, 256, (300, 2), dtype=np.uint8)
    for count in (0, 1, 60, 300):
        planes = np.zeros((2, 2, 40, 50), np.uint8)
        strokes(planes[0, 0], planes[0, 1], lines[:count], paint[:count, 0], paint[:count, 1])
        stroked(planes[1, 0], planes[1, 1], lines[:count].astype(np.float32), paint[:count])
        np.testing.assert_array_equal(planes[0], planes[1])


def test_a_discs_area_is_pi_r_squared() -> None:
    for radius in (2.0, 5.5, 12.0):
        alpha = np.zeros((40, 40), np.uint8)
        strokes(alpha, None, np.array([[20.3, 19.6, 20.3, 19.6, radius]]), 255)
        assert abs(alpha.sum() / 255 / (np.pi * radius**2) - 1) < 0.03


@needs_kernels
def test_numpys_splines_give_the_kernels_bytes_and_scipys_values() -> None:
    from scipy.interpolate import BSpline

    from covary.gaussian import gaussian_wave

    made = smooth_noise(5, 37, 61, 7.3)
    (down, wy), (across, wx) = _spline(37, 7.3), _spline(61, 7.3)
    knots = gaussian_wave(5, int(down[-1]) + 4, int(across[-1]) + 4)
    np.testing.assert_array_equal(made, between_knots(knots, down, wy, across, wx))
    rows = BSpline(np.arange(-3, len(knots) + 1), knots.astype(float), 3)((np.arange(37) + 0.5) / 7.3)
    columns = BSpline(np.arange(-3, knots.shape[1] + 1), rows.T, 3)((np.arange(61) + 0.5) / 7.3)
    np.testing.assert_allclose(made, columns.T, atol=1e-5)


def test_fog_is_between_the_picture_and_its_colour_and_densest_above() -> None:
    out = after(image.RandomFog(0.9, Constant(0.3), Constant(0.7)), grey(0.2))
    assert out.min() >= 0.2 and out.max() <= 0.2 + 0.9 * 0.7 + 1e-5
    assert out[:20].mean() > out[-20:].mean() + 0.1


def test_more_rain_keeps_the_drops_of_less() -> None:
    light = after(image.RandomRain(0.3, Constant(10.0), Constant(0.1), 0.0), grey(0.0)) > 0
    heavy = after(image.RandomRain(0.6, Constant(10.0), Constant(0.1), 0.0), grey(0.0)) > 0
    assert (heavy | ~light).all() and heavy.mean() > 1.5 * light.mean() > 0.01


def test_rain_slants_as_asked() -> None:
    for slant in (-40.0, 0.0, 40.0):
        drops = after(image.RandomRain(0.5, Constant(slant), Constant(0.1), 0.0), grey(0.0, 256))[..., 0].astype(float)
        # The direction in which brightness changes least, by the structure tensor.
        dy, dx = np.gradient(drops)
        angle = 0.5 * np.arctan2(2 * (dx * dy).sum(), (dx * dx - dy * dy).sum())
        assert abs(np.degrees(angle) + slant) < 6


def test_snow_lies_where_it_is_bright() -> None:
    picture = photograph()
    out = after(image.RandomSnow(0.8, "lying"), picture).astype(float)
    bright, dark = picture.min(axis=2) > 170, picture.max(axis=2) < 40
    assert out[bright].mean() > 245 and np.abs(out[dark] - picture[dark]).mean() < 12


@pytest.mark.parametrize("mode", ["rain", "mud"])
@pytest.mark.parametrize("amount", [0.1, 0.3])
def test_spatter_covers_its_share(mode, amount) -> None:
    picture = grey(0.0 if mode == "rain" else 1.0, 256)
    shares = [(after(image.Spatter(amount, mode), picture, key) != picture).any(axis=2).mean() for key in range(12)]
    assert abs(np.mean(shares) - amount) < 0.04


def test_frost_grows_from_the_edges() -> None:
    change = np.mean([np.abs(after(image.Frost(0.5), grey(0.2), key) - 0.2)[..., 0] for key in range(6)], axis=0)
    edge = np.concatenate([change[:10].ravel(), change[-10:].ravel()])
    assert edge.mean() > 0.1 + 4 * change[50:78, 50:78].mean()


def test_shadows_lie_in_their_region_and_are_as_dark_as_asked() -> None:
    for key in range(8):
        out = after(image.RandomShadow(0.6, Constant(2.0)), grey(1.0), key)
        assert (out[:58] == 1).all()
        assert 0.3999 <= out.min() <= 0.45 or (out < 1).mean() < 0.03


def test_the_sun_stands_in_its_region() -> None:
    for key in range(6):
        flare = image.RandomSunFlare(1.0, (0.6, 0.2, 0.9, 0.4), Constant(0.1))
        out = after(flare, grey(0.0), key).mean(axis=2)
        y, x = np.unravel_index(out.argmax(), out.shape)
        assert 0.57 * 128 <= x <= 0.93 * 128 and 0.17 * 128 <= y <= 0.43 * 128


def test_gravel_is_grey_and_stays_about_its_region() -> None:
    out = after(image.RandomGravel(0.5, Constant(2.0), (0.4, 0.6, 0.6, 0.8)), grey(0.5, 200))
    changed = (out != 0.5).any(axis=2)
    assert 0.005 < changed.mean() < 0.3 and not changed[: int(0.48 * 200)].any()


def test_wet_ground_mirrors_what_stands_above() -> None:
    picture = grey(0.2)
    picture[40:60, 50:80] = 1
    out = after(image.WetRoad(0.8, Constant(0.5)), picture)
    np.testing.assert_array_equal(out[:64], picture[:64])
    assert out[70:86, 55:75].mean() > 2 * out[70:86, :40].mean()
    assert (out[64:, :40] < 0.2).all()


def test_night_is_dark_blue_and_has_lamps() -> None:
    dark = after(image.Night(0.9, Constant(0.0), Constant(0.0)), grey(0.8))
    assert dark.mean() < 0.2 and dark[..., 2].mean() > dark[..., 0].mean()
    lit = after(image.Night(0.9, Constant(3.0), Constant(0.0)), grey(0.8))
    assert lit.max() > dark.max() + 0.2


def test_wrong_arguments_are_named() -> None:
    for wrong, argument in (
        (lambda: image.RandomRain(darkness=2), "RandomRain: darkness"),
        (lambda: image.RandomSnow(mode="hail"), "RandomSnow: mode"),
        (lambda: image.Spatter(mode="oil"), "Spatter: mode"),
        (lambda: image.RandomShadow(corners=2), "RandomShadow: corners"),
        (lambda: image.RandomSunFlare(region=(0, 0, 0, 1)), "RandomSunFlare: region"),
        (lambda: image.RandomGravel(region=(0, 0, 1)), "RandomGravel: region"),
    ):
        with pytest.raises(ValueError, match=argument):
            wrong()
