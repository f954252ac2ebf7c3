"""What the corruptions share: pictures as fractions of white, noise, and blurs by kernels."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from covary.gaussian import gaussian_wave
from covary.ops.image.luma import LUMA
from covary.ops.view import WHITE

# (H, W, C) float32, in fractions of white.
Picture: TypeAlias = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Chance:
    """What chance says of one corruption of one picture.

    Attributes:
        uniforms: two numbers in [0, 1).
        streams: two keys of bulk noise.
    """

    uniforms: NDArray[np.float64]
    streams: NDArray[np.uint64]

    def normals(self, shape: tuple[int, ...], stream: int = 0) -> NDArray[np.float32]:
        """Standard normal numbers, cut off at 4.3."""
        count = int(np.prod(shape))
        return gaussian_wave(int(self.streams[stream]), 1, count).reshape(shape)

    def angle(self, low: float, high: float) -> float:
        """An angle in degrees."""
        return low + (high - low) * float(self.uniforms[0])


def prepared(picture: NDArray[Any]) -> Picture:
    """A picture as fractions of white, in memory of its own."""
    made: Picture = picture.astype(np.float32)
    made *= np.float32(1 / WHITE[picture.dtype.name])
    return made


def finished(made: Picture, picture: NDArray[Any]) -> NDArray[Any]:
    """Fractions of white as the dtype of the picture, clipped and rounded."""
    made = np.clip(made, 0, 1)
    if picture.dtype == np.float32:
        return made.astype(np.float32)
    result: NDArray[Any] = np.rint(made * np.float32(WHITE[picture.dtype.name])).astype(picture.dtype)
    return result


def unit(picture: Picture) -> float:
    """What a pixel of the published pictures (224 px) is in this one."""
    return float(min(picture.shape[:2])) / 224


def published(picture: Picture) -> tuple[int, int]:
    """Height and width of the picture where its shorter side has the published 224 px: layers that are painted over it
    are made at this size, so that they look alike at any other."""
    height, width = picture.shape[:2]
    return max(1, round(height / unit(picture))), max(1, round(width / unit(picture)))


def fitted(layer: NDArray[np.float32], picture: Picture) -> Picture:
    """An (H, W) or (H, W, 1) layer at the picture's size, (H, W, 1): averaged where it shrinks."""
    import cv2

    height, width = picture.shape[:2]
    way = cv2.INTER_AREA if height <= layer.shape[0] else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(layer, (width, height), interpolation=way), dtype=np.float32).reshape(height, width, 1)


def grey(picture: Picture) -> NDArray[np.float32]:
    """(H, W, 1) luma; the mean of the channels where there are not three."""
    if picture.shape[2] == 3:
        luma: NDArray[np.float32] = (picture @ np.asarray(LUMA, dtype=np.float32))[:, :, None]
        return luma
    return np.asarray(picture.mean(axis=2, keepdims=True), dtype=np.float32)


def paint(colour: tuple[float, float, float], channels: int) -> NDArray[np.float32]:
    """A colour for so many channels: its luma where there are not three."""
    if channels == 3:
        return np.array(colour, dtype=np.float32)
    return np.full(channels, float(np.dot(LUMA, colour)), dtype=np.float32)


def by_plane(function: Callable[[NDArray[Any]], Any], picture: Picture) -> Picture:
    """A function of OpenCV for pictures of any number of channels: of which it takes four, and drops a single one."""
    if picture.shape[2] in (2, 3, 4):
        return np.asarray(function(picture), dtype=np.float32)
    planes = [np.asarray(function(np.ascontiguousarray(picture[:, :, i]))) for i in range(picture.shape[2])]
    return np.stack(planes, axis=2).astype(np.float32, copy=False)


def filtered(picture: Picture, kernel: NDArray[np.float32]) -> Picture:
    """Correlation with a kernel; borders are reflected without the edge pixel."""
    import cv2

    border = cv2.BORDER_REFLECT_101 if min(picture.shape[:2]) > 1 else cv2.BORDER_REPLICATE

    def one(part: NDArray[Any]) -> Any:
        return cv2.filter2D(part, cv2.CV_32F, kernel, borderType=border)

    return by_plane(one, picture)


def smoothed(picture: Picture, sigma: float) -> Picture:
    """Gaussian blur, cut off at four standard deviations."""
    import cv2

    side = 2 * int(np.ceil(4 * sigma)) + 1

    def one(part: NDArray[Any]) -> Any:
        return cv2.GaussianBlur(part, (side, side), sigma, borderType=cv2.BORDER_REPLICATE)

    return by_plane(one, picture)


def streak(radius: float, sigma: float, degrees: float) -> NDArray[np.float32]:
    """The kernel of a motion to one side: a Gaussian's half along a line of 2 * radius pixels, points spread over the
    four pixels around them."""
    reach = max(1, round(2 * radius))
    along = np.linspace(0, 2 * radius, 4 * reach + 1)
    weights = np.exp(-0.5 * np.square(along / max(sigma, 1e-3)))
    angle = np.deg2rad(degrees)
    x, y = along * np.cos(angle) + reach, along * np.sin(angle) + reach
    side = 2 * reach + 1
    kernel = np.zeros((side + 1, side + 1))
    left, top = np.floor(x).astype(int), np.floor(y).astype(int)
    right, down = x - left, y - top
    for step_y, share_y in ((0, 1 - down), (1, down)):
        for step_x, share_x in ((0, 1 - right), (1, right)):
            np.add.at(kernel, (top + step_y, left + step_x), weights * share_y * share_x)
    kernel = kernel[:side, :side]
    return np.asarray(kernel / kernel.sum(), dtype=np.float32)
