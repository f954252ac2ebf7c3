"""Samples of any framework through a pipeline: taken apart into its fields, and put together again as they came."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from covary.draws.keys import Key
from covary.interop.annotations import Annotated, read_annotations, vary_annotated
from covary.interop.forms import (
    Array,
    Back,
    as_given,
    is_finished,
    is_pil,
    is_tensor,
    read_image,
    read_mask,
    tensor_array,
)
from covary.pipeline import Pipeline
from covary.targets.carry import LABELS

TARGETS = ("target", "targets", "objects", "annotations")
"""Fields of a dict in which annotated objects are looked for."""

_OBJECT_LABELS = ("box_labels", "keypoint_labels")
_OBJECTS = ("masks", "boxes", "keypoints", *_OBJECT_LABELS)
"""Fields that are columns of annotated objects where a dict has such."""
_BESIDE = ("mask", "heatmaps", "images", "oriented_boxes", "polygons", "line_strings")
_BESIDE_LABELS = tuple(LABELS[kind] for kind in _BESIDE if kind in LABELS)


@dataclass(frozen=True, slots=True)
class Parts:
    """A sample taken apart.

    Attributes:
        image: as a pipeline takes it.
        back: gives a picture that is not finished the form in which it came.
        fields: for the pipeline, besides the picture.
        annotated: objects that need a pipeline of their own; None without any.
        whole: makes a sample like the original of the picture, the fields and the annotations.
    """

    image: Array
    back: Back
    fields: dict[str, Any]
    annotated: Annotated | None
    whole: Callable[[Any, dict[str, Any], Any], Any]


@dataclass(frozen=True, slots=True)
class Varying:
    """How samples go through a pipeline.

    A sample is a picture; a tuple or list (picture, target, and what else there is); or a dict with a picture under
    `image`. A target is a mask (H, W), annotated objects, or anything else, which comes back as it is. The fields of a
    dict are those of a pipeline, or annotated objects, by themselves or as a whole under "target" or "objects".

    Args:
        pipeline: the pipeline.
        made: gives finished pictures (of a pipeline that ends in `Normalize` or `ToTensor`) and their masks their form.
        rows: further columns of annotations with a row per object.
        names: field of a pipeline -> its name in dicts, where that is another.
    """

    pipeline: Pipeline
    made: Back = as_given
    rows: tuple[str, ...] = ()
    names: Mapping[str, str] | None = None

    def one(self, sample: Any, key: Key | None = None, epoch: int = 0) -> Any:
        """A variation of one sample; without a key, the pipeline counts."""
        return self._varied(self.take_apart(sample), key, epoch)

    def many(self, samples: Sequence[Any], keys: Sequence[Key], epoch: int = 0) -> list[Any]:
        """A variation of each sample, together at less cost than one by one, and the same."""
        parts = [self.take_apart(sample) for sample in samples]
        names = parts[0].fields.keys() if parts else set()
        if len(parts) < 2 or any(part.annotated is not None or part.fields.keys() != names for part in parts):
            return [self._varied(part, key, epoch) for part, key in zip(parts, keys, strict=True)]
        columns: dict[str, Any] = {name: [part.fields[name] for part in parts] for name in names}
        out = self.pipeline.batch([part.image for part in parts], keys=keys, epoch=epoch, **columns)
        images = out["image"] if columns else out
        return [
            self._whole(part, images[row], {name: out[name][row] for name in names}, None)
            for row, part in enumerate(parts)
        ]

    def _varied(self, parts: Parts, key: Key | None, epoch: int) -> Any:
        if parts.annotated is None:
            out = self.pipeline(image=parts.image, key=key, epoch=epoch, **parts.fields)
            return self._whole(parts, out.pop("image"), out, None)
        # The objects make it another pipeline for each sample, which cannot count.
        key = self.pipeline.next_key() if key is None else key
        varied = vary_annotated(self.pipeline, parts.image, parts.fields, parts.annotated, key, epoch)
        return self._whole(parts, *varied)

    def _whole(self, parts: Parts, image: Array, fields: dict[str, Any], annotations: Any) -> Any:
        return parts.whole(self.made(image) if is_finished(self.pipeline) else parts.back(image), fields, annotations)

    def take_apart(self, sample: Any) -> Parts:
        """The parts of a sample.

        Raises:
            TypeError, ValueError: no sample; the message names the field.
        """
        if isinstance(sample, Mapping):
            return self._apart_dict(sample, self.names or {})
        if isinstance(sample, (tuple, list)):
            return self._apart_tuple(sample)
        image, back = read_image(sample)
        return Parts(image, back, {}, None, lambda image, fields, annotations: image)

    def _apart_tuple(self, sample: Sequence[Any]) -> Parts:
        """As a dict, the target of which is its mask, its fields, or a field of its own."""
        if not sample:
            raise ValueError("the sample is empty; (image, target) is needed")
        if len(sample) == 1:
            name = ""
            parts = self._apart_dict({"image": sample[0]}, {})
        elif isinstance(sample[1], Mapping):
            name = ""
            parts = self._apart_dict({**sample[1], "image": sample[0]}, {})
        else:
            name = "mask" if _is_mask(sample[1]) else "target"
            parts = self._apart_dict({"image": sample[0], name: sample[1]}, {})

        def whole(image: Any, fields: dict[str, Any], annotations: Any) -> Any:
            out = parts.whole(image, fields, annotations)
            image = out.pop("image")
            return _like_tuple([image, out[name] if name else out, *sample[2:]][: len(sample)], sample)

        return replace(parts, whole=whole)

    def _apart_dict(self, sample: Mapping[str, Any], names: Mapping[str, str]) -> Parts:
        kinds = self._kinds
        name_of = {name: names.get(name, name) for name in ("image", *kinds, *TARGETS)}
        if sample.get(name_of["image"]) is None:
            raise TypeError(f"the sample has no {name_of['image']!r}; it has {', '.join(map(repr, sample))}")
        image, back = read_image(sample[name_of["image"]], name_of["image"])
        place, annotated = self._annotations(sample, image.shape[:2], name_of)
        # Columns of objects in the dict itself are no fields of the pipeline's.
        taken = _OBJECTS if annotated is not None and place is None else ()
        read = {
            name: self._read(name, kind, sample[name_of[name]])
            for name, kind in kinds.items()
            if name not in taken and sample.get(name_of[name]) is not None
        }

        def whole(image: Any, fields: dict[str, Any], annotations: Any) -> dict[str, Any]:
            out = dict(sample)
            if place is not None:
                out[place] = annotations
            elif annotated is not None:
                out = annotations
            varied = {name_of[name]: read[name][1](value) for name, value in fields.items()}
            return {**out, **varied, name_of["image"]: image}

        return Parts(image, back, {name: value for name, (value, _) in read.items()}, annotated, whole)

    def _annotations(
        self, sample: Mapping[str, Any], size: tuple[int, int], name_of: Mapping[str, str]
    ) -> tuple[str | None, Annotated | None]:
        """The annotated objects of a dict, and the field in which they lie as a whole; None: they are columns of it."""
        for name in (name_of[target] for target in TARGETS):
            annotated = read_annotations(sample.get(name), self.pipeline, size, self.rows)
            if annotated is not None:
                return name, annotated
        return None, read_annotations(sample, self.pipeline, size, self.rows)

    @property
    def _kinds(self) -> dict[str, str]:
        """The fields of a pipeline that go with a picture, and what each is treated as; "" for labels of objects."""
        further = self.pipeline.targets
        kinds = {name: name for name in (*_OBJECTS, *_BESIDE)} | dict.fromkeys((*_OBJECT_LABELS, *_BESIDE_LABELS), "")
        return kinds | dict.fromkeys((f"{name}_labels" for name in further), "") | further

    def _read(self, name: str, kind: str, value: Any) -> tuple[Any, Back]:
        """A field for the pipeline, and its way back."""
        if not kind:
            return value, as_given
        if kind in ("boxes", "keypoints", "oriented_boxes"):
            if is_tensor(value):
                import torch

                return tensor_array(value, name), lambda array: torch.from_numpy(array).to(value.dtype)
            return value, as_given
        if kind in ("polygons", "line_strings"):
            return _read_shapes(value, name)
        if kind == "images":
            read = [self._read(f"{name}[{number}]", "image", each) for number, each in enumerate(value)]
            return [array for array, _ in read], lambda varied: [
                back(array) for array, (_, back) in zip(varied, read, strict=True)
            ]
        if kind == "image":
            array, back = read_image(value, name)
            return array, self.made if is_finished(self.pipeline) else back
        if kind == "heatmaps":
            return read_image(value, name)
        array, back = read_mask(value, name)
        if not is_finished(self.pipeline):
            return array, back
        if is_pil(value):
            return array, lambda array: self.made(array.astype(np.int64))
        return array, self.made


def _read_shapes(value: Any, name: str) -> tuple[Any, Back]:
    """Polygons or line strings, each (N, 2), as a pipeline takes them, and their way back."""
    if not any(map(is_tensor, value)):
        return value, as_given
    import torch

    dtype = next(each.dtype for each in value if is_tensor(each))
    arrays = [tensor_array(each, name) if is_tensor(each) else each for each in value]
    return arrays, lambda moved: [torch.from_numpy(np.asarray(each)).to(dtype) for each in moved]


def _is_mask(value: Any) -> bool:
    """Whether the target of a picture is a mask: a PIL image, or an array of two axes or more."""
    return is_pil(value) or len(getattr(value, "shape", ())) >= 2


def _like_tuple(values: list[Any], sample: Sequence[Any]) -> Any:
    if hasattr(sample, "_fields"):  # a named tuple
        return type(sample)(*values)
    return values if isinstance(sample, list) else tuple(values)


def as_key(value: Any) -> Key:
    """A key that stands in a sample's field: a text, or a whole number in whatever array it comes."""
    if isinstance(value, str):
        return value
    if isinstance(value, bytes):
        return value.decode("utf-8", "surrogateescape")
    number = value.item() if hasattr(value, "item") else value
    if isinstance(number, bool) or not isinstance(number, int):
        raise TypeError(f"the key is {number!r}; a text or a whole number is needed")
    return number
