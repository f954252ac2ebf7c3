"""What lenses do to colours."""

from __future__ import annotations

import numpy as np

from covary.draws.distributions import Range, Uniform
from covary.ops.base import Draw, Operation, operation, ranged
from covary.ops.image.luma import has_chroma
from covary.ops.view import View
from covary.plan.changes import Change, Image, Pixels


@operation
class ChromaticAberration(Operation):
    """Magnify red and blue a little more or less than green: coloured fringes towards the corners.

    (H, W, 3) images, red first.

    Args:
        red, blue: magnification minus 1, -0.2 to 0.2: 0.01 moves what is 100 pixels from the centre by one pixel.
            Identity: 0. Default -0.01 to 0.01. (Albumentations' coefficients move the corners by up to 2 %.)

    Lateral chromatic aberration of the first order. Linear interpolation; outside the edge is mirrored without its
    outermost pixel. One-channel pictures stay as they are.

    Raises:
        ValueError: at the call, for pictures with neither one nor three channels.

    Helps: cheap lenses, wide angles, action cameras, endoscopes.
    Hurts: classes told apart by thin coloured edges.
    """

    red: Range = ranged(default=Uniform(-0.01, 0.01, identity=0), low=-0.2, high=0.2)
    blue: Range = ranged(default=Uniform(-0.01, 0.01, identity=0), low=-0.2, high=0.2)

    def describe(self, draw: Draw, view: View) -> Change | tuple[Change, ...]:
        red, blue = draw("red").tolist(), draw("blue").tolist()
        if not has_chroma(self, view):
            return ()
        return Pixels(_fringed, tuple({"red": r, "blue": b} for r, b in zip(red, blue, strict=True)))


def _fringed(picture: Image, red: float, blue: float) -> Image:
    import cv2

    height, width = picture.shape[:2]
    for channel, growth in ((0, red), (2, blue)):
        if growth == 0:
            continue
        share = 1 / (1 + growth)
        # From the centres of output pixels to those of input pixels.
        matrix = np.array([[share, 0, 0.5 * (width - 1) * (1 - share)], [0, share, 0.5 * (height - 1) * (1 - share)]])
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        plane = cv2.extractChannel(picture, channel)
        moved = cv2.warpAffine(plane, matrix, (width, height), flags=flags, borderMode=cv2.BORDER_REFLECT_101)
        cv2.insertChannel(moved, picture, channel)
    return picture
