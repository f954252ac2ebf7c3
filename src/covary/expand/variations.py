"""The variations of one picture: the pixels, labels and trace of each, and its encoded file."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from covary.data.decode import decode, usable_reduction
from covary.data.encode import encode
from covary.data.header import Format, read_header
from covary.data.instances import Instance, Objects, for_objects
from covary.draws.keys import Key
from covary.expand.errors import ExpandError
from covary.plan.changes import Image, Ints

if TYPE_CHECKING:
    from covary.pipeline import Pipeline

BATCH_VALUES = 1 << 26
"""So many values (height x width x channels, summed) are rendered at once."""
BATCH_LIMIT = 16


@dataclass(frozen=True, slots=True, eq=False)
class Variation:
    """One variation of a picture.

    Attributes:
        epoch: its number.
        image: (H, W, C) pixels.
        instances: the objects that are left; None where the picture has no annotations.
        mask: its semantic mask; None where the picture has none.
    """

    epoch: int
    image: Image
    instances: list[Instance] | None
    mask: NDArray[Any] | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Made:
    """A variation with the file of its picture, and what the manifest says of it."""

    variation: Variation
    data: bytes
    sha256: str
    trace: str
    labels: str | None


def variations(
    pipeline: Pipeline,
    image: Image,
    key: Key,
    epochs: Sequence[int],
    objects: Objects | None,
    mask: NDArray[Any] | None = None,
    file: bytes | None = None,
) -> Iterator[Variation]:
    """Render variations of one picture: the pixels of `pipeline(image=image, key=key, epoch=epoch)`.

    Args:
        image: (H, W, C) RGB.
        key: identity of the picture for the draws.
        epochs: which variations.
        objects: what is annotated in it, if anything is.
        mask: its semantic mask, if it has one.
        file: the picture's, from which it is decoded no larger than each variation needs (see `planned`); None renders
            from the whole picture.
    """
    rows = max(1, min(BATCH_LIMIT, BATCH_VALUES // max(1, image.size)))
    carrying = pipeline if objects is None else for_objects(pipeline, objects)
    fields = {} if objects is None else objects.fields()
    if mask is not None:
        fields["mask"] = mask
    for start in range(0, len(epochs), rows):
        part = list(epochs[start : start + rows])
        plan = carrying.planned(
            [image.shape[:2]] * len(part),
            keys=[key] * len(part),
            epoch=part,
            channels=image.shape[2],
            dtype=image.dtype.name,
            fields=[fields] * len(part),
        )
        pictures, reductions = [image] * len(part), None
        if file is not None:
            pictures, reductions = _reduced(image, file, plan.reductions())
        drawn, carried = plan.render(pictures, reductions, fields=[dict(fields) for _ in part])
        for epoch, picture, sample in zip(part, drawn, carried, strict=True):
            instances = None if objects is None else objects.carried(sample)
            yield Variation(epoch, picture, instances, sample.get("mask"))


def _reduced(image: Image, file: bytes, wanted: Ints) -> tuple[list[Image], Ints]:
    """The picture as it is decoded for each variation, and how often it is halved."""
    header = read_header(file)
    usable = np.array([usable_reduction(header, reduction) for reduction in wanted.tolist()], dtype=np.int64)
    decoded = {0: image} | {k: decode(file, reduce=k, header=header) for k in set(usable.tolist()) - {0}}
    return [decoded[reduction] for reduction in usable.tolist()], usable


def encoded(
    pipeline: Pipeline,
    image: Image,
    key: Key,
    epochs: Sequence[int],
    format: Format,
    quality: int,
    objects: Objects | None,
    mask: NDArray[Any] | None,
    file: bytes | None,
) -> Iterator[Made]:
    """Render and encode variations of one picture.

    Raises:
        ExpandError: the pipeline makes something else than pictures.
        EncodeError: the format cannot hold this picture.
    """
    height, width, channels = image.shape
    for made in variations(pipeline, image, key, epochs, objects, mask, file):
        picture = np.asarray(made.image)
        if picture.dtype != image.dtype:
            raise ExpandError(
                f"the pipeline turns {image.dtype} pictures into {picture.dtype} arrays (Normalize or ToTensor?): "
                "no picture files; leave these operations to training"
            )
        data = encode(picture, format, quality=quality)
        trace = pipeline.trace(
            key=key, epoch=made.epoch, size=(height, width), channels=channels, dtype=image.dtype.name
        )
        yield Made(made, data, sha256(data).hexdigest(), canonical(trace), labels_text(made.instances))


def labels_text(instances: Sequence[Instance] | None) -> str | None:
    """Objects as the manifest records them."""
    return None if instances is None else canonical([instance.to_json() for instance in instances])


def canonical(value: Any) -> str:
    """Plain data as JSON: one text for equal data."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"))
