"""Margins: rows and columns taken from the four sides, or added there."""

from __future__ import annotations

import numpy as np

from covary.draws.distributions import Range, Uniform
from covary.ops.amounts import Amount
from covary.ops.base import Draw, Operation, operation, ranged
from covary.ops.image.crops import inside
from covary.ops.image.matrices import axis_map
from covary.ops.image.spatial import Bordered, Interpolated
from covary.ops.view import View
from covary.plan.changes import Floats, Warp

SIDES = ("left", "top", "right", "bottom")


@operation
class CropAndPad(Bordered, Interpolated):
    """Cut off or add some rows and columns at each side.

    Any (H, W, C) image. The four sides draw by themselves; widths are rounded to whole pixels, and one row and one
    column stay at least.

    Args:
        amount: width of what is added (above 0) or cut off (below 0) at each side, as `unit` says. Identity: 0.
            Default: -0.1 to 0.1.
        unit: "fraction" of the height at the top and the bottom and of the width at the left and the right, from -0.49
            to 10; or "pixels". Default "fraction".
        keep_size: whether the result is resized to the size that came in. Default True; pixels are moved, and none is
            computed, where it is not.
        border: what is added: "constant", "edge", "reflect", "symmetric" or "wrap". Default "reflect".
        fill: colour for "constant", in the image's own range: a number, or one for each channel.
        interpolation: "nearest", "linear" or "cubic". Default "linear".

    Helps: detectors whose boxes are never quite tight; framing that varies.
    Hurts: what matters at the rim; proportions, where the size is kept.
    """

    amount: Range = ranged(default=Uniform(-0.1, 0.1, identity=0))
    unit: str = "fraction"
    keep_size: bool = True

    def check(self) -> None:
        super().check()
        self.one_of("unit", ("fraction", "pixels"))
        if not isinstance(self.keep_size, bool):
            self.refuse("keep_size", repr(self.keep_size), "True or False")
        low, high = self.law("amount").bounds()
        if self.unit == "fraction" and not -0.49 <= low <= high <= 10:
            self.refuse("amount", f"{low} to {high}", "fractions from -0.49 to 10")

    def slots(self) -> tuple[str, ...]:
        return (*Operation.slots(self), *SIDES)

    def describe(self, draw: Draw, view: View) -> Warp:
        sides = view.size.astype(np.float64)
        left, top, right, bottom = (self.law("amount").quantile(draw(side)) for side in SIDES)
        before, behind = np.stack([top, left], axis=1), np.stack([bottom, right], axis=1)
        if self.unit == "fraction":
            before, behind = before * sides, behind * sides
        # Two sides that would cut everything off leave one line, and what they leave is shared as they asked.
        before = np.maximum(np.rint(before), 1 - sides)
        behind = np.maximum(np.rint(behind), 1 - sides - before)
        canvas = sides + before + behind
        if not self.keep_size:
            return Warp(_window(-before, np.ones_like(sides)), canvas.astype(np.int64), self.border, self.colour(view))
        matrix = _window(-before, canvas / sides)
        return Warp(matrix, view.size, self.border, self.colour(view), self.interpolation)


@operation
class RandomCropFromBorders(Amount):
    """Cut off some rows and columns at each side.

    Any (H, W, C) image becomes a smaller one. Pixels are moved, none is computed; one row and one column stay at least.

    Args:
        left: share of the width that is cut off at the left, from 0 to 1. Identity: 0. Default: 0 to 0.1.
        top: share of the height that is cut off at the top. Identity: 0. Default: 0 to 0.1.
        right: share of the width that is cut off at the right. Identity: 0. Default: 0 to 0.1.
        bottom: share of the height that is cut off at the bottom. Identity: 0. Default: 0 to 0.1.

    Helps: framing that varies; in front of Resize.
    Hurts: what matters at the rim: boxes there are cut.
    """

    left: Range = ranged(default=Uniform(0, 0.1, identity=0), low=0, high=1)
    top: Range = ranged(default=Uniform(0, 0.1, identity=0), low=0, high=1)
    right: Range = ranged(default=Uniform(0, 0.1, identity=0), low=0, high=1)
    bottom: Range = ranged(default=Uniform(0, 0.1, identity=0), low=0, high=1)

    def describe(self, draw: Draw, view: View) -> Warp:
        sides = view.size.astype(np.float64)
        before = np.minimum(np.rint(np.stack([draw("top"), draw("left")], axis=1) * sides), sides - 1)
        behind = np.rint(np.stack([draw("bottom"), draw("right")], axis=1) * sides)
        size = np.maximum(sides - before - behind, 1)
        return inside(before, size.astype(np.int64))


def _window(corner: Floats, scale: Floats) -> Floats:
    """(B, 3, 3) for a canvas that begins at (B, 2) top and left and has pixels of (B, 2) heights and widths."""
    return axis_map(len(corner), scale[:, 1], scale[:, 0], corner[:, 1], corner[:, 0])
