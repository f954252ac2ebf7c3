"""Polygons and line strings through one stage: point by point, with more points where straight lines become curves."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from covary.targets.cutting import Rectangle, area_of, cut_line, cut_polygon, cut_to_rectangle
from covary.targets.displacement import Points, Size, undo
from covary.targets.outlines import MOST, SPACING
from covary.targets.path import Displacement, Exchange, Leg, Projection, cells_of, project


class Shapes(NamedTuple):
    """Polygons (closed) or line strings (open), or parts of them.

    Attributes:
        points: (N, 2) of each.
        owners: which object each belongs to.
    """

    points: list[Points]
    owners: list[int]


def moved(shapes: Shapes, leg: Leg, closed: bool) -> Shapes:
    """Shapes behind one stage; they are not cut at its canvas."""
    for step in leg.steps:
        if isinstance(step, Exchange):
            shapes = _exchanged(shapes, step, closed)
        elif isinstance(step, Displacement):
            shapes = _displaced(shapes, step, closed)
        elif step.affine or not shapes.points:
            shapes = Shapes(_apart(project(_together(shapes.points), step), shapes.points), shapes.owners)
        else:
            shapes = _projected(shapes, step, closed)
    return shapes


def moved_whole(shapes: Shapes, leg: Leg, closed: bool) -> Shapes:
    """As `moved`, but where cells change places nothing is cut: each goes with the cell in which its middle lies."""
    if leg.exchange is None:
        return moved(shapes, leg, closed)
    middles = np.array([points.mean(axis=0) for points in shapes.points]).reshape(-1, 2)
    shifts = leg.exchange.shifts[cells_of(middles, leg.exchange, leg.before)]
    return Shapes([points + shift for points, shift in zip(shapes.points, shifts, strict=True)], shapes.owners)


def on_canvas(shapes: Shapes, size: Size, closed: bool) -> Shapes:
    """What of shapes lies on a canvas."""
    height, width = size
    return _within(shapes, (0.0, 0.0, float(width), float(height)), closed)


def areas(shapes: Shapes, count: int) -> NDArray[np.float64]:
    """(count,) areas of objects, in square pixels."""
    sums = np.zeros(count)
    for points, owner in zip(shapes.points, shapes.owners, strict=True):
        x, y = points[:, 0] - points[0, 0], points[:, 1] - points[0, 1]
        sums[owner] += abs(float(np.dot(x[:-1], y[1:]) - np.dot(x[1:], y[:-1]))) / 2
    return sums


def around_each(shapes: Shapes, count: int) -> Points:
    """(count, 4) x0, y0, x1, y1 around objects; NaN where nothing is left."""
    boxes = np.full((count, 4), np.nan)
    for points, owner in zip(shapes.points, shapes.owners, strict=True):
        boxes[owner, :2] = np.fmin(boxes[owner, :2], points.min(axis=0))
        boxes[owner, 2:] = np.fmax(boxes[owner, 2:], points.max(axis=0))
    return boxes


def only(shapes: Shapes, wanted: NDArray[np.bool_]) -> Shapes:
    """The shapes of the wanted objects."""
    kept = [number for number, owner in enumerate(shapes.owners) if wanted[owner]]
    return Shapes([shapes.points[number] for number in kept], [shapes.owners[number] for number in kept])


def _together(points: Sequence[Points]) -> Points:
    return np.concatenate(points) if points else np.zeros((0, 2))


def _apart(joined: Points, like: Sequence[Points]) -> list[Points]:
    return np.split(joined, np.cumsum([len(points) for points in like])[:-1]) if like else []


def _within(shapes: Shapes, rectangle: Rectangle, closed: bool) -> Shapes:
    x0, y0, x1, y1 = rectangle
    made, owners = list[Points](), list[int]()
    for points, owner in zip(shapes.points, shapes.owners, strict=True):
        (left, top), (right, bottom) = points.min(axis=0), points.max(axis=0)
        if left >= x0 and top >= y0 and right <= x1 and bottom <= y1:
            pieces = [points]
        elif right < x0 or bottom < y0 or left > x1 or top > y1:
            continue
        else:
            cut = cut_to_rectangle(points.tolist(), rectangle, cut_polygon if closed else cut_line)
            pieces = [np.array(piece) for piece in cut if not closed or (len(piece) > 2 and area_of(piece) > 0)]
        made += pieces
        owners += [owner] * len(pieces)
    return Shapes(made, owners)


def _exchanged(shapes: Shapes, step: Exchange, closed: bool) -> Shapes:
    """Shapes cut at the cells, each piece moved with its cell."""
    made, owners = list[Points](), list[int]()
    for part, shift in zip(step.parts.tolist(), step.shifts, strict=True):
        pieces = _within(shapes, tuple(part), closed)
        made += [points + shift for points in pieces.points]
        owners += pieces.owners
    order = sorted(range(len(owners)), key=owners.__getitem__)
    return Shapes([made[number] for number in order], [owners[number] for number in order])


def _displaced(shapes: Shapes, step: Displacement, closed: bool) -> Shapes:
    dense = [_dense(points, closed) for points in shapes.points]
    found = _apart(undo(step.grid, step.size, _together(dense)), dense)
    made, owners = list[Points](), list[int]()
    for points, owner in zip(found, shapes.owners, strict=True):
        # Points that are shown nowhere lie beyond the canvas, where nothing is seen.
        shown = points[~np.isnan(points[:, 0])]
        if len(shown) > (2 if closed else 1):
            made.append(shown)
            owners.append(owner)
    return Shapes(made, owners)


def _projected(shapes: Shapes, step: Projection, closed: bool) -> Shapes:
    """Shapes behind a map with a horizon; what lies behind it is cut off just before it."""
    a, b, c, d, e, f, g, h, i = step.matrix
    lifted = _together(shapes.points) @ np.array(((a, d, g), (b, e, h))) + (c, f, i)
    near = 1e-6 * float(np.abs(lifted[:, 2]).max(initial=0.0))
    made, owners = list[Points](), list[int]()
    for points, owner in zip(_apart(lifted, shapes.points), shapes.owners, strict=True):
        pieces = [points]
        if not (points[:, 2] > near).all():
            cut = cut_polygon if closed else cut_line
            heights = (points[:, 2] - near).tolist()
            pieces = [np.array(piece) for piece in (cut(points.tolist(), heights) if max(heights) > 0 else [])]
        made += [piece[:, :2] / piece[:, 2:] for piece in pieces]
        owners += [owner] * len(pieces)
    return Shapes(made, owners)


def _dense(points: Points, closed: bool) -> Points:
    """The shape with points at most `SPACING` apart, as far as `MOST` points per edge go."""
    following = np.roll(points, -1, axis=0)
    steps = following - points
    counts = np.clip(np.ceil(np.abs(steps).max(axis=1) / SPACING), 1, MOST).astype(np.intp)
    if not closed:
        counts[-1] = 1
    first = np.repeat(np.cumsum(counts) - counts, counts)
    share = (np.arange(counts.sum()) - first) / np.repeat(counts, counts)
    dense: Points = np.repeat(points, counts, axis=0) + np.repeat(steps, counts, axis=0) * share[:, None]
    return dense
