"""Tints: casts of light and of paper, and pictures painted in two colours. All fuse with other colour changes."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from itertools import permutations
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from covary.draws.distributions import Constant, Range, Uniform
from covary.draws.streams import stream_normals
from covary.ops.amounts import Amount
from covary.ops.base import Draw, Operation, operation, ranged
from covary.ops.image.colour import ColorJitter
from covary.ops.image.luma import LUMA, has_chroma, identity_matrix
from covary.ops.view import View
from covary.plan.changes import Change, Colour

Paint: TypeAlias = tuple[float, float, float]

# The customary brown of old prints, Microsoft's and everybody's since.
_SEPIA = np.array([[0.393, 0.769, 0.189], [0.349, 0.686, 0.168], [0.272, 0.534, 0.131]])
# Kelvin of the light in which a picture is white as it is: CIE daylight D65.
_DAYLIGHT = 6500.0
# The six orders of three channels, the given one first.
_ORDERS = np.array(list(permutations(range(3))))


@operation
class Sepia(Amount):
    """Tint the picture brown, like an old print.

    Args:
        amount: share of the tinted picture in a blend with the given one, 0 to 1. Identity: 0. Default 1.

    One-channel pictures stay as they are.

    Raises:
        ValueError: at the call, for pictures with neither one nor three channels.

    Helps: archives and scans of old prints.
    Hurts: classes told apart by colour.
    """

    amount: Range = ranged(default=Constant(1.0, identity=0), low=0, high=1)

    def describe(self, draw: Draw, view: View) -> Change | Sequence[Change]:
        amount = draw("amount")[:, None, None]
        if not has_chroma(self, view):
            return ()
        tinted = np.concatenate([_SEPIA, np.zeros((3, 1))], axis=1)
        return Colour(identity_matrix(3) + amount * (tinted - identity_matrix(3)))


@operation
class PlanckianJitter(Operation):
    """Show the picture in the light of a glowing body of another temperature.

    Red, green and blue are multiplied by what such light has of them against daylight of 6500 K, green by 1: Planck's
    law seen through the CIE 1931 colour matching functions, as linear sRGB.

    Args:
        temperature: in kelvin, 2000 (candles) to 40000 (blue sky). Identity: 6500. Default: 3000 to 15000, as in the
            paper.

    One-channel pictures stay as they are.

    Raises:
        ValueError: at the call, for pictures with neither one nor three channels.

    Zini et al., "Planckian jitter: countering the color-crippling effects of color jitter on self-supervised training",
    ICLR 2023.

    Helps: photographs in all sorts of light, where ColorJitter's hues would be too many.
    Hurts: where the light has been measured and taken out.
    """

    temperature: Range = ranged(default=Uniform(3000, 15000, identity=_DAYLIGHT), low=2000, high=40000)

    def describe(self, draw: Draw, view: View) -> Change | Sequence[Change]:
        temperature = draw("temperature")
        if not has_chroma(self, view):
            return ()
        # The table is evenly spaced in the reciprocal, in which light changes evenly too.
        gains = np.stack([np.interp(1e6 / temperature, _mired(), gain) for gain in _planckian_gains().T], axis=1)
        return Colour(gains[:, :, None] * identity_matrix(3))


@operation
class FancyPCA(Amount):
    """Move all colours along the directions in which the colours of photographs vary most.

    Args:
        alpha: standard deviation of the three normal numbers by which the eigenvectors, each as long as its
            eigenvalue, are multiplied before they are added. Identity: 0. Default 0.1, as in the paper.
        eigenvalues: of the colours' covariance, in fractions of white. Default: ImageNet's.
        eigenvectors: three rows, one for red, green and blue; column k belongs to eigenvalue k. Default: ImageNet's.

    (Albumentations takes the directions from each picture by itself, which the paper does not and which costs a hundred
    times as much.) One-channel pictures stay as they are.

    Raises:
        ValueError: at the call, for pictures with neither one nor three channels.

    Krizhevsky et al., "ImageNet classification with deep convolutional neural networks", NeurIPS 2012.

    Helps: photographs: colours and brightness of the light.
    Hurts: pictures whose values are measurements; other eigenvectors suit satellites and microscopes.
    """

    alpha: Range = ranged(default=Constant(0.1, identity=0), low=0, high=10)
    eigenvalues: Paint = (0.2175, 0.0188, 0.0045)
    eigenvectors: tuple[Paint, Paint, Paint] = (
        (-0.5675, 0.7192, 0.4009),
        (-0.5808, -0.0045, -0.8140),
        (-0.5836, -0.6948, 0.4203),
    )

    streams = ("steps",)

    def check(self) -> None:
        for argument, shape in (("eigenvalues", (3,)), ("eigenvectors", (3, 3))):
            if not _numbers_of(getattr(self, argument), shape):
                self.refuse(argument, repr(getattr(self, argument)), f"numbers of shape {shape}")

    def describe(self, draw: Draw, view: View) -> Change | Sequence[Change]:
        steps = stream_normals(draw.stream("steps"), 3) * draw("alpha")[:, None]
        if not has_chroma(self, view):
            return ()
        scaled = np.array(self.eigenvectors) * np.array(self.eigenvalues)
        matrix = identity_matrix(3)[None].repeat(view.count, axis=0)
        for channel in range(3):
            matrix[:, channel, 3] = view.white * (steps * scaled[channel]).sum(axis=1)
        return Colour(matrix)


@operation
class Colorize(Amount):
    """Paint the picture in the shades between two colours, dark places in one and light ones in the other.

    Args:
        dark: colour of black, red, green and blue in fractions of white. Default (0, 0, 0).
        light: colour of white. Default (1, 0.9, 0.7).
        amount: share of the painted picture in a blend with the given one, 0 to 1. Identity: 0. Default 0.5 to 1.

    One-channel pictures stay as they are.

    Raises:
        ValueError: at the call, for pictures with neither one nor three channels.

    Helps: prints, stains, night vision and false colours of one instrument seen by another.
    Hurts: classes told apart by colour.
    """

    dark: Paint = (0.0, 0.0, 0.0)
    light: Paint = (1.0, 0.9, 0.7)
    amount: Range = ranged(default=Uniform(0.5, 1.0, identity=0), low=0, high=1)

    def check(self) -> None:
        for argument in ("dark", "light"):
            value = getattr(self, argument)
            if not _numbers_of(value, (3,)) or not all(0 <= number <= 1 for number in value):
                self.refuse(argument, repr(value), "three numbers in [0, 1]")

    def describe(self, draw: Draw, view: View) -> Change | Sequence[Change]:
        amount = draw("amount")[:, None, None]
        if not has_chroma(self, view):
            return ()
        dark, light = np.array(self.dark), np.array(self.light)
        painted = np.concatenate([np.outer(light - dark, LUMA), view.white * dark[:, None]], axis=1)
        return Colour(identity_matrix(3) + amount * (painted - identity_matrix(3)))


@operation
class PhotoMetricDistort(Amount, ColorJitter):
    """The distortion of the SSD detector: brightness, contrast, saturation, hue and the order of the channels.

    Args:
        brightness: factor, as in `Brightness`. Default 0.875 to 1.125. Identity: 1.
        contrast: factor, as in `Contrast`. Default 0.5 to 1.5. Identity: 1.
        saturation: factor, as in `Saturation`. Default 0.5 to 1.5. Identity: 1.
        hue: shift, as in `Hue`: a linear turn that keeps the luma. Default -0.05 to 0.05. Identity: 0.
        pivot: of the contrast: "middle" of the range or "mean" luma of the picture. Default "middle".
        each: probability of each of the five, by itself. Identity: 0. Default 0.5.

    At once, as one change. (SSD, and torchvision after it, goes through HSV for saturation and hue.) On one-channel
    pictures brightness and contrast act alone.

    Raises:
        ValueError: at the call, for pictures with neither one nor three channels.

    Liu et al., "SSD: Single shot multibox detector", ECCV 2016.

    Helps: detection from scratch.
    Hurts: classes told apart by colour: exchanged channels make any colour of any other.
    """

    brightness: Range = ranged(default=Uniform(0.875, 1.125, identity=1), low=0)
    contrast: Range = ranged(default=Uniform(0.5, 1.5, identity=1), low=0)
    saturation: Range = ranged(default=Uniform(0.5, 1.5, identity=1), low=0)
    each: Range = ranged(default=Constant(0.5, identity=0), low=0, high=1)

    uniforms = ("order", "has_brightness", "has_contrast", "has_saturation", "has_hue", "has_channels", "channels")

    def describe(self, draw: Draw, view: View) -> Change:
        each = draw("each")
        brightness, contrast, saturation, hue = (
            np.where(draw(f"has_{slot}") < each, draw(slot), 0.0 if slot == "hue" else 1.0)
            for slot in ("brightness", "contrast", "saturation", "hue")
        )
        jitter = self.jitter(view, brightness, contrast, saturation, hue, draw("order") < 0.5)
        if not has_chroma(self, view):
            return jitter
        chosen = np.where(draw("has_channels") < each, (draw("channels") * len(_ORDERS)).astype(np.int64), 0)
        rows, pivot = _ORDERS[chosen], jitter.pivot
        matrix = np.take_along_axis(jitter.matrix, rows[:, :, None], axis=1)
        return Colour(matrix, None if pivot is None else np.take_along_axis(pivot, rows, axis=1))


def _numbers_of(value: Any, shape: tuple[int, ...]) -> bool:
    """Whether a value is made of finite numbers in this shape."""
    array = np.asarray(value, dtype=object)
    return array.shape == shape and all(
        isinstance(number, (int, float)) and not isinstance(number, bool) and np.isfinite(number)
        for number in array.ravel()
    )


@cache
def _mired() -> NDArray[np.float64]:
    """Reciprocals of the temperatures of the table, in 1 / MK, rising."""
    return np.linspace(1e6 / 40000, 1e6 / 2000, 200)


@cache
def _planckian_gains() -> NDArray[np.float64]:
    """(200, 3) gains of red, green and blue at the temperatures of the table."""
    gains = _linear_srgb(1e6 / _mired()) / _linear_srgb(np.array([_DAYLIGHT]))
    whole: NDArray[np.float64] = np.maximum(gains / gains[:, 1:2], 0)
    return whole


def _linear_srgb(kelvin: NDArray[np.float64]) -> NDArray[np.float64]:
    """(N, 3) linear sRGB of black bodies, up to a factor."""
    nanometres = np.arange(380.0, 781.0, 5.0)
    metres = nanometres * 1e-9
    # Planck's law; the second radiation constant is 1.438777 cm K.
    power = metres**-5 / np.expm1(1.438777e-2 / (metres * kelvin[:, None]))
    xyz = np.stack([(power * curve).sum(axis=1) for curve in _matching_functions(nanometres)], axis=1)
    to_srgb = np.array([[3.2406, -1.5372, -0.4986], [-0.9689, 1.8758, 0.0415], [0.0557, -0.2040, 1.0570]])
    srgb: NDArray[np.float64] = (xyz[:, None, :] * to_srgb).sum(axis=2)
    srgb /= xyz[:, 1:2]
    return srgb


def _matching_functions(nanometres: NDArray[np.float64]) -> tuple[NDArray[np.float64], ...]:
    """The CIE 1931 functions x, y and z by the sums of Gaussians of Wyman, Sloan and Shirley (JCGT 2013)."""

    def lobe(height: float, centre: float, below: float, above: float) -> NDArray[np.float64]:
        distance = (nanometres - centre) * np.where(nanometres < centre, below, above)
        bump: NDArray[np.float64] = height * np.exp(-0.5 * np.square(distance))
        return bump

    return (
        lobe(0.362, 442.0, 0.0624, 0.0374) + lobe(1.056, 599.8, 0.0264, 0.0323) + lobe(-0.065, 501.1, 0.0490, 0.0382),
        lobe(0.821, 568.8, 0.0213, 0.0247) + lobe(0.286, 530.9, 0.0613, 0.0322),
        lobe(1.217, 437.0, 0.0845, 0.0278) + lobe(0.681, 459.0, 0.0385, 0.0725),
    )
