"""Boxes and keypoints of all samples through affine maps, in one compiled call each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from covary import kernels
from covary.plan.changes import Floats, Ints, Reshape, Warp
from covary.plan.stages import Stage
from covary.targets.boxes import Boxes
from covary.targets.keypoints import Keypoints

Carried: TypeAlias = tuple[NDArray[Any], Ints | None]
"""Moved labels of one sample, and the indices of those that stayed (None: all)."""

Moves: TypeAlias = list[tuple[Floats, Ints]]
"""What moves labels, as (B, 3, 3) inverse maps and the (B, 2) sizes of the canvases behind them."""


def affine_moves(stages: Sequence[Stage]) -> Moves | None:
    """What the stages do to labels; None where it is more than warps, or nothing is compiled."""
    if kernels.native is None:
        return None
    moves: Moves = []
    for stage in stages:
        if not stage.concerns_labels or (stage.pixels is not None and isinstance(stage.pixels.effect, Reshape)):
            continue
        if len(stage.coordinates) != 1 or not isinstance(stage.coordinates[0], Warp):
            return None
        moves.append((stage.coordinates[0].matrix, stage.size))
    return moves


def carry_boxes(
    options: Boxes, samples: Sequence[dict[str, Any]], moves: Moves | None, sizes: Ints
) -> Sequence[Carried | None]:
    """`read_boxes`, `carry_corners` and `write_boxes` for all samples.

    Args:
        samples: with `boxes`, or without.
        moves: see `affine_moves`.
        sizes: (B, 2) heights and widths of the sources.

    Returns:
        for each sample the moved boxes and which stayed; or None where there are no boxes, where the way is not affine,
        and where something is wrong, for the other functions to say what.
    """
    boxes = _arrays(samples, "boxes", moves)
    if boxes is None:
        return [None] * len(samples)
    assert kernels.native is not None
    carried: list[Carried | None] = kernels.native.carry_boxes(
        boxes, options.format, options.clip, options.min_area, options.min_visibility, sizes, moves
    )
    return carried


def carry_points(
    options: Keypoints, samples: Sequence[dict[str, Any]], moves: Moves | None, sizes: Ints
) -> Sequence[Carried | None]:
    """`carry_keypoints` for all samples; arguments and result as those of `carry_boxes`."""
    points = None if options.pairs else _arrays(samples, "keypoints", moves)
    if points is None:
        return [None] * len(samples)
    assert kernels.native is not None
    carried: list[Carried | None] = kernels.native.carry_points(
        points, options.format == "xyv", options.policy, sizes, moves
    )
    return carried


def _arrays(samples: Sequence[dict[str, Any]], field: str, moves: Moves | None) -> list[NDArray[Any] | None] | None:
    """The field of each sample as numbers, None where it is no such thing; None where that would be of no use."""
    if moves is None:
        return None
    values = [sample.get(field) for sample in samples]
    arrays = [None if value is None else _array(value) for value in values]
    return arrays if any(array is not None for array in arrays) else None


def _array(value: Any) -> NDArray[Any] | None:
    try:
        array = np.asarray(value)
    except ValueError:
        return None
    return array if array.dtype.kind in "fiu" else None
