"""The annotated objects of a picture as frameworks write them, carried through a pipeline.

Three ways of writing are known. A dict of columns with one row per object, as torchvision's detection models and
Hugging Face's data sets have it: `boxes` (or `bbox`, `bboxes`), `masks` (N, H, W), `keypoints` (N, K, 2 or 3), `area`,
and the columns that `ROWS` names. A list of COCO entries, as torchvision's CocoDetection gives it. And the objects of
covary's readers.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from covary.data.coco import instance_from_json
from covary.data.instances import Box, Instance, Objects, for_objects
from covary.draws.keys import Key
from covary.interop.forms import Array, is_tensor, read_mask, tensor_array
from covary.pipeline import Pipeline
from covary.targets import Boxes
from covary.targets.boxes import read_boxes, write_boxes
from covary.targets.fields import chosen

Size: TypeAlias = tuple[int, int]

BOX_NAMES = ("boxes", "bbox", "bboxes")
ROWS = frozenset(
    [
        *("labels", "category", "categories", "category_id", "class_labels", "names", "scores"),
        *("id", "ids", "iscrowd", "is_crowd", "difficult", "truncated"),
    ]
)
"""Columns with a row per object; when an object goes, its row goes."""

_ROW = "row"  # under which an instance carries its row's number


class Annotated(Protocol):
    """Annotations of one picture, ready for a pipeline."""

    @property
    def objects(self) -> Objects: ...

    def written(self, left: Sequence[Instance], size: Size) -> Any:
        """The objects that are left, written as they came, for a picture of this height and width."""
        ...


def read_annotations(value: Any, pipeline: Pipeline, size: Size, rows: Iterable[str] = ()) -> Annotated | None:
    """The annotated objects that a value writes, or None if it writes none.

    Args:
        value: a dict of columns, a list of COCO entries, or a tuple of `Instance`.
        pipeline: says how boxes are written, and which keypoints of an object trade places in a mirror.
        size: height and width of the picture.
        rows: further columns with a row per object.

    Raises:
        ValueError: a column has a wrong shape, or not one row per object.
    """
    if isinstance(value, Mapping):
        return _read_columns(value, pipeline, size, ROWS.union(rows)) if has_objects(value) else None
    if isinstance(value, (list, tuple)) and value:
        if all(isinstance(entry, Instance) for entry in value):
            return _Instances(_objects(value, pipeline))
        if all(isinstance(entry, Mapping) and "bbox" in entry and "category_id" in entry for entry in value):
            instances = [replace(instance_from_json(dict(entry), size), extra=dict(entry)) for entry in value]
            return _Entries(_objects(instances, pipeline))
    return None


def vary_annotated(
    pipeline: Pipeline, image: Array, fields: dict[str, Any], annotated: Annotated, key: Key, epoch: int
) -> tuple[Array, dict[str, Any], Any]:
    """A picture and its objects through a pipeline.

    Args:
        pipeline: as the user made it.
        image, fields: as a pipeline takes them; no objects among the fields.
        annotated: the objects.
        key, epoch: of the variation.

    Returns:
        the picture, the fields, and the objects written as they came.
    """
    objects = annotated.objects
    out = for_objects(pipeline, objects)(image=image, key=key, epoch=epoch, **fields, **objects.fields())
    shape = out["image"].shape
    size = shape[-2:] if pipeline.layout == "CHW" else shape[:2]
    return out["image"], {name: out[name] for name in fields}, annotated.written(objects.carried(out), size)


@dataclass(frozen=True, slots=True)
class _Instances:
    objects: Objects

    def written(self, left: Sequence[Instance], size: Size) -> tuple[Instance, ...]:
        return tuple(left)


@dataclass(frozen=True, slots=True)
class _Entries:
    """COCO entries; an instance carries its whole entry along, so that its number and its picture's come back too."""

    objects: Objects

    def written(self, left: Sequence[Instance], size: Size) -> list[dict[str, Any]]:
        return [{**instance.extra, **replace(instance, extra={}).to_json()} for instance in left]


@dataclass(frozen=True, slots=True)
class _Columns:
    """A dict of columns.

    Attributes:
        objects: each carries the number of its row.
        given: the dict as it came.
        boxes: name of the column of boxes and the boxes as an array; None without one.
        format: how boxes are written.
        rows: the columns, boxes, masks, keypoints and areas aside, of which rows are kept.
    """

    objects: Objects
    given: Mapping[str, Any]
    boxes: tuple[str, Array] | None
    format: Boxes
    rows: frozenset[str]

    def written(self, left: Sequence[Instance], size: Size) -> dict[str, Any]:
        kept = np.array([instance.extra[_ROW] for instance in left], dtype=np.int64)
        count = len(self.objects.instances)
        out = dict(self.given)
        for name in self.rows & out.keys():
            if is_column(out[name]):
                out[name] = chosen(out[name], kept, count, name)
        corners = np.array([instance.box for instance in left if instance.box is not None], np.float64).reshape(-1, 4)
        areas = corners[:, 2] * corners[:, 3]
        if self.boxes is not None:
            name, raw = self.boxes
            corners[:, 2:] += corners[:, :2]
            out[name] = like(write_boxes(self.format, raw[kept], corners, size, None), self.given[name])
        if self.given.get("masks") is not None:
            masks = np.array([instance.mask for instance in left], dtype=bool).reshape(-1, *size)
            out["masks"] = like(masks, self.given["masks"])
            areas = masks.sum(axis=(1, 2))
        if self.given.get("keypoints") is not None:
            shape = _shape(self.given["keypoints"])
            points = np.array([instance.keypoints for instance in left]).reshape(-1, shape[1], 3)
            if shape[2] == 2:
                points = np.where(points[..., 2:] > 0, points[..., :2], np.nan)
            out["keypoints"] = like(points, self.given["keypoints"])
        if "area" in out and is_column(out["area"]) and len(areas) == len(left):
            out["area"] = like(areas, self.given["area"])
        return out


def has_objects(value: Mapping[str, Any]) -> bool:
    """Whether a dict has columns of objects. `box_labels` and flat keypoints are fields of a pipeline's own."""
    if "box_labels" in value or "keypoint_labels" in value:
        return False
    points = value.get("keypoints")
    if points is not None and len(_shape(points)) != 3:
        return False
    return any(value.get(name) is not None for name in ("masks", "keypoints", *BOX_NAMES))


def _read_columns(value: Mapping[str, Any], pipeline: Pipeline, size: Size, rows: frozenset[str]) -> _Columns:
    name = next((name for name in BOX_NAMES if value.get(name) is not None), None)
    columns: dict[str, list[Any]] = {}
    raw = None
    if name is not None:
        raw, corners, _ = read_boxes(pipeline.boxes, _array(value[name], name), size, name)
        corners[:, 2:] -= corners[:, :2]
        columns[name] = [_box(row) for row in corners]
    if value.get("masks") is not None:
        columns["masks"] = [_mask(mask, f"masks[{row}]", size) for row, mask in enumerate(value["masks"])]
    if value.get("keypoints") is not None:
        columns["keypoints"] = list(_points(_array(value["keypoints"], "keypoints")))
    counts = {column: len(entries) for column, entries in columns.items()}
    if len(set(counts.values())) > 1:
        told = " and ".join(f"{count} {column}" for column, count in counts.items())
        raise ValueError(f"the annotations have {told}; each needs one row per object")
    count = next(iter(counts.values()))
    boxes, masks, points = (columns.get(column or "") or [None] * count for column in (name, "masks", "keypoints"))
    instances = [
        Instance(0, box, mask, keypoints, extra={_ROW: row})
        for row, (box, mask, keypoints) in enumerate(zip(boxes, masks, points, strict=True))
    ]
    given_boxes = None if name is None or raw is None else (name, raw)
    return _Columns(_objects(instances, pipeline), value, given_boxes, pipeline.boxes, rows)


def _objects(instances: Sequence[Instance], pipeline: Pipeline) -> Objects:
    """The objects; the pipeline's pairs of keypoints are those of one object."""
    pairs: list[tuple[int, int]] = []
    first = 0
    for instance in instances:
        if instance.keypoints is not None:
            pairs += [(first + left, first + right) for left, right in pipeline.keypoints.pairs]
            first += len(instance.keypoints)
    return Objects(tuple(instances), tuple(pairs))


def _box(row: NDArray[np.float64]) -> Box:
    x, y, width, height = row.tolist()
    return x, y, width, height


def _mask(value: Any, field: str, size: Size) -> NDArray[np.bool_]:
    mask: NDArray[np.bool_] = np.ascontiguousarray(read_mask(value, field)[0] != 0)
    if mask.shape != size:
        raise ValueError(f"{field} has shape {mask.shape}; the picture's is {size}")
    return mask


def _points(points: Array) -> Array:
    """(N, K, 3) with a visibility: points without one are visible, those without coordinates are not there."""
    if points.ndim != 3 or points.shape[2] not in (2, 3):
        raise ValueError(f"keypoints has shape {points.shape}; (objects, points, 2 or 3) is needed")
    points = points.astype(np.float64)
    if points.shape[2] == 2:
        there = np.isfinite(points).all(axis=2, keepdims=True)
        points = np.concatenate((np.where(there, points, 0), np.where(there, 2, 0)), axis=2)
    return points


def _array(value: Any, field: str) -> Array:
    return tensor_array(value, field) if is_tensor(value) else np.asarray(value)


def _shape(value: Any) -> tuple[int, ...]:
    return tuple(value.shape) if hasattr(value, "shape") else np.shape(value)


def is_column(value: Any) -> bool:
    """Whether a value can have rows: a text and a bare number say something of the whole picture."""
    return isinstance(value, (list, tuple)) or len(getattr(value, "shape", ())) > 0


def like(array: Array, given: Any) -> Any:
    """The array in the container and type of what was given; whole numbers that became fractions stay fractions."""
    if is_tensor(given):
        import torch

        dtype = torch.float32 if array.dtype.kind == "f" and not given.dtype.is_floating_point else given.dtype
        return torch.from_numpy(np.ascontiguousarray(array)).to(dtype)
    if isinstance(given, np.ndarray):
        return array.astype(array.dtype if array.dtype.kind == "f" and given.dtype.kind != "f" else given.dtype)
    return list(array) if array.dtype == bool else array.tolist()
