"""Polygons and lines cut along straight lines, into as many pieces as there are.

Points are sequences of numbers of which the first two are x and y; further ones are interpolated along with them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias

Point: TypeAlias = Sequence[float]
Shape: TypeAlias = Sequence[Point]
Rectangle: TypeAlias = tuple[float, float, float, float]
Heights: TypeAlias = Sequence[float]
Cut: TypeAlias = Callable[[Shape, Heights], list[Shape]]


def cut_to_rectangle(shape: Shape, rectangle: Rectangle, cut: Cut) -> list[Shape]:
    """What of a shape lies in x0, y0, x1, y1.

    Args:
        shape: its points.
        rectangle: what is kept.
        cut: `cut_polygon` or `cut_line`.
    """
    pieces = [shape] if shape else []
    x0, y0, x1, y1 = rectangle
    for axis, sign, level in ((0, 1.0, x0), (0, -1.0, -x1), (1, 1.0, y0), (1, -1.0, -y1)):
        if not pieces:
            break
        left: list[Shape] = []
        for piece in pieces:
            heights = [sign * point[axis] - level for point in piece]
            if min(heights) >= 0:
                left.append(piece)
            elif max(heights) >= 0:
                left += cut(piece, heights)
        pieces = left
    return pieces


def cut_line(line: Shape, heights: Heights) -> list[Shape]:
    """The pieces of a line string where its height is not negative."""
    pieces: list[Shape] = []
    piece: list[Point] = []
    for index, (point, height) in enumerate(zip(line, heights, strict=True)):
        if index and (height >= 0) != (heights[index - 1] >= 0):
            piece.append(_between(line[index - 1], point, heights[index - 1], height))
            if height < 0:
                pieces.append(piece)
                piece = []
        if height >= 0:
            piece.append(point)
    pieces.append(piece)
    return [piece for piece in pieces if len(piece) > 1 and any(tuple(point) != tuple(piece[0]) for point in piece)]


def cut_polygon(polygon: Shape, heights: Heights) -> list[Shape]:
    """The parts of a polygon where its height is not negative.

    The water line crosses a polygon's outline an even number of times; between the first crossing and the second,
    the third and the fourth, and so on along it lies the polygon. What of the outline is above it is joined there.
    """
    runs = _runs(polygon, heights)
    if len(runs) < 2:
        return [run for run in runs if len(run) > 2]
    parts = _joined(runs)
    # An outline that crosses itself cannot be taken apart: its pieces stay joined along the water line.
    return [[point for run in runs for point in run]] if parts is None else parts


def _runs(polygon: Shape, heights: Heights) -> list[list[Point]]:
    """The stretches of the outline above the water, each from its first crossing to its last."""
    count = len(polygon)
    first = next((index for index in range(count) if heights[index - 1] < 0 <= heights[index]), None)
    if first is None:
        return [list(polygon)] if heights[0] >= 0 else []
    runs: list[list[Point]] = []
    for step in range(count):
        index = (first + step) % count
        before, height = heights[index - 1], heights[index]
        if before < 0 <= height:
            runs.append([])
        if (before >= 0) != (height >= 0):
            runs[-1].append(_between(polygon[index - 1], polygon[index], before, height))
        if height >= 0:
            runs[-1].append(polygon[index])
    # The last run ends on the edge that leads to the first one's beginning, or did so before.
    return runs


def _joined(runs: Sequence[list[Point]]) -> list[Shape] | None:
    """Runs joined where the water line lies in the polygon; None if it crosses itself."""
    crossings = [point for run in runs for point in (run[0], run[-1])]
    reach = [max(point[axis] for point in crossings) - min(point[axis] for point in crossings) for axis in (0, 1)]
    along = 0 if reach[0] >= reach[1] else 1
    ends = sorted((run[-side][along], side, number) for number, run in enumerate(runs) for side in (0, 1))
    follows: dict[int, int] = {}
    for (_, one, number), (_, other, following) in zip(ends[::2], ends[1::2], strict=True):
        if one == other:
            return None
        follows[number if one else following] = following if one else number
    parts: list[Shape] = []
    waiting = set(range(len(runs)))
    while waiting:
        number = first = min(waiting)
        part: list[Point] = []
        while number in waiting:
            waiting.remove(number)
            part += runs[number]
            number = follows[number]
        if number != first:
            return None
        parts.append(part)
    return parts


def _between(one: Point, other: Point, height: float, other_height: float) -> Point:
    """Where the way from one point to another crosses height 0."""
    share = height / (height - other_height)
    return [p + (q - p) * share for p, q in zip(one, other, strict=True)]


def area_of(polygon: Shape) -> float:
    """In square units; of a polygon that crosses itself the difference of its parts."""
    total = 0.0
    last = polygon[-1]
    for point in polygon:
        total += last[0] * point[1] - point[0] * last[1]
        last = point
    return abs(total) / 2
