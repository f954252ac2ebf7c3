"""Sounds drawn by one call of the compiled kernels: cuts, gains and what else is plain arithmetic on single values.

Each value is read once, and looked at in passing. The result is to the bit what `covary.render.audio` makes of the same
plan, step by step in NumPy.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from covary import kernels
from covary.plan.audio import AudioPlan, Clamp, Envelope, Gain, Level, Quantise, TimeMap
from covary.plan.changes import Bools

Rows: TypeAlias = slice
Told: TypeAlias = tuple[Any, ...]


def draw_directly(plan: AudioPlan, sounds: Sequence[Any], chosen: Bools | None, threads: int) -> list[Any]:
    """Draw those of the planned sounds for which one call is enough.

    Args:
        plan: of B sounds.
        sounds: B arrays, as they came.
        chosen: (B,) which of them; None for all.
        threads: cores to use.

    Returns:
        B entries: the new sound; or None where it is not chosen, more than that happens to it, it is neither float32
        nor int16 and does no more than move, its samples do not stand next to each other, or a value that is looked at
        is no finite number.
    """
    told = None if kernels.native is None or plan.excerpts is not None else _told(plan)
    if told is None:
        return [None] * plan.count
    steps, possible = told
    if chosen is not None:
        possible = chosen if possible is None else possible & chosen
    made: list[Any] = kernels.native.draw_sounds(sounds, steps, possible, threads, kernels.simd)  # type: ignore[union-attr]
    return made


def _told(plan: AudioPlan) -> tuple[list[Told], Bools | None] | None:
    """The steps as the kernels take them, and the sounds to which nothing else happens (None: all); None where there
    are no such sounds.
    """
    rows = slice(plan.first, plan.first + plan.count)
    told: list[Told] = []
    others: Bools | None = None
    for step in plan.steps:
        active = None if step.active is None else step.active[rows]
        writer = _WRITERS.get(type(step.change))
        numbers = None if writer is None else writer(step.change, rows, plan.fuse)
        if numbers is not None:
            told.append((numbers[0], active, *numbers[1:]))
        elif active is None:
            return None
        else:
            others = active if others is None else others | active
    if others is None:
        return told, None
    return None if others.all() else (told, ~others)


def _floats(values: NDArray[Any], rows: Rows) -> NDArray[np.float64]:
    return np.ascontiguousarray(values[rows], np.float64)


def _whole(values: NDArray[Any], rows: Rows) -> NDArray[np.int64]:
    return np.ascontiguousarray(values[rows], np.int64)


def _cut(change: TimeMap, rows: Rows, fuse: bool) -> Told | None:
    if change.how != "cut":
        return None
    fade = None if change.fade is None else _whole(change.fade, rows)
    return "cut", _floats(change.pieces, rows), _whole(change.length, rows), fade


def _gain(change: Gain, rows: Rows, fuse: bool) -> Told:
    return "gain", _floats(change.factor, rows), fuse


def _envelope(change: Envelope, rows: Rows, fuse: bool) -> Told | None:
    # Powers of ten are left to NumPy.
    return None if change.decibels else ("envelope", _floats(change.position, rows), _floats(change.value, rows))


def _level(change: Level, rows: Rows, fuse: bool) -> Told | None:
    return ("peak", _floats(change.target, rows), change.only_above) if change.measure == "peak" else None


def _clamp(change: Clamp, rows: Rows, fuse: bool) -> Told:
    return "clamp", _floats(change.low, rows), _floats(change.high, rows)


def _quantise(change: Quantise, rows: Rows, fuse: bool) -> Told:
    return "quantise", np.ldexp(1.0, change.bits[rows] - 1)


_WRITERS: dict[type, Callable[[Any, Rows, bool], Told | None]] = {
    TimeMap: _cut,
    Gain: _gain,
    Envelope: _envelope,
    Level: _level,
    Clamp: _clamp,
    Quantise: _quantise,
}
