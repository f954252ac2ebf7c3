"""What a loader gives: the fields of several samples, stacked where their shapes agree."""

from __future__ import annotations

from collections.abc import Iterator, KeysView, Mapping, Sequence
from typing import Any

import numpy as np

from covary.draws.keys import Key
from covary.render.buffers import Empty, empty

VARYING = frozenset(
    {
        "boxes",
        "box_labels",
        "line_string_labels",
        "line_strings",
        "masks",
        "keypoints",
        "keypoint_labels",
        "keypoints3d",
        "keypoints3d_labels",
        "masks3d",
        "objects",
        "oriented_box_labels",
        "oriented_boxes",
        "polygon_labels",
        "polygons",
    }
)
"""Fields of which one sample has more and another less; they stay in a list even where the numbers happen to agree."""


class SampleKeys(tuple[Key, ...]):
    """The identities of a batch's samples.

    A batch is a mapping too, and `dict(batch)` calls `batch.keys()`: called, this gives the names of the fields.
    """

    names: KeysView[str]

    def __call__(self) -> KeysView[str]:
        return self.names


class Batch(Mapping[str, Any]):
    """The fields of several samples, as attributes and as a mapping.

    Attributes:
        image: (B, C, H, W) or (B, H, W, C) array, as the pipeline ends; a list of arrays where their sizes differ.
        label: (B,) int64 classes, or whatever the data set has for one.
        target: (B, K) float32 soft labels that sum to one; there when the loader mixes.
        keys: the B identities.
        epoch: number of the epoch in the stream.
        variations: (B,) int64; `pipeline(image=..., key=keys[i], epoch=variations[i])` gives picture i of the batch,
            before mixing.

    Every other field of the samples (`mask`, `objects`, `text`, `video`, `volume` ...) is there under its own name:
    arrays of one shape stacked, numbers as an array, everything else as a list.
    """

    __slots__ = ("__weakref__", "_fields")

    def __init__(self, fields: Mapping[str, Any]) -> None:
        self._fields = dict(fields)

    @property
    def keys(self) -> SampleKeys:
        keys = SampleKeys(self._fields.get("keys", ()))
        keys.names = self._fields.keys()
        return keys

    def __getattr__(self, name: str) -> Any:
        if not name.startswith("_"):
            try:
                return self._fields[name]
            except KeyError:
                pass
        raise AttributeError(f"the batch has no field {name!r}; it has {', '.join(self._fields)}")

    def __getitem__(self, name: str) -> Any:
        return self._fields[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._fields)

    def __len__(self) -> int:
        return len(self._fields)

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *self._fields]

    def __reduce__(self) -> tuple[Any, ...]:
        return Batch, (self._fields,)

    def __repr__(self) -> str:
        return f"Batch({', '.join(f'{name}={_described(value)}' for name, value in self._fields.items())})"

    def to(self, device: Any, non_blocking: bool = False) -> Batch:
        """The same batch with its PyTorch tensors on a device; all else stays as it is."""

        def moved(value: Any) -> Any:
            if isinstance(value, list):
                return [moved(each) for each in value]
            return value.to(device, non_blocking=non_blocking) if _is_tensor(value) else value

        return Batch({name: moved(value) for name, value in self._fields.items()})


def collate(values: Sequence[Any], new: Empty = empty) -> Any:
    """The values of one field in one piece: equal arrays stacked, on memory of `new`, numbers as an array, all else as
    a list."""
    first = values[0]
    if isinstance(first, np.ndarray):
        same = all(
            isinstance(value, np.ndarray) and value.shape == first.shape and value.dtype == first.dtype
            for value in values
        )
        if not same or first.dtype == object:
            return list(values)
        if first.dtype.kind not in "biuf":
            return np.stack(values)
        return np.stack(values, out=new((len(values), *first.shape), first.dtype))
    for kinds, dtype in (
        ((bool, np.bool_), np.bool_),
        ((int, np.integer), np.int64),
        ((int, np.integer, float, np.floating), np.float64),
    ):
        if all(isinstance(value, kinds) and (dtype is np.bool_ or not isinstance(value, bool)) for value in values):
            try:
                return np.array(values, dtype)
            except OverflowError:
                break
    return list(values)


def _is_tensor(value: Any) -> bool:
    return hasattr(value, "to") and hasattr(value, "device")


def _described(value: Any) -> str:
    if hasattr(value, "shape") and hasattr(value, "dtype"):
        return f"{value.dtype} {tuple(value.shape)}"
    if isinstance(value, list | tuple) and len(value) > 3:
        return f"{type(value).__name__} of {len(value)}"
    return repr(value)
