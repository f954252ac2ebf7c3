"""The annotated objects of a finished picture, as the fields of a batch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from covary.data.instances import Instance
from covary.targets import Boxes
from covary.targets.boxes import write_boxes
from covary.targets.pixels import bounding_box

FIELDS = ("boxes", "box_labels", "masks", "keypoints")
"""What objects turn into; their number differs from sample to sample, so that a batch has them in lists."""


def object_fields(instances: Sequence[Instance], options: Boxes, size: tuple[int, int]) -> dict[str, Any]:
    """Objects as arrays, with one row for each.

    Args:
        instances: N objects.
        options: how boxes are to be written.
        size: height and width of the picture.

    Returns:
        `objects` themselves; `boxes` (N, 4) float32 in the format of the options; `box_labels` (N,) int64 categories;
        `masks` (N, H, W) bool where all objects have one, and there is one; `keypoints` (N * K, 3) float32, x, y and
        visibility, where an object has them, those of one object after another.
    """
    corners = np.array([_corners(instance) for instance in instances], np.float64).reshape(-1, 4)
    fields: dict[str, Any] = {
        "objects": tuple(instances),
        "boxes": write_boxes(options, np.zeros(corners.shape, np.float32), corners, size, None),
        "box_labels": np.array([instance.category for instance in instances], np.int64),
    }
    masks = [instance.mask for instance in instances if instance.mask is not None]
    if masks and len(masks) == len(instances):
        fields["masks"] = np.stack(masks)
    points = [instance.keypoints for instance in instances if instance.keypoints is not None]
    if points:
        fields["keypoints"] = np.concatenate(points).astype(np.float32)
    return fields


def completed(name: str, values: Sequence[Any], counts: Sequence[int]) -> list[Any]:
    """A field of objects for all samples of a batch: those without any object have an empty array there.

    Args:
        name: "masks" or "keypoints".
        values: of each sample; None where it has no such field.
        counts: how many objects each sample has.
    """
    like = next(value for value in values if value is not None)
    none = np.zeros((0, *np.shape(like)[1:]), np.float32 if name == "keypoints" else np.bool_)
    return [
        none if value is None and (name == "keypoints" or not count) else value
        for value, count in zip(values, counts, strict=True)
    ]


def _corners(instance: Instance) -> tuple[float, float, float, float]:
    """x0, y0, x1, y1 of an object: of its box, or around what else shows it."""
    box = instance.box
    if box is None and instance.mask is not None:
        box = bounding_box(instance.mask)
    if box is not None:
        return box[0], box[1], box[0] + box[2], box[1] + box[3]
    if instance.keypoints is None or not (shown := instance.keypoints[:, 2] > 0).any():
        return 0.0, 0.0, 0.0, 0.0
    low, high = instance.keypoints[shown, :2].min(axis=0), instance.keypoints[shown, :2].max(axis=0) + 1
    return float(low[0]), float(low[1]), float(high[0]), float(high[1])
