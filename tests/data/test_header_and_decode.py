"""Decoding against Pillow, and what broken files say."""

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image as Pillow
from PIL import ImageOps

from covary.data.decode import DecodeError, decode, upright
from covary.data.header import exif_orientation, read_header

FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "TIFF")


def photograph(height=40, width=60, channels=3, seed=0):
    """A smooth picture with no symmetry."""
    y, x = np.mgrid[0:height, 0:width]
    waves = [128 + 90 * np.sin(x / (7 + c) + seed) * np.cos(y / (5 + 2 * c)) + x * 0.5 for c in range(channels)]
    return np.clip(np.dstack(waves), 0, 255).astype(np.uint8)


def saved(picture, format, **options):
    buffer = io.BytesIO()
    source = picture if isinstance(picture, Pillow.Image) else Pillow.fromarray(picture)
    source.save(buffer, format, **options)
    return buffer.getvalue()


@pytest.mark.parametrize("format", FORMATS)
def test_colour_picture_equals_pillow(format):
    data = saved(photograph(), format, **({"lossless": True} if format == "WEBP" else {}))
    expected = np.asarray(Pillow.open(io.BytesIO(data)).convert("RGB"))
    made = decode(data)
    assert made.shape == expected.shape and made.dtype == np.uint8 and made.flags.c_contiguous
    assert np.abs(made.astype(int) - expected).max() <= (2 if format == "JPEG" else 0)


@pytest.mark.parametrize("format", ("JPEG", "PNG", "BMP", "TIFF"))
def test_grey_picture_keeps_one_channel(format):
    data = saved(photograph(channels=1)[:, :, 0], format)
    made = decode(data)
    assert made.shape == (40, 60, 1)
    assert np.abs(made[:, :, 0].astype(int) - np.asarray(Pillow.open(io.BytesIO(data)))).max() <= 1


@pytest.mark.parametrize("format", ("PNG", "WEBP", "TIFF"))
def test_transparency_stays_the_fourth_channel(format):
    picture = photograph(channels=4)
    data = saved(picture, format, **({"lossless": True, "exact": True} if format == "WEBP" else {}))
    assert np.array_equal(decode(data), picture)


@pytest.mark.parametrize("format", ("PNG", "TIFF"))
def test_sixteen_bits_are_kept(format):
    picture = (np.arange(40 * 60, dtype=np.uint16) * 27).reshape(40, 60)
    made = decode(saved(picture, format))
    assert made.dtype == np.uint16 and np.array_equal(made[:, :, 0], picture)


def test_float_tiff_is_kept():
    picture = np.linspace(0, 1, 200, dtype=np.float32).reshape(10, 20)
    assert np.array_equal(decode(saved(picture, "TIFF"))[:, :, 0], picture)


@pytest.mark.parametrize("format", ("PNG", "BMP", "TIFF"))
def test_palette_becomes_the_colours_that_pillow_gives(format):
    data = saved(Pillow.fromarray(photograph()).quantize(16), format)
    assert np.array_equal(decode(data), np.asarray(Pillow.open(io.BytesIO(data)).convert("RGB")))


def test_transparent_palette_becomes_rgba():
    picture = Pillow.fromarray(photograph()).quantize(8)
    data = saved(picture, "PNG", transparency=3)
    expected = np.asarray(Pillow.open(io.BytesIO(data)).convert("RGBA"))
    assert np.array_equal(decode(data), expected)


def test_bitmap_becomes_black_and_white():
    data = saved(Pillow.fromarray(photograph(channels=1)[:, :, 0]).convert("1"), "PNG")
    assert np.array_equal(decode(data)[:, :, 0], np.asarray(Pillow.open(io.BytesIO(data))) * np.uint8(255))


def test_cmyk_jpeg_is_close_to_pillow():
    data = saved(Pillow.fromarray(photograph()).convert("CMYK"), "JPEG", quality=98)
    expected = np.asarray(Pillow.open(io.BytesIO(data)).convert("RGB")).astype(int)
    assert np.abs(decode(data).astype(int) - expected).mean() < 2


def test_progressive_jpeg_is_read():
    data = saved(photograph(), "JPEG", progressive=True)
    assert np.abs(decode(data).astype(int) - np.asarray(Pillow.open(io.BytesIO(data)))).max() <= 2


def oriented(format, orientation):
    exif = Pillow.Exif()
    exif[274] = orientation
    extra = {"JPEG": {"quality": 100, "subsampling": 0}, "WEBP": {"lossless": True}}.get(format, {})
    return saved(photograph(), format, exif=exif, **extra)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("format", ("JPEG", "PNG", "WEBP", "TIFF"))
def test_orientation_equals_pillow_exif_transpose(format, orientation):
    data = oriented(format, orientation)
    expected = np.asarray(ImageOps.exif_transpose(Pillow.open(io.BytesIO(data))))
    made = decode(data)
    assert made.shape == expected.shape
    assert np.abs(made.astype(int) - expected).max() <= 2
    assert read_header(data).orientation == orientation


@pytest.mark.parametrize("order", ("<", ">"))
@pytest.mark.parametrize("value", range(1, 9))
def test_orientation_in_an_exif_block_written_by_hand(order, value):
    mark = b"II" if order == "<" else b"MM"
    block = mark + struct.pack(order + "HI", 42, 8) + struct.pack(order + "HHHIHH", 1, 274, 3, 1, value, 0)
    assert exif_orientation(block) == value


@pytest.mark.parametrize(
    "block", (b"", b"II", b"II*\0", b"nonsense" * 4, b"II*\0\xff\xff\xff\xff", b"MM\0*\0\0\0\x08\0\xff")
)
def test_broken_exif_means_upright(block):
    assert exif_orientation(block) == 1


@pytest.mark.parametrize("value", (0, 9, 65535))
def test_orientation_out_of_range_means_upright(value):
    block = b"II" + struct.pack("<HI", 42, 8) + struct.pack("<HHHIHH", 1, 274, 3, 1, value, 0)
    assert exif_orientation(block) == 1


def test_upright_leaves_its_input_alone():
    picture = photograph()
    before = picture.copy()
    turned = upright(picture, 6)
    turned[...] = 0
    assert np.array_equal(picture, before)


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("share", (0.02, 0.3, 0.7, 0.95, 1.0))
def test_truncated_file_is_refused(format, share):
    data = saved(photograph(200, 300), format)
    cut = min(int(len(data) * share), len(data) - 1)
    with pytest.raises(DecodeError) as caught:
        decode(data[:cut])
    assert caught.value.reason


def test_altered_png_is_refused():
    data = bytearray(saved(photograph(), "PNG"))
    data[len(data) // 2] ^= 0x10
    with pytest.raises(DecodeError, match="checksum"):
        decode(bytes(data))


def test_jpeg_with_bytes_after_its_end_is_read():
    data = saved(photograph(), "JPEG")
    assert np.array_equal(decode(data + b"camera maker's notes" * 20), decode(data))


def test_jpeg_with_stray_bytes_before_a_marker_is_read():
    data = saved(photograph(), "JPEG")
    stray = data[:-2] + b"\x00\x11\x22" + data[-2:]
    assert np.array_equal(decode(stray), decode(data))


def test_truncated_jpeg_with_stray_bytes_is_refused():
    data = saved(photograph(200, 300), "JPEG")
    with pytest.raises(DecodeError):
        decode(data[: len(data) // 2] + b"\x00" * 50)


@pytest.mark.parametrize(
    ("content", "said"),
    ((b"", "empty"), (b"hello, I am a text file\n", "not a picture"), (b"\xff\xd8\xff", "truncated")),
)
def test_what_is_no_picture_is_refused_with_path_and_reason(tmp_path, content, said):
    path = tmp_path / "not really.jpg"
    path.write_bytes(content)
    with pytest.raises(DecodeError, match=said) as caught:
        decode(path)
    assert str(path) in str(caught.value)
    assert caught.value.path == str(path)


def test_missing_file_is_an_os_error(tmp_path):
    with pytest.raises(FileNotFoundError):
        decode(tmp_path / "gone.png")


def test_content_counts_not_the_ending(tmp_path):
    path = tmp_path / "really a png.jpg"
    path.write_bytes(saved(photograph(), "PNG"))
    assert np.array_equal(decode(path), photograph())


def png_claiming(width, height):
    def chunk(kind, body):
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"\0" * 1000)) + chunk(b"IEND", b"")
    )


def bombs():
    jpeg = bytearray(saved(photograph(), "JPEG"))
    frame = jpeg.index(b"\xff\xc0")
    jpeg[frame + 5 : frame + 9] = struct.pack(">HH", 60_000, 60_000)
    bmp = bytearray(saved(photograph(), "BMP"))
    bmp[18:26] = struct.pack("<ii", 60_000, -60_000)
    tiff = bytearray(saved(photograph(), "TIFF"))
    # The first two entries of Pillow's directory are the width and the height.
    (at,) = struct.unpack_from("<I", tiff, 4)
    for entry in (at + 2, at + 14):
        struct.pack_into("<HIHH", tiff, entry + 2, 3, 1, 60_000, 0)
    return {"png": png_claiming(60_000, 60_000), "jpeg": bytes(jpeg), "bmp": bytes(bmp), "tiff": bytes(tiff)}


@pytest.mark.parametrize("format", ("png", "jpeg", "bmp", "tiff"))
def test_decompression_bomb_is_refused_from_its_header(format, monkeypatch):
    monkeypatch.setattr("covary.data.decode._decode_jpeg", lambda data: pytest.fail("it was decoded"))
    monkeypatch.setattr("covary.data.decode._decode_other", lambda data, header: pytest.fail("it was decoded"))
    data = bombs()[format]
    header = read_header(data)
    assert (header.format, header.height, header.width) == (format, 60_000, 60_000)
    with pytest.raises(DecodeError, match="60000 x 60000"):
        decode(data)


def test_the_limit_is_the_callers():
    data = saved(photograph(40, 60), "PNG")
    assert decode(data, max_pixels=2400).shape == (40, 60, 3)
    with pytest.raises(DecodeError, match="2,399"):
        decode(data, max_pixels=2399)


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("size", ((1, 1), (1, 7), (13, 1), (31, 257)))
def test_header_says_the_size_that_pillow_says(format, size):
    data = saved(photograph(*size), format)
    header = read_header(data)
    assert (header.width, header.height) == Pillow.open(io.BytesIO(data)).size
    assert header.format == format.lower()


@pytest.mark.parametrize("options", ({"lossless": True}, {"quality": 50}, {"quality": 50, "exif": b"Exif\0\0"}))
def test_webp_header_of_every_kind(options):
    header = read_header(saved(photograph(33, 77), "WEBP", **options))
    assert (header.height, header.width, header.orientation) == (33, 77, 1)


@pytest.mark.parametrize("seed", range(60))
def test_bytes_changed_at_random_give_a_picture_or_a_decode_error(seed):
    random = np.random.default_rng(seed)
    data = bytearray(saved(photograph(), FORMATS[seed % len(FORMATS)]))
    for _ in range(6):
        data[random.integers(len(data))] = random.integers(256)
    try:
        made = decode(bytes(data), max_pixels=10**6)
    except DecodeError as error:
        assert error.reason
    else:
        assert made.ndim == 3


def test_cmyk_tiff_is_refused_with_the_way_out():
    with pytest.raises(DecodeError, match="convert it to RGB"):
        decode(saved(Pillow.fromarray(photograph()).convert("CMYK"), "TIFF"))
