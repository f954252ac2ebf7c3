"""The random numbers of one operation for one text: a stream, read from its beginning."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from covary.draws.streams import stream_uniforms

Item = TypeVar("Item")

_FIRST = 32


class Numbers:
    """Uniform numbers in [0, 1), one after the other.

    Number i is a function of the stream and i alone, so that neither the batch nor the length of other texts matters.
    """

    __slots__ = ("_at", "_known", "_stream")

    def __init__(self, stream: int, known: list[float] | None = None) -> None:
        """`known` are the stream's first numbers, where they were made for the whole batch at once."""
        self._stream = stream
        self._known = [] if known is None else known
        self._at = 0

    def __call__(self) -> float:
        """The next number."""
        at = self._at
        if at == len(self._known):
            self._extend(at + 1)
        self._at = at + 1
        return self._known[at]

    def several(self, count: int) -> list[float]:
        """The next `count` numbers."""
        start, end = self._at, self._at + count
        if end > len(self._known):
            self._extend(end)
        self._at = end
        return self._known[start:end]

    def below(self, bound: int) -> int:
        """A whole number from 0 to bound - 1."""
        return min(int(self() * bound), bound - 1)

    def one_of(self, items: Any) -> Any:
        """One item of a sequence, all alike."""
        length = len(items)
        return items[min(int(self() * length), length - 1)]

    def sample(self, items: list[Item], count: int) -> list[Item]:
        """`count` different items (or all there are) in random order."""
        return list(_drawn(list(items), self.several(min(count, len(items)))))

    def in_random_order(self, items: Iterable[Item]) -> Iterator[Item]:
        """All items, one by one as they are asked for; a number for each of them is taken at once."""
        rest = list(items)
        return _drawn(rest, self.several(len(rest)))

    def _extend(self, needed: int) -> None:
        length = max(_FIRST, 2 * len(self._known), needed)
        self._known = stream_uniforms(np.array([self._stream], np.uint64), length)[0].tolist()


def _drawn(rest: list[Item], numbers: list[float]) -> Iterator[Item]:
    """An item for each number, of those that are left."""
    left = len(rest)
    for place, u in enumerate(numbers):
        other = place + min(int(u * left), left - 1)
        left -= 1
        item = rest[other]
        rest[other] = rest[place]
        yield item


def numbers_of(streams: NDArray[np.uint64]) -> list[Numbers]:
    """The numbers of several texts, begun together."""
    first: list[list[float]] = stream_uniforms(streams, _FIRST).tolist()
    return [Numbers(stream, known) for stream, known in zip(streams.tolist(), first, strict=True)]
