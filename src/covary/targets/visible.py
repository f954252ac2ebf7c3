"""How much of a picture's source is seen in what a plan makes of it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from covary.plan.changes import Displace, Erase, Ints
from covary.plan.fusion import Group
from covary.plan.stages import Stage
from covary.targets.path import Path, travel

Points = NDArray[np.float64]

# Displacements have no polygons: so many points along each axis are followed instead.
GRID = 64


def visible_fractions(groups: Sequence[Group], sizes: Ints) -> NDArray[np.float64]:
    """(B,) the share of each source's area that lies on the finished picture and is not painted over, 0 to 1.

    Exact for crops and all projective geometry, erased rectangles included; behind displacements by 64 x 64 points.

    Args:
        groups: of a plan.
        sizes: (B, 2) height and width of the sources.
    """
    fractions = np.ones(len(sizes))
    for group in groups:
        rows = range(len(sizes)) if group.rows is None else group.rows.tolist()
        for place, row in enumerate(rows):
            fractions[row] = _fraction(group.stages, place, (int(sizes[row, 0]), int(sizes[row, 1])))
    return fractions


def _fraction(stages: Sequence[Stage], row: int, size: tuple[int, int]) -> float:
    seen = _by_polygons(stages, row, size)
    return _by_points(stages, row, size) if seen is None else seen


def _by_polygons(stages: Sequence[Stage], row: int, size: tuple[int, int]) -> float | None:
    """Cut the source, in its own coordinates, by what each stage keeps; None where that needs points."""
    height, width = size
    pieces = [_rectangle(0, 0, width, height)]
    inward = np.eye(3)  # from the canvas of the stage back to the source
    for stage in stages:
        for change in stage.coordinates:
            if isinstance(change, Displace):
                return None
            inward = inward @ change.matrix[row]
        if stage.coordinates:
            canvas = _source_of(inward, _rectangle(0, 0, int(stage.size[row, 1]), int(stage.size[row, 0])))
            if canvas is None:
                return None
            pieces = [kept for piece in pieces if len(kept := _inside(piece, canvas)) > 2]
        for rectangle in _painted(stage, row):
            hidden = _source_of(inward, rectangle)
            if hidden is None:
                return None
            pieces = [rest for piece in pieces for rest in _without(piece, hidden)]
    return float(min(1.0, sum(map(_area, pieces)) / (height * width)))


def _by_points(stages: Sequence[Stage], row: int, size: tuple[int, int]) -> float:
    """Follow points that are spread evenly over the source."""
    height, width = size
    across, down = np.meshgrid((np.arange(GRID) + 0.5) * width / GRID, (np.arange(GRID) + 0.5) * height / GRID)
    source = np.stack([across.ravel(), down.ravel()], axis=1)
    sizes = np.array([size], dtype=np.int64)
    one = [stage.take(slice(row, row + 1)) for stage in stages]
    _, seen = travel(source, size, Path(one, sizes).legs(0))
    for number, stage in enumerate(one):
        for rectangle in _painted(stage, 0):
            points, _ = travel(source, size, Path(one[: number + 1], sizes).legs(0))
            (left, top), (right, bottom) = rectangle[0], rectangle[2]
            x, y = points.T
            with np.errstate(invalid="ignore"):
                seen &= ~((x >= left) & (x < right) & (y >= top) & (y < bottom))
    return float(seen.mean())


def _painted(stage: Stage, row: int) -> list[Points]:
    """The rectangles that a stage paints over, on its own canvas."""
    found = []
    height, width = stage.size[row].tolist()
    for step in stage.values:
        if isinstance(step.change, Erase) and (step.active is None or step.active[row]):
            for rectangle in step.change.rectangles[row, : int(step.change.count[row])].tolist():
                left, top, right, bottom = (
                    min(max(end, 0), most) for end, most in zip(rectangle, (width, height) * 2, strict=True)
                )
                if left < right and top < bottom:
                    found.append(_rectangle(left, top, right, bottom))
    return found


def _rectangle(left: float, top: float, right: float, bottom: float) -> Points:
    return np.array([[left, top], [right, top], [right, bottom], [left, bottom]], dtype=np.float64)


def _source_of(inward: Points, polygon: Points) -> Points | None:
    """A polygon of a canvas in coordinates of the source, turning the same way round; None beyond the horizon."""
    homogeneous = np.column_stack([polygon, np.ones(len(polygon))]) @ inward.T
    if not (homogeneous[:, 2] > 0).all():
        return None
    found: Points = homogeneous[:, :2] / homogeneous[:, 2:]
    return found if _signed_area(found) >= 0 else found[::-1]


def _inside(piece: Points, convex: Points) -> Points:
    """The part of a convex polygon inside another (Sutherland and Hodgman 1974)."""
    for start, end in zip(convex, np.roll(convex, -1, axis=0), strict=True):
        piece = _half(piece, start, end)
        if len(piece) < 3:
            break
    return piece


def _without(piece: Points, convex: Points) -> list[Points]:
    """A convex polygon less another, as convex pieces."""
    rest = []
    for start, end in zip(convex, np.roll(convex, -1, axis=0), strict=True):
        outside = _half(piece, end, start)
        if len(outside) > 2:
            rest.append(outside)
        piece = _half(piece, start, end)
        if len(piece) < 3:
            break
    return rest


def _half(piece: Points, start: Points, end: Points) -> Points:
    """What of a convex polygon lies to the inner side of a line, with y pointing down."""
    side = (end[0] - start[0]) * (piece[:, 1] - start[1]) - (end[1] - start[1]) * (piece[:, 0] - start[0])
    kept: list[Points] = []
    for number in range(len(piece)):
        before = number - 1
        if side[number] * side[before] < 0:
            share = side[before] / (side[before] - side[number])
            kept.append(piece[before] + share * (piece[number] - piece[before]))
        if side[number] >= 0:
            kept.append(piece[number])
    return np.array(kept).reshape(-1, 2)


def _signed_area(polygon: Points) -> float:
    x, y = polygon.T
    return float((x * np.roll(y, -1) - np.roll(x, -1) * y).sum() / 2)


def _area(polygon: Points) -> float:
    return abs(_signed_area(polygon))
