"""Sizes against closed forms, and resizing against repetition and SciPy."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from describing import describe
from hypothesis import given, settings
from hypothesis import strategies as st
from rendering import apply, moved, noise_picture

from covary.ops.image.resize import LongestMaxSize, Resize, SmallestMaxSize

SIDES = st.integers(1, 2000)


@settings(max_examples=40, deadline=None)
@given(height=SIDES, width=SIDES, new_height=SIDES, new_width=SIDES)
def test_resizing_takes_corners_to_corners(height, width, new_height, new_width):
    (change,), after = describe(Resize((new_height, new_width)), [(height, width)])
    assert after.size.tolist() == [[new_height, new_width]]
    corners = np.array([[0, 0], [new_width, new_height]])
    np.testing.assert_allclose(moved(change.matrix[0], corners), [[0, 0], [width, height]], rtol=1e-12)
    assert change.border is None


def test_doubling_by_nearest_equals_numpy_repeat():
    picture = noise_picture(5, 4)
    out = apply(Resize((10, 8), interpolation="nearest"), picture)
    assert np.array_equal(out, picture.repeat(2, axis=0).repeat(2, axis=1))


def test_resizing_to_the_same_size_changes_nothing():
    picture = noise_picture(5, 5)
    for operation in (Resize(5), SmallestMaxSize(5), LongestMaxSize(5)):
        assert np.array_equal(apply(operation, picture), picture)


@settings(max_examples=60, deadline=None)
@given(height=SIDES, width=SIDES, target=SIDES)
def test_one_side_is_exact_and_the_other_rounds_as_python_does(height, width, target):
    for operation, which in ((SmallestMaxSize(target), min), (LongestMaxSize(target), max)):
        _, after = describe(operation, [(height, width)])
        side = which(height, width)
        expected = [max(1, round(Fraction(length * target, side))) for length in (height, width)]
        assert after.size.tolist() == [expected]
        assert target in expected


def test_sizes_are_required_whatever_the_strength():
    for operation in (Resize((3, 4)), SmallestMaxSize(7), LongestMaxSize(7)):
        assert operation.with_strength(0) == operation


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Resize("big"), "Resize: size is 'big'"),
        (lambda: Resize((0, 3)), r"Resize: size is \(0, 3\)"),
        (lambda: SmallestMaxSize(0), "SmallestMaxSize: max_size is 0; allowed: a whole number from 1"),
        (lambda: LongestMaxSize((3, 4)), r"LongestMaxSize: max_size is \(3, 4\)"),
        (lambda: Resize(8, interpolation="area"), "Resize: interpolation is 'area'"),
    ],
)
def test_wrong_arguments_are_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_whole_numbers_of_numpy_become_python_numbers():
    assert type(Resize(np.int64(8)).size) is int and Resize([4, np.int32(5)]).size == (4, 5)
