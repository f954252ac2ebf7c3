"""Tone from the picture's own values: each channel spread over the whole range, or spread evenly in it."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from covary.draws.distributions import Constant, Range
from covary.ops.amounts import Amount
from covary.ops.base import Draw, operation, ranged
from covary.ops.image.levels import level_counts, looked_up
from covary.ops.view import WHITE, View
from covary.plan.changes import Image, Pixels


@operation
class AutoContrast(Amount):
    """Stretch each channel so that its darkest value becomes black and its brightest white.

    Any (H, W, C) image of uint8, uint16 or float32; a channel of one value stays as it is.

    Args:
        cutoff: share of the pixels at either end that count as black and white already, from 0 to 0.49. Default 0.
        amount: share of the stretched picture, 0 to 1, in a blend with the given one. Default 1. Identity: 0.

    Pillow's and torchvision's `autocontrast`, rounded to nearest instead of down. The curve is measured on the picture
    as it stands at this place, so the operation is a pass of its own.

    Helps: part of the AutoAugment and RandAugment families; haze, scans and cameras of different exposure.
    Hurts: pictures whose values are measurements; channels stretched one by one shift colours.
    """

    cutoff: Range = ranged(default=Constant(0.0), low=0, high=0.49)
    amount: Range = ranged(default=Constant(1.0, identity=0), low=0, high=1)

    def describe(self, draw: Draw, view: View) -> Pixels:
        pairs = zip(draw("cutoff").tolist(), draw("amount").tolist(), strict=True)
        return Pixels(stretched, tuple({"cutoff": cutoff, "amount": amount} for cutoff, amount in pairs))


@operation
class Equalize(Amount):
    """Spread the values of each channel evenly over the range.

    Any (H, W, C) image of uint8, uint16 or float32; a channel of one value stays as it is.

    Args:
        amount: share of the equalised picture, 0 to 1, in a blend with the given one. Default 1. Identity: 0.

    A value becomes the share of pixels that are not brighter, the darkest ones left out of the count, as OpenCV's
    `equalizeHist` has it. Pillow and torchvision count in whole steps of N / 255 pixels: on pictures of few pixels
    theirs saturates, and below 256 pixels does nothing. For uint16 all 65,536 levels are counted, for float32 each
    value that occurs. The curve is measured on the picture as it stands at this place, so the operation is a pass of
    its own.

    Helps: part of the AutoAugment and RandAugment families; pictures of widely differing exposure.
    Hurts: pictures whose values are measurements, or with large even areas, whose noise it blows up.
    """

    amount: Range = ranged(default=Constant(1.0, identity=0), low=0, high=1)

    def describe(self, draw: Draw, view: View) -> Pixels:
        return Pixels(equalised, tuple({"amount": amount} for amount in draw("amount").tolist()))


def stretched(picture: Image, *, cutoff: float = 0.0, amount: float = 1.0) -> Image:
    """A picture (H, W, C) with each channel stretched over the range, blended with itself."""
    white = WHITE[picture.dtype.name]
    if picture.dtype.kind != "f":
        inputs = np.arange(int(white) + 1)
        ends = [_counted_ends(counts, cutoff) for counts in level_counts(picture)]
        return looked_up(picture, np.stack([_stretch(inputs, *pair, white, amount) for pair in ends]))
    made = np.empty_like(picture)
    for channel in range(picture.shape[2]):
        values = picture[:, :, channel]
        made[:, :, channel] = _stretch(values, *_ends(values, cutoff), white, amount)
    return made


def equalised(picture: Image, *, amount: float = 1.0) -> Image:
    """A picture (H, W, C) with the values of each channel spread evenly, blended with itself."""
    white = WHITE[picture.dtype.name]
    if picture.dtype.kind != "f":
        inputs = np.arange(int(white) + 1)
        return looked_up(
            picture, np.stack([_spread(inputs, counts, white, amount) for counts in level_counts(picture)])
        )
    made = np.empty_like(picture)
    for channel in range(picture.shape[2]):
        values = picture[:, :, channel]
        levels, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
        made[:, :, channel] = _spread(levels, counts, white, amount)[inverse.reshape(values.shape)]
    return made


def _stretch(values: NDArray[Any], low: float, high: float, white: float, amount: float) -> NDArray[Any]:
    if not high > low:
        return values
    return _blend(values, np.clip((values - low) * (white / (high - low)), 0, white), amount)


def _spread(levels: NDArray[Any], counts: NDArray[np.integer[Any]], white: float, amount: float) -> NDArray[Any]:
    """What becomes of each level, of which there are so many."""
    if np.count_nonzero(counts) < 2:
        return levels
    return _blend(levels, np.clip(_even(counts), 0, 1) * white, amount)


def _ends(values: NDArray[Any], cutoff: float) -> tuple[float, float]:
    """The lowest and the highest value, so many pixels at either end left out."""
    if not cutoff:
        return float(values.min()), float(values.max())
    skipped = int(cutoff * values.size)
    order = np.partition(values.reshape(-1), (skipped, values.size - 1 - skipped))
    return float(order[skipped]), float(order[values.size - 1 - skipped])


def _counted_ends(counts: NDArray[np.int64], cutoff: float) -> tuple[float, float]:
    """The same, by how often each level occurs."""
    passed = np.cumsum(counts)
    skipped = int(cutoff * int(passed[-1]))
    low, high = np.searchsorted(passed, (skipped, int(passed[-1]) - 1 - skipped), side="right")
    return float(low), float(high)


def _even(counts: NDArray[np.integer[Any]]) -> NDArray[np.float64]:
    """For each level the share of pixels up to it, the first level that occurs left out of the count."""
    first = int(counts[np.flatnonzero(counts)[0]])
    even: NDArray[np.float64] = (np.cumsum(counts) - first) / (counts.sum() - first)
    return even


def _blend(values: NDArray[Any], changed: NDArray[Any], amount: float) -> NDArray[Any]:
    # At 1 the sum would miss the changed value by rounding.
    return changed if amount == 1 else values + amount * (changed - values)
