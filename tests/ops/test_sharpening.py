"""Sharpening, fringes, shapes and random convolutions against Pillow, SciPy and closed forms."""

from __future__ import annotations

import numpy as np
import pytest
from describing import describe, describe_at
from picturing import WHITE, noise_picture
from PIL import Image as Pillow
from PIL import ImageEnhance
from scipy.ndimage import (
    binary_dilation,
    binary_erosion,
    correlate,
    gaussian_filter,
    grey_dilation,
    grey_erosion,
)
from scipy.special import j1

from covary import Pipeline, image
from covary.draws.distributions import Constant
from covary.ops.image.morphology import neighbourhood
from covary.targets import Boxes

DTYPES = list(WHITE)


def drawn(operation: object, picture: np.ndarray, key: int = 1) -> np.ndarray:
    return Pipeline([operation])(image=picture, key=key)["image"]


@pytest.mark.parametrize("factor", [0.0, 0.4, 1.0, 1.7, 3.0])
def test_sharpness_equals_pillows_inside(factor: float) -> None:
    picture = noise_picture(20, 30)
    expected = np.asarray(ImageEnhance.Sharpness(Pillow.fromarray(picture)).enhance(factor)).astype(int)
    made = drawn(image.Sharpness(Constant(factor)), picture).astype(int)
    # Pillow rounds the blurred picture before it blends.
    assert np.abs(made - expected)[1:-1, 1:-1].max() <= 1 + factor / 2


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("channels", [1, 3, 9])
@pytest.mark.parametrize("threshold", [0.0, 0.1])
def test_unsharp_mask_equals_its_formula_with_scipys_gaussian(dtype: str, channels: int, threshold: float) -> None:
    picture = noise_picture(15, 12, channels, dtype)
    wide = picture.astype(np.float64)
    detail = wide - gaussian_filter(wide, 1.3, radius=4, mode="mirror", axes=(0, 1))
    expected = wide + 0.8 * np.where(np.abs(detail) > threshold * WHITE[dtype], detail, 0)
    if dtype != "float32":
        expected = np.clip(expected, 0, WHITE[dtype])
    made = drawn(image.UnsharpMask(1.3, 0.8, threshold), picture)
    assert np.abs(made - expected).max() <= (1e-5 if dtype == "float32" else 0.502 if dtype == "uint8" else 0.55)


def test_emboss_equals_scipys_correlation_and_keeps_even_areas() -> None:
    picture = noise_picture(9, 8, dtype="float32")
    strength, alpha = 0.6, 0.4
    relief = np.array([[-1 - strength, -strength, 0], [-strength, 1, strength], [0, strength, 1 + strength]])
    kernel = (1 - alpha) * np.array([[0, 0, 0], [0, 1, 0], [0, 0, 0]]) + alpha * relief
    expected = correlate(picture.astype(np.float64), kernel[..., None], mode="mirror")
    made = drawn(image.Emboss(alpha, Constant(strength)), picture)
    np.testing.assert_allclose(made, expected, atol=1e-5)
    grey = np.full((7, 9, 3), 77, np.uint8)
    np.testing.assert_array_equal(drawn(image.Emboss(), grey), grey)


def test_ringing_is_the_circular_sinc_of_the_paper() -> None:
    (change,) = describe_at(image.RingingOvershoot(Constant(1.2), 9), (9, 9))
    y, x = np.indices((9, 9)) - 4
    radius = np.maximum(np.hypot(x, y), 1e-9)
    expected = 1.2 * j1(1.2 * radius) / (2 * np.pi * radius)
    np.testing.assert_allclose(change.kernel[0], expected / expected.sum(), atol=1e-12)
    # An ideal low-pass: what is slower passes, what is faster does not.
    (wide,) = describe_at(image.RingingOvershoot(Constant(1.2), 51), (9, 9))
    row = wide.kernel[0].sum(axis=0)
    places = np.arange(-25, 26)
    assert abs((row * np.cos(0.6 * places)).sum() - 1) < 0.1 and abs((row * np.cos(2.2 * places)).sum()) < 0.1


def test_ringing_overshoots_at_an_edge() -> None:
    edge = np.where(np.arange(40) < 20, 60, 180).astype(np.uint8)[None, :, None].repeat(40, axis=0)
    made = drawn(image.RingingOvershoot(Constant(1.0), 15), edge)
    assert made.max() > 184 and made.min() < 56


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("channels", [1, 3, 9])
@pytest.mark.parametrize("shape", ["disc", "square"])
@pytest.mark.parametrize("radius", [1, 2, 5])
def test_shapes_equal_scipys_grey_morphology(dtype: str, channels: int, shape: str, radius: int) -> None:
    picture = noise_picture(14, 17, channels, dtype)
    near = neighbourhood(radius, shape)[..., None].astype(bool)
    wide = picture.astype(np.float64)

    def dilated(values: np.ndarray) -> np.ndarray:
        return grey_dilation(values, footprint=near, mode="constant", cval=-1)

    def eroded(values: np.ndarray) -> np.ndarray:
        return grey_erosion(values, footprint=near, mode="constant", cval=1e9)

    for operation, expected in (
        ("dilation", dilated(wide)),
        ("erosion", eroded(wide)),
        ("opening", dilated(eroded(wide))),
        ("closing", eroded(dilated(wide))),
    ):
        made = drawn(image.Morphological(operation, radius, shape), picture)
        np.testing.assert_array_equal(made, expected.astype(dtype))


SHAPED = {
    "dilation": lambda s, near: binary_dilation(s, near),
    "erosion": lambda s, near: binary_erosion(s, near, border_value=1),
    "opening": lambda s, near: binary_dilation(binary_erosion(s, near, border_value=1), near),
    "closing": lambda s, near: binary_erosion(binary_dilation(s, near), near, border_value=1),
}


@pytest.mark.parametrize("operation", SHAPED)
@pytest.mark.parametrize("dtype", ["bool", "uint8", "int32", "float64"])
def test_masks_of_light_and_of_dark_shapes_equal_scipys_binary_morphology(operation: str, dtype: str) -> None:
    picture = noise_picture(40, 50, 1)
    light = picture[:, :, 0] > 128
    near = neighbourhood(2, "disc").astype(bool)
    pipeline = Pipeline([image.Morphological(operation, 2, objects="light")])
    made = pipeline(image=picture, mask=light.astype(dtype), key=1)["mask"]
    np.testing.assert_array_equal(made != 0, SHAPED[operation](light, near))
    assert made.dtype == dtype
    pipeline = Pipeline([image.Morphological(operation, 2, objects="dark")])
    dark = pipeline(image=picture, masks=[~light], key=1)["masks"][0]
    np.testing.assert_array_equal(dark, ~SHAPED[operation](light, near))


@pytest.mark.parametrize("dtype", ["uint8", "int16", "int64", "float32"])
def test_classes_grow_over_what_is_free_and_take_nothing_from_each_other(dtype: str) -> None:
    mask = np.zeros((7, 12), dtype)
    mask[3, 2], mask[3, 5:7], mask[3, 7:9] = 4, 9, 2
    picture = np.zeros((7, 12, 3), np.uint8)
    grown = Pipeline([image.Morphological(radius=2, shape="square", objects="light")])(image=picture, mask=mask)["mask"]
    expected = np.zeros_like(mask)
    expected[1:6, 0:5], expected[1:6, 3:9], expected[1:6, 9:11] = 4, 9, 2
    expected[3, 2], expected[3, 7:9] = 4, 2
    np.testing.assert_array_equal(grown, expected)
    thin = Pipeline([image.Morphological("opening", 1, shape="square", objects="light")])(image=picture, mask=grown)
    np.testing.assert_array_equal(thin["mask"], grown)


def test_other_labels_stay_when_shapes_grow_and_masks_unless_they_are_said_to_follow() -> None:
    picture = noise_picture(20, 24)
    mask = (picture[:, :, 0] > 200).astype(np.uint8)
    heat = np.linspace(0, 1, 20 * 24, dtype=np.float32).reshape(20, 24, 1)
    labels = {"boxes": np.array([[2.0, 3.0, 9.0, 8.0]]), "keypoints": np.array([[4.0, 5.0]]), "heatmaps": heat}
    for objects in (None, "light"):
        operation = image.Morphological(radius=1, objects=objects)
        out = Pipeline([image.HorizontalFlip(p=1), operation])(image=picture, mask=mask, **labels, key=3)
        plain = Pipeline([image.HorizontalFlip(p=1)])(image=picture, mask=mask, **labels, key=3)
        for name in labels:
            np.testing.assert_array_equal(out[name], plain[name])
        assert np.array_equal(out["mask"], plain["mask"]) == (objects is None)
    assert mask.sum() == (picture[:, :, 0] > 200).sum()


def test_boxes_found_from_masks_grow_with_them() -> None:
    mask = np.zeros((1, 20, 24), np.uint8)
    mask[0, 5:9, 6:11] = 1
    pipeline = Pipeline([image.Morphological(radius=2, objects="light")], boxes=Boxes(source="masks"))
    out = pipeline(image=np.zeros((20, 24, 3), np.uint8), masks=mask, boxes=np.array([[6.0, 5.0, 11.0, 9.0]]))
    np.testing.assert_array_equal(out["boxes"], [[4, 3, 13, 11]])


def test_random_convolution_equals_scipys_correlation_by_the_drawn_kernel() -> None:
    picture = noise_picture(11, 13, 3, "float32")
    (change,), _ = describe(image.RandConv((5,), 0.7), [(11, 13)], 3, "float32")
    (parameters,) = change.parameters
    made = change.function(picture.copy(), **parameters)
    centred = picture.astype(np.float64) - 0.5
    expected = 0.3 * centred + 0.5
    for channel in range(3):
        for source in range(3):
            kernel = parameters["kernels"][channel, source]
            expected[..., channel] += 0.7 * correlate(centred[..., source], kernel, mode="mirror")
    np.testing.assert_allclose(made, expected, atol=1e-5)


def test_random_kernels_have_the_papers_deviation_and_all_sizes() -> None:
    (change,), _ = describe(image.RandConv(amount=1), [(5, 5)] * 400, 3)
    kernels = [parameters["kernels"] for parameters in change.parameters]
    sizes, counts = np.unique([own.shape[-1] for own in kernels], return_counts=True)
    assert sizes.tolist() == [1, 3, 5, 7] and counts.min() > 70
    for size in (3, 7):
        weights = np.concatenate([own.ravel() for own in kernels if own.shape[-1] == size])
        assert abs(weights.std() * np.sqrt(3 * size * size) - 1) < 0.05


@pytest.mark.parametrize("dtype", DTYPES)
def test_fringes_are_planes_scaled_about_the_centre(dtype: str) -> None:
    y, x = np.indices((80, 100)) + 0.5

    def spots(growth: float) -> np.ndarray:
        distance = np.hypot((x - 50) / growth - 24, (y - 40) / growth + 16)
        return np.exp(-0.5 * (distance / 6) ** 2)

    picture = (np.stack([spots(1.0)] * 3, axis=-1) * WHITE[dtype]).astype(dtype)
    made = drawn(image.ChromaticAberration(Constant(0.05), Constant(-0.03)), picture) / WHITE[dtype]
    np.testing.assert_array_equal(made[..., 1], picture[..., 1] / WHITE[dtype])
    assert np.abs(made[..., 0] - spots(1.05)).max() < 0.02 and np.abs(made[..., 2] - spots(0.97)).max() < 0.02


def test_fringes_ask_for_red_green_and_blue() -> None:
    grey = noise_picture(9, 9, 1)
    np.testing.assert_array_equal(drawn(image.ChromaticAberration(), grey), grey)
    with pytest.raises(ValueError, match="ChromaticAberration: the image has 4 channels"):
        drawn(image.ChromaticAberration(), noise_picture(9, 9, 4))


def test_wrong_arguments_are_named() -> None:
    with pytest.raises(ValueError, match="Morphological: operation"):
        image.Morphological("swell")
    with pytest.raises(ValueError, match="Morphological: objects is 'grey'; allowed: light, dark"):
        image.Morphological(objects="grey")
    with pytest.raises(ValueError, match="RandConv: kernel_size"):
        image.RandConv((2,))
    with pytest.raises(ValueError, match="RingingOvershoot: size"):
        image.RingingOvershoot(size=4)
