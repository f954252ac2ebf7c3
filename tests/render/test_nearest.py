"""Nearest sampling at sizes where whole tiles and wide shuffles take part, against an exact choice of pixels."""

from __future__ import annotations

from fractions import Fraction
from unittest import mock

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from covary import kernels
from covary.plan.changes import BORDERS, Fill, Warp
from covary.plan.stages import Stage, ValueStep
from covary.render import reference

from . import strategies

pytestmark = pytest.mark.skipif(kernels.native is None, reason="the native kernels are not built")

DTYPES = ("bool", "uint8", "int8", "uint16", "float32", "int32", "float64")
lengths = st.one_of(st.integers(1, 20), st.integers(15, 150))
quick = settings(max_examples=50, deadline=None)


def native(stages, pictures):
    from covary.render.native import render

    return render(stages, pictures)


def portable(stages, pictures):
    with mock.patch.object(kernels, "simd", False):
        return native(stages, pictures)


def nearest_stage(matrix, size, border, colour, channels):
    size = np.array([size], np.int64)
    fill = (ValueStep(Fill(np.full((1, channels), float(colour)))),) if border == "constant" else ()
    return Stage(size, (Warp(np.asarray(matrix, float)[None], size),), border, "nearest", values=fill)


@st.composite
def plain_maps(draw, size, out):
    """Rotations, scales to a half and to double, shears, flips; some with positions on the very edges of pixels."""
    kind = draw(st.sampled_from(("turned", "turned", "halves", "axes", "far")))
    generator = np.random.default_rng(draw(strategies.seeds))
    if kind == "halves":
        linear = generator.integers(-4, 5, (2, 2)) / 2
        offset = generator.integers(-20, 40, 2) / 2
        return np.block([[linear, offset[:, None]], [0, 0, 1]])
    angle, shear = generator.uniform(-np.pi, np.pi), generator.uniform(-0.4, 0.4)
    cos, sin = np.cos(angle), np.sin(angle)
    linear = np.array([[cos, sin], [-sin, cos]]) @ [[1, shear], [0, 1]] * 2 ** generator.uniform(-1.5, 1)
    if kind == "axes":
        linear = np.diag(2 ** generator.uniform(-2, 2, 2) * generator.choice((-1, 1), 2))
    reach = (3.0 if kind == "far" else 0.6) * np.array((size[1], size[0]))
    middle = np.array((size[1], size[0])) / 2 + generator.uniform(-reach, reach)
    return np.block([[linear, (middle - linear @ np.array((out[1], out[0])) / 2)[:, None]], [0, 0, 1]])


@quick
@given(st.data())
def test_native_equals_portable_and_the_float64_reference(data):
    size, out = data.draw(st.tuples(lengths, lengths)), data.draw(st.tuples(lengths, lengths))
    channels = data.draw(st.sampled_from((1, 1, 2, 3, 4)))
    dtype = data.draw(st.sampled_from(DTYPES))
    border = data.draw(st.sampled_from(BORDERS))
    matrix = data.draw(plain_maps(size, out))
    generator = np.random.default_rng(data.draw(strategies.seeds))
    picture = strategies.random_picture(generator, size, channels, dtype)
    stage = nearest_stage(matrix, out, border, 1, channels)
    (made,) = native([stage], [picture])
    np.testing.assert_array_equal(made, portable([stage], [picture])[0])
    sure = decided(matrix, out)
    np.testing.assert_array_equal(made[sure], reference.render([stage], [picture])[0][sure])


def decided(matrix, out):
    """Where the choice does not hang on rounding."""
    y, x = np.mgrid[: out[0], : out[1]] + 0.5
    at = np.einsum("ij,jhw->ihw", np.asarray(matrix)[:2, :2], np.stack((x, y))) + np.asarray(matrix)[:2, 2, None, None]
    return (np.abs(at - np.rint(at)) > 1e-6).all(axis=0)


@quick
@given(st.data())
def test_turned_masks_show_the_pixels_of_rational_arithmetic(data):
    """The map's own numbers, as fractions: no rounding at all stands between them and the pixels that are due."""
    size, out = data.draw(st.tuples(st.integers(16, 60), st.integers(16, 60))), (16, 24)
    matrix = data.draw(plain_maps(size, out))
    picture = np.random.default_rng(1).integers(1, 256, (*size, 1), np.uint8)
    (made,) = native([nearest_stage(matrix, out, "constant", 0, 1)], [picture])
    rows = [[Fraction(float(value)) for value in row] for row in matrix[:2]]
    sure = decided(matrix, out)
    for y, x in np.ndindex(out):
        column, row = ((a * (2 * x + 1) + b * (2 * y + 1)) / 2 + c for a, b, c in rows)
        inside = 0 <= column < size[1] and 0 <= row < size[0]
        if sure[y, x]:
            assert made[y, x, 0] == (picture[int(row), int(column), 0] if inside else 0)


@pytest.mark.parametrize("border", BORDERS)
def test_every_tile_of_a_wide_turn_equals_the_portable_code(border):
    generator = np.random.default_rng(4)
    picture = generator.integers(0, 256, (200, 180, 1), np.uint8)
    for angle in np.linspace(-np.pi, np.pi, 23):
        for scale in (0.3, 1.0, 1.4):
            cos, sin = scale * np.cos(angle), scale * np.sin(angle)
            linear = np.array([[cos, sin], [-sin, cos]])
            matrix = np.block([[linear, (np.array((90, 100)) - linear @ (130, 120))[:, None]], [0, 0, 1]])
            stage = nearest_stage(matrix, (241, 263), border, 7, 1)
            np.testing.assert_array_equal(native([stage], [picture])[0], portable([stage], [picture])[0])
