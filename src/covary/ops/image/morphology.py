"""Shapes grow and shrink."""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from covary import kernels
from covary.draws.distributions import Integers, Range
from covary.ops.amounts import Amount
from covary.ops.base import Draw, operation, ranged
from covary.ops.image.planes import filled, with_channels
from covary.ops.view import View
from covary.plan.changes import Change, Image, Pixels, into

_WIDEST = 16  # radius up to which the compiled kernels go
# Whether the lightest is taken, in each step.
_STEPS = {"dilation": (True,), "erosion": (False,), "opening": (False, True), "closing": (True, False)}


@operation
class Morphological(Amount):
    """Replace each pixel by the lightest or the darkest near it: light shapes grow or shrink.

    Any (H, W, C) image, each channel by itself.

    Args:
        operation: "dilation" (the lightest; light shapes grow), "erosion" (the darkest; dark shapes grow), "opening"
            (erosion, then dilation: light specks go) or "closing" (the reverse: dark specks go). Default "dilation".
        radius: in pixels, 0 to 50. Identity: 0. Default 1 to 2. Radius 1 is a pixel's four neighbours on a disc, its
            eight on a square. (Albumentations' `scale` of 2 to 3 is a width; even ones move the picture.)
        shape: of what is near: "disc" (centres at most `radius` away) or "square". Default "disc".

    Outside the picture there is nothing.

    Helps: documents, digits and characters: thicker and thinner strokes, worn and bleeding ink.
    Hurts: photographs; small things that touch when they grow.
    """

    operation: str = "dilation"
    radius: Range = ranged(default=Integers(1, 2, identity=0), low=0, high=50)
    shape: str = "disc"

    def check(self) -> None:
        self.one_of("operation", ("dilation", "erosion", "opening", "closing"))
        self.one_of("shape", ("disc", "square"))

    def describe(self, draw: Draw, view: View) -> Change:
        radii = np.rint(draw("radius"))
        return Pixels(
            _reshaped,
            tuple({"operation": self.operation, "radius": int(radius), "shape": self.shape} for radius in radii),
        )


@cache
def neighbourhood(radius: int, shape: str) -> NDArray[np.uint8]:
    """(2 * radius + 1, 2 * radius + 1) ones where pixels are near the middle one; read-only."""
    places = np.square(np.arange(-radius, radius + 1))
    near = places + places[:, None] <= radius * radius if shape == "disc" else np.ones((2 * radius + 1,) * 2, bool)
    ones: NDArray[np.uint8] = near.astype(np.uint8)
    ones.flags.writeable = False
    return ones


@cache
def _halves(radius: int, shape: str) -> list[int]:
    """How far the rows of a neighbourhood reach to each side, from its top row to its bottom row."""
    return [int(row.sum()) // 2 for row in neighbourhood(radius, shape)]


@into
def _reshaped(picture: Image, operation: str, radius: int, shape: str, out: Image | None = None) -> Image:
    if radius == 0:
        return filled(out, picture)
    out = picture if out is None else out
    if kernels.native is None or radius > _WIDEST:
        return reshaped(picture, operation, radius, shape, out)
    for lightest in _STEPS[operation]:
        kernels.native.extreme(picture, out, _halves(radius, shape), lightest, kernels.simd)
        picture = out
    return out


def reshaped(picture: Image, operation: str, radius: int, shape: str, out: Image | None = None) -> Image:
    """The picture with its shapes changed by OpenCV: the bytes of the compiled kernel."""
    import cv2

    code = {
        "dilation": cv2.MORPH_DILATE,
        "erosion": cv2.MORPH_ERODE,
        "opening": cv2.MORPH_OPEN,
        "closing": cv2.MORPH_CLOSE,
    }[operation]
    return filled(out, with_channels(cv2.morphologyEx(picture, code, neighbourhood(radius, shape), out)))
