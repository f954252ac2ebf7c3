"""A rectangle of the partner pasted into a sample."""

from __future__ import annotations

import numpy as np

from covary.ops.base import operation
from covary.ops.mix.base import Draws, Floats, PairMixer
from covary.ops.mix.batch import Batch, Made, size_of, window


def rectangle(share: float, x: float, y: float, height: int, width: int) -> tuple[int, int, int, int]:
    """x0, y0, x1, y1 of a rectangle of the picture's shape with this share of its area, wholly inside.

    Args:
        share: of the area, in [0, 1].
        x, y: where it lies, in [0, 1): 0 is at the left and top, towards 1 at the right and bottom.
        height, width: of the picture.
    """
    area = share * height * width
    tall = min(height, max(round(height * share**0.5), 0))
    # The width that makes up for the rounding of the height.
    wide = min(width, round(area / tall)) if tall else 0
    left, top = int(x * (width - wide + 1)), int(y * (height - tall + 1))
    return left, top, left + wide, top + tall


@operation
class CutMix(PairMixer):
    """Paste a rectangle of the partner into each sample, at the place where it was; labels are mixed by area.

    Args:
        alpha: shape of Beta(alpha, alpha), the law of lambda, the share that is left of the sample. Default 1, as in
            the paper.
        pairs: whether `target_a`, `target_b` and `lam` come out too.

    Paper: Yun et al. 2019, "CutMix: regularization strategy to train strong classifiers with localizable features".
    The paper's rectangle may reach over the edge and is cut there, so that less is pasted than was drawn; this one lies
    wholly inside. Lambda is what was really pasted, by the count of pixels.

    Helps: image classification with large networks and long training (PyramidNet, CIFAR-100: 16.45 to 14.23 % error).
    Hurts: small networks (ResNet-18 on ImageNet: 70.04 to 68.95 % accuracy); objects much smaller than the picture,
    which a share of the area says nothing about.
    """

    uniforms = ("lam", "x", "y")

    def mix(self, batch: Batch, rows: list[int], draw: Draws, made: Made) -> None:
        batch.stack()
        images, layout = batch.images()
        partners, pasted = draw.partners().tolist(), 1 - self.shares(draw)
        room = made.room("image")
        places: Floats = np.stack([pasted, draw("x"), draw("y")], axis=1)
        for row in rows:
            height, width = size_of(images[row], layout)
            share, x, y = places[row].tolist()
            x0, y0, x1, y1 = rectangle(share, x, y, height, width)
            out = room.copy(row)
            window(out, layout, (x0, y0, x1, y1))[...] = window(images[partners[row]], layout, (x0, y0, x1, y1))
            made.pair(row, partners[row], 1 - (x1 - x0) * (y1 - y0) / (height * width))
