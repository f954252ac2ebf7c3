"""Values between the pixels: nearest, linear and cubic sampling, and the halved levels that shrinking samples from.

All is written for any float precision: what comes in as float64 stays float64.
"""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from covary.plan.changes import Border, Floats, Image, Interpolation
from covary.plan.stages import Stage
from covary.render.borders import axis_coverage, map_indices

_KEYS = -0.5


def sample(image: Image, x: Floats, y: Floats, interpolation: Interpolation, border: Border) -> Image:
    """The picture's values at continuous positions.

    Args:
        image: (h, w, C); of a float dtype unless interpolation is "nearest", which takes any and keeps it.
        x, y: (H, W) continuous positions, |value| at most 2**30; NaN in both stands for pixel (0, 0).
        interpolation: "nearest" takes the pixel under the position; "cubic" is Keys' kernel with a = -0.5.
        border: which pixel stands for a tap outside.

    Returns:
        (H, W, C) of the picture's dtype. A tap of weight 0 adds nothing, be its pixel NaN or infinite.
    """
    height, width, channels = image.shape
    taps_y = _axis_taps(y, height, interpolation, border)
    taps_x = _axis_taps(x, width, interpolation, border)
    pixels: Image = np.ascontiguousarray(image).reshape(height * width, channels)
    if interpolation == "nearest":
        nearest: Image = np.take(pixels, taps_y[0][0] * width + taps_x[0][0], axis=0)
        return nearest
    finite = np.isfinite(pixels).all()
    total = np.zeros((*x.shape, channels), image.dtype)
    for (row, weight_y), (column, weight_x) in product(taps_y, taps_x):
        weight = (weight_y * weight_x).astype(image.dtype)[..., None]
        tap = np.take(pixels, row * width + column, axis=0)
        total += weight * (tap if finite else np.where(weight == 0, 0, tap))
    return total


def _axis_taps(
    position: Floats, n: int, interpolation: Interpolation, border: Border
) -> list[tuple[NDArray[np.int64], Floats]]:
    """The pixels along one axis that make up each sample, and their weights."""
    index = np.where(np.isnan(position), 0.0, position if interpolation == "nearest" else position - 0.5)
    base = np.floor(index)
    weights = tap_weights(index - base, interpolation)
    first = base.astype(np.int64) - (len(weights) - 1) // 2
    return [(map_indices(first + k, n, border), weight) for k, weight in enumerate(weights)]


def tap_weights(t: Any, interpolation: Interpolation) -> list[Any]:
    """The weights of the taps around positions that stand t after a pixel's centre; arrays and tensors alike."""
    if interpolation == "nearest":
        return [t * 0 + 1]
    if interpolation == "linear":
        return [1 - t, t]
    return [_keys_far(1 + t), _keys_near(t), _keys_near(1 - t), _keys_far(2 - t)]


def _keys_near(d: Any) -> Any:
    """Keys' cubic kernel at distance 0 to 1 (IEEE Trans. ASSP 29, 1981)."""
    return ((_KEYS + 2) * d - (_KEYS + 3)) * d * d + 1


def _keys_far(d: Any) -> Any:
    """Keys' cubic kernel at distance 1 to 2."""
    return _KEYS * (((d - 5) * d + 8) * d - 4)


def coverage(x: Floats, y: Floats, size: tuple[int, int], interpolation: Interpolation) -> NDArray[np.float64]:
    """How much of each sample lies inside a picture of the given (height, width), 0 to 1."""
    return axis_coverage(x, size[1], interpolation) * axis_coverage(y, size[0], interpolation)


def halvings(stage: Stage, row: int) -> tuple[int, int]:
    """How often the sample's source is halved along x and along y before it is sampled."""
    if stage.levels is None:
        return 0, 0
    along_x, along_y = (int(count) for count in stage.levels[row])
    return along_x, along_y


def halved(values: Floats, along_x: int, along_y: int, *, rounded: bool) -> Floats:
    """A picture reduced for shrinking: each halving replaces two neighbours by their mean, a last odd one stays alone.

    Args:
        values: (h, w, C) floats.
        along_x, along_y: number of halvings of each axis. An axis of one pixel stays as it is.
        rounded: whether the result is rounded to whole numbers (ties to even), once, after all halvings.
    """
    for axis, count in ((1, along_x), (0, along_y)):
        for _ in range(count):
            values = _halve(values, axis)
    return np.rint(values) if rounded and (along_x or along_y) else values


def _halve(values: Floats, axis: int) -> Floats:
    turned = np.moveaxis(values, axis, 0)
    pairs = len(turned) // 2
    means = (turned[0 : 2 * pairs : 2] + turned[1 : 2 * pairs : 2]) / 2
    return np.moveaxis(np.concatenate([means, turned[2 * pairs :]]), 0, axis)
