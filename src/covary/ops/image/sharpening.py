"""Sharpening, and what too much of it leaves: halos, reliefs and rings."""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from covary.draws.distributions import Constant, Range, Uniform
from covary.ops.amounts import Amount
from covary.ops.base import Draw, operation, ranged
from covary.ops.image.filters import gaussian_filter
from covary.ops.image.planes import as_picture, by_planes, white_of
from covary.ops.view import View
from covary.plan.changes import Change, Filter, Floats, Image, Pixels

_CENTRE = np.array([[0.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 0.0]])
_SLOPE = np.array([[-1.0, -1.0, 0.0], [-1.0, 0.0, 1.0], [0.0, 1.0, 1.0]])
_DIAGONAL = np.array([[-1.0, 0.0, 0.0], [0.0, 0.0, 0.0], [0.0, 0.0, 1.0]])


@operation
class UnsharpMask(Amount):
    """Add to the picture what a Gaussian blur takes from it, where that is more than noise.

    Any (H, W, C) image: value + amount * (value - blurred), wherever the difference is above the threshold.

    Args:
        sigma: standard deviation of the blur in pixels, 0 to 100. Identity: 0. Default 0.5 to 2.0.
        amount: how much of the difference is added, 0 to 20. Identity: 0. Default 0.2 to 1.0.
        threshold: differences up to here, as a fraction of white, are left alone, 0 to 1. Default 3/255, Pillow's.

    Borders are reflected without the edge pixel. (Albumentations blurs the mask of the differences as well.)

    Helps: cameras, telephones and scanners that sharpen by themselves: halos at edges.
    Hurts: pictures that have been sharpened already.
    """

    sigma: Range = ranged(default=Uniform(0.5, 2.0, identity=0), low=0, high=100)
    amount: Range = ranged(default=Uniform(0.2, 1.0, identity=0), low=0, high=20)
    threshold: Range = ranged(default=Constant(3 / 255), low=0, high=1)

    def describe(self, draw: Draw, view: View) -> Change:
        taps = gaussian_filter(draw("sigma"), self.law("sigma").bounds()[1]).kernel_x
        assert taps is not None
        numbers = zip(taps, draw("amount").tolist(), draw("threshold").tolist(), strict=True)
        return Pixels(
            _unsharp_mask,
            tuple({"taps": own, "amount": amount, "threshold": threshold} for own, amount, threshold in numbers),
        )


def _unsharp_mask(picture: Image, taps: Floats, amount: float, threshold: float) -> Image:
    import cv2

    if amount == 0 or taps[len(taps) // 2] == 1:
        return picture
    values = picture.astype(np.float32)
    # OpenCV is slow at uint16, whose values as float32 give the same sums.
    blurred = by_planes(
        values if picture.dtype == np.uint16 else picture,
        lambda planes: cv2.sepFilter2D(planes, cv2.CV_32F, taps, taps, borderType=cv2.BORDER_REFLECT_101),
    )
    detail = np.subtract(values, blurred, out=blurred)
    limit = np.float32(threshold * white_of(picture))
    if limit > 0:
        detail *= np.abs(detail) > limit
    detail *= np.float32(amount)
    values += detail
    return as_picture(values, picture.dtype)


@operation
class Emboss(Amount):
    """Show the picture as a relief in light from the upper left.

    Args:
        alpha: share of the relief, 0 to 1, in a blend with the picture. Identity: 0. Default 0.2 to 0.5.
        strength: height of the relief, 0 to 10. Default 0.2 to 0.7.

    The relief is the correlation with [[-1 - s, -s, 0], [-s, 1, s], [0, s, 1 + s]] for the strength s, as in
    Albumentations and imgaug; even areas stay as they are. Borders are reflected without the edge pixel.

    Helps: stamps, engravings, side light on rough surfaces.
    Hurts: photographs, at high `alpha`.
    """

    alpha: Range = ranged(default=Uniform(0.2, 0.5, identity=0), low=0, high=1)
    strength: Range = ranged(default=Uniform(0.2, 0.7), low=0, high=10)

    def describe(self, draw: Draw, view: View) -> Change:
        alpha, strength = draw("alpha")[:, None, None], draw("strength")[:, None, None]
        return Filter(kernel=_CENTRE + alpha * (strength * _SLOPE + _DIAGONAL))


@operation
class RingingOvershoot(Amount):
    """Leave rings beside edges, as compression, resizing and sharpening with steep filters do.

    An ideal low-pass of the plane, cut off to a square and scaled to sum to one: at r pixels from the centre its weight
    is cutoff * J1(cutoff * r) / (2 * pi * r), where J1 is the Bessel function.

    Args:
        cutoff: frequencies above are lost, in radians a pixel, 0.1 to pi. Default pi/4 to pi/2, as in Albumentations.
        size: width of the square in pixels, odd, 3 to 51. Default 11.
        amount: share of the filtered picture in a blend with the given one, 0 to 1. Identity: 0. Default 1.

    Borders are reflected without the edge pixel.

    Wang et al., "Real-ESRGAN: Training real-world blind super-resolution with pure synthetic data", ICCV workshops
    2021.

    Helps: restoration and super-resolution; pictures from the web; MRI (Gibbs rings).
    Hurts: fine texture and small text.
    """

    cutoff: Range = ranged(default=Uniform(np.pi / 4, np.pi / 2), low=0.1, high=np.pi)
    size: int = 11
    amount: Range = ranged(default=Constant(1.0, identity=0), low=0, high=1)

    def check(self) -> None:
        if isinstance(self.size, bool) or self.size not in range(3, 52, 2):
            self.refuse("size", repr(self.size), "an odd whole number from 3 to 51")

    def describe(self, draw: Draw, view: View) -> Change:
        from scipy.special import j1

        radius, cutoff, amount = _radii(self.size), draw("cutoff")[:, None, None], draw("amount")[:, None, None]
        middle = self.size // 2
        taps = cutoff * j1(cutoff * radius) / (2 * np.pi * radius)
        # J1(x) / x is 1/2 at 0.
        taps[:, middle, middle] = np.square(cutoff[:, 0, 0]) / (4 * np.pi)
        taps *= amount / taps.sum(axis=(1, 2), keepdims=True)
        taps[:, middle, middle] += 1 - amount[:, 0, 0]
        return Filter(kernel=taps)


@cache
def _radii(size: int) -> NDArray[np.float64]:
    """(size, size) distances from the centre, which itself is 1 to be divided by; read-only."""
    places = np.arange(size) - size // 2
    radius: NDArray[np.float64] = np.hypot(places, places[:, None])
    radius[size // 2, size // 2] = 1
    radius.flags.writeable = False
    return radius
