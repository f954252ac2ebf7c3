"""Streams of random numbers for what a row of uniforms cannot hold: noise fields, positions, displacements.

Philox is a keyed bijection of 128-bit counters. Number i of a stream is a pure function of the stream's key and i, so
that any part of a stream can be made anywhere, in any order, without state.

A stream is named by 64 bits; they are the generator's key, low word first. The last word of the counter, the tag, says
what the numbers are for, so that one stream serves several purposes without overlap.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from covary.draws.philox import key_words, philox4x32, philox_streams

Streams: TypeAlias = NDArray[np.uint64]

# Tag 0 is that of `philox_streams`.
TAG_GAUSSIAN = 1
TAG_IMPULSES = 2
TAG_ERASE = 3
TAG_QUADRATURE = 4
TAG_FRAMES = 5
# Tags from 16 are those of functions of pixels.
TAG_GLASS = 16

# A counter block gives eight 16-bit numbers; eight blocks side by side (lanes) serve 64 neighbours of a picture's row.
LANES = 8
GROUP = 64


def stream_uniforms(stream: Streams, n: int) -> NDArray[np.float64]:
    """Uniform numbers in [0, 1), 53 bits each.

    Args:
        stream: (B,) uint64 keys.
        n: how many numbers of each stream, from its beginning.

    Returns:
        (B, n) float64; a longer call begins with a shorter call's numbers.
    """
    pairs = philox_streams(np.ascontiguousarray(stream, np.uint64), (n + 1) // 2).view("<u8").reshape(len(stream), -1)
    uniforms: NDArray[np.float64] = (pairs >> np.uint64(11)).astype(np.float64)[:, :n] * 2.0**-53
    return uniforms


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


def frame_streams(stream: Streams, frames: NDArray[Any]) -> Streams:
    """Streams of their own for the frames of a video.

    Args:
        stream: (B,) uint64 keys of the videos' streams.
        frames: (B,) whole numbers from 0 on, which frame of its video each is.

    Returns:
        (B,) uint64. Frame 0 keeps the video's stream, so that it is what a picture alone would be.
    """
    low, high, _, _ = philox4x32((frames, 0, 0, TAG_FRAMES), key_words(stream))
    own = low.astype(np.uint64) | high.astype(np.uint64) << np.uint64(32)
    return np.where(np.asarray(frames) == 0, stream, own)


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
    groups = -(-width // GROUP)
    rows = np.arange(height, dtype=np.uint64)[:, None, None]
    planes = np.arange(channels, dtype=np.uint64)[:, None]
    blocks = np.arange(groups * LANES, dtype=np.uint64)
    words = np.stack(philox4x32((blocks, rows, planes, tag), key_words(np.uint64(stream))), axis=-1)
    halves = np.stack([words & np.uint32(0xFFFF), words >> np.uint32(16)], axis=-1).astype(np.uint16)
    by_place = halves.reshape(height, channels, groups, LANES, 4, 2)
    in_order = by_place.transpose(0, 2, 5, 4, 3, 1).reshape(height, groups * GROUP, channels)
    return np.ascontiguousarray(in_order[:, :width])


def gaussian_values(bits: NDArray[np.uint16]) -> NDArray[np.float32]:
    """Standard normal values of 16-bit numbers, by a quantile function of parabolas.

    Bit 15 set is minus. The others, m, stand for the share v = 2 m + 1 of 65,536 that lies further out on that side.
    The quantile is a parabola in each octave of v: with e = floor(log2 v) and t = v / 2**e it is (a t + b) t + c, whose
    coefficients are column e of the table. In float32, each product and sum rounded by itself. It is within 0.0025 of
    the normal quantile, and never further out than 4.33.
    """
    share = ((bits & np.uint16(0x7FFF)).astype(np.int32) * 2 + 1).astype(np.float32)
    mantissa, exponent = np.frexp(share)
    t = mantissa * np.float32(2)
    a, b, c = gaussian_table()[:, exponent - 1]
    magnitude = (a * t + b) * t + c
    signed: NDArray[np.float32] = np.where(bits >> np.uint16(15), -magnitude, magnitude)
    return signed


@cache
def gaussian_table() -> NDArray[np.float32]:
    """(3, 16) float32, read-only: the parabolas of `gaussian_values`, which together have unit variance."""
    from statistics import NormalDist

    inverse = NormalDist().inv_cdf
    table = parabolas(lambda v: -inverse(v / 131072))
    z = on_parabolas(table)
    rounded: NDArray[np.float32] = (table / np.sqrt(np.mean(z**2))).astype(np.float32)
    rounded.flags.writeable = False
    return rounded


def parabolas(outside: Callable[[float], float]) -> NDArray[np.float64]:
    """(3, 16) coefficients of a function of the share v, one parabola an octave; see `gaussian_values`.

    Args:
        outside: the function, of v in 1 .. 65535.
    """
    table = np.zeros((3, 16))
    table[2, :2] = outside(1), outside(3)  # single shares
    table[1, 2] = 2 * (outside(7) - outside(5))
    table[2, 2] = outside(5) - table[1, 2] * 1.25
    low, middle, high = 1.0669873, 1.5, 1.9330127  # Chebyshev's nodes
    for octave in range(3, 16):
        at_low, at_middle, at_high = (outside(2**octave * t) for t in (low, middle, high))
        first, second = (at_middle - at_low) / (middle - low), (at_high - at_middle) / (high - middle)
        a = (second - first) / (high - low)
        b = first - a * (low + middle)
        table[:, octave] = a, b, at_low - (a * low + b) * low
    return table


def on_parabolas(table: NDArray[np.float64]) -> NDArray[np.float64]:
    """(32768,) values of the parabolas at all shares."""
    share = 2.0 * np.arange(32768) + 1
    octaves = np.frexp(share)[1] - 1
    t = share / 2.0**octaves
    a, b, c = table[:, octaves]
    values: NDArray[np.float64] = (a * t + b) * t + c
    return values


def __getattr__(name: str) -> Any:
    """GAUSSIAN_TABLE is made when first asked for."""
    if name == "GAUSSIAN_TABLE":
        return gaussian_table()
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
