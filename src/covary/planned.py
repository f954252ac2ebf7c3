"""What will happen to a batch, planned before its pixels are there, and then drawn."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from covary.plan.changes import Image, Ints
from covary.plan.fusion import Group
from covary.plan.reduced import allowed_reductions, on_reduced
from covary.plan.stages import Stage
from covary.render import Render
from covary.render.buffers import room_for
from covary.targets import Boxes, Keypoints, carry


@dataclass(frozen=True, slots=True, eq=False)
class Labels:
    """How labels are written, and what becomes of those that leave the picture."""

    boxes: Boxes
    keypoints: Keypoints
    mask_fill: float


@dataclass(frozen=True, slots=True, eq=False)
class Planned:
    """The plan of B samples.

    Attributes:
        sizes: (B, 2) int64 height and width of the sources.
        groups: the passes of the samples.
        renderer: draws them.
        labels: how labels are carried.
    """

    sizes: Ints
    groups: Sequence[Group]
    renderer: Render
    labels: Labels

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
        if len(self.groups) == 1 and self.groups[0].rows is None:
            stages = self.groups[0].stages
            outputs = room_for(stages[-1], stages[-1].size, pictures[0])
            self._fill(outputs, pictures, stages, self.sizes, reductions, threads)
            return outputs, self._carry(fields, stages, self.sizes, threads)
        final = np.empty_like(self.sizes)
        for group in self.groups:
            final[group.rows] = group.stages[-1].size
        outputs = room_for(self.groups[0].stages[-1], final, pictures[0])
        carried: list[dict[str, Any]] = [{}] * len(pictures)
        for group in self.groups:
            assert group.rows is not None
            rows, sizes, stages = group.rows.tolist(), self.sizes[group.rows], group.stages
            halved = None if reductions is None else reductions[group.rows]
            self._fill([outputs[i] for i in rows], [pictures[i] for i in rows], stages, sizes, halved, threads)
            labels = self._carry([fields[i] for i in rows], stages, sizes, threads)
            for row, label in zip(rows, labels, strict=True):
                carried[row] = label
        return outputs, carried

    def _fill(
        self,
        outputs: Iterable[Image],
        pictures: Sequence[Image],
        stages: Sequence[Stage],
        sizes: Ints,
        reductions: Ints | None,
        threads: int,
    ) -> None:
        if reductions is not None:
            stages = on_reduced(stages, sizes, reductions)
        self.renderer(stages, pictures, outputs=list(outputs), threads=threads)

    def _check_sizes(self, pictures: Sequence[Image], reductions: Ints) -> None:
        expected = -(-self.sizes // (1 << reductions[:, None]))
        for index, (picture, size) in enumerate(zip(pictures, expected.tolist(), strict=True)):
            if list(picture.shape[:2]) != size:
                raise ValueError(
                    f"pictures[{index}] has shape {picture.shape}; planned are {size[0]} x {size[1]} pixels: "
                    f"{self.sizes[index].tolist()}, halved {reductions[index]} times"
                )

    def _carry(
        self, samples: Sequence[dict[str, Any]], stages: Sequence[Stage], sizes: Ints, threads: int
    ) -> list[dict[str, Any]]:
        if not any(samples):
            return list(samples)
        return carry(
            samples,
            stages,
            sizes,
            boxes=self.labels.boxes,
            keypoints=self.labels.keypoints,
            mask_fill=self.labels.mask_fill,
            render=self.renderer,
            threads=threads,
        )
