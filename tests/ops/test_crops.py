"""Crops against NumPy slicing, closed forms and the statistics of what they draw."""

from __future__ import annotations

import numpy as np
import pytest
from describing import describe, describe_at
from hypothesis import given, settings
from hypothesis import strategies as st
from rendering import apply, apply_at, noise_picture
from scipy import stats

from covary.draws.distributions import Constant
from covary.ops.image.crops import CenterCrop, RandomCrop, RandomResizedCrop

SIDES = st.integers(1, 12)


def boxes_of(operation, sizes, seed=0):
    """(B, 4) float left, top, width and height of the part of the input that fills the output."""
    (change,), _ = describe(operation, sizes, seed=seed)
    matrix, size = change.matrix, change.size
    assert np.array_equal(matrix[:, [0, 1, 2, 2], [1, 0, 0, 1]], np.zeros((len(sizes), 4)))
    return np.stack(
        [matrix[:, 0, 2], matrix[:, 1, 2], matrix[:, 0, 0] * size[:, 1], matrix[:, 1, 1] * size[:, 0]], axis=1
    )


@settings(max_examples=40, deadline=None)
@given(height=SIDES, width=SIDES, new_height=SIDES, new_width=SIDES, seed=st.integers(0, 99))
def test_crops_equal_slices_of_numpy_pad(height, width, new_height, new_width, seed):
    picture = noise_picture(height, width)
    padded = np.pad(picture, ((12, 12), (12, 12), (0, 0)), mode="symmetric")
    for crop in (CenterCrop, RandomCrop):
        operation = crop((new_height, new_width), border="symmetric")
        (change,), after = describe(operation, [(height, width)], seed=seed)
        assert np.array_equal(change.matrix, np.rint(change.matrix))
        assert after.size.tolist() == [[new_height, new_width]]
        left, top = change.matrix[0, :2, 2].astype(int)
        assert min(0, width - new_width) <= left <= max(0, width - new_width)
        assert min(0, height - new_height) <= top <= max(0, height - new_height)
        expected = padded[12 + top : 12 + top + new_height, 12 + left : 12 + left + new_width]
        assert np.array_equal(apply(operation, picture, seed), expected)


def test_centre_crop_leaves_the_larger_half_at_the_end():
    boxes = boxes_of(CenterCrop((4, 5)), [(9, 8), (4, 5), (3, 2)])
    assert boxes.tolist() == [[1, 2, 5, 4], [0, 0, 5, 4], [-1, 0, 5, 4]]


def test_a_crop_larger_than_the_picture_is_filled_by_a_constant_if_asked():
    picture = noise_picture(2, 3)
    out = apply(CenterCrop((4, 7), border="constant", fill=9), picture)
    assert np.array_equal(out, np.pad(picture, ((1, 1), (2, 2), (0, 0)), constant_values=9))


def test_crops_leave_the_border_to_others_by_default():
    for operation in (CenterCrop(3), RandomCrop(3), RandomResizedCrop(3)):
        (change,), _ = describe(operation, [(9, 9)])
        assert change.border is None and change.fill is None
    (change,), _ = describe(CenterCrop(3), [(9, 9)])
    assert change.interpolation is None


@pytest.mark.parametrize("size", [(9, 11), (2, 3)])
def test_all_positions_of_random_crops_come_alike(size):
    """20 positions, of a crop inside the picture and of a picture inside the crop: chi-square of 19 freedoms."""
    crop = (5, 8) if size == (9, 11) else (6, 6)
    boxes = boxes_of(RandomCrop(crop), [size] * 10000)
    _, counts = np.unique(boxes, axis=0, return_counts=True)
    assert len(counts) == 20
    assert np.sum((counts - 500) ** 2 / 500) < 50


def test_random_crop_at_strength_0_is_the_centre_crop():
    sizes = [(h, w) for h in range(1, 9) for w in range(1, 9)]
    assert np.array_equal(boxes_of(RandomCrop((4, 3)).with_strength(0), sizes), boxes_of(CenterCrop((4, 3)), sizes))


def test_extreme_positions_are_the_corners():
    left_top, right_bottom = (describe_at(RandomCrop(3, Constant(p), Constant(p)), (9, 7))[0] for p in (0, 1))
    assert left_top.matrix[0, :2, 2].tolist() == [0, 0] and right_bottom.matrix[0, :2, 2].tolist() == [4, 6]


@settings(max_examples=40, deadline=None)
@given(
    size=st.tuples(st.integers(1, 300), st.integers(1, 300)),
    scale=st.floats(0, 1),
    ratio=st.floats(0.01, 100),
    corner=st.tuples(st.floats(0, 1), st.floats(0, 1)),
)
def test_resized_crops_are_whole_pixels_inside_the_picture(size, scale, ratio, corner):
    operation = RandomResizedCrop((16, 8), Constant(scale), Constant(ratio), Constant(corner[0]), Constant(corner[1]))
    ((left, top, width, height),) = boxes_of(operation, [size])
    assert abs(width - round(width)) < 1e-9 and abs(height - round(height)) < 1e-9
    assert left == round(left) >= 0 and top == round(top) >= 0
    assert round(width) >= 1 and left + round(width) <= size[1]
    assert round(height) >= 1 and top + round(height) <= size[0]
    area = size[0] * size[1] * scale
    # Each side is rounded by up to half a pixel; one of less than a pixel is one pixel.
    assert min(round(width), round(height)) == 1 or abs(width * height - area) <= (width + height) / 2 + 1


def test_resized_crop_that_fits_equals_the_closed_form():
    ((left, top, width, height),) = boxes_of(
        RandomResizedCrop(10, Constant(0.25), Constant(4.0), Constant(0.0), Constant(1.0)), [(400, 500)]
    )
    # area 50,000 = 447.2 x 111.8
    np.testing.assert_allclose([left, top, width, height], [0, 288, 447, 112], atol=1e-9)


def test_resized_crop_that_does_not_fit_keeps_its_area():
    ((_, _, width, height),) = boxes_of(RandomResizedCrop(10, Constant(0.5), Constant(4.0)), [(400, 500)])
    np.testing.assert_allclose([width, height], [500, 200], atol=1e-9)
    ((_, _, width, height),) = boxes_of(RandomResizedCrop(10, Constant(0.5), Constant(0.25)), [(400, 500)])
    np.testing.assert_allclose([width, height], [250, 400], atol=1e-9)


def test_areas_are_uniform_and_shapes_log_uniform_where_they_fit():
    boxes = boxes_of(RandomResizedCrop(224), [(1000, 1000)] * 4000)
    areas = boxes[:, 2] * boxes[:, 3] / 1e6
    assert stats.kstest(areas, stats.uniform(0.08, 0.92).cdf).pvalue > 1e-3
    # A shape of 4:3 fits every area up to 3/4.
    shapes = np.log(boxes[:, 2] / boxes[:, 3])[areas < 0.7]
    low, high = np.log(3 / 4), np.log(4 / 3)
    assert stats.kstest(shapes, stats.uniform(low, high - low).cdf).pvalue > 1e-3


def test_corners_of_resized_crops_are_uniform():
    boxes = boxes_of(RandomResizedCrop(8, Constant(0.25), Constant(1.0)), [(1000, 1000)] * 4000)
    for corner in (boxes[:, 0], boxes[:, 1]):
        assert corner.min() >= 0 and 495 <= corner.max() <= 500
        counts = np.bincount((corner // 100.2).astype(int), minlength=5)
        assert np.all(np.abs(counts - 800) < 5 * np.sqrt(800))
    assert abs(np.corrcoef(boxes[:, 0], boxes[:, 1])[0, 1]) < 0.08


def test_resized_crop_at_strength_0_is_the_whole_picture():
    sizes = [(30, 40), (1, 1), (480, 641)]
    boxes = boxes_of(RandomResizedCrop((7, 9)).with_strength(0), sizes)
    np.testing.assert_allclose(boxes, [[0, 0, w, h] for h, w in sizes], atol=1e-9)


def test_resized_crop_of_its_own_size_equals_slicing():
    picture = noise_picture(20, 20)
    out = apply_at(RandomResizedCrop(10, Constant(0.25), Constant(1.0)), picture, x=0.3, y=0.8)
    # 11 positions: the share 0.3 is the fourth, 0.8 the ninth.
    assert np.array_equal(out, picture[8:18, 3:13])


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: RandomCrop(0), r"RandomCrop: size is 0; allowed: a whole number of pixels from 1, or a pair"),
        (lambda: CenterCrop((3, 2.5)), r"CenterCrop: size is \(3, 2.5\)"),
        (lambda: RandomResizedCrop((1, 2, 3)), r"RandomResizedCrop: size is \(1, 2, 3\)"),
        (lambda: RandomResizedCrop(True), r"RandomResizedCrop: size is True"),
        (
            lambda: RandomResizedCrop(8, scale=(0.5, 1.5)),
            r"scale is 0.5 to 1.5; allowed: values from 0 to 1",
        ),
        (
            lambda: RandomResizedCrop(8, interpolation="lanczos"),
            r"interpolation is 'lanczos'; allowed: nearest",
        ),
        (lambda: RandomCrop(8, border="mirror"), r"RandomCrop: border is 'mirror'; allowed: constant, .*None"),
    ],
)
def test_wrong_arguments_are_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()
