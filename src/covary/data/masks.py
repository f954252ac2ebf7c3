"""From an encoded mask to its values: class numbers as the file stores them, no colours."""

from __future__ import annotations

import os
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from covary.data.dataset import Encoded
from covary.data.decode import MAX_PIXELS, DecodeError, decode, upright
from covary.data.header import PNG_SIGNATURE, check_png, read_header, with_tiff_value
from covary.plan.changes import Image

GREY, PALETTE = 0, 3  # colour types of a PNG
TIFF_PHOTOMETRIC, TIFF_PALETTE, TIFF_GREY = 262, 3, 1


def decode_mask(source: str | os.PathLike[str] | bytes | Encoded, *, max_pixels: int = MAX_PIXELS) -> Image:
    """Decode a mask to the numbers that it stores.

    A palette picture gives its *indices*, at any bit depth: the class numbers of Pascal VOC, not its colours. Grey PNG
    of 1, 2 and 4 bits give 0 and 1, 0 to 3 and 0 to 15; 16-bit PNG and TIFF and float TIFF their values. Colours are
    taken where all three channels are equal. JPEG and lossy WebP blur class numbers into each other: they are taken
    where their values are close to black and white alone, and become 0 and 255.

    Args:
        source: a mask as a reader gives it, the path of a file, or its bytes.
        max_pixels: masks with more pixels than this are refused before anything is decoded.

    Returns:
        (H, W) array, C-contiguous: uint8, or what else the file stores (uint16, float32).

    Raises:
        DecodeError: it cannot be decoded, has colours, or is a lossy picture of more than black and white.
        OSError: the file cannot be read.
    """
    name: str | None = None
    if isinstance(source, Encoded):
        name, data = source.name, source.data
    elif isinstance(source, bytes):
        data = source
    else:
        name, data = os.fspath(source), Path(source).read_bytes()
    try:
        header = read_header(data)
        if header.height * header.width > max_pixels:
            count = header.height * header.width
            raise ValueError(f"{header.width} x {header.height} is {count:,} pixels; the limit is {max_pixels:,}")
        if header.format == "png":
            return _png(data, header.orientation)
        if header.format == "tiff":
            data = with_tiff_value(data, TIFF_PHOTOMETRIC, TIFF_PALETTE, TIFF_GREY)
        values = _one_channel(decode(data, max_pixels=max_pixels))
        if header.format == "jpeg" or (header.format == "webp" and b"VP8 " in _riff_chunks(data)):
            return _black_and_white(values, header.format.upper().replace("WEBP", "lossy WebP"))
    except DecodeError as error:
        raise DecodeError(name, error.reason) from None
    except ValueError as error:
        raise DecodeError(name, str(error)) from None
    return values


def numbers_of_colours(picture: Image, colours: Image) -> Image:
    """The class numbers of a mask whose classes are painted in colours.

    Args:
        picture: (H, W, 3) or (H, W, 4) uint8; transparency does not count.
        colours: (K, 3) uint8, the colour of each class.

    Returns:
        (H, W) uint8, or uint16 for more than 256 classes.

    Raises:
        ValueError: a pixel has none of the colours, or the picture has none at all.
    """
    if picture.ndim != 3 or picture.shape[2] < 3 or picture.dtype != np.uint8:
        raise ValueError(f"a mask of {picture.dtype} values, shape {picture.shape}, has no colours to look up")
    weights = np.array([1 << 16, 1 << 8, 1], dtype=np.int64)
    codes = colours.astype(np.int64) @ weights
    order = np.argsort(codes)
    pixels = picture[:, :, :3] @ weights
    places = np.searchsorted(codes[order], pixels).clip(max=len(codes) - 1)
    strange = codes[order][places] != pixels
    if strange.any():
        row, column = (int(at) for at in np.argwhere(strange)[0])
        colour = tuple(picture[row, column, :3].tolist())
        raise ValueError(f"pixel ({column}, {row}) of the mask has the colour {colour}, which is none of the classes'")
    numbers: Image = order[places].astype(np.uint8 if len(codes) <= 256 else np.uint16)
    return numbers


def _png(data: bytes, orientation: int) -> Image:
    import cv2

    depth, colour = data[24], data[25]
    if colour not in (GREY, PALETTE):
        return _one_channel(decode(data))
    check_png(data)
    values = cv2.imdecode(np.frombuffer(_as_grey(data), np.uint8), cv2.IMREAD_UNCHANGED)
    if values is None or values.ndim != 2:
        raise ValueError("broken or truncated PNG: it cannot be decoded")
    if depth < 8:
        # The decoder stretches grey of few bits to 0 ... 255.
        values = values // (255 // (2**depth - 1))
    return upright(values, orientation)


def _as_grey(png: bytes) -> bytes:
    """A palette PNG that declares its indices to be grey values; without what makes a decoder look colours up."""
    chunks = [PNG_SIGNATURE]
    for kind, body in _png_chunks(png):
        if kind == b"IHDR":
            body = body[:9] + bytes([GREY]) + body[10:]
        if kind in (b"IHDR", b"IDAT", b"IEND"):
            chunks.append(struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body)))
    return b"".join(chunks)


def _png_chunks(png: bytes) -> Iterator[tuple[bytes, bytes]]:
    at = len(PNG_SIGNATURE)
    while at + 12 <= len(png):
        length, kind = struct.unpack_from(">I4s", png, at)
        yield kind, png[at + 8 : at + 8 + length]
        at += 12 + length


def _riff_chunks(webp: bytes) -> set[bytes]:
    kinds = set()
    at = 12
    while at + 8 <= len(webp):
        kind, length = struct.unpack_from("<4sI", webp, at)
        kinds.add(kind)
        at += 8 + length + (length & 1)
    return kinds


def _one_channel(picture: Image) -> Image:
    """The values of a picture whose colours are all grey; transparency does not count."""
    values = picture[:, :, 0]
    if picture.shape[2] >= 3 and not all(np.array_equal(values, picture[:, :, channel]) for channel in (1, 2)):
        raise ValueError(
            "a mask of colours; it takes one number per pixel (grey or a palette), or the colours= of its classes"
        )
    return np.ascontiguousarray(values)


def _black_and_white(values: Image, name: str) -> Image:
    between = np.count_nonzero((values >= 64) & (values < 192))
    if between:
        raise ValueError(
            f"{name} blurs the numbers of a mask: {between:,} pixels are neither black nor white; store it as PNG"
        )
    return np.where(values < 128, 0, 255).astype(np.uint8)
