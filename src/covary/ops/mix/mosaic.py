"""Four pictures in one."""

from __future__ import annotations

from functools import partial, reduce

import numpy as np
from numpy.typing import NDArray

from covary.draws.distributions import Range, Uniform
from covary.draws.streams import stream_uniforms
from covary.ops.base import operation, ranged
from covary.ops.mix.base import Draws, Mixer
from covary.ops.mix.batch import SOURCES, Batch, Made, size_of, window
from covary.ops.mix.objects import has_objects, joined
from covary.ops.mix.pieces import Pieces


@operation
class Mosaic(Mixer):
    """Fill four tiles with a sample and its next three partners; all labels come along.

    Every tile is filled wholly: a picture is scaled until it covers its tile, by `zoom` more, and a part of it is taken
    at random. Boxes, masks and keypoints go through that geometry; class labels are mixed by area.

    Args:
        size: height and width of the result, one number or a pair, in pixels. Default: each sample's own.
        centre: where the tiles meet, as a fraction of height and width, drawn for each. Default 0.3 to 0.7.
        zoom: by how much pictures are larger than their tile needs, 1 or more. Default 1 to 1.5.
        p: probability.

    Paper: Bochkovskiy et al. 2020, "YOLOv4: optimal speed and accuracy of object detection". There the pictures keep
    their scale and grey fills what they leave; objects here are seen larger, and no canvas is wasted. A sample has four
    different sources from four samples in the batch on.

    Pictures may be a list of several sizes. Give `boxes=Boxes(min_visibility=..., min_area=...)` to drop what is cut
    down too far.

    Helps: detection and segmentation with small batches or few pictures: four contexts, and small objects.
    Hurts: the last epochs, as no real picture looks so: switch it off there (YOLOX does for 15); classes that depend on
    the whole scene.
    """

    streams = ("tiles",)
    uniforms = ("x", "y", "corner")

    size: int | tuple[int, int] | None = None
    centre: Range = ranged(default=Uniform(0.3, 0.7), low=0, high=1)
    zoom: Range = ranged(default=Uniform(1.0, 1.5), low=1, high=100)

    def check(self) -> None:
        sides = (self.size, self.size) if isinstance(self.size, int) else self.size
        if sides is not None and (
            not isinstance(sides, tuple)
            or len(sides) != 2
            or not all(isinstance(side, int) and not isinstance(side, bool) and side >= 2 for side in sides)
        ):
            self.refuse("size", repr(self.size), "pixels from 2 on, or a pair (height, width) of such")

    def slots(self) -> tuple[str, ...]:
        return tuple(slot for slot in Mixer.slots(self) if slot not in ("centre", "zoom"))

    def mix(self, batch: Batch, rows: list[int], draw: Draws, made: Made) -> None:
        if not rows:
            return
        images, layout = batch.images()
        members = np.stack([np.arange(batch.count), *(draw.partners(step) for step in range(1, SOURCES))], axis=1)
        corners = (draw("corner") * SOURCES).astype(np.intp)
        law = self.law("centre")
        middles = np.stack([law.quantile(draw("x")), law.quantile(draw("y"))], axis=1)
        chance = stream_uniforms(draw.stream("tiles"), 3 * SOURCES).reshape(-1, SOURCES, 3)
        sources = np.stack([np.roll(members[row], corners[row]) for row in rows])
        canvases = np.array([self._canvas(size_of(images[row], layout)) for row in rows], dtype=np.int64)
        tiles = np.stack([_tiles(middles[row], *canvas) for row, canvas in zip(rows, canvases.tolist(), strict=True)])
        zoom = self.law("zoom").quantile(np.ascontiguousarray(chance[rows, :, 0]))
        matrices = np.stack(
            [
                _matrix(size_of(images[source], layout), tile, zoom[number, place], chance[row, place, 1:])
                for number, row in enumerate(rows)
                for place, (source, tile) in enumerate(zip(sources[number].tolist(), tiles[number], strict=True))
            ]
        )
        pieces = Pieces.of(
            batch, sources.ravel().tolist(), matrices, tiles.reshape(-1, 4), np.repeat(canvases, SOURCES, axis=0)
        )
        self._lay(batch, rows, pieces, made)
        extent = tiles[:, :, 2:] - tiles[:, :, :2]
        made.sources[rows] = members[rows]
        shares = extent.prod(axis=2) / canvases.prod(axis=1)[:, None]
        made.weights[rows] = np.stack([np.roll(shares[i], -corners[row]) for i, row in enumerate(rows)])

    def _canvas(self, own: tuple[int, int]) -> tuple[int, int]:
        if self.size is None:
            if min(own) < 2:
                raise ValueError(f"a picture has {own[0]} x {own[1]} pixels; four tiles need 2 x 2")
            return own
        return (self.size, self.size) if isinstance(self.size, int) else self.size

    def _lay(self, batch: Batch, rows: list[int], pieces: Pieces, made: Made) -> None:
        """Put the tiles and their labels together."""
        fours = [range(SOURCES * number, SOURCES * (number + 1)) for number in range(len(rows))]
        for layer in batch.layers():
            room, tiles = made.room(layer.name), pieces.pixels(layer)
            for row, four in zip(rows, fours, strict=True):
                _, layout = batch.pixels(layer, pieces.sources[four[0]])
                height, width = pieces.canvas.size[four[0]].tolist()
                tile = tiles[four[0]]
                shape = {"CHW": (*tile.shape[:1], height, width), "HWC": (height, width, *tile.shape[2:])}
                canvas = room.fresh(row, shape.get(layout, (height, width)), tile.dtype)
                for index in four:
                    window(canvas, layout, pieces.rectangles[index].tolist())[...] = tiles[index]
        if has_objects(batch):
            labels = pieces.labels()
            for row, four in zip(rows, fours, strict=True):
                made.put_objects(row, reduce(partial(joined, batch), [labels[index] for index in four]))


def _tiles(middle: NDArray[np.float64], height: int, width: int) -> NDArray[np.int64]:
    """(4, 4) the rectangles of the tiles, x0, y0, x1, y1: upper left, upper right, lower left, lower right."""
    x = min(max(round(middle[0] * width), 1), width - 1)
    y = min(max(round(middle[1] * height), 1), height - 1)
    return np.array([[0, 0, x, y], [x, 0, width, y], [0, y, x, height], [x, y, width, height]], dtype=np.int64)


def _matrix(
    size: tuple[int, int], tile: NDArray[np.int64], zoom: float, place: NDArray[np.float64]
) -> NDArray[np.float64]:
    """From the canvas to a picture of which a part, at a place given by two numbers in [0, 1), fills a tile."""
    height, width = size
    x0, y0, x1, y1 = tile.tolist()
    step = min(height / (y1 - y0), width / (x1 - x0)) / zoom
    left, top = place[0] * (width - (x1 - x0) * step), place[1] * (height - (y1 - y0) * step)
    return np.array([[step, 0, left - x0 * step], [0, step, top - y0 * step], [0, 0, 1]])
