"""Affine maps against closed forms, NumPy and SciPy."""

from __future__ import annotations

import numpy as np
import pytest
from describing import describe, describe_at, values_of
from hypothesis import given, settings
from hypothesis import strategies as st
from rendering import apply, moved, noise_picture
from scipy import ndimage

from covary.draws.distributions import Choice, Constant, Integers
from covary.ops.image.affine import Affine, Rotate, Scale, Shear, Stretch, Translate

POINTS = np.array([[0.0, 0.0], [10.0, 3.0], [7.5, 20.25], [-4.0, 31.0]])


def only(operation, size, **uniforms):
    """The one matrix of an operation for one picture."""
    (change,) = describe_at(operation, size, **uniforms)
    return change.matrix[0]


@pytest.mark.parametrize("turns", [-2, -1, 0, 1, 2, 3, 4, 7])
@pytest.mark.parametrize("side", [1, 2, 7, 8])
def test_rotation_by_right_angles_equals_rot90(turns, side):
    picture = noise_picture(side, side)
    operation = Rotate(Constant(90.0 * turns), border="constant", fill=9)
    assert np.array_equal(apply(operation, picture), np.rot90(picture, turns))
    matrix = only(operation, (side, side))
    assert np.array_equal(matrix, np.rint(matrix))


@pytest.mark.parametrize("degrees", [17.0, -40.0, 90.0, 123.0])
def test_rotation_equals_complex_multiplication(degrees):
    """With y pointing up, turning anticlockwise is multiplying by exp(i * angle)."""
    matrix = only(Rotate(Constant(degrees)), (30, 44))
    centre = complex(22, -15)
    there = [(complex(x, -y) - centre) * np.exp(1j * np.radians(degrees)) + centre for x, y in POINTS]
    back = moved(matrix, np.array([[z.real, -z.imag] for z in there]))
    np.testing.assert_allclose(back, POINTS, atol=1e-9)


def test_rotation_equals_scipy_rotate():
    picture = ndimage.gaussian_filter(noise_picture(41, 53, 1, "float32"), (2, 2, 0))
    ours = apply(Rotate(Constant(25.0), border="constant"), picture)
    theirs = ndimage.rotate(picture, 25.0, axes=(0, 1), reshape=False, order=1, mode="constant")
    np.testing.assert_allclose(ours[12:-12, 12:-12], theirs[12:-12, 12:-12], atol=1e-5)


@settings(max_examples=25, deadline=None)
@given(
    degrees=st.floats(-180, 180),
    scales=st.tuples(st.floats(0.3, 3), st.floats(0.3, 3)),
    shears=st.tuples(st.floats(-60, 60), st.floats(-60, 60)),
    shifts=st.tuples(st.floats(-0.5, 0.5), st.floats(-0.5, 0.5)),
    size=st.tuples(st.integers(1, 99), st.integers(1, 99)),
)
def test_affine_is_the_inverse_of_the_product_of_its_steps(degrees, scales, shears, shifts, size):
    height, width = size
    # Choices of two values: the low half of the uniform numbers picks the first.
    operation = Affine(Constant(degrees), Choice(scales), Choice(shears), Choice(shifts), keep_ratio=False)
    picks = {"scale": 0.1, "scale_y": 0.9, "shear": 0.1, "shear_y": 0.9, "translate": 0.1, "translate_y": 0.9}
    matrix = only(operation, size, **picks)
    centre = np.array([[1, 0, width / 2], [0, 1, height / 2], [0, 0, 1]])
    magnify = np.diag([scales[0], scales[1], 1])
    along_x = np.array([[1, np.tan(np.radians(shears[0])), 0], [0, 1, 0], [0, 0, 1]])
    along_y = np.array([[1, 0, 0], [np.tan(np.radians(shears[1])), 1, 0], [0, 0, 1]])
    cos, sin = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    turn = np.array([[cos, sin, 0], [-sin, cos, 0], [0, 0, 1]])
    move = np.array([[1, 0, shifts[0] * width], [0, 1, shifts[1] * height], [0, 0, 1]])
    forward = move @ centre @ turn @ along_y @ along_x @ magnify @ np.linalg.inv(centre)
    np.testing.assert_allclose(matrix, np.linalg.inv(forward), rtol=1e-9, atol=1e-8)


def test_affine_keeps_the_ratio_unless_told_otherwise():
    kept, _ = describe(Affine(scale=(0.5, 2)), [(20, 30)] * 50)
    free, _ = describe(Affine(scale=(0.5, 2), keep_ratio=False), [(20, 30)] * 50)
    assert np.array_equal(kept[0].matrix[:, 0, 0], kept[0].matrix[:, 1, 1])
    assert np.corrcoef(free[0].matrix[:, 0, 0], free[0].matrix[:, 1, 1])[0, 1] < 0.5


def test_affine_axes_draw_from_one_law_by_themselves():
    values = values_of(Affine(shear=(5, 10), translate=0.25), 2000)
    for slot, low, high in [
        ("shear", 5, 10),
        ("shear_y", 5, 10),
        ("translate", -0.25, 0.25),
        ("translate_y", -0.25, 0.25),
    ]:
        assert low <= values[slot].min() < low + 0.05 * (high - low)
        assert high - 0.05 * (high - low) < values[slot].max() <= high
    assert abs(np.corrcoef(values["shear"], values["shear_y"])[0, 1]) < 0.1


def test_affine_equals_its_parts():
    size = (33, 47)
    for whole, part in [
        (Affine(rotate=Constant(20)), Rotate(Constant(20))),
        (Affine(scale=Constant(1.5)), Scale(Constant(1.5))),
        (Affine(shear=Constant(12)), Shear(Constant(12), Constant(12))),
        (Affine(translate=Constant(0.2)), Translate(Constant(0.2), Constant(0.2))),
    ]:
        np.testing.assert_allclose(only(whole, size), only(part, size), atol=1e-12)


def test_zoom_by_two_shows_the_middle_twice_as_long():
    matrix = only(Scale(Constant(2.0)), (20, 30))
    np.testing.assert_array_equal(
        moved(matrix, np.array([[0, 0], [30, 20], [15, 10]])), [[7.5, 5], [22.5, 15], [15, 10]]
    )


def test_zoom_out_shows_the_border_around():
    picture = np.full((8, 8, 1), 100, np.uint8)
    out = apply(Scale(Constant(0.5), border="constant", fill=7), picture)
    assert np.array_equal(np.unique(out[:2]), [7]) and np.array_equal(np.unique(out[3:5, 3:5]), [100])


def test_stretch_has_a_factor_for_each_axis():
    matrix = only(Stretch(Constant(2.0), Constant(0.5)), (20, 30))
    np.testing.assert_array_equal(moved(matrix, np.array([[0, 0], [30, 20]])), [[7.5, -10], [22.5, 30]])


@pytest.mark.parametrize("shift", [(3, 0), (-2, 4), (0, -9)])
@pytest.mark.parametrize("border", ["edge", "reflect", "symmetric", "wrap"])
def test_translation_by_pixels_equals_numpy_pad(shift, border):
    x, y = shift
    picture = noise_picture(7, 6)
    out = apply(Translate(Constant(x), Constant(y), unit="pixels", border=border), picture)
    padded = np.pad(picture, ((9, 9), (9, 9), (0, 0)), mode=border)
    assert np.array_equal(out, padded[9 - y : 16 - y, 9 - x : 15 - x])


def test_translation_by_a_fraction_moves_right_and_down():
    np.testing.assert_array_equal(
        moved(only(Translate(Constant(0.5), Constant(0.25)), (20, 30)), np.array([[15, 5]])), [[0, 0]]
    )


def test_translations_by_whole_pixels_are_whole_numbers():
    (change,), _ = describe(Translate(Integers(-8, 8), Integers(-8, 8), unit="pixels"), [(9, 9)] * 40)
    assert np.array_equal(change.matrix, np.rint(change.matrix)) and len(np.unique(change.matrix[:, 0, 2])) > 8


def test_shear_moves_below_to_the_right_and_right_down():
    x = only(Shear(Constant(45.0), Constant(0)), (20, 20))
    y = only(Shear(Constant(0), Constant(45.0)), (20, 20))
    np.testing.assert_allclose(moved(x, np.array([[15.0, 15.0]])), [[10, 15]], atol=1e-12)
    np.testing.assert_allclose(moved(y, np.array([[15.0, 15.0]])), [[15, 10]], atol=1e-12)


def test_shear_keeps_areas_even_at_45_degrees_on_both_axes():
    assert abs(np.linalg.det(only(Shear(Constant(45.0), Constant(45.0)), (20, 30))) - 1) < 1e-12


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Affine(scale=(0, 1)), "Affine: scale is 0 to 1; allowed: values from 0.01 to 100"),
        (lambda: Affine(shear=85), "Affine: shear is -85 to 85"),
        (lambda: Affine(keep_ratio="yes"), "Affine: keep_ratio is 'yes'; allowed: True or False"),
        (lambda: Translate(unit="metres"), "Translate: unit is 'metres'; allowed: fraction, pixels"),
        (lambda: Rotate(-20), "Rotate: degrees"),
        (lambda: Rotate((20, -20)), "Rotate: degrees"),
    ],
)
def test_wrong_arguments_are_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()
