"""Linear filters of a batch, each sample with a kernel of its own."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from covary.plan.changes import Filter
from covary.render.borders import map_indices
from covary.render.filters import Separable, filter_taps
from covary.render.torch.transfer import on_device


def filtered(values: Tensor, change: Filter) -> Tensor:
    """(B, C, H, W) float32 values correlated with each sample's kernel, borders by NumPy's "reflect".

    Raises:
        ValueError: a kernel is missing or has an even length.
    """
    taps = filter_taps(change, slice(None))
    if isinstance(taps, Separable):
        return _correlated(_correlated(values, taps.down, 2), taps.across, 3)
    wide = _widened(_widened(values, taps.shape[1] // 2, 2), taps.shape[2] // 2, 3)
    kernel = on_device(taps, values.device)
    height, width = values.shape[2:]
    total = torch.zeros_like(values)
    for i in range(kernel.shape[1]):
        for j in range(kernel.shape[2]):
            total += kernel[:, i, j, None, None, None] * wide[:, :, i : i + height, j : j + width]
    return total


def _correlated(values: Tensor, taps: np.ndarray, axis: int) -> Tensor:
    """The pictures correlated along one axis with (B, k) taps."""
    kernel = on_device(taps, values.device)
    wide = _widened(values, kernel.shape[1] // 2, axis)
    total = torch.zeros_like(values)
    for i in range(kernel.shape[1]):
        total += kernel[:, i, None, None, None] * wide.narrow(axis, i, values.shape[axis])
    return total


def _widened(values: Tensor, by: int, axis: int) -> Tensor:
    """The pictures with what lies outside along an axis."""
    if by == 0:
        return values
    length = values.shape[axis]
    places = map_indices(np.arange(-by, length + by), length, "reflect")
    return values.index_select(axis, torch.tensor(places, device=values.device))
