"""Many strings in two arrays."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from typing import overload

import numpy as np
from numpy.typing import NDArray


class Strings(Sequence[str]):
    """A sequence of strings held in two flat arrays.

    A list of a million strings is a million Python objects: each process that so much as looks at one copies its
    memory page. Two arrays stay shared. Strings may hold lone surrogates, as file names do that are not valid UTF-8.

    Args:
        values: the strings.
    """

    __slots__ = ("_bytes", "_ends")

    def __init__(self, values: Iterable[str]) -> None:
        parts = [os.fsencode(value) for value in values]
        self._bytes: NDArray[np.uint8] = np.frombuffer(b"".join(parts), np.uint8)
        self._ends: NDArray[np.int64] = np.cumsum([len(part) for part in parts], dtype=np.int64)

    def __len__(self) -> int:
        return len(self._ends)

    @overload
    def __getitem__(self, index: int) -> str: ...

    @overload
    def __getitem__(self, index: slice) -> list[str]: ...

    def __getitem__(self, index: int | slice) -> str | list[str]:
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(len(self)))]
        place = range(len(self))[index]
        start = int(self._ends[place - 1]) if place else 0
        return os.fsdecode(self._bytes[start : int(self._ends[place])].tobytes())

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Strings):
            return np.array_equal(self._ends, other._ends) and np.array_equal(self._bytes, other._bytes)
        return NotImplemented

    def __hash__(self) -> int:
        return hash((len(self), self._bytes.tobytes()))

    def __repr__(self) -> str:
        shown = ", ".join(repr(value) for value in self[:3])
        return f"Strings([{shown}{', ...' if len(self) > 3 else ''}]) of {len(self):,}"


class Coded(Sequence[str]):
    """A sequence of strings of which few differ: each is held once, and a number per place.

    Args:
        values: the strings.

    Attributes:
        names: the different strings, in the order in which they first occur.
        codes: (N,) int32: which of them stands at each place.
    """

    __slots__ = ("codes", "names")

    def __init__(self, values: Iterable[str]) -> None:
        numbers: dict[str, int] = {}
        self.codes: NDArray[np.int32] = np.fromiter((numbers.setdefault(v, len(numbers)) for v in values), np.int32)
        self.names: tuple[str, ...] = tuple(numbers)

    def __len__(self) -> int:
        return len(self.codes)

    @overload
    def __getitem__(self, index: int) -> str: ...

    @overload
    def __getitem__(self, index: slice) -> list[str]: ...

    def __getitem__(self, index: int | slice) -> str | list[str]:
        if isinstance(index, slice):
            return [self.names[code] for code in self.codes[index].tolist()]
        return self.names[int(self.codes[index])]

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Coded):
            return list(self) == list(other)
        return NotImplemented

    def __hash__(self) -> int:
        return hash(tuple(self))

    def __repr__(self) -> str:
        return f"Coded({', '.join(map(repr, self.names[:5]))}{', ...' if len(self.names) > 5 else ''}) of {len(self):,}"
