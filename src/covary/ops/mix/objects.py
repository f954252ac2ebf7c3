"""The objects of a batch's pictures: moved with pieces of them, covered, and put together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np

from covary.ops.mix.batch import OBJECT_FIELDS, Batch
from covary.plan.changes import Ints
from covary.plan.stages import Stage
from covary.render import find_renderer
from covary.targets import carry
from covary.targets.carry import by_boxes
from covary.targets.covers import Cover, uncovered
from covary.targets.fields import chosen

Objects: TypeAlias = dict[str, Any]


def has_objects(batch: Batch) -> bool:
    """Whether there are boxes, instance masks or keypoints."""
    return any(batch.has(field) for field in ("boxes", "masks", "keypoints"))


def objects_of(batch: Batch, row: int) -> Objects:
    """The objects of one sample, as the user gave them."""
    found = {field: batch.fields[field][row] for field in OBJECT_FIELDS if batch.has(field)}
    return {field: value for field, value in found.items() if value is not None}


def moved(batch: Batch, samples: Sequence[Objects], stages: Sequence[Stage], sizes: Ints) -> list[Objects]:
    """The objects behind a geometry; row b of each stage belongs to sample b.

    Where samples have a mask for each box, boxes are those of the masks, and both are dropped together; so are
    keypoints (N, K, columns) with one row for each box.
    """
    carried = carry(
        [_marked(sample) for sample in samples],
        stages,
        sizes,
        boxes=batch.boxes_by_masks,
        keypoints=batch.keypoints,
        render=find_renderer(),
    )
    return [_unmarked(left, sample) for left, sample in zip(carried, samples, strict=True)]


def covered(batch: Batch, sample: Objects, cover: Cover) -> Objects:
    """The objects that are still to be seen."""
    return _unmarked(uncovered(_marked(sample), cover, boxes=batch.boxes, keypoints=batch.keypoints), sample)


def subset(sample: Objects, rows: Ints, count: int) -> Objects:
    """The chosen ones among `count` objects with a mask each; keypoints that belong to no object by number all stay."""
    kept = dict(sample)
    for field in ("boxes", "box_labels", "masks", *(("keypoints", "keypoint_labels") if by_boxes(sample) else ())):
        if field in sample:
            kept[field] = chosen(sample[field], rows, count, field)
    return kept


def joined(first: Mapping[str, Any], second: Mapping[str, Any]) -> Objects:
    """The objects of both.

    Raises:
        ValueError: their rows have different columns, or only one of both has labels.
    """
    both: Objects = {}
    for field in OBJECT_FIELDS:
        if field not in first and field not in second:
            continue
        own = first.get(field, ())
        others = second.get(field, ())
        for labels, rows in (("box_labels", "boxes"), ("keypoint_labels", "keypoints")):
            if field == labels and any(labels not in side and len(side.get(rows, ())) for side in (first, second)):
                raise ValueError(f"{labels} is there for some samples only; give it for each or for none")
        both[field] = _concatenated(own, others, field)
    return both


def _marked(sample: Objects) -> Objects:
    """The sample with its boxes' numbers for their labels, so that it can be told which are left."""
    return {**sample, "box_labels": np.arange(len(sample["boxes"]))} if "boxes" in sample else sample


def _unmarked(left: Objects, sample: Objects) -> Objects:
    if "boxes" not in sample:
        return left
    kept = np.asarray(left.pop("box_labels"))
    count = len(sample["boxes"])
    rows = None if len(kept) == count else kept
    if "box_labels" in sample:
        left["box_labels"] = chosen(sample["box_labels"], rows, count, "box_labels")
    return left


def _concatenated(first: Any, second: Any, field: str) -> Any:
    if not len(second):
        return first if len(first) or not isinstance(first, tuple) else second
    if not len(first):
        return second
    if isinstance(first, np.ndarray) and isinstance(second, np.ndarray):
        if first.shape[1:] != second.shape[1:]:
            raise ValueError(
                f"{field} of two samples have shapes {first.shape} and {second.shape}; all but the first must agree"
            )
        return np.concatenate([first, second])
    return (*first, *second) if isinstance(first, tuple) else [*first, *second]
