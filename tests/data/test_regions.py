"""Polygons against scikit-image, run lengths against the values that pycocotools 2.0.11 gives."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from skimage.draw import polygon2mask

from covary.data.regions import decode_runs, encode_runs, pack_runs, unpack_runs
from covary.targets.pixels import bounding_box, fill_polygon

# The ellipse below, encoded by pycocotools.
PACKED_ELLIPSE_START = "[T6?e58J4L4L4L4M2N2M4M2N2N2N2N2N2N2N2N2O0O2N2N2O0O2N2O0O2N2O0O2O0O2N2O0O2O0O2O0O"
PACKED_ELLIPSE_LENGTH = 484

masks = arrays(bool, array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=30))


@given(
    st.lists(st.tuples(st.floats(-20, 60), st.floats(-20, 60)), min_size=3, max_size=9),
    st.tuples(st.integers(1, 40), st.integers(1, 40)),
)
@settings(max_examples=50, deadline=None)
def test_polygon_pixels_equal_the_even_odd_rule_counted_by_crossings(points, size):
    polygon = np.array(points)
    mask = fill_polygon(polygon, size)
    for row, column in [(0, 0), (size[0] - 1, size[1] - 1), (size[0] // 2, size[1] // 3)]:
        x, y = column + 0.5, row + 0.5
        crossings = 0
        for (x0, y0), (x1, y1) in zip(points, points[1:] + points[:1], strict=True):
            if (y0 <= y) != (y1 <= y) and x0 + (y - y0) / (y1 - y0) * (x1 - x0) <= x:
                crossings += 1
        assert mask[row, column] == crossings % 2


@pytest.mark.parametrize("seed", range(8))
def test_polygon_equals_skimage_polygon2mask(seed):
    random = np.random.default_rng(seed)
    angle = np.sort(random.uniform(0, 2 * np.pi, 7))
    points = np.c_[50 + 37.3 * np.cos(angle), 40 + 31.7 * np.sin(angle)]
    expected = polygon2mask((90, 100), (points - 0.5)[:, ::-1])
    assert np.array_equal(fill_polygon(points, (90, 100)), expected)


def test_rectangle_polygon_is_the_slice():
    expected = np.zeros((10, 12), bool)
    expected[2:7, 3:9] = True
    assert np.array_equal(fill_polygon(np.array([[3, 2], [9, 2], [9, 7], [3, 7]]), (10, 12)), expected)
    beyond = fill_polygon(np.array([[-5, -5], [50, -5], [50, 50], [-5, 50]]), (10, 12))
    assert beyond.all()


@pytest.mark.parametrize("points", (np.zeros((0, 2)), np.zeros((2, 2)), np.array([[0, 0], [np.nan, 3], [3, 3]])))
def test_polygon_without_area_is_empty(points):
    assert not fill_polygon(points, (5, 5)).any()


@given(masks)
@settings(max_examples=50, deadline=None)
def test_run_lengths_round_trip(mask):
    runs = encode_runs(mask)
    assert sum(runs) == mask.size
    assert np.array_equal(decode_runs(runs, mask.shape), mask)
    assert unpack_runs(pack_runs(runs)) == runs


def test_run_lengths_equal_pycocotools():
    mask = np.zeros((6, 7), bool)
    mask[1:4, 2:5] = True
    mask[5, 6] = True
    assert encode_runs(mask) == [13, 3, 3, 3, 3, 3, 13, 1]
    assert pack_runs(encode_runs(mask)) == "=33000:N"


def test_packed_long_runs_equal_pycocotools():
    y, x = np.mgrid[0:200, 0:300]
    mask = (x - 150) ** 2 / 120**2 + (y - 90) ** 2 / 61**2 < 1
    assert pack_runs(encode_runs(mask)).startswith(PACKED_ELLIPSE_START)
    assert len(pack_runs(encode_runs(mask))) == PACKED_ELLIPSE_LENGTH
    assert unpack_runs(pack_runs(encode_runs(mask))) == encode_runs(mask)


def test_run_lengths_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="add up to 5"):
        decode_runs([2, 3], (2, 2))
    with pytest.raises(ValueError, match="add up"):
        decode_runs([5, -1], (2, 2))
    with pytest.raises(ValueError, match="end within"):
        unpack_runs("o")
    with pytest.raises(ValueError, match="hold"):
        unpack_runs("\x01")


@given(masks)
@settings(max_examples=50, deadline=None)
def test_bounding_box_is_the_extent_of_the_true_pixels(mask):
    box = bounding_box(mask)
    if not mask.any():
        assert box is None
    else:
        rows, columns = np.nonzero(mask)
        assert box is not None
        assert box == (columns.min(), rows.min(), np.ptp(columns) + 1, np.ptp(rows) + 1)
