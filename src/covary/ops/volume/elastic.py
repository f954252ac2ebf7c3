"""Smooth deformations of volumes."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from covary.draws.distributions import Range, Uniform
from covary.draws.streams import stream_normals
from covary.ops.base import Draw, operation, ranged
from covary.ops.image.dense import (
    SPLINE_POWER,
    SPLINE_WIDTH,
    STEEPEST,
    SplineAxis,
    spline_along_first,
    spline_parts,
)
from covary.ops.volume.base import Geometry3D
from covary.ops.volume.view import VolumeView
from covary.plan.changes import Floats
from covary.plan.volume import Displace3D


@operation
class Elastic3D(Geometry3D):
    """Move every point of a volume by a smooth random displacement, as if it were of rubber.

    The size stays. Each component of the displacement is a normal random field: white noise, smoothed by a cubic
    B-spline whose standard deviation is `sigma`. It is computed at the knots of a coarse grid and linear in between,
    for voxels and labels alike.

    Args:
        magnitude: standard deviation of the displacement along each axis, in voxels of the finest axis (where the voxel
            spacing differs, thick slices move by fewer voxels). Identity: 0. Default: 0.5 to 2.
        sigma: how smooth, in voxels of the finest axis, at least 1: points nearer than this move together. Default 10.
        border: what lies outside: "constant", "edge", "reflect", "symmetric" or "wrap". Default "constant".
        fill: value for "constant": one number, or one for each channel. Default 0; air in CT is -1000.
        interpolation: "nearest" or "linear". Default "linear".

    A displacement so strong that neighbours could fold over each other is scaled down as a whole: nowhere does its
    slope exceed 0.8.

    Simard, Steinkraus and Platt, "Best practices for convolutional neural networks", ICDAR 2003; for volumes
    Ronneberger, Fischer and Brox, "U-Net", MICCAI 2015.

    Helps: soft tissue, cells; small medical data sets.
    Hurts: bones and implants, anything stiff; structures smaller than sigma.
    """

    magnitude: Range = ranged(default=Uniform(0.5, 2, identity=0), low=0)
    sigma: float = 10.0

    streams = ("knots",)

    def check(self) -> None:
        super().check()
        if isinstance(self.sigma, bool) or not isinstance(self.sigma, (int, float)) or not 1 <= self.sigma < math.inf:
            self.refuse("sigma", repr(self.sigma), "a finite number of voxels from 1")

    def describe(self, draw: Draw, view: VolumeView) -> Displace3D:
        grids = [
            _grid(size, finest, stream, magnitude, self.sigma)
            for size, finest, stream, magnitude in zip(
                view.size.tolist(),
                view.spacing.min(axis=1, keepdims=True) / view.spacing,
                draw.stream("knots"),
                draw("magnitude").tolist(),
                strict=True,
            )
        ]
        return Displace3D(tuple(grids), self.border, self.outside(view), self.interpolation)


def _grid(
    size: list[int], finest: NDArray[np.float64], stream: np.uint64, magnitude: float, sigma: float
) -> NDArray[np.float32]:
    """One displacement; `finest` is how many voxels of each axis the spacing of the finest one makes."""
    widths = [max(1.0, sigma * share) / SPLINE_WIDTH for share in finest.tolist()]
    axes = [SplineAxis(side, width, spline_parts(width)) for side, width in zip(size, widths, strict=True)]
    shape = (*(axis.knots for axis in axes), 3)
    field: Floats = stream_normals(np.array([stream]), math.prod(shape)).reshape(shape).astype(np.float32)
    field = field * (magnitude / SPLINE_POWER**1.5 * finest).astype(np.float32)
    for number, axis in enumerate(axes):
        field = np.moveaxis(spline_along_first(np.moveaxis(field, number, 0), axis), 0, number)
    steepest = _steepest(field, [axis.step for axis in axes])
    made = np.ascontiguousarray(field, dtype=np.float32)
    return made if steepest <= STEEPEST else made * np.float32(STEEPEST / steepest)


def _steepest(field: Floats, steps: list[float]) -> float:
    """No less than the norm of the matrix of slopes of a (gd, gh, gw, 3) displacement anywhere.

    Within a cell each column of the matrix lies between those of the four parallel edges.
    """
    total: Floats = np.zeros(1, dtype=np.float32)
    for axis, step in enumerate(steps):
        squares = (np.diff(field, axis=axis) ** 2).sum(axis=-1) / np.float32(step**2)
        for other in {0, 1, 2} - {axis}:
            count = squares.shape[other]
            squares = np.maximum(squares.take(range(count - 1), other), squares.take(range(1, count), other))
        total = total + squares
    return math.sqrt(float(total.max()))
