"""Boxes: their formats, and the box around a moved box."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal, NoReturn

import numpy as np
from numpy.typing import NDArray

from covary.targets.displacement import Points, Size
from covary.targets.fields import float_dtype, numbers
from covary.targets.path import Displacement, Leg, Projection, advance

FORMATS = ("pascal_voc", "coco", "yolo", "normalised")
SOURCES = ("corners", "masks")

TOLERANCE = 1e-6  # of the image's longer side: by this much rounding may turn a box inside out
FARTHEST = 4.0  # image sizes from the origin: fractions beyond are pixels given under the wrong format
SPACING = 2.5  # px between the points that stand for an edge under a displacement
MOST = 256  # points per edge


@dataclass(frozen=True)
class Boxes:
    """How boxes are written, and which of them stay.

    Boxes are edges in continuous space: pixel i covers [i, i + 1). They may reach beyond the picture; the part outside
    is never seen, so the moved box is that of the visible part. A box of which nothing is left on the canvas, at the
    end or on the way, is dropped, with its entry in `box_labels` (and in `masks`, where these are its source).

    Args:
        format: "pascal_voc": x0, y0, x1, y1 in pixels; "coco": x0, y0, width, height in pixels; "yolo": centre x,
            centre y, width, height as fractions of the picture's; "normalised": x0, y0, x1, y1 as fractions. Further
            columns are carried along.
        clip: whether boxes are cut at the edges of the picture. False moves them whole; what is dropped stays the same.
        min_area: boxes with less visible area, in square pixels of the output, are dropped.
        min_visibility: boxes of which a smaller share, in [0, 1], is left inside are dropped. The share is the area
            inside the canvas over the area before clipping, times that of earlier stages; with `source="masks"`, the
            share of the mask's pixels that land on the canvas.
        source: "corners": the box around the moved outline; "masks": the tight box of the moved instance mask in
            `masks`, one mask per box (boxes of samples without `masks` go by their corners). Instance masks are filled
            with 0.

    Raises:
        ValueError: an argument is none of those allowed.
    """

    format: Literal["pascal_voc", "coco", "yolo", "normalised"] = "pascal_voc"
    clip: bool = True
    min_area: float = 0.0
    min_visibility: float = 0.0
    source: Literal["corners", "masks"] = "corners"

    def __post_init__(self) -> None:
        if self.format not in FORMATS:
            raise ValueError(f"Boxes: format is {self.format!r}; allowed: {', '.join(FORMATS)}")
        if self.source not in SOURCES:
            raise ValueError(f"Boxes: source is {self.source!r}; allowed: {', '.join(SOURCES)}")
        if not isinstance(self.clip, bool):
            raise ValueError(f"Boxes: clip is {self.clip!r}; allowed: True or False")
        if not _is_number(self.min_area) or not 0 <= self.min_area < np.inf:
            raise ValueError(f"Boxes: min_area is {self.min_area!r}; allowed: square pixels, 0 or more")
        if not _is_number(self.min_visibility) or not 0 <= self.min_visibility <= 1:
            raise ValueError(f"Boxes: min_visibility is {self.min_visibility!r}; allowed: a share in [0, 1]")


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float, np.integer, np.floating)) and not isinstance(value, bool)


def read_boxes(options: Boxes, value: Any, size: Size, field: str = "boxes") -> tuple[NDArray[Any], Points, Points]:
    """Read a user's boxes.

    Returns:
        the boxes as they came, (N, 4 or more); their edges x0, y0, x1, y1 in pixels, (N, 4) float64; and these clipped
        to the picture, NaN where nothing is left.

    Raises:
        ValueError: the shape or dtype is not that of boxes, or a box is not finite, inside out, or in pixels where
            fractions were announced.
    """
    raw = numbers(value, field, 4)
    if raw.ndim != 2 or raw.shape[1] < 4:
        raise ValueError(f"{field}: shape {raw.shape}; allowed: (N, 4) or more columns")
    corners: Points = raw[:, :4].astype(np.float64)
    if not len(corners):
        return raw, corners, corners
    height, width = size
    form = options.format
    if form == "yolo" or form == "normalised":
        if not np.abs(corners).max() <= FARTHEST:
            near: NDArray[np.bool_] = np.logical_and.reduce(np.abs(corners) <= FARTHEST, axis=1)
            _refuse(field, raw, near, f"{form} boxes are fractions of the image")
        corners *= (width, height, width, height)
    if form == "coco":
        corners[:, 2:] += corners[:, :2]
    elif form == "yolo":
        half = corners[:, 2:] * 0.5
        np.add(corners[:, :2], half, out=corners[:, 2:])
        corners[:, :2] -= half
    seen = _clipped(corners, size)
    # Boxes with something inside, and finite: nothing to refuse, nothing to mend.
    if _all_extended(seen) and np.vdot(corners, corners) < np.inf:
        return raw, corners, seen
    extent = corners[:, 2:] - corners[:, :2]
    tolerance = TOLERANCE * max(height, width)
    if not (extent.min() >= -tolerance and extent.max() < np.inf):
        right: NDArray[np.bool_] = np.logical_and.reduce((extent >= -tolerance) & (extent < np.inf), axis=1)
        _refuse(field, raw, right, "a finite box with x0 <= x1 and y0 <= y1 is needed")
    np.maximum(corners[:, 2:], corners[:, :2], out=corners[:, 2:])
    seen = _clipped(corners, size)
    _lose(seen)
    return raw, corners, seen


def _refuse(field: str, raw: NDArray[Any], right: NDArray[np.bool_], needed: str) -> NoReturn:
    row = int(right.argmin())
    raise ValueError(f"{field}: row {row} is {raw[row, :4].tolist()}; {needed}")


def write_boxes(
    options: Boxes, raw: NDArray[Any], corners: Points, size: Size, keep: NDArray[np.bool_] | None
) -> NDArray[Any]:
    """Edges in pixels as boxes of the user's format, with the further columns of the kept rows.

    With `options.clip`, rounding leaves them valid: edges computed back from the result lie in the picture.
    """
    height, width = size
    dtype = float_dtype(raw)
    scale = (width, height, width, height)
    form = options.format
    if form == "normalised":
        corners = corners / scale
    elif form == "yolo":
        corners = np.concatenate((corners[:, :2] + corners[:, 2:], corners[:, 2:] - corners[:, :2]), axis=1)
        corners *= (0.5 / width, 0.5 / height, 1 / width, 1 / height)
    elif form == "coco":
        corners = np.concatenate((corners[:, :2], corners[:, 2:] - corners[:, :2]), axis=1)
    if raw.shape[1] == 4:
        made: NDArray[Any] = corners.astype(dtype)
    else:
        made = np.concatenate((corners, raw[:, 4:] if keep is None else raw[keep, 4:]), axis=1, dtype=dtype)
    if options.clip and form == "yolo":
        centre, extent = made[:, :2], made[:, 2:4]
        np.minimum(centre, 1, out=centre)
        np.minimum(extent, np.minimum(centre, 1 - centre) * 2, out=extent)
    elif options.clip and form == "coco":
        start, extent = made[:, :2], made[:, 2:4]
        extent[:] = np.where(start + extent > (width, height), np.nextafter(extent, dtype(0)), extent)
    return made


def carry_corners(
    options: Boxes, corners: Points, seen: Points, legs: Sequence[Leg]
) -> tuple[Points, NDArray[np.bool_] | None]:
    """Move boxes from the source to the output.

    Args:
        corners: (N, 4) edges x0, y0, x1, y1 in pixels.
        seen: the same, clipped to the source; NaN where nothing is left.

    Returns:
        (M, 4) the edges of the boxes that stay, and (N,) which ones those are (None: all).
    """
    whole, intact = corners, False
    visibility: NDArray[np.float64] | None = None
    for leg in legs:
        moved = advance_boxes(seen, leg)
        seen = _clipped(moved, leg.after)
        intact = _lose(seen)
        if options.min_visibility > 0:
            share = _area(seen) / _area(moved)
            visibility = share if visibility is None else visibility * share
        if not options.clip:
            whole = advance_boxes(whole, leg)
    result = seen if options.clip else whole
    if visibility is None and options.min_area == 0 and (intact or _all_extended(seen)):
        return result, None
    area = _area(seen)
    keep = (area > 0) & (area >= options.min_area)
    if visibility is not None:
        keep &= visibility >= options.min_visibility - 1e-9
    if keep.all():
        return result, None
    return result[keep], keep


def _area(corners: Points) -> NDArray[np.float64]:
    extent = corners[:, 2:] - corners[:, :2]
    area: NDArray[np.float64] = extent[:, 0] * extent[:, 1]
    return area


def _all_extended(corners: Points) -> bool:
    """Whether all boxes, one at least, have width and height."""
    return len(corners) > 0 and bool((corners[:, 2:] - corners[:, :2]).min() > 0)


def _clipped(corners: Points, size: Size) -> Points:
    """Boxes cut at the canvas."""
    lowest, highest = _canvas(size)
    cut: Points = np.maximum(corners, lowest)
    np.minimum(cut, highest, out=cut)
    return cut


@lru_cache(maxsize=1024)
def _canvas(size: Size) -> tuple[Points, Points]:
    height, width = size
    return np.zeros(4), np.array((width, height, width, height), dtype=np.float64)


def _lose(seen: Points) -> bool:
    """Turn boxes of which nothing is left into NaN, in place, so that none comes back; returns whether none was."""
    if _all_extended(seen):
        return True
    seen[~np.logical_and.reduce(seen[:, 2:] > seen[:, :2], axis=1)] = np.nan
    return False


def advance_boxes(corners: Points, leg: Leg) -> Points:
    """The boxes around (N, 4) boxes moved by one stage."""
    if not leg.steps or not len(corners):
        return corners
    first = leg.steps[0]
    if len(leg.steps) == 1 and isinstance(first, Projection):
        return _affine_boxes(corners, first) if first.affine else _projected_boxes(corners, first)
    if not any(isinstance(step, Displacement) for step in leg.steps):
        for step in leg.steps:
            corners = advance_boxes(corners, leg._replace(steps=(step,)))
        return corners
    longest = np.nanmax(corners[:, 2:] - corners[:, :2], initial=0.0)
    outline = _outline(corners, int(min(max(np.ceil(longest / SPACING), 8), MOST)))
    moved = advance(outline.reshape(-1, 2), leg).reshape(outline.shape)
    return _around(moved)


def _affine_boxes(corners: Points, projection: Projection) -> Points:
    """The lowest x' = a x + b y + c over a box is found at x0 where a >= 0, else at x1; and so on."""
    a, b, c, d, e, f = projection.matrix[:6]
    a_low, a_high = (a, 0.0) if a >= 0 else (0.0, a)
    b_low, b_high = (b, 0.0) if b >= 0 else (0.0, b)
    d_low, d_high = (d, 0.0) if d >= 0 else (0.0, d)
    e_low, e_high = (e, 0.0) if e >= 0 else (0.0, e)
    of_x0, of_y0 = (a_low, d_low, a_high, d_high), (b_low, e_low, b_high, e_high)
    of_x1, of_y1 = (a_high, d_high, a_low, d_low), (b_high, e_high, b_low, e_low)
    numbers = np.array((*of_x0, *of_y0, *of_x1, *of_y1, c, f, c, f))
    moved: Points = corners @ numbers[:16].reshape(4, 4)
    moved += numbers[16:]
    return moved


def _projected_boxes(corners: Points, projection: Projection) -> Points:
    """Corners suffice, as lines stay lines; an edge that crosses the horizon is cut just before it."""
    a, b, c, d, e, f, g, h, i = projection.matrix
    around = corners[:, (0, 1, 2, 1, 2, 3, 0, 3)].reshape(-1, 4, 2) @ np.array(((a, d, g), (b, e, h))) + (c, f, i)
    depth = around[..., 2]
    if not depth.min() > 0:
        following = np.roll(around, -1, axis=1)
        near = 1e-6 * np.abs(depth).max(axis=1, keepdims=True)
        share = (near - depth) / (following[..., 2] - depth)
        crossing = around + (following - around) * share[..., None]
        crossing[~((share >= 0) & (share <= 1))] = np.nan
        around = np.concatenate((around, crossing), axis=1)
        depth = around[..., 2]
    return _around(around[..., :2] / np.where(depth > 0, depth, np.nan)[..., None])


def _outline(corners: Points, count: int) -> Points:
    """(N, 4 * count, 2) points along the edges of boxes, each edge without its last point."""
    x0, y0, x1, y1 = (corners[:, k, None] for k in range(4))
    share = np.arange(count) / count
    right, down = x0 + (x1 - x0) * share, y0 + (y1 - y0) * share
    left, up = x1 - (x1 - x0) * share, y1 - (y1 - y0) * share
    level = np.ones(count)
    x = np.concatenate((right, x1 * level, left, x0 * level), axis=1)
    y = np.concatenate((y0 * level, down, y1 * level, up), axis=1)
    return np.stack((x, y), axis=2)


def _around(points: Points) -> Points:
    """(N, 4) boxes around (N, P, 2) points; NaN points do not count."""
    return np.concatenate((np.fmin.reduce(points, axis=1), np.fmax.reduce(points, axis=1)), axis=1)
