"""Grids and bands painted over: the picture hides in many places at once."""

from __future__ import annotations

from dataclasses import field
from typing import ClassVar

import numpy as np

from covary.draws.distributions import Constant, Integers, Range, Uniform
from covary.draws.streams import stream_uniforms
from covary.ops.amounts import Amount
from covary.ops.base import Draw, operation, ranged
from covary.ops.image.erasing import Paint, painted
from covary.ops.image.luma import check_fill
from covary.ops.image.spatial import is_count
from covary.ops.view import View
from covary.plan.changes import Change, Floats, Ints, Streams


@operation
class GridDropout(Amount):
    """Paint over a square in each cell of a regular grid that covers the image.

    Args:
        ratio: side of the square over that of the cell, 0 to 1. Default 0.5, which hides a quarter. Identity: 0.
        cells: of the grid along the image's shorter side, 1 to 64: a whole number or an inclusive range (low, high).
            Cells are square. Default 4 to 8. (Albumentations: a unit of a tenth to half of the side.)
        shift: whether the grid begins at a random place. Default True; otherwise the squares stand at the cells' top
            left corners.
        fill: a constant in the image's own range, one number or one for each channel; or "noise", independent
            uniform values. Default 0.

    Paper: Chen et al. 2020, "GridMask data augmentation"; see `GridMask` for its parameters.

    Raises:
        ValueError: at the call, when `fill` has neither one value nor as many as the image has channels.

    Helps: objects that may be hidden in part: no object larger than a cell vanishes whole.
    Hurts: objects smaller than a cell; fine texture.
    """

    ratio: Range = ranged(default=Constant(0.5, identity=0), low=0, high=1)
    cells: Range = ranged(default=Integers(4, 8), low=1, high=64)
    shift: bool = True
    fill: Paint = 0

    uniforms = ("x", "y")
    streams = ("noise",)

    def check(self) -> None:
        check_fill(self, "fill", self.fill, "noise")
        if not isinstance(self.shift, bool):
            self.refuse("shift", repr(self.shift), "True or False")

    def describe(self, draw: Draw, view: View) -> Change:
        unit = np.minimum(view.height, view.width) / draw("cells")
        if not self.shift:
            return _lattice(draw, view, unit, draw("ratio"), np.zeros((view.count, 2)), self.fill)
        return _lattice(draw, view, unit, draw("ratio"), np.stack([draw("x"), draw("y")], axis=1), self.fill)


@operation
class GridMask(Amount):
    """Paint over the squares of a grid whose cells have a random side.

    Args:
        unit: side of a cell as a fraction of the image's shorter side, 1/64 to 1. Default 96 / 224 to 1, as in the
            paper for ImageNet.
        keep: width of the bars between the squares over the side of a cell, 0 to 1. Default 0.6, as in the paper, which
            hides 0.16 of the image. Identity: 1.
        fill: a constant in the image's own range, one number or one for each channel; or "noise", independent
            uniform values. Default 0.
        p: probability. Default 1; the paper raises it from 0 to 0.8 over the training.

    The grid begins at a random place. The paper turns it, too; torch and TensorFlow versions that are in use do not.

    Paper: Chen et al. 2020, "GridMask data augmentation".

    Raises:
        ValueError: at the call, when `fill` has neither one value nor as many as the image has channels.

    Helps: classification of large objects over long trainings.
    Hurts: small objects; short trainings.
    """

    unit: Range = ranged(default=Uniform(96 / 224, 1), low=1 / 64, high=1)
    keep: Range = ranged(default=Constant(0.6, identity=1), low=0, high=1)
    fill: Paint = 0

    uniforms = ("x", "y")
    streams = ("noise",)

    def check(self) -> None:
        check_fill(self, "fill", self.fill, "noise")

    def describe(self, draw: Draw, view: View) -> Change:
        unit = np.minimum(view.height, view.width) * draw("unit")
        return _lattice(draw, view, unit, 1 - draw("keep"), np.stack([draw("x"), draw("y")], axis=1), self.fill)


@operation
class HideAndSeek(Amount):
    """Divide the image into cells and paint over each with a probability of its own.

    Args:
        hide: probability that a cell is painted over, 0 to 1. Default 0.5, as in the paper. Identity: 0.
        cells: of the grid along each axis, 1 to 32: a whole number or an inclusive range (low, high). Default 4 to 8;
            the paper has cells of 16 to 56 of 224 pixels.
        fill: a constant in the image's own range, one number or one for each channel; or "noise", independent
            uniform values. Default 0; the paper's is the mean of the data.

    Paper: Singh and Lee 2017, "Hide-and-Seek: forcing a network to be meticulous for weakly-supervised object and
    action localization".

    Raises:
        ValueError: at the call, when `fill` has neither one value nor as many as the image has channels.

    Helps: localisation from class labels alone: the network must look at more than the most telling part.
    Hurts: small objects, which may vanish whole while their labels stay.
    """

    hide: Range = ranged(default=Constant(0.5, identity=0), low=0, high=1)
    cells: Range = ranged(default=Integers(4, 8), low=1, high=32)
    fill: Paint = 0

    streams = ("places", "noise")

    def check(self) -> None:
        check_fill(self, "fill", self.fill, "noise")

    def describe(self, draw: Draw, view: View) -> Change:
        cells, hide = draw("cells").astype(np.int64), draw("hide")
        most = int(self.law("cells").bounds()[1])
        chance = stream_uniforms(draw.stream("places"), most * most)
        rectangles, count = np.zeros((view.count, most * most, 4), np.int32), np.zeros(view.count, np.int32)
        for row, (number, (height, width)) in enumerate(zip(cells.tolist(), view.size.tolist(), strict=True)):
            hidden = np.flatnonzero(chance[row, : number * number] < hide[row])
            down, right = np.divmod(hidden, number)
            x, y = np.arange(number + 1) * width // number, np.arange(number + 1) * height // number
            count[row] = len(hidden)
            rectangles[row, : len(hidden)] = np.stack([x[right], y[down], x[right + 1], y[down + 1]], axis=1)
        return painted(draw, view, rectangles, count, self.fill)


@operation
class XYMasking(Amount):
    """Paint over bands across the whole image, upright and level ones.

    Args:
        columns: how many upright bands: a whole number or an inclusive range (low, high). Default 1 to 2. Identity: 0.
        rows: how many level bands. Default 1 to 2. Identity: 0.
        width: of each upright band, drawn for each alone, as a fraction of the image's width. Default 0 to 0.1.
        height: of each level band, as a fraction of the image's height. Default 0 to 0.1.
        fill: a constant in the image's own range, one number or one for each channel; or "noise", independent
            uniform values. Default 0.

    Paper: Park et al. 2019, "SpecAugment"; for spectrograms as arrays see `covary.spectrogram`.

    Raises:
        ValueError: at the call, when `fill` has neither one value nor as many as the image has channels.

    Helps: spectrograms kept as pictures; scans with lost lines.
    Hurts: text, whose lines vanish whole.
    """

    columns: Range = ranged(default=Integers(1, 2, identity=0), low=0, high=100)
    rows: Range = ranged(default=Integers(1, 2, identity=0), low=0, high=100)
    width: Range = ranged(default=Uniform(0, 0.1), low=0, high=1)
    height: Range = ranged(default=Uniform(0, 0.1), low=0, high=1)
    fill: Paint = 0

    streams = ("places", "noise")

    def check(self) -> None:
        check_fill(self, "fill", self.fill, "noise")

    def describe(self, draw: Draw, view: View) -> Change:
        wanted = np.stack([np.rint(draw("columns")), np.rint(draw("rows"))], axis=1).astype(np.int64)
        most = [int(self.law(argument).bounds()[1]) for argument in ("columns", "rows")]
        chance = stream_uniforms(draw.stream("places"), 2 * sum(most)).reshape(view.count, -1, 2)
        canvas = view.size[:, ::-1].astype(np.float64)
        rectangles = np.zeros((view.count, max(1, sum(most)), 4), dtype=np.int32)
        rectangles[:, :, 2:] = view.size[:, None, ::-1]
        for axis, law in enumerate((self.law("width"), self.law("height"))):
            first = axis * most[0]
            bands = rectangles[:, first : first + most[axis]]
            own = chance[:, first : first + most[axis]]
            side = canvas[:, axis, None]
            extent = np.rint(law.quantile(np.ascontiguousarray(own[:, :, 0])) * side)
            # What was not asked for is as wide as nothing.
            extent[np.arange(most[axis]) >= wanted[:, axis, None]] = 0
            bands[:, :, axis] = np.floor(own[:, :, 1] * (side + 1 - extent))
            bands[:, :, axis + 2] = bands[:, :, axis] + extent
        return painted(draw, view, rectangles, np.full(view.count, sum(most), np.int32), self.fill)


@operation
class ConstrainedCoarseDropout(Amount):
    """Paint over rectangles that lie within boxes, or within the places where a mask is set.

    Args:
        holes: how many for each box (for each image with a mask): a whole number or an inclusive range (low, high).
            Default 1 to 2. Identity: 0.
        height, width: of each hole, drawn for each alone, as fractions of the box's height and width (of the frame
            around all that is set). Default 0.1 to 0.3.
        within: "boxes" or "mask", the fields that say where. Default "boxes". A hole in a mask is centred on a pixel
            that is set and may reach beyond.
        values: of the mask that count; all but 0 by default.
        fill: a constant in the image's own range, one number or one for each channel; or "noise", independent
            uniform values. Default 0.

    An image without such a field stays as it is.

    Raises:
        ValueError: at the call, when `fill` has neither one value nor as many as the image has channels.

    Helps: detection and segmentation of things that may be hidden in part, where most of the picture is background.
    Hurts: small objects, whose last visible part may go.
    """

    looks: ClassVar[bool] = True

    holes: Range = ranged(default=Integers(1, 2, identity=0), low=0, high=100)
    height: Range = ranged(default=Uniform(0.1, 0.3), low=0, high=1)
    width: Range = ranged(default=Uniform(0.1, 0.3), low=0, high=1)
    within: str = "boxes"
    values: tuple[int, ...] = field(default=())
    fill: Paint = 0

    streams = ("places", "noise")

    def check(self) -> None:
        check_fill(self, "fill", self.fill, "noise")
        self.one_of("within", ("boxes", "mask"))
        if not isinstance(self.values, tuple) or not all(is_count(value, 0) for value in self.values):
            self.refuse("values", repr(self.values), "a tuple of whole numbers from 0")

    def describe(self, draw: Draw, view: View) -> Change:
        wanted, streams = np.rint(draw("holes")).astype(np.int64), draw.stream("places")
        found = [
            self._holes(frames, places, int(number), streams[row : row + 1])
            for row, ((frames, places), number) in enumerate(zip(self._where(view), wanted, strict=True))
        ]
        count = np.array([len(holes) for holes in found], dtype=np.int32)
        rectangles = np.zeros((view.count, max(1, int(count.max(initial=0))), 4), dtype=np.int32)
        for row, holes in enumerate(found):
            rectangles[row, : len(holes)] = holes
        return painted(draw, view, rectangles, count, self.fill)

    def _where(self, view: View) -> list[tuple[Floats, Ints | None]]:
        """For each image the (N, 4) frames of what is to be hidden in part, and the (M, 2) x and y that are set."""
        nothing: tuple[Floats, Ints | None] = (np.zeros((0, 4)), None)
        if view.labels is None:
            return [nothing] * view.count
        if self.within == "boxes":
            return [nothing if boxes is None else (boxes, None) for boxes in view.labels.boxes()]
        where = []
        for mask in view.labels.masks():
            if mask is None:
                where.append(nothing)
                continue
            is_set = np.isin(mask, self.values) if self.values else mask != 0
            y, x = np.nonzero(is_set if is_set.ndim == 2 else np.logical_or.reduce(is_set, axis=2))
            if not len(x):
                where.append(nothing)
                continue
            frame = np.array([[x.min(), y.min(), x.max() + 1, y.max() + 1]], dtype=np.float64)
            where.append((frame, np.stack([x, y], axis=1)))
        return where

    def _holes(self, frames: Floats, places: Ints | None, number: int, stream: Streams) -> Floats:
        """(N * number, 4) rectangles of whole pixels."""
        total = len(frames) * number
        if not total:
            return np.zeros((0, 4))
        chance = stream_uniforms(stream, 4 * total).reshape(total, 4)
        corner, extent = (np.repeat(part, number, axis=0) for part in (frames[:, :2], frames[:, 2:] - frames[:, :2]))
        share = np.stack([self.law(n).quantile(chance[:, i].copy()) for i, n in enumerate(("width", "height"))], axis=1)
        size = np.maximum(np.rint(share * extent), 1)
        if places is not None:
            first = places[(chance[:, 2] * len(places)).astype(np.int64)] - np.floor(size / 2)
        else:
            first = np.rint(corner + chance[:, 2:] * np.maximum(extent - size, 0))
        return np.concatenate([first, first + size], axis=1)


def _lattice(draw: Draw, view: View, unit: Floats, ratio: Floats, start: Floats, paint: Paint) -> Change:
    """Squares in the cells of a grid.

    Args:
        unit: (B,) sides of the cells in pixels.
        ratio: (B,) sides of the squares over those of the cells.
        start: (B, 2) where the grid begins along x and y, as shares of a cell.
        paint: what is painted there.
    """
    unit = np.maximum(unit, 1)
    cells = np.ceil(view.size[:, ::-1] / unit[:, None]).astype(np.int64) + 1
    most = int(cells.prod(axis=1).max(initial=1))
    rectangles, count = np.zeros((view.count, most, 4), dtype=np.int32), np.zeros(view.count, dtype=np.int32)
    for row, (right, down) in enumerate(cells.tolist()):
        if not ratio[row] > 0:
            continue
        lines = [(np.arange(number) - start[row, axis]) * unit[row] for axis, number in enumerate((right, down))]
        first = [np.rint(line) for line in lines]
        last = [np.rint(line + unit[row] * ratio[row]) for line in lines]
        x, y = np.tile(np.arange(right), down), np.repeat(np.arange(down), right)
        count[row] = right * down
        rectangles[row, : right * down] = np.stack([first[0][x], first[1][y], last[0][x], last[1][y]], axis=1)
    return painted(draw, view, rectangles, count, paint)
