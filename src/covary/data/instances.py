"""Annotated objects of a picture: what a file says of them, and their way through a pipeline."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import ceil, floor
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from covary.data.regions import encode_runs, pack_runs
from covary.plan.changes import Bools, Floats
from covary.targets.pixels import bounding_box

if TYPE_CHECKING:
    from covary.pipeline import Pipeline

Json: TypeAlias = dict[str, Any]
Box: TypeAlias = tuple[float, float, float, float]


class AnnotationError(ValueError):
    """An annotation file that cannot be used; the message names the file and the entry."""


@dataclass(frozen=True, slots=True)
class Category:
    """A kind of object.

    Attributes:
        id: its number in the file.
        name: what it is called.
        keypoints: names of its keypoints, in order; () where it has none.
        skeleton: pairs of keypoints joined by a line, counted from 1.
        extra: whatever else the file says of it.
    """

    id: int
    name: str
    keypoints: tuple[str, ...] = ()
    skeleton: tuple[tuple[int, int], ...] = ()
    extra: Json = field(default_factory=dict)

    @property
    def pairs(self) -> tuple[tuple[int, int], ...]:
        """Indices of keypoints that swap their names in a mirror: left_eye and right_eye, l_ear and r_ear."""
        place = {name: index for index, name in enumerate(self.keypoints)}
        mirrored = ((index, place.get(mirror_name(name), index)) for name, index in place.items())
        return tuple((left, right) for left, right in mirrored if left < right)

    def to_json(self) -> Json:
        """The entry as the file has it."""
        entry: Json = {"id": self.id, "name": self.name, **self.extra}
        if self.keypoints:
            entry["keypoints"] = list(self.keypoints)
            entry["skeleton"] = [list(pair) for pair in self.skeleton]
        return entry


_SIDES = {"left": "right", "right": "left", "l": "r", "r": "l"}


def mirror_name(name: str) -> str:
    """The keypoint name that a mirror makes of this one: left and right (or l and r) as words of it are swapped."""
    return "_".join(_SIDES.get(word, word) for word in name.split("_"))


@dataclass(frozen=True, slots=True, eq=False)
class Instance:
    """One annotated object.

    Attributes:
        category: id of its category.
        box: x, y, width, height in continuous coordinates; None where the file gives none.
        mask: (H, W) bool; None where the file gives no region.
        keypoints: (K, 3): x, y as pixel indices, and the visibility 0 (not labelled), 1 (hidden) or 2 (visible); None
            where the file gives none.
        crowd: whether it stands for many objects.
        extra: whatever else the file says of it (attributes, scores); carried along as it is.
    """

    category: int
    box: Box | None = None
    mask: Bools | None = None
    keypoints: Floats | None = None
    crowd: bool = False
    extra: Json = field(default_factory=dict)

    def to_json(self) -> Json:
        """The entry as the file has it, without its number and its picture's."""
        entry: Json = {"category_id": self.category, "iscrowd": int(self.crowd), **self.extra}
        if self.keypoints is not None:
            values = np.round(self.keypoints, 3).ravel().tolist()
            entry["keypoints"] = [_number(value) for value in values]
            entry["num_keypoints"] = int((self.keypoints[:, 2] > 0).sum())
        if self.mask is not None:
            entry["segmentation"] = {"size": list(self.mask.shape), "counts": pack_runs(encode_runs(self.mask))}
            entry["area"] = int(self.mask.sum())
        elif self.box is not None:
            entry["area"] = _number(round(self.box[2] * self.box[3], 3))
        if self.box is not None:
            entry["bbox"] = [_number(round(float(value), 3)) for value in self.box]
        return entry


def _number(value: float) -> float | int:
    """Whole numbers are written without a fraction."""
    return int(value) if float(value).is_integer() else float(value)


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
        return bool(self.instances) and all(each.box is not None and each.mask is not None for each in self.instances)

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
