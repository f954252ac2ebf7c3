"""Pascal VOC data sets: an XML file for each picture, masks of some, and lists of their parts."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import ClassVar, Self

import numpy as np

from covary.data.coco import category_from_json
from covary.data.dataset import Encoded
from covary.data.encode_mask import encode_mask
from covary.data.instances import Category, Instance, Objects
from covary.data.masks import decode_mask
from covary.data.voc import VocDataset, voc_text, xml_path
from covary.expand.kinds.reading import DatasetReader, mask_of, raw_of, split_of, without_clashes
from covary.expand.layout import companion_name
from covary.expand.manifest import Manifest
from covary.expand.sources import Entry, Labels, Mask, Raw, Sources
from covary.expand.variations import Variation, canonical
from covary.plan.changes import Image

MASK_FOLDERS = ("SegmentationClass", "SegmentationObject")
LISTS = {"Main": ".xml", "Segmentation": ".png"}
"""Folders of ImageSets, and the ending of the files that a picture listed there has."""
UNDECIDED = 255
"""In VOC's masks: belongs to nothing for certain."""
NUMBER = "number"
"""What an object's `extra` calls its number in the mask of objects."""


def voc_sources(source: Path, dataset: VocDataset, *, planes: bool = True) -> Sources:
    """The pictures of a Pascal VOC data set, with whatever there is for each: XML file, mask of classes, of objects.

    Args:
        planes: how the mask of objects is read, see `VocReader`.
    """
    root = Path(dataset.root)
    entries = []
    for index, name in enumerate(map(str, dataset.keys)):
        beside = [xml_path(root, name).relative_to(root).as_posix()]
        beside += [f"{folder}/{Path(name).stem}.png" for folder in MASK_FOLDERS]
        companions = tuple(companion for companion in beside if (root / companion).is_file())
        split = split_of(dataset, index)
        entries.append(Entry(index, name, dataset.keys[index], "", split, companions=companions))
    lists = tuple(name for name in LISTS if (root / "ImageSets" / name).is_dir())
    layout = VocLayout(tuple(dataset.categories.values()), lists)
    kept, problems = without_clashes(entries, layout)
    return Sources(source, tuple(kept), VocReader(root, dataset, planes=planes), layout, _no_facts, tuple(problems))


def _no_facts(entry: Entry) -> None:
    return None


@dataclass(frozen=True, slots=True, eq=False)
class VocReader(DatasetReader):
    """Reads the objects of the XML file by the data set, and the masks beside it.

    Attributes:
        planes: True gives the mask of objects beside that of classes; False gives each object a mask of its own.
    """

    planes: bool = True

    def read(self, entry: Entry) -> Raw:
        sample = self.dataset.read(entry.index)
        for name in entry.companions:
            if not name.endswith(".xml"):
                path = self.root / name
                sample[name.partition("/")[0]] = Encoded(path.read_bytes(), str(path))
        return raw_of(sample, by_class=False)

    def labels(self, entry: Entry, facts: str | None, raw: Raw, picture: Image) -> Labels:
        folders = MASK_FOLDERS if self.planes else MASK_FOLDERS[:1]
        masks = [raw.sample[folder] for folder in folders if folder in raw.sample]
        objects = raw.sample.get("objects")
        return Labels(
            None if objects is None else Objects.of(self._objects(objects, raw), self.dataset.categories),
            mask_of(masks) if masks else None,
        )

    def _objects(self, objects: tuple[Instance, ...], raw: Raw) -> tuple[Instance, ...]:
        """The objects: with their numbers in the mask of objects, or with what of it is theirs."""
        if MASK_FOLDERS[1] not in raw.sample:
            return objects
        if self.planes:
            extras = ({**each.extra, NUMBER: number} for number, each in enumerate(objects, 1))
            return tuple(replace(each, mask=None, extra=extra) for each, extra in zip(objects, extras, strict=True))
        numbers = decode_mask(raw.sample[MASK_FOLDERS[1]])
        return tuple(replace(each, mask=numbers == number) for number, each in enumerate(objects, 1))


@dataclass(frozen=True, slots=True, eq=False)
class VocLayout:
    """Pictures, XML files and masks in the folders of their sources, and the lists of the parts.

    Attributes:
        categories: kinds of objects.
        lists: folders of ImageSets.
    """

    kind: ClassVar[str] = "voc"

    categories: tuple[Category, ...] = ()
    lists: tuple[str, ...] = field(default=())

    def settings(self) -> dict[str, str]:
        return {
            "categories": canonical([category.to_json() for category in self.categories]),
            "lists": canonical(list(self.lists)),
        }

    @classmethod
    def restored(cls, settings: Mapping[str, str]) -> Self:
        categories = tuple(category_from_json(entry) for entry in json.loads(settings["categories"]))
        return cls(categories, tuple(json.loads(settings["lists"])))

    def part_names(self, entry: Entry, path: str) -> tuple[str, ...]:
        return tuple(companion_name(companion, entry.name, path) for companion in entry.companions)

    def parts(self, entry: Entry, path: str, made: Variation, mask: Mask | None) -> list[tuple[str, bytes]]:
        made_parts = []
        planes = iter(() if mask is None or made.mask is None else range(len(mask.files)))
        for companion in entry.companions:
            if companion.endswith(".xml"):
                data = self._xml(path, made, segmented=mask is not None).encode()
            else:
                assert mask is not None and made.mask is not None
                plane = next(planes)
                numbers = mask.plane(made.mask, plane)
                if companion.startswith(MASK_FOLDERS[1] + "/"):
                    numbers = renumbered(numbers, made.instances)
                data = encode_mask(numbers, mask.files[plane])
            made_parts.append((companion_name(companion, entry.name, path), data))
        return made_parts

    def _xml(self, path: str, made: Variation, *, segmented: bool) -> str:
        height, width, channels = made.image.shape
        folder, _, last = path.rpartition("/")
        return voc_text(
            made.instances or [],
            (height, width),
            {category.id: category for category in self.categories},
            filename=last,
            folder=folder.rpartition("/")[2],
            channels=channels,
            segmented=segmented,
        )

    def original_parts(self, entry: Entry, path: str) -> list[tuple[str, str]]:
        return [(companion_name(companion, entry.name, path), companion) for companion in entry.companions]

    def whole_names(self, splits: Sequence[str]) -> tuple[str, ...]:
        return tuple(f"ImageSets/{name}/{split}.txt" for name in self.lists for split in splits if split)

    def whole(self, manifest: Manifest) -> Iterator[tuple[str, bytes]]:
        listed: dict[str, list[str]] = {}
        for row, source in manifest.outputs_with_sources():
            for name in self.lists:
                lines = listed.setdefault(f"ImageSets/{name}/{source.split}.txt", []) if source.split else []
                if any(part.path.endswith(LISTS[name]) for part in row.parts):
                    lines.append(f"{Path(row.path).stem}\n")
        for name, lines in sorted(listed.items()):
            yield name, "".join(lines).encode("utf-8", "surrogateescape")


def renumbered(numbers: Image, instances: Sequence[Instance] | None) -> Image:
    """A mask of objects after some have gone: the others are numbered in the order of the XML file again.

    What is still to be seen of an object that counts as gone belongs to nothing for certain.
    """
    if instances is None:
        return numbers
    table = np.full(256, UNDECIDED, dtype=np.uint8)
    table[0] = 0
    for new, instance in enumerate(instances, 1):
        if NUMBER in instance.extra:
            table[instance.extra[NUMBER]] = new
    return table[numbers]
