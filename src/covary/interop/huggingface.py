"""covary in Hugging Face's `datasets`: a transform of columns, for `with_transform`, `set_transform` and `map`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from hashlib import blake2b
from typing import Any, Literal

import numpy as np

from covary.draws.keys import Key
from covary.interop.epochs import SharedEpoch
from covary.interop.forms import as_given, read_image, to_tensor
from covary.interop.samples import Varying, as_key
from covary.pipeline import Pipeline


class Transform:
    """A pipeline as a data set's transform: columns in, the same columns out, pictures and labels varied alike.

    `dataset.with_transform(Transform(pipeline))` varies pictures as they are read; `dataset.map(Transform(pipeline),
    batched=True)` of an iterable data set does it too. Pictures come back as PIL images, or, where the pipeline ends in
    `Normalize` or `ToTensor`, as arrays (C, H, W), which collators stack to tensors. Masks go along, and so do the
    annotations of detection sets: an `objects` column of dicts with `bbox`, `category` and so on; say how the boxes are
    written with the pipeline's `boxes`, for most such sets "coco".

    A variation depends on the pipeline's seed, the row's key and the epoch alone; tell the epoch with `set_epoch`, and
    worker processes hear of it too.

    Args:
        pipeline: the pipeline.
        key: the column that holds a row's identity, a text or a whole number. Default: the picture's contents.
        names: field of a pipeline -> its column, as {"image": "img", "mask": "annotation"}.
        rows: columns of annotations, besides those that covary knows, that have a row per object.
        to: "numpy" or "torch": the form of finished pictures. Default "numpy".

    Raises:
        TypeError, ValueError: a wrong argument; at the call: a column of a wrong type; the message names it.
    """

    def __init__(
        self,
        pipeline: Pipeline,
        *,
        key: str | None = None,
        names: Mapping[str, str] | None = None,
        rows: Iterable[str] = (),
        to: Literal["numpy", "torch"] = "numpy",
    ) -> None:
        if not isinstance(pipeline, Pipeline):
            raise TypeError(f"Transform: pipeline is a {type(pipeline).__name__}; a covary.Pipeline is needed")
        if to not in ("numpy", "torch"):
            raise ValueError(f"Transform: to is {to!r}; allowed: 'numpy' or 'torch'")
        self.pipeline = pipeline
        self.key = key
        self._varying = Varying(pipeline, as_given if to == "numpy" else to_tensor, tuple(rows), dict(names or {}))
        self._image = (names or {}).get("image", "image")
        self._epoch = SharedEpoch()

    @property
    def epoch(self) -> int:
        """Which variations are given."""
        return int(self._epoch)

    def set_epoch(self, epoch: int) -> None:
        """Give the variations of another epoch from now on."""
        self._epoch.set(epoch)

    def __call__(self, columns: Mapping[str, Sequence[Any]]) -> dict[str, Any]:
        """The columns of some rows, varied. Without the column of pictures among them, they come back as they are."""
        if self._image not in columns:
            return dict(columns)
        rows = [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]
        varied = self._varying.many(rows, [self._key_of(row) for row in rows], self.epoch)
        return {name: [row[name] for row in varied] for name in columns}

    def _key_of(self, row: Mapping[str, Any]) -> Key:
        if self.key is None:
            return contents_key(row[self._image])
        if self.key not in row:
            raise ValueError(f"Transform: key is {self.key!r}; the columns are {', '.join(map(repr, row))}")
        return as_key(row[self.key])

    def __repr__(self) -> str:
        return f"Transform({self.pipeline!r}, key={self.key!r})"


def contents_key(picture: Any) -> int:
    """A key for a picture without a name: a 64-bit hash of its pixels, or of its file's bytes."""
    if isinstance(picture, Mapping) and isinstance(picture.get("bytes"), bytes):
        return int.from_bytes(blake2b(picture["bytes"], digest_size=8).digest(), "little")
    array = np.ascontiguousarray(read_image(picture)[0])
    kind = f"{array.dtype.str} {array.shape}".encode()
    return int.from_bytes(blake2b(array.data, digest_size=8, key=kind).digest(), "little")
