"""From an encoded picture to an array: RGB, upright, every bit that was stored."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from covary.data.header import Header, check_png, read_header, without_premultiplying
from covary.plan.changes import Image
from covary.render.buffers import empty

MAX_PIXELS = 200_000_000

# What libjpeg grumbles about although no pixel is lost.
_HARMLESS = (
    "extraneous bytes before marker",
    "Invalid SOS parameters",
    "unknown JFIF revision",
    "Adobe color transform",
)


# What it says of the rows that it was not told of: bytes before a restart marker or the end marker.
_SKIPPED = re.compile(r"extraneous bytes before marker 0xd[0-79]")
# Rows of pixels in the largest row of blocks, and the share of all rows above which a part costs as much as the whole.
_BLOCK = 16
_WORTH = 0.95

# EXIF orientation -> how the stored picture is turned upright.
_TURNS: dict[int, Callable[[Image], Image]] = {
    2: lambda a: a[:, ::-1],
    3: lambda a: a[::-1, ::-1],
    4: lambda a: a[::-1],
    5: lambda a: a.swapaxes(0, 1),
    6: lambda a: a.swapaxes(0, 1)[:, ::-1],
    7: lambda a: a[::-1, ::-1].swapaxes(0, 1),
    8: lambda a: a.swapaxes(0, 1)[::-1],
}


class DecodeError(ValueError):
    """A picture that cannot be decoded.

    Attributes:
        path: the file, or None where bytes were given.
        reason: what is wrong with it.
    """

    def __init__(self, path: str | None, reason: str) -> None:
        self.path = path
        self.reason = reason
        super().__init__(reason if path is None else f"{path}: {reason}")


def decode(
    source: str | os.PathLike[str] | bytes,
    *,
    reduce: int = 0,
    rows: int | None = None,
    header: Header | None = None,
    max_pixels: int = MAX_PIXELS,
) -> Image:
    """Decode a JPEG, PNG, WebP, BMP or TIFF picture; the format is found by content.

    The EXIF orientation is applied: the array is upright. Of an animation or a multi-page file, the first one counts.

    Args:
        source: path of the file, or its bytes.
        reduce: how often height and width are halved (and rounded up) by the decoder, 0 to 3. Only JPEGs can be
            reduced, see `usable_reduction`.
        rows: so many rows, from the top and before reduction, are enough. Where a JPEG can be decoded in part, the rows
            below are neither decoded nor checked, and not many more come back. None: all.
        header: what `read_header` said of these bytes, if it was asked before.
        max_pixels: pictures with more pixels than this are refused before anything is decoded.

    Returns:
        (H, W, C) array, C-contiguous: uint8; uint16 where a PNG or TIFF stores 16 bits; float32 where a TIFF stores
        floats. Grey stays one channel, transparency stays a fourth one. Palettes become RGB or RGBA, grey with
        transparency in a PNG becomes RGBA, bitmaps become 0 and 255, CMYK JPEGs become RGB.

    Raises:
        DecodeError: empty, truncated, altered, too large, no picture, or of a kind that cannot be read.
        OSError: the file cannot be read.
    """
    path = None if isinstance(source, bytes) else os.fspath(source)
    data = source if isinstance(source, bytes) else Path(source).read_bytes()
    try:
        header = header or read_header(data)
        if reduce != usable_reduction(header, reduce):
            raise ValueError(f"it cannot be reduced {reduce} times while it is decoded")
        if header.height * header.width > max_pixels:
            count = header.height * header.width
            raise ValueError(f"{header.width} x {header.height} is {count:,} pixels; the limit is {max_pixels:,}")
        picture = _decode_jpeg(data, header, reduce, rows) if header.format == "jpeg" else _decode_other(data, header)
    except ValueError as error:
        raise DecodeError(path, str(error)) from None
    # OpenCV turns TIFF pictures by itself.
    return picture if header.format == "tiff" else upright(picture, header.orientation)


def usable_reduction(header: Header, wanted: int) -> int:
    """How often the decoder may halve a picture's height and width so that positions halve exactly, too.

    Only JPEGs come in 1/2, 1/4 and 1/8 of their sizes. A last pixel that stands for half a block must stay at the end:
    a picture that is stored mirrored or turned is reduced as often as its sides can be halved without a rest.

    Args:
        header: of the picture.
        wanted: 0 and more halvings.

    Returns:
        0 to 3, at most `wanted`.
    """
    if header.format != "jpeg" or max(header.height, header.width) < 8:
        return 0
    most = min(wanted, 3)
    if header.orientation != 1:
        while most and (header.height | header.width) % (1 << most):
            most -= 1
    return most


def upright(picture: Image, orientation: int) -> Image:
    """Turn a stored picture upright.

    Args:
        picture: (H, W, C).
        orientation: EXIF value 1 to 8: where the stored first row and first column belong.
    """
    return np.ascontiguousarray(picture if orientation == 1 else _TURNS[orientation](picture))


def _decode_jpeg(data: bytes, header: Header, reduce: int, rows: int | None) -> Image:
    if rows is not None:
        picture = _first_rows(data, header, reduce, rows)
        if picture is not None:
            return picture
    try:
        return _jpeg_pixels(data, "GRAY" if header.channels == 1 else "RGB", header, reduce)
    except ValueError as error:
        reason = str(error)
    if "remature end" in reason or data.rfind(b"\xff\xd9") < 0:
        raise ValueError("the file is truncated: the JPEG's data ends too early")
    if "Corrupt JPEG" in reason:
        raise ValueError(f"broken JPEG: {reason}")
    # A kind that simplejpeg does not take (unusual subsampling, for one).
    return _with_opencv(data, "JPEG", reduce)


def _first_rows(data: bytes, header: Header, reduce: int, rows: int) -> Image | None:
    """The upper part of a JPEG, all its rows as they are in the whole; None where it cannot be had for less.

    The file is decoded as if it had fewer rows. What is behind them, the decoder calls extraneous bytes and skips; if
    that is the first thing it complains of, then all that was asked for is there and sound.
    """
    import simplejpeg

    # Colours are interpolated between rows of blocks: the last row that comes back is not what it is in the whole.
    kept = -(-(rows + (1 << reduce)) // _BLOCK) * _BLOCK
    if not header.rows_at or header.orientation != 1 or kept >= header.height * _WORTH:
        return None
    start = header.rows_at
    part = b"".join((data[:start], kept.to_bytes(2, "big"), memoryview(data)[start + 2 :]))
    space = "GRAY" if header.channels == 1 else "RGB"
    height, width = (-(-side // (1 << reduce)) for side in (kept, header.width))
    picture: Image = empty((height, width, header.channels), np.uint8)
    try:
        simplejpeg.decode_jpeg(
            part,
            space,
            buffer=picture.reshape(-1),
            min_height=height if reduce else 0,
            min_width=width if reduce else 0,
        )
    except ValueError as error:
        return picture if _SKIPPED.search(str(error)) else None
    return picture


def _jpeg_pixels(data: bytes, space: str, header: Header, reduce: int) -> Image:
    import simplejpeg

    height, width = (-(-side // (1 << reduce)) for side in (header.height, header.width))
    options: dict[str, Any] = {"buffer": empty(height * width * (1 if space == "GRAY" else 3), np.uint8)}
    if reduce:
        # The decoder takes its smallest scale that gives no less than these.
        options |= {"min_height": height, "min_width": width}
    try:
        picture: Image = simplejpeg.decode_jpeg(data, space, **options)
    except ValueError as error:
        if data.rfind(b"\xff\xd9") < 0 or not any(text in str(error) for text in _HARMLESS):
            raise
        picture = simplejpeg.decode_jpeg(data, space, strict=False, **options)
    return picture


def _decode_other(data: bytes, header: Header) -> Image:
    if header.format == "png":
        check_png(data)
    if header.cmyk:
        raise ValueError("CMYK TIFF pictures cannot be read; convert it to RGB")
    if header.format == "tiff":
        data = without_premultiplying(data)
    return _with_opencv(data, header.format.upper().replace("WEBP", "WebP"))


def _with_opencv(data: bytes, name: str, reduce: int = 0) -> Image:
    import cv2

    reduced = (cv2.IMREAD_REDUCED_COLOR_2, cv2.IMREAD_REDUCED_COLOR_4, cv2.IMREAD_REDUCED_COLOR_8)
    flags = reduced[reduce - 1] | cv2.IMREAD_IGNORE_ORIENTATION if reduce else cv2.IMREAD_UNCHANGED
    try:
        picture = cv2.imdecode(np.frombuffer(data, np.uint8), flags)
    except cv2.error as error:
        raise ValueError(f"broken {name}: {error.err}") from None
    if picture is None:
        raise ValueError(f"broken or truncated {name}: it cannot be decoded")
    if picture.dtype not in (np.uint8, np.uint16, np.float32):
        raise ValueError(f"{name} of {picture.dtype} values; uint8, uint16 and float32 can be read")
    if picture.ndim == 2:
        return np.ascontiguousarray(picture[:, :, None])
    if picture.shape[2] == 3:
        return np.asarray(cv2.cvtColor(picture, cv2.COLOR_BGR2RGB))
    if picture.shape[2] == 4:
        return np.asarray(cv2.cvtColor(picture, cv2.COLOR_BGRA2RGBA))
    raise ValueError(f"{name} with {picture.shape[2]} channels; 1, 3 and 4 can be read")
