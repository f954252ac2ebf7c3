"""Drawing for people to look at: text, and objects with their boxes, masks and keypoints."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, TypeAlias

import numpy as np

from covary.data.instances import Box, Category, Instance
from covary.plan.changes import Bools, Floats, Image

Rgb: TypeAlias = tuple[int, int, int]

PAPER: Rgb = (250, 249, 246)
INK: Rgb = (34, 36, 40)
PALE: Rgb = (120, 122, 128)
WHITE: Rgb = (255, 255, 255)

# Bright, of similar weight, told apart by most kinds of eyes; one per category in turn.
COLOURS: tuple[Rgb, ...] = (
    (255, 99, 71),
    (30, 144, 255),
    (60, 190, 90),
    (255, 183, 0),
    (186, 85, 211),
    (0, 190, 190),
    (240, 98, 160),
    (140, 125, 255),
    (150, 200, 40),
    (200, 130, 90),
    (90, 200, 255),
    (255, 140, 30),
)

MASK_STRENGTH = 0.32
FINE = 4  # fractional bits of the coordinates that OpenCV draws with
OUTLINE = 2  # px


def viewable(picture: Image, longest: int) -> tuple[Image, float]:
    """A picture as (H, W, 3) uint8 whose longest side has so many pixels; and the factor by which it was scaled.

    Args:
        picture: (H, W, C) uint8, uint16 or float32 (0 to 1). Grey becomes three channels; transparency shows white.
        longest: px.
    """
    import cv2

    if picture.dtype == np.uint16:
        picture = (picture >> 8).astype(np.uint8)
    elif picture.dtype != np.uint8:
        picture = (np.nan_to_num(picture).clip(0, 1) * 255).round().astype(np.uint8)
    channels = picture.shape[2]
    if channels in (1, 2):
        picture = np.repeat(picture[:, :, :1], 3, axis=2)
    elif channels == 4:
        alpha = picture[:, :, 3:].astype(np.float32) / 255
        picture = (picture[:, :, :3] * alpha + 255 * (1 - alpha)).round().astype(np.uint8)
    else:
        picture = picture[:, :, :3]
    scale = longest / max(picture.shape[:2])
    # Enlarged pixels stay visible as such; reduced ones are averaged.
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_NEAREST if scale >= 3 else cv2.INTER_LINEAR
    size = (max(1, round(picture.shape[1] * scale)), max(1, round(picture.shape[0] * scale)))
    return np.asarray(cv2.resize(np.ascontiguousarray(picture), size, interpolation=how)), scale


def draw_instances(
    pixels: Image, scale: float, instances: Sequence[Instance], categories: Mapping[int, Category]
) -> Image:
    """Draw objects into a copy of a picture: masks below, then boxes, keypoints, and names on top.

    Args:
        pixels: (H, W, 3) uint8.
        scale: of the picture against the objects' coordinates.
        instances: the objects.
        categories: for their names, colours and skeletons.
    """
    drawn = pixels.copy()
    order = {number: index for index, number in enumerate(categories)}
    colours = [COLOURS[order.get(instance.category, 0) % len(COLOURS)] for instance in instances]
    for instance, colour in zip(instances, colours, strict=True):
        if instance.mask is not None:
            _mask(drawn, instance.mask, colour)
    for instance, colour in zip(instances, colours, strict=True):
        if instance.box is not None:
            _box(drawn, instance.box, scale, colour)
    for instance, colour in zip(instances, colours, strict=True):
        if instance.keypoints is not None:
            _keypoints(drawn, instance.keypoints, scale, colour, categories[instance.category])
    taken: list[tuple[int, int, int, int]] = []
    for instance, colour in zip(instances, colours, strict=True):
        if instance.box is not None:
            _name(drawn, categories[instance.category].name, instance.box, scale, colour, taken)
    return drawn


def _mask(drawn: Image, mask: Bools, colour: Rgb) -> None:
    import cv2

    size = (drawn.shape[1], drawn.shape[0])
    cover = cv2.resize(mask.astype(np.float32), size, interpolation=cv2.INTER_AREA)[:, :, None] * MASK_STRENGTH
    drawn[:] = (drawn * (1 - cover) + np.array(colour, np.float32) * cover).round().astype(np.uint8)
    smooth = cv2.resize(mask.astype(np.uint8) * 255, size, interpolation=cv2.INTER_LINEAR)
    outlines, _ = cv2.findContours((smooth > 127).astype(np.uint8), cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
    cv2.polylines(drawn, outlines, True, colour, 1, cv2.LINE_AA)


def _box(drawn: Image, box: Box, scale: float, colour: Rgb) -> None:
    import cv2

    x, y, width, height = (value * scale for value in box)
    inset = OUTLINE / 2  # the line lies inside the box, so that a box as large as the picture is seen
    corners = (x + inset, y + inset), (x + width - inset, y + height - inset)
    start, end = ((_fine(a - 0.5), _fine(b - 0.5)) for a, b in corners)
    cv2.rectangle(drawn, start, end, colour, OUTLINE, cv2.LINE_AA, FINE)


def _keypoints(drawn: Image, keypoints: Floats, scale: float, colour: Rgb, category: Category) -> None:
    import cv2

    # Keypoints are pixel indices: the centre of the first pixel is 0.
    at = [(_fine((x + 0.5) * scale - 0.5), _fine((y + 0.5) * scale - 0.5)) for x, y in keypoints[:, :2].tolist()]
    seen = keypoints[:, 2] > 0
    for first, second in category.skeleton:
        if max(first, second) <= len(at) and seen[first - 1] and seen[second - 1]:
            cv2.line(drawn, at[first - 1], at[second - 1], WHITE, 1, cv2.LINE_AA, FINE)
    for index, point in enumerate(at):
        if seen[index]:
            # Left is drawn hollow, so that a mirrored picture shows whether left and right were swapped.
            left = index < len(category.keypoints) and "left" in category.keypoints[index].split("_")
            cv2.circle(drawn, point, _fine(4.2), WHITE, -1, cv2.LINE_AA, FINE)
            cv2.circle(drawn, point, _fine(3.0), colour, -1, cv2.LINE_AA, FINE)
            if left:
                cv2.circle(drawn, point, _fine(1.6), WHITE, -1, cv2.LINE_AA, FINE)


def _name(drawn: Image, name: str, box: Box, scale: float, colour: Rgb, taken: list[tuple[int, int, int, int]]) -> None:
    """A tag on the box's upper left corner; inside where there is no room above, lower where another tag is already."""
    width, height = text_width(name, 12, bold=True) + 8, 16
    left = int(np.clip(round(box[0] * scale), 0, max(0, drawn.shape[1] - width)))
    edge = round(box[1] * scale)
    top = edge - height if edge >= height else max(0, min(edge, drawn.shape[0] - height))
    while any(left < x1 and x0 < left + width and top < y1 and y0 < top + height for x0, y0, x1, y1 in taken):
        top += height
    if top + height > drawn.shape[0]:
        return
    taken.append((left, top, left + width, top + height))
    drawn[top : top + height, left : left + width] = colour
    dark = sum(colour) > 430
    text(drawn, name, (left + 4, top + 12), INK if dark else WHITE, 12, bold=True)


def paste(sheet: Image, picture: Image, left: int, top: int) -> None:
    """Put a picture onto a sheet, in place."""
    height, width = picture.shape[:2]
    sheet[top : top + height, left : left + width] = picture


def text(sheet: Image, line: str, at: tuple[int, int], colour: Rgb, size: int, *, bold: bool = False) -> None:
    """Write a line onto a sheet, in place; `at` is the left end of its base line, `size` in px."""
    import cv2

    face = _face()
    if face is not None:
        cv2.putText(sheet, line, at, colour, face, size, 700 if bold else 400)
    else:
        cv2.putText(sheet, _plain(line), at, _HERSHEY, size * _PER_PX, colour, 2 if bold else 1, cv2.LINE_AA)


def text_width(line: str, size: int, *, bold: bool = False) -> int:
    """Width of a line in px."""
    import cv2

    face = _face()
    if face is not None:
        _, _, width, _ = cv2.getTextSize((0, 0), line, (0, 0), face, size, 700 if bold else 400)
        return int(width)
    (width, _), _ = cv2.getTextSize(_plain(line), _HERSHEY, size * _PER_PX, 2 if bold else 1)
    return int(width)


_HERSHEY = 0  # cv2.FONT_HERSHEY_SIMPLEX
_PER_PX = 1 / 30  # its scale for one pixel of size


@lru_cache(maxsize=1)
def _face() -> Any:
    """The sans-serif font that OpenCV 5 brings along; None before."""
    import cv2

    return cv2.FontFace("sans") if hasattr(cv2, "FontFace") else None


def _plain(line: str) -> str:
    """What OpenCV's stroke font can write: ASCII."""
    return line.translate({0xD7: "x", 0xB7: "-"}).encode("ascii", "replace").decode()


def _fine(value: float) -> int:
    return round(value * (1 << FINE))
