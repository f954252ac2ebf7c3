"""Crops that look at labels keep what they promise to keep, wherever they stand in a pipeline."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from covary import Pipeline, image
from covary.draws.distributions import Constant

BOXES = [[4, 6, 12, 20], [20, 10, 31, 19]]


def numbered(height: int = 32, width: int = 40) -> np.ndarray:
    """A picture whose values are the places of its pixels."""
    y, x = np.mgrid[:height, :width]
    return np.stack([y, x, np.zeros_like(x)], axis=-1).astype(np.uint8)


@st.composite
def some_boxes(draw: st.DrawFn) -> list[list[int]]:
    boxes = []
    for _ in range(draw(st.integers(1, 4))):
        x, y = draw(st.integers(0, 38)), draw(st.integers(0, 30))
        boxes.append([x, y, draw(st.integers(x + 1, 40)), draw(st.integers(y + 1, 32))])
    return boxes


@settings(max_examples=40, deadline=None)
@given(boxes=some_boxes(), key=st.integers(0, 1000), flipped=st.booleans())
def test_safe_crops_show_every_box_whole(boxes, key, flipped):
    first = [image.HorizontalFlip(p=1.0)] if flipped else []
    out = Pipeline([*first, image.BBoxSafeRandomCrop()])(image=numbered(), boxes=boxes, key=key)
    sizes = np.array([[x1 - x0, y1 - y0] for x0, y0, x1, y1 in boxes])
    assert np.array_equal(np.array(out["boxes"])[:, 2:] - np.array(out["boxes"])[:, :2], sizes)
    sized = Pipeline([*first, image.RandomSizedBBoxSafeCrop(24)])(image=numbered(), boxes=boxes, key=key)
    assert sized["image"].shape == (24, 24, 3) and len(sized["boxes"]) == len(boxes)


def test_safe_crops_reach_from_the_whole_picture_to_the_frame_around_all_boxes():
    sizes = {
        cut: Pipeline([image.BBoxSafeRandomCrop(cut)])(image=numbered(), boxes=BOXES, key=1)["image"].shape[:2]
        for cut in (0, 1)
    }
    assert sizes == {0: (32, 40), 1: (14, 27)}


def test_safe_crops_without_boxes_show_something():
    shapes = set()
    for key in range(50):
        out = Pipeline([image.BBoxSafeRandomCrop()])(image=numbered(), key=key)["image"]
        assert out.size
        shapes.add(out.shape)
    assert len(shapes) > 30


@settings(max_examples=40, deadline=None)
@given(boxes=some_boxes(), key=st.integers(0, 1000), side=st.integers(1, 45))
def test_some_box_is_in_every_crop_of_fixed_size(boxes, key, side):
    out = Pipeline([image.AtLeastOneBBoxRandomCrop(side)])(image=numbered(), boxes=boxes, key=key)
    assert out["image"].shape[:2] == (side, side)
    left = [box for box in np.array(out["boxes"]) if (box[2:] > box[:2]).all()]
    widths = {tuple(np.minimum([x1 - x0, y1 - y0], side)) for x0, y0, x1, y1 in boxes}
    assert any(tuple((box[2:] - box[:2]).astype(int)) in widths for box in left)


@settings(max_examples=40, deadline=None)
@given(y=st.integers(0, 31), x=st.integers(0, 39), key=st.integers(0, 1000), side=st.integers(1, 45))
def test_the_one_set_pixel_of_a_mask_is_in_the_crop(y, x, key, side):
    mask = np.zeros((32, 40), np.uint8)
    mask[y, x] = 3
    out = Pipeline([image.CropNonEmptyMaskIfExists(side)])(image=numbered(), mask=mask, key=key)
    assert (out["mask"] == 3).any()
    place = np.argwhere(out["mask"] == 3)[0]
    assert out["image"][tuple(place)].tolist() == [y, x, 0]


def test_ignored_values_of_a_mask_do_not_count():
    mask = np.ones((32, 40), np.uint8)
    mask[30:, 38:] = 2
    for key in range(20):
        out = Pipeline([image.CropNonEmptyMaskIfExists(4, ignore=(1,))])(image=numbered(), mask=mask, key=key)
        assert (out["mask"] == 2).any()


def test_masks_that_are_not_set_leave_every_position():
    corners = {
        tuple(
            Pipeline([image.CropNonEmptyMaskIfExists(30)])(image=numbered(), mask=np.zeros((32, 40), np.uint8), key=k)[
                "image"
            ][0, 0]
        )
        for k in range(200)
    }
    assert len(corners) == 33


def test_crops_near_a_box_at_strength_0_are_the_box():
    pipeline = Pipeline([image.RandomCropNearBBox(which="first")]).with_strength(0)
    assert np.array_equal(pipeline(image=numbered(), boxes=BOXES)["image"], numbered()[6:20, 4:12])
    both = Pipeline([image.RandomCropNearBBox(0.0, which="all")])
    assert np.array_equal(both(image=numbered(), boxes=BOXES)["image"], numbered()[6:20, 4:31])


def test_crops_near_a_box_move_each_side_by_no_more_than_the_shift():
    pipeline = Pipeline([image.RandomCropNearBBox((-0.25, 0.25), which="first")])
    corners = []
    for key in range(100):
        out = pipeline(image=numbered(), boxes=BOXES, key=key)["image"]
        top, left = out[0, 0, :2].astype(int)
        bottom, right = out[-1, -1, :2].astype(int) + 1
        corners.append((left, top, right, bottom))
    reach = np.abs(np.array(corners) - BOXES[0]).max(axis=0)
    assert np.array_equal(reach, [2, 3, 2, 3])  # a quarter of 8 and 14 px, to whole pixels
    assert len({corner[0] for corner in corners}) > 1 and len(set(corners)) > 50


@settings(max_examples=40, deadline=None)
@given(boxes=some_boxes(), key=st.integers(0, 1000), overlap=st.sampled_from([0.1, 0.3, 0.5, 0.9]))
def test_overlaps_of_crops_are_at_least_what_was_asked(boxes, key, overlap):
    out = Pipeline([image.IoUCrop(overlaps=(overlap,))])(image=numbered(), boxes=boxes, key=key)["image"]
    top, left = out[0, 0, :2].astype(int)
    bottom, right = out[-1, -1, :2].astype(int) + 1
    if (bottom - top, right - left) == (32, 40):
        return
    assert 0.5 <= (right - left) / (bottom - top) <= 2
    shown = 0
    for x0, y0, x1, y1 in boxes:
        if left < (x0 + x1) / 2 < right and top < (y0 + y1) / 2 < bottom:
            shown += 1
            common = max(0, min(x1, right) - max(x0, left)) * max(0, min(y1, bottom) - max(y0, top))
            whole = (right - left) * (bottom - top) + (x1 - x0) * (y1 - y0) - common
            assert common / whole >= overlap
    assert shown


def test_iou_crops_do_crop():
    pipeline = Pipeline([image.IoUCrop(overlaps=(0.1,))])
    sizes = {pipeline(image=numbered(), boxes=[[5, 5, 30, 28]], key=key)["image"].shape for key in range(60)}
    assert len(sizes) > 20


def test_the_same_key_gives_the_same_crop_alone_and_in_a_batch():
    pipeline = Pipeline([image.HorizontalFlip(p=0.5), image.IoUCrop(), image.BBoxSafeRandomCrop(Constant(0.5))])
    pictures, keys = [numbered()] * 5, list("abcde")
    together = pipeline.batch(image=pictures, boxes=[BOXES] * 5, keys=keys)
    for row, key in enumerate(keys):
        alone = pipeline(image=pictures[row], boxes=BOXES, key=key)
        assert np.array_equal(alone["image"], together["image"][row])
        assert np.array_equal(alone["boxes"], together["boxes"][row])
