"""YOLO's label files: the objects of a picture, a line each."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from math import isfinite
from typing import Literal, TypeAlias

import numpy as np

from covary.data.instances import AnnotationError, Category, Instance
from covary.plan.changes import Floats
from covary.targets.pixels import fill_polygon

YoloKind: TypeAlias = Literal["boxes", "segments", "pose"]
Size: TypeAlias = tuple[int, int]

SLACK = 0.01  # how far shares of the picture may lie beyond 0 and 1 by rounding


def label_path(picture: str) -> str:
    """Where the label file of a picture lies: the last folder "images" on its way is "labels", its ending ".txt"."""
    parts = picture.rpartition(".")[0].replace(os.sep, "/").split("/")
    for at in range(len(parts) - 2, -1, -1):
        if parts[at] == "images":
            parts[at] = "labels"
            break
    return "/".join(parts) + ".txt"


def parse_yolo(
    text: str,
    size: Size,
    categories: Mapping[int, Category],
    *,
    keypoints: tuple[int, int] | None = None,
    masks: bool = True,
    where: str = "label file",
) -> tuple[Instance, ...]:
    """The objects of a label file.

    A line is a class number and a box (centre x, centre y, width, height), a box and `keypoints`, or the corners of a
    segment, three at least. Nothing else may follow.

    Args:
        text: of the file.
        size: height and width of the picture.
        categories: by class number.
        keypoints: their number, and 2 or 3 numbers for each; None where lines hold none.
        masks: whether segments are filled.
        where: what to call the file in messages.

    Raises:
        AnnotationError: a line cannot be used; the message names file and line.
    """
    objects = []
    for number, line in enumerate(text.splitlines(), 1):
        words = line.split()
        if words:
            try:
                objects.append(_parse_line(words, size, categories, keypoints, masks))
            except ValueError as error:
                raise AnnotationError(f"{where}, line {number}: {error}") from None
    return tuple(objects)


def _parse_line(
    words: Sequence[str],
    size: Size,
    categories: Mapping[int, Category],
    keypoints: tuple[int, int] | None,
    masks: bool,
) -> Instance:
    try:
        first, *values = (float(word) for word in words)
    except ValueError:
        raise ValueError(f"numbers are allowed alone, got {' '.join(words)!r:.80}") from None
    if first not in categories:
        raise ValueError(f"class {words[0]} is none of the {len(categories)} classes of the data set")
    bad = next((value for value in values if not isfinite(value) or not -SLACK <= value <= 1 + SLACK), None)
    count = len(values)
    posed = keypoints is not None and count == 4 + keypoints[0] * keypoints[1]
    # The visibility of a keypoint is 0, 1 or 2, and no share.
    if bad is not None and not (posed and keypoints is not None and keypoints[1] == 3):
        raise ValueError(f"{bad:g} is no share of the picture; shares lie in 0 to 1")
    height, width = size
    if posed and keypoints is not None:
        points = _points(np.array(values[4:]).reshape(keypoints), size)
        return Instance(int(first), _box(values[:4], size), keypoints=points)
    if count == 4:
        return Instance(int(first), _box(values, size))
    if count >= 6 and count % 2 == 0:
        corners = np.clip(np.array(values).reshape(-1, 2), 0, 1) * (width, height)
        (left, top), (right, bottom) = corners.min(axis=0).tolist(), corners.max(axis=0).tolist()
        box = (left, top, right - left, bottom - top)
        return Instance(int(first), box, fill_polygon(corners, size) if masks else None)
    pose = "" if keypoints is None else f", {4 + keypoints[0] * keypoints[1]} (a box and its keypoints)"
    raise ValueError(f"{count} numbers behind the class; allowed are 4 (a box){pose}, or 6, 8, ... (a segment)")


def _box(shares: Sequence[float], size: Size) -> tuple[float, float, float, float]:
    """x, y, width and height in pixels, cut at the picture's edges."""
    if not all(-SLACK <= share <= 1 + SLACK for share in shares):
        raise ValueError(f"box {' '.join(f'{share:g}' for share in shares)} is no share of the picture")
    x, y, across, down = shares
    if across < 0 or down < 0:
        raise ValueError(f"a box of width {across:g} and height {down:g}; neither may be below 0")
    height, width = size
    left, right = (min(max(edge, 0.0), 1.0) * width for edge in (x - across / 2, x + across / 2))
    top, bottom = (min(max(edge, 0.0), 1.0) * height for edge in (y - down / 2, y + down / 2))
    return left, top, right - left, bottom - top


def _points(values: Floats, size: Size) -> Floats:
    """(K, 3) keypoints; those without a visibility are visible, unless they lie at 0, 0 or outside."""
    height, width = size
    places = values[:, :2] * (width, height)
    if values.shape[1] == 3:
        seen = values[:, 2]
        if not np.isin(seen, (0, 1, 2)).all():
            raise ValueError("the visibility of a keypoint is 0, 1 or 2")
    else:
        seen = np.where((values < 0).any(axis=1) | (values == 0).all(axis=1), 0, 2)
    inside = (values[:, :2] >= -SLACK).all(axis=1) & (values[:, :2] <= 1 + SLACK).all(axis=1)
    if not np.all(inside | (seen == 0)) or not np.isfinite(values).all():
        raise ValueError("a keypoint lies outside the picture; shares lie in 0 to 1")
    places[seen == 0] = 0
    return np.column_stack([places, seen])


def yolo_text(
    instances: Sequence[Instance],
    size: Size,
    kind: YoloKind = "boxes",
    *,
    numbers: Mapping[int, int] | None = None,
    keypoints: int | None = None,
) -> str:
    """The label file of a picture.

    Boxes are cut at the picture's edges; what is not in the picture at all is left out, and so are crowds, for which
    the format has no word.

    Args:
        instances: the objects.
        size: height and width of the picture.
        kind: "boxes"; "segments": the outline of each mask (of each box where there is no mask), within a third of a
            pixel; "pose": boxes and keypoints, with their visibility.
        numbers: class number of each category id (`yolo_numbers`); the ids themselves by default.
        keypoints: how many keypoints each line holds, for "pose"; by default as many as the objects have.

    Returns:
        One line an object, each with its line end; "" where there are none.
    """
    if kind not in ("boxes", "segments", "pose"):
        raise ValueError(f"yolo_text: kind={kind!r}; allowed: 'boxes', 'segments', 'pose'")
    if keypoints is None:
        keypoints = max((len(each.keypoints) for each in instances if each.keypoints is not None), default=0)
    lines = []
    for instance in instances:
        shares = None if instance.crowd else _shares(instance, size, kind, keypoints)
        if shares is not None:
            number = instance.category if numbers is None else numbers[instance.category]
            lines.append(f"{number} {' '.join(shares)}\n")
    return "".join(lines)


def _shares(instance: Instance, size: Size, kind: YoloKind, keypoints: int) -> list[str] | None:
    """The numbers of a line behind the class; None for an object of which nothing is in the picture."""
    from covary.targets.pixels import outline_of

    height, width = size
    if kind == "segments" and instance.mask is not None:
        outline = outline_of(instance.mask)
        return None if outline is None else _written(outline / (width, height))
    if instance.box is None:
        return None
    x, y, across, down = instance.box
    left, right = max(x, 0.0), min(x + across, float(width))
    top, bottom = max(y, 0.0), min(y + down, float(height))
    if right <= left or bottom <= top:
        return None
    if kind == "segments":
        corners = np.array([[left, top], [right, top], [right, bottom], [left, bottom]])
        return _written(corners / (width, height))
    box = np.array([(left + right) / 2, (top + bottom) / 2, right - left, bottom - top])
    words = _written(box / (width, height, width, height))
    if kind == "boxes":
        return words
    points = np.zeros((keypoints, 3))
    if instance.keypoints is not None:
        points[: len(instance.keypoints)] = instance.keypoints
    for px, py, seen in points.tolist():
        inside = seen > 0 and 0 <= px <= width and 0 <= py <= height
        words += [*_written(np.array([px / width, py / height])), f"{seen:.0f}"] if inside else ["0", "0", "0"]
    return words


def _written(values: Floats) -> list[str]:
    return [f"{value:.6f}" for value in np.clip(values, 0, 1).ravel().tolist()]
