"""Arrays on recycled memory: fresh large allocations cost a page fault per 4 KB and can double the cost of a batch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import DTypeLike, NDArray

from covary import kernels
from covary.plan.changes import Image, Ints
from covary.plan.stages import Stage

Empty: TypeAlias = Callable[[Any, DTypeLike], NDArray[Any]]
"""Where the memory of new arrays comes from: called like `empty`."""

Outputs: TypeAlias = Sequence[Image] | NDArray[Any]
"""Room for the pictures of a batch: an array for each, or one with all of them along its first axis."""


def empty(shape: int | Sequence[int], dtype: DTypeLike) -> NDArray[Any]:
    """An uninitialised array, like `np.empty`; from 64 KB on, its memory returns to a free list when the array goes.

    The list is shared by all threads and keeps at most 256 MB. Without the compiled kernels this is `np.empty`.

    Args:
        shape: one length or several, none negative.
        dtype: anything NumPy takes for a type.

    Raises:
        ValueError: a negative length.
        MemoryError: no memory of that size.
    """
    if kernels.native is None:
        return np.empty(shape, dtype)
    array: NDArray[Any] = kernels.native.empty(shape, dtype)
    return array


def room_for(stage: Stage, size: Ints, channels: int, dtype: DTypeLike, new: Empty = empty) -> Any:
    """Room for what a last stage makes of pictures of these channels and dtype: one stacked array where all have one
    size, else a list; on memory of `new`."""
    dtype = np.dtype(stage.dtype or dtype)

    def shape(height: int, width: int) -> tuple[int, int, int]:
        return (channels, height, width) if stage.layout == "CHW" else (height, width, channels)

    sizes = size.tolist()
    if sizes.count(sizes[0]) == len(sizes):
        return new((len(sizes), *shape(*sizes[0])), dtype)
    return [new(shape(*each), dtype) for each in sizes]
