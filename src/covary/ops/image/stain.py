"""Stains of histology: the same slice, stained by another laboratory."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import numpy as np
from numpy.typing import NDArray

from covary.draws.distributions import Range, Uniform
from covary.ops.base import Draw, Operation, operation, ranged
from covary.ops.image.luma import has_chroma
from covary.ops.view import View
from covary.plan.changes import Change, Floats, Image, Pixels

# How haematoxylin, eosin and diaminobenzidine absorb red, green and blue (Ruifrok and Johnston, 2001).
_STAINS = np.array([[0.65, 0.70, 0.29], [0.07, 0.99, 0.11], [0.27, 0.57, 0.78]])
_STAINS /= np.linalg.norm(_STAINS, axis=1, keepdims=True)


@operation
class HEStain(Operation):
    """Vary how much of each stain is in a slice.

    Colours are taken apart into the optical densities of haematoxylin, eosin and a third stain (colour deconvolution);
    each is multiplied by a factor and shifted, and the picture is put together again.

    Args:
        factor: of each stain's density, drawn for each by itself, from 0 to 10. Identity: 1. Default: 0.8 to 1.2.
        shift: added to each stain's density, drawn for each by itself, -1 to 1. Identity: 0. Default: -0.05 to 0.05,
            the light variant of the paper.

    One-channel pictures stay as they are.

    Raises:
        ValueError: at the call, for pictures with neither one nor three channels.

    Tellez et al., "Whole-slide mitosis detection in H&E breast histology using PHH3 as a reference to train distilled
    stain-invariant convolutional networks", IEEE TMI 2018. The vectors are those of Ruifrok and Johnston,
    "Quantification of histochemical staining by color deconvolution", 2001.

    Helps: histology from several laboratories and scanners, more than anything else.
    Hurts: where the amount of a stain is what is measured; anything but stained slices.
    """

    factor: Range = ranged(default=Uniform(0.8, 1.2, identity=1), low=0, high=10)
    shift: Range = ranged(default=Uniform(-0.05, 0.05, identity=0), low=-1, high=1)

    def slots(self) -> tuple[str, ...]:
        return ("p", *(f"{name}{stain}" for name in ("factor", "shift") for stain in range(3)))

    def describe(self, draw: Draw, view: View) -> Change | Sequence[Change]:
        factors, shifts = (
            np.stack([self.law(name).quantile(draw(f"{name}{stain}")) for stain in range(3)], axis=1)
            for name in ("factor", "shift")
        )
        if not has_chroma(self, view):
            return ()
        return Pixels(stained, tuple({"factors": f, "shifts": s} for f, s in zip(factors, shifts, strict=True)))


def stained(image: Image, factors: Floats, shifts: Floats) -> Image:
    """The picture with the densities of its three stains multiplied and shifted.

    Densities are linear in the logarithms of the colours, so that both steps are one affine map of these.
    """
    import cv2

    if (factors == 1).all() and (shifts == 0).all():
        return image
    white = {"uint8": 255.0, "uint16": 65535.0}.get(image.dtype.name, 1.0)
    apart = np.linalg.inv(_STAINS)
    matrix = ((apart * factors) @ _STAINS).T
    offset = shifts @ _STAINS
    density = _densities(image, white)
    # Densities are negative logarithms.
    minus = -np.concatenate([matrix, offset[:, None]], axis=1)
    changed = cv2.exp(cv2.transform(density, minus))
    if image.dtype == np.float32:
        out: Image = changed * np.float32(1 + _DARKEST) - np.float32(_DARKEST)
        return out
    scaled = changed * np.float32(white * (1 + _DARKEST)) - np.float32(white * _DARKEST)
    whole: Image = np.clip(np.rint(scaled), 0, white).astype(image.dtype)
    return whole


# What is added to all values, in fractions of white: black has a density.
_DARKEST = 1 / 255


def _densities(image: Image, white: float) -> NDArray[np.float32]:
    """Negative natural logarithms of the values as fractions of white."""
    if image.dtype == np.uint8:
        return _byte_densities()[image]
    share = (image.astype(np.float32) / np.float32(white) + np.float32(_DARKEST)) / np.float32(1 + _DARKEST)
    density: NDArray[np.float32] = -np.log(np.clip(share, 1e-6, None))
    return density


@cache
def _byte_densities() -> NDArray[np.float32]:
    levels = np.arange(256, dtype=np.float64) / 255
    return (-np.log((levels + _DARKEST) / (1 + _DARKEST))).astype(np.float32)
