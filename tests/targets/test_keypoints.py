"""Keypoints: exact maps, visibility, left and right."""

import re
from unittest import mock

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from covary import kernels
from covary.plan.changes import Warp
from covary.plan.stages import Stage
from covary.render.reference import render
from covary.targets import Boxes, Keypoints, carry
from covary.targets.affine import affine_moves, carry_points
from tests.targets.plans import (
    about_centre,
    affine_maps,
    carried,
    crop,
    displace,
    mirrored,
    quarter_turn,
    stage,
    upside_down,
    warp,
)

SIZE = (40, 60)
POINTS = np.array([(10.0, 5), (0, 0), (59, 39), (3.25, 4.5)])
FLIP, FLOP = stage(SIZE, mirrored(SIZE)), stage(SIZE, upside_down(SIZE))
CROP = stage((20, 20), crop(0, 0, (20, 20)))


def moved(points, *stages, size=SIZE, **options):
    return carried({"keypoints": points}, stages, size, keypoints=Keypoints(**options))["keypoints"]


def test_flips_turns_and_crops_equal_index_arithmetic():
    x, y = POINTS.T
    np.testing.assert_array_equal(moved(POINTS, FLIP), np.c_[59 - x, y])
    np.testing.assert_array_equal(moved(POINTS, FLOP), np.c_[x, 39 - y])
    np.testing.assert_array_equal(moved(POINTS, stage((60, 40), quarter_turn(SIZE))), np.c_[y, 59 - x])
    np.testing.assert_array_equal(moved(POINTS, stage((30, 30), crop(1, 2, (30, 30)))), [(9, 3), (2.25, 2.5)])


@pytest.mark.parametrize(("flip", "truth"), [(mirrored, np.fliplr), (upside_down, np.flipud), (quarter_turn, np.rot90)])
def test_every_pixel_index_follows_numpy_flips(flip, truth):
    ids = np.arange(SIZE[0] * SIZE[1]).reshape(SIZE)
    turned = truth(ids)
    y, x = np.indices(SIZE)
    result = moved(np.stack((x, y), axis=2).reshape(-1, 2), stage(turned.shape, flip(SIZE))).astype(int)
    np.testing.assert_array_equal(turned[result[:, 1], result[:, 0]], ids.ravel())


def test_the_whole_of_the_border_pixels_is_inside():
    edge = np.array([(-0.5, -0.5), (59.5, 39.5), (-0.5, 39.5)])
    assert len(moved(edge, FLIP)) == 3
    assert len(moved(edge + 0.01, FLIP)) == 1


def test_points_outside_the_source_are_outside_even_where_the_border_shows_a_copy():
    reflected = stage((60, 80), crop(-10, -10, (60, 80)), border="reflect")
    np.testing.assert_array_equal(moved([(-3.0, 5), (3, 5)], reflected), [(13, 15)])


def test_drop_removes_points_with_their_labels():
    for labels in (["a", "b", "c", "d"], ("a", "b", "c", "d"), np.array(["a", "b", "c", "d"])):
        out = carried({"keypoints": POINTS, "keypoint_labels": labels}, [CROP], SIZE)
        np.testing.assert_array_equal(out["keypoints"], POINTS[[0, 1, 3]])
        assert type(out["keypoint_labels"]) is type(labels)
        assert list(out["keypoint_labels"]) == ["a", "b", "d"]


def test_hide_clears_the_visibility_and_keeps_the_row():
    points = np.c_[POINTS, (2, 1, 2, 2)]
    truth = points.copy()
    truth[2, 2] = 0
    np.testing.assert_array_equal(moved(points, CROP, format="xyv"), truth)
    np.testing.assert_array_equal(moved(points[None], CROP, format="xyv"), truth[None])


def test_hide_without_visibility_gives_nan():
    truth = POINTS.copy()
    truth[2] = np.nan
    np.testing.assert_array_equal(moved(POINTS[None], CROP, outside="hide"), truth[None])


def test_keep_leaves_points_outside_as_computed():
    np.testing.assert_array_equal(moved(POINTS, CROP, outside="keep"), POINTS)
    shifted = moved(POINTS, stage((9, 9), crop(4, 4, (9, 9))), outside="keep")
    np.testing.assert_array_equal(shifted, POINTS - 4)


def test_drop_of_points_with_visibility_leaves_the_unlabelled():
    points = np.array([(0.0, 0, 0), (50, 30, 2), (5, 5, 1)])
    np.testing.assert_array_equal(moved(points, CROP, format="xyv", outside="drop"), points[[0, 2]])


def test_unlabelled_points_stay_as_they_are():
    points = np.array([(0.0, 0, 0), (5, 5, 2), (np.nan, np.nan, 0)])
    np.testing.assert_array_equal(moved(points, FLIP, format="xyv"), [(0, 0, 0), (54, 5, 2), (np.nan, np.nan, 0)])


def test_a_point_that_leaves_at_a_stage_boundary_does_not_come_back():
    back = stage(SIZE, crop(0, 0, SIZE))
    np.testing.assert_array_equal(moved(POINTS, CROP, back), POINTS[[0, 1, 3]])
    assert moved(np.c_[POINTS, [2] * 4], CROP, back, format="xyv")[2].tolist() == [59, 39, 0]


def test_pairs_trade_places_under_one_flip_and_not_under_two():
    swapped = POINTS[[1, 0, 2, 3]]
    pairs = [(0, 1)]
    for one in (FLIP, FLOP):
        np.testing.assert_array_equal(moved(POINTS, one, pairs=pairs), moved(swapped, one))
    for none in ((FLIP, FLOP), (FLIP, FLIP), (), (stage((60, 40), quarter_turn(SIZE)),)):
        np.testing.assert_array_equal(moved(POINTS, *none, pairs=pairs), moved(POINTS, *none))
    half_turn = stage(SIZE, warp(((-1, 0, 60), (0, -1, 40), (0, 0, 1)), SIZE))
    np.testing.assert_array_equal(moved(POINTS, half_turn, pairs=pairs), moved(POINTS, FLIP, FLOP))
    np.testing.assert_array_equal(moved(POINTS, FLIP, half_turn, pairs=pairs), moved(swapped, FLIP, half_turn))


def test_a_flip_and_a_displacement_in_one_pass_trade_pairs():
    both = stage(SIZE, mirrored(SIZE), displace(np.zeros((3, 3, 2))))
    np.testing.assert_allclose(moved(POINTS, both, pairs=[(0, 1)]), moved(POINTS[[1, 0, 2, 3]], FLIP), atol=1e-4)


def test_pairs_index_the_second_last_axis_and_carry_visibility_and_further_columns():
    points = np.random.default_rng(0).uniform(0, 39, (2, 3, 4, 5))
    points[..., 2] = np.random.default_rng(1).integers(0, 3, (2, 3, 4))
    result = moved(points, FLIP, format="xyv", pairs=[(0, 3), (1, 2)])
    truth = points[:, :, [3, 2, 1, 0]]
    np.testing.assert_array_equal(result[..., 2:], truth[..., 2:])
    x = np.where(truth[..., 2] > 0, 59 - truth[..., 0], truth[..., 0])
    np.testing.assert_allclose(result[..., 0], x, atol=1e-12)


def test_labels_keep_their_index_when_pairs_trade_places():
    # The left eye leaves the picture; after the flip it is the right one that is gone.
    points, labels = [(50.0, 5), (45.0, 5), (48, 9)], ["left", "right", "nose"]
    half = stage((40, 30), crop(0, 0, (40, 30)))
    plan = [FLIP, stage((40, 11), crop(0, 0, (40, 11)))]
    out = carried({"keypoints": points, "keypoint_labels": labels}, plan, SIZE, keypoints=Keypoints(pairs=[(0, 1)]))
    assert out["keypoint_labels"] == ["right"]
    np.testing.assert_array_equal(out["keypoints"], [(9, 5)])
    assert len(moved(points, half)) == 0


@pytest.mark.parametrize("empty", [[], np.zeros((0, 2)), np.zeros((0, 3), np.float32), np.zeros((0, 17, 3)), [[]]])
def test_no_points_give_no_points(empty):
    form = "xyv" if np.shape(empty)[-1:] == (3,) else "xy"
    for plan in ((), (FLIP,), (stage(SIZE, displace(np.ones((3, 3, 2)))),)):
        out = moved(empty, *plan, format=form)
        assert len(out) == 0
        if isinstance(empty, np.ndarray):
            assert out.shape == empty.shape
            assert out.dtype == empty.dtype


def test_float32_stays_and_integers_become_float64():
    assert moved(POINTS.astype(np.float32), FLIP).dtype == np.float32
    assert moved([[1, 2]], FLIP).dtype == np.float64


def test_a_missing_point_is_outside_and_stays_missing():
    points = np.array([(np.nan, 3.0), (np.inf, 3), (5, 5)])
    np.testing.assert_array_equal(moved(points, FLIP), [(54, 5)])
    assert np.isnan(moved(points, FLIP, outside="hide")[:2]).all()


def test_points_without_legs_come_back_bit_for_bit():
    points = np.random.default_rng(2).uniform(0, 39, (50, 2))
    identity = stage(SIZE, warp(np.eye(3), SIZE))
    np.testing.assert_array_equal(moved(points), points)
    np.testing.assert_array_equal(moved(points, identity), points)


@pytest.mark.parametrize(
    ("points", "options", "message"),
    [
        ([1.0, 2.0], {}, "keypoints: shape (2,)"),
        ([(1.0, 2.0)], {"format": "xyv"}, "keypoints: shape (1, 2) does not end in 3"),
        (np.zeros((2, 17, 2)), {}, "outside='drop' needs a flat list"),
        ([("a", "b")], {}, "is not numeric"),
        ([(1, 2), (3,)], {}, "rows of different lengths"),
        ([(1.0, 2.0)], {"pairs": [(0, 1)]}, "the pair (0, 1) names a point beyond the 1"),
    ],
)
def test_wrong_points_are_refused(points, options, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        moved(points, FLIP, **options)


@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        ({"format": "yx"}, "format"),
        ({"outside": "remove"}, "outside"),
        ({"pairs": [(0, 1), (1, 2)]}, "pairs"),
        ({"pairs": [(0, -1)]}, "pairs"),
        ({"pairs": [0, 1]}, "pairs"),
    ],
)
def test_wrong_arguments_are_refused_by_name(arguments, name):
    with pytest.raises(ValueError, match=f"Keypoints: {name} is .*allowed"):
        Keypoints(**arguments)


def test_labels_of_another_length_are_refused():
    with pytest.raises(ValueError, match="keypoint_labels has 1 entries, there are 4 rows"):
        carried({"keypoints": POINTS, "keypoint_labels": ["a"]}, [], SIZE)


def both_ways(fields, plan, **options):
    """The fields as the compiled call carries them, and as NumPy does."""
    compiled = carried(fields, plan, SIZE, keypoints=Keypoints(**options))
    with mock.patch.object(kernels, "native", None):
        plain = carried(fields, plan, SIZE, keypoints=Keypoints(**options))
    assert list(compiled) == list(plain)
    return compiled, plain


@settings(max_examples=50, deadline=None)
@given(
    st.data(),
    st.integers(0, 2**32 - 1),
    st.sampled_from(("xy", "xyv")),
    st.sampled_from(("drop", "hide", "keep")),
    st.sampled_from((np.float32, np.float64, np.int16)),
)
def test_compiled_keypoints_equal_those_in_numpy(data, seed, form, outside, dtype):
    generator = np.random.default_rng(seed)
    points = np.c_[generator.uniform(-20, 80, (40, 2)), generator.integers(0, 3, 40), np.arange(40)]
    points = points[:, : {"xy": 2, "xyv": 3}[form] + seed % 2].astype(dtype)
    if dtype != np.int16:
        points[:3, 0] = np.nan, np.inf, -np.inf
    if outside != "drop" and data.draw(st.booleans()):
        points = points.reshape(8, 5, -1)
    out = data.draw(st.tuples(st.integers(1, 90), st.integers(1, 90)))
    turn = stage(out, warp(data.draw(affine_maps(SIZE, out, least=0.2, most=4.0)), out))
    plan = data.draw(st.permutations([FLIP, turn, stage(SIZE, crop(0, 0, SIZE))]))[: data.draw(st.integers(0, 3))]
    plan = plan if not plan or plan[-1] is turn else [each for each in plan if each is not turn]
    fields = {"keypoints": points, "keypoint_labels": np.arange(len(points)), "other": 1}
    compiled, plain = both_ways(fields, plan, format=form, outside=outside)
    np.testing.assert_array_equal(compiled["keypoint_labels"], plain["keypoint_labels"])
    assert compiled["keypoints"].dtype == plain["keypoints"].dtype
    # Products are rounded once here, and in NumPy as its library does.
    np.testing.assert_allclose(compiled["keypoints"], plain["keypoints"], rtol=3e-7 if dtype == np.float32 else 1e-12)


@pytest.mark.parametrize(
    "points",
    [
        POINTS.astype(np.float16),
        POINTS.astype(">f8"),
        POINTS.astype(np.longdouble),
        POINTS.astype(np.uint8),
        np.asfortranarray(POINTS),
        POINTS[::-1],
        POINTS.tolist(),
        np.zeros((0, 2)),
        [],
    ],
)
def test_keypoints_in_any_memory_equal_those_in_numpy(points):
    compiled, plain = both_ways({"keypoints": points}, [FLIP, CROP])
    np.testing.assert_array_equal(compiled["keypoints"], plain["keypoints"])
    assert compiled["keypoints"].dtype == plain["keypoints"].dtype


@pytest.mark.skipif(kernels.native is None, reason="the extension is not built")
def test_ordinary_keypoints_take_the_compiled_way_and_the_others_the_careful_one():
    def compiled(points, *stages, **options):
        moves = affine_moves(stages)
        return carry_points(Keypoints(**options), [{"keypoints": points}], moves, np.array([SIZE]))[0] is not None

    tilt = np.eye(3)
    tilt[2, 0] = 1e-3
    turn = stage(SIZE, warp(about_centre(((0.8, -0.6), (0.6, 0.8)), SIZE), SIZE))
    assert compiled(POINTS) and compiled(POINTS, FLIP) and compiled(POINTS, turn, FLIP, turn)
    assert compiled(POINTS[None], FLIP, outside="hide") and not compiled(POINTS[None], FLIP)
    assert not compiled(POINTS, stage(SIZE, warp(tilt, SIZE))) and not compiled(POINTS, FLIP, pairs=((0, 1),))
    assert not compiled(POINTS, stage(SIZE, displace(np.ones((2, 2, 2)))))
    for wrong in (None, POINTS[:, :1], POINTS[0], [["a"]], POINTS[:0], POINTS.astype("datetime64[s]")):
        assert not compiled(wrong, FLIP)


def test_keypoints_of_dropped_boxes_go_with_them_and_the_others_are_moved_once():
    boxes = np.array([(1.0, 1, 9, 9), (40, 20, 50, 30), (2, 2, 8, 8)])
    points = np.arange(3 * 2 * 3, dtype=float).reshape(3, 2, 3)
    for native in (kernels.native, None):
        with mock.patch.object(kernels, "native", native):
            out = carried({"boxes": boxes, "keypoints": points}, [CROP], SIZE, keypoints=Keypoints("xyv"))
        np.testing.assert_array_equal(out["keypoints"][..., :2], points[[0, 2], :, :2])


def test_a_batch_of_keypoints_equals_its_samples_one_by_one():
    generator = np.random.default_rng(0)
    sizes = np.array([(40, 60), (30, 20), (50, 50), (40, 60)])
    samples = [{"keypoints": generator.uniform(0, 40, (count, 2))} for count in (3, 0, 7, 1)] + [{"label": 1}]
    sizes = np.r_[sizes, sizes[:1]]
    matrices = [
        about_centre(np.array(((1, a), (-a, 1))), tuple(size))
        for a, size in zip((0.1, 0.3, 0.7, 1, 0), sizes, strict=True)
    ]
    stages = [Stage(sizes, (Warp(np.array(matrices), sizes),))]
    options = {"boxes": Boxes(), "keypoints": Keypoints(), "render": render}
    together = carry(samples, stages, sizes, **options)
    for row, sample in enumerate(samples):
        one = slice(row, row + 1)
        (alone,) = carry([sample], [stages[0].take(one)], sizes[one], **options)
        assert list(alone) == list(together[row])
        for name in alone:
            np.testing.assert_array_equal(alone[name], together[row][name])
