"""Sizes: the whole picture at another size."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from covary.draws.distributions import Range, Uniform
from covary.ops.base import Draw, operation, ranged
from covary.ops.image.matrices import resizing
from covary.ops.image.spatial import Interpolated, Size, checked_count, checked_size, height_width, is_count, same_size
from covary.ops.view import View
from covary.plan.changes import Floats, Interpolation, Ints, Warp


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
        return _resized(view, exact, self.interpolation)


def _resized(view: View, exact: Floats, interpolation: Interpolation) -> Warp:
    """The picture at (B, 2) sizes that are rounded to whole pixels, 1 at least."""
    size = np.maximum(np.rint(exact), 1).astype(np.int64)
    return Warp(resizing(view.size, size), size, interpolation=interpolation)


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


@operation
class RandomScale(Interpolated):
    """Resize the picture by a random factor.

    Any (H, W, C) image; both sides are multiplied and rounded to whole pixels. (Scale magnifies what is on a canvas
    that stays.)

    Args:
        scale: by which both sides are multiplied, from 0.01 to 100. Identity: 1. Default: 0.9 to 1.1.
        interpolation: "nearest", "linear" or "cubic". Default "linear".

    Helps: in front of a crop: objects met at many distances.
    Hurts: without a crop behind it, batches of one size.
    """

    scale: Range = ranged(default=Uniform(0.9, 1.1, identity=1), low=0.01, high=100)

    def describe(self, draw: Draw, view: View) -> Warp:
        return _resized(view, view.size * draw("scale")[:, None], self.interpolation)


@operation
class ScaleJitter(Interpolated):
    """Resize the picture so that it fits a random multiple of a size, keeping the proportions.

    Any (H, W, C) image.

    Args:
        size: into which the picture fits at scale 1: a whole number for a square, or (height, width).
        scale: multiple of it, from 0.01 to 100. Identity: 1. Default: 0.1 to 2.
        interpolation: "nearest", "linear" or "cubic". Default "linear".

    At strength 0 the picture is fitted into the size.

    Ghiasi et al., "Simple copy-paste is a strong data augmentation method for instance segmentation", CVPR 2021.

    Helps: detection and instance segmentation from scratch over long trainings, in front of a crop and padding.
    Hurts: short trainings; small objects at the low end of the range.
    """

    required = True

    size: Size
    scale: Range = ranged(default=Uniform(0.1, 2.0, identity=1), low=0.01, high=100)

    def check(self) -> None:
        super().check()
        checked_size(self, "size")

    def describe(self, draw: Draw, view: View) -> Warp:
        sides = view.size.astype(np.float64)
        fits = (np.array(height_width(self.size)) / sides).min(axis=1)
        return _resized(view, sides * (fits * draw("scale"))[:, None], self.interpolation)


@operation
class RandomShortestSize(Interpolated):
    """Resize so that the shorter side has one of several lengths, keeping the proportions.

    Any (H, W, C) image.

    Args:
        min_size: lengths of the shorter side in pixels, all as likely; or one length.
        max_size: the longer side has this many pixels at most; the picture is then smaller. Default None: no limit.
        interpolation: "nearest", "linear" or "cubic". Default "linear".

    Carion et al., "End-to-end object detection with transformers", ECCV 2020.

    Helps: detection, as a training at several scales.
    Hurts: batches of one size, unless padding follows.
    """

    required = True
    uniforms = ("length",)

    min_size: int | tuple[int, ...]
    max_size: int | None = None

    def check(self) -> None:
        super().check()
        lengths = self.min_size if isinstance(self.min_size, tuple) else (self.min_size,)
        if not lengths or not all(is_count(length) for length in lengths):
            self.refuse("min_size", repr(self.min_size), "whole numbers of pixels from 1")
        if self.max_size is not None:
            checked_count(self, "max_size")

    def describe(self, draw: Draw, view: View) -> Warp:
        lengths = np.array(self.min_size if isinstance(self.min_size, tuple) else (self.min_size,))
        chosen = lengths[(draw("length") * len(lengths)).astype(np.int64)]
        sides = view.size.astype(np.float64)
        factor = chosen / sides.min(axis=1)
        if self.max_size is not None:
            factor = np.minimum(factor, self.max_size / sides.max(axis=1))
        return _resized(view, sides * factor[:, None], self.interpolation)
