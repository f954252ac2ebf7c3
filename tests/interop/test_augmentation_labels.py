"""Augmentation gives on tensors what `Pipeline.batch` gives on arrays: labels, masks and further images."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from covary import Boxes, Keypoints, Pipeline, image, text
from tests.interop.pictures import same

torch = pytest.importorskip("torch", reason="torch is not installed: it has no wheel for this platform")

from covary.interop.pytorch import Augmentation  # noqa: E402
from tests.interop.tensors import DEVICES, arrays, equal, pictures  # noqa: E402

KEYS = ["a", "b", 7, 8, 2**60, "f"]
HEIGHT, WIDTH = 40, 48
MOVES = [image.RandomResizedCrop((30, 36), p=0.8), image.HorizontalFlip(), image.Rotate((-20, 20), border="constant")]
CROPS = [image.RandomCrop((30, 30)), image.HorizontalFlip(), image.VerticalFlip(), image.RandomRotate90()]
GEOMETRIES = {
    "moved": [*MOVES, image.ColorJitter()],
    "cut": CROPS,
    "displaced": [image.ElasticTransform((30, 60), sigma=6.0), image.HorizontalFlip()],
    "shuffled": [image.RandomGridShuffle(), image.HorizontalFlip()],
    "several passes": [
        image.Rotate((5, 20), border="constant"),
        image.MedianBlur(p=0.5),
        image.Rotate((5, 20), border="edge"),
    ],
    "sizes that differ": [image.SafeRotate((-40, 40), p=0.7), image.HorizontalFlip()],
    "nothing": [],
}
SAMPLES = range(len(KEYS))


def boxes() -> Any:
    low = np.random.default_rng(2).uniform((0, 0), (30, 25), (6, 5, 2))
    return torch.from_numpy(np.concatenate([low, low + np.array([12.0, 10.0])], axis=2)).float()


def classes(dtype: Any, layers: int | None = None) -> Any:
    shape = (6, HEIGHT, WIDTH) if layers is None else (6, layers, HEIGHT, WIDTH)
    blocks = np.random.default_rng(3).integers(0, 2 if dtype == torch.bool else 5, shape)
    return torch.from_numpy(np.repeat(blocks[..., ::4], 4, axis=-1)).to(dtype)


def truth_of(pipeline: Pipeline, batch: Any, **fields: Any) -> Any:
    exact = pipeline.with_options(renderer="reference")
    return exact.batch(image=arrays(batch), keys=KEYS, epoch=1, **fields)


def assert_equal(made: Any, expected: Any) -> None:
    assert len(made) == len(expected)
    for mine, right in zip(made, expected, strict=True):
        assert tuple(mine.shape) == right.shape
        assert same(mine.cpu(), right)


def assert_masks(made: Any, expected: Any, dtype: Any) -> None:
    """Masks are the same but where a position falls within rounding of the edge between two pixels."""
    assert len(made) == len(expected)
    for mine, right in zip(made, expected, strict=True):
        assert mine.dtype == dtype and tuple(mine.shape) == right.shape
        assert (mine.cpu().numpy() != right).mean() < 2e-3


# Masks and heat maps


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("dtype", ["bool", "uint8", "uint16", "int16", "uint32", "int64", "float16", "float32"])
@pytest.mark.parametrize("layers", [None, 1, 3])
@pytest.mark.parametrize("name", GEOMETRIES)
def test_masks_are_those_of_pipeline_batch(name: str, layers: int | None, dtype: str, device: str) -> None:
    fill = 1 if dtype == "bool" else 9
    pipeline = Pipeline(
        GEOMETRIES[name], seed=8, mask_fill=fill, mask_pairs=[(0, 1), (3, 4)], targets={"other": "mask"}
    )
    batch, masks = pictures().to(device), classes(getattr(torch, dtype), layers).to(device)
    made = Augmentation(pipeline)(batch, keys=KEYS, epoch=1, mask=masks, other=masks)
    given = list(masks.cpu().numpy() if layers is None else np.moveaxis(masks.cpu().numpy(), 1, -1))
    truth = truth_of(pipeline, batch, mask=given, other=given)
    for field in ("mask", "other"):
        right = [each if layers is None else np.moveaxis(each, -1, 0) for each in truth[field]]
        assert_masks(made[field], right, masks.dtype)
    assert isinstance(made["mask"], torch.Tensor) == (name != "sizes that differ")


@pytest.mark.parametrize("device", DEVICES)
def test_left_and_right_trade_places_exactly_where_the_picture_is_mirrored(device: str) -> None:
    pipeline = Pipeline(
        [image.HorizontalFlip()], mask_pairs=[(1, 2)], heatmap_pairs=[(0, 1)], targets={"other": "mask"}
    )
    batch, masks = pictures().to(device), classes(torch.int64).to(device)
    heatmaps = pictures(torch.float32, 3).to(device)
    made = Augmentation(pipeline)(batch, keys=range(6), mask=masks, other=masks, heatmaps=heatmaps)
    seen = set()
    for row in SAMPLES:
        mirrored = not equal(made["image"][row], batch[row])
        seen.add(mirrored)
        table = torch.tensor([0, 2, 1, 3, 4] if mirrored else [0, 1, 2, 3, 4], device=device)
        flipped = masks[row].flip(-1) if mirrored else masks[row]
        assert equal(made["mask"][row], table[flipped])
        assert equal(made["other"][row], flipped)
        maps = heatmaps[row].flip(-1)[[1, 0, 2]] if mirrored else heatmaps[row]
        assert equal(made["heatmaps"][row], maps)
    assert seen == {True, False}


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize(
    "dtype", [torch.uint8, torch.uint16, torch.float32, torch.float16, torch.bfloat16, torch.float64]
)
@pytest.mark.parametrize("name", GEOMETRIES)
def test_heat_maps_are_those_of_pipeline_batch(name: str, dtype: Any, device: str) -> None:
    pipeline = Pipeline(GEOMETRIES[name], seed=8, heatmap_pairs=[(0, 2)], targets={"flow": "heatmaps"})
    batch, maps = pictures().to(device), pictures(dtype, 4).to(device)
    made = Augmentation(pipeline)(batch, keys=KEYS, epoch=1, heatmaps=maps, flow=maps)
    truth = truth_of(pipeline, batch, heatmaps=list(arrays(maps)), flow=list(arrays(maps)))
    allowed = {torch.uint8: 1, torch.uint16: 40, torch.bfloat16: 5e-3}.get(dtype, 1.2e-3)
    for field in ("heatmaps", "flow"):
        for mine, right in zip(made[field], truth[field], strict=True):
            assert mine.dtype == dtype
            whole = (
                mine.cpu().double() if dtype.is_floating_point else torch.from_numpy(mine.cpu().numpy().astype(float))
            )
            assert np.abs(whole.numpy() - np.moveaxis(right, -1, 0)).max() <= allowed


# Further images


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("name", ["moved", "cut", "sizes that differ", "nothing"])
def test_further_images_share_the_draws_as_in_pipeline_batch(name: str, device: str) -> None:
    operations = [*GEOMETRIES[name], image.Brightness(), image.GaussianNoise((0.05, 0.1))]
    pipeline = Pipeline(operations, seed=3, targets={"depth": "image"})
    batch, several = pictures().to(device), torch.stack([pictures(), pictures().flip(-1)], 1).to(device)
    depth = pictures(torch.uint16, 1).to(device)
    made = Augmentation(pipeline)(batch, keys=KEYS, epoch=1, images=several, depth=depth)
    given = [list(np.moveaxis(each, 1, -1)) for each in several.cpu().numpy()]
    truth = truth_of(pipeline, batch, images=given, depth=list(arrays(depth)))
    for row in SAMPLES:
        views = np.moveaxis(np.stack(truth["images"][row]), -1, 1).astype(int)
        assert np.abs(made["images"][row].cpu().numpy().astype(int) - views).max() <= 1
        right = np.moveaxis(truth["depth"][row], -1, 0).astype(int)
        assert made["depth"][row].dtype == torch.uint16
        assert np.abs(made["depth"][row].cpu().numpy().astype(int) - right).max() <= 40
        assert equal(made["images"][row][0], made["image"][row])


# Labels that are carried on the CPU


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("form", ["one tensor", "tensors", "lists", "arrays"])
@pytest.mark.parametrize("name", GEOMETRIES)
def test_boxes_and_keypoints_are_those_of_pipeline_batch_in_the_form_that_came(
    name: str, form: str, device: str
) -> None:
    options: Any = {"boxes": Boxes(min_visibility=0.4), "keypoints": Keypoints("xy", outside="keep")}
    pipeline = Pipeline(GEOMETRIES[name], seed=1, **options)
    batch, rows = pictures().to(device), boxes().to(device)
    numbers, points = torch.arange(30).reshape(6, 5).to(device), rows[:, :, :2].contiguous()
    fields: dict[str, Any] = {"boxes": rows, "box_labels": numbers, "keypoints": points}
    truth = truth_of(pipeline, batch, **{field: column.cpu().numpy() for field, column in fields.items()})
    to = {"tensors": list, "lists": torch.Tensor.tolist, "arrays": lambda column: list(column.cpu().numpy())}
    given = {field: to.get(form, lambda column: column)(column) for field, column in fields.items()}
    made = Augmentation(pipeline)(batch, keys=KEYS, epoch=1, **given)
    for field, column in fields.items():
        for mine, right in zip(made[field], truth[field], strict=True):
            assert isinstance(mine, torch.Tensor) == (form in ("one tensor", "tensors"))
            if isinstance(mine, torch.Tensor):
                assert mine.device.type == device and mine.dtype == column.dtype
                mine = mine.cpu()
            np.testing.assert_allclose(np.asarray(mine), right, rtol=1e-6, atol=1e-4)
        alike = len({right.shape for right in truth[field]}) == 1
        assert isinstance(made[field], torch.Tensor) == (form == "one tensor" and alike)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float16, torch.bfloat16])
def test_labels_in_floats_keep_their_dtype(dtype: Any) -> None:
    augment, rows = Augmentation(Pipeline(CROPS)), boxes().to(dtype)
    made = augment(pictures(), keys=KEYS, boxes=rows, keypoints=list(rows[:, :, :2]))
    wide = augment(pictures(), keys=KEYS, boxes=rows.double(), keypoints=list(rows[:, :, :2].double()))
    for field in ("boxes", "keypoints"):
        for mine, right in zip(made[field], wide[field], strict=True):
            assert mine.dtype == dtype
            assert torch.allclose(mine.double(), right, rtol=2**-8)


@pytest.mark.parametrize("device", DEVICES)
def test_boxes_follow_their_masks_as_in_pipeline_batch(device: str) -> None:
    pipeline = Pipeline(MOVES, seed=5, boxes=Boxes(source="masks", min_visibility=0.3), renderer="reference")
    rows = boxes().round()
    masks = torch.zeros(6, 5, HEIGHT, WIDTH, dtype=torch.uint8)
    for row in SAMPLES:
        for number, (x0, y0, x1, y1) in enumerate(rows[row].int().tolist()):
            masks[row, number, y0:y1, x0:x1] = 1
    numbers = torch.arange(30).reshape(6, 5)
    batch = pictures().to(device)
    given: dict[str, Any] = {"boxes": rows, "box_labels": numbers, "masks": masks}
    truth = truth_of(pipeline, batch, **{field: column.numpy() for field, column in given.items()})
    made = Augmentation(pipeline)(batch, keys=KEYS, epoch=1, **{f: column.to(device) for f, column in given.items()})
    for field in given:
        assert_equal(made[field], truth[field])


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize(
    "operation",
    [
        image.BBoxSafeRandomCrop((0.2, 0.8)),
        image.CropNonEmptyMaskIfExists((16, 16)),
        image.MaskDropout(),
        image.ConstrainedCoarseDropout(),
    ],
    ids=lambda operation: type(operation).__name__,
)
def test_operations_that_look_at_labels_see_those_of_the_batch(operation: Any, device: str) -> None:
    pipeline = Pipeline([image.HorizontalFlip(), operation], seed=4)
    batch, rows = pictures().to(device), boxes()[:, :2].double()
    mask = torch.zeros(6, HEIGHT, WIDTH, dtype=torch.uint8)
    mask[:, 5:12, 30:40], mask[:, 25:35, 3:9] = 1, 2
    made = Augmentation(pipeline)(batch, keys=KEYS, epoch=1, mask=mask.to(device), boxes=rows.to(device))
    truth = truth_of(pipeline, batch, mask=list(mask.numpy()), boxes=list(rows.numpy()))
    assert_equal(made["image"], [np.moveaxis(each, -1, 0) for each in truth["image"]])
    assert_equal(made["mask"], truth["mask"])
    for mine, right in zip(made["boxes"], truth["boxes"], strict=True):
        np.testing.assert_allclose(mine.cpu(), right, atol=1e-9)


@pytest.mark.parametrize("device", DEVICES)
def test_further_labels_are_those_of_pipeline_batch(device: str) -> None:
    further: Any = {"faces": "boxes", "outline": "polygons"}
    pipeline = Pipeline(CROPS, seed=2, targets=further, oriented_boxes="xywha")
    corners = [[[[4.0, 5.0], [20.0, 5.0], [20.0, 25.0]]]] * 6
    oriented = torch.tensor([[20.0, 20.0, 10.0, 6.0, 0.3]], dtype=torch.float64).repeat(6, 1, 1)
    batch, rows = pictures().to(device), boxes().double()
    made = Augmentation(pipeline)(
        batch,
        keys=KEYS,
        epoch=1,
        faces=rows.to(device),
        faces_labels=[list("abcde")] * 6,
        outline=corners,
        oriented_boxes=oriented.to(device),
    )
    truth = truth_of(
        pipeline,
        batch,
        faces=list(rows.numpy()),
        faces_labels=[list("abcde")] * 6,
        outline=corners,
        oriented_boxes=list(oriented.numpy()),
    )
    assert made["faces_labels"] == truth["faces_labels"]
    for field in ("faces", "oriented_boxes"):
        for mine, right in zip(made[field], truth[field], strict=True):
            np.testing.assert_allclose(mine.cpu(), right, atol=1e-9)
    for mine, right in zip(made["outline"], truth["outline"], strict=True):
        for ring, other in zip(mine, right, strict=True):
            np.testing.assert_allclose(np.asarray(ring), np.asarray(other), atol=1e-9)


def test_what_the_pipeline_has_nothing_for_comes_back_as_the_same_object() -> None:
    names, numbers, weights = list("abcdef"), torch.arange(6), torch.rand(6).to(torch.bfloat16)
    nested = [{"source": row} for row in SAMPLES]
    fields = {"name": names, "label": numbers, "weight": weights, "meta": nested, "boxes": None, "mask": None}
    made = Augmentation(Pipeline(MOVES))(pictures(), **fields)
    assert list(made) == ["image", *fields]
    assert all(made[field] is column for field, column in fields.items())


def test_samples_without_a_label_stay_without_it() -> None:
    rows = [None, torch.tensor([[1.0, 2, 30, 30]]), None, [[1, 2, 30, 30]], torch.zeros(0, 4), None]
    pipeline = Pipeline([image.HorizontalFlip(p=1)])
    made = Augmentation(pipeline)(pictures(), boxes=rows)["boxes"]
    assert made[0] is None and made[2] is None and made[5] is None
    assert made[1].tolist() == [[18.0, 2, 47, 30]] and np.asarray(made[3]).tolist() == [[18.0, 2, 47, 30]]
    assert made[4].shape == (0, 4)


@pytest.mark.parametrize("form", ["one tensor", "tensors"])
def test_labels_are_neither_changed_in_place_nor_shared(form: str) -> None:
    pipeline = Pipeline([image.HorizontalFlip(p=0.5)]).with_strength(0)
    given = {
        "boxes": boxes(),
        "box_labels": torch.arange(30).reshape(6, 5),
        "keypoints": boxes()[:, :, :2].contiguous(),
    }
    before = {field: column.clone() for field, column in given.items()}
    columns = {field: column if form == "one tensor" else list(column) for field, column in given.items()}
    made = Augmentation(pipeline)(pictures(), **columns)
    for field, column in given.items():
        for mine, right in zip(made[field], before[field], strict=True):
            assert equal(mine, right)
            assert mine.untyped_storage().data_ptr() != column.untyped_storage().data_ptr()
        assert equal(column, before[field])


def test_texts_that_come_with_images_are_varied_as_by_the_pipeline() -> None:
    operations = [image.HorizontalFlip(), text.RandomSwap()]
    pipeline = Pipeline(operations, seed=2)
    words = [f"some words of sample {row} that may trade places" for row in SAMPLES]
    made = Augmentation(pipeline)(pictures(), keys=KEYS, epoch=1, text=words, label=torch.arange(6))
    truth = truth_of(pipeline, pictures(), text=words)
    assert made["text"] == truth["text"] and made["text"] != words
    assert made["label"].tolist() == [0, 1, 2, 3, 4, 5]


# Pixels and labels together


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize(
    "operations",
    [
        [image.Affine(rotate=(-40, 40), scale=(0.8, 1.3), shear=(-10, 10)), image.HorizontalFlip()],
        [image.ElasticTransform((40, 80), sigma=16.0)],
        [image.Perspective(), image.Resize((120, 90))],
    ],
    ids=["affine", "elastic", "perspective"],
)
def test_a_blob_and_its_keypoint_agree_within_a_tenth_of_a_pixel(operations: Any, device: str) -> None:
    rng = np.random.default_rng(0)
    centres = torch.from_numpy(rng.uniform(40, 60, (12, 1, 2)))
    axis = torch.arange(100)  # a keypoint at 0 is the centre of the first pixel
    across, down = (axis - centres[:, :, :1]) ** 2, (axis - centres[:, :, 1:]) ** 2
    blobs = torch.exp(-(across[:, :, None, :] + down[:, :, :, None]) / (2 * 2.0**2)).float().to(device)
    pipeline = Pipeline(operations, seed=6, keypoints=Keypoints("xy", outside="keep"))
    made = Augmentation(pipeline)(blobs, keys=range(12), keypoints=centres.to(device))
    values = made["image"].double()[:, 0]
    y, x = (torch.arange(side, device=device) for side in values.shape[1:])
    mass = values.sum((1, 2))
    seen = torch.stack([(values.sum(1) * x).sum(1) / mass, (values.sum(2) * y).sum(1) / mass], 1)
    assert (seen - made["keypoints"][:, 0]).norm(dim=1).max() < 0.1
