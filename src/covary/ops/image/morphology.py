"""Shapes grow and shrink."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from covary import kernels
from covary.draws.distributions import Integers, Range
from covary.ops.amounts import Amount
from covary.ops.base import Draw, operation, ranged
from covary.ops.image.planes import filled, with_channels
from covary.ops.view import View
from covary.plan.changes import Bools, Change, Floats, Image, Pixels, Reshape, into

_WIDEST = 16  # radius up to which the compiled kernels go
# Whether the lightest is taken, in each step.
_STEPS = {"dilation": (True,), "erosion": (False,), "opening": (False, True), "closing": (True, False)}
# What an operation on light shapes is for dark ones.
_OPPOSITE = {"dilation": "erosion", "erosion": "dilation", "opening": "closing", "closing": "opening"}


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
        objects: "light" or "dark", where the masks mark light or dark shapes: `mask` and `masks` grow and shrink as
            these do. None leaves them as they are. Default None, as only the user can know. (Albumentations treats all
            masks as those of light shapes, and lets the higher of two class numbers win.)

    Outside the picture there is nothing. With `objects`, what a mask sets (all but 0) grows over what it does not set,
    with the highest class number near; classes take no pixels from each other. Keypoints, heat maps and boxes stay, but
    for boxes that are found from masks (`Boxes(source="masks")`).

    Helps: documents, digits and characters: thicker and thinner strokes, worn and bleeding ink.
    Hurts: photographs; small things that touch when they grow.
    """

    operation: str = "dilation"
    radius: Range = ranged(default=Integers(1, 2, identity=0), low=0, high=50)
    shape: str = "disc"
    objects: str | None = None

    def check(self) -> None:
        self.one_of("operation", tuple(_OPPOSITE))
        self.one_of("shape", ("disc", "square"))
        if self.objects is not None:
            self.one_of("objects", ("light", "dark"))

    def describe(self, draw: Draw, view: View) -> Change:
        radii = np.rint(draw("radius"))
        effect = None
        if self.objects is not None:
            followed = self.operation if self.objects == "light" else _OPPOSITE[self.operation]
            effect = Reshape(_reshaped_mask, self._parameters(followed, radii))
        return Pixels(_reshaped, self._parameters(self.operation, radii), effect)

    def _parameters(self, operation: str, radii: Floats) -> tuple[dict[str, Any], ...]:
        return tuple({"operation": operation, "radius": int(radius), "shape": self.shape} for radius in radii)


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


def _reshaped_mask(mask: Image, operation: str, radius: int, shape: str) -> Image:
    """What is set grows or shrinks; numbers stay where they are, and new pixels take the highest near."""
    if radius == 0:
        return mask
    was_set = mask != 0
    is_set = _reshaped(was_set.astype(np.uint8), operation, radius, shape) != 0
    new = is_set & ~was_set
    if new.any():
        mask[new] = _highest_near(mask, was_set, radius, shape)[new]
    mask[~is_set] = 0
    return mask


def _highest_near(mask: Image, was_set: Bools, radius: int, shape: str) -> Image:
    """The highest number near each pixel, of those that are set."""
    if mask.dtype in (np.uint8, np.uint16):
        return _reshaped(mask.copy(), "dilation", radius, shape)
    values = np.unique(mask[was_set])
    ranks = np.where(was_set, np.searchsorted(values, mask) + 1, 0)
    near = _reshaped(ranks.astype(np.uint16 if len(values) < 1 << 16 else np.float32), "dilation", radius, shape)
    found: Image = values[np.maximum(near.astype(np.intp) - 1, 0)]
    return found
