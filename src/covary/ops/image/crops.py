"""Crops: a part of the picture, moved or stretched onto a canvas of a given size."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np

from covary.draws.distributions import LogUniform, Range, Uniform
from covary.ops.base import Draw, operation, ranged
from covary.ops.image.matrices import axis_map
from covary.ops.image.spatial import Bordered, Interpolated, Size, checked_size, height_width, same_size
from covary.ops.view import View
from covary.plan.changes import BORDERS, Border, Floats, Ints, Warp


@dataclass(frozen=True, repr=False)
class _Crop(Bordered):
    required = True
    # A crop inside the picture never looks outside: it must not bind the operations that share its pass to a border.
    borders: ClassVar[tuple[Border | None, ...]] = (*BORDERS, None)

    size: Size
    border: Border | None = field(default=None, kw_only=True)

    def check(self) -> None:
        super().check()
        checked_size(self, "size")

    def cut(self, corner: Floats, size: Ints, view: View) -> Warp:
        """The part of `size` whose top left corner is at `corner`, (B, 2) whole numbers top and left."""
        matrix = axis_map(view.count, 1, 1, corner[:, 1], corner[:, 0])
        return Warp(matrix, size, self.border, self.colour(view))


@operation
class CenterCrop(_Crop):
    """Cut out the middle.

    Any (H, W, C) image becomes (height, width, C). Where an odd number of pixels is cut off, the larger half goes at
    the bottom and at the right. Pixels are moved, none is computed.

    Args:
        size: of the crop in pixels: a whole number for a square, or (height, width). A picture that is smaller stands
            in the middle.
        border: what is around a picture that is smaller: "constant", "edge", "reflect", "symmetric" or "wrap". Default
            None: the border of the geometry that shares the pass, "edge" where there is none. See also PadIfNeeded.
        fill: colour for "constant", in the image's own range: a number, or one for each channel.

    Helps: evaluation, behind SmallestMaxSize.
    Hurts: where what matters is at the rim.
    """

    def describe(self, draw: Draw, view: View) -> Warp:
        size = same_size(view.count, self.size)
        return self.cut(np.trunc((view.size - size) * 0.5), size, view)


@operation
class RandomCrop(_Crop):
    """Cut out a part at a random position.

    Any (H, W, C) image becomes (height, width, C). Every position is as likely as any other. Pixels are moved, none is
    computed.

    Args:
        size: of the crop in pixels: a whole number for a square, or (height, width). A picture that is smaller stands
            at a random position within the crop.
        x: position of the crop, from 0 (at the left) to 1 (at the right). Identity: 0.5. Default: 0 to 1.
        y: position of the crop, from 0 (at the top) to 1 (at the bottom). Identity: 0.5. Default: 0 to 1.
        border: what is around a picture that is smaller: "constant", "edge", "reflect", "symmetric" or "wrap". Default
            None: the border of the geometry that shares the pass, "edge" where there is none. See also PadIfNeeded.
        fill: colour for "constant", in the image's own range: a number, or one for each channel.

    At strength 0 it is CenterCrop.

    Helps: large pictures, dense labels; with Pad(4) in front, small ones (CIFAR).
    Hurts: where the object is missed: a class label then lies.
    """

    x: Range = ranged(default=Uniform(0, 1, identity=0.5), low=0, high=1)
    y: Range = ranged(default=Uniform(0, 1, identity=0.5), low=0, high=1)

    def describe(self, draw: Draw, view: View) -> Warp:
        size = same_size(view.count, self.size)
        room = (view.size - size).astype(np.float64)
        # A negative room is that of the picture in the crop; its sign takes the corner outside.
        return self.cut(_corner(draw, np.abs(room)) * np.sign(room), size, view)


@operation
class RandomResizedCrop(Interpolated):
    """Cut out a part of random area, shape and position, and resize it.

    Any (H, W, C) image becomes (height, width, C). The crop has whole pixels, and every position at which it fits is as
    likely as any other. A crop of the drawn shape that would not fit keeps its area and takes the nearest shape that
    fits, so that areas are spread as asked (torchvision and Albumentations try ten times, then take a middle crop).

    Args:
        size: of the output in pixels: a whole number for a square, or (height, width).
        scale: area of the crop as a fraction of the picture's, from 0 to 1. Identity: 1. Default: 0.08 to 1.
        ratio: width of the crop divided by its height, from 0.01 to 100; a pair is evenly spread in the logarithm.
            Identity: 1. Default: 3/4 to 4/3.
        x: position of the crop, from 0 (at the left) to 1 (at the right). Identity: 0.5. Default: 0 to 1.
        y: position of the crop, from 0 (at the top) to 1 (at the bottom). Identity: 0.5. Default: 0 to 1.
        interpolation: "nearest", "linear" or "cubic". Default "linear".

    At strength 0 the whole picture is resized.

    Szegedy et al., "Going deeper with convolutions", CVPR 2015.

    Helps: classification from scratch on large data sets, more than any other operation.
    Hurts: fine-grained classes, small data sets and short trainings at the default scale: raise it to (0.3, 1) or
        above. A crop that misses the object makes its label lie.
    """

    size: Size
    scale: Range = ranged(default=Uniform(0.08, 1, identity=1), low=0, high=1)
    ratio: Range = ranged(default=LogUniform(3 / 4, 4 / 3, identity=1), low=0.01, high=100)
    x: Range = ranged(default=Uniform(0, 1, identity=0.5), low=0, high=1)
    y: Range = ranged(default=Uniform(0, 1, identity=0.5), low=0, high=1)

    def check(self) -> None:
        super().check()
        checked_size(self, "size")

    def describe(self, draw: Draw, view: View) -> Warp:
        sides = view.size.astype(np.float64)
        ratio, area = draw("ratio"), sides[:, 0] * sides[:, 1] * draw("scale")
        box = np.empty_like(sides)
        box[:, 0] = area / ratio
        box[:, 1] = area * ratio
        # Neither side may exceed the picture's, so the other is at least area / that; both limits meet the same ratio.
        box = np.minimum(np.maximum(np.sqrt(box), area[:, None] / sides[:, ::-1]), sides)
        box = np.maximum(np.rint(box), 1)
        corner = _corner(draw, sides - box)
        new_height, new_width = height_width(self.size)
        x_scale, y_scale = box[:, 1] / new_width, box[:, 0] / new_height
        matrix = axis_map(view.count, x_scale, y_scale, corner[:, 1], corner[:, 0])
        return Warp(matrix, same_size(view.count, self.size), interpolation=self.interpolation)


def _corner(draw: Draw, room: Floats) -> Floats:
    """(B, 2) top and left, from 0 to `room` (whole numbers), all alike when the positions are uniform."""
    position = np.empty_like(room)
    position[:, 0] = draw("y")
    position[:, 1] = draw("x")
    # Half-open on the left, so that the middle position is the middle crop's for odd room as well.
    corner: Floats = np.maximum(np.ceil(position * (room + 1)) - 1, 0)
    return corner
