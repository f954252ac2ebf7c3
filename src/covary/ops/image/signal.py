"""Noise of light and of sensors: what is added or lost depends on the value itself, or on no normal law."""

from __future__ import annotations

import numpy as np

from covary.draws.distributions import Constant, Range, Uniform
from covary.draws.laws import LAWS, law_table
from covary.draws.streams import stream_uniforms
from covary.ops.amounts import Amount
from covary.ops.base import Draw, Operation, operation, ranged
from covary.ops.image.erasing import Paint
from covary.ops.image.luma import check_fill, identity_matrix
from covary.ops.view import View
from covary.plan.changes import Change, Colour, Floats, Impulses, SignalNoise


def check_flag(owner: Operation, *arguments: str) -> None:
    """Refuse arguments that are neither True nor False."""
    for argument in arguments:
        if not isinstance(getattr(owner, argument), bool):
            owner.refuse(argument, repr(getattr(owner, argument)), "True or False")


def additive(draw: Draw, slot: str, per_channel: bool, variance: Floats, **parts: Floats) -> SignalNoise:
    """Noise whose variance is `variance`, plus `slope` times the value, plus the square of `gain` times it."""
    nothing = np.zeros_like(variance)
    slope, gain, law = parts.get("slope", nothing), parts.get("gain", nothing), parts.get("law")
    return SignalNoise("additive", variance, slope, gain, draw.stream(slot), per_channel, law)


@operation
class ShotNoise(Amount):
    """Count photons: each value becomes a Poisson number of them.

    Any (H, W, C) image; values are taken as proportional to light. A value v becomes `scale` * white * N, with N of the
    Poisson law of mean v / (`scale` * white): the mean stays, the variance is proportional to the value.

    Args:
        scale: what one photon adds, as a fraction of white: 0.01 means 100 photons at white, and there a standard
            deviation of a tenth. 0 to 1. Default 0.001 to 0.02; Albumentations' 0.1 to 0.3 leaves three to ten photons
            at white. Identity: 0.

    Counts are by a quantile function of 16-bit numbers: none is further out than 4.33 standard deviations.

    Helps: low light, short exposures, microscopy, X-rays, astronomy.
    Hurts: fine texture; tasks on noise itself (forensics, quality).
    """

    scale: Range = ranged(default=Uniform(0.001, 0.02, identity=0), low=0, high=1)

    streams = ("noise",)

    def describe(self, draw: Draw, view: View) -> Change:
        unit, nothing = view.white * draw("scale"), np.zeros(view.count)
        return SignalNoise("counts", nothing, unit, nothing, draw.stream("noise"))


# What share of the deviation at white the electronics have in the dark.
_DARK = 0.3


@operation
class ISONoise(Amount):
    """Add the grain and the colour speckles of a camera at high sensitivity.

    Any (H, W, C) image. Both parts have 0.3 of their standard deviation at black (from the electronics), all of it at
    white, and in between a variance that is linear in the value (from the light).

    Args:
        luminance: standard deviation at white of the noise that all channels share, as a fraction of white. Default
            0.01 to 0.05. Identity: 0.
        colour: standard deviation at white of the noise that each channel has for itself. Default 0.01 to 0.05.
            Identity: 0.

    Foi, Trimeche, Katkovnik and Egiazarian, "Practical Poissonian-Gaussian noise modeling and fitting for single-image
    raw-data", IEEE Transactions on Image Processing, 2008. (Albumentations has shifts of hue and Poisson numbers about
    a mean brightness in HLS.)

    Helps: photographs by night or indoors, telephones, surveillance.
    Hurts: fine texture; tasks on noise itself (forensics, quality).
    """

    luminance: Range = ranged(default=Uniform(0.01, 0.05, identity=0), low=0, high=1)
    colour: Range = ranged(default=Uniform(0.01, 0.05, identity=0), low=0, high=1)

    streams = ("grain", "speckles")

    def describe(self, draw: Draw, view: View) -> tuple[Change, ...]:
        def part(scale: Floats, slot: str, per_channel: bool) -> Change:
            variance, slope = np.square(_DARK * scale * view.white), (1 - _DARK**2) * np.square(scale) * view.white
            return additive(draw, slot, per_channel, variance, slope=slope)

        return part(draw("luminance"), "grain", False), part(draw("colour"), "speckles", True)


@operation
class MultiplicativeNoise(Operation):
    """Multiply by random numbers: one for the picture, one for each channel, or one for each pixel (speckle).

    Any (H, W, C) image.

    Args:
        multiplier: of the values, 0 to 4. Default 0.9 to 1.1. With `elementwise` the numbers are uniform between the
            lowest and the highest value of this distribution. Identity: 1.
        per_channel: whether channels get numbers of their own. Default False.
        elementwise: whether each pixel gets a number of its own. Default False.

    Helps: changes of gain; with `elementwise`, speckle of radar and ultrasound.
    Hurts: where absolute brightness decides; with `per_channel`, where colour does.
    """

    multiplier: Range = ranged(default=Uniform(0.9, 1.1, identity=1), low=0, high=4)
    per_channel: bool = False
    elementwise: bool = False

    streams = ("noise",)

    def check(self) -> None:
        check_flag(self, "per_channel", "elementwise")

    def describe(self, draw: Draw, view: View) -> Change | tuple[Change, ...]:
        if not self.elementwise:
            return _gains(self._multipliers(draw, view))
        low, high = self.law("multiplier").bounds()
        middle = (low + high) / 2
        # A uniform number in -1 .. 1 has a standard deviation of 1 / sqrt(3).
        gain = np.full(view.count, 0.0 if middle == 0 else (high - low) / (2 * middle) / np.sqrt(3))
        law = np.repeat(law_table("uniform")[None], view.count, axis=0)
        noise = additive(draw, "noise", self.per_channel, np.zeros(view.count), gain=gain, law=law)
        return noise if middle == 1 else (_gains(np.full((view.count, view.channels), middle)), noise)

    def _multipliers(self, draw: Draw, view: View) -> Floats:
        """(B, C) numbers."""
        if not self.per_channel:
            return np.repeat(draw("multiplier")[:, None], view.channels, axis=1)
        return self.law("multiplier").quantile(stream_uniforms(draw.stream("noise"), view.channels))


def _gains(gains: Floats) -> Colour:
    """(B, C) multipliers as matrices."""
    return Colour(identity_matrix(gains.shape[1]) * gains[:, :, None])


@operation
class AdditiveNoise(Amount):
    """Add random numbers of any of six laws to every value, or one to the whole picture.

    Any (H, W, C) image. Whatever the law, the numbers have mean 0 and the given standard deviation.

    Args:
        distribution: "uniform", "gaussian", "laplace" (heavy tails), "beta" (with shapes `alpha` and `beta`),
            "rayleigh" or "exponential" (both lopsided: a few values are much brighter). Default "uniform".
        std: standard deviation as a fraction of white, 0 to 1. Default 0.01 to 0.08. Identity: 0.
        alpha, beta: shapes of the beta law, 0.05 to 100. Default 2 and 2.
        per_channel: whether channels get numbers of their own. Default True.
        elementwise: whether pixels get numbers of their own; otherwise one is added to the whole picture, or to each
            channel of it. Default True.

    (Albumentations: `noise_type` with parameters of each law; `spatial_mode` "per_pixel", "shared" and "constant" are
    the two flags here. Its means are not 0: brightness is `Brightness`'s matter.)

    Helps: sensors whose noise is not normal: quantised, impulsive, radar, magnetic resonance.
    Hurts: fine texture; tasks on noise itself (forensics, quality).
    """

    distribution: str = "uniform"
    std: Range = ranged(default=Uniform(0.01, 0.08, identity=0), low=0, high=1)
    alpha: float = 2.0
    beta: float = 2.0
    per_channel: bool = True
    elementwise: bool = True

    streams = ("noise",)

    def check(self) -> None:
        self.one_of("distribution", LAWS)
        check_flag(self, "per_channel", "elementwise")
        for shape in ("alpha", "beta"):
            value = getattr(self, shape)
            if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0.05 <= value <= 100:
                self.refuse(shape, repr(value), "a number in [0.05, 100]")

    def describe(self, draw: Draw, view: View) -> Change:
        scale = view.white * draw("std")
        law = law_table(self.distribution, float(self.alpha), float(self.beta))
        if self.elementwise:
            laws = None if self.distribution == "gaussian" else np.repeat(law[None], view.count, axis=0)
            parts = {} if laws is None else {"law": laws}
            return additive(draw, "noise", self.per_channel, np.square(scale), **parts)
        from covary.draws.laws import law_values

        uniforms = stream_uniforms(draw.stream("noise"), view.channels)
        if not self.per_channel:
            uniforms = np.repeat(uniforms[:, :1], view.channels, axis=1)
        matrix = np.repeat(identity_matrix(view.channels)[None], view.count, axis=0)
        matrix[:, :, -1] = scale[:, None] * law_values((uniforms * 65536).astype(np.uint16), law)
        return Colour(matrix)


@operation
class RicianNoise(Amount):
    """Noise of magnetic resonance: the magnitude of a complex number whose two parts have Gaussian noise.

    Any (H, W, C) image: a value v becomes sqrt((v + n)**2 + m**2). What is black becomes brighter (Rayleigh noise),
    what is bright gets nearly Gaussian noise.

    Args:
        std: standard deviation of both parts as a fraction of white, 0 to 1. Default 0.01 to 0.08. Identity: 0.
        per_channel: whether channels get noise of their own. Default True.

    Gudbjartsson and Patz, "The Rician distribution of noisy MRI data", Magnetic Resonance in Medicine, 1995.

    Helps: magnetic resonance pictures of magnitudes.
    Hurts: other pictures have other noise.
    """

    std: Range = ranged(default=Uniform(0.01, 0.08, identity=0), low=0, high=1)
    per_channel: bool = True

    streams = ("noise",)

    def check(self) -> None:
        check_flag(self, "per_channel")

    def describe(self, draw: Draw, view: View) -> Change:
        variance, nothing = np.square(view.white * draw("std")), np.zeros(view.count)
        return SignalNoise("magnitude", variance, nothing, nothing, draw.stream("noise"), self.per_channel)


@operation
class PixelDropout(Amount):
    """Paint single pixels over, anywhere.

    Any (H, W, C) image.

    Args:
        amount: share of the pixels (or values) that are painted over, 0 to 1. Default 0.01. Identity: 0.
        per_channel: whether each channel loses pixels of its own; otherwise all channels of a pixel go. Default False.
        fill: a constant in the image's own range, one number or one for each channel; or "noise", independent uniform
            values. Default 0.

    Raises:
        ValueError: at the call, when `fill` has neither one value nor as many as the image has channels.

    Helps: dead pixels, bad transmission; makes a model look further than one pixel.
    Hurts: small objects and thin lines, at high amounts.
    """

    amount: Range = ranged(default=Constant(0.01, identity=0), low=0, high=1)
    per_channel: bool = False
    fill: Paint = 0

    streams = ("noise",)

    def check(self) -> None:
        check_fill(self, "fill", self.fill, "noise")
        check_flag(self, "per_channel")

    def describe(self, draw: Draw, view: View) -> Change:
        noise = isinstance(self.fill, str)
        colour = None if isinstance(self.fill, str) else view.colour(self.fill)
        none = np.zeros(view.count)
        return Impulses(draw("amount"), none, draw.stream("noise"), self.per_channel, colour, noise)
