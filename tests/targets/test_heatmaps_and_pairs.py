"""Heat maps, and left and right by label."""

import numpy as np
import pytest

from covary.targets import Boxes, Keypoints
from tests.targets.plans import about_centre, carried, crop, displace, mirrored, quarter_turn, rendered, stage, warp

SIZE = (24, 32)


def blob(x, y):
    rows, columns = np.indices(SIZE)
    return np.exp(-((columns - x) ** 2 + (rows - y) ** 2) / 4).astype(np.float32)


def maps():
    return np.stack((blob(8, 10), blob(20, 14)), axis=2)


def test_heat_maps_move_as_a_float_picture_does():
    matrix = about_centre(((0.8, -0.3), (0.3, 0.8)), SIZE)
    way = [stage(SIZE, warp(matrix, SIZE), displace(np.random.default_rng(0).uniform(-1, 1, (4, 5, 2))))]
    np.testing.assert_allclose(carried({"heatmaps": maps()}, way, SIZE)["heatmaps"], rendered(maps(), way), atol=1e-6)


def test_a_peak_stands_on_its_keypoint():
    way = [stage(SIZE[::-1], quarter_turn(SIZE))]
    out = carried({"heatmaps": maps(), "keypoints": [[8, 10], [20, 14]]}, way, SIZE)
    peaks = [np.unravel_index(out["heatmaps"][:, :, k].argmax(), SIZE[::-1])[::-1] for k in range(2)]
    np.testing.assert_allclose(out["keypoints"], peaks)


def test_channels_of_left_and_right_trade_places_in_a_mirror_as_keypoints_do():
    sample = {"heatmaps": maps(), "keypoints": [[8, 10], [20, 14]]}
    out = carried(
        sample, [stage(SIZE, mirrored(SIZE))], SIZE, heatmap_pairs=[(0, 1)], keypoints=Keypoints(pairs=[(0, 1)])
    )
    np.testing.assert_array_equal(out["heatmaps"], maps()[:, ::-1, ::-1])
    peaks = [np.unravel_index(out["heatmaps"][:, :, k].argmax(), SIZE)[::-1] for k in range(2)]
    np.testing.assert_allclose(out["keypoints"], peaks)
    same = carried(sample, [], SIZE, heatmap_pairs=[(0, 1)])
    np.testing.assert_array_equal(same["heatmaps"], maps())


def test_a_border_that_repeats_the_picture_clones_no_peak():
    way = [stage(SIZE, crop(-20, 0, SIZE), border="reflect")]
    out = carried({"heatmaps": maps()}, way, SIZE)["heatmaps"]
    assert (out[:, :20] < 1e-6).all() and out[:, 20:].max() > 0.9


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float16", "float32", "float64"])
@pytest.mark.parametrize("axes", [2, 3])
def test_dtype_and_axes_come_back(dtype, axes):
    value = (maps() * 200).astype(dtype)[:, :, 0] if axes == 2 else (maps() * 200).astype(dtype)
    out = carried({"heatmaps": value}, [stage(SIZE, mirrored(SIZE))], SIZE)["heatmaps"]
    assert out.dtype == value.dtype
    np.testing.assert_array_equal(out, value[:, ::-1])


def test_class_numbers_of_left_and_right_trade_places_in_a_mirror():
    mask = np.random.default_rng(1).integers(0, 6, SIZE, np.uint8)
    table = np.array([0, 1, 2, 4, 3, 5], np.uint8)
    out = carried({"mask": mask}, [stage(SIZE, mirrored(SIZE))], SIZE, mask_pairs=((3, 4),))
    np.testing.assert_array_equal(out["mask"], table[mask[:, ::-1]])
    twice = carried(
        {"mask": mask}, [stage(SIZE, mirrored(SIZE)), stage(SIZE, mirrored(SIZE))], SIZE, mask_pairs=((3, 4),)
    )
    np.testing.assert_array_equal(twice["mask"], mask)


@pytest.mark.parametrize(
    "labels", [["left", "nose", "right"], ("left", "nose", "right"), np.array(["left", "nose", "right"])]
)
@pytest.mark.parametrize("with_mask", [False, True])
def test_labels_of_boxes_trade_places_in_a_mirror(labels, with_mask):
    sample = {"boxes": [[1, 1, 5, 5]] * 3, "box_labels": labels}
    if with_mask:
        sample["mask"] = np.zeros(SIZE, np.uint8)
    options = Boxes(pairs=[("left", "right")])
    out = carried(sample, [stage(SIZE, mirrored(SIZE))], SIZE, boxes=options)
    assert list(out["box_labels"]) == ["right", "nose", "left"]
    assert type(out["box_labels"]) is type(labels)
    assert list(carried(sample, [], SIZE, boxes=options)["box_labels"]) == ["left", "nose", "right"]


def test_keypoints_of_a_dropped_box_are_dropped_with_it():
    boxes = [[2, 2, 8, 8], [20, 4, 30, 12], [10, 10, 14, 20]]
    points = np.arange(3 * 2 * 3, dtype=float).reshape(3, 2, 3) + 1
    sample = {"boxes": boxes, "keypoints": points, "keypoint_labels": ["a", "b", "c"]}
    way = [stage(SIZE, crop(9, 0, SIZE))]
    out = carried(sample, way, SIZE, keypoints=Keypoints("xyv", outside="keep"))
    assert len(out["boxes"]) == 2 and out["keypoint_labels"] == ["b", "c"]
    np.testing.assert_allclose(out["keypoints"][:, :, 0], points[1:, :, 0] - 9)
    masks = np.zeros((3, *SIZE), np.uint8)
    for mask, (x0, y0, x1, y1) in zip(masks, boxes, strict=True):
        mask[y0:y1, x0:x1] = 1
    out = carried({**sample, "masks": masks}, way, SIZE, boxes=Boxes(source="masks"), keypoints=Keypoints("xyv"))
    assert len(out["boxes"]) == len(out["masks"]) == len(out["keypoints"]) == 2


def test_a_pair_beyond_the_channels_is_refused_by_name():
    with pytest.raises(ValueError, match=r"heatmaps: the pair \(1, 2\)"):
        carried({"heatmaps": maps()}, [stage(SIZE, mirrored(SIZE))], SIZE, heatmap_pairs=[(1, 2)])
