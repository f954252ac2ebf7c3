"""The levels of pictures of whole numbers: how often each occurs, and what becomes of it."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from covary.plan.changes import Image


def level_counts(picture: Image) -> NDArray[np.int64]:
    """(C, 256 or 65,536) how often each level occurs in each channel of an (H, W, C) picture of uint8 or uint16."""
    levels = int(np.iinfo(picture.dtype).max) + 1
    if levels == 256:
        counts = [cv2.calcHist([picture], [c], None, [256], [0, 256]).ravel() for c in range(picture.shape[2])]
        return np.stack(counts).astype(np.int64)
    return np.stack([np.bincount(picture[..., c].ravel(), minlength=levels) for c in range(picture.shape[2])])


def looked_up(picture: Image, tables: NDArray[np.floating]) -> Image:
    """Each value of an (H, W, C) picture, uint8 or uint16, by what its channel's table, (C, levels), says.

    Entries are rounded to nearest and must lie in the range.
    """
    whole = np.rint(tables).astype(picture.dtype)
    if picture.dtype == np.uint8:
        # Channel by channel is quicker than a table of several channels.
        planes = [cv2.LUT(plane, table) for plane, table in zip(cv2.split(picture), whole, strict=True)]
        return np.asarray(cv2.merge(planes)).reshape(picture.shape)
    made = np.empty_like(picture)
    for channel, table in enumerate(whole):
        np.take(table, picture[..., channel], out=made[..., channel])
    return made
