"""covary in Hugging Face's `datasets`, against the library's own data sets and PyTorch's DataLoader."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from PIL import Image as Pillow

from covary import Pipeline, image
from covary.interop.huggingface import Transform
from tests.interop.pictures import noise, same, with_workers

datasets = pytest.importorskip("datasets", reason="datasets is not installed: it has no wheel for this platform")

MIRROR = Pipeline([image.HorizontalFlip(p=1)], boxes="coco")
VARIED = Pipeline([image.RandomCrop(24), image.HorizontalFlip(), image.ColorJitter()], seed=5)
FINISHED = Pipeline([*VARIED.operations, image.Normalize("half")], seed=5)
PICTURES = [noise(seed) for seed in range(6)]


def data(**columns: Any) -> Any:
    columns = {"image": [Pillow.fromarray(picture) for picture in PICTURES], "id": list(range(6)), **columns}
    return datasets.Dataset.from_dict(columns).cast_column("image", datasets.Image())


def test_rows_are_the_pipelines_variations_by_their_id() -> None:
    transform = Transform(FINISHED, key="id")
    varied = data().with_transform(transform)
    for epoch in (0, 2):
        transform.set_epoch(epoch)
        for row in (0, 5):
            assert same(varied[row]["image"], FINISHED(PICTURES[row], key=row, epoch=epoch))
        assert all(
            same(made, truth["image"])
            for made, truth in zip(varied[1:4]["image"], map(varied.__getitem__, (1, 2, 3)), strict=True)
        )


def test_without_a_key_the_pictures_contents_are_the_key() -> None:
    varied = data().with_transform(Transform(FINISHED))
    shuffled = varied.shuffle(seed=3)
    where = {row["id"]: row["image"] for row in shuffled}
    assert all(same(where[row], varied[row]["image"]) for row in range(6))
    assert len({np.asarray(picture).tobytes() for picture in where.values()}) == 6


def test_pictures_that_are_not_finished_stay_pil() -> None:
    made = data().with_transform(Transform(VARIED, key="id"))[2]["image"]
    assert isinstance(made, Pillow.Image) and same(made, VARIED(PICTURES[2], key=2))


def test_masks_and_detections_go_along() -> None:
    objects = [{"bbox": [[4.0, 5.0, 16.0, 10.0]], "category": [row], "area": [160.0], "id": [row]} for row in range(6)]
    masks = [Pillow.fromarray(picture[..., 0]) for picture in PICTURES]
    rows = data(objects=objects, annotation=masks).cast_column("annotation", datasets.Image())
    made = rows.with_transform(Transform(MIRROR, names={"mask": "annotation"}))[3]
    assert same(made["image"], PICTURES[3][:, ::-1]) and same(made["annotation"], PICTURES[3][:, ::-1, 0])
    assert made["objects"] == {"bbox": [[28.0, 5.0, 16.0, 10.0]], "category": [3], "area": [160.0], "id": [3]}


def test_pictures_that_are_still_files_are_decoded() -> None:
    encoded = data().cast_column("image", datasets.Image(decode=False))
    made = encoded.with_transform(Transform(FINISHED, key="id"))[1]["image"]
    assert same(made, FINISHED(PICTURES[1], key=1))


def test_other_columns_alone_come_as_they_are() -> None:
    assert data().with_transform(Transform(FINISHED))["id"][:3] == [0, 1, 2]


def test_set_transform_and_map_of_a_stream_take_it_too() -> None:
    transform = Transform(VARIED, key="id")
    rows = data()
    rows.set_transform(transform)
    assert same(rows[4]["image"], VARIED(PICTURES[4], key=4))
    stream = data().to_iterable_dataset().map(transform, batched=True, batch_size=4)
    assert all(same(row["image"], VARIED(PICTURES[row["id"]], key=row["id"])) for row in stream)


@pytest.mark.parametrize("workers", [0, 2])
def test_batches_of_a_dataloader_are_the_same_for_any_number_of_workers(workers: int) -> None:
    torch = pytest.importorskip("torch", reason="torch is not installed: it has no wheel for this platform")
    transform = Transform(FINISHED, key="id", to="torch")
    options = with_workers(workers, persistent_workers=True)
    batches = torch.utils.data.DataLoader(data().with_transform(transform), 4, **options)
    for epoch in (0, 1):
        transform.set_epoch(epoch)
        found = torch.cat([batch["image"] for batch in batches])
        assert same(found, FINISHED.batch(PICTURES, keys=range(6), epoch=epoch))


def test_what_is_wrong_is_named() -> None:
    with pytest.raises(ValueError, match="to is 'tf'"):
        Transform(VARIED, to="tf")  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="pipeline is a str"):
        Transform("photos.yaml")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="the columns are 'image', 'id'"):
        data().with_transform(Transform(VARIED, key="path"))[0]
    with pytest.raises(TypeError, match=r"the key is 0\.5"):
        data(score=[0.5] * 6).with_transform(Transform(VARIED, key="score"))[0]
