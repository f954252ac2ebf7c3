"""The kinds of change an audio operation can describe, and how neighbours fuse.

A change is plain data with a leading batch axis: row b describes what happens to sample b. Positions are continuous and
counted in samples: sample i covers [i, i + 1). Values are floating, full scale is 1.

A sample's passes depend on what happens to that sample alone, never on its batch. In them

- whole-sample cuts compose into one cut, resamplings into one resampling, stretches (and resamplings beside them) into
  one stretch, so that sound is interpolated once;
- filters, curves, impulse responses and gains that stand together multiply into one frequency response, applied once;
- everything else is a pass of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from covary.plan.changes import Bools, Floats, Ints

Wave: TypeAlias = NDArray[np.float32]
Kind: TypeAlias = Literal["time", "level", "filter", "add", "shape"]
KINDS: tuple[Kind, ...] = ("time", "level", "filter", "add", "shape")
Engine: TypeAlias = Literal["vocoder", "signalsmith"]
How: TypeAlias = Literal["cut", "resample", "stretch", "wobble"]


@dataclass(frozen=True, slots=True, eq=False)
class TimeMap:
    """A piecewise-linear map of time: output position -> input position.

    Attributes:
        pieces: (B, K, 4) float64: output start and end (in samples of the output), input start and end (in samples of
            the input) of each straight piece; the input runs backwards where its end is before its start. A piece
            whose output is empty counts for nothing. Output that no piece covers is silent.
        length: (B,) int64 samples of the output.
        rate: (B,) int64 samples per second of the output.
        how: what the sound does. "cut": whole samples move, one for one. "resample": one piece, speed and pitch change
            together. "stretch": one piece, by a phase vocoder, then resampled where pitch and rate ask for it.
            "wobble": connected pieces of any slopes, each output sample interpolated at its place.
        pitch: (B,) factor on all frequencies in hertz; None for 1 ("wobble": it varies about 1).
        fade: (B,) samples over which the edges between pieces are cross-faded; None for 0. For "cut" only.
        formants: whether a "stretch" that shifts the pitch leaves the spectral envelope in its place.
        engine: of a "stretch": our own "vocoder", or "signalsmith" (python-stretch), which knows no formants.
    """

    pieces: Floats
    length: Ints
    rate: Ints
    how: How = "cut"
    pitch: Floats | None = None
    fade: Ints | None = None
    formants: bool = False
    engine: Engine = "vocoder"


@dataclass(frozen=True, slots=True, eq=False)
class Gain:
    """A constant factor.

    Attributes:
        factor: (B,) linear.
    """

    factor: Floats


@dataclass(frozen=True, slots=True, eq=False)
class Envelope:
    """A gain that changes with time, in straight lines between knots; the outermost factors hold beyond them.

    Attributes:
        position: (B, K) ascending positions in samples; two equal ones make a step.
        value: (B, K) factors at the knots, or decibels.
        decibels: whether values are decibels, and the lines straight in decibels.
    """

    position: Floats
    value: Floats
    decibels: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Filters:
    """A cascade of second-order sections.

    Attributes:
        sections: (B, S, 6) float64: b0, b1, b2, a0, a1, a2 of each.
        zero_phase: True applies the sections' magnitude alone: nothing is delayed. False is the causal filter.
    """

    sections: Floats
    zero_phase: bool = True


@dataclass(frozen=True, slots=True, eq=False)
class Curve:
    """A zero-phase magnitude response, straight in decibels between knots; the outermost values hold beyond them.

    Attributes:
        frequency: (F,) ascending, in hertz.
        decibels: (B, F).
        reach: seconds over which the response may ring, either way.
    """

    frequency: Floats
    decibels: Floats
    reach: float = 0.05


@dataclass(frozen=True, slots=True, eq=False)
class Impulse:
    """Convolution with an impulse response. The length stays: what rings on beyond the end is cut off.

    Attributes:
        make: called as make(rate, **parameters); returns the response, (L,) or (C, L) floating, and the index in it
            that stands for no delay. Called when the sound is rendered; it must depend on its arguments alone.
        parameters: one dict per sample.
        recurring: whether the same parameters (which must then be hashable) are likely to come again.
    """

    make: Callable[..., tuple[NDArray[Any], int]]
    parameters: tuple[dict[str, Any], ...]
    recurring: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Mixture:
    """Another sound is added.

    Attributes:
        make: called as make(channels, length, rate, **parameters); returns a new array of (1, length) or (channels,
            length) float32, or None to add nothing. Called when the sound is rendered; it must depend on its arguments
            alone.
        parameters: one dict per sample.
        level: (B,) in the unit that `unit` says.
        unit: "factor": what is added is multiplied by it. "rms_db": its root mean square is that many dB re full scale.
            "snr_db": the root mean square of the sound so far is that many dB above it. The root mean square of
            what is added leaves its own silence out (exact zeros).
    """

    make: Callable[..., Wave | None]
    parameters: tuple[dict[str, Any], ...]
    level: Floats
    unit: Literal["factor", "rms_db", "snr_db"] = "factor"


@dataclass(frozen=True, slots=True, eq=False)
class Level:
    """A gain that is measured on the sound as it stands here. Silence is left as it is.

    Attributes:
        target: (B,) dB re full scale for "peak" and "rms", LUFS for "lufs".
        measure: "peak", "rms" (of all channels together) or "lufs" (ITU-R BS.1770-4, gated).
        only_above: whether only sounds above the target are changed.
    """

    target: Floats
    measure: Literal["peak", "rms", "lufs"]
    only_above: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Channels:
    """Channels are mixed anew.

    Attributes:
        matrices: one (channels out, channels in) float array per sample.
    """

    matrices: tuple[Floats, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Clamp:
    """Values beyond two are cut off.

    Attributes:
        low, high: (B,) the least and the greatest value.
    """

    low: Floats
    high: Floats


@dataclass(frozen=True, slots=True, eq=False)
class Quantise:
    """Values are rounded to 2**bits levels from -1 to just below 1, and cut off beyond.

    Attributes:
        bits: (B,) int64, 1 to 24.
    """

    bits: Ints


@dataclass(frozen=True, slots=True, eq=False)
class Shaper:
    """A function of each value by itself, the same at every time.

    Attributes:
        function: called as function(wave, **parameters) with (C, N) float32; returns a new array of that shape.
        parameters: one dict per sample.
    """

    function: Callable[..., Wave]
    parameters: tuple[dict[str, Any], ...]


@dataclass(frozen=True, slots=True, eq=False)
class Function:
    """A function of the whole sound, for what no other kind can say. It moves nothing in time.

    Attributes:
        function: called as function(wave, rate, **parameters) with (C, N) float32; returns a new array of that shape.
        parameters: one dict per sample.
    """

    function: Callable[..., Wave]
    parameters: tuple[dict[str, Any], ...]


Response: TypeAlias = Filters | Curve | Impulse
AudioChange: TypeAlias = (
    TimeMap
    | Gain
    | Envelope
    | Filters
    | Curve
    | Impulse
    | Mixture
    | Level
    | Channels
    | Clamp
    | Quantise
    | Shaper
    | Function
)


def kind_of(change: Any) -> Kind:
    """To which kind a change belongs, for companions that take part in some kinds only."""
    if isinstance(change, TimeMap):
        return "time"
    if isinstance(change, (Gain, Envelope, Level, Channels)):
        return "level"
    if isinstance(change, Mixture):
        return "add"
    return "shape" if isinstance(change, (Clamp, Quantise, Shaper, Function)) else "filter"


@dataclass(frozen=True, slots=True, eq=False)
class AudioStep:
    """A change and the samples it touches (None: all of them)."""

    change: Any
    active: Bools | None


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """One sample's row of a change."""

    change: Any
    row: int


@dataclass(frozen=True, slots=True, eq=False)
class Linear:
    """Gains and responses that are applied as one."""

    parts: tuple[Part, ...]


Pass: TypeAlias = Part | Linear


@dataclass(frozen=True, eq=False)
class AudioPlan:
    """What will happen to B sounds.

    Attributes:
        lengths, rates: (B,) int64 of the sources: samples, and samples per second.
        final_lengths, final_rates: (B,) int64 of the results.
        steps: what was described, in order: objects with a `change` and the `active` samples.
        first: the row of the steps that is the first sound's.
        fuse: whether neighbouring changes become one pass.
        excerpts: the passes where they are others than those of the steps: for sources that are there in part.
        known: the passes of the sounds that were asked for.
    """

    lengths: Ints
    rates: Ints
    final_lengths: Ints
    final_rates: Ints
    steps: tuple[Any, ...]
    first: int = 0
    fuse: bool = True
    excerpts: tuple[tuple[Pass, ...], ...] | None = None
    known: dict[int, tuple[Pass, ...]] = field(default_factory=dict, init=False, repr=False)

    def passes(self, row: int) -> tuple[Pass, ...]:
        """Those of one sound, in order."""
        if self.excerpts is not None:
            return self.excerpts[row]
        made = self.known.get(row)
        if made is None:
            made = self.known[row] = _passes(self.steps, self.first + row, int(self.rates[row]), self.fuse)
        return made

    @property
    def count(self) -> int:
        """B, the number of sounds."""
        return len(self.lengths)

    def part(self, first: int, count: int) -> AudioPlan:
        """The plan of some of the sounds, neighbours."""
        rows = slice(first, first + count)
        return AudioPlan(
            self.lengths[rows],
            self.rates[rows],
            self.final_lengths[rows],
            self.final_rates[rows],
            self.steps,
            self.first + first,
            self.fuse,
            None if self.excerpts is None else self.excerpts[rows],
        )


def plan_audio(steps: Sequence[Any], lengths: Ints, rates: Ints, *, fuse: bool = True) -> AudioPlan:
    """Fuse the changes of each sample of a batch into passes.

    Args:
        steps: what was described, in order: objects with a `change` and the `active` samples.
        lengths: (B,) samples of the sources.
        rates: (B,) their samples per second.
        fuse: False gives every change a pass of its own.
    """
    final_lengths, final_rates = lengths, rates
    for step in steps:
        if isinstance(step.change, TimeMap):
            change, active = step.change, step.active
            final_lengths = change.length if active is None else np.where(active, change.length, final_lengths)
            final_rates = change.rate if active is None else np.where(active, change.rate, final_rates)
    return AudioPlan(lengths, rates, final_lengths, final_rates, tuple(steps), 0, fuse)


def _passes(steps: Sequence[Any], row: int, rate: int, fuse: bool) -> tuple[Pass, ...]:
    passes: list[Pass] = []
    rates = [rate]  # of the source and behind each map of time
    for step in steps:
        if step.active is not None and not step.active[row]:
            continue
        if isinstance(step.change, TimeMap):
            rates.append(int(step.change.rate[row]))
        change, part = step.change, Part(step.change, row)
        before = passes[-1] if passes and fuse else None
        if isinstance(change, TimeMap):
            joined = None
            if isinstance(before, Part) and isinstance(before.change, TimeMap):
                joined = _joined(before, part, rates)
            if joined is not None:
                passes[-1] = joined
            else:
                passes.append(part)
        elif isinstance(change, (Gain, Filters, Curve, Impulse)):
            if isinstance(before, Linear):
                passes[-1] = Linear((*before.parts, part))
            else:
                passes.append(Linear((part,)))
        else:
            passes.append(part)
    return tuple(passes)


def _joined(first: Part, second: Part, rates: Sequence[int]) -> Part | None:
    """The two maps as one, or None where they stay two passes. `rates` ends with those before, between and behind
    them.
    """
    one, two = first.change, second.change
    if one.how == two.how == "cut":
        if _fade(first) or _fade(second):
            return None
        pieces = composed(one.pieces[first.row], two.pieces[second.row])
        return _map(two, second.row, pieces, "cut", None)
    if one.how in ("resample", "stretch") and two.how in ("resample", "stretch"):
        # Down to a low rate and up again: what was lost on the way stays lost.
        if rates[-2] < min(rates[-3], rates[-1]):
            return None
        if one.formants or two.formants or (one.how == two.how == "stretch" and one.engine != two.engine):
            return None
        pitch = pitch_of(first) * pitch_of(second)
        how: How = "stretch" if "stretch" in (one.how, two.how) else "resample"
        pieces = composed(one.pieces[first.row], two.pieces[second.row])
        return _map(two if two.how == how else one, second.row, pieces, how, pitch, at=second)
    return None


def _fade(part: Part) -> int:
    return 0 if part.change.fade is None else int(part.change.fade[part.row])


def pitch_of(part: Part) -> float:
    """The factor on all frequencies of one sample's map."""
    return 1.0 if part.change.pitch is None else float(part.change.pitch[part.row])


def _map(like: TimeMap, row: int, pieces: Floats, how: How, pitch: float | None, at: Part | None = None) -> Part:
    last = like if at is None else at.change
    made = TimeMap(
        pieces[None],
        last.length[row : row + 1],
        last.rate[row : row + 1],
        how,
        None if pitch is None else np.array([pitch]),
        None,
        like.formants,
        like.engine,
    )
    return Part(made, 0)


def composed(first: Floats, second: Floats) -> Floats:
    """The pieces of two maps, one after the other.

    Args:
        first: (K, 4) pieces of the map that acts first on the sound.
        second: (M, 4) pieces of the one behind it.

    Returns:
        (P, 4) pieces from the output of the second to the input of the first, in the order of the output.
    """
    made = []
    for out0, out1, mid0, mid1 in second.tolist():
        if out1 <= out0:
            continue
        slope = (mid1 - mid0) / (out1 - out0)
        low, high = min(mid0, mid1), max(mid0, mid1)
        for start, end, in0, in1 in first.tolist():
            a, b = max(low, start), min(high, end)
            if b <= a:
                continue
            scale = (in1 - in0) / (end - start)
            edges = (out0 + (a - mid0) / slope, out0 + (b - mid0) / slope)
            inner = (in0 + (a - start) * scale, in0 + (b - start) * scale)
            made.append((*edges, *inner) if slope > 0 else (*edges[::-1], *inner[::-1]))
    made.sort()
    return np.array(made, dtype=np.float64).reshape(-1, 4)
