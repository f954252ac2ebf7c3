"""Collate mixes samples however their labels are written, as it mixes the same samples in the default formats."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from covary import Keypoints, OrientedBoxes, Pipeline, image, mix
from tests.interop.pictures import noise, same, with_workers

torch = pytest.importorskip("torch", reason="torch is not installed: it has no wheel for this platform")
from torch.utils.data import DataLoader  # noqa: E402

from covary.interop.pytorch import Collate, wrap  # noqa: E402

HEIGHT, WIDTH, COUNT = 40, 60, 5
SCALE = np.array([WIDTH, HEIGHT, WIDTH, HEIGHT], float)
MIXERS = [mix.Mosaic(), mix.Mosaic(size=(30, 44)), mix.CutMix(), mix.MixUp(1.0), mix.DetectionMixUp(), mix.ResizeMix()]


def corners(sample: int) -> NDArray[np.float64]:
    """A sample's boxes: of sample n, n of them."""
    rng = np.random.default_rng(sample)
    low = rng.uniform((0, 0), (30, 20), (sample, 2))
    return np.concatenate([low, low + rng.uniform(6, 20, (sample, 2))], axis=1)


def written(boxes: NDArray[np.float64], form: str, size: tuple[int, int] = (HEIGHT, WIDTH)) -> NDArray[np.float64]:
    """Boxes x0, y0, x1, y1 in another format."""
    height, width = size
    low, high = boxes[:, :2], boxes[:, 2:]
    if form == "coco":
        return np.concatenate([low, high - low], axis=1)
    fractions = np.array([width, height, width, height], float)
    if form == "yolo":
        return np.concatenate([(low + high) / 2, high - low], axis=1) / fractions
    return boxes / fractions if form == "normalised" else boxes


def read(boxes: Any, form: str, size: tuple[int, int]) -> NDArray[np.float64]:
    """The inverse of `written`."""
    boxes = np.asarray(boxes).reshape(-1, 4)
    fractions = np.array([size[1], size[0], size[1], size[0]], float)
    if form == "coco":
        return np.concatenate([boxes[:, :2], boxes[:, :2] + boxes[:, 2:]], axis=1)
    if form == "yolo":
        middle, side = (boxes * fractions)[:, :2], (boxes * fractions)[:, 2:]
        return np.concatenate([middle - side / 2, middle + side / 2], axis=1)
    return boxes * fractions if form == "normalised" else boxes


class Scenes:
    """Samples made by a function of their number."""

    def __init__(self, make: Any) -> None:
        self.make = make

    def __len__(self) -> int:
        return COUNT

    def __getitem__(self, number: int) -> Any:
        return self.make(number)


def scene(form: str, tensors: bool) -> Any:
    def make(number: int) -> dict[str, Any]:
        picture, boxes = noise(number, HEIGHT, WIDTH), written(corners(number), form)
        labels = [f"{number}/{row}" for row in range(number)]
        if tensors:
            return {"image": chw(picture), "boxes": torch.from_numpy(boxes), "box_labels": labels}
        return {"image": picture, "boxes": boxes, "box_labels": labels}

    return Scenes(make)


def chw(picture: Any) -> Any:
    return torch.from_numpy(np.moveaxis(picture, -1, 0).copy())


def batch_of(data: Any, collate: Collate, workers: int = 0) -> Any:
    (batch,) = DataLoader(data, COUNT, collate_fn=collate, **with_workers(workers))
    return batch


@pytest.mark.parametrize("tensors", [False, True], ids=["arrays", "tensors"])
@pytest.mark.parametrize("form", ["coco", "yolo", "normalised"])
@pytest.mark.parametrize("mixer", MIXERS, ids=repr)
def test_boxes_of_any_format_are_mixed_as_in_the_default_format(mixer: mix.Mixer, form: str, tensors: bool) -> None:
    truth = batch_of(scene("pascal_voc", tensors), Collate(mixer))
    told = batch_of(scene(form, tensors), Collate(mixer, boxes=form))
    same_boxes(told, truth, form, tensors)
    # A data set made by `wrap` knows; its draws are those of its keys.
    truth = batch_of(wrap(scene("pascal_voc", tensors), Pipeline([])), Collate(mixer))
    known = batch_of(wrap(scene(form, tensors), Pipeline([], boxes=form)), Collate(mixer))
    same_boxes(known, truth, form, tensors)


def same_boxes(found: Any, truth: Any, form: str, tensors: bool) -> None:
    assert same(found["image"], truth["image"])
    size = truth["image"].shape[-2:] if tensors else truth["image"].shape[1:3]
    assert found["box_labels"] == truth["box_labels"] and sum(map(len, truth["boxes"]))
    for boxes, others in zip(found["boxes"], truth["boxes"], strict=True):
        assert isinstance(boxes, torch.Tensor) == tensors
        np.testing.assert_allclose(read(boxes, form, tuple(size)), others, atol=1e-6)
    weights = truth.get("box_weights", [])
    assert all(same(one, other) for one, other in zip(found.get("box_weights", []), weights, strict=True))


def test_what_is_said_comes_before_what_the_pipeline_says() -> None:
    data = wrap(scene("coco", True), Pipeline([], boxes="yolo", seed=3))
    with pytest.raises(ValueError, match="yolo boxes are fractions"):
        data[3]
    plain = wrap(scene("pascal_voc", True), Pipeline([], boxes="pascal_voc"))
    with pytest.raises(ValueError, match="yolo boxes are fractions"):
        batch_of(plain, Collate(mix.Mosaic(), boxes="yolo"))


def test_keypoints_with_visibility_are_hidden_where_those_without_are_dropped() -> None:
    def points(seen: bool) -> Scenes:
        def make(number: int) -> dict[str, Any]:
            flat = np.random.default_rng(number).uniform((0, 0), (WIDTH - 1, HEIGHT - 1), (6, 2))
            columns = np.column_stack([flat, np.full(6, 2.0)]) if seen else flat
            return {"image": noise(number, HEIGHT, WIDTH), "keypoints": columns, "keypoint_labels": list("abcdef")}

        return Scenes(make)

    truth = batch_of(wrap(points(False), Pipeline([])), Collate(mix.Mosaic()))
    known = batch_of(wrap(points(True), Pipeline([], keypoints="xyv")), Collate(mix.Mosaic()))
    told = Collate(mix.Mosaic(), keypoints=Keypoints("xyv"))
    again = batch_of(wrap(points(True), Pipeline([])), told)
    for row in range(COUNT):
        found = np.asarray(known["keypoints"][row])
        assert same(again["keypoints"][row], found) and len(found) == 24
        np.testing.assert_allclose(found[found[:, 2] > 0][:, :2], truth["keypoints"][row], atol=1e-9)
        labels = [label for label, v in zip(known["keypoint_labels"][row], found[:, 2], strict=True) if v > 0]
        assert labels == truth["keypoint_labels"][row]


def test_shapes_and_further_fields_of_other_formats_are_those_of_the_default_formats() -> None:
    def shapes(other: bool) -> Scenes:
        def make(number: int) -> dict[str, Any]:
            rng = np.random.default_rng(number)
            outline = np.array([20, 15]) + rng.uniform(-12, 12, (4, 2)) * 0.2 + 9 * SQUARE
            scale = SCALE[:2] if other else 1.0
            turned = np.array([25, 18]) + SQUARE @ np.array([[8.0, 4], [-2, 4]])
            return {
                "image": noise(number, HEIGHT, WIDTH),
                "polygons": [outline / scale],
                "polygon_labels": [f"{number}"],
                "line_strings": [outline[:3] / scale],
                "line_string_labels": [f"{number}"],
                "oriented_boxes": turned.reshape(1, 8) if other else OBB.copy(),
                "oriented_box_labels": [f"{number}"],
                "outline": [outline / scale],
                "outline_labels": [f"{number}"],
            }

        return Scenes(make)

    further = {"outline": "polygons"}
    forms: dict[str, Any] = {
        "polygons": "normalised",
        "line_strings": "normalised",
        "oriented_boxes": OrientedBoxes("corners"),
    }
    told = {**forms, "targets": further}
    cutmix = mix.CutMix()
    for found, truth in (
        (
            batch_of(shapes(True), Collate(cutmix, **told)),
            batch_of(shapes(False), Collate(cutmix, targets=further)),
        ),
        (
            batch_of(wrap(shapes(True), Pipeline([], **told)), Collate(cutmix)),
            batch_of(wrap(shapes(False), Pipeline([], targets=further)), Collate(cutmix)),
        ),
    ):
        assert same(found["image"], truth["image"])
        for row in range(COUNT):
            for name in ("polygons", "line_strings", "outline"):
                assert len(found[name][row]) == len(truth[name][row])
                for one, other in zip(found[name][row], truth[name][row], strict=True):
                    np.testing.assert_allclose(np.asarray(one) * SCALE[:2], other, atol=1e-6)
            for name in ("polygon_labels", "line_string_labels", "oriented_box_labels", "outline_labels"):
                assert list(found[name][row]) == list(truth[name][row])
            edges = np.asarray(found["oriented_boxes"][row]).reshape(-1, 4, 2)
            boxes = np.asarray(truth["oriented_boxes"][row]).reshape(-1, 5)
            np.testing.assert_allclose(edges.mean(axis=1), boxes[:, :2], atol=1e-4)


SQUARE = np.array([[-1.0, -1], [1, -1], [1, 1], [-1, 1]])
# The rectangle whose half sides are (8, 4) and (-2, 4), about (25, 18), by its sides and angle.
OBB = np.array([[25, 18, 2 * np.hypot(8, 4), 2 * np.hypot(2, 4), -np.degrees(np.arctan2(4, 8))]])


# Columns, as torchvision's detection models take them


def detection(number: int, tensors: bool = True) -> tuple[Any, dict[str, Any]]:
    boxes = corners(number).round()  # the boxes of the masks
    masks = np.zeros((number, HEIGHT, WIDTH), np.uint8)
    for mask, (x0, y0, x1, y1) in zip(masks, boxes.astype(int).tolist(), strict=True):
        mask[y0:y1, x0:x1] = 1
    seen = np.full((number, 2, 1), 2.0)
    target = {
        "boxes": boxes.astype(np.float32),
        "labels": 10 * number + np.arange(number),
        "masks": masks,
        "keypoints": np.concatenate([boxes.reshape(number, 2, 2), seen], axis=2).astype(np.float32),
        "area": np.zeros(number, np.float32),
        "iscrowd": np.zeros(number, np.int64),
        "image_id": number,
    }
    picture = noise(number, HEIGHT, WIDTH)
    if not tensors:
        return picture, target
    plain = {
        name: torch.from_numpy(value) if isinstance(value, np.ndarray) else value for name, value in target.items()
    }
    return chw(picture), plain


def placed(place: str, tensors: bool, number: int) -> Any:
    picture, target = detection(number, tensors)
    if place == "tuple":
        return picture, target
    return {"image": picture, "target": target} if place == "field" else {"image": picture, **target}


def targets_of(batch: Any, place: str) -> list[dict[str, Any]]:
    if place == "tuple":
        return batch[1]
    if place == "field":
        return batch["target"]
    return [{name: batch[name][row] for name in detection(1)[1] if name in batch} for row in range(COUNT)]


@pytest.mark.parametrize(
    ("place", "tensors", "workers"),
    [*((place, tensors, 0) for place in ("tuple", "field", "fields") for tensors in (False, True)), ("tuple", True, 2)],
)
@pytest.mark.parametrize("mixer", [mix.Mosaic(), mix.MixUp(1.0), mix.CopyPaste(share=0.6)], ids=repr)
def test_rows_of_objects_are_those_of_mixed_fields(mixer: mix.Mixer, place: str, tensors: bool, workers: int) -> None:
    pairs = [detection(number, tensors=False) for number in range(COUNT)]
    layout = "CHW" if tensors else "HWC"
    pictures = np.stack([np.moveaxis(picture, -1, 0) if tensors else picture for picture, _ in pairs])
    truth = mix.mix_batch(
        mixer,
        {
            "image": pictures,
            "boxes": [target["boxes"] for _, target in pairs],
            "box_labels": [target["labels"] for _, target in pairs],
            "masks": [target["masks"] for _, target in pairs],
            "keypoints": [target["keypoints"] for _, target in pairs],
        },
        keys=range(COUNT),
        layout=layout,
        keypoints="xyv",
    )
    data = wrap(Scenes(partial(placed, place, tensors)), Pipeline([]))
    batch = batch_of(data, Collate(mixer), workers)
    assert same(batch[0] if place == "tuple" else batch["image"], truth["image"])
    for row, target in enumerate(targets_of(batch, place)):
        kind = torch.Tensor if tensors else np.ndarray
        assert all(isinstance(target[name], kind) for name in ("boxes", "labels", "masks", "keypoints", "area"))
        assert target["labels"].dtype == (torch.int64 if tensors else np.int64)
        np.testing.assert_array_equal(target["labels"], truth["box_labels"][row])
        np.testing.assert_allclose(target["boxes"], np.reshape(truth["boxes"][row], (-1, 4)), atol=1e-4)
        masks = np.array([np.asarray(mask) != 0 for mask in truth["masks"][row]]).reshape(-1, HEIGHT, WIDTH)
        np.testing.assert_array_equal(np.asarray(target["masks"]) != 0, masks)
        np.testing.assert_allclose(target["area"], masks.sum(axis=(1, 2)))
        np.testing.assert_allclose(target["keypoints"], np.reshape(truth["keypoints"][row], (-1, 2, 3)), atol=1e-4)
        assert len(target["iscrowd"]) == len(target["labels"])
        if place != "fields":
            assert target["image_id"] == row
        if isinstance(mixer, mix.MixUp):
            weights = batch["box_weights"][row] if place == "fields" else target["box_weights"]
            assert same(weights, truth["box_weights"][row])


def test_areas_without_masks_are_those_of_boxes_in_their_format() -> None:
    def make(number: int) -> Any:
        boxes = torch.from_numpy(written(corners(number), "coco"))
        return chw(noise(number, HEIGHT, WIDTH)), {
            "boxes": boxes,
            "area": torch.zeros(number),
            "score": torch.ones(number),
        }

    data = wrap(Scenes(make), Pipeline([], boxes="coco"), rows=["score"])
    _, targets = batch_of(data, Collate(mix.Mosaic()))
    for target in targets:
        np.testing.assert_allclose(target["area"], target["boxes"][:, 2] * target["boxes"][:, 3], rtol=1e-6)
        assert len(target["score"]) == len(target["boxes"])


def test_varied_objects_are_mixed_behind_their_pipeline() -> None:
    crop = Pipeline([image.RandomCrop(32), image.HorizontalFlip()], seed=2)
    data = wrap(Scenes(detection), crop)
    plain = [data[number] for number in range(COUNT)]
    images, targets = batch_of(data, Collate(mix.CutMix()))
    truth = mix.mix_batch(
        mix.CutMix(),
        {
            "image": np.stack([np.asarray(picture) for picture, _ in plain]),
            "boxes": [np.asarray(target["boxes"]) for _, target in plain],
            "box_labels": [np.asarray(target["labels"]) for _, target in plain],
            "masks": [np.asarray(target["masks"]) for _, target in plain],
        },
        keys=range(COUNT),
        layout="CHW",
    )
    assert same(images, truth["image"])
    for target, boxes, labels in zip(targets, truth["boxes"], truth["box_labels"], strict=True):
        np.testing.assert_allclose(target["boxes"], np.reshape(boxes, (-1, 4)), atol=1e-4)
        np.testing.assert_array_equal(target["labels"], labels)


def test_objects_stay_in_lists_where_all_samples_have_as_many() -> None:
    def make(number: int) -> dict[str, Any]:
        return {
            "image": chw(noise(number, HEIGHT, WIDTH)),
            "boxes": torch.tensor([[4.0, 4, 30, 30]]),
            "box_labels": ["a"],
        }

    batch = batch_of(Scenes(make), Collate(mix.Mosaic(p=0.5)))
    for name, kind in (("boxes", torch.Tensor), ("box_labels", list)):
        assert isinstance(batch[name], list) and len(batch[name]) == COUNT
        assert all(isinstance(each, kind) for each in batch[name])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"boxes": "coc"}, "Boxes: format is 'coc'"),
        ({"keypoints": "xyz"}, "Keypoints: format is 'xyz'"),
        ({"targets": {"outline": "shape"}}, r"Collate: targets\['outline'\] is 'shape'"),
    ],
)
def test_wrong_formats_are_refused_when_it_is_made(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Collate(mix.Mosaic(), **options)


def test_objects_one_by_one_are_refused_and_not_left_behind() -> None:
    entry = {"bbox": [4, 4, 9, 9], "category_id": 1}
    pictures = [chw(noise(seed)) for seed in range(2)]
    for samples in ([(each, [entry]) for each in pictures], [{"image": each, "objects": [entry]} for each in pictures]):
        with pytest.raises(ValueError, match="holds objects one by one, which cannot be mixed"):
            Collate(mix.Mosaic())(samples)
    alone = Collate(mix.PixMix(pool=2))([{"image": each, "objects": [entry]} for each in pictures])
    assert alone["objects"] == [[entry], [entry]]


def test_soft_labels_stand_in_label_where_target_holds_the_objects() -> None:
    samples = [{"image": chw(noise(seed)), "label": seed, "target": {"boxes": torch.ones(0, 4)}} for seed in range(3)]
    batch = Collate(mix.MixUp(), classes=3)(samples)
    assert batch["label"].shape == (3, 3) and [len(target["boxes"]) for target in batch["target"]] == [0, 0, 0]
