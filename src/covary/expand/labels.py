"""Annotated objects on their way through a pipeline."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from covary.data.coco import Box, Category, Instance
from covary.data.regions import bounding_box

if TYPE_CHECKING:
    from covary.pipeline import Pipeline


@dataclass(frozen=True, slots=True, eq=False)
class Objects:
    """The annotated objects of one picture, as the fields that a pipeline takes.

    Attributes:
        instances: the objects.
        pairs: rows of the picture's keypoints that trade places in a mirror.
    """

    instances: tuple[Instance, ...]
    pairs: tuple[tuple[int, int], ...]

    @classmethod
    def of(cls, instances: Sequence[Instance], categories: Mapping[int, Category]) -> Objects:
        """The objects of a picture; which keypoints trade places is told by their names (left_eye, right_eye)."""
        pairs: list[tuple[int, int]] = []
        first = 0
        for instance in instances:
            if instance.keypoints is not None:
                pairs += [(first + left, first + right) for left, right in categories[instance.category].pairs]
                first += len(instance.keypoints)
        return cls(tuple(instances), tuple(pairs))

    def fields(self) -> dict[str, Any]:
        """The fields for a pipeline made by `for_objects`."""
        boxed = [index for index, instance in enumerate(self.instances) if instance.box is not None]
        masks = [instance.mask for instance in self.instances if instance.mask is not None]
        points = [instance.keypoints for instance in self.instances if instance.keypoints is not None]
        fields: dict[str, Any] = {
            "boxes": np.array([self.instances[index].box for index in boxed], dtype=np.float64).reshape(-1, 4),
            "box_labels": boxed,
        }
        if masks:
            fields["masks"] = masks
        if points:
            fields["keypoints"] = np.concatenate(points)
        return fields

    def carried(self, out: Mapping[str, Any]) -> list[Instance]:
        """The objects that are left, as a pipeline's output has them.

        An object goes when its box was dropped or nothing of its mask is to be seen. Where there is a mask, the box is
        the one around it: it stays tight when the picture turns.
        """
        boxes = dict(zip(out["box_labels"], np.asarray(out["boxes"]), strict=True))
        masks = iter(out.get("masks", ()))
        points = np.asarray(out.get("keypoints", np.zeros((0, 3))))
        left: list[Instance] = []
        first = 0
        for index, instance in enumerate(self.instances):
            keypoints = mask = None
            if instance.keypoints is not None:
                keypoints = points[first : first + len(instance.keypoints)]
                first += len(keypoints)
            if instance.mask is not None:
                mask = np.asarray(next(masks)).astype(bool)
            if instance.box is not None and index not in boxes:
                continue
            box = _box(boxes[index]) if index in boxes else None
            if mask is not None:
                box = bounding_box(mask)
                if box is None:
                    continue
            if box is None and keypoints is not None and not (keypoints[:, 2] > 0).any():
                continue
            left.append(replace(instance, box=box, mask=mask, keypoints=keypoints))
        return left


def _box(values: Sequence[float]) -> Box:
    x, y, width, height = (float(value) for value in values)
    return x, y, width, height


def for_objects(pipeline: Pipeline, pairs: Sequence[tuple[int, int]]) -> Pipeline:
    """The same pipeline, for the fields of `Objects`; its own rules for small and cut boxes stay."""
    from covary.targets import Boxes, Keypoints

    rules = getattr(pipeline, "boxes", None)
    boxes = replace(rules, format="coco", source="corners") if isinstance(rules, Boxes) else Boxes(format="coco")
    return pipeline.with_options(boxes=boxes, keypoints=Keypoints(format="xyv", outside="hide", pairs=tuple(pairs)))
