"""Affine maps about the centre of the picture, on the same canvas."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from covary.draws.distributions import Distribution, Range, Uniform
from covary.ops.base import Draw, operation, ranged
from covary.ops.image.matrices import axes_about_centre, axis_map, cos_sin, linear_about_centre
from covary.ops.image.spatial import Geometry
from covary.ops.view import View
from covary.plan.changes import Warp


@operation
class Rotate(Geometry):
    """Turn the picture about its centre.

    Any (H, W, C) image; the size stays. Multiples of a right angle are exact.

    Args:
        degrees: angle in degrees, anticlockwise as seen on the screen. Identity: 0. Default: -30 to 30 (Albumentations
            turns by up to 90, which lays photographs on their side).
        border: what lies outside: "constant", "edge", "reflect", "symmetric" or "wrap". Default "reflect".
        fill: colour for "constant", in the image's own range: a number, or one for each channel.
        interpolation: "nearest", "linear" or "cubic". Default "linear".

    Helps: objects without a fixed upright (aerial, microscopy). 10 to 30 degrees suits photographs.
    Hurts: digits (6 and 9), text, X-rays, anything whose class depends on its orientation.
    """

    degrees: Range = ranged(default=Uniform(-30, 30, identity=0))

    def describe(self, draw: Draw, view: View) -> Warp:
        cos, sin = cos_sin(draw("degrees"))
        return self.warp(linear_about_centre(view.size, cos, -sin, sin, cos, 0, 0), view)


@operation
class Affine(Geometry):
    """Magnify, shear, turn and move the picture, in this order and about its centre.

    Any (H, W, C) image; the size stays. What is not asked for does not happen: each range is its identity by default.

    Args:
        rotate: angle in degrees, anticlockwise as seen on the screen. Identity and default: 0.
        scale: magnification; 2 shows everything twice as long. From 0.01 to 100. Identity and default: 1.
        shear: angle in degrees between -80 and 80, drawn for each axis by itself; see Shear. Identity and default: 0.
        translate: shift as a fraction of the width and of the height, drawn for each axis by itself, to the right and
            down. From -10 to 10. Identity and default: 0.
        keep_ratio: whether both axes have one magnification. Default True; if False, `scale` is drawn for each.
        border: what lies outside: "constant", "edge", "reflect", "symmetric" or "wrap". Default "reflect".
        fill: colour for "constant", in the image's own range: a number, or one for each channel.
        interpolation: "nearest", "linear" or "cubic". Default "linear".

    Helps: most recognition tasks, as a camera moves, tilts and comes closer: rotate 15, scale (0.8, 1.2), translate
        0.1.
    Hurts: where position, size or orientation decide the class; strong shears where shape does.
    """

    rotate: Range = ranged(default=Uniform(0, 0, identity=0))
    scale: Range = ranged(default=Uniform(1, 1, identity=1), low=0.01, high=100)
    shear: Range = ranged(default=Uniform(0, 0, identity=0), low=-80, high=80)
    translate: Range = ranged(default=Uniform(0, 0, identity=0), low=-10, high=10)
    keep_ratio: bool = True

    # The second axis draws by itself, from the law of the first.
    uniforms = ("scale_y", "shear_y", "translate_y")

    @property
    def scale_y(self) -> Distribution:
        """The law of the vertical magnification where the ratio is not kept."""
        return self.law("scale")

    @property
    def shear_y(self) -> Distribution:
        """The law of the shear along y."""
        return self.law("shear")

    @property
    def translate_y(self) -> Distribution:
        """The law of the shift along y."""
        return self.law("translate")

    def check(self) -> None:
        super().check()
        if not isinstance(self.keep_ratio, bool):
            self.refuse("keep_ratio", repr(self.keep_ratio), "True or False")

    def describe(self, draw: Draw, view: View) -> Warp:
        cos, sin = cos_sin(draw("rotate"))
        x_scale = draw("scale")
        y_scale = x_scale if self.keep_ratio else draw("scale_y")
        # Output to input is the inverse of each step in the opposite order: 1/scale @ unshear @ turn back.
        if self.law("shear").bounds() == (0, 0):
            xx, xy, yx, yy = cos / x_scale, -sin / x_scale, sin / y_scale, cos / y_scale
        else:
            tan_x, tan_y = _tan(draw("shear")), _tan(draw("shear_y"))
            both = 1 + tan_x * tan_y
            xx, xy = (both * cos - tan_x * sin) / x_scale, -(both * sin + tan_x * cos) / x_scale
            yx, yy = (sin - tan_y * cos) / y_scale, (cos + tan_y * sin) / y_scale
        if self.law("translate").bounds() == (0, 0):
            return self.warp(linear_about_centre(view.size, xx, xy, yx, yy, 0, 0), view)
        x_shift, y_shift = draw("translate") * view.width, draw("translate_y") * view.height
        return self.warp(linear_about_centre(view.size, xx, xy, yx, yy, x_shift, y_shift), view)


@operation
class ShiftScaleRotate(Geometry):
    """Magnify, turn and move the picture a little, about its centre.

    Any (H, W, C) image; the size stays. It is `Affine` with the ranges that are usual for photographs.

    Args:
        shift: as a fraction of the width and of the height, drawn for each axis by itself. Identity: 0. Default:
            -0.0625 to 0.0625.
        scale: magnification; 2 shows everything twice as long. From 0.01 to 100. Identity: 1. Default: 0.9 to 1.1.
            (Albumentations' `scale_limit` is the distance from 1.)
        rotate: angle in degrees, anticlockwise as seen on the screen. Identity: 0. Default: -15 to 15 (Albumentations
            turns by up to 45).
        border: what lies outside: "constant", "edge", "reflect", "symmetric" or "wrap". Default "reflect".
        fill: colour for "constant", in the image's own range: a number, or one for each channel.
        interpolation: "nearest", "linear" or "cubic". Default "linear".

    Helps: most recognition tasks.
    Hurts: where position, size or orientation decide the class.
    """

    shift: Range = ranged(default=Uniform(-0.0625, 0.0625, identity=0), low=-10, high=10)
    scale: Range = ranged(default=Uniform(0.9, 1.1, identity=1), low=0.01, high=100)
    rotate: Range = ranged(default=Uniform(-15, 15, identity=0))

    uniforms = ("shift_y",)

    @property
    def shift_y(self) -> Distribution:
        """The law of the shift along y."""
        return self.law("shift")

    def describe(self, draw: Draw, view: View) -> Warp:
        cos, sin = cos_sin(draw("rotate"))
        inverse = 1 / draw("scale")
        x_shift, y_shift = draw("shift") * view.width, draw("shift_y") * view.height
        turned = (cos * inverse, -sin * inverse, sin * inverse, cos * inverse)
        return self.warp(linear_about_centre(view.size, *turned, x_shift, y_shift), view)


@operation
class Scale(Geometry):
    """Zoom about the centre of the picture, on the same canvas.

    Any (H, W, C) image; the size stays. Above 1 the outer parts leave the canvas, below 1 the border fills what is
    free.

    Args:
        scale: magnification; 2 shows everything twice as long. From 0.01 to 100. Identity: 1. Default: 0.8 to 1.2.
        border: what lies outside: "constant", "edge", "reflect", "symmetric" or "wrap". Default "reflect".
        fill: colour for "constant", in the image's own range: a number, or one for each channel.
        interpolation: "nearest", "linear" or "cubic". Default "linear".

    Helps: objects met at many distances.
    Hurts: where size decides the class (cells, parts, text by size); small objects, when zoomed out.
    """

    scale: Range = ranged(default=Uniform(0.8, 1.2, identity=1), low=0.01, high=100)

    def describe(self, draw: Draw, view: View) -> Warp:
        scale = draw("scale")
        return self.warp(axes_about_centre(view.size, scale, scale), view)


@operation
class Stretch(Geometry):
    """Magnify width and height by factors of their own, about the centre and on the same canvas.

    Any (H, W, C) image; the size stays.

    Args:
        x: horizontal magnification, from 0.01 to 100. Identity: 1. Default: 0.8 to 1.2.
        y: vertical magnification, from 0.01 to 100. Identity: 1. Default: 0.8 to 1.2.
        border: what lies outside: "constant", "edge", "reflect", "symmetric" or "wrap". Default "reflect".
        fill: colour for "constant", in the image's own range: a number, or one for each channel.
        interpolation: "nearest", "linear" or "cubic". Default "linear".

    Helps: things whose proportions vary: handwriting, animals, goods, pictures of unknown aspect ratio.
    Hurts: where proportions decide the class: ellipse or circle, face recognition.
    """

    x: Range = ranged(default=Uniform(0.8, 1.2, identity=1), low=0.01, high=100)
    y: Range = ranged(default=Uniform(0.8, 1.2, identity=1), low=0.01, high=100)

    def describe(self, draw: Draw, view: View) -> Warp:
        return self.warp(axes_about_centre(view.size, draw("x"), draw("y")), view)


@operation
class Translate(Geometry):
    """Move the picture on its canvas.

    Any (H, W, C) image; the size stays. Whole pixels are exact: `Translate(Integers(-8, 8), Integers(-8, 8),
    unit="pixels")`.

    Args:
        x: shift to the right. Identity: 0. Default: -0.1 to 0.1.
        y: shift down. Identity: 0. Default: -0.1 to 0.1.
        unit: "fraction" of the width and of the height, or "pixels". Default "fraction".
        border: what lies outside: "constant", "edge", "reflect", "symmetric" or "wrap". Default "reflect".
        fill: colour for "constant", in the image's own range: a number, or one for each channel.
        interpolation: "nearest", "linear" or "cubic". Default "linear".

    Helps: small centred data sets (digits, cells, faces), where position should not matter.
    Hurts: where position decides: registered scans, layouts; labels of things pushed off the canvas.
    """

    x: Range = ranged(default=Uniform(-0.1, 0.1, identity=0))
    y: Range = ranged(default=Uniform(-0.1, 0.1, identity=0))
    unit: str = "fraction"

    def check(self) -> None:
        super().check()
        self.one_of("unit", ("fraction", "pixels"))

    def describe(self, draw: Draw, view: View) -> Warp:
        x, y = draw("x"), draw("y")
        if self.unit == "fraction":
            x, y = x * view.width, y * view.height
        return self.warp(axis_map(view.count, 1, 1, -x, -y), view)


@operation
class Shear(Geometry):
    """Slant the picture about its centre, first along x, then along y.

    Any (H, W, C) image; the size stays.

    Args:
        x: angle in degrees between -80 and 80 by which vertical lines lean; a positive one moves what is below the
            centre to the right. Identity: 0. Default: -10 to 10.
        y: angle in degrees between -80 and 80 by which horizontal lines lean; a positive one moves what is right of the
            centre down. Identity: 0. Default: -10 to 10.
        border: what lies outside: "constant", "edge", "reflect", "symmetric" or "wrap". Default "reflect".
        fill: colour for "constant", in the image's own range: a number, or one for each channel.
        interpolation: "nearest", "linear" or "cubic". Default "linear".

    Helps: handwriting and print, views from aside.
    Hurts: where angles decide the class: building plans, crystals.
    """

    x: Range = ranged(default=Uniform(-10, 10, identity=0), low=-80, high=80)
    y: Range = ranged(default=Uniform(-10, 10, identity=0), low=-80, high=80)

    def describe(self, draw: Draw, view: View) -> Warp:
        tan_x, tan_y = _tan(draw("x")), _tan(draw("y"))
        # x then y has determinant 1 whatever the angles; the sum of both shears would be singular at 45 degrees.
        return self.warp(linear_about_centre(view.size, 1 + tan_x * tan_y, -tan_x, -tan_y, 1, 0, 0), view)


def _tan(degrees: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.tan(np.deg2rad(degrees))
