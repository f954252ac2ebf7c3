"""The labels of samples at one point of a pipeline, for the operations that look at them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from covary.plan.changes import Bools, Change, Floats, Ints, Step
from covary.plan.fusion import plan
from covary.planned import Labels, Planned
from covary.render import Render
from covary.targets.boxes import read_boxes


@dataclass(frozen=True, slots=True, eq=False)
class Annotated:
    """Labels of B samples, moved by what was described so far when they are asked for.

    Attributes:
        samples: their fields.
        sizes: (B, 2) int64 heights and widths of the sources.
        form: how labels are written, and which stay.
        render: of masks.
        steps: what moves or takes away labels, of what was described so far.
    """

    samples: Sequence[Mapping[str, Any]]
    sizes: Ints
    form: Labels
    render: Render
    steps: tuple[Step, ...] = ()

    def after(self, change: Change, active: Bools | None) -> Annotated:
        """The labels behind a change, which touched the `active` samples only."""
        return replace(self, steps=(*self.steps, Step(change, active)))

    def boxes(self) -> list[Floats | None]:
        """(N, 4) edges in pixels of the canvas for each sample; None where it has no boxes."""
        fields = ("boxes", "masks") if self.form.boxes.source == "masks" else ("boxes",)
        moved, sizes = self._moved(fields)
        return [
            None if "boxes" not in sample else self._visible(sample["boxes"], (height, width))
            for sample, (height, width) in zip(moved, sizes.tolist(), strict=True)
        ]

    def masks(self) -> list[NDArray[Any] | None]:
        """The mask of each sample; None where it has none."""
        return [sample.get("mask") for sample in self._moved(("mask",))[0]]

    def _visible(self, boxes: Any, size: tuple[int, int]) -> Floats:
        """What lies on the canvas of boxes as users write them: (M, 4) edges in pixels, M at most their number."""
        seen = read_boxes(self.form.boxes, boxes, size)[2]
        return seen[~np.isnan(seen).any(axis=1)]

    def _moved(self, fields: Iterable[str]) -> tuple[list[dict[str, Any]], Ints]:
        """These fields of all samples at this point, and the sizes of the canvases."""
        samples = [{name: sample[name] for name in fields if sample.get(name) is not None} for sample in self.samples]
        if not self.steps:
            return samples, self.sizes
        groups = plan(self.steps, self.sizes)
        sizes = np.empty_like(self.sizes)
        for group in groups:
            sizes[slice(None) if group.rows is None else group.rows] = group.stages[-1].size
        return Planned(self.sizes, groups, self.render, self.form).carry(samples), sizes
