"""Identities: the 64-bit key of a sample and the 32-bit number of a slot."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from hashlib import blake2b
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Key: TypeAlias = int | str


def key_number(key: Key) -> int:
    """The 64-bit number of a sample's key: an integer stands for itself, a string for its hash.

    Args:
        key: an integer in [0, 2**64), or a string such as a path relative to the data set. Names that are no
            valid Unicode (as `os.fsdecode` returns them) are hashed by their bytes.

    Raises:
        ValueError: the integer does not fit 64 bits.
        TypeError: the key is neither an integer nor a string.
    """
    if isinstance(key, str):
        return int.from_bytes(blake2b(os.fsencode(key), digest_size=8).digest(), "little")
    if isinstance(key, (int, np.integer)) and not isinstance(key, bool):
        if 0 <= key < 2**64:
            return int(key)
        raise ValueError(f"key: got {key}, an integer key lies in [0, 2**64)")
    raise TypeError(f"key: got {type(key).__name__}, allowed are an integer or a string")


def key_numbers(keys: Iterable[Key] | NDArray[np.uint64]) -> NDArray[np.uint64]:
    """The numbers of several keys, (B,) uint64; such an array stands for itself."""
    if isinstance(keys, np.ndarray) and keys.dtype == np.uint64:
        return keys
    return np.array([key_number(key) for key in keys], dtype=np.uint64)


def epoch_numbers(epoch: int | Sequence[int], count: int) -> NDArray[np.uint32]:
    """The epochs of several samples, (B,) uint32.

    Args:
        epoch: a whole number in [0, 2**32) for all, or one for each sample.
        count: B.

    Raises:
        ValueError: anything else.
    """
    if type(epoch) is int and 0 <= epoch < 2**32:
        return np.full(count, epoch, dtype=np.uint32)
    values = np.asarray(epoch)
    if values.dtype.kind not in "iu" or values.shape not in ((), (count,)):
        raise ValueError(f"epoch is {epoch!r}; allowed: a whole number, or one for each of the {count} samples")
    if values.size and (values.min() < 0 or values.max() >= 2**32):
        raise ValueError(f"epoch is {epoch!r}; allowed are numbers in [0, 2**32)")
    return np.ascontiguousarray(np.broadcast_to(values, (count,)), dtype=np.uint32)


def slot_number(operation: str, slot: str) -> int:
    """The 32-bit number of one random quantity of one operation, from their names alone."""
    return int.from_bytes(blake2b(f"{operation}\0{slot}".encode(), digest_size=4).digest(), "little")


def slot_numbers(slots: Sequence[tuple[str, str]]) -> NDArray[np.uint32]:
    """The numbers of all (operation, slot) pairs of a pipeline, (S,) uint32.

    Raises:
        ValueError: two pairs share a number (one chance in millions); another `name=` for one of them mends it.
    """
    numbers: dict[int, tuple[str, str]] = {}
    for operation, slot in slots:
        number = slot_number(operation, slot)
        if number in numbers:
            first = ".".join(numbers[number])
            raise ValueError(f"{operation}.{slot} and {first} hash to one slot: give one of them another name=")
        numbers[number] = (operation, slot)
    return np.array(list(numbers), dtype=np.uint32)
