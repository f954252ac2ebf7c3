"""Philox 4x32-10, the counter-based generator behind every draw.

Salmon, Moraes, Dror and Shaw 2011, "Parallel random numbers: as easy as 1, 2, 3". The compiled kernel is used where it
was built; the NumPy code gives the same words.
"""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from covary.kernels import native

Words: TypeAlias = NDArray[np.uint32]

ROUNDS = 10
MULTIPLIERS = (np.uint64(0xD2511F53), np.uint64(0xCD9E8D57))
WEYL = (np.uint64(0x9E3779B9), np.uint64(0xBB67AE85))
_LOW = np.uint64(0xFFFFFFFF)
_32 = np.uint64(32)


def philox4x32(
    counter: tuple[ArrayLike, ArrayLike, ArrayLike, ArrayLike], key: tuple[ArrayLike, ArrayLike]
) -> tuple[Words, Words, Words, Words]:
    """Philox 4x32 with ten rounds.

    Args:
        counter: the four 32-bit words of the counter, arrays or numbers; they broadcast against each other and the key.
        key: the two 32-bit words of the key.

    Returns:
        The four words of the block, uint32, each of the broadcast shape.
    """
    c0, c1, c2, c3 = (np.asarray(word, np.uint64) for word in counter)
    k0, k1 = (np.asarray(word, np.uint64) for word in key)
    for _ in range(ROUNDS):
        p0, p1 = MULTIPLIERS[0] * c0, MULTIPLIERS[1] * c2
        c0, c1, c2, c3 = (p1 >> _32) ^ c1 ^ k0, p1 & _LOW, (p0 >> _32) ^ c3 ^ k1, p0 & _LOW
        k0, k1 = (k0 + WEYL[0]) & _LOW, (k1 + WEYL[1]) & _LOW
    w0, w1, w2, w3 = (word.astype(np.uint32) for word in np.broadcast_arrays(c0, c1, c2, c3))
    return w0, w1, w2, w3


def key_words(key: ArrayLike) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
    """The two words of 64-bit keys: low 32 bits, high 32 bits."""
    number = np.asarray(key, np.uint64)
    return number & _LOW, number >> _32


def philox_rows(seed: int, epochs: Words, keys: NDArray[np.uint64], slots: Words) -> Words:
    """One block of four words for each sample and slot: (B, S, 4) uint32.

    The generator's key is the seed; its counter is (key low, key high, epoch, slot): four things in words of their own.
    """
    if native is not None:
        words: Words = native.philox(seed, epochs, keys, slots)
        return words
    low, high = key_words(keys[:, None])
    counter: tuple[Any, Any, Any, Any] = (low, high, epochs[:, None], slots[None, :])
    return np.stack(philox4x32(counter, key_words(np.uint64(seed))), axis=-1)


def philox_streams(streams: NDArray[np.uint64], blocks: int) -> Words:
    """The first blocks of several streams, (B, blocks, 4) uint32.

    The stream is the generator's key, the block's index the first word of its counter.
    """
    if native is not None:
        words: Words = native.philox_streams(streams, blocks)
        return words
    counter = (np.arange(blocks, dtype=np.uint64), 0, 0, 0)
    return np.stack(philox4x32(counter, key_words(streams[:, None])), axis=-1)
