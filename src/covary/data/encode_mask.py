"""From the numbers of a mask to a file of the kind that another mask has: its palette, its bit depth."""

from __future__ import annotations

import struct
import zlib
from typing import Any

import numpy as np
from numpy.typing import NDArray

from covary.data.encode import EncodeError, encode
from covary.data.header import PNG_SIGNATURE, read_header

_GREY, _PALETTE = 0, 3  # colour types of a PNG
_DEPTHS = (1, 2, 4, 8, 16)


def mask_ending(like: bytes) -> str:
    """The ending of what `encode_mask` writes: ".tif" for a TIFF, ".png" for all others."""
    return ".tif" if read_header(like).format == "tiff" else ".png"


def encode_mask(values: NDArray[Any], like: bytes) -> bytes:
    """Encode a mask as another one is: a PNG with its palette and bit depth, or a TIFF for a TIFF.

    Numbers that its bit depth cannot hold take the next one that can.

    Args:
        values: (H, W) of whole numbers, uint8 or uint16; float32 too where `like` is a TIFF. (H, W, C) for colours.
        like: the other mask's file; b"" for plain numbers.

    Raises:
        EncodeError: its kind cannot hold such values.
    """
    if like and mask_ending(like) == ".tif":
        return encode(values, "tiff")
    if values.ndim == 3:
        return encode(values, "png")
    if values.ndim != 2 or values.dtype not in (np.uint8, np.uint16):
        raise EncodeError(f"a PNG mask cannot hold {values.dtype} values of shape {values.shape}")
    depth, colour, kept = 8, _GREY, b""
    if like.startswith(PNG_SIGNATURE):
        depth, colour = like[24], like[25]
        if colour == _PALETTE:
            kept = _chunks(like, b"PLTE", b"tRNS")
    if colour not in (_GREY, _PALETTE):
        depth, colour = min(depth, 16), _GREY
    most = int(values.max(initial=0))
    if colour == _PALETTE and most > 255:
        raise EncodeError(f"a palette has 256 entries; the mask has the number {most}")
    depth = next(d for d in _DEPTHS if d >= depth and most < 1 << d)
    head = struct.pack(">IIBBBBB", values.shape[1], values.shape[0], depth, colour, 0, 0, 0)
    lines = _packed(values, depth)
    # Each line begins with the number of its filter: 0, as the numbers of a mask are no smooth values.
    stored = np.zeros((lines.shape[0], lines.shape[1] + 1), np.uint8)
    stored[:, 1:] = lines
    parts = [PNG_SIGNATURE, _chunk(b"IHDR", head), kept, _chunk(b"IDAT", zlib.compress(stored.tobytes(), 6))]
    return b"".join([*parts, _chunk(b"IEND", b"")])


def _packed(values: NDArray[Any], depth: int) -> NDArray[np.uint8]:
    """The bytes of each line: values of few bits share one, the first in its highest bits."""
    if depth == 16:
        return values.astype(">u2").view(np.uint8).reshape(len(values), -1)
    small = values.astype(np.uint8)
    if depth == 8:
        return small
    bits = np.unpackbits(small[:, :, None], axis=2)[:, :, 8 - depth :]
    return np.packbits(bits.reshape(len(values), -1), axis=1)


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def _chunks(png: bytes, *wanted: bytes) -> bytes:
    """The chunks of these kinds, as they stand in a file."""
    found = []
    at = len(PNG_SIGNATURE)
    while at + 12 <= len(png):
        length, kind = struct.unpack_from(">I4s", png, at)
        if kind in wanted:
            found.append(png[at : at + 12 + length])
        at += 12 + length
    return b"".join(found)
