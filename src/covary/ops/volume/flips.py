"""Flips and the symmetries of the cube: exact, without interpolation."""

from __future__ import annotations

from dataclasses import field
from itertools import permutations, product

import numpy as np

from covary.ops.base import Draw, operation
from covary.ops.volume.base import VolumeOperation, flip_map
from covary.ops.volume.view import VolumeView
from covary.plan.volume import Warp3D


@operation
class HorizontalFlip3D(VolumeOperation):
    """Mirror left and right: the last axis of a (D, H, W) volume.

    Any dtype; the size stays. Voxels are moved, none is computed.

    Args:
        p: probability of the flip. Default 0.5.

    Helps: material and cell volumes; organs that come in mirrored pairs.
    Hurts: anatomy with a side (heart, liver), unless the label says nothing about it.
    """

    p: float = field(default=0.5, kw_only=True)

    def describe(self, draw: Draw, view: VolumeView) -> Warp3D:
        return flip_map((2,), view)


@operation
class VerticalFlip3D(VolumeOperation):
    """Mirror top and bottom: the middle axis of a (D, H, W) volume.

    Any dtype; the size stays. Voxels are moved, none is computed.

    Args:
        p: probability of the flip. Default 0.5.

    Helps: volumes without an upright.
    Hurts: patients lie on their backs: in axial slices front and back trade places.
    """

    p: float = field(default=0.5, kw_only=True)

    def describe(self, draw: Draw, view: VolumeView) -> Warp3D:
        return flip_map((1,), view)


@operation
class DepthFlip3D(VolumeOperation):
    """Mirror front and back: the first axis of a (D, H, W) volume, the order of the slices.

    Any dtype; the size stays. Voxels are moved, none is computed.

    Args:
        p: probability of the flip. Default 0.5.

    Helps: volumes without a direction; scans stored head first as well as feet first.
    Hurts: anatomy with a side: one mirrored axis makes a mirrored body.
    """

    p: float = field(default=0.5, kw_only=True)

    def describe(self, draw: Draw, view: VolumeView) -> Warp3D:
        return flip_map((0,), view)


# Input axis of each output axis, and direction; identity first, then the other rotations, then the mirrored ones.
_ELEMENTS = [(axes, signs) for axes in permutations(range(3)) for signs in product((1, -1), repeat=3)]


def _determinant(axes: tuple[int, ...], signs: tuple[int, ...]) -> int:
    return round(float(np.linalg.det(np.eye(3)[list(axes)]))) * int(np.prod(signs))


_ELEMENTS.sort(key=lambda element: -_determinant(*element))
_AXES = np.array([axes for axes, _ in _ELEMENTS])
_SIGNS = np.array([signs for _, signs in _ELEMENTS])


@operation
class CubicSymmetry(VolumeOperation):
    """Turn and mirror the volume into one of the 48 positions of a cube, each as likely as any other.

    Any dtype. Voxels are moved, none is computed. Sides of different lengths trade places with the axes, and so does
    the voxel spacing: the volumes of a batch then have different sizes, unless all sides are equal.

    Args:
        mirror: True for all 48, False for the 24 rotations alone, which leave left hands left. Default True.
        p: probability that a volume is turned.

    Helps: microscopy, materials, point clouds in voxels: whatever has no direction.
    Hurts: anatomy, and scans with thick slices, whose depth is no side like the others.
    """

    mirror: bool = True

    uniforms = ("element",)

    def check(self) -> None:
        super().check()
        if not isinstance(self.mirror, bool):
            self.refuse("mirror", repr(self.mirror), "True or False")

    def describe(self, draw: Draw, view: VolumeView) -> Warp3D:
        element = np.floor(draw("element") * (48 if self.mirror else 24)).astype(np.int64)
        axes, signs = _AXES[element], _SIGNS[element]
        rows = np.arange(view.count)
        matrix = np.zeros((view.count, 3, 4))
        for output in range(3):
            source, sign = axes[:, output], signs[:, output]
            matrix[rows, source, output] = sign
            matrix[rows, source, 3] = np.where(sign < 0, view.size[rows, source], 0)
        return Warp3D(matrix, np.take_along_axis(view.size, axes, axis=1), axes=axes)
