"""A digest of what a sample says besides its picture."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from hashlib import sha256
from typing import Any

import numpy as np

from covary.data.dataset import Encoded
from covary.data.instances import Instance


def fields_digest(fields: Mapping[str, Any]) -> str | None:
    """SHA-256 of the fields of a sample: equal for equal content, whatever its place in memory; None without fields."""
    if not fields:
        return None
    digest = sha256()
    for piece in _pieces(dict(fields)):
        digest.update(len(piece).to_bytes(8))
        digest.update(piece)
    return digest.hexdigest()


def _pieces(value: Any) -> Iterator[bytes]:
    """The content of a value as bytes, with its kinds and lengths, so that no two values give the same."""
    match value:
        case Encoded():
            yield b"encoded"
            yield value.data
        case bytes():
            yield b"bytes"
            yield value
        case np.ndarray():
            yield f"array {value.dtype.str} {value.shape}".encode()
            yield np.ascontiguousarray(value).tobytes()
        case Instance():
            mask = None if value.mask is None else np.packbits(value.mask)
            parts = (value.category, value.box, mask, value.keypoints, value.crowd, value.extra)
            yield b"instance"
            for part in parts:
                yield from _pieces(part)
        case dict():
            yield f"mapping {len(value)}".encode()
            for name in sorted(value, key=repr):
                yield repr(name).encode()
                yield from _pieces(value[name])
        case list() | tuple():
            yield f"sequence {len(value)}".encode()
            for part in value:
                yield from _pieces(part)
        case np.generic():
            yield from _pieces(value.item())
        case _:
            yield repr(value).encode()
