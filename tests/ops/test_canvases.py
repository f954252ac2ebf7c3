"""Canvases and margins against NumPy slicing and padding, scipy, and closed forms."""

from __future__ import annotations

import numpy as np
import pytest
from describing import describe
from hypothesis import given, settings
from hypothesis import strategies as st
from rendering import apply, noise_picture

from covary import Pipeline, image
from covary.draws.distributions import Constant, Integers

SIDES = st.integers(1, 12)


def test_safe_rotation_by_quarter_turns_equals_numpy_rot90():
    picture = noise_picture(5, 8)
    for turns in range(4):
        out = apply(image.SafeRotate(Constant(90.0 * turns)), picture)
        assert np.array_equal(out, np.rot90(picture, turns))


@settings(max_examples=40, deadline=None)
@given(height=st.integers(1, 60), width=st.integers(1, 60), degrees=st.floats(-180, 180), keep=st.booleans())
def test_safe_rotation_keeps_all_four_corners_on_the_canvas(height, width, degrees, keep):
    (change,), after = describe(image.SafeRotate(Constant(degrees), keep_size=keep), [(height, width)])
    corners = np.array([[0, 0, 1], [width, 0, 1], [0, height, 1], [width, height, 1]], dtype=float)
    there = corners @ np.linalg.inv(change.matrix[0]).T
    new_height, new_width = after.size[0]
    assert (there[:, :2] >= -1e-6).all() and (there[:, :2] <= (new_width + 1e-6, new_height + 1e-6)).all()
    if keep:
        assert (new_height, new_width) == (height, width)
    else:
        # No pixel larger than it has to be.
        assert new_width - np.ptp(there[:, 0]) < 1 and new_height - np.ptp(there[:, 1]) < 1


def test_safe_rotation_shows_what_scipy_shows():
    from scipy import ndimage

    y, x = np.mgrid[:61, :81]
    smooth = (127 + 60 * np.sin(x / 9) + 60 * np.cos(y / 7))[..., None].astype(np.float32) / 255
    ours = apply(image.SafeRotate(Constant(30.0)), smooth)[..., 0]
    theirs = ndimage.rotate(smooth[..., 0], 30, reshape=True, order=1)
    height, width = (min(a, b) for a, b in zip(ours.shape, theirs.shape, strict=True))
    middle = np.s_[height // 2 - 18 : height // 2 + 18, width // 2 - 18 : width // 2 + 18]
    # Canvases differ by at most a pixel, so centres by half of one.
    assert np.abs(ours[middle] - theirs[middle]).max() < 0.05


@settings(max_examples=40, deadline=None)
@given(height=SIDES, width=SIDES, ratio=st.floats(1, 4), seed=st.integers(0, 99))
def test_zoomed_out_pictures_stand_whole_on_their_canvas(height, width, ratio, seed):
    picture = noise_picture(height, width)
    operation = image.ZoomOut(ratio, fill=7)
    (change,), _ = describe(operation, [(height, width)], seed=seed)
    out = apply(operation, picture, seed)
    left, top = -change.matrix[0, :2, 2].astype(int)
    assert out.shape[:2] == (round(ratio * height), round(ratio * width))
    expected = np.full_like(out, 7)
    expected[top : top + height, left : left + width] = picture
    assert np.array_equal(out, expected)


def test_zooming_out_reaches_every_position_alike():
    positions = np.zeros((3, 3))
    changes, _ = describe(image.ZoomOut(3), [(1, 1)] * 4500)
    for x, y in -changes[0].matrix[:, :2, 2].astype(int):
        positions[y, x] += 1
    assert np.sum((positions - 500) ** 2 / 500) < 27  # chi-square of 8 freedoms


@pytest.mark.parametrize(
    ("size", "into", "fitted"),
    [((10, 20), 40, (20, 40)), ((20, 10), 40, (40, 20)), ((100, 32), (50, 60), (50, 16)), ((3, 3), (3, 9), (3, 3))],
)
def test_letter_boxes_show_the_whole_picture_in_its_proportions(size, into, fitted):
    picture = np.full((*size, 3), 200, np.uint8)
    out = apply(image.LetterBox(into, fill=9), picture)
    height, width = (into, into) if isinstance(into, int) else into
    top, left = (height - fitted[0]) // 2, (width - fitted[1]) // 2
    expected = np.full((height, width, 3), 9, np.uint8)
    expected[top : top + fitted[0], left : left + fitted[1]] = 200
    # An enlarged picture fades into the frame over half a pixel of its own, that is half of each side's new one.
    rim = np.ceil(fitted[0] / size[0] / 2) if fitted[0] > size[0] else 0
    near = np.zeros((height, width), bool)
    y, x = np.ogrid[:height, :width]
    for line, first, length in ((y, top, fitted[0]), (x, left, fitted[1])):
        for edge in (first, first + length):
            near |= np.abs(line + 0.5 - edge) < rim
    assert np.array_equal(out[~near], expected[~near])


def test_letter_boxes_leave_small_pictures_alone_if_asked():
    picture = noise_picture(4, 6)
    out = apply(image.LetterBox((10, 10), position="top_left", enlarge=False), picture)
    assert np.array_equal(out, np.pad(picture, ((0, 6), (0, 4), (0, 0))))
    down = apply(image.LetterBox((2, 3), enlarge=False), np.full((4, 6, 3), 3, np.uint8))
    assert np.array_equal(down, np.full((2, 3, 3), 3))


def test_letter_box_positions_are_those_of_padding():
    for position in ("center", "top_left", "top_right", "bottom_left", "bottom_right"):
        picture = noise_picture(4, 8)
        boxed = apply(image.LetterBox((9, 8), position=position), picture)
        padded = apply(image.PadIfNeeded(9, 8, position), picture)
        assert np.array_equal(boxed, padded)


@settings(max_examples=40, deadline=None)
@given(height=SIDES, width=SIDES, seed=st.integers(0, 99))
def test_margins_in_whole_pixels_equal_slicing_and_padding(height, width, seed):
    picture = noise_picture(height, width)
    operation = image.CropAndPad(Integers(-4, 4), "pixels", keep_size=False, border="constant", fill=5)
    (change,), after = describe(operation, [(height, width)], seed=seed)
    out = apply(operation, picture, seed)
    left, top = change.matrix[0, :2, 2].astype(int)
    new_height, new_width = after.size[0]
    wide = np.pad(picture, ((9, 20), (9, 20), (0, 0)), constant_values=5)
    assert np.array_equal(out, wide[9 + top : 9 + top + new_height, 9 + left : 9 + left + new_width])
    assert min(new_height, new_width) >= 1


def test_margins_keep_the_size_unless_told_otherwise():
    (change,), after = describe(image.CropAndPad(), [(40, 60)])
    assert after.size.tolist() == [[40, 60]] and change.border == "reflect"
    wider = image.CropAndPad(Constant(0.5), border="constant")
    out = apply(wider, np.full((20, 20, 3), 100, np.uint8))
    # A picture with half a side added all around takes the middle half of the canvas.
    assert (out[5:15, 5:15] == 100).all() and not out[:4].any() and not out[:, 16:].any()


@settings(max_examples=40, deadline=None)
@given(height=SIDES, width=SIDES, seed=st.integers(0, 99), most=st.floats(0, 1))
def test_cropping_from_borders_equals_slicing(height, width, seed, most):
    picture = noise_picture(height, width)
    operation = image.RandomCropFromBorders(*[(0, most)] * 4)
    (change,), after = describe(operation, [(height, width)], seed=seed)
    left, top = change.matrix[0, :2, 2].astype(int)
    new_height, new_width = after.size[0]
    assert left >= 0 and top >= 0 and left + new_width <= width and top + new_height <= height
    assert np.array_equal(apply(operation, picture, seed), picture[top : top + new_height, left : left + new_width])


def test_nothing_moves_at_strength_0():
    picture = noise_picture(9, 14)
    for operation in (
        image.SafeRotate(),
        image.ZoomOut(),
        image.CropAndPad(),
        image.RandomCropFromBorders(),
        image.ShiftScaleRotate(),
        image.RandomScale(),
        image.BBoxSafeRandomCrop(),
        image.IoUCrop(),
    ):
        out = Pipeline([operation]).with_strength(0)(image=picture, boxes=[[2, 2, 5, 5]])
        assert np.array_equal(out["image"], picture), operation
        assert np.array_equal(out["boxes"], [[2, 2, 5, 5]])


def test_shift_scale_rotate_is_affine_with_other_defaults():
    ranges = {"rotate": Constant(20.0), "scale": Constant(1.2)}
    (ours,), _ = describe(image.ShiftScaleRotate(Constant(0.1), **ranges), [(40, 70)])
    (affine,), _ = describe(image.Affine(translate=Constant(0.1), **ranges), [(40, 70)])
    np.testing.assert_allclose(ours.matrix, affine.matrix, atol=1e-12)


@pytest.mark.parametrize("factor", [0.5, 1.0, 2.5])
def test_random_scale_multiplies_both_sides(factor):
    _, after = describe(image.RandomScale(Constant(factor)), [(20, 30), (1, 1)])
    assert after.size.tolist() == [[round(20 * factor), round(30 * factor)], [max(1, round(factor))] * 2]


def test_scale_jitter_fits_the_picture_into_a_multiple_of_the_size():
    _, after = describe(image.ScaleJitter((100, 200), Constant(0.5)), [(50, 50), (10, 80)])
    assert after.size.tolist() == [[50, 50], [round(10 * 1.25), 100]]


def test_shortest_sizes_are_those_given_unless_the_longer_side_would_be_too_long():
    operation = image.RandomShortestSize((30, 60), max_size=100)
    _, after = describe(operation, [(10, 15)] * 200)
    assert {tuple(size) for size in after.size.tolist()} == {(30, 45), (60, 90)}
    _, after = describe(operation, [(10, 40)] * 50)
    assert {tuple(size) for size in after.size.tolist()} == {(25, 100)}


def test_crops_at_given_places_equal_slices():
    picture = noise_picture(10, 12)
    assert np.array_equal(apply(image.Crop((4, 5), left=3, top=2), picture), picture[2:6, 3:8])
    assert np.array_equal(apply(image.Crop((4, 5), left=-5, top=-4), picture), picture[6:, 7:])


def test_five_and_ten_crops_equal_slices():
    picture = noise_picture(9, 12)
    slices = [np.s_[2:6, 4:8], np.s_[:4, :4], np.s_[:4, -4:], np.s_[-4:, :4], np.s_[-4:, -4:]]
    fives = [apply(operation, picture) for operation in image.FiveCrop.all(4)]
    tens = [apply(operation, picture) for operation in image.TenCrop.all(4)]
    assert len(fives) == 5 and len(tens) == 10
    for part, place in enumerate(slices):
        assert np.array_equal(fives[part], picture[place])
        assert np.array_equal(tens[part], picture[place])
        assert np.array_equal(tens[part + 5], picture[place][:, ::-1])
    upside_down = apply(image.TenCrop(4, Constant(7.0), vertical=True), picture)
    assert np.array_equal(upside_down, picture[slices[2]][::-1])


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: image.LetterBox(0), "LetterBox: size"),
        (lambda: image.LetterBox(8, position="left"), "LetterBox: position"),
        (lambda: image.SafeRotate(keep_size="yes"), "SafeRotate: keep_size"),
        (lambda: image.CropAndPad(unit="percent"), "CropAndPad: unit"),
        (lambda: image.CropAndPad((-0.6, 0)), "CropAndPad: amount"),
        (lambda: image.Crop(4, left=1.5), "Crop: left"),
        (lambda: image.RandomShortestSize(()), "RandomShortestSize: min_size"),
        (lambda: image.BBoxSafeRandomCrop(erosion=2), "BBoxSafeRandomCrop: erosion"),
        (lambda: image.CropNonEmptyMaskIfExists(4, ignore=("a",)), "CropNonEmptyMaskIfExists: ignore"),
        (lambda: image.IoUCrop(overlaps=(2,)), "IoUCrop: overlaps"),
        (lambda: image.RandomCropNearBBox(which="last"), "RandomCropNearBBox: which"),
    ],
)
def test_wrong_arguments_are_named(make, message):
    with pytest.raises((ValueError, TypeError), match=message):
        make()
