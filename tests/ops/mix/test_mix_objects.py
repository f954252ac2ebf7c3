"""Objects in mixed pictures: boxes, masks and keypoints lie where their pixels lie."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mixing import noise
from numpy.typing import NDArray

from covary import Boxes, Keypoints, mix

SIDE = 96
CENTRES = np.array([[30.0, 26.0], [60.0, 34.0], [40.0, 66.0], [70.0, 62.0]])  # x, y as pixel indices
SPREAD = 3.0
REACH = 10.0


def blobs() -> dict[str, Any]:
    """Four pictures of four channels; sample i has one blob, in channel i, with mask, box and keypoint."""
    ys, xs = np.mgrid[:SIDE, :SIDE]
    away = [np.hypot(xs - x, ys - y) for x, y in CENTRES]
    images = np.zeros((4, SIDE, SIDE, 4), np.float32)
    for index, distance in enumerate(away):
        images[index, :, :, index] = np.exp(-((distance / SPREAD) ** 2) / 2)
    masks = [[distance <= REACH] for distance in away]
    boxes = [np.array([[x - REACH, y - REACH, x + REACH + 1, y + REACH + 1]]) for x, y in CENTRES]
    return {
        "image": images,
        "label": np.arange(4),
        "boxes": boxes,
        "box_labels": [[f"blob {index}"] for index in range(4)],
        "masks": masks,
        "keypoints": [centre[None] for centre in CENTRES],
        "keypoint_labels": [[index] for index in range(4)],
        "mask": np.stack([mask[0] * np.uint8(index + 1) for index, mask in enumerate(masks)]),
    }


def centroid(channel: NDArray[np.floating]) -> NDArray[np.float64]:
    ys, xs = np.mgrid[: channel.shape[0], : channel.shape[1]]
    return np.array([(channel * xs).sum(), (channel * ys).sum()]) / channel.sum()


def whole_objects(out: dict[str, Any], row: int) -> list[int]:
    """Which objects of a mixed sample are there whole: their keypoint, and a mask that is a full disc."""
    found = []
    for label, mask in zip(out["box_labels"][row], out["masks"][row], strict=True):
        ys, xs = np.nonzero(mask)
        disc = np.pi / 4 * max(np.ptp(ys) * np.ptp(xs), 1)
        inside = ys.min() > 0 and xs.min() > 0 and ys.max() < mask.shape[0] - 1 and xs.max() < mask.shape[1] - 1
        if inside and abs(mask.sum() / disc - 1) < 0.08 and abs(np.ptp(ys) - np.ptp(xs)) <= 1:
            found.append(int(label.split()[1]))
    return found


@pytest.mark.parametrize(
    "mixer",
    [mix.Mosaic(), mix.Mosaic(size=(150, 130)), mix.CopyPaste(share=1.0), mix.ResizeMix((0.4, 0.9)), mix.CutMix(0.5)],
    ids=repr,
)
def test_a_blob_its_keypoint_its_box_and_its_masks_land_together(mixer: mix.Mixer) -> None:
    fields, checked, moved = blobs(), 0, 0
    for epoch in range(12):
        out = mixer(fields, classes=4, epoch=epoch, layout="HWC")
        for row in range(4):
            for index in whole_objects(out, row):
                at = list(out["keypoint_labels"][row]).index(index)
                place = list(out["box_labels"][row]).index(f"blob {index}")
                point = out["keypoints"][row][at]
                box, mask = out["boxes"][row][place], out["masks"][row][place]
                assert np.abs(centroid(out["image"][row][:, :, index]) - point).max() < 0.1
                assert np.abs(centroid(mask.astype(float)) - point).max() < 1
                assert np.abs((box[:2] + box[2:]) / 2 - 0.5 - point).max() < 1.5
                ys, xs = np.nonzero(mask)
                assert box.tolist() == [xs.min(), ys.min(), xs.max() + 1, ys.max() + 1]
                assert (out["mask"][row][mask & (np.abs(out["mask"][row]) > 0)] == index + 1).mean() > 0.9
                checked += 1
                moved += bool(np.abs(point - CENTRES[index]).max() > 1 or index != row)
    assert checked > 20 and moved > 8


@pytest.mark.parametrize("mixer", [mix.Mosaic(), mix.ResizeMix(), mix.CutMix(0.5), mix.MixUp(pairs=True)], ids=repr)
@pytest.mark.parametrize("form", ["coco", "yolo", "normalised"])
def test_boxes_of_other_formats_are_the_same_boxes(mixer: mix.Mixer, form: str) -> None:
    fields = {name: value for name, value in blobs().items() if name in ("image", "boxes", "box_labels")}
    corners = mixer(fields, epoch=3, layout="HWC")

    def written(boxes: NDArray[np.float64], side: float) -> NDArray[np.float64]:
        x0, y0, x1, y1 = boxes.T
        if form == "coco":
            return np.stack([x0, y0, x1 - x0, y1 - y0], axis=1)
        if form == "yolo":
            return np.stack([(x0 + x1) / 2, (y0 + y1) / 2, x1 - x0, y1 - y0], axis=1) / side
        return boxes / side

    fields["boxes"] = [written(boxes, SIDE) for boxes in fields["boxes"]]
    out = mixer(fields, epoch=3, layout="HWC", boxes=form)
    for row in range(4):
        np.testing.assert_allclose(out["boxes"][row], written(corners["boxes"][row], SIDE), atol=1e-9)
        assert out["box_labels"][row] == corners["box_labels"][row]


def test_mosaic_shares_are_those_of_its_tiles_and_every_source_is_another() -> None:
    images = np.ones((6, 3, 40, 50), np.float32) * np.arange(6, dtype=np.float32)[:, None, None, None]
    out = mix.Mosaic()({"image": images, "label": np.arange(6)}, classes=6, seed=1)
    for row in range(6):
        counts = np.bincount(out["image"][row][0].astype(int).ravel(), minlength=6)
        np.testing.assert_allclose(out["target"][row], counts / 2000, atol=1e-6)
        assert (counts > 0).sum() == 4 and counts[row] > 0
    np.testing.assert_array_equal(np.unique(out["image"]), np.arange(6))


@pytest.mark.parametrize("count", [2, 3])
def test_mosaic_of_a_small_batch_repeats_its_sources(count: int) -> None:
    images = noise(count, 16, 16)
    out = mix.Mosaic()({"image": images, "label": range(count)}, classes=count)
    assert ((out["target"] > 0).sum(axis=1) == count).all()
    np.testing.assert_allclose(out["target"].sum(axis=1), 1, atol=1e-6)


def test_mosaic_takes_pictures_of_several_sizes() -> None:
    images = [noise(1, *size, "uint8", "HWC")[0] for size in ((20, 30), (50, 24), (31, 31), (64, 80), (10, 90))]
    out = mix.Mosaic(size=48)({"image": images})
    assert out["image"].shape == (5, 48, 48, 3) if isinstance(out["image"], np.ndarray) else True
    assert [image.shape for image in out["image"]] == [(48, 48, 3)] * 5
    own = mix.Mosaic()({"image": images})["image"]
    assert [image.shape for image in own] == [image.shape for image in images]


def test_mosaic_drops_what_is_cut_too_far() -> None:
    fields = blobs()
    loose = mix.Mosaic()(fields, classes=4, layout="HWC", epoch=1)
    strict = mix.Mosaic()(fields, classes=4, layout="HWC", epoch=1, boxes=Boxes(min_visibility=0.9))
    kept = [sum(map(len, out["boxes"])) for out in (loose, strict)]
    assert kept[1] < kept[0]
    for row in range(4):
        assert len(strict["boxes"][row]) == len(strict["box_labels"][row]) == len(strict["masks"][row])


def test_copy_paste_pastes_by_mask_and_uncovers_what_is_hidden() -> None:
    images = np.ones((2, 20, 20, 3), np.uint8) * np.array([10, 200], np.uint8)[:, None, None, None]
    masks = np.zeros((2, 2, 20, 20), bool)
    masks[:, 0, 2:12, 2:12] = True
    masks[:, 1, 10:18, 10:18] = True
    fields = {
        "image": images,
        "masks": list(masks),
        "boxes": [np.array([[2, 2, 12, 12], [10, 10, 18, 18]])] * 2,
        "box_labels": [["a", "b"], ["c", "d"]],
    }
    mixer = mix.CopyPaste(share=1.0, scale=(1.0, 1.0), shift=(0.0, 0.0))
    out = mixer(fields)
    pasted = masks[0].any(axis=0)
    np.testing.assert_array_equal(out["image"][0], np.where(pasted, 200, 10)[:, :, None].repeat(3, axis=2))
    # The same objects at the same places: the sample's own are hidden wholly.
    assert out["box_labels"] == [["c", "d"], ["a", "b"]]
    np.testing.assert_array_equal(out["boxes"][0], [[2, 2, 12, 12], [10, 10, 18, 18]])
    np.testing.assert_array_equal(np.stack(out["masks"][0]), masks[1])


def test_copy_paste_takes_objects_at_the_rate_of_share() -> None:
    count = 300
    masks = np.zeros((count, 3, 8, 8), bool)
    masks[:, 0, 0:2, 0:2] = masks[:, 1, 3:5, 3:5] = masks[:, 2, 6:8, 6:8] = True
    fields = {"image": np.zeros((count, 8, 8, 3), np.uint8), "masks": list(masks)}
    mixer = mix.CopyPaste(share=0.3, scale=(1.0, 1.0), shift=(0.0, 0.0))
    out = mixer(fields)
    taken = sum(len(each) - 3 for each in out["masks"])
    assert abs(taken / (3 * count) - 0.3) < 4 * (0.21 / (3 * count)) ** 0.5


def test_copy_paste_needs_masks() -> None:
    with pytest.raises(ValueError, match="CopyPaste: no masks among the fields"):
        mix.CopyPaste()({"image": noise(2)})


def test_persons_of_a_keypoint_data_set_stay_with_their_boxes() -> None:
    fields = blobs()
    fields["keypoints"] = [np.array([[[x, y, 2], [x + 3, y, 2]]]) for x, y in CENTRES]
    del fields["keypoint_labels"]
    for mixer in (mix.Mosaic(), mix.CopyPaste(share=1.0), mix.CutMix(), mix.FMix(), mix.PatchMix()):
        for epoch in range(4):
            out = mixer(fields, classes=4, layout="HWC", epoch=epoch, keypoints=Keypoints("xyv"))
            for row in range(4):
                assert len(out["keypoints"][row]) == len(out["boxes"][row]) == len(out["box_labels"][row])


def test_keypoints_under_a_pasted_rectangle_go() -> None:
    points = np.stack(np.meshgrid(np.arange(12.0), np.arange(10.0)), axis=-1).reshape(-1, 2)
    images = np.ones((3, 1, 10, 12), np.float32) * np.arange(3, dtype=np.float32)[:, None, None, None]
    labels = [[(row, *point) for point in points.astype(int).tolist()] for row in range(3)]
    out = mix.CutMix()({"image": images, "keypoints": [points] * 3, "keypoint_labels": labels}, epoch=1)
    for row in range(3):
        # Every pixel had a keypoint, so every pixel has one: that of the picture which it shows.
        assert sorted(out["keypoint_labels"][row], key=lambda label: label[:0:-1]) == [
            (int(out["image"][row, 0, y, x]), x, y) for y in range(10) for x in range(12)
        ]


def test_mixup_joins_the_boxes_and_weighs_them() -> None:
    out = mix.DetectionMixUp(pairs=True)(blobs(), classes=4, layout="HWC")
    for row in range(4):
        partner = out["target_b"][row]
        assert out["box_labels"][row] == [f"blob {row}", f"blob {partner}"]
        np.testing.assert_allclose(out["box_weights"][row], [out["lam"][row], 1 - out["lam"][row]], atol=1e-6)
        assert len(out["masks"][row]) == len(out["keypoints"][row]) == 2
        np.testing.assert_array_equal(out["mask_b"][row], blobs()["mask"][partner])
        np.testing.assert_array_equal(out["mask"][row], blobs()["mask"][row])


def test_detection_mixup_lays_pictures_of_two_sizes_onto_one_canvas() -> None:
    images = [np.full((4, 6, 3), 100, np.uint8), np.full((8, 2, 3), 200, np.uint8)]
    boxes = [np.array([[0.5, 0.5, 1.0, 1.0]]), np.array([[0.5, 0.5, 1.0, 1.0]])]
    out = mix.DetectionMixUp(pairs=True)(
        {"image": images, "boxes": boxes, "box_labels": [["a"], ["b"]]}, boxes="yolo", layout="HWC"
    )
    lam = out["lam"][0]
    canvas = out["image"][0]
    assert canvas.shape == (8, 6, 3)
    assert canvas[1, 4, 0] == round(100 * lam) and canvas[6, 1, 0] == round(200 * (1 - lam))
    assert canvas[1, 1, 0] == round(100 * lam + 200 * (1 - lam)) and canvas[6, 4, 0] == 0
    np.testing.assert_allclose(out["boxes"][0], [[0.5, 0.25, 1, 0.5], [1 / 6, 0.5, 1 / 3, 1]])


def test_class_masks_have_no_average_and_floating_ones_have() -> None:
    images, classes = noise(4), np.zeros((4, 6, 8), np.uint8)
    with pytest.raises(
        ValueError, match="MixUp: mask has dtype uint8, and class masks have no average: pass pairs=True"
    ):
        mix.MixUp()({"image": images, "mask": classes})
    soft = np.random.default_rng(0).random((4, 6, 8), dtype=np.float32)
    out = mix.MixUp(1.0, pairs=True)({"image": images, "mask": soft, "label": range(4)}, classes=4)
    lam = out["lam"][:, None, None]
    np.testing.assert_allclose(out["mask"], lam * soft + (1 - lam) * soft[out["target_b"]], atol=1e-6)
    assert "mask_b" not in out


@pytest.mark.parametrize(
    "mixer", [mix.CutMix(), mix.FMix(), mix.PatchMix(), mix.ResizeMix(), mix.SaliencyMix(), mix.Mosaic()], ids=repr
)
def test_class_masks_show_the_source_of_each_pixel(mixer: mix.Mixer) -> None:
    count = 5
    images = np.ones((count, 3, 30, 40), np.uint8) * np.arange(count, dtype=np.uint8)[:, None, None, None]
    out = mixer({"image": images, "mask": images[:, 0].astype(np.int64)}, epoch=2)
    np.testing.assert_array_equal(out["mask"], out["image"][:, 0])
    assert out["mask"].dtype == np.int64 and (out["mask"] != images[:, 0]).any()


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**32), count=st.integers(1, 5), mixer=st.sampled_from(["Mosaic", "CutMix", "ResizeMix"]))
def test_boxes_stay_in_the_picture_with_their_labels(seed: int, count: int, mixer: str) -> None:
    rng = np.random.default_rng(seed)
    corners = [np.sort(rng.random((rng.integers(0, 6), 2, 2)) * (40, 30), axis=1).reshape(-1, 4) for _ in range(count)]
    fields = {
        "image": noise(count, 30, 40),
        "boxes": corners,
        "box_labels": [list(range(len(boxes))) for boxes in corners],
    }
    out = getattr(mix, mixer)()(fields, seed=seed)
    for boxes, labels in zip(out["boxes"], out["box_labels"], strict=True):
        assert len(boxes) == len(labels)
        assert (boxes >= 0).all() and (boxes <= (40, 30, 40, 30)).all()
        assert (boxes[:, 2:] > boxes[:, :2]).all()


def test_samples_without_objects_take_those_of_their_partner() -> None:
    fields = {"image": noise(2), "boxes": [None, np.array([[1.0, 1.0, 3.0, 3.0]])], "box_labels": [None, [7]]}
    out = mix.MixUp(1.0)(fields)
    assert out["box_labels"] == [[7], [7]]
    assert out["box_weights"][0].shape == (1,)


def test_labels_of_some_boxes_only_are_refused() -> None:
    fields = {"image": noise(2), "boxes": [np.ones((1, 4)), np.array([[1.0, 1, 3, 3]])], "box_labels": [None, [7]]}
    with pytest.raises(ValueError, match="MixUp: box_labels is there for some samples only"):
        mix.MixUp(1.0)(fields)
