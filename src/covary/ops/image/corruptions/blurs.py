"""Blur: Gaussian, defocus, glass, motion and zoom."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from covary import kernels
from covary.draws.philox import key_words, philox4x32
from covary.ops.image.corruptions.picture import Chance, Picture, by_plane, filtered, smoothed, streak, unit

_GAUSSIAN = (1.0, 2.0, 3.0, 4.0, 6.0)
# Those of CIFAR-10-C: below them a Gaussian stands between the pixels.
_LEAST = (0.4, 0.6, 0.7, 0.8, 1.0)
# Radius, and deviation of the Gaussian that softens the disc's rim.
_DEFOCUS = ((3, 0.1), (4, 0.5), (6, 0.5), (8, 0.5), (10, 0.5))
# Deviation, reach of the swaps, rounds.
_GLASS = ((0.7, 1, 2), (0.9, 2, 1), (1.0, 2, 3), (1.1, 3, 2), (1.5, 4, 2))
# Radius and deviation.
_MOTION = ((10, 3), (15, 5), (15, 8), (15, 12), (20, 15))
# End and step of the magnifications, which begin at 1.
_ZOOM = ((1.11, 0.01), (1.16, 0.01), (1.21, 0.02), (1.26, 0.02), (1.31, 0.03))

_TAG_GLASS = 16


def gaussian_blur(picture: Picture, severity: int, chance: Chance) -> Picture:
    """A Gaussian."""
    return smoothed(picture, max(_GAUSSIAN[severity] * unit(picture), _LEAST[severity]))


def defocus_blur(picture: Picture, severity: int, chance: Chance) -> Picture:
    """A disc: every point of light becomes one."""
    radius, soft = _DEFOCUS[severity]
    scale = unit(picture)
    return filtered(picture, disc(radius * scale, soft))


def disc(radius: float, soft: float) -> NDArray[np.float32]:
    """A disc that sums to one; each pixel by the share of it that lies within, then softened by a Gaussian."""
    import cv2

    reach = int(np.ceil(radius)) + 2
    fine = (np.arange(8 * (2 * reach + 1)) + 0.5) / 8 - reach - 0.5
    inside = np.square(fine) + np.square(fine)[:, None] <= np.square(radius + 0.5)
    cells = inside.reshape(2 * reach + 1, 8, 2 * reach + 1, 8).mean(axis=(1, 3))
    side = 3 if radius <= 8 else 5
    kernel = cv2.GaussianBlur(cells.astype(np.float32), (side, side), soft, borderType=cv2.BORDER_CONSTANT)
    return np.asarray(kernel / kernel.sum(), dtype=np.float32)


def glass_blur(picture: Picture, severity: int, chance: Chance) -> Picture:
    """Pixels trade places with near neighbours, between two Gaussians."""
    sigma, reach, rounds = _GLASS[severity]
    scale = unit(picture)
    soft = np.ascontiguousarray(smoothed(picture, sigma * scale))
    made = soft.copy()
    whole = max(1, round(reach * scale))
    swap(made, whole, rounds, int(chance.streams[0]))
    # A part of a pixel's way is that part of what the whole way gives.
    made = soft + np.float32(min(1, reach * scale / whole)) * (made - soft)
    return smoothed(made, sigma * scale)


def swap(picture: Picture, reach: int, rounds: int, stream: int) -> None:
    """Each pixel in turn trades places with one at most `reach` away, in place."""
    if kernels.native is not None:
        kernels.native.glass(picture, reach, rounds, stream)
        return
    height, width = picture.shape[:2]
    blocks = np.arange(-(-height * width * rounds // 4), dtype=np.uint64)
    words = np.stack(philox4x32((blocks, 0, 0, _TAG_GLASS), key_words(np.uint64(stream))), axis=-1).ravel()
    span = 2 * reach + 1
    down = ((words >> np.uint32(16)) * np.uint32(span) >> np.uint32(16)).astype(np.int64) - reach
    right = ((words & np.uint32(0xFFFF)) * np.uint32(span) >> np.uint32(16)).astype(np.int64) - reach
    number = 0
    for _ in range(rounds):
        for y in range(height):
            for x in range(width):
                v = min(max(y + int(down[number]), 0), height - 1)
                u = min(max(x + int(right[number]), 0), width - 1)
                picture[[y, v], [x, u]] = picture[[v, y], [u, x]]
                number += 1


def motion_blur(picture: Picture, severity: int, chance: Chance) -> Picture:
    """A motion to one side, within 45 degrees of the level."""
    radius, sigma = _MOTION[severity]
    scale = unit(picture)
    return filtered(picture, streak(radius * scale, sigma * scale, chance.angle(-45, 45)))


def zoom_blur(picture: Picture, severity: int, chance: Chance) -> Picture:
    """The mean of the picture and of ever larger ones."""
    end, step = _ZOOM[severity]
    factors = np.arange(1, end, step)
    total = picture.copy()
    for factor in factors:
        total += zoomed(picture, float(factor))
    return total / np.float32(len(factors) + 1)


def zoomed(picture: Picture, factor: float) -> Picture:
    """The picture, magnified about its centre."""
    import cv2

    height, width = picture.shape[:2]
    shift = ((width - 1) / 2 * (1 - factor), (height - 1) / 2 * (1 - factor))
    matrix = np.array([[factor, 0, shift[0]], [0, factor, shift[1]]])

    def one(part: NDArray[np.float32]) -> NDArray[np.float32]:
        return cv2.warpAffine(part, matrix, (width, height), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)  # type: ignore[return-value]

    return by_plane(one, picture)
