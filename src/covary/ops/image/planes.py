"""Pictures of any number of channels for functions that take a few, and real values as pictures."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from covary.plan.changes import Image

_WHITE = {"uint8": 255.0, "uint16": 65535.0}


def by_planes(picture: Image, function: Callable[[Any], Any], most: int = 4) -> Image:
    """What a function of OpenCV makes of an (H, W, C) picture, given up to `most` channels at a time."""
    channels = picture.shape[2]
    if channels <= most:
        return with_channels(function(picture))
    starts = range(0, channels, most)
    return np.concatenate(
        [with_channels(function(np.ascontiguousarray(picture[..., start : start + most]))) for start in starts], axis=2
    )


def with_channels(made: Any) -> Image:
    """(H, W, C): OpenCV drops the last axis of a single channel."""
    picture: Image = made if made.ndim == 3 else made[..., None]
    return picture


def filled(out: Image | None, made: Image) -> Image:
    """What was made, in the array that is to hold it; None: wherever it is."""
    if out is None or out is made:
        return made
    out[...] = made
    return out


def as_picture(values: Image, dtype: Any) -> Image:
    """Real values in a picture's dtype: whole numbers are rounded to nearest and kept inside the dtype's range."""
    white = _WHITE.get(np.dtype(dtype).name)
    if white is None:
        return values.astype(np.float32, copy=False)
    whole = np.rint(values)
    return np.clip(whole, 0, white, out=whole).astype(dtype)


def white_of(picture: Image) -> float:
    """The highest value of the picture's range."""
    return _WHITE.get(picture.dtype.name, 1.0)
