"""Philox 4x32-10, the counter-based generator behind every draw.

Salmon, Moraes, Dror and Shaw 2011, "Parallel random numbers: as easy as 1, 2, 3". The compiled kernel is used where it
was built; the NumPy code gives the same words.
"""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from covary.kernels import native

Words: TypeAlias = NDArray[np.uint32]

_MULTIPLIERS = (np.uint64(0xD2511F53), np.uint64(0xCD9E8D57))
_WEYL = (np.uint64(0x9E3779B9), np.uint64(0xBB67AE85))
_LOW = np.uint64(0xFFFFFFFF)
_32 = np.uint64(32)


def philox4x32(counter: NDArray[Any], key: NDArray[Any]) -> Words:
    """Ten rounds of Philox 4x32.

    Args:
        counter: (..., 4) words below 2**32.
        key: (..., 2) words below 2**32; leading axes broadcast with the counter's.

    Returns:
        (..., 4) uint32.
    """
    c0, c1, c2, c3 = np.moveaxis(np.asarray(counter, dtype=np.uint64), -1, 0)
    k0, k1 = np.moveaxis(np.asarray(key, dtype=np.uint64), -1, 0)
    for _ in range(10):
        p0, p1 = _MULTIPLIERS[0] * c0, _MULTIPLIERS[1] * c2
        c0, c1, c2, c3 = (p1 >> _32) ^ c1 ^ k0, p1 & _LOW, (p0 >> _32) ^ c3 ^ k1, p0 & _LOW
        k0, k1 = (k0 + _WEYL[0]) & _LOW, (k1 + _WEYL[1]) & _LOW
    return np.stack(np.broadcast_arrays(c0, c1, c2, c3), axis=-1).astype(np.uint32)


def philox_rows(seed: int, epochs: Words, keys: NDArray[np.uint64], slots: Words) -> Words:
    """One block of four words for each sample and slot: (B, S, 4) uint32.

    The generator's key is the seed; its counter is (key low, key high, epoch, slot): four things in words of their own.
    """
    if native is not None:
        words: Words = native.philox(seed, epochs, keys, slots)
        return words
    counter = np.empty((len(keys), len(slots), 4), dtype=np.uint64)
    counter[..., 0] = (keys & _LOW)[:, None]
    counter[..., 1] = (keys >> _32)[:, None]
    counter[..., 2] = epochs[:, None]
    counter[..., 3] = slots[None, :]
    return philox4x32(counter, np.array([seed & 0xFFFFFFFF, seed >> 32], dtype=np.uint64))
