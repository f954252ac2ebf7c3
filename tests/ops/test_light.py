"""Uneven light against its closed forms."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from describing import describe

from covary import Pipeline, image
from covary.draws.distributions import Constant
from covary.ops.image.light import clouds

ALL = [
    *(image.Illumination(mode) for mode in ("linear", "corner", "gaussian")),
    image.Vignetting(),
    image.PlasmaBrightness(),
    image.PlasmaContrast(),
    image.PlasmaShadow(),
]


def gain(operation: object, size: tuple[int, int] = (60, 90), key: int = 3) -> np.ndarray:
    """By what a picture of ones is multiplied."""
    return Pipeline([operation])(image=np.ones((*size, 1), np.float32), key=key)["image"][..., 0].astype(float)


def fitted_plane(values: np.ndarray) -> tuple[np.ndarray, float]:
    """The slopes along x and y of the plane nearest to values, and the furthest that any is from it."""
    y, x = np.indices(values.shape) + 0.5
    design = np.stack([x.ravel(), y.ravel(), np.ones(x.size)], axis=1)
    plane, *_ = np.linalg.lstsq(design, values.ravel(), rcond=None)
    return plane[:2], float(np.abs(design @ plane - values.ravel()).max())


def test_linear_light_is_a_plane_that_spans_the_intensity() -> None:
    directions = []
    for key in range(40):
        values = gain(image.Illumination(intensity=Constant(0.4)), key=key)
        slopes, error = fitted_plane(values)
        assert error < 1e-5
        # From corner to corner along the direction it rises by the whole intensity.
        assert abs(abs(slopes[0]) * 90 + abs(slopes[1]) * 60 - 0.4) < 1e-4
        directions.append(np.arctan2(slopes[1], slopes[0]))
    assert np.histogram(directions, bins=4, range=(-np.pi, np.pi))[0].min() >= 3


def test_corner_light_falls_with_the_distance_from_one_corner() -> None:
    y, x = np.indices((60, 90)) + 0.5
    seen = set()
    for key in range(30):
        values = gain(image.Illumination("corner", Constant(-0.6)), key=key)
        corners = {(i, j): values[-i, -j] for i in (0, 1) for j in (0, 1)}
        i, j = min(corners, key=corners.get)
        seen.add((i, j))
        distance = np.hypot(x - 90 * j, y - 60 * i) / np.hypot(60, 90)
        # Bilinear between knots: near the corner itself the cone's tip is cut off.
        assert np.abs(values - (1 - 0.6 * (1 - distance))).max() < 0.02
    assert len(seen) == 4


def test_a_spot_has_its_width_and_its_place() -> None:
    values = gain(image.Illumination("gaussian", Constant(0.5), Constant(0.3)), (80, 80))
    y, x = np.unravel_index(values.argmax(), values.shape)
    assert abs(values.max() - 1.5) < 0.01
    distance = np.hypot(*(np.indices(values.shape) - np.array([y, x])[:, None, None]))
    assert np.abs(values - (1 + 0.5 * np.exp(-0.5 * (distance / 24) ** 2))).max() < 0.02


def test_vignetting_is_a_paraboloid() -> None:
    values = gain(image.Vignetting(Constant(0.5), centre=0), (61, 91))
    y, x = np.indices(values.shape) + 0.5
    share = np.hypot(x - 45.5, y - 30.5) / np.hypot(45.5, 30.5)
    assert np.abs(values - (1 - 0.5 * share**2)).max() < 2e-3
    assert values[0, 0] < 0.52 and values[30, 45] > 0.999


def test_a_moved_centre_keeps_the_darkest_corner() -> None:
    for key in range(20):
        values = gain(image.Vignetting(Constant(0.4), centre=0.5), (200, 200), key)
        assert abs(values.min() - 0.6) < 0.02 and values.max() <= 1


def test_clouds_reach_from_0_to_1_and_are_rougher_when_asked() -> None:
    streams = np.arange(20, dtype=np.uint64)
    steps = []
    for roughness in (0.0, 0.3, 0.6, 1.0):
        made = clouds(streams, np.full(20, roughness))
        assert made.shape == (20, 65, 65)
        assert (made.min(axis=(1, 2)) == 0).all() and (made.max(axis=(1, 2)) == 1).all()
        steps.append(np.abs(np.diff(made, axis=2)).mean())
    assert all(rougher > smoother for smoother, rougher in pairwise(steps))
    # Without finer octaves a cloud is bilinear in its four corners.
    smooth = clouds(streams, np.zeros(20))
    np.testing.assert_allclose(smooth[:, 32], 0.5 * (smooth[:, 0] + smooth[:, -1]), atol=1e-12)


def test_plasma_changes_by_what_it_says() -> None:
    # Pixels' centres lie between the knots of the cloud, so that its peaks are missed by a little.
    picture = np.full((640, 640, 3), 128, np.uint8)
    brighter = Pipeline([image.PlasmaBrightness(0.25)])(image=picture, key=1)["image"].astype(float)
    assert abs(brighter.max() - (128 + 64)) <= 1 and abs(brighter.min() - (128 - 64)) <= 1
    shadow = Pipeline([image.PlasmaShadow(0.5)])(image=picture, key=1)["image"]
    assert abs(int(shadow.min()) - 64) <= 1 and shadow.max() == 128
    dark = np.full((640, 640, 3), 64, np.uint8)
    spread = Pipeline([image.PlasmaContrast(0.5)])(image=dark, key=1)["image"].astype(float)
    assert abs(spread.min() - (127.5 - 63.5 * 1.5)) <= 1 and abs(spread.max() - (127.5 - 63.5 * 0.5)) <= 1
    # Mid-grey is where contrast changes nothing.
    grey = np.full((64, 64, 3), 0.5, np.float32)
    assert np.abs(Pipeline([image.PlasmaContrast(0.5)])(image=grey, key=1)["image"] - 0.5).max() < 1e-6


@pytest.mark.parametrize("operation", ALL, ids=repr)
def test_light_changes_more_as_strength_rises_and_nothing_at_0(operation) -> None:
    rng = np.random.default_rng(0)
    picture = rng.integers(0, 256, (40, 50, 3)).astype(np.uint8)
    changes = []
    for strength in (0, 0.25, 0.5, 0.75, 1):
        pipeline = Pipeline([operation]).with_strength(strength)
        outs = [pipeline(image=picture, key=key)["image"].astype(float) for key in range(20)]
        changes.append(np.mean([np.abs(out - picture).mean() for out in outs]))
    assert changes[0] == 0 and all(more > less for less, more in pairwise(changes))


@pytest.mark.parametrize("operation", ALL, ids=repr)
@pytest.mark.parametrize("size", [(1, 1), (1, 9), (2, 3), (31, 17)])
def test_all_sizes_and_types_are_taken(operation, size) -> None:
    for dtype, channels in (("uint8", 1), ("uint16", 4), ("float32", 9)):
        picture = np.ones((*size, channels), dtype)
        out = Pipeline([operation])(image=picture, key=1)["image"]
        assert out.shape == picture.shape and out.dtype == picture.dtype
        (change,), _ = describe(operation, [size, (5, 5)], channels, dtype)
        assert len(change.grids) == 2 and all(np.isfinite(grid).all() for grid in change.grids)


def test_wrong_arguments_are_named() -> None:
    with pytest.raises(ValueError, match="Illumination: mode"):
        image.Illumination("lamp")
    with pytest.raises(ValueError, match="Vignetting: centre"):
        image.Vignetting(centre=1)
