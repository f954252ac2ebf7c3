"""Rotations and affine maps of volumes about their centre, in the space of the voxel spacing."""

from __future__ import annotations

import numpy as np

from covary.draws.distributions import Distribution, Range, Uniform
from covary.ops.base import Draw, operation, ranged
from covary.ops.image.matrices import cos_sin
from covary.ops.volume.base import Geometry3D, Numbers, about_centre
from covary.ops.volume.view import VolumeView
from covary.plan.changes import Floats
from covary.plan.volume import Warp3D

# The two axes of (z, y, x) that a turn about x, y and z moves, in the order that makes it right-handed: about z it is
# anticlockwise as seen on the screen, with x to the right and y downwards.
_PLANES = ((1, 0), (0, 2), (2, 1))


def turned_back(x: Numbers, y: Numbers, z: Numbers) -> Floats:
    """(B, 3, 3) output -> input of a turn about x, then y, then z, in degrees."""
    linear = np.broadcast_to(np.eye(3), (len(x), 3, 3))
    for degrees, (first, second) in zip((x, y, z), _PLANES, strict=True):
        cos, sin = cos_sin(degrees)
        turn = np.zeros((len(degrees), 3, 3))
        turn[:, [0, 1, 2], [0, 1, 2]] = 1
        turn[:, first, first] = turn[:, second, second] = cos
        turn[:, first, second], turn[:, second, first] = -sin, sin
        # Sums of three products in a fixed order: right angles stay exact.
        linear = (linear[:, :, :, None] * turn[:, None, :, :]).sum(axis=2)
    return linear


@operation
class RandomRotation3D(Geometry3D):
    """Turn a volume about its centre.

    The size stays. Angles are those of physical space: with a voxel spacing that differs between the axes, nothing is
    sheared. Multiples of a right angle are exact where the spacing allows it.

    Args:
        x: angle about the axis of the width in degrees. Identity: 0. Default: -10 to 10.
        y: angle about the axis of the height in degrees. Identity: 0. Default: -10 to 10.
        z: angle about the axis of the depth in degrees, which turns each slice anticlockwise as seen on the screen.
            Identity: 0. Default: -10 to 10. The turns follow one another in this order.
        border: what lies outside: "constant", "edge", "reflect", "symmetric" or "wrap". Default "constant".
        fill: value for "constant": one number, or one for each channel. Default 0; air in CT is -1000.
        interpolation: "nearest" or "linear". Default "linear".

    Helps: segmentation and classification of scans: patients never lie quite straight.
    Hurts: large angles in anatomy, where nobody lies so; 180 for microscopy and materials.
    """

    x: Range = ranged(default=Uniform(-10, 10, identity=0))
    y: Range = ranged(default=Uniform(-10, 10, identity=0))
    z: Range = ranged(default=Uniform(-10, 10, identity=0))

    def describe(self, draw: Draw, view: VolumeView) -> Warp3D:
        matrix = about_centre(turned_back(draw("x"), draw("y"), draw("z")), view)
        return Warp3D(matrix, view.size, self.border, self.outside(view), self.interpolation)


@operation
class RandomAffine3D(Geometry3D):
    """Magnify, turn and move a volume, in this order and about its centre.

    The size stays. Turns are those of physical space: with a voxel spacing that differs between the axes, nothing is
    sheared.

    Args:
        rotate: angle in degrees, drawn for each of the three axes by itself, see RandomRotation3D. Identity: 0.
            Default: -10 to 10.
        scale: magnification; 2 shows everything twice as long. From 0.01 to 100. Identity: 1. Default: 0.9 to 1.1.
        translate: shift as a fraction of each side, drawn for each axis by itself. From -10 to 10. Identity: 0.
            Default: 0.
        keep_ratio: whether all axes have one magnification. Default True; if False, `scale` is drawn for each.
        border: what lies outside: "constant", "edge", "reflect", "symmetric" or "wrap". Default "constant".
        fill: value for "constant": one number, or one for each channel. Default 0; air in CT is -1000.
        interpolation: "nearest" or "linear". Default "linear".

    Making a volume much smaller skips voxels: a magnification below 0.5 aliases.

    Helps: almost all learning on scans, with the elastic deformation the standard of the field (nnU-Net turns by up to
        30 degrees and magnifies by 0.7 to 1.4).
    Hurts: where size decides the class: lesions graded by their diameter.
    """

    rotate: Range = ranged(default=Uniform(-10, 10, identity=0))
    scale: Range = ranged(default=Uniform(0.9, 1.1, identity=1), low=0.01, high=100)
    translate: Range = ranged(default=Uniform(0, 0, identity=0), low=-10, high=10)
    keep_ratio: bool = True

    # Each further axis draws by itself, from the law of the first.
    uniforms = ("rotate_y", "rotate_z", "scale_y", "scale_z", "translate_y", "translate_z")

    def check(self) -> None:
        super().check()
        if not isinstance(self.keep_ratio, bool):
            self.refuse("keep_ratio", repr(self.keep_ratio), "True or False")

    @property
    def rotate_y(self) -> Distribution:
        """The law of the turn about y."""
        return self.law("rotate")

    @property
    def rotate_z(self) -> Distribution:
        """The law of the turn about z."""
        return self.law("rotate")

    @property
    def scale_y(self) -> Distribution:
        """The law of the magnification along y where the ratio is not kept."""
        return self.law("scale")

    @property
    def scale_z(self) -> Distribution:
        """The law of the magnification along z where the ratio is not kept."""
        return self.law("scale")

    @property
    def translate_y(self) -> Distribution:
        """The law of the shift along y."""
        return self.law("translate")

    @property
    def translate_z(self) -> Distribution:
        """The law of the shift along z."""
        return self.law("translate")

    def describe(self, draw: Draw, view: VolumeView) -> Warp3D:
        linear = turned_back(draw("rotate"), draw("rotate_y"), draw("rotate_z"))
        x = draw("scale")
        scale = np.stack([x, x, x] if self.keep_ratio else [draw("scale_z"), draw("scale_y"), x], axis=1)
        shift = np.stack([draw("translate_z"), draw("translate_y"), draw("translate")], axis=1) * view.size
        matrix = about_centre(linear / scale[:, :, None], view, shift)
        return Warp3D(matrix, view.size, self.border, self.outside(view), self.interpolation)
