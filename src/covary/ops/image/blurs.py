"""Blurs by what stands near: boxes, medians, skewed Gaussians, and neighbours of a like colour."""

from __future__ import annotations

import numpy as np

from covary import kernels
from covary.draws.distributions import Constant, Integers, Range, Uniform
from covary.draws.streams import stream_uniforms
from covary.ops.amounts import Amount
from covary.ops.base import Draw, operation, ranged
from covary.ops.image.filters import reach
from covary.ops.image.planes import as_picture, by_planes, filled, white_of, with_channels
from covary.ops.view import View
from covary.plan.changes import Change, Filter, Image, Pixels, into

# Radii up to which the compiled kernels take a mean, by the type of values, and a median.
_WIDEST_BOX = {"uint8": 7, "uint16": 3}
_WIDEST_MEDIAN = 3
# OpenCV's medians of uint16 and float32 go so far; those of uint8 have no such end.
_WIDEST_OF_OPENCV = 2


@operation
class Blur(Amount):
    """Replace each pixel by the mean of a square about it.

    Any (H, W, C) image.

    Args:
        radius: the square is 2 * radius + 1 pixels wide, 0 to 100. Identity: 0. Default 1 to 3, as Albumentations'
            `blur_limit` of 3 to 7. Even widths, which move the picture by half a pixel, do not occur.

    Borders are reflected without the edge pixel.

    Helps: pictures made smaller and larger again; a cheap stand-in for lack of focus.
    Hurts: fine texture and small text. Boxes leave rings that no lens makes: prefer `GaussianBlur` or `Defocus`.
    """

    radius: Range = ranged(default=Integers(1, 3, identity=0), low=0, high=100)

    def describe(self, draw: Draw, view: View) -> Change:
        return Pixels(_box, tuple({"radius": int(radius)} for radius in np.rint(draw("radius"))))


@into
def _box(picture: Image, radius: int, out: Image | None = None) -> Image:
    if radius == 0:
        return filled(out, picture)
    out = picture if out is None else out
    if kernels.native is None or radius > _WIDEST_BOX.get(picture.dtype.name, 0):
        return box_mean(picture, radius, out)
    kernels.native.box(picture, out, radius, kernels.simd)
    return out


def box_mean(picture: Image, radius: int, out: Image | None = None) -> Image:
    """The mean over a square about each pixel, by OpenCV: of whole numbers the bytes of the compiled kernel."""
    import cv2

    size = 2 * radius + 1
    # Fresh memory costs more than the sums.
    return filled(out, with_channels(cv2.blur(picture, (size, size), out, borderType=cv2.BORDER_REFLECT_101)))


@operation
class MedianBlur(Amount):
    """Replace each pixel by the median of a square about it, each channel by itself.

    Any (H, W, C) image.

    Args:
        radius: the square is 2 * radius + 1 pixels wide, 0 to 50. Identity: 0. Default 1 to 3, as Albumentations'
            `blur_limit` of 3 to 7.

    At the borders the edge pixel is repeated. Radii above 3 take far longer, above all on uint16 and float32.

    Helps: against learning single pixels: specks and fine noise go, edges stay; watercolour looks.
    Hurts: thin lines and small dots, which vanish.
    """

    radius: Range = ranged(default=Integers(1, 3, identity=0), low=0, high=50)

    def describe(self, draw: Draw, view: View) -> Change:
        return Pixels(_median, tuple({"radius": int(radius)} for radius in np.rint(draw("radius"))))


@into
def _median(picture: Image, radius: int, out: Image | None = None) -> Image:
    if radius == 0:
        return filled(out, picture)
    if kernels.native is None or radius > _WIDEST_MEDIAN:
        return filled(out, square_median(picture, radius))
    out = picture if out is None else out
    kernels.native.median(picture, out, radius, kernels.simd)
    return out


def square_median(picture: Image, radius: int) -> Image:
    """The median of a square about each value, by OpenCV or SciPy: the bytes of the compiled kernel."""
    import cv2

    size = 2 * radius + 1
    if picture.dtype == np.uint8 or radius <= _WIDEST_OF_OPENCV:
        if picture.shape[2] in (1, 3, 4):
            return with_channels(cv2.medianBlur(picture, size))
        most = 3 if picture.shape[2] % 3 == 0 else 1
        return by_planes(picture, lambda planes: cv2.medianBlur(planes, size), most)
    from scipy.ndimage import median_filter

    made: Image = median_filter(picture, size=(size, size, 1), mode="nearest")
    return made


@operation
class AdvancedBlur(Amount):
    """Blur with a Gaussian that may be longer than wide, turned, steeper or flatter, and noisy.

    Args:
        sigma_x, sigma_y: standard deviations in pixels along the axes before the turn, 0 to 30. Identity: 0. Default
            0.2 to 1.0 each, as in Albumentations.
        angle: turn in degrees, anticlockwise. Default -90 to 90.
        beta: the shape, 0.1 to 10: weights are exp(-0.5 * d**(2 * beta)) at d standard deviations. 1 is a Gaussian;
            less has a peak and long tails, more is flat and falls steeply. Default 0.5 to 8.
        noise: each weight is multiplied by a number drawn evenly from 1 - noise to 1 + noise, 0 to 1. Identity: 0.
            Default 0.1.

    Weights end 3 of the larger sigma (rounded up) from the centre and sum to one. Borders are reflected without the
    edge pixel.

    Wang et al., "Real-ESRGAN: Training real-world blind super-resolution with pure synthetic data", ICCV workshops
    2021.

    Helps: super-resolution and restoration; blur of unknown cause.
    Hurts: fine texture and small text.
    """

    sigma_x: Range = ranged(default=Uniform(0.2, 1.0, identity=0), low=0, high=30)
    sigma_y: Range = ranged(default=Uniform(0.2, 1.0, identity=0), low=0, high=30)
    angle: Range = ranged(default=Uniform(-90, 90))
    beta: Range = ranged(default=Uniform(0.5, 8.0), low=0.1, high=10)
    noise: Range = ranged(default=Constant(0.1, identity=0), low=0, high=1)

    streams = ("weights",)

    def describe(self, draw: Draw, view: View) -> Change:
        across, down = np.maximum(draw("sigma_x"), 1e-3), np.maximum(draw("sigma_y"), 1e-3)
        furthest = reach(max(self.law(slot).bounds()[1] for slot in ("sigma_x", "sigma_y")))
        places = np.arange(-furthest, furthest + 1.0)
        turn = np.radians(draw("angle"))[:, None, None]
        # Along the Gaussian's own axes; rows go down.
        along = np.cos(turn) * places - np.sin(turn) * places[:, None]
        aside = np.sin(turn) * places + np.cos(turn) * places[:, None]
        squares = np.square(along / across[:, None, None]) + np.square(aside / down[:, None, None])
        with np.errstate(over="ignore"):
            taps = np.exp(-0.5 * squares ** draw("beta")[:, None, None])
        own_reach = np.ceil(3 * np.maximum(across, down))[:, None, None]
        taps *= np.maximum(np.abs(places), np.abs(places[:, None])) <= own_reach
        uniforms = stream_uniforms(draw.stream("weights"), places.size**2).reshape(taps.shape)
        taps *= 1 + draw("noise")[:, None, None] * (2 * uniforms - 1)
        return Filter(kernel=taps / taps.sum(axis=(1, 2), keepdims=True))


@operation
class Bilateral(Amount):
    """Blur, but only among pixels of a like colour: edges stay.

    Any (H, W, C) image; the three channels of a colour image count as one colour, those of others each by itself.

    Args:
        size: width of the square of neighbours in pixels, odd, 3 to 51. Default 5.
        sigma_color: standard deviation of the Gaussian of differences in colour, as a fraction of white, 0 to 1.
            Identity: 0. Default 0.05 to 0.2.
        sigma_space: standard deviation of the Gaussian of distances in pixels, above 0 to 50. Default 1 to 3.

    Borders are reflected without the edge pixel.

    Tomasi and Manduchi, "Bilateral filtering for gray and color images", ICCV 1998.

    Helps: pictures smoothed by cameras and telephones (beauty filters, noise reduction).
    Hurts: texture of low contrast.
    """

    size: int = 5
    sigma_color: Range = ranged(default=Uniform(0.05, 0.2, identity=0), low=0, high=1)
    sigma_space: Range = ranged(default=Uniform(1, 3), low=0.01, high=50)

    def check(self) -> None:
        if isinstance(self.size, bool) or self.size not in range(3, 52, 2):
            self.refuse("size", repr(self.size), "an odd whole number from 3 to 51")

    def describe(self, draw: Draw, view: View) -> Change:
        numbers = zip(draw("sigma_color").tolist(), draw("sigma_space").tolist(), strict=True)
        return Pixels(
            _bilateral,
            tuple({"size": self.size, "sigma_color": colour, "sigma_space": space} for colour, space in numbers),
        )


def _bilateral(picture: Image, size: int, sigma_color: float, sigma_space: float) -> Image:
    import cv2

    # OpenCV takes a sigma of 0 for 1.
    sigma = sigma_color * white_of(picture)
    if sigma < 1e-6 * white_of(picture):
        return picture
    values = picture.astype(np.float32) if picture.dtype == np.uint16 else picture
    made = by_planes(
        values,
        lambda planes: cv2.bilateralFilter(planes, size, sigma, sigma_space, borderType=cv2.BORDER_REFLECT_101),
        3 if picture.shape[2] == 3 else 1,
    )
    return as_picture(made, picture.dtype) if made.dtype != picture.dtype else made
