"""The number of the epoch, shared by the processes that make its batches."""

from __future__ import annotations

from collections.abc import Sequence
from multiprocessing.context import get_spawning_popen
from multiprocessing.sharedctypes import RawArray
from typing import Any

PLACES = 512


class SharedEpoch:
    """The number of an epoch, which worker processes see change, whether they were forked or spawned.

    It is set from outside, or counts the passes over a data set: every pass that is claimed is the next epoch, however
    many workers claim it and in whatever order. Copies follow the original: a data set that copies its transform still
    has it told of the next epoch. A pickle that does not go to a worker process holds the number alone.

    It takes no lock: each worker writes only a word of its own, the pass that it claimed last and the epoch after it,
    and a word is written whole.

    Args:
        epoch: the first one.
    """

    def __init__(self, epoch: int = 0) -> None:
        self._words: Sequence[int] = RawArray("Q", PLACES)
        self.set(epoch)

    def __int__(self) -> int:
        return max(word & 0xFFFFFFFF for word in self._words[:])

    def set(self, epoch: int) -> None:
        """Set it, for all processes.

        Raises:
            ValueError: not in [0, 2**32).
        """
        if isinstance(epoch, bool) or not isinstance(epoch, int) or not 0 <= epoch < 2**32:
            raise ValueError(f"epoch is {epoch!r}; allowed: a whole number in [0, 2**32)")
        self._words[:] = [epoch] + [0] * (PLACES - 1)  # type: ignore[index]

    def claim(self, worker: int, passing: int) -> int:
        """The epoch of a pass over the data.

        Args:
            worker: number of the worker, below PLACES.
            passing: identity of the pass, in [1, 2**32), the same for all workers that take part.
        """
        words = self._words[:]
        claimed = [word & 0xFFFFFFFF for word in words if word >> 32 == passing]
        epoch = claimed[0] - 1 if claimed else max(word & 0xFFFFFFFF for word in words)
        self._words[worker] = passing << 32 | epoch + 1  # type: ignore[index]
        return epoch

    def __copy__(self) -> SharedEpoch:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> SharedEpoch:
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        if get_spawning_popen() is not None:
            return _attach, (self._words,)
        return SharedEpoch, (int(self),)


def _attach(words: Sequence[int]) -> SharedEpoch:
    shared = SharedEpoch.__new__(SharedEpoch)
    shared._words = words
    return shared
