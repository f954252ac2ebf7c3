"""The levels of pictures of whole numbers: how often each occurs, the ends of their range, and what becomes of each."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from covary import kernels
from covary.plan.changes import Image


def level_counts(picture: Image) -> NDArray[np.int64]:
    """(C, 256 or 65,536) how often each level occurs in each channel of an (H, W, C) picture of uint8 or uint16."""
    levels = int(np.iinfo(picture.dtype).max) + 1
    if kernels.native is None:
        return np.stack([np.bincount(picture[..., c].ravel(), minlength=levels) for c in range(picture.shape[2])])
    counts = np.zeros((picture.shape[2], levels), np.int64)
    kernels.native.count_levels(np.ascontiguousarray(picture), counts)
    return counts


def level_ends(picture: Image) -> NDArray[np.int64]:
    """(2, C) the least and the greatest value of each channel of an (H, W, C) picture of uint8 or uint16."""
    if kernels.native is None:
        return np.stack([picture.min(axis=(0, 1)), picture.max(axis=(0, 1))]).astype(np.int64)
    ends = np.empty((2, picture.shape[2]), np.int64)
    kernels.native.find_ends(np.ascontiguousarray(picture), ends)
    return ends


def looked_up(picture: Image, tables: NDArray[np.floating]) -> Image:
    """Each value of an (H, W, C) picture, uint8 or uint16, by what its channel's table, (C, levels), says.

    Entries are rounded to nearest and must lie in the range. A contiguous picture is changed in place.
    """
    whole = np.rint(tables).astype(picture.dtype)
    made = np.ascontiguousarray(picture)
    if kernels.native is not None:
        kernels.native.look_up_levels(made, whole)
        return made
    for channel, table in enumerate(whole):
        made[..., channel] = table[made[..., channel]]
    return made
