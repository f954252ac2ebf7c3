"""COCO annotation files: boxes, regions and keypoints of pictures, read and written."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from covary.data.instances import AnnotationError, Category, Instance, Json
from covary.data.regions import decode_runs, unpack_runs
from covary.plan.changes import Bools
from covary.targets.pixels import bounding_box, fill_polygon


@dataclass(frozen=True, slots=True)
class CocoFile:
    """The content of an annotation file.

    Attributes:
        categories: by id.
        info, licenses: as they stand in the file.
        pictures: per picture's `file_name`: its entry among the file's images, and its annotations.
    """

    categories: Mapping[int, Category]
    info: Json
    licenses: Sequence[Json]
    pictures: Mapping[str, tuple[Json, tuple[Json, ...]]]

    def find(self, names: Iterable[str]) -> dict[str, str]:
        """Which picture of the file each name of a folder is: by path, else by the last part where unique."""
        listed = list(names)
        found = {name: name for name in listed if name in self.pictures}
        taken = set(found.values())
        by_last: dict[str, list[str]] = {}
        for picture in self.pictures:
            if picture not in taken:
                by_last.setdefault(picture.rpartition("/")[2], []).append(picture)
        rest: dict[str, list[str]] = {}
        for name in listed:
            if name not in found:
                rest.setdefault(name.rpartition("/")[2], []).append(name)
        for last, candidates in rest.items():
            pictures = by_last.get(last, [])
            if len(candidates) == 1 and len(pictures) == 1:
                found[candidates[0]] = pictures[0]
        return found


def read_coco(path: str | os.PathLike[str]) -> CocoFile:
    """Read an annotation file (instances or keypoints).

    Raises:
        AnnotationError: no JSON, or an entry lacks what it needs.
        OSError: the file cannot be read.
    """
    where = os.fspath(path)
    try:
        document = json.loads(Path(path).read_text(encoding="utf-8"))
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise AnnotationError(f"{where}: not a JSON file: {error}") from None
    if not isinstance(document, dict):
        raise AnnotationError(f"{where}: not a COCO file: its top level is no object")
    for part in ("images", "annotations", "categories"):
        if not isinstance(document.get(part), list):
            raise AnnotationError(f"{where}: not a COCO file: no list of {part!r}")
    categories = {entry.id: entry for entry in (category_from_json(raw, where) for raw in document["categories"])}
    images: dict[Any, Json] = {}
    for entry in document["images"]:
        if not isinstance(entry, dict) or "id" not in entry or not isinstance(entry.get("file_name"), str):
            raise AnnotationError(f"{where}: an image entry has no id or no file_name: {entry!r:.120}")
        images[entry["id"]] = entry
    names = Counter(entry["file_name"] for entry in images.values())
    twice = next((name for name, count in names.items() if count > 1), None)
    if twice is not None:
        raise AnnotationError(f"{where}: two image entries have the file_name {twice!r}")
    grouped: dict[Any, list[Json]] = {number: [] for number in images}
    for entry in document["annotations"]:
        _check_annotation(entry, images, categories, where)
        grouped[entry["image_id"]].append(entry)
    return CocoFile(
        categories,
        document.get("info") or {},
        document.get("licenses") or [],
        {images[number]["file_name"]: (images[number], tuple(entries)) for number, entries in grouped.items()},
    )


def category_from_json(entry: Json, where: str = "categories") -> Category:
    """A kind of object, from its entry in the file.

    Raises:
        AnnotationError: the entry has no id or no name.
    """
    try:
        known = {"id", "name", "keypoints", "skeleton"}
        return Category(
            int(entry["id"]),
            str(entry["name"]),
            tuple(entry.get("keypoints") or ()),
            tuple((int(a), int(b)) for a, b in entry.get("skeleton") or ()),
            {key: value for key, value in entry.items() if key not in known},
        )
    except (KeyError, TypeError, ValueError, AttributeError):
        raise AnnotationError(f"{where}: a category entry cannot be used: {entry!r:.120}") from None


def _check_annotation(entry: Any, images: Mapping[Any, Json], categories: Mapping[int, Category], where: str) -> None:
    if not isinstance(entry, dict):
        raise AnnotationError(f"{where}: an annotation is no object: {entry!r:.120}")
    name = f"{where}: annotation {entry.get('id', '(without id)')}"
    if entry.get("image_id") not in images:
        raise AnnotationError(f"{name}: image_id {entry.get('image_id')!r} is not among the images")
    category = categories.get(entry.get("category_id"))  # type: ignore[arg-type]
    if category is None:
        raise AnnotationError(f"{name}: category_id {entry.get('category_id')!r} is not among the categories")
    box = entry.get("bbox")
    if box and (len(box) != 4 or not _are_numbers(box)):
        raise AnnotationError(f"{name}: bbox is {box!r:.80}; it takes [x, y, width, height]")
    points = entry.get("keypoints")
    if points and (len(points) % 3 or not _are_numbers(points)):
        raise AnnotationError(f"{name}: keypoints has {len(points)} values; it takes [x, y, v] for each keypoint")
    if points and category.keypoints and len(points) != 3 * len(category.keypoints):
        raise AnnotationError(
            f"{name}: {len(points) // 3} keypoints, but category {category.name!r} has {len(category.keypoints)}"
        )


def _are_numbers(values: Any) -> bool:
    return all(isinstance(value, (int, float)) and np.isfinite(value) for value in values)


def instance_from_json(entry: Json, size: tuple[int, int]) -> Instance:
    """The object that an annotation describes, for a picture of the given height and width.

    Raises:
        AnnotationError: its region makes no sense for this picture.
    """
    known = {"id", "image_id", "category_id", "iscrowd", "keypoints", "num_keypoints", "segmentation", "area", "bbox"}
    mask = _region(entry, size)
    points = entry.get("keypoints")
    box = tuple(float(value) for value in entry["bbox"]) if entry.get("bbox") else None
    if box is None and mask is not None:
        box = bounding_box(mask)
    return Instance(
        entry["category_id"],
        box,  # type: ignore[arg-type]
        mask,
        np.asarray(points, dtype=np.float64).reshape(-1, 3) if points else None,
        bool(entry.get("iscrowd", 0)),
        {key: value for key, value in entry.items() if key not in known},
    )


def _region(entry: Json, size: tuple[int, int]) -> Bools | None:
    region = entry.get("segmentation")
    if not region:
        return None
    name = f"annotation {entry.get('id', '(without id)')}"
    try:
        if isinstance(region, dict):
            if tuple(region["size"]) != size:
                raise ValueError(f"its mask is {tuple(region['size'])}, the picture {size}")
            counts = region["counts"]
            return decode_runs(unpack_runs(counts) if isinstance(counts, str) else counts, size)
        mask = np.zeros(size, dtype=bool)
        for polygon in region:
            mask |= fill_polygon(np.asarray(polygon, dtype=np.float64).reshape(-1, 2), size)
    except (ValueError, TypeError, KeyError) as error:
        raise AnnotationError(f"{name}: segmentation cannot be used: {error}") from None
    return mask


def coco_text(
    categories: Sequence[Json],
    pictures: Iterable[tuple[str, int, int, Sequence[Json]]],
    *,
    info: Json | None = None,
    licenses: Sequence[Json] = (),
) -> str:
    """An annotation file.

    Args:
        categories: their entries.
        pictures: name, height, width and annotation entries of each picture; ids are numbered from 1 in this order.
        info, licenses: taken over as they are.
    """
    images: list[Json] = []
    annotations: list[Json] = []
    for number, (name, height, width, entries) in enumerate(pictures, 1):
        images.append({"id": number, "file_name": name, "height": height, "width": width})
        for entry in entries:
            annotations.append({"id": len(annotations) + 1, "image_id": number, **entry})
    head = {"info": info or {}, "licenses": list(licenses), "categories": list(categories)}
    lines = [f'"{name}": {json.dumps(value)}' for name, value in head.items()]
    for name, listed in (("images", images), ("annotations", annotations)):
        lines.append(f'"{name}": [\n' + ",\n".join(json.dumps(entry) for entry in listed) + "\n]")
    return "{\n" + ",\n".join(lines) + "\n}\n"
