"""Parts painted over: the model must use the rest."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from covary.draws.distributions import Constant, Distribution, Integers, LogUniform, Range, Uniform
from covary.draws.streams import stream_uniforms
from covary.ops.base import Draw, Operation, operation, ranged
from covary.ops.image.amounts import Amount
from covary.ops.image.matrices import Fill, check_fill
from covary.ops.view import View
from covary.plan.changes import Change, Erase, Ints

Paint = Fill | Literal["noise"]


def _painted(draw: Draw, view: View, rectangles: Ints, count: Ints, paint: Paint) -> Erase:
    """The change that paints rectangles with a constant, or with noise from the stream of the slot "noise"."""
    if isinstance(paint, str):
        return Erase(rectangles, count, "noise", stream=draw.stream("noise"))
    return Erase(rectangles, count, "constant", colour=view.colour(paint))


def _one_rectangle(left: NDArray[np.float64], top: NDArray[np.float64], size: NDArray[np.float64]) -> Ints:
    """(B, 1, 4) rectangles from their upper left corners, (B,) each, and their sizes (B, 2), width and height."""
    rectangles = np.empty((len(size), 1, 4), dtype=np.int32)
    rectangles[:, 0, 0] = left
    rectangles[:, 0, 1] = top
    rectangles[:, 0, 2:] = rectangles[:, 0, :2] + size.astype(np.int32)
    return rectangles


def _check_length(owner: Operation, argument: str) -> bool:
    """Whether a range of lengths is in fractions of the image: at most 1; those above 1 are pixels. Both in one are refused."""
    law = getattr(owner, argument)
    low, high = law.bounds()
    if low < 1 < high:
        owner.refuse(argument, f"{low:g} to {high:g}", "fractions of the image from 0 to 1, or pixels from 1 on")
    return bool(high <= 1)


@operation
class CoarseDropout(Operation):
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

    holes: Range = ranged(Integers(1, 2, identity=0), low=0, high=1000)
    height: Range = ranged(Uniform(0.1, 0.2), low=0)
    width: Range = ranged(Uniform(0.1, 0.2), low=0)
    fill: Paint = 0

    streams = ("places", "noise")

    def __post_init__(self) -> None:
        # A number of holes is that number: there is no other side of none.
        Amount.__post_init__(self)  # type: ignore[arg-type]

    def check(self) -> None:
        check_fill(self, "fill", self.fill, "noise")
        _check_length(self, "height")
        _check_length(self, "width")

    def describe(self, draw: Draw, view: View) -> Change:
        assert isinstance(self.holes, Distribution)
        assert isinstance(self.height, Distribution) and isinstance(self.width, Distribution)
        most = max(1, round(self.holes.bounds()[1]))
        chance = stream_uniforms(draw.stream("places"), 4 * most).reshape(view.count, 4, most)
        canvas = view.size[:, ::-1, None]
        extent = np.empty((view.count, 2, most))
        for axis, law in enumerate((self.width, self.height)):
            length = law.quantile(chance[:, axis])
            extent[:, axis] = length * canvas[:, axis] if law.bounds()[1] <= 1 else length
        extent = np.minimum(np.maximum(np.rint(extent), 1), canvas)
        rectangles = np.empty((view.count, most, 4), dtype=np.int32)
        corner = np.floor(chance[:, 2:] * (canvas - extent + 1))
        rectangles[:, :, :2] = corner.transpose(0, 2, 1)
        rectangles[:, :, 2:] = (corner + extent).transpose(0, 2, 1)
        return _painted(draw, view, rectangles, np.rint(draw("holes")).astype(np.int32), self.fill)
