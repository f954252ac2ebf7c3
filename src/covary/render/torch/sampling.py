"""Values between the pixels of a batch: nearest, linear and cubic sampling, and the halved levels to shrink from."""

from __future__ import annotations

from itertools import product
from typing import TypeAlias

import torch
from torch import Tensor
from torch.nn.functional import grid_sample

from covary.plan.changes import Border, Interpolation
from covary.render.sampling import tap_weights

Taps: TypeAlias = list[tuple[Tensor, Tensor]]


def halved(pictures: Tensor, along_x: int, along_y: int, *, rounded: bool) -> Tensor:
    """Pictures reduced for shrinking: each halving replaces two neighbours by their mean, a last odd one stays alone.

    Args:
        pictures: (B, C, H, W) floats.
        along_x, along_y: number of halvings of each axis. An axis of one pixel stays as it is.
        rounded: whether values are rounded to whole numbers (ties to even), once, after all halvings.
    """
    reduced = pictures
    for axis, count in ((3, along_x), (2, along_y)):
        for _ in range(count):
            reduced = _halve(reduced, axis)
    return reduced.round() if rounded and reduced is not pictures else reduced


def _halve(values: Tensor, axis: int) -> Tensor:
    odd = values.shape[axis] % 2
    pairs = values.narrow(axis, 0, values.shape[axis] - odd)
    first, second = (pairs[:, :, :, half::2] if axis == 3 else pairs[:, :, half::2] for half in (0, 1))
    return torch.cat([(first + second) / 2, values.narrow(axis, values.shape[axis] - odd, odd)], axis)


def sample(
    pictures: Tensor, x: Tensor, y: Tensor, size: tuple[int, int], interpolation: Interpolation, border: Border
) -> Tensor:
    """The pictures' values at continuous positions.

    Args:
        pictures: (B, C, h, w), of a float dtype unless interpolation is "nearest", which takes any and keeps it.
        x, y: positions that broadcast to (B, H, W), |value| at most 2**30; NaN in both stands for pixel (0, 0).
        size: H and W.
        interpolation, border: as in `covary.render.sampling.sample`.

    Returns:
        (B, C, H, W) of the pictures' dtype. A tap of weight 0 adds nothing, be its pixel NaN or infinite.
    """
    if x.shape[1] == 1 and y.shape[2] == 1:
        return _along_axes(pictures, x.flatten(1), y.flatten(1), interpolation, border)
    if x.shape[2] == 1 and y.shape[1] == 1:
        return _along_axes(pictures.transpose(2, 3), y.flatten(1), x.flatten(1), interpolation, border)
    if interpolation == "linear" and border != "wrap":
        return _between_four(pictures, x, y, size, border)
    return _anywhere(pictures, x, y, size, interpolation, border)


def _along_axes(pictures: Tensor, x: Tensor, y: Tensor, interpolation: Interpolation, border: Border) -> Tensor:
    """Columns at x and rows at y, each (B, length) or (1, length): one axis after the other, the shorter way first."""
    height, width = pictures.shape[2:]
    axes = [
        (2, _axis_taps(y, height, interpolation, border)),
        (3, _axis_taps(x, width, interpolation, border)),
    ]
    if height * x.shape[1] < y.shape[1] * width:
        axes.reverse()
    for axis, taps in axes:
        pictures = _along(pictures, taps, axis)
    return pictures


def _along(pictures: Tensor, taps: Taps, axis: int) -> Tensor:
    samples, channels, height, width = pictures.shape
    beside = (samples, 1, -1, 1) if axis == 2 else (samples, 1, 1, -1)

    def at(index: Tensor) -> Tensor:
        places = index.expand(samples, -1).reshape(beside)
        whole = (-1, channels, -1, width) if axis == 2 else (-1, channels, height, -1)
        return torch.gather(pictures, axis, places.expand(whole))

    if len(taps) == 1:
        return at(taps[0][0])
    return _mixed([(at(index), weight.expand(samples, -1).reshape(beside)) for index, weight in taps])


def _mixed(taps: Taps) -> Tensor:
    """Values by their weights; those of weight 0 count nothing, whatever they are."""
    (value, weight), *others = taps
    total = torch.where(weight == 0, 0, value * weight)
    for value, weight in others:
        total = total + torch.where(weight == 0, 0, value * weight)
    return total


def _between_four(pictures: Tensor, x: Tensor, y: Tensor, size: tuple[int, int], border: Border) -> Tensor:
    """Linear sampling by PyTorch's own kernel, which knows these borders by other names."""
    samples, _, height, width = pictures.shape
    centres = border == "reflect"  # mirrored about the outermost pixels' centres, not about their edges
    place = torch.empty(samples, *size, 2, dtype=torch.float32, device=pictures.device)
    for axis, (position, length) in enumerate(((x, width), (y, height))):
        # From -1 to 1 along the picture; lost positions stand for its first pixel.
        torch.sub(position.expand(samples, *size), length / 2, out=place[..., axis])
        place[..., axis] *= 2 / (max(length - 1, 1) if centres else length)
    place.nan_to_num_(-1.0)
    mode = "border" if border in ("constant", "edge") else "reflection"
    return grid_sample(pictures, place, "bilinear", mode, align_corners=centres)


def _anywhere(
    pictures: Tensor, x: Tensor, y: Tensor, size: tuple[int, int], interpolation: Interpolation, border: Border
) -> Tensor:
    samples, channels, height, width = pictures.shape
    taps_y, taps_x = _axis_taps(y, height, interpolation, border), _axis_taps(x, width, interpolation, border)
    flat = pictures.flatten(2)

    def at(places: Tensor) -> Tensor:
        index = places.expand(samples, *size).reshape(samples, 1, -1).expand(-1, channels, -1)
        return torch.gather(flat, 2, index).reshape(samples, channels, *size)

    if interpolation == "nearest":
        return at(taps_y[0][0] * width + taps_x[0][0])
    return _mixed(
        [
            (at(row * width + column), (weight_y * weight_x)[:, None])
            for (row, weight_y), (column, weight_x) in product(taps_y, taps_x)
        ]
    )


def _axis_taps(position: Tensor, n: int, interpolation: Interpolation, border: Border) -> Taps:
    """The pixels along one axis that make up each sample, and their weights."""
    index = (position if interpolation == "nearest" else position - 0.5).nan_to_num(0.0)
    base = index.floor()
    weights = tap_weights(index - base, interpolation)
    first = base.long() - (len(weights) - 1) // 2
    return [(map_indices(first + k, n, border), weight) for k, weight in enumerate(weights)]


def map_indices(indices: Tensor, n: int, border: Border) -> Tensor:
    """The pixel that stands for an index inside or outside an axis of n pixels; see `covary.render.borders`."""
    if border in ("constant", "edge") or n == 1:
        return indices.clamp(0, n - 1)
    if border == "wrap":
        return torch.remainder(indices, n)
    # Mirrored about the outermost pixels (reflect) or about their outer edges (symmetric).
    period = 2 * (n - 1) if border == "reflect" else 2 * n
    last = period if border == "reflect" else period - 1
    folded = torch.remainder(indices, period)
    return torch.minimum(folded, last - folded)


def coverage(x: Tensor, y: Tensor, source: tuple[int, int], interpolation: Interpolation) -> Tensor:
    """How much of each sample lies inside a picture of this height and width, 0 to 1; broadcasts to (B, H, W)."""
    return _axis_coverage(x, source[1], interpolation) * _axis_coverage(y, source[0], interpolation)


def _axis_coverage(position: Tensor, n: int, interpolation: Interpolation) -> Tensor:
    if interpolation == "nearest":
        index = position.floor()
        return ((index >= 0) & (index < n)).float()
    index = position - 0.5
    return torch.minimum(index + 1, n - index).clamp(0, 1).nan_to_num(0.0)
