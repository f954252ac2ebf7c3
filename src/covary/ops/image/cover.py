"""Something of one colour laid over a picture."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

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


def tinted(colour: Sequence[float], channels: int) -> tuple[float, ...]:
    """A colour of red, green and blue for any number of channels: its mean where they are not three."""
    return tuple(colour) if channels == 3 else (sum(colour) / 3,) * channels
