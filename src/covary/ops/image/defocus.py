"""Lenses out of focus, and ground glass before them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from covary import kernels
from covary.draws.distributions import Constant, Integers, Range, Uniform
from covary.draws.philox import key_words, philox4x32
from covary.draws.streams import TAG_GLASS
from covary.ops.amounts import Amount
from covary.ops.base import Draw, operation, ranged
from covary.ops.image.filters import gaussian_filter
from covary.ops.view import View
from covary.plan.changes import Change, Image, Pixels


@operation
class Defocus(Amount):
    """Spread each point over a disc, as a lens out of focus does.

    Any (H, W, C) image.

    Args:
        radius: of the disc in pixels, 0 to 100: the mean is over all pixels whose centres are at most so far away.
            Identity: 0 (all below 1). Default 3 to 10, as in Albumentations.
        alias_blur: standard deviation in pixels of a Gaussian that softens the rim of the disc, 0 to 10. Identity: 0.
            Default 0.1 to 0.5.

    Borders are reflected without the edge pixel.

    Hendrycks and Dietterich, "Benchmarking neural network robustness to common corruptions and perturbations", ICLR
    2019.

    Helps: cameras that miss their focus, shallow depth of field, microscopes.
    Hurts: small text and fine texture.
    """

    radius: Range = ranged(default=Uniform(3, 10, identity=0), low=0, high=100)
    alias_blur: Range = ranged(default=Uniform(0.1, 0.5, identity=0), low=0, high=10)

    def describe(self, draw: Draw, view: View) -> Sequence[Change]:
        soft = gaussian_filter(draw("alias_blur"), self.law("alias_blur").bounds()[1])
        discs = Pixels(_disc, tuple({"halves": disc_halves(radius)} for radius in draw("radius").tolist()))
        return soft, discs


def disc_halves(radius: float) -> list[int]:
    """How far the rows of a disc of pixels reach to each side, from its top row to its bottom row."""
    reach = math.floor(radius)
    return [math.floor(math.sqrt(radius * radius - row * row)) for row in range(-reach, reach + 1)]


def _disc(picture: Image, halves: list[int]) -> Image:
    if len(halves) == 1:
        return picture
    if kernels.native is None:
        return disc_mean(picture, halves)
    kernels.native.disc(picture, halves)
    return picture


def disc_mean(picture: Image, halves: list[int]) -> Image:
    """The mean over a disc about each pixel, in NumPy: the bytes of the compiled kernel.

    Args:
        picture: (H, W, C) uint8, uint16 or float32.
        halves: see `disc_halves`.
    """
    height, width, channels = picture.shape
    reach, widest = len(halves) // 2, max(halves)
    rows = reflected(np.arange(-reach, height + reach), height)
    columns = reflected(np.arange(-widest, width + widest), width)
    wide = np.float64 if picture.dtype == np.float32 else np.int64
    sums = np.zeros((len(rows), len(columns) + 1, channels), wide)
    np.cumsum(picture[rows][:, columns], axis=1, dtype=wide, out=sums[:, 1:])
    total: NDArray[Any] = np.zeros(picture.shape, wide)
    for row, half in enumerate(halves):
        lines = sums[row : row + height]
        total += lines[:, widest + half + 1 :][:, :width] - lines[:, widest - half :][:, :width]
    mean = total * (1 / sum(2 * half + 1 for half in halves))
    made: Image = (mean if wide is np.float64 else np.floor(mean + 0.5)).astype(picture.dtype)
    return made


def reflected(index: NDArray[np.int64], length: int) -> NDArray[np.int64]:
    """Indices folded into an axis, mirrored without the edge."""
    if length == 1:
        return np.zeros_like(index)
    folded: NDArray[np.int64] = np.mod(index, 2 * (length - 1))
    return np.minimum(folded, 2 * (length - 1) - folded)


@operation
class GlassBlur(Amount):
    """Let pixels trade places with near ones, between two slight blurs: ground glass.

    Any (H, W, C) image; all channels of a pixel move together. Pixel after pixel, row by row, is exchanged for one at
    most `max_delta` rows and columns away, as many times over as `iterations` says.

    Args:
        sigma: standard deviation in pixels of the Gaussian blurs before and after, 0 to 100. Identity: 0. Default 0.7,
            as in Albumentations.
        max_delta: the longest way of one exchange in pixels, along each axis, 0 to 100. Identity: 0. Default 1 to 4.
        iterations: how many times over, 0 to 100. Identity: 0. Default 1 to 2.

    Hendrycks and Dietterich, "Benchmarking neural network robustness to common corruptions and perturbations", ICLR
    2019.

    Helps: frosted and wet windows; robustness to broken textures.
    Hurts: small text and thin lines; what lies within `max_delta` of an edge.
    """

    sigma: Range = ranged(default=Constant(0.7, identity=0), low=0, high=100)
    max_delta: Range = ranged(default=Integers(1, 4, identity=0), low=0, high=100)
    iterations: Range = ranged(default=Integers(1, 2, identity=0), low=0, high=100)

    streams = ("exchanges",)

    def describe(self, draw: Draw, view: View) -> Sequence[Change]:
        blur = gaussian_filter(draw("sigma"), self.law("sigma").bounds()[1])
        streams = draw.stream("exchanges").tolist()
        numbers = zip(np.rint(draw("max_delta")).tolist(), np.rint(draw("iterations")).tolist(), streams, strict=True)
        exchanges = tuple(
            {"max_delta": int(delta), "iterations": int(times), "stream": stream} for delta, times, stream in numbers
        )
        return blur, Pixels(_glass, exchanges), blur


def _glass(picture: Image, max_delta: int, iterations: int, stream: int) -> Image:
    if max_delta == 0 or iterations == 0:
        return picture
    if kernels.native is None:
        return exchanged(picture, max_delta, iterations, stream)
    kernels.native.glass(picture, max_delta, iterations, stream)
    return picture


def exchanged(picture: Image, max_delta: int, iterations: int, stream: int) -> Image:
    """The picture with its pixels exchanged, in plain Python: the bytes of the compiled kernel."""
    height, width = picture.shape[:2]
    pixels = height * width
    span = np.uint32(2 * max_delta + 1)
    order = list(range(pixels))
    words = _words(stream, pixels * iterations).reshape(iterations, height, width)
    rows = np.clip(_steps(words >> np.uint32(16), span, max_delta) + np.arange(height)[:, None], 0, height - 1)
    columns = np.clip(_steps(words & np.uint32(0xFFFF), span, max_delta) + np.arange(width), 0, width - 1)
    for places in (rows * width + columns).reshape(iterations, pixels).tolist():
        for here, there in enumerate(places):
            order[here], order[there] = order[there], order[here]
    return picture.reshape(pixels, -1)[order].reshape(picture.shape)


def _steps(halves: Image, span: np.uint32, max_delta: int) -> Image:
    return ((halves * span) >> np.uint32(16)).astype(np.int64) - max_delta


def _words(stream: int, count: int) -> Image:
    """The first 32-bit numbers of a stream, four from each block."""
    blocks = np.arange(-(-count // 4), dtype=np.uint64)
    words = philox4x32((blocks, 0, 0, TAG_GLASS), key_words(np.uint64(stream)))
    return np.stack(words, axis=-1).reshape(-1)[:count]
