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
    rows = zip(plan.passes, plan.lengths.tolist(), strict=True)
    return np.array([_needed(passes, length) for passes, length in rows], dtype=np.int64).reshape(-1, 2)


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
        _moved(passes, start) if start or length < whole else passes
        for passes, start, length, whole in zip(
            plan.passes, first.tolist(), lengths.tolist(), plan.lengths.tolist(), strict=True
        )
    )
    return replace(plan, lengths=lengths, passes=passes)


def _needed(passes: Sequence[Pass], length: int) -> tuple[int, int]:
    cut = _first_cut(passes)
    if cut is None:
        return 0, length
    pieces = np.rint(cut.change.pieces[cut.row]).astype(np.int64)
    inputs = pieces[pieces[:, 1] > pieces[:, 0], 2:].clip(0, length)
    inputs = inputs[inputs[:, 0] != inputs[:, 1]]
    if not len(inputs):
        return 0, min(1, length)
    return int(inputs.min()), int(inputs.max())


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
