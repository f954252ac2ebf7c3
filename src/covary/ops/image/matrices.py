"""Batched 3x3 matrices that map output positions to input positions, (B, 3, 3) float64.

Positions are homogeneous columns (x, y, 1) in continuous coordinates, y pointing down; an angle turns anticlockwise as
seen on the screen. A single number may stand for a (B,) array wherever arguments are numbers per picture.
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from covary.plan.changes import Floats, Ints

PerPicture: TypeAlias = Floats | Ints | float

# The eight symmetries of the rectangle's frame as output -> input. Where an input axis runs backwards, its offset is
# the input's length: the tables hold 1 there, to be multiplied by it.
IDENTITY, TURN_1, TURN_2, TURN_3, FLIP_X, FLIP_Y, TRANSPOSE, ANTITRANSPOSE = range(8)
_SYMMETRIES = np.array(
    [
        [[1, 0, 0], [0, 1, 0], [0, 0, 1]],
        [[0, -1, 1], [1, 0, 0], [0, 0, 1]],
        [[-1, 0, 1], [0, -1, 1], [0, 0, 1]],
        [[0, 1, 0], [-1, 0, 1], [0, 0, 1]],
        [[-1, 0, 1], [0, 1, 0], [0, 0, 1]],
        [[1, 0, 0], [0, -1, 1], [0, 0, 1]],
        [[0, 1, 0], [1, 0, 0], [0, 0, 1]],
        [[0, -1, 1], [-1, 0, 1], [0, 0, 1]],
    ],
    dtype=np.float64,
)
_SWAPS_AXES = _SYMMETRIES[:, 0, 0] == 0


def symmetries(kinds: NDArray[np.intp] | int, size: Ints) -> Floats:
    """Flips, turns and transpositions, exactly.

    Args:
        kinds: (B,) numbers of symmetries, one of the constants above; or one number for all pictures.
        size: (B, 2) height and width of the inputs.
    """
    matrix = np.empty((len(size), 3, 3))
    matrix[:] = _SYMMETRIES[kinds]
    matrix[:, :2, 2] *= size.astype(np.float64)[:, ::-1]
    return matrix


def symmetry_sizes(kinds: NDArray[np.intp], size: Ints) -> Ints:
    """(B, 2) sizes of the outputs of `symmetries`."""
    return np.where(_SWAPS_AXES[kinds][:, None], size[:, ::-1], size)


def axis_map(count: int, x_scale: PerPicture, y_scale: PerPicture, left: PerPicture, top: PerPicture) -> Floats:
    """Each axis by itself: x_in = left + x_scale * x_out, y_in = top + y_scale * y_out."""
    matrix = np.zeros((count, 3, 3))
    matrix[:, 0, 0] = x_scale
    matrix[:, 1, 1] = y_scale
    matrix[:, 0, 2] = left
    matrix[:, 1, 2] = top
    matrix[:, 2, 2] = 1
    return matrix


def resizing(size: Ints, new_size: Ints) -> Floats:
    """The whole input stretched over the whole output."""
    # NumPy converts whole arrays much faster than mixed operands.
    scale = size.astype(np.float64) / new_size.astype(np.float64)
    return axis_map(len(size), scale[:, 1], scale[:, 0], 0, 0)


def axes_about_centre(size: Ints, x_scale: PerPicture, y_scale: PerPicture) -> Floats:
    """Each axis magnified by its own factor about the centre of the canvas."""
    scale = np.empty(size.shape)
    scale[:, 0] = y_scale
    scale[:, 1] = x_scale
    inverse = 1 / scale
    offset = size.astype(np.float64) * (0.5 - 0.5 * inverse)
    return axis_map(len(size), inverse[:, 1], inverse[:, 0], offset[:, 1], offset[:, 0])


def linear_about_centre(
    size: Ints, xx: PerPicture, xy: PerPicture, yx: PerPicture, yy: PerPicture, x_shift: PerPicture, y_shift: PerPicture
) -> Floats:
    """in = M @ (out - shift - centre) + centre, with M = [[xx, xy], [yx, yy]] and the canvas's own centre."""
    centre = size.astype(np.float64) * 0.5
    x_centre, y_centre = centre[:, 1], centre[:, 0]
    x_from, y_from = x_centre + x_shift, y_centre + y_shift
    matrix = np.zeros((len(size), 3, 3))
    matrix[:, 0, 0] = xx
    matrix[:, 0, 1] = xy
    matrix[:, 0, 2] = x_centre - xx * x_from - xy * y_from
    matrix[:, 1, 0] = yx
    matrix[:, 1, 1] = yy
    matrix[:, 1, 2] = y_centre - yx * x_from - yy * y_from
    matrix[:, 2, 2] = 1
    return matrix


def cos_sin(degrees: Floats) -> tuple[Floats, Floats]:
    """Cosine and sine of angles in degrees, exact for quarter turns."""
    radians = np.deg2rad(degrees)
    # Adding 32 rounds to multiples of 2**-47: the few 1e-16 that part quarter turns from 0 and 1 go, nothing else does.
    return np.cos(radians) + 32 - 32, np.sin(radians) + 32 - 32


def square_to_quad(corners: Floats) -> Floats:
    """The projective map of the unit square onto convex quadrilaterals (Heckbert, 1989).

    Args:
        corners: (B, 4, 2) images (x, y) of the square's corners (0, 0), (1, 0), (1, 1) and (0, 1).
    """
    first, second, third, fourth = (corners[:, k] for k in range(4))
    along, across, skew = second - third, fourth - third, first - second + third - fourth
    area = _cross(along, across)
    g, h = _cross(skew, across) / area, _cross(along, skew) / area
    matrix = np.ones((len(corners), 3, 3))
    matrix[:, :2, 0] = second - first + g[:, None] * second
    matrix[:, :2, 1] = fourth - first + h[:, None] * fourth
    matrix[:, :2, 2] = first
    matrix[:, 2, 0] = g
    matrix[:, 2, 1] = h
    return matrix


def _cross(a: Floats, b: Floats) -> Floats:
    return a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0]


def on_canvas(unit: Floats, size: Ints) -> Floats:
    """A map of the unit square to itself as a map of the canvas: lengths in pixels instead of sides."""
    sides = np.ones((len(size), 3))
    sides[:, :2] = size[:, ::-1]
    return unit * (sides[:, :, None] / sides[:, None, :])
