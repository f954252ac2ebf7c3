"""Weather: fog, rain, snow, frost on the lens, and what splashes against it."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from covary import kernels
from covary.draws.distributions import Range, Uniform
from covary.draws.streams import stream_uniforms
from covary.gaussian import gaussian_wave
from covary.ops.amounts import Amount
from covary.ops.base import Draw, operation, ranged
from covary.ops.image.cover import cover, strokes
from covary.ops.image.light import clouds
from covary.ops.image.luma import LUMA, identity_matrix
from covary.ops.view import View
from covary.plan.changes import Change, Colour, Curve, Floats, Image, Pixels, Shade


def numbers(stream: int, *shape: int) -> NDArray[np.float64]:
    """Uniform numbers of one stream in any shape."""
    made: NDArray[np.float64] = stream_uniforms(np.array([stream], np.uint64), int(np.prod(shape)))[0].reshape(shape)
    return made


def lines_of(starts: Floats, ends: Floats, radius: Floats | float) -> Floats:
    """(N, 5) strokes from (N, 2) starts to (N, 2) ends, as `cover.strokes` takes them."""
    lines = np.empty((len(starts), 5))
    lines[:, :2], lines[:, 2:4], lines[:, 4] = starts, ends, radius
    return lines


def veil(view: View, opacity: Floats, colour: float) -> Shade:
    """A grey of `colour` (a fraction of white) over the pictures, as opaque as (B, rows, columns) knots say."""
    parts = np.stack([1 - opacity, opacity * (colour * view.white)], axis=-1)
    return Shade(tuple(parts[..., None].astype(np.float32)))


@operation
class RandomFog(Amount):
    """Lay fog over the picture: in banks, denser towards the top, where scenes are further away.

    Any (H, W, C) image. A value v becomes v * (1 - a) + 0.9 * white * a, a being `density` where fog is densest.

    Args:
        density: 0 to 1. Default 0.4 to 0.9. Identity: 0.
        patchiness: how much thinner it is between banks, 0 (even) to 1. Default 0.2 to 0.6.
        depth: how much thinner it is at the lower edge than at the upper one, 0 (not at all) to 1. Default 0.2 to 0.7.

    Koschmieder's law of vision through haze (1924); banks are fractal noise. (Albumentations blurs discs of white.)

    Helps: driving, drones, surveillance.
    Hurts: indoor scenes.
    """

    density: Range = ranged(default=Uniform(0.4, 0.9, identity=0), low=0, high=1)
    patchiness: Range = ranged(default=Uniform(0.2, 0.6), low=0, high=1)
    depth: Range = ranged(default=Uniform(0.2, 0.7), low=0, high=1)

    streams = ("banks",)

    def describe(self, draw: Draw, view: View) -> Change:
        banks = clouds(draw.stream("banks"), np.full(view.count, 0.55))
        down = np.linspace(0, 1, banks.shape[1])[:, None]
        opacity = (1 - draw("patchiness")[:, None, None] * banks) * (1 - draw("depth")[:, None, None] * down)
        return veil(view, draw("density")[:, None, None] * opacity, 0.9)


@operation
class RandomRain(Amount):
    """Let it rain: streaks of falling drops, and a darker, paler scene behind them.

    Any (H, W, C) image.

    Args:
        amount: how hard it rains: 1 gives a streak for every 80 pixels of a picture of 256 pixels' side (as many in all
            at any size), 0 to 1. Default 0.2 to 0.8. Identity: 0.
        slant: of the streaks from upright, degrees, positive to the right, -60 to 60. Default -20 to 20.
        length: of the streaks as a fraction of the height, 0.01 to 0.5. Default 0.04 to 0.12.
        darkness: how much darker the scene is at `amount` 1, 0 to 1. Default 0.3.

    Garg and Nayar, "Vision and rain", International Journal of Computer Vision, 2007, for what streaks look like.

    Helps: driving, surveillance, sports.
    Hurts: indoor scenes; thin structures.
    """

    amount: Range = ranged(default=Uniform(0.2, 0.8, identity=0), low=0, high=1)
    slant: Range = ranged(default=Uniform(-20, 20), low=-60, high=60)
    length: Range = ranged(default=Uniform(0.04, 0.12), low=0.01, high=0.5)
    darkness: float = 0.3

    streams = ("drops",)

    def check(self) -> None:
        given = self.darkness
        if isinstance(given, bool) or not isinstance(given, (int, float)) or not 0 <= given <= 1:
            self.refuse("darkness", repr(self.darkness), "a number in [0, 1]")

    def describe(self, draw: Draw, view: View) -> tuple[Change, ...]:
        amount = draw("amount")
        rows = zip(amount, np.radians(draw("slant")), draw("length"), draw.stream("drops"), strict=True)
        names = ("amount", "slant", "length", "stream")
        drops = Pixels(rained, tuple(dict(zip(names, map(_plain, row), strict=True)) for row in rows))
        gain = 1 - self.darkness * amount
        return drops, Colour(identity_matrix(view.channels) * gain[:, None, None])


def _plain(value: Any) -> float | int:
    return int(value) if isinstance(value, np.integer) else float(value)


_DROPS = 600


def rained(image: Image, amount: float, slant: float, length: float, stream: int) -> Image:
    """The picture behind streaks of rain; works in place."""
    count = round(amount * _DROPS)
    if not count or image.size == 0:
        return image
    height, width, _ = image.shape
    x, y, size, near = numbers(stream, count, 4).T
    reach = length * height * (0.5 + size)
    dx, dy = reach * np.sin(slant), reach * np.cos(slant)
    # Places from before the upper and left edges on, so that streaks enter evenly.
    x0, y0 = x * (width + np.abs(dx)) - np.maximum(dx, 0), y * (height + dy) - dy
    alpha = np.zeros((height, width), np.uint8)
    starts = np.stack([x0, y0], axis=1)
    lines = lines_of(starts, starts + np.stack([dx, dy], axis=1), max(height / 800, 0.3))
    strokes(alpha, None, lines, np.where(near < 0.7, 90, 150))
    return cover(image, alpha, None, (0.86, 0.88, 0.92))


@operation
class RandomSnow(Amount):
    """Let snow lie, or fall.

    Any (H, W, C) image.

    Args:
        amount: 0 to 1. Default 0.2 to 0.8. Identity: 0.
        mode: "lying" (colours fade, and what is bright becomes white, more of it at higher amounts), "falling"
            (flakes, near ones large and far ones small, and a thin haze) or "both". Default "both".
        slant: of the falling flakes' ways from upright, degrees, -80 to 80. Default -30 to 30.

    (Albumentations' "bleach" is "lying" here; its "texture" adds noise and stars.)

    Helps: driving, surveillance, sports.
    Hurts: indoor scenes; bright objects on bright ground.
    """

    amount: Range = ranged(default=Uniform(0.2, 0.8, identity=0), low=0, high=1)
    mode: str = "both"
    slant: Range = ranged(default=Uniform(-30, 30), low=-80, high=80)

    streams = ("flakes",)

    def check(self) -> None:
        self.one_of("mode", ("lying", "falling", "both"))

    def describe(self, draw: Draw, view: View) -> tuple[Change, ...]:
        amount = draw("amount")
        changes: list[Change] = []
        if self.mode != "falling":
            tables = whitening(amount, view)
            if view.channels == 3:
                changes.append(Colour(_fading(np.minimum(1.2 * amount, 0.8))))
            changes.append(Curve(tables))
        if self.mode != "lying":
            rows = zip(amount, np.radians(draw("slant")), draw.stream("flakes"), strict=True)
            names = ("amount", "slant", "stream")
            changes.append(Pixels(snowed, tuple(dict(zip(names, map(_plain, row), strict=True)) for row in rows)))
        return tuple(changes)


def _fading(share: Floats) -> Floats:
    """(B, 3, 4) matrices that move colours towards their luma."""
    grey = np.broadcast_to(np.append(LUMA, 0), (3, 4))
    matrices: Floats = identity_matrix(3) + share[:, None, None] * (grey - identity_matrix(3))
    return matrices


def whitening(amount: Floats, view: View) -> Floats:
    """(B, 1, N) tables: from a threshold on, which falls as the amount rises, values go up to white."""
    if kernels.native is not None:
        made = np.empty((view.count, 1, view.levels), np.float32)
        kernels.native.whiten_levels(np.ascontiguousarray(amount, np.float64), view.white, made[:, 0])
        return made
    level = np.linspace(0, 1, view.levels)
    threshold = 0.75 - 0.5 * amount[:, None]
    rise = np.clip((level - threshold) / 0.3, 0, 1)
    share = np.minimum(2 * amount[:, None], 1) * rise * rise * (3 - 2 * rise)
    table: Floats = (view.white * (level + share * (1 - level))).astype(np.float32)[:, None]
    return table


_FLAKES = 900


def snowed(image: Image, amount: float, slant: float, stream: int) -> Image:
    """The picture behind falling flakes; works in place."""
    count = round(amount * _FLAKES)
    if not count or image.size == 0:
        return image
    height, width, _ = image.shape
    x, y, near, length = numbers(stream, count, 4).T
    unit = max(height, width) / 256
    centres = np.stack([x * width, y * height], axis=1)
    way = np.stack([np.full(count, np.sin(slant)), np.full(count, np.cos(slant))], axis=1)
    # Far flakes are many, small and faint; near ones few, large and smeared by their fall.
    kind = np.searchsorted((0.7, 0.93), near, side="right")
    radius = np.array([0.4, 0.9, 1.8])[kind] * unit
    half = way * ((0.4 + 1.2 * length) * radius)[:, None]
    alpha = np.zeros((height, width), np.uint8)
    strokes(alpha, None, lines_of(centres - half, centres + half, radius), np.array([120, 180, 220])[kind])
    return cover(image, alpha, None, (1.0, 1.0, 1.0))


@operation
class Spatter(Amount):
    """Splash rain or mud against the lens.

    Any (H, W, C) image. Drops are where a smooth field of Gaussian noise is highest.

    Args:
        amount: share of the picture under drops, 0 to 0.8. Default 0.05 to 0.25. Identity: 0.
        mode: "rain" (clear drops with a bright and a dark side) or "mud" (brown and opaque). Default "rain".
        size: of the drops as a fraction of the longer side, 0.005 to 0.2. Default 0.015 to 0.04.

    Hendrycks and Dietterich, "Benchmarking neural network robustness to common corruptions and perturbations", ICLR
    2019.

    Helps: cameras outdoors: cars, drones, machines.
    Hurts: small objects, which may lie under a drop while their labels stay.
    """

    amount: Range = ranged(default=Uniform(0.05, 0.25, identity=0), low=0, high=0.8)
    mode: str = "rain"
    size: Range = ranged(default=Uniform(0.015, 0.04), low=0.005, high=0.2)

    streams = ("drops",)

    def check(self) -> None:
        self.one_of("mode", ("rain", "mud"))

    def describe(self, draw: Draw, view: View) -> Change:
        rows = zip(draw("amount"), draw("size"), draw.stream("drops"), strict=True)
        names = ("amount", "size", "stream")
        parameters = (dict(zip(names, map(_plain, row), strict=True)) for row in rows)
        return Pixels(splashed, tuple({"mode": self.mode, **own} for own in parameters))


def splashed(image: Image, mode: str, amount: float, size: float, stream: int) -> Image:
    """The picture behind drops; works in place."""
    if amount <= 0 or image.size == 0:
        return image
    from statistics import NormalDist

    height, width, _ = image.shape
    field = smooth_noise(stream, height, width, max(size * max(height, width), 1.0))
    # The mean variance of a cubic B-spline of independent knots is 151 / 315 along each axis.
    threshold = np.float32(NormalDist(sigma=151 / 315).inv_cdf(1 - amount))
    over = np.subtract(field, threshold, out=np.empty_like(field))
    opaque = 230.0 if mode == "mud" else 150.0
    alpha = np.clip(over * np.float32(16 * opaque), 0, opaque).astype(np.uint8)
    # Light from above: bright where the drop rises towards the viewer, dark where it falls away.
    slope = np.zeros_like(field)
    np.subtract(field[1:], field[:-1], out=slope[1:])
    steep = np.float32(size * max(height, width) * (120 if mode == "mud" else 220))
    light = np.clip(slope * steep + np.float32(150 if mode == "mud" else 170), 0, 255).astype(np.uint8)
    return cover(image, alpha, light, (0.47, 0.33, 0.2) if mode == "mud" else (0.93, 0.97, 1.0))


def smooth_noise(stream: int, height: int, width: int, knot: float) -> NDArray[np.float32]:
    """(height, width) noise: a cubic B-spline of standard normal numbers at knots `knot` pixels apart."""
    (down, down_weights), (across, across_weights) = (_spline(side, knot) for side in (height, width))
    knots = gaussian_wave(stream, int(down[-1]) + 4, int(across[-1]) + 4)
    if kernels.native is None:
        return between_knots(knots, down, down_weights, across, across_weights)
    field = np.empty((height, width), np.float32)
    kernels.native.between_knots(knots, down, down_weights, across, across_weights, field)
    return field


def _spline(side: int, knot: float) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """The first of four knots about each pixel, and the (4, side) weights of a cubic B-spline."""
    place = (np.arange(side) + 0.5) / knot
    first = place.astype(np.int32)
    t = place - first
    weights = np.stack([(1 - t) ** 3, 3 * t**3 - 6 * t**2 + 4, -3 * t**3 + 3 * t**2 + 3 * t + 1, t**3]) / 6
    return first, weights.astype(np.float32)


def between_knots(
    knots: NDArray[np.float32],
    down: NDArray[np.int32],
    down_weights: NDArray[np.float32],
    across: NDArray[np.int32],
    across_weights: NDArray[np.float32],
) -> NDArray[np.float32]:
    """The kernel's bytes by NumPy."""

    def mixed(parts: list[NDArray[np.float32]], weights: NDArray[np.float32]) -> NDArray[np.float32]:
        made: NDArray[np.float32] = parts[0] * weights[0]
        for part, weight in zip(parts[1:], weights[1:], strict=True):
            made = made + part * weight
        return made

    rows = mixed([knots[down + k] for k in range(4)], down_weights[:, :, None])
    return mixed([rows[:, across + k] for k in range(4)], across_weights)


@operation
class Frost(Amount):
    """Let frost grow over the lens from its edges: feathers of ice, and a milky veil around them.

    Any (H, W, C) image.

    Args:
        amount: how far it has grown, 0 to 1; at 1 feathers reach the middle. Default 0.3 to 0.8. Identity: 0.

    Procedural: no pictures of frost are needed (ImageNet-C pastes six photographs).

    Helps: cameras outdoors in winter.
    Hurts: small objects near the edges.
    """

    amount: Range = ranged(default=Uniform(0.3, 0.8, identity=0), low=0, high=1)

    streams = ("feathers", "veil")

    def describe(self, draw: Draw, view: View) -> tuple[Change, ...]:
        amount = draw("amount")
        place = np.linspace(0, 1, 65)
        edge = np.minimum(place, 1 - place)
        within = 2 * np.minimum(edge[:, None], edge)  # 0 at the edges, 1 in the middle
        rough = clouds(draw.stream("veil"), np.full(view.count, 0.7))
        grown = amount[:, None, None] * (0.5 + rough)
        opacity = np.clip(grown - within, 0, 1) * 0.75
        rows = zip(amount.tolist(), draw.stream("feathers").tolist(), strict=True)
        feathers = Pixels(frosted, tuple({"amount": own, "stream": stream} for own, stream in rows))
        return veil(view, opacity, 0.92), feathers


_FEATHERS, _BARBS = 150, 26


def frosted(image: Image, amount: float, stream: int) -> Image:
    """The picture behind feathers of ice that grow inwards from the edges; works in place."""
    if amount <= 0 or image.size == 0:
        return image
    height, width, _ = image.shape
    uniforms = numbers(stream, _FEATHERS, 4 + _BARBS)
    place, turn, reach, side = uniforms[:, :4].T
    # Roots are spread along the frame; stems point inwards, more or less.
    along = 4 * place
    share, edge = along % 1, along.astype(int)
    x = np.choose(edge, [share, np.ones_like(share), share, np.zeros_like(share)]) * width
    y = np.choose(edge, [np.zeros_like(share), share, np.ones_like(share), share]) * height
    angle = np.choose(edge, [0.5, 1.0, 1.5, 0.0]) * np.pi + (turn - 0.5) * 2.2
    length = amount * (0.15 + 0.5 * reach * reach) * min(height, width)
    root, way = np.stack([x, y], axis=1), np.stack([np.cos(angle), np.sin(angle)], axis=1)
    # Barbs stand at 60 degrees, as ice crystals do, and become shorter towards the tip.
    at = (np.arange(_BARBS) + uniforms[:, 4:]) / _BARBS
    hand = np.where((np.arange(_BARBS) + (side > 0.5)[:, None]) % 2 == 0, np.pi / 3, -np.pi / 3)
    barb_angle = angle[:, None] + hand
    starts = root[:, None] + way[:, None] * (length[:, None] * at)[..., None]
    reaches = length[:, None] * 0.45 * (1 - at) * (0.5 + uniforms[:, :3:-1])
    barbs = np.stack([np.cos(barb_angle), np.sin(barb_angle)], axis=-1) * reaches[..., None]
    alpha = np.zeros((height, width), np.uint8)
    thin = max(min(height, width) / 800, 0.35)
    strokes(alpha, None, lines_of(starts.reshape(-1, 2), (starts + barbs).reshape(-1, 2), thin), 120)
    strokes(alpha, None, lines_of(root, root + way * length[:, None], 1.5 * thin), 200)
    return cover(image, alpha, None, (0.95, 0.98, 1.0))
