"""Changes of value of a batch: each step of a stage on float32 numbers, unclipped, in the image's own range."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
import torch
from torch import Tensor

from covary.draws.streams import TAG_ERASE, TAG_GAUSSIAN, TAG_IMPULSES, TAG_QUADRATURE
from covary.plan.changes import (
    Colour,
    Curve,
    Erase,
    Fill,
    GaussianField,
    Impulses,
    Shade,
    SignalNoise,
    Value,
)
from covary.plan.stages import ValueStep, take_change
from covary.render.torch.noise import gaussian_values, law_values, picture_bits
from covary.render.torch.transfer import on_device, whole_on_device
from covary.render.values import FEW, REC_601

Changed: TypeAlias = Callable[[Tensor, Any, float, bool], Tensor]


def change_values(
    values: Tensor, steps: tuple[ValueStep, ...], *, white: float, integers: bool, coverage: Tensor | None
) -> Tensor:
    """Pictures' values after all steps, each for the samples for which it is active.

    Args:
        values: (B, C, H, W) float32; left as they are.
        steps: in order, row b of each for sample b.
        white: the image's white, 255, 65535 or 1.
        integers: whether the image's own dtype is an integer one (curves then look up whole levels).
        coverage: broadcasts to (B, H, W), how much of each pixel the source covers; None: all of it.
    """
    for step in steps:
        change, active = step.change, step.active
        if active is None or active.all():
            values = _changed(values, change, white, integers, coverage)
        elif active.any():
            rows = np.flatnonzero(active)
            index = whole_on_device(rows, values.device)
            covered = coverage if coverage is None or len(coverage) == 1 else coverage[index]
            part = _changed(values[index], take_change(change, rows), white, integers, covered)
            values = values.index_copy(0, index, part)
    return values


def _changed(values: Tensor, change: Value, white: float, integers: bool, coverage: Tensor | None) -> Tensor:
    if isinstance(change, Fill):
        return values if coverage is None else _filled(values, change, coverage, integers)
    return _CHANGES[type(change)](values, change, white, integers)


def _by_sample(numbers: Any, values: Tensor) -> Tensor:
    """(B,) or (B, C) numbers beside (B, C, H, W) values."""
    tensor = on_device(numbers, values.device)
    return tensor.reshape(len(tensor), -1, 1, 1)


def _coloured(values: Tensor, change: Colour, white: float, integers: bool) -> Tensor:
    matrix = on_device(change.matrix, values.device)
    offset = matrix[:, :, -1]
    if change.pivot is not None and values.numel():
        offset = offset + on_device(change.pivot, values.device) * _mean_luma(values)[:, None]
    total = offset[:, :, None, None]
    for channel in range(values.shape[1]):
        total = torch.addcmul(total, matrix[:, :, channel, None, None], values[:, channel : channel + 1])
    return total


def _mean_luma(values: Tensor) -> Tensor:
    """(B,) mean brightness: Rec. 601 weights for three channels, else the plain mean of the channels."""
    means = values.mean((2, 3))
    shares = REC_601 if means.shape[1] == 3 else [1 / means.shape[1]] * means.shape[1]
    weights = torch.tensor(shares, dtype=torch.float32, device=means.device)
    luma: Tensor = (means * weights).sum(1)
    return luma


def _curved(values: Tensor, change: Curve, white: float, integers: bool) -> Tensor:
    channels = values.shape[1]
    tables = change.table
    if isinstance(tables, tuple):
        most = max(len(table) for table in tables)
        tables = np.stack([np.broadcast_to(table, (most, table.shape[1])) for table in tables])
    table = on_device(tables, values.device)
    if table.shape[1] != channels:
        table = table[:, [channel % table.shape[1] for channel in range(channels)]]
    last = table.shape[2] - 1
    place = values.clamp(0, white).nan_to_num(0.0).flatten(2)
    if integers:
        return torch.gather(table, 2, place.round().long()).reshape(values.shape)
    place = place * (last / white)
    before = place.floor().clamp(max=max(last - 1, 0))
    t, first = place - before, before.long()
    found = torch.gather(table, 2, first) * (1 - t) + torch.gather(table, 2, (first + 1).clamp(max=last)) * t
    return found.reshape(values.shape)


def _shaded(values: Tensor, change: Shade, white: float, integers: bool) -> Tensor:
    grid = on_device(np.stack(change.grids), values.device)  # (B, rows, columns, 2, K)
    for axis, length in ((1, values.shape[2]), (2, values.shape[3])):
        knots = grid.shape[axis]
        place = (np.arange(length) + 0.5) * ((knots - 1) / length)
        before = np.minimum(place.astype(np.int64), max(knots - 2, 0))
        first, second = (whole_on_device(at, grid.device) for at in (before, np.minimum(before + 1, knots - 1)))
        part = on_device(place - before, grid.device).reshape([-1 if i == axis else 1 for i in range(5)])
        near = grid.index_select(axis, first)
        grid = near + part * (grid.index_select(axis, second) - near)
    gain, offset = grid.permute(3, 0, 4, 1, 2).unbind(0)
    return values * gain + offset


def _with_gaussian_noise(values: Tensor, change: GaussianField, white: float, integers: bool) -> Tensor:
    noise = gaussian_values(_bits(values, change, TAG_GAUSSIAN)) * _by_sample(change.scale, values)
    return values + (noise + _by_sample(change.mean, values))


def _bits(values: Tensor, change: GaussianField | SignalNoise | Impulses, tag: int) -> Tensor:
    _, channels, height, width = values.shape
    return picture_bits(change.stream, tag, height, width, channels if change.per_channel else 1, values.device)


def _with_signal_noise(values: Tensor, change: SignalNoise, white: float, integers: bool) -> Tensor:
    bits = _bits(values, change, TAG_GAUSSIAN)
    lit = values.clamp(min=0)
    slope, variance, gain = (_by_sample(each, values) for each in (change.slope, change.variance, change.gain))
    if change.model == "counts":
        return torch.where(slope > 0, _counts(lit / slope, bits) * slope, values)
    scale = (variance + slope * lit + (gain * values).square()).sqrt()
    if change.model == "magnitude":
        beside = gaussian_values(_bits(values, change, TAG_QUADRATURE))
        noisy = ((values + scale * gaussian_values(bits)).square() + (scale * beside).square()).sqrt()
    else:
        z = gaussian_values(bits) if change.law is None else law_values(bits, change.law)
        noisy = values + scale * z
    return torch.where((variance == 0) & (slope == 0) & (gain == 0), values, noisy)


def _counts(mean: Tensor, bits: Tensor) -> Tensor:
    """Poisson numbers by the quantile function; see `covary.render.values`."""
    z = gaussian_values(bits)
    root = mean.clamp(min=FEW).sqrt()
    many = (mean + root * z + (1 / 3 + z * z / 6) - (z / 36 + z * z * z / 72) / root).clamp(min=0).floor()
    chance = (bits.float() + 0.5) / 65536
    below = share = torch.exp(-mean.clamp(max=FEW))
    few = torch.zeros_like(many)
    for count in range(1, 21):
        few = few + (chance > below)
        share = share * (mean / count)
        below = below + share
    return torch.where(mean < FEW, few, many)


def _with_impulses(values: Tensor, change: Impulses, white: float, integers: bool) -> Tensor:
    chance = (_bits(values, change, TAG_IMPULSES).float() + 0.5) / 65536
    other = torch.zeros((), dtype=torch.float32, device=values.device)
    if change.noise:
        other = _uniform_values(values, change.stream, white)
    elif change.colour is not None:
        other = _by_sample(change.colour, values)
    amount = change.amount.astype(np.float64)
    pepper = torch.where(chance < _by_sample(amount, values), other, values)
    return torch.where(chance < _by_sample(amount * change.salt, values), white, pepper)


def _uniform_values(values: Tensor, stream: Any, white: float) -> Tensor:
    _, channels, height, width = values.shape
    return picture_bits(stream, TAG_ERASE, height, width, channels, values.device).float() * (white / 65535)


def _erased(values: Tensor, change: Erase, white: float, integers: bool) -> Tensor:
    most = change.rectangles.shape[1]
    used = np.arange(most) < change.count[:, None]
    edges = whole_on_device(np.where(used[..., None], change.rectangles, 0), values.device)  # unused ones are empty
    x = torch.arange(values.shape[3], device=values.device)
    y = torch.arange(values.shape[2], device=values.device)
    struck = torch.zeros(len(values), 1, *values.shape[2:], dtype=torch.bool, device=values.device)
    for number in range(int(change.count.max(initial=0))):
        x0, y0, x1, y1 = (edges[:, number, side, None] for side in range(4))
        across, down = (x0 <= x) & (x < x1), (y0 <= y) & (y < y1)
        struck |= (down[:, :, None] & across[:, None, :])[:, None]
    if change.fill == "noise":
        assert change.stream is not None, "Erase with fill='noise' carries streams"
        return torch.where(struck, _uniform_values(values, change.stream, white), values)
    assert change.colour is not None, "Erase with fill='constant' carries a colour"
    return torch.where(struck, _by_sample(change.colour, values), values)


def _filled(values: Tensor, change: Fill, coverage: Tensor, finite: bool) -> Tensor:
    inside = coverage[:, None]
    colour = _by_sample(change.colour, values)
    if finite:
        return torch.lerp(colour, values, inside)
    # Outside, whatever stands there (NaN included) counts nothing.
    return torch.where(inside == 0, colour, values * inside + colour * (1 - inside))


_CHANGES: dict[type, Changed] = {
    Colour: _coloured,
    Curve: _curved,
    Shade: _shaded,
    GaussianField: _with_gaussian_noise,
    SignalNoise: _with_signal_noise,
    Impulses: _with_impulses,
    Erase: _erased,
}
