"""Patches of a grid, exchanged."""

from __future__ import annotations

import numpy as np

from covary.draws.streams import stream_uniforms
from covary.ops.base import operation
from covary.ops.mix.base import BetaMixer, Draws
from covary.ops.mix.batch import Batch, Made
from covary.ops.mix.regions import fill_by_partners
from covary.plan.changes import Bools


@operation
class PatchMix(BetaMixer):
    """Fill random patches of a grid with the partner's, at the places where they were; labels are mixed by area.

    Args:
        alpha: shape of Beta(alpha, alpha), the law of lambda, the share that is left of the sample. Default 1.
        grid: patches along each axis, 1 to 64. Default 8. The number of patches nearest to lambda stays.
        pairs: whether `target_a`, `target_b` and `lam` come out too.

    Masks follow the pixels; boxes those of their instance masks. A box without a mask stays whole, in both pictures,
    unless it is not to be seen at all.

    Paper: Hong and Chen 2024, "PatchMix: patch-level mixup for data augmentation in convolutional neural networks".

    Helps: image classification with large networks, vision transformers above all, whose tokens are patches.
    Hurts: small networks, as all mixing; small objects, which may vanish while their label stays.
    """

    grid: int = 8

    streams = ("order",)

    def check(self) -> None:
        BetaMixer.check(self)
        if isinstance(self.grid, bool) or not isinstance(self.grid, int) or not 1 <= self.grid <= 64:
            self.refuse("grid", repr(self.grid), "a whole number from 1 to 64")

    def mix(self, batch: Batch, rows: list[int], draw: Draws, made: Made) -> None:
        if not rows:
            return
        patches = self.grid * self.grid
        order = np.argsort(stream_uniforms(draw.stream("order"), patches), axis=1)
        stay = order < np.rint(self.shares(draw) * patches)[:, None]

        def left(row: int, height: int, width: int) -> Bools:
            y, x = np.arange(height) * self.grid // height, np.arange(width) * self.grid // width
            staying: Bools = stay[row].reshape(self.grid, self.grid)[y[:, None], x]
            return staying

        fill_by_partners(batch, rows, draw.partners().tolist(), left, made)
