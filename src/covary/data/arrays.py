"""Arrays in memory as a data set."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from covary.data.columns import Column, Files, Ragged, column_of, value_at
from covary.data.dataset import Encoded, Sample
from covary.data.indexed import Indexed
from covary.data.items import PICTURES, channels_last, is_tensor, picture_of, stack_of
from covary.data.labels import Labels, labels_of
from covary.data.splits import known_splits, split_named
from covary.data.strings import Strings
from covary.stacks import STACKS


class Arrays(Indexed):
    """Columns of equal length, a sample a row.

    Args:
        columns: fields of the samples by name, as keyword arguments too. A column is an array with a leading axis of
            samples, a PyTorch tensor (pictures in it as (N, C, H, W), videos as (N, T, C, H, W), volumes as
            (N, C, D, H, W)), or a list: of arrays of different sizes, of PIL
            images, of the bytes of files, of strings or numbers. Lists are copied into flat arrays, arrays are used as
            they are. A single number stands for all samples (rate=16_000).
        classes: names of the classes in the order of their numbers.

    `key` is a column of identities (strings, or whole numbers from 0 on), the row's number by default; `split` says
    what part of the data each sample belongs to; `label` becomes classes, sets of classes or values, as `TableDataset`
    has it.

    Samples: the columns' values under their names.

    Raises:
        ValueError: no columns, columns of different lengths, or keys that occur twice.
    """

    def __init__(
        self, columns: Mapping[str, Any] | None = None, /, *, classes: Sequence[str] | None = None, **more: Any
    ) -> None:
        given = {**(columns or {}), **more}
        lengths = {name: len(values) for name, values in given.items() if not _is_number(values)}
        if not lengths:
            raise ValueError("Arrays: no columns given")
        count = next(iter(lengths.values()))
        if set(lengths.values()) != {count}:
            listed = ", ".join(f"{name} {length:,}" for name, length in lengths.items())
            raise ValueError(f"Arrays: columns have one length, got {listed}")
        keys, splits, label = given.pop("key", None), given.pop("split", None), given.pop("label", None)
        self._label = None if label is None else _labels(label, classes)
        self._columns = {
            name: np.full(count, values) if _is_number(values) else _column(name, values)
            for name, values in given.items()
        }
        super().__init__(
            range(count) if keys is None else _keys(keys),
            classes=self._label.classes if self._label is not None else tuple(classes or ()),
            labels=self._label.numbers if self._label is not None else None,
            splits=None if splits is None else known_splits(split_named(str(value or "")) for value in splits),
        )

    def read(self, index: int) -> Sample:
        """The values of a row."""
        sample: Sample = {}
        for name, column in self._columns.items():
            value = value_at(column, index)
            if isinstance(column, Files) and name in PICTURES:
                value = Encoded(value, f"{name} {self.keys[index]}")
            elif name in (*PICTURES, *STACKS) and isinstance(value, np.ndarray) and value.dtype == np.float64:
                value = value.astype(np.float32)
            sample[name] = value
        if self._label is not None:
            sample["label"] = self._label[index]
        return sample


def _is_number(values: Any) -> bool:
    return isinstance(values, (bool, int, float, np.generic))


def _column(name: str, values: Any) -> Column:
    if name in STACKS and is_tensor(values):
        return stack_of(values, name) if values.ndim > 4 else values.detach().cpu().numpy()
    if is_tensor(values):
        array = values.detach().cpu().numpy()
        return channels_last(array) if name in PICTURES and array.ndim == 4 else array
    if isinstance(values, (np.ndarray, Strings, Ragged, Files)):
        return values
    if hasattr(values, "__array__") and not isinstance(values, (list, tuple)):
        return np.asarray(values)
    rows = list(values)
    if name in PICTURES and rows and not isinstance(rows[0], (bytes, bytearray)):
        pictures = [picture_of(row, f"{name} {at}") for at, row in enumerate(rows)]
        return column_of([each.data if isinstance(each, Encoded) else each for each in pictures])
    if name in STACKS:
        rows = [stack_of(row, name) if is_tensor(row) or isinstance(row, np.ndarray) else row for row in rows]
    return column_of([row.detach().cpu().numpy() if is_tensor(row) else row for row in rows])


def _labels(values: Any, classes: Sequence[str] | None) -> Labels:
    if is_tensor(values):
        values = values.detach().cpu().numpy()
    array = values if isinstance(values, np.ndarray) else None
    if array is not None and array.ndim > 1:
        return Labels(tuple(classes or ()), values=array.astype(np.float32))
    return labels_of(array.tolist() if array is not None else list(values), classes=classes)


def _keys(values: Any) -> Sequence[str | int]:
    listed = values.tolist() if isinstance(values, np.ndarray) else list(values)
    if len(set(listed)) != len(listed):
        raise ValueError("Arrays: a key occurs twice")
    if all(isinstance(value, str) for value in listed):
        return Strings(listed)
    if all(isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**64 for value in listed):
        return np.array(listed, dtype=np.uint64)  # type: ignore[return-value]
    raise ValueError("Arrays: keys are strings, or whole numbers in [0, 2**64)")
