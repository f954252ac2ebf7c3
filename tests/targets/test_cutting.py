"""Polygons and lines cut at a rectangle, against even-odd counting and closed forms."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from covary.targets.cutting import area_of, cut_line, cut_polygon, cut_to_rectangle

RECTANGLE = (2.0, 3.0, 9.0, 8.0)


def star(seed, corners=9):
    """A simple polygon, seldom convex: corners around a centre at random distances."""
    rng = np.random.default_rng(seed)
    angles = np.sort(rng.uniform(0, 2 * np.pi, corners))
    radius = rng.uniform(0.5, 7, corners)
    centre = rng.uniform((2, 3), (9, 8))
    return centre + np.stack((np.cos(angles), np.sin(angles)), axis=1) * radius[:, None]


def contains(polygon, points):
    """Even-odd counting of the edges to the right of each point (Shimrat 1962)."""
    polygon = np.asarray(polygon)
    inside = np.zeros(len(points), dtype=bool)
    for (x0, y0), (x1, y1) in zip(polygon, np.roll(polygon, -1, axis=0), strict=True):
        with np.errstate(divide="ignore", invalid="ignore"):
            crosses = ((y0 > points[:, 1]) != (y1 > points[:, 1])) & (
                points[:, 0] < (x1 - x0) * (points[:, 1] - y0) / (y1 - y0) + x0
            )
        inside ^= crosses
    return inside


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 2**32), st.booleans())
def test_the_parts_of_a_polygon_hold_the_points_that_even_odd_counting_says(seed, reverse):
    polygon = star(seed)[:: -1 if reverse else 1]
    parts = cut_to_rectangle(polygon.tolist(), RECTANGLE, cut_polygon)
    points = np.random.default_rng(seed).uniform(-1, 12, (400, 2))
    x0, y0, x1, y1 = RECTANGLE
    within = ((points > (x0, y0)) & (points < (x1, y1))).all(axis=1)
    held = sum((contains(part, points).astype(int) for part in parts), np.zeros(len(points), int))
    # Parts do not overlap, so that no point is held twice.
    np.testing.assert_array_equal(held, (contains(polygon, points) & within).astype(int))
    for part in parts:
        assert np.min(part, axis=0).tolist() >= [x0 - 1e-9, y0 - 1e-9]
        assert (np.max(part, axis=0) <= (x1 + 1e-9, y1 + 1e-9)).all()


def test_a_comb_falls_into_its_teeth():
    comb = [(0, 0), (9, 0), (9, 5), (8, 5), (8, 1), (5, 1), (5, 5), (4, 5), (4, 1), (1, 1), (1, 5), (0, 5)]
    parts = cut_to_rectangle(comb, (-1, 2, 20, 9), cut_polygon)
    assert sorted(sorted(map(tuple, part)) for part in parts) == [
        [(x, 2), (x, 5), (x + 1, 2), (x + 1, 5)] for x in (0, 4, 8)
    ]
    assert [area_of(part) for part in parts] == [3, 3, 3]


def test_a_polygon_that_crosses_itself_keeps_its_area_by_the_shoelace_formula():
    bow = [(0, 0), (4, 4), (4, 0), (0, 4)]
    parts = cut_to_rectangle(bow, (0, 1, 4, 9), cut_polygon)
    assert sum(area_of(part) for part in parts) <= 8
    assert np.min(np.concatenate(parts)[:, 1]) >= 1


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 2**32))
def test_the_pieces_of_a_line_are_as_long_as_its_samples_inside(seed):
    rng = np.random.default_rng(seed)
    line = rng.uniform(-2, 14, (6, 2))
    pieces = cut_to_rectangle(line.tolist(), RECTANGLE, cut_line)
    length = sum(np.hypot(*np.diff(piece, axis=0).T).sum() for piece in map(np.array, pieces))
    share = (np.arange(4000) + 0.5)[:, None] / 4000
    expected = 0.0
    for one, other in itertools.pairwise(line):
        samples = one + (other - one) * share
        within = ((samples >= RECTANGLE[:2]) & (samples <= RECTANGLE[2:])).all(axis=1)
        expected += within.mean() * np.hypot(*(other - one))
    assert length == pytest.approx(expected, abs=0.05)


def test_what_lies_inside_or_outside_is_left_whole_or_gone():
    square = [(3, 4), (5, 4), (5, 6), (3, 6)]
    assert cut_to_rectangle(square, RECTANGLE, cut_polygon) == [square]
    assert cut_to_rectangle([(x + 20, y) for x, y in square], RECTANGLE, cut_polygon) == []
    assert cut_to_rectangle([(x + 20, y) for x, y in square], RECTANGLE, cut_line) == []
