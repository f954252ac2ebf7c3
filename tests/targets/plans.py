"""Small plans of one sample, and pictures whose truth is known."""

import numpy as np
from hypothesis import strategies as st

from covary.plan.changes import Displace, Fill, Warp
from covary.plan.stages import Stage, ValueStep
from covary.render.reference import render
from covary.targets import Boxes, Keypoints, carry


def warp(matrix, size):
    return Warp(np.asarray(matrix, dtype=np.float64)[None], np.array([size]))


def displace(grid):
    return Displace((np.asarray(grid, dtype=np.float32),))


def stage(size, *coordinates, border="constant", interpolation="linear"):
    black = (ValueStep(Fill(np.zeros((1, 1)))),) if border == "constant" else ()
    return Stage(
        size=np.array([size]), coordinates=coordinates, border=border, interpolation=interpolation, values=black
    )


def shifted(dx, dy):
    """Output position -> input position, both moved by (dx, dy)."""
    return np.array(((1.0, 0, dx), (0, 1, dy), (0, 0, 1)))


def crop(x, y, size):
    return warp(shifted(x, y), size)


def mirrored(size):
    return warp(((-1, 0, size[1]), (0, 1, 0), (0, 0, 1)), size)


def upside_down(size):
    return warp(((1, 0, 0), (0, -1, size[0]), (0, 0, 1)), size)


def quarter_turn(size):
    """One turn anticlockwise, as numpy.rot90 does; `size` is that of the input."""
    return warp(((0, -1, size[1]), (1, 0, 0), (0, 0, 1)), size[::-1])


def about_centre(linear, size, out=None):
    """The inverse map with this 2x2 or 3x3 part that takes the output's centre to the input's."""
    out = out or size
    matrix = np.eye(3)
    matrix[: len(linear), : len(linear)] = linear
    return shifted(size[1] / 2, size[0] / 2) @ matrix @ shifted(-out[1] / 2, -out[0] / 2)


def carried(sample, stages, size, *, boxes=None, keypoints=None, **others):
    """One sample's fields through the stages, by the reference renderer."""
    return carry(
        [sample],
        stages,
        np.array([size]),
        boxes=boxes or Boxes(),
        keypoints=keypoints or Keypoints(),
        render=render,
        **others,
    )[0]


def rendered(image, stages):
    return render(stages, [image.reshape(*image.shape[:2], -1)])[0]


@st.composite
def affine_maps(draw, size, out=None, least=0.7, most=1.4):
    """Rotation, scale, shear, perhaps a mirror, and a shift, about the centre."""
    angle = draw(st.floats(-np.pi, np.pi))
    scale_x, scale_y = draw(st.floats(least, most)), draw(st.floats(least, most))
    shear = draw(st.floats(-0.4, 0.4))
    turn = np.array(((np.cos(angle), -np.sin(angle)), (np.sin(angle), np.cos(angle))))
    linear = turn @ np.array(((scale_x, shear), (0, scale_y)))
    if draw(st.booleans()):
        linear = linear @ np.diag((-1.0, 1.0))
    shift = shifted(draw(st.floats(-6, 6)), draw(st.floats(-6, 6)))
    return shift @ about_centre(linear, size, out)


@st.composite
def projective_maps(draw, size, out=None):
    """An affine map with some perspective on top."""
    out = out or size
    strength = st.floats(-0.3, 0.3)
    tilt = np.eye(3)
    tilt[2, 0], tilt[2, 1] = draw(strength) / max(out), draw(strength) / max(out)
    centre = shifted(out[1] / 2, out[0] / 2) @ tilt @ shifted(-out[1] / 2, -out[0] / 2)
    return draw(affine_maps(size, out)) @ centre


@st.composite
def grids(draw, size, steepest=0.35):
    """Displacements that fold nothing: neighbouring knots differ by less than their distance."""
    rows, columns = draw(st.integers(1, 7)), draw(st.integers(1, 7))
    spacing = min(size[0] / max(rows - 1, 1), size[1] / max(columns - 1, 1))
    values = np.random.default_rng(draw(st.integers(0, 2**32))).uniform(-1, 1, (rows, columns, 2))
    return values * draw(st.floats(0.0, steepest)) * spacing / 2
