"""How loud a sound is: peak, root mean square, and programme loudness by ITU-R BS.1770-4."""

from __future__ import annotations

import math
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from covary.render.recursion import recursed_energy

Signal: TypeAlias = NDArray[np.floating[Any]]

_ROW = 1024  # samples
_BLOCK, _OVERLAP = 0.4, 0.75  # seconds of a gating block, and how far blocks overlap
_SILENT, _SILENT_RUN = 1e-4, 32  # of the peak; samples
_ABSOLUTE, _RELATIVE = -70.0, -10.0  # the gates, in LUFS and LU


def energy(wave: Signal) -> float:
    """The sum of all squares, in rows that keep single precision exact enough for sounds of any length."""
    # Not by BLAS, whose sums depend on how many threads there are.
    flat = wave.reshape(-1)
    whole = len(flat) // _ROW * _ROW
    rows = flat[:whole].reshape(-1, _ROW)
    rest = flat[whole:]
    sums = np.einsum("ij,ij->i", rows, rows)
    return float(np.add.reduce(sums, dtype=np.float64)) + float(np.einsum("i,i->", rest, rest))


def rms(wave: Signal) -> float:
    """The root mean square of all channels together; 0 for an empty sound."""
    return math.sqrt(energy(wave) / wave.size) if wave.size else 0.0


def peak(wave: Signal) -> float:
    """The largest magnitude; 0 for an empty sound."""
    return max(float(wave.max()), -float(wave.min())) if wave.size else 0.0


def sounding_rms(wave: Signal) -> float:
    """As `rms`, leaving out silence: 32 samples and more in a row that are 80 dB and more below the peak."""
    if not wave.size:
        return 0.0
    if len(wave) == 1 and _sounds_throughout(wave[0]):
        return rms(wave)
    loud = np.abs(wave) if len(wave) == 1 else np.abs(wave).max(axis=0, keepdims=True)
    highest = float(loud.max())
    if highest == 0:
        return 0.0
    places = np.flatnonzero(loud[0] > _SILENT * highest)
    edges = np.concatenate([[-1], places, [wave.shape[1]]])
    gaps = np.diff(edges) - 1
    sounding = wave.shape[1] - int(gaps[gaps >= _SILENT_RUN].sum())
    return rms(wave) * math.sqrt(wave.shape[1] / sounding)


def _sounds_throughout(row: Signal) -> bool:
    """Whether there is surely no run of silence: a quick look at half runs that spares most sounds the long one."""
    half = _SILENT_RUN // 2
    runs = row[: len(row) // half * half].reshape(-1, half)
    powers = np.einsum("ij,ij->i", runs, runs)
    # A run holds a sample above the threshold if its power is above that of a run of them; the peak's is at most the
    # highest power of a run.
    return len(runs) > 0 and bool(powers.min() > half * _SILENT**2 * powers.max())


def measured(wave: Signal, rate: int, measure: Literal["peak", "rms", "lufs"]) -> float:
    """The level in dB re full scale ("peak", "rms") or in LUFS; minus infinity for silence."""
    if measure == "lufs":
        return loudness_lufs(wave, rate)
    value = peak(wave) if measure == "peak" else rms(wave)
    return 20 * math.log10(value) if value > 0 else -math.inf


def loudness_lufs(wave: Signal, rate: int) -> float:
    """Integrated programme loudness by ITU-R BS.1770-4, both gates included.

    All channels count alike, as left, right and centre do; of five channels or more the fourth and fifth count 1.41,
    and of six the fourth (low frequency effects) counts nothing, in the order L, R, C, (LFE,) Ls, Rs. A sound shorter
    than one block of 400 ms is measured as one block.

    Args:
        wave: (C, N) float.
        rate: samples per second.

    Returns:
        LUFS; minus infinity where nothing passes the gates.
    """
    channels, length = wave.shape
    if not length:
        return -math.inf
    block = min(max(round(_BLOCK * rate), 1), length)
    step = _BLOCK * (1 - _OVERLAP) * rate
    starts = np.rint(np.arange(int((length - block) / step) + 1) * step).astype(np.int64)
    stops = np.minimum(starts + block, length)
    edges = np.unique(np.concatenate([starts, stops]))
    between = _weights(channels) @ recursed_energy(wave, k_weighting(rate), edges)
    total = np.concatenate([[0.0], np.cumsum(between)])
    mean = (total[np.searchsorted(edges, stops)] - total[np.searchsorted(edges, starts)]) / block
    above = mean[mean > _energy(_ABSOLUTE)]
    if not above.size:
        return -math.inf
    above = above[above > above.mean() * 10 ** (_RELATIVE / 10)]
    return -0.691 + 10 * math.log10(float(above.mean()))


def _energy(lufs: float) -> float:
    return float(10 ** ((lufs + 0.691) / 10))


def _weights(channels: int) -> NDArray[np.float64]:
    weights = np.ones(channels)
    if channels == 5:
        weights[3:] = 1.41
    elif channels == 6:
        weights[3:] = 0.0, 1.41, 1.41
    return weights


def k_weighting(rate: int) -> NDArray[np.float64]:
    """(2, 6) second-order sections of the K weighting: the standard's two filters at 48 kHz, carried to any rate.

    The standard gives coefficients at 48 kHz only. These follow from the analogue filters behind them (a high shelf at
    1682 Hz and a high-pass at 38 Hz) by the bilinear transform, and at 48 kHz equal the printed ones.
    """
    k = math.tan(math.pi * 1681.974450955533 / rate)
    q, gain = 0.7071752369554196, 10 ** (3.999843853973347 / 20)
    middle = gain**0.4996667741545416
    a0 = 1 + k / q + k * k
    shelf = [
        (gain + middle * k / q + k * k) / a0,
        2 * (k * k - gain) / a0,
        (gain - middle * k / q + k * k) / a0,
        1.0,
        2 * (k * k - 1) / a0,
        (1 - k / q + k * k) / a0,
    ]
    k = math.tan(math.pi * 38.13547087602444 / rate)
    q = 0.5003270373238773
    a0 = 1 + k / q + k * k
    high = [1.0, -2.0, 1.0, 1.0, 2 * (k * k - 1) / a0, (1 - k / q + k * k) / a0]
    return np.array([shelf, high])
