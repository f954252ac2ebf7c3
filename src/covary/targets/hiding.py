"""What is left of polygons and line strings where something covers the picture.

Of a covered rectangle a polygon keeps exactly what lies outside; of a cover of any other shape, the outline of its
pixels that are still to be seen. What no cover touches stays as it is.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from covary.plan.changes import Bools
from covary.targets.cutting import Rectangle, area_of, cut_polygon, cut_to_rectangle
from covary.targets.displacement import Points
from covary.targets.moving import Shapes
from covary.targets.pixels import bridged, fill_polygon, outline_of

WIDER = 1e-6  # px by which a rectangle is widened, so that no corner lies on its sides
NOTHING = 1e-5  # square px


def open_polygons(shapes: Shapes, covered: Bools, rectangle: Rectangle | None) -> Shapes:
    """What of polygons is not covered.

    Args:
        shapes: their parts, in pixels.
        covered: (H, W) whether a pixel is.
        rectangle: x0, y0, x1, y1 where the cover is one rectangle.
    """
    made, owners = list[Points](), list[int]()
    for points, owner in zip(shapes.points, shapes.owners, strict=True):
        pieces = _without_pixels(points, covered) if rectangle is None else without_rectangle(points, rectangle)
        made += pieces
        owners += [owner] * len(pieces)
    return Shapes(made, owners)


def open_lines(shapes: Shapes, covered: Bools) -> Shapes:
    """What of line strings lies on pixels that are not covered."""
    made, owners = list[Points](), list[int]()
    for points, owner in zip(shapes.points, shapes.owners, strict=True):
        pieces = _open_runs(points, covered)
        made += pieces
        owners += [owner] * len(pieces)
    return Shapes(made, owners)


def without_rectangle(points: Points, rectangle: Rectangle) -> list[Points]:
    """The parts of a polygon outside a rectangle (Weiler and Atherton 1977).

    Pieces of the outline that lie outside are joined along the rectangle's sides, where these lie in the polygon. A
    rectangle wholly inside is joined to the outline by a bridge of no width. A polygon that crosses itself, so that its
    pieces cannot be joined, stays whole.
    """
    common = sum(
        area_of(piece) for piece in cut_to_rectangle(points.tolist(), rectangle, cut_polygon) if len(piece) > 2
    )
    if common <= NOTHING:
        return [points]
    if common >= area_of(points.tolist()) - NOTHING:
        return []
    wide = (rectangle[0] - WIDER, rectangle[1] - WIDER, rectangle[2] + WIDER, rectangle[3] + WIDER)
    runs = _runs_outside(points, wide)
    if not runs:
        hole = _corners(rectangle)
        return [np.asarray(bridged(points, hole if _turns(points) < 0 else hole[::-1]), dtype=np.float64)]
    parts = _joined(runs, points, wide)
    if parts is None:
        return [points]
    held = [_without_repeats(_on_sides(part, rectangle)) for part in parts]
    return [part for part in held if len(part) > 2 and area_of(part.tolist()) > NOTHING]


def _corners(rectangle: Rectangle) -> Points:
    """The corners of a rectangle, clockwise as seen on the screen from the upper left one."""
    x0, y0, x1, y1 = rectangle
    return np.array([[x0, y0], [x1, y0], [x1, y1], [x0, y1]])


def _turns(points: Points) -> float:
    """Twice the signed area: above 0 for outlines that go clockwise as seen on the screen."""
    x, y = points[:, 0] - points[0, 0], points[:, 1] - points[0, 1]
    return float(np.dot(x[:-1], y[1:]) - np.dot(x[1:], y[:-1]))


def _runs_outside(points: Points, rectangle: Rectangle) -> list[list[Points]]:
    """The pieces of the outline outside the rectangle, each from where it leaves it to where it enters it again; none
    where the outline does not cross it.
    """
    low, high = np.array(rectangle[:2]), np.array(rectangle[2:])
    runs: list[list[Points]] = []
    first: list[Points] = []  # what stands before the first crossing belongs to the last run
    run = first
    for start, end in zip(points, np.roll(points, -1, axis=0), strict=True):
        enter, leave = _within(start, end, low, high)
        starts_inside = bool(((start > low) & (start < high)).all())
        if not starts_inside:
            run.append(start)
        if enter >= leave:
            continue
        if enter > 0:
            run.append(start + (end - start) * enter)
        if leave < 1:
            run = [start + (end - start) * leave]
            runs.append(run)
    if runs:
        runs[-1] += first
    return runs


def _within(start: Points, end: Points, low: Points, high: Points) -> tuple[float, float]:
    """Between which shares of the way from one point to another a rectangle is crossed (Liang and Barsky 1984)."""
    enter, leave = 0.0, 1.0
    for at, step, least, most in zip(start.tolist(), (end - start).tolist(), low.tolist(), high.tolist(), strict=True):
        if step == 0:
            if not least < at < most:
                return 1.0, 0.0
            continue
        one, other = (least - at) / step, (most - at) / step
        enter, leave = max(enter, min(one, other)), min(leave, max(one, other))
    return enter, leave


def _on_sides(points: Points, rectangle: Rectangle) -> Points:
    """Points on the sides of the widened rectangle, on those of the rectangle itself."""
    held = points.copy()
    for number, end in enumerate(rectangle):
        places = held[:, number % 2]
        places[np.abs(places - end) <= 2 * WIDER] = end
    return held


def _joined(runs: list[list[Points]], polygon: Points, rectangle: Rectangle) -> list[Points] | None:
    """Runs joined along those stretches of the rectangle's sides that lie in the polygon; None if they cross."""
    ends = sorted(
        (_around_at(run[-side], rectangle), side, number) for number, run in enumerate(runs) for side in (0, 1)
    )
    stretches = [(one, ends[(place + 1) % len(ends)]) for place, one in enumerate(ends)]
    lengths = [(other[0] - one[0]) % 4 for one, other in stretches]
    longest = int(np.argmax(lengths))
    middle = _at_around((ends[longest][0] + lengths[longest] / 2) % 4, rectangle)
    inside_first = longest if _contains(polygon, middle) else longest + 1
    follows: dict[int, tuple[int, list[Points]]] = {}
    for one, other in stretches[inside_first % 2 :: 2]:
        if one[1] == other[1]:
            return None
        corners = _corners_between(one[0], other[0], rectangle)
        if one[1] == 1:  # the end of a run: on from it, with the clock
            follows[one[2]] = (other[2], corners)
        else:
            follows[other[2]] = (one[2], corners[::-1])
    if len(follows) != len(runs):
        return None
    parts = []
    waiting = set(range(len(runs)))
    while waiting:
        number = min(waiting)
        part: list[Points] = []
        while number in waiting:
            waiting.remove(number)
            following, corners = follows[number]
            part += [*runs[number], *corners]
            number = following
        parts.append(np.array(part))
    return parts


def _around_at(point: Points, rectangle: Rectangle) -> float:
    """How far around a rectangle a point on its sides lies, 0 to 4, with the clock from the upper left corner."""
    x0, y0, x1, y1 = rectangle
    x, y = point.tolist()
    across, down = (x - x0) / (x1 - x0), (y - y0) / (y1 - y0)
    near = [(abs(y - y0), across), (abs(x - x1), 1 + down), (abs(y - y1), 3 - across), (abs(x - x0), 4 - down)]
    return float(min(near)[1] % 4)


def _at_around(place: float, rectangle: Rectangle) -> Points:
    corners = _corners(rectangle)
    side = int(place) % 4
    return np.asarray(corners[side] + (corners[(side + 1) % 4] - corners[side]) * (place - int(place)))


def _corners_between(start: float, end: float, rectangle: Rectangle) -> list[Points]:
    """The corners that are passed on the way around a rectangle."""
    last = end if end > start else end + 4
    corners = _corners(rectangle)
    return [corners[number % 4] for number in range(int(start) + 1, int(np.ceil(last)))]


def _contains(polygon: Points, point: Points) -> bool:
    """Whether a point lies in a polygon (even-odd rule)."""
    x, y = polygon.T
    next_x, next_y = np.roll(x, -1), np.roll(y, -1)
    crossing = (y <= point[1]) != (next_y <= point[1])
    with np.errstate(divide="ignore", invalid="ignore"):
        at = x + (point[1] - y) / (next_y - y) * (next_x - x)
    return bool(np.count_nonzero(crossing & (at > point[0])) % 2)


def _without_repeats(points: Points) -> Points:
    kept: Points = points[(points != np.roll(points, 1, axis=0)).any(axis=1)]
    return kept


def _without_pixels(points: Points, covered: Bools) -> list[Points]:
    """The outlines of the parts of a polygon that covered pixels leave; the polygon itself where they take none."""
    height, width = covered.shape
    x0, y0 = np.maximum(np.floor(points.min(axis=0)), 0).astype(np.intp).tolist()
    x1, y1 = np.minimum(np.ceil(points.max(axis=0)), (width, height)).astype(np.intp).tolist()
    part = covered[y0:y1, x0:x1]
    if not part.any():
        return [points]
    pixels = fill_polygon(points - np.array((x0, y0)), part.shape)
    left = pixels & ~part
    if left.any() and (left == pixels).all():
        return [points]
    import cv2

    count, numbers = cv2.connectedComponents(left.view(np.uint8), connectivity=4)
    outlines = [outline_of(numbers == number) for number in range(1, count)]
    corner = np.array((x0, y0))
    return [outline + corner for outline in outlines if outline is not None]


def _open_runs(points: Points, covered: Bools) -> list[Points]:
    """The pieces of a line on pixels that are not covered: it is looked at between every two lines of the grid."""
    height, width = covered.shape
    runs: list[list[Points]] = []
    going = False
    for start, end in pairwise(points):
        shares = _crossings(start, end)
        middles = start + (end - start) * ((shares[:-1] + shares[1:]) / 2)[:, None]
        column = np.clip(np.floor(middles[:, 0]), 0, width - 1).astype(np.intp)
        row = np.clip(np.floor(middles[:, 1]), 0, height - 1).astype(np.intp)
        for seen, near, far in zip(~covered[row, column], shares[:-1].tolist(), shares[1:].tolist(), strict=True):
            if seen and not going:
                runs.append([start + (end - start) * near])
            if seen:
                there = end if far == 1 else start + (end - start) * far
                if going and near > 0:
                    runs[-1][-1] = there  # straight on
                else:
                    runs[-1].append(there)
            going = bool(seen)
    return [np.array(run) for run in runs]


def _crossings(start: Points, end: Points) -> Points:
    """The shares of the way from one point to another at which it crosses the grid of pixels, with 0 and 1."""
    shares = [np.array([0.0, 1.0])]
    for one, other in zip(start.tolist(), end.tolist(), strict=True):
        low, high = min(one, other), max(one, other)
        lines = np.arange(np.floor(low) + 1, np.ceil(high))
        if lines.size:
            shares.append((lines - one) / (other - one))
    return np.unique(np.concatenate(shares))
