"""The annotations of a COCO file in flat arrays."""

from __future__ import annotations

import json
from array import array
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from covary.data.coco import instance_from_json
from covary.data.instances import Instance, Json
from covary.data.strings import Strings

# Kinds of region.
NONE, POLYGONS, RUNS, PACKED = range(4)

_KNOWN = frozenset(
    ("id", "image_id", "category_id", "iscrowd", "keypoints", "num_keypoints", "segmentation", "area", "bbox")
)


class CocoIndex:
    """Annotated objects of many pictures: boxes, polygons, run lengths and keypoints, each kind in one array.

    Args:
        pictures: the annotation entries of each picture, as `covary.data.coco.read_coco` checks them.
    """

    def __init__(self, pictures: Iterable[Sequence[Json]]) -> None:
        ends, ids, categories, crowds, kinds = (array("q") for _ in range(5))
        boxes, corners, points = (array("d") for _ in range(3))
        # Where each object's polygons and runs, each polygon's corners, and each object's keypoints end.
        part_ends, corner_ends, run_ends, point_ends, runs, sizes = (array("q") for _ in range(6))
        packed: list[str] = []
        extras: list[str] = []
        for entries in pictures:
            for entry in entries:
                number = entry.get("id")
                ids.append(number if isinstance(number, int) and 0 <= number < 2**63 else -1)
                categories.append(entry["category_id"])
                crowds.append(bool(entry.get("iscrowd", 0)))
                boxes.extend(entry.get("bbox") or (np.nan,) * 4)
                kind, region = _region(entry.get("segmentation"))
                kinds.append(kind)
                if kind == POLYGONS:
                    for polygon in region:
                        corners.extend(polygon)
                        corner_ends.append(len(corners))
                elif kind == RUNS:
                    runs.extend(region["counts"])
                packed.append(region["counts"] if kind == PACKED else "")
                sizes.extend(region["size"] if kind in (RUNS, PACKED) else (0, 0))
                part_ends.append(len(corner_ends))
                run_ends.append(len(runs))
                points.extend(entry.get("keypoints") or ())
                point_ends.append(len(points))
                extra = {name: value for name, value in entry.items() if name not in _KNOWN}
                extras.append(json.dumps(extra) if extra else "")
            ends.append(len(ids))
        self._ends, self._ids, self._categories = _whole(ends), _whole(ids), _whole(categories)
        self._crowds, self._kinds = _whole(crowds).astype(np.bool_), _whole(kinds).astype(np.int8)
        self._boxes = _real(boxes).reshape(-1, 4)
        self._corners, self._corner_ends, self._part_ends = _real(corners), _whole(corner_ends), _whole(part_ends)
        self._runs, self._run_ends, self._sizes = _whole(runs), _whole(run_ends), _whole(sizes).reshape(-1, 2)
        self._packed = Strings(packed) if any(packed) else None
        self._points, self._point_ends = _real(points), _whole(point_ends)
        self._extras = Strings(extras) if any(extras) else None

    def __len__(self) -> int:
        """How many pictures there are."""
        return len(self._ends)

    def objects(self, picture: int, size: tuple[int, int], *, masks: bool = True) -> tuple[Instance, ...]:
        """The objects of a picture.

        Args:
            picture: its number.
            size: its height and width.
            masks: whether regions are filled; without, only those of objects without a box are, for their box.

        Raises:
            AnnotationError: a region makes no sense for this picture.
        """
        return tuple(self._instance(number, size, masks) for number in range(*_span(self._ends, picture)))

    def _instance(self, number: int, size: tuple[int, int], masks: bool) -> Instance:
        extra: Json = json.loads(self._extras[number] or "{}") if self._extras is not None else {}
        entry: Json = {
            "id": int(self._ids[number]),
            "category_id": int(self._categories[number]),
            "iscrowd": bool(self._crowds[number]),
            **extra,
        }
        boxed = not np.isnan(self._boxes[number, 0])
        if boxed:
            entry["bbox"] = self._boxes[number].tolist()
        if masks or not boxed:
            entry["segmentation"] = self._segmentation(number)
        first, end = _span(self._point_ends, number)
        if end > first:
            entry["keypoints"] = self._points[first:end].tolist()
        instance = instance_from_json({name: value for name, value in entry.items() if value is not None}, size)
        if masks or instance.mask is None:
            return instance
        return Instance(instance.category, instance.box, None, instance.keypoints, instance.crowd, instance.extra)

    def _segmentation(self, number: int) -> Any:
        kind = self._kinds[number]
        if kind == POLYGONS:
            parts = range(*_span(self._part_ends, number))
            return [self._corners[slice(*_span(self._corner_ends, part))] for part in parts]
        if kind == NONE:
            return None
        size = self._sizes[number].tolist()
        if kind == RUNS:
            return {"size": size, "counts": self._runs[slice(*_span(self._run_ends, number))]}
        assert self._packed is not None
        return {"size": size, "counts": self._packed[number]}


def _region(region: Any) -> tuple[int, Any]:
    """The kind of a region, and the region; what is none of the known kinds is checked when it is read.

    Raises:
        TypeError, ValueError: it can be held in no form at all.
    """
    if not region:
        return NONE, None
    if isinstance(region, dict):
        counts, size = region.get("counts"), region.get("size")
        if not isinstance(size, list) or len(size) != 2:
            raise ValueError(f"the size of its run lengths is {size!r:.80}; it takes [height, width]")
        if not isinstance(counts, (str, list)):
            raise ValueError(f"its run lengths are {counts!r:.80}; they take a string or a list")
        return (PACKED if isinstance(counts, str) else RUNS), region
    if not isinstance(region, list) or any(not isinstance(part, list) or len(part) % 2 for part in region):
        raise ValueError("its segmentation is neither a list of polygons [x, y, x, y, ...] nor run lengths")
    return POLYGONS, region


def _span(ends: NDArray[np.int64], index: int) -> tuple[int, int]:
    return int(ends[index - 1]) if index else 0, int(ends[index])


def _whole(values: array[int]) -> NDArray[np.int64]:
    return np.array(values, dtype=np.int64)


def _real(values: array[float]) -> NDArray[np.float64]:
    return np.array(values, dtype=np.float64)
