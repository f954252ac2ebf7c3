"""Pieces of pictures, taken through the project's own renderer, and laid into rectangles of new ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from covary.ops.mix.batch import Batch, Layer, Layout, size_of
from covary.ops.mix.objects import Objects, moved, objects_of
from covary.plan.changes import Border, Image, Ints, Step, Warp
from covary.plan.fusion import plan
from covary.plan.stages import Stage
from covary.render import find_renderer
from covary.render.buffers import empty
from covary.targets.masks import constant_borders


@dataclass(frozen=True, slots=True, eq=False)
class Pieces:
    """N pieces of pictures, each to be laid into one rectangle of a canvas.

    Attributes:
        batch: where the pictures are.
        sources: (N,) which picture each is of.
        rectangles: (N, 4) x0, y0, x1, y1 in pixels of the canvas, ends exclusive.
        stages: from the picture to the rectangle.
        canvas: from the rectangle to the canvas.
        sizes: (N, 2) height and width of the pictures.
        reaches_out: whether pieces reach beyond their pictures, so that borders show again what is there once.
    """

    batch: Batch
    sources: Sequence[int]
    rectangles: Ints
    stages: tuple[Stage, ...]
    canvas: Stage
    sizes: Ints
    reaches_out: bool = False

    @classmethod
    def of(
        cls,
        batch: Batch,
        sources: Sequence[int],
        matrices: NDArray[np.float64],
        rectangles: Ints,
        canvases: Ints,
        border: Border | None = None,
    ) -> Pieces:
        """Pieces of a batch.

        Args:
            batch: with pictures.
            sources: (N,) which picture each piece is of.
            matrices: (N, 3, 3) from positions on the canvas to positions in the picture.
            rectangles: (N, 4) where the pieces lie; none empty.
            canvases: (N, 2) height and width of the canvases.
            border: what lies outside the pictures; None where no piece reaches there.
        """
        images, layout = batch.images()
        sizes = np.array([size_of(images[source], layout) for source in sources], dtype=np.int64).reshape(-1, 2)
        shift = np.tile(np.eye(3), (len(sources), 1, 1))
        shift[:, :2, 2] = rectangles[:, :2]
        extent = rectangles[:, 3:1:-1] - rectangles[:, 1::-1]
        fill = np.zeros((len(sources), 1)) if border == "constant" else None
        cut = Warp(matrices @ shift, extent.astype(np.int64), border, fill)
        back = shift.copy()
        back[:, :2, 2] *= -1
        (group,) = plan([Step(cut, None)], sizes)
        canvas = Stage(canvases, (Warp(back, canvases, border="constant"),), border="constant")
        return cls(batch, sources, rectangles, group.stages, canvas, sizes, border is not None)

    def pixels(self, layer: Layer) -> list[Image]:
        """The pieces of a layer, in its own layout."""
        taken, layouts = zip(*(self.batch.pixels(layer, source) for source in self.sources), strict=True)
        if layer.kind == "image":
            if len({(image.dtype, image.ndim) for image in taken}) > 1:
                raise ValueError(f"{layer.name} has several dtypes or numbers of axes; those of a batch must agree")
            return _rendered(self.stages, taken, layouts[0])
        samples = [{layer.name: value} for value in taken]
        return [sample[layer.name] for sample in moved(self.batch, samples, self.stages, self.sizes)]

    def labels(self, objects: Sequence[Objects] | None = None) -> list[Objects]:
        """The objects of the pieces, in coordinates of the canvas.

        Args:
            objects: of each piece's picture. Default: all that it has.
        """
        samples = [objects_of(self.batch, source) for source in self.sources] if objects is None else objects
        stages = constant_borders(self.stages) if self.reaches_out else self.stages  # borders clone no objects
        return moved(self.batch, samples, (*stages, self.canvas), self.sizes)


def _rendered(stages: Sequence[Stage], images: Sequence[Image], layout: Layout) -> list[Image]:
    """The pictures behind the stages; channels that lie in planes are pictures of their own."""
    if not images:
        return []
    planes = images[0].shape[0] if layout == "CHW" else 1
    sources: list[Image] = []
    outputs: list[Image] = []
    results: list[Any] = []
    for image, (height, width) in zip(images, stages[-1].size.tolist(), strict=True):
        whole = np.ascontiguousarray(image)
        shape = {"CHW": (planes, height, width), "HWC": (height, width, image.shape[-1]), "HW": (height, width)}
        made = empty(shape[layout], image.dtype)
        results.append(made)
        if layout == "HWC":
            sources.append(whole)
            outputs.append(made)
        else:
            sources += [plane[:, :, None] for plane in whole.reshape(planes, *whole.shape[-2:])]
            outputs += [plane[:, :, None] for plane in made.reshape(planes, height, width)]
    rows = np.repeat(np.arange(len(images)), planes)
    find_renderer()([stage.take(rows) for stage in stages], sources, outputs=outputs, threads=1)
    return results
