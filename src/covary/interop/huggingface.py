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
from covary.interop.text_columns import VaryingTexts
from covary.pipeline import Pipeline
from covary.samples import modalities_of


class Transform:
    """A pipeline as a data set's transform: columns in, the same out; pictures or texts varied with labels.

    `dataset.with_transform(Transform(pipeline))` varies pictures as they are read; `dataset.map(Transform(pipeline),
    batched=True)` of an iterable data set does it too. Pictures come back as PIL images, or, where the pipeline ends in
    `Normalize` or `ToTensor`, as arrays (C, H, W), which collators stack to tensors. Masks go along, and so do the
    annotations of detection sets: an `objects` column of dicts with `bbox`, `category` and so on; say how the boxes are
    written with the pipeline's `boxes`, for most such sets "coco".

    With a pipeline for text, columns of texts vary, and spans, answers, tokens and tags move with their words. With
    `times`, `dataset.map(Transform(pipeline, times=4), batched=True)` gives so many rows for each: different texts, the
    first epochs that give something new, as `covary expand` makes them, with its columns `covary_source`,
    `covary_epoch` and `covary_seed`. Where a text has fewer, a warning says how many.

    A variation depends on the pipeline's seed, the row's key and the epoch alone; tell the epoch with `set_epoch`, and
    worker processes hear of it too.

    Args:
        pipeline: the pipeline.
        key: the column that holds a row's identity, a text or a whole number. Default: the sample's contents.
            Of several columns of texts, each draws by "KEY/COLUMN".
        names: field of a pipeline -> its column, as {"image": "img", "mask": "annotation"}. For texts, "text" may be
            several columns, each varied by itself, and "context.answer" is marked in the column context; by default
            they are found by their usual names, as `covary expand` does.
        rows: columns of annotations, besides those that covary knows, that have a row per object.
        to: "numpy" or "torch": the form of finished pictures. Default "numpy".
        times: different variations of each text, 1 or more; None gives one row for each, the epoch's.
        tags: for a column of tags that holds numbers, what they stand for: {"ner_tags": ["O", "B-PER", ...]}.

    Raises:
        TypeError, ValueError: a wrong argument; at the call: a column of a wrong type; the message names it.
    """

    def __init__(
        self,
        pipeline: Pipeline,
        *,
        key: str | None = None,
        names: Mapping[str, str | Sequence[str]] | None = None,
        rows: Iterable[str] = (),
        to: Literal["numpy", "torch"] = "numpy",
        times: int | None = None,
        tags: Mapping[str, Sequence[str]] | None = None,
    ) -> None:
        if not isinstance(pipeline, Pipeline):
            raise TypeError(f"Transform: pipeline is a {type(pipeline).__name__}; a covary.Pipeline is needed")
        if to not in ("numpy", "torch"):
            raise ValueError(f"Transform: to is {to!r}; allowed: 'numpy' or 'torch'")
        if times is not None and (isinstance(times, bool) or not isinstance(times, int) or times < 1):
            raise ValueError(f"Transform: times is {times!r}; allowed: a whole number from 1 on, or None")
        for_texts = modalities_of(pipeline.operations) == {"text"}
        if times is not None and not for_texts:
            raise ValueError("Transform: times is for pipelines with operations on text alone")
        self.pipeline = pipeline
        self.key = key
        self.times = times
        self._texts = VaryingTexts(pipeline, dict(names or {}), dict(tags or {}), times) if for_texts else None
        plain = {field: str(column) for field, column in (names or {}).items()}
        self._varying = Varying(pipeline, as_given if to == "numpy" else to_tensor, tuple(rows), plain)
        self._image = plain.get("image", "image")
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
        if self._texts is not None:
            return self._texts.columns(columns, None if self.key is None else self._named_key, self.epoch)
        if self._image not in columns:
            return dict(columns)
        rows = [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]
        varied = self._varying.many(rows, [self._key_of(row) for row in rows], self.epoch)
        return {name: [row[name] for row in varied] for name in columns}

    def _key_of(self, row: Mapping[str, Any]) -> Key:
        return contents_key(row[self._image]) if self.key is None else self._named_key(row)

    def _named_key(self, row: Mapping[str, Any]) -> Key:
        if self.key is None or self.key not in row:
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
