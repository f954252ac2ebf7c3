"""Crops: a part of the picture, moved or stretched onto a canvas of a given size."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import ClassVar, Self

import numpy as np

from covary.draws.distributions import Constant, Integers, LogUniform, Range, Uniform
from covary.ops.base import Draw, operation, ranged
from covary.ops.image.matrices import FLIP_X, FLIP_Y, axis_map, symmetries
from covary.ops.image.spatial import Bordered, Interpolated, Size, checked_size, height_width, same_size
from covary.ops.view import View
from covary.plan.changes import BORDERS, Border, Floats, Interpolation, Ints, Warp


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
        return stretched(_corner(draw, sides - box), box, self.size, self.interpolation)


@operation
class Crop(_Crop):
    """Cut out a given part.

    Any (H, W, C) image becomes (height, width, C). Pixels are moved, none is computed.

    Args:
        size: of the part in pixels: a whole number for a square, or (height, width).
        left: its first column, from 0; a negative one counts from the right side. Default 0.
        top: its first row, from 0; a negative one counts from the lower side. Default 0.
        border: what is around a picture that ends before the part does: "constant", "edge", "reflect", "symmetric" or
            "wrap". Default None: the border of the geometry that shares the pass, "edge" where there is none.
        fill: colour for "constant", in the image's own range: a number, or one for each channel.

    Helps: fixed frames: the dial of a meter, the field of a microscope without its rim.
    Hurts: pictures that are not framed alike.
    """

    left: int = 0
    top: int = 0

    def check(self) -> None:
        super().check()
        for argument in ("left", "top"):
            value = getattr(self, argument)
            if isinstance(value, bool) or not isinstance(value, (int, np.integer)):
                self.refuse(argument, repr(value), "a whole number of pixels")
            object.__setattr__(self, argument, int(value))

    def describe(self, draw: Draw, view: View) -> Warp:
        corner = np.array([[self.top, self.left]])
        corner = np.where(corner < 0, view.size + corner, corner)
        return self.cut(corner.astype(np.float64), same_size(view.count, self.size), view)


@operation
class FiveCrop(_Crop):
    """Cut out one of five parts: at the four corners, or in the middle.

    Any (H, W, C) image becomes (height, width, C). Pixels are moved, none is computed. For predictions averaged over
    all five, `FiveCrop.all(size)` gives an operation for each.

    Args:
        size: of the crop in pixels: a whole number for a square, or (height, width). A picture that is smaller is
            treated as by RandomCrop.
        part: which one: 0 for the middle, 1 at the top left, 2 top right, 3 bottom left, 4 bottom right. Identity: 0.
            Default: all five alike.
        border: what is around a picture that is smaller: "constant", "edge", "reflect", "symmetric" or "wrap". Default
            None: the border of the geometry that shares the pass, "edge" where there is none.
        fill: colour for "constant", in the image's own range: a number, or one for each channel.

    Krizhevsky et al., "ImageNet classification with deep convolutional neural networks", NeurIPS 2012.

    Helps: predictions (test-time augmentation), by some tenths of a percent at five times the cost.
    Hurts: as augmentation RandomCrop shows more.
    """

    part: Range = ranged(default=Integers(0, 4, identity=0), low=0, high=4)

    parts: ClassVar[int] = 5

    @classmethod
    def all(cls, size: Size) -> tuple[Self, ...]:
        """An operation for each of the parts, the middle first."""
        return tuple(cls(size, Constant(part, identity=0)) for part in range(cls.parts))

    def describe(self, draw: Draw, view: View) -> Warp:
        part = draw("part").astype(np.int64) % 5
        size = same_size(view.count, self.size)
        room = (view.size - size).astype(np.float64)
        corner = np.where(_AT_THE_END[part], room, 0.0)
        return self.cut(np.where(part[:, None] == 0, np.trunc(room * 0.5), corner), size, view)


@operation
class TenCrop(FiveCrop):
    """Cut out one of five parts, at the four corners or in the middle, and mirror it or not.

    Any (H, W, C) image becomes (height, width, C). Pixels are moved, none is computed. For predictions averaged over
    all ten, `TenCrop.all(size)` gives an operation for each.

    Args:
        size: of the crop in pixels: a whole number for a square, or (height, width). A picture that is smaller is
            treated as by RandomCrop.
        part: which one: 0 for the middle, 1 at the top left, 2 top right, 3 bottom left, 4 bottom right; 5 to 9 the
            same, mirrored. Identity: 0. Default: all ten alike.
        vertical: whether top and bottom are mirrored, in place of left and right. Default False.
        border: what is around a picture that is smaller: "constant", "edge", "reflect", "symmetric" or "wrap". Default
            None: the border of the geometry that shares the pass, "edge" where there is none.
        fill: colour for "constant", in the image's own range: a number, or one for each channel.

    Krizhevsky et al., "ImageNet classification with deep convolutional neural networks", NeurIPS 2012.

    Helps: predictions (test-time augmentation), by some tenths of a percent at ten times the cost.
    Hurts: as augmentation RandomCrop and HorizontalFlip show more; what has a left and a right.
    """

    part: Range = ranged(default=Integers(0, 9, identity=0), low=0, high=9)
    vertical: bool = False

    parts = 10

    def describe(self, draw: Draw, view: View) -> Warp:
        warp = super().describe(draw, view)
        flip = symmetries(FLIP_Y if self.vertical else FLIP_X, warp.size)
        mirrored = draw("part") >= 5
        return replace(warp, matrix=np.where(mirrored[:, None, None], warp.matrix @ flip, warp.matrix))


# Of parts 1 to 4 (and 0, which stands in the middle): whether top and left are as far down and right as they can be.
_AT_THE_END = np.array([[False, False], [False, False], [False, True], [True, False], [True, True]])


def inside(corner: Floats, size: Ints) -> Warp:
    """A part that lies within the picture: (B, 2) top and left, whole numbers, and (B, 2) height and width."""
    return Warp(axis_map(len(size), 1, 1, corner[:, 1], corner[:, 0]), size)


def stretched(corner: Floats, box: Floats, size: Size, interpolation: Interpolation) -> Warp:
    """A part of the picture, (B, 2) top and left and (B, 2) height and width, brought to one size."""
    new_height, new_width = height_width(size)
    matrix = axis_map(len(box), box[:, 1] / new_width, box[:, 0] / new_height, corner[:, 1], corner[:, 0])
    return Warp(matrix, same_size(len(box), size), interpolation=interpolation)


def _corner(draw: Draw, room: Floats) -> Floats:
    """(B, 2) top and left, from 0 to `room` (whole numbers), all alike when the positions are uniform."""
    position = np.empty_like(room)
    position[:, 0] = draw("y")
    position[:, 1] = draw("x")
    # Half-open on the left, so that the middle position is the middle crop's for odd room as well.
    corner: Floats = np.maximum(np.ceil(position * (room + 1)) - 1, 0)
    return corner
