"""What holds for every geometric operation."""

from __future__ import annotations

import dataclasses
import re

import numpy as np
import pytest
import yaml
from describing import course_of, describe, laws, make_view, place
from hypothesis import given, settings
from hypothesis import strategies as st
from rendering import apply, noise_picture, render_change
from scipy.ndimage import gaussian_filter
from skimage.transform import ProjectiveTransform
from skimage.transform import warp as skimage_warp

from covary.ops.base import Course
from covary.ops.image import (
    BBoxSafeRandomCrop,
    CropAndPad,
    GridElasticDeform,
    IoUCrop,
    LetterBox,
    OpticalDistortion,
    PiecewiseAffine,
    RandomCropFromBorders,
    RandomCropNearBBox,
    RandomScale,
    RandomShortestSize,
    SafeRotate,
    ScaleJitter,
    ShiftScaleRotate,
    TenCrop,
    ThinPlateSpline,
    ZoomOut,
)
from covary.ops.image.affine import Affine, Rotate, Scale, Shear, Stretch, Translate
from covary.ops.image.crops import CenterCrop, RandomCrop, RandomResizedCrop
from covary.ops.image.dense import ElasticTransform, GridDistortion
from covary.ops.image.flips import D4, HorizontalFlip, RandomRotate90, Transpose, VerticalFlip
from covary.ops.image.pads import Pad, PadIfNeeded
from covary.ops.image.perspective import Perspective
from covary.ops.image.resize import LongestMaxSize, Resize, SmallestMaxSize
from covary.ops.image.spatial import Geometry
from covary.ops.spec import from_plain, to_plain
from covary.plan.changes import BORDERS, Displace, Warp

ALL = [
    HorizontalFlip(p=1),
    VerticalFlip(p=1),
    Transpose(p=1),
    RandomRotate90(),
    D4(),
    Rotate(),
    Affine(rotate=30, scale=0.4, shear=20, translate=0.2),
    Affine(rotate=30, scale=(0.5, 2), keep_ratio=False, border="constant", fill=(1, 2, 3)),
    Scale(),
    Stretch(),
    Translate(),
    Shear(),
    Perspective(),
    CenterCrop(7),
    RandomCrop((7, 9)),
    RandomResizedCrop((7, 9)),
    Resize((7, 9)),
    SmallestMaxSize(9),
    LongestMaxSize(9),
    Pad((1, 2, 3, 4)),
    PadIfNeeded(20, 20, "random"),
    ElasticTransform(sigma=4),
    GridDistortion(),
    GridElasticDeform(),
    PiecewiseAffine(),
    ThinPlateSpline(),
    OpticalDistortion((-1, 1), "fisheye"),
    SafeRotate(),
    SafeRotate(keep_size=True),
    ShiftScaleRotate(),
    ZoomOut(),
    LetterBox((9, 7), "random"),
    CropAndPad(),
    CropAndPad(keep_size=False),
    RandomCropFromBorders(),
    RandomScale(),
    ScaleJitter((9, 7)),
    RandomShortestSize((5, 9), 20),
    TenCrop(5),
    RandomCropNearBBox(),
    BBoxSafeRandomCrop(),
    IoUCrop(),
]
STAY = [operation for operation in ALL if isinstance(operation, Geometry)]
SIZES = [(1, 1), (1, 9), (40, 30), (7, 7), (30, 40), (1, 1), (40, 30)]


def rows_of(change):
    """The per-picture contents of a change."""
    if isinstance(change, Displace):
        return list(change.grids)
    return [np.append(matrix.ravel(), size) for matrix, size in zip(change.matrix, change.size, strict=True)]


@pytest.mark.parametrize("operation", ALL, ids=repr)
def test_a_picture_is_described_alone_as_in_any_batch(operation):
    sizes = SIZES * 5
    (change,), _ = describe(operation, sizes)
    for index in (*range(8), len(sizes) - 1):
        (alone,), _ = describe(operation, [sizes[index]], keys=[index])
        assert np.array_equal(rows_of(alone)[0], rows_of(change)[index])


@pytest.mark.parametrize("operation", ALL, ids=repr)
@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
def test_descriptions_have_the_promised_form(operation, dtype):
    (change,), after = describe(operation, SIZES, 3, dtype)
    count = len(SIZES)
    if isinstance(change, Warp):
        assert change.matrix.shape == (count, 3, 3) and change.matrix.dtype == np.float64
        assert change.size.shape == (count, 2) and change.size.dtype == np.int64 and change.size.min() >= 1
        assert np.all(np.linalg.det(change.matrix) != 0)
        assert np.array_equal(after.size, change.size)
    else:
        assert len(change.grids) == count
    assert change.border in (None, *BORDERS)
    assert (change.fill is None) == (change.border != "constant")
    assert change.fill is None or change.fill.shape == (count, 3)


@pytest.mark.parametrize("operation", ALL, ids=repr)
def test_a_replay_of_the_drawn_values_gives_the_same_change(operation):
    course, _ = course_of(operation, [(40, 30)])
    node, _ = place(operation)
    values = {slot: value[0].item() for slot, value in course.records[0].draw.values.items()}
    again = Course(1, None, {node.name: {"active": True, "values": values}})
    operation.apply(node, again, make_view([(40, 30)]), None)
    assert np.array_equal(rows_of(again.steps[0].change)[0], rows_of(course.steps[0].change)[0])


@pytest.mark.parametrize("operation", ALL, ids=repr)
def test_operations_survive_yaml(operation):
    assert from_plain(yaml.safe_load(yaml.safe_dump(to_plain(operation)))) == operation


@pytest.mark.parametrize("operation", [Perspective(0.2), Affine(rotate=40, scale=0.3, shear=15), Stretch()], ids=repr)
def test_warps_equal_skimage_warp(operation):
    picture = gaussian_filter(noise_picture(40, 52, 1, "float32"), (2, 2, 0))
    (change,), _ = describe(dataclasses.replace(operation, border="reflect"), [(40, 52)], 1, "float32", seed=5)
    # Pixel indices lie half a pixel before continuous positions.
    half = np.array([[1, 0, 0.5], [0, 1, 0.5], [0, 0, 1]])
    indices = ProjectiveTransform(np.linalg.inv(half) @ change.matrix[0] @ half)
    expected = skimage_warp(picture, indices, order=1, mode="reflect", preserve_range=True)
    np.testing.assert_allclose(render_change(change, [picture])[0], expected, atol=1e-5)


@pytest.mark.parametrize("operation", STAY, ids=repr)
@settings(max_examples=5, deadline=None)
@given(size=st.tuples(st.integers(1, 40), st.integers(1, 40)), seed=st.integers(0, 9))
def test_strength_0_changes_nothing(operation, size, seed):
    picture = noise_picture(*size)
    assert np.array_equal(apply(operation.with_strength(0), picture, seed), picture)


@pytest.mark.parametrize("operation", [D4(), RandomRotate90()], ids=repr)
def test_strength_0_turns_nothing(operation):
    picture = noise_picture(5, 6)
    assert all(np.array_equal(apply(operation.with_strength(0), picture, seed), picture) for seed in range(20))


@pytest.mark.parametrize("operation", ALL, ids=repr)
def test_half_strength_is_nearer_to_the_identity(operation):
    weaker = laws(operation.with_strength(0.5))
    for slot, law in laws(operation).items():
        assert law.identity is not None
        away, weaker_away = (max(abs(end - law.identity) for end in one.bounds()) for one in (law, weaker[slot]))
        # Choices keep their values and change their weights.
        assert weaker_away < away or away == 0 or slot in ("turns", "symmetry")


@pytest.mark.parametrize("operation", STAY, ids=repr)
@pytest.mark.parametrize("border", BORDERS)
def test_every_border_and_one_pixel_renders(operation, border):
    """A single grey level stays that level wherever the border repeats the picture."""
    operation = dataclasses.replace(operation, border=border, fill=0)
    for size in ((1, 1), (2, 9), (13, 8)):
        picture = np.full((*size, 3), 77, np.uint8)
        (change,), _ = describe(operation, [size])
        (out,) = render_change(change, [picture])
        assert out.shape == picture.shape
        assert border == "constant" or np.all(out == 77)
        assert np.all(out <= 77)


@pytest.mark.parametrize("operation", STAY, ids=lambda operation: type(operation).__name__)
def test_border_fill_and_interpolation_are_checked_and_passed_on(operation):
    kind, name = type(operation), type(operation).__name__
    with pytest.raises(ValueError, match=re.escape(f"{name}: border is 'zeros'; allowed: constant, edge")):
        kind(border="zeros")
    with pytest.raises(ValueError, match=f"{name}: interpolation is 'area'"):
        kind(interpolation="area")
    with pytest.raises(ValueError, match=f"{name}: fill is 5 with border='reflect'"):
        kind(border="reflect", fill=5)
    # A distorted grid keeps its sides: it leaves the border to others.
    assert kind().border == (None if kind is GridDistortion else "reflect") and kind().interpolation == "linear"
    (change,), _ = describe(kind(border="constant", fill=(1, 2, 3), interpolation="cubic"), [(4, 4)] * 2)
    assert change.border == "constant" and change.interpolation == "cubic"
    assert change.fill.tolist() == [[1, 2, 3]] * 2


@pytest.mark.parametrize("operation", ALL, ids=repr)
def test_docstrings_say_what_helps_and_what_hurts(operation):
    text = type(operation).__doc__
    assert ("Helps:" in text and "Hurts:" in text and "Any (H, W, C)" in text) or "An (H, W, C)" in text
