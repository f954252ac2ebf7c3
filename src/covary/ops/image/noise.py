"""Noise of the sensor."""

from __future__ import annotations

from covary.draws.distributions import Constant, Range, Uniform
from covary.ops.amounts import Amount
from covary.ops.base import Draw, operation, ranged
from covary.ops.view import View
from covary.plan.changes import Change, GaussianField, Impulses


@operation
class GaussianNoise(Amount):
    """Add independent Gaussian noise to every value.

    Args:
        std: standard deviation as a fraction of white (0.1 is 25.5 levels of uint8). Default 0.01 to 0.05;
            Albumentations' 0.2 to 0.44 drowns most pictures. Identity: 0.
        mean: added to every value, as a fraction of white; a number x means -x to x. Default 0. Identity: 0.
        per_channel: whether each channel has noise of its own; otherwise the noise is grey. Default True.

    The noise is drawn at the size at which the picture stands here: resize first for noise as fine as the pixels.

    Helps: low light, high ISO; makes a model smoother.
    Hurts: fine texture; tasks on noise itself (forensics, quality).
    """

    std: Range = ranged(default=Uniform(0.01, 0.05, identity=0), low=0)
    mean: Range = ranged(default=Constant(0.0, identity=0))
    per_channel: bool = True

    streams = ("noise",)

    def check(self) -> None:
        if not isinstance(self.per_channel, bool):
            self.refuse("per_channel", repr(self.per_channel), "True or False")

    def describe(self, draw: Draw, view: View) -> Change:
        white = view.white
        return GaussianField(white * draw("std"), white * draw("mean"), draw.stream("noise"), self.per_channel)


@operation
class SaltAndPepper(Amount):
    """Turn some pixels white and some black, all channels of a pixel alike.

    Args:
        amount: share of the pixels that change, 0 to 1. Default 0.01 to 0.06. Identity: 0.
        salt: share of the changed pixels that become white, 0 to 1. Default 0.5.

    Helps: dead and hot pixels, dust, bad transmission, scanned documents.
    Hurts: small objects and thin lines, at high amounts.
    """

    amount: Range = ranged(default=Uniform(0.01, 0.06, identity=0), low=0, high=1)
    salt: Range = ranged(default=Constant(0.5), low=0, high=1)

    streams = ("noise",)

    def describe(self, draw: Draw, view: View) -> Change:
        return Impulses(draw("amount"), draw("salt"), draw.stream("noise"))
