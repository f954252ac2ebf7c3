"""Sounds that are one recording: their waveforms agree but for a shift, a gain and what codecs lose.

Candidates come from the spectrum over the whole sound, which does not know when something is heard; a candidate counts
if the waveforms themselves correlate at some shift, which those of two recordings of one word do not.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from covary.prove.duplicates import Pairs
from covary.resample import resample

Floats = NDArray[np.float32]

RATE = 4000  # Hz: speech and music have most of their energy below 2 kHz, and codecs keep it
SECONDS = 8.0  # of a sound that are compared, from its beginning
BANDS = 24
NEAREST = 6  # candidates for each sound
PROFILE_APART = 1.0  # nepers, root mean square over the bands
SAME = 0.85  # correlation of waveforms
OVERLAP = 0.6  # of the shorter sound that must lie in the longer one


def alike_sounds(waves: Sequence[NDArray[Any]], rates: Sequence[int]) -> Pairs:
    """(P, 2) pairs of places of sounds (channels, samples) that are near-duplicates."""
    short = [_short(wave, rate) for wave, rate in zip(waves, rates, strict=True)]
    heard = np.array([place for place, wave in enumerate(short) if wave.any()], dtype=np.int64)
    if len(heard) < 2:
        return np.empty((0, 2), dtype=np.int64)
    pairs = heard[_candidates(np.stack([_profile(short[i]) for i in heard.tolist()]))]
    kept = [_match(short[i], short[j]) >= SAME for i, j in pairs.tolist()]
    chosen: Pairs = pairs[np.array(kept, dtype=bool)]
    return chosen


def _short(wave: NDArray[Any], rate: int) -> Floats:
    """One channel at the common rate, its silent ends cut off."""
    mono: Floats = np.atleast_2d(wave)[:, : round((SECONDS + 2) * rate)].mean(0, dtype=np.float32)
    if rate != RATE:
        mono = resample(mono[None], rate / RATE, max(1, round(len(mono) * RATE / rate)))[0]
    mono = mono - mono.mean()
    loud = np.flatnonzero(np.abs(mono) > 0.02 * np.abs(mono).max(initial=0))
    return mono[loud[0] : loud[-1] + 1][: round(SECONDS * RATE)] if len(loud) else mono[:0]


def _profile(wave: Floats) -> Floats:
    """(BANDS,) level of each band against the others, in nepers."""
    power = np.square(np.abs(np.fft.rfft(wave, max(len(wave), 4 * RATE // 100))))
    edges = (np.geomspace(0.02, 1.0, BANDS + 1) * len(power)).astype(int).tolist()
    levels = np.array([power[low : max(high, low + 1)].sum() for low, high in pairwise(edges)])
    # What is 50 dB below the loudest band is noise of a codec, or of nothing.
    levels = 0.5 * np.log(np.maximum(levels, 1e-5 * levels.max()) + 1e-30)
    return np.asarray(levels - levels.mean(), dtype=np.float32)


def _candidates(profiles: Floats) -> Pairs:
    found = []
    squares = np.square(profiles).sum(1)
    for start in range(0, len(profiles), 1024):
        apart = squares[start : start + 1024, None] + squares - 2 * profiles[start : start + 1024] @ profiles.T
        apart[np.arange(len(apart)), np.arange(start, start + len(apart))] = np.inf
        near = np.argsort(apart, axis=1, kind="stable")[:, :NEAREST]
        rows = np.repeat(np.arange(start, start + len(apart)), near.shape[1])
        kept = np.take_along_axis(apart, near, 1).ravel() <= PROFILE_APART**2 * profiles.shape[1]
        found.append(np.stack([rows, near.ravel()], 1)[kept])
    return np.unique(np.sort(np.concatenate(found), axis=1), axis=0)


def _match(a: Floats, b: Floats) -> float:
    """The highest correlation of two waveforms over all shifts at which most of the shorter one is covered."""
    from scipy.fft import irfft, next_fast_len, rfft

    count = next_fast_len(len(a) + len(b) - 1, real=True)
    products = irfft(rfft(a, count) * np.conj(rfft(b, count)), count)
    # At lag l, a[l + i] meets b[i]; negative lags stand at the end.
    lags = np.arange(-len(b) + 1, len(a))
    first, last = np.maximum(lags, 0), np.minimum(lags + len(b), len(a))
    energy_a = np.concatenate([[0], np.cumsum(np.square(a, dtype=np.float64))])
    energy_b = np.concatenate([[0], np.cumsum(np.square(b, dtype=np.float64))])
    own = energy_a[last] - energy_a[first]
    other = energy_b[last - lags] - energy_b[first - lags]
    enough = last - first >= OVERLAP * min(len(a), len(b))
    enough &= (own > 0.3 * energy_a[-1]) | (other > 0.3 * energy_b[-1])
    match = np.abs(products[lags]) / np.sqrt(np.maximum(own * other, 1e-30))
    return float(match[enough].max(initial=0))
