"""Polygons as pixels, and pixels as polygons."""

from __future__ import annotations

import numpy as np

from covary.plan.changes import Bools, Floats

# Right, down, left, up: an outline goes with the region on its right hand.
_STEPS = ((1, 0), (0, 1), (-1, 0), (0, -1))


def fill_polygon(points: Floats, size: tuple[int, int]) -> Bools:
    """The pixels whose centres lie inside a polygon (even-odd rule).

    Args:
        points: (N, 2) corners (x, y) in continuous coordinates: pixel i covers [i, i + 1).
        size: height and width of the mask.

    Returns:
        (H, W) bool.
    """
    height, width = size
    start = np.asarray(points, dtype=np.float64).reshape(-1, 2)
    if len(start) < 3 or not np.isfinite(start).all():
        return np.zeros(size, dtype=bool)
    end = np.roll(start, -1, axis=0)
    rows = np.arange(height) + 0.5
    # An edge toggles "inside" for all pixels of a row to the right of where it crosses the row's centre line.
    edges, at = np.nonzero((start[:, 1, None] <= rows) != (end[:, 1, None] <= rows))
    share = (rows[at] - start[edges, 1]) / (end[edges, 1] - start[edges, 1])
    crossing = start[edges, 0] + share * (end[edges, 0] - start[edges, 0])
    columns = np.clip(np.ceil(crossing - 0.5), 0, width).astype(np.intp)
    toggles = np.zeros((height, width + 1), dtype=np.int32)
    np.add.at(toggles, (at, columns), 1)
    inside: Bools = (np.cumsum(toggles[:, :width], axis=1) & 1).astype(bool)
    return inside


def outline_of(mask: Bools, *, tolerance: float = 0.3) -> Floats | None:
    """One polygon around a mask.

    Several parts and holes are joined by bridges of no width, walked there and back: under the even-odd rule they
    neither add nor take a pixel.

    Args:
        mask: (H, W) bool.
        tolerance: how far in pixels the outline may pass from the pixels' edges, which spares it their stairs; 0 keeps
            to them, and filling the polygon gives the very mask.

    Returns:
        (N, 2) corners (x, y) in continuous coordinates; None for an empty mask.
    """
    around = bounding_box(mask)
    if around is None:
        return None
    x, y, width, height = around
    loops = _loops(mask[y : y + height, x : x + width])
    if tolerance > 0:
        loops = [_simpler(loop, tolerance) for loop in loops]
    polygon = loops[0]
    for loop in sorted(loops[1:], key=len, reverse=True):
        polygon = bridged(polygon, loop)
    return polygon + np.array([x, y], dtype=np.float64)


def _loops(mask: Bools) -> list[Floats]:
    """The corners of each closed line between inside and outside; the longest line first."""
    height, width = mask.shape
    padded = np.pad(mask, 1)
    # ways[d][y, x]: whether a line leaves the corner (x, y) of the pixel grid in direction d.
    ways = np.zeros((4, height + 1, width + 1), dtype=bool)
    above, below = padded[:-1, 1:-1], padded[1:, 1:-1]
    ways[0, :, :-1] = below & ~above
    ways[2, :, 1:] = above & ~below
    left, right = padded[1:-1, :-1], padded[1:-1, 1:]
    ways[1, :-1, :] = left & ~right
    ways[3, 1:, :] = right & ~left
    stride = width + 1
    steps = [dx + dy * stride for dx, dy in _STEPS]
    # A line begins where it turns, so that the corner where it closes is one: at the upper left corners of the region.
    left_open = bytearray(ways.transpose(1, 2, 0).tobytes())
    loops = []
    for start in np.flatnonzero(ways[0].ravel()).tolist():
        if not left_open[4 * start]:
            continue
        corners: list[int] = []
        at, direction = start, 0
        while left_open[4 * at + direction]:
            left_open[4 * at + direction] = 0
            at += steps[direction]
            # Parts that touch at a corner alone are two: there, the line turns right.
            turn = next((turn for turn in (1, 0, 3) if left_open[4 * at + (direction + turn) % 4]), None)
            if turn is None:  # back at the beginning
                corners.append(at)
                break
            if turn:
                corners.append(at)
            direction = (direction + turn) % 4
        places = np.array(corners)
        loops.append(np.stack([places % stride, places // stride], axis=1).astype(np.float64))
    return sorted(loops, key=len, reverse=True)


def _simpler(loop: Floats, tolerance: float) -> Floats:
    """The loop with fewer corners (Douglas and Peucker 1973), unless too little is left of it.

    Stairs of one pixel are walked from the middle of a side to the middle of the next: straight lines at any slope, and
    no pixel's centre changes sides.
    """
    import cv2

    if len(loop) == 4:
        return loop
    after = np.roll(loop, -1, axis=0)
    unit = np.abs(after - loop).sum(axis=1) == 1  # the side from this corner to the next
    beside = np.roll(unit, 1)
    stairs = unit | beside | np.roll(unit, -1)
    points = np.stack([loop, (loop + after) / 2], axis=1)
    kept = np.stack([~(unit | beside), stairs], axis=1)
    walked = points[kept]
    fewer = cv2.approxPolyDP(walked.astype(np.float32)[:, None], tolerance, True)[:, 0].astype(np.float64)
    return fewer if len(fewer) >= 4 else loop


def bridged(polygon: Floats, loop: Floats) -> Floats:
    """Both as one polygon: from the corner of the first that is nearest to the second over and, around it, back."""
    gaps = ((polygon[:, None] - loop[None]) ** 2).sum(axis=2)
    here, there = np.unravel_index(int(gaps.argmin()), gaps.shape)
    around = np.roll(loop, -int(there), axis=0)
    return np.concatenate([polygon[: here + 1], around, around[:1], polygon[here:]])


def bounding_box(mask: Bools) -> tuple[int, int, int, int] | None:
    """x, y, width and height of the smallest box around a mask; None where it is empty."""
    rows = np.flatnonzero(mask.any(axis=1))
    if not rows.size:
        return None
    columns = np.flatnonzero(mask.any(axis=0))
    return int(columns[0]), int(rows[0]), int(columns[-1] - columns[0] + 1), int(rows[-1] - rows[0] + 1)
