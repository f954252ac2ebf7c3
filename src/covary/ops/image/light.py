"""Light that falls unevenly: gradients, spots, dark corners, and clouds of brightness and contrast."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from covary import kernels
from covary.draws.distributions import Range, Uniform
from covary.draws.streams import stream_uniforms
from covary.ops.amounts import Amount
from covary.ops.base import Draw, Operation, operation, ranged
from covary.ops.view import View
from covary.plan.changes import Floats, Shade, Streams

# Knots along each axis of a smooth pattern, and how often a cloud's grid is halved: it has 2**6 cells at the end.
_KNOTS = 25
_OCTAVES = 7


@operation
class Illumination(Operation):
    """Make one side, one corner or a spot of the picture lighter or darker.

    Any (H, W, C) image; values are multiplied by 1 where the pattern ends and by 1 + `intensity` where it is strongest.

    Args:
        mode: "linear" (from one side to the other, in any direction), "corner" (from one of the four to the opposite
            one) or "gaussian" (a round spot anywhere). Default "linear".
        intensity: how much lighter (above 0) or darker (below 0), from -1 to 1. Identity: 0. Default: -0.2 to 0.2.
        sigma: standard deviation of the spot as a fraction of the longer side, from 0.05 to 2. Default: 0.2 to 1.

    Helps: lamps, windows, the sun: documents, microscopy, industrial parts.
    Hurts: where absolute brightness decides.
    """

    mode: str = "linear"
    intensity: Range = ranged(default=Uniform(-0.2, 0.2, identity=0), low=-1, high=1)
    sigma: Range = ranged(default=Uniform(0.2, 1.0), low=0.05, high=2)

    uniforms = ("x", "y")

    def check(self) -> None:
        self.one_of("mode", ("linear", "corner", "gaussian"))

    def describe(self, draw: Draw, view: View) -> Shade:
        x, y, sides = draw("x"), draw("y"), view.size.astype(np.float64)
        pattern = {"linear": self._gradient, "corner": self._corner, "gaussian": self._spot}[self.mode]
        strengths = 1 + draw("intensity")[:, None, None] * pattern(x, y, sides, draw)
        return _shade(strengths)

    def _gradient(self, x: Floats, y: Floats, sides: Floats, draw: Draw) -> Floats:
        """0 on one side of the frame, 1 on the other: along a direction in pixels."""
        angle = 2 * np.pi * x
        across, down = np.cos(angle) * sides[:, 1], np.sin(angle) * sides[:, 0]
        place = _PLACES * across[:, None, None] + _PLACES[:, None] * down[:, None, None]
        gradient: Floats = 0.5 + place / (np.abs(across) + np.abs(down))[:, None, None]
        return gradient

    def _corner(self, x: Floats, y: Floats, sides: Floats, draw: Draw) -> Floats:
        """1 in one corner, 0 at the opposite one, by distance in pixels."""
        right, bottom = np.where(x < 0.5, -0.5, 0.5), np.where(y < 0.5, -0.5, 0.5)
        distance = np.sqrt(_squares(right, bottom, sides) / np.square(sides).sum(axis=1)[:, None, None])
        nearness: Floats = 1 - distance
        return nearness

    def _spot(self, x: Floats, y: Floats, sides: Floats, draw: Draw) -> Floats:
        width = (draw("sigma") * sides.max(axis=1))[:, None, None]
        spot: Floats = np.exp(-0.5 * _squares(x - 0.5, y - 0.5, sides) / np.square(width))
        return spot


@operation
class Vignetting(Amount):
    """Darken the corners, as lenses do.

    Any (H, W, C) image; at a share r of the way from the centre to the corners values are multiplied by
    1 - `intensity` * r**2.

    Args:
        intensity: how much darker the corners are, 0 to 1. Identity: 0. Default: 0.1 to 0.5.
        centre: how far the centre may be from the middle, along each axis, as a fraction of the side, 0 to 0.5. Default
            0.1.

    Helps: pictures of many cameras; endoscopes and microscopes.
    Hurts: where absolute brightness decides, as in photometry.
    """

    intensity: Range = ranged(default=Uniform(0.1, 0.5, identity=0), low=0, high=1)
    centre: float = 0.1

    uniforms = ("x", "y")

    def check(self) -> None:
        if isinstance(self.centre, bool) or not isinstance(self.centre, (int, float)) or not 0 <= self.centre <= 0.5:
            self.refuse("centre", repr(self.centre), "a number in [0, 0.5]")

    def describe(self, draw: Draw, view: View) -> Shade:
        sides = view.size.astype(np.float64)
        x, y = ((2 * draw(axis) - 1) * self.centre for axis in ("x", "y"))
        furthest = np.square((0.5 + np.stack([np.abs(y), np.abs(x)], axis=1)) * sides).sum(axis=1)[:, None, None]
        strengths = 1 - draw("intensity")[:, None, None] * _squares(x, y, sides) / furthest
        return _shade(strengths)


@operation
class PlasmaBrightness(Amount):
    """Add a cloud: lighter here, darker there.

    Any (H, W, C) image. The cloud is fractal noise between -1 and 1.

    Args:
        intensity: what is added where the cloud is densest, as a fraction of white, 0 to 1. Identity: 0. Default: 0.1
            to 0.5.
        roughness: how much of the height of each octave the next finer one has, 0 (smooth) to 1. Default: 0.1 to 0.7,
            as in Kornia.

    Nicolaou, Christlein, Riba et al., "TorMentor: deterministic dynamic-path data augmentation", CVPR workshops 2022.

    Helps: uneven light of any shape: documents, medical pictures.
    Hurts: where absolute brightness decides.
    """

    intensity: Range = ranged(default=Uniform(0.1, 0.5, identity=0), low=0, high=1)
    roughness: Range = ranged(default=Uniform(0.1, 0.7), low=0, high=1)

    streams = ("cloud",)

    def describe(self, draw: Draw, view: View) -> Shade:
        heights = (2 * clouds(draw.stream("cloud"), draw("roughness")) - 1) * draw("intensity")[:, None, None]
        return _shade(1.0, heights * view.white)


@operation
class PlasmaContrast(Amount):
    """Raise and lower the contrast by a cloud, about mid-grey.

    Any (H, W, C) image. The cloud is fractal noise between -1 and 1.

    Args:
        intensity: contrast is multiplied by 1 + `intensity` where the cloud is densest and by 1 - `intensity` where it
            is thinnest, 0 to 1. Identity: 0. Default: 0.1 to 0.5.
        roughness: how much of the height of each octave the next finer one has, 0 (smooth) to 1. Default: 0.1 to 0.7,
            as in Kornia.

    Nicolaou, Christlein, Riba et al., "TorMentor: deterministic dynamic-path data augmentation", CVPR workshops 2022.

    Helps: haze, reflections, worn prints.
    Hurts: where contrast decides, as of lesions.
    """

    intensity: Range = ranged(default=Uniform(0.1, 0.5, identity=0), low=0, high=1)
    roughness: Range = ranged(default=Uniform(0.1, 0.7), low=0, high=1)

    streams = ("cloud",)

    def describe(self, draw: Draw, view: View) -> Shade:
        heights = (2 * clouds(draw.stream("cloud"), draw("roughness")) - 1) * draw("intensity")[:, None, None]
        return _shade(1 + heights, -heights * (view.white / 2))


@operation
class PlasmaShadow(Amount):
    """Darken by a cloud.

    Any (H, W, C) image. The cloud is fractal noise between 0 and 1.

    Args:
        intensity: values are multiplied by 1 - `intensity` where the cloud is densest, 0 to 1. Identity: 0. Default:
            0.3 to 0.7.
        roughness: how much of the height of each octave the next finer one has, 0 (smooth) to 1. Default: 0.1 to 0.7,
            as in Kornia.

    Nicolaou, Christlein, Riba et al., "TorMentor: deterministic dynamic-path data augmentation", CVPR workshops 2022.

    Helps: shadows of leaves, clouds, hands.
    Hurts: where absolute brightness decides; dark pictures.
    """

    intensity: Range = ranged(default=Uniform(0.3, 0.7, identity=0), low=0, high=1)
    roughness: Range = ranged(default=Uniform(0.1, 0.7), low=0, high=1)

    streams = ("cloud",)

    def describe(self, draw: Draw, view: View) -> Shade:
        heights = clouds(draw.stream("cloud"), draw("roughness")) * draw("intensity")[:, None, None]
        return _shade(1 - heights)


def clouds(streams: Streams, roughness: Floats) -> Floats:
    """(B, 65, 65) fractal noise, from 0 (somewhere) to 1 (somewhere else).

    Grids of 1, 2, 4 ... 64 cells along each side hold uniform numbers; each is spread over the finest one, multiplied
    by a further power of `roughness`, and added.
    """
    weights = roughness[:, None] ** np.arange(_OCTAVES)
    if kernels.native is not None:
        side = 2 ** (_OCTAVES - 1) + 1
        grids = np.empty((len(streams), side, side))
        kernels.native.grow_clouds(np.ascontiguousarray(streams), weights, grids)
        return grids
    numbers = [(2**octave + 1) ** 2 for octave in range(_OCTAVES)]
    uniforms = stream_uniforms(streams, sum(numbers))
    cloud = np.zeros((len(streams), 2, 2))
    start = 0
    for octave, count in enumerate(numbers):
        side = 2**octave + 1
        if octave:
            cloud = _doubled(_doubled(cloud).transpose(0, 2, 1)).transpose(0, 2, 1)
        own = uniforms[:, start : start + count].reshape(-1, side, side)
        cloud = cloud + own * weights[:, octave, None, None]
        start += count
    low, high = cloud.min(axis=(1, 2), keepdims=True), cloud.max(axis=(1, 2), keepdims=True)
    spread: Floats = (cloud - low) / np.maximum(high - low, 1e-12)
    return spread


def _doubled(grids: NDArray[np.float64]) -> NDArray[np.float64]:
    """(B, n, m) knots with a new one between each two rows: (B, 2 n - 1, m)."""
    made = np.empty((len(grids), 2 * grids.shape[1] - 1, grids.shape[2]))
    made[:, ::2] = grids
    made[:, 1::2] = 0.5 * (grids[:, :-1] + grids[:, 1:])
    return made


# Places of the knots along an axis, from the middle, as fractions of the side.
_PLACES = np.linspace(-0.5, 0.5, _KNOTS)


def _squares(x: Floats, y: Floats, sides: Floats) -> Floats:
    """(B, knots, knots) squares of the distances in pixels from (B,) places, fractions of the sides from the middle."""
    along = np.square((_PLACES - x[:, None]) * sides[:, 1:])
    down = np.square((_PLACES - y[:, None]) * sides[:, :1])
    squares: Floats = along[:, None, :] + down[:, :, None]
    return squares


def _shade(gains: Floats | float, offsets: Floats | float = 0.0) -> Shade:
    """Gains and offsets (B, gh, gw), the same for all channels."""
    shape = np.broadcast_shapes(np.shape(gains), np.shape(offsets))
    knots = np.empty((*shape, 2, 1), np.float32)
    knots[..., 0, 0], knots[..., 1, 0] = gains, offsets
    return Shade(tuple(knots))
