"""Streams of random numbers: a counter-based generator and what the renderers draw from it.

The generator is Philox 4x32-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011): a keyed
bijection of 128-bit counters. Number i of a stream is a pure function of the stream's key and i, so that any part of a
stream can be made anywhere, in any order, without state.

A stream is named by 64 bits; they are the generator's key, low word first. The last word of the counter, the tag, says
what the numbers are for, so that one stream serves several purposes without overlap.
"""

from __future__ import annotations

from functools import cache
from statistics import NormalDist
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from covary.plan.changes import Streams

Words: TypeAlias = tuple[NDArray[np.uint32], NDArray[np.uint32], NDArray[np.uint32], NDArray[np.uint32]]

TAG_BULK = 0
TAG_GAUSSIAN = 1
TAG_IMPULSES = 2
TAG_ERASE = 3

_LOW_WORD = np.uint64(0xFFFFFFFF)
_WORD_BITS = np.uint64(32)
_MULTIPLIER_0 = np.uint64(0xD2511F53)
_MULTIPLIER_1 = np.uint64(0xCD9E8D57)
_WEYL_0 = np.uint64(0x9E3779B9)
_WEYL_1 = np.uint64(0xBB67AE85)
_ROUNDS = 10

# A counter block gives eight 16-bit numbers; eight blocks side by side (lanes) serve 64 neighbours of a picture's row.
_LANES = 8
_GROUP = 64


def philox4x32(
    counter: tuple[ArrayLike, ArrayLike, ArrayLike, ArrayLike],
    key: tuple[ArrayLike, ArrayLike],
) -> Words:
    """Philox 4x32 with ten rounds.

    Args:
        counter: the four 32-bit words of the counter, arrays or numbers; they broadcast against each other and the key.
        key: the two 32-bit words of the key.

    Returns:
        The four words of the block, uint32, each of the broadcast shape.
    """
    c0, c1, c2, c3 = (np.asarray(word, np.uint64) for word in counter)
    k0, k1 = (np.asarray(word, np.uint64) for word in key)
    for _ in range(_ROUNDS):
        product_0 = c0 * _MULTIPLIER_0
        product_1 = c2 * _MULTIPLIER_1
        c0 = (product_1 >> _WORD_BITS) ^ c1 ^ k0
        c1 = product_1 & _LOW_WORD
        c2 = (product_0 >> _WORD_BITS) ^ c3 ^ k1
        c3 = product_0 & _LOW_WORD
        k0 = (k0 + _WEYL_0) & _LOW_WORD
        k1 = (k1 + _WEYL_1) & _LOW_WORD
    w0, w1, w2, w3 = (word.astype(np.uint32) for word in np.broadcast_arrays(c0, c1, c2, c3))
    return w0, w1, w2, w3


def stream_key(stream: ArrayLike) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
    """The two key words of streams: low 32 bits, high 32 bits."""
    name = np.asarray(stream, np.uint64)
    return name & _LOW_WORD, name >> _WORD_BITS


def stream_uniforms(stream: Streams, n: int) -> NDArray[np.float64]:
    """Uniform numbers in [0, 1), 53 bits each.

    Args:
        stream: (B,) uint64 keys.
        n: how many numbers of each stream, from its beginning.

    Returns:
        (B, n) float64; a longer call begins with a shorter call's numbers.
    """
    low, high = stream_key(stream)
    blocks = np.arange((n + 1) // 2, dtype=np.uint64)
    words = philox4x32((blocks, 0, 0, TAG_BULK), (low[:, None], high[:, None]))
    w0, w1, w2, w3 = (word.astype(np.float64) for word in _shifted(words))
    pairs = np.stack([w0 * 2.0**26 + w1, w2 * 2.0**26 + w3], axis=-1) / 2.0**53
    return pairs.reshape(len(low), -1)[:, :n]


def stream_normals(stream: Streams, n: int) -> NDArray[np.float64]:
    """Standard normal numbers, two from each pair of uniforms (Box and Muller, 1958).

    Args:
        stream: (B,) uint64 keys.
        n: how many numbers of each stream, from its beginning.

    Returns:
        (B, n) float64; a longer call begins with a shorter call's numbers.
    """
    uniforms = stream_uniforms(stream, n + n % 2)
    radius = np.sqrt(-2.0 * np.log1p(-uniforms[:, 0::2]))
    angle = 2.0 * np.pi * uniforms[:, 1::2]
    pairs = np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=-1)
    return pairs.reshape(len(uniforms), -1)[:, :n]


def picture_bits(stream: int, tag: int, height: int, width: int, channels: int) -> NDArray[np.uint16]:
    """One 16-bit number for every value of a picture.

    Pixel x of row y stands in group x // 64 at r = x % 64; lane r % 8, word (r // 8) % 4, half r // 32. Its number is
    that half of that word of the block with counter (8 * group + lane, y, channel, tag).

    Args:
        stream: the stream's 64-bit key.
        tag: what the numbers are for, one of the TAG constants.
        height, width, channels: of the picture.

    Returns:
        (height, width, channels) uint16.
    """
    groups = -(-width // _GROUP)
    rows = np.arange(height, dtype=np.uint64)[:, None, None]
    planes = np.arange(channels, dtype=np.uint64)[:, None]
    blocks = np.arange(groups * _LANES, dtype=np.uint64)
    words = np.stack(philox4x32((blocks, rows, planes, tag), stream_key(stream)), axis=-1)
    halves = np.stack([words & np.uint32(0xFFFF), words >> np.uint32(16)], axis=-1).astype(np.uint16)
    by_place = halves.reshape(height, channels, groups, _LANES, 4, 2)
    in_order = by_place.transpose(0, 2, 5, 4, 3, 1).reshape(height, groups * _GROUP, channels)
    return np.ascontiguousarray(in_order[:, :width])


def gaussian_values(bits: NDArray[np.uint16]) -> NDArray[np.float32]:
    """Standard normal values of 16-bit numbers: bit 15 set is minus, bits 3 to 14 choose the table entry."""
    magnitude = gaussian_table()[(bits & np.uint16(0x7FFF)) >> np.uint16(3)]
    signed: NDArray[np.float32] = np.where(bits >> np.uint16(15), -magnitude, magnitude)
    return signed


@cache
def gaussian_table() -> NDArray[np.float32]:
    """The upper half of the normal distribution at 4,096 equally likely values, scaled to unit variance; read-only."""
    inverse = NormalDist().inv_cdf
    values = np.array([inverse(0.5 + (i + 0.5) / 8192) for i in range(4096)])
    table: NDArray[np.float32] = (values / np.sqrt(np.mean(values**2))).astype(np.float32)
    table.flags.writeable = False
    return table


def _shifted(words: Words) -> tuple[NDArray[np.uint32], ...]:
    """The words cut to 27 and 26 bits in turn: the high and low parts of 53-bit numbers."""
    w0, w1, w2, w3 = words
    return w0 >> np.uint32(5), w1 >> np.uint32(6), w2 >> np.uint32(5), w3 >> np.uint32(6)


def __getattr__(name: str) -> Any:
    """GAUSSIAN_TABLE is made when first asked for: 4,096 quantiles take some milliseconds."""
    if name == "GAUSSIAN_TABLE":
        return gaussian_table()
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
