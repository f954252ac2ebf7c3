"""A rectangle of the partner pasted into a sample."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from covary.draws.distributions import Range, Uniform
from covary.ops.base import operation, ranged
from covary.ops.mix.base import BetaMixer, Draws, PairMixer
from covary.ops.mix.batch import Batch, Made, size_of, window
from covary.ops.mix.objects import covered, has_objects, joined, objects_of
from covary.ops.mix.pieces import Pieces
from covary.ops.mix.saliency import most_salient
from covary.targets.covers import Cover

Rectangle = tuple[int, int, int, int]


def extent_of(share: float, height: int, width: int) -> tuple[int, int]:
    """Height and width of a rectangle of the picture's shape with this share of its area, in whole pixels."""
    tall = min(height, round(height * share**0.5))
    # The width that makes up for the rounding of the height.
    return tall, min(width, round(share * height * width / tall)) if tall else 0


def rectangle(share: float, x: float, y: float, height: int, width: int) -> Rectangle:
    """x0, y0, x1, y1 of a rectangle of the picture's shape with this share of its area, wholly inside.

    Args:
        share: of the area, in [0, 1].
        x, y: where it lies, in [0, 1): 0 is at the left and top, towards 1 at the right and bottom.
        height, width: of the picture.
    """
    tall, wide = extent_of(share, height, width)
    left, top = int(x * (width - wide + 1)), int(y * (height - tall + 1))
    return left, top, left + wide, top + tall


def paste(
    batch: Batch,
    made: Made,
    rows: Sequence[int],
    partners: Sequence[int],
    rectangles: Sequence[Rectangle],
    *,
    matrices: NDArray[np.float64] | None = None,
) -> None:
    """Paste a rectangle of the partner into each of the samples, pixels and labels.

    Args:
        rows: which samples.
        partners: of each of them.
        rectangles: one for each, in pixels of the sample, wholly inside it; an empty one pastes nothing.
        matrices: (N, 3, 3) from positions in the sample to those in the partner. None: the same place.
    """
    images, layout = batch.stacked_images()
    for row, partner, (x0, y0, x1, y1) in zip(rows, partners, rectangles, strict=True):
        height, width = size_of(images[row], layout)
        made.pair(row, partner, 1 - (x1 - x0) * (y1 - y0) / (height * width))
    filled = [index for index, (x0, y0, x1, y1) in enumerate(rectangles) if x0 < x1 and y0 < y1]
    with_objects = has_objects(batch)
    pieces = None
    if filled and (with_objects or matrices is not None):
        pieces = Pieces.of(
            batch,
            [partners[index] for index in filled],
            np.tile(np.eye(3), (len(filled), 1, 1)) if matrices is None else matrices[filled],
            np.array([rectangles[index] for index in filled]),
            np.array([size_of(images[rows[index]], layout) for index in filled], dtype=np.int64),
        )
    for layer in batch.layers():
        room = made.room(layer.name)
        resampled = None if pieces is None or matrices is None else pieces.pixels(layer)
        for number, index in enumerate(filled):
            pixels, pixel_layout = batch.pixels(layer, partners[index])
            source = window(pixels, pixel_layout, rectangles[index]) if resampled is None else resampled[number]
            window(room.copy(rows[index]), pixel_layout, rectangles[index])[...] = source
    if with_objects and pieces is not None:
        for index, brought in zip(filled, pieces.labels(), strict=True):
            cover = Cover.of_rectangle(rectangles[index], size_of(images[rows[index]], layout))
            own = covered(batch, objects_of(batch, rows[index]), cover)
            made.put_objects(rows[index], joined(batch, own, brought))


@operation
class CutMix(BetaMixer):
    """Paste a rectangle of the partner into each sample, at the place where it was; labels are mixed by area.

    Args:
        alpha: shape of Beta(alpha, alpha), the law of lambda, the share that is left of the sample. Default 1, as in
            the paper.
        pairs: whether `target_a`, `target_b` and `lam` come out too.

    Paper: Yun et al. 2019, "CutMix: regularization strategy to train strong classifiers with localizable features".
    The paper's rectangle may reach over the edge and is cut there, so that less is pasted than was drawn; this one lies
    wholly inside. Lambda is what was really pasted, by the count of pixels.

    Masks are pasted as the pixels are. The partner's boxes are cut at the rectangle; of the sample's own, what the
    rectangle leaves to be seen stays.

    Helps: image classification with large networks and long training (PyramidNet, CIFAR-100: 16.45 to 14.23 % error).
    Hurts: small networks (ResNet-18 on ImageNet: 70.04 to 68.95 % accuracy); objects much smaller than the picture,
    which a share of the area says nothing about.
    """

    uniforms = ("lam", "x", "y")

    def mix(self, batch: Batch, rows: list[int], draw: Draws, made: Made) -> None:
        images, layout = batch.stacked_images()
        partners, pasted, x, y = draw.partners(), 1 - self.shares(draw), draw("x"), draw("y")
        rectangles = [rectangle(pasted[row], x[row], y[row], *size_of(images[row], layout)) for row in rows]
        paste(batch, made, rows, partners[rows].tolist(), rectangles)


@operation
class ResizeMix(PairMixer):
    """Shrink the whole partner and paste it anywhere into the sample; labels are mixed by area.

    Args:
        scale: side of the pasted picture as a fraction of the sample's, 0 to 1. Default 0.1 to 0.8, as in the paper.
        pairs: whether `target_a`, `target_b` and `lam` come out too.

    Paper: Qin et al. 2020, "ResizeMix: mixing data with preserved object information and true labels".

    Helps: as CutMix, where the objects do not fill the picture: the pasted label is always true.
    Hurts: classes told apart by size; small networks, as all mixing.
    """

    uniforms = ("x", "y")

    scale: Range = ranged(default=Uniform(0.1, 0.8), low=0, high=1)

    def mix(self, batch: Batch, rows: list[int], draw: Draws, made: Made) -> None:
        images, layout = batch.stacked_images()
        partners, scale, x, y = draw.partners()[rows].tolist(), draw("scale"), draw("x"), draw("y")
        rectangles: list[Rectangle] = []
        matrices = np.tile(np.eye(3), (len(rows), 1, 1))
        for number, (row, partner) in enumerate(zip(rows, partners, strict=True)):
            size = size_of(images[row], layout)
            x0, y0, x1, y1 = rectangle(scale[row] ** 2, x[row], y[row], *size)
            rectangles.append((x0, y0, x1, y1))
            height, width = size_of(images[partner], layout)
            if x0 < x1 and y0 < y1:
                wide, tall = width / (x1 - x0), height / (y1 - y0)
                matrices[number] = np.array([[wide, 0, -x0 * wide], [0, tall, -y0 * tall], [0, 0, 1]])
        paste(batch, made, rows, partners, rectangles, matrices=matrices)


@operation
class SaliencyMix(BetaMixer):
    """Paste the rectangle around the partner's most salient point, at the place where it was; labels mixed by area.

    Args:
        alpha: shape of Beta(alpha, alpha), the law of lambda, the share that is left of the sample. Default 1, as in
            the paper.
        pairs: whether `target_a`, `target_b` and `lam` come out too.

    Paper: Uddin et al. 2021, "SaliencyMix: a saliency guided data augmentation strategy for better regularization".
    Saliency is the spectral residual (Hou and Zhang 2007) of a 64-pixel picture. The rectangle lies wholly inside the
    picture, moved from the salient point as far as that needs. Masks and boxes as for CutMix.

    Helps: as CutMix, with fewer rectangles of mere background.
    Hurts: pictures whose salient point is not the object; small networks, as all mixing.
    """

    def mix(self, batch: Batch, rows: list[int], draw: Draws, made: Made) -> None:
        images, layout = batch.stacked_images()
        partners, pasted = draw.partners()[rows].tolist(), 1 - self.shares(draw)
        rectangles: list[Rectangle] = []
        for row, partner in zip(rows, partners, strict=True):
            height, width = size_of(images[row], layout)
            tall, wide = extent_of(pasted[row], height, width)
            x, y = most_salient(images[partner], layout)
            left, top = (
                min(max(round(at - extent / 2), 0), whole - extent)
                for at, extent, whole in ((x, wide, width), (y, tall, height))
            )
            rectangles.append((left, top, left + wide, top + tall))
        paste(batch, made, rows, partners, rectangles)
