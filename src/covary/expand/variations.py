"""The variations of one picture: the pixels, labels and trace of each, and its encoded file."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import numpy as np

from covary.data.encode import encode
from covary.data.header import Format
from covary.data.instances import Instance, Objects, for_objects
from covary.expand.errors import ExpandError
from covary.plan.changes import Image

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
    """

    epoch: int
    image: Image
    instances: list[Instance] | None


@dataclass(frozen=True, slots=True)
class Encoded:
    """The file of a variation, and what the manifest says of it."""

    epoch: int
    data: bytes
    sha256: str
    height: int
    width: int
    trace: str
    labels: str | None


def variations(
    pipeline: Pipeline, image: Image, key: str, epochs: Sequence[int], objects: Objects | None
) -> Iterator[Variation]:
    """Render variations of one picture: the pixels of `pipeline(image=image, key=key, epoch=epoch)`.

    Args:
        image: (H, W, C) RGB.
        key: identity of the picture for the draws.
        epochs: which variations.
        objects: what is annotated in it, if anything is.
    """
    rows = max(1, min(BATCH_LIMIT, BATCH_VALUES // max(1, image.size)))
    carrying = pipeline if objects is None else for_objects(pipeline, objects)
    fields = {} if objects is None else objects.fields()
    for start in range(0, len(epochs), rows):
        part = list(epochs[start : start + rows])
        repeated = {name: [value] * len(part) for name, value in fields.items()}
        out: Any = carrying.batch([image] * len(part), keys=[key] * len(part), epoch=part, threads=1, **repeated)
        if objects is None:
            images = out["image"] if isinstance(out, dict) else out
            for epoch, picture in zip(part, images, strict=True):
                yield Variation(epoch, picture, None)
        else:
            for row, epoch in enumerate(part):
                sample = {name: values[row] for name, values in out.items()}
                yield Variation(epoch, sample["image"], objects.carried(sample))


def encoded(
    pipeline: Pipeline,
    image: Image,
    key: str,
    epochs: Sequence[int],
    objects: Objects | None,
    format: Format,
    quality: int,
) -> Iterator[Encoded]:
    """Render and encode variations of one picture.

    Raises:
        ExpandError: the pipeline makes something else than pictures.
        EncodeError: the format cannot hold this picture.
    """
    height, width, channels = image.shape
    for made in variations(pipeline, image, key, epochs, objects):
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
        yield Encoded(
            made.epoch,
            data,
            sha256(data).hexdigest(),
            picture.shape[0],
            picture.shape[1],
            canonical(trace),
            None if made.instances is None else canonical([instance.to_json() for instance in made.instances]),
        )


def canonical(value: Any) -> str:
    """Plain data as JSON: one text for equal data."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"))
