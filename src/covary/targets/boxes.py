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
from covary.targets.outlines import around, cut_outlines, move_outlines, outlines_of
from covary.targets.pairs import checked_pairs
from covary.targets.path import Exchange, Gone, Leg, Projection, cells_of
from covary.targets.shares import check_clip, check_least, check_share

FORMATS = ("pascal_voc", "coco", "yolo", "normalised")
SOURCES = ("corners", "masks")

TOLERANCE = 1e-6  # of the image's longer side: by this much rounding may turn a box inside out
FARTHEST = 4.0  # image sizes from the origin: fractions beyond are pixels given under the wrong format


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
        source: "corners": the box around what is visible of the moved outline; "masks": the tight box of the moved
            instance mask in `masks`, one mask per box (boxes of samples without `masks` go by their corners). Instance
            masks are filled with 0, and a border that repeats the picture shows no instance twice.
        pairs: pairs of labels, (left, right), that trade places in `box_labels` when the picture is mirrored (an odd
            number of flips): [("left hand", "right hand")].

    Where cells of the picture change places (`RandomGridShuffle`), a box becomes the one around its largest piece, and
    its visibility is that piece's share.

    Raises:
        ValueError: an argument is none of those allowed.
    """

    format: Literal["pascal_voc", "coco", "yolo", "normalised"] = "pascal_voc"
    clip: bool = True
    min_area: float = 0.0
    min_visibility: float = 0.0
    source: Literal["corners", "masks"] = "corners"
    pairs: Sequence[tuple[Any, Any]] = ()

    def __post_init__(self) -> None:
        if self.format not in FORMATS:
            raise ValueError(f"Boxes: format is {self.format!r}; allowed: {', '.join(FORMATS)}")
        if self.source not in SOURCES:
            raise ValueError(f"Boxes: source is {self.source!r}; allowed: {', '.join(SOURCES)}")
        check_clip(self)
        check_least(self, "min_area", "square pixels")
        check_share(self, "min_visibility")
        object.__setattr__(self, "pairs", checked_pairs(self.pairs, "Boxes: pairs"))


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
    corners: Points = raw[:, :4].astype(np.float64, order="C")
    if not len(corners):
        return raw, corners, corners
    height, width = size
    form = options.format
    if form == "yolo" or form == "normalised":
        if not np.abs(corners).max() <= FARTHEST:
            near: NDArray[np.bool_] = np.logical_and.reduce(np.abs(corners) <= FARTHEST, axis=1)
            _refuse(field, raw, near, f"{form} boxes are fractions of the image")
        corners *= _canvas(size)[1]
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
    form = options.format
    if form == "normalised":
        corners = corners / _canvas(size)[1]
    elif form == "yolo":
        corners = np.concatenate((corners[:, :2] + corners[:, 2:], corners[:, 2:] - corners[:, :2]), axis=1)
        corners /= _yolo_units(size)
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
    if not len(corners):
        return corners, None
    visibility: NDArray[np.float64] | None = None
    intact = False
    outlines: Points | None = None
    for number, leg in enumerate(legs):
        if leg.vanished is not None:
            seen = np.where(vanishing(seen, leg.vanished)[:, None], np.nan, seen)
            outlines = None if outlines is None else np.where(np.isnan(seen[:, :1, None]), np.nan, outlines)
            intact = False
            continue
        if leg.exchange is not None:
            # Turned boxes are cut as upright ones here, and go on as such.
            seen, share = _largest_pieces(seen, leg.exchange)
            outlines, intact = None, False
            visibility = share if visibility is None else visibility * share
            continue
        # Outlines can be spared where boxes stay boxes, or where only the box around the outcome counts.
        square = outlines is None and _square_on(leg)
        affine = square or (outlines is None and number + 1 == len(legs) and _is_affine(leg))
        if affine:
            moved = _affine_boxes(seen, leg)
            cut = _clipped(moved, leg.after)
            intact = _lose(cut)
            if not square and _cut_turned(cut, moved, seen, leg):
                intact = _lose(cut)
        else:
            outlines = move_outlines(outlines_of(seen) if outlines is None else outlines, leg)
            moved = around(outlines)
            cut = _clipped(moved, leg.after)
            if (cut != moved).any():
                outlines = cut_outlines(outlines, leg.after)
                cut = _clipped(around(outlines), leg.after)
            intact = _lose(cut)
            if not intact:
                outlines[np.isnan(cut[:, 0])] = np.nan
        seen = cut
        if options.min_visibility > 0:
            share = _area(seen) / _area(moved)
            visibility = share if visibility is None else visibility * share
    result = seen if options.clip else _carry_whole(corners, legs)
    if visibility is None and options.min_area == 0 and (intact or _all_extended(seen)):
        return result, None
    area = _area(seen)
    keep = (area > 0) & (area >= options.min_area)
    if visibility is not None:
        keep &= visibility >= options.min_visibility - 1e-9
    if keep.all():
        return result, None
    return result[keep], keep


def _carry_whole(corners: Points, legs: Sequence[Leg]) -> Points:
    """Boxes moved without ever being clipped."""
    if all(_square_on(leg) for leg in legs):
        for leg in legs:
            corners = _affine_boxes(corners, leg)
        return corners
    outlines = outlines_of(corners)
    for leg in legs:
        if leg.exchange is not None:
            middles = (corners_of := around(outlines))[:, :2] / 2 + corners_of[:, 2:] / 2
            outlines = outlines + leg.exchange.shifts[cells_of(middles, leg.exchange, leg.before)][:, None]
        else:
            outlines = move_outlines(outlines, leg)
    return around(outlines)


def vanishing(boxes: Points, objects: Gone) -> NDArray[np.bool_]:
    """(N,) whether the objects that vanish hold more than half of what is set in each box; NaN boxes are left alone."""
    found = np.zeros(len(boxes), dtype=bool)
    for row, (x0, y0, x1, y1) in enumerate(boxes.tolist()):
        if x0 == x0:
            rows, columns = (max(int(np.ceil(end)), int(start) + 1) for start, end in ((y0, y1), (x0, x1)))
            part = slice(int(y0), rows), slice(int(x0), columns)
            found[row] = np.count_nonzero(objects.gone[part]) > np.count_nonzero(objects.left[part])
    return found


def _largest_pieces(seen: Points, exchange: Exchange) -> tuple[Points, NDArray[np.float64]]:
    """The largest piece of each box, moved with its cell, and which share of the box it is."""
    parts = exchange.parts.astype(np.float64)
    pieces = np.concatenate(
        (np.maximum(seen[:, None, :2], parts[:, :2]), np.minimum(seen[:, None, 2:], parts[:, 2:])), axis=2
    )
    area = np.maximum(pieces[..., 2:] - pieces[..., :2], 0).prod(axis=2)
    largest = np.nan_to_num(area).argmax(axis=1)
    rows = np.arange(len(seen))
    moved: Points = pieces[rows, largest] + np.tile(exchange.shifts[largest], 2)
    return moved, area[rows, largest] / _area(seen)


def _is_affine(leg: Leg) -> bool:
    step = leg.steps[0]
    return len(leg.steps) == 1 and isinstance(step, Projection) and step.affine


def _square_on(leg: Leg) -> bool:
    """Whether a stage turns boxes into boxes: scales, flips, quarter turns, shifts."""
    if not leg.steps:
        return True
    step = leg.steps[0]
    if len(leg.steps) > 1 or not isinstance(step, Projection):
        return False
    a, b, _, d, e, _, g, h, _ = step.matrix
    return g == 0.0 and h == 0.0 and ((b == 0.0 and d == 0.0) or (a == 0.0 and e == 0.0))


def _cut_turned(cut: Points, moved: Points, before: Points, leg: Leg) -> bool:
    """Put the boxes around the visible parts of turned boxes that reach over the canvas into `cut`; returns if any did.

    Corner by corner in plain Python: for the few boxes that there are this costs less than array calls.
    """
    crossing = np.logical_or.reduce(cut != moved, axis=1)
    if not crossing.any():
        return False
    step = leg.steps[0]
    assert isinstance(step, Projection)
    a, b, c, d, e, f = step.matrix[:6]
    height, width = leg.after
    for row in np.flatnonzero(crossing & (cut[:, 0] == cut[:, 0])).tolist():
        x0, y0, x1, y1 = before[row].tolist()
        corners = ((x0, y0), (x1, y0), (x1, y1), (x0, y1))
        xs = [a * x + b * y + c for x, y in corners]
        ys = [d * x + e * y + f for x, y in corners]
        left, right = _reach(xs, ys, height)
        top, bottom = _reach(ys, xs, width)
        cut[row] = max(left, 0.0), max(top, 0.0), min(right, width), min(bottom, height)
    return True


def _reach(us: Sequence[float], vs: Sequence[float], end: float) -> tuple[float, float]:
    """How far a convex polygon reaches along u where its v lies in [0, end].

    Cutting a convex polygon along u afterwards is cutting this interval, so neither axis needs the polygon cut along
    both.
    """
    if min(vs) >= 0 and max(vs) <= end:
        return min(us), max(us)
    found = [u for u, v in zip(us, vs, strict=True) if 0 <= v <= end]
    last_u, last_v = us[-1], vs[-1]
    for u, v in zip(us, vs, strict=True):
        for level in (0.0, end):
            if (v < level) != (last_v < level):
                found.append(last_u + (u - last_u) * ((level - last_v) / (v - last_v)))
        last_u, last_v = u, v
    return (min(found), max(found)) if found else (np.inf, -np.inf)


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


@lru_cache(maxsize=1024)
def _yolo_units(size: Size) -> Points:
    """What x0 + x1, y0 + y1, x1 - x0, y1 - y0 are divided by."""
    height, width = size
    return np.array((2 * width, 2 * height, width, height), dtype=np.float64)


def _lose(seen: Points) -> bool:
    """Turn boxes of which nothing is left into NaN, in place, so that none comes back; returns whether none was."""
    if _all_extended(seen):
        return True
    seen[~np.logical_and.reduce(seen[:, 2:] > seen[:, :2], axis=1)] = np.nan
    return False


def _affine_boxes(corners: Points, leg: Leg) -> Points:
    """The lowest x' = a x + b y + c over a box is found at x0 where a >= 0, else at x1; and so on."""
    if not leg.steps:
        return corners
    step = leg.steps[0]
    assert isinstance(step, Projection)
    a, b, c, d, e, f = step.matrix[:6]
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
