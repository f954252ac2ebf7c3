"""Flips, turns and transpositions against NumPy."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from describing import describe, values_of
from hypothesis import given, settings
from hypothesis import strategies as st
from rendering import apply, noise_picture

from covary.draws.distributions import Choice, Constant, Integers
from covary.ops.base import Operation
from covary.ops.image.flips import D4, HorizontalFlip, RandomRotate90, Transpose, VerticalFlip

TRUTHS: list[tuple[Operation, Callable[[np.ndarray], np.ndarray]]] = [
    (HorizontalFlip(p=1), np.fliplr),
    (VerticalFlip(p=1), np.flipud),
    (Transpose(p=1), lambda a: a.transpose(1, 0, 2)),
    *((RandomRotate90(Constant(k)), lambda a, k=k: np.rot90(a, k)) for k in (0, 1, 2, 3, 5, -1)),
    *((D4(Constant(k)), lambda a, k=k: np.rot90(a, k)) for k in range(4)),
    (D4(Constant(4)), np.fliplr),
    (D4(Constant(5)), np.flipud),
    (D4(Constant(6)), lambda a: a.transpose(1, 0, 2)),
    (D4(Constant(7)), lambda a: np.rot90(a, 2).transpose(1, 0, 2)),
]


@pytest.mark.parametrize(("operation", "truth"), TRUTHS, ids=[repr(operation) for operation, _ in TRUTHS])
@settings(max_examples=8, deadline=None)
@given(height=st.integers(1, 9), width=st.integers(1, 9), dtype=st.sampled_from(["uint8", "uint16", "float32"]))
def test_symmetries_equal_numpy(operation, truth, height, width, dtype):
    picture = noise_picture(height, width, 2, dtype)
    assert np.array_equal(apply(operation, picture), truth(picture))


@pytest.mark.parametrize("operation", [operation for operation, _ in TRUTHS], ids=repr)
def test_matrices_of_symmetries_are_whole_numbers(operation):
    (change,), after = describe(operation, [(3, 5), (1, 1), (480, 641)])
    assert np.array_equal(change.matrix, np.rint(change.matrix))
    assert np.array_equal(change.size, after.size)
    assert change.border is None and change.interpolation is None


def test_quarter_turns_change_sizes_picture_by_picture():
    sizes = [(3, 5)] * 64
    _, after = describe(RandomRotate90(), sizes)
    turns = values_of(RandomRotate90(), 64, sizes)["turns"]
    assert {tuple(size) for size in after.size[turns % 2 == 1]} == {(5, 3)}
    assert {tuple(size) for size in after.size[turns % 2 == 0]} == {(3, 5)}


@pytest.mark.parametrize(("operation", "slot", "kinds"), [(RandomRotate90(), "turns", 4), (D4(), "symmetry", 8)])
def test_all_kinds_come_alike(operation, slot, kinds):
    counts = np.bincount(values_of(operation, 8000)[slot].astype(int), minlength=kinds)
    expected = 8000 / kinds
    # Five standard deviations of a binomial count.
    assert np.all(np.abs(counts - expected) < 5 * np.sqrt(expected))


def test_weakened_symmetries_rest_more_often():
    share = np.mean(values_of(D4().with_strength(0.5), 4000)["symmetry"] == 0)
    assert abs(share - (0.5 + 0.5 / 8)) < 0.04


def test_flips_happen_half_the_time_by_default():
    assert HorizontalFlip().p == VerticalFlip().p == Transpose().p == 0.5
    assert HorizontalFlip().with_strength(0).p == 0


@pytest.mark.parametrize("turns", [(0, 2), 1, Choice((0, 0.5))])
def test_fractions_of_turns_are_refused(turns):
    with pytest.raises(ValueError, match=r"RandomRotate90: turns .* whole numbers"):
        RandomRotate90(turns)


def test_symmetries_out_of_range_are_refused():
    with pytest.raises(ValueError, match="D4: symmetry is 0 to 8"):
        D4(Integers(0, 8))
