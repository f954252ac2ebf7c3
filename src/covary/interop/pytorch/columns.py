"""The annotated objects of a batch as the fields that mixers take, and as columns again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from covary.data.instances import Instance
from covary.interop.annotations import BOX_NAMES, ROWS, has_objects, is_column, like
from covary.interop.forms import is_tensor, tensor_array, to_tensor
from covary.interop.samples import TARGETS
from covary.targets import Boxes, Keypoints
from covary.targets.boxes import read_boxes

_MIXED = ("boxes", "box_labels", "box_weights", "masks", "keypoints")


@dataclass(frozen=True, slots=True)
class Columns:
    """Objects with boxes, a row per object in every column, as torchvision's detection models take them.

    To the mixers, the label of a box is where it came from, (sample, row), so that all other columns follow the boxes.

    Attributes:
        place: where a sample has them: the name of a field or a number in a tuple; None: among its own fields.
        given: the columns of each sample, among others.
        boxes: name of the column of boxes.
        rows: the columns, boxes, masks, keypoints and areas aside, that have a row per object.
    """

    place: str | int | None
    given: Sequence[Mapping[str, Any]]
    boxes: str
    rows: frozenset[str]

    @classmethod
    def of(cls, samples: Sequence[Any], rows: Iterable[str] = ()) -> Columns | None:
        """The objects of samples, dicts or tuples (picture, target); None where these have none with boxes.

        Args:
            samples: of one batch.
            rows: further columns with a row per object.
        """
        for place in (None, *_places(samples[0])) if isinstance(samples[0], Mapping) else _places(samples[0]):
            given = [sample if place is None else _at(sample, place) for sample in samples]
            if not all(isinstance(each, Mapping) and has_objects(each) for each in given):
                continue
            name = next((name for name in BOX_NAMES if all(each.get(name) is not None for each in given)), None)
            if name is not None:
                return cls(place, given, name, ROWS.union(rows))
        return None

    @property
    def names(self) -> frozenset[Any]:
        """The fields of a sample that are no fields of the batch by themselves."""
        if self.place is not None:
            return frozenset([self.place])
        return frozenset(["masks", "keypoints", "area", self.boxes, *self.rows])

    def fields(self) -> dict[str, list[Any]]:
        """The fields for the mixers."""
        boxes = [_array(each[self.boxes], self.boxes).reshape(-1, 4) for each in self.given]
        sources = [[(sample, row) for row in range(len(rows))] for sample, rows in enumerate(boxes)]
        fields: dict[str, list[Any]] = {"boxes": boxes, "box_labels": sources}
        for name in ("masks", "keypoints"):
            if all(each.get(name) is not None for each in self.given):
                fields[name] = [_array(each[name], name) for each in self.given]
        return fields

    def forms(self, forms: Mapping[str, Any]) -> dict[str, Any]:
        """How these fields are written: of keypoints of three columns the last says whether they are seen, and those of
        two that leave the picture become NaN, so that each object keeps all of its own."""
        if self.given[0].get("keypoints") is None:
            return dict(forms)
        seen = _array(self.given[0]["keypoints"], "keypoints").shape[-1] == 3
        points = replace(forms.get("keypoints", Keypoints()), format="xyv" if seen else "xy", outside="hide")
        return {**forms, "keypoints": points}

    def written(self, mixed: dict[str, Any], format: Boxes, sizes: Sequence[tuple[int, int]]) -> dict[Any, list[Any]]:
        """The mixed objects as they came, by field; what the mixers gave of them is taken out of `mixed`.

        Args:
            mixed: fields of the mixed batch.
            format: how boxes are written.
            sizes: height and width of the mixed pictures.
        """
        taken = {name: mixed.pop(name) for name in _MIXED if name in mixed}
        made = [
            self._sample(sample, {name: values[sample] for name, values in taken.items()}, format, size)
            for sample, size in enumerate(sizes)
        ]
        if self.place is not None:
            return {self.place: made}
        weights = {"box_weights"} & taken.keys()
        return {
            name: [each[name] for each in made] for name in (*self.given[0], *weights) if name in self.names | weights
        }

    def _sample(self, sample: int, mixed: Mapping[str, Any], format: Boxes, size: tuple[int, int]) -> dict[str, Any]:
        own = self.given[sample]
        out = dict(own)
        for name in self.rows & own.keys():
            if is_column(own[name]):
                out[name] = _gathered([self.given[source][name] for source, _ in mixed["box_labels"]], mixed, own[name])
        boxes, masks = np.asarray(mixed["boxes"]).reshape(-1, 4), mixed.get("masks")
        out[self.boxes] = like(boxes, own[self.boxes])
        if masks is not None:
            masks = np.asarray([mask != 0 for mask in masks], bool).reshape(-1, *size)
            out["masks"] = like(masks, own["masks"])
        if "keypoints" in mixed:
            shape = _array(own["keypoints"], "keypoints").shape[1:]
            out["keypoints"] = like(np.asarray(mixed["keypoints"]).reshape(-1, *shape), own["keypoints"])
        if own.get("area") is not None and is_column(own["area"]):
            x0, y0, x1, y1 = read_boxes(format, boxes, size)[1].T
            out["area"] = like((x1 - x0) * (y1 - y0) if masks is None else masks.sum(axis=(1, 2)), own["area"])
        if "box_weights" in mixed:
            weights = np.asarray(mixed["box_weights"], np.float32)
            out["box_weights"] = to_tensor(weights) if is_tensor(own[self.boxes]) else weights
        return out


def refuse_entries(samples: Sequence[Any]) -> None:
    """Refuse objects one by one, which mixers would leave behind.

    Raises:
        ValueError: samples hold COCO entries, or objects as covary's readers give them.
    """
    for place in _places(samples[0]):
        for value in (_at(sample, place) for sample in samples):
            if isinstance(value, (list, tuple)) and value and all(map(_is_entry, value)):
                where = "the target" if place == 1 else place
                raise ValueError(
                    f"Collate: {where} holds objects one by one, which cannot be mixed; "
                    "give columns (boxes, labels ...), as torchvision's detection models take them"
                )


def _is_entry(value: Any) -> bool:
    return isinstance(value, Instance) or (isinstance(value, Mapping) and "bbox" in value and "category_id" in value)


def _places(sample: Any) -> Sequence[str | int]:
    return TARGETS if isinstance(sample, Mapping) else (1,)


def _at(sample: Any, place: str | int) -> Any:
    if isinstance(place, str):
        return sample.get(place)
    return sample[place] if isinstance(sample, (tuple, list)) and len(sample) > place else None


def _array(value: Any, name: str) -> Any:
    if is_tensor(value):
        return tensor_array(value, name)
    if isinstance(value, (list, tuple)) and value and any(map(is_tensor, value)):
        return np.stack([tensor_array(each, name) for each in value])
    return np.asarray(value)


def _gathered(columns: Sequence[Any], mixed: Mapping[str, Any], own: Any) -> Any:
    """One row of each column, in the container that a sample's own column has."""
    rows = [column[row] for column, (_, row) in zip(columns, mixed["box_labels"], strict=True)]
    if is_tensor(own):
        import torch

        return torch.stack(rows) if rows else own[:0]
    if isinstance(own, np.ndarray):
        return np.stack(rows) if rows else own[:0]
    return type(own)(rows)
