"""What lies outside a picture: border modes as index arithmetic, and how much of a sample the picture covers."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from covary.plan.changes import Border, Floats, Interpolation


def map_indices(indices: NDArray[np.int64], n: int, border: Border) -> NDArray[np.int64]:
    """The pixel that stands for an index inside or outside an axis of n pixels, with numpy.pad's meaning of the modes.

    Args:
        indices: pixel indices, any integers.
        n: length of the axis, at least 1.
        border: the mode; "constant" gives the nearest edge, as "edge" does (its colour is painted afterwards).
    """
    mapped: NDArray[np.int64]
    if border in ("constant", "edge") or n == 1:
        mapped = np.clip(indices, 0, n - 1)
    elif border == "wrap":
        mapped = np.mod(indices, n)
    else:
        # Mirrored about the outermost pixels (reflect) or about their outer edges (symmetric).
        period = 2 * (n - 1) if border == "reflect" else 2 * n
        last = period if border == "reflect" else period - 1
        folded = np.mod(indices, period)
        mapped = np.minimum(folded, last - folded)
    return mapped


def axis_coverage(position: Floats, n: int, interpolation: Interpolation) -> NDArray[np.float64]:
    """How much of a sample lies inside an axis of n pixels: 1 well inside, 0 outside, linear across the edge.

    Args:
        position: continuous positions; NaN counts as outside.
        n: length of the axis.
        interpolation: "nearest" knows only 0 and 1.
    """
    if interpolation == "nearest":
        index = np.floor(position)
        return ((index >= 0) & (index < n)).astype(np.float64)
    index = position - 0.5
    inside: NDArray[np.float64] = np.nan_to_num(np.clip(np.minimum(index + 1, n - index), 0, 1), nan=0.0)
    return inside
