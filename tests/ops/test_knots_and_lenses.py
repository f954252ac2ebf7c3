"""Splines, grids and lenses against SciPy and closed forms."""

from __future__ import annotations

import numpy as np
import pytest
from describing import describe, values_of
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.interpolate import RBFInterpolator
from test_dense import grids_of, steepest_slope

from covary import image
from covary.draws.distributions import Constant
from covary.draws.streams import stream_normals
from covary.ops.image.dense import STEEPEST


def test_thin_plate_spline_equals_scipys():
    operation = image.ThinPlateSpline(Constant(0.01), points=4)
    (grid,) = grids_of(operation, [(120, 90)])
    steps = stream_normals(values_of(operation, 1, [(120, 90)])["knots"], 32).reshape(16, 2) * 0.01 * 90
    unit = np.linspace(0, 1, 4)
    knots = np.stack(np.meshgrid(unit, unit), axis=-1).reshape(-1, 2)
    theirs = RBFInterpolator(knots, steps, kernel="thin_plate_spline", degree=1)
    rows, columns, _ = grid.shape
    assert (rows, columns) == (21, 16)
    places = np.stack(np.meshgrid(np.linspace(0, 1, columns), np.linspace(0, 1, rows)), axis=-1).reshape(-1, 2)
    np.testing.assert_allclose(grid.reshape(-1, 2), theirs(places), atol=1e-4)


def test_knots_of_a_grid_move_by_what_they_draw():
    (grid,) = grids_of(image.GridElasticDeform((2, 5), Constant(0.02)), [(200, 300)])
    assert grid.shape == (3, 6, 2) and np.abs(grid).max() <= 4
    grids = np.stack(grids_of(image.GridElasticDeform((2, 2), Constant(0.02)), [(200, 300)] * 200))
    assert np.abs(grids).max() > 3.9 and abs(grids.std() - 4 / np.sqrt(3)) < 0.1


def test_knots_of_piecewise_maps_move_by_the_documented_deviation():
    grids = np.stack(grids_of(image.PiecewiseAffine(Constant(0.02), 3, 5), [(200, 300)] * 200))
    assert grids.shape == (200, 3, 5, 2)
    assert abs(grids.std() - 4) < 0.15 and abs(grids.mean()) < 0.2


@settings(max_examples=25, deadline=None)
@given(
    height=st.integers(1, 200),
    width=st.integers(1, 200),
    share=st.floats(0, 0.2),
    distort=st.floats(-1, 1),
    centre=st.tuples(st.floats(0, 1), st.floats(0, 1)),
    mode=st.sampled_from(["camera", "fisheye"]),
)
def test_pictures_never_fold(height, width, share, distort, centre, mode):
    lens = image.OpticalDistortion(Constant(distort), mode, Constant(centre[0]), Constant(centre[1]))
    for operation in (image.GridElasticDeform(magnitude=share), image.PiecewiseAffine(share), lens):
        (grid,) = grids_of(operation, [(height, width)])
        assert steepest_slope(grid, (height, width)) <= STEEPEST + 1e-4
    (grid,) = grids_of(image.ThinPlateSpline(share), [(height, width)])
    assert steepest_slope(grid, (height, width)) <= STEEPEST + 1e-4


@pytest.mark.parametrize("mode", ["camera", "fisheye"])
@pytest.mark.parametrize("distort", [-0.8, -0.2, 0.3, 1.0])
def test_lenses_show_at_each_place_what_their_formula_says(mode, distort):
    (grid,) = grids_of(image.OpticalDistortion(Constant(distort), mode), [(120, 180)])
    rows, columns, _ = grid.shape
    x, y = np.meshgrid(np.linspace(-90, 90, columns), np.linspace(-60, 60, rows))
    share = np.hypot(x, y) / np.hypot(90, 60)
    angle = 0.8 * abs(distort)
    if mode == "camera":
        there = share * (1 + distort / 4 * (share**2 - 1))
    elif distort > 0:
        there = np.tan(share * angle) / np.tan(angle)
    else:
        there = np.arctan(share * np.tan(angle)) / angle
    moved = np.hypot(x + grid[..., 0], y + grid[..., 1]) / np.hypot(90, 60)
    np.testing.assert_allclose(moved, there, atol=1e-5)
    # A barrel shows the middle larger; corners stay.
    middle = rows // 2, columns // 2 + 3
    assert (moved[middle] < share[middle]) == (distort > 0)
    np.testing.assert_allclose(moved[0, 0], 1, atol=1e-6)


def test_opposite_fisheyes_undo_each_other():
    from covary.ops.image.lens import _fisheye

    share = np.linspace(0, 1, 50)
    there = share * _fisheye(share**2, 0.7)
    np.testing.assert_allclose(there * _fisheye(there**2, -0.7), share, atol=1e-12)


@pytest.mark.parametrize(
    "operation",
    [image.GridElasticDeform(), image.PiecewiseAffine(), image.ThinPlateSpline(), image.OpticalDistortion()],
)
def test_displacements_grow_with_strength_from_nothing(operation):
    sizes = [(90, 120)] * 30
    reaches = []
    for strength in (0, 0.25, 0.5, 0.75, 1):
        grids = grids_of(operation.with_strength(strength), sizes)
        reaches.append(np.mean([np.abs(grid).mean() for grid in grids]))
    assert reaches[0] == 0 and all(np.diff(reaches) > 0)


def test_wrong_arguments_are_named():
    for make, message in (
        (lambda: image.GridElasticDeform((0, 4)), "GridElasticDeform: grid"),
        (lambda: image.PiecewiseAffine(rows=1), "PiecewiseAffine: rows"),
        (lambda: image.ThinPlateSpline(points=9), "ThinPlateSpline: points"),
        (lambda: image.OpticalDistortion(mode="camera lens"), "OpticalDistortion: mode"),
        (lambda: image.OpticalDistortion(2), "OpticalDistortion: distort"),
    ):
        with pytest.raises(ValueError, match=message):
            make()
    assert describe(image.OpticalDistortion(), [(3, 3)])
