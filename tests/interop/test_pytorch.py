"""covary in PyTorch, against PyTorch's own DataLoader, Dataset and default_collate."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pytest
from PIL import Image as Pillow

from covary import Boxes, Keypoints, Pipeline, image, mix
from tests.interop.pictures import Pictures, noise, same, with_workers

torch = pytest.importorskip("torch", reason="torch is not installed: it has no wheel for this platform")
from torch.utils.data import DataLoader, Subset, default_collate  # noqa: E402

from covary.interop.pytorch import Batches, Collate, Transform, tensors_of, wrap  # noqa: E402

PLAIN = Pipeline([image.RandomCrop(24), image.HorizontalFlip(), image.ColorJitter()], seed=5)
FINISHED = Pipeline([*PLAIN.operations, image.Normalize("half")], seed=5)
GRAINY = Pipeline([image.GaussianNoise((0.1, 0.2)), image.ToTensor()], seed=5)
MIRROR = Pipeline([image.HorizontalFlip(p=1)], keypoints=Keypoints("xy", pairs=[(0, 1)]))
PICTURE = noise(0)


def chw(array: Any) -> Any:
    return torch.from_numpy(np.moveaxis(array, -1, 0).copy())


def epoch_of(data: Any, workers: int, **options: Any) -> list[Any]:
    return list(DataLoader(data, **{"batch_size": 4, **with_workers(workers), **options}))


# Transform


@pytest.mark.parametrize("given", [PICTURE, Pillow.fromarray(PICTURE), chw(PICTURE)], ids=["array", "pil", "tensor"])
def test_transform_gives_the_pipelines_pixels_in_the_form_that_came(given: Any) -> None:
    truth = PLAIN(PICTURE, key="a", epoch=2)
    out = Transform(PLAIN)(given, key="a", epoch=2)
    assert isinstance(out, Pillow.Image if isinstance(given, Pillow.Image) else type(given))
    assert same(out, np.moveaxis(truth, -1, 0) if isinstance(given, torch.Tensor) else truth)
    finished = Transform(FINISHED)(given, key="a", epoch=2)
    assert finished.dtype == torch.float32
    assert same(finished, FINISHED(PICTURE, key="a", epoch=2))


@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA", "I;16", "F", "1", "P", "LA", "CMYK", "I"])
def test_pil_pictures_of_every_mode_show_what_pillow_shows(mode: str) -> None:
    grey = Pillow.fromarray(noise(1, channels=0))
    values = (np.asarray(grey, np.uint16) * 257) if mode in ("I;16", "I") else None
    given = grey.convert(mode) if values is None else Pillow.fromarray(values)
    if mode == "I":
        given = Pillow.fromarray(values.astype(np.int32))
    out = Transform(Pipeline([image.HorizontalFlip(p=1)]))(given)
    shown = {"1": "L", "P": "RGB", "LA": "RGBA", "CMYK": "RGB"}.get(mode, mode)
    truth = np.asarray(given if shown == mode else given.convert(shown))[:, ::-1]
    assert same(out, truth)


def test_calls_without_a_key_are_those_of_the_pipeline() -> None:
    counting, transform = FINISHED.with_options(), Transform(FINISHED.with_options())
    assert all(same(transform(PICTURE), counting(PICTURE)) for _ in range(5))


def test_no_worker_and_no_epoch_repeats_a_variation() -> None:
    data = Pictures([PICTURE] * 8, Transform(GRAINY))
    torch.manual_seed(0)
    first, second = epoch_of(data, 2), epoch_of(data, 2)
    pictures = {picture.numpy().tobytes() for images, _ in first + second for picture in images}
    assert len(pictures) == 16
    torch.manual_seed(0)
    assert all(same(a[0], b[0]) for a, b in zip(first, epoch_of(data, 2), strict=True))


def test_calls_with_objects_count_too() -> None:
    transform = Transform(Pipeline([image.RandomCrop((30, 30))], seed=1))
    made = {tuple(transform(PICTURE, detections())[0].ravel()[:20].tolist()) for _ in range(8)}
    assert len(made) > 4


def test_ranks_do_not_repeat_each_others_variations(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORLD_SIZE", "2")
    made = []
    for rank in ("0", "1"):
        monkeypatch.setenv("RANK", rank)
        transform = Transform(GRAINY)
        made += [transform(PICTURE).numpy().tobytes() for _ in range(3)]
    assert len(set(made)) == 6


def test_transform_goes_to_a_spawned_worker() -> None:
    transform = Transform(FINISHED, rows=("attributes",))
    transform(PICTURE)
    assert same(pickle.loads(pickle.dumps(transform))(PICTURE, key=1), transform(PICTURE, key=1))


@pytest.mark.parametrize(
    ("given", "error"),
    [
        ("cat.jpg", "image is a str"),
        (torch.zeros(3, 4, 5, dtype=torch.bfloat16), "bfloat16"),
        (torch.zeros(1, 3, 4, 5), r"\(1, 3, 4, 5\)"),
        (torch.zeros(3, 4, 5, device="meta"), "on meta"),
        ({"picture": PICTURE}, "no 'image'; it has 'picture'"),
        ((), "empty"),
    ],
)
def test_transform_refuses_what_is_no_picture(given: Any, error: str) -> None:
    with pytest.raises((TypeError, ValueError), match=error):
        Transform(PLAIN)(given)


def test_every_field_that_goes_with_a_picture_is_what_the_pipeline_makes_of_it() -> None:
    further: dict[str, Any] = {"outline": "polygons", "depth": "image", "organs": "mask"}
    pipeline = Pipeline([image.Rotate((20, 40)), image.HorizontalFlip(p=1)], seed=4, targets=further)
    corners = np.array([[4.0, 5], [20, 5], [20, 25]])
    fields: dict[str, Any] = {
        "image": PICTURE,
        "mask": noise(1, channels=0),
        "heatmaps": noise(2).astype(np.float32),
        "images": [noise(3), noise(4)],
        "oriented_boxes": np.array([[20.0, 20, 9, 5, 10]]),
        "oriented_box_labels": ["a"],
        "polygons": [corners, corners + 9],
        "polygon_labels": ["b", "c"],
        "line_strings": [corners],
        "line_string_labels": ["d"],
        "outline": [corners + 3],
        "outline_labels": ["e"],
        "depth": noise(5, channels=0),
        "organs": noise(6, channels=0),
    }
    truth = pipeline(**fields, key=0)
    tensors = {
        **fields,
        "image": chw(PICTURE),
        "heatmaps": chw(fields["heatmaps"]),
        "images": [chw(each) for each in fields["images"]],
        "oriented_boxes": torch.from_numpy(fields["oriented_boxes"]),
        **{name: [torch.from_numpy(each) for each in fields[name]] for name in ("polygons", "line_strings", "outline")},
        **{name: torch.from_numpy(fields[name]) for name in ("mask", "depth", "organs")},
    }
    for given in (fields, tensors):
        for out in (
            Transform(pipeline)(given, key=0),
            *wrap([given, given], pipeline, keys=[0, 0]).__getitems__([0, 1]),
        ):
            assert list(out) == list(given)
            for name, value in truth.items():
                pairs = zip(out[name], value, strict=True) if isinstance(value, list) else [(out[name], value)]
                for made, wanted in pairs:
                    if given is tensors and not isinstance(made, str):
                        assert isinstance(made, torch.Tensor), name
                        wanted = np.moveaxis(wanted, -1, 0) if name in ("image", "images", "heatmaps") else wanted
                    assert same(made, wanted), name


# Targets


def detections() -> dict[str, Any]:
    masks = torch.zeros(2, 40, 48, dtype=torch.uint8)
    masks[0, 5:15, 4:20] = 1
    masks[1, 30:40, 40:48] = 1
    return {
        "boxes": torch.tensor([[4.0, 5, 20, 15], [40, 30, 48, 40]]),
        "labels": torch.tensor([7, 8]),
        "masks": masks,
        "keypoints": torch.tensor([[[4.0, 5, 2], [19, 14, 2]], [[40, 30, 1], [0, 0, 0]]]),
        "area": torch.tensor([160.0, 80.0]),
        "iscrowd": torch.tensor([0, 1]),
        "image_id": torch.tensor([3]),
    }


def test_torchvision_targets_are_mirrored_as_in_the_closed_form() -> None:
    target = detections()
    out, made = Transform(MIRROR)(chw(PICTURE), target)
    assert same(out, np.moveaxis(PICTURE, -1, 0)[:, :, ::-1])
    assert same(made["boxes"], [[28, 5, 44, 15], [0, 30, 8, 40]])
    assert same(made["masks"], target["masks"].flip(2))
    assert same(made["keypoints"][0], [[28, 14, 2], [43, 5, 2]])  # left and right have traded places
    assert {name: value.dtype for name, value in made.items()} == {name: v.dtype for name, v in target.items()}
    assert all(same(made[name], target[name]) for name in ("labels", "area", "iscrowd", "image_id"))


def test_an_object_that_leaves_takes_its_row_out_of_every_column() -> None:
    crop = Pipeline([image.RandomCrop((16, 24)), image.ToTensor()], seed=1)
    transform, kept = Transform(crop, rows=("attributes",)), set()
    for key in range(30):
        target = {**detections(), "attributes": ["big", "small"]}
        picture, made = transform(PICTURE, target, key=key)
        assert picture.shape == (3, 16, 24)
        rows = [int(label) - 7 for label in made["labels"]]
        kept.add(tuple(rows))
        assert made["attributes"] == [("big", "small")[row] for row in rows]
        assert made["masks"].shape == (len(rows), 16, 24) and made["keypoints"].shape == (len(rows), 2, 3)
        for box, mask, area in zip(made["boxes"], made["masks"], made["area"], strict=True):
            y, x = np.nonzero(mask.numpy())
            assert same(box, [x.min(), y.min(), x.max() + 1, y.max() + 1])
            assert area == mask.sum()
        assert len(target["boxes"]) == 2
    assert {(), (0,), (1,)} <= kept


def test_boxes_are_read_and_written_as_the_pipeline_says() -> None:
    pipeline = MIRROR.with_options(boxes=Boxes("yolo"))
    _, made = Transform(pipeline)(PICTURE, {"boxes": np.array([[0.25, 0.5, 0.1, 0.2]]), "labels": np.array([1])})
    assert np.allclose(made["boxes"], [[0.75, 0.5, 0.1, 0.2]])


def test_coco_entries_are_decoded_by_pycocotools_as_the_mirrored_region() -> None:
    coco = pytest.importorskip("pycocotools.mask")
    polygon = [4, 5, 20, 5, 20, 15, 4, 15]
    entry = {"id": 9, "image_id": 4, "category_id": 2, "bbox": [4, 5, 16, 10], "segmentation": [polygon], "iscrowd": 0}
    before = coco.decode(coco.merge(coco.frPyObjects([polygon], 40, 48)))
    _, (made,) = Transform(MIRROR)(Pillow.fromarray(PICTURE), [entry])
    assert same(coco.decode(made["segmentation"]), before[:, ::-1])
    assert made["bbox"] == [28, 5, 16, 10]
    assert (made["id"], made["image_id"], made["category_id"]) == (9, 4, 2)


def test_a_mask_moves_with_its_picture() -> None:
    classes = (noise(3, channels=0) % 4).astype(np.uint8)
    palette = Pillow.fromarray(classes).convert("P")
    palette.putdata(classes.ravel().tolist())
    truth = PLAIN(image=PICTURE, mask=classes, key=1)["mask"]
    out, made = Transform(PLAIN)(Pillow.fromarray(PICTURE), palette, key=1)
    assert made.mode == "P" and same(made, truth)
    assert same(out, PLAIN(PICTURE, key=1))
    made = Transform(FINISHED)(Pillow.fromarray(PICTURE), palette, key=1)[1]
    assert made.dtype == torch.int64 and same(made, truth)
    made = Transform(PLAIN)(chw(PICTURE), torch.from_numpy(classes).long(), key=1)[1]
    assert made.dtype == torch.int64 and same(made, truth)


def test_dicts_and_tuples_keep_their_shape_and_what_else_they_hold() -> None:
    sample = {"image": PICTURE, "mask": PICTURE[..., 0], "keypoints": np.array([[4.0, 5.0]]), "name": "cat"}
    out = Transform(MIRROR.with_options(keypoints="xy"))(sample)
    assert same(out["keypoints"], [[43, 5]]) and out["name"] == "cat" and same(out["mask"], out["image"][..., 0])
    nested = Transform(MIRROR)({"image": PICTURE, "target": detections(), "id": 3})
    assert same(nested["target"]["boxes"][0], [28, 5, 44, 15]) and nested["id"] == 3
    assert Transform(MIRROR)([PICTURE, 3, "x"])[1:] == [3, "x"]
    assert Transform(MIRROR)((PICTURE, None))[1] is None


def test_columns_of_different_lengths_are_refused() -> None:
    target = detections()
    with pytest.raises(ValueError, match="2 boxes and 1 masks"):
        Transform(MIRROR)(chw(PICTURE), {**target, "masks": target["masks"][:1]})
    with pytest.raises(ValueError, match="labels has 1 entries"):
        Transform(MIRROR)(chw(PICTURE), {**target, "labels": target["labels"][:1]})


# wrap


@pytest.mark.parametrize("workers", [0, 1, 2])
def test_wrapped_samples_are_those_of_the_pipeline_for_any_number_of_workers(workers: int) -> None:
    pictures = [noise(seed) for seed in range(10)]
    data = wrap(Pictures(pictures), FINISHED)
    batches = DataLoader(data, batch_size=4, **with_workers(workers, persistent_workers=True))
    for epoch in (0, 3):
        data.set_epoch(epoch)
        found = torch.cat([images for images, _ in batches])
        assert same(found, FINISHED.batch(pictures, keys=range(10), epoch=epoch))


def test_wrapped_samples_may_be_named() -> None:
    class Named(Pictures):
        def __getitem__(self, index: int) -> Any:
            return {"image": self.pictures[index], "path": f"{index}.jpg", "label": index}

    data = Named([PICTURE] * 3)
    truth = FINISHED(PICTURE, key="2.jpg")
    for keys in ("path", ["0.jpg", "1.jpg", "2.jpg"], lambda sample: sample["path"]):
        assert same(wrap(data, FINISHED, keys=keys)[-1]["image"], truth)
    assert same(default_collate(Subset(wrap(data, FINISHED, keys="path"), [2, 0]).__getitems__([0]))["image"][0], truth)
    with pytest.raises(ValueError, match="2 entries for 3"):
        wrap(data, FINISHED, keys=["a", "b"])
    with pytest.raises(TypeError, match="__len__"):
        wrap(iter([]), FINISHED)
    with pytest.raises(IndexError):
        wrap(data, FINISHED)[3]


def test_wrapped_detections_of_a_batch_are_those_one_by_one() -> None:
    samples = [(noise(seed), detections()) for seed in range(3)]
    data = wrap(samples, FINISHED)
    for (picture, target), alone in zip(data.__getitems__([0, 1, 2]), (data[i] for i in range(3)), strict=True):
        assert same(picture, alone[0])
        assert all(same(target[name], alone[1][name]) for name in target)


# Collate


def test_collate_without_mixers_is_default_collate() -> None:
    samples = [(chw(noise(seed)), seed, f"{seed}.jpg") for seed in range(3)]
    made, truth = Collate()(samples), default_collate(samples)
    assert same(made[0], truth[0]) and same(made[1], truth[1]) and list(made[2]) == list(truth[2])


def test_collate_leaves_annotations_in_lists() -> None:
    images, targets = Collate()([(chw(noise(seed)), detections()) for seed in range(2)])
    assert images.shape == (2, 3, 40, 48) and [list(target) for target in targets] == [list(detections())] * 2
    images, _ = Collate()([(chw(noise(seed, 40 + seed)), seed) for seed in range(2)])
    assert [picture.shape[1] for picture in images] == [40, 41]


@pytest.mark.parametrize("workers", [0, 2])
def test_mixed_batches_are_those_of_mix_batch_for_any_number_of_workers(workers: int) -> None:
    pictures = [noise(seed) for seed in range(6)]
    mixers = [mix.MixUp(0.4), mix.CutMix(1.0)]
    data = wrap(Pictures(pictures), FINISHED)
    data.set_epoch(2)
    found = epoch_of(data, workers, collate_fn=Collate(mixers, classes=3, seed=9), batch_size=6)
    truth = mix.mix_batch(
        mixers,
        {"image": FINISHED.batch(pictures, keys=range(6), epoch=2), "label": np.arange(6) % 3},
        classes=3,
        seed=9,
        epoch=2,
        keys=range(6),
        layout="CHW",
    )
    assert same(found[0][0], truth["image"]) and same(found[0][1], truth["target"])


def test_collate_finishes_what_was_mixed_before() -> None:
    data = wrap(Pictures([noise(seed) for seed in range(4)]), PLAIN)
    cutmix, form = mix.CutMix(1.0), Pipeline([image.Normalize("half")])
    mixed, targets = next(iter(DataLoader(data, 4, collate_fn=Collate(cutmix, classes=3))))
    finished, again = next(iter(DataLoader(data, 4, collate_fn=Collate(cutmix, classes=3, then=form))))
    assert same(finished, form.batch(mixed.numpy())) and same(targets, again)
    samples = [{"image": chw(noise(seed)), "label": seed, "name": str(seed)} for seed in range(3)]
    fields = Collate(cutmix, classes=3)(samples)
    assert fields["target"].shape == (3, 3) and fields["name"] == ["0", "1", "2"]


def test_batches_without_keys_are_mixed_each_in_its_own_way() -> None:
    collate = Collate(mix.MixUp(1.0), classes=3)
    samples = [(chw(noise(seed)), seed) for seed in range(3)]
    assert not same(collate(samples)[1], collate(samples)[1])


# Batches


@pytest.mark.parametrize("workers", [0, 1, 2])
def test_batches_are_the_loaders_in_order_for_any_number_of_workers(workers: int, loader: Any, epochs: Any) -> None:
    data = Batches(loader())
    batches = DataLoader(data, batch_size=None, **with_workers(workers))
    assert len(batches) == 4
    for number in (0, 1):  # every pass is the next epoch
        for made, truth in zip(batches, epochs(number), strict=True):
            assert same(made["image"], truth["image"]) and same(made["label"], truth["label"])
            assert tuple(made["keys"]) == tuple(truth["keys"]) and made["epoch"] == number
    data.set_epoch(5, start=3)
    (last,) = list(batches)
    assert same(last["image"], epochs(5)[3]["image"])
    assert len(list(batches)) == 4


def test_workers_that_keep_running_go_on_to_the_next_epoch(loader: Any, epochs: Any) -> None:
    data = Batches(loader(), fields=("image", "label"))
    batches = DataLoader(data, batch_size=None, **with_workers(2, persistent_workers=True))
    for number in (0, 1):
        assert all(same(made[0], truth["image"]) for made, truth in zip(batches, epochs(number), strict=True))
    data.set_epoch(7)
    assert all(same(made[0], truth["image"]) for made, truth in zip(batches, epochs(7), strict=True))


def test_ranks_share_an_epoch(loader: Any, epochs: Any) -> None:
    from torch.testing._internal.distributed.fake_pg import FakeStore

    keys = []
    for rank in range(2):
        torch.distributed.init_process_group("fake", store=FakeStore(), rank=rank, world_size=2)
        try:
            keys.append([key for batch in Batches(loader()) for key in batch["keys"]])
        finally:
            torch.distributed.destroy_process_group()
    assert len(keys[0]) == len(keys[1]) == 7
    assert sorted(keys[0] + keys[1]) == sorted(key for batch in epochs(0) for key in batch["keys"])


def test_batches_go_to_a_spawned_worker(loader: Any, epochs: Any) -> None:
    data = pickle.loads(pickle.dumps(Batches(loader(to="torch", workers=2))))
    assert all(same(made["image"], truth["image"]) for made, truth in zip(data, epochs(0), strict=True))


def test_batches_name_what_is_wrong(loader: Any) -> None:
    with pytest.raises(TypeError, match="Loader"):
        Batches([1, 2])  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"no field 'labels'; it has 'image'"):
        next(iter(Batches(loader(), fields=("image", "labels"))))
    with pytest.raises(ValueError, match="start is 9"):
        Batches(loader()).set_epoch(0, start=9)


def test_soft_labels_train_a_network(loader: Any) -> None:
    """The batches are what PyTorch's own loss takes."""
    made = next(iter(loader(mix=mix.MixUp(1.0))))
    images, target = tensors_of(made, ("image", "target"))
    network = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(3 * 16 * 16, 2))
    loss = torch.nn.functional.cross_entropy(network(images), target)
    loss.backward()
    assert torch.isfinite(loss)
