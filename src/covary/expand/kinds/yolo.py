"""YOLO data sets: a label file for each picture, and a data.yaml."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar, Self

from covary.data.coco import category_from_json
from covary.data.instances import Category
from covary.data.yolo import YoloDataset, YoloKind, data_yaml_text, find_data_yaml, read_data_yaml, yolo_numbers
from covary.data.yolo_labels import label_path, yolo_text
from covary.expand.kinds.reading import DatasetReader, relative_names, split_of, without_clashes
from covary.expand.manifest import Manifest
from covary.expand.sources import Entry, Mask, Sources
from covary.expand.variations import Variation, canonical

DATA_NAME = "data.yaml"


def yolo_sources(source: Path, dataset: YoloDataset, out: Path) -> Sources:
    """The pictures of a YOLO data set.

    Args:
        source: its data.yaml, or its folder.
        out: the output folder; parts of which nothing is made are named in the new data.yaml as seen from there.
    """
    base, names = relative_names(dataset.keys, dataset.root)
    entries = []
    for index, name in enumerate(names):
        label = label_path(name)
        companions = (label,) if (base / label).is_file() else ()
        entries.append(Entry(index, name, dataset.keys[index], "", split_of(dataset, index), companions=companions))
    layout = YoloLayout(tuple(dataset.categories.values()), _places(entries), _elsewhere(source, out))
    kept, problems = without_clashes(entries, layout)
    return Sources(source, tuple(kept), DatasetReader(base, dataset), layout, _no_facts, tuple(problems))


def _no_facts(entry: Entry) -> None:
    return None


def _places(entries: Sequence[Entry]) -> dict[str, str]:
    """For each part the folder of its pictures; a list file where folders do not tell the parts apart."""
    folders: dict[str, list[str]] = {}
    for entry in entries:
        folders.setdefault(entry.split or "train", []).append(os.path.dirname(entry.name))  # noqa: PTH120
    above = {split: os.path.commonpath(found) if all(found) else "" for split, found in folders.items()}
    apart = all(
        not f"{mine}/".startswith(f"{other}/" if other else "")
        for split, mine in above.items()
        for another, other in above.items()
        if split != another
    )
    return {split: above[split] or "." if apart else f"{split}.txt" for split in folders}


def _elsewhere(source: Path, out: Path) -> dict[str, list[str]]:
    """Where the data set itself has its parts, as seen from the output folder."""
    described = source if source.is_file() else find_data_yaml(source)
    if described is None:
        return {}
    real = os.path.realpath(out)
    return {
        split: [os.path.relpath(os.path.realpath(place), real) for place in places]
        for split, places in read_data_yaml(described).parts.items()
    }


@dataclass(frozen=True, slots=True, eq=False)
class YoloLayout:
    """Pictures and label files under the folders of their sources, and a data.yaml.

    Attributes:
        categories: kinds of objects.
        places: for each part of the data set the folder of its pictures, or a list file.
        elsewhere: for each part where the source has it. A data.yaml points there for parts of which nothing is made.
    """

    kind: ClassVar[str] = "yolo"

    categories: tuple[Category, ...] = ()
    places: Mapping[str, str] = field(default_factory=dict)
    elsewhere: Mapping[str, Sequence[str]] = field(default_factory=dict)

    def settings(self) -> dict[str, str]:
        return {
            "categories": canonical([category.to_json() for category in self.categories]),
            "places": canonical(dict(self.places)),
            "elsewhere": canonical(dict(self.elsewhere)),
        }

    @classmethod
    def restored(cls, settings: Mapping[str, str]) -> Self:
        categories = tuple(category_from_json(entry) for entry in json.loads(settings["categories"]))
        return cls(categories, json.loads(settings["places"]), json.loads(settings["elsewhere"]))

    def part_names(self, entry: Entry, path: str) -> tuple[str, ...]:
        return (label_path(path),)

    def parts(self, entry: Entry, path: str, made: Variation, mask: Mask | None) -> list[tuple[str, bytes]]:
        instances = made.instances or []
        points = max((len(category.keypoints) for category in self.categories), default=0)
        segments = any(instance.mask is not None for instance in instances)
        kind: YoloKind = "pose" if points else "segments" if segments else "boxes"
        numbers = yolo_numbers({category.id: category for category in self.categories})
        size = (made.image.shape[0], made.image.shape[1])
        text = yolo_text(instances, size, kind, numbers=numbers, keypoints=points or None)
        return [(label_path(path), text.encode())]

    def original_parts(self, entry: Entry, path: str) -> list[tuple[str, str]]:
        return [(label_path(path), companion) for companion in entry.companions]

    def whole_names(self, splits: Sequence[str]) -> tuple[str, ...]:
        lists = {self.places[split or "train"] for split in splits}
        return (DATA_NAME, *sorted(name for name in lists if name.endswith(".txt")))

    def whole(self, manifest: Manifest) -> Iterator[tuple[str, bytes]]:
        listed: dict[str, list[str]] = {}
        for row, source in manifest.outputs_with_sources():
            listed.setdefault(source.split or "train", []).append(f"./{row.path}\n")
        parts: dict[str, str | list[str]] = {split: self.places[split] for split in sorted(listed)}
        for split, places in self.elsewhere.items():
            parts.setdefault(split, list(places) if len(places) > 1 else places[0])
        yield DATA_NAME, data_yaml_text({kind.id: kind for kind in self.categories}, parts, path="").encode()
        for split, lines in sorted(listed.items()):
            if self.places[split].endswith(".txt"):
                yield self.places[split], "".join(lines).encode("utf-8", "surrogateescape")
