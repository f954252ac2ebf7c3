"""The same stages on sources that were reduced beforehand, as a JPEG decoder can do for less than decoding in full."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from covary.plan.changes import Floats, Ints, Warp
from covary.plan.stages import Stage


def allowed_reductions(first: Stage) -> Ints:
    """How often each source of a first stage may be halved, both axes alike: as often as the stage itself would.

    Returns:
        (B,) int64.
    """
    if first.levels is None:
        return np.zeros(len(first.size), dtype=np.int64)
    fewest: Ints = first.levels.min(axis=1)
    return fewest


def on_reduced(stages: Sequence[Stage], sizes: Ints, reductions: Ints) -> tuple[Stage, ...]:
    """The stages for sources that were halved: positions shrink, and so does what is left to halve.

    Args:
        stages: for the full sources.
        sizes: (B, 2) their heights and widths.
        reductions: (B,) how often each was halved.
    """
    first = stages[0]
    shrunk = np.zeros((len(sizes), 3, 3))
    shrunk[:, 0, 0] = shrunk[:, 1, 1] = np.ldexp(1.0, -reductions.astype(np.int32))
    shrunk[:, 2, 2] = 1.0
    levels = None if first.levels is None else np.maximum(first.levels - reductions[:, None], 0)
    if levels is not None and not levels.any():
        levels = None
    return (replace(first, coordinates=_after(first, shrunk, sizes), levels=levels), *stages[1:])


def _after(stage: Stage, shrunk: Floats, sizes: Ints) -> tuple[Warp, ...]:
    """The stage's coordinates, followed by the map from the full source to the reduced one."""
    geometry = stage.coordinates
    if geometry and isinstance(geometry[0], Warp):
        nearest = geometry[0]
        return (replace(nearest, matrix=shrunk @ nearest.matrix), *geometry[1:])  # type: ignore[arg-type]
    # A displacement acts on the full source's canvas, so the map to the reduced one is a warp of its own.
    return (Warp(shrunk, sizes), *geometry)  # type: ignore[arg-type]
