"""Speed, tempo and pitch."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from covary.draws.distributions import Range, Uniform
from covary.draws.streams import stream_uniforms
from covary.ops.audio.base import SoundOperation
from covary.ops.audio.cuts import cut_map, one_piece
from covary.ops.audio.view import AudioView
from covary.ops.base import Draw, operation, ranged
from covary.plan.audio import AudioChange, Engine, How, TimeMap

Numbers = NDArray[Any]

ENGINES: tuple[Engine, ...] = ("vocoder", "signalsmith")


def _whole(length: Numbers) -> NDArray[np.int64]:
    """Rounded to whole samples, halves up, as recipes for speech reckon; nothing is shorter than one sample."""
    made: NDArray[np.int64] = np.floor(length + 0.5).astype(np.int64)
    return np.where(length > 0, np.maximum(made, 1), 0)


def even_map(
    view: AudioView,
    slope: Numbers,
    rate: Numbers,
    pitch: Numbers,
    how: How,
    formants: bool = False,
    engine: Engine = "vocoder",
) -> TimeMap:
    """A map of one straight piece: `slope` samples of the input to each sample of the output."""
    zero, out = np.zeros(view.count), view.length / slope
    pieces = one_piece(zero, out, zero, view.length)
    return TimeMap(pieces, _whole(out), rate, how, pitch, None, formants, engine)


@operation
class Speed(SoundOperation):
    """Play the sound faster or slower, and with that higher or lower, as a tape does.

    Args:
        factor: 1.1 is faster, shorter and higher by a tenth; a number x means 1 - x to 1 + x; drawn factors are rounded
            to hundredths, which resample quicker. 0.1 to 10. Default 0.9 to 1.1. Identity: 1.

    Ko et al. 2015, "Audio augmentation for speech recognition" (factors 0.9, 1 and 1.1). The rate stays: a second still
    has as many samples.

    Helps: speech recognition, more than nearly anything else; other voices.
    Hurts: who is speaking, and which note it is: give such variations a class of their own.
    """

    factor: Range = ranged(default=Uniform(0.9, 1.1, identity=1), low=0.1, high=10)

    def describe(self, draw: Draw, view: AudioView) -> AudioChange:
        factor = np.maximum(np.rint(draw("factor") * 100), 1) / 100
        return even_map(view, factor, view.rate, factor, "resample")


@operation
class ResampleTo(SoundOperation):
    """Resample to another rate, by soxr's HQ setting. The new rate is that of the result; pitch and durations stay.

    Args:
        rate_hz: samples per second, from 1 on. Default 16000.

    A strength leaves it alone: it prepares the sound for the model.

    Helps: data of several rates for one model.
    Hurts: what was above half the new rate is gone.
    """

    rate_hz: int = 16000

    required = True

    def check(self) -> None:
        if isinstance(self.rate_hz, bool) or not isinstance(self.rate_hz, (int, np.integer)) or self.rate_hz < 1:
            self.refuse("rate_hz", repr(self.rate_hz), "a whole number from 1 on")

    def describe(self, draw: Draw, view: AudioView) -> AudioChange:
        rate = np.full(view.count, self.rate_hz, dtype=np.int64)
        return even_map(view, view.rate / rate, rate, np.ones(view.count), "resample")


@operation
class TimeStretch(SoundOperation):
    """Change the tempo, not the pitch.

    Args:
        factor: 1.25 is faster, and shorter, by a quarter; a number x means 1 - x to 1 + x. 0.1 to 10. Default 0.8 to
            1.25. Identity: 1.
        keep_length: whether the end is cut off, or silence added, so that the duration stays. Default False.
        engine: "vocoder", our own; or "signalsmith", Signalsmith Stretch by the package python-stretch, if that is
            installed. Default "vocoder".

    By a phase vocoder with identity phase locking that leaves attacks whole and puts them where their labels go.

    Helps: speech at other tempos with the same voice; rhythm-independent tagging.
    Hurts: factors beyond 0.7 to 1.5 sound made up.
    """

    factor: Range = ranged(default=Uniform(0.8, 1.25, identity=1), low=0.1, high=10)
    keep_length: bool = False
    engine: Engine = "vocoder"

    def check(self) -> None:
        self.one_of("engine", ENGINES)

    def describe(self, draw: Draw, view: AudioView) -> AudioChange | list[AudioChange]:
        stretched = even_map(view, draw("factor"), view.rate, np.ones(view.count), "stretch", engine=self.engine)
        if not self.keep_length:
            return stretched
        kept = np.minimum(stretched.length, view.length).astype(np.float64)
        zero = np.zeros(view.count)
        return [stretched, cut_map(view, one_piece(zero, kept, zero, kept), view.length)]


@operation
class Tempo(TimeStretch):
    """Change the tempo of speech, not the pitch, by little: `TimeStretch` with the range of speech recipes.

    Args:
        factor: 1.1 is faster, and shorter, by a tenth; a number x means 1 - x to 1 + x. 0.1 to 10. Default 0.9 to 1.1.
            Identity: 1.
        keep_length: whether the end is cut off, or silence added, so that the duration stays. Default False.
        engine: "vocoder", our own; or "signalsmith", Signalsmith Stretch by the package python-stretch, if that is
            installed. Default "vocoder".

    Helps: speech recognition where the voice must stay.
    Hurts: little.
    """

    factor: Range = ranged(default=Uniform(0.9, 1.1, identity=1), low=0.1, high=10)


@operation
class PitchShift(SoundOperation):
    """Change the pitch, not the tempo.

    Args:
        semitones: upwards if positive, -24 to 24; a number x means -x to x. Default -4 to 4. Identity: 0.
        formants: whether the resonances of the voice stay where they are, so that it remains the same person's;
            otherwise they move too. Default False.
        engine: "vocoder", our own; or "signalsmith", Signalsmith Stretch by the package python-stretch, if that is
            installed; without formants. Default "vocoder".

    A stretch by the phase vocoder (see `TimeStretch`) and a resampling by soxr.

    Helps: other voices and instruments; keyword spotting, tagging.
    Hurts: who is speaking, which note it is, tones of tonal languages if large.
    """

    semitones: Range = ranged(default=Uniform(-4, 4, identity=0), low=-24, high=24)
    formants: bool = False
    engine: Engine = "vocoder"

    def check(self) -> None:
        self.one_of("engine", ENGINES)
        if self.formants and self.engine != "vocoder":
            self.refuse("formants", "True", 'False with engine "signalsmith"')

    def describe(self, draw: Draw, view: AudioView) -> AudioChange:
        factor = 2 ** (draw("semitones") / 12)
        return even_map(view, np.ones(view.count), view.rate, factor, "stretch", self.formants, self.engine)


def wobble_map(view: AudioView, displacements: list[Numbers], steps: list[float]) -> TimeMap:
    """A map whose output position x is at x + d(x); d is straight between knots and 0 at both ends.

    Args:
        view: the sounds.
        displacements: of each sound, in samples, at its knots.
        steps: of each sound, samples from knot to knot; the first knot is at 0.
    """
    rows = []
    for displacement, step, length in zip(displacements, steps, view.length.tolist(), strict=True):
        inner = step * np.arange(1, len(displacement))
        inner = inner[inner < length - 1]
        outputs = np.concatenate([[0.0], inner, [float(length)]])
        moved = np.concatenate([[0.0], displacement[1 : 1 + len(inner)], [0.0]])
        inputs = np.maximum.accumulate(np.clip(outputs + moved, 0, length))
        rows.append(np.stack([outputs[:-1], outputs[1:], inputs[:-1], inputs[1:]], axis=1))
    pieces = np.zeros((len(rows), max([1, *map(len, rows)]), 4))
    for row, made in zip(pieces, rows, strict=True):
        row[: len(made)] = made
    return TimeMap(pieces, view.length, view.rate, "wobble")


@operation
class Jitter(SoundOperation):
    """Let time run unevenly: each moment is a little early or late.

    Args:
        milliseconds: how far, at most; a single number is that far. Default 1 to 10. Identity: 0.
        knots_hz: how often a second it is drawn anew, 0.1 to 200; straight in between. Default 2 to 10. Where the
            shifts would make time stand still or run backwards they are reduced.

    The duration stays. Pitch goes with it, by at most a few per cent.

    Helps: tempo that breathes; clocks that drift.
    Hurts: little.
    """

    milliseconds: Range = ranged(default=Uniform(1, 10, identity=0), low=0)
    knots_hz: Range = ranged(default=Uniform(2, 10), low=0.1, high=200)

    streams = ("shifts",)

    def describe(self, draw: Draw, view: AudioView) -> AudioChange:
        step = view.rate / draw("knots_hz")
        count = np.ceil(view.length / step).astype(np.int64) + 1
        uniforms = stream_uniforms(draw.stream("shifts"), int(count.max(initial=1)))
        # Neighbours pull apart by at most twice the reach; half of the step in between must be left.
        reach = np.minimum(draw("milliseconds") * view.rate / 1000, step / 4)
        shifts = [(2 * row[:many] - 1) * most for row, many, most in zip(uniforms, count, reach, strict=True)]
        return wobble_map(view, shifts, step.tolist())


@operation
class WowFlutter(SoundOperation):
    """Let the speed swing, slowly (wow) and quickly (flutter), as worn tapes and records do.

    Args:
        wow: largest deviation of the speed by the slow swing, as a fraction; a single number is that fraction. Default
            0.001 to 0.01. Identity: 0.
        flutter: likewise by the quick swing. Default 0.0005 to 0.004. Identity: 0.
        wow_hz: swings per second of the slow one, 0.1 to 4. Default 0.3 to 2.
        flutter_hz: of the quick one, 4 to 100. Default 5 to 15.

    The duration stays.

    Helps: historical recordings; music from any source.
    Hurts: tasks on exact pitch.
    """

    wow: Range = ranged(default=Uniform(0.001, 0.01, identity=0), low=0, high=0.2)
    flutter: Range = ranged(default=Uniform(0.0005, 0.004, identity=0), low=0, high=0.2)
    wow_hz: Range = ranged(default=Uniform(0.3, 2), low=0.1, high=4)
    flutter_hz: Range = ranged(default=Uniform(5, 15), low=4, high=100)

    uniforms = ("wow_phase", "flutter_phase")

    def describe(self, draw: Draw, view: AudioView) -> AudioChange:
        # Sixteen knots to the quickest swing: straight lines between them stay within a hundredth of it.
        step = np.maximum(view.rate / draw("flutter_hz") / 16, 1)
        columns = zip(
            step.tolist(),
            view.length.tolist(),
            view.rate.tolist(),
            *(draw(slot).tolist() for slot in ("wow", "wow_hz", "wow_phase", "flutter", "flutter_hz", "flutter_phase")),
            strict=True,
        )
        shifts = [
            _swing(length, step, rate, wow, wow_hz, wow_phase) + _swing(length, step, rate, flutter, hertz, phase)
            for step, length, rate, wow, wow_hz, wow_phase, flutter, hertz, phase in columns
        ]
        return wobble_map(view, shifts, step.tolist())


def _swing(length: int, step: float, rate: int, depth: float, hertz: float, phase: float) -> Numbers:
    """The displacement whose speed deviates by `depth`, in samples at the knots; 0 at 0."""
    at = np.arange(int(np.ceil(length / step)) + 1) * step / rate
    turn = 2 * np.pi * hertz
    # It begins and ends gently within a quarter of a second, so that the ends stay where they are.
    ends = np.clip(np.minimum(at, length / rate - at) / min(0.25, max(length / rate / 2, 1e-9)), 0, 1)
    made: Numbers = ends * depth * rate / turn * np.sin(turn * at + 2 * np.pi * phase)
    return made
