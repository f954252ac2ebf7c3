"""The kinds of change a volume operation can describe, and how neighbours fuse.

A change is plain data with a leading batch axis: row b describes what happens to sample b. Axes are (z, y, x), as in
the array (D, H, W, C). Positions are continuous: voxel i covers [i, i + 1), so the centre of the first voxel is 0.5.

Warps and displacements that stand together are one sampling, whatever their number; two with different ideas of what
lies outside (border, fill or interpolation) stay two. Everything else is a pass of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from covary.plan.changes import Border, Floats, Ints

Matrix: TypeAlias = NDArray[np.float64]
Positions: TypeAlias = NDArray[np.float64]
Volume: TypeAlias = NDArray[Any]
Interpolation: TypeAlias = Literal["nearest", "linear"]
INTERPOLATIONS: tuple[Interpolation, ...] = ("nearest", "linear")


@dataclass(frozen=True, slots=True, eq=False)
class Warp3D:
    """An affine map of space: output position -> input position.

    Attributes:
        matrix: (B, 3, 4) float64; input = matrix[:, :, :3] @ output + matrix[:, :, 3].
        size: (B, 3) int64, depth, height and width of the output.
        border: what lies outside the input; None where the map never looks there (crops, flips).
        fill: (B, C) value outside the input when `border` is "constant".
        interpolation: None leaves the choice to its neighbours in the same pass ("linear" when all are None).
        axes: (B, 3) int64, the input axis along which each output axis runs; None where each stays.
    """

    matrix: Floats
    size: Ints
    border: Border | None = None
    fill: Floats | None = None
    interpolation: Interpolation | None = None
    axes: Ints | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Displace3D:
    """A smooth displacement: output position p -> input position p + d(p). The size stays as it is.

    Attributes:
        grids: one (gd, gh, gw, 3) float32 array per sample: (dz, dy, dx) in voxels at knots spread evenly over the
            canvas, ends included; linear in between, constant beyond.
        border, fill, interpolation: as in Warp3D.
    """

    grids: tuple[Floats, ...]
    border: Border | None = None
    fill: Floats | None = None
    interpolation: Interpolation | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Voxels:
    """A function of one volume and its drawn parameters.

    Attributes:
        function: called as function(volume, **parameters) with a (D, H, W, C) array of its own; returns the same shape
            and dtype.
        parameters: one dict per sample.
    """

    function: Callable[..., Volume]
    parameters: tuple[dict[str, Any], ...]


@dataclass(frozen=True, slots=True, eq=False)
class Convert3D:
    """The form of the finished volume, float32 (C, D, H, W); the last change of a pipeline.

    Attributes:
        scale: what values are divided by; None leaves values and dtype.
    """

    scale: float | None


VolumeChange: TypeAlias = Warp3D | Displace3D | Voxels | Convert3D


@dataclass(frozen=True, slots=True, eq=False)
class Affine:
    """A map of space for one volume, as in Warp3D: (3, 4), and the size of its output."""

    matrix: Matrix
    size: tuple[int, int, int]


@dataclass(frozen=True, slots=True, eq=False)
class Grid:
    """A displacement for one volume, as in Displace3D, and the size of its canvas."""

    knots: NDArray[np.float32]
    size: tuple[int, int, int]


@dataclass(frozen=True, slots=True, eq=False)
class Sampling:
    """One sampling of one volume.

    Attributes:
        maps: in the order of application: an output position goes through the last one first. No two Affine are
            neighbours; there is at least one map.
        border: what lies outside the source.
        fill: (C,) for "constant".
        interpolation: of the sampling.
    """

    maps: tuple[Affine | Grid, ...]
    border: Border
    fill: Floats | None
    interpolation: Interpolation

    @property
    def size(self) -> tuple[int, int, int]:
        """Depth, height and width of the output."""
        return self.maps[-1].size


@dataclass(frozen=True, slots=True, eq=False)
class Call:
    """A function of one volume and its parameters."""

    function: Callable[..., Volume]
    parameters: dict[str, Any]


Pass: TypeAlias = Sampling | Call | Convert3D


def plan_volume(steps: Sequence[Any], row: int, size: tuple[int, int, int], *, fuse: bool) -> tuple[Pass, ...]:
    """The passes of one volume of a batch.

    Args:
        steps: what was described, in order: each with its `change` and the `active` samples.
        row: number of the volume.
        size: of its source.
        fuse: False gives every change a pass of its own.
    """
    passes: list[Pass] = []
    pending: _Pending | None = None
    for step in steps:
        if step.active is not None and not step.active[row]:
            continue
        change: VolumeChange = step.change
        if isinstance(change, (Warp3D, Displace3D)):
            one = _Pending.of(change, row, size)
            size = one.maps[-1].size
            joined = pending.joined(one) if pending is not None and fuse else None
            if joined is None and pending is not None:
                passes.append(pending.finished())
            pending = one if joined is None else joined
            continue
        if pending is not None:
            passes.append(pending.finished())
            pending = None
        passes.append(Call(change.function, change.parameters[row]) if isinstance(change, Voxels) else change)
    if pending is not None:
        passes.append(pending.finished())
    return tuple(passes)


@dataclass(frozen=True, slots=True, eq=False)
class _Pending:
    """Maps that will be one sampling."""

    maps: tuple[Affine | Grid, ...]
    border: Border | None
    fill: Floats | None
    interpolation: Interpolation | None

    @classmethod
    def of(cls, change: Warp3D | Displace3D, row: int, size: tuple[int, int, int]) -> _Pending:
        fill = None if change.fill is None else change.fill[row]
        one: Affine | Grid
        if isinstance(change, Warp3D):
            depth, height, width = change.size[row].tolist()
            one = Affine(np.asarray(change.matrix[row], dtype=np.float64), (depth, height, width))
        else:
            one = Grid(np.ascontiguousarray(change.grids[row], dtype=np.float32), size)
        return cls((one,), change.border, fill, change.interpolation)

    def joined(self, later: _Pending) -> _Pending | None:
        """Both as one; None where they disagree about what lies outside or between the voxels."""
        if None not in (self.border, later.border):
            if self.border != later.border:
                return None
            if self.border == "constant" and not np.array_equal(_numbers(self.fill), _numbers(later.fill)):
                return None
        if None not in (self.interpolation, later.interpolation) and self.interpolation != later.interpolation:
            return None
        border = later.border if self.border is None else self.border
        fill = later.fill if self.fill is None else self.fill
        interpolation = later.interpolation if self.interpolation is None else self.interpolation
        first, second = self.maps[-1], later.maps[0]
        maps = (*self.maps, second)
        if isinstance(first, Affine) and isinstance(second, Affine):
            maps = (*self.maps[:-1], Affine(composed(first.matrix, second.matrix), second.size))
        return replace(self, maps=maps, border=border, fill=fill, interpolation=interpolation)

    def finished(self) -> Sampling:
        return Sampling(self.maps, self.border or "edge", self.fill, self.interpolation or "linear")


def _numbers(fill: Floats | None) -> Floats:
    return np.zeros(1) if fill is None else fill


def composed(first: Matrix, second: Matrix) -> Matrix:
    """The map of two operations, one after the other: output positions go through the second's map first."""
    made = np.empty((3, 4))
    made[:, :3] = first[:, :3] @ second[:, :3]
    made[:, 3] = first[:, :3] @ second[:, 3] + first[:, 3]
    return made


def displacement(grid: Grid, position: Positions) -> Positions:
    """(N, 3) offsets at positions of the grid's canvas."""
    knots = grid.knots.astype(np.float64)
    firsts, shares = [], []
    for axis in range(3):
        count, length = knots.shape[axis], grid.size[axis]
        at = np.clip(position[:, axis], 0, length) * (count - 1) / length
        first = np.minimum(at.astype(np.int64), max(count - 2, 0))
        firsts.append(first)
        shares.append(at - first)
    total = np.zeros_like(position)
    for corner in product((0, 1), repeat=3):
        weight = np.prod([share if up else 1 - share for share, up in zip(shares, corner, strict=True)], axis=0)
        index = [np.minimum(first + up, n - 1) for first, up, n in zip(firsts, corner, knots.shape, strict=False)]
        total += weight[:, None] * knots[tuple(index)]
    return total
