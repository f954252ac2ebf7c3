"""What goes along with the pictures of single operations that look at it, as each library takes it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import cv2
import numpy as np

Labels = Literal["boxes", "mask"]
BOXES = 8


def labels_of(labels: Labels | None, pictures: Sequence[Any]) -> list[dict[str, Any]]:
    """The fields of covary for each picture: boxes (xyxy, whole pixels) with class numbers, or a mask of discs."""
    generator = np.random.default_rng(3)
    made = []
    for picture in pictures:
        height, width = picture.shape[:2]
        corners = generator.uniform((0, 0), (0.6 * width, 0.6 * height), (BOXES, 2))
        sides = generator.uniform((0.05 * width, 0.05 * height), (0.35 * width, 0.35 * height), (BOXES, 2))
        boxes = np.concatenate([corners, corners + sides], axis=1).astype(np.int64)
        made.append({} if labels is None else _boxes(boxes) if labels == "boxes" else {"mask": _discs(boxes, picture)})
    return made


def _boxes(boxes: Any) -> dict[str, Any]:
    return {"boxes": boxes.astype(np.float32), "box_labels": np.arange(len(boxes))}


def _discs(boxes: Any, picture: Any) -> Any:
    mask = np.zeros(picture.shape[:2], np.uint8)
    for x0, y0, x1, y1 in boxes.tolist():
        cv2.circle(mask, ((x0 + x1) // 2, (y0 + y1) // 2), min(x1 - x0, y1 - y0) // 2, 1, -1)
    return mask


def in_columns(labels: Sequence[Mapping[str, Any]]) -> dict[str, list[Any]]:
    """The fields as a batch takes them: a list for each."""
    return {name: [each[name] for each in labels] for name in labels[0]}


def for_albumentations(labels: Mapping[str, Any]) -> dict[str, Any]:
    """The fields as Albumentations calls them."""
    if "mask" in labels:
        return {"mask": labels["mask"]}
    if "boxes" not in labels:
        return {}
    # One operation wants the box that it crops to by itself, in whole numbers.
    first = labels["boxes"][0].astype(np.int64)
    return {"bboxes": labels["boxes"], "classes": labels["box_labels"], "cropping_bbox": first}


def compose_options(library: Any, labels: Labels | None) -> dict[str, Any]:
    """What Albumentations' Compose has to know to take the labels along."""
    if labels != "boxes":
        return {}
    return {"bbox_params": library.BboxParams(format="pascal_voc", label_fields=["classes"])}


def for_torchvision(labels: Mapping[str, Any], tensor: Any) -> tuple[Any, ...]:
    """The picture and its labels as torchvision takes them."""
    if not labels:
        return (tensor,)
    import torch
    from torchvision import tv_tensors

    if "mask" in labels:
        return tv_tensors.Image(tensor), tv_tensors.Mask(torch.from_numpy(labels["mask"]))
    size = tuple(tensor.shape[-2:])
    boxes = tv_tensors.BoundingBoxes(torch.from_numpy(labels["boxes"]), format="XYXY", canvas_size=size)  # type: ignore[call-overload]
    return tv_tensors.Image(tensor), boxes, torch.from_numpy(labels["box_labels"])
