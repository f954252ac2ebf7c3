"""What lenses do to straight lines."""

from __future__ import annotations

import numpy as np

from covary.draws.distributions import Range, Uniform
from covary.ops.base import Draw, operation, ranged
from covary.ops.image.spatial import Geometry
from covary.ops.view import View
from covary.plan.changes import Displace, Floats

# The field is computed at lines about so many pixels apart, and is linear in between.
_SPACING = 6.0
# The angle, in radians, from the axis to the corners of the picture, at `distort` 1 of a fisheye.
_WIDEST = 0.8


@operation
class OpticalDistortion(Geometry):
    """Bend straight lines as a lens does: outwards (barrel, fisheye) or inwards (pincushion).

    Any (H, W, C) image; the size stays, and so do its corners. The field is computed at lines about 6 pixels apart and
    linear in between, for pixels and labels alike.

    Args:
        distort: how much, -1 to 1: a barrel above 0, a pincushion below. In the mode "camera" a point at the share r of
            the way from the centre to the corners shows what was at r * (1 + d * (r**2 - 1)), with d = distort / 4.
            In the mode "fisheye" it shows what was at tan(r * a) / tan(a), a = 0.8 * distort radians: a camera with
            equal angles (f-theta) instead of one with straight lines; below 0 the way back. Identity: 0. Default -0.2
            to 0.2.
        mode: "camera" (Brown's first radial coefficient) or "fisheye". Default "camera".
        x, y: the centre of the lens as a share of the width and of the height, 0 to 1. Identity: 0.5. Default 0.5,
            the centre of the picture.
        border: what lies outside: "constant", "edge", "reflect", "symmetric" or "wrap". Default "reflect".
        fill: colour for "constant", in the image's own range: a number, or one for each channel.
        interpolation: "nearest", "linear" or "cubic". Default "linear".

    Brown, "Decentering distortion of lenses", Photogrammetric Engineering 1966. Albumentations' `distort_limit` k moves
    the corners of a square by 2 k of half a side in the same formula.

    Helps: pictures of many cameras, wide angles above all; driving, drones.
    Hurts: where straight lines or sizes are measured.
    """

    distort: Range = ranged(default=Uniform(-0.2, 0.2, identity=0), low=-1, high=1)
    mode: str = "camera"
    x: Range = ranged(default=Uniform(0.5, 0.5, identity=0.5), low=0, high=1)
    y: Range = ranged(default=Uniform(0.5, 0.5, identity=0.5), low=0, high=1)

    def check(self) -> None:
        super().check()
        self.one_of("mode", ("camera", "fisheye"))

    def describe(self, draw: Draw, view: View) -> Displace:
        factor = _camera if self.mode == "camera" else _fisheye
        grids: list[Floats] = []
        numbers = zip(draw("distort"), draw("x"), draw("y"), view.size.tolist(), strict=True)
        for distort, x_share, y_share, (height, width) in numbers:
            columns, rows = max(1, round(width / _SPACING)), max(1, round(height / _SPACING))
            x = np.linspace(0, width, columns + 1) - x_share * width
            y = np.linspace(0, height, rows + 1) - y_share * height
            # To the corner that is furthest from the centre.
            reach = np.square([np.abs(x).max(), np.abs(y).max()]).sum()
            squares = (np.square(x) + np.square(y)[:, None]) / reach
            share = factor(squares, float(distort)) - 1
            grids.append(np.stack([share * x, share * y[:, None]], axis=-1).astype(np.float32))
        return self.displace(tuple(grids), view)


def _camera(squares: Floats, distort: float) -> Floats:
    """By what distances from the centre are multiplied, for the squares of their shares of the way to the corners."""
    factor: Floats = 1 + distort / 4 * (squares - 1)
    return factor


def _fisheye(squares: Floats, distort: float) -> Floats:
    angle = abs(distort) * _WIDEST
    if angle < 1e-6:
        return np.ones(squares.shape)
    share = np.sqrt(squares)
    with np.errstate(invalid="ignore", divide="ignore"):
        if distort > 0:
            factor, at_centre = np.tan(share * angle) / (share * np.tan(angle)), angle / np.tan(angle)
        else:
            factor, at_centre = np.arctan(share * np.tan(angle)) / (share * angle), np.tan(angle) / angle
    whole: Floats = np.where(share > 0, factor, at_centre)
    return whole
