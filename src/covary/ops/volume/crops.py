"""Crops and padding of volumes: voxels are moved, none is computed."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar, Literal

import numpy as np

from covary.draws.distributions import Range, Uniform
from covary.ops.base import Draw, operation, ranged
from covary.ops.image.spatial import checked_count, is_count
from covary.ops.volume.base import Bordered3D, Numbers, Size3D, checked_sides, same_sides, shift_map
from covary.ops.volume.view import VolumeView
from covary.plan.changes import BORDERS, Border, Ints
from covary.plan.volume import Warp3D


@dataclass(frozen=True, repr=False)
class _Window(Bordered3D):
    required = True

    def window(self, start: Numbers | Ints, size: Ints, view: VolumeView) -> Warp3D:
        """The part of `size` that begins at `start`, (B, 3) whole numbers."""
        return Warp3D(*shift_map(start, size), self.border, self.outside(view))


@dataclass(frozen=True, repr=False)
class _Crop(_Window):
    # A crop inside the volume never looks outside: it must not bind the operations that share its pass to a border.
    borders: ClassVar[tuple[Border | None, ...]] = (*BORDERS, None)

    size: Size3D
    border: Border | None = field(default=None, kw_only=True)

    def check(self) -> None:
        super().check()
        checked_sides(self, "size")


@operation
class CenterCrop3D(_Crop):
    """Cut out the middle of a volume.

    A (D, H, W) volume becomes (depth, height, width). Where an odd number of voxels is cut off, the larger half goes at
    the end of the axis.

    Args:
        size: of the crop in voxels: a whole number for a cube, or (depth, height, width). A volume that is smaller
            stands in the middle.
        border: what is around a volume that is smaller: "constant", "edge", "reflect", "symmetric" or "wrap". Default
            None: the border of the geometry that shares the pass, "edge" where there is none.
        fill: value for "constant": one number, or one for each channel.

    Helps: evaluation, on volumes of one size.
    Hurts: where what matters is at the rim.
    """

    def describe(self, draw: Draw, view: VolumeView) -> Warp3D:
        size = same_sides(view.count, self.size)
        return self.window(np.trunc((view.size - size) * 0.5), size, view)


@operation
class RandomCrop3D(_Crop):
    """Cut out a part of a volume at a random position, each as likely as any other.

    A (D, H, W) volume becomes (depth, height, width).

    Args:
        size: of the crop in voxels: a whole number for a cube, or (depth, height, width). A volume that is smaller
            stands at a random position within the crop.
        x: position of the crop along the width, from 0 to 1. Identity: 0.5. Default: 0 to 1.
        y: the same along the height.
        z: the same along the depth.
        border: what is around a volume that is smaller: "constant", "edge", "reflect", "symmetric" or "wrap". Default
            None: the border of the geometry that shares the pass, "edge" where there is none.
        fill: value for "constant": one number, or one for each channel.

    At strength 0 it is CenterCrop3D. Behind a rotation or a deformation the crop is all that is computed.

    Helps: volumes too large for the model: train on patches.
    Hurts: where the object is missed: a class label then lies.
    """

    x: Range = ranged(default=Uniform(0, 1, identity=0.5), low=0, high=1)
    y: Range = ranged(default=Uniform(0, 1, identity=0.5), low=0, high=1)
    z: Range = ranged(default=Uniform(0, 1, identity=0.5), low=0, high=1)

    def describe(self, draw: Draw, view: VolumeView) -> Warp3D:
        size = same_sides(view.count, self.size)
        room = view.size - size
        share = np.stack([draw("z"), draw("y"), draw("x")], axis=1)
        # A negative room is that of the volume in the crop; its sign takes the corner outside.
        return self.window(_placed(share, np.abs(room)) * np.sign(room), size, view)


def _placed(share: Numbers, room: Ints) -> Ints:
    """(B, 3) whole numbers from 0 to `room`, the middle (rounded down) for a share of one half."""
    made: Ints = np.minimum(np.floor(share * (room + 1)), room).astype(np.int64)
    return np.where(share == 0.5, room // 2, made)


@operation
class Pad3D(_Window):
    """Add voxels around a volume.

    Args:
        padding: in voxels: one number for all six sides, (depth, height, width) for both ends of each axis, or (front,
            back, top, bottom, left, right).
        border: what is shown there: "constant", "edge", "reflect", "symmetric" or "wrap". Default "constant".
        fill: value for "constant": one number, or one for each channel. Default 0; air in CT is -1000.

    Helps: in front of RandomCrop3D: small shifts.
    Hurts: wide frames of one value teach the model the frame.
    """

    padding: int | tuple[int, ...]

    def check(self) -> None:
        super().check()
        values = self.padding if isinstance(self.padding, tuple) else (self.padding,)
        if len(values) not in (1, 3, 6) or not all(is_count(value, 0) for value in values):
            self.refuse("padding", repr(self.padding), "a whole number from 0, or three or six of them")
        whole = tuple(int(value) for value in values)
        object.__setattr__(self, "padding", whole if isinstance(self.padding, tuple) else whole[0])

    def describe(self, draw: Draw, view: VolumeView) -> Warp3D:
        values = self.padding if isinstance(self.padding, tuple) else (self.padding,) * 3
        ends = np.array(values if len(values) == 6 else np.repeat(values, 2)).reshape(3, 2)
        start = np.broadcast_to(-ends[:, 0], view.size.shape)
        return self.window(start, view.size + ends.sum(axis=1), view)


@operation
class PadIfNeeded3D(_Window):
    """Add voxels until a volume has a minimum size.

    Sides that are long enough stay.

    Args:
        min_depth: in voxels, from 1.
        min_height: in voxels, from 1.
        min_width: in voxels, from 1.
        position: where the volume stands on the new canvas: "center" (an odd voxel goes at the end), "start", "end" or
            "random". Default "center".
        divisor: all sides are then padded up to multiples of it. Default 1.
        border: what is shown there: "constant", "edge", "reflect", "symmetric" or "wrap". Default "constant".
        fill: value for "constant": one number, or one for each channel. Default 0; air in CT is -1000.

    Helps: volumes of many sizes in one batch; networks that need sides divisible by 16.
    Hurts: wide frames of one value teach the model the frame.
    """

    min_depth: int = 1
    min_height: int = 1
    min_width: int = 1
    position: Literal["center", "start", "end", "random"] = "center"
    divisor: int = 1

    uniforms = ("z", "y", "x")

    def check(self) -> None:
        super().check()
        for argument in ("min_depth", "min_height", "min_width", "divisor"):
            checked_count(self, argument)
        self.one_of("position", ("center", "start", "end", "random"))

    def describe(self, draw: Draw, view: VolumeView) -> Warp3D:
        size = np.maximum(view.size, np.array([self.min_depth, self.min_height, self.min_width]))
        size = -(-size // self.divisor) * self.divisor
        room = size - view.size
        before = {"center": room // 2, "start": 0 * room, "end": room}.get(self.position)
        if before is None:
            share = np.stack([draw("z"), draw("y"), draw("x")], axis=1)
            before = np.floor(share * (room + 1)).astype(np.int64)
        return self.window(-before, size, view)
