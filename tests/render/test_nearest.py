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


@pytest.mark.parametrize("border", BORDERS)
def test_rows_stretched_by_any_factor_equal_the_portable_code(border):
    generator = np.random.default_rng(5)
    for channels, dtype in ((1, "uint8"), (2, "uint8"), (3, "uint8"), (4, "uint8"), (3, "uint16"), (1, "float64")):
        for width, out in ((9, 70), (40, 150), (150, 151), (200, 77), (70, 9)):
            for factor in (-2.3, -1.0, -0.6, 0.3, 0.9, 1.7):
                offset = -0.3 * width if factor > 0 else 1.2 * width
                matrix = [[factor, 0, offset], [0, 0.8, -2.2], [0, 0, 1]]
                picture = strategies.random_picture(generator, (20, width), channels, dtype)
                stage = nearest_stage(matrix, (30, out), border, 7, channels)
                np.testing.assert_array_equal(native([stage], [picture])[0], portable([stage], [picture])[0])


@pytest.mark.parametrize("border", BORDERS)
def test_positions_on_the_edges_of_pixels_equal_the_portable_code(border):
    picture = np.random.default_rng(6).integers(0, 256, (50, 40, 1), np.uint8)
    for a, b, c, d in ((1, 1, -1, 1), (1, 2, 2, -1), (2, 0, 1, 2), (-2, 1, 0, 2), (1, -1, 2, 2)):
        for parts in (2, 3, 6):
            for x, y in ((0, 0), (1, 20), (60, -7)):
                matrix = [[a / parts, b / parts, x / parts], [c / parts, d / parts, y / parts], [0, 0, 1]]
                stage = nearest_stage(matrix, (64, 72), border, 7, 1)
                np.testing.assert_array_equal(native([stage], [picture])[0], portable([stage], [picture])[0])
