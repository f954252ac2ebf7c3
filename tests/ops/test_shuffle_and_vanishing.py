"""RandomGridShuffle and MaskDropout: pixels by NumPy slicing, objects by scipy's labelling."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from covary import Boxes, Keypoints, Pipeline, image
from covary.render import find_renderer

RENDERERS = []
for _name in ("native", "opencv", "reference"):
    try:
        find_renderer(_name)
        RENDERERS.append(_name)
    except RuntimeError:
        pass

SHAPES = [(1, 1), (1, 9), (2, 3), (30, 30), (31, 44)]


def picture(height, width, channels=3, dtype="uint8"):
    rng = np.random.default_rng(0)
    if dtype == "float32":
        return rng.random((height, width, channels), dtype=np.float32)
    return rng.integers(0, np.iinfo(dtype).max, (height, width, channels), dtype=dtype, endpoint=True)


def numbers_of(height, width):
    """A mask in which every pixel has its own number."""
    return np.arange(height * width, dtype=np.int64).reshape(height, width)


@pytest.mark.parametrize("renderer", RENDERERS)
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
@pytest.mark.parametrize("channels", [1, 3, 9])
def test_cells_change_places_as_numpy_slices_do(renderer, shape, dtype, channels):
    pipeline = Pipeline([image.RandomGridShuffle((3, 4))], seed=2, renderer=renderer)
    source = picture(*shape, channels, dtype)
    before = source.copy()
    out = pipeline(image=source, mask=numbers_of(*shape), key=5)
    np.testing.assert_array_equal(source, before)
    # The mask says which pixel stands where; the picture shows just these.
    np.testing.assert_array_equal(out["image"], source.reshape(-1, channels)[out["mask"]])
    assert sorted(out["mask"].ravel()) == list(range(shape[0] * shape[1]))
    rows, columns = (
        np.arange(min(number, length) + 1) * length // min(number, length)
        for length, number in zip(shape, (3, 4), strict=True)
    )
    for y0, y1 in itertools.pairwise(rows):
        for x0, x1 in itertools.pairwise(columns):
            cell = out["mask"][y0:y1, x0:x1]
            y, x = divmod(int(cell[0, 0]), shape[1])
            assert y in rows and x in columns
            np.testing.assert_array_equal(cell, numbers_of(*shape)[y : y + y1 - y0, x : x + x1 - x0])


def test_all_orders_of_equal_cells_come_about():
    pipeline = Pipeline([image.RandomGridShuffle((1, 3))], seed=1)
    seen = {tuple(pipeline(image=np.arange(3, dtype=np.uint8)[None], key=key)["image"][0]) for key in range(80)}
    assert len(seen) == 6


def test_one_cell_and_strength_zero_change_nothing():
    source = picture(31, 44)
    for pipeline in (
        Pipeline([image.RandomGridShuffle((1, 1))]),
        Pipeline([image.RandomGridShuffle()]).with_strength(0),
    ):
        np.testing.assert_array_equal(pipeline(source), source)


@pytest.mark.parametrize("fuse", [True, False])
def test_keypoints_polygons_and_heat_maps_go_with_their_cell(fuse):
    shape = (60, 90)
    pipeline = Pipeline(
        [image.HorizontalFlip(p=1), image.RandomGridShuffle((3, 3)), image.GaussianNoise(0.1), image.VerticalFlip(p=1)],
        seed=3,
        fuse=fuse,
    )
    points = np.random.default_rng(0).integers((0, 0), (90, 60), (30, 2))
    polygon = [[5, 5], [70, 8], [80, 50], [40, 20], [10, 55]]
    heat = np.random.default_rng(1).random((*shape, 2))
    drawn = np.zeros(shape, np.uint8)
    from cv2 import fillPoly

    fillPoly(drawn, [np.array(polygon)], 1)
    out = pipeline(
        image=picture(*shape),
        mask=numbers_of(*shape),
        masks=[drawn],
        keypoints=points,
        keypoint_labels=list(range(30)),
        polygons=[polygon],
        heatmaps=heat,
        key=1,
    )
    assert out["keypoint_labels"] == list(range(30))
    for (x, y), source in zip(out["keypoints"].astype(int), points, strict=True):
        assert out["mask"][y, x] == source[1] * 90 + source[0]
    np.testing.assert_allclose(out["heatmaps"], heat.reshape(-1, 2)[out["mask"]], atol=1e-6)
    pieces = np.zeros(shape, np.uint8)
    for piece in out["polygons"]:
        fillPoly(pieces, [np.rint(np.asarray(piece)).astype(np.int32)], 1)
    # fillPoly paints its outline too, a pixel wide; inside they agree.
    perimeter = sum(np.hypot(*(np.roll(p, -1, axis=0) - p).T).sum() for p in map(np.asarray, out["polygons"]))
    assert np.count_nonzero(pieces != out["masks"][0]) < perimeter
    assert len(out["polygons"]) > 1


def test_a_box_becomes_the_one_around_its_largest_piece():
    pipeline = Pipeline([image.RandomGridShuffle((1, 2))], seed=0)
    source = np.zeros((20, 40), np.uint8)
    source[5:15, 12:32] = 1  # 8 columns in the first cell, 12 in the second
    for key in range(8):
        out = pipeline(image=source, boxes=[[12, 5, 32, 15]], oriented_boxes=[[22, 10, 20, 10, 0]], key=key)
        swapped = not np.array_equal(out["image"], source)
        assert out["boxes"].tolist() == [[0, 5, 12, 15] if swapped else [12, 5, 32, 15]] or not swapped
        if swapped:
            np.testing.assert_allclose(out["oriented_boxes"], [[6, 10, 12, 10, 0]])
            strict = pipeline.with_options(boxes=Boxes(min_visibility=0.65))
            assert len(strict(image=source, boxes=[[12, 5, 32, 15]], key=key)["boxes"]) == 0


@pytest.mark.parametrize("grid", [3, (0, 2), (2, 2, 2), (2.5, 1), (65, 1)])
def test_a_wrong_grid_is_refused_by_name(grid):
    with pytest.raises(ValueError, match="RandomGridShuffle: grid"):
        image.RandomGridShuffle(grid)


# MaskDropout


def objects():
    mask = np.zeros((50, 70), np.uint8)
    mask[5:15, 5:20] = 1
    mask[30:45, 10:30] = 1
    mask[10:25, 40:60] = 2
    mask[25:30, 40:60] = 3  # touches the one before, but has another value
    return mask


@pytest.mark.parametrize("renderer", RENDERERS)
@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
@pytest.mark.parametrize("channels", [1, 3, 5])
def test_whole_objects_vanish_from_picture_and_mask(renderer, dtype, channels):
    from scipy.ndimage import label

    source, mask = picture(50, 70, channels, dtype), objects()
    regions = [label(mask == value, np.ones((3, 3))) for value in (1, 2, 3)]
    pieces = [found == number + 1 for found, count in regions for number in range(count)]
    assert len(pieces) == 4
    pipeline = Pipeline([image.MaskDropout((1, 3))], seed=4, renderer=renderer)
    counts = set()
    for key in range(20):
        out = pipeline(image=source, mask=mask, key=key)
        gone = [piece for piece in pieces if not out["mask"][piece].any()]
        counts.add(len(gone))
        where = np.logical_or.reduce(gone)
        np.testing.assert_array_equal(out["mask"], np.where(where, 0, mask))
        np.testing.assert_array_equal(out["image"], np.where(where[..., None], source.dtype.type(0), source))
    assert counts == {1, 2, 3}


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_inpainting_continues_an_even_picture_without_a_trace(dtype, channels):
    value = {"uint8": 90, "uint16": 9000, "float32": 0.4}[dtype]
    source = np.full((50, 70, channels), value, dtype)
    mask = objects()
    marked = source.copy()
    marked[mask > 0] = 0
    out = Pipeline([image.MaskDropout(9, fill="inpaint")])(image=marked, mask=mask)
    np.testing.assert_allclose(out["image"].astype(float), source.astype(float), rtol=1e-4)
    assert not out["mask"].any()


def test_labels_of_what_vanished_go_and_all_others_stay():
    mask = objects()
    boxes = [[5, 5, 20, 15], [10, 30, 30, 45], [40, 10, 60, 30], [62, 2, 69, 9]]
    points = [[10, 10], [15, 40], [50, 15], [2, 2]]
    masks = [mask * (mask == value) for value in (1, 2)]
    pipeline = Pipeline([image.MaskDropout(1), image.HorizontalFlip(p=0.5)], seed=1)
    dropped = set()
    for key in range(30):
        out = pipeline(
            image=picture(50, 70),
            mask=mask,
            masks=masks,
            boxes=boxes,
            box_labels=[0, 1, 2, 3],
            oriented_boxes=[[(x0 + x1) / 2, (y0 + y1) / 2, x1 - x0, y1 - y0, 0] for x0, y0, x1, y1 in boxes],
            oriented_box_labels=[0, 1, 2, 3],
            polygons=[[x0, y0, x1, y0, x1, y1, x0, y1] for x0, y0, x1, y1 in boxes],
            polygon_labels=[0, 1, 2, 3],
            keypoints=points,
            keypoint_labels=[0, 1, 2, 3],
            key=key,
        )
        assert out["box_labels"] == out["oriented_box_labels"] == out["polygon_labels"]
        gone = {0, 1, 2, 3} - set(out["box_labels"])
        assert gone <= set(range(3)) and len(gone) <= 1  # the third box holds a small object beside the large one
        assert len(out["keypoints"]) == 4 - len({0, 1, 2, 3} - set(out["keypoint_labels"]))
        dropped |= gone
        for instance, before in zip(out["masks"], masks, strict=True):
            assert not (instance.astype(bool) & (out["mask"] == 0)).any()
            assert instance.sum() <= before.sum()
    assert dropped == {0, 1, 2}


def test_boxes_by_masks_and_their_keypoints_vanish_together():
    mask = objects()
    masks = np.stack([(mask == 1) & (np.indices(mask.shape)[0] < 20), mask == 2, mask == 3]).astype(np.uint8)
    pipeline = Pipeline(
        [image.MaskDropout(1)], boxes=Boxes(source="masks"), keypoints=Keypoints("xyv", outside="hide"), seed=1
    )
    for key in range(8):
        out = pipeline(
            image=picture(50, 70),
            mask=mask,
            masks=masks,
            boxes=[[5, 5, 20, 15], [40, 10, 60, 25], [40, 25, 60, 30]],
            box_labels=[0, 1, 2],
            keypoints=np.full((3, 2, 3), 2.0),
            key=key,
        )
        assert len(out["boxes"]) == len(out["masks"]) == len(out["keypoints"]) == len(out["box_labels"])
        assert out["masks"].reshape(len(out["masks"]), -1).any(axis=1).all()


def test_without_a_mask_and_at_strength_zero_nothing_changes():
    source = picture(50, 70)
    np.testing.assert_array_equal(Pipeline([image.MaskDropout(3)])(source), source)
    out = Pipeline([image.MaskDropout((1, 4))]).with_strength(0)(image=source, mask=objects())
    np.testing.assert_array_equal(out["image"], source)
    np.testing.assert_array_equal(out["mask"], objects())


def test_more_vanishes_as_strength_rises():
    source = np.full((50, 70, 3), 200, np.uint8)
    shown = [
        np.mean(
            [
                Pipeline([image.MaskDropout(4)]).with_strength(s)(image=source, mask=objects(), key=k)["image"] < 200
                for k in range(8)
            ]
        )
        for s in (0, 0.25, 0.5, 0.75, 1)
    ]
    assert shown[0] == 0 and sorted(shown) == shown and shown[-1] == (objects() > 0).mean()


def test_a_later_operation_sees_the_mask_without_what_vanished():
    pipeline = Pipeline([image.MaskDropout(9), image.MaskDropout(9, fill=255)], seed=0)
    out = pipeline(image=np.full((50, 70), 7, np.uint8), mask=objects())
    assert set(np.unique(out["image"])) == {0, 7}


@pytest.mark.parametrize("arguments", [{"max_objects": -1}, {"fill": "noise"}])
def test_wrong_arguments_are_refused_by_name(arguments):
    with pytest.raises(ValueError, match="MaskDropout: " + next(iter(arguments))):
        image.MaskDropout(**arguments)
