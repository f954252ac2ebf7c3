"""Displacements by a few knots: each moves at random, and what lies between follows."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from covary.draws.distributions import Range, Uniform
from covary.draws.streams import stream_normals, stream_uniforms
from covary.ops.amounts import Amount
from covary.ops.base import Draw, operation, ranged
from covary.ops.image.dense import limited
from covary.ops.image.spatial import Geometry, checked_count, is_count
from covary.ops.view import View
from covary.plan.changes import Displace, Floats

# A spline is computed at lines about so many pixels apart, and is linear in between.
_SPACING = 6.0


@operation
class GridElasticDeform(Geometry, Amount):
    """Move the knots of a regular grid, each in its own way.

    Any (H, W, C) image; the size stays. Between the knots the displacement is bilinear.

    Args:
        grid: number of cells (rows, columns), from 1. Default (4, 4).
        magnitude: the furthest that a knot moves along each axis, as a fraction of the image's shorter side, 0 to 0.5:
            it moves by a uniform share of this, either way. Identity: 0. Default 0.01 to 0.05.
        border: what lies outside: "constant", "edge", "reflect", "symmetric" or "wrap". Default "reflect".
        fill: colour for "constant", in the image's own range: a number, or one for each channel.
        interpolation: "nearest", "linear" or "cubic". Default "linear".

    A displacement so strong that neighbours could fold over each other is scaled down as a whole: nowhere does its
    slope exceed 0.8. (Albumentations counts in pixels and moves the inner knots only.)

    Helps: tissue, handwriting, cloth, at a fraction of the cost of ElasticTransform.
    Hurts: straight things: buildings, print, anything made by machines.
    """

    grid: tuple[int, int] = (4, 4)
    magnitude: Range = ranged(default=Uniform(0.01, 0.05, identity=0), low=0, high=0.5)

    streams = ("knots",)

    def check(self) -> None:
        super().check()
        if not isinstance(self.grid, tuple) or len(self.grid) != 2 or not all(is_count(number) for number in self.grid):
            self.refuse("grid", repr(self.grid), "a pair (rows, columns) of whole numbers from 1")

    def describe(self, draw: Draw, view: View) -> Displace:
        rows, columns = self.grid[0] + 1, self.grid[1] + 1
        reach = draw("magnitude") * np.minimum(view.height, view.width)
        chance = 2 * stream_uniforms(draw.stream("knots"), rows * columns * 2) - 1
        moves = chance.reshape(view.count, rows, columns, 2) * reach[:, None, None, None]
        return self.displace(_unfolded(moves.astype(np.float32), view), view)


@operation
class PiecewiseAffine(Geometry, Amount):
    """Move the knots of a regular grid by normal random steps.

    Any (H, W, C) image; the size stays. Between the knots the displacement is bilinear. (imgaug and Albumentations
    divide each cell into two triangles, on which it is affine; their edges show.)

    Args:
        scale: standard deviation of a knot's step along each axis, as a fraction of the image's shorter side, 0 to 0.2.
            Identity: 0. Default 0.03 to 0.05.
        rows, columns: number of knots along each axis, from 2. Default 4.
        border: what lies outside: "constant", "edge", "reflect", "symmetric" or "wrap". Default "reflect".
        fill: colour for "constant", in the image's own range: a number, or one for each channel.
        interpolation: "nearest", "linear" or "cubic". Default "linear".

    A displacement so strong that neighbours could fold over each other is scaled down as a whole: nowhere does its
    slope exceed 0.8.

    Helps: tissue, handwriting, faces.
    Hurts: straight things: buildings, print, anything made by machines.
    """

    scale: Range = ranged(default=Uniform(0.03, 0.05, identity=0), low=0, high=0.2)
    rows: int = 4
    columns: int = 4

    streams = ("knots",)

    def check(self) -> None:
        super().check()
        checked_count(self, "rows", 2)
        checked_count(self, "columns", 2)

    def describe(self, draw: Draw, view: View) -> Displace:
        deviation = draw("scale") * np.minimum(view.height, view.width)
        steps = stream_normals(draw.stream("knots"), self.rows * self.columns * 2)
        moves = steps.reshape(view.count, self.rows, self.columns, 2) * deviation[:, None, None, None]
        return self.displace(_unfolded(moves.astype(np.float32), view), view)


@operation
class ThinPlateSpline(Geometry, Amount):
    """Bend the picture like a thin plate that is held at a few points.

    Any (H, W, C) image; the size stays. The points stand on a regular grid, the outermost on the frame, and each is
    moved by a normal random step; between them the displacement is the thin-plate spline, the smoothest there is
    through all of them. It is computed at lines about 6 pixels apart and linear in between, for pixels and labels
    alike.

    Args:
        scale: standard deviation of a point's step along each axis, as a fraction of the image's shorter side, 0 to
            0.5. Identity: 0. Default 0.02 to 0.06. (Albumentations: 0.2 to 0.4, which folds pictures over.)
        points: number of them along each axis, 2 to 8. Default 4.
        border: what lies outside: "constant", "edge", "reflect", "symmetric" or "wrap". Default "reflect".
        fill: colour for "constant", in the image's own range: a number, or one for each channel.
        interpolation: "nearest", "linear" or "cubic". Default "linear".

    A displacement so strong that neighbours could fold over each other is scaled down as a whole: nowhere does its
    slope exceed 0.8.

    Bookstein, "Principal warps: thin-plate splines and the decomposition of deformations", TPAMI 1989.

    Helps: handwriting, faces, bodies, leaves, tissue: whatever bends as a whole.
    Hurts: straight things: buildings, print, anything made by machines.
    """

    scale: Range = ranged(default=Uniform(0.02, 0.06, identity=0), low=0, high=0.5)
    points: int = 4

    streams = ("knots",)

    def check(self) -> None:
        super().check()
        checked_count(self, "points", 2)
        if self.points > 8:
            self.refuse("points", repr(self.points), "a whole number from 2 to 8")

    def describe(self, draw: Draw, view: View) -> Displace:
        deviation = draw("scale") * np.minimum(view.height, view.width)
        steps = stream_normals(draw.stream("knots"), self.points**2 * 2).reshape(view.count, -1, 2)
        moves = (steps * deviation[:, None, None]).astype(np.float32)
        grids: list[Floats] = []
        for (height, width), own in zip(view.size.tolist(), moves, strict=True):
            cells = max(1, round(height / _SPACING)), max(1, round(width / _SPACING))
            shares = _plate(self.points, *cells)
            # Products and sums in turn, not a matrix product, whose order of summation would be the machine's.
            grid = shares[0][..., None] * own[0]
            for share, step in zip(shares[1:], own[1:], strict=True):
                grid += share[..., None] * step
            grids.append(limited(grid, height / cells[0], width / cells[1]))
        return self.displace(tuple(grids), view)


def _unfolded(moves: Floats, view: View) -> tuple[Floats, ...]:
    """(B, gh, gw, 2) displacements at knots that cover the canvases, each scaled down where it is too steep."""
    cells = moves.shape[1] - 1, moves.shape[2] - 1
    return tuple(
        limited(grid, height / cells[0], width / cells[1])
        for grid, (height, width) in zip(moves, view.size.tolist(), strict=True)
    )


@lru_cache(maxsize=16)
def _plate(points: int, rows: int, columns: int) -> NDArray[np.float32]:
    """What a unit step of each of points x points knots gives at the lines of a grid.

    The plate is the unit square, whatever the picture's proportions.

    Returns:
        (points**2, rows + 1, columns + 1); both components of the displacement are alike.
    """
    knots = np.stack(np.meshgrid(np.linspace(0, 1, points), np.linspace(0, 1, points)), axis=-1).reshape(-1, 2)
    count = len(knots)
    system = np.zeros((count + 3, count + 3))
    system[:count, :count] = _bending(knots, knots)
    system[:count, count] = system[count, :count] = 1
    system[:count, count + 1 :] = knots
    system[count + 1 :, :count] = knots.T
    places = np.stack(np.meshgrid(np.linspace(0, 1, columns + 1), np.linspace(0, 1, rows + 1)), axis=-1).reshape(-1, 2)
    basis = np.concatenate([_bending(places, knots), np.ones((len(places), 1)), places], axis=1)
    shares = basis @ np.linalg.inv(system)[:, :count]
    return np.ascontiguousarray(shares.T.reshape(count, rows + 1, columns + 1).astype(np.float32))


def _bending(places: NDArray[np.float64], knots: NDArray[np.float64]) -> NDArray[np.float64]:
    """(N, M) r**2 log r for all distances r, 0 where r is."""
    squares = np.square(places[:, None] - knots[None]).sum(axis=2)
    bending: NDArray[np.float64] = 0.5 * squares * np.log(np.where(squares > 0, squares, 1.0))
    return bending
