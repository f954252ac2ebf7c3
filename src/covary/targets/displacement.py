"""Displacements run backwards: where does the picture's point q go, if position p shows what was at p + d(p)?"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Points: TypeAlias = NDArray[np.float64]
Size: TypeAlias = tuple[int, int]

WANTED = 1e-6  # px; the search ends here
ENOUGH = 1e-4  # px; a worse answer counts as none
ROUNDS = 40
LATTICE = 65


def _cells(position: Points, length: int, knots: int) -> tuple[NDArray[np.intp], NDArray[np.intp], Points, Points]:
    """Left knot, right knot, share of the right one, and d(share)/d(position) along one axis."""
    if knots == 1:
        first = np.zeros(len(position), dtype=np.intp)
        nought = np.zeros(len(position))
        return first, first, nought, nought
    rate = (knots - 1) / length
    held = np.minimum(np.maximum(position, 0.0), float(length))
    at = held * rate
    left = np.minimum(np.nan_to_num(at).astype(np.intp), knots - 2)
    slope = np.where(held == position, rate, 0.0)
    return left, left + 1, at - left, slope


def offsets(grid: Points, size: Size, points: Points) -> tuple[Points, Points]:
    """The displacement and its derivative.

    Args:
        grid: (gh, gw, 2) offsets (dx, dy) at the knots.
        size: height and width of the canvas.
        points: (N, 2) positions (x, y).

    Returns:
        (N, 2) offsets, and (N, 2, 2) derivatives, [:, i, j] being that of offset i along axis j.
    """
    height, width = size
    x0, x1, tx, sx = _cells(points[:, 0], width, grid.shape[1])
    y0, y1, ty, sy = _cells(points[:, 1], height, grid.shape[0])
    tx, sx, ty, sy = tx[:, None], sx[:, None], ty[:, None], sy[:, None]
    top_left, top_right, low_left, low_right = grid[y0, x0], grid[y0, x1], grid[y1, x0], grid[y1, x1]
    top = top_left + (top_right - top_left) * tx
    low = low_left + (low_right - low_left) * tx
    along_x = (top_right - top_left) * (1 - ty) + (low_right - low_left) * ty
    return top + (low - top) * ty, np.stack((along_x * sx, (low - top) * sy), axis=2)


def undo(grid: NDArray[np.floating], size: Size, targets: Points) -> Points:
    """The positions p with p + d(p) = q for each target q, to 1e-4 px.

    Newton's method with halved steps, as the derivative jumps at the knots. A solution always exists (the displacement
    is bounded and continuous), but where the displacement folds the picture there are several: one of them is found.

    Args:
        grid: (gh, gw, 2) offsets (dx, dy) at the knots.
        size: height and width of the canvas.
        targets: (N, 2) positions (x, y).

    Returns:
        (N, 2) positions; NaN for those that were not found.
    """
    knots = np.asarray(grid, dtype=np.float64)
    found, error = _search(knots, size, targets, targets - offsets(knots, size, targets)[0])
    lost = np.flatnonzero(~(error <= WANTED) & np.isfinite(targets).all(axis=1))
    if len(lost):
        again, its_error = _search(knots, size, targets[lost], _nearest_start(knots, size, targets[lost]))
        better = its_error < error[lost]
        found[lost[better]], error[lost[better]] = again[better], its_error[better]
    found[~(error <= ENOUGH)] = np.nan
    return found


def _search(grid: Points, size: Size, targets: Points, start: Points) -> tuple[Points, Points]:
    """Damped Newton from `start`: the best positions and how far (px) their images are from the targets."""
    best = start.copy()
    error = np.full(len(targets), np.inf)
    step = np.zeros_like(start)
    share = np.ones(len(targets))
    rows = np.arange(len(targets))
    for _ in range(ROUNDS):
        trial = best[rows] - step[rows] * share[rows, None]
        offset, slope = offsets(grid, size, trial)
        miss = trial + offset - targets[rows]
        trial_error = np.abs(miss).max(axis=1)
        gained = trial_error < error[rows]
        share[rows] = np.where(gained, 1.0, share[rows] * 0.5)
        won = rows[gained]
        best[won], error[won] = trial[gained], trial_error[gained]
        step[won] = _newton_step(miss[gained], slope[gained])
        rows = rows[~(error[rows] <= WANTED) & (share[rows] > 1e-6)]
        if not len(rows):
            break
    return best, error


def _newton_step(miss: Points, slope: Points) -> Points:
    """Solve (I + slope) step = miss; where the map is flat, the plain fixed-point step."""
    a, b = 1 + slope[:, 0, 0], slope[:, 0, 1]
    c, d = slope[:, 1, 0], 1 + slope[:, 1, 1]
    determinant = a * d - b * c
    flat = np.abs(determinant) < 1e-6
    divisor = np.where(flat, 1.0, determinant)
    solved = np.stack((d * miss[:, 0] - b * miss[:, 1], a * miss[:, 1] - c * miss[:, 0]), axis=1) / divisor[:, None]
    return np.where(flat[:, None], miss, solved)


def _nearest_start(grid: Points, size: Size, targets: Points) -> Points:
    """For each target the knot of a lattice over the canvas whose image comes nearest."""
    height, width = size
    x, y = np.meshgrid(np.linspace(0, width, LATTICE), np.linspace(0, height, LATTICE))
    lattice = np.stack((x.ravel(), y.ravel()), axis=1)
    images = lattice + offsets(grid, size, lattice)[0]
    nearest = [np.square(images - target).sum(axis=1).argmin() for target in targets]
    return lattice[nearest]
