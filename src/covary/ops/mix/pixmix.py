"""Pictures mixed with fractals."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from covary.draws.streams import stream_uniforms
from covary.ops.base import Operation, operation
from covary.ops.mix.base import Draws, Floats, Mixer
from covary.ops.mix.batch import Batch, Layout, Made, size_of
from covary.ops.mix.chains import GENTLE, check_operations, vary
from covary.ops.mix.fractals import picture
from covary.ops.view import WHITE
from covary.pictures import sizes_of
from covary.plan.changes import Image, Step, Warp
from covary.plan.fusion import plan
from covary.render import find_renderer

SIDE = 256  # px of the pictures that are mixed in, before a part of them is scaled to the sample's size
_NEEDED = 10  # numbers for each round


@operation
class PixMix(Mixer):
    """Mix each picture, in a few rounds of adding and multiplying, with fractals or varied copies of itself.

    It starts with the picture or a varied copy of it, each half of the time. Each of up to `rounds` rounds, evenly
    drawn, takes a varied copy or a structured picture and adds or multiplies it, with random exponents or weights from
    beta laws. The structured pictures are drawn from numbers, half of them fractals and half patterns like feature
    visualisations; none are shipped. Labels stay as they are.

    Args:
        rounds: the most rounds. Default 4, as in the paper.
        severity: shape of the beta laws, above 0: the higher, the less of what is mixed in. Default 3, as in the paper.
        pool: how many structured pictures there are. Default 64; each is drawn once, when first needed (some 50 ms).
        operations: one of which makes a varied copy; they must keep the size. Default as for AugMixViews.
        p: probability.

    Paper: Hendrycks et al. 2022, "PixMix: dreamlike pictures comprehensively improve safety measures". There the
    pictures are fractals from the web and feature visualisations.

    Pictures before Normalize and ToTensor.

    Helps: robustness, calibration and the detection of anomalies together, at some or no cost of clean accuracy.
    Hurts: classes that are textures or depend on tone; short schedules.
    """

    raw = True
    needs_partner = False
    uniforms = ("start", "rounds")
    streams = ("mixing",)

    rounds: int = 4
    severity: float = 3.0
    pool: int = 64
    operations: Sequence[Operation] | None = None

    def check(self) -> None:
        for argument, most in (("rounds", 16), ("pool", 2**32)):
            value = getattr(self, argument)
            if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= most:
                self.refuse(argument, repr(value), f"a whole number from 1 to {most}")
        if (
            isinstance(self.severity, bool)
            or not isinstance(self.severity, (int, float))
            or not 0 < self.severity < 100
        ):
            self.refuse("severity", repr(self.severity), "a number above 0, below 100")
        check_operations(self, "operations", self.operations)

    def mix(self, batch: Batch, rows: list[int], draw: Draws, made: Made) -> None:
        batch.refuse_further_images()
        images, layout = batch.images()
        room = made.room("image")
        if not rows:
            return
        choices = GENTLE if self.operations is None else tuple(self.operations)
        chance = stream_uniforms(draw.stream("mixing"), _NEEDED * self.rounds).reshape(-1, self.rounds, _NEEDED)
        rounds = (draw("rounds") * (self.rounds + 1)).astype(np.intp)
        mixed = {row: _unit(images[row], row) for row in rows}
        varied_first = [row for row in rows if draw("start")[row] < 0.5]
        for row, copy in zip(varied_first, vary(batch, varied_first, choices, (1, 1), f"{draw.name}.0"), strict=True):
            mixed[row] = _unit(copy, row)
        for number in range(int(rounds[rows].max())):
            going = [row for row in rows if rounds[row] > number]
            with_copies = [row for row in going if chance[row, number, 0] < 0.5]
            copies = vary(batch, with_copies, choices, (1, 1), f"{draw.name}.{number + 1}")
            others = dict(zip(with_copies, copies, strict=True))
            for row in going:
                numbers = chance[row, number]
                if row in others:
                    other = _unit(others[row], row)
                else:
                    index = min(int(numbers[1] * self.pool), self.pool - 1)
                    other = _part(picture(batch.seed, index, SIDE), numbers[2:6], images[row], layout)
                mixed[row] = self._mixed(mixed[row], other, numbers[6:])
        for row in rows:
            white = WHITE[images[row].dtype.name]
            out = mixed[row] * np.float32(white)
            room.open(row)[...] = out if white == 1 else np.rint(out)

    def _mixed(self, first: Image, second: Image, chance: Floats) -> Image:
        """One round: a weighted sum about mid-grey, or a product of powers about it, clipped to the range."""
        near, far = chance[1] ** (1 / self.severity), 1 - (1 - chance[2]) ** (1 / self.severity)
        # Beta(severity, 1) of the one and Beta(1, severity) of the other; or more than all of the one, less some.
        a, b = (near, far) if chance[3] < 0.5 else (1 + 1 - (1 - chance[1]) ** (1 / self.severity), -far)
        if chance[0] < 0.5:
            mixed = (np.float32(a) * (2 * first - 1) + np.float32(b) * (2 * second - 1) + 1) / 2
        else:
            mixed = np.power(2 * first, np.float32(a)) * np.power(np.maximum(2 * second, 1e-6), np.float32(b)) / 2
        return np.asarray(np.clip(mixed, 0, 1), dtype=np.float32)


def _unit(image: Image, row: int) -> Image:
    """A picture as float32 in 0 to 1.

    Raises:
        ValueError: a floating picture with values outside, as after Normalize.
    """
    white = WHITE[image.dtype.name]
    if white == 1:
        low, high = float(image.min()), float(image.max())
        if not (low >= -1e-3 and high <= 1 + 1e-3):
            raise ValueError(
                f"image[{row}] has values from {low:g} to {high:g}; PixMix needs 0 to 1: mix before Normalize"
            )
        return np.clip(image, 0, 1)
    return image.astype(np.float32) / np.float32(white)


def _part(whole: Image, chance: Floats, image: Image, layout: Layout) -> Image:
    """A part of a square picture, half of its side or more, mirrored or not, in the size and channels of another."""
    length = len(whole) * (0.5 + 0.5 * chance[0])
    left, top = chance[1:3] * (len(whole) - length)
    height, width = size_of(image, layout)
    across, down = length / width, length / height
    if chance[3] < 0.5:
        left, across = left + length, -across
    matrix = np.array([[[across, 0, left], [0, down, top], [0, 0, 1]]])
    warp = Warp(matrix, np.array([[height, width]], dtype=np.int64))
    (group,) = plan([Step(warp, None)], sizes_of([whole]))
    (scaled,) = find_renderer()(group.stages, [whole], threads=1)
    unit = scaled.astype(np.float32) / np.float32(255)
    if layout == "HW":
        return np.asarray(unit.mean(axis=2))
    channels = image.shape[0 if layout == "CHW" else 2]
    spread = unit.mean(axis=2, keepdims=True) if channels == 1 else unit[:, :, np.arange(channels) % 3]
    return np.moveaxis(spread, 2, 0) if layout == "CHW" else spread
