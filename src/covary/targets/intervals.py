"""Intervals and positions through maps of time: the arithmetic behind all time labels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from covary.plan.audio import AudioPlan, Part, TimeMap, pitch_of

TOUCH = 1e-6  # samples: pieces of an event that end and begin this near to each other are one


@dataclass(frozen=True, slots=True, eq=False)
class Leg:
    """One map of time of one sound, with the rates on both sides.

    Attributes:
        pitch: factor on all frequencies; None where the speed varies: the pieces are then connected and run forwards.
    """

    pieces: NDArray[np.float64]
    length: int
    rate_before: int
    rate: int
    pitch: float | None


def legs_of(plan: AudioPlan, row: int) -> list[Leg]:
    """The maps of time that one sound passes, in order."""
    legs, rate = [], int(plan.rates[row])
    for step in plan.passes(row):
        if isinstance(step, Part) and isinstance(step.change, TimeMap):
            change, after = step.change, int(step.change.rate[step.row])
            pitch = None if change.how == "wobble" else pitch_of(step)
            legs.append(Leg(change.pieces[step.row], int(change.length[step.row]), rate, after, pitch))
            rate = after
    return legs


@dataclass(frozen=True, slots=True, eq=False)
class Moved:
    """Intervals where they came to lie, in samples.

    Attributes:
        source: (M,) number of the interval each comes from.
        start, end: (M,).
        first, last: (M,) where in its interval each begins and ends, from 0 to 1, in the order in which it is played.
        kept: (M,) the share of its interval that is left in it.
    """

    source: NDArray[np.int64]
    start: NDArray[np.float64]
    end: NDArray[np.float64]
    first: NDArray[np.float64]
    last: NDArray[np.float64]
    kept: NDArray[np.float64]

    def take(self, rows: NDArray[Any]) -> Moved:
        """Some of them, in the order given."""
        return Moved(
            self.source[rows], self.start[rows], self.end[rows], self.first[rows], self.last[rows], self.kept[rows]
        )


def move_intervals(start: NDArray[np.float64], end: NDArray[np.float64], legs: Sequence[Leg]) -> Moved:
    """Where intervals come to lie: each as often as it is played, cut where the sound is cut."""
    moved = Moved(np.arange(len(start)), start, end, np.zeros(len(start)), np.ones(len(start)), np.ones(len(start)))
    for leg in legs:
        if leg.pitch is None:
            moved = _along(leg, moved)
            continue
        parts = [_through(piece, leg.length, moved) for piece in leg.pieces.tolist() if piece[1] > piece[0]]
        moved = _joined(_together(parts) if parts else moved.take(np.zeros(0, dtype=np.int64)))
    return Moved(moved.source, moved.start, moved.end, moved.first, moved.last, np.minimum(moved.kept, 1.0))


def _together(parts: Sequence[Moved]) -> Moved:
    return Moved(
        np.concatenate([part.source for part in parts]),
        np.concatenate([part.start for part in parts]),
        np.concatenate([part.end for part in parts]),
        np.concatenate([part.first for part in parts]),
        np.concatenate([part.last for part in parts]),
        np.concatenate([part.kept for part in parts]),
    )


def _through(piece: list[float], length: int, moved: Moved) -> Moved:
    """The part of each interval that one straight piece plays, and where."""
    out0, out1, in0, in1 = piece
    slope = (out1 - out0) / (in1 - in0)
    if out1 > length:
        out1, in1 = float(length), in0 + (length - out0) / slope
    low, high = min(in0, in1), max(in0, in1)
    a, b = np.maximum(moved.start, low), np.minimum(moved.end, high)
    moment = moved.start == moved.end
    rows = np.flatnonzero(np.where(moment, (moved.start >= low) & (moved.start < high), b > a))
    moved, a, b, moment = moved.take(rows), a[rows], b[rows], moment[rows]
    wide = np.where(moment, 1.0, moved.end - moved.start)
    span = moved.last - moved.first
    first = np.where(moment, moved.first, moved.first + span * (a - moved.start) / wide)
    last = np.where(moment, moved.last, moved.first + span * (b - moved.start) / wide)
    kept = moved.kept * np.where(moment, 1.0, (b - a) / wide)
    start, end = out0 + (a - in0) * slope, out0 + (b - in0) * slope
    if slope < 0:
        start, end, first, last = end, start, last, first
    return Moved(moved.source, start, end, first, last, kept)


def _along(leg: Leg, moved: Moved) -> Moved:
    """Intervals through connected pieces that run forwards: nothing is cut but at the ends, nothing comes twice."""
    outputs, inputs = knots_of(leg.pieces)
    ends = np.interp(leg.length, outputs, inputs)
    a, b = np.maximum(moved.start, inputs[0]), np.minimum(moved.end, ends)
    moment = moved.start == moved.end
    rows = np.flatnonzero(np.where(moment, (moved.start >= inputs[0]) & (moved.start < ends), b > a))
    moved, a, b = moved.take(rows), a[rows], b[rows]
    wide = np.where(moved.start == moved.end, 1.0, moved.end - moved.start)
    span = moved.last - moved.first
    first = moved.first + span * (a - moved.start) / wide
    last = np.where(moved.start == moved.end, moved.last, moved.first + span * (b - moved.start) / wide)
    kept = moved.kept * np.where(moved.start == moved.end, 1.0, (b - a) / wide)
    return Moved(moved.source, np.interp(a, inputs, outputs), np.interp(b, inputs, outputs), first, last, kept)


def knots_of(pieces: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Output and input positions of the knots between connected pieces."""
    used = pieces[pieces[:, 1] > pieces[:, 0]]
    return np.append(used[:, 0], used[-1:, 1]), np.append(used[:, 2], used[-1:, 3])


def _joined(moved: Moved) -> Moved:
    """Parts of one interval that follow on each other become one, but that its end and its beginning stay two."""
    moved = moved.take(np.lexsort((moved.start, moved.source)))
    if len(moved.source) < 2:
        return moved
    new_turn = _outermost(moved.last[:-1]) & _outermost(moved.first[1:])
    follows = (moved.source[1:] == moved.source[:-1]) & (moved.start[1:] <= moved.end[:-1] + TOUCH) & ~new_turn
    heads = np.flatnonzero(np.concatenate([[True], ~follows]))
    tails = np.append(heads[1:], len(moved.source)) - 1
    kept = np.add.reduceat(moved.kept, heads)
    return Moved(moved.source[heads], moved.start[heads], moved.end[tails], moved.first[heads], moved.last[tails], kept)


def _outermost(share: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Whether a part ends (or begins) where its interval does."""
    made: NDArray[np.bool_] = (share < 1e-9) | (share > 1 - 1e-9)
    return made


def source_positions(legs: Sequence[Leg], position: NDArray[np.float64]) -> tuple[NDArray[np.float64], Any]:
    """From where in the source the sound at some output positions comes, in samples; NaN where it is silence.

    Returns:
        The positions, and the factor by which frequencies have changed there.
    """
    pitch = np.ones(len(position))
    for leg in reversed(legs):
        if leg.pitch is None:
            outputs, inputs = knots_of(leg.pieces)
            slope = np.diff(inputs) / np.diff(outputs)
            piece = np.clip(np.searchsorted(outputs, np.nan_to_num(position), side="right") - 1, 0, len(slope) - 1)
            pitch *= slope[piece] * leg.rate / leg.rate_before
            position = np.where(np.isnan(position), np.nan, np.interp(position, outputs, inputs))
            continue
        found = np.full(len(position), np.nan)
        for out0, out1, in0, in1 in leg.pieces.tolist():
            if out1 <= out0:
                continue
            slope = (in1 - in0) / (out1 - out0)
            inside = (position >= out0) & (position < out1)
            found[inside] = in0 + (position[inside] - out0) * slope
        pitch *= leg.pitch
        position = found
    return position, pitch
