"""Masks give the numbers that are stored: against Pillow, which keeps a palette's indices, and tifffile."""

import io
import struct
import zlib

import cv2
import numpy as np
import pytest
import tifffile
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from covary.data.dataset import Encoded
from covary.data.decode import DecodeError
from covary.data.masks import decode_mask


def voc_palette():
    """The colours that VOC's masks are shown in."""
    palette = np.zeros((256, 3), np.uint8)
    for index in range(256):
        for bit in range(8):
            for channel in range(3):
                palette[index, channel] |= (index >> (3 * bit % 8) >> channel & 1) << (7 - bit)
    return palette


def saved(picture, format, **options):
    file = io.BytesIO()
    picture.save(file, format, **options)
    return file.getvalue()


@given(
    st.sampled_from((1, 2, 4, 8)),
    st.integers(1, 40),
    st.integers(1, 40),
    st.booleans(),
    st.integers(0, 2**32 - 1),
)
@settings(max_examples=50, deadline=None)
def test_palette_png_gives_the_indices_that_pillow_gives(bits, height, width, transparent, seed):
    values = np.random.default_rng(seed).integers(0, 2**bits, (height, width), dtype=np.uint8)
    picture = Image.frombytes("P", (width, height), values.tobytes())
    picture.putpalette(voc_palette().tobytes())
    options = {"transparency": bytes([0] + [255] * (2**bits - 1))} if transparent else {}
    data = saved(picture, "PNG", bits=bits, **options)
    assert data[24] == bits and data[25] == 3
    with Image.open(io.BytesIO(data)) as stored:
        assert stored.mode == "P"
        assert np.array_equal(np.array(stored), values)
    mask = decode_mask(data)
    assert mask.dtype == np.uint8 and np.array_equal(mask, values)


def test_grey_png_of_one_bit_is_what_pillow_says():
    values = np.random.default_rng(0).integers(0, 2, (9, 13)).astype(bool)
    data = saved(Image.fromarray(values), "PNG")
    assert data[24] == 1 and data[25] == 0
    assert np.array_equal(decode_mask(data), values.astype(np.uint8))


@pytest.mark.parametrize("dtype", (np.uint8, np.uint16))
def test_png_values_written_by_opencv(dtype):
    values = np.random.default_rng(1).integers(0, np.iinfo(dtype).max, (9, 13)).astype(dtype)
    mask = decode_mask(cv2.imencode(".png", values)[1].tobytes())
    assert mask.dtype == dtype and np.array_equal(mask, values)
    three = np.repeat(values[:, :, None], 3, axis=2)
    assert np.array_equal(decode_mask(cv2.imencode(".png", three)[1].tobytes()), values)


@pytest.mark.parametrize("dtype", (np.uint8, np.uint16, np.float32))
def test_tiff_values_written_by_tifffile(dtype):
    values = (np.random.default_rng(2).random((9, 13)) * 250).astype(dtype)
    file = io.BytesIO()
    tifffile.imwrite(file, values)
    mask = decode_mask(file.getvalue())
    assert mask.dtype == dtype and np.array_equal(mask, values)


def test_palette_tiff_gives_the_indices_that_tifffile_stored():
    values = np.random.default_rng(3).integers(0, 256, (9, 13), dtype=np.uint8)
    file = io.BytesIO()
    tifffile.imwrite(file, values, photometric="palette", colormap=voc_palette().T.astype(np.uint16) * 257)
    assert np.array_equal(decode_mask(file.getvalue()), values)


def png(width, height, depth, colour, interlaced, rows, palette=False):
    """A PNG put together by hand."""

    def chunk(kind, body):
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, interlaced)
    data = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header)
    data += chunk(b"PLTE", voc_palette().tobytes()) if palette else b""
    return data + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


@pytest.mark.parametrize("depth", (2, 4))
def test_grey_png_of_few_bits_is_what_pillow_stretches(depth):
    """Such pictures Pillow reads, stretched to 0 ... 255, and does not write."""
    values = np.random.default_rng(6).integers(0, 2**depth, (5, 8), dtype=np.uint8)
    bits = np.unpackbits(values[:, :, None], axis=2)[:, :, 8 - depth :].reshape(5, -1)
    data = png(8, 5, depth, 0, 0, b"".join(b"\0" + row.tobytes() for row in np.packbits(bits, axis=1)))
    with Image.open(io.BytesIO(data)) as stored:
        assert np.array_equal(np.array(stored), values * (255 // (2**depth - 1)))
    assert np.array_equal(decode_mask(data), values)


def test_interlaced_palette_written_by_hand():
    """Adam7, which Pillow reads and does not write: the seven passes of an 8 x 8 picture of 8-bit indices."""
    values = np.random.default_rng(4).integers(0, 9, (8, 8), dtype=np.uint8)
    passes = ((0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2), (1, 0, 2, 1))
    rows = b"".join(b"\0" + row.tobytes() for y, x, down, across in passes for row in values[y::down, x::across])
    data = png(8, 8, 8, 3, 1, rows, palette=True)
    with Image.open(io.BytesIO(data)) as stored:
        assert np.array_equal(np.array(stored), values)
    assert np.array_equal(decode_mask(data), values)


def test_black_and_white_jpeg_is_taken_and_grey_is_not(tmp_path):
    values = np.zeros((40, 40), np.uint8)
    values[8:24, 16:32] = 255
    data = cv2.imencode(".jpg", values, [cv2.IMWRITE_JPEG_QUALITY, 95])[1].tobytes()
    assert np.array_equal(decode_mask(data), values)
    path = tmp_path / "m.jpg"
    path.write_bytes(cv2.imencode(".jpg", values // 2)[1].tobytes())
    with pytest.raises(DecodeError, match=r"m\.jpg: JPEG blurs the numbers of a mask"):
        decode_mask(path)


def test_webp_counts_where_it_is_lossless():
    values = np.random.default_rng(5).integers(0, 20, (16, 16), dtype=np.uint8)
    picture = Image.fromarray(np.repeat(values[:, :, None], 3, axis=2))
    assert np.array_equal(decode_mask(saved(picture, "WEBP", lossless=True)), values)
    with pytest.raises(DecodeError, match="lossy WebP blurs"):
        decode_mask(saved(Image.fromarray(np.full((16, 16, 3), 100, np.uint8)), "WEBP", quality=90))


def test_masks_that_cannot_be_used_are_named():
    colours = np.zeros((5, 5, 3), np.uint8)
    colours[2, 2] = 128, 64, 0
    with pytest.raises(DecodeError, match="x: a mask of colours"):
        decode_mask(Encoded(cv2.imencode(".png", colours)[1].tobytes(), "x"))
    good = saved(Image.new("P", (30, 30)), "PNG")
    with pytest.raises(DecodeError, match=r"x: .*truncated"):
        decode_mask(Encoded(good[:-20], "x"))
    with pytest.raises(DecodeError, match="the limit is 100"):
        decode_mask(good, max_pixels=100)
    with pytest.raises(DecodeError, match="empty"):
        decode_mask(b"")
