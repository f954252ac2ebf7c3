"""What operations on volumes share: the border, its fill, the interpolation, and maps of space."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import ClassVar, TypeAlias

import numpy as np
from numpy.typing import NDArray

from covary.ops.base import Draw, Operation
from covary.ops.image.spatial import checked_border, is_count
from covary.ops.view import Modality
from covary.ops.volume.view import VolumeView
from covary.plan.changes import BORDERS, Border, Floats, Ints
from covary.plan.volume import INTERPOLATIONS, Interpolation, VolumeChange, Warp3D

Fill: TypeAlias = float | tuple[float, ...]
Size3D: TypeAlias = int | tuple[int, int, int]
Numbers: TypeAlias = NDArray[np.float64]


@dataclass(frozen=True, repr=False)
class VolumeOperation(Operation):
    """An operation on volumes; it passes views of other modalities by."""

    modality: ClassVar[Modality | None] = "volume"

    def describe(self, draw: Draw, view: VolumeView) -> VolumeChange | Sequence[VolumeChange]:
        """The change for B volumes at once; rows of volumes that the operation leaves out are ignored."""
        raise TypeError(f"{type(self).__name__} describes no change")


@dataclass(frozen=True, repr=False)
class Bordered3D(VolumeOperation):
    """An operation that may look outside the volume.

    Args:
        border: what lies there: "constant", "edge", "reflect", "symmetric" or "wrap", with numpy.pad's meaning.
        fill: value for "constant": one number, or one for each channel. Air is -1000 in Hounsfield units.
    """

    # None, where a class allows it, leaves the border to the geometry that shares the pass.
    borders: ClassVar[tuple[Border | None, ...]] = BORDERS

    border: Border | None = field(default="constant", kw_only=True)
    fill: Fill = field(default=0, kw_only=True)

    def check(self) -> None:
        super().check()
        checked_border(self, self.borders, self.border, self.fill)

    def outside(self, view: VolumeView) -> Floats | None:
        """The (B, C) value outside the volume, None unless the border is constant."""
        return view.value(self.fill) if self.border == "constant" else None


@dataclass(frozen=True, repr=False)
class Geometry3D(Bordered3D):
    """A geometric operation that keeps the size, may look outside and finds values between voxels.

    Args:
        interpolation: "nearest" or "linear" (trilinear). Masks are always sampled by "nearest".
    """

    interpolation: Interpolation = field(default="linear", kw_only=True)

    def check(self) -> None:
        super().check()
        self.one_of("interpolation", INTERPOLATIONS)


def checked_sides(operation: Operation, argument: str) -> None:
    """Refuse a size that is neither a positive whole number nor (depth, height, width) of them."""
    value = getattr(operation, argument)
    sides = value if isinstance(value, tuple) else (value,)
    if len(sides) not in (1, 3) or not all(is_count(side) for side in sides):
        operation.refuse(argument, repr(value), "a whole number of voxels from 1, or (depth, height, width)")
    whole = tuple(int(side) for side in sides)
    object.__setattr__(operation, argument, whole if isinstance(value, tuple) else whole[0])


def same_sides(count: int, size: Size3D) -> Ints:
    """(B, 3) int64: the same depth, height and width for all volumes."""
    sides = np.empty((count, 3), dtype=np.int64)
    sides[:] = size
    return sides


def shift_map(start: Numbers | Ints, size: Ints) -> tuple[Floats, Ints]:
    """Matrix and size of a window that begins at `start`, (B, 3) whole numbers."""
    matrix = np.zeros((len(size), 3, 4))
    matrix[:, [0, 1, 2], [0, 1, 2]] = 1
    matrix[:, :, 3] = start
    return matrix, size


def flip_map(axes: tuple[int, ...], view: VolumeView) -> Warp3D:
    """The volume mirrored along some axes."""
    matrix, size = shift_map(np.zeros((view.count, 3)), view.size)
    for axis in axes:
        matrix[:, axis, axis] = -1
        matrix[:, axis, 3] = view.size[:, axis]
    return Warp3D(matrix, size)


def about_centre(linear: Floats, view: VolumeView, shift: Numbers | float = 0.0) -> Floats:
    """(B, 3, 4) output -> input of a linear map (B, 3, 3) of physical space about the volume's centre.

    Args:
        linear: output -> input, in the unit of the voxel spacing.
        view: of the volumes.
        shift: (B, 3) by how many voxels the content moves.
    """
    spacing = view.spacing
    matrix = np.empty((view.count, 3, 4))
    matrix[:, :, :3] = linear * spacing[:, None, :] / spacing[:, :, None]
    centre = view.size / 2.0
    target = centre + shift
    # By sums in a fixed order, so that whole voxels stay whole: c - M (c + s).
    matrix[:, :, 3] = centre - (matrix[:, :, :3] * target[:, None, :]).sum(axis=2)
    return matrix
