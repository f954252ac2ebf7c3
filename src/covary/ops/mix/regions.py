"""Regions of any shape: what is not left of a sample is filled with its partner, labels and all."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from covary.ops.mix.batch import Batch, Made, size_of, where_in
from covary.ops.mix.objects import covered, has_objects, joined, objects_of
from covary.plan.changes import Bools
from covary.targets.covers import Cover


def fill_by_partners(
    batch: Batch, rows: Sequence[int], partners: Sequence[int], left: Callable[[int, int, int], Bools], made: Made
) -> None:
    """Mix samples with their partners by regions.

    Args:
        batch: of pictures of one size.
        rows: the samples that are mixed.
        partners: the partner of each sample of the batch.
        left: called with a sample's number, height and width: (H, W) where it stays as it is.
        made: takes what comes out.
    """
    images, layout = batch.stacked_images()
    rooms = [(layer, made.room(layer.name)) for layer in batch.layers()]
    for row in rows:
        partner, (height, width) = partners[row], size_of(images[row], layout)
        own = left(row, height, width)
        for layer, room in rooms:
            pixels, pixel_layout = batch.pixels(layer, partner)
            np.copyto(room.copy(row), pixels, where=where_in(~own, pixel_layout))
        made.pair(row, partner, np.count_nonzero(own) / (height * width))
        if has_objects(batch):
            first = covered(batch, objects_of(batch, row), Cover(~own))
            made.put_objects(row, joined(batch, first, covered(batch, objects_of(batch, partner), Cover(own))))
