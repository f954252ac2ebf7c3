"""Folders of pictures, with or without a COCO file that says what is to be seen in them."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import ClassVar, Self

from covary.data.coco import CocoFile, coco_text, instance_from_json
from covary.data.folder import read_folder
from covary.data.instances import AnnotationError, Category, Json, Objects
from covary.data.splits import are_split_folders, split_in, split_named
from covary.expand.kinds.sharded import sharded
from covary.expand.layout import PlainLayout
from covary.expand.manifest import Manifest
from covary.expand.names import SHARD_FORMATS
from covary.expand.pictures import OpenedPicture, opened_picture
from covary.expand.report import printable
from covary.expand.sources import Entry, Labels, Raw, Sources
from covary.expand.variations import canonical
from covary.plan.changes import Image

ANNOTATIONS_NAME = "annotations.json"


def folder_sources(
    root: Path, coco: CocoFile | None, format: str, *, exclude: Sequence[str | os.PathLike[str]] = ()
) -> Sources:
    """All pictures under a folder; the first part of a picture's relative path is its class.

    Args:
        coco: what is annotated in them; a picture that it does not know has no objects.
        format: of the outputs.
        exclude: folders to be left out.

    Raises:
        OSError: the folder cannot be listed.
    """
    folder = read_folder(root, exclude=exclude)
    names = [item.name for item in folder.items]
    notes = [f"{printable(name)} is the output folder and was left out" for name in folder.left_out]
    if folder.others:
        kinds = ", ".join(sorted({Path(name).suffix.lower() for name in folder.others}))
        notes.append(f"left out, being of other kinds ({kinds}): {_some(folder.others)}")
    if coco is None:
        described, reader, layout = _Described({}, {}), FolderReader(root.absolute()), FolderLayout()
    else:
        found = coco.find(names)
        described = _Described(coco.pictures, found)
        unmatched = sorted(coco.pictures.keys() - set(found.values()))
        if unmatched:
            notes.append(f"annotated, but not among the pictures of {root}: {_some(unmatched)}")
        reader = FolderReader(root.absolute(), dict(coco.categories))
        layout = FolderLayout.of(coco)
    splits, depth = _parts(names)
    entries = tuple(
        Entry(index, name, name, _class_of(name, depth), split, described.size(name))
        for index, (name, split) in enumerate(zip(names, splits, strict=True))
    )
    facts = _none if coco is None else described.facts
    sources = Sources(root, entries, reader, layout, facts, folder.problems, tuple(notes))
    if format not in SHARD_FORMATS:
        return sources
    return sharded(sources, format, sorted({entry.label for entry in entries} - {""}), list(reader.categories.values()))


def _parts(names: Sequence[str]) -> tuple[Sequence[str], int]:
    """The part of the data set that each picture belongs to, and at which level the folders of the classes are."""
    first = sorted({name.partition("/")[0] for name in names if "/" in name})
    if are_split_folders(first):
        return [split_named(name.partition("/")[0]) if "/" in name else "" for name in names], 1
    # Deeper folders (cats/train, images/val) tell parts where "train" is one of them.
    deeper = [split_in(name) for name in names]
    return (deeper if "train" in deeper and len(set(deeper)) > 1 else [""] * len(names)), 0


def _class_of(name: str, depth: int) -> str:
    folders = name.split("/")[:-1]
    return folders[depth] if len(folders) > depth else ""


def _none(entry: Entry) -> None:
    return None


@dataclass(frozen=True, slots=True, eq=False)
class _Described:
    """What an annotation file says of the pictures of a folder."""

    pictures: Mapping[str, tuple[Json, tuple[Json, ...]]]
    found: Mapping[str, str]

    def size(self, name: str) -> tuple[int, int] | None:
        if name not in self.found:
            return None
        entry, _ = self.pictures[self.found[name]]
        return (entry["height"], entry["width"]) if {"height", "width"} <= entry.keys() else None

    def facts(self, entry: Entry) -> str:
        annotations = self.pictures[self.found[entry.name]][1] if entry.name in self.found else ()
        return canonical(list(annotations))


def _some(names: Sequence[str]) -> str:
    return printable(names[0]) + (f" and {len(names) - 1:,} more" if len(names) > 1 else "")


@dataclass(frozen=True, slots=True, eq=False)
class FolderReader:
    """Reads pictures below a folder, and the annotations that came with the work.

    Attributes:
        root: the folder.
        categories: kinds of annotated objects by id.
    """

    root: Path
    categories: Mapping[int, Category] = field(default_factory=dict)

    def files(self, entry: Entry) -> tuple[Path, ...]:
        return (self.root / entry.name,)

    def read(self, entry: Entry) -> Raw:
        data = (self.root / entry.name).read_bytes()
        return Raw(data, len(data), sha256(data).hexdigest(), None, {})

    def open(self, entry: Entry, facts: str | None, raw: Raw) -> OpenedPicture:
        return opened_picture(self, entry, facts, raw)

    def labels(self, entry: Entry, facts: str | None, raw: Raw, picture: Image) -> Labels:
        if facts is None:
            return Labels()
        size = (picture.shape[0], picture.shape[1])
        if entry.size is not None and entry.size != size:
            height, width = entry.size
            raise AnnotationError(
                f"the annotations are for {width} x {height} pixels, the picture has {size[1]} x {size[0]}"
            )
        instances = [instance_from_json(said, size) for said in json.loads(facts)]
        return Labels(Objects.of(instances, self.categories))


@dataclass(frozen=True, slots=True, eq=False)
class FolderLayout(PlainLayout):
    """Outputs lie under the same sub-folders as their sources; one COCO file describes what is annotated in them.

    Attributes:
        annotations: name of that file; None where nothing is annotated.
        info, licenses, categories: what it says of the data set as a whole.
    """

    kind: ClassVar[str] = "folder"

    annotations: str | None = None
    info: Json = field(default_factory=dict)
    licenses: tuple[Json, ...] = ()
    categories: tuple[Json, ...] = ()

    @classmethod
    def of(cls, coco: CocoFile, annotations: str = ANNOTATIONS_NAME) -> Self:
        """The layout for pictures that an annotation file describes."""
        kinds = tuple(category.to_json() for category in coco.categories.values())
        return cls(annotations, coco.info, tuple(coco.licenses), kinds)

    def settings(self) -> dict[str, str]:
        if self.annotations is None:
            return {}
        return {
            "annotations": self.annotations,
            "categories": canonical(list(self.categories)),
            "info": canonical(self.info),
            "licenses": canonical(list(self.licenses)),
        }

    @classmethod
    def restored(cls, settings: Mapping[str, str]) -> Self:
        if "categories" not in settings:
            return cls()
        return cls(
            settings.get("annotations", ANNOTATIONS_NAME),
            json.loads(settings["info"]),
            tuple(json.loads(settings["licenses"])),
            tuple(json.loads(settings["categories"])),
        )

    def whole_names(self, splits: Sequence[str]) -> tuple[str, ...]:
        return () if self.annotations is None else (self.annotations,)

    def whole(self, manifest: Manifest) -> Iterator[tuple[str, bytes]]:
        if self.annotations is not None:
            text = coco_text(self.categories, _pictures(manifest), info=self.info, licenses=self.licenses)
            yield self.annotations, text.encode()


def _pictures(manifest: Manifest) -> Iterator[tuple[str, int, int, Sequence[Json]]]:
    for row in manifest.outputs():
        if row.labels is not None:
            yield row.path, row.height or 0, row.width or 0, json.loads(row.labels)
