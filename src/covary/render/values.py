"""Changes of value: each step of a stage on real numbers, unclipped, in the image's own range.

All is written for any float precision: what comes in as float64 stays float64.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from covary.draws.laws import law_values
from covary.draws.streams import (
    TAG_ERASE,
    TAG_GAUSSIAN,
    TAG_IMPULSES,
    TAG_QUADRATURE,
    gaussian_values,
    picture_bits,
)
from covary.plan.changes import Colour, Curve, Erase, Fill, Floats, GaussianField, Impulses, Shade, SignalNoise
from covary.plan.stages import ValueStep

REC_601 = (0.299, 0.587, 0.114)


def change_values(
    values: Floats, steps: tuple[ValueStep, ...], row: int, *, white: float, integers: bool, coverage: Floats | None
) -> Floats:
    """A picture's values after all steps that are active for the sample.

    Args:
        values: (H, W, C) floats; left as they are.
        steps: in order.
        row: the sample.
        white: the image's white, 255, 65535 or 1.
        integers: whether the image's own dtype is an integer one (curves then look up whole levels).
        coverage: (H, W), how much of each pixel the source covers; None: all of it.
    """
    for step in steps:
        if step.active is not None and not step.active[row]:
            continue
        change = step.change
        if isinstance(change, Colour):
            values = _coloured(values, change, row)
        elif isinstance(change, Curve):
            values = _curved(values, change, row, white, integers)
        elif isinstance(change, Shade):
            values = _shaded(values, change, row)
        elif isinstance(change, GaussianField):
            values = _with_gaussian_noise(values, change, row)
        elif isinstance(change, SignalNoise):
            values = _with_signal_noise(values, change, row)
        elif isinstance(change, Impulses):
            values = _with_impulses(values, change, row, white)
        elif isinstance(change, Erase):
            values = _erased(values, change, row, white)
        else:
            values = _filled(values, change, row, coverage)
    return values


def mean_luma(values: Floats) -> float:
    """The mean brightness of a picture: Rec. 601 weights for three channels, else the plain mean of the channels."""
    means = values.mean(axis=(0, 1), dtype=np.float64)
    return float(means @ REC_601) if len(means) == 3 else float(means.mean())


def _coloured(values: Floats, change: Colour, row: int) -> Floats:
    offset = change.matrix[row, :, -1]
    if change.pivot is not None and values.size:
        offset = offset + change.pivot[row] * mean_luma(values)
    height, width, channels = values.shape
    changed: Floats = values @ change.matrix[row, :, :-1].T.astype(values.dtype)
    # Added row by row: NumPy is slow where the last axis is as short as a pixel's channels.
    rows = changed.reshape(height, width * channels) + np.tile(offset.astype(values.dtype), width)
    return rows.reshape(height, width, channels)


def _curved(values: Floats, change: Curve, row: int, white: float, integers: bool) -> Floats:
    table = change.table[row].astype(values.dtype)
    last = table.shape[1] - 1
    channel = np.arange(values.shape[2]) % len(table)
    # NaN has no place in the range; it counts as black.
    place = np.nan_to_num(np.clip(values, 0, white), nan=0.0)
    looked_up: Floats
    if integers:
        looked_up = table[channel, np.minimum(np.rint(place).astype(np.int64), last)]
        return looked_up
    place = place * values.dtype.type(last / white)
    before = np.minimum(np.floor(place), max(last - 1, 0)).astype(np.int64)
    t = place - before.astype(values.dtype)
    looked_up = table[channel, before] * (1 - t) + table[channel, np.minimum(before + 1, last)] * t
    return looked_up


def _shaded(values: Floats, change: Shade, row: int) -> Floats:
    height, width, channels = values.shape
    grid = change.grids[row].astype(values.dtype)
    if grid.ndim != 4 or 0 in grid.shape or grid.shape[2] != 2 or grid.shape[3] not in (1, channels):
        raise ValueError(
            f"Shade.grids: sample {row} has shape {grid.shape}, expected (rows, columns, 2, 1 or {channels})"
        )
    for axis, length in ((0, height), (1, width)):
        knots = grid.shape[axis]
        place = (np.arange(length) + 0.5) * ((knots - 1) / length)
        before = np.minimum(place.astype(np.int64), max(knots - 2, 0))
        part = (place - before).astype(values.dtype).reshape(-1, *[1] * (3 - axis))
        first = grid.take(before, axis)
        grid = first + part * (grid.take(np.minimum(before + 1, knots - 1), axis) - first)
    shaded: Floats = values * grid[:, :, 0] + grid[:, :, 1]
    return shaded


def _with_gaussian_noise(values: Floats, change: GaussianField, row: int) -> Floats:
    height, width, channels = values.shape
    planes = channels if change.per_channel else 1
    bits = picture_bits(int(change.stream[row]), TAG_GAUSSIAN, height, width, planes)
    noise = gaussian_values(bits).astype(values.dtype) * values.dtype.type(change.scale[row])
    return values + (noise + values.dtype.type(change.mean[row]))


def _with_signal_noise(values: Floats, change: SignalNoise, row: int) -> Floats:
    height, width, channels = values.shape
    planes = channels if change.per_channel else 1
    stream, real = int(change.stream[row]), values.dtype.type
    bits = picture_bits(stream, TAG_GAUSSIAN, height, width, planes)
    lit = np.maximum(values, 0)
    slope = real(change.slope[row])
    if change.model == "counts":
        return _counts(lit / slope, bits) * slope if slope > 0 else values
    if not (change.variance[row] or slope or change.gain[row]):
        return values
    scale = np.sqrt(real(change.variance[row]) + slope * lit + np.square(real(change.gain[row]) * values))
    if change.model == "magnitude":
        beside = gaussian_values(picture_bits(stream, TAG_QUADRATURE, height, width, planes)).astype(values.dtype)
        along = values + scale * gaussian_values(bits).astype(values.dtype)
        magnitude: Floats = np.sqrt(np.square(along) + np.square(scale * beside))
        return magnitude
    z = gaussian_values(bits) if change.law is None else law_values(bits, change.law[row].astype(np.float32))
    noisy: Floats = values + scale * z.astype(values.dtype)
    return noisy


# Below this mean counts are found one by one, above by the expansion of their quantile, right to 0.0005 of a share.
FEW = 6


def _counts(mean: Floats, bits: NDArray[np.uint16]) -> Floats:
    """Poisson numbers by the quantile function: of 16-bit numbers, or of the normal ones that are made of them.

    The expansion is that of Giles, "Algorithm 955: approximation of the inverse Poisson cumulative distribution
    function", 2016.
    """
    z = gaussian_values(bits).astype(mean.dtype)
    root = np.sqrt(np.maximum(mean, FEW))
    many = np.floor(np.maximum(mean + root * z + (1 / 3 + z * z / 6) - (z / 36 + z * z * z / 72) / root, 0))
    chance = (bits.astype(mean.dtype) + 0.5) / 65536
    below = share = np.exp(-np.minimum(mean, FEW))
    few = np.zeros(np.broadcast_shapes(mean.shape, bits.shape), mean.dtype)
    for count in range(1, 21):
        few += chance > below
        share = share * (mean / count)
        below = below + share
    counts: Floats = np.where(mean < FEW, few, many)
    return counts


def _with_impulses(values: Floats, change: Impulses, row: int, white: float) -> Floats:
    height, width, channels = values.shape
    amount, salt, stream = float(change.amount[row]), float(change.salt[row]), int(change.stream[row])
    bits = picture_bits(stream, TAG_IMPULSES, height, width, channels if change.per_channel else 1)
    # Both sides of the comparison are float32 by contract: every renderer strikes the same pixels.
    chance = (bits.astype(np.float32) + np.float32(0.5)) / np.float32(65536)
    other: Floats = np.zeros(1, values.dtype) if change.colour is None else change.colour[row].astype(values.dtype)
    if change.noise:
        other = picture_bits(stream, TAG_ERASE, height, width, channels).astype(values.dtype) * (white / 65535)
    pepper = np.where(chance < np.float32(amount), other, values)
    return np.where(chance < np.float32(amount * salt), values.dtype.type(white), pepper)


def _erased(values: Floats, change: Erase, row: int, white: float) -> Floats:
    height, width, channels = values.shape
    if change.fill == "constant":
        assert change.colour is not None, "Erase with fill='constant' carries a colour"
        paint = np.broadcast_to(change.colour[row].astype(values.dtype), values.shape)
    else:
        assert change.stream is not None, "Erase with fill='noise' carries streams"
        bits = picture_bits(int(change.stream[row]), TAG_ERASE, height, width, channels)
        paint = bits.astype(values.dtype) * values.dtype.type(white / 65535)
    count, most = int(change.count[row]), change.rectangles.shape[1]
    if not 0 <= count <= most:
        raise ValueError(f"Erase.count: sample {row} has {count} rectangles in use, expected 0 to {most}")
    changed = values.copy()
    for x0, y0, x1, y1 in np.maximum(change.rectangles[row, :count], 0):
        changed[y0:y1, x0:x1] = paint[y0:y1, x0:x1]
    return changed


def _filled(values: Floats, change: Fill, row: int, coverage: Floats | None) -> Floats:
    if coverage is None:
        return values
    inside = coverage[..., None].astype(values.dtype)
    colour = change.colour[row].astype(values.dtype)
    # Outside, whatever stands there (NaN included) counts nothing.
    painted: Floats = np.where(inside == 0, colour, values * inside + colour * (1 - inside))
    return painted
