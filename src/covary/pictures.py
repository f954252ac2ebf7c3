"""Pictures as users give them, and as the engine holds them: (height, width, channels), C-contiguous."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from covary.plan.changes import Image, Ints

_DTYPES = (np.dtype(np.uint8), np.dtype(np.uint16), np.dtype(np.float32))


def as_picture(value: Any, field: str) -> Image:
    """Check a user's image and give it three axes. The pixels are shared, not copied, where they lie in order.

    Args:
        value: (height, width) or (height, width, channels) array of uint8, uint16 or float32.
        field: its name in error messages.

    Raises:
        TypeError: not an array, or of another dtype.
        ValueError: another number of axes, or an axis of length zero.
    """
    if not isinstance(value, np.ndarray):
        raise TypeError(f"{field} is a {type(value).__name__}; a NumPy array is needed")
    if value.dtype not in _DTYPES:
        raise TypeError(f"{field} has dtype {value.dtype}; allowed are uint8, uint16 and float32")
    if value.ndim == 2:
        value = value[:, :, None]
    if value.ndim != 3:
        raise ValueError(f"{field} has shape {value.shape}; allowed are (height, width) and (height, width, channels)")
    if 0 in value.shape:
        raise ValueError(f"{field} has shape {value.shape}; no axis may be empty")
    return np.ascontiguousarray(value)


def as_pictures(values: Sequence[Any], field: str) -> list[Image]:
    """Check users' images as `as_picture` does; their index is added to the field's name."""
    if len(values) and all(map(_is_picture, values)):
        return list(values)
    return [as_picture(value, f"{field}[{index}]") for index, value in enumerate(values)]


def alike(values: Sequence[Any]) -> list[Image] | None:
    """Users' images as they are where all have one shape and one dtype and there is nothing to be done; else None."""
    if not all(map(_is_picture, values)):
        return None
    return list(values) if len({(value.shape, value.dtype) for value in values}) == 1 else None


def _is_picture(value: Any) -> bool:
    """Whether there is nothing to be done."""
    return (
        type(value) is np.ndarray
        and value.ndim == 3
        and value.dtype in _DTYPES
        and value.flags.c_contiguous
        and value.size > 0
    )


def like_input(picture: Image, value: Image) -> Image:
    """Drop the channel axis again where the user's image had none (and the finished picture is not channels first)."""
    if value.ndim == 2 and picture.shape[-1] == 1:
        return picture[..., 0]
    return picture


def sizes_of(pictures: Sequence[Image]) -> Ints:
    """(B, 2) heights and widths."""
    shapes = [picture.shape[:2] for picture in pictures]
    if shapes.count(shapes[0]) < len(shapes):
        return np.array(shapes, dtype=np.int64)
    sizes = np.empty((len(shapes), 2), dtype=np.int64)
    sizes[:] = shapes[0]
    return sizes
