"""The oracle for volumes: sampling in float64 NumPy, plain."""

from __future__ import annotations

from itertools import product

import numpy as np
from numpy.typing import NDArray

from covary.plan.changes import Border
from covary.plan.volume import Affine, Grid, Positions, Sampling, Volume, displacement
from covary.render.borders import map_indices


def sample(passed: Sampling, source: Volume) -> Volume:
    """What one sampling makes of a (D, H, W, C) volume of any dtype; integers are rounded to the nearest."""
    depth, height, width = passed.size
    grid = np.meshgrid(*(np.arange(n) + 0.5 for n in (depth, height, width)), indexing="ij")
    position = through(passed.maps, np.stack(grid, axis=-1).reshape(-1, 3))
    fill = np.zeros(source.shape[3]) if passed.fill is None else np.asarray(passed.fill, dtype=np.float64)
    if passed.interpolation == "nearest":
        values = _voxels(source, np.floor(position).astype(np.int64), passed.border, fill.astype(source.dtype))
    else:
        values = _linear(source.astype(np.float64), position - 0.5, passed.border, fill)
    if source.dtype.kind in "iu" and values.dtype != source.dtype:
        limits = np.iinfo(source.dtype)
        values = np.clip(np.floor(values + 0.5), limits.min, limits.max)
    return values.astype(source.dtype).reshape(depth, height, width, -1)


def through(maps: tuple[Affine | Grid, ...], position: Positions) -> Positions:
    """(N, 3) positions of the source that output positions show."""
    for one in reversed(maps):
        if isinstance(one, Affine):
            position = position @ one.matrix[:, :3].T + one.matrix[:, 3]
        else:
            position = position + displacement(one, position)
    return position


def _linear(source: NDArray[np.float64], at: Positions, border: Border, fill: Positions) -> Positions:
    first = np.floor(at).astype(np.int64)
    share = at - first
    total = np.zeros((len(at), source.shape[3]))
    for corner in product((0, 1), repeat=3):
        weight = np.prod(np.where(corner, share, 1 - share), axis=1)
        total += weight[:, None] * _voxels(source, first + np.array(corner), border, fill)
    return total


def _voxels(source: Volume, index: NDArray[np.int64], border: Border, fill: Volume) -> Volume:
    mapped = [map_indices(index[:, axis], source.shape[axis], border) for axis in range(3)]
    values = source[tuple(mapped)]
    if border == "constant":
        outside = ((index < 0) | (index >= np.array(source.shape[:3]))).any(axis=1)
        values[outside] = fill
    return values
