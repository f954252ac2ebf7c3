"""Keypoints: their formats, their visibility, their left and right."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from covary.targets.displacement import Size
from covary.targets.fields import float_dtype, numbers
from covary.targets.pairs import checked_indices, traded
from covary.targets.path import Leg, mirrors, travel

FORMATS = ("xy", "xyv")
OUTSIDE = ("drop", "hide", "keep")


@dataclass(frozen=True)
class Keypoints:
    """How keypoints are written, and what becomes of those that leave the picture.

    Coordinates are pixel indices: (0, 0) is the centre of the first pixel. A point is outside if it lies outside the
    source or leaves the canvas on the way; a mirrored border shows its pixel again, but clones no point.

    Points (N, K, columns) of a sample with N boxes are those of its boxes: row i goes when box i is dropped.

    Args:
        format: "xy", or "xyv" with COCO's visibility as third column (0 not labelled, 1 hidden, 2 visible). Further
            columns are carried along. A point with v = 0 stays as it is. A NaN point is a missing one, and outside.
        outside: "drop" removes a point (and its entry in `keypoint_labels`); for flat lists (N, columns) only; "hide"
            sets v to 0, or x and y to NaN for "xy", and keeps the row; "keep" does nothing. None is "drop" for "xy" and
            "hide" for "xyv".
        pairs: pairs of indices, (left, right), whose rows trade places when the picture is mirrored (an odd number of
            flips). They index the rows of a flat list, and the second last axis of (N, K, columns).

    Raises:
        ValueError: an argument is none of those allowed.
    """

    format: Literal["xy", "xyv"] = "xy"
    outside: Literal["drop", "hide", "keep"] | None = None
    pairs: Sequence[tuple[int, int]] = ()

    def __post_init__(self) -> None:
        if self.format not in FORMATS:
            raise ValueError(f"Keypoints: format is {self.format!r}; allowed: {', '.join(FORMATS)}")
        if self.outside is not None and self.outside not in OUTSIDE:
            raise ValueError(f"Keypoints: outside is {self.outside!r}; allowed: {', '.join(OUTSIDE)} or None")
        object.__setattr__(self, "pairs", checked_indices(self.pairs, "Keypoints: pairs"))

    @property
    def policy(self) -> Literal["drop", "hide", "keep"]:
        """What becomes of points outside."""
        return self.outside or ("drop" if self.format == "xy" else "hide")


def carry_keypoints(
    options: Keypoints, value: Any, source: Size, legs: Sequence[Leg], field: str = "keypoints"
) -> tuple[NDArray[Any], NDArray[np.bool_] | None, int]:
    """Move one sample's keypoints.

    Returns:
        the moved array, the mask of the rows that were kept (None: all), and how many rows came in.

    Raises:
        ValueError: the shape or dtype is not that of keypoints, or `pairs` names a point that is not there.
    """
    columns = 3 if options.format == "xyv" else 2
    raw = numbers(value, field, columns)
    if raw.ndim < 2 or raw.shape[-1] < columns:
        raise ValueError(f"{field}: shape {raw.shape} does not end in {columns} or more columns ({options.format})")
    _check_policy(options, raw, field)
    made = raw.astype(float_dtype(raw), order="C")
    count = len(raw)
    if made.size == 0:
        return made, None, count
    rows = made.reshape(-1, raw.shape[-1])
    moved, seen = travel(rows[:, :2] + 0.5, source, legs)
    keep = _write(options, rows, moved, seen, bool(legs))
    if options.pairs:
        order = traded(options.pairs, raw.shape[-2], field, "point")
        if mirrors(legs):
            made = made.take(order, axis=-2)
            keep = None if keep is None else keep[order]
    return (made if keep is None else made[keep]), keep, count


def hide_keypoints(
    options: Keypoints, value: Any, covered: NDArray[np.bool_], field: str = "keypoints"
) -> tuple[NDArray[Any], NDArray[np.bool_] | None, int]:
    """Treat the points of one sample that lie on covered pixels as those outside; the others stay where they are.

    Args:
        covered: (H, W), the pixels that something covers.

    Returns:
        the new array, the mask of the rows that were kept (None: all), and how many rows came in.

    Raises:
        ValueError: the shape or dtype is not that of keypoints.
    """
    made, _, count = carry_keypoints(replace(options, outside="keep", pairs=()), value, covered.shape, (), field)
    _check_policy(options, made, field)
    rows = made.reshape(-1, made.shape[-1])
    with np.errstate(invalid="ignore"):
        at = np.floor(rows[:, 1::-1] + 0.5)
        seen: NDArray[np.bool_] = np.logical_and.reduce((at >= 0) & (at < covered.shape), axis=1)
    seen[seen] = ~covered[tuple(at[seen].astype(np.intp).T)]
    keep = _write(options, rows, rows[:, :2], seen, False) if made.size else None
    return (made if keep is None else made[keep]), keep, count


def _check_policy(options: Keypoints, raw: NDArray[Any], field: str) -> None:
    if options.policy == "drop" and raw.ndim > 2:
        raise ValueError(
            f"{field}: outside='drop' needs a flat list (N, {3 if options.format == 'xyv' else 2}), "
            f"got shape {raw.shape}; choose Keypoints(outside='hide') or 'keep'"
        )


def _write(
    options: Keypoints,
    rows: NDArray[np.floating],
    moved: NDArray[np.float64],
    seen: NDArray[np.bool_],
    travelled: bool,
) -> NDArray[np.bool_] | None:
    """Put the positions into the rows and apply the policy for those outside; returns the rows to keep (None: all)."""
    if options.format == "xyv":
        labelled = rows[:, 2] > 0
        seen |= ~labelled
        if travelled:
            rows[labelled, :2] = moved[labelled] - 0.5
    elif travelled:
        np.subtract(moved, 0.5, out=rows[:, :2], casting="same_kind")
    if options.policy == "keep" or seen.all():
        return None
    if options.policy == "drop":
        return seen
    if options.format == "xyv":
        rows[~seen, 2] = 0
    else:
        rows[~seen, :2] = np.nan
    return None
