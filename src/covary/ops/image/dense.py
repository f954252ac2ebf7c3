"""Displacements: every part of the picture moves in its own way.

All displacements made here are contractions of at most STEEPEST: two points never move apart or together by more than
that share of their distance. So the picture never folds, and a label finds its place by repeated substitution.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import field
from functools import cache
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from covary.draws.distributions import Range, Uniform
from covary.draws.streams import stream_normals
from covary.ops.base import Draw, Operation, operation, ranged
from covary.ops.image.spatial import Geometry, checked_count
from covary.ops.view import View
from covary.plan.changes import BORDERS, Border, Displace, Floats, Ints

STEEPEST = 0.8

# The distance of two random knots is divided into as many cells of the finished grid as leave these so long at least
# (in pixels), within these limits. Undivided, linear interpolation would take a sixth of the deviation.
_SHORTEST = 2.0
_FEWEST, _MOST = 2, 4
# A cubic B-spline over knots one apart has this standard deviation; the mean square of the splines' weighted sum of
# standard normal numbers is the integral of the spline's square, for each axis.
SPLINE_WIDTH = 1 / math.sqrt(3)
SPLINE_POWER = 151 / 315
# Large fields are worked on in bands of so many lines, which stay in the cache: fresh memory for whole intermediate
# fields costs more than the arithmetic.
_BAND = 128


@operation
class ElasticTransform(Geometry):
    """Move every point by a smooth random displacement, as if the picture lay on rubber.

    Any (H, W, C) image; the size stays. Both components of the displacement are normal random fields: white noise,
    smoothed by a cubic B-spline whose standard deviation is `sigma`. (The peers smooth a whole picture of noise by a
    Gaussian of that standard deviation: the fields are alike, the cost is not.)

    The field is computed at the knots of a grid and linear in between, for pixels and labels alike. The knots lie sigma
    / 2.3 pixels apart, but hardly nearer than 2 pixels. So the displacement misses the smooth spline by a standard
    deviation of 2.1 percent of its own: by default 0.02 to 0.05 pixels, with a maximum of 0.15 to 0.45 pixels over 24
    pictures of 512 x 512. (With sigma 4 it is 3.7 percent.)

    Args:
        alpha: strength, as Albumentations counts it: the factor on Gaussian noise of unit variance after the smoothing.
            The displacement has a standard deviation of 0.282 * alpha / sigma pixels along each axis. Identity: 0.
            Default: 30 to 90, which is 0.8 to 2.5 pixels. (Albumentations' default, alpha 1 and sigma 50, moves points
            by 0.006 pixels. torchvision's alpha is 3.5 times ours: its noise is uniform, its unit half a pixel.)
        sigma: how smooth, in pixels, at least 1: points nearer than this move together. Default 10. For 28 x 28 digits,
            alpha 20 and sigma 4 come near to Simard's choice.
        border: what lies outside: "constant", "edge", "reflect", "symmetric" or "wrap". Default "reflect".
        fill: colour for "constant", in the image's own range: a number, or one for each channel.
        interpolation: "nearest", "linear" or "cubic". Default "linear".

    A displacement so strong that neighbours could fold over each other (from about alpha = sigma ** 2 on) is scaled
    down as a whole: nowhere does its slope exceed 0.8.

    Simard, Steinkraus and Platt, "Best practices for convolutional neural networks", ICDAR 2003.

    Helps: handwriting, cells and tissue, small medical data sets.
    Hurts: straight things: buildings, print, anything made by machines; fine structures smaller than sigma.
    """

    alpha: Range = ranged(default=Uniform(30, 90, identity=0))
    sigma: float = 10.0

    streams = ("knots",)

    def check(self) -> None:
        super().check()
        if isinstance(self.sigma, bool) or not isinstance(self.sigma, (int, float)) or not 1 <= self.sigma < math.inf:
            self.refuse("sigma", repr(self.sigma), "a finite number of pixels from 1")

    def describe(self, draw: Draw, view: View) -> Displace:
        streams = draw.stream("knots")
        deviation = draw("alpha") / (2 * math.sqrt(math.pi) * self.sigma)
        spacing = self.sigma / SPLINE_WIDTH
        parts = spline_parts(spacing)
        grids: list[Floats] = [np.empty(0)] * view.count
        for (height, width), rows in _by_size(view.size):
            y, x = SplineAxis(height, spacing, parts), SplineAxis(width, spacing, parts)
            noise = stream_normals(streams[rows], y.knots * x.knots * 2).reshape(-1, y.knots, x.knots, 2)
            for row, knots in zip(rows, noise, strict=True):
                grid = _upsampled(knots * (deviation[row] / SPLINE_POWER), y, x)
                grids[row] = limited(grid, y.step, x.step)
        return self.displace(tuple(grids), view)


@operation
class GridDistortion(Geometry):
    """Widen some columns and rows of a grid and narrow others.

    Any (H, W, C) image; the size stays, and so do the four sides: nothing from outside is shown.

    Args:
        num_steps: cells of the grid along each axis, from 1. Default 5.
        distort_limit: by which fraction each column and each row is made to show more (above 0) or less (below 0) of
            the picture, before all together are fitted to its sides. From -0.9 to 0.9. Identity: 0. Default: -0.3 to
            0.3.
        border: what lies outside, which no position reaches: "constant", "edge", "reflect", "symmetric" or "wrap".
            Default None: the border of the geometry that shares the pass.
        fill: colour for "constant", in the image's own range: a number, or one for each channel.
        interpolation: "nearest", "linear" or "cubic". Default "linear".

    No cell is magnified so much, or so little, that positions move by more than 0.8 of their distance; a stronger
    drawing is scaled down as a whole.

    Helps: handwriting, tissue, scans of paper.
    Hurts: straight things, and where proportions decide the class.
    """

    # What never looks outside must not bind the operations that share its pass to a border.
    borders: ClassVar[tuple[Border | None, ...]] = (*BORDERS, None)

    num_steps: int = 5
    distort_limit: Range = ranged(default=Uniform(-0.3, 0.3, identity=0), low=-0.9, high=0.9)
    border: Border | None = field(default=None, kw_only=True)

    def check(self) -> None:
        super().check()
        checked_count(self, "num_steps")

    def slots(self) -> tuple[str, ...]:
        return (*Operation.slots(self), *self._cells("x"), *self._cells("y"))

    def describe(self, draw: Draw, view: View) -> Displace:
        sides = view.size.astype(np.float64)
        x, y = self._shifts(draw, "x") * sides[:, 1:], self._shifts(draw, "y") * sides[:, :1]
        grids = np.empty((view.count, self.num_steps + 1, self.num_steps + 1, 2), dtype=np.float32)
        grids[..., 0] = x[:, None, :]
        grids[..., 1] = y[:, :, None]
        return self.displace(tuple(grids), view)

    def _cells(self, axis: str) -> tuple[str, ...]:
        return tuple(f"{axis}{index}" for index in range(self.num_steps))

    def _shifts(self, draw: Draw, axis: str) -> Floats:
        """(B, num_steps + 1) displacements of the grid's lines, as fractions of the side."""
        uniforms = np.stack([draw(slot) for slot in self._cells(axis)], axis=1)
        shares = 1 + self.law("distort_limit").quantile(uniforms)
        # Row sums by accumulation: in a fixed order, whatever the batch.
        slopes = shares / (np.cumsum(shares, axis=1)[:, -1:] / self.num_steps) - 1
        slopes *= np.minimum(1, STEEPEST / np.maximum(np.abs(slopes).max(axis=1, keepdims=True), STEEPEST))
        shifts = np.zeros((len(slopes), self.num_steps + 1))
        np.cumsum(slopes[:, :-1] / self.num_steps, axis=1, out=shifts[:, 1:-1])
        return shifts


class SplineAxis:
    """One axis of an elastic field: noise at knots about `spacing` apart, `parts` cells of the finished grid for each.

    Attributes:
        cells: of the finished grid, which divide the canvas evenly.
        step: length of a cell in pixels.
        spans: distances of knots that cover the canvas, the last one perhaps beyond it.
        knots: that bear on the canvas: one before, and two behind, as a cubic spline needs them.
    """

    __slots__ = ("cells", "knots", "parts", "spans", "step")

    def __init__(self, length: int, spacing: float, parts: int) -> None:
        self.parts = parts
        # The distance of the knots gives way a little, so that it is a whole number of cells.
        self.cells = max(1, round(length / spacing * parts))
        self.step = length / self.cells
        self.spans = self.cells // parts + 1
        self.knots = self.spans + 3


def spline_parts(spacing: float) -> int:
    """Into how many cells of the finished grid the distance of two random knots, in pixels, is divided."""
    return max(_FEWEST, min(_MOST, int(spacing / _SHORTEST)))


@cache
def _spline_weights(parts: int) -> NDArray[np.float64]:
    """(4, parts) weights of the four knots around a position, at the multiples of 1 / parts of a span."""
    t = np.arange(parts) / parts
    return np.stack([(1 - t) ** 3, 3 * t**3 - 6 * t**2 + 4, -3 * t**3 + 3 * t**2 + 3 * t + 1, t**3]) / 6


def _upsampled(knots: Floats, y: SplineAxis, x: SplineAxis) -> Floats:
    """The cubic B-spline over (y.knots, x.knots, 2) numbers: (gh, gw, 2) float32 values at the grid's lines."""
    by_columns = spline_along_first(knots.transpose(1, 0, 2), x).transpose(1, 0, 2)
    # The bulk of the work, in the precision in which the grid is kept.
    return spline_along_first(by_columns.astype(np.float32, order="C"), y)


def spline_along_first(knots: Floats, axis: SplineAxis) -> Floats:
    flat = np.ascontiguousarray(knots).reshape(len(knots), 1, -1)
    weights = _spline_weights(axis.parts).astype(flat.dtype)[..., None]
    grid = np.empty((axis.spans, axis.parts, flat.shape[2]), dtype=flat.dtype)
    spans = max(1, _BAND // axis.parts)
    for start in range(0, axis.spans, spans):
        band = grid[start : start + spans]
        taps = [flat[start + tap : start + tap + len(band)] for tap in range(4)]
        # Products and sums in turn, not a matrix product, whose order of summation would be the machine's.
        np.multiply(taps[0], weights[0], out=band)
        for tap in (1, 2, 3):
            band += taps[tap] * weights[tap]
    return grid.reshape(-1, *knots.shape[1:])[: axis.cells + 1]


def limited(grid: Floats, y_step: float, x_step: float) -> Floats:
    """The (gh, gw, 2) displacement, scaled down in place where its slope would exceed the steepest."""
    bands = (grid[start : start + _BAND + 1] for start in range(0, len(grid) - 1, _BAND))
    steepest = max(_steepest(band, y_step, x_step) for band in bands)
    if steepest > STEEPEST:
        grid *= np.float32(STEEPEST / steepest)
    return grid


def _steepest(grid: Floats, y_step: float, x_step: float) -> float:
    """The greatest norm of the matrix of slopes, or 0 if it is at most the steepest."""
    along_x = (grid[:, 1:] - grid[:, :-1]) * np.float32(1 / x_step)
    along_y = (grid[1:] - grid[:-1]) * np.float32(1 / y_step)
    # Within a cell both columns of the matrix of slopes lie between those of opposite edges, so its norm is at most
    # that of one of the four pairs of edges. The root of the sum of squares is never less: most cells need no more.
    x_squares, y_squares = _squares(along_x), _squares(along_y)
    in_cells = np.maximum(x_squares[1:], x_squares[:-1]) + np.maximum(y_squares[:, 1:], y_squares[:, :-1])
    if in_cells.max() <= STEEPEST**2:
        return 0.0
    i, j = np.nonzero(in_cells > STEEPEST**2)
    pairs = [(along_x[i + down, j], along_y[i, j + right]) for down in (0, 1) for right in (0, 1)]
    return max(float(_norms(x, y).max()) for x, y in pairs)


def _squares(vectors: Floats) -> Floats:
    squares = vectors * vectors
    total: Floats = squares[..., 0] + squares[..., 1]
    return total


def _norms(x: Floats, y: Floats) -> Floats:
    """The greatest singular values of the matrices with columns `x` and `y`, (N, 2) each."""
    total, determinant = _squares(x) + _squares(y), x[:, 0] * y[:, 1] - x[:, 1] * y[:, 0]
    spread = np.sqrt(np.maximum(total**2 - 4 * determinant**2, 0))
    norms: Floats = np.sqrt((total + spread) / 2)
    return norms


def _by_size(sizes: Ints) -> Iterator[tuple[tuple[int, int], NDArray[np.intp]]]:
    """Each distinct (height, width), and the rows of the pictures that have it."""
    rows: dict[tuple[int, int], list[int]] = {}
    for row, (height, width) in enumerate(sizes.tolist()):
        rows.setdefault((height, width), []).append(row)
    for size, members in rows.items():
        yield size, np.array(members)
