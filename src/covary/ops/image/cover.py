"""Something of one colour laid over a picture: what it hides, and strokes to say so."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from covary import kernels
from covary.ops.view import WHITE
from covary.plan.changes import Image

Plane = NDArray[np.uint8]


def cover(image: Image, alpha: Plane, light: Plane | None, colour: Sequence[float]) -> Image:
    """Lay a colour over the picture, in place: value + alpha * (colour * light - value).

    Args:
        image: (H, W, C).
        alpha: (H, W), 0 to 255: how much of the picture it hides.
        light: (H, W), 0 to 255: how bright the colour is; None: all of it.
        colour: as fractions of white: of red, green and blue, of whose mean a picture of another number of channels
            gets.
    """
    paint = np.array(tinted(colour, image.shape[2]), np.float32) * np.float32(WHITE[image.dtype.name])
    if kernels.native is not None:
        kernels.native.cover(image, alpha, light, paint)
        return image
    return covered(image, alpha, light, paint)


def covered(image: Image, alpha: Plane, light: Plane | None, paint: NDArray[np.float32]) -> Image:
    """The kernel's bytes by NumPy; `paint` is in the image's own range."""
    level = np.float32(1 / 255)
    share = alpha[..., None] * level
    lit = np.float32(1) if light is None else light[..., None] * level
    values = image.astype(np.float32)
    made = values + share * (paint * lit - values)
    if image.dtype.kind == "u":
        made = np.rint(made)
    image[...] = np.where(alpha[..., None] == 0, image, made)
    return image


def strokes(
    alpha: Plane, light: Plane | None, lines: NDArray[np.floating[Any]], strength: ArrayLike, shade: ArrayLike = 0
) -> None:
    """Draw strokes with round ends, in place; where they overlap, the more opaque one is seen, or else the later one.

    Args:
        alpha: (H, W), 0 to 255: how opaque each pixel is.
        light: (H, W), which gets the strokes' shades; None: nothing does.
        lines: (N, 5) x0, y0, x1, y1 and radius in pixels; edges are smooth over one pixel.
        strength: (N,) or one, 0 to 255: how opaque they are.
        shade: (N,) or one, 0 to 255.
    """
    if not len(lines):
        return
    paint = np.empty((len(lines), 2), np.uint8)
    paint[:, 0], paint[:, 1] = strength, shade
    exact = np.ascontiguousarray(lines, np.float32)
    if kernels.native is not None:
        kernels.native.strokes(alpha, light, exact, paint)
        return
    stroked(alpha, light, exact, paint)


def stroked(alpha: Plane, light: Plane | None, lines: NDArray[np.float32], paint: Plane) -> None:
    """The kernel's bytes by NumPy."""
    height, width = alpha.shape
    zero, one, half = np.float32(0), np.float32(1), np.float32(0.5)
    for (x0, y0, x1, y1, radius), (strength, shade) in zip(lines, paint, strict=True):
        dx, dy, reach = x1 - x0, y1 - y0, radius + half
        left, top = (max(int(min(a, b) - reach - 1), 0) for a, b in ((x0, x1), (y0, y1)))
        right, bottom = (min(int(max(a, b) + reach + 2), side) for a, b, side in ((x0, x1, width), (y0, y1, height)))
        if left >= right or top >= bottom:
            continue
        px = np.arange(left, right, dtype=np.float32) + half - x0
        py = (np.arange(top, bottom, dtype=np.float32) + half - y0)[:, None]
        square = dx * dx + dy * dy
        t = np.clip((px * dx + py * dy) * (one / square if square > 0 else zero), zero, one)
        ex, ey = px - t * dx, py - t * dy
        inside = np.clip(reach - np.sqrt(ex * ex + ey * ey), zero, one)
        covered = (inside * np.float32(strength) + half).astype(np.uint8)
        window = alpha[top:bottom, left:right]
        seen = (covered > 0) & (covered >= window)
        window[seen] = covered[seen]
        if light is not None:
            light[top:bottom, left:right][seen] = shade


def tinted(colour: Sequence[float], channels: int) -> tuple[float, ...]:
    """A colour of red, green and blue for any number of channels: its mean where they are not three."""
    return tuple(colour) if channels == 3 else (sum(colour) / 3,) * channels
