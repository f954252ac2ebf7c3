"""Mel scales."""

from __future__ import annotations

import math
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

MelScale: TypeAlias = Literal["slaney", "htk"]
SCALES: tuple[MelScale, ...] = ("slaney", "htk")

_LINEAR = 200 / 3  # hertz per mel below the corner, in Slaney's scale
_CORNER = 1000.0
_STEP = math.log(6.4) / 27  # nepers per mel above it


def hertz_to_mel(hertz: Any, scale: str = "slaney") -> NDArray[np.float64]:
    """Mels of frequencies.

    "htk": 2595 log10(1 + f / 700) (O'Shaughnessy 1987, the HTK book). "slaney": straight up to 1 kHz, logarithmic above
    (Slaney 1998, "Auditory toolbox").
    """
    frequency = np.asarray(hertz, dtype=np.float64)
    if scale == "htk":
        return np.asarray(2595 * np.log10(1 + frequency / 700))
    above = _CORNER / _LINEAR + np.log(np.maximum(frequency, _CORNER) / _CORNER) / _STEP
    return np.where(frequency < _CORNER, frequency / _LINEAR, above)


def mel_to_hertz(mel: Any, scale: str = "slaney") -> NDArray[np.float64]:
    """Frequencies of mels, see `hertz_to_mel`."""
    mels = np.asarray(mel, dtype=np.float64)
    if scale == "htk":
        return np.asarray(700 * (10 ** (mels / 2595) - 1))
    corner = _CORNER / _LINEAR
    return np.where(mels < corner, mels * _LINEAR, _CORNER * np.exp(_STEP * (np.maximum(mels, corner) - corner)))


def mel_filters(
    rate: int,
    size: int,
    bands: int,
    low_hz: float = 0.0,
    high_hz: float | None = None,
    scale: MelScale = "slaney",
    area: bool = True,
) -> NDArray[np.float64]:
    """Triangular filters whose centres are evenly spaced in mels.

    Args:
        rate: samples per second.
        size: of the Fourier transform.
        bands: number of filters.
        low_hz, high_hz: lower edge of the first, upper edge of the last. Default: 0 and half of the rate.
        scale: of the mels.
        area: whether each filter has unit area (Slaney's normalisation); otherwise its peak is 1 (HTK's).

    Returns:
        (bands, size // 2 + 1) float64.
    """
    highest = rate / 2 if high_hz is None else high_hz
    ends = hertz_to_mel(np.array([low_hz, highest]), scale)
    edges = mel_to_hertz(np.linspace(ends[0], ends[1], bands + 2), scale)[:, None]
    frequency = np.arange(size // 2 + 1) * (rate / size)
    rising = (frequency - edges[:-2]) / (edges[1:-1] - edges[:-2])
    falling = (edges[2:] - frequency) / (edges[2:] - edges[1:-1])
    filters = np.maximum(0, np.minimum(rising, falling))
    if area:
        filters *= 2 / (edges[2:] - edges[:-2])
    return filters
