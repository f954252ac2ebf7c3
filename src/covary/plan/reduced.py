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


def rows_needed(first: Stage, sizes: Ints) -> Ints:
    """How many rows of each source, from the top, a first stage looks at.

    Args:
        first: the stage.
        sizes: (B, 2) heights and widths of its sources.

    Returns:
        (B,) int64; all rows where it cannot be told from the corners of the output.
    """
    heights = sizes[:, 0]
    if len(first.coordinates) != 1 or not isinstance(first.coordinates[0], Warp) or first.border == "wrap":
        return heights
    matrix = first.coordinates[0].matrix
    affine = (matrix[:, 2] == (0.0, 0.0, 1.0)).all(axis=1)
    down, across = matrix[:, 1, 1] * first.size[:, 0], matrix[:, 1, 0] * first.size[:, 1]
    lowest = matrix[:, 1, 2] + np.maximum(down, 0) + np.maximum(across, 0)
    highest = matrix[:, 1, 2] + np.minimum(down, 0) + np.minimum(across, 0)
    # Taps beside the position, each as long as the rows that are averaged before.
    margin = 1 + 3 * np.ldexp(1.0, 0 if first.levels is None else first.levels.max(axis=1).astype(np.int32))
    reach = np.maximum(lowest, -highest) if first.border in ("reflect", "symmetric") else lowest
    with np.errstate(invalid="ignore"):
        rows = np.ceil(np.maximum(reach, 0) + margin)
    told: Ints = np.where(affine & (rows < heights), np.nan_to_num(rows, nan=0.0), heights).astype(np.int64)
    return told


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
