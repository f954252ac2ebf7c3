"""The way of a point, against matrix arithmetic in NumPy and against displacements run forwards."""

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from covary.plan.changes import Displace, Warp
from covary.plan.stages import Stage
from covary.targets.displacement import offsets, undo
from covary.targets.path import Displacement, Path, Projection, advance, inverse, mirrors, project, travel
from tests.targets.plans import (
    affine_maps,
    crop,
    displace,
    grids,
    mirrored,
    projective_maps,
    quarter_turn,
    stage,
    upside_down,
    warp,
)

SIZE = (40, 60)


def legs_of(*stages, size=SIZE):
    return Path(stages, np.array([size])).legs(0)


@settings(max_examples=50, deadline=None)
@given(st.data())
def test_inverse_equals_numpy_linalg_inv(data):
    matrix = data.draw(st.one_of(affine_maps(SIZE), projective_maps(SIZE))) * data.draw(
        st.sampled_from((1.0, 0.25, 7.0))
    )
    ours = np.array(inverse(matrix.tolist()).matrix).reshape(3, 3)
    truth = np.linalg.inv(matrix)
    if not matrix[2, :2].any():
        truth /= truth[2, 2]
    np.testing.assert_allclose(ours, truth, rtol=1e-9, atol=1e-9)


@settings(max_examples=50, deadline=None)
@given(projective_maps(SIZE), st.integers(0, 2**32))
def test_projected_points_come_back_by_the_inverse_warp(matrix, seed):
    points = np.random.default_rng(seed).uniform(0, 40, (20, 2))
    moved = project(points, inverse(matrix.tolist()))
    there = np.isfinite(moved[:, 0])
    back = np.c_[moved, np.ones(len(moved))] @ matrix.T
    assert (back[there, 2] > 0).all()
    np.testing.assert_allclose((back[:, :2] / back[:, 2:])[there], points[there], atol=1e-6)


def test_point_behind_the_horizon_goes_nowhere():
    # w = 1 - x / 10 of the output: positive for x < 10 only; input x = x / w is negative beyond.
    projection = inverse([[1, 0, 0], [0, 1, 0], [-0.1, 0, 1]])
    moved = project(np.array([(5.0, 0.0), (-20.0, 0.0)]), projection)
    np.testing.assert_allclose(moved[0], (5 / 1.5, 0))
    assert np.isnan(moved[1]).all()


@pytest.mark.parametrize(
    "matrix",
    [
        np.zeros((3, 3)),
        np.ones((3, 3)),
        np.diag((1.0, 0, 1)),
        np.diag((1.0, 1, 0)),
        np.diag((1.0, 1, -1)),
        np.full((3, 3), np.nan),
        np.diag((np.inf, 1, 1)),
        np.diag((1e200, 1e200, 1e200)),
    ],
)
def test_map_without_inverse_sends_all_points_outside(matrix):
    with np.errstate(all="raise"):
        moved, seen = travel(np.array([(3.0, 4.0)]), SIZE, legs_of(stage(SIZE, warp(matrix, SIZE))))
    assert not seen.any()
    assert not np.isfinite(moved).all()


def test_exact_maps_give_exact_points():
    points = np.array([(3.5, 7.25), (0.5, 0.5)])
    cases = (
        (mirrored(SIZE), SIZE, np.c_[60 - points[:, 0], points[:, 1]]),
        (upside_down(SIZE), SIZE, np.c_[points[:, 0], 40 - points[:, 1]]),
        (quarter_turn(SIZE), (60, 40), np.c_[points[:, 1], 60 - points[:, 0]]),
        (crop(2, 3, (9, 9)), (9, 9), points - (2, 3)),
    )
    for change, size, truth in cases:
        moved, _ = travel(points, SIZE, legs_of(stage(size, change)))
        np.testing.assert_array_equal(moved, truth)


@settings(max_examples=50, deadline=None)
@given(grids(SIZE), st.integers(0, 2**32))
def test_undone_displacement_run_forwards_gives_the_target(grid, seed):
    truth = np.random.default_rng(seed).uniform(-5, 65, (50, 2))
    targets = truth + offsets(grid, SIZE, truth)[0]
    np.testing.assert_allclose(undo(grid, SIZE, targets), truth, atol=2e-4)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32), st.floats(1, 30))
def test_whatever_a_folding_displacement_shows_is_found(seed, size):
    generator = np.random.default_rng(seed)
    grid = generator.normal(0, size, (*generator.integers(1, 9, 2), 2))
    shown = generator.uniform(0, 40, (30, 2))
    targets = shown + offsets(grid, SIZE, shown)[0]
    with np.errstate(all="ignore"):
        found = undo(grid, SIZE, targets)
    np.testing.assert_allclose(found + offsets(grid, SIZE, found)[0], targets, atol=1e-4)


def test_offsets_equal_scipy_bilinear_interpolation():
    from scipy.interpolate import RegularGridInterpolator

    generator = np.random.default_rng(3)
    grid = generator.normal(size=(5, 7, 2))
    knots = (np.linspace(0, SIZE[0], 5), np.linspace(0, SIZE[1], 7))
    points = generator.uniform((-9, -9), (70, 50), (200, 2))
    held = np.clip(points[:, ::-1], 0, SIZE)
    found, slope = offsets(grid, SIZE, points)
    np.testing.assert_allclose(found, RegularGridInterpolator(knots, grid)(held), atol=1e-12)
    ahead = [(offsets(grid, SIZE, points + step)[0] - found) / 1e-6 for step in ((1e-6, 0), (0, 1e-6))]
    np.testing.assert_allclose(slope, np.stack(ahead, axis=2), atol=1e-5)


def test_displacement_of_nan_and_infinite_points_is_nan():
    with np.errstate(all="ignore"):
        found = undo(np.ones((3, 3, 2)), SIZE, np.array([(np.nan, 1.0), (np.inf, 1.0), (5.0, 5.0)]))
    assert np.isnan(found[:2]).any(axis=1).all()
    np.testing.assert_allclose(found[2], (4, 4))


def test_a_displacements_canvas_is_the_size_of_the_warp_before_it():
    # The grid's last column holds from x = 10 on the 10-wide canvas that the crop leaves, not from x = 60.
    grid = np.zeros((1, 2, 2))
    grid[0, 1, 0] = 2.0
    legs = legs_of(stage((10, 10), crop(20, 0, (10, 10)), displace(grid)))
    assert legs[0].steps[1] == Displacement(legs[0].steps[1].grid, (10, 10))
    # Output x shows the crop's x + 0.2 x.
    np.testing.assert_allclose(advance(np.array([(26.0, 5.0)]), legs[0]), [(5.0, 5.0)], atol=1e-4)


def test_identity_rows_make_no_leg_and_other_rows_their_own():
    matrices = np.stack((np.eye(3), mirrored(SIZE).matrix[0]))
    grids_ = (np.zeros((1, 1, 2)), np.ones((1, 1, 2)))
    plan = [
        Stage(size=np.array([SIZE] * 2), coordinates=(Warp(matrices, np.array([SIZE] * 2)),)),
        Stage(size=np.array([SIZE] * 2)),
        Stage(size=np.array([SIZE] * 2), coordinates=(Displace(grids_),)),
    ]
    path = Path(plan, np.array([SIZE] * 2))
    assert [len(path.legs(row)) for row in (0, 1)] == [1, 2]
    assert isinstance(path.legs(1)[0].steps[0], Projection)
    assert path.source(1) == path.output(1) == SIZE


def test_a_point_that_leaves_at_a_stage_boundary_does_not_come_back():
    away = stage((20, 20), crop(0, 0, (20, 20)))
    back = stage(SIZE, crop(0, 0, SIZE))
    moved, seen = travel(np.array([(30.0, 10.0), (10.0, 10.0)]), SIZE, legs_of(away, back))
    np.testing.assert_array_equal(moved, [(30, 10), (10, 10)])
    np.testing.assert_array_equal(seen, [False, True])
    # Within one pass nothing lies between: real content from beyond the crop is shown.
    fused = stage(SIZE, crop(0, 0, (20, 20)), displace(np.zeros((1, 1, 2))), crop(0, 0, SIZE))
    assert travel(np.array([(30.0, 10.0)]), SIZE, legs_of(fused))[1].all()


def test_orientation_is_reversed_by_an_odd_number_of_flips():
    one, other = stage(SIZE, mirrored(SIZE)), stage(SIZE, upside_down(SIZE))
    turn = stage(SIZE[::-1], quarter_turn(SIZE))
    assert mirrors(legs_of(one))
    assert mirrors(legs_of(other))
    assert not mirrors(legs_of(one, other))
    assert not mirrors(legs_of(turn))
    assert not mirrors(legs_of())


@settings(max_examples=25, deadline=None)
@given(projective_maps(SIZE))
def test_orientation_equals_the_sign_of_the_numerical_jacobian(matrix):
    projection = inverse(matrix.tolist())
    base = np.array([(30.0, 20.0), (30.001, 20.0), (30.0, 20.001)])
    moved = project(base, projection)
    assume(np.isfinite(moved).all())
    assert (np.linalg.det(moved[1:] - moved[0]) < 0) == projection.mirrored
