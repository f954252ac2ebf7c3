"""Sizes: the whole picture at another size."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from covary.ops.base import Draw, operation
from covary.ops.image.matrices import resizing
from covary.ops.image.spatial import Interpolated, Size, checked_count, checked_size, same_size
from covary.ops.view import View
from covary.plan.changes import Ints, Warp


@operation
class Resize(Interpolated):
    """Stretch the picture to a given size.

    Any (H, W, C) image becomes (height, width, C). Shrinking skips no pixels: the renderer averages first.

    Args:
        size: in pixels: a whole number for a square, or (height, width). (In torchvision one number is the shorter
            side: see SmallestMaxSize.)
        interpolation: "nearest", "linear" or "cubic". Default "linear".

    Helps: models with a fixed input size.
    Hurts: proportions, where the picture's differ from the size's.
    """

    required = True

    size: Size

    def check(self) -> None:
        super().check()
        checked_size(self, "size")

    def describe(self, draw: Draw, view: View) -> Warp:
        size = same_size(view.count, self.size)
        return Warp(resizing(view.size, size), size, interpolation=self.interpolation)


@dataclass(frozen=True, repr=False)
class _OneSide(Interpolated):
    required = True

    max_size: int

    def check(self) -> None:
        super().check()
        checked_count(self, "max_size")

    def fitted(self, view: View, side: Ints) -> Warp:
        """Resize so that `side`, (B,) lengths in pixels, becomes max_size; the other side is rounded to nearest."""
        # A length times max_size over itself is max_size exactly; ties go to the even number, as Python rounds.
        exact = (view.size * self.max_size).astype(np.float64) / side.astype(np.float64)[:, None]
        size = np.maximum(np.rint(exact), 1).astype(np.int64)
        return Warp(resizing(view.size, size), size, interpolation=self.interpolation)


@operation
class SmallestMaxSize(_OneSide):
    """Resize so that the shorter side has a given length, keeping the proportions.

    Any (H, W, C) image. The longer side is rounded to whole pixels, ties to even.

    Args:
        max_size: length of the shorter side in pixels, from 1. Smaller pictures are enlarged.
        interpolation: "nearest", "linear" or "cubic". Default "linear".

    Helps: in front of a crop: no part of the canvas stays free.
    Hurts: very long pictures become very large ones.
    """

    def describe(self, draw: Draw, view: View) -> Warp:
        return self.fitted(view, np.minimum(view.size[:, 0], view.size[:, 1]))


@operation
class LongestMaxSize(_OneSide):
    """Resize so that the longer side has a given length, keeping the proportions.

    Any (H, W, C) image. The shorter side is rounded to whole pixels, ties to even, and is at least 1.

    Args:
        max_size: length of the longer side in pixels, from 1. Smaller pictures are enlarged.
        interpolation: "nearest", "linear" or "cubic". Default "linear".

    Helps: in front of PadIfNeeded: the whole picture stays in view, as detection needs it.
    Hurts: small objects in large pictures.
    """

    def describe(self, draw: Draw, view: View) -> Warp:
        return self.fitted(view, np.maximum(view.size[:, 0], view.size[:, 1]))
