"""The picture on another canvas: one that grows with what happens to it, or one into which it is fitted."""

from __future__ import annotations

from dataclasses import field

import numpy as np

from covary.draws.distributions import Range, Uniform
from covary.ops.amounts import Amount
from covary.ops.base import Draw, operation, ranged
from covary.ops.image.matrices import axis_map, cos_sin
from covary.ops.image.pads import POSITIONS, placed
from covary.ops.image.spatial import Bordered, Interpolated, Size, checked_size, height_width, same_size
from covary.ops.view import View
from covary.plan.changes import Border, Warp


@operation
class SafeRotate(Bordered, Interpolated):
    """Turn the picture about its centre on a canvas that holds all of it.

    Any (H, W, C) image; an angle a makes of it a picture of W |cos a| + H |sin a| by H |cos a| + W |sin a| pixels,
    rounded up. Multiples of a right angle are exact.

    Args:
        degrees: angle in degrees, anticlockwise as seen on the screen. Identity: 0. Default: -30 to 30 (Albumentations
            turns by up to 90).
        keep_size: whether the canvas keeps its size and the picture is made smaller until it fits in, as Albumentations
            does. Default False.
        border: what lies outside: "constant", "edge", "reflect", "symmetric" or "wrap". Default "constant".
        fill: colour for "constant", in the image's own range: a number, or one for each channel. Default 0.
        interpolation: "nearest", "linear" or "cubic". Default "linear".

    Helps: where no label may leave the picture: small objects near the rim, documents.
    Hurts: corners of one colour teach the model the angle; digits (6 and 9), text, X-rays.
    """

    degrees: Range = ranged(default=Uniform(-30, 30, identity=0))
    keep_size: bool = False
    border: Border | None = field(default="constant", kw_only=True)

    def check(self) -> None:
        super().check()
        if not isinstance(self.keep_size, bool):
            self.refuse("keep_size", repr(self.keep_size), "True or False")

    def describe(self, draw: Draw, view: View) -> Warp:
        cos, sin = cos_sin(draw("degrees"))
        sides = view.size.astype(np.float64)
        whole = np.abs(cos)[:, None] * sides + np.abs(sin)[:, None] * sides[:, ::-1]
        scale, size = np.ones(view.count), view.size
        if self.keep_size:
            scale = (whole / sides).max(axis=1)
        else:
            # What rounding adds to whole pixels is no reason for another row.
            size = np.ceil(whole - 1e-9).astype(np.int64)
        matrix = np.zeros((view.count, 3, 3))
        matrix[:, 0, 0], matrix[:, 0, 1] = cos * scale, -sin * scale
        matrix[:, 1, 0], matrix[:, 1, 1] = sin * scale, cos * scale
        before, behind = sides[:, ::-1] * 0.5, size.astype(np.float64)[:, ::-1] * 0.5
        matrix[:, :2, 2] = before - (matrix[:, :2, :2] @ behind[:, :, None])[:, :, 0]
        matrix[:, 2, 2] = 1
        return Warp(matrix, size, self.border, self.colour(view), self.interpolation)


@operation
class ZoomOut(Bordered, Amount):
    """Put the picture at a random place of a larger canvas.

    An (H, W, C) image becomes one of round(ratio * H) by round(ratio * W) pixels. Pixels are moved, none is computed.

    Args:
        ratio: side of the canvas over that of the picture, from 1 to 100. Identity: 1. Default: 1 to 4.
        x: position on the canvas, from 0 (at the left) to 1 (at the right). Identity: 0.5. Default: 0 to 1.
        y: position on the canvas, from 0 (at the top) to 1 (at the bottom). Identity: 0.5. Default: 0 to 1.
        border: what lies outside: "constant", "edge", "reflect", "symmetric" or "wrap". Default "constant".
        fill: colour for "constant", in the image's own range: a number, or one for each channel. Default 0.

    Liu et al., "SSD: Single shot multibox detector", ECCV 2016.

    Helps: detection of small objects: everything becomes smaller, once a resize follows.
    Hurts: classification: the frame takes most of the picture.
    """

    ratio: Range = ranged(default=Uniform(1, 4, identity=1), low=1, high=100)
    x: Range = ranged(default=Uniform(0, 1, identity=0.5), low=0, high=1)
    y: Range = ranged(default=Uniform(0, 1, identity=0.5), low=0, high=1)
    border: Border | None = field(default="constant", kw_only=True)

    def describe(self, draw: Draw, view: View) -> Warp:
        size = np.rint(view.size * draw("ratio")[:, None]).astype(np.int64)
        place = np.floor(np.stack([draw("y"), draw("x")], axis=1) * (size - view.size + 1))
        place = np.minimum(place, size - view.size)
        return Warp(axis_map(view.count, 1, 1, -place[:, 1], -place[:, 0]), size, self.border, self.colour(view))


@operation
class LetterBox(Bordered, Interpolated):
    """Fit the whole picture into a size, keeping its proportions, and fill what is left.

    Any (H, W, C) image becomes (height, width, C). The sides of the picture within are rounded to whole pixels. Where
    it is enlarged, it fades into the frame over half a pixel of its own.

    Args:
        size: of the output in pixels: a whole number for a square, or (height, width).
        position: where the picture stands: "center" (an odd pixel goes at the bottom and at the right), "top_left",
            "top_right", "bottom_left", "bottom_right" or "random". Default "center".
        enlarge: whether smaller pictures are made larger. Default True.
        border: what is around: "constant", "edge", "reflect", "symmetric" or "wrap". Default "constant".
        fill: colour for "constant", in the image's own range: a number, or one for each channel. Default 0; the YOLO
            family is used to 114.
        interpolation: "nearest", "linear" or "cubic". Default "linear".

    Helps: detection: the whole picture stays in view, in its proportions.
    Hurts: small objects in large pictures; long pictures become mostly frame.
    """

    required = True
    uniforms = ("x", "y")

    size: Size
    position: str = "center"
    enlarge: bool = True
    border: Border | None = field(default="constant", kw_only=True)

    def check(self) -> None:
        super().check()
        checked_size(self, "size")
        self.one_of("position", POSITIONS)
        if not isinstance(self.enlarge, bool):
            self.refuse("enlarge", repr(self.enlarge), "True or False")

    def describe(self, draw: Draw, view: View) -> Warp:
        sides = view.size.astype(np.float64)
        factor = (np.array(height_width(self.size)) / sides).min(axis=1)
        if not self.enlarge:
            factor = np.minimum(factor, 1)
        size = same_size(view.count, self.size)
        fitted = np.clip(np.rint(sides * factor[:, None]).astype(np.int64), 1, size)
        scale = sides / fitted
        offset = -placed(self.position, size - fitted, draw) * scale
        matrix = axis_map(view.count, scale[:, 1], scale[:, 0], offset[:, 1], offset[:, 0])
        return Warp(matrix, size, self.border, self.colour(view), self.interpolation)
