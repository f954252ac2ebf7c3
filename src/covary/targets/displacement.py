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


def _cells(position: Points, length: int, knots: int) -> tuple[NDArray[np.intp], Points, Points]:
    """Left knot, share of the right one, and d(share)/d(position) along one axis."""
    if knots == 1:
        nought = np.zeros(len(position))
        return np.zeros(len(position), dtype=np.intp), nought, nought
    rate = (knots - 1) / length
    held = np.minimum(np.maximum(position, 0.0), float(length))
    at = held * rate
    left = np.minimum(np.nan_to_num(at).astype(np.intp), knots - 2)
    return left, at - left, np.where(held == position, rate, 0.0)


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
    rows, columns = grid.shape[:2]
    x, tx, sx = _cells(points[:, 0], width, columns)
    y, ty, sy = _cells(points[:, 1], height, rows)
    # Pairs (dx, dy) as complex numbers: half the array calls, and no axis of length two.
    knots = np.ascontiguousarray(grid, dtype=np.float64).view(np.complex128).ravel()
    first = y * columns + x
    right, below = min(columns - 1, 1), columns * min(rows - 1, 1)
    top_left, low_left = knots.take(first), knots.take(first + below)
    top_step, low_step = knots.take(first + right) - top_left, knots.take(first + (below + right)) - low_left
    top = top_left + top_step * tx
    down = low_left + low_step * tx - top
    slope = np.stack(((top_step + (low_step - top_step) * ty) * sx, down * sy), axis=1)
    offset: Points = (top + down * ty).view(np.float64).reshape(-1, 2)
    return offset, slope.view(np.float64).reshape(-1, 2, 2).swapaxes(1, 2)


def undo(grid: NDArray[np.floating], size: Size, targets: Points) -> Points:
    """The positions p with p + d(p) = q for each target q, to 1e-4 px.

    Newton's method with halved steps, as the derivative jumps at the knots; what it misses is looked for in every cell
    of the grid. Where the displacement folds the picture there are several such positions: one of them is found.

    Args:
        grid: (gh, gw, 2) offsets (dx, dy) at the knots.
        size: height and width of the canvas.
        targets: (N, 2) positions (x, y).

    Returns:
        (N, 2) positions; NaN for points that are shown nowhere on the canvas (some of those just off it are found as
        well).
    """
    knots = np.asarray(grid, dtype=np.float64)
    found, error = _search(knots, size, targets, targets - offsets(knots, size, targets)[0])
    lost = np.flatnonzero(~(error <= WANTED) & np.isfinite(targets).all(axis=1))
    if len(lost):
        start = np.array([_in_cells(knots, size, target) for target in targets[lost]])
        again, its_error = _search(knots, size, targets[lost], start)
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


def _in_cells(grid: Points, size: Size, target: Points) -> Points:
    """A position on the canvas that shows the target, from the closed form of each cell; NaN if there is none.

    In a cell the picture's position is q00 + e u + f v + g u v, (u, v) in [0, 1]: a quadratic equation in v.
    """
    if 1 in grid.shape[:2]:
        grid = np.repeat(grid, 2 if grid.shape[0] == 1 else 1, axis=0)
        grid = np.repeat(grid, 2 if grid.shape[1] == 1 else 1, axis=1)
    y, x = np.meshgrid(*(np.linspace(0, length, n) for length, n in zip(size, grid.shape, strict=False)), indexing="ij")
    knots = np.stack((x, y), axis=2)
    images = knots + grid
    corner = images[:-1, :-1]
    e, f = images[:-1, 1:] - corner, images[1:, :-1] - corner
    g = images[1:, 1:] - images[:-1, 1:] - f
    h = target - corner
    square, linear, constant = _cross(g, f), _cross(e, f) + _cross(h, g), _cross(h, e)
    root = np.sqrt(linear * linear - 4 * square * constant)
    half = -0.5 * (linear + np.copysign(root, linear))
    for v in (constant / half, half / square):
        base = e + g * v[..., None]
        along_x = np.abs(base[..., 0]) > np.abs(base[..., 1])
        rest = h - f * v[..., None]
        u = np.where(along_x, rest[..., 0] / base[..., 0], rest[..., 1] / base[..., 1])
        off = np.maximum(np.abs(u - 0.5), np.abs(v - 0.5))
        row, column = np.unravel_index(np.argmin(np.where(np.isnan(off), np.inf, off)), off.shape)
        if off[row, column] <= 0.5 + 1e-9:
            first, last = knots[row, column], knots[row + 1, column + 1]
            share = np.array((u[row, column], v[row, column]))
            position: Points = first + (last - first) * share
            return position
    return np.full(2, np.nan)


def _cross(a: Points, b: Points) -> Points:
    product: Points = a[..., 0] * b[..., 1] - a[..., 1] * b[..., 0]
    return product
