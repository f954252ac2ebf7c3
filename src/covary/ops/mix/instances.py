"""Objects pasted from one picture into another."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from covary.draws.distributions import LogUniform, Range, Uniform
from covary.draws.streams import stream_uniforms
from covary.ops.base import operation, ranged
from covary.ops.mix.base import Draws, PairMixer
from covary.ops.mix.batch import Batch, Made, size_of, where_in
from covary.ops.mix.objects import Objects, covered, is_set, joined, loose, objects_of, subset
from covary.ops.mix.pieces import Pieces
from covary.plan.changes import Bools
from covary.targets.covers import Cover


@operation
class CopyPaste(PairMixer):
    """Paste some of the partner's objects, cut out by their masks, into each sample.

    Needs `masks`, one per object; `boxes` (with their `box_labels`), keypoints, oriented boxes and polygons of as many
    rows come along, and of line strings and flat keypoints what lies on the pasted objects. What these hide is taken
    out of the sample's own masks and polygons, and boxes become those of what is left; an object of which too little is
    to be seen goes, by `boxes=Boxes(min_visibility=..., min_area=...)`. Heat maps and further images are pasted as the
    pixels are.

    Args:
        share: probability in [0, 1] that an object is pasted, each for itself. Default 0.5.
        scale: factor of the pasted objects' size, about the middle of the picture. Default 0.7 to 1.4. Identity: 1.
        shift: how far they are moved along x and y, each drawn for itself, as a fraction of the picture's width and
            height. Default -0.25 to 0.25. Identity: 0.
        pairs: whether `target_a`, `target_b` and `lam` come out too; class labels of the pictures are mixed by area.
        p: probability that a sample gets objects.

    Paper: Ghiasi et al. 2021, "Simple copy-paste is a strong data augmentation method for instance segmentation". There
    both pictures are jittered in scale beforehand, which a pipeline does; smoothing the edges brought nothing there and
    is left out. Objects need not fit the scene.

    Pictures may be a list of several sizes.

    Helps: instance segmentation with few annotated pictures; rare classes.
    Hurts: tasks that live on context; masks that are rough, as a rim of background is pasted too.
    """

    uniforms = ("x", "y")
    streams = ("instances",)

    share: float = 0.5
    scale: Range = ranged(default=LogUniform(0.7, 1.4, identity=1), low=0.01, high=100)
    shift: Range = ranged(default=Uniform(-0.25, 0.25, identity=0), low=-1, high=1)

    def check(self) -> None:
        if isinstance(self.share, bool) or not isinstance(self.share, (int, float)) or not 0 <= self.share <= 1:
            self.refuse("share", repr(self.share), "a probability in [0, 1]")

    def mix(self, batch: Batch, rows: list[int], draw: Draws, made: Made) -> None:
        if not batch.has("masks"):
            raise ValueError(f"no masks among the fields {sorted(batch.fields)}; objects are cut out by their masks")
        images, layout = batch.images()
        partners, scale = draw.partners().tolist(), draw("scale").tolist()
        shifts = np.stack([self.law("shift").quantile(draw(axis)) for axis in ("x", "y")], axis=1)
        picked = {
            row: self._picked(batch, objects_of(batch, partners[row]), draw.stream("instances")[row]) for row in rows
        }
        filled = [row for row in rows if len(picked[row].get("masks", ()))]
        for row in rows:
            made.pair(row, partners[row], 1)
        if not filled:
            made.room("image")
            return
        sizes = [size_of(images[row], layout) for row in filled]
        matrices = []
        for row, (height, width) in zip(filled, sizes, strict=True):
            rows_, columns = size_of(images[partners[row]], layout)
            step = 1 / scale[row]
            x, y = width * (0.5 + shifts[row, 0]), height * (0.5 + shifts[row, 1])
            matrices.append([[step, 0, columns / 2 - x * step], [0, step, rows_ / 2 - y * step], [0, 0, 1]])
        pieces = Pieces.of(
            batch,
            [partners[row] for row in filled],
            np.array(matrices),
            np.array([(0, 0, width, height) for height, width in sizes]),
            np.array(sizes, dtype=np.int64),
            "edge",
        )
        labels = pieces.labels([picked[row] for row in filled])
        shown = [_together(label["masks"], size) for label, size in zip(labels, sizes, strict=True)]
        for layer in batch.layers():
            room = made.room(layer.name)
            for row, pixels, region in zip(filled, pieces.pixels(layer), shown, strict=True):
                _, pixel_layout = batch.pixels(layer, row)
                np.copyto(room.copy(row), pixels, where=where_in(region, pixel_layout))
        for row, label, region in zip(filled, labels, shown, strict=True):
            brought = {**label, **covered(batch, loose(batch, label), Cover(~region))}
            own = covered(batch, objects_of(batch, row), Cover(region))
            made.put_objects(row, joined(batch, own, brought))
            made.pair(row, partners[row], 1 - np.count_nonzero(region) / region.size)

    def _picked(self, batch: Batch, objects: Objects, stream: np.uint64) -> Objects:
        count = len(objects.get("masks", ()))
        if not count:
            return {}
        if "boxes" in objects and len(objects["boxes"]) != count:
            raise ValueError(f"masks has {count} masks, there are {len(objects['boxes'])} boxes; give one for each box")
        chance = stream_uniforms(np.array([stream], dtype=np.uint64), count)[0]
        return subset(batch, objects, np.flatnonzero(chance < self.share), count)


def _together(masks: Sequence[Any], size: tuple[int, int]) -> Bools:
    """Where any of some masks is set."""
    region = np.zeros(size, dtype=bool)
    for mask in masks:
        region |= is_set(mask)
    return region
