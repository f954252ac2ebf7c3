"""From an array to an encoded picture. The same array gives the same bytes, always."""

from __future__ import annotations

from typing import get_args

import numpy as np

from covary.data.header import Format
from covary.plan.changes import Image

EXTENSIONS: dict[str, Format] = {
    ".jpg": "jpeg",
    ".jpeg": "jpeg",
    ".jpe": "jpeg",
    ".jfif": "jpeg",
    ".png": "png",
    ".webp": "webp",
    ".bmp": "bmp",
    ".dib": "bmp",
    ".tif": "tiff",
    ".tiff": "tiff",
}
"""File name endings (lower case) and the format that each stands for."""

# Per format: dtypes and numbers of channels that it keeps unharmed.
_KEEPS: dict[Format, tuple[tuple[str, ...], tuple[int, ...]]] = {
    "jpeg": (("uint8",), (1, 3)),
    "png": (("uint8", "uint16"), (1, 3, 4)),
    "webp": (("uint8",), (1, 3, 4)),
    "bmp": (("uint8",), (1, 3)),
    "tiff": (("uint8", "uint16", "float32"), (1, 3, 4)),
}


class EncodeError(ValueError):
    """A picture that the wanted format cannot hold unharmed."""


def encode(picture: Image, format: Format, *, quality: int = 95) -> bytes:
    """Encode a picture.

    Args:
        picture: (H, W) or (H, W, C) RGB array. JPEG takes uint8 with 1 or 3 channels, PNG uint8 or uint16 with 1, 3
            or 4, WebP uint8 with 1 (stored as RGB), 3 or 4, BMP uint8 with 1 or 3, TIFF uint8, uint16 or float32 with
            1, 3 or 4.
        format: jpeg, png, webp, bmp or tiff.
        quality: 1 to 100, for JPEG (colour at full resolution from 90 on) and WebP (100 is lossless); the others are
            lossless.

    Raises:
        EncodeError: the format cannot hold the array's dtype, channels or size.
        ValueError: unknown format, or quality out of range.
    """
    if format not in get_args(Format):
        raise ValueError(f"encode: format={format!r}; allowed: {', '.join(get_args(Format))}")
    if not 1 <= quality <= 100:
        raise ValueError(f"encode: quality={quality}; allowed: 1 to 100")
    pixels = np.ascontiguousarray(picture if picture.ndim == 3 else picture[:, :, None])
    _check(pixels, format)
    if format == "jpeg":
        return _encode_jpeg(pixels, quality)
    return _with_opencv(pixels, format, quality)


def _check(pixels: Image, format: Format) -> None:
    dtypes, channels = _KEEPS[format]
    if pixels.dtype.name not in dtypes:
        raise EncodeError(f"{format} cannot hold {pixels.dtype} values; it takes {' or '.join(dtypes)}")
    if pixels.ndim != 3 or pixels.shape[2] not in channels:
        allowed = " or ".join(map(str, channels))
        raise EncodeError(
            f"{format} cannot hold a picture of shape {pixels.shape}; it takes (H, W, C) with C = {allowed}"
        )
    limit = {"jpeg": 65_500, "webp": 16_383}.get(format)
    if limit is not None and max(pixels.shape[:2]) > limit:
        raise EncodeError(
            f"{format} cannot hold {pixels.shape[1]} x {pixels.shape[0]} pixels; a side may have {limit:,}"
        )


def _encode_jpeg(pixels: Image, quality: int) -> bytes:
    import simplejpeg

    if pixels.shape[2] == 1:
        return bytes(simplejpeg.encode_jpeg(pixels, quality=quality, colorspace="GRAY", colorsubsampling="Gray"))
    subsampling = "444" if quality >= 90 else "420"
    return bytes(simplejpeg.encode_jpeg(pixels, quality=quality, colorspace="RGB", colorsubsampling=subsampling))


def _with_opencv(pixels: Image, format: Format, quality: int) -> bytes:
    import cv2

    if pixels.shape[2] == 3:
        pixels = cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR)
    elif pixels.shape[2] == 4:
        pixels = cv2.cvtColor(pixels, cv2.COLOR_RGBA2BGRA)
    options: dict[Format, list[int]] = {
        "png": [cv2.IMWRITE_PNG_COMPRESSION, 1],
        "webp": [
            cv2.IMWRITE_WEBP_QUALITY,
            quality if quality < 100 else 101,
        ],  # above 100 is OpenCV's word for lossless
        "tiff": [cv2.IMWRITE_TIFF_COMPRESSION, 5],  # LZW
    }
    done, data = cv2.imencode("." + format, pixels, options.get(format, []))
    if not done:
        raise EncodeError(f"{format} encoding failed for a picture of shape {pixels.shape}")
    return data.tobytes()
