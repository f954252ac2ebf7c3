"""Blocks of a volume painted over."""

from __future__ import annotations

import numpy as np

from covary.draws.distributions import Integers, Range, Uniform
from covary.draws.streams import stream_uniforms
from covary.ops.amounts import Amount
from covary.ops.base import Draw, operation, ranged
from covary.ops.image.erasing import check_length, in_fractions
from covary.ops.image.spatial import is_number
from covary.ops.volume.base import Fill, VolumeOperation
from covary.ops.volume.view import VolumeView
from covary.plan.volume import Volume, Voxels


@operation
class CoarseDropout3D(Amount, VolumeOperation):
    """Paint over several blocks that lie wholly in the volume. Masks and keypoints stay.

    Args:
        holes: how many: a whole number or an inclusive range (low, high). Default 1 to 3. Identity: 0.
        depth, height, width: of each block, drawn for each alone: fractions of the volume's sides if at most 1, else
            voxels. Default 0.1 to 0.2. A block has at least one voxel and at most the volume.
        fill: one number, or one for each channel. Default 0; air in CT is -1000.

    Names differ from Albumentations' num_holes_range, hole_depth_range, hole_height_range and hole_width_range.

    DeVries and Taylor 2017, "Improved regularization of convolutional neural networks with Cutout".

    Helps: structures that may be hidden in part, or be missing; longer training without over-fitting.
    Hurts: small lesions, which may vanish whole while their labels stay.
    """

    holes: Range = ranged(default=Integers(1, 3, identity=0), low=0, high=1000)
    depth: Range = ranged(default=Uniform(0.1, 0.2), low=0)
    height: Range = ranged(default=Uniform(0.1, 0.2), low=0)
    width: Range = ranged(default=Uniform(0.1, 0.2), low=0)
    fill: Fill = 0

    streams = ("places",)

    def check(self) -> None:
        super().check()
        values = self.fill if isinstance(self.fill, tuple) else (self.fill,)
        if not values or not all(is_number(value) for value in values):
            self.refuse("fill", repr(self.fill), "a finite number, or a tuple with one for each channel")
        for argument in ("depth", "height", "width"):
            check_length(self, argument)

    def describe(self, draw: Draw, view: VolumeView) -> Voxels:
        most = max(1, round(self.law("holes").bounds()[1]))
        chance = stream_uniforms(draw.stream("places"), 6 * most).reshape(view.count, most, 6)
        canvas = view.size[:, None, :].astype(np.float64)
        extent = np.empty((view.count, most, 3))
        for axis, law in enumerate((self.law("depth"), self.law("height"), self.law("width"))):
            length = law.quantile(np.ascontiguousarray(chance[:, :, axis]))
            limit = canvas[:, :, axis]
            extent[:, :, axis] = length * limit if in_fractions(law) else np.minimum(length, limit)
        extent = np.maximum(np.rint(extent), 1.0)
        corner = np.floor(chance[:, :, 3:] * (canvas + 1 - extent))
        blocks = np.concatenate([corner, corner + extent], axis=2).astype(np.int64)
        counts = np.rint(draw("holes")).astype(np.int64).tolist()
        values = view.value(self.fill)
        return Voxels(
            painted_blocks,
            tuple(
                {"blocks": some[:count], "value": value}
                for some, count, value in zip(blocks, counts, values, strict=True)
            ),
        )


def painted_blocks(volume: Volume, blocks: Volume, value: Volume) -> Volume:
    """Paint blocks (K, 6), from z0, y0, x0 to z1, y1, x1, of a volume with one value for each channel, in place."""
    for z0, y0, x0, z1, y1, x1 in blocks.tolist():
        volume[z0:z1, y0:y1, x0:x1] = value.astype(volume.dtype)
    return volume
