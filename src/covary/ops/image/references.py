"""The look of other pictures: colours and light of a picture brought to those of a reference.

References are given as a folder of pictures or as arrays. They are read once a process, made no larger than 512 pixels,
and only what an operation needs of them is kept.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b
from pathlib import Path
from typing import Any, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

from covary.draws.distributions import Range, Uniform
from covary.ops.amounts import Amount
from covary.ops.base import Draw, operation, ranged
from covary.ops.image.levels import level_counts, level_ends, looked_up
from covary.ops.image.luma import has_chroma
from covary.ops.image.moments import colour_moments, colours_mixed
from covary.ops.view import WHITE, View
from covary.plan.changes import Change, Floats, Image, Pixels

References: TypeAlias = "str | os.PathLike[str] | tuple[Any, ...]"

T = TypeVar("T")

_LARGEST = 512
_DEEP = 4096  # levels of the histograms of pictures with more than 256
_ENDINGS = (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff")


class Reference:
    """A reference picture: equal to others by what it shows. What is measured of it is measured once.

    Attributes:
        pixels: (H, W, 3) float32 in fractions of white.
    """

    __slots__ = ("_digest", "_measured", "pixels")

    def __init__(self, pixels: NDArray[np.float32]) -> None:
        self.pixels = pixels
        self._measured: dict[Any, Any] = {}
        self._digest = blake2b(pixels.tobytes(), digest_size=16).digest() + repr(pixels.shape).encode()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Reference) and self._digest == other._digest

    def __hash__(self) -> int:
        return hash(self._digest)

    def __repr__(self) -> str:
        height, width, _ = self.pixels.shape
        return f"<{height} x {width} picture>"

    def __reduce__(self) -> tuple[Any, ...]:
        return Reference, (self.pixels,)

    def steps(self, levels: int) -> tuple[tuple[Floats, Floats], ...]:
        """For each channel the levels that occur, and the share of the values at each of them or below."""
        return self._once(levels, lambda: tuple(_steps(self.pixels[..., c], levels) for c in range(3)))

    def moments(self) -> tuple[Floats, Floats]:
        """(3,) means and (3, 3) covariance of the colours."""
        return self._once("moments", lambda: colour_moments(self.pixels))

    def ends(self) -> tuple[Floats, Floats]:
        """(3,) least and greatest values of each channel."""
        return self._once("ends", lambda: _ends(self.pixels))

    def lab_moments(self) -> tuple[Floats, Floats]:
        """The moments of the colours in CIE L*a*b*."""
        return self._once("lab", lambda: colour_moments(_lab(self.pixels)))

    def _once(self, name: Any, measure: Callable[[], T]) -> T:
        if name not in self._measured:
            self._measured[name] = measure()
        made: T = self._measured[name]
        return made


@dataclass(frozen=True, repr=False)
class _Adapted(Amount):
    """What operations with references share.

    Args:
        references: a folder of pictures (with its subfolders), or a tuple of (H, W, 3) arrays, uint8, uint16 or
            float32.
    """

    uniforms = ("which",)

    references: References

    def check(self) -> None:
        given = self.references
        if isinstance(given, list):
            given = tuple(given)
            object.__setattr__(self, "references", given)
        if isinstance(given, os.PathLike):
            object.__setattr__(self, "references", os.fspath(given))
        elif isinstance(given, tuple):
            if not given or not all(isinstance(p, Reference) or _is_picture(p) for p in given):
                self.refuse("references", f"{len(given)} arrays", "(H, W, 3) arrays, uint8, uint16 or float32")
            held = tuple(p if isinstance(p, Reference) else Reference(_fractions(p)) for p in given)
            object.__setattr__(self, "references", held)
        elif not isinstance(given, str):
            self.refuse("references", type(given).__name__, "a folder of pictures, or a tuple of arrays")

    def chosen(self, draw: Draw) -> list[Reference]:
        """A reference for each picture.

        Raises:
            ValueError: there is no picture in the folder.
        """
        given: Any = self.references
        pictures = _read(given) if isinstance(given, str) else given
        return [pictures[int(share * len(pictures))] for share in draw("which")]


@operation
class HistogramMatching(_Adapted):
    """Give each channel the distribution of values of a reference picture.

    Args:
        references: a folder of pictures (with its subfolders), or a tuple of (H, W, 3) arrays, uint8, uint16 or
            float32.
        amount: share of the matched picture in a blend with the given one, 0 to 1. Identity: 0. Default 0.5 to 1.

    One-channel pictures are matched to the reference's first channel.

    Raises:
        ValueError: at the call, when there is no picture in the folder, or for another number of channels than 1 or 3.

    Helps: cameras, scanners and sites whose pictures are to be met: give some of theirs, without labels.
    Hurts: where the share of light and dark decides, as of tissue.
    """

    amount: Range = ranged(default=Uniform(0.5, 1, identity=0), low=0, high=1)

    def describe(self, draw: Draw, view: View) -> Change | Sequence[Change]:
        has_chroma(self, view)
        parts = zip(self.chosen(draw), draw("amount").tolist(), strict=True)
        return Pixels(matched, tuple({"reference": r, "amount": amount} for r, amount in parts))


@operation
class FDA(_Adapted):
    """Give the picture the amplitudes of a reference picture's low frequencies: its light and colours, large and soft.

    Args:
        references: a folder of pictures (with its subfolders), or a tuple of (H, W, 3) arrays, uint8, uint16 or
            float32.
        beta: the highest frequency that is exchanged, along each axis, as a share of half of the sampling frequency, 0
            to 0.5. Identity: 0. Default 0.01 to 0.1. (Albumentations' `beta_limit` is half of it, and up to 0.1.)

    One-channel pictures take the reference's first channel.

    Raises:
        ValueError: at the call, when there is no picture in the folder, or for another number of channels than 1 or 3.

    Yang and Soatto, "FDA: Fourier domain adaptation for semantic segmentation", CVPR 2020.

    Helps: training on one camera, country or renderer for another, of which there are pictures without labels.
    Hurts: where large soft shading decides.
    """

    beta: Range = ranged(default=Uniform(0.01, 0.1, identity=0), low=0, high=0.5)

    def describe(self, draw: Draw, view: View) -> Change | Sequence[Change]:
        has_chroma(self, view)
        parts = zip(self.chosen(draw), draw("beta").tolist(), strict=True)
        return Pixels(frequencies_exchanged, tuple({"reference": r, "beta": beta} for r, beta in parts))


@operation
class PixelDistributionAdaptation(_Adapted):
    """Give the cloud of the picture's colours the mean and the extent of a reference picture's.

    Args:
        references: a folder of pictures (with its subfolders), or a tuple of (H, W, 3) arrays, uint8, uint16 or
            float32.
        amount: share of the adapted picture in a blend with the given one, 0 to 1. Identity: 0. Default 0.25 to 1.
        transform: "standard" (mean and standard deviation of each channel), "pca" (mean and covariance), "minmax"
            (least and greatest value of each channel) or "lab" (mean and standard deviation in CIE L*a*b*: Reinhard's
            colour transfer, which a colour picture needs). Default "pca".

    One-channel pictures take the reference's first channel.

    Raises:
        ValueError: at the call, when there is no picture in the folder, or for another number of channels than 1 or 3.

    Reinhard et al., "Color transfer between images", IEEE CG&A 2001.

    Helps: cameras, scanners and stains that are to be met: give some of their pictures, without labels.
    Hurts: where colours decide.
    """

    amount: Range = ranged(default=Uniform(0.25, 1, identity=0), low=0, high=1)
    transform: str = "pca"

    def check(self) -> None:
        super().check()
        self.one_of("transform", ("standard", "pca", "minmax", "lab"))

    def describe(self, draw: Draw, view: View) -> Change | Sequence[Change]:
        colour = has_chroma(self, view)
        transform = "standard" if self.transform == "lab" and not colour else self.transform
        parts = zip(self.chosen(draw), draw("amount").tolist(), strict=True)
        return Pixels(adapted, tuple({"reference": r, "amount": a, "transform": transform} for r, a in parts))


def matched(image: Image, reference: Reference, amount: float) -> Image:
    """Each channel with its values replaced by those of the same rank in the reference; bytes in place."""
    if amount == 0:
        return image
    white = WHITE[image.dtype.name]
    levels = 256 if image.dtype == np.uint8 else _DEEP
    wanted = reference.steps(levels)[: image.shape[2]]
    straight = np.linspace(0, white, levels) * (1 - amount)
    if image.dtype == np.uint8:
        shares = np.cumsum(level_counts(image), axis=1) / (image.shape[0] * image.shape[1])
        tables = [np.interp(own, steps, there) for own, (there, steps) in zip(shares, wanted, strict=True)]
        return looked_up(image, straight + amount * (white / (levels - 1)) * np.stack(tables))
    out = np.empty_like(image)
    for channel, (there, steps) in enumerate(wanted):
        places = np.clip(image[..., channel] * ((levels - 1) / white), 0, levels - 1)
        # The level of the reference that reaches the share which each level has here.
        table = np.interp(_cumulated(places, levels), steps, there) * (white / (levels - 1))
        made = np.interp(places, np.arange(levels), straight + amount * table)
        out[..., channel] = np.rint(made) if image.dtype == np.uint16 else made
    return out


def _steps(values: NDArray[np.float32], levels: int) -> tuple[Floats, Floats]:
    shares = _cumulated(np.clip(values, 0, 1) * (levels - 1), levels)
    there = np.flatnonzero(np.diff(shares, prepend=0.0))
    return there.astype(np.float64), shares[there]


def _cumulated(places: NDArray[Any], levels: int) -> Floats:
    """(levels,) share of the values at each level or below."""
    counts = np.bincount(np.rint(places).astype(np.int64).ravel(), minlength=levels)
    shares: Floats = np.cumsum(counts) / places.size
    return shares


def frequencies_exchanged(image: Image, reference: Reference, beta: float) -> Image:
    """The amplitudes of the lowest frequencies taken from the reference, the phases kept."""
    import cv2
    from scipy import fft

    height, width, channels = image.shape
    rows, columns = int(beta * height / 2), int(beta * width / 2)
    if beta == 0:
        return image
    white = np.float32(WHITE[image.dtype.name])
    other = cv2.resize(reference.pixels[..., :channels], (width, height), interpolation=cv2.INTER_AREA)
    planes = np.moveaxis(image, 2, 0).astype(np.float32)
    other = np.moveaxis(other.reshape(height, width, channels), 2, 0) * white
    own = fft.rfft2(planes, workers=1)
    wanted = np.abs(fft.rfft2(other, workers=1))
    # The lowest rows stand at both ends of the spectrum.
    for part in (np.s_[:, : rows + 1, : columns + 1], np.s_[:, height - rows :, : columns + 1]):
        amplitude = np.abs(own[part])
        own[part] *= wanted[part] / np.maximum(amplitude, np.float32(1e-12))
    made = np.moveaxis(fft.irfft2(own, s=(height, width), workers=1), 0, 2)
    return _stored(made, image)


def adapted(image: Image, reference: Reference, amount: float, transform: str) -> Image:
    """Colours mapped so that their cloud has the reference's mean and extent; in place, but for L*a*b*."""
    if amount == 0:
        return image
    if image.dtype == np.float32:
        image = np.clip(image, 0, 1)
    if transform == "lab":
        return _adapted_in_lab(image, reference, amount)
    channels = image.shape[2]
    white = WHITE[image.dtype.name]
    if transform == "minmax":
        (low, high), (least, most) = _ends(image), reference.ends()
        factor: Floats = (most - least)[:channels] / np.maximum((high - low) / white, 1e-6)
        matrix: Floats = np.diag(factor)
        offset: Floats = least[:channels] - factor * low / white
    else:
        mean, covariance = colour_moments(image)
        own = mean / white, covariance / white**2
        matrix, offset = _between(own, _first(reference.moments(), channels), transform)
    blended = amount * matrix + (1 - amount) * np.eye(channels)
    return colours_mixed(image, np.concatenate([blended, amount * white * offset[:, None]], axis=1))


def _adapted_in_lab(image: Image, reference: Reference, amount: float) -> Image:
    import cv2

    white = np.float32(WHITE[image.dtype.name])
    own = (image / white).astype(np.float32)
    lab = _lab(own)
    matrix, offset = _between(colour_moments(lab), reference.lab_moments(), "standard")
    moved = cv2.cvtColor(colours_mixed(lab, np.concatenate([matrix, offset[:, None]], axis=1)), cv2.COLOR_Lab2RGB)
    return _stored((own + np.float32(amount) * (moved - own)) * white, image)


def _lab(colours: NDArray[np.float32]) -> NDArray[np.float32]:
    import cv2

    return np.asarray(cv2.cvtColor(np.ascontiguousarray(colours), cv2.COLOR_RGB2Lab), dtype=np.float32)


def _first(moments: tuple[Floats, Floats], channels: int) -> tuple[Floats, Floats]:
    """The moments of the first channels alone."""
    mean, covariance = moments
    return mean[:channels], covariance[:channels, :channels]


def _ends(picture: Image) -> tuple[Floats, Floats]:
    """(C,) least and greatest values of each channel."""
    if picture.dtype.kind != "f":
        low, high = level_ends(picture).astype(np.float64)
        return low, high
    return picture.min(axis=(0, 1)).astype(np.float64), picture.max(axis=(0, 1)).astype(np.float64)


def _between(own: tuple[Floats, Floats], wanted: tuple[Floats, Floats], transform: str) -> tuple[Floats, Floats]:
    """The matrix and the offset that bring one cloud of colours to the moments of another."""
    (mean, covariance), (goal, target) = own, wanted
    if transform == "pca":
        # A little of all directions keeps the roots of flat clouds apart from nothing.
        little = 1e-6 * np.eye(len(mean))
        matrix = _root(target + little) @ np.linalg.inv(_root(covariance + little))
    else:
        spread, aim = (np.sqrt(np.maximum(np.diag(each), 0)) for each in (covariance, target))
        matrix = np.diag(aim / np.maximum(spread, 1e-6))
    return matrix, goal - matrix @ mean


def _root(covariance: Floats) -> Floats:
    """The symmetric square root of a covariance."""
    values, vectors = np.linalg.eigh(covariance)
    root: Floats = np.asarray((vectors * np.sqrt(np.maximum(values, 1e-12))) @ vectors.T, dtype=np.float64)
    return root


def _stored(values: NDArray[Any], like: Image) -> Image:
    """Values in the dtype of a picture: rounded and clipped for whole numbers."""
    if like.dtype == np.float32:
        return values.astype(np.float32)
    whole: Image = np.clip(np.rint(values), 0, WHITE[like.dtype.name]).astype(like.dtype)
    return whole


def _is_picture(value: Any) -> bool:
    return isinstance(value, np.ndarray) and value.ndim == 3 and value.shape[2] == 3 and value.dtype.name in WHITE


def _fractions(picture: Image) -> NDArray[np.float32]:
    """A picture as float32 in fractions of white, no larger than is needed."""
    import cv2

    scale = _LARGEST / max(picture.shape[:2])
    if scale < 1:
        picture = cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    return np.asarray(picture / np.float32(WHITE[picture.dtype.name]), dtype=np.float32)


@lru_cache(maxsize=8)
def _read(folder: str) -> list[Reference]:
    import cv2

    paths = sorted(path for path in Path(folder).rglob("*") if path.suffix.lower() in _ENDINGS)
    pictures = []
    for path in paths:
        decoded = cv2.imdecode(np.fromfile(path, dtype=np.uint8), cv2.IMREAD_COLOR)
        if decoded is not None:
            pictures.append(Reference(_fractions(cv2.cvtColor(decoded, cv2.COLOR_BGR2RGB))))
    if not pictures:
        raise ValueError(f"references: no pictures ({', '.join(_ENDINGS)}) in {folder}")
    return pictures
