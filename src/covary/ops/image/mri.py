"""What goes wrong in magnetic resonance imaging: uneven coils, a patient who moves, spikes, thick slices."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from covary.draws.distributions import Constant, Integers, Range, Uniform
from covary.draws.streams import stream_uniforms
from covary.ops.amounts import Amount
from covary.ops.base import Draw, operation, ranged
from covary.ops.image.planes import as_picture, by_planes
from covary.ops.view import View
from covary.plan.changes import Change, Floats, Image, Pixels, Shade

# Knots of the field along each axis, between which it is bilinear.
_KNOTS = 65
_AXES = ("rows", "columns", "random")


@operation
class BiasField(Amount):
    """Multiply by a smooth field, as coils do that hear some places better than others.

    Any (H, W, C) image; the field is the exponential of a polynomial in x and y, which go from -1 to 1 over the
    picture, divided by its mean.

    Args:
        coefficients: every coefficient of the polynomial is drawn evenly from minus this to this, 0 to 10.
            Identity: 0. Default 0.3; TorchIO's 0.5 leaves white and black areas where values have a range.
        order: the highest power, 1 to 9. Default 3, as in TorchIO.

    Van Leemput et al., "Automated model-based tissue classification of MR images of the brain", IEEE TMI 1999; Sudre et
    al., "Longitudinal segmentation of age-related white matter hyperintensities", Medical Image Analysis 2017.

    Helps: MRI of any part; microscopes and X-rays with uneven light.
    Hurts: where absolute brightness decides.
    """

    coefficients: Range = ranged(default=Constant(0.3, identity=0), low=0, high=10)
    order: int = 3

    streams = ("field",)

    def check(self) -> None:
        if isinstance(self.order, bool) or self.order not in range(1, 10):
            self.refuse("order", repr(self.order), "a whole number from 1 to 9")

    def describe(self, draw: Draw, view: View) -> Change:
        terms = [(down, across) for down in range(self.order + 1) for across in range(self.order + 1 - down)]
        drawn = 2 * stream_uniforms(draw.stream("field"), len(terms)) - 1
        drawn *= draw("coefficients")[:, None]
        places = np.linspace(-1, 1, _KNOTS)
        powers = places ** np.arange(self.order + 1)[:, None]
        exponent = np.zeros((view.count, _KNOTS, _KNOTS))
        for term, (down, across) in enumerate(terms):
            exponent += drawn[:, term, None, None] * (powers[down][:, None] * powers[across])
        gain = np.exp(exponent)
        gain /= gain.mean(axis=(1, 2), keepdims=True)
        grids = np.stack([gain, np.zeros_like(gain)], axis=-1)[..., None].astype(np.float32)
        return Shade(tuple(grids))


@operation
class Ghosting(Amount):
    """Repeat the picture faintly along one axis, as breath and pulse do in MRI.

    Any (H, W, C) image. In k-space, along the axis of phase encoding, every line whose number is a multiple of `ghosts`
    is weakened: the picture loses `intensity` times the mean of `ghosts` copies, shifted by equal parts of the side.

    Args:
        ghosts: how many, 2 to 64. Default 4 to 10, as in TorchIO.
        intensity: how much the lines are weakened, 0 to 1. Identity: 0. Default 0.5 to 1, as in TorchIO.
        restore: share of the lines around the centre of k-space that stay, 0 to 1. Default 0.02, as in TorchIO. The
            central one stays always, and with it the mean.
        axis: along which the ghosts lie: "rows" (one above the other), "columns" (side by side) or "random". Default
            "random".

    Values below 0 are clipped, above white too.

    Axel et al., "Respiratory effects in two-dimensional Fourier transform MR imaging", Radiology 1986.

    Helps: MRI of chest, belly and heart, and of restless patients.
    Hurts: other instruments.
    """

    ghosts: Range = ranged(default=Integers(4, 10), low=2, high=64)
    intensity: Range = ranged(default=Uniform(0.5, 1.0, identity=0), low=0, high=1)
    restore: Range = ranged(default=Constant(0.02), low=0, high=1)
    axis: str = "random"

    uniforms = ("along",)

    def check(self) -> None:
        self.one_of("axis", _AXES)

    def describe(self, draw: Draw, view: View) -> Change:
        numbers = zip(
            np.rint(draw("ghosts")).tolist(),
            draw("intensity").tolist(),
            draw("restore").tolist(),
            _axes(self.axis, draw),
            strict=True,
        )
        return Pixels(
            _ghosted,
            tuple(
                {"ghosts": int(ghosts), "intensity": intensity, "restore": restore, "axis": axis}
                for ghosts, intensity, restore, axis in numbers
            ),
        )


def _axes(axis: str, draw: Draw) -> list[int]:
    """0 for rows, 1 for columns, for each sample."""
    along = draw("along")
    chosen: list[int] = (
        ((along >= 0.5) if axis == "random" else np.full(along.shape, axis == "columns")).astype(int).tolist()
    )
    return chosen


def _ghosted(picture: Image, ghosts: int, intensity: float, restore: float, axis: int) -> Image:
    from scipy.fft import irfft, rfft

    length = picture.shape[axis]
    lines = np.arange(length // 2 + 1)
    weakened = (lines % ghosts == 0) & (lines > restore * length / 2) & (lines > 0)
    if intensity == 0 or not weakened.any():
        return picture
    spectrum = rfft(picture.astype(np.float32), axis=axis)
    spectrum[(slice(None),) * axis + (weakened,)] *= np.float32(1 - intensity)
    return _clipped(irfft(spectrum, length, axis=axis, overwrite_x=True), picture)


def _clipped(values: Floats, picture: Image) -> Image:
    """Values in the picture's dtype and range; those of float32 within 0 and 1, or the picture's own range if wider."""
    if picture.dtype != np.float32:
        return as_picture(values, picture.dtype)
    return np.clip(values, min(0.0, float(picture.min())), max(1.0, float(picture.max()))).astype(np.float32)


@operation
class RandomMotion(Amount):
    """Move the patient while k-space is filled, line by line.

    Any (H, W, C) image. The picture is turned and shifted several times; the lines of k-space along the axis of phase
    encoding come from one after the other of these pictures, changing at random times. What is seen is the magnitude.

    Args:
        degrees: each position is turned by an angle drawn evenly from minus this to this, 0 to 180. Identity: 0.
            Default 0 to 10, as in TorchIO.
        translation: and shifted along both axes by up to this share of the side, 0 to 1. Identity: 0. Default 0 to
            0.05.
        transforms: how many times the patient moves, 1 to 16. Default 2, as in TorchIO.
        axis: of phase encoding: "rows", "columns" or "random". Default "random".

    Labels stay: the lines at the centre of k-space, which decide where things are seen, come from the picture as it
    was. What lies outside is the edge.

    Shaw et al., "MRI k-space motion artefact augmentation: model robustness and task-specific uncertainty", MIDL 2019.

    Helps: MRI of children and restless patients; tests of quality.
    Hurts: other instruments.
    """

    degrees: Range = ranged(default=Uniform(0, 10, identity=0), low=0, high=180)
    translation: Range = ranged(default=Uniform(0, 0.05, identity=0), low=0, high=1)
    transforms: Range = ranged(default=Integers(2, 2), low=1, high=16)
    axis: str = "random"

    uniforms = ("along",)
    streams = ("motions",)

    def check(self) -> None:
        self.one_of("axis", _AXES)

    def describe(self, draw: Draw, view: View) -> Change:
        times, streams, axes = np.rint(draw("transforms")).astype(int), draw.stream("motions"), _axes(self.axis, draw)
        parameters: list[dict[str, Any]] = []
        for sample, (degrees, translation) in enumerate(
            zip(draw("degrees").tolist(), draw("translation").tolist(), strict=True)
        ):
            drawn = stream_uniforms(streams[sample : sample + 1], 4 * int(times[sample]))[0].reshape(-1, 4)
            moves = (2 * drawn[:, :3] - 1) * [degrees, translation, translation]
            parameters.append({"moves": moves, "times": np.sort(drawn[:, 3]), "axis": axes[sample]})
        return Pixels(_moved, tuple(parameters))


def _moved(picture: Image, moves: Floats, times: Floats, axis: int) -> Image:
    from scipy.fft import fft, ifft

    if not moves.any():
        return picture
    values, length = picture.astype(np.float32), picture.shape[axis]
    spectrum = fft(values, axis=axis)
    # Lines in the order in which they are taken, from the lowest frequency to the highest.
    lines = np.fft.fftshift(np.arange(length))
    segments = np.searchsorted(times, (np.arange(length) + 0.5) / length)
    # The segment that takes the centre of k-space shows the picture as it was; others follow it.
    segments -= segments[length // 2]
    for segment in np.unique(segments[segments != 0]).tolist():
        move = moves[segment - 1 if segment > 0 else segment]
        other = fft(by_planes(values, partial(_turned, move=move)), axis=axis)
        index = (slice(None),) * axis + (lines[segments == segment],)
        spectrum[index] = other[index]
    return as_picture(np.abs(ifft(spectrum, axis=axis, overwrite_x=True)), picture.dtype)


def _turned(planes: Image, move: Floats) -> Image:
    import cv2

    degrees, across, down = move.tolist()
    height, width = planes.shape[:2]
    matrix = cv2.getRotationMatrix2D((0.5 * (width - 1), 0.5 * (height - 1)), degrees, 1.0)
    matrix[:, 2] += across * width, down * height
    return np.asarray(cv2.warpAffine(planes, matrix, (width, height), borderMode=cv2.BORDER_REPLICATE))


@operation
class KSpaceSpike(Amount):
    """Lay stripes over the picture, as a spark does that spoils one point of k-space.

    Any (H, W, C) image. A point of k-space gets `intensity` times the largest magnitude there is, the mean's: a wave
    with that amplitude is added to the picture.

    Args:
        spikes: how many points, 1 to 16. Default 1, as in TorchIO.
        intensity: of each, as a share of the mean, 0 to 10. Identity: 0. Default 0.1 to 0.5; TorchIO's 1 to 3 leave
            little but stripes.

    Graves and Mitchell, "Body MRI artifacts in clinical practice", Journal of Magnetic Resonance Imaging 2013.

    Helps: MRI; regular interference of any kind.
    Hurts: fine regular textures.
    """

    spikes: Range = ranged(default=Integers(1, 1), low=1, high=16)
    intensity: Range = ranged(default=Uniform(0.1, 0.5, identity=0), low=0, high=10)

    streams = ("places",)

    def describe(self, draw: Draw, view: View) -> Change:
        counts = np.rint(draw("spikes")).astype(int).tolist()
        places = stream_uniforms(draw.stream("places"), 2 * max(counts)).reshape(view.count, -1, 2)
        numbers = zip(counts, places, draw("intensity").tolist(), strict=True)
        return Pixels(
            _striped, tuple({"places": own[:count], "intensity": intensity} for count, own, intensity in numbers)
        )


def _striped(picture: Image, places: Floats, intensity: float) -> Image:
    if intensity == 0:
        return picture
    height, width = picture.shape[:2]
    waves = np.zeros((height, width), np.float32)
    for down, across in places:
        # The centre of k-space is left out where there is anything else: it would change the brightness alone.
        u, v = int(down * height), int(across * width)
        if u == v == 0:
            u, v = (height > 1) * 1, (width > 1) * 1
        rows, columns = 2 * np.pi * u / height * np.arange(height), 2 * np.pi * v / width * np.arange(width)
        # The cosine of a sum, by rows and columns.
        waves += np.outer(np.cos(rows).astype(np.float32), np.cos(columns).astype(np.float32))
        waves -= np.outer(np.sin(rows).astype(np.float32), np.sin(columns).astype(np.float32))
    mean = np.mean(picture, axis=(0, 1), dtype=np.float64)
    values = picture + waves[..., None] * (intensity * mean).astype(np.float32)
    return _clipped(values, picture)


@operation
class Anisotropy(Amount):
    """Make the picture coarser along one axis and bring it back to its size: slices thicker than pixels are wide.

    Any (H, W, C) image.

    Args:
        factor: how many pixels one thick one has, 1 to 64. Identity: 1. Default 1.5 to 5, as in TorchIO.
        axis: along which: "rows" (thick one above the other), "columns" or "random". Default "random".

    A thick pixel is the mean of what it covers (TorchIO takes the nearest pixel); the way back is linear.

    Billot et al., "Partial volume segmentation of brain MRI scans of any resolution and contrast", MICCAI 2020.

    Helps: MRI and CT with thick slices, seen from the side; scanners with unequal resolution.
    Hurts: thin structures across the axis.
    """

    factor: Range = ranged(default=Uniform(1.5, 5.0, identity=1), low=1, high=64)
    axis: str = "random"

    uniforms = ("along",)

    def check(self) -> None:
        self.one_of("axis", _AXES)

    def describe(self, draw: Draw, view: View) -> Change:
        numbers = zip(draw("factor").tolist(), _axes(self.axis, draw), strict=True)
        return Pixels(_thickened, tuple({"factor": factor, "axis": axis} for factor, axis in numbers))


def _thickened(picture: Image, factor: float, axis: int) -> Image:
    import cv2

    height, width = picture.shape[:2]
    fewer = max(1, round(picture.shape[axis] / factor))
    if fewer == picture.shape[axis]:
        return picture
    size = (width, fewer) if axis == 0 else (fewer, height)

    def there_and_back(planes: Image) -> Any:
        # In real values: rounding happens once.
        thick = cv2.resize(planes.astype(np.float32), size, interpolation=cv2.INTER_AREA)
        return cv2.resize(thick, (width, height), interpolation=cv2.INTER_LINEAR)

    return as_picture(by_planes(picture, there_and_back), picture.dtype)
