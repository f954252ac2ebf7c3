"""Polygons and line strings, against warped masks, closed forms and the formats' own readings."""

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from covary.targets import LineStrings, Polygons
from tests.targets.plans import affine_maps, carried, crop, displace, grids, mirrored, projective_maps, stage, warp

SIZE = (90, 110)
FINE = 8
SHAPE = np.array([(30, 20), (80, 25), (85, 70), (60, 40), (35, 65)], float)  # not convex


def filled(polygons, size):
    """The area that polygons cover, by cv2.fillPoly on a raster eight times as fine."""
    canvas = np.zeros((size[0] * FINE, size[1] * FINE), np.uint8)
    for polygon in polygons:
        cv2.fillPoly(canvas, [np.rint(np.asarray(polygon) * FINE - 0.5).astype(np.int32)], 1)
    return canvas


@settings(max_examples=30, deadline=None)
@given(st.one_of(affine_maps(SIZE), projective_maps(SIZE)), st.one_of(st.none(), grids(SIZE, 0.25)))
def test_a_polygon_covers_what_the_warped_mask_shows(matrix, grid):
    mask = filled([SHAPE], SIZE)
    big = mask.shape
    scale = np.diag((FINE, FINE, 1.0))
    changes = [warp(matrix, SIZE)]
    fine = [warp(scale @ matrix @ np.linalg.inv(scale), big)]
    if grid is not None:
        changes.append(displace(grid))
        fine.append(displace(grid * FINE))
    moved = carried({"polygons": [SHAPE]}, [stage(SIZE, *changes)], SIZE)["polygons"]
    shown = carried({"mask": mask}, [stage(big, *fine)], big)["mask"]
    differ = np.count_nonzero(filled(moved, SIZE) != shown)
    # No more than half a pixel of the canvas along the outline.
    outline = sum(np.hypot(*(np.roll(part, -1, axis=0) - part).T).sum() for part in moved)
    assert differ / FINE**2 <= 0.5 * outline + 2


def test_every_form_comes_back_in_its_own():
    square = [[10, 20], [30, 20], [30, 40], [10, 40]]
    flat = [10, 20, 30, 20, 30, 40, 10, 40]
    value = [np.array(square, np.float32), square, flat, np.array(flat), [flat, flat], [np.array(square), square]]
    made = carried({"polygons": value, "polygon_labels": list("abcdef")}, [stage(SIZE, crop(5, 5, (60, 60)))], SIZE)
    expected = np.array(square, float) - 5
    array, pairs, numbers, flat_array, parts, mixed = made["polygons"]
    assert isinstance(array, np.ndarray) and array.dtype == np.float32 and array.shape == (4, 2)
    assert pairs == expected.tolist() and numbers == expected.ravel().tolist()
    assert isinstance(flat_array, np.ndarray) and flat_array.tolist() == numbers
    assert parts == [numbers, numbers]
    assert len(mixed) == 2
    assert made["polygon_labels"] == list("abcdef")


def test_what_is_cut_in_two_is_two_entries_or_two_parts():
    comb = [[0, 0], [30, 0], [30, 30], [20, 30], [20, 10], [10, 10], [10, 30], [0, 30]]
    way = [stage((20, 40), crop(0, 15, (20, 40)))]
    made = carried({"polygons": [comb], "polygon_labels": ["comb"]}, way, SIZE)
    assert len(made["polygons"]) == 2 and made["polygon_labels"] == ["comb", "comb"]
    parts = carried({"polygons": [[comb]], "polygon_labels": ["comb"]}, way, SIZE)
    assert len(parts["polygons"]) == 1 and len(parts["polygons"][0]) == 2 and parts["polygon_labels"] == ["comb"]
    for polygon in made["polygons"]:
        np.testing.assert_allclose(sorted(map(tuple, polygon)), sorted({(x, y) for x, _ in polygon for y in (0, 15)}))


def test_rules_for_what_stays():
    way = [stage((60, 60), crop(20, 0, (60, 60)))]
    squares = [np.array([[x, 10], [x + 20, 10], [x + 20, 30], [x, 30]], float) for x in (-5, 5, 10, 40)]
    sample = {"polygons": squares, "polygon_labels": np.arange(4)}

    def left(**options):
        return carried(sample, way, SIZE, polygons=Polygons(**options))["polygon_labels"].tolist()

    assert left() == [1, 2, 3]  # the first is beyond the crop
    assert left(min_area=150) == [2, 3]
    assert left(min_visibility=0.6) == [3]
    whole = carried(sample, way, SIZE, polygons=Polygons(clip=False))
    np.testing.assert_allclose(whole["polygons"][0], squares[1] - (20, 0))
    assert whole["polygon_labels"].tolist() == [1, 2, 3]


def test_normalised_points_and_labels_of_left_and_right():
    options = Polygons("normalised", pairs=[(1, 2)])
    sample = {"polygons": [[0.1, 0.2, 0.3, 0.2, 0.3, 0.5]], "polygon_labels": np.array([1])}
    made = carried(sample, [stage(SIZE, mirrored(SIZE))], SIZE, polygons=options)
    np.testing.assert_allclose(made["polygons"], [[0.9, 0.2, 0.7, 0.2, 0.7, 0.5]])
    assert made["polygon_labels"].tolist() == [2]


def test_lines_are_cut_into_the_pieces_that_are_left():
    line = [[-10, 5], [30, 5], [30, 25], [50, 25], [50, 5], [120, 5]]
    way = [stage((20, 60), crop(0, 0, (20, 60)))]
    made = carried({"line_strings": [line], "line_string_labels": ["lane"]}, way, SIZE)
    assert made["line_strings"] == [[[0, 5], [30, 5], [30, 20]], [[50, 20], [50, 5], [60, 5]]]
    assert made["line_string_labels"] == ["lane", "lane"]
    long = carried({"line_strings": [line]}, way, SIZE, line_strings=LineStrings(min_length=30))
    assert len(long["line_strings"]) == 1
    whole = carried({"line_strings": [line]}, way, SIZE, line_strings=LineStrings(clip=False))
    assert whole["line_strings"] == [line]


@settings(max_examples=25, deadline=None)
@given(grids(SIZE, 0.3))
def test_the_points_of_a_displaced_line_are_those_of_keypoints_on_it(grid):
    line = np.array([[20.0, 30], [90, 60]])
    way = [stage(SIZE, displace(grid))]
    (made,) = carried({"line_strings": [line]}, way, SIZE)["line_strings"]
    share = np.linspace(0, 1, len(made))[:, None]
    points = carried({"keypoints": line[0] + (line[1] - line[0]) * share - 0.5}, way, SIZE)["keypoints"] + 0.5
    np.testing.assert_allclose(made, points, atol=1e-3)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("abc", "polygons is a str"),
        ([[1, 2, 3]], r"polygons\[0\]"),
        ([[1, 2, 3, 4]], "has 2 points"),
        ([{"size": [1, 2], "counts": ""}], "give `masks`"),
        ([[[1, 2], [3, np.nan], [4, 5]]], "finite"),
        ([[]], "no points"),
    ],
)
def test_what_is_no_polygon_is_refused_by_name(value, message):
    with pytest.raises(ValueError, match=message):
        carried({"polygons": value}, [stage(SIZE, mirrored(SIZE))], SIZE)


def test_labels_need_one_entry_each():
    with pytest.raises(ValueError, match="polygon_labels has 2 entries"):
        carried({"polygons": [SHAPE], "polygon_labels": [1, 2]}, [stage(SIZE, mirrored(SIZE))], SIZE)


@pytest.mark.parametrize(
    ("options", "arguments"), [(Polygons, {"format": "x"}), (Polygons, {"clip": 1}), (LineStrings, {"min_length": -1})]
)
def test_wrong_options_are_refused_by_name(options, arguments):
    with pytest.raises(ValueError, match=f"{options.__name__}: {next(iter(arguments))}"):
        options(**arguments)
