"""Compression, downscaling and dithering against the codecs, OpenCV, Pillow and what defines them."""

from __future__ import annotations

import io

import cv2
import numpy as np
import pytest
from photograph import assert_changes_rise_with_strength, assert_key_decides, assert_takes_all_pictures, photograph
from PIL import Image as Pillow

from covary import Pipeline, image
from covary.draws.distributions import Constant
from covary.ops.image.quality import bayer_matrix, diffused, diffused_by_fronts

ALL = [
    image.ImageCompression(),
    image.ImageCompression("webp"),
    image.Downscale(),
    image.Downscale(down="nearest", up="nearest"),
    image.Downscale(down="cubic", up="cubic"),
    image.Dithering(),
    image.Dithering(method="bayer"),
]


def after(operation: object, picture: np.ndarray, key: int = 0) -> np.ndarray:
    return Pipeline([operation])(image=picture, key=key)["image"]


@pytest.mark.parametrize("operation", ALL, ids=repr)
def test_quality_takes_all_pictures_and_falls_with_strength(operation) -> None:
    assert_takes_all_pictures(operation)
    assert_changes_rise_with_strength(operation, 4)
    if not isinstance(operation, image.Dithering):
        assert_key_decides(operation)


@pytest.mark.parametrize("quality", [20, 75, 95])
def test_jpeg_is_as_near_to_the_original_as_pillows(quality) -> None:
    picture = photograph()
    buffer = io.BytesIO()
    Pillow.fromarray(picture).save(buffer, "jpeg", quality=quality, subsampling="4:4:4" if quality >= 90 else "4:2:0")
    theirs = np.asarray(Pillow.open(buffer))
    ours = after(image.ImageCompression("jpeg", Constant(float(quality))), picture)
    # The encoders round differently; what they lose is as much.
    lost, lost_by_theirs = (np.abs(made.astype(int) - picture).mean() for made in (ours, theirs))
    assert abs(lost / lost_by_theirs - 1) < 0.1


def test_webp_equals_opencvs_round_trip() -> None:
    picture = photograph()
    data = cv2.imencode(".webp", picture[..., ::-1], [cv2.IMWRITE_WEBP_QUALITY, 30])[1]
    expected = cv2.imdecode(data, cv2.IMREAD_COLOR)[..., ::-1]
    np.testing.assert_array_equal(after(image.ImageCompression("webp", Constant(30.0)), picture), expected)


@pytest.mark.parametrize("format", ["jpeg", "webp"])
@pytest.mark.parametrize("channels", [2, 4, 9])
def test_colours_are_compressed_together_and_other_channels_one_by_one(format: str, channels: int) -> None:
    picture = np.concatenate([photograph()] * 3, axis=2)[:, :, :channels]
    operation = image.ImageCompression(format, Constant(40.0))
    made = after(operation, picture)
    colours = 3 if channels >= 3 else 0
    if colours:
        np.testing.assert_array_equal(made[:, :, :3], after(operation, np.ascontiguousarray(picture[:, :, :3])))
    for channel in range(colours, channels):
        alone = after(operation, np.ascontiguousarray(picture[:, :, channel : channel + 1]))
        np.testing.assert_array_equal(made[:, :, channel : channel + 1], alone)


def test_compression_of_16_bits_is_that_of_8() -> None:
    picture = photograph()
    lost = after(image.ImageCompression("jpeg", Constant(50.0)), picture)
    wide = after(image.ImageCompression("jpeg", Constant(50.0)), picture.astype(np.uint16) * 257)
    np.testing.assert_array_equal(wide, lost.astype(np.uint16) * 257)


def test_quality_100_leaves_the_picture() -> None:
    np.testing.assert_array_equal(after(image.ImageCompression(quality=Constant(100.0)), photograph()), photograph())


def test_area_and_nearest_equal_opencv_at_a_quarter() -> None:
    picture = photograph()
    small = cv2.resize(picture, (32, 32), interpolation=cv2.INTER_AREA)
    expected = cv2.resize(small, (128, 128), interpolation=cv2.INTER_NEAREST)
    ours = after(image.Downscale(Constant(0.25), "area", "nearest"), picture)
    # Halved twice: a second rounding.
    assert np.abs(ours.astype(int) - expected).max() <= 1
    blocky = after(image.Downscale(Constant(0.25), "nearest", "nearest"), picture)
    assert (blocky.reshape(32, 4, 32, 4, 3) == blocky.reshape(32, 4, 32, 4, 3)[:, :1, :, :1]).all()


def test_downscaling_leaves_boxes_and_masks() -> None:
    mask = (photograph()[..., 0] > 100).astype(np.uint8)
    out = Pipeline([image.Downscale(Constant(0.3))])(image=photograph(), mask=mask, boxes=[[1, 2, 30, 40]], key=1)
    np.testing.assert_array_equal(out["mask"], mask)
    np.testing.assert_array_equal(np.asarray(out["boxes"]), [[1, 2, 30, 40]])


def floyd_steinberg(values: np.ndarray, levels: int, white: float) -> np.ndarray:
    """The definition, in float64, one channel."""
    values, step = values.astype(float), white / (levels - 1)
    padded = np.pad(values, ((0, 1), (1, 1)))
    for y in range(values.shape[0]):
        for x in range(1, values.shape[1] + 1):
            made = np.clip(np.rint(padded[y, x] / step), 0, levels - 1) * step
            error, padded[y, x] = padded[y, x] - made, made
            padded[y, x + 1] += error * 7 / 16
            padded[y + 1, x - 1 : x + 2] += error * np.array([3, 5, 1]) / 16
    return padded[:-1, 1:-1]


@pytest.mark.parametrize("levels", [2, 4])
def test_diffused_errors_equal_floyds_and_steinbergs_definition(levels) -> None:
    picture = photograph(64)
    for channel in range(3):
        expected = floyd_steinberg(picture[..., channel], levels, 255)
        ours = diffused(picture[..., channel : channel + 1].copy(), levels)[..., 0]
        np.testing.assert_array_equal(ours, np.rint(expected))


@pytest.mark.parametrize("shape", [(1, 1, 1), (1, 9, 2), (7, 1, 3), (13, 31, 3)])
@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
def test_fronts_give_the_kernels_bytes(shape, dtype) -> None:
    rng = np.random.default_rng(1)
    picture = (rng.random(shape) * {"uint8": 255, "uint16": 65535, "float32": 1}[dtype]).astype(dtype)
    for levels in (2, 5, 16):
        np.testing.assert_array_equal(diffused(picture.copy(), levels), diffused_by_fronts(picture.copy(), levels))


def test_bayers_matrix_is_the_published_one_and_keeps_the_mean() -> None:
    published = [[0, 8, 2, 10], [12, 4, 14, 6], [3, 11, 1, 9], [15, 7, 13, 5]]
    np.testing.assert_array_equal(bayer_matrix(2) * 16 - 0.5, published)
    for level in (0, 60, 128, 255):
        made = after(image.Dithering(1, "bayer"), np.full((64, 64, 1), level, np.uint8))
        assert set(np.unique(made)) <= {0, 255} and abs(made.mean() - level) < 3


def test_wrong_arguments_are_named() -> None:
    with pytest.raises(ValueError, match="ImageCompression: format"):
        image.ImageCompression("gif")
    with pytest.raises(ValueError, match="Downscale: up"):
        image.Downscale(up="area")
    with pytest.raises(ValueError, match="Dithering: method"):
        image.Dithering(method="noise")
