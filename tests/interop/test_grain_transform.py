"""covary in Grain, against Grain's own data sets and loader."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from covary import Pipeline, image
from tests.interop.pictures import noise, same

grain = pytest.importorskip("grain", reason="grain is not installed: it has no wheel for this platform")

from covary.interop.grain_transform import MapWithIndex, RandomMap, RecordMap  # noqa: E402

PIPELINE = Pipeline([image.RandomCrop(24), image.HorizontalFlip(), image.ColorJitter()], seed=5)
RECORDS = [{"image": noise(seed), "label": seed, "name": f"{seed}.jpg"} for seed in range(6)]


@pytest.fixture(scope="module", autouse=True)
def _flags() -> None:
    """Grain's worker processes look at command-line flags, which an application reads."""
    flags = pytest.importorskip("absl.flags")
    if not flags.FLAGS.is_parsed():
        flags.FLAGS.mark_as_parsed()


def loaded(*operations: Any, workers: int = 0) -> list[Any]:
    sampler = grain.samplers.IndexSampler(6, shuffle=True, num_epochs=2, seed=1)
    return list(grain.DataLoader(data_source=RECORDS, sampler=sampler, operations=operations, worker_count=workers))


def variations(records: list[Any]) -> set[tuple[int, bytes]]:
    return {(int(record["label"]), np.asarray(record["image"]).tobytes()) for record in records}


def test_record_map_in_grains_loader_gives_the_pipelines_variations() -> None:
    for place, record in enumerate(loaded(RecordMap(PIPELINE, 6))):
        label = int(record["label"])
        assert same(record["image"], PIPELINE(RECORDS[label]["image"], key=label, epoch=place // 6))


def test_workers_of_grain_change_nothing() -> None:
    operations = RecordMap(PIPELINE, 6, key="name"), RandomMap(Pipeline([image.GaussianNoise()], seed=1))
    assert variations(loaded(*operations, workers=2)) == variations(loaded(*operations))


def test_map_with_index_gives_the_pipelines_variations() -> None:
    data = grain.MapDataset.source(RECORDS).repeat(2).map_with_index(MapWithIndex(PIPELINE, 6))
    assert len(data) == 12
    for index in range(12):
        truth = PIPELINE(RECORDS[index % 6]["image"], key=index % 6, epoch=index // 6)
        assert same(data[index]["image"], truth)


def test_a_named_key_follows_its_record_through_a_shuffle() -> None:
    shuffled = grain.MapDataset.source(RECORDS).seed(4).shuffle()
    data = shuffled.map_with_index(MapWithIndex(PIPELINE, 6, key="name"))
    for index in range(6):
        label = data[index]["label"]
        assert same(data[index]["image"], PIPELINE(RECORDS[label]["image"], key=f"{label}.jpg"))


def test_random_map_varies_each_epoch_anew_and_repeats_with_the_seed() -> None:
    def run(seed: int) -> list[bytes]:
        data = grain.MapDataset.source(RECORDS).seed(seed).random_map(RandomMap(PIPELINE)).repeat(2)
        return [np.asarray(data[index]["image"]).tobytes() for index in range(12)]

    assert run(3) == run(3)
    assert not set(run(3)) & set(run(4))
    assert len(set(run(3))) == 12


def test_neighbouring_seeds_of_grain_are_no_shifted_copies() -> None:
    """Grain seeds record i of seed s by s + i; what is drawn for a key is not shared with the next record's."""
    same_picture = [{"image": noise(0), "label": index, "name": str(index)} for index in range(6)]
    transform = RandomMap(PIPELINE, key="name")
    made = [
        transform.random_map(record, np.random.Generator(np.random.Philox(key=seed + index)))["image"].tobytes()
        for seed in (1, 2)
        for index, record in enumerate(same_picture)
    ]
    assert len(set(made)) == 12


def test_labels_and_other_names_go_along() -> None:
    mirror = Pipeline([image.HorizontalFlip(p=1)])
    transform = MapWithIndex(mirror, 1, names={"image": "pixels", "mask": "classes"})
    out = transform.map_with_index(0, {"pixels": noise(1), "classes": noise(1)[..., 0], "id": 4})
    assert same(out["pixels"], noise(1)[:, ::-1]) and same(out["classes"], noise(1)[:, ::-1, 0]) and out["id"] == 4


def test_the_transforms_are_of_grains_own_kinds() -> None:
    from grain.python import MapWithIndexTransform, RandomMapTransform

    assert isinstance(RandomMap(PIPELINE), RandomMapTransform)
    assert isinstance(MapWithIndex(PIPELINE, 2), MapWithIndexTransform)


def test_what_is_wrong_is_named() -> None:
    with pytest.raises(ValueError, match="length is 0"):
        MapWithIndex(PIPELINE, 0)
    with pytest.raises(TypeError, match="pipeline is a list"):
        RandomMap([])  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="key is 'path', but the record is a dict with 'image'"):
        RandomMap(PIPELINE, key="path").random_map(RECORDS[0], np.random.default_rng(0))
    behind = grain.Record(grain.RecordMetadata(index=0), RECORDS[0])
    with pytest.raises(ValueError, match="before Batch"):
        list(RecordMap(PIPELINE, 6)(iter([behind])))
