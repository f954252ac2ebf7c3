"""Linear filters: blur and sharpening."""

from __future__ import annotations

import math

import numpy as np

from covary.draws.distributions import Constant, Range, Uniform
from covary.ops.amounts import Amount
from covary.ops.base import Draw, Operation, operation, ranged
from covary.ops.view import View
from covary.plan.changes import Change, Filter

# A Gaussian is cut off at so many standard deviations, rounded up to whole pixels.
_TRUNCATE = 3.0

_CENTRE = np.array([[0.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 0.0]])
_SMOOTH = np.array([[1.0, 1.0, 1.0], [1.0, 5.0, 1.0], [1.0, 1.0, 1.0]]) / 13
_EDGES = np.array([[-1.0, -1.0, -1.0], [-1.0, 8.0, -1.0], [-1.0, -1.0, -1.0]])


@operation
class GaussianBlur(Amount):
    """Blur with a Gaussian.

    Args:
        sigma: standard deviation in pixels, 0 to 100. Default 0.1 to 2.0, as in torchvision. Identity: 0.

    The Gaussian is sampled at whole pixels up to 3 sigma (rounded up) from the centre and scaled to sum to one: no
    kernel size has to be chosen, and none can be too small for its sigma. Borders are reflected without the edge
    pixel.

    Helps: focus, motion of the camera, cheap lenses, enlarged pictures; self-supervised training.
    Hurts: fine texture and small text, when sigma reaches their size.
    """

    sigma: Range = ranged(default=Uniform(0.1, 2.0, identity=0), low=0, high=100)

    def describe(self, draw: Draw, view: View) -> Change:
        reach = math.ceil(_TRUNCATE * self.law("sigma").bounds()[1])
        distance = np.abs(np.arange(-reach, reach + 1.0))
        sigma = draw("sigma")[:, None]
        # Below a thousandth of a pixel the neighbours' weights are 0 in any arithmetic.
        taps = np.exp(-0.5 * np.square(distance / np.maximum(sigma, 1e-3)))
        taps *= distance <= np.ceil(_TRUNCATE * sigma)
        taps /= taps.sum(axis=1, keepdims=True)
        return Filter(kernel_y=taps, kernel_x=taps)


@operation
class Sharpen(Amount):
    """Add the picture's edges to it: each pixel's difference from its eight neighbours.

    Args:
        alpha: share of the sharpened picture, 0 to 1, in a blend with the given one. Default 0.2 to 0.5. Identity: 0.
        lightness: what the sharpened picture makes of even areas, as a factor. Default 1, which keeps them:
            Albumentations' 0.5 to 1 darkens the whole picture with `alpha`. A number x means 1 - x to 1 + x.
            Identity: 1.

    The kernel is (1 - alpha) at the centre plus alpha times [[-1, -1, -1], [-1, 8 + lightness, -1], [-1, -1, -1]], as
    in Albumentations. Borders are reflected without the edge pixel.

    Helps: cameras and scanners that sharpen by themselves.
    Hurts: noisy pictures: noise is sharpened most.
    """

    alpha: Range = ranged(default=Uniform(0.2, 0.5, identity=0), low=0, high=1)
    lightness: Range = ranged(default=Constant(1.0, identity=1), low=0)

    def describe(self, draw: Draw, view: View) -> Change:
        alpha, lightness = draw("alpha")[:, None, None], draw("lightness")[:, None, None]
        return Filter(kernel=(1 - alpha + alpha * lightness) * _CENTRE + alpha * _EDGES)


@operation
class Sharpness(Operation):
    """Blend the picture with its smoothed version, or go as far to the other side.

    Args:
        factor: 0 is smooth, 2 sharper by as much; a number x means 1 - x to 1 + x. Default 0.5 to 1.5. Identity: 1.

    The smooth picture is that of Pillow and torchvision: the mean with the eight neighbours, the pixel itself counting
    five times. They leave the outermost pixels as they are; here borders are reflected without the edge pixel.

    Helps: part of the AutoAugment and RandAugment families; cameras of different focus and sharpening.
    Hurts: noisy pictures, when sharpened.
    """

    factor: Range = ranged(default=Uniform(0.5, 1.5, identity=1), low=0)

    def describe(self, draw: Draw, view: View) -> Change:
        factor = draw("factor")[:, None, None]
        return Filter(kernel=factor * _CENTRE + (1 - factor) * _SMOOTH)
