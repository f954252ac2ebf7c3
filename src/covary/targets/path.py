"""The way of a point from the source to the output: the stages' coordinate maps run backwards."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from covary.plan.changes import Bools, Displace, Ints, Reshape, Tiles, Vanish, Warp
from covary.plan.stages import Stage
from covary.targets.displacement import Points, Size, undo

Nine: TypeAlias = tuple[float, float, float, float, float, float, float, float, float]

NOWHERE: Nine = (np.nan,) * 9
EDGE = 1e-6  # px by which rounding may push a point over the canvas' edge


class Projection(NamedTuple):
    """A projective map forwards.

    Attributes:
        matrix: nine numbers row by row; the last row is exactly 0, 0, 1 for an affine map. A point whose third
            coordinate is not positive goes nowhere. All NaN for a singular map.
        mirrored: whether it reverses orientation, as one flip does.
    """

    matrix: Nine
    mirrored: bool

    @property
    def affine(self) -> bool:
        """Whether parallel lines stay parallel."""
        return self.matrix[6] == 0.0 and self.matrix[7] == 0.0


class Displacement(NamedTuple):
    """A displacement of one sample, to be inverted: its control grid and the size of its canvas."""

    grid: NDArray[np.floating]
    size: Size


class Exchange(NamedTuple):
    """Cells of the canvas that change places.

    Attributes:
        parts: (K, 4) x0, y0, x1, y1 of the cells before; they cover the canvas.
        shifts: (K, 2) by how much each moves.
    """

    parts: NDArray[np.int64]
    shifts: NDArray[np.int64]


class Gone(NamedTuple):
    """Objects that vanish: (H, W) whether a pixel was of theirs, and whether it is of one that stays."""

    gone: Bools
    left: Bools


class Leg(NamedTuple):
    """What one stage does to the points of one sample. An Exchange is the only step of its leg."""

    steps: tuple[Projection | Displacement | Exchange, ...]
    before: Size
    after: Size
    vanished: Gone | None = None

    @property
    def exchange(self) -> Exchange | None:
        """The cells that change places in this stage."""
        first = self.steps[0] if self.steps else None
        return first if isinstance(first, Exchange) else None


def inverse(matrix: Sequence[Sequence[float]]) -> Projection:
    """The forward map of an inverse warp, by the adjugate: exact for flips, quarter turns and whole translations."""
    (a, b, c), (d, e, f), (g, h, i) = matrix
    r, s, t = e * i - f * h, f * g - d * i, d * h - e * g
    determinant = a * r + b * s + c * t
    if not (determinant < 0.0 or determinant > 0.0) or determinant in (np.inf, -np.inf):
        return Projection(NOWHERE, False)
    mirrored = determinant < 0.0
    if g == 0.0 and h == 0.0:
        if not i > 0.0:
            return Projection(NOWHERE, False)
        area = a * e - b * d
        n = i / area
        return Projection(
            (e * n, -b * n, (b * f - c * e) / area, -d * n, a * n, (c * d - a * f) / area, 0.0, 0.0, 1.0), mirrored
        )
    n = 1.0 / determinant
    return Projection(
        (
            r * n,
            (c * h - b * i) * n,
            (b * f - c * e) * n,
            s * n,
            (a * i - c * g) * n,
            (c * d - a * f) * n,
            t * n,
            (b * g - a * h) * n,
            (a * e - b * d) * n,
        ),
        mirrored,
    )


_Map: TypeAlias = tuple[list[list[list[float]]], list[list[int]]] | Displace | Tiles | Vanish | Reshape


class Path:
    """The forward maps of B samples through the stages that move points."""

    __slots__ = ("_maps", "_moving", "_sizes")

    def __init__(self, stages: Sequence[Stage], sizes: Ints) -> None:
        """`sizes` are the (B, 2) heights and widths of the sources."""
        self._moving = [stage for stage in stages if stage.concerns_labels]
        self._sizes = [sizes.tolist(), *[stage.size.tolist() for stage in self._moving]]
        self._maps: list[list[_Map]] | None = None  # made when they are asked for

    def source(self, row: int) -> Size:
        """Height and width of one sample's source."""
        height, width = self._sizes[0][row]
        return height, width

    def output(self, row: int) -> Size:
        """Height and width of one sample's output."""
        height, width = self._sizes[-1][row]
        return height, width

    def legs(self, row: int) -> list[Leg]:
        """One leg per stage that moves the points of this sample."""
        if self._maps is None:
            self._maps = [
                [
                    (change.matrix.tolist(), change.size.tolist()) if isinstance(change, Warp) else change
                    for change in (stage.coordinates or (_effect(stage),))
                ]
                for stage in self._moving
            ]
        legs = []
        for number, changes in enumerate(self._maps):
            (height, width), (new_height, new_width) = self._sizes[number][row], self._sizes[number + 1][row]
            before, after, canvas = (height, width), (new_height, new_width), (height, width)
            steps: list[Projection | Displacement | Exchange] = []
            vanished = None
            for change in changes:
                if isinstance(change, Tiles):
                    cells, origins = change.cells[row], change.origins[row]
                    shifts = cells[:, :2] - origins
                    if shifts.any():
                        parts = np.concatenate((origins, cells[:, 2:] - shifts), axis=1)
                        steps.append(Exchange(parts, shifts))
                    continue
                if isinstance(change, Reshape):
                    continue
                if isinstance(change, Vanish):
                    if change.gone[row].any():
                        vanished = Gone(change.gone[row], change.left[row])
                    continue
                if isinstance(change, Displace):
                    steps.append(Displacement(change.grids[row], canvas))
                    continue
                matrices, canvases = change
                canvas = (canvases[row][0], canvases[row][1])
                if matrices[row] != _IDENTITY:
                    steps.append(inverse(matrices[row]))
            if steps or before != after or vanished is not None:
                legs.append(Leg(tuple(steps), before, after, vanished))
        return legs


def _effect(stage: Stage) -> Tiles | Vanish | Reshape:
    assert stage.pixels is not None and stage.pixels.effect is not None
    return stage.pixels.effect


_IDENTITY = [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]


def project(points: Points, projection: Projection) -> Points:
    """Where (N, 2) points go; NaN for those that go nowhere."""
    a, b, c, d, e, f, g, h, i = projection.matrix
    if projection.affine:
        numbers = np.array((a, d, b, e, c, f))
        moved: Points = points @ numbers[:4].reshape(2, 2)
        moved += numbers[4:]
        return moved
    moved = points @ np.array(((a, d, g), (b, e, h)))
    moved += (c, f, i)
    depth = moved[:, 2:]
    there: Points = moved[:, :2] / np.where(depth > 0.0, depth, np.nan)
    return there


def advance(points: Points, leg: Leg) -> Points:
    """Where (N, 2) continuous points go in one stage; NaN for those that go nowhere."""
    for step in leg.steps:
        if isinstance(step, Projection):
            points = project(points, step)
        elif isinstance(step, Exchange):
            points = points + step.shifts[cells_of(points, step, leg.before)]
        else:
            points = undo(step.grid, step.size, points)
    return points


def cells_of(points: Points, step: Exchange, size: Size) -> NDArray[np.intp]:
    """(N,) the cell in which each point lies; that of the nearest point of the canvas for those beyond it."""
    at = _pixels(points, size)
    x, y = at[:, :1], at[:, 1:]
    x0, y0, x1, y1 = step.parts.T
    cells: NDArray[np.intp] = ((x >= x0) & (x < x1) & (y >= y0) & (y < y1)).argmax(axis=1)
    return cells


def _pixels(points: Points, size: Size) -> NDArray[np.intp]:
    """(N, 2) column and row of the pixel in which each point lies, or of the nearest one."""
    last = np.array((size[1] - 1, size[0] - 1), dtype=np.float64)
    held: NDArray[np.intp] = np.clip(np.floor(np.nan_to_num(points)), 0, last).astype(np.intp)
    return held


def inside(points: Points, size: Size) -> NDArray[np.bool_]:
    """(N,) whether points lie on a canvas; its edges belong to it, NaN does not."""
    lowest, highest = _reach(size)
    within = points >= lowest
    within &= points <= highest
    both: NDArray[np.bool_] = within[:, 0] & within[:, 1]
    return both


@lru_cache(maxsize=1024)
def _reach(size: Size) -> tuple[Points, Points]:
    height, width = size
    return np.full(2, -EDGE), np.array((width + EDGE, height + EDGE))


def travel(points: Points, source: Size, legs: Sequence[Leg]) -> tuple[Points, NDArray[np.bool_]]:
    """Take (N, 2) continuous points from the source to the output.

    Returns:
        (N, 2) positions, and (N,) whether the point was on the canvas at the source and after every stage.
    """
    seen = inside(points, source)
    for leg in legs:
        points = advance(points, leg)
        np.logical_and(seen, inside(points, leg.after), out=seen)
        if leg.vanished is not None:
            column, row = _pixels(points, leg.after).T
            seen &= ~leg.vanished.gone[row, column]
    return points, seen


def mirrors(legs: Sequence[Leg]) -> bool:
    """Whether left and right trade places: an odd number of flips.

    A projective map has the same orientation wherever it is defined, and a displacement keeps it but for its folds,
    which mirror nothing as a whole; so one answer holds for all points of a sample.
    """
    mirrored = False
    for leg in legs:
        for step in leg.steps:
            mirrored ^= isinstance(step, Projection) and step.mirrored
    return mirrored
