"""Rectangles: their sizes, their places, and the pixels they paint, against NumPy slicing."""

from __future__ import annotations

import numpy as np
import pytest
from describing import describe, describe_at, values_of
from hypothesis import given, settings
from hypothesis import strategies as st
from picturing import WHITE, noise_picture, pictures
from scipy.stats import chisquare, kstest

from covary.draws.distributions import Integers
from covary.ops.image.erasing import CoarseDropout, Cutout, RandomErasing

SIZES = st.lists(st.tuples(st.integers(1, 300), st.integers(1, 300)), min_size=1, max_size=4)


@settings(max_examples=40)
@given(SIZES, st.integers(0, 5))
def test_holes_lie_in_the_image_and_have_at_least_a_pixel(sizes: list[tuple[int, int]], seed: int) -> None:
    for operation in (CoarseDropout((1, 6), (0.01, 1.0), (0.2, 0.9)), CoarseDropout(3, (1, 40), (1, 40))):
        (change,), _ = describe(operation, sizes, seed=seed)
        x0, y0, x1, y1 = np.moveaxis(change.rectangles, -1, 0)
        height, width = np.array(sizes).T[:, :, None]
        assert (x0 >= 0).all() and (y0 >= 0).all()
        assert (x1 <= width).all() and (y1 <= height).all()
        assert (x1 > x0).all() and (y1 > y0).all()


def test_hole_sizes_are_the_given_fractions_of_each_side() -> None:
    (change,), _ = describe(CoarseDropout((1, 8), height=(0.1, 0.2), width=(0.3, 0.5)), [(1000, 2000)] * 300)
    x0, y0, x1, y1 = np.moveaxis(change.rectangles, -1, 0)
    heights, widths = ((y1 - y0) / 1000).ravel(), ((x1 - x0) / 2000).ravel()
    assert kstest(heights, "uniform", args=(0.1, 0.1)).pvalue > 1e-4
    assert kstest(widths, "uniform", args=(0.3, 0.2)).pvalue > 1e-4
    # Each hole has a size of its own.
    assert abs(np.corrcoef((y1 - y0)[:, 0], (y1 - y0)[:, 1])[0, 1]) < 6 / np.sqrt(300)
    assert abs(np.corrcoef(heights, widths)[0, 1]) < 6 / np.sqrt(2400)


def test_lengths_above_one_are_pixels() -> None:
    (change,), _ = describe(CoarseDropout(1, height=(5, 5), width=Integers(2, 9)), [(40, 30)] * 200)
    rectangles = change.rectangles[:, 0]
    np.testing.assert_array_equal(rectangles[:, 3] - rectangles[:, 1], 5)
    assert set(rectangles[:, 2] - rectangles[:, 0]) == set(range(2, 10))


def test_holes_take_every_place_alike() -> None:
    (change,), _ = describe(CoarseDropout(2, height=(3, 3), width=(4, 4)), [(12, 10)] * 3000)
    for k in range(2):
        columns, rows = change.rectangles[:, k, 0], change.rectangles[:, k, 1]
        assert chisquare(np.bincount(columns, minlength=7)).pvalue > 1e-4
        assert chisquare(np.bincount(rows, minlength=10)).pvalue > 1e-4


def test_number_of_holes_is_an_inclusive_range() -> None:
    (change,), _ = describe(CoarseDropout((2, 5)), [(9, 9)] * 400)
    assert change.rectangles.shape[1] == 5
    counts = np.bincount(change.count, minlength=6)
    assert counts[:2].sum() == 0
    assert chisquare(counts[2:]).pvalue > 1e-4


@pytest.mark.parametrize("dtype", list(WHITE))
@pytest.mark.parametrize(
    "operation",
    [
        CoarseDropout((1, 4), (0.2, 0.6), (0.2, 0.6), fill=(1, 0, 1)),
        Cutout((0.3, 1.0), fill=(1, 0, 1)),
        RandomErasing(p=1, value=(1, 0, 1)),
    ],
    ids=str,
)
def test_constant_fill_equals_numpy_slice_assignment(operation: CoarseDropout, dtype: str) -> None:
    image = noise_picture(15, 11, dtype=dtype)
    results, (change,) = pictures(operation, [image] * 6)
    for row, result in enumerate(results):
        expected = image.copy()
        for x0, y0, x1, y1 in change.rectangles[row, : change.count[row]]:
            expected[max(y0, 0) : max(y1, 0), max(x0, 0) : max(x1, 0)] = (1, 0, 1)
        np.testing.assert_array_equal(result, expected)
        assert (result != image).any()


@pytest.mark.parametrize("dtype", list(WHITE))
@pytest.mark.parametrize(
    "operation", [CoarseDropout(1, (1.0, 1.0), (1.0, 1.0), "noise"), RandomErasing(1.0, p=1, value="noise")], ids=str
)
def test_noise_fill_is_uniform_from_black_to_white(operation: CoarseDropout, dtype: str) -> None:
    image = np.zeros((60, 60, 3), dtype=dtype)
    (result,), _ = pictures(operation, [image], exact=True)
    assert kstest(result.ravel() / WHITE[dtype], "uniform").pvalue > 1e-4
    assert abs(np.corrcoef(result[..., 0].ravel(), result[..., 1].ravel())[0, 1]) < 6 / 60


@pytest.mark.parametrize("side", [4, 5])
def test_cutout_squares_have_their_centre_anywhere_in_the_image(side: int) -> None:
    """As in the paper's code: the centre is any pixel with equal chance, the square is cut at the edges."""
    (change,), _ = describe(Cutout(side), [(6, 9)] * 5400)
    x0, y0, x1, y1 = change.rectangles[:, 0].T
    np.testing.assert_array_equal(x1 - x0, side)
    np.testing.assert_array_equal(y1 - y0, side)
    centres = np.stack([x0 + side // 2, y0 + side // 2], axis=1)
    counts = np.bincount(centres[:, 1] * 9 + centres[:, 0], minlength=54)
    assert len(counts) == 54
    assert chisquare(counts).pvalue > 1e-4
    np.testing.assert_array_equal(change.count, 1)


def test_cutout_size_is_a_fraction_of_the_shorter_side() -> None:
    (change,), _ = describe(Cutout(0.5), [(32, 32), (100, 40), (20, 600)])
    np.testing.assert_array_equal(change.rectangles[:, 0, 2] - change.rectangles[:, 0, 0], [16, 20, 10])
    np.testing.assert_array_equal(change.rectangles[:, 0, 3] - change.rectangles[:, 0, 1], [16, 20, 10])


def test_random_erasing_has_the_area_and_shape_that_were_drawn() -> None:
    operation = RandomErasing(p=1)
    drawn = values_of(operation, 500, [(2000, 3000)] * 500)
    (change,), _ = describe(operation, [(2000, 3000)] * 500)
    x0, y0, x1, y1 = change.rectangles[:, 0].T.astype(np.float64)
    width, height = x1 - x0, y1 - y0
    area = width * height / (2000 * 3000)
    np.testing.assert_allclose(area, drawn["scale"], rtol=0.01)
    free = height < 2000
    assert free.mean() > 0.8
    np.testing.assert_allclose((height / width)[free], drawn["ratio"][free], rtol=0.01)
    assert kstest(area, "uniform", args=(0.02, 0.31)).pvalue > 1e-4


@settings(max_examples=60)
@given(st.floats(0, 1), st.floats(0.001, 1000), st.integers(1, 400), st.integers(1, 400))
def test_random_erasing_always_fits_and_keeps_the_area(scale: float, ratio: float, height: int, width: int) -> None:
    (change,) = describe_at(RandomErasing((scale, scale), (ratio, ratio), p=1), (height, width), p=0.0)
    x0, y0, x1, y1 = change.rectangles[0, 0].tolist()
    assert 0 <= x0 <= x1 <= width
    assert 0 <= y0 <= y1 <= height
    # Each side is rounded by at most half a pixel.
    slack = 0.5 * (x1 - x0 + y1 - y0) + 0.26
    assert abs((x1 - x0) * (y1 - y0) - scale * height * width) <= slack
    assert change.count[0] == ((x1 - x0) * (y1 - y0) > 0)


def test_random_erasing_takes_every_place_alike() -> None:
    (change,), _ = describe(RandomErasing((0.25, 0.25), (1, 1), p=1), [(20, 20)] * 4400)
    np.testing.assert_array_equal(change.rectangles[:, 0, 2:] - change.rectangles[:, 0, :2], 10)
    for axis in range(2):
        assert chisquare(np.bincount(change.rectangles[:, 0, axis], minlength=11)).pvalue > 1e-4


def test_random_erasing_happens_to_half_of_the_pictures_by_default() -> None:
    assert RandomErasing().p == 0.5
