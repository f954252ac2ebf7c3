"""Columns of a table in flat arrays, whatever their values are."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any, TypeAlias, overload

import numpy as np
from numpy.typing import NDArray

from covary.data.strings import Strings


class Jsons(Sequence[Any]):
    """A sequence of values of any JSON kind (lists, objects, missing ones), held as their text in two arrays."""

    __slots__ = ("_texts",)

    def __init__(self, values: Iterable[Any]) -> None:
        self._texts = Strings(json.dumps(value, default=_plain) for value in values)

    def __len__(self) -> int:
        return len(self._texts)

    @overload
    def __getitem__(self, index: int) -> Any: ...

    @overload
    def __getitem__(self, index: slice) -> list[Any]: ...

    def __getitem__(self, index: int | slice) -> Any:
        if isinstance(index, slice):
            return [json.loads(text) for text in self._texts[index]]
        return json.loads(self._texts[index])


class Ragged(Sequence[NDArray[Any]]):
    """A sequence of arrays of one dtype and number of axes, but of different sizes, in three arrays."""

    __slots__ = ("_ends", "_shapes", "_values")

    def __init__(self, arrays: Sequence[NDArray[Any]]) -> None:
        self._values: NDArray[Any] = np.concatenate([each.ravel() for each in arrays])
        self._ends: NDArray[np.int64] = np.cumsum([each.size for each in arrays], dtype=np.int64)
        self._shapes: NDArray[np.int64] = np.array([each.shape for each in arrays], dtype=np.int64)

    def __len__(self) -> int:
        return len(self._ends)

    @overload
    def __getitem__(self, index: int) -> NDArray[Any]: ...

    @overload
    def __getitem__(self, index: slice) -> list[NDArray[Any]]: ...

    def __getitem__(self, index: int | slice) -> NDArray[Any] | list[NDArray[Any]]:
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(len(self)))]
        place = range(len(self))[index]
        start = int(self._ends[place - 1]) if place else 0
        return self._values[start : int(self._ends[place])].reshape(self._shapes[place])


class Files(Sequence[bytes]):
    """A sequence of byte strings in two arrays."""

    __slots__ = ("_ragged",)

    def __init__(self, values: Sequence[bytes]) -> None:
        self._ragged = Ragged([np.frombuffer(value, np.uint8) for value in values])

    def __len__(self) -> int:
        return len(self._ragged)

    @overload
    def __getitem__(self, index: int) -> bytes: ...

    @overload
    def __getitem__(self, index: slice) -> list[bytes]: ...

    def __getitem__(self, index: int | slice) -> bytes | list[bytes]:
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(len(self)))]
        return self._ragged[index].tobytes()


Column: TypeAlias = NDArray[Any] | Strings | Jsons | Ragged | Files


def column_of(values: Sequence[Any]) -> Column:
    """Values in the flattest form that gives them back as they are.

    Truth values, whole numbers and numbers become an array of them (whole numbers among numbers become numbers),
    strings `Strings`, byte strings `Files`, arrays an array or `Ragged`, and everything else (lists, objects, missing
    values) `Jsons`.
    """
    kinds = {type(value) for value in values}
    if kinds == {bool}:
        return np.array(values, dtype=np.bool_)
    if kinds and kinds <= {int, float}:
        if kinds == {int} and not all(-(2**63) <= value < 2**63 for value in values):
            return Jsons(values)
        return np.array(values, dtype=np.int64 if kinds == {int} else np.float64)
    if kinds == {bytes}:
        return Files(values)
    if kinds and all(issubclass(kind, np.ndarray) for kind in kinds):
        return _stacked(values)
    if kinds == {str} or not kinds:
        try:
            return Strings(values)
        except UnicodeEncodeError:  # a half of a surrogate pair, which JSON can say
            return Jsons(values)
    return Jsons(values)


def _stacked(arrays: Sequence[NDArray[Any]]) -> Column:
    if len({each.shape for each in arrays}) == 1:
        return np.stack(arrays)
    dtypes = {each.dtype for each in arrays}
    axes = {each.ndim for each in arrays}
    if len(dtypes) > 1 or len(axes) > 1:
        raise ValueError(
            f"arrays of one column have one dtype and number of axes, got {', '.join(map(str, dtypes))} with "
            f"{', '.join(map(str, sorted(axes)))} axes"
        )
    return Ragged(arrays)


def value_at(column: Column, index: int) -> Any:
    """A value of a column, in Python's own types where it is no array."""
    value = column[index]
    return value.item() if isinstance(value, np.generic) else value


def numbers_in(cells: Sequence[str]) -> Column | None:
    """The numbers that a column of text cells holds; None where one is no number.

    Empty cells are missing numbers (NaN). A number with leading zeros ("007") is a name.
    """
    filled = [cell for cell in cells if cell]
    if not filled or any(len(cell) > 1 and cell[0] == "0" and cell.isdigit() for cell in filled):
        return None
    try:
        if len(filled) == len(cells):
            return np.array([int(cell) for cell in cells], dtype=np.int64)
    except (ValueError, OverflowError):
        pass
    try:
        return np.array([float(cell) if cell else np.nan for cell in cells], dtype=np.float64)
    except ValueError:
        return None


def _plain(value: Any) -> Any:
    """What JSON has no word for: arrays as lists, dates and the like by their text."""
    if isinstance(value, (np.ndarray, np.generic)):
        return value.tolist()
    return str(value)
