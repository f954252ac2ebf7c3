"""The cloud of a picture's colours: its moments, and a matrix applied to all of them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from covary import kernels
from covary.ops.view import WHITE
from covary.plan.changes import Floats, Image


def colour_moments(picture: Image) -> tuple[Floats, Floats]:
    """(C,) means and (C, C) covariance of the colours of an (H, W, C) picture, in its own range."""
    channels = picture.shape[2]
    if picture.dtype.kind == "f":
        colours = picture.reshape(-1, channels).astype(np.float64)
        mean: Floats = colours.mean(axis=0)
        colours -= mean
        return mean, colours.T @ colours / len(colours)
    sums = _products(picture).astype(np.float64) / (picture.shape[0] * picture.shape[1])
    mean = sums[:channels, channels]
    half = np.triu(sums[:channels, :channels])
    return mean, half + np.triu(half, 1).T - np.outer(mean, mean)


def _products(picture: Image) -> NDArray[np.int64]:
    """(C + 1, C + 1) sums of the products of each two of (channels, 1); the lower half is not filled."""
    channels = picture.shape[2]
    sums = np.zeros((channels + 1, channels + 1), np.int64)
    if kernels.native is not None:
        kernels.native.add_products(np.ascontiguousarray(picture), sums)
        return sums
    columns = [
        *(picture[..., c].ravel().astype(np.int64) for c in range(channels)),
        np.ones(picture[..., 0].size, np.int64),
    ]
    for i, first in enumerate(columns):
        for k in range(i, channels + 1):
            sums[i, k] = first @ columns[k]
    return sums


def colours_mixed(picture: Image, matrix: Floats) -> Image:
    """Each colour (of C channels, and 1) by a matrix (C, C + 1), in float32; whole numbers are rounded and clipped.

    A contiguous picture is changed in place.
    """
    made = np.ascontiguousarray(picture)
    factors = np.ascontiguousarray(matrix, dtype=np.float32)
    if kernels.native is not None:
        kernels.native.mix_colours(made, factors)
        return made
    planes = made.astype(np.float32)
    for channel, row in enumerate(factors):
        mixed = row[0] * planes[..., 0]
        for other in range(1, planes.shape[2]):
            mixed += row[other] * planes[..., other]
        mixed += row[-1]
        made[..., channel] = mixed if made.dtype.kind == "f" else np.clip(np.rint(mixed), 0, WHITE[made.dtype.name])
    return made
