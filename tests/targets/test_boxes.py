"""Boxes, against direct arithmetic, against the tight boxes of rendered masks, and as formats."""

import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from covary import kernels
from covary.plan.changes import Warp
from covary.plan.stages import Stage
from covary.render.reference import render
from covary.targets import Boxes, Keypoints, carry
from covary.targets.affine import affine_moves, carry_boxes
from covary.targets.boxes import read_boxes, write_boxes
from tests.targets.plans import (
    about_centre,
    affine_maps,
    carried,
    crop,
    displace,
    grids,
    mirrored,
    projective_maps,
    quarter_turn,
    rendered,
    shifted,
    stage,
    upside_down,
    warp,
)

SIZE = (40, 60)
FORMATS = ("pascal_voc", "coco", "yolo", "normalised")
BOXES = np.array([(10.0, 5, 30, 25), (0, 0, 60, 40), (3.25, 4.5, 7.75, 9)])


def moved(boxes, *stages, size=SIZE, **options):
    return carried({"boxes": boxes}, stages, size, boxes=Boxes(**options))["boxes"]


def edges(boxes, form, size):
    """Corners in pixels as a user computes them back, in the boxes' own dtype."""
    a = np.asarray(boxes)[:, :4]
    if form in ("coco", "yolo"):
        start = a[:, :2] if form == "coco" else a[:, :2] - a[:, 2:] / 2
        end = start + a[:, 2:] if form == "coco" else a[:, :2] + a[:, 2:] / 2
        a = np.concatenate((start, end), axis=1)
    return a


def limits(form, size):
    return (size[1], size[0]) if form in ("pascal_voc", "coco") else (1, 1)


def test_flips_and_crops_equal_direct_arithmetic():
    x0, y0, x1, y1 = BOXES.T
    np.testing.assert_array_equal(moved(BOXES, stage(SIZE, mirrored(SIZE))), np.c_[60 - x1, y0, 60 - x0, y1])
    np.testing.assert_array_equal(moved(BOXES, stage(SIZE, upside_down(SIZE))), np.c_[x0, 40 - y1, x1, 40 - y0])
    np.testing.assert_array_equal(moved(BOXES, stage((60, 40), quarter_turn(SIZE))), np.c_[y0, 60 - x1, y1, 60 - x0])
    cropped = moved(BOXES, stage((20, 20), crop(5, 6, (20, 20))))
    np.testing.assert_array_equal(
        cropped, np.c_[np.clip(x0 - 5, 0, 20), np.clip(y0 - 6, 0, 20), np.clip(x1 - 5, 0, 20), np.clip(y1 - 6, 0, 20)]
    )


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32), st.sampled_from((mirrored, upside_down, quarter_turn)))
def test_boxes_of_index_maps_equal_numpy_flips(seed, change):
    corner = np.random.default_rng(seed).integers(0, 38, (4, 2))
    boxes = np.c_[corner, corner + 1 + np.random.default_rng(seed + 1).integers(0, 2, (4, 2))]
    apply = {mirrored: np.fliplr, upside_down: np.flipud, quarter_turn: np.rot90}[change]
    ids = np.arange(SIZE[0] * SIZE[1]).reshape(SIZE)
    turned = apply(ids)
    result = moved(boxes, stage(turned.shape, change(SIZE)))
    for before, after in zip(boxes, result.astype(int), strict=True):
        inside = set(ids[before[1] : before[3], before[0] : before[2]].ravel())
        assert inside == set(turned[after[1] : after[3], after[0] : after[2]].ravel())


def box_of_mask(box, coordinates, size, border="constant"):
    """The tight box of the rendered mask of a box, seen through a four-fold magnifier."""
    mask = np.zeros(SIZE, dtype=np.uint8)
    mask[box[1] : box[3], box[0] : box[2]] = 1
    fine = (size[0] * 4, size[1] * 4)
    magnifier = warp(np.diag((0.25, 0.25, 1)), fine)
    seen = rendered(mask, [stage(fine, *coordinates, magnifier, border=border, interpolation="nearest")])[..., 0]
    y, x = np.nonzero(seen)
    if not len(y):
        return None
    return np.array((x.min(), y.min(), x.max() + 1, y.max() + 1)) / 4


BOX = st.tuples(st.integers(0, 40), st.integers(0, 25), st.integers(3, 18), st.integers(3, 14)).map(
    lambda b: (b[0], b[1], b[0] + b[2], b[1] + b[3])
)


@settings(max_examples=40, deadline=None)
@given(st.data(), BOX)
def test_box_equals_the_tight_box_of_its_rendered_mask(data, box):
    out = (56, 76)
    changes = data.draw(
        st.sampled_from(
            (
                (projective_maps(SIZE, out).map(lambda m: warp(m, out)),),
                (grids(SIZE).map(displace), affine_maps(SIZE, out).map(lambda m: warp(m, out))),
                (affine_maps(SIZE, out).map(lambda m: warp(m, out)), grids(out).map(displace)),
            )
        )
    )
    coordinates = [data.draw(change) for change in changes]
    result = moved([box], stage(out, *coordinates))
    truth = box_of_mask(box, coordinates, out)
    # A sliver at the canvas' edge may lie between the centres of the mask's pixels.
    thick = len(result) == 1 and (result[0, 2:] - result[0, :2]).min() > 1
    assert thick or truth is None or (truth[2:] - truth[:2]).min() <= 1
    if thick:
        np.testing.assert_allclose(result[0], truth, atol=1.0)
    whole = moved([box], stage(out, *coordinates), clip=False)
    assert len(whole) == len(result)
    if len(result) and (result > 0).all() and (result < (76, 56, 76, 56)).all():
        np.testing.assert_array_equal(whole, result)


def test_box_across_the_horizon_equals_the_tight_box_of_its_rendered_mask():
    # Input = output / (1 - 0.02 (x - 30)): the right part of the output, from x = 80 on, shows nothing.
    tilt = shifted(30, 20) @ np.array(((1, 0, 0), (0, 1, 0), (-0.02, 0, 1))) @ shifted(-30, -20)
    behind = np.linalg.inv(tilt)
    for matrix in (tilt, behind):
        box = (2, 10, 50, 30)
        result = moved([box], stage(SIZE, warp(matrix, SIZE)))
        np.testing.assert_allclose(result[0], box_of_mask(box, (warp(matrix, SIZE),), SIZE), atol=1.0)


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 2**32), st.sampled_from(FORMATS), st.sampled_from((np.float32, np.float64)), st.data())
def test_every_format_comes_back_the_same_and_valid(seed, form, dtype, data):
    size = data.draw(st.tuples(st.integers(1, 5000), st.integers(1, 5000)))
    generator = np.random.default_rng(seed)
    share = np.sort(generator.choice((0.0, 1.0, *generator.random(9)), (30, 2, 2)), axis=2)
    boxes = share.transpose(0, 2, 1).reshape(30, 4) * ((*size[::-1], *size[::-1]))
    given_boxes = write_boxes(Boxes(form), np.zeros((0, 4), dtype), boxes, size, None)
    assert given_boxes.dtype == dtype
    raw, corners, _ = read_boxes(Boxes(form), given_boxes, size)
    again = write_boxes(Boxes(form), raw, np.clip(corners, 0, (*size[::-1], *size[::-1])), size, None)
    scale = max(limits(form, size))
    np.testing.assert_allclose(again, given_boxes, rtol=0, atol=(1e-9 if dtype == np.float64 else 1e-6) * scale)
    for made in (given_boxes, again):
        found = edges(made, form, size)
        assert (found >= 0).all()
        assert (found[:, :2] <= found[:, 2:]).all()
        assert (found[:, 2:] <= limits(form, size)).all()
        assert (found.astype(np.float64)[:, 2:] <= limits(form, size)).all()


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 2**32), st.sampled_from(FORMATS), st.sampled_from((np.float32, np.float64)), st.data())
def test_moved_boxes_are_valid_boxes_of_their_own_format(seed, form, dtype, data):
    generator = np.random.default_rng(seed)
    corner = generator.uniform(-10, 45, (20, 2))
    boxes = np.c_[corner, corner + generator.uniform(0.5, 40, (20, 2))]
    given_boxes = write_boxes(Boxes(form, clip=False), np.zeros((0, 4), dtype), boxes, SIZE, None)
    out = data.draw(st.tuples(st.integers(1, 300), st.integers(1, 300)))
    plan = [stage(out, warp(data.draw(affine_maps(SIZE, out)), out)), stage(out, mirrored(out))]
    once = carried({"boxes": given_boxes}, plan, SIZE, boxes=Boxes(form))["boxes"]
    assert once.dtype == dtype
    found = edges(once, form, out)
    assert (found >= 0).all()
    assert (found[:, :2] <= found[:, 2:]).all()
    assert (found[:, 2:] <= limits(form, out)).all()
    # What came out is accepted again.
    carried({"boxes": once}, [stage(out, mirrored(out))], out, boxes=Boxes(form))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_yolo_boxes_that_rounding_pushed_over_the_edge_are_accepted(dtype):
    boxes = np.array(
        [
            (0.5, 0.5, 1.0000001, 1.0000001),
            (0.9999999, 0.5, 0.0000002, 0.4),
            (0.95, 0.5, 0.1000001, 1),
            (0.1, 0.3, 0.2000001, 0.6000001),
            (1 - 0.35 / 2, 0.7, np.nextafter(dtype(0.35), dtype(1)), 0.6),
        ],
        dtype=dtype,
    )
    for plan in ([], [stage(SIZE, mirrored(SIZE))]):
        result = carried({"boxes": boxes}, plan, SIZE, boxes=Boxes("yolo"))["boxes"]
        assert len(result) == len(boxes)
        found = edges(result, "yolo", SIZE)
        assert found.dtype == dtype
        assert (found >= 0).all()
        assert (found <= 1).all()


def test_rounding_that_turns_a_thin_box_inside_out_is_forgiven_but_the_empty_box_is_dropped():
    boxes = [(10, 10, 10 - 1e-7, 20), (10, 10, 20, 20)]
    np.testing.assert_array_equal(moved(boxes), [(10, 10, 20, 20)])


def test_boxes_outside_are_dropped_with_their_labels_and_partly_outside_are_cut():
    boxes = np.array([(-5.0, -5, 5, 5), (70, 5, 90, 15), (50, 30, 70, 50), (-9, -9, -1, -1)])
    for labels in (["a", "b", "c", "d"], ("a", "b", "c", "d"), np.array(["a", "b", "c", "d"])):
        out = carried({"boxes": boxes, "box_labels": labels}, [], SIZE)
        np.testing.assert_array_equal(out["boxes"], [(0, 0, 5, 5), (50, 30, 60, 40)])
        assert type(out["box_labels"]) is type(labels)
        assert list(out["box_labels"]) == ["a", "c"]


def test_without_clip_boxes_move_whole_and_the_same_ones_are_dropped():
    boxes = [(-5.0, -5, 5, 5), (70, 5, 90, 15), (50, 30, 70, 50)]
    np.testing.assert_array_equal(
        moved(boxes, stage(SIZE, mirrored(SIZE)), clip=False), [(55, -5, 65, 5), (-10, 30, 10, 50)]
    )


def test_a_box_that_vanishes_at_a_stage_boundary_does_not_come_back():
    away, back = stage((20, 20), crop(0, 0, (20, 20))), stage(SIZE, warp(about_centre(turn(0.5), (20, 20), SIZE), SIZE))
    boxes = [(30.0, 5, 40, 15), (5, 5, 15, 15), (20, 5, 25, 15)]
    for clip in (True, False):
        assert len(moved(boxes, away, back, clip=clip)) == 1
    # Within one pass the picture beyond the crop is still there, and so is its box.
    assert len(moved([boxes[0]], stage(SIZE, crop(-5, -5, SIZE)))) == 1


def turn(angle):
    return np.array(((np.cos(angle), -np.sin(angle)), (np.sin(angle), np.cos(angle))))


@settings(max_examples=25, deadline=None)
@given(st.data(), BOX)
def test_box_after_two_stages_equals_the_tight_box_of_its_rendered_mask(data, box):
    first, second = (warp(data.draw(affine_maps(SIZE)), SIZE) for _ in range(2))
    result = moved([box], stage(SIZE, first), stage(SIZE, second))
    mask = np.zeros((SIZE[0] * 4, SIZE[1] * 4), dtype=np.uint8)
    mask[box[1] * 4 : box[3] * 4, box[0] * 4 : box[2] * 4] = 1
    fine = mask.shape
    enlarged = [
        stage(
            fine,
            warp(np.diag((4.0, 4, 1)) @ change.matrix[0] @ np.diag((0.25, 0.25, 1)), fine),
            interpolation="nearest",
        )
        for change in (first, second)
    ]
    y, x = np.nonzero(rendered(mask, enlarged)[..., 0])
    # Of a sliver at the canvas' edge, thinner than a pixel, the mask may show a part or nothing.
    is_sliver = len(result) > 0 and (result[0, 2:] - result[0, :2]).min() < 1
    if len(result) and len(y) and not is_sliver:
        np.testing.assert_allclose(result[0] * 4, (x.min(), y.min(), x.max() + 1, y.max() + 1), atol=6)
    else:
        assert len(result) == 0 or is_sliver


def test_cut_at_a_stage_boundary_stays_cut():
    plan = (stage((20, 20), crop(0, 0, (20, 20))), stage(SIZE, crop(0, 0, SIZE)))
    np.testing.assert_array_equal(moved([(10.0, 10, 30, 15)], *plan), [(10, 10, 20, 15)])


def test_minimum_area_and_visibility_equal_direct_arithmetic():
    boxes = np.array([(0.0, 0, 10, 10), (15, 0, 25, 10), (18, 0, 28, 10), (0, 0, 2, 2)])
    plan = stage((20, 20), crop(0, 0, (20, 20)))
    cut = np.minimum(boxes, 20)
    area = (cut[:, 2] - cut[:, 0]) * (cut[:, 3] - cut[:, 1])
    share = area / ((boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1]))
    for least in (0.0, 4.0, 4.5, 20.0, 50.0, 51.0):
        np.testing.assert_array_equal(moved(boxes, plan, min_area=least), cut[area >= least])
    for least in (0.0, 0.2, 0.21, 0.5, 0.51, 1.0):
        np.testing.assert_array_equal(moved(boxes, plan, min_visibility=least), cut[share >= least - 1e-9])


def test_visibility_of_two_stages_is_the_product():
    plan = (stage((40, 20), crop(0, 0, (40, 20))), stage((10, 20), crop(0, 0, (10, 20))))
    box = [(10.0, 5, 30, 15)]  # half is left of it, then half of that
    assert len(moved(box, *plan, min_visibility=0.25)) == 1
    assert len(moved(box, *plan, min_visibility=0.26)) == 0


@pytest.mark.parametrize("form", FORMATS)
def test_further_columns_are_carried_with_their_rows(form):
    extra = np.array([(7.0, 0.125), (8.0, 0.25), (9.0, 0.5)])
    boxes = write_boxes(Boxes(form, clip=False), np.zeros((0, 4)), BOXES, SIZE, None)
    away = write_boxes(Boxes(form, clip=False), np.zeros((0, 4)), np.array([(70.0, 0, 80, 10)]), SIZE, None)
    rows = np.c_[np.r_[boxes[:1], away, boxes[1:]], np.r_[extra[:1], [(0, 0)], extra[1:]]]
    result = moved(rows, stage(SIZE, mirrored(SIZE)), format=form)
    assert result.shape == (3, 6)
    np.testing.assert_array_equal(result[:, 4:], extra)


@pytest.mark.parametrize("empty", [[], (), np.zeros((0, 4)), np.zeros((0, 6)), np.zeros((0, 4), np.float32), [[]]])
@pytest.mark.parametrize("form", FORMATS)
def test_no_boxes_give_no_boxes(empty, form):
    grid = np.ones((3, 3, 2))
    for plan in ((), (stage(SIZE, mirrored(SIZE)),), (stage(SIZE, displace(grid)),)):
        out = carried({"boxes": empty, "box_labels": []}, plan, SIZE, boxes=Boxes(form, min_visibility=0.5))
        assert out["boxes"].shape == (0, empty.shape[1] if isinstance(empty, np.ndarray) else 4)
        assert out["boxes"].dtype == (empty.dtype if isinstance(empty, np.ndarray) else np.float64)
        assert out["box_labels"] == []


def test_lists_and_integers_become_float64_and_float32_stays():
    plan = (stage(SIZE, mirrored(SIZE)),)
    assert moved([[1, 2, 3, 4]], *plan).dtype == np.float64
    assert moved(np.array([[1, 2, 3, 4]], dtype=np.int32), *plan).dtype == np.float64
    assert moved(np.array([[1, 2, 3, 4]], dtype=np.float32), *plan).dtype == np.float32


@pytest.mark.parametrize("form", FORMATS)
def test_boxes_in_any_memory_order_equal_the_same_in_rows(form):
    boxes = write_boxes(Boxes(form), np.zeros((0, 4)), BOXES, SIZE, None)
    plan = stage(SIZE, warp(about_centre(turn(0.4), SIZE), SIZE))
    expected = moved(boxes, plan, format=form)
    wide = np.repeat(np.asfortranarray(boxes), 2, axis=0)
    for other in (np.asfortranarray(boxes), wide[::2], np.flip(boxes)[::-1, ::-1]):
        np.testing.assert_array_equal(moved(other, plan, format=form), expected)


def test_map_without_inverse_drops_all_boxes():
    for matrix in (np.zeros((3, 3)), np.full((3, 3), np.nan), np.diag((1.0, 1, -1))):
        assert len(moved(BOXES, stage(SIZE, warp(matrix, SIZE)), min_visibility=0.1)) == 0


@pytest.mark.parametrize(
    ("boxes", "form", "message"),
    [
        ([(1, 2, 3, 4), (5, 5, 4, 9)], "pascal_voc", "boxes: row 1 is [5, 5, 4, 9]"),
        ([(1, 2, np.nan, 4)], "pascal_voc", "boxes: row 0 is [1.0, 2.0, nan, 4.0]"),
        ([(1, 2, np.inf, 4)], "pascal_voc", "boxes: row 0 is"),
        ([(1, 2, 3, 4), (-np.inf, 2, np.inf, 4)], "pascal_voc", "boxes: row 1 is"),
        ([(1, 2, -3, 4)], "coco", "boxes: row 0 is [1, 2, -3, 4]"),
        ([(0.5, 0.5, -0.1, 0.1)], "yolo", "boxes: row 0 is"),
        (
            [(0.1, 0.1, 0.2, 0.2), (10, 20, 30, 40)],
            "yolo",
            "row 1 is [10.0, 20.0, 30.0, 40.0]; yolo boxes are fractions",
        ),
        ([(0.1, 0.1, 0.2, np.nan)], "normalised", "row 0 is"),
        ([(1, 2, 3)], "pascal_voc", "shape (1, 3)"),
        ([1, 2, 3, 4], "pascal_voc", "shape (4,)"),
        ([(1, 2, 3, 4), (1, 2, 3)], "pascal_voc", "rows of different lengths"),
        ([(1, 2, 3, 4, "cat")], "pascal_voc", "is not numeric"),
    ],
)
def test_wrong_boxes_are_refused_by_row_and_value(boxes, form, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        moved(boxes, stage(SIZE, mirrored(SIZE)), format=form)


def test_labels_of_another_length_are_refused():
    with pytest.raises(ValueError, match="box_labels has 1 entries, there are 3 rows"):
        carried({"boxes": BOXES, "box_labels": ["a"]}, [], SIZE)


@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        ({"format": "voc"}, "format"),
        ({"source": "polygons"}, "source"),
        ({"clip": 1}, "clip"),
        ({"min_area": -1}, "min_area"),
        ({"min_area": np.nan}, "min_area"),
        ({"min_area": "2"}, "min_area"),
        ({"min_visibility": 1.5}, "min_visibility"),
        ({"min_visibility": True}, "min_visibility"),
    ],
)
def test_wrong_arguments_are_refused_by_name(arguments, name):
    with pytest.raises(ValueError, match=f"Boxes: {name} is .*allowed"):
        Boxes(**arguments)


def both_ways(fields, plan, **options):
    """The sample's fields as the compiled kernel carries them, and as NumPy does."""
    compiled = carried(fields, plan, SIZE, boxes=Boxes(**options))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(kernels, "native", None)
        return compiled, carried(fields, plan, SIZE, boxes=Boxes(**options))


def written(corners, form, size):
    """Corners in pixels in a format."""
    start, end = corners[:, :2], corners[:, 2:]
    if form in ("coco", "yolo"):
        start, end = (start if form == "coco" else (start + end) / 2), end - start
    return np.c_[start, end] / (1 if form in ("pascal_voc", "coco") else (size[1], size[0]) * 2)


@pytest.mark.skipif(kernels.native is None, reason="the extension is not built")
@settings(max_examples=80, deadline=None)
@given(
    st.integers(0, 2**32),
    st.data(),
    st.sampled_from(FORMATS),
    st.sampled_from((np.float32, np.float64)),
    st.booleans(),
    st.sampled_from(((0.0, 0.0), (30.0, 0.0), (0.0, 0.4), (5.0, 0.2))),
)
def test_compiled_boxes_equal_those_in_numpy(seed, data, form, dtype, clip, least):
    generator = np.random.default_rng(seed)
    corner = generator.uniform(-20, 50, (30, 2))
    boxes = written(np.c_[corner, corner + generator.uniform(0.01, 40, (30, 2))], form, SIZE)
    boxes = np.c_[boxes, np.arange(60).reshape(30, 2)[:, : seed % 3]].astype(dtype)
    out = data.draw(st.tuples(st.integers(1, 90), st.integers(1, 90)))
    plan = [stage(SIZE, mirrored(SIZE)), stage(out, warp(data.draw(affine_maps(SIZE, out, least=0.2, most=4.0)), out))]
    plan = plan[: data.draw(st.integers(0, 2))]
    fields = {"boxes": boxes, "box_labels": np.arange(30), "other": 1}
    compiled, plain = both_ways(fields, plan, format=form, clip=clip, min_area=least[0], min_visibility=least[1])
    np.testing.assert_array_equal(compiled["box_labels"], plain["box_labels"])
    assert compiled["boxes"].dtype == plain["boxes"].dtype and list(compiled) == list(plain)
    size = out if len(plan) == 2 else SIZE
    accuracy = 1e-9 if dtype == np.float64 else 1e-6 * max(*limits(form, size), np.abs(plain["boxes"]).max(initial=0))
    np.testing.assert_allclose(compiled["boxes"], plain["boxes"], rtol=0, atol=accuracy)


@pytest.mark.parametrize(
    "boxes",
    [
        BOXES.astype(np.float16),
        BOXES.astype(">f8"),
        BOXES.astype(np.longdouble),
        BOXES.astype(np.int16),
        BOXES.astype(np.uint64),
        np.asfortranarray(BOXES),
        BOXES[::-1],
        BOXES.tolist(),
        np.zeros((0, 4)),
        [],
    ],
)
def test_boxes_in_any_memory_equal_those_in_numpy(boxes):
    plan = [stage(SIZE, mirrored(SIZE)), stage((20, 20), crop(5, 6, (20, 20)))]
    compiled, plain = both_ways({"boxes": boxes}, plan)
    np.testing.assert_array_equal(compiled["boxes"], plain["boxes"])
    assert compiled["boxes"].dtype == plain["boxes"].dtype


@pytest.mark.skipif(kernels.native is None, reason="the extension is not built")
def test_ordinary_boxes_take_the_compiled_way_and_the_others_the_careful_one():
    """A flip, then a rotation, is compiled; a rotation before another stage, perspective and wrong boxes are not."""
    turn = stage(SIZE, warp(about_centre(((0.8, -0.6), (0.6, 0.8)), SIZE), SIZE))
    flip = stage(SIZE, mirrored(SIZE))
    tilt = np.eye(3)
    tilt[2, 0] = 1e-3

    def compiled(*stages, boxes=BOXES):
        return carry_boxes(Boxes(), [{"boxes": boxes}], affine_moves(stages), np.array([SIZE]))[0] is not None

    assert compiled() and compiled(flip) and compiled(flip, turn) and compiled(flip, stage(SIZE), flip, turn)
    assert not compiled(turn, flip) and not compiled(stage(SIZE, warp(tilt, SIZE)))
    assert not compiled(stage(SIZE, warp(np.zeros((3, 3)), SIZE)))
    for wrong in (None, BOXES[:, :3], BOXES[:, ::-1], BOXES * np.nan, [["a"]], np.zeros((2, 4), "datetime64[s]")):
        assert not compiled(flip, boxes=wrong)


def test_a_batch_of_boxes_equals_its_samples_one_by_one():
    generator = np.random.default_rng(0)
    sizes = np.array([(40, 60), (30, 20), (50, 50), (40, 60)])
    corner = [generator.uniform(-5, 30, (count, 2)) for count in (3, 0, 7, 1)]
    samples = [{"boxes": np.c_[c, c + 9], "box_labels": [*range(len(c))]} for c in corner]
    samples[3] = {"boxes": None, "label": 1}
    maps = np.stack([about_centre(((0.8, -0.6), (0.6, 0.8)), size, (32, 24)) for size in sizes])
    out = np.array([(32, 24)] * 4)
    plan = [Stage(size=out, coordinates=(Warp(maps, out),))]
    options = {"boxes": Boxes(), "keypoints": Keypoints(), "render": render}
    together = carry(samples, plan, sizes, **options)
    for row, sample in enumerate(samples):
        alone = carry([sample], [plan[0].take([row])], sizes[[row]], **options)[0]
        assert list(alone) == list(together[row])
        for name in alone:
            np.testing.assert_array_equal(alone[name], together[row][name])
