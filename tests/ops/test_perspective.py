"""Perspective against linear solving and its own corners."""

from __future__ import annotations

import numpy as np
import pytest
from describing import describe, describe_at, values_of
from hypothesis import given, settings
from hypothesis import strategies as st
from rendering import moved

from covary.draws.distributions import Constant
from covary.ops.image.matrices import square_to_quad
from covary.ops.image.perspective import Perspective

SQUARE = np.array([[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0]])


def solved_homography(quad: np.ndarray) -> np.ndarray:
    """The map of the unit square onto a quadrilateral by eight linear equations."""
    rows, right = [], []
    for (x, y), (u, v) in zip(SQUARE, quad, strict=True):
        rows += [[x, y, 1, 0, 0, 0, -u * x, -u * y], [0, 0, 0, x, y, 1, -v * x, -v * y]]
        right += [u, v]
    return np.append(np.linalg.solve(np.array(rows), np.array(right)), 1).reshape(3, 3)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.floats(-0.24, 0.24), min_size=8, max_size=8))
def test_square_to_quad_equals_solving_eight_equations(shifts):
    quad = SQUARE + np.array(shifts).reshape(4, 2)
    matrix = square_to_quad(quad[None])[0]
    np.testing.assert_allclose(matrix, solved_homography(quad), atol=1e-9)
    np.testing.assert_allclose(moved(matrix, SQUARE), quad, atol=1e-12)


def test_corners_go_where_they_were_drawn():
    slots = dict(zip(Perspective.uniforms, (0.1, 0.9, 0.3, 0.6, 0.75, 0.2, 0.5, 0.99), strict=True))
    (change,) = describe_at(Perspective(Constant(0.2)), (30, 50), **slots)
    sides = np.array([50, 30])
    shifts = (2 * np.array(list(slots.values())).reshape(4, 2) - 1) * 0.2 * sides
    np.testing.assert_allclose(moved(change.matrix[0], SQUARE * sides), SQUARE * sides + shifts, atol=1e-9)
    assert np.array_equal(change.size, [[30, 50]])


def test_the_horizon_stays_outside_the_picture():
    """At the limit of the range, w stays positive at all four corners, so it does everywhere between them."""
    (change,), _ = describe(Perspective(Constant(0.24)), [(40, 60)] * 3000)
    corners = np.array([[0, 0, 1], [60, 0, 1], [60, 40, 1], [0, 40, 1]])
    assert np.all(change.matrix[:, 2] @ corners.T > 0)


def test_worst_corners_still_span_a_convex_quad():
    for corner in range(4):
        inwards = 0.5 - SQUARE
        signs = -np.sign(inwards)
        signs[corner] *= -1
        # The neighbours lean away from the corner's opposite, the corner itself goes inwards as far as it may.
        signs[(corner + 1) % 4] = signs[(corner + 3) % 4] = -signs[corner]
        matrix = square_to_quad((SQUARE + 0.24 * signs)[None])[0]
        assert np.all(np.append(SQUARE, np.ones((4, 1)), axis=1) @ matrix[2] > 0)


def test_shifts_are_uniform_and_independent():
    values = values_of(Perspective(), 4000)
    table = np.stack([values[slot] for slot in Perspective.uniforms])
    assert np.all(np.abs(table.mean(axis=1) - 0.5) < 0.03)
    assert np.all(np.abs(np.corrcoef(table) - np.eye(8)) < 0.08)


def test_scales_beyond_the_limit_are_refused():
    with pytest.raises(ValueError, match=r"Perspective: scale is 0 to 0.25; allowed: values from -0.24 to 0.24"):
        Perspective((0, 0.25))
