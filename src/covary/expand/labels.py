"""Annotated objects on their way through a pipeline."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import ceil, floor
from typing import TYPE_CHECKING, Any

import numpy as np

from covary.data.coco import Box, Category, Instance
from covary.data.regions import bounding_box
from covary.plan.changes import Bools, Floats

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

    @property
    def by_masks(self) -> bool:
        """Whether every box has a mask, so that the boxes can be those of the masks."""
        return bool(self.instances) and all(None not in (each.box, each.mask) for each in self.instances)

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
        with_masks = [index for index, instance in enumerate(self.instances) if instance.mask is not None]
        # Where the boxes are those of the masks, a dropped box takes its mask with it.
        shown = [index for index in with_masks if index in boxes] if self.by_masks else with_masks
        masks = dict(zip(shown, out.get("masks", ()), strict=True))
        points = np.asarray(out.get("keypoints", np.zeros((0, 3))))
        left: list[Instance] = []
        first = 0
        for index, instance in enumerate(self.instances):
            keypoints = None
            if instance.keypoints is not None:
                keypoints = points[first : first + len(instance.keypoints)]
                first += len(keypoints)
            moved = self._moved(instance, boxes.get(index), masks.get(index), keypoints)
            if moved is not None:
                left.append(moved)
        return left

    def _moved(
        self, instance: Instance, box: Floats | None, mask: Bools | None, keypoints: Floats | None
    ) -> Instance | None:
        around = None if box is None else _box(box)
        if instance.box is not None and around is None:
            return None
        if mask is not None:
            if around is not None:
                mask = _within(mask, around)
            if around is None or not self.by_masks:
                around = bounding_box(mask)
            if around is None or not mask.any():
                return None
        if around is None and keypoints is not None and not (keypoints[:, 2] > 0).any():
            return None
        return replace(instance, box=around, mask=mask, keypoints=keypoints)


def _within(mask: Bools, box: Box) -> Bools:
    """The mask inside a box: a mirrored border shows the object again beyond it, and the object is annotated once."""
    x, y, width, height = box
    rows = slice(max(0, floor(y)), max(0, ceil(y + height)))
    columns = slice(max(0, floor(x)), max(0, ceil(x + width)))
    inside = np.zeros_like(mask, dtype=bool)
    inside[rows, columns] = mask[rows, columns]
    return inside


def _box(values: Floats) -> Box:
    x, y, width, height = values.tolist()
    return x, y, width, height


def for_objects(pipeline: Pipeline, objects: Objects) -> Pipeline:
    """The same pipeline, for the fields of these objects; its own rules for small and cut boxes stay."""
    from covary.targets import Keypoints

    boxes = replace(pipeline.boxes, format="coco", source="masks" if objects.by_masks else "corners")
    keypoints = Keypoints(format="xyv", outside="hide", pairs=objects.pairs)
    return pipeline.with_options(boxes=boxes, keypoints=keypoints)
