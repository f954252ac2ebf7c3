"""Crops that look at the labels: where the boxes are, and where the mask is set.

Boxes and masks are those that are left at this point of the pipeline. A picture without any is cropped as if there
were a single point to keep, at a random place.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from covary.draws.distributions import LogUniform, Range, Uniform
from covary.draws.streams import stream_uniforms
from covary.ops.amounts import Amount
from covary.ops.base import Draw, Operation, operation, ranged
from covary.ops.image.crops import inside, stretched
from covary.ops.image.spatial import Interpolated, Size, checked_size, height_width, same_size
from covary.ops.view import View
from covary.plan.changes import Floats, Warp

_CUTS = ("left", "top", "right", "bottom")


@dataclass(frozen=True, repr=False)
class _AroundBoxes(Amount):
    """What crops that keep all boxes share."""

    looks: ClassVar[bool] = True
    uniforms = ("left", "top", "right", "bottom", "x", "y")

    def slots(self) -> tuple[str, ...]:
        # The four sides draw by themselves, from the law of `cut`.
        return tuple(slot for slot in Operation.slots(self) if slot != "cut")

    def part(self, erosion: float, draw: Draw, view: View) -> tuple[Floats, Floats]:
        """(B, 2) top and left and (B, 2) height and width of a part that holds what is to be kept; whole numbers."""
        sides = view.size.astype(np.float64)
        kept = _around_all(erosion, draw, view)
        law = self.law("cut")
        shares = np.stack([law.quantile(draw(side)) for side in _CUTS], axis=1)
        first = np.floor(kept[:, :2] * shares[:, :2])
        last = np.ceil(sides[:, ::-1] - (sides[:, ::-1] - kept[:, 2:]) * shares[:, 2:])
        # A point on the last edge leaves one line.
        first = np.minimum(first, sides[:, ::-1] - 1)
        last = np.maximum(last, first + 1)
        return first[:, ::-1], (last - first)[:, ::-1]


@operation
class BBoxSafeRandomCrop(_AroundBoxes):
    """Cut off a random part of what is free around all boxes: none is cut.

    Any (H, W, C) image becomes a smaller one. Pixels are moved, none is computed. The boxes are those of the field
    `boxes` at this point of the pipeline; without any, a random point is kept.

    Args:
        cut: share of the free space that is cut off, drawn for each side by itself, from 0 to 1. Identity: 0. Default:
            0 to 1.
        erosion: by which share the frame around all boxes may be cut, from 0 (not at all) to 1 (all but its middle).
            Default 0.

    Helps: detection with few pictures: objects at other places and sizes, once a resize follows.
    Hurts: objects that fill the picture leave nothing to vary.
    """

    cut: Range = ranged(default=Uniform(0, 1, identity=0), low=0, high=1)
    erosion: float = 0.0

    def check(self) -> None:
        super().check()
        _checked_share(self, "erosion")

    def describe(self, draw: Draw, view: View) -> Warp:
        corner, box = self.part(self.erosion, draw, view)
        return inside(corner, box.astype(np.int64))


@operation
class RandomSizedBBoxSafeCrop(_AroundBoxes, Interpolated):
    """Cut off a random part of what is free around all boxes, and resize what is left.

    Any (H, W, C) image becomes (height, width, C). The boxes are those of the field `boxes` at this point of the
    pipeline; without any, a random point is kept.

    Args:
        size: of the output in pixels: a whole number for a square, or (height, width).
        cut: share of the free space that is cut off, drawn for each side by itself, from 0 to 1. Identity: 0. Default:
            0 to 1.
        erosion: by which share the frame around all boxes may be cut, from 0 (not at all) to 1 (all but its middle).
            Default 0.
        interpolation: "nearest", "linear" or "cubic". Default "linear".

    At strength 0 the whole picture is resized.

    Helps: detection with few pictures and a fixed input size.
    Hurts: proportions: the part has any shape.
    """

    required = True

    size: Size
    cut: Range = ranged(default=Uniform(0, 1, identity=0), low=0, high=1)
    erosion: float = 0.0

    def check(self) -> None:
        super().check()
        checked_size(self, "size")
        _checked_share(self, "erosion")

    def describe(self, draw: Draw, view: View) -> Warp:
        corner, box = self.part(self.erosion, draw, view)
        return stretched(corner, box, self.size, self.interpolation)


@dataclass(frozen=True, repr=False)
class _FixedSize(Operation):
    """What crops of one size about something share."""

    looks: ClassVar[bool] = True
    required = True
    uniforms = ("which", "x", "y")

    size: Size

    def check(self) -> None:
        super().check()
        checked_size(self, "size")

    def about(self, kept: Floats, draw: Draw, view: View) -> Warp:
        """A crop at a random place that shows (B, 4) x0, y0, x1, y1 whole, or is filled by it where that is larger."""
        sides = view.size.astype(np.float64)[:, ::-1]
        size = np.broadcast_to(np.array(height_width(self.size)[::-1], dtype=np.float64), sides.shape)
        ends = np.stack([np.ceil(kept[:, 2:] - size), np.floor(kept[:, :2])])
        low, high = ends.min(axis=0), ends.max(axis=0)
        # A crop lies within the picture where it can, and the picture within the crop where it cannot.
        room = sides - size
        low, high = (np.clip(end, np.minimum(room, 0), np.maximum(room, 0)) for end in (low, high))
        share = np.stack([draw("x"), draw("y")], axis=1)
        corner = np.minimum(low + np.floor(share * (high - low + 1)), high)
        return inside(corner[:, ::-1], same_size(view.count, self.size))


@operation
class AtLeastOneBBoxRandomCrop(_FixedSize):
    """Cut out a part of a given size that shows at least one box.

    Any (H, W, C) image becomes (height, width, C). Pixels are moved, none is computed. One of the boxes of the field
    `boxes` at this point of the pipeline is drawn, all alike, and a position at which it is seen; without any, a
    position.

    Args:
        size: of the crop in pixels: a whole number for a square, or (height, width). A picture that is smaller stands
            within the crop, its edge repeated.
        erosion: how much of the box may be cut off: it is made smaller by this share about its middle, from 0 (none) to
            1 (all but its middle). Default 0.

    A box that is larger than the crop fills it.

    Helps: large pictures with few objects: no training step is spent on empty ones.
    Hurts: the background is seen too rarely, and false alarms follow.
    """

    erosion: float = 0.0

    def check(self) -> None:
        super().check()
        _checked_share(self, "erosion")

    def describe(self, draw: Draw, view: View) -> Warp:
        kept, which = _anywhere(draw, view), draw("which")
        for row, boxes in enumerate(_boxes(view)):
            if len(boxes):
                kept[row] = boxes[int(which[row] * len(boxes))]
        return self.about(_eroded(kept, self.erosion), draw, view)


@operation
class CropNonEmptyMaskIfExists(_FixedSize):
    """Cut out a part of a given size in which the mask is set somewhere.

    Any (H, W, C) image becomes (height, width, C). Pixels are moved, none is computed. One of the pixels at which the
    field `mask` is set at this point of the pipeline is drawn, all alike, and a position at which it is seen; without
    any, a position.

    Args:
        size: of the crop in pixels: a whole number for a square, or (height, width). A picture that is smaller stands
            within the crop, its edge repeated.
        ignore: values of the mask that count as not set, beside 0. Default: none.

    Helps: segmentation of rare things: lesions, defects.
    Hurts: the background is seen too rarely, and false alarms follow.
    """

    ignore: tuple[int, ...] = ()

    def check(self) -> None:
        super().check()
        if not isinstance(self.ignore, tuple) or not all(type(value) is int for value in self.ignore):
            self.refuse("ignore", repr(self.ignore), "a tuple of whole numbers")

    def describe(self, draw: Draw, view: View) -> Warp:
        kept, which = _anywhere(draw, view), draw("which")
        for row, mask in enumerate([] if view.labels is None else view.labels.masks()):
            if mask is None:
                continue
            is_set = ~np.isin(mask, (0, *self.ignore))
            places = np.flatnonzero(is_set if is_set.ndim == 2 else is_set.any(axis=2))
            if len(places):
                y, x = divmod(int(places[int(which[row] * len(places))]), int(view.size[row, 1]))
                kept[row] = x, y, x + 1, y + 1
        return self.about(kept, draw, view)


@operation
class RandomCropNearBBox(Operation):
    """Cut out a box, each of its sides shifted at random.

    Any (H, W, C) image becomes as large as the box. Pixels are moved, none is computed. One of the boxes of the field
    `boxes` at this point of the pipeline is drawn, all alike; a picture without any stays whole.

    Args:
        shift: of each side as a share of the box's width or height, outwards (above 0) or inwards (below 0), from -0.45
            to 10; what lies outside the picture is not shown. Identity: 0. Default: -0.3 to 0.3.
        which: "random", "first" (of the field) or "all" (the frame around all boxes). Default "random".

    At strength 0 the box itself is cut out.

    Helps: classifying what a detector has found, whose boxes are never quite right.
    Hurts: where the surroundings tell the class, when shifts go inwards.
    """

    looks: ClassVar[bool] = True
    required = True
    uniforms = ("choice",)

    shift: Range = ranged(default=Uniform(-0.3, 0.3, identity=0), low=-0.45, high=10)
    which: str = "random"

    def check(self) -> None:
        super().check()
        self.one_of("which", ("random", "first", "all"))

    def slots(self) -> tuple[str, ...]:
        return (*(slot for slot in Operation.slots(self) if slot != "shift"), *_CUTS)

    def describe(self, draw: Draw, view: View) -> Warp:
        sides = np.tile(view.size.astype(np.float64)[:, ::-1], 2)
        box = np.concatenate([np.zeros_like(sides[:, :2]), sides[:, 2:]], axis=1)
        shifts = np.stack([self.law("shift").quantile(draw(side)) for side in _CUTS], axis=1) * (-1, -1, 1, 1)
        choice = draw("choice")
        for row, boxes in enumerate(_boxes(view)):
            if len(boxes):
                chosen = self._chosen(boxes, choice[row])
                box[row] = chosen + np.tile(chosen[2:] - chosen[:2], 2) * shifts[row]
        first = np.clip(np.rint(box[:, :2]), 0, sides[:, :2] - 1)
        last = np.clip(np.rint(box[:, 2:]), first + 1, sides[:, :2])
        return inside(first[:, ::-1], (last - first)[:, ::-1].astype(np.int64))

    def _chosen(self, boxes: Floats, choice: float) -> Floats:
        if self.which == "all":
            return np.concatenate([boxes[:, :2].min(axis=0), boxes[:, 2:].max(axis=0)])
        chosen: Floats = boxes[int(choice * len(boxes)) if self.which == "random" else 0]
        return chosen


@operation
class IoUCrop(Operation):
    """Cut out a part that overlaps all the boxes whose middle it shows by a drawn share at least.

    Any (H, W, C) image becomes a smaller one. Pixels are moved, none is computed. Parts are drawn until one shows the
    middle of a box of the field `boxes` at this point of the pipeline and has that overlap (intersection over union)
    with each box whose middle it shows; where 40 fail, and where there is no box, the picture stays whole. (In SSD and
    torchvision a box whose middle is cut off is dropped; here what is left of a box is a box, unless `Boxes` asks for
    more.)

    Args:
        scale: sides of the part over those of the picture, drawn for each by itself, from 0 to 1. Identity: 1. Default:
            0.3 to 1.
        ratio: limits of width over height of the part; others are not taken. Default 0.5 to 2.
        overlaps: shares of which one is drawn, all alike; 1 keeps the whole picture. Default: 0, 0.1, 0.3, 0.5, 0.7,
            0.9 and 1.

    Liu et al., "SSD: Single shot multibox detector", ECCV 2016.

    Helps: detection from scratch, of objects at many sizes and cut by the rim.
    Hurts: where whole objects are needed.
    """

    looks: ClassVar[bool] = True
    streams = ("trials",)
    uniforms = ("overlap",)

    scale: Range = ranged(default=Uniform(0.3, 1, identity=1), low=0, high=1)
    ratio: Range = ranged(default=LogUniform(0.5, 2), low=0.01, high=100)
    overlaps: tuple[float, ...] = (0.0, 0.1, 0.3, 0.5, 0.7, 0.9, 1.0)

    trials: ClassVar[int] = 40

    def check(self) -> None:
        super().check()
        if not self.overlaps or not all(isinstance(s, (int, float)) and 0 <= s <= 1 for s in self.overlaps):
            self.refuse("overlaps", repr(self.overlaps), "shares in [0, 1]")

    def slots(self) -> tuple[str, ...]:
        # Each trial draws its own.
        return tuple(slot for slot in Operation.slots(self) if slot not in ("scale", "ratio"))

    def describe(self, draw: Draw, view: View) -> Warp:
        sides = view.size.astype(np.float64)[:, ::-1]
        part = np.concatenate([np.zeros_like(sides), sides], axis=1)
        overlaps = np.array(self.overlaps)[(draw("overlap") * len(self.overlaps)).astype(np.int64)]
        streams = draw.stream("trials")
        for row, boxes in enumerate(_boxes(view)):
            if len(boxes) and overlaps[row] < 1:
                tried = self._tried(streams[row : row + 1], sides[row])
                right = np.flatnonzero(_shows(tried, boxes, overlaps[row]))
                if len(right):
                    part[row] = tried[right[0]]
        return inside(part[:, 1::-1], (part[:, 2:] - part[:, :2])[:, ::-1].astype(np.int64))

    def _tried(self, stream: NDArray[np.uint64], sides: Floats) -> Floats:
        """(T, 4) parts of whole pixels whose shapes are right."""
        uniforms = stream_uniforms(stream, self.trials * 4).reshape(self.trials, 2, 2)
        size = np.clip(np.rint(self.law("scale").quantile(uniforms[:, 0]) * sides), 1, sides)
        first = np.minimum(np.floor(uniforms[:, 1] * (sides - size + 1)), sides - size)
        low, high = self.law("ratio").bounds()
        shape = size[:, 0] / size[:, 1]
        parts: Floats = np.concatenate([first, first + size], axis=1)[(shape >= low) & (shape <= high)]
        return parts


def _shows(parts: Floats, boxes: Floats, overlap: float) -> NDArray[np.bool_]:
    """(T,) whether a part shows the middle of a box, and overlaps all those by so much."""
    middle = (boxes[:, :2] + boxes[:, 2:]) / 2
    shown = ((middle > parts[:, None, :2]) & (middle < parts[:, None, 2:])).all(axis=2)
    first = np.maximum(parts[:, None, :2], boxes[:, :2])
    last = np.minimum(parts[:, None, 2:], boxes[:, 2:])
    common = np.maximum(last - first, 0).prod(axis=2)
    whole = (parts[:, 2:] - parts[:, :2]).prod(axis=1)[:, None] + (boxes[:, 2:] - boxes[:, :2]).prod(axis=1) - common
    overlaps: NDArray[np.bool_] = common >= overlap * whole
    enough: NDArray[np.bool_] = np.any(shown, axis=1) & np.all(~shown | overlaps, axis=1)
    return enough


def _checked_share(operation: Operation, argument: str) -> None:
    value = getattr(operation, argument)
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value <= 1:
        operation.refuse(argument, repr(value), "a share in [0, 1]")


def _around_all(erosion: float, draw: Draw, view: View) -> Floats:
    """(B, 4) x0, y0, x1, y1 around all boxes, eroded."""
    kept = _anywhere(draw, view)
    for row, boxes in enumerate(_boxes(view)):
        if len(boxes):
            kept[row, :2], kept[row, 2:] = boxes[:, :2].min(axis=0), boxes[:, 2:].max(axis=0)
    return _eroded(kept, erosion)


def _eroded(boxes: Floats, erosion: float) -> Floats:
    """(B, 4) boxes made smaller by a share about their middles."""
    middle = (boxes[:, :2] + boxes[:, 2:]) / 2
    return boxes + (np.concatenate([middle, middle], axis=1) - boxes) * erosion


def _boxes(view: View) -> list[Floats]:
    """The (N, 4) boxes of each sample, none where it has no such field."""
    found = [None] * view.count if view.labels is None else view.labels.boxes()
    return [np.zeros((0, 4)) if boxes is None else boxes for boxes in found]


def _anywhere(draw: Draw, view: View) -> Floats:
    """(B, 4) boxes of no extent at random places."""
    place = np.stack([draw("x"), draw("y")], axis=1) * view.size[:, ::-1]
    return np.concatenate([place, place], axis=1)
