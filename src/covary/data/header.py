"""What a picture's first bytes say, before anything is decoded: its format, its size, how it is to be turned."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, TypeAlias

Format: TypeAlias = Literal["jpeg", "png", "webp", "bmp", "tiff"]

PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
ORIENTATION_TAG = 274
TIFF_WIDTH, TIFF_HEIGHT, TIFF_PHOTOMETRIC, TIFF_EXTRA_SAMPLES = 256, 257, 262, 338
ASSOCIATED, UNASSOCIATED = 1, 2  # kinds of transparency in a TIFF
# JPEG markers that carry no length: TEM, RST0..RST7, SOI.
BARE_MARKERS = frozenset({0x01, *range(0xD0, 0xD9)})
# Start-of-frame markers; C4 (Huffman tables), C8 (reserved) and CC (arithmetic conditioning) lie among them.
FRAME_MARKERS = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}


@dataclass(frozen=True, slots=True)
class Header:
    """What the first bytes say.

    Attributes:
        format: by content, whatever the file's name ends in.
        height, width: in pixels, as stored (before the orientation is applied).
        orientation: the EXIF value 1 to 8; 1 where none is stored.
        cmyk: whether the pixels are ink amounts (TIFF only; in a JPEG the decoder converts).
        channels: of the decoded picture, for a JPEG; 0 for other formats, which tell in too many ways.
        rows_at: where a JPEG whose rows are stored one after another (sequential, Huffman) says how many there are; 0
            for all others.
    """

    format: Format
    height: int
    width: int
    orientation: int = 1
    cmyk: bool = False
    channels: int = 0
    rows_at: int = 0

    @property
    def upright_size(self) -> tuple[int, int]:
        """Height and width once the orientation is applied."""
        return (self.width, self.height) if self.orientation > 4 else (self.height, self.width)


def read_header(data: bytes) -> Header:
    """Read the header of an encoded picture.

    Args:
        data: the whole file (a JPEG's orientation and a WebP's may stand anywhere in it).

    Raises:
        ValueError: the data is empty, is no picture of a known format, or ends within its header.
    """
    if not data:
        raise ValueError("the file is empty")
    try:
        if data.startswith(b"\xff\xd8\xff"):
            return _jpeg(data)
        if data.startswith(PNG_SIGNATURE):
            return _png(data)
        if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
            return _webp(data)
        if data.startswith(b"BM"):
            return _bmp(data)
        if data[:4] in (b"II*\0", b"MM\0*"):
            return _tiff(data)
    except (struct.error, IndexError):
        raise ValueError("the file is truncated: it ends within its header") from None
    raise ValueError("not a picture: the content is none of JPEG, PNG, WebP, BMP, TIFF")


def _jpeg(data: bytes) -> Header:
    orientation = 1
    at = 2
    while True:
        if data[at] != 0xFF:
            raise ValueError("broken JPEG: no marker where one must stand")
        marker = data[at + 1]
        if marker == 0xFF:  # padding before a marker
            at += 1
            continue
        at += 2
        if marker in BARE_MARKERS:
            continue
        (length,) = struct.unpack_from(">H", data, at)
        if marker in FRAME_MARKERS:
            height, width = struct.unpack_from(">HH", data, at + 3)
            if height == 0 or width == 0:
                raise ValueError(f"broken JPEG: its size is {width} x {height}")
            channels = 1 if data[at + 7] == 1 else 3
            return Header("jpeg", height, width, orientation, False, channels, at + 3 if marker in (0xC0, 0xC1) else 0)
        if marker in (0xD9, 0xDA):
            raise ValueError("broken JPEG: no frame header before the picture's data")
        if marker == 0xE1 and data[at + 2 : at + 8] == b"Exif\0\0":
            orientation = exif_orientation(data[at + 8 : at + length])
        at += length


def _png(data: bytes) -> Header:
    if data[12:16] != b"IHDR":
        raise ValueError("broken PNG: its first chunk is not IHDR")
    width, height = struct.unpack_from(">II", data, 16)
    if height == 0 or width == 0:
        raise ValueError(f"broken PNG: its size is {width} x {height}")
    orientation = 1
    at = len(PNG_SIGNATURE)
    while at + 8 <= len(data):
        length, kind = struct.unpack_from(">I4s", data, at)
        if kind == b"eXIf":
            orientation = exif_orientation(data[at + 8 : at + 8 + length])
            break
        at += 12 + length
    return Header("png", height, width, orientation)


def check_png(data: bytes) -> None:
    """Check that every chunk of a PNG is there and has its checksum.

    Raises:
        ValueError: a chunk is cut off or altered, or the end chunk is missing.
    """
    view = memoryview(data)
    at = len(PNG_SIGNATURE)
    while at + 12 <= len(data):
        length, kind = struct.unpack_from(">I4s", data, at)
        end = at + 8 + length
        if end + 4 > len(data):
            break
        (checksum,) = struct.unpack_from(">I", data, end)
        if zlib.crc32(view[at + 4 : end]) != checksum:
            raise ValueError(f"broken PNG: the checksum of its {kind.decode('latin-1')!r} chunk does not match")
        if kind == b"IEND":
            return
        at = end + 4
    raise ValueError("the file is truncated: the PNG has no end chunk")


def _webp(data: bytes) -> Header:
    (riff_size,) = struct.unpack_from("<I", data, 4)
    if len(data) < riff_size + 8:
        raise ValueError(f"the file is truncated: WebP of {riff_size + 8} bytes, {len(data)} are there")
    kind = data[12:16]
    if kind == b"VP8X":
        width = 1 + int.from_bytes(data[24:27], "little")
        height = 1 + int.from_bytes(data[27:30], "little")
        return Header("webp", height, width, _webp_orientation(data))
    if kind == b"VP8L":
        (bits,) = struct.unpack_from("<I", data, 21)
        return Header("webp", 1 + (bits >> 14 & 0x3FFF), 1 + (bits & 0x3FFF))
    if kind == b"VP8 ":
        width, height = struct.unpack_from("<HH", data, 26)
        return Header("webp", height & 0x3FFF, width & 0x3FFF)
    raise ValueError(f"broken WebP: its first chunk is {kind!r}")


def _webp_orientation(data: bytes) -> int:
    at = 12
    while at + 8 <= len(data):
        kind, length = struct.unpack_from("<4sI", data, at)
        if kind == b"EXIF":
            return exif_orientation(data[at + 8 : at + 8 + length].removeprefix(b"Exif\0\0"))
        at += 8 + length + (length & 1)
    return 1


def _bmp(data: bytes) -> Header:
    (header_size,) = struct.unpack_from("<I", data, 14)
    if header_size == 12:
        width, height = struct.unpack_from("<HH", data, 18)
    else:
        width, height = struct.unpack_from("<ii", data, 18)
    if width <= 0 or height == 0:
        raise ValueError(f"broken BMP: its size is {width} x {height}")
    return Header("bmp", abs(height), width)  # a negative height means that rows are stored from the top


def _tiff(data: bytes) -> Header:
    tags = _first_directory(data)
    if TIFF_WIDTH not in tags or TIFF_HEIGHT not in tags:
        raise ValueError("broken TIFF: it does not say its size")
    orientation = tags.get(ORIENTATION_TAG, 1)
    return Header(
        "tiff",
        tags[TIFF_HEIGHT],
        tags[TIFF_WIDTH],
        orientation if 1 <= orientation <= 8 else 1,
        cmyk=tags.get(TIFF_PHOTOMETRIC) == 5,
    )


def exif_orientation(exif: bytes) -> int:
    """The orientation 1 to 8 that an EXIF block (a small TIFF) stores; 1 where it stores none that makes sense."""
    try:
        value = _first_directory(exif).get(ORIENTATION_TAG, 1)
    except (ValueError, struct.error):
        return 1
    return value if 1 <= value <= 8 else 1


def _first_directory(tiff: bytes) -> dict[int, int]:
    """The single whole numbers among the tags of a TIFF's first directory."""
    return {tag: value for tag, value, _, _ in _numbers(tiff)}


def _numbers(tiff: bytes) -> Iterator[tuple[int, int, int, str]]:
    """The single whole numbers of a TIFF's first directory: tag, value, where the value stands, how it is packed."""
    order = {b"II": "<", b"MM": ">"}.get(tiff[:2])
    if order is None:
        raise ValueError("no byte order mark")
    (at,) = struct.unpack_from(order + "I", tiff, 4)
    (count,) = struct.unpack_from(order + "H", tiff, at)
    for entry in range(at + 2, at + 2 + 12 * count, 12):
        tag, kind, length = struct.unpack_from(order + "HHI", tiff, entry)
        if length == 1 and kind in (3, 4):
            packing = order + ("H" if kind == 3 else "I")
            yield tag, struct.unpack_from(packing, tiff, entry + 8)[0], entry + 8, packing


def without_premultiplying(tiff: bytes) -> bytes:
    """The same TIFF, its transparency declared as already multiplied into the colours.

    libtiff multiplies colours that are not, and so loses what lies under transparent pixels; this keeps it from that.
    """
    return with_tiff_value(tiff, TIFF_EXTRA_SAMPLES, UNASSOCIATED, ASSOCIATED)


def with_tiff_value(tiff: bytes, tag: int, old: int, new: int) -> bytes:
    """The same TIFF, another number at a tag of its first directory where `old` stands there."""
    for found, value, at, packing in _numbers(tiff):
        if found == tag and value == old:
            patched = bytearray(tiff)
            struct.pack_into(packing, patched, at, new)
            return bytes(patched)
    return tiff
