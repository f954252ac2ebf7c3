"""Designs of filters as second-order sections, (B, S, 6): b0, b1, b2, a0, a1, a2 of each.

The equalisers follow Bristow-Johnson's "Audio EQ cookbook", the passes Butterworth's design; both by the bilinear
transform with the frequency pre-warped. A frequency at or beyond 0.49 of the rate is beyond what the sound can hold.
"""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Numbers: TypeAlias = NDArray[Any]

HIGHEST = 0.49  # of the rate
_TWO_NOTCHES = (2**0.5 - 1) ** -0.5  # by how much narrower each of two notches is than the two together


def butterworth(cutoff_hz: Numbers, rate: Numbers, order: int, *, high: bool) -> Numbers:
    """Low-pass or high-pass of an even order: -3 dB at the cutoff, 6 dB per octave and order beyond.

    A low-pass beyond the highest frequency passes everything; a high-pass there keeps what is above 0.49 of the rate.
    """
    frequency = np.minimum(cutoff_hz / rate, HIGHEST)
    k = np.tan(np.pi * frequency)
    sections = []
    for index in range(order // 2):
        damping = 2 * np.cos(np.pi * (2 * index + 1) / (2 * order))
        one, two = np.ones_like(k), k * k
        numerator = (one, -2 * one, one) if high else (two, 2 * two, two)
        sections.append(
            np.stack([*numerator, one + damping * k + two, 2 * (two - one), one - damping * k + two], axis=1)
        )
    made: Numbers = np.stack(sections, axis=1)
    if not high:
        made[cutoff_hz / rate >= HIGHEST] = _NOTHING
    return made


def band_stop(centre_hz: Numbers, quality: Numbers, rate: Numbers) -> Numbers:
    """A notch: nothing is left of the centre, -3 dB at the edges of a band of centre / quality hertz.

    Two equal sections of -1.5 dB at the edges: the magnitude of one alone would have a sharp bend at the centre, and
    with zero phase ring for ever.
    """
    cosine, alpha = _warped(centre_hz, quality * _TWO_NOTCHES, rate)
    one = np.ones_like(alpha)
    section = _cookbook(centre_hz, rate, one, -2 * cosine, one, 1 + alpha, -2 * cosine, 1 - alpha)
    return np.concatenate([section, section], axis=1)


def peaking(centre_hz: Numbers, quality: Numbers, gain_db: Numbers, rate: Numbers) -> Numbers:
    """A bell: the gain at the centre, half of its decibels at the edges of a band of centre / quality hertz."""
    cosine, alpha = _warped(centre_hz, quality, rate)
    a = 10 ** (gain_db / 40)
    return _cookbook(
        centre_hz, rate, 1 + alpha * a, -2 * cosine, 1 - alpha * a, 1 + alpha / a, -2 * cosine, 1 - alpha / a
    )


def shelf(corner_hz: Numbers, quality: Numbers, gain_db: Numbers, rate: Numbers, *, high: bool) -> Numbers:
    """A shelf: the gain above (high) or below the corner, half of its decibels at the corner."""
    cosine, alpha = _warped(corner_hz, quality, rate)
    a = 10 ** (gain_db / 40)
    root = 2 * np.sqrt(a) * alpha
    sign = 1.0 if high else -1.0
    return _cookbook(
        corner_hz,
        rate,
        a * ((a + 1) + sign * (a - 1) * cosine + root),
        -sign * 2 * a * ((a - 1) + sign * (a + 1) * cosine),
        a * ((a + 1) + sign * (a - 1) * cosine - root),
        (a + 1) - sign * (a - 1) * cosine + root,
        sign * 2 * ((a - 1) - sign * (a + 1) * cosine),
        (a + 1) - sign * (a - 1) * cosine - root,
    )


_NOTHING = np.array([1.0, 0.0, 0.0, 1.0, 0.0, 0.0])


def _warped(frequency_hz: Numbers, quality: Numbers, rate: Numbers) -> tuple[Numbers, Numbers]:
    angle = 2 * np.pi * np.minimum(frequency_hz / rate, HIGHEST)
    return np.cos(angle), np.sin(angle) / (2 * quality)


def _cookbook(frequency_hz: Numbers, rate: Numbers, *coefficients: Numbers) -> Numbers:
    """One section of each sample; nothing where the frequency is beyond the sound's."""
    made = np.stack(np.broadcast_arrays(*coefficients), axis=1)
    beyond = frequency_hz / rate >= HIGHEST
    made = np.where(beyond[:, None], _NOTHING, made)
    return made[:, None]
