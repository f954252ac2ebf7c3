"""The oracle for sounds: float64, plain, slow. What the fast path draws is compared with it.

Filters run as recursions and convolutions in time, resampling sums sincs, the vocoder goes frame by frame and bin by
bin. What a plan calls by name (noise, shapers, functions) is called here too.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from covary.plan.audio import (
    AudioPlan,
    Channels,
    Clamp,
    Curve,
    Envelope,
    Filters,
    Gain,
    Level,
    Linear,
    Mixture,
    Part,
    Quantise,
    Shaper,
    TimeMap,
    pitch_of,
)
from covary.render.attacks import attack_bins, attack_gains, find_attacks, frame_places
from covary.render.cuts import cut, cut_with_fades
from covary.render.loudness import measured, rms, sounding_rms
from covary.render.vocoder import frame_length
from covary.waves import FULL_SCALE, as_wave

Signal: TypeAlias = NDArray[np.float64]

_ROOM = 3.0  # seconds of silence about a sound, for filters to ring
_SINC = 400  # samples either side that a resampled value looks at


def render_reference(plan: AudioPlan, waveforms: Sequence[NDArray[Any]]) -> list[Signal]:
    """Draw what was planned, as (channels, samples) float64 with full scale 1, neither rounded nor clipped.

    Args:
        plan: of B sounds.
        waveforms: B sounds, as for `covary.render.audio.render_audio`.
    """
    made = []
    for index, waveform in enumerate(waveforms):
        wave = as_wave(waveform, f"waveforms[{index}]")
        signal = wave.astype(np.float64) / FULL_SCALE[wave.dtype.name]
        rate = int(plan.rates[index])
        for step in plan.passes(index):
            if isinstance(step, Linear):
                signal = _linear(signal, rate, step.parts)
                continue
            signal = _pass(signal, rate, step)
            if isinstance(step.change, TimeMap):
                rate = int(step.change.rate[step.row])
        made.append(signal)
    return made


def _pass(signal: Signal, rate: int, part: Part) -> Signal:
    change, row = part.change, part.row
    if isinstance(change, TimeMap):
        return _moved(signal, rate, part)
    if isinstance(change, Envelope):
        return signal * _envelope(change.position[row], change.value[row], signal.shape[1], change.decibels)
    if isinstance(change, Level):
        now, target = measured(signal, rate, change.measure), float(change.target[row])
        idle = not math.isfinite(now) or (change.only_above and now <= target)
        return signal.copy() if idle else signal * 10 ** ((target - now) / 20)
    if isinstance(change, Mixture):
        other = change.make(signal.shape[0], signal.shape[1], rate, **change.parameters[row])
        if other is None or not signal.size:
            return signal.copy()
        other = other.astype(np.float64)
        level, there = float(change.level[row]), sounding_rms(other)
        if change.unit != "factor":
            wanted = rms(signal) * 10 ** (-level / 20) if change.unit == "snr_db" else 10 ** (level / 20)
            level = wanted / there if there else 0.0
        return np.asarray(signal + level * other)
    if isinstance(change, Channels):
        return np.asarray(change.matrices[row] @ signal)
    if isinstance(change, Clamp):
        return np.clip(signal, change.low[row], change.high[row])
    if isinstance(change, Quantise):
        half = 2.0 ** (change.bits[row] - 1)
        return np.asarray(np.clip(np.rint(signal * half), -half, half - 1) / half)
    single = signal.astype(np.float32)
    if isinstance(change, Shaper):
        return change.function(single, **change.parameters[row]).astype(np.float64)
    called: Signal = change.function(single, rate, **change.parameters[row]).astype(np.float64)
    return called


def _envelope(position: Signal, value: Signal, length: int, decibels: bool) -> Signal:
    """The factor at each sample; of two knots at one place the later counts from there on."""
    factor = np.empty(length)
    for sample in range(length):
        after = int(np.searchsorted(position, sample, side="right"))
        if after == 0 or after == len(position):
            factor[sample] = value[min(after, len(position) - 1)]
        else:
            share = (sample - position[after - 1]) / (position[after] - position[after - 1])
            factor[sample] = value[after - 1] + share * (value[after] - value[after - 1])
    return np.asarray(10 ** (factor / 20)) if decibels else factor


def _linear(signal: Signal, rate: int, parts: Sequence[Part]) -> Signal:
    """Each part by itself, on the sound with silence about it, so that nothing is cut off before the end."""
    from scipy.signal import fftconvolve, sosfilt

    room = math.ceil(_ROOM * rate)
    length = signal.shape[1]
    wide = np.pad(signal, ((0, 0), (room, room)))
    for part in parts:
        change, row = part.change, part.row
        if isinstance(change, Gain):
            wide = wide * float(change.factor[row])
        elif isinstance(change, Filters) and not change.zero_phase:
            sections = change.sections[row] / change.sections[row][:, 3:4]
            wide = sosfilt(sections, wide, axis=1)
        elif isinstance(change, (Filters, Curve)):
            wide = np.fft.irfft(
                np.fft.rfft(wide, axis=1) * _magnitude(part, rate, wide.shape[1]), wide.shape[1], axis=1
            )
        else:
            taps, origin = change.make(rate, **change.parameters[row])
            taps = np.atleast_2d(np.asarray(taps, dtype=np.float64))
            wide = fftconvolve(wide, np.broadcast_to(taps, (len(wide), taps.shape[1])), axes=1)
            wide = wide[:, origin : origin + length + 2 * room]
    return wide[:, room : room + length]


def _magnitude(part: Part, rate: int, size: int) -> Signal:
    frequency = np.arange(size // 2 + 1) * (rate / size)
    if isinstance(part.change, Curve):
        return np.asarray(10 ** (np.interp(frequency, part.change.frequency, part.change.decibels[part.row]) / 20))
    z = np.exp(-2j * np.pi * frequency / rate)
    made = np.ones(len(z))
    for section in part.change.sections[part.row]:
        made *= np.abs(np.polyval(section[2::-1], z) / np.polyval(section[:2:-1], z))
    return made


def _moved(signal: Signal, rate: int, part: Part) -> Signal:
    change, row = part.change, part.row
    pieces, length = change.pieces[row], int(change.length[row])
    if change.how == "cut":
        fade = 0 if change.fade is None else int(change.fade[row])
        # Whole samples in their places: the same code, as there is nothing to approximate.
        return np.array(cut(signal, pieces, length) if fade == 0 else cut_with_fades(signal, pieces, length, fade))
    used = pieces[pieces[:, 1] > pieces[:, 0]]
    outputs, inputs = np.append(used[:, 0], used[-1:, 1]), np.append(used[:, 2], used[-1:, 3])
    if change.how in ("resample", "wobble"):
        ratio = float((inputs[-1] - inputs[0]) / (outputs[-1] - outputs[0])) if change.how == "resample" else 1.0
        return summed(signal, np.interp(np.arange(length), outputs, inputs), ratio)
    ratio = pitch_of(part) * rate / int(change.rate[row])
    slope = float((inputs[-1] - inputs[0]) / (outputs[-1] - outputs[0]))
    stretched = stretched_plainly(signal, slope / ratio, math.ceil(length * ratio), rate)
    return summed(stretched, np.arange(length) * ratio, ratio)


def summed(signal: Signal, places: NDArray[Any], ratio: float) -> Signal:
    """The band-limited signal at some places, by sums of windowed sincs; low-passed where `ratio` is above 1."""
    cutoff = 1 / max(ratio, 1.0)
    made = np.zeros((signal.shape[0], len(places)))
    for index, place in enumerate(places):
        first = max(0, math.ceil(place - _SINC * max(ratio, 1.0)))
        last = min(signal.shape[1], math.floor(place + _SINC * max(ratio, 1.0)) + 1)
        distance = np.arange(first, last) - place
        window = 0.5 + 0.5 * np.cos(np.pi * distance / (_SINC * max(ratio, 1.0) + 1))
        made[:, index] = signal[:, first:last] @ (cutoff * np.sinc(cutoff * distance) * window)
    return made


def stretched_plainly(signal: Signal, tempo: float, length: int, rate: int) -> Signal:
    """The phase vocoder of `covary.render.vocoder`, without formants, one frame and one peak at a time."""
    size = frame_length(rate)
    hop = size // 4
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(size) / size)
    attacks = find_attacks(signal.astype(np.float32), tempo, rate, size)
    at, places = frame_places(attacks, tempo, size, length, signal.shape[1])
    fresh = attack_bins(signal.astype(np.float32), attacks, at, size)
    gains = attack_gains(attacks, at, places, size)
    whole = np.ones(size + hop)
    made = np.zeros((signal.shape[0], length + 8 * size))

    def spectrum(place: int, gain: NDArray[np.floating[Any]]) -> NDArray[np.complex128]:
        frame = np.zeros((signal.shape[0], size))
        first, last = max(0, place - size // 2), min(signal.shape[1], place + size // 2)
        if last > first:
            frame[:, first - place + size // 2 : last - place + size // 2] = signal[:, first:last]
        return np.fft.rfft(frame * gain * window, axis=1)

    rotation = np.ones(size // 2 + 1, dtype=np.complex128)
    previous, before = spectrum(0, whole[hop:]), 0
    for index, (out, place) in enumerate(zip(at.tolist(), places.tolist(), strict=True)):
        gain = gains.get(index, whole)
        now = spectrum(place, gain[hop:])
        if index and place - before != hop:
            turn = np.sum(previous * np.conj(spectrum(place - hop, gain[:size])), axis=0)
            turn = np.where(np.abs(turn) < 1e-30, 1, turn / np.maximum(np.abs(turn), 1e-30))
            rotation = (rotation * turn)[_nearest_peaks(np.sum(np.abs(now) ** 2, axis=0))]
        if index in fresh:
            rotation = np.where(fresh[index], 1, rotation)
        start = out - size // 2 + 4 * size
        if start >= 0 and start + size <= made.shape[1]:
            made[:, start : start + size] += np.fft.irfft(now * rotation, size, axis=1) * window / 1.5
        previous, before = now, place
    return made[:, 4 * size : 4 * size + length]


def _nearest_peaks(power: Signal) -> NDArray[np.intp]:
    count = len(power)
    peaks = [
        k
        for k in range(2, count - 2)
        if power[k] > power[k - 1] and power[k] > power[k - 2] and power[k] >= power[k + 1] and power[k] >= power[k + 2]
    ]
    if not peaks:
        return np.arange(count)
    return np.array([min(peaks, key=lambda peak: (abs(peak - k), peak)) for k in range(count)])
