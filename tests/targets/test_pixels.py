"""Outlines, filled again; and scikit-image's labels for their parts."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from covary.targets.pixels import bounding_box, fill_polygon, outline_of

masks = arrays(bool, array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=24))


@given(masks)
@settings(max_examples=50, deadline=None)
def test_filling_the_exact_outline_gives_the_mask(mask):
    outline = outline_of(mask, tolerance=0)
    if not mask.any():
        assert outline is None
        return
    assert np.array_equal(fill_polygon(outline, mask.shape), mask)
    x, y, width, height = bounding_box(mask)
    assert outline.min(axis=0).tolist() == [x, y]
    assert outline.max(axis=0).tolist() == [x + width, y + height]


@given(st.integers(14, 30), st.integers(14, 30), st.floats(0, 3.2), st.booleans())
@settings(max_examples=50, deadline=None)
def test_the_simpler_outline_stays_within_its_tolerance(a, b, turn, holed):
    y, x = np.mgrid[:80, :90] - np.array([40, 45]).reshape(2, 1, 1)
    u, v = x * np.cos(turn) + y * np.sin(turn), y * np.cos(turn) - x * np.sin(turn)
    radius = (u / a) ** 2 + (v / b) ** 2
    mask = (radius <= 1) & ~(holed & (radius < 0.2))
    outline = outline_of(mask)
    filled = fill_polygon(outline, mask.shape)
    exact = outline_of(mask, tolerance=0)
    assert len(outline) < len(exact)
    # Only pixels at the edge may differ: those with a neighbour on the other side.
    padded = np.pad(mask, 1, mode="edge")
    around = [padded[1 + dy : 81 + dy, 1 + dx : 91 + dx] for dy in (-1, 0, 1) for dx in (-1, 0, 1)]
    edge = np.any(around, axis=0) & ~np.all(around, axis=0)
    assert not (filled ^ mask)[~edge].any()
    assert (filled & mask).sum() / (filled | mask).sum() > 0.95


def test_a_pixel_keeps_its_four_corners():
    mask = np.zeros((5, 5), bool)
    mask[2, 3] = True
    assert sorted(map(tuple, outline_of(mask))) == [(3, 2), (3, 3), (4, 2), (4, 3)]


@pytest.mark.parametrize("tolerance", (0, 0.5))
def test_a_frame_with_an_island_is_one_polygon(tolerance):
    mask = np.zeros((30, 30), bool)
    mask[2:28, 3:27] = True
    mask[8:22, 9:21] = False
    mask[12:16, 12:16] = True
    assert np.array_equal(fill_polygon(outline_of(mask, tolerance=tolerance), mask.shape), mask)
