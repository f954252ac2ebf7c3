"""The levels of pictures of whole numbers: how often each occurs, the ends of their range, and what becomes of each."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from covary import kernels
from covary.ops.view import WHITE
from covary.plan.changes import Image


def level_counts(picture: Image) -> NDArray[np.int64]:
    """(C, 256 or 65,536) how often each level occurs in each channel of an (H, W, C) picture of uint8 or uint16."""
    levels = int(np.iinfo(picture.dtype).max) + 1
    if kernels.native is None:
        return np.stack([np.bincount(picture[..., c].ravel(), minlength=levels) for c in range(picture.shape[2])])
    counts = np.zeros((picture.shape[2], levels), np.int64)
    kernels.native.count_levels(np.ascontiguousarray(picture), counts)
    return counts


def level_ends(picture: Image, cutoff: float = 0.0) -> NDArray[np.int64]:
    """(2, C) the least and the greatest value of each channel of an (H, W, C) picture of uint8 or uint16.

    Args:
        cutoff: share of the pixels, below one half, that is left out at either end.
    """
    skipped = int(cutoff * (picture.shape[0] * picture.shape[1]))
    if kernels.native is not None and _counts_fit(picture):
        ends = np.empty((2, picture.shape[2]), np.int64)
        kernels.native.find_ends(np.ascontiguousarray(picture), skipped, ends)
        return ends
    if not skipped:
        return np.stack([picture.min(axis=(0, 1)), picture.max(axis=(0, 1))]).astype(np.int64)
    last = picture.shape[0] * picture.shape[1] - 1
    passed = np.cumsum(level_counts(picture), axis=1)
    return np.stack([np.searchsorted(own, (skipped, last - skipped), side="right") for own in passed], axis=1)


def stretched_levels(picture: Image, ends: NDArray[np.int64], amount: float) -> Image:
    """Each channel of an (H, W, C) picture, uint8 or uint16, stretched from its (2, C) ends over the whole range.

    Blended with the picture: `amount`, 0 to 1, is the share of what is stretched. A channel whose ends are the same
    stays as it is. A contiguous picture is changed in place.
    """
    if kernels.native is not None:
        made = np.ascontiguousarray(picture)
        kernels.native.stretch_levels(made, ends, amount)
        return made
    white = WHITE[picture.dtype.name]
    inputs = np.arange(int(white) + 1)
    return looked_up(
        picture, np.stack([stretch(inputs, float(low), float(high), white, amount) for low, high in ends.T])
    )


def spread_levels(picture: Image, amount: float) -> Image:
    """Each channel of an (H, W, C) picture, uint8 or uint16, with its values spread evenly over the whole range.

    Blended with the picture: `amount`, 0 to 1, is the share of what is spread. A channel of one value stays as it is. A
    contiguous picture is changed in place.
    """
    if kernels.native is not None and _counts_fit(picture):
        made = np.ascontiguousarray(picture)
        kernels.native.spread_levels(made, amount)
        return made
    white = WHITE[picture.dtype.name]
    inputs = np.arange(int(white) + 1)
    return looked_up(picture, np.stack([spread(inputs, counts, white, amount) for counts in level_counts(picture)]))


def stretch(values: NDArray[Any], low: float, high: float, white: float, amount: float) -> NDArray[Any]:
    """Values with `low` brought to 0 and `high` to white, blended with themselves."""
    if not high > low:
        return values
    return _blend(values, np.clip((values - low) * (white / (high - low)), 0, white), amount)


def spread(levels: NDArray[Any], counts: NDArray[np.integer[Any]], white: float, amount: float) -> NDArray[Any]:
    """What becomes of each level, of which there are so many, spread evenly from 0 to white, blended with itself."""
    if np.count_nonzero(counts) < 2:
        return levels
    return _blend(levels, np.clip(_even(counts), 0, 1) * white, amount)


def _even(counts: NDArray[np.integer[Any]]) -> NDArray[np.float64]:
    """For each level the share of pixels up to it, the first level that occurs left out of the count."""
    first = int(counts[np.flatnonzero(counts)[0]])
    even: NDArray[np.float64] = (np.cumsum(counts) - first) / (counts.sum() - first)
    return even


def _blend(values: NDArray[Any], changed: NDArray[Any], amount: float) -> NDArray[Any]:
    # At 1 the sum would miss the changed value by rounding.
    return changed if amount == 1 else values + amount * (changed - values)


def _counts_fit(picture: Image) -> bool:
    """Whether the kernels, which count in 32 bits, can count the picture's pixels."""
    return bool(picture.shape[0] * picture.shape[1] < 1 << 32)


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
