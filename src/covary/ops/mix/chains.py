"""Operations applied inside a mixer: a chain of a few, drawn for each sample, to pictures that are mixed afterwards."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from covary.draws.rows import draw_rows
from covary.ops.base import Course, Operation
from covary.ops.chains import chain
from covary.ops.image.augmix import GENTLE as GENTLE
from covary.ops.mix.batch import Batch
from covary.ops.mix.batch import Layout as ImageLayout
from covary.ops.view import View
from covary.pictures import sizes_of
from covary.plan.changes import Image
from covary.plan.fusion import plan
from covary.planned import Planned
from covary.render import find_renderer


def check_operations(owner: Any, argument: str, operations: Sequence[Operation] | None) -> None:
    """Refuse anything but a non-empty list of operations, or None."""
    if operations is None:
        return
    if isinstance(operations, Operation) or not operations:
        owner.refuse(argument, repr(operations), "a non-empty list of operations")
    for index, operation in enumerate(operations):
        if not isinstance(operation, Operation) or operation.modality not in ("image", None):
            owner.refuse(f"{argument}[{index}]", f"a {type(operation).__name__}", "an operation on images")


def vary(
    batch: Batch,
    rows: Sequence[int],
    operations: tuple[Operation, ...],
    depth: tuple[int, int],
    name: str,
) -> list[Image]:
    """Pictures of a batch behind a chain of operations, each of them one of `operations`.

    Args:
        batch: with pictures of any size but one dtype and number of channels.
        rows: which of them.
        operations: what to choose from.
        depth: the fewest and the most operations in a chain, evenly drawn.
        name: to which the chain's random slots are bound.

    Returns:
        New pictures in the layout of the batch.
    """
    if not len(rows):
        return []
    images, layout = batch.images()
    pictures = [_rows_first(images[row], layout) for row in rows]
    sizes, index = sizes_of(pictures), np.asarray(rows)
    links = chain(operations, depth, name)
    numbers = draw_rows(batch.seed, batch.epochs[index], batch.keys[index], links.slots)
    view = View(sizes, pictures[0].shape[2], pictures[0].dtype.name)
    course = links.walk(Course(len(rows), numbers, lines=links.lines), view)
    planned = Planned(sizes, plan(course.steps, sizes), find_renderer(), batch.forms)
    outputs, _ = planned.draw(pictures, None, [{} for _ in pictures], 1)
    for output, picture, row in zip(outputs, pictures, rows, strict=True):
        if output.shape != picture.shape or output.dtype != picture.dtype:
            raise ValueError(
                f"the operations made {output.dtype} {output.shape} of image[{row}], {picture.dtype} {picture.shape}; "
                "they must keep size and dtype"
            )
    return [_as_laid_out(output, layout) for output in outputs]


def _rows_first(image: Image, layout: ImageLayout) -> Image:
    whole = image[:, :, None] if layout == "HW" else np.moveaxis(image, 0, 2) if layout == "CHW" else image
    return np.ascontiguousarray(whole)


def _as_laid_out(picture: Image, layout: ImageLayout) -> Image:
    return picture[:, :, 0] if layout == "HW" else np.moveaxis(picture, 2, 0) if layout == "CHW" else picture
