"""What becomes of single values: cut off, or rounded to few levels."""

from __future__ import annotations

import numpy as np

from covary.plan.audio import Wave
from covary.render.buffers import empty

_CHUNK = 1 << 16  # samples


def clamped(wave: Wave, low: float, high: float) -> Wave:
    """The wave between two values."""
    made: Wave = np.clip(wave, np.float32(low), np.float32(high), out=empty(wave.shape, np.float32))
    return made


def quantised(wave: Wave, bits: int) -> Wave:
    """The wave on 2**bits levels from -1 to just below 1."""
    half = np.float32(2 ** (bits - 1))
    made: Wave = empty(wave.shape, np.float32)
    # So much at a time as stays in the cache.
    for start in range(0, wave.shape[1], _CHUNK):
        part = made[:, start : start + _CHUNK]
        np.multiply(wave[:, start : start + _CHUNK], half, out=part)
        np.rint(part, out=part)
        np.clip(part, -half, half - 1, out=part)
        part *= 1 / half  # a power of two: as exact as the division
    return made
