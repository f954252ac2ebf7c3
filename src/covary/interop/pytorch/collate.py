"""Samples stacked to batches, and mixed."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from torch.utils.data import default_collate

from covary.data.batch import VARYING
from covary.data.produce import FORMS
from covary.draws.keys import Key
from covary.interop.forms import is_tensor, tensor_array, to_tensor, to_tensors
from covary.interop.pytorch.columns import Columns, refuse_entries
from covary.interop.pytorch.keyed import Samples
from covary.interop.pytorch.places import place_of_draws
from covary.ops.mix.base import Mixers, alternatives, mix_batch
from covary.ops.mix.labels import Classes
from covary.options import BoxFormat, Kind, OrientedFormat, PointFormat, ShapeFormat, checked_targets
from covary.pipeline import Pipeline
from covary.targets import Boxes, Keypoints, LineStrings, OrientedBoxes, Polygons


class Collate:
    """A `collate_fn` that stacks samples, and mixes them.

    What has one shape in all samples is stacked; annotations and everything else of differing lengths stays a list.
    With mixers, pictures and labels are mixed as a batch: in dicts, `target` holds the soft labels (B, K), float32,
    that sum to one; of tuples (picture, label) the label becomes them. Boxes and other objects are then always in lists
    with an entry for each sample, as tensors where they came as such. They are the fields of a pipeline (`boxes`,
    `box_labels` ...), or columns with a row per object, as torchvision's detection models take them: in a dict, or as
    the target of a tuple (picture, target). Of columns, the rows of mixed samples are put together in each, and mixers
    that blend add `box_weights`. Where `target` holds objects, soft labels replace `label`.

    Of a data set made by `wrap`, the draws depend on its keys and epoch alone, and how boxes and other labels are
    written is known from its pipeline. Of any other, draws are told apart by worker and batch, as those of `Transform`,
    and formats are given here.

    Args:
        mix: a mixer of `covary.mix`, or a list of mixers and (mixer, weight) pairs; each sample is given one of them.
        classes: how many classes there are, or their names. Needed for labels that are class numbers.
        seed: of the mixing's randomness, in [0, 2**64). Default 0.
        then: a pipeline for the mixed pictures, such as `Pipeline([Normalize("imagenet")])` behind mixers that need
            pictures before they are normalised.
        layout: how pictures lie. Default: tensors are "CHW", arrays "HWC".
        boxes, keypoints, oriented_boxes, polygons, line_strings: the format of these fields, as for a pipeline, or a
            `Boxes`, `Keypoints`, `OrientedBoxes`, `Polygons` or `LineStrings` with more to say. Default: that of the
            pipeline of a data set made by `wrap`; of any other "pascal_voc", "xy", "xywha" and "pixels".
        targets: further fields by name, and as which kind of field they are mixed, as for a pipeline. Default: the
            pipeline's of a data set made by `wrap`, else none.

    Raises:
        TypeError, ValueError: a seed, layout, format or target that is none; at the call: labels or pictures that
            cannot be mixed, such as objects one by one (COCO entries), with mixers that need partners.
    """

    def __init__(
        self,
        mix: Mixers | None = None,
        *,
        classes: Classes = None,
        seed: int = 0,
        then: Pipeline | None = None,
        layout: str | None = None,
        boxes: BoxFormat | Boxes | None = None,
        keypoints: PointFormat | Keypoints | None = None,
        oriented_boxes: OrientedFormat | OrientedBoxes | None = None,
        polygons: ShapeFormat | Polygons | None = None,
        line_strings: ShapeFormat | LineStrings | None = None,
        targets: Mapping[str, Kind] | None = None,
    ) -> None:
        if layout not in (None, "CHW", "HWC"):
            raise ValueError(f"Collate: layout is {layout!r}; allowed: 'CHW', 'HWC' or None")
        self.mix = alternatives(mix) if mix else None
        self.classes = classes
        self.seed = seed
        self.then = then
        self.layout = layout
        given = {
            "boxes": Boxes(boxes) if isinstance(boxes, str) else boxes,
            "keypoints": Keypoints(keypoints) if isinstance(keypoints, str) else keypoints,
            "oriented_boxes": OrientedBoxes(oriented_boxes) if isinstance(oriented_boxes, str) else oriented_boxes,
            "polygons": Polygons(polygons) if isinstance(polygons, str) else polygons,
            "line_strings": LineStrings(line_strings) if isinstance(line_strings, str) else line_strings,
            "targets": None if targets is None else checked_targets(targets, "Collate"),
        }
        self.forms = {name: form for name, form in given.items() if form is not None}
        self._calls = itertools.count()

    def __call__(self, samples: Sequence[Any]) -> Any:
        """One batch of samples as a data set gives them."""
        first = samples[0]
        columns = None
        if self.mix is not None and isinstance(first, (Mapping, tuple, list)):
            if any(mixer.needs_partner for mixer in self.mix.mixers):
                refuse_entries(samples)
            columns = Columns.of(samples, samples.rows if isinstance(samples, Samples) else ())
        if isinstance(first, Mapping):
            kept = set() if self.mix is None else self._lists(samples)
            fields = {
                name: [sample[name] for sample in samples]
                if name in kept
                else stack([sample[name] for sample in samples])
                for name in first
                if columns is None or name not in columns.names
            }
            return self._mixed(fields, samples, first.get("image"), columns)
        if isinstance(first, (tuple, list)):
            stacked = [
                None if columns is not None and columns.place == place else stack(column)
                for place, column in enumerate(zip(*samples, strict=True))
            ]
            if not self._changes or len(stacked) < 2:
                return tuple(stacked)
            if columns is not None:
                fields = self._mixed({"image": stacked[0]}, samples, first[0], columns)
                return (fields["image"], fields[columns.place], *stacked[2:])
            fields = self._mixed({"image": stacked[0], "label": stacked[1]}, samples, first[0])
            return (fields["image"], fields.get("target", fields["label"]), *stacked[2:])
        return self._mixed({"image": stack(samples)}, samples, first)["image"]

    @property
    def _changes(self) -> bool:
        return self.mix is not None or self.then is not None

    def _forms(self, samples: Sequence[Any]) -> dict[str, Any]:
        """How the samples' labels are written."""
        known = {name: getattr(samples.pipeline, name) for name in FORMS} if isinstance(samples, Samples) else {}
        return {**known, **self.forms}

    def _lists(self, samples: Sequence[Any]) -> set[str]:
        """The fields with a row per object, of which mixed samples have different numbers."""
        further = [name for name, kind in self._forms(samples).get("targets", {}).items() if kind in VARYING]
        return {*VARYING, *further, *(f"{name}_labels" for name in further)}

    def _mixed(
        self, fields: dict[str, Any], samples: Sequence[Any], picture: Any, columns: Columns | None = None
    ) -> dict[Any, Any]:
        if not self._changes:
            return fields
        layout = self.layout or ("CHW" if is_tensor(picture) else "HWC")
        keys, epoch = self._identities(samples)
        came = {name: _arrays(value, name) for name, value in fields.items()}
        arrays, objects = came, {}
        if self.mix is not None:
            forms = self._forms(samples)
            if columns is not None:
                arrays, forms = {**arrays, **columns.fields()}, columns.forms(forms)
            arrays = mix_batch(
                self.mix, arrays, classes=self.classes, seed=self.seed, epoch=epoch, keys=keys, layout=layout, **forms
            )
            if columns is not None:
                objects = columns.written(arrays, forms.get("boxes", Boxes()), _sizes(arrays["image"], layout))
        if self.then is not None:
            pictures = ("image",) if self.mix is None else self.mix.pictures
            arrays = arrays | {name: self._finished(arrays[name], layout, keys, epoch) for name in pictures}
        made = {
            name: fields[name] if value is came.get(name) else _tensors(value, fields.get(name, [picture]))
            for name, value in arrays.items()
        }
        if "target" in objects and "target" in made:  # which holds the objects: soft labels take the labels' place
            made["label"] = made.pop("target")
        return made | objects

    def _finished(self, pictures: Any, layout: str, keys: Sequence[Key], epoch: int) -> Any:
        assert self.then is not None
        plain = np.moveaxis(pictures, -3, -1) if layout == "CHW" else pictures
        return self.then.batch(plain, keys=keys, epoch=epoch)

    def _identities(self, samples: Sequence[Any]) -> tuple[Sequence[Key], int]:
        if isinstance(samples, Samples):
            return samples.keys, samples.epoch
        call = f"{place_of_draws()}, batch {next(self._calls)}"
        return [f"{call}, sample {row}" for row in range(len(samples))], 0

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_calls": itertools.count()}


def stack(values: Sequence[Any]) -> Any:
    """The values of one field: stacked where all have one shape, else a list of them."""
    if isinstance(values[0], Mapping):
        return list(values)
    try:
        return default_collate(list(values))
    except (TypeError, RuntimeError):
        return list(values)


def _arrays(value: Any, name: str) -> Any:
    """A field of a batch with arrays for tensors."""
    if is_tensor(value):
        return tensor_array(value, name)
    if isinstance(value, list) and any(map(is_tensor, value)):
        return [tensor_array(each, name) if is_tensor(each) else each for each in value]
    return value


def _tensors(value: Any, given: Any) -> Any:
    """A field of a mixed batch as tensors: what is stacked, and the entries of a list that held tensors."""
    if isinstance(value, list) and isinstance(given, list) and any(map(is_tensor, given)):
        return [
            to_tensor(each) if isinstance(each, np.ndarray) and each.dtype.kind in "biuf" else each for each in value
        ]
    return to_tensors(value)


def _sizes(pictures: Any, layout: str) -> list[tuple[int, int]]:
    return [(each.shape[-2], each.shape[-1]) if layout == "CHW" else each.shape[:2] for each in pictures]
