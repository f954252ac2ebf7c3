"""What comes out of the making of a batch: its pieces, what went wrong, where the time went; and all of it joined."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from covary.data.annotated import completed
from covary.data.batch import VARYING, collate
from covary.data.fetch import Row
from covary.data.schedule import Order
from covary.draws.keys import Key
from covary.render.buffers import Empty, empty


@dataclass(frozen=True, slots=True)
class BadSample:
    """A sample that was left out: its key, and why."""

    key: Key
    reason: str


@dataclass(slots=True)
class Spent:
    """Seconds of one worker on one batch, by what was done."""

    read: float = 0.0
    decode: float = 0.0
    render: float = 0.0
    mix: float = 0.0


def total(spent: Iterable[Spent]) -> Spent:
    """All of it together."""
    numbers = [(each.read, each.decode, each.render, each.mix) for each in spent]
    return Spent(*map(sum, zip(*numbers, strict=True)))


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """Finished pictures of some rows (an array, a list, or None where the samples have none) and their labels."""

    rows: list[Row]
    images: Any
    labels: list[dict[str, Any]]


@dataclass(frozen=True, slots=True, eq=False)
class Begun:
    """Rendered samples of a batch, or of a piece of it.

    Attributes:
        parts: the samples.
        problems: those that were left out.
        failures: of the pipeline, one for each sample that it could not draw.
        spent: where the time went.
    """

    parts: list[Part]
    problems: list[BadSample]
    failures: list[ValueError]
    spent: Spent


@dataclass(frozen=True, slots=True, eq=False)
class Made:
    """A finished batch.

    Attributes:
        order: what was asked for.
        fields: of the batch; None where no sample of it can be used.
        problems: samples that were left out.
        spent: where the time went.
    """

    order: Order
    fields: dict[str, Any] | None
    problems: tuple[BadSample, ...]
    spent: Spent


def stacked(images: list[Any], new: Empty = empty) -> Any:
    """Pictures in one array, on memory of `new`, if they agree in shape and dtype, else the list."""
    if all(image is None for image in images):
        return None
    if len({None if image is None else (image.shape, image.dtype) for image in images}) > 1:
        return images
    stack = new((len(images), *images[0].shape), images[0].dtype)
    return np.stack(images, out=stack)


def joined(parts: Sequence[Part], new: Empty = empty) -> dict[str, Any]:
    """The fields of a batch; what is put together for it stands on memory of `new`."""
    rows = [row for part in parts for row in part.rows]
    labels = [each for part in parts for each in part.labels]
    fields: dict[str, Any] = {}
    if any(part.images is not None for part in parts):
        fields["image"] = _concatenated([[None] * len(p.rows) if p.images is None else p.images for p in parts], new)
    names = dict.fromkeys(name for each in labels for name in each)
    for name in sorted(names, key=lambda name: name != "label"):
        values = [each.get(name) for each in labels]
        if name in ("masks", "keypoints") and all("objects" in each for each in labels):
            values = completed(name, values, [len(each["objects"]) for each in labels])
        fields[name] = values if name in VARYING else collate(values, new)
    fields["keys"] = [row.key for row in rows]
    fields["variations"] = np.array([row.variation for row in rows], np.int64)
    return fields


def _concatenated(pieces: Sequence[Any], new: Empty) -> Any:
    if len(pieces) == 1:
        return pieces[0]
    shapes = {(piece.shape[1:], piece.dtype) if isinstance(piece, np.ndarray) else None for piece in pieces}
    if None in shapes or len(shapes) > 1:
        return [picture for piece in pieces for picture in piece]
    stack = new((sum(map(len, pieces)), *pieces[0].shape[1:]), pieces[0].dtype)
    return np.concatenate(pieces, out=stack)
