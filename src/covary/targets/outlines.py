"""Outlines of boxes: polygons that are moved, and cut at the edges of a canvas.

Outlines are (N, P, 2) arrays, the last point joined to the first. Those with fewer corners repeat their last one; an
outline of which nothing is left is NaN.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np

from covary.targets.displacement import Points, Size, undo
from covary.targets.path import Displacement, Leg, Projection

Corner: TypeAlias = Sequence[float]

SPACING = 4.0  # px between the points that stand for an edge under a displacement
MOST = 256  # points per edge


def outlines_of(boxes: Points) -> Points:
    """The four corners of (N, 4) boxes, (N, 4, 2)."""
    return boxes[:, (0, 1, 2, 1, 2, 3, 0, 3)].reshape(-1, 4, 2)


def around(outlines: Points) -> Points:
    """(N, 4) boxes around outlines; NaN points do not count."""
    return np.concatenate((np.fmin.reduce(outlines, axis=1), np.fmax.reduce(outlines, axis=1)), axis=1)


def move_outlines(outlines: Points, leg: Leg) -> Points:
    """Outlines after one stage."""
    for step in leg.steps:
        if isinstance(step, Projection):
            outlines = _project(outlines, step)
        elif isinstance(step, Displacement):
            dense = _dense(outlines)
            outlines = undo(step.grid, step.size, dense.reshape(-1, 2)).reshape(dense.shape)
    return outlines


def cut_outlines(outlines: Points, size: Size) -> Points:
    """What of the outlines is on the canvas."""
    known = [[corner for corner in outline if corner[0] == corner[0]] for outline in outlines.tolist()]
    return _padded([_cut_polygon(polygon, size) for polygon in known], 2)


def _cut_polygon(polygon: Sequence[Corner], size: Size) -> Sequence[Corner]:
    """What of one polygon is on the canvas; no corners if nothing is."""
    for axis, end in ((0, size[1]), (1, size[0])):
        places = [corner[axis] for corner in polygon]
        if polygon and min(places) < 0:
            polygon = _cut(polygon, places)
            places = [corner[axis] for corner in polygon]
        if polygon and max(places) > end:
            polygon = _cut(polygon, [end - place for place in places])
    return polygon


def _cut(polygon: Sequence[Corner], heights: Sequence[float]) -> list[Corner]:
    """What of a polygon lies above the water: one plane's turn in the clipping of Sutherland and Hodgman (1974)."""
    kept: list[Corner] = []
    last, last_height = polygon[-1], heights[-1]
    for corner, height in zip(polygon, heights, strict=True):
        if (height >= 0) != (last_height >= 0):
            share = last_height / (last_height - height)
            kept.append([p + (q - p) * share for p, q in zip(last, corner, strict=True)])
        if height >= 0:
            kept.append(corner)
        last, last_height = corner, height
    return kept


def _padded(polygons: Sequence[Sequence[Corner]], dimensions: int) -> Points:
    longest = max(1, *map(len, polygons)) if polygons else 1
    nothing = [[np.nan] * dimensions]
    rows = [
        [*polygon, *[polygon[-1]] * (longest - len(polygon))] if polygon else nothing * longest for polygon in polygons
    ]
    return np.array(rows, dtype=np.float64).reshape(len(polygons), longest, dimensions)


def _project(outlines: Points, projection: Projection) -> Points:
    """Outlines after a projective map; what lies behind its horizon is cut off just before it."""
    a, b, c, d, e, f, g, h, i = projection.matrix
    moved: Points = outlines @ np.array(((a, d, g), (b, e, h)))
    moved += (c, f, i)
    if projection.affine:
        return moved[..., :2]
    if not (moved[..., 2] > 0).all():
        near = 1e-6 * np.abs(moved[..., 2]).max(initial=0.0)
        corners = [[corner for corner in outline if corner[2] == corner[2]] for outline in moved.tolist()]
        moved = _padded(
            [_cut(outline, [corner[2] - near for corner in outline]) if outline else [] for outline in corners], 3
        )
    flat: Points = moved[..., :2] / moved[..., 2:]
    return flat


def _dense(outlines: Points) -> Points:
    """The outlines with points at most `SPACING` apart, as far as `MOST` points per edge go."""
    steps = np.roll(outlines, -1, axis=1) - outlines
    longest = float(np.fmax.reduce(np.abs(steps), axis=None, initial=0.0))
    count = int(min(max(np.ceil(longest / SPACING), 1), MOST))
    share = (np.arange(count) / count)[:, None]
    points: Points = outlines[:, :, None] + steps[:, :, None] * share
    return points.reshape(len(outlines), -1, 2)
