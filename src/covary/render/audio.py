"""The fast path: passes over sounds, float32, one sample at a time, so that no sample's bytes depend on its batch."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from covary.plan.audio import (
    KINDS,
    AudioPlan,
    Channels,
    Clamp,
    Envelope,
    Kind,
    Level,
    Linear,
    Mixture,
    Part,
    Pass,
    Quantise,
    Shaper,
    TimeMap,
    Wave,
    kind_of,
    pitch_of,
)
from covary.render.buffers import empty
from covary.render.cuts import cut, cut_with_fades
from covary.render.loudness import measured, rms, sounding_rms
from covary.render.response import apply_linear
from covary.render.shapes import clamped, quantised
from covary.waves import as_wave, like_given, to_dtype, to_float


def render_audio(plan: AudioPlan, waveforms: Sequence[NDArray[Any]], threads: int = 1) -> list[NDArray[Any]]:
    """Draw what was planned.

    Args:
        plan: of B sounds.
        waveforms: B arrays (samples,) or (channels, samples) of the planned lengths, in float32, float64, int16 or
            int32.
        threads: cores to use.

    Returns:
        B new arrays of the same form and dtype. Computed in float32, but that cuts move the values as they are.

    Raises:
        TypeError, ValueError: a sound is not what was planned, or no sound; the message names it.
    """
    return [wave for wave, _ in render_with(plan, waveforms, [{} for _ in waveforms], threads)]


def render_with(
    plan: AudioPlan,
    waveforms: Sequence[NDArray[Any]],
    companions: Sequence[Mapping[str, tuple[NDArray[Any], Sequence[Kind]]]],
    threads: int = 1,
) -> list[tuple[NDArray[Any], dict[str, NDArray[Any]]]]:
    """As `render_audio`, with further waveforms that belong to a sound, such as the clean target of a noisy input.

    Args:
        plan, waveforms, threads: as for `render_audio`.
        companions: of each sound, by name: a waveform of the same length and rate, and the kinds of change that it
            takes
            part in: "time" (every move in time), "level" (gains, among them those measured on the sound itself, and
            channels), "filter" (filters and impulse responses), "add" (noise and other sounds), "shape" (the rest). Of
            what a companion takes part in, it gets exactly what the sound got.

    Returns:
        B pairs: the sound, and its companions by name.
    """
    if len(waveforms) != plan.count:
        raise ValueError(f"{len(waveforms)} waveforms for a plan of {plan.count}")
    waves = [as_wave(value, f"waveforms[{index}]") for index, value in enumerate(waveforms)]
    for index, (wave, length) in enumerate(zip(waves, plan.lengths.tolist(), strict=True)):
        _check_length(wave, length, f"waveforms[{index}]")
    return draw_checked(plan, range(plan.count), waveforms, waves, companions, threads)


def draw_checked(
    plan: AudioPlan,
    rows: Sequence[int],
    given: Sequence[NDArray[Any]],
    waves: Sequence[NDArray[Any]],
    companions: Sequence[Mapping[str, tuple[NDArray[Any], Sequence[Kind]]]],
    threads: int,
) -> list[tuple[NDArray[Any], dict[str, NDArray[Any]]]]:
    """As `render_with`, for some of the planned sounds, of which `waves` are what `as_wave` made.

    Args:
        plan: of more sounds.
        rows: which of them these are.
        given, waves, companions: of these.
        threads: cores to use.
    """

    def one(index: int) -> tuple[NDArray[Any], dict[str, NDArray[Any]]]:
        row = rows[index]
        passes, rate = plan.passes(row), int(plan.rates[row])
        factors: dict[int, float] = {}
        sound = _drawn(waves[index], given[index], rate, passes, KINDS, factors)
        others = {}
        for name, (value, kinds) in companions[index].items():
            wave = as_wave(value, f"{name}[{row}]")
            _check_length(wave, int(plan.lengths[row]), f"{name}[{row}]")
            others[name] = _drawn(wave, value, rate, passes, kinds, factors)
        return sound, others

    if threads <= 1 or len(waves) <= 1:
        return [one(index) for index in range(len(waves))]
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(min(threads, len(waves))) as pool:
        return list(pool.map(one, range(len(waves))))


def _check_length(wave: NDArray[Any], length: int, field: str) -> None:
    if wave.shape[1] != length:
        raise ValueError(f"{field} has {wave.shape[1]} samples; planned are {length}")


def _drawn(
    wave: NDArray[Any],
    given: NDArray[Any],
    rate: int,
    passes: Sequence[Pass],
    kinds: Sequence[Kind],
    factors: dict[int, float],
) -> NDArray[Any]:
    """One sound as new memory, in the form and dtype of what was given."""
    made = _draw(wave, rate, passes, kinds, factors)
    if made.dtype != wave.dtype:
        made = to_dtype(made, wave.dtype)
    if not made.flags.c_contiguous or np.may_share_memory(made, given):
        made = _copied(made)
    return like_given(made, given)


def _draw(
    wave: NDArray[Any], rate: int, passes: Sequence[Pass], kinds: Sequence[Kind], factors: dict[int, float]
) -> NDArray[Any]:
    """All passes of one sound, those of other kinds left out. `factors` remembers what was measured on the first sound
    (by the pass's index), so that its companions get the same."""
    for index, step in enumerate(passes):
        if isinstance(step, Linear):
            parts = step.parts
            if kinds is not KINDS:
                parts = tuple(part for part in parts if kind_of(part.change) in kinds)
            if parts:
                wave = apply_linear(to_float(wave), rate, parts)
            continue
        change, row = step.change, step.row
        kind = kind_of(change)
        if isinstance(change, TimeMap):
            if kind in kinds:
                wave = _moved(wave, rate, step)
                rate = int(change.rate[row])
        elif kind not in kinds:
            continue
        elif isinstance(change, Level):
            wave = to_float(wave)
            if index not in factors:
                factors[index] = _levelling(wave, rate, change, row)
            wave = np.multiply(wave, np.float32(factors[index]), out=empty(wave.shape, np.float32))
        elif isinstance(change, Mixture):
            wave = _mixed(to_float(wave), rate, step, index, factors)
        elif isinstance(change, Envelope):
            wave = enveloped(to_float(wave), change.position[row], change.value[row], change.decibels)
        elif isinstance(change, Channels):
            matrix = change.matrices[row]
            if matrix.shape[1] != wave.shape[0]:
                raise ValueError(f"a channel matrix is for {matrix.shape[1]} channels, the sound has {wave.shape[0]}")
            wave = rechannelled(wave, matrix)
        elif isinstance(change, Clamp):
            wave = clamped(to_float(wave), float(change.low[row]), float(change.high[row]))
        elif isinstance(change, Quantise):
            wave = quantised(to_float(wave), int(change.bits[row]))
        elif isinstance(change, Shaper):
            wave = change.function(to_float(wave), **change.parameters[row])
        else:
            wave = change.function(to_float(wave), rate, **change.parameters[row])
    return wave


def _copied(wave: NDArray[Any]) -> NDArray[Any]:
    made = empty(wave.shape, wave.dtype)
    made[...] = wave
    return made


def _moved(wave: NDArray[Any], rate: int, part: Part) -> NDArray[Any]:
    change, row = part.change, part.row
    pieces, length = change.pieces[row], int(change.length[row])
    if change.how == "cut":
        fade = 0 if change.fade is None else int(change.fade[row])
        return cut(wave, pieces, length) if fade == 0 else cut_with_fades(to_float(wave), pieces, length, fade)
    from covary.resample import resample, resample_along

    if change.how == "wobble":
        return resample_along(to_float(wave), pieces, length)
    out0, out1, in0, in1 = pieces[0].tolist()
    slope = (in1 - in0) / (out1 - out0) if out1 > out0 else 1.0
    if change.how == "resample":
        return wave if slope == 1 and length == wave.shape[1] else resample(to_float(wave), slope, length)
    ratio = pitch_of(part) * rate / int(change.rate[row])
    tempo = slope / ratio
    between = length if ratio == 1 else math.ceil(length * ratio)
    wave = to_float(wave)
    up = 1 / ratio if change.formants else 1.0
    if abs(tempo - 1) < 1e-9 and up == 1:
        return resample(wave, ratio, length) if ratio != 1 else wave[:, :length]
    if change.engine == "signalsmith":
        from covary.render import signalsmith

        wave = signalsmith.stretch(wave, tempo, between, rate)
    else:
        from covary.render import vocoder

        wave = vocoder.stretch(wave, tempo, between, rate, up)
    return wave if ratio == 1 else resample(wave, ratio, length)


def _levelling(wave: Wave, rate: int, change: Level, row: int) -> float:
    now, target = measured(wave, rate, change.measure), float(change.target[row])
    if not math.isfinite(now) or (change.only_above and now <= target):
        return 1.0
    return float(10 ** ((target - now) / 20))


def _mixed(wave: Wave, rate: int, part: Part, index: int, factors: dict[int, float]) -> Wave:
    change, row = part.change, part.row
    other = change.make(wave.shape[0], wave.shape[1], rate, **change.parameters[row])
    if other is None or not wave.size:
        return wave
    if index not in factors:
        factors[index] = _mixing(wave, other, change, row)
    factor = np.float32(factors[index])
    if other.shape != wave.shape:
        other = np.broadcast_to(other, wave.shape).copy()
    # What is added was made for this call alone, so its memory serves for the result.
    other *= factor
    other += wave
    made: Wave = other
    return made


def _mixing(wave: Wave, other: Wave, change: Mixture, row: int) -> float:
    level = float(change.level[row])
    if change.unit == "factor":
        return level
    there = sounding_rms(other)
    if there == 0:
        return 0.0
    wanted = rms(wave) * 10 ** (-level / 20) if change.unit == "snr_db" else 10 ** (level / 20)
    return float(wanted / there)


def enveloped(wave: Wave, position: NDArray[np.float64], value: NDArray[np.float64], decibels: bool) -> Wave:
    """The wave times a gain that goes in straight lines from knot to knot, see `Envelope`."""
    length = wave.shape[1]
    made = _copied(wave)
    places = [-math.inf, *position.tolist(), math.inf]
    values = [value[0].item(), *value.tolist(), value[-1].item()]
    scale = math.log(10) / 20
    for p0, p1, v0, v1 in zip(places, places[1:], values, values[1:], strict=False):
        start, stop = math.ceil(min(max(p0, 0), length)), math.ceil(min(max(p1, 0), length))
        if stop <= start or v0 == v1 == (0 if decibels else 1):
            continue
        if v0 == v1:
            made[:, start:stop] *= np.float32(math.exp(v0 * scale) if decibels else v0)
            continue
        ramp = v0 + (np.arange(start, stop) - p0) * ((v1 - v0) / (p1 - p0))
        made[:, start:stop] *= (np.exp(ramp * scale) if decibels else ramp).astype(np.float32)
    return made


def rechannelled(wave: NDArray[Any], matrix: NDArray[np.floating[Any]]) -> NDArray[Any]:
    """The channels mixed by a (channels out, channels in) matrix; copies of channels keep their dtype and values."""
    if ((matrix == 0) | (matrix == 1)).all() and (np.count_nonzero(matrix, axis=1) <= 1).all():
        made = np.zeros((len(matrix), wave.shape[1]), dtype=wave.dtype)
        for channel, weights in enumerate(matrix):
            for source in np.flatnonzero(weights):
                made[channel] = wave[source]
        return made
    wave = to_float(wave)
    mixed = np.zeros((len(matrix), wave.shape[1]), dtype=np.float32)
    for channel, row in enumerate(matrix.tolist()):
        for index, weight in enumerate(row):
            if weight:
                mixed[channel] += np.float32(weight) * wave[index]
    return mixed
