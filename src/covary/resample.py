"""Sound at another speed: even resampling by soxr, and uneven resampling along a map of time."""

from __future__ import annotations

from functools import cache, lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from covary.plan.audio import Wave

_TAPS, _PHASES = 24, 512
_CHUNK = 16384


def resample(wave: Wave, ratio: float, length: int) -> Wave:
    """Even resampling, band-limited, by soxr's HQ setting; the first sample stays the first.

    Args:
        wave: (C, N) float32.
        ratio: input samples per output sample.
        length: samples to return; what soxr gives more is cut off, what it gives less is silence.
    """
    import soxr

    if ratio == 1 and length <= wave.shape[1]:
        return wave[:, :length]
    if not wave.shape[1]:
        return np.zeros((wave.shape[0], length), dtype=np.float32)
    # As two whole numbers where the ratio is one of small ones: soxr has a quicker way for these.
    numerator, denominator = _fraction(ratio)
    rows = [soxr.resample(np.ascontiguousarray(row), numerator, denominator, quality="HQ") for row in wave]
    if len(rows) == 1 and len(rows[0]) >= length:
        alone: Wave = rows[0][None, :length]
        return alone
    made = np.zeros((wave.shape[0], length), dtype=np.float32)
    for channel, row in enumerate(rows):
        count = min(len(row), length)
        made[channel, :count] = row[:count]
    return made


@lru_cache(maxsize=256)
def _fraction(ratio: float) -> tuple[float, float]:
    from fractions import Fraction

    near = Fraction(ratio).limit_denominator(48000)
    if abs(float(near) - ratio) < 1e-12 * ratio:
        return float(near.numerator), float(near.denominator)
    return ratio, 1.0


def resample_along(wave: Wave, pieces: NDArray[np.float64], length: int) -> Wave:
    """Uneven resampling: output sample j is the band-limited sound at the place to which the pieces map j.

    A windowed sinc of 24 taps (Kaiser, beta 9). Speeds up to a few percent from 1, as tapes and clocks have: where the
    speed is above 1 nothing is filtered out that would alias.

    Args:
        wave: (C, N) float32.
        pieces: (K, 4) connected pieces in the order of the output, see `TimeMap`.
        length: samples to return.
    """
    knots = pieces[pieces[:, 1] > pieces[:, 0]]
    outputs = np.append(knots[:, 0], knots[-1:, 1])
    inputs = np.append(knots[:, 2], knots[-1:, 3])
    before = _TAPS // 2 - 1
    padded = np.pad(wave, ((0, 0), (before, _TAPS + 1)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, _TAPS, axis=1)
    made = np.empty((wave.shape[0], length), dtype=np.float32)
    table = _sincs()
    for start in range(0, length, _CHUNK):
        stop = min(start + _CHUNK, length)
        position = np.clip(np.interp(np.arange(start, stop), outputs, inputs), 0, wave.shape[1])
        whole = position.astype(np.intp)
        phase = (position - whole) * _PHASES
        index = phase.astype(np.intp)
        part = (phase - index).astype(np.float32)[:, None]
        taps = table[index] * (1 - part) + table[index + 1] * part
        made[:, start:stop] = np.einsum("cnt,nt->cn", windows[:, whole], taps)
    return made


@cache
def _sincs() -> NDArray[Any]:
    """(phases + 1, taps) float32: windowed sincs for places from 0 to 1 behind tap taps / 2 - 1."""
    place = np.arange(_PHASES + 1)[:, None] / _PHASES
    distance = np.arange(_TAPS) - (_TAPS // 2 - 1) - place
    window = np.i0(9.0 * np.sqrt(np.maximum(1 - (distance / (_TAPS / 2)) ** 2, 0))) / np.i0(9.0)
    sincs = np.sinc(distance) * window
    made: NDArray[Any] = (sincs / sincs.sum(axis=1, keepdims=True)).astype(np.float32)
    made.flags.writeable = False
    return made
