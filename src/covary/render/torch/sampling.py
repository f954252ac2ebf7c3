"""Values between the pixels of a batch: nearest, linear and cubic sampling, and the halved levels to shrink from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import torch
from torch import Tensor

from covary.plan.changes import Border, Interpolation
from covary.render.sampling import tap_weights


@dataclass(frozen=True, slots=True, eq=False)
class Level:
    """The pictures from which a batch is sampled, each of a size of its own.

    Attributes:
        pixels: (B, C, N), the pixels of a sample's picture row by row, from `first` on.
        height, width, first: whole numbers (B, 1, 1), or (1, 1, 1) where all samples agree.
    """

    pixels: Tensor
    height: Tensor
    width: Tensor
    first: Tensor


def level_of(pictures: Tensor) -> Level:
    """(B, C, H, W) pictures as they are."""
    height, width, first = (
        torch.full((1, 1, 1), number, dtype=torch.int64, device=pictures.device) for number in (*pictures.shape[2:], 0)
    )
    return Level(pictures.flatten(2), height, width, first)


def halved_level(pictures: Tensor, levels: Sequence[tuple[int, int]], *, rounded: bool) -> Level:
    """Pictures reduced for shrinking: each halving replaces two neighbours by their mean, a last odd one stays alone.

    Args:
        pictures: (B, C, H, W) floats.
        levels: how often each sample is halved along x and along y.
        rounded: whether values are rounded to whole numbers (ties to even), once, after all halvings.
    """
    kinds = sorted(set(levels))
    parts = [_halved(pictures, *kind, rounded=rounded) for kind in kinds]
    starts = [0]
    for part in parts:
        starts.append(starts[-1] + part.shape[2] * part.shape[3])
    chosen = [kinds.index(level) for level in (levels if len(kinds) > 1 else kinds)]
    height, width, first = (
        torch.tensor([of_kind[kind] for kind in chosen], device=pictures.device).reshape(-1, 1, 1)
        for of_kind in ([part.shape[2] for part in parts], [part.shape[3] for part in parts], starts)
    )
    pixels = torch.cat([part.flatten(2) for part in parts], 2) if len(parts) > 1 else parts[0].flatten(2)
    return Level(pixels, height, width, first)


def _halved(pictures: Tensor, along_x: int, along_y: int, *, rounded: bool) -> Tensor:
    halved = pictures
    for axis, count in ((3, along_x), (2, along_y)):
        for _ in range(count):
            halved = _halve(halved, axis)
    return halved.round() if rounded and halved is not pictures else halved


def _halve(values: Tensor, axis: int) -> Tensor:
    odd = values.shape[axis] % 2
    pairs = values.narrow(axis, 0, values.shape[axis] - odd)
    first, second = (pairs[:, :, :, half::2] if axis == 3 else pairs[:, :, half::2] for half in (0, 1))
    return torch.cat([(first + second) / 2, values.narrow(axis, values.shape[axis] - odd, odd)], axis)


def sample(
    level: Level, x: Tensor, y: Tensor, size: tuple[int, int], interpolation: Interpolation, border: Border
) -> Tensor:
    """The pictures' values at continuous positions.

    Args:
        level: the pictures, of a float dtype unless interpolation is "nearest", which takes any and keeps it.
        x, y: positions that broadcast to (B, H, W), |value| at most 2**30; NaN in both stands for pixel (0, 0).
        size: H and W.
        interpolation, border: as in `covary.render.sampling.sample`.

    Returns:
        (B, C, H, W) of the pictures' dtype. A tap of weight 0 adds nothing, be its pixel NaN or infinite.
    """
    taps_y = _axis_taps(y, level.height, interpolation, border)
    taps_x = _axis_taps(x, level.width, interpolation, border)
    rows = [(level.first + row * level.width, weight) for row, weight in taps_y]
    if interpolation == "nearest":
        return _taken(level.pixels, rows[0][0] + taps_x[0][0], size)
    total: Tensor | None = None
    for (row, weight_y), (column, weight_x) in product(rows, taps_x):
        weight = (weight_y * weight_x)[:, None]
        tap = _taken(level.pixels, row + column, size)
        part = torch.where(weight == 0, 0, tap * weight)
        total = part if total is None else total + part
    assert total is not None
    return total


def _taken(pixels: Tensor, places: Tensor, size: tuple[int, int]) -> Tensor:
    """(B, C, H, W) pixels at places that broadcast to (B, H, W)."""
    samples, channels, _ = pixels.shape
    index = places.expand(samples, *size).reshape(samples, 1, -1).expand(-1, channels, -1)
    return torch.gather(pixels, 2, index).reshape(samples, channels, *size)


def _axis_taps(
    position: Tensor, n: Tensor, interpolation: Interpolation, border: Border
) -> list[tuple[Tensor, Tensor]]:
    """The pixels along one axis that make up each sample, and their weights."""
    index = (position if interpolation == "nearest" else position - 0.5).nan_to_num(0.0)
    base = index.floor()
    weights = tap_weights(index - base, interpolation)
    first = base.long() - (len(weights) - 1) // 2
    return [(map_indices(first + k, n, border), weight) for k, weight in enumerate(weights)]


def map_indices(indices: Tensor, n: Tensor, border: Border) -> Tensor:
    """The pixel that stands for an index inside or outside an axis of n pixels; see `covary.render.borders`."""
    if border in ("constant", "edge"):
        return torch.minimum(indices.clamp(min=0), n - 1)
    if border == "wrap":
        return torch.remainder(indices, n)
    # Mirrored about the outermost pixels (reflect) or about their outer edges (symmetric).
    period = (2 * (n - 1)).clamp(min=1) if border == "reflect" else 2 * n
    last = 2 * (n - 1) if border == "reflect" else 2 * n - 1
    folded = torch.remainder(indices, period)
    return torch.minimum(folded, last - folded)


def coverage(level: Level, x: Tensor, y: Tensor, interpolation: Interpolation) -> Tensor:
    """How much of each sample lies inside the picture, 0 to 1; broadcasts to (B, H, W)."""
    return _axis_coverage(x, level.width, interpolation) * _axis_coverage(y, level.height, interpolation)


def _axis_coverage(position: Tensor, n: Tensor, interpolation: Interpolation) -> Tensor:
    if interpolation == "nearest":
        index = position.floor()
        return ((index >= 0) & (index < n)).float()
    index = position - 0.5
    return torch.minimum(index + 1, n - index).clamp(0, 1).nan_to_num(0.0)
