"""Oriented boxes: exact where shapes are kept, cv2.minAreaRect elsewhere."""

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from covary.targets import OrientedBoxes
from tests.targets.plans import about_centre, affine_maps, carried, crop, displace, grids, mirrored, stage, warp

SIZE = (80, 100)


def corners_of(boxes):
    """(N, 4, 2) corners by the plain formula: the angle turns anticlockwise as seen, so y points up in it."""
    made = []
    for x, y, w, h, angle in np.asarray(boxes, float)[:, :5]:
        c, s = np.cos(np.radians(angle)), np.sin(np.radians(angle))
        made.append(
            [(x + u * c + v * s, y - u * s + v * c) for u, v in np.array(((-w, -h), (w, -h), (w, h), (-w, h))) / 2]
        )
    return np.array(made).reshape(-1, 4, 2)


def turned(degrees, scale=1.0, flip=False):
    """The inverse map of a turn (anticlockwise as seen) and an even scaling about the centre."""
    a = np.radians(degrees)
    linear = np.array(((np.cos(a), -np.sin(a)), (np.sin(a), np.cos(a)))) / scale
    return about_centre(linear @ np.diag((-1.0 if flip else 1.0, 1.0)), SIZE)


def moved(matrix, points):
    homogeneous = np.column_stack((points.reshape(-1, 2), np.ones(points.size // 2))) @ np.linalg.inv(matrix).T
    return (homogeneous[:, :2] / homogeneous[:, 2:]).reshape(points.shape)


def out_of(boxes, stages, size=SIZE, **options):
    sample = {"oriented_boxes": np.asarray(boxes, float), "oriented_box_labels": list(range(len(boxes)))}
    made = carried(sample, stages, size, oriented_boxes=OrientedBoxes(**options))
    return made["oriented_boxes"], made["oriented_box_labels"]


ANGLE = st.floats(-180, 180)


@settings(max_examples=50, deadline=None)
@given(ANGLE, ANGLE, st.floats(0.6, 1.2), st.booleans())
def test_turns_flips_and_even_scalings_move_a_box_exactly(angle, turn, scale, flip):
    box = [48, 41, 18, 9, angle]
    matrix = turned(turn, scale, flip)
    expected = moved(matrix, corners_of([box]))
    made, labels = out_of([box], [stage(SIZE, warp(matrix, SIZE))])
    assert labels == [0]
    np.testing.assert_allclose(made[0, :2], expected[0].mean(axis=0), atol=1e-9)
    np.testing.assert_allclose(made[0, 2:4], (18 * scale, 9 * scale), atol=1e-9)
    side = expected[0, 1] - expected[0, 0]
    wanted = np.degrees(np.arctan2(-side[1], side[0]))
    assert (made[0, 4] - wanted + 180) % 360 - 180 == pytest.approx(0, abs=1e-6)
    assert -180 < made[0, 4] <= 180
    eight, _ = out_of(corners_of([box]).reshape(1, 8), [stage(SIZE, warp(matrix, SIZE))], format="corners")
    np.testing.assert_allclose(eight.reshape(1, 4, 2), expected, atol=1e-9)


def test_a_turn_adds_to_the_angle_as_seen_on_the_screen():
    made, _ = out_of([[50, 40, 20, 10, 15]], [stage(SIZE, warp(turned(30), SIZE))])
    np.testing.assert_allclose(made, [[50, 40, 20, 10, 45]], atol=1e-9)
    made, _ = out_of([[50, 40, 20, 10, 15]], [stage(SIZE, mirrored(SIZE))])
    np.testing.assert_allclose(made, [[50, 40, 20, 10, 165]], atol=1e-9)


@settings(max_examples=50, deadline=None)
@given(ANGLE, affine_maps(SIZE, SIZE))
def test_a_sheared_box_is_the_rectangle_of_cv2_min_area_rect(angle, matrix):
    box = [50, 40, 24, 10, angle]
    expected = moved(matrix, corners_of([box]))[0]
    (x, y), sides, _ = cv2.minAreaRect(expected.astype(np.float32))
    made, _ = out_of([box], [stage(SIZE, warp(matrix, SIZE))], clip=False)
    assert len(made) == 1
    np.testing.assert_allclose(made[0, :2], (x, y), atol=0.02)
    assert made[0, 2] * made[0, 3] == pytest.approx(sides[0] * sides[1], rel=1e-3)
    # It holds what it stands for.
    held = corners_of(made)[0].astype(np.float32)
    assert all(cv2.pointPolygonTest(held, tuple(map(float, point)), True) > -0.01 for point in expected)


@settings(max_examples=25, deadline=None)
@given(ANGLE, grids(SIZE, 0.3))
def test_a_displaced_box_holds_its_outline(angle, grid):
    from covary.targets.displacement import undo

    box = [50, 40, 24, 10, angle]
    grid = grid.astype(np.float32)
    made, _ = out_of([box], [stage(SIZE, displace(grid))])
    share = np.linspace(0, 1, 50)[:, None]
    corners = corners_of([box])[0]
    outline = np.concatenate([a + (b - a) * share for a, b in zip(corners, np.roll(corners, -1, axis=0), strict=True)])
    there = undo(grid, SIZE, outline)
    held = corners_of(made)[0].astype(np.float32)
    # Between two points of the outline, 4 px apart, a kink of the displacement may reach beyond it.
    assert all(cv2.pointPolygonTest(held, tuple(map(float, point)), True) > -0.7 for point in there)
    (_, sides, _) = cv2.minAreaRect(there.astype(np.float32))
    assert made[0, 2] * made[0, 3] == pytest.approx(sides[0] * sides[1], rel=0.1)


def test_a_cut_box_keeps_its_angle_and_shrinks_to_what_is_visible():
    # A level box cut by a crop is the crop's part of it; a whole one stays; one outside goes, with its label.
    boxes = [[20, 30, 20, 10, 0], [60, 40, 10, 20, 0], [90, 40, 10, 10, 45]]
    made, labels = out_of(boxes, [stage((60, 60), crop(15, 10, (60, 60)))])
    np.testing.assert_allclose(made, [[7.5, 20, 15, 10, 0], [45, 30, 10, 20, 0]], atol=1e-9)
    assert labels == [0, 1]
    made, _ = out_of(boxes, [stage((60, 60), crop(15, 10, (60, 60)))], clip=False)
    np.testing.assert_allclose(made[0], [5, 20, 20, 10, 0], atol=1e-9)


def test_visible_shares_and_areas_drop_boxes():
    boxes = [[20, 30, 20, 10, 0], [60, 40, 10, 20, 0]]
    way = [stage((60, 60), crop(20, 10, (60, 60)))]
    assert out_of(boxes, way, min_visibility=0.4)[1] == [0, 1]
    assert out_of(boxes, way, min_visibility=0.6)[1] == [1]
    assert out_of(boxes, way, min_area=99)[1] == [0, 1]
    assert out_of(boxes, way, min_area=101)[1] == [1]


def test_normalised_boxes_and_further_columns():
    sample = {"oriented_boxes": np.array([[0.5, 0.5, 0.2, 0.25, 0, 7]], np.float32)}
    made = carried(sample, [stage(SIZE, mirrored(SIZE))], SIZE, oriented_boxes=OrientedBoxes(normalised=True))
    assert made["oriented_boxes"].dtype == np.float32
    np.testing.assert_allclose(made["oriented_boxes"], [[0.5, 0.5, 0.2, 0.25, 180, 7]], atol=1e-6)


def test_labels_of_left_and_right_trade_places_in_a_mirror():
    sample = {"oriented_boxes": [[50, 40, 20, 10, 0]] * 2, "oriented_box_labels": ["left", "nose"]}
    options = OrientedBoxes(pairs=[("left", "right")])
    assert carried(sample, [stage(SIZE, mirrored(SIZE))], SIZE, oriented_boxes=options)["oriented_box_labels"] == [
        "right",
        "nose",
    ]


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ([[1, 2, 3]], "oriented_boxes: shape"),
        ([[1, 2, -3, 4, 0]], "row 0"),
        ([[1, 2, np.nan, 4, 0]], "row 0"),
    ],
)
def test_what_is_no_oriented_box_is_refused_by_name(value, message):
    with pytest.raises(ValueError, match=message):
        out_of(value, [stage(SIZE, mirrored(SIZE))])


@pytest.mark.parametrize("arguments", [{"format": "x"}, {"clip": 1}, {"min_area": -1}, {"pairs": [(1, 1)]}])
def test_wrong_options_are_refused_by_name(arguments):
    with pytest.raises(ValueError, match="OrientedBoxes: " + next(iter(arguments))):
        OrientedBoxes(**arguments)
