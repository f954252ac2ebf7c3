"""Sounds of which a part is enough: which part a plan looks at, and the same plan for that part alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from covary.plan.audio import AudioPlan, Part, Pass, TimeMap
from covary.plan.changes import Ints


def samples_needed(plan: AudioPlan) -> Ints:
    """Which samples of each source are looked at: all, unless a cut comes before all else.

    Returns:
        (B, 2) int64: the first, and the one behind the last; one at least.
    """
    needed = [_needed(plan.passes(row), length) for row, length in enumerate(plan.lengths.tolist())]
    return np.array(needed, dtype=np.int64).reshape(-1, 2)


def on_excerpts(plan: AudioPlan, first: Ints, lengths: Ints) -> AudioPlan:
    """The plan for sources of which only a part is there: that which is needed, or more.

    Args:
        plan: for the whole sources.
        first: (B,) int64 samples of each that are left out before the part.
        lengths: (B,) int64 samples of each part.
    """
    if not first.any() and (lengths == plan.lengths).all():
        return plan
    passes = tuple(
        _moved(plan.passes(row), start) if start or length < whole else plan.passes(row)
        for row, (start, length, whole) in enumerate(
            zip(first.tolist(), lengths.tolist(), plan.lengths.tolist(), strict=True)
        )
    )
    return replace(plan, lengths=lengths, excerpts=passes)


def looked_at(passes: Sequence[Pass], length: int) -> list[tuple[int, int]]:
    """Which samples of a source of `length` its passes look at: from each first up to the one behind each last."""
    cut = _first_cut(passes)
    return [(0, length)] if cut is None else _inputs(cut, length)


def _needed(passes: Sequence[Pass], length: int) -> tuple[int, int]:
    cut = _first_cut(passes)
    if cut is None:
        return 0, length
    inputs = _inputs(cut, length)
    if not inputs:
        return 0, min(1, length)
    return min(low for low, _ in inputs), max(high for _, high in inputs)


def _inputs(cut: Part, length: int) -> list[tuple[int, int]]:
    """Where in the source the pieces of a cut lie, those that are not empty."""
    pieces = np.rint(cut.change.pieces[cut.row]).astype(np.int64)
    inputs = np.sort(pieces[pieces[:, 1] > pieces[:, 0], 2:].clip(0, length), axis=1)
    return [(low, high) for low, high in inputs.tolist() if low < high]


def _first_cut(passes: Sequence[Pass]) -> Part | None:
    """The cut that comes first; None where there is none, or where cross-fades look beyond its edges."""
    first = passes[0] if passes else None
    if not isinstance(first, Part) or not isinstance(first.change, TimeMap) or first.change.how != "cut":
        return None
    return None if first.change.fade is not None and first.change.fade[first.row] else first


def _moved(passes: Sequence[Pass], start: int) -> tuple[Pass, ...]:
    """Passes whose first, a cut, takes its samples from a source that begins later."""
    cut = _first_cut(passes)
    assert cut is not None
    change, row = cut.change, slice(cut.row, cut.row + 1)
    moved = TimeMap(change.pieces[row] - np.array([0, 0, start, start]), change.length[row], change.rate[row])
    return Part(moved, 0), *passes[1:]
