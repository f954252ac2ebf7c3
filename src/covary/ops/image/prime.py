"""Random smooth changes of three kinds, as little committed as can be: a filter, a tone, a deformation."""

from __future__ import annotations

from functools import cache
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from covary.draws.distributions import Range, Uniform
from covary.draws.streams import stream_normals
from covary.ops.amounts import Amount
from covary.ops.base import Draw, Operation, operation, ranged
from covary.ops.image.augmix import AugMix
from covary.ops.image.dense import limited
from covary.ops.image.spatial import Geometry, checked_count
from covary.ops.view import View
from covary.plan.changes import Change, Curve, Displace, Filter

_KNOTS = 33  # of a deformation along each axis


@operation
class RandomFilter(Amount):
    """Filter with a kernel of random taps about the one that changes nothing.

    Args:
        std: standard deviation of the taps, 0 to 10. Default 0 to 0.3. Identity: 0.
        size: of the kernel, an odd number of pixels, 3 to 15. Default 3.

    The taps' sum stays 1, so that even areas keep their value. (In the paper it does not, and pictures become brighter
    or darker, too.) Borders are reflected without the edge pixel.

    Paper: Modas et al. 2022, "PRIME: a few primitives can boost robustness to common corruptions".

    Helps: robustness against blur, noise and compression; keeps a model from resting on texture.
    Hurts: classes told apart by fine texture.
    """

    std: Range = ranged(default=Uniform(0, 0.3, identity=0), low=0, high=10)
    size: int = 3

    streams = ("taps",)

    def check(self) -> None:
        checked_count(self, "size", 3)
        if self.size % 2 == 0 or self.size > 15:
            self.refuse("size", repr(self.size), "an odd number from 3 to 15")

    def describe(self, draw: Draw, view: View) -> Change:
        taps = stream_normals(draw.stream("taps"), self.size**2).astype(np.float64)
        taps -= taps.mean(axis=1, keepdims=True)
        kernel = (draw("std")[:, None] * taps).reshape(-1, self.size, self.size)
        kernel[:, self.size // 2, self.size // 2] += 1
        return Filter(kernel=kernel)


@operation
class RandomTone(Amount):
    """Bend the tone of each channel by a random smooth curve; black stays black, white stays white.

    Args:
        std: mean distance of the curve from the straight one, as a fraction of white, 0 to 1. Default 0 to 0.15.
            Identity: 0.
        waves: of which the curve is made: sines of half a period, a whole one and so on, the shorter ones lower. 1 to
            64. Default 5.

    Values below 0 and above white are clipped. Unlike `Gamma` the curve need not rise: tones may change places.

    Paper: Modas et al. 2022, "PRIME: a few primitives can boost robustness to common corruptions".

    Helps: robustness against lighting, exposure and colour casts.
    Hurts: classes told apart by colour or brightness.
    """

    std: Range = ranged(default=Uniform(0, 0.15, identity=0), low=0, high=1)
    waves: int = 5

    streams = ("heights",)

    def check(self) -> None:
        checked_count(self, "waves")
        if self.waves > 64:
            self.refuse("waves", repr(self.waves), "a whole number from 1 to 64")

    def describe(self, draw: Draw, view: View) -> Change:
        heights = stream_normals(draw.stream("heights"), view.channels * self.waves)
        bend = _summed(heights.reshape(-1, view.channels, self.waves), _sines(self.waves, view.levels))
        straight = np.linspace(0, 1, view.levels)
        table = view.white * np.clip(straight + draw("std")[:, None, None] * bend, 0, 1)
        return Curve(table.astype(np.float32))


@cache
def _sines(waves: int, levels: int) -> NDArray[np.float64]:
    """(waves, levels) sin(pi n x) / n, scaled so that a sum with normal heights has unit mean square over the range."""
    number = np.arange(1, waves + 1)[:, None]
    made: NDArray[np.float64] = np.sin(np.pi * number * np.linspace(0, 1, levels)) / number
    made *= np.sqrt(2 / (1 / number**2).sum())
    made.flags.writeable = False
    return made


@operation
class RandomDeformation(Geometry):
    """Deform the picture by random long waves that vanish at its sides.

    Any (H, W, C) image; the size stays.

    Args:
        std: mean displacement of a point along each axis, as a fraction of the height and the width, 0 to 0.5. Default
            0 to 0.02. Identity: 0.
        waves: the displacement is made of sines of i half periods across and j down, with i^2 + j^2 up to the square of
            this number, the shorter ones lower. 2 to 15. Default 4.
        border: what lies outside: "constant", "edge", "reflect", "symmetric" or "wrap". Default "reflect".
        fill: colour for "constant", in the image's own range: a number, or one for each channel.
        interpolation: "nearest", "linear" or "cubic". Default "linear".

    One so strong that the picture could fold is scaled down as a whole: nowhere does its slope exceed 0.8.

    Papers: Petrini et al. 2021, "Relative stability toward diffeomorphisms indicates performance in deep nets"; Modas
    et al. 2022, "PRIME: a few primitives can boost robustness to common corruptions".

    Helps: handwriting, tissue, things that bend; robustness against elastic corruptions.
    Hurts: straight things: buildings, print, machines; labels that depend on proportions.
    """

    std: Range = ranged(default=Uniform(0, 0.02, identity=0), low=0, high=0.5)
    waves: int = 4

    streams = ("heights",)

    def check(self) -> None:
        super().check()
        checked_count(self, "waves", 2)
        if self.waves > 15:
            self.refuse("waves", repr(self.waves), "a whole number from 2 to 15")

    def describe(self, draw: Draw, view: View) -> Displace:
        modes = _modes(self.waves, _KNOTS)
        heights = stream_normals(draw.stream("heights"), 2 * len(modes)).reshape(-1, 2, len(modes))
        fields = np.moveaxis(_summed(heights, modes), 1, -1)  # (B, knots, knots, 2)
        fields *= (draw("std")[:, None] * view.size[:, ::-1])[:, None, None, :]
        steps = view.size / (_KNOTS - 1)
        grids = tuple(
            limited(field.astype(np.float32), float(down), float(across))
            for field, (down, across) in zip(fields, steps.tolist(), strict=True)
        )
        return self.displace(grids, view)


@cache
def _modes(waves: int, knots: int) -> NDArray[np.float64]:
    """(M, knots, knots) sines that vanish at the sides, scaled: a sum with normal heights has unit mean square."""
    x = np.linspace(0, 1, knots)
    numbers = range(1, waves + 1)
    pairs = [(i, j) for i in numbers for j in numbers if i * i + j * j <= waves * waves]
    lengths = np.array([np.hypot(i, j) for i, j in pairs])
    made: NDArray[np.float64] = (
        np.stack([np.outer(np.sin(np.pi * j * x), np.sin(np.pi * i * x)) for i, j in pairs]) / lengths[:, None, None]
    )
    made *= np.sqrt(4 / (1 / lengths**2).sum())
    made.flags.writeable = False
    return made


def _summed(heights: NDArray[np.floating], waves: NDArray[np.float64]) -> NDArray[np.float64]:
    """(B, K, ...) sums of (W, ...) waves with (B, K, W) heights, in the order of the waves on every machine."""
    total = np.zeros((*heights.shape[:2], *waves.shape[1:]))
    for number, wave in enumerate(waves):
        total += heights[:, :, number].reshape(*heights.shape[:2], *(1,) * wave.ndim) * wave
    return total


@operation
class Prime(AugMix):
    """Blend each picture with what chains of random filters, tones and deformations make of it.

    Args:
        width: how many chains. Default 3, as in the paper.
        depth: operations in a chain, the fewest and the most, evenly drawn. Default 1 to 3, as in the paper.
        share: of the weighted sum in the blend, 0 to 1. Default 0 to 1, evenly. Identity: 0.
        alpha: shape of the law of the chains' weights, above 0. Default 1.
        operations: what chains are made of; they must keep the size. Default: `RandomFilter`, `RandomTone` and
            `RandomDeformation`.

    The mixing is that of `AugMix`, the operations are made after the paper's three primitives, with strengths of their
    own. Boxes, masks and keypoints stay where they are.

    Paper: Modas et al. 2022, "PRIME: a few primitives can boost robustness to common corruptions".

    Helps: robustness against corruptions that nobody has thought of.
    Hurts: labels of places; classes that depend on texture or tone.
    """

    usual: ClassVar[tuple[Operation, ...]] = (RandomFilter(), RandomTone(), RandomDeformation())
