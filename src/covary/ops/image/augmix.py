"""Pictures blended with what several chains of operations make of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import numpy as np

from covary.draws.distributions import Integers, Range, Uniform, dirichlet
from covary.draws.rows import draw_rows
from covary.ops.amounts import Amount
from covary.ops.base import Course, Draw, Operation, operation, ranged
from covary.ops.image.affine import Rotate, Shear, Translate
from covary.ops.image.histogram import AutoContrast, Equalize
from covary.ops.image.tone import Posterize, Solarize
from covary.ops.policies import listed
from covary.ops.view import WHITE, View
from covary.plan.changes import Image, Pixels, Streams
from covary.plan.fusion import plan
from covary.plan.stages import Stage

# AugMix's operations at its severity 3, of those that ImageNet-C does not test (no noise, blur, contrast ...).
GENTLE: tuple[Operation, ...] = (
    AutoContrast(),
    Equalize(),
    Rotate((-9, 9)),
    Shear(x=(-5, 5), y=0),
    Shear(x=0, y=(-5, 5)),
    Translate(x=(-0.1, 0.1), y=0),
    Translate(x=0, y=(-0.1, 0.1)),
    Posterize(Integers(3, 4)),
    Solarize(Uniform(0.7, 1.0)),
)


@operation
class AugMix(Amount):
    """Blend each picture with a weighted sum of what `width` chains of a few operations make of it.

    The weights are drawn from Dirichlet(alpha, ...). `mix.AugMixViews` gives the picture and several such mixtures at
    once, for the loss that wants them to agree (`mix.jensen_shannon`).

    Args:
        width: how many chains. Default 3, as in the paper.
        depth: operations in a chain, the fewest and the most, evenly drawn. Default 1 to 3, as in the paper.
        share: of the weighted sum in the blend, 0 to 1. Default 0 to 1, evenly, as in the paper. Identity: 0.
        alpha: shape of the weights' law, above 0. Default 1.
        operations: what chains are made of; they must keep the size. Default: the paper's at severity 3, without those
            that ImageNet-C tests: autocontrast, equalize, posterize and solarize, small rotations, shears and
            translations.

    A pass of its own. Boxes, masks and keypoints stay where they are: with the default operations the chains turn
    pictures by up to 9 degrees and shift them by up to a tenth.

    Paper: Hendrycks et al. 2020, "AugMix: a simple data processing method to improve robustness and uncertainty".

    Helps: robustness against corruptions, calibration.
    Hurts: labels of places; classes that depend on position or tone.
    """

    width: int = 3
    depth: tuple[int, int] = (1, 3)
    share: Range = ranged(default=Uniform(0, 1, identity=0), low=0, high=1)
    alpha: float = 1.0
    operations: Sequence[Operation] | None = None

    usual: ClassVar[tuple[Operation, ...]] = GENTLE
    streams = ("chains",)

    def check(self) -> None:
        if isinstance(self.width, bool) or not isinstance(self.width, int) or not 1 <= self.width <= 16:
            self.refuse("width", repr(self.width), "a whole number from 1 to 16")
        depth = self.depth
        if not isinstance(depth, tuple) or len(depth) != 2 or not all(isinstance(end, int) for end in depth):
            self.refuse("depth", repr(depth), "a pair of whole numbers")
        if not 1 <= depth[0] <= depth[1] <= 16:
            self.refuse("depth", repr(depth), "1 or more, the fewest first, up to 16")
        if isinstance(self.alpha, bool) or not isinstance(self.alpha, (int, float)) or not 0 < self.alpha < np.inf:
            self.refuse("alpha", repr(self.alpha), "a number above 0")
        if self.operations is not None:
            listed(self, self.operations)
            for index, child in enumerate(self.operations):
                if child.modality not in ("image", None):
                    self.refuse(f"operations[{index}]", f"a {type(child).__name__}", "an operation on images")

    def slots(self) -> tuple[str, ...]:
        return (*super().slots(), *(f"weight{number}" for number in range(self.width)))

    def describe(self, draw: Draw, view: View) -> Pixels:
        choices = self.usual if self.operations is None else tuple(self.operations)
        weights = dirichlet(self.alpha, np.stack([draw(f"weight{number}") for number in range(self.width)], axis=1))
        keys, shares = draw.stream("chains"), draw("share")
        chains = [_passes(choices, self.depth, f"chain {number}", keys, view) for number in range(self.width)]
        parameters = (
            {"passes": passes, "weights": own.tolist(), "share": share}
            for passes, own, share in zip(zip(*chains, strict=True), weights, shares.tolist(), strict=True)
        )
        return Pixels(blended, tuple(parameters))


def _passes(
    choices: tuple[Operation, ...], depth: tuple[int, int], name: str, keys: Streams, view: View
) -> list[tuple[Stage, ...]]:
    """What one chain does to each of the pictures, drawn by keys."""
    from covary.ops.chains import chain

    links = chain(choices, depth, name)
    rows = draw_rows(0, np.zeros(view.count, np.uint32), keys, links.slots)
    course = links.walk(Course(view.count, rows, lines=links.lines), View(view.size, view.channels, view.dtype))
    found: list[tuple[Stage, ...]] = [()] * view.count
    for group in plan(course.steps, view.size):
        for place, row in enumerate(range(view.count) if group.rows is None else group.rows.tolist()):
            found[row] = tuple(stage.take(slice(place, place + 1)) for stage in group.stages)
    return found


def blended(picture: Image, *, passes: Sequence[tuple[Stage, ...]], weights: Sequence[float], share: float) -> Image:
    """A picture (H, W, C) blended with the weighted sum of what chains of passes make of it."""
    from covary.render import find_renderer

    render = find_renderer()
    total = np.multiply(picture, 1 - share, dtype=np.float32)
    for stages, weight in zip(passes, weights, strict=True):
        (made,) = render(stages, [picture], threads=1)
        if made.shape != picture.shape or made.dtype != picture.dtype:
            raise ValueError(
                f"the operations made {made.dtype} {made.shape} of {picture.dtype} {picture.shape}; "
                "they must keep size and dtype"
            )
        total += np.multiply(made, share * weight, dtype=np.float32)
    if picture.dtype.kind == "f":
        return total
    return np.clip(np.rint(total), 0, WHITE[picture.dtype.name]).astype(picture.dtype)
