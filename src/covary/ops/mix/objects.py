"""The objects of a batch's pictures: moved with pieces of them, covered, and put together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeAlias

import numpy as np

from covary.ops.mix.batch import Batch, ObjectField
from covary.plan.changes import Bools, Image, Ints
from covary.plan.stages import Stage
from covary.render import find_renderer
from covary.targets import carry
from covary.targets.carry import LABELS, by_boxes
from covary.targets.covers import Cover, uncovered
from covary.targets.fields import chosen

Objects: TypeAlias = dict[str, Any]

SHAPED = ("boxes", "oriented_boxes", "polygons")


def has_objects(batch: Batch) -> bool:
    """Whether there are boxes, instance masks, keypoints, oriented boxes, polygons or line strings."""
    return bool(batch.objects())


def objects_of(batch: Batch, row: int) -> Objects:
    """The objects of one sample, as the user gave them."""
    names = [name for field in batch.objects() for name in (field.name, field.labels) if name and batch.has(name)]
    found = {name: batch.fields[name][row] for name in names}
    return {name: value for name, value in found.items() if value is not None}


def moved(batch: Batch, samples: Sequence[Objects], stages: Sequence[Stage], sizes: Ints) -> list[Objects]:
    """The objects, class masks and heat maps behind a geometry; row b of each stage belongs to sample b.

    Where samples have a mask for each box, boxes are those of the masks, and both are dropped together; so are
    keypoints (N, K, columns) with one row for each box.
    """
    carried = carry(
        [_marked(sample) for sample in samples],
        stages,
        sizes,
        **batch.forms_by_masks.options(),
        render=find_renderer(),
    )
    return [_unmarked(left, sample) for left, sample in zip(carried, samples, strict=True)]


def covered(batch: Batch, sample: Objects, cover: Cover) -> Objects:
    """The objects that are still to be seen."""
    options = _options(batch)
    left = _unmarked(uncovered(_marked(sample), cover, **options), sample)
    for field in batch.objects():
        if field.name in batch.forms.targets and field.name in sample:
            names = {
                kind: name for name, kind in ((field.name, field.kind), (field.labels, LABELS.get(field.kind, "")))
            }
            own = {kind: sample[name] for kind, name in names.items() if name in sample}
            left |= {names[kind]: value for kind, value in uncovered(own, cover, **options).items()}
    return left


def subset(batch: Batch, sample: Objects, rows: Ints, count: int) -> Objects:
    """The chosen ones among `count` objects with a mask each.

    Boxes, oriented boxes, polygons and keypoints (N, K, columns) are those of the masks where there are as many; of
    another number, those boxes and polygons go along of which half or more lies on the chosen masks. Flat keypoints and
    line strings, which belong to no object by number, all stay.
    """
    kept = dict(sample)
    for field in batch.objects():
        values = sample.get(field.name)
        if values is None or field.kind == "line_strings":
            continue
        tied = by_boxes(sample) if field.kind == "keypoints" else len(values) == count
        if field.name != field.kind and field.kind in ("keypoints", "masks"):
            tied = False
        if tied:
            taken = rows
        elif field.kind in SHAPED:
            taken = _mostly_on(batch, field, values, [sample["masks"][row] for row in rows.tolist()])
        else:
            continue
        for name in (field.name, field.labels):
            if name in sample:
                kept[name] = chosen(sample[name], taken, len(values), name)
    return kept


def loose(batch: Batch, sample: Objects) -> Objects:
    """Those fields of a sample that belong to no mask by number."""
    names = [
        name
        for field in batch.objects()
        if field.kind == "line_strings"
        or (field.kind == "keypoints" and field.name in sample and np.ndim(sample[field.name]) == 2)
        or (field.kind in ("keypoints", "masks") and field.name != field.kind)
        for name in (field.name, field.labels)
    ]
    return {name: sample[name] for name in names if name in sample}


def _mostly_on(batch: Batch, field: ObjectField, values: Any, masks: Sequence[Any]) -> Ints:
    """The rows of boxes or polygons of which half or more lies on some masks."""
    if not masks or not len(values):
        return np.zeros(0, dtype=np.int64)
    region = np.logical_or.reduce([is_set(np.asarray(mask)) for mask in masks])
    options = _options(batch)
    options[field.kind] = replace(options[field.kind], min_visibility=0.5, min_area=0)
    labels = LABELS[field.kind]
    seen = uncovered({field.kind: values, labels: np.arange(len(values))}, Cover(~region), **options)
    rows: Ints = np.unique(seen[labels])
    return rows


def is_set(mask: Image) -> Bools:
    """Where an (H, W) or (H, W, C) mask is set."""
    found: Bools = mask != 0
    return found if found.ndim == 2 else np.logical_or.reduce(found, axis=2)


def _options(batch: Batch) -> dict[str, Any]:
    return {kind: getattr(batch.forms, kind) for kind in LABELS}


def joined(batch: Batch, first: Mapping[str, Any], second: Mapping[str, Any]) -> Objects:
    """The objects of both.

    Raises:
        ValueError: their rows have different columns, or only one of both has labels.
    """
    both: Objects = {}
    for field in batch.objects():
        for name in (field.name, field.labels):
            if name not in first and name not in second:
                continue
            if name == field.labels and any(
                name not in side and len(side.get(field.name, ())) for side in (first, second)
            ):
                raise ValueError(f"{name} is there for some samples only; give it for each or for none")
            own, others = first.get(name, ()), second.get(name, ())
            if name == field.name and field.kind in ("polygons", "line_strings"):
                own, others = list(own), list(others)
            both[name] = _concatenated(own, others, name)
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
