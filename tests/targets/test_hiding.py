"""What covers leave of polygons and lines: the pixels that filling says, the area that cutting says."""

from itertools import pairwise

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from covary.targets import LineStrings, OrientedBoxes, Polygons
from covary.targets.boxes import Boxes
from covary.targets.covers import Cover, uncovered
from covary.targets.cutting import area_of, cut_polygon, cut_to_rectangle
from covary.targets.hiding import open_lines, without_rectangle
from covary.targets.keypoints import Keypoints
from covary.targets.moving import Shapes
from covary.targets.pixels import fill_polygon

SIDE = 64
seeds = st.integers(0, 2**32)


def star(rng):
    """A polygon about the middle that does not cross itself."""
    count = int(rng.integers(3, 14))
    angles = (np.arange(count) + rng.uniform(-0.4, 0.4, count)) * 2 * np.pi / count
    away = rng.uniform(6, 30, count)
    points = np.stack([32 + away * np.cos(angles), 32 + away * np.sin(angles)], axis=1)
    return points if rng.random() < 0.5 else points[::-1]


def rectangle(rng):
    x0, x1 = sorted(rng.choice(SIDE + 1, 2, replace=False).tolist())
    y0, y1 = sorted(rng.choice(SIDE + 1, 2, replace=False).tolist())
    return x0, y0, x1, y1


@given(seeds)
@settings(max_examples=50, deadline=None)
def test_without_a_rectangle_the_filled_pixels_and_the_area_outside_it_stay(seed):
    rng = np.random.default_rng(seed)
    points, (x0, y0, x1, y1) = star(rng), rectangle(rng)
    left = without_rectangle(points, (x0, y0, x1, y1))
    expected = fill_polygon(points, (SIDE, SIDE))
    expected[y0:y1, x0:x1] = False
    found = np.zeros((SIDE, SIDE), bool)
    for part in left:
        assert not (found & fill_polygon(part, (SIDE, SIDE))).any()
        found |= fill_polygon(part, (SIDE, SIDE))
    assert np.array_equal(found, expected)
    inside = sum(map(area_of, cut_to_rectangle(points.tolist(), (x0, y0, x1, y1), cut_polygon)))
    assert abs(sum(area_of(part.tolist()) for part in left) + inside - area_of(points.tolist())) < 1e-3


def test_squares_on_whole_pixels_are_cut_to_the_expected_corners():
    square = np.array([[2.0, 2], [12, 2], [12, 12], [2, 12]])

    def corners(*rectangle):
        return [sorted(map(tuple, np.unique(part, axis=0).tolist())) for part in without_rectangle(square, rectangle)]

    assert corners(12, 0, 20, 20) == [[(2, 2), (2, 12), (12, 2), (12, 12)]]
    assert corners(2, 2, 12, 12) == [] == corners(0, 0, 20, 20)
    assert corners(2, 2, 7, 12) == [[(7, 2), (7, 12), (12, 2), (12, 12)]]
    assert corners(2, 2, 7, 7) == [[(2, 7), (2, 12), (7, 2), (7, 7), (12, 2), (12, 12)]]
    assert sorted(corners(5, 0, 7, 20)) == [
        [(2, 2), (2, 12), (5, 2), (5, 12)],
        [(7, 2), (7, 12), (12, 2), (12, 12)],
    ]
    (ring,) = without_rectangle(square, (4, 4, 6, 6))
    assert area_of(ring.tolist()) == 96


@given(seeds)
@settings(max_examples=30, deadline=None)
def test_lines_are_left_where_their_pixels_are_open(seed):
    rng = np.random.default_rng(seed)
    covered = rng.random((12, 12)) < 0.5
    line = rng.uniform(0, 12, (4, 2))
    pieces = open_lines(Shapes([line], [0]), covered).points
    share = (np.arange(4000) + 0.5) / 4000
    expected = sum(
        np.hypot(*(end - start))
        * (~covered[tuple((start + (end - start) * share[:, None]).astype(int).T[::-1])]).mean()
        for start, end in pairwise(line)
    )
    found = sum(np.hypot(*np.diff(piece, axis=0).T).sum() for piece in pieces)
    assert abs(found - expected) < 0.05
    for piece in pieces:
        middles = (piece[:-1] + piece[1:]) / 2
        assert len(middles)


@given(seeds, st.booleans())
@settings(max_examples=30, deadline=None)
def test_covers_of_any_shape_leave_the_open_pixels_and_drop_what_is_hidden(seed, whole):
    rng = np.random.default_rng(seed)
    points = star(rng)
    covered = np.zeros((SIDE, SIDE), bool)
    for x0, y0, x1, y1 in (rectangle(rng), rectangle(rng)):
        covered[y0:y1, x0:x1] = True
    covered |= whole
    left = uncovered(
        {"polygons": [points], "polygon_labels": ["it"]},
        Cover(covered),
        boxes=Boxes(),
        keypoints=Keypoints(),
        polygons=Polygons(),
        line_strings=LineStrings(),
    )
    found = np.zeros((SIDE, SIDE), bool)
    for part in left["polygons"]:
        found |= fill_polygon(part, (SIDE, SIDE))
    expected = fill_polygon(points, (SIDE, SIDE)) & ~covered
    assert np.count_nonzero(found != expected) <= 25  # single ones along the outline, which is spared its stairs
    assert left["polygon_labels"] == ["it"] * len(left["polygons"]) and bool(left["polygons"]) == expected.any()


def test_an_oriented_box_shrinks_at_its_own_angle_to_what_is_seen():
    turned = np.array([[30.0, 30, 20, 8, 90, 7]])  # upright: from y 20 to 40, x 26 to 34
    options = {"boxes": Boxes(), "keypoints": Keypoints()}

    def seen(cover, **more):
        return uncovered({"oriented_boxes": turned}, cover, **options, **more)["oriented_boxes"]

    size = (SIDE, SIDE)
    np.testing.assert_allclose(seen(Cover.of_rectangle((0, 0, 64, 28), size)), [[30, 34, 12, 8, 90, 7]], atol=1e-9)
    np.testing.assert_allclose(seen(Cover.of_rectangle((0, 0, 30, 28), size)), turned, atol=1e-9)
    np.testing.assert_array_equal(seen(Cover.of_rectangle((0, 0, 9, 9), size)), turned)
    assert len(seen(Cover.of_rectangle((20, 10, 40, 50), size))) == 0
    least = OrientedBoxes(min_visibility=0.7)
    assert len(seen(Cover.of_rectangle((0, 0, 64, 28), size), oriented_boxes=least)) == 0
    pixels = np.zeros(size, bool)
    pixels[:28] = True
    np.testing.assert_allclose(seen(Cover(pixels)), [[30, 34, 12, 8, 90, 7]], atol=1e-9)
