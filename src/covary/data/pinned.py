"""Batches in page-locked memory, from which a GPU copies without waiting: made there, or copied there once."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import DTypeLike, NDArray

Lock: TypeAlias = Callable[[int], Any]
"""Gives a tensor of so many bytes, uint8, in page-locked memory."""


def import_torch() -> Any:
    """The module `torch`.

    Raises:
        ImportError: it is not installed.
    """
    try:
        import torch
    except ImportError:
        raise ImportError('Loader: to="torch" needs PyTorch: pip install torch') from None
    return torch


def page_locked(count: int) -> Any:
    """A tensor of `count` bytes in page-locked memory. PyTorch keeps what is let go of, and hands it out again when all
    copies from it are finished."""
    torch = import_torch()
    return torch.empty(count, dtype=torch.uint8, pin_memory=True)


def has_device() -> bool:
    """Whether there is a device that page-locked memory is for."""
    return bool(import_torch().cuda.is_available())


def pinned_memory() -> Pinned | None:
    """Room in page-locked memory; None, and a warning, where it would be of no use."""
    if has_device():
        return Pinned(page_locked)
    warnings.warn("Loader: pin_memory has no effect, as PyTorch finds no CUDA device", stacklevel=4)
    return None


class Pinned:
    """Arrays in page-locked memory, and tensors on it.

    Args:
        lock: where the memory comes from.
    """

    def __init__(self, lock: Lock) -> None:
        self._lock = lock

    def begin(self) -> None:
        """Let the caller's device be the one for which memory is locked: a thread that is the first to ask would choose
        the first device there is."""
        self._lock(1)

    def empty(self, shape: int | Sequence[int], dtype: DTypeLike) -> NDArray[Any]:
        """An uninitialised array, like `np.empty`. Its memory is not used again as long as a view or a tensor of it is
        alive."""
        lengths = (shape,) if isinstance(shape, int) else tuple(shape)
        kind = np.dtype(dtype)
        array: NDArray[Any] = np.asarray(_Block(self._lock(max(1, math.prod(lengths) * kind.itemsize)), lengths, kind))
        return array

    def copied(self, array: NDArray[Any]) -> NDArray[Any]:
        """A copy of an array of numbers."""
        copy = self.empty(array.shape, array.dtype)
        np.copyto(copy, array)
        return copy

    def tensor(self, array: NDArray[Any]) -> Any:
        """The tensor on the memory of an array that was made here, or else on a copy of it.

        It stands on the very storage that PyTorch handed out, by which PyTorch knows whether a copy to the device is
        still under way when the tensor goes: a tensor `from_numpy` would have a storage of its own.
        """
        torch = import_torch()
        block = _block_of(array)
        if block is None or not array.flags.writeable:
            array = self.copied(array)
            block = _block_of(array)
            assert block is not None
        like = torch.from_numpy(array)
        offset = (like.data_ptr() - block.tensor.data_ptr()) // like.element_size() if like.numel() else 0
        offset += block.tensor.storage_offset() // like.element_size()
        made = torch.empty(0, dtype=like.dtype)
        return made.set_(block.tensor.untyped_storage(), offset, like.shape, like.stride())


class _Block:
    """What an array stands on: NumPy keeps it as the array's base."""

    __slots__ = ("__array_interface__", "tensor")

    def __init__(self, tensor: Any, shape: tuple[int, ...], dtype: np.dtype[Any]) -> None:
        self.tensor = tensor
        self.__array_interface__ = {
            "version": 3,
            "data": (tensor.data_ptr(), False),
            "shape": shape,
            "typestr": dtype.str,
        }


def _block_of(array: NDArray[Any]) -> _Block | None:
    base: Any = array
    while isinstance(base, np.ndarray):
        base = base.base
    return base if isinstance(base, _Block) else None
