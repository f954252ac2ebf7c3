"""Cells of the picture change places."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from covary.draws.streams import stream_uniforms
from covary.ops.base import Draw, Operation, operation
from covary.ops.image.spatial import is_count
from covary.ops.view import View
from covary.plan.changes import Change, Image, Ints, Pixels, Streams, Tiles, into


@into
def exchanged(image: Image, cells: Ints, origins: Ints, out: Image | None = None) -> Image:
    """The picture whose cells show other parts of this one; see `Tiles`."""
    made = np.empty_like(image) if out is None or out is image else out
    for (x0, y0, x1, y1), (x, y) in zip(cells.tolist(), origins.tolist(), strict=True):
        made[y0:y1, x0:x1] = image[y : y + y1 - y0, x : x + x1 - x0]
    if out is image:
        out[...] = made
        return out
    return made


@operation
class RandomGridShuffle(Operation):
    """Divide the image into the cells of a grid, which change places at random.

    Any image keeps its size; pixels are moved whole. Where the sides cannot be divided evenly, some cells are a pixel
    longer than others, and only cells of equal size trade places.

    Args:
        grid: rows and columns of cells, each from 1 to 64 (and no more than there are pixels). Default (3, 3).

    Labels go with their cell: masks and keypoints exactly, polygons and line strings cut at the cells' edges. A box,
    upright or oriented, becomes the one around its largest piece; the pieces in other cells lose it, and
    `min_visibility` sees that piece's share of the area. Heat maps move as the picture does.

    Paper: Chen et al. 2019, "Destruction and construction learning for fine-grained image recognition".

    Helps: fine-grained recognition by local texture; classes told by details, not by the whole.
    Hurts: whatever depends on the arrangement of parts: detection of objects larger than a cell, digits, faces, scenes.
    """

    grid: tuple[int, int] = (3, 3)

    streams = ("places",)

    def check(self) -> None:
        fits = isinstance(self.grid, tuple) and len(self.grid) == 2
        if not fits or not all(is_count(number, 1) and number <= 64 for number in self.grid):
            self.refuse("grid", repr(self.grid), "rows and columns, each from 1 to 64, as (3, 3)")

    def describe(self, draw: Draw, view: View) -> Change:
        streams = draw.stream("places")
        cells: list[Ints] = [_NO_CELLS] * view.count
        origins: list[Ints] = [_NO_CELLS] * view.count
        alike: dict[tuple[int, int], list[int]] = {}
        for row, (height, width) in enumerate(view.size.tolist()):
            alike.setdefault((height, width), []).append(row)
        for size, rows in alike.items():
            own = _cells(size, self.grid)
            for row, shown in zip(rows, _shuffled(own, streams[rows]), strict=True):
                cells[row], origins[row] = own, shown
        parameters = tuple({"cells": own, "origins": shown} for own, shown in zip(cells, origins, strict=True))
        return Pixels(exchanged, parameters, Tiles(tuple(cells), tuple(origins)))


_NO_CELLS = np.zeros((0, 4), dtype=np.int64)


def _cells(size: tuple[int, int], grid: tuple[int, int]) -> NDArray[np.int64]:
    """(K, 4) x0, y0, x1, y1 of the cells, row by row."""
    (top, bottom), (left, right) = (_edges(length, number) for length, number in zip(size, grid, strict=True))
    rows, columns = np.divmod(np.arange(len(top) * len(left)), len(left))
    return np.stack((left[columns], top[rows], right[columns], bottom[rows]), axis=1)


def _edges(length: int, number: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    number = min(number, length)
    edges = np.arange(number + 1, dtype=np.int64) * length // number
    return edges[:-1], edges[1:]


def _shuffled(cells: NDArray[np.int64], streams: Streams) -> NDArray[np.int64]:
    """(B, K, 2) x0, y0 of the cells that each shows: one of its own size."""
    chance = stream_uniforms(streams, len(cells))
    origins = np.repeat(cells[None, :, :2], len(streams), axis=0)
    extents = cells[:, 2:] - cells[:, :2]
    for extent in set(map(tuple, extents.tolist())):
        alike = np.flatnonzero((extents == extent).all(axis=1))
        origins[:, alike] = cells[alike[np.argsort(chance[:, alike], axis=1, kind="stable")], :2]
    return origins
