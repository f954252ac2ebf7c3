"""Outputs in shards, whatever kind the data set itself is of."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import ClassVar, Self
from urllib.parse import unquote

from covary.data.coco import category_from_json
from covary.data.dataset import SampleError
from covary.data.instances import Category, Json
from covary.data.shard_writing import INDEX_NAME
from covary.expand.containers import Container, ParquetContainer, WebDatasetContainer, kind_of_values
from covary.expand.layout import PlainLayout
from covary.expand.manifest import Manifest
from covary.expand.sources import Sources
from covary.expand.variations import canonical


@dataclass(frozen=True, slots=True, eq=False)
class ShardLayout(PlainLayout, ABC):
    """Shards side by side in the output folder.

    Attributes:
        classes: names of the classes, in the order of their numbers.
        categories: kinds of annotated objects.
    """

    kind: ClassVar[str]

    classes: tuple[str, ...] = ()
    categories: tuple[Category, ...] = ()

    @property
    @abstractmethod
    def container(self) -> Container:
        """The kind of its shards."""

    def settings(self) -> dict[str, str]:
        return {
            "classes": canonical(list(self.classes)),
            "categories": canonical([category.to_json() for category in self.categories]),
        }

    @classmethod
    def restored(cls, settings: Mapping[str, str]) -> Self:
        return cls(*_restored(settings))


def _restored(settings: Mapping[str, str]) -> tuple[tuple[str, ...], tuple[Category, ...]]:
    categories = tuple(category_from_json(entry) for entry in json.loads(settings["categories"]))
    return tuple(json.loads(settings["classes"])), categories


@dataclass(frozen=True, slots=True, eq=False)
class WebDatasetLayout(ShardLayout):
    """Tar archives, and an index.json that names classes and kinds of objects and says of which part each shard is."""

    kind: ClassVar[str] = "webdataset"

    @property
    def container(self) -> Container:
        return WebDatasetContainer()

    def whole_names(self, splits: Sequence[str]) -> tuple[str, ...]:
        return (INDEX_NAME,)

    def whole(self, manifest: Manifest) -> Iterator[tuple[str, bytes]]:
        shards = [
            {"name": row.path, "split": part_of(row.path), "samples": manifest.count_in(row.path), "bytes": row.bytes}
            for row in manifest.shards()
        ]
        head: Json = {
            "format": "webdataset",
            "samples": sum(shard["samples"] for shard in shards),
            "classes": list(self.classes),
            "categories": [category.to_json() for category in self.categories],
        }
        lines = [f"{json.dumps(name)}: {json.dumps(value)}" for name, value in head.items()]
        listed = ",\n".join(json.dumps(shard) for shard in shards)
        yield INDEX_NAME, ("{\n" + ",\n".join([*lines, f'"shards": [\n{listed}\n]']) + "\n}\n").encode()


def part_of(shard: str) -> str:
    """The part of the data set whose outputs a shard holds, from its name; "" where nothing says so."""
    part = unquote(shard.rpartition("-")[0].rpartition("-")[0])
    return "" if part == "data" else part


@dataclass(frozen=True, slots=True, eq=False)
class ParquetLayout(ShardLayout):
    """Parquet tables.

    Attributes:
        masks: names of the masks that samples may have.
        columns: for each other column the kind of its values.
    """

    kind: ClassVar[str] = "parquet"

    masks: tuple[str, ...] = ()
    columns: Mapping[str, str] = field(default_factory=dict)

    @property
    def container(self) -> Container:
        return ParquetContainer(self.classes, self.categories, self.masks, self.columns)

    def settings(self) -> dict[str, str]:
        kept = {"masks": canonical(list(self.masks)), "columns": canonical(list(self.columns.items()))}
        return {**ShardLayout.settings(self), **kept}

    @classmethod
    def restored(cls, settings: Mapping[str, str]) -> Self:
        classes, categories = _restored(settings)
        return cls(classes, categories, tuple(json.loads(settings["masks"])), dict(json.loads(settings["columns"])))


SHARD_LAYOUTS: dict[str, type[ShardLayout]] = {layout.kind: layout for layout in (WebDatasetLayout, ParquetLayout)}


def sharded(sources: Sources, format: str, classes: Sequence[str], categories: Sequence[Category]) -> Sources:
    """The same sources, with outputs in shards.

    Args:
        format: "webdataset" or "parquet".
        classes: names of the classes, in the order of their numbers.
        categories: kinds of annotated objects.
    """
    layout: ShardLayout = WebDatasetLayout(tuple(classes), tuple(categories))
    if format == "parquet":
        masks, columns = _columns_of(sources, by_class=bool(classes))
        layout = ParquetLayout(tuple(classes), tuple(categories), masks, columns)
    return replace(sources, layout=layout, kind=sources.source_kind)


def _columns_of(sources: Sources, *, by_class: bool) -> tuple[tuple[str, ...], dict[str, str]]:
    """What a table needs columns for: names of masks, and kinds of other columns; told by the first sample."""
    fields: dict[str, object] = {}
    for entry in sources.entries:
        try:
            fields = dict(sources.reader.read(entry).sample)
        except (SampleError, OSError):
            continue
        break
    companions = (name for entry in sources.entries for name in entry.companions)
    masked = "mask" in fields or any(name.startswith("SegmentationClass/") for name in companions)
    known = {
        "mask",
        "objects",
        "source",
        "epoch",
        "SegmentationClass",
        "SegmentationObject",
        *(("label",) if by_class else ()),
    }
    columns = {name: kind_of_values(value) for name, value in fields.items() if name not in known}
    return (("mask",) if masked else ()), columns
