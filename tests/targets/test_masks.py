"""Masks: dtypes, fills, containers, and boxes found from them."""

import re

import numpy as np
import pytest

from covary.render.reference import render
from covary.targets import Boxes, Keypoints, carry
from tests.targets.plans import (
    about_centre,
    carried,
    crop,
    displace,
    mirrored,
    quarter_turn,
    stage,
    warp,
)

SIZE = (40, 60)
DTYPES = ("bool", "int8", "uint8", "int16", "uint16", "float16", "int32", "float32", "int64", "uint64", "float64")
FLIP = stage(SIZE, mirrored(SIZE), border="edge")
WIDE = (44, 66)


def numbered(dtype="int32"):
    return (np.arange(SIZE[0] * SIZE[1]).reshape(SIZE) % 120).astype(dtype)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("channels", [(), (1,), (3,)])
def test_masks_of_any_dtype_equal_numpy_slicing(dtype, channels):
    mask = np.random.default_rng(0).integers(0, 2 if dtype == "bool" else 100, (*SIZE, *channels)).astype(dtype)
    out = carried({"mask": mask}, [FLIP], SIZE)["mask"]
    np.testing.assert_array_equal(out, mask[:, ::-1])
    assert out.dtype == mask.dtype
    turned = carried({"mask": mask}, [stage((60, 40), quarter_turn(SIZE))], SIZE)["mask"]
    np.testing.assert_array_equal(turned, np.rot90(mask))


def test_64_bit_labels_are_moved_exactly():
    mask = np.full(SIZE, 2**62 + 1, dtype=np.int64)
    np.testing.assert_array_equal(carried({"mask": mask}, [FLIP], SIZE)["mask"], mask)


@pytest.mark.parametrize("border", ["constant", "edge", "reflect", "symmetric", "wrap"])
def test_borders_equal_numpy_pad(border):
    plan = [stage(WIDE, crop(-2, -3, WIDE), border=border)]
    around = ((3, 1), (2, 4))
    values = {"constant_values": 9} if border == "constant" else {}
    mask = numbered()
    out = carried({"mask": mask, "masks": [mask, mask + 1]}, plan, SIZE, mask_fill=9)
    np.testing.assert_array_equal(out["mask"], np.pad(mask, around, mode=border, **values))
    np.testing.assert_array_equal(out["masks"][1], np.pad(mask + 1, around, mode=border, **values))


def test_masks_come_back_in_the_container_they_came_in():
    mask = numbered("uint8")
    stack = np.stack((mask, mask + 1, mask + 2))
    for masks in (list(stack), tuple(stack), stack):
        out = carried({"masks": masks}, [stage((10, 12), crop(5, 6, (10, 12)))], SIZE)["masks"]
        assert type(out) is type(masks)
        np.testing.assert_array_equal(np.stack(out), stack[:, 6:16, 5:17])
    for none in ([], (), np.zeros((0, *SIZE), dtype=np.int16)):
        out = carried({"masks": none}, [stage((10, 12), crop(5, 6, (10, 12)))], SIZE)["masks"]
        assert type(out) is type(none)
        assert len(out) == 0
        assert np.shape(out) == ((0, 10, 12) if isinstance(none, np.ndarray) else (0,))


def test_masks_of_many_samples_dtypes_and_sizes_equal_each_alone():
    generator = np.random.default_rng(1)
    sizes = np.array([(30, 40), (30, 40), (25, 31)])
    from covary.plan.changes import Warp
    from covary.plan.stages import Stage

    matrices = np.stack(
        [about_centre(np.array(((1, a), (-a, 1))), tuple(s)) for a, s in zip((0.1, 0.3, 0.7), sizes, strict=True)]
    )
    plan = [Stage(size=sizes, coordinates=(Warp(matrices, sizes),), border="reflect")]
    samples = [
        {
            "mask": generator.integers(0, 9, tuple(size)).astype(dtype),
            "masks": list(generator.integers(0, 2, (n, *size)).astype(bool)),
            "label": n,
        }
        for n, (size, dtype) in enumerate(zip(sizes, ("uint8", "int64", "uint8"), strict=True))
    ]
    options = {"boxes": Boxes(), "keypoints": Keypoints(), "render": render}
    together = carry(samples, plan, sizes, threads=2, **options)
    for row, sample in enumerate(samples):
        alone = carry([sample], [plan[0].take(np.array([row]))], sizes[row : row + 1], **options)[0]
        np.testing.assert_array_equal(alone["mask"], together[row]["mask"])
        np.testing.assert_array_equal(np.array(alone["masks"]), np.array(together[row]["masks"]))


def test_other_fields_are_the_same_objects_in_the_same_order():
    label, note = object(), {"a": [1]}
    sample = {"label": label, "mask": numbered(), "note": note, "boxes": [(1, 2, 3, 4)], "box_labels": ["a"], "x": None}
    out = carried(sample, [FLIP], SIZE)
    assert list(out) == list(sample)
    assert out["label"] is label
    assert out["note"] is note
    assert out is not sample
    only = {"label": label, "box_labels": ["x"]}
    assert carried(only, [FLIP], SIZE) == only


def test_fields_that_are_none_stay_none():
    sample = dict.fromkeys(("mask", "masks", "boxes", "box_labels", "keypoints", "keypoint_labels"))
    assert carried(sample, [FLIP], SIZE, boxes=Boxes(source="masks")) == sample


@pytest.mark.parametrize("source", ["corners", "masks"])
def test_no_input_is_changed_or_shared(source):
    sample = {
        "mask": numbered(),
        "masks": np.stack([numbered("uint8") > 60] * 2),
        "boxes": np.array([(-5.0, 3, 20, 30), (70, 70, 80, 80)]),
        "box_labels": [1, 2],
        "keypoints": np.array([(5.0, 6, 2), (70, 70, 1)]),
        "keypoint_labels": ["a", "b"],
    }
    before = {name: np.array(value, copy=True) for name, value in sample.items()}
    options = {"boxes": Boxes(source=source), "keypoints": Keypoints("xyv", pairs=[(0, 1)])}
    for plan in ([], [FLIP], [stage(SIZE, displace(np.ones((2, 2, 2))))]):
        out = carried(sample, plan, SIZE, **options)
        for name in ("mask", "masks", "boxes", "keypoints"):
            assert not np.shares_memory(out[name], sample[name])
        for name, value in before.items():
            np.testing.assert_array_equal(sample[name], value)


def discs():
    y, x = np.indices(SIZE)
    return np.stack([(x - a) ** 2 + (y - b) ** 2 <= 36 for a, b in ((15, 20), (40, 20), (57, 20))])


def loose():
    return np.array([(9.0, 14, 22, 27), (34, 14, 47, 27), (51, 14, 60, 27)])


def tight(mask):
    y, x = np.nonzero(mask)
    return (x.min(), y.min(), x.max() + 1, y.max() + 1)


def test_boxes_from_masks_are_the_tight_boxes_of_the_moved_masks():
    turn = np.array(((np.cos(0.7), -np.sin(0.7)), (np.sin(0.7), np.cos(0.7))))
    plan = [stage(SIZE, warp(about_centre(turn, SIZE), SIZE))]
    sample = {"boxes": loose(), "box_labels": ["a", "b", "c"], "masks": discs()}
    out = carried(sample, plan, SIZE, boxes=Boxes(source="masks"))
    np.testing.assert_array_equal(out["boxes"], [tight(mask) for mask in out["masks"]])
    around_corners = carried(sample, plan, SIZE)["boxes"]
    assert (out["boxes"][0, 2:] - out["boxes"][0, :2] < (around_corners[0, 2:] - around_corners[0, :2]) - 3).all()


def test_boxes_that_vanish_take_their_masks_and_labels_along():
    plan = [stage((40, 30), crop(0, 0, (40, 30)))]
    for masks in (discs(), list(discs()), tuple(discs())):
        sample = {"masks": masks, "boxes": loose(), "box_labels": ("a", "b", "c")}
        out = carried(sample, plan, SIZE, boxes=Boxes(source="masks"))
        assert out["box_labels"] == ("a",)
        assert type(out["masks"]) is type(masks)
        assert len(out["masks"]) == len(out["boxes"]) == 1
        # By corners the masks belong to nobody and all stay.
        assert len(carried(sample, plan, SIZE)["masks"]) == 3


@pytest.mark.parametrize("border", ["reflect", "symmetric", "wrap", "edge"])
def test_borders_clone_no_instance(border):
    big = (80, 120)
    plan = [stage(big, crop(-30, -20, big), border=border)]
    sample = {"masks": discs(), "boxes": loose()}
    out = carried(sample, plan, SIZE, boxes=Boxes(source="masks"))
    np.testing.assert_array_equal(
        out["boxes"], np.array([tight(mask) for mask in discs()]) + np.array((30, 20, 30, 20))
    )
    np.testing.assert_array_equal(out["masks"][2], np.pad(discs()[2], ((20, 20), (30, 30))))


def test_instance_masks_are_filled_with_0_and_the_class_mask_with_the_fill():
    big = (80, 120)
    plan = [stage(big, crop(-30, -20, big))]
    sample = {"masks": discs(), "boxes": loose(), "mask": numbered("uint8")}
    out = carried(sample, plan, SIZE, boxes=Boxes(source="masks"), mask_fill=255)
    assert out["mask"][0, 0] == 255
    assert not out["masks"][0][0, 0]
    np.testing.assert_array_equal(
        out["boxes"], np.array([tight(mask) for mask in discs()]) + np.array((30, 20, 30, 20))
    )


def test_visibility_of_a_mask_is_the_share_of_its_pixels_on_the_canvas():
    share = discs()[1][:, :42].sum() / discs()[1].sum()
    plan = [stage((40, 42), crop(0, 0, (40, 42)))]
    sample = {"masks": discs()[1:2], "boxes": loose()[1:2]}
    for least, count in ((share - 0.001, 1), (share + 0.001, 0)):
        out = carried(sample, plan, SIZE, boxes=Boxes(source="masks", min_visibility=least))
        assert len(out["boxes"]) == len(out["masks"]) == count
    # Shrunk to a quarter of its pixels, all of it is still there.
    small = stage((20, 30), warp(np.diag((2.0, 2, 1)), (20, 30)))
    assert len(carried(sample, [small], SIZE, boxes=Boxes(source="masks", min_visibility=1.0))["boxes"]) == 1


def test_samples_without_masks_go_by_corners():
    sample = {"boxes": loose()}
    np.testing.assert_array_equal(
        carried(sample, [FLIP], SIZE, boxes=Boxes(source="masks"))["boxes"], carried(sample, [FLIP], SIZE)["boxes"]
    )


@pytest.mark.parametrize("empty", [[], np.zeros((0, *SIZE), bool)])
def test_no_instances_give_no_boxes(empty):
    out = carried({"masks": empty, "boxes": [], "box_labels": []}, [FLIP], SIZE, boxes=Boxes(source="masks"))
    assert out["boxes"].shape == (0, 4)
    assert len(out["masks"]) == 0


@pytest.mark.parametrize(
    ("sample", "options", "message"),
    [
        ({"mask": np.zeros((40, 61), bool)}, {}, "mask: shape (40, 61) does not match the image's 40 x 60"),
        ({"mask": np.zeros(40, bool)}, {}, "mask: shape (40,) does not match"),
        ({"masks": np.zeros((2, 60, 40), bool)}, {}, "masks[0]: shape (60, 40) does not match"),
        ({"masks": [np.zeros(SIZE), np.zeros((5, 5))]}, {}, "masks[1]: shape (5, 5) does not match"),
        ({"mask": np.zeros(SIZE, complex)}, {}, "mask: dtype complex128"),
        ({"mask": np.full(SIZE, "a")}, {}, "mask: dtype <U1"),
        ({"mask": np.zeros(SIZE, np.uint8)}, {"mask_fill": 256}, "mask_fill is 256, which mask of dtype uint8 cannot"),
        ({"mask": np.zeros(SIZE, np.uint8)}, {"mask_fill": 0.5}, "mask_fill is 0.5"),
        ({"mask": np.zeros(SIZE, bool)}, {"mask_fill": 255}, "mask_fill is 255"),
        (
            {"masks": discs()[:2], "boxes": loose()},
            {"boxes": Boxes(source="masks")},
            "masks has 2 masks, there are 3 boxes",
        ),
    ],
)
def test_wrong_masks_are_refused(sample, options, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        carried(sample, [FLIP], SIZE, **options)


def test_errors_in_a_batch_name_the_sample():
    sizes = np.array([SIZE, SIZE])
    samples = [{"boxes": [(1, 2, 3, 4)]}, {"boxes": [(3, 2, 1, 4)]}]
    with pytest.raises(ValueError, match="boxes of sample 1: row 0"):
        carry(samples, [], sizes, boxes=Boxes(), keypoints=Keypoints(), render=render)
