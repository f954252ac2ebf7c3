"""Parts painted over: the model must use the rest."""

from __future__ import annotations

from dataclasses import field
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from covary.draws.distributions import Constant, Distribution, Integers, LogUniform, Range, Uniform
from covary.draws.streams import stream_uniforms
from covary.ops.amounts import Amount
from covary.ops.base import Draw, Operation, operation, ranged
from covary.ops.image.luma import Fill, check_fill
from covary.ops.view import View
from covary.plan.changes import Change, Erase, Ints

Floats: TypeAlias = NDArray[np.float64]
Paint: TypeAlias = Fill | Literal["noise"]


def painted(draw: Draw, view: View, rectangles: Ints, count: Ints, paint: Paint) -> Erase:
    """The change that paints rectangles with a constant, or with noise from the stream of the slot "noise"."""
    if isinstance(paint, str):
        return Erase(rectangles, count, "noise", stream=draw.stream("noise"))
    return Erase(rectangles, count, "constant", colour=view.colour(paint))


def _one_rectangle(left: Floats, top: Floats, width: Floats, height: Floats) -> tuple[Ints, Ints]:
    """(B, 1, 4) rectangles from (B,) whole numbers, and how many of them are not empty, 0 or 1."""
    rectangles = np.empty((len(left), 1, 4), dtype=np.int32)
    rectangles[:, 0, 0] = left
    rectangles[:, 0, 1] = top
    rectangles[:, 0, 2] = left + width
    rectangles[:, 0, 3] = top + height
    return rectangles, (width * height > 0).astype(np.int32)


def in_fractions(law: Distribution) -> bool:
    """Whether lengths are fractions of the image: those of at most 1 are, those above are pixels."""
    return law.bounds()[1] <= 1


def check_length(owner: Operation, argument: str) -> None:
    """Refuse a range that holds both fractions and pixels."""
    low, high = owner.law(argument).bounds()
    if low < 1 < high:
        owner.refuse(argument, f"{low:g} to {high:g}", "fractions of the image from 0 to 1, or pixels from 1 on")


@operation
class CoarseDropout(Amount):
    """Paint over several rectangles that lie wholly in the image.

    Args:
        holes: how many: a whole number or an inclusive range (low, high). Default 1 to 2. Identity: 0.
        height, width: of each hole, drawn for each alone: fractions of the image's height and width if at most 1, else
            pixels. Default 0.1 to 0.2. A hole has at least one pixel and at most the image.
        fill: a constant in the image's own range, one number or one for each channel; or "noise", independent
            uniform values. Default 0.

    Paper: DeVries and Taylor 2017, "Improved regularization of convolutional neural networks with Cutout". Names differ
    from Albumentations' num_holes_range, hole_height_range and hole_width_range; the defaults are the same.

    Raises:
        ValueError: at the call, when `fill` has neither one value nor as many as the image has channels.

    Helps: objects that may be hidden in part; longer training without over-fitting.
    Hurts: small objects, which may vanish whole while their labels stay.
    """

    holes: Range = ranged(default=Integers(1, 2, identity=0), low=0, high=1000)
    height: Range = ranged(default=Uniform(0.1, 0.2), low=0)
    width: Range = ranged(default=Uniform(0.1, 0.2), low=0)
    fill: Paint = 0

    streams = ("places", "noise")

    def check(self) -> None:
        check_fill(self, "fill", self.fill, "noise")
        check_length(self, "height")
        check_length(self, "width")

    def describe(self, draw: Draw, view: View) -> Change:
        most = max(1, round(self.law("holes").bounds()[1]))
        chance = stream_uniforms(draw.stream("places"), 4 * most).reshape(view.count, most, 4)
        canvas = view.size[:, None, ::-1].astype(np.float64)
        extent = np.empty((view.count, most, 2))
        for axis, law in enumerate((self.law("width"), self.law("height"))):
            length = law.quantile(np.ascontiguousarray(chance[:, :, axis]))
            limit = canvas[:, :, axis]
            extent[:, :, axis] = length * limit if in_fractions(law) else np.minimum(length, limit)
        extent = np.maximum(np.rint(extent), 1.0)
        corner = np.floor(chance[:, :, 2:] * (canvas + 1 - extent))
        rectangles = np.empty((view.count, most, 4), dtype=np.int32)
        rectangles[:, :, :2] = corner
        rectangles[:, :, 2:] = corner + extent
        return painted(draw, view, rectangles, np.rint(draw("holes")).astype(np.int32), self.fill)


@operation
class Cutout(Amount):
    """Paint over one square whose centre lies anywhere in the image; what reaches beyond the edge is cut off.

    Args:
        size: side of the square: a fraction of the image's shorter side if at most 1, else pixels. Default 0.5, the 16
            of 32 pixels that the paper uses for CIFAR-10; for more classes it uses less (0.25 for CIFAR-100).
            Identity: 0.
        fill: a constant in the image's own range, one number or one for each channel; or "noise", independent
            uniform values. Default 0; the paper's grey is the data's mean.

    Paper: DeVries and Taylor 2017, "Improved regularization of convolutional neural networks with Cutout". The square
    preset of `CoarseDropout`.

    Raises:
        ValueError: at the call, when `fill` has neither one value nor as many as the image has channels.

    Helps: small pictures with one large object each.
    Hurts: small objects, which may vanish whole while their labels stay.
    """

    size: Range = ranged(default=Constant(0.5, identity=0), low=0)
    fill: Paint = 0

    uniforms = ("x", "y")
    streams = ("noise",)

    def check(self) -> None:
        check_fill(self, "fill", self.fill, "noise")
        check_length(self, "size")

    def describe(self, draw: Draw, view: View) -> Change:
        side, height, width = draw("size"), view.height, view.width
        if in_fractions(self.law("size")):
            side = side * np.minimum(height, width)
        side = np.rint(side)
        half = np.floor(side / 2)
        left = np.floor(draw("x") * width) - half
        top = np.floor(draw("y") * height) - half
        return painted(draw, view, *_one_rectangle(left, top, side, side), self.fill)


@operation
class RandomErasing(Amount):
    """Paint over one rectangle of random area and shape that lies wholly in the image.

    Args:
        scale: area as a fraction of the image's, 0 to 1. Default 0.02 to 0.33. Identity: 0.
        ratio: height over width. Default 0.3 to 3.3, drawn evenly in the logarithm. Where a rectangle of this shape
            does not fit, it is as long as the image and keeps its area; the paper and torchvision draw again, up to
            a limit, and then give up.
        value: a constant in the image's own range, one number or one for each channel; or "noise", independent
            uniform values (torchvision's "random" is Gaussian). Default 0. `Normalize` comes last, so this is a
            value of the picture before it: 0 is black, not the mean.
        p: probability. Default 0.5, as in the paper.

    Paper: Zhong et al. 2020, "Random erasing data augmentation".

    Raises:
        ValueError: at the call, when `value` has neither one value nor as many as the image has channels.

    Helps: objects that may be hidden in part; person re-identification, for which it was made.
    Hurts: small objects, which may vanish whole while their labels stay.
    """

    scale: Range = ranged(default=Uniform(0.02, 0.33, identity=0), low=0, high=1)
    ratio: Range = ranged(default=LogUniform(0.3, 3.3), low=0.001, high=1000)
    value: Paint = 0
    p: float = field(default=0.5, kw_only=True)

    uniforms = ("x", "y")
    streams = ("noise",)

    def check(self) -> None:
        check_fill(self, "value", self.value, "noise")

    def describe(self, draw: Draw, view: View) -> Change:
        rows, columns = view.height, view.width
        area = draw("scale") * rows * columns
        # The height for the drawn ratio, but tall enough for the width to fit; the tiny number keeps 0 / 0 away.
        tall = np.maximum(np.maximum(np.sqrt(area * draw("ratio")), area / columns), 1e-12)
        height = np.minimum(tall, rows)
        width = np.rint(area / height)
        height = np.rint(height)
        left = np.floor(draw("x") * (columns - width + 1))
        top = np.floor(draw("y") * (rows - height + 1))
        return painted(draw, view, *_one_rectangle(left, top, width, height), self.value)
