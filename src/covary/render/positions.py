"""Where the pixels of a stage's output come from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from covary.plan.changes import Floats, Ints, Warp
from covary.plan.stages import Stage

FAR = 2.0**30
"""Coordinates beyond this many pixels count as infinite: the border's pattern is no longer resolved out there."""

_SNAP = 1e-7


def source_positions(stage: Stage, row: int, size: tuple[int, int]) -> tuple[Floats, Floats]:
    """The continuous source position of every output pixel's centre.

    Args:
        stage: its coordinates are gone through from last to first.
        row: the sample.
        size: (height, width) of its source.

    Returns:
        x and y, each (height, width) float64 of the output; both NaN where a map sends the pixel to infinity or behind
        the plane (w <= 0), or farther than FAR.
    """
    *canvases, (height, width) = canvas_sizes(stage, row, size)
    x, y = np.meshgrid(np.arange(width) + 0.5, np.arange(height) + 0.5)
    with np.errstate(all="ignore"):
        for change, canvas in zip(reversed(stage.coordinates), reversed(canvases), strict=True):
            if isinstance(change, Warp):
                x, y = _warped(change.matrix[row], x, y)
            else:
                x, y = _displaced(change.grids[row], canvas, x, y)
        lost = ~((np.abs(x) <= FAR) & (np.abs(y) <= FAR))
    return np.where(lost, np.nan, x), np.where(lost, np.nan, y)


def canvas_sizes(stage: Stage, row: int, size: tuple[int, int]) -> list[tuple[int, int]]:
    """The (height, width) before the stage's first coordinate change, its source's, and after each of them."""
    canvases = [size]
    for change in stage.coordinates:
        if isinstance(change, Warp):
            size = (int(change.size[row, 0]), int(change.size[row, 1]))
        canvases.append(size)
    return canvases


def _warped(matrix: Floats, x: Floats, y: Floats) -> tuple[Floats, Floats]:
    across, down, w = (matrix[i, 0] * x + matrix[i, 1] * y + matrix[i, 2] for i in range(3))
    behind = ~(w > 0)
    return np.where(behind, np.nan, across / w), np.where(behind, np.nan, down / w)


def _displaced(grid: Floats, canvas: tuple[int, int], x: Floats, y: Floats) -> tuple[Floats, Floats]:
    """The positions moved by the grid's displacement, which is bilinear between knots spread from edge to edge."""
    height, width = canvas
    rows, columns = grid.shape[:2]
    top, bottom, down = _knots(y, height, rows)
    left, right, across = _knots(x, width, columns)
    offset = (
        (1 - down) * (1 - across) * grid[top, left]
        + (1 - down) * across * grid[top, right]
        + down * (1 - across) * grid[bottom, left]
        + down * across * grid[bottom, right]
    )
    return x + offset[..., 0], y + offset[..., 1]


def _knots(position: Floats, length: int, count: int) -> tuple[Ints, Ints, Floats]:
    """The knots before and after each position along an axis, and how far it stands between them (with a last axis)."""
    place = np.clip(np.nan_to_num(position) * ((count - 1) / length), 0, count - 1)
    before = np.minimum(np.floor(place), max(count - 2, 0)).astype(np.int64)
    return before, np.minimum(before + 1, count - 1), (place - before)[..., None]


@dataclass(frozen=True, slots=True, eq=False)
class ExactGeometry:
    """A map by which every output pixel's centre falls on a pixel's centre: flips, quarter turns, whole translations.

    Attributes:
        x, y: the source's pixel index (inside it or not) along each of its axes.
        transposed: whether the output's rows run along the source's x.
    """

    x: NDArray[np.int64]
    y: NDArray[np.int64]
    transposed: bool


def exact_geometry(stage: Stage, row: int) -> ExactGeometry | None:
    """The stage's geometry for one sample where it is exact, None where it is not."""
    height, width = (int(length) for length in stage.size[row])
    if stage.levels is not None and stage.levels[row].any():
        return None
    if not stage.coordinates:
        return ExactGeometry(np.arange(width), np.arange(height), transposed=False)
    change = stage.coordinates[0]
    if len(stage.coordinates) > 1 or not isinstance(change, Warp):
        return None
    matrix = change.matrix[row]
    if not exact_maps(matrix[None], stage.size[row, None])[0]:
        return None
    linear = np.rint(matrix[:2, :2])
    whole = np.rint(_first_pixel(matrix[:2], linear))
    transposed = linear[0, 0] == 0
    columns, rows = (height, width) if transposed else (width, height)
    x = np.arange(columns) * int(linear[0].sum()) + int(whole[0])
    y = np.arange(rows) * int(linear[1].sum()) + int(whole[1])
    return ExactGeometry(x, y, bool(transposed))


def exact_maps(matrices: Floats, sizes: Ints) -> NDArray[np.bool_]:
    """Which of (B, 3, 3) maps bring all pixels' centres of canvases of (B, 2) heights and widths to pixels' centres."""
    linear = np.rint(np.nan_to_num(matrices[:, :2, :2]))
    offset = np.nan_to_num(_first_pixel(matrices[:, :2], linear), nan=np.inf)
    near = (np.abs(offset) < FAR).all(axis=1)
    apart = np.abs(np.nan_to_num(matrices[:, :2, :2], nan=np.inf) - linear) * sizes.max(axis=1)[:, None, None]
    ones = np.abs(linear)
    exact: NDArray[np.bool_] = (
        near
        & (matrices[:, 2] == (0.0, 0.0, 1.0)).all(axis=1)
        & (np.sort(ones, axis=2) == (0, 1)).all(axis=(1, 2))
        & (ones.sum(axis=1) == 1).all(axis=1)
        & (apart < _SNAP).all(axis=(1, 2))
        & (np.abs(offset - np.rint(np.where(np.isfinite(offset), offset, 0))) < _SNAP).all(axis=1)
    )
    return exact


def _first_pixel(matrices: Floats, linear: Floats) -> Floats:
    """The source pixel of a canvas's first one, by the upper two rows of maps and their whole linear parts."""
    pixel: Floats = matrices[..., 2] + linear.sum(axis=-1) * 0.5 - 0.5
    return pixel
