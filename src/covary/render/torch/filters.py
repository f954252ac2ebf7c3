"""Linear filters of a batch, each sample with a kernel of its own."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import conv2d

from covary.plan.changes import Filter, Floats
from covary.render.borders import map_indices
from covary.render.filters import Separable, filter_taps
from covary.render.torch.transfer import on_device


def filtered(values: Tensor, change: Filter) -> Tensor:
    """(B, C, H, W) float32 values correlated with each sample's kernel, borders by NumPy's "reflect".

    Raises:
        ValueError: a kernel is missing or has an even length.
    """
    taps = filter_taps(change, slice(None))
    if not isinstance(taps, Separable):
        return _correlated(values, taps)
    return _correlated(_correlated(values, taps.down[:, :, None]), taps.across[:, None, :])


def _correlated(values: Tensor, kernels: Floats) -> Tensor:
    """The pictures correlated with (B, kh, kw) kernels, one for each sample."""
    samples, channels, height, width = values.shape
    wide = _widened(_widened(values, kernels.shape[1] // 2, 2), kernels.shape[2] // 2, 3)
    planes = wide.reshape(1, samples * channels, *wide.shape[2:])
    weights = on_device(kernels, values.device)[:, None].repeat_interleave(channels, 0)
    if len(weights) == 1:
        # A plane alone would be left to a library that may round to ten bits.
        planes, weights = planes.repeat(1, 2, 1, 1), weights.repeat(2, 1, 1, 1)
    made = conv2d(planes, weights, groups=len(weights))
    return made[:, : samples * channels].reshape(samples, channels, height, width)


def _widened(values: Tensor, by: int, axis: int) -> Tensor:
    """The pictures with what lies outside along an axis."""
    if by == 0:
        return values
    length = values.shape[axis]
    places = map_indices(np.arange(-by, length + by), length, "reflect")
    return values.index_select(axis, torch.tensor(places, device=values.device))
