"""Masks written as another one is, read by Pillow and OpenCV."""

import io

import cv2
import numpy as np
import pytest
from PIL import Image as Pillow

from covary.data.encode import EncodeError, encode
from covary.data.encode_mask import encode_mask, mask_ending
from covary.data.masks import decode_mask

NUMBERS = np.random.default_rng(5).integers(0, 256, (7, 11), dtype=np.uint8)
PALETTE = np.random.default_rng(6).integers(0, 256, 768).tolist()


def png(values, mode="L", **options):
    picture = Pillow.fromarray(values, mode if mode != "1" else "L")
    if mode == "P":
        picture.putpalette(PALETTE)
    if mode == "1":
        picture = picture.point(lambda value: 255 * (value > 0)).convert("1")
    file = io.BytesIO()
    picture.save(file, "PNG", **options)
    return file.getvalue()


def test_palette_and_numbers_are_what_pillow_reads():
    made = Pillow.open(io.BytesIO(encode_mask(NUMBERS, png(NUMBERS[::-1].copy(), "P", transparency=3))))
    assert made.mode == "P" and made.getpalette() == PALETTE and made.info["transparency"] == 3
    assert np.array_equal(np.asarray(made), NUMBERS)


@pytest.mark.parametrize("bits", (1, 2, 4))
def test_few_bits_stay_few(bits):
    values = NUMBERS % (1 << bits)
    like = png(values, "P", bits=bits)
    assert like[24] == bits
    made = encode_mask(values[:, ::-1].copy(), like)
    assert made[24] == bits and np.array_equal(np.asarray(Pillow.open(io.BytesIO(made))), values[:, ::-1])


def test_black_and_white_of_one_bit():
    like = png(NUMBERS & 1, "1")
    assert like[24] == 1
    made = encode_mask(decode_mask(like), like)
    assert made[24] == 1 and np.array_equal(np.asarray(Pillow.open(io.BytesIO(made))), (NUMBERS & 1).astype(bool))


def test_what_few_bits_cannot_hold_takes_more():
    made = encode_mask(np.array([[0, 255]], np.uint8), png(NUMBERS & 1, "P", bits=1))
    assert made[24] == 8 and decode_mask(made).tolist() == [[0, 255]]


def test_sixteen_bits_are_what_opencv_reads():
    deep = NUMBERS.astype(np.uint16) * 257
    made = encode_mask(deep, encode(deep[::-1].copy(), "png"))
    assert np.array_equal(cv2.imdecode(np.frombuffer(made, np.uint8), cv2.IMREAD_UNCHANGED), deep)


def test_tiff_stays_tiff_and_the_rest_becomes_png():
    deep = NUMBERS.astype(np.float32) / 7
    tiff = encode(deep, "tiff")
    assert mask_ending(tiff) == ".tif" and np.array_equal(decode_mask(encode_mask(deep, tiff)), deep)
    for other in ("bmp", "jpeg", "webp"):
        like = encode(NUMBERS, other, quality=100)
        assert mask_ending(like) == ".png" and np.array_equal(decode_mask(encode_mask(NUMBERS, like)), NUMBERS)
    colours = encode(np.repeat(NUMBERS[:, :, None], 3, 2), "png")
    assert np.array_equal(decode_mask(encode_mask(NUMBERS, colours)), NUMBERS)


def test_what_cannot_be_held_is_refused():
    with pytest.raises(EncodeError, match="float32"):
        encode_mask(NUMBERS.astype(np.float32), png(NUMBERS))
    with pytest.raises(EncodeError, match="256 entries"):
        encode_mask(np.array([[300]], np.uint16), png(NUMBERS, "P"))
