"""Perspective: the picture seen from another point."""

from __future__ import annotations

import numpy as np

from covary.draws.distributions import Range, Uniform
from covary.ops.base import Draw, operation, ranged
from covary.ops.image.matrices import on_canvas, square_to_quad
from covary.ops.image.spatial import Geometry
from covary.ops.view import View
from covary.plan.changes import Warp

_SQUARE = np.array([[0, 0], [1, 0], [1, 1], [0, 1]], dtype=np.float64)


@operation
class Perspective(Geometry):
    """Move the four corners of the view at random: what they span is stretched over the canvas.

    Any (H, W, C) image; the size stays. The horizon never comes into the picture.

    Args:
        scale: how far a corner may move along each axis, inwards or outwards, as a fraction of the side: each of the
            eight shifts is uniform in -scale to scale. From -0.24 to 0.24, where the sign says nothing; at 0.25 three
            corners could lie on one line. Identity: 0. Default: 0.05 to 0.1. (Albumentations reads it as a standard
            deviation and moves corners inwards alone.)
        border: what lies outside: "constant", "edge", "reflect", "symmetric" or "wrap". Default "reflect".
        fill: colour for "constant", in the image's own range: a number, or one for each channel.
        interpolation: "nearest", "linear" or "cubic". Default "linear".

    Helps: flat things photographed by hand: documents, signs, shelves, licence plates.
    Hurts: strong ones where straight lines or proportions carry the class; scans, which have no perspective.
    """

    scale: Range = ranged(default=Uniform(0.05, 0.1, identity=0), low=-0.24, high=0.24)

    uniforms = ("x0", "y0", "x1", "y1", "x2", "y2", "x3", "y3")

    def describe(self, draw: Draw, view: View) -> Warp:
        shifts = np.empty((view.count, 8))
        for index, slot in enumerate(self.uniforms):
            shifts[:, index] = draw(slot)
        shifts = (2 * shifts - 1) * draw("scale")[:, None]
        corners = _SQUARE + shifts.reshape(-1, 4, 2)
        return self.warp(on_canvas(square_to_quad(corners), view.size), view)
