"""COCO data sets: annotation files, and the pictures that they tell of."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, ClassVar, Self

from covary.data.coco import category_from_json, coco_text
from covary.data.coco_dataset import CocoDataset
from covary.data.instances import Category, Json
from covary.expand.kinds.reading import DatasetReader, split_of
from covary.expand.layout import PlainLayout
from covary.expand.manifest import Manifest
from covary.expand.sources import Entry, Sources
from covary.expand.variations import canonical


@dataclass(frozen=True, slots=True)
class CocoPart:
    """An annotation file.

    Attributes:
        name: path of the file.
        folder: that its pictures' `file_name` counts from; "" for the data set's own.
        split: part of the data set that it is of.
        info, licenses: as they stand in it.
    """

    name: str
    folder: str
    split: str
    info: Json
    licenses: Sequence[Json]


def coco_sources(source: Path, dataset: CocoDataset) -> Sources:
    """The pictures of a COCO data set. Names count from the folder that holds its pictures and its annotation files."""
    base = Path(os.path.commonpath([dataset.root, *(os.path.dirname(file) for file in dataset.files)]))  # noqa: PTH120
    inside = os.path.relpath(dataset.root, base)
    splits = {int(file): split_of(dataset, index) for index, file in reversed(list(enumerate(dataset.of_file)))}
    parts = tuple(
        CocoPart(_relative(file, base), _relative(folder, base), splits.get(number, ""), *head)
        for number, (file, folder, head) in enumerate(zip(dataset.files, dataset.folders, dataset.heads, strict=True))
    )
    entries = tuple(
        Entry(index, os.path.normpath(os.path.join(inside, str(key))), key, "", split_of(dataset, index))  # noqa: PTH118
        for index, key in enumerate(dataset.keys)
    )
    layout = CocoLayout(tuple(dataset.categories.values()), parts)
    reader = DatasetReader(base, dataset, tuple(map(Path, dataset.files)))
    return Sources(source, entries, reader, layout, _File(dataset, parts))


def _relative(path: str, base: Path) -> str:
    inside = os.path.relpath(path, base)
    return "" if inside == "." else inside


@dataclass(frozen=True, slots=True, eq=False)
class _File:
    """Which annotation file tells of a source."""

    dataset: CocoDataset
    parts: Sequence[CocoPart]

    def __call__(self, entry: Entry) -> str:
        return canonical({"file": self.parts[int(self.dataset.of_file[entry.index])].name})


@dataclass(frozen=True, slots=True, eq=False)
class CocoLayout(PlainLayout):
    """Pictures and annotation files under the folders of their sources.

    Attributes:
        categories: kinds of objects.
        files: the annotation files.
    """

    kind: ClassVar[str] = "coco"

    categories: tuple[Category, ...] = ()
    files: tuple[CocoPart, ...] = ()

    def settings(self) -> dict[str, str]:
        return {
            "categories": canonical([category.to_json() for category in self.categories]),
            "files": canonical([asdict(file) for file in self.files]),
        }

    @classmethod
    def restored(cls, settings: Mapping[str, str]) -> Self:
        categories = tuple(category_from_json(entry) for entry in json.loads(settings["categories"]))
        files: list[dict[str, Any]] = json.loads(settings["files"])
        return cls(categories, tuple(CocoPart(**file) for file in files))

    def whole_names(self, splits: Sequence[str]) -> tuple[str, ...]:
        return tuple(file.name for file in self.files if file.split in splits)

    def whole(self, manifest: Manifest) -> Iterator[tuple[str, bytes]]:
        pictures: dict[str, list[tuple[str, int, int, str]]] = {}
        for row, source in manifest.outputs_with_sources():
            name = json.loads(source.annotations or "{}")["file"]
            pictures.setdefault(name, []).append((row.path, row.height or 0, row.width or 0, row.labels or "[]"))
        kinds = [category.to_json() for category in self.categories]
        for file in self.files:
            if file.name in pictures:
                listed = (
                    (os.path.relpath(path, file.folder or "."), height, width, json.loads(labels))
                    for path, height, width, labels in pictures[file.name]
                )
                yield file.name, coco_text(kinds, listed, info=file.info, licenses=file.licenses).encode()
