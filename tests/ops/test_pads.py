"""Padding against numpy.pad."""

from __future__ import annotations

import numpy as np
import pytest
from describing import describe
from hypothesis import given, settings
from hypothesis import strategies as st
from rendering import apply, noise_picture

from covary.ops.image.pads import POSITIONS, Pad, PadIfNeeded
from covary.plan.changes import BORDERS

SIDES = st.integers(1, 7)
WIDTHS = st.integers(0, 9)


def numpy_pad(picture, left, top, right, bottom, border, fill):
    options = {"constant_values": fill} if border == "constant" else {}
    return np.pad(picture, ((top, bottom), (left, right), (0, 0)), mode=border, **options)


@settings(max_examples=40, deadline=None)
@given(
    size=st.tuples(SIDES, SIDES),
    sides=st.tuples(WIDTHS, WIDTHS, WIDTHS, WIDTHS),
    border=st.sampled_from(BORDERS),
    dtype=st.sampled_from(["uint8", "uint16", "float32"]),
)
def test_padding_equals_numpy_pad(size, sides, border, dtype):
    picture = noise_picture(*size, 2, dtype)
    fill = 1 if border == "constant" else 0
    operation = Pad(sides, border=border, fill=fill)
    (change,), _ = describe(operation, [size], 2, dtype)
    assert np.array_equal(change.matrix, np.rint(change.matrix))
    assert np.array_equal(apply(operation, picture), numpy_pad(picture, *sides, border, fill))


def test_one_and_two_numbers_serve_several_sides():
    picture = noise_picture(3, 4)
    assert np.array_equal(apply(Pad(2), picture), numpy_pad(picture, 2, 2, 2, 2, "constant", 0))
    assert np.array_equal(apply(Pad((1, 3)), picture), numpy_pad(picture, 1, 3, 1, 3, "constant", 0))


def test_fill_has_a_colour_for_each_channel():
    out = apply(Pad(1, fill=(10, 20, 30)), noise_picture(2, 2))
    assert out[0, 0].tolist() == [10, 20, 30]


@settings(max_examples=40, deadline=None)
@given(
    size=st.tuples(SIDES, SIDES),
    least=st.tuples(SIDES, SIDES),
    position=st.sampled_from(POSITIONS),
    divisor=st.integers(1, 4),
)
def test_padding_if_needed_equals_numpy_pad(size, least, position, divisor):
    picture = noise_picture(*size)
    operation = PadIfNeeded(*least, position, divisor)
    (change,), after = describe(operation, [size])
    expected = [-(-max(have, want) // divisor) * divisor for have, want in zip(size, least, strict=True)]
    assert after.size.tolist() == [expected]
    left, top = (-change.matrix[0, :2, 2]).astype(int)
    room_y, room_x = expected[0] - size[0], expected[1] - size[1]
    if position == "center":
        assert (top, left) == (room_y // 2, room_x // 2)
    elif position != "random":
        assert (top, left) == (room_y * ("bottom" in position), room_x * ("right" in position))
    padded = numpy_pad(picture, left, top, room_x - left, room_y - top, "constant", 0)
    assert np.array_equal(apply(operation, picture), padded)


def test_random_positions_come_alike():
    (change,), _ = describe(PadIfNeeded(6, 4, "random"), [(3, 2)] * 6000)
    _, counts = np.unique(change.matrix[:, :2, 2], axis=0, return_counts=True)
    # 4 x 3 positions, 500 each; five standard deviations.
    assert len(counts) == 12 and np.all(np.abs(counts - 500) < 112)


def test_large_pictures_stay():
    picture = noise_picture(6, 7)
    assert np.array_equal(apply(PadIfNeeded(3, 3), picture), picture)


def test_padding_is_required_whatever_the_strength():
    for operation in (Pad(3), PadIfNeeded(8, 8)):
        assert operation.with_strength(0) == operation


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Pad(-1), "Pad: padding is -1; allowed: a whole number from 0"),
        (lambda: Pad((1, 2, 3)), r"Pad: padding is \(1, 2, 3\)"),
        (lambda: Pad(1, border=None), "Pad: border is None; allowed: constant, edge"),
        (lambda: Pad(1, fill="red"), "Pad: fill is 'red'; allowed: a finite number"),
        (lambda: Pad(1, fill=float("nan")), "Pad: fill is nan"),
        (lambda: Pad(1, border="edge", fill=3), "Pad: fill is 3 with border='edge'"),
        (lambda: PadIfNeeded(0, 8), "PadIfNeeded: min_height is 0"),
        (lambda: PadIfNeeded(8, 8, "middle"), "PadIfNeeded: position is 'middle'; allowed: center, top_left"),
        (lambda: PadIfNeeded(8, 8, divisor=0), "PadIfNeeded: divisor is 0"),
    ],
)
def test_wrong_arguments_are_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_a_colour_for_other_channels_is_refused_when_described():
    with pytest.raises(ValueError, match="Pad: fill has 2 values, the image has 3 channels"):
        describe(Pad(1, fill=(1, 2)), [(4, 4)])
