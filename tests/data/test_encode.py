"""Encoding: lossless formats come back whole, what a format cannot hold is refused."""

import io

import numpy as np
import pytest
from PIL import Image as Pillow

from covary.data.decode import decode
from covary.data.encode import EncodeError, encode

LOSSLESS = [
    ("png", np.uint8, (1, 3, 4)),
    ("png", np.uint16, (1, 3, 4)),
    ("bmp", np.uint8, (1, 3)),
    ("tiff", np.uint8, (1, 3, 4)),
    ("tiff", np.uint16, (1, 3, 4)),
    ("tiff", np.float32, (1, 3, 4)),
    ("webp", np.uint8, (3, 4)),
]


def random_picture(height, width, channels, dtype):
    random = np.random.default_rng(5)
    if dtype == np.float32:
        return random.random((height, width, channels), dtype=np.float32)
    return random.integers(0, np.iinfo(dtype).max, (height, width, channels), dtype=dtype, endpoint=True)


@pytest.mark.parametrize(
    ("format", "dtype", "channels"), [(f, d, c) for f, d, all_channels in LOSSLESS for c in all_channels]
)
@pytest.mark.parametrize("size", ((1, 1), (17, 23)))
def test_lossless_formats_give_back_what_they_got(format, dtype, channels, size):
    picture = random_picture(*size, channels, dtype)
    if format == "webp" and channels == 4:
        picture[..., 3] |= 1  # lossless WebP may drop the colour of what is wholly transparent
    made = decode(encode(picture, format, quality=100))
    assert made.dtype == dtype and np.array_equal(made, picture)


@pytest.mark.parametrize("format", ("jpeg", "png", "webp", "bmp", "tiff"))
def test_pillow_reads_the_same_colours(format):
    picture = np.zeros((16, 16, 3), np.uint8)
    picture[...] = (200, 100, 30)
    seen = np.asarray(Pillow.open(io.BytesIO(encode(picture, format))).convert("RGB"))
    assert np.abs(seen.astype(int) - picture).max() <= 4


@pytest.mark.parametrize("format", ("jpeg", "png", "webp", "bmp", "tiff"))
def test_same_picture_same_bytes(format):
    picture = random_picture(30, 40, 3, np.uint8)
    assert encode(picture, format) == encode(picture.copy(), format)


def test_grey_jpeg_and_two_axes():
    picture = np.full((9, 12), 77, np.uint8)
    assert decode(encode(picture, "jpeg")).shape == (9, 12, 1)
    assert np.array_equal(decode(encode(picture, "png"))[:, :, 0], picture)


def test_jpeg_keeps_colour_at_full_resolution_from_quality_90():
    stripes = np.zeros((32, 32, 3), np.uint8)
    stripes[:, ::2] = (255, 0, 0)
    stripes[:, 1::2] = (0, 0, 255)

    def error(quality):
        return np.abs(decode(encode(stripes, "jpeg", quality=quality)).astype(int) - stripes).mean()

    assert error(90) < 10 < error(89)


@pytest.mark.parametrize(
    ("format", "picture"),
    (
        ("jpeg", np.zeros((4, 4, 4), np.uint8)),
        ("jpeg", np.zeros((4, 4, 3), np.uint16)),
        ("webp", np.zeros((4, 4, 3), np.uint16)),
        ("bmp", np.zeros((4, 4, 4), np.uint8)),
        ("png", np.zeros((4, 4, 3), np.float32)),
        ("png", np.zeros((4, 4, 2), np.uint8)),
        ("jpeg", np.zeros((1, 65_501, 1), np.uint8)),
        ("webp", np.zeros((1, 16_384, 3), np.uint8)),
    ),
)
def test_what_a_format_cannot_hold_is_refused(format, picture):
    with pytest.raises(EncodeError, match=format):
        encode(picture, format)


def test_wrong_arguments():
    picture = np.zeros((4, 4, 3), np.uint8)
    with pytest.raises(ValueError, match="allowed: jpeg, png"):
        encode(picture, "gif")
    with pytest.raises(ValueError, match="1 to 100"):
        encode(picture, "jpeg", quality=0)


def test_encoding_leaves_its_input_alone():
    picture = random_picture(8, 8, 3, np.uint8)
    before = picture.copy()
    for format in ("jpeg", "png", "webp", "bmp", "tiff"):
        encode(picture, format)
    assert np.array_equal(picture, before)
