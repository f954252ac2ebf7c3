"""Displacements against SciPy's splines, closed forms and the statistics of their fields."""

from __future__ import annotations

import numpy as np
import pytest
from describing import describe, describe_at, values_of
from hypothesis import given, settings
from hypothesis import strategies as st
from rendering import apply, noise_picture
from scipy.interpolate import BSpline

from covary.draws.distributions import Constant
from covary.ops.image import dense
from covary.ops.image.dense import STEEPEST, ElasticTransform, GridDistortion
from covary.plan.changes import Displace
from covary.targets.displacement import offsets


def grids_of(operation, sizes, seed=0):
    (change,), after = describe(operation, sizes, seed=seed)
    assert isinstance(change, Displace)
    assert after.size.tolist() == [list(size) for size in sizes]
    return change.grids


def steepest_slope(grid, size):
    """The largest norm of the matrix of slopes over the corners of all cells, by singular values."""
    gh, gw, _ = grid.shape
    grid = grid.astype(np.float64)
    along_x = np.diff(grid, axis=1) * ((gw - 1) / size[1])
    along_y = np.diff(grid, axis=0) * ((gh - 1) / size[0])
    norms = []
    for rows in (slice(None, -1), slice(1, None)):
        for columns in (slice(None, -1), slice(1, None)):
            slopes = np.stack([along_x[rows], along_y[:, columns]], axis=-1)
            norms.append(np.linalg.norm(slopes, ord=2, axis=(-2, -1)).max())
    return max(norms)


def test_upsampling_equals_scipy_bspline():
    rng = np.random.default_rng(0)
    y, x = dense.SplineAxis(50, 10.0, 4), dense.SplineAxis(31, 7.0, 4)
    knots = rng.normal(size=(y.knots, x.knots, 2))
    field = dense._upsampled(knots, y, x)

    def basis(axis):
        # Knot k of ours is the centre of the spline over k - 2 ... k + 2; the canvas begins at knot 1.
        at = 1 + np.arange(axis.cells + 1) / axis.parts
        return np.nan_to_num([BSpline.basis_element(np.arange(k - 2, k + 3), False)(at) for k in range(axis.knots)])

    expected = np.einsum("ki,lj,klc->ijc", basis(y), basis(x), knots)
    np.testing.assert_allclose(field, expected, atol=1e-5)


@pytest.mark.parametrize(("alpha", "sigma"), [(60.0, 10.0), (10.0, 4.0), (400.0, 30.0), (1.0, 2.0)])
def test_displacements_have_the_documented_deviation(alpha, sigma):
    expected = alpha / (2 * np.sqrt(np.pi) * sigma)
    assert abs(expected / (0.282 * alpha / sigma) - 1) < 1e-3
    side = int(40 * sigma)
    grids = np.stack(grids_of(ElasticTransform(Constant(alpha), sigma), [(side, side)] * 8))
    assert abs(grids.mean()) < 0.1 * expected
    assert abs(grids[..., 0].std() / expected - 1) < 0.06 and abs(grids[..., 1].std() / expected - 1) < 0.06
    assert abs(np.corrcoef(grids[..., 0].ravel(), grids[..., 1].ravel())[0, 1]) < 0.1


def test_fields_are_as_smooth_as_noise_behind_a_gaussian_filter():
    """Smoothing by sigma gives a correlation of exp(-(distance / (2 * sigma))**2)."""
    sigma = 8.0
    grids = np.stack(grids_of(ElasticTransform(Constant(40.0), sigma), [(480, 480)] * 8))
    step = 480 / (grids.shape[1] - 1)
    for distance in (4, 8, 16, 24):
        lag = round(distance / step)
        here, there = grids[:, :, :-lag], grids[:, :, lag:]
        correlation = np.mean(here * there) / np.mean(grids**2)
        assert abs(correlation - np.exp(-((lag * step / (2 * sigma)) ** 2))) < 0.06


@pytest.mark.parametrize(("sigma", "side", "expected"), [(10.0, 512, 0.021), (4.0, 200, 0.037), (30.0, 1000, 0.021)])
def test_grid_misses_the_smooth_spline_by_the_documented_share(sigma, side, expected):
    """The grid's linear interpolation against the same spline on a grid eight times as fine."""
    y = dense.SplineAxis(side, sigma * np.sqrt(3), dense.spline_parts(sigma * np.sqrt(3)))
    fine = dense.SplineAxis(side, sigma * np.sqrt(3), 8 * y.parts)
    fine.cells, fine.spans, fine.knots = 8 * y.cells, y.spans, y.knots
    errors, deviations = [], []
    for seed in range(4):
        knots = np.random.default_rng(seed).normal(size=(y.knots, y.knots, 2))
        coarse, smooth = dense._upsampled(knots, y, y), dense._upsampled(knots, fine, fine)
        np.testing.assert_allclose(smooth[::8, ::8], coarse, atol=1e-5)
        errors.append(offsets(coarse, (8 * y.cells, 8 * y.cells), knot_places(8 * y.cells))[0] - smooth.reshape(-1, 2))
        deviations.append(smooth.std())
    deviation = np.sqrt(np.mean(np.square(deviations)))
    assert 0.8 * expected < np.sqrt(np.mean(np.square(errors))) / deviation < 1.2 * expected
    assert np.abs(errors).max() / deviation < 10 * expected


def knot_places(length):
    """All whole (x, y) from 0 to length."""
    return np.stack(np.meshgrid(*[np.arange(length + 1.0)] * 2), axis=-1).reshape(-1, 2)


@pytest.mark.parametrize(("sigma", "nearest", "farthest"), [(10.0, 4.0, 4.7), (4.0, 2.0, 2.5), (1.0, 0.8, 1.0)])
def test_knots_lie_as_far_apart_as_documented(sigma, nearest, farthest):
    (grid,) = grids_of(ElasticTransform(sigma=sigma), [(300, 200)])
    for knots, length in zip(grid.shape, (300, 200), strict=False):
        assert nearest <= length / (knots - 1) <= farthest


@settings(max_examples=40, deadline=None)
@given(
    size=st.tuples(st.integers(1, 90), st.integers(1, 90)),
    alpha=st.floats(0, 5000),
    sigma=st.floats(1, 40),
    seed=st.integers(0, 99),
)
def test_elastic_fields_never_fold(size, alpha, sigma, seed):
    (grid,) = grids_of(ElasticTransform(Constant(alpha), sigma), [size], seed)
    assert np.all(np.isfinite(grid)) and grid.dtype == np.float32 and grid.flags.c_contiguous
    assert steepest_slope(grid, size) <= STEEPEST + 1e-4


def test_ordinary_strengths_are_not_limited():
    values = values_of(ElasticTransform(), 16, [(512, 512)] * 16)["alpha"]
    grids = grids_of(ElasticTransform(), [(512, 512)] * 16)
    shares = [grid.std() / (0.282 * alpha / 10) for grid, alpha in zip(grids, values, strict=True)]
    assert np.mean(shares) > 0.95 and min(shares) > 0.8


def test_elastic_knots_depend_on_nobody_elses_size():
    operation, sizes = ElasticTransform(sigma=4), [(20, 30), (64, 48), (20, 30), (1, 1), (64, 48)]
    together = grids_of(operation, sizes)
    for index, size in enumerate(sizes):
        (change,), _ = describe(operation, [size], keys=[index])
        assert np.array_equal(change.grids[0], together[index])
    assert not np.array_equal(together[0], together[2])


def test_elastic_at_strength_0_moves_nothing():
    picture = noise_picture(40, 30)
    assert np.array_equal(apply(ElasticTransform().with_strength(0), picture), picture)


def test_distorted_grid_equals_the_closed_form():
    """Four columns that show 0.8, 1, 1.2 and 1.2 parts of the sum 4.2; rows all alike."""
    operation = GridDistortion(4, (-0.4, 0.4))
    columns = {f"x{index}": (share + 0.4) / 0.8 for index, share in enumerate((-0.2, 0, 0.2, 0.2))}
    (change,) = describe_at(operation, (40, 84), **columns)
    lines = np.array([0, 0.8, 1.8, 3.0, 4.2]) / 4.2 * 84
    np.testing.assert_allclose(change.grids[0][2, :, 0], lines - np.linspace(0, 84, 5), atol=1e-5)
    assert np.array_equal(change.grids[0][..., 1], np.zeros((5, 5)))


@settings(max_examples=40, deadline=None)
@given(
    size=st.tuples(st.integers(1, 300), st.integers(1, 300)),
    steps=st.integers(1, 9),
    limit=st.floats(0, 0.9),
    seed=st.integers(0, 99),
)
def test_distorted_grids_keep_the_sides_and_never_fold(size, steps, limit, seed):
    (grid,) = grids_of(GridDistortion(steps, (-limit, limit)), [size], seed)
    assert grid.shape == (steps + 1, steps + 1, 2) and grid.dtype == np.float32
    assert not grid[:, [0, -1], 0].any() and not grid[[0, -1], :, 1].any()
    assert steepest_slope(grid, size) <= STEEPEST + 1e-4


def test_distortions_of_columns_and_rows_are_independent():
    grids = np.stack(grids_of(GridDistortion(), [(100, 100)] * 500))
    columns, rows = grids[:, 0, 1:-1, 0], grids[:, 1:-1, 0, 1]
    assert columns.std() > 2 and rows.std() > 2
    assert np.all(np.abs(np.corrcoef(columns.T, rows.T)[:4, 4:]) < 0.25)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: ElasticTransform(sigma=0.5),
            r"sigma is 0.5; allowed: a finite number of pixels from 1",
        ),
        (lambda: ElasticTransform(sigma="4"), "ElasticTransform: sigma is '4'"),
        (lambda: GridDistortion(0), "GridDistortion: num_steps is 0; allowed: a whole number from 1"),
        (lambda: GridDistortion(5, 1.0), "GridDistortion: distort_limit is -1 to 1"),
    ],
)
def test_wrong_arguments_are_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()
