"""Colour: affine maps of the channels that fuse into one matrix.

Nothing is clipped between neighbours of this kind: what one pushes out of the range, the next may bring back.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import field
from typing import ClassVar, Literal

import numpy as np

from covary.draws.distributions import Range, Uniform
from covary.ops.base import Draw, Operation, operation, ranged
from covary.ops.image.luma import LUMA, has_chroma, identity_matrix
from covary.ops.view import View
from covary.plan.changes import Bools, Change, Colour, Floats

# A colour is its grey, all channels at the luma, and its chroma, the rest. Hue turns the chroma, saturation scales it.
_GREY = np.tile(LUMA, (3, 1))
_GREY_MATRIX = np.concatenate([_GREY, np.zeros((3, 1))], axis=1)
_CHROMA_MATRIX = identity_matrix(3) - _GREY_MATRIX
# A quarter turn about the axis (1, 1, 1), sheared along that axis so that the luma stays.
_TURN = np.array([[0.0, -1.0, 1.0], [1.0, 0.0, -1.0], [-1.0, 1.0, 0.0]]) / math.sqrt(3)
_TURN_MATRIX = np.concatenate([_TURN - _GREY @ _TURN, np.zeros((3, 1))], axis=1)

Pivot = Literal["middle", "mean"]
_PIVOTS = ("middle", "mean")


@operation
class Brightness(Operation):
    """Multiply all values by a factor, and add a constant to all of them.

    Args:
        factor: 0 is black, 2 twice as bright; a number x means 1 - x to 1 + x. Default 0.8 to 1.2. Identity: 1.
        offset: what is added behind it, as a fraction of white; a number x means -x to x. Default 0. Identity: 0.

    By default as in torchvision. Of Albumentations' RandomBrightnessContrast `factor` is the contrast (its
    `contrast_limit` is the distance from 1), `offset` the brightness.

    Helps: exposure and lighting that differ between training and use.
    Hurts: pictures whose values are measurements (CT in Hounsfield units, reflectance, depth).
    """

    factor: Range = ranged(default=Uniform(0.8, 1.2, identity=1), low=0)
    offset: Range = ranged(default=Uniform(0, 0, identity=0), low=-1, high=1)

    def describe(self, draw: Draw, view: View) -> Change:
        matrix = draw("factor")[:, None, None] * identity_matrix(view.channels)
        matrix[:, :, -1] = (view.white * draw("offset"))[:, None]
        return Colour(matrix)


@operation
class Contrast(Operation):
    """Spread the values about a pivot, or draw them towards it.

    Args:
        factor: 0 is the pivot everywhere, 2 twice the contrast; a number x means 1 - x to 1 + x. Default 0.8 to 1.2.
            Identity: 1.
        pivot: "middle", the middle of the range (white / 2); or "mean", the picture's mean luma, as in torchvision,
            which costs a look at the whole picture first. Default "middle".

    Helps: haze, backlight, cameras with different tone.
    Hurts: faint detail that decides the class (X-rays, texture defects) at low factors.
    """

    factor: Range = ranged(default=Uniform(0.8, 1.2, identity=1), low=0)
    pivot: Pivot = "middle"

    def check(self) -> None:
        self.one_of("pivot", _PIVOTS)

    def describe(self, draw: Draw, view: View) -> Change:
        factor = draw("factor")
        matrix = factor[:, None, None] * identity_matrix(view.channels)
        rest = 1 - factor
        if self.pivot == "mean":
            return Colour(matrix, pivot=rest[:, None].repeat(view.channels, axis=1))
        matrix[:, :, -1] = (view.white / 2 * rest)[:, None]
        return Colour(matrix)


@operation
class Saturation(Operation):
    """Blend the picture with its grey version (Rec. 601 luma).

    Args:
        factor: 0 is grey, 2 twice the colour; a number x means 1 - x to 1 + x. Default 0.8 to 1.2. Identity: 1.

    One-channel pictures stay as they are: grey has no colour to blend.

    Raises:
        ValueError: at the call, for pictures with neither one nor three channels.

    Helps: cameras and seasons with more or less vivid colours.
    Hurts: classes told apart by how vivid a colour is (ripeness, stains).
    """

    factor: Range = ranged(default=Uniform(0.8, 1.2, identity=1), low=0)

    def describe(self, draw: Draw, view: View) -> Change | Sequence[Change]:
        factor = draw("factor")[:, None, None]
        return Colour(_GREY_MATRIX + factor * _CHROMA_MATRIX) if has_chroma(self, view) else ()


@operation
class Hue(Operation):
    """Turn all colours around the colour circle.

    Args:
        shift: part of the circle in [-0.5, 0.5]: 1/3 turns red towards green, green towards blue; a number x means
            -x to x. Default -0.05 to 0.05. Identity: 0.

    A rotation of the chroma about the grey axis that keeps the luma (Haeberli 1993, "Matrix operations for image
    processing"). It is linear, so it fuses with other colour changes and is smooth in dark and grey places. The hue of
    HSV, which torchvision and Albumentations shift, keeps the largest and the smallest channel instead: its
    yellow turned to blue keeps full value and so becomes much darker to the eye, here it becomes a light blue (which
    may leave the range and be clipped). Both turn the same way, and greys stay greys in both.

    One-channel pictures stay as they are: grey has no hue.

    Raises:
        ValueError: at the call, for pictures with neither one nor three channels.

    Helps: different illuminants and white balance, with small shifts; objects that come in any paint, with large ones.
    Hurts: classes told apart by colour (traffic lights, birds, flowers, stained tissue). Albumentations' default of
        half the circle turns any colour into any other; the one here is a tenth of it.
    """

    shift: Range = ranged(default=Uniform(-0.05, 0.05, identity=0), low=-0.5, high=0.5)

    def describe(self, draw: Draw, view: View) -> Change | Sequence[Change]:
        angle = (2 * math.pi * draw("shift"))[:, None, None]
        if not has_chroma(self, view):
            return ()
        return Colour(_GREY_MATRIX + np.cos(angle) * _CHROMA_MATRIX + np.sin(angle) * _TURN_MATRIX)


@operation
class ColorJitter(Operation):
    """Brightness, contrast, saturation and hue in random order, as one change.

    Args:
        brightness: factor, as in `Brightness`. Default 0.8 to 1.2. Identity: 1.
        contrast: factor, as in `Contrast`. Default 0.8 to 1.2. Identity: 1.
        saturation: factor, as in `Saturation`. Default 0.8 to 1.2. Identity: 1.
        hue: shift, as in `Hue`: a linear turn that keeps the luma. Default -0.05 to 0.05. Identity: 0.
        pivot: of the contrast: "middle" of the range or "mean" luma of the picture. Default "middle".

    The order is one of the 24 with equal chance, as in torchvision. As nothing is clipped in between, it only matters
    whether brightness comes before contrast.

    On one-channel pictures brightness and contrast act alone. So they do on pictures with any other number of channels,
    provided that `saturation` and `hue` are switched off (0).

    Raises:
        ValueError: at the call, for pictures with neither one nor three channels if saturation or hue may change.

    Helps: nearly all photographs; the usual companion of crops and flips.
    Hurts: classes told apart by colour or brightness. The ranges are Albumentations' but for hue, whose half circle
        turns any colour into any other.
    """

    brightness: Range = ranged(default=Uniform(0.8, 1.2, identity=1), low=0)
    contrast: Range = ranged(default=Uniform(0.8, 1.2, identity=1), low=0)
    saturation: Range = ranged(default=Uniform(0.8, 1.2, identity=1), low=0)
    hue: Range = ranged(default=Uniform(-0.05, 0.05, identity=0), low=-0.5, high=0.5)
    pivot: Pivot = "middle"

    uniforms: ClassVar[tuple[str, ...]] = ("order",)

    def check(self) -> None:
        self.one_of("pivot", _PIVOTS)

    def describe(self, draw: Draw, view: View) -> Change:
        contrast_last = draw("order") < 0.5
        return self.jitter(view, draw("brightness"), draw("contrast"), draw("saturation"), draw("hue"), contrast_last)

    def jitter(
        self, view: View, brightness: Floats, contrast: Floats, saturation: Floats, hue: Floats, contrast_last: Bools
    ) -> Colour:
        """The four changes as one, from (B,) numbers of each."""
        gain = brightness * contrast
        # All four keep greys grey and, but for the gain, the luma: their linear parts commute, and only the order of
        # brightness and contrast shows, in the constant.
        if (view.channels == 3 or not self._colourless()) and has_chroma(self, view):
            vivid, angle = gain * saturation, 2 * math.pi * hue
            matrix = gain[:, None, None] * _GREY_MATRIX
            matrix += (vivid * np.cos(angle))[:, None, None] * _CHROMA_MATRIX
            matrix += (vivid * np.sin(angle))[:, None, None] * _TURN_MATRIX
        else:
            matrix = gain[:, None, None] * identity_matrix(view.channels)
        rest = 1 - contrast
        if self.pivot == "mean":
            # Contrast before brightness adds b * ((1 - c) * mean), after it (1 - c) * (b * mean): the same.
            return Colour(matrix, pivot=(brightness * rest)[:, None].repeat(view.channels, axis=1))
        matrix[:, :, -1] = (view.white / 2 * rest * np.where(contrast_last, 1.0, brightness))[:, None]
        return Colour(matrix)

    def _colourless(self) -> bool:
        """Whether saturation and hue never change anything."""
        laws = (self.law("saturation"), self.law("hue"))
        return all(law.bounds() == (law.identity, law.identity) for law in laws)


@operation
class RGBShift(Operation):
    """Add a constant to each of the three channels.

    Args:
        red, green, blue: shifts as fractions of the range (0.1 is 25.5 levels of uint8); a number x means -x to x.
            Default -0.08 to 0.08, Albumentations' 20 levels. Identity: 0.

    One-channel pictures stay as they are: they have none of the three.

    Raises:
        ValueError: at the call, for pictures with neither one nor three channels.

    Helps: colour casts of cameras, lamps and scanners.
    Hurts: classes told apart by small differences of colour.
    """

    red: Range = ranged(default=Uniform(-0.08, 0.08, identity=0), low=-1, high=1)
    green: Range = ranged(default=Uniform(-0.08, 0.08, identity=0), low=-1, high=1)
    blue: Range = ranged(default=Uniform(-0.08, 0.08, identity=0), low=-1, high=1)

    def describe(self, draw: Draw, view: View) -> Change | Sequence[Change]:
        shifts = [draw(name) for name in ("red", "green", "blue")]
        if not has_chroma(self, view):
            return ()
        matrix = identity_matrix(3)[None].repeat(view.count, axis=0)
        for channel, shift in enumerate(shifts):
            matrix[:, channel, 3] = view.white * shift
        return Colour(matrix)


@operation
class Grayscale(Operation):
    """Replace all three channels by the luma (Rec. 601); the number of channels stays.

    Args:
        p: probability. Default 0.1, as in torchvision's RandomGrayscale.

    One-channel pictures stay as they are.

    Raises:
        ValueError: at the call, for pictures with neither one nor three channels.

    Helps: makes a model look at shape; self-supervised training; data in which old or infrared pictures occur.
    Hurts: classes told apart by colour, at a high `p`.
    """

    p: float = field(default=0.1, kw_only=True)

    def describe(self, draw: Draw, view: View) -> Change | Sequence[Change]:
        return Colour(_GREY_MATRIX[None].repeat(view.count, axis=0)) if has_chroma(self, view) else ()
