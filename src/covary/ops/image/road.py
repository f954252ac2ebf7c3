"""Light and ground as cameras on roads see them: shadows, the sun in the lens, gravel, wet asphalt, night."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from covary.draws.distributions import Constant, Integers, Range, Uniform
from covary.draws.streams import stream_uniforms
from covary.ops.amounts import Amount
from covary.ops.base import Draw, operation, ranged
from covary.ops.image.cover import cover, strokes, tinted
from covary.ops.image.weather import lines_of, numbers
from covary.ops.view import View
from covary.plan.changes import Change, Floats, GaussianField, Image, Pixels, Shade

# Knots along each axis of what is smooth, and of what has an edge.
_SOFT, _SHARP = 41, 49


@operation
class RandomShadow(Amount):
    """Cast shadows: polygons that are darker, with a soft edge.

    Any (H, W, C) image.

    Args:
        intensity: how much darker a shadow is, 0 to 1. Default 0.3 to 0.7 (Albumentations: 0.5). Identity: 0.
        shadows: how many: a whole number or an inclusive range (low, high), 1 to 8. Default 1 to 2.
        corners: of each polygon, 3 to 12. Default 5.
        region: x0, y0, x1, y1, where corners may lie, as fractions of the sides. Default the lower half.

    Edges are soft over about a fiftieth of the side. Where shadows overlap, it is no darker.

    Helps: driving, aerial pictures, robots outdoors.
    Hurts: where shadows tell something (time of day, height).
    """

    intensity: Range = ranged(default=Uniform(0.3, 0.7, identity=0), low=0, high=1)
    shadows: Range = ranged(default=Integers(1, 2), low=1, high=8)
    corners: int = 5
    region: tuple[float, float, float, float] = (0.0, 0.5, 1.0, 1.0)

    streams = ("places",)

    def check(self) -> None:
        if isinstance(self.corners, bool) or not isinstance(self.corners, int) or not 3 <= self.corners <= 12:
            self.refuse("corners", repr(self.corners), "a whole number in [3, 12]")
        check_region(self)

    def describe(self, draw: Draw, view: View) -> Change:
        import cv2

        most = int(self.law("shadows").bounds()[1])
        places = stream_uniforms(draw.stream("places"), most * self.corners * 2)
        x0, y0, x1, y1 = self.region
        corners = places.reshape(view.count, most, self.corners, 2) * (x1 - x0, y1 - y0) + (x0, y0)
        points = np.rint(_in_turn(corners) * ((_SHARP - 1) * 16)).astype(np.int32)
        grids = np.zeros((view.count, _SHARP, _SHARP), np.uint8)
        for grid, polygons, count in zip(grids, points, draw("shadows").astype(int).tolist(), strict=True):
            for polygon in polygons[:count]:
                cv2.fillPoly(grid, [polygon], 255, cv2.LINE_AA, 4)
        parts = np.zeros((view.count, _SHARP, _SHARP, 2, 1), np.float32)
        np.multiply(grids, (draw("intensity") / -255).astype(np.float32)[:, None, None], out=parts[..., 0, 0])
        parts[..., 0, 0] += 1
        return Shade(tuple(parts))


def _in_turn(corners: Floats) -> Floats:
    """Corners in the order in which they stand about their middle: polygons that do not cross themselves."""
    around = corners - corners.mean(axis=2, keepdims=True)
    order = np.argsort(np.arctan2(around[..., 1], around[..., 0]), axis=2)
    turned: Floats = np.take_along_axis(corners, order[..., None], axis=2)
    return turned


def check_region(owner: RandomShadow | RandomSunFlare | RandomGravel) -> None:
    """Refuse a region that is not x0 < x1, y0 < y1 in 0 .. 1."""
    region = owner.region
    numbers_there = isinstance(region, (tuple, list)) and len(region) == 4
    if not numbers_there or not (0 <= region[0] < region[2] <= 1 and 0 <= region[1] < region[3] <= 1):
        owner.refuse("region", repr(region), "four fractions x0, y0, x1, y1 with 0 <= x0 < x1 <= 1, 0 <= y0 < y1 <= 1")


_GHOSTS = 7


@operation
class RandomSunFlare(Amount):
    """Let the sun shine into the lens: a glare with rays, and discs of light on the line through the middle.

    Any (H, W, C) image; light is added, in colour where there are three channels.

    Args:
        intensity: of the glare, as a fraction of white, 0 to 2. Default 0.4 to 1. Identity: 0.
        region: x0, y0, x1, y1, where the sun may stand, as fractions of the sides. Default the upper half.
        radius: of the glare as a fraction of the longer side, 0.02 to 1. Default 0.1 to 0.3.

    Hullin, Eisemann, Seidel and Lee, "Physically-based real-time lens flare rendering", SIGGRAPH 2011, for where the
    discs are: light that lenses reflect comes to lie across the middle from the sun.

    Helps: driving, drones, sports.
    Hurts: indoor scenes; dark objects near the sun.
    """

    intensity: Range = ranged(default=Uniform(0.4, 1.0, identity=0), low=0, high=2)
    region: tuple[float, float, float, float] = (0.0, 0.0, 1.0, 0.5)
    radius: Range = ranged(default=Uniform(0.1, 0.3), low=0.02, high=1)

    uniforms = ("x", "y")
    streams = ("ghosts",)

    def check(self) -> None:
        check_region(self)

    def describe(self, draw: Draw, view: View) -> Change:
        x0, y0, x1, y1 = self.region
        sun = np.stack([x0 + (x1 - x0) * draw("x"), y0 + (y1 - y0) * draw("y")], axis=1)
        sides = view.size[:, ::-1] / view.size.max(axis=1, keepdims=True).clip(1)
        ghosts = stream_uniforms(draw.stream("ghosts"), _GHOSTS * 6).reshape(view.count, _GHOSTS, 6)
        rows = zip(sun * sides, sides, draw("radius"), ghosts, draw("intensity"), strict=True)
        return Shade(tuple(_flare(*row, view) for row in rows))


def _flare(
    sun: Floats, sides: Floats, radius: float, ghosts: Floats, intensity: float, view: View
) -> NDArray[np.float32]:
    """A grid of light; places are fractions of the longer side."""
    place = np.linspace(0, 1, _SOFT)
    x, y = place * sides[0] - sun[0], place[:, None] * sides[1] - sun[1]
    distance = np.hypot(x, y) / radius
    rays = 1 + 0.35 * np.cos(6 * np.arctan2(y, x) + 6 * ghosts[0, 0]) * np.minimum(distance, 1)
    glare = np.minimum(np.exp(-1.5 * distance) * rays + 0.6 * np.exp(-8 * distance * distance), 1.3)
    light = glare[..., None] * tinted((1.0, 0.95, 0.85), view.channels)
    # Discs: from the sun across the middle (at 1) to beyond it.
    middle = sides / 2 - sun
    along, size, strength = 0.4 + 1.8 * ghosts[:, 1], 0.015 + 0.06 * ghosts[:, 2], 0.06 + 0.2 * ghosts[:, 3]
    dx, dy = x - (along * middle[0])[:, None, None], y - (along * middle[1])[:, None, None]
    discs = strength[:, None, None] * np.clip(4 * (1 - np.sqrt(dx * dx + dy * dy) / size[:, None, None]), 0, 1)
    hues = 0.4 + 0.6 * ghosts[:, 3:] if view.channels == 3 else np.full((_GHOSTS, view.channels), 0.7)
    light += np.tensordot(discs, hues, axes=(0, 0))
    parts = np.empty((_SOFT, _SOFT, 2, view.channels), np.float32)
    parts[:, :, 0], parts[:, :, 1] = 1, light * (intensity * view.white)
    return parts


@operation
class RandomGravel(Amount):
    """Strew gravel: patches of small stones of many greys, each with its shadow.

    Any (H, W, C) image.

    Args:
        amount: how many stones: 1 gives 400, 0 to 1. Default 0.2 to 0.6. Identity: 0.
        patches: how many: a whole number or an inclusive range (low, high), 1 to 10. Default 1 to 3.
        region: x0, y0, x1, y1, where the patches' middles may lie, as fractions of the sides. Default the lower part.

    Helps: driving, robots outdoors.
    Hurts: small objects on the ground.
    """

    amount: Range = ranged(default=Uniform(0.2, 0.6, identity=0), low=0, high=1)
    patches: Range = ranged(default=Integers(1, 3), low=1, high=10)
    region: tuple[float, float, float, float] = (0.1, 0.4, 0.9, 0.9)

    streams = ("stones",)

    def check(self) -> None:
        check_region(self)

    def describe(self, draw: Draw, view: View) -> Change:
        rows = zip(draw("amount").tolist(), draw("patches").tolist(), draw.stream("stones").tolist(), strict=True)
        region = tuple(self.region)
        return Pixels(
            gravelled,
            tuple(
                {"amount": amount, "patches": round(patches), "region": region, "stream": stream}
                for amount, patches, stream in rows
            ),
        )


_STONES = 400


def gravelled(
    image: Image, amount: float, patches: int, region: tuple[float, float, float, float], stream: int
) -> Image:
    """The picture with gravel on it; works in place."""
    count = round(amount * _STONES)
    if not count or image.size == 0:
        return image
    height, width, _ = image.shape
    chance = numbers(stream, _STONES + patches, 4)
    x0, y0, x1, y1 = region
    middles = chance[:patches, :2] * (x1 - x0, y1 - y0) + (x0, y0)
    stones = chance[patches : patches + count]
    angle, far = 2 * np.pi * stones[:, 0], np.sqrt(stones[:, 1])
    # Patches are flat, as on the ground.
    spread = np.stack([0.22 * np.cos(angle), 0.08 * np.sin(angle)], axis=1) * far[:, None]
    centres = (middles[np.arange(count) % patches] + spread) * (width, height)
    unit = max(max(height, width) / 256, 0.5)
    radius = (0.7 + 1.3 * stones[:, 2] ** 2) * unit
    alpha, light = np.zeros((height, width), np.uint8), np.zeros((height, width), np.uint8)
    # The shadow first, below and to the right: it is black.
    shift = 0.6 * unit
    strokes(alpha, light, lines_of(centres + shift, centres + shift, radius), 130)
    strokes(alpha, light, lines_of(centres, centres, radius), 230, (60 + 150 * stones[:, 3]).astype(np.uint8))
    return cover(image, alpha, light, (1.0, 0.97, 0.92))


@operation
class WetRoad(Amount):
    """Wet the ground: it becomes darker and mirrors what is above the horizon, in ripples.

    Any (H, W, C) image.

    Args:
        wetness: 0 to 1: how much is mirrored, and how dark the rest becomes. Default 0.3 to 0.8. Identity: 0.
        horizon: where the ground begins, as a fraction of the height from the top, 0.2 to 0.9. Default 0.5 to 0.6.

    Helps: driving.
    Hurts: pictures without a ground; labels of what is mirrored do not come to the mirror.
    """

    wetness: Range = ranged(default=Uniform(0.3, 0.8, identity=0), low=0, high=1)
    horizon: Range = ranged(default=Uniform(0.5, 0.6), low=0.2, high=0.9)

    streams = ("ripples",)

    def describe(self, draw: Draw, view: View) -> Change:
        rows = zip(draw("wetness").tolist(), draw("horizon").tolist(), draw.stream("ripples").tolist(), strict=True)
        return Pixels(
            wetted, tuple({"wetness": wetness, "horizon": at, "stream": stream} for wetness, at, stream in rows)
        )


def wetted(image: Image, wetness: float, horizon: float, stream: int) -> Image:
    """The picture with wet ground; works in place."""
    height, _, _ = image.shape
    first = round(horizon * height)
    if wetness <= 0 or image.size == 0 or not 0 < first < height:
        return image
    depth = np.arange(height - first)
    # Ripples: each row looks up a little higher or lower, the more so the nearer it is.
    phase, pace = 2 * np.pi * numbers(stream, 2)
    waves = np.sin(phase + depth * (0.5 + pace / 12)) * (1 + 0.02 * depth)
    mirrored = np.clip(np.rint(first - 1 - depth + waves), 0, first - 1).astype(int)
    # Towards the viewer less is mirrored (Fresnel), and there the water is patchy.
    share = (wetness * (0.65 - 0.4 * depth / len(depth))).astype(np.float32)[:, None, None]
    ground = image[first:].astype(np.float32) * (np.float32(1 - 0.5 * wetness) * (1 - share))
    ground += image[mirrored].astype(np.float32) * share
    image[first:] = np.rint(ground) if image.dtype.kind == "u" else ground
    return image


_LAMPS = 4


@operation
class Night(Amount):
    """Turn day into night: dark and bluish, noisy, with the glow of some lamps.

    Any (H, W, C) image; colour where there are three channels.

    Args:
        darkness: 0 to 1; at 1 a twelfth of the light is left. Default 0.5 to 0.9. Identity: 0.
        lamps: how many: a whole number or an inclusive range (low, high), 0 to 4. Default 0 to 3.
        noise: standard deviation at `darkness` 1 as a fraction of white, 0 to 0.2. Default 0.02.

    Helps: driving, surveillance.
    Hurts: where absolute brightness decides; dark objects.
    """

    darkness: Range = ranged(default=Uniform(0.5, 0.9, identity=0), low=0, high=1)
    lamps: Range = ranged(default=Integers(0, 3), low=0, high=_LAMPS)
    noise: Range = ranged(default=Constant(0.02), low=0, high=0.2)

    streams = ("places", "grain")

    def describe(self, draw: Draw, view: View) -> tuple[Change, ...]:
        darkness = draw("darkness")
        left = 1 - darkness[:, None] * np.array(tinted((0.95, 0.92, 0.86), view.channels))
        places = stream_uniforms(draw.stream("places"), _LAMPS * 4).reshape(view.count, _LAMPS, 4)
        rows = zip(places, draw("lamps").astype(int), view.size, strict=True)
        glow = np.stack([_glow(own[:count], sides) for own, count, sides in rows])
        warm = np.array(tinted((1.0, 0.82, 0.5), view.channels))
        parts = np.empty((*glow.shape, 2, view.channels), np.float32)
        # What a lamp lights keeps some of its daylight; the lamp's own light comes on top.
        lit = np.minimum(glow[..., None] * darkness[:, None, None, None], 1)
        parts[..., 0, :] = left[:, None, None] + (1 - left[:, None, None]) * 0.5 * lit
        parts[..., 1, :] = lit * warm * (0.45 * view.white)
        scale = draw("noise") * darkness * view.white
        return Shade(tuple(parts)), GaussianField(scale, np.zeros(view.count), draw.stream("grain"))


def _glow(lamps: Floats, sides: NDArray[np.int64]) -> Floats:
    """(knots, knots) light of some lamps, each (x, y, size, strength) in 0 .. 1; they hang in the upper two thirds."""
    place = np.linspace(0, 1, _SOFT)
    shape = sides / max(int(sides.max()), 1)
    dx = (place[None, None, :] - lamps[:, 0, None, None]) * shape[1]
    dy = (place[None, :, None] - 0.66 * lamps[:, 1, None, None]) * shape[0]
    distance = np.sqrt(dx * dx + dy * dy) / (0.05 + 0.12 * lamps[:, 2, None, None])
    glow: Floats = ((0.5 + 0.5 * lamps[:, 3, None, None]) * np.exp(-1.6 * distance)).sum(axis=0)
    return glow
