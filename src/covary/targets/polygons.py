"""Polygons and line strings: how they are written, moved and cut."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from covary.plan.changes import Ints
from covary.targets.boxes import vanishing
from covary.targets.displacement import Points, Size
from covary.targets.fields import float_dtype
from covary.targets.moving import Shapes, areas, around_each, moved, moved_whole, on_canvas, only
from covary.targets.pairs import checked_pairs
from covary.targets.path import Leg
from covary.targets.shares import check_clip, check_least, check_share

FORMATS = ("pixels", "normalised")


@dataclass(frozen=True)
class Polygons:
    """How polygons are written, and which of them stay.

    Coordinates are continuous: pixel i covers [i, i + 1), as in COCO's files. An entry of `polygons` is one object: an
    (N, 2) array or list of points, a flat list x0, y0, x1, y1 ...; or, for an object in several parts, a list of these
    (COCO's `segmentation`). What comes out has the form of what came in. An entry of one part that is cut into several
    becomes several entries, each with the label of `polygon_labels`; an entry in parts has more or fewer parts
    afterwards. Where a map bends lines, outlines get points four pixels apart.

    Args:
        format: "pixels", or "normalised": fractions of the picture's width and height.
        clip: whether polygons are cut at the edges of the picture. False moves them whole; what is dropped stays the
            same.
        min_area: objects with less visible area, in square pixels of the output, are dropped.
        min_visibility: objects of which a smaller share of the area, in [0, 1], is left inside are dropped.
        pairs: pairs of labels, (left, right), that trade places in `polygon_labels` when the picture is mirrored.

    Raises:
        ValueError: an argument is none of those allowed.
    """

    format: Literal["pixels", "normalised"] = "pixels"
    clip: bool = True
    min_area: float = 0.0
    min_visibility: float = 0.0
    pairs: Sequence[tuple[Any, Any]] = ()

    def __post_init__(self) -> None:
        _check_format(self)
        check_clip(self)
        check_least(self, "min_area", "square pixels")
        check_share(self, "min_visibility")
        object.__setattr__(self, "pairs", checked_pairs(self.pairs, "Polygons: pairs"))


@dataclass(frozen=True)
class LineStrings:
    """How line strings (lanes, cracks, vessels) are written, and which of them stay.

    Coordinates are continuous: pixel i covers [i, i + 1). An entry of `line_strings` is an (N, 2) array or list of
    points, or a flat list x0, y0, x1, y1 ...; what comes out has the form of what came in. A line of which several
    pieces are left becomes several entries, each with its label of `line_string_labels`. Where a map bends lines, they
    get points four pixels apart.

    Args:
        format: "pixels", or "normalised": fractions of the picture's width and height.
        clip: whether lines are cut at the edges of the picture. False moves them whole; what is dropped stays the same.
        min_length: pieces shorter than this, in pixels of the output, are dropped.
        pairs: pairs of labels, (left, right), that trade places in `line_string_labels` when the picture is mirrored.

    Raises:
        ValueError: an argument is none of those allowed.
    """

    format: Literal["pixels", "normalised"] = "pixels"
    clip: bool = True
    min_length: float = 0.0
    pairs: Sequence[tuple[Any, Any]] = ()

    def __post_init__(self) -> None:
        _check_format(self)
        check_clip(self)
        check_least(self, "min_length", "pixels")
        object.__setattr__(self, "pairs", checked_pairs(self.pairs, "LineStrings: pairs"))


def _check_format(options: Polygons | LineStrings) -> None:
    if options.format not in FORMATS:
        raise ValueError(f"{type(options).__name__}: format is {options.format!r}; allowed: {', '.join(FORMATS)}")


class _Form(NamedTuple):
    """How an entry was written."""

    in_parts: bool
    flat: bool
    like: Any  # an array whose dtype counts, or None for lists


def carry_shapes(
    options: Polygons | LineStrings, value: Any, source: Size, output: Size, legs: Sequence[Leg], field: str
) -> tuple[Any, Ints, int]:
    """Move one sample's polygons or lines.

    Args:
        options: of polygons, or of lines.
        value: of the field.
        source, output: heights and widths of the pictures.
        legs: the way.
        field: its name, for messages.

    Returns:
        the moved entries; (M,) which entry each was; how many came in.

    Raises:
        ValueError: an entry is no polygon or line; the message names it.
    """
    return _changed(
        options, value, source, output, field, lambda shapes, count: _carried(options, shapes, count, source, legs)
    )


def uncover_shapes(
    options: Polygons | LineStrings, value: Any, size: Size, left: Callable[[Shapes], Shapes], field: str
) -> tuple[Any, Ints, int]:
    """What is to be seen of one sample's polygons or lines where something covers the picture.

    Args:
        options: of polygons, or of lines.
        value: of the field.
        size: height and width of the picture.
        left: what is not covered of shapes.
        field: its name, for messages.

    Returns:
        as `carry_shapes`.
    """

    def uncovered(shapes: Shapes, count: int) -> Shapes:
        seen = on_canvas(shapes, size, isinstance(options, Polygons))
        rest = left(seen)
        with np.errstate(invalid="ignore", divide="ignore"):
            visibility = np.nan_to_num(areas(rest, count) / areas(seen, count))
        return _wanted(options, rest, shapes, count, visibility)

    return _changed(options, value, size, size, field, uncovered)


def _changed(
    options: Polygons | LineStrings,
    value: Any,
    source: Size,
    output: Size,
    field: str,
    change: Callable[[Shapes, int], Shapes],
) -> tuple[Any, Ints, int]:
    """Entries read, changed in pixels, and written again as they came."""
    closed = isinstance(options, Polygons)
    read = [_read(entry, f"{field}[{index}]", closed) for index, entry in enumerate(_entries(value, field))]
    unit = np.array(source[::-1], dtype=np.float64) if options.format == "normalised" else None
    points = [part if unit is None else part * unit for parts, _ in read for part in parts]
    owners = [index for index, (parts, _) in enumerate(read) for _ in parts]
    shapes = change(Shapes(points, owners), len(read))
    back = np.array(output[::-1], dtype=np.float64) if options.format == "normalised" else None
    entries: list[Any] = []
    rows: list[int] = []
    for index, (_, form) in enumerate(read):
        parts = [
            part if back is None else part / back
            for part, owner in zip(shapes.points, shapes.owners, strict=True)
            if owner == index
        ]
        written = [_written(part, form) for part in parts]
        made = [written] if form.in_parts and written else written
        entries += made
        rows += [index] * len(made)
    return (tuple(entries) if isinstance(value, tuple) else entries), np.array(rows, dtype=np.int64), len(read)


def _carried(options: Polygons | LineStrings, shapes: Shapes, count: int, source: Size, legs: Sequence[Leg]) -> Shapes:
    closed = isinstance(options, Polygons)
    whole = shapes
    seen = on_canvas(shapes, source, closed)
    visibility = np.ones(count)
    for leg in legs:
        if leg.vanished is not None and closed:
            seen = only(seen, ~vanishing(around_each(seen, count), leg.vanished))
        # Cells cut nothing off, they only cut.
        before = areas(seen, count) if leg.exchange is not None else None
        seen = moved(seen, leg, closed)
        if isinstance(options, Polygons) and options.min_visibility > 0:
            full = areas(seen, count) if before is None else before
            seen = on_canvas(seen, leg.after, closed)
            with np.errstate(invalid="ignore", divide="ignore"):
                visibility *= np.nan_to_num(areas(seen, count) / full)
        else:
            seen = on_canvas(seen, leg.after, closed)
        if not options.clip:
            whole = moved_whole(whole, leg, closed)
    return _wanted(options, seen, whole, count, visibility)


def _wanted(
    options: Polygons | LineStrings, seen: Shapes, whole: Shapes, count: int, visibility: NDArray[np.float64]
) -> Shapes:
    """What stays of objects of which this is seen: a share of each polygon, in [0, 1]."""
    if isinstance(options, LineStrings):
        long = [number for number, points in enumerate(seen.points) if _length(points) >= options.min_length]
        seen = Shapes([seen.points[number] for number in long], [seen.owners[number] for number in long])
        wanted = np.ones(count, dtype=bool)
    else:
        area = areas(seen, count)
        wanted = (area > 0) & (area >= options.min_area) & (visibility >= options.min_visibility - 1e-9)
    seen = only(seen, wanted)
    return seen if options.clip else only(whole, np.isin(np.arange(count), seen.owners))


def _length(points: Points) -> float:
    steps = np.diff(points, axis=0)
    return float(np.hypot(steps[:, 0], steps[:, 1]).sum())


def _entries(value: Any, field: str) -> Sequence[Any] | NDArray[Any]:
    if isinstance(value, (str, dict)) or not isinstance(value, (Sequence, np.ndarray)):
        raise ValueError(f"{field} is a {type(value).__name__}; a list with one entry per object is needed")
    if isinstance(value, np.ndarray) and value.dtype != object and value.ndim not in (2, 3) and value.size:
        raise ValueError(f"{field}: shape {value.shape}; allowed: a list of (N, 2) arrays, or an array (objects, N, 2)")
    return value


def _read(entry: Any, field: str, closed: bool) -> tuple[list[Points], _Form]:
    """The (N, 2) parts of an entry, and how it was written."""
    if isinstance(entry, dict):
        raise ValueError(f"{field} is a {type(entry).__name__}; run-length encoded regions are masks: give `masks`")
    first = entry[0] if isinstance(entry, (Sequence, np.ndarray)) and len(entry) else None
    if first is None:
        raise ValueError(f"{field} has no points")
    depth = np.ndim(first) if not isinstance(first, (list, tuple)) else 1 + int(np.ndim(first[0]) if first else 0)
    # Points are pairs; a flat part of one pair would be no polygon and no line.
    in_parts = closed and (depth == 2 or (depth == 1 and len(first) != 2))
    parts = [_points(part, field, closed) for part in (entry if in_parts else [entry])]
    sample = first if in_parts else entry
    like = entry if isinstance(entry, np.ndarray) else sample if isinstance(sample, np.ndarray) else None
    return parts, _Form(in_parts, np.ndim(sample) == 1, like)


def _points(part: Any, field: str, closed: bool) -> Points:
    try:
        array = np.asarray(part)
        if array.dtype.kind not in "fiu":
            raise ValueError
        points = array.astype(np.float64).reshape(-1, 2) if array.ndim == 1 else array.astype(np.float64)
        if points.ndim != 2 or points.shape[1] != 2:
            raise ValueError
    except ValueError:
        raise ValueError(
            f"{field} is no list of points; allowed: (N, 2) numbers, or a flat list x0, y0, x1, y1 ..."
        ) from None
    least = 3 if closed else 2
    if len(points) < least or not np.isfinite(points).all():
        raise ValueError(f"{field} has {len(points)} points; {least} or more finite ones are needed")
    return points


def _written(points: Points, form: _Form) -> Any:
    shaped: NDArray[Any] = points.ravel() if form.flat else points
    return shaped.tolist() if form.like is None else shaped.astype(float_dtype(form.like))
