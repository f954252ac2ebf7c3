"""What will happen to a batch, planned before its pixels are there, and then drawn."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import DTypeLike

from covary.further import draw_further
from covary.plan.changes import Image, Ints
from covary.plan.fusion import Group
from covary.plan.reduced import allowed_reductions, on_reduced, rows_needed
from covary.plan.stages import Stage
from covary.render import Render
from covary.render.buffers import Empty, empty, room_for
from covary.targets import Boxes, Keypoints, LineStrings, OrientedBoxes, Polygons, carry
from covary.targets.pairs import Pairs

Again: TypeAlias = Callable[[int, str], "Planned"]
"""The same draws planned for pictures of another number of channels, or another dtype."""


@dataclass(frozen=True, slots=True, eq=False)
class Labels:
    """How labels are written, and what becomes of those that leave the picture; see `covary.targets.carry`."""

    boxes: Boxes
    keypoints: Keypoints
    mask_fill: float
    oriented_boxes: OrientedBoxes = field(default_factory=OrientedBoxes)
    polygons: Polygons = field(default_factory=Polygons)
    line_strings: LineStrings = field(default_factory=LineStrings)
    mask_pairs: Pairs = ()
    heatmap_pairs: Sequence[tuple[int, int]] = ()
    targets: Mapping[str, str] = field(default_factory=dict)

    def options(self) -> dict[str, Any]:
        """All of them by name."""
        return {name: getattr(self, name) for name in _LABEL_OPTIONS}


_LABEL_OPTIONS = tuple(item.name for item in fields(Labels))


@dataclass(frozen=True, slots=True, eq=False)
class Planned:
    """The plan of B samples.

    Attributes:
        sizes: (B, 2) int64 height and width of the sources.
        groups: the passes of the samples.
        renderer: draws them.
        labels: how labels are carried.
        again: plans the further images of samples, which share the draws; None where there can be none.
    """

    sizes: Ints
    groups: Sequence[Group]
    renderer: Render
    labels: Labels
    again: Again | None = None

    def reductions(self) -> Ints:
        """How often each source may be halved, both axes alike, before it is given to `render`.

        A source halved so often still has a pixel for every pixel that is drawn of it; halving is what the renderer
        would do itself, so that nothing is skipped. A decoder can do it for less.

        Returns:
            (B,) int64, 0 where the source is needed whole.
        """
        reductions = np.zeros(len(self.sizes), dtype=np.int64)
        for group in self.groups:
            reductions[slice(None) if group.rows is None else group.rows] = allowed_reductions(group.stages[0])
        return reductions

    def rows_needed(self) -> Ints:
        """How many rows of each source, from the top, are enough for `fill`: what lies below is not looked at.

        Returns:
            (B,) int64, at most the sources' heights.
        """
        needed = np.empty(len(self.sizes), dtype=np.int64)
        for group in self.groups:
            rows = slice(None) if group.rows is None else group.rows
            needed[rows] = rows_needed(group.stages[0], self.sizes[rows])
        return needed

    def render(
        self,
        pictures: Sequence[Image],
        reductions: Ints | None = None,
        *,
        fields: Sequence[dict[str, Any]] | None = None,
        threads: int = 1,
    ) -> tuple[Any, list[dict[str, Any]]]:
        """Draw what was planned.

        Args:
            pictures: B (H, W, C) arrays, C-contiguous, of the planned dtype and channels; where they are reduced,
                halved lengths are rounded up, as JPEG decoders do.
            reductions: (B,) how often each picture has been halved; None where all have their full sizes.
            fields: other fields of each sample; labels in them are in coordinates of the full sources.
            threads: cores to use.

        Returns:
            The finished pictures, stacked in one array if their sizes agree, else a list; and the fields, labels moved.

        Raises:
            ValueError: a picture has not the planned size.
        """
        if reductions is None or not reductions.any():
            reductions = None
            self._check_sizes(pictures, np.zeros(len(pictures), dtype=np.int64))
        else:
            self._check_sizes(pictures, reductions)
        return self.draw(pictures, reductions, [{} for _ in pictures] if fields is None else fields, threads)

    def draw(
        self, pictures: Sequence[Image], reductions: Ints | None, fields: Sequence[dict[str, Any]], threads: int
    ) -> tuple[Any, list[dict[str, Any]]]:
        """As `render`, for pictures whose sizes are known to be right."""
        outputs = self.room(pictures[0].shape[2], pictures[0].dtype)
        self.fill(outputs, 0, pictures, reductions, threads)
        return outputs, self.carry(fields, threads)

    def room(self, channels: int, dtype: DTypeLike, new: Empty = empty) -> Any:
        """Room for the finished pictures of sources of these channels and dtype, on memory of `new`: an array, or a
        list of arrays.
        """
        first = self.groups[0].stages[-1]
        if self.groups[0].rows is None:
            return room_for(first, first.size, channels, dtype, new)
        final = np.empty_like(self.sizes)
        for group in self.groups:
            final[group.rows] = group.stages[-1].size
        return room_for(first, final, channels, dtype, new)

    def fill(
        self, outputs: Any, first: int, pictures: Sequence[Image], reductions: Ints | None, threads: int = 1
    ) -> None:
        """Draw some of the samples: a decoder's pictures are best drawn while they are still in the processor's cache.

        Args:
            outputs: room for all samples.
            first: number of the first sample to be drawn.
            pictures: of that one and those that follow it; rows below those that are needed may be missing.
            reductions: of these pictures; None where all have their full sizes.
            threads: cores to use.
        """
        behind = first + len(pictures)
        batch_bytes = outputs.nbytes if isinstance(outputs, np.ndarray) else sum(each.nbytes for each in outputs)
        for group in self.groups:
            stages, sizes, halved = group.stages, self.sizes, reductions
            if group.rows is None:
                sources, targets = pictures, outputs[first:behind]
                if len(pictures) < len(sizes):
                    stages, sizes = _part(stages, slice(first, behind)), sizes[first:behind]
            else:
                places = np.flatnonzero((group.rows >= first) & (group.rows < behind))
                if not places.size:
                    continue
                rows = group.rows[places]
                if len(places) < len(group.rows):
                    stages = _part(stages, places)
                sizes, halved = sizes[rows], None if reductions is None else reductions[rows - first]
                sources = [pictures[row - first] for row in rows.tolist()]
                targets = [outputs[row] for row in rows.tolist()]
            drawn = stages if halved is None or not halved.any() else on_reduced(stages, sizes, halved)
            self.renderer(drawn, sources, outputs=targets, threads=threads, batch_bytes=batch_bytes)

    def carry(self, fields: Sequence[dict[str, Any]], threads: int = 1) -> list[dict[str, Any]]:
        """The other fields of all samples, labels moved."""
        if not any(fields):
            return list(fields)
        carried: list[dict[str, Any]] = [{}] * len(fields)
        for group in self.groups:
            rows: Sequence[int] = range(len(fields)) if group.rows is None else group.rows.tolist()
            moved = carry(
                fields if group.rows is None else [fields[row] for row in rows],
                group.stages,
                self.sizes if group.rows is None else self.sizes[group.rows],
                **self.labels.options(),
                render=self.renderer,
                threads=threads,
            )
            for row, label in zip(rows, moved, strict=True):
                carried[row] = label
        if self.again is not None:
            draw_further(fields, carried, self.sizes, self.labels.targets, self.again, threads)
        return carried

    def draw_row(self, row: int, pictures: Sequence[Image], threads: int) -> list[Image]:
        """Several pictures of one sample, all with its draws."""
        for group in self.groups:
            place = row if group.rows is None else int(np.searchsorted(group.rows, row))
            if group.rows is None or (place < len(group.rows) and group.rows[place] == row):
                stages = _part(group.stages, np.full(len(pictures), place))
                return self.renderer(stages, pictures, threads=threads)
        raise IndexError(f"there is no sample {row}")

    def _check_sizes(self, pictures: Sequence[Image], reductions: Ints) -> None:
        expected = -(-self.sizes // (1 << reductions[:, None]))
        for index, (picture, size) in enumerate(zip(pictures, expected.tolist(), strict=True)):
            if list(picture.shape[:2]) != size:
                raise ValueError(
                    f"pictures[{index}] has shape {picture.shape}; planned are {size[0]} x {size[1]} pixels: "
                    f"{self.sizes[index].tolist()}, halved {reductions[index]} times"
                )


def _part(stages: Sequence[Stage], rows: slice | Ints) -> tuple[Stage, ...]:
    return tuple([stage.take(rows) for stage in stages])
