"""Oriented boxes: rectangles at any angle, moved as polygons and fitted again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from covary.plan.changes import Ints
from covary.targets.boxes import FARTHEST, vanishing
from covary.targets.displacement import Points, Size
from covary.targets.fields import float_dtype, numbers
from covary.targets.moving import Shapes, areas, around_each, moved, moved_whole, on_canvas, only
from covary.targets.pairs import checked_pairs
from covary.targets.path import Leg, Projection, advance
from covary.targets.shares import check_clip, check_least, check_share

COLUMNS = {"xywha": 5, "corners": 8}
SIMILAR = 1e-9  # relative difference of lengths and angles that still counts as none


@dataclass(frozen=True)
class OrientedBoxes:
    """How oriented boxes are written, and which of them stay.

    They are edges in continuous space, as `Boxes` are. Maps that keep shapes (turns, flips, even scaling) move them
    exactly; behind all others (shears, perspective, displacements) a box is the rectangle of least area around what
    its outline has become. Side w keeps its direction, and the first corner its place, as well as a new rectangle
    allows.

    Args:
        format: "xywha": centre x, centre y, w, h, and the angle of side w in degrees, anticlockwise as seen on the
            screen; what comes out lies in (-180, 180]. "corners": x1, y1 ... x4, y4, as in DOTA and YOLO-OBB. Further
            columns are carried along.
        normalised: whether x and w are fractions of the picture's width, y and h of its height. Angles are those in
            pixels.
        clip: whether a box that reaches over the edge of the picture shrinks, at its own angle, to what is visible of
            it. False keeps it whole; what is dropped stays the same.
        min_area: boxes with less visible area, in square pixels of the output, are dropped.
        min_visibility: boxes of which a smaller share of the area, in [0, 1], is left inside are dropped.
        pairs: pairs of labels, (left, right), that trade places in `oriented_box_labels` when the picture is mirrored.

    Where cells of the picture change places (`RandomGridShuffle`), a box becomes the one around its largest piece.

    Raises:
        ValueError: an argument is none of those allowed.
    """

    format: Literal["xywha", "corners"] = "xywha"
    normalised: bool = False
    clip: bool = True
    min_area: float = 0.0
    min_visibility: float = 0.0
    pairs: Sequence[tuple[Any, Any]] = ()

    def __post_init__(self) -> None:
        if self.format not in COLUMNS:
            raise ValueError(f"OrientedBoxes: format is {self.format!r}; allowed: {', '.join(COLUMNS)}")
        if not isinstance(self.normalised, bool):
            raise ValueError(f"OrientedBoxes: normalised is {self.normalised!r}; allowed: True or False")
        check_clip(self)
        check_least(self, "min_area", "square pixels")
        check_share(self, "min_visibility")
        object.__setattr__(self, "pairs", checked_pairs(self.pairs, "OrientedBoxes: pairs"))


def carry_oriented(
    options: OrientedBoxes, value: Any, source: Size, output: Size, legs: Sequence[Leg], field: str
) -> tuple[NDArray[Any], Ints, int]:
    """Move one sample's oriented boxes.

    Returns:
        the moved boxes in the user's format; (M,) which ones stayed; how many came in.

    Raises:
        ValueError: the shape or dtype is not that of oriented boxes, or one is not finite or has a negative side.
    """
    raw, corners = _read(options, value, source, field)
    fitted, kept = _carried(options, corners, source, legs)
    return _write(options, raw[kept], fitted, output), kept, len(raw)


def uncover_oriented(
    options: OrientedBoxes, value: Any, size: Size, left: Callable[[Shapes], Shapes], slack: float, field: str
) -> tuple[NDArray[Any], Ints, int]:
    """What is to be seen of one sample's oriented boxes where something covers the picture.

    Args:
        options: how they are written and which stay.
        value: of the field.
        size: height and width of the picture.
        left: what is not covered of shapes.
        slack: by so many pixels a side may lie beyond what is seen.
        field: its name, for messages.

    Returns:
        as `carry_oriented`.
    """
    raw, corners = _read(options, value, size, field)
    count = len(raw)
    seen = on_canvas(Shapes(list(corners), list(range(count))), size, True)
    rest = left(seen)
    whole, area = areas(seen, count), areas(rest, count)
    with np.errstate(invalid="ignore", divide="ignore"):
        visibility = np.nan_to_num(area / whole)
    kept = np.flatnonzero((area > 0) & (area >= options.min_area) & (visibility >= options.min_visibility - 1e-9))
    made = raw[kept].astype(float_dtype(raw))
    cut = [place for place, row in enumerate(kept.tolist()) if options.clip and area[row] < whole[row] * (1 - 1e-9)]
    if cut:
        rows = kept[cut]
        held = [_held(corners[row], _together(rest, row), slack) for row in rows.tolist()]
        made[cut] = _write(options, raw[rows], np.array(held), size)
    return made, kept, count


def _read(options: OrientedBoxes, value: Any, size: Size, field: str) -> tuple[NDArray[Any], Points]:
    """The boxes as they came, and their corners, (N, 4, 2) in pixels."""
    columns = COLUMNS[options.format]
    raw = numbers(value, field, columns)
    if raw.ndim != 2 or raw.shape[1] < columns:
        raise ValueError(f"{field}: shape {raw.shape}; allowed: (N, {columns}) or more columns ({options.format})")
    values: Points = raw[:, :columns].astype(np.float64)
    lengths = values if options.format == "corners" else values[:, :4]
    fine = np.isfinite(values).all(axis=1)
    if options.format == "xywha":
        fine &= (values[:, 2:4] >= 0).all(axis=1)
    needed = "finite numbers are needed, and sides from 0 on"
    if options.normalised:
        fine &= (np.abs(lengths) <= FARTHEST).all(axis=1)
        needed = "normalised boxes are fractions of the image"
    if not fine.all():
        row = int(fine.argmin())
        raise ValueError(f"{field}: row {row} is {raw[row, :columns].tolist()}; {needed}")
    if options.normalised:
        lengths *= np.tile(size[::-1], lengths.shape[1] // 2)
    if options.format == "corners":
        return raw, values.reshape(-1, 4, 2)
    angle = np.radians(values[:, 4])
    along = np.stack((np.cos(angle), -np.sin(angle)), axis=1)
    return raw, _corners(values[:, :2], along, _across(along), values[:, 2:4])


def _across(along: Points) -> Points:
    """Side h: side w turned clockwise as seen on the screen."""
    return np.stack((-along[:, 1], along[:, 0]), axis=1)


def _corners(centre: Points, along: Points, across: Points, sides: Points) -> Points:
    """(N, 4, 2) corners, side w from the first to the second, side h from the second to the third."""
    half_w, half_h = along * sides[:, :1] / 2, across * sides[:, 1:] / 2
    return np.stack(
        (centre - half_w - half_h, centre + half_w - half_h, centre + half_w + half_h, centre - half_w + half_h), axis=1
    )


def _write(options: OrientedBoxes, raw: NDArray[Any], corners: Points, size: Size) -> NDArray[Any]:
    columns = COLUMNS[options.format]
    if options.format == "corners":
        values = corners.reshape(-1, 8)
    else:
        side_w, side_h = corners[:, 1] - corners[:, 0], corners[:, 3] - corners[:, 0]
        # Minus zero would be the angle -180.
        angle = np.degrees(np.arctan2(-side_w[:, 1] + 0.0, side_w[:, 0]))
        lengths = [np.hypot(side[:, 0], side[:, 1]) for side in (side_w, side_h)]
        values = np.column_stack((corners.mean(axis=1), *lengths, angle))
    if options.normalised:
        pairs = values if options.format == "corners" else values[:, :4]
        pairs /= np.tile(size[::-1], pairs.shape[1] // 2)
    return np.concatenate((values, raw[:, columns:]), axis=1, dtype=float_dtype(raw))


def _carried(options: OrientedBoxes, corners: Points, source: Size, legs: Sequence[Leg]) -> tuple[Points, Ints]:
    """The corners of the boxes that stay, and which ones these are."""
    count = len(corners)
    whole = Shapes(list(corners), list(range(count)))
    seen = on_canvas(whole, source, True)
    visibility = np.ones(count)
    exact = True
    for leg in legs:
        if leg.vanished is not None:
            seen = only(seen, ~vanishing(around_each(seen, count), leg.vanished))
        full = areas(seen, count) if leg.exchange is not None else None
        seen = moved(seen, leg, True)
        if leg.exchange is not None:
            seen = _largest(seen)
        full = areas(seen, count) if full is None else full
        seen = on_canvas(seen, leg.after, True)
        with np.errstate(invalid="ignore", divide="ignore"):
            visibility *= np.nan_to_num(areas(seen, count) / full)
        exact &= all(map(_keeps_shapes, leg.steps))
        whole = moved_whole(whole, leg, True)
        corners = _advanced(corners, whole, leg)
    area = areas(seen, count)
    keep = (area > 0) & (area >= options.min_area) & (visibility >= options.min_visibility - 1e-9)
    kept = np.flatnonzero(keep)
    outlines = {owner: points for points, owner in zip(whole.points, whole.owners, strict=True)}
    pieces = {row: _together(seen, row) for row in kept.tolist()}
    cut = any(leg.exchange is not None for leg in legs)
    fitted = [corners[row] if exact else _fitted(outlines.get(row, pieces[row]), corners[row]) for row in kept.tolist()]
    if options.clip:
        fitted = [
            _shrunk(box, pieces[row]) if cut or area[row] < _area(box) * (1 - 1e-9) else box
            for box, row in zip(fitted, kept.tolist(), strict=True)
        ]
    return np.array(fitted).reshape(-1, 4, 2), kept


def _keeps_shapes(step: object) -> bool:
    """Whether a step turns, flips, shifts and scales evenly, and nothing else."""
    if not isinstance(step, Projection):
        return False
    a, b, _, d, e, _, _, _, _ = step.matrix
    size = a * a + b * b + d * d + e * e
    return step.affine and abs(a * a + d * d - b * b - e * e) <= SIMILAR * size and abs(a * b + d * e) <= SIMILAR * size


def _advanced(corners: Points, whole: Shapes, leg: Leg) -> Points:
    """The four corners themselves behind a stage; they move with the middle of their box where cells change places."""
    if leg.exchange is None:
        return advance(corners.reshape(-1, 2), leg).reshape(-1, 4, 2)
    after = {owner: points.mean(axis=0) for points, owner in zip(whole.points, whole.owners, strict=True)}
    middles = np.array([after.get(row, (np.nan, np.nan)) for row in range(len(corners))]).reshape(-1, 1, 2)
    there: Points = corners - corners.mean(axis=1, keepdims=True) + middles
    return there


def _largest(shapes: Shapes) -> Shapes:
    """The largest piece of each object."""
    best: dict[int, tuple[float, Points]] = {}
    for points, owner in zip(shapes.points, shapes.owners, strict=True):
        size = float(areas(Shapes([points], [0]), 1)[0])
        if owner not in best or size > best[owner][0]:
            best[owner] = size, points
    return Shapes([points for _, points in best.values()], list(best))


def _together(shapes: Shapes, owner: int) -> Points:
    return np.concatenate([points for points, own in zip(shapes.points, shapes.owners, strict=True) if own == owner])


def _area(box: Points) -> float:
    side_w, side_h = box[1] - box[0], box[3] - box[0]
    return abs(float(side_w[0] * side_h[1] - side_w[1] * side_h[0]))


def _shrunk(box: Points, piece: Points) -> Points:
    """The rectangle at a box's angle around what is visible of it."""
    return _around(piece, *_directions(box))


def _held(box: Points, piece: Points, slack: float) -> Points:
    """As `_shrunk`, but for sides of the box that what is visible leaves by no more than `slack` pixels."""
    along, across = _directions(box)
    ends = []
    for axis in (along, across):
        own, seen = box @ axis, piece @ axis
        low = own.min() if seen.min() <= own.min() + slack else seen.min()
        high = own.max() if seen.max() >= own.max() - slack else seen.max()
        ends.append((low, high))
    (left, right), (top, bottom) = ends
    return np.array([u * along + v * across for u, v in ((left, top), (right, top), (right, bottom), (left, bottom))])


def _directions(box: Points) -> tuple[Points, Points]:
    """Unit vectors along sides w and h of a rectangle; one that is not quite a rectangle is squared up."""
    along = box[1] - box[0] + box[2] - box[3]
    length = float(np.hypot(*along))
    along = along / length if length > 0 else np.array((1.0, 0.0))
    across = np.array((-along[1], along[0]))
    return along, across if float(np.dot(across, box[3] - box[0])) >= 0 else -across


def _around(points: Points, along: Points, across: Points) -> Points:
    """The corners of the rectangle with these directions around points."""
    u, v = points @ along, points @ across
    ends = [(u.min(), v.min()), (u.max(), v.min()), (u.max(), v.max()), (u.min(), v.max())]
    return np.array([p * along + q * across for p, q in ends])


def _fitted(outline: Points, corners: Points) -> Points:
    """The rectangle of least area around an outline: one of its sides lies on a side of the convex hull (Freeman and
    Shapira 1975). Its first corner and side w are as near as can be to those of the moved corners.
    """
    import cv2

    centre = outline.mean(axis=0)
    hull = outline[cv2.convexHull((outline - centre).astype(np.float32), returnPoints=False)[:, 0]]
    steps = np.roll(hull, -1, axis=0) - hull
    lengths = np.hypot(steps[:, 0], steps[:, 1])
    steps = steps[lengths > 0] / lengths[lengths > 0, None]
    if not len(steps):
        return np.repeat(outline[:1], 4, axis=0)
    normals = np.stack((-steps[:, 1], steps[:, 0]), axis=1)
    u, v = (hull - centre) @ steps.T, (hull - centre) @ normals.T
    best = int((np.ptp(u, axis=0) * np.ptp(v, axis=0)).argmin())
    along = steps[best]
    wanted = corners[1] - corners[0] + corners[2] - corners[3]
    if np.isfinite(wanted).all():
        choices = np.array((along, -along, normals[best], -normals[best]))
        along = choices[int((choices @ wanted).argmax())]
    across = np.array((-along[1], along[0]))
    downwards = corners[3] - corners[0] + corners[2] - corners[1]
    if np.isfinite(downwards).all() and float(np.dot(across, downwards)) < 0:
        across = -across
    return _around(outline, along, across)
