"""Several views of each sample, for a loss that wants them to agree."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from covary.draws.distributions import Beta, dirichlet
from covary.ops.base import Operation, operation
from covary.ops.mix.base import Draws, Floats, Mixer
from covary.ops.mix.batch import Batch, Made
from covary.ops.mix.chains import GENTLE, check_operations, vary
from covary.plan.changes import Image


@operation
class AugMixViews(Mixer):
    """Add `views`, (B, 1 + `views`, ...): each picture as it is, and mixtures of it with chains of operations.

    A view blends the picture with a weighted sum of `width` chains of one to three operations; the weights are drawn
    from Dirichlet(alpha, ...), the share of the sum from Beta(alpha, alpha). `image` stays as it is. Train on the
    cross-entropy of the first view and 12 times `jensen_shannon` of all.

    Args:
        views: how many mixtures, besides the picture itself. Default 2, as in the paper.
        width: chains in each. Default 3.
        depth: operations in a chain, the fewest and the most, evenly drawn. Default 1 to 3.
        alpha: shape of both laws, above 0. Default 1.
        operations: what chains are made of; they must keep the size. Default: the paper's at severity 3: autocontrast,
            equalize, posterize and solarize, small rotations, shears and translations.
        p: probability that a sample's views are mixtures; else they are all the picture itself.

    Paper: Hendrycks et al. 2020, "AugMix: a simple data processing method to improve robustness and uncertainty".

    Pictures before Normalize and ToTensor, which then is for `image` and `views`.

    Helps: robustness against corruptions (CIFAR-10-C), calibration.
    Hurts: speed: three forward passes in place of one; classes that depend on position or tone.
    """

    raw = True
    pictures = ("image", "views")
    needs_partner = False

    views: int = 2
    width: int = 3
    depth: tuple[int, int] = (1, 3)
    alpha: float = 1.0
    operations: Sequence[Operation] | None = None

    def check(self) -> None:
        for argument in ("views", "width"):
            value = getattr(self, argument)
            if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= 16:
                self.refuse(argument, repr(value), "a whole number from 1 to 16")
        depth = self.depth
        if not isinstance(depth, tuple) or len(depth) != 2 or not all(isinstance(end, int) for end in depth):
            self.refuse("depth", repr(depth), "a pair of whole numbers")
        if not 1 <= depth[0] <= depth[1] <= 16:
            self.refuse("depth", repr(depth), "1 or more, the fewest first, up to 16")
        if isinstance(self.alpha, bool) or not isinstance(self.alpha, (int, float)) or not 0 < self.alpha < np.inf:
            self.refuse("alpha", repr(self.alpha), "a number above 0")
        check_operations(self, "operations", self.operations)

    def slots(self) -> tuple[str, ...]:
        own = [f"{slot}{view}" for view in range(self.views) for slot in ("share", *self._chains())]
        return (*Mixer.slots(self), *own)

    def _chains(self) -> tuple[str, ...]:
        return tuple(f"weight{chain}." for chain in range(self.width))

    def mix(self, batch: Batch, rows: list[int], draw: Draws, made: Made) -> None:
        batch.refuse_further_images()
        images, _ = batch.stacked_images()
        room = batch.new((batch.count, 1 + self.views, *images.shape[1:]), images.dtype)
        np.copyto(room, images[:, None])
        for view in range(self.views):
            shares, weights = self.blends(draw, view)
            sums = [np.multiply(images[row], 1 - shares[row], dtype=np.float32) for row in rows]
            for chain in range(self.width):
                varied = vary(batch, rows, self._choices(), self.depth, f"{draw.name}.{view}.{chain}")
                for total, picture, row in zip(sums, varied, rows, strict=True):
                    total += np.multiply(picture, shares[row] * weights[row, chain], dtype=np.float32)
            for total, row in zip(sums, rows, strict=True):
                room[row, 1 + view] = _rounded(total, images.dtype)
        made.extra["views"] = room

    def blends(self, draw: Draws, view: int) -> tuple[Floats, Floats]:
        """(B,) the shares of the chains' sum, and (B, width) the chains' weights in it, which sum to one."""
        uniforms = np.stack([draw(f"{chain}{view}") for chain in self._chains()], axis=1)
        return Beta(self.alpha, self.alpha).quantile(draw(f"share{view}")), dirichlet(self.alpha, uniforms)

    def _choices(self) -> tuple[Operation, ...]:
        return GENTLE if self.operations is None else tuple(self.operations)


def _rounded(total: Image, dtype: np.dtype[np.generic]) -> Image:
    if dtype.kind == "f":
        return total
    return np.clip(np.rint(total), 0, 255 if dtype == np.uint8 else 65535).astype(dtype)
