"""What moves whole samples: crops, padding, shifts, reversal, splicing, repeats."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import field
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from covary.draws.distributions import Integers, Range, Uniform
from covary.draws.streams import stream_uniforms
from covary.ops.audio.base import SoundOperation
from covary.ops.audio.view import AudioView
from covary.ops.base import Draw, operation, ranged
from covary.plan.audio import TimeMap

Numbers: TypeAlias = NDArray[Any]

_FADE = 0.005  # seconds over which edges inside a sound are cross-faded unless it is said otherwise


def samples(seconds: Numbers | float, view: AudioView) -> Numbers:
    """Durations in whole samples of each sound, (B,)."""
    made: Numbers = np.rint(seconds * view.rate)
    return made


def one_piece(out0: Numbers, out1: Numbers, in0: Numbers, in1: Numbers) -> Numbers:
    """(B, 1, 4) pieces of one each, from (B,) numbers."""
    return side_by_side([(out0, out1, in0, in1)])


def side_by_side(pieces: Sequence[tuple[Numbers, Numbers, Numbers, Numbers]]) -> Numbers:
    """(B, K, 4) pieces from K of them, each (B,) output starts and ends and input starts and ends."""
    made = np.empty((len(pieces[0][1]), len(pieces), 4))
    for index, piece in enumerate(pieces):
        made[:, index, 0], made[:, index, 1], made[:, index, 2], made[:, index, 3] = piece
    return made


def cut_map(view: AudioView, pieces: Numbers, length: Numbers, fade_seconds: float = 0.0) -> TimeMap:
    """A map that moves whole samples, rates unchanged."""
    fade = samples(fade_seconds, view).astype(np.int64) if fade_seconds else None
    return TimeMap(pieces, length.astype(np.int64), view.rate, "cut", None, fade)


@operation
class RandomCrop(SoundOperation):
    """Cut out a part of a given duration at a random place.

    Args:
        seconds: duration of the part, above 0.
        pad: what becomes of shorter sounds: True puts silence about them, at random; False leaves them as short as they
            are. Default True.

    Helps: batches of one length; each epoch sees other parts of long recordings.
    Hurts: sound-level labels of something that the part may not hold: events that leave are reported.
    """

    seconds: float = 1.0
    pad: bool = True

    uniforms = ("start",)
    required = True

    def check(self) -> None:
        if not self.seconds > 0:
            self.refuse("seconds", repr(self.seconds), "a duration above 0")

    def describe(self, draw: Draw, view: AudioView) -> TimeMap:
        wanted = np.maximum(samples(self.seconds, view), 1)
        taken = np.minimum(wanted, view.length)
        start = np.floor(draw("start") * (view.length - taken + 1))
        if not self.pad:
            return cut_map(view, one_piece(np.zeros(view.count), taken, start, start + taken), taken)
        before = np.floor(draw("start") * (wanted - taken + 1))
        return cut_map(view, one_piece(before, before + taken, start, start + taken), wanted)


@operation
class Pad(SoundOperation):
    """Make sounds longer.

    Args:
        seconds: the duration to reach, above 0; longer sounds stay as they are.
        mode: what is added: "silence", or "wrap": the sound again from its beginning (events with it). Default
            "silence".
        place: where it is added: "end", "start", "both" (half at either end) or "random". Default "end".

    Helps: batches of one length.
    Hurts: models that take padding for a class; tell them the lengths.
    """

    seconds: float = 1.0
    mode: Literal["silence", "wrap"] = "silence"
    place: Literal["end", "start", "both", "random"] = "end"

    uniforms = ("start",)
    required = True

    def check(self) -> None:
        if not self.seconds > 0:
            self.refuse("seconds", repr(self.seconds), "a duration above 0")
        self.one_of("mode", ("silence", "wrap"))
        self.one_of("place", ("end", "start", "both", "random"))

    def describe(self, draw: Draw, view: AudioView) -> TimeMap:
        wanted = np.maximum(samples(self.seconds, view), view.length)
        free = wanted - view.length
        before: Numbers = np.zeros(view.count)
        if self.place == "random":
            before = np.floor(draw("start") * (free + 1))
        elif self.place != "end":
            before = free if self.place == "start" else free // 2
        if self.mode == "silence":
            return cut_map(view, one_piece(before, before + view.length, np.zeros(view.count), view.length), wanted)
        return cut_map(view, tiled(before, wanted, view.length), wanted)


def tiled(offset: Numbers, length: Numbers, period: Numbers) -> Numbers:
    """(B, K, 4) pieces that repeat a sound of `period` samples, one of its beginnings at `offset`, over `length`."""
    rows = []
    for first, whole, step in zip(offset.tolist(), length.tolist(), period.tolist(), strict=True):
        if not step:
            rows.append(np.zeros((0, 4)))
            continue
        starts = np.arange(first - np.ceil(first / step) * step, whole, step)
        low, high = np.maximum(starts, 0), np.minimum(starts + step, whole)
        rows.append(np.stack([low, high, low - starts, high - starts], axis=1))
    return stacked(rows)


def stacked(rows: Sequence[Numbers]) -> Numbers:
    """(B, K, 4) pieces from (k, 4) of each sample; empty pieces fill up."""
    made = np.zeros((len(rows), max([1, *map(len, rows)]), 4))
    for row, pieces in zip(made, rows, strict=True):
        row[: len(pieces)] = pieces
    return made


@operation
class Trim(SoundOperation):
    """Cut away what is quiet before and behind the sound. A sound that is quiet throughout stays as it is.

    Args:
        below_db: how many decibels below the loudest 20 ms a frame must be to count as quiet, above 0. Default 40.
        keep_seconds: how much of the quiet is left at either end. Default 0.

    It must hear the sound, so everything before it is rendered beforehand: put it first. A strength leaves it alone.

    Helps: recordings with long silences at their ends.
    Hurts: soft onsets and endings, which a high `below_db` spares.
    """

    below_db: float = 40.0
    keep_seconds: float = 0.0

    required = True
    listens = True

    def check(self) -> None:
        if not self.below_db > 0:
            self.refuse("below_db", repr(self.below_db), "decibels above 0")
        if not self.keep_seconds >= 0:
            self.refuse("keep_seconds", repr(self.keep_seconds), "a duration from 0 on")

    def describe(self, draw: Draw, view: AudioView) -> TimeMap:
        from covary.waves import to_float

        keep = samples(self.keep_seconds, view)
        edges = []
        for wave, rate, more in zip(view.heard(), view.rate.tolist(), keep.tolist(), strict=True):
            start, stop = sounding(to_float(wave), rate, self.below_db)
            edges.append((max(0, start - more), min(wave.shape[-1], stop + more)))
        first, last = np.array(edges, dtype=np.float64).reshape(-1, 2).T
        return cut_map(view, one_piece(np.zeros(view.count), last - first, first, last), last - first)


def sounding(wave: Numbers, rate: int, below_db: float) -> tuple[int, int]:
    """From where to where a sound is louder than `below_db` below its loudest frame, to a quarter of a 20 ms frame."""
    length = wave.shape[-1]
    hop = max(1, round(0.005 * rate))
    powers = np.square(np.atleast_2d(wave), dtype=np.float64)
    power = powers[0] if len(powers) == 1 else powers.sum(axis=0)
    blocks = np.add.reduceat(power, np.arange(0, length, hop)) if length else np.zeros(0)
    loud = np.convolve(blocks, np.ones(4), mode="same") if len(blocks) >= 4 else blocks
    above = np.flatnonzero(loud > loud.max(initial=0) * 10 ** (-below_db / 10))
    if not above.size:
        return 0, length
    return int(above[0]) * hop, min(length, (int(above[-1]) + 1) * hop)


@operation
class Reverse(SoundOperation):
    """Play the sound backwards.

    Args:
        p: probability that a sound is reversed. Default 0.5.

    Helps: textures and noises that have no direction.
    Hurts: speech, music, and every event with an attack.
    """

    p: float = field(default=0.5, kw_only=True)

    def describe(self, draw: Draw, view: AudioView) -> TimeMap:
        length, zero = view.length.astype(np.float64), np.zeros(view.count)
        return cut_map(view, one_piece(zero, length, length, zero), length)


@operation
class Shift(SoundOperation):
    """Move the sound in time; its duration stays.

    Args:
        fraction: of the duration, forwards if positive; a number x means -x to x. Default -0.5 to 0.5. Identity: 0.
        roll: whether what leaves at one end comes in at the other; otherwise silence comes in. Default True.
        fade_seconds: fade at the edge inside the sound, so that it does not click. Default 0.005; 0 for none.

    Helps: models that should not care when something happens.
    Hurts: nothing much; with `roll`, speech has an end before its beginning.
    """

    fraction: Range = ranged(default=Uniform(-0.5, 0.5, identity=0), low=-1, high=1)
    roll: bool = True
    fade_seconds: float = _FADE

    def check(self) -> None:
        if not self.fade_seconds >= 0:
            self.refuse("fade_seconds", repr(self.fade_seconds), "a duration from 0 on")

    def describe(self, draw: Draw, view: AudioView) -> TimeMap:
        length = view.length.astype(np.float64)
        by = np.rint(draw("fraction") * length)
        if not self.roll:
            low, high = np.maximum(by, 0), np.minimum(length + by, length)
            return cut_map(view, one_piece(low, high, low - by, high - by), length, self.fade_seconds)
        by %= np.maximum(length, 1)
        zero = np.zeros(view.count)
        wrapped = side_by_side([(zero, by, length - by, length), (by, length, zero, length - by)])
        return cut_map(view, wrapped, length, self.fade_seconds)


@operation
class Splice(SoundOperation):
    """Cut short pieces out of the sound and join what is left: SpliceOut.

    Args:
        count: how many pieces; a single number is that many. Default 1 to 8. Identity: 0.
        seconds: duration of each. Default 0 to 0.4. Together no more than half of the sound is cut out.
        fade_seconds: cross-fade at the joints. Default 0.005; 0 for none.

    Jain et al. 2022, "SpliceOut: a simple and efficient audio augmentation method".

    Helps: speech and sound recognition, as time masking does, with shorter sounds to compute.
    Hurts: tasks where rhythm or duration counts.
    """

    count: Range = ranged(default=Integers(1, 8, identity=0), low=0, high=64)
    seconds: Range = ranged(default=Uniform(0.0, 0.4), low=0)
    fade_seconds: float = _FADE

    streams = ("places",)

    def check(self) -> None:
        if not self.fade_seconds >= 0:
            self.refuse("fade_seconds", repr(self.fade_seconds), "a duration from 0 on")

    def describe(self, draw: Draw, view: AudioView) -> TimeMap:
        counts = draw("count").astype(np.int64)
        most = int(counts.max(initial=0))
        places = stream_uniforms(draw.stream("places"), most)
        wide = np.minimum(samples(draw("seconds"), view), view.length // 2 // np.maximum(counts, 1))
        fade = np.maximum(samples(self.fade_seconds, view), 1).astype(np.int64).tolist()
        rows, lengths = [], []
        for row, (count, width, length) in enumerate(
            zip(counts.tolist(), wide.tolist(), view.length.tolist(), strict=True)
        ):
            # Places in what is left; each cut then lies behind those before it. What stands between two cuts has room
            # for
            # the fades of both, or is not there at all.
            left = length - count * width
            step = fade[row] if left >= fade[row] else 1
            at = np.sort(np.floor(places[row, :count] * (left // step + 1)) * step)
            out = np.concatenate([[0.0], at, [left]])
            gone = width * np.arange(count + 1)
            rows.append(np.stack([out[:-1], out[1:], out[:-1] + gone, out[1:] + gone], axis=1))
            lengths.append(left)
        return cut_map(view, stacked(rows), np.array(lengths, dtype=np.float64), self.fade_seconds)


@operation
class Repeat(SoundOperation):
    """Repeat a part of the sound.

    Args:
        seconds: duration of the part. Default 0.1 to 1.
        times: how many further times it is played; a single number is that many. Default 1 to 3. Identity: 0.
        insert: True makes the sound longer; False overwrites what comes behind the part and keeps the duration.
            Default True.
        fade_seconds: cross-fade at the joints. Default 0.005; 0 for none.

    Events inside the part are repeated with it.

    Helps: sound-event detection: more events, in other places; stuttering streams.
    Hurts: speech recognition, unless the transcript repeats too.
    """

    seconds: Range = ranged(default=Uniform(0.1, 1.0), low=0)
    times: Range = ranged(default=Integers(1, 3, identity=0), low=0, high=64)
    insert: bool = True
    fade_seconds: float = _FADE

    uniforms = ("start",)

    def check(self) -> None:
        if not self.fade_seconds >= 0:
            self.refuse("fade_seconds", repr(self.fade_seconds), "a duration from 0 on")

    def describe(self, draw: Draw, view: AudioView) -> TimeMap:
        length = view.length.astype(np.float64)
        wide = np.minimum(samples(draw("seconds"), view), length)
        times = np.where(wide > 0, draw("times"), 0)
        start = np.floor(draw("start") * (length - wide + 1))
        end = start + wide
        zero = np.zeros(view.count)
        pieces = [(zero, end, zero, end)]
        at = end
        for index in range(int(times.max(initial=0))):
            played = (times > index) * wide
            pieces.append((at, at + played, start, start + played))
            at = at + played
        source = end if self.insert else np.minimum(at, length)
        whole = at + length - source
        pieces.append((at, whole, source, length))
        if self.insert:
            return cut_map(view, side_by_side(pieces), whole, self.fade_seconds)
        return cut_map(view, _until(side_by_side(pieces), length), length, self.fade_seconds)


def _until(pieces: Numbers, length: Numbers) -> Numbers:
    """Forward pieces without what lies behind the end."""
    over = np.maximum(pieces[:, :, 1] - length[:, None], 0)
    made = np.array(pieces)
    made[:, :, 1] -= over
    made[:, :, 3] -= over
    return made
