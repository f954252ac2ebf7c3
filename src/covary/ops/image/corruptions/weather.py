"""Weather: snow, frost, fog and spatter."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from covary.ops.image.corruptions.picture import (
    Chance,
    Picture,
    filtered,
    fitted,
    grey,
    paint,
    published,
    smoothed,
    streak,
)
from covary.ops.image.light import clouds

# Mean and deviation of the flakes, their magnification, threshold, radius and deviation of their fall, and what stays
# of the picture's colours.
_SNOW = (
    (0.1, 0.3, 3, 0.5, 10, 4, 0.8),
    (0.2, 0.3, 2, 0.5, 12, 4, 0.7),
    (0.55, 0.3, 4, 0.9, 12, 8, 0.7),
    (0.55, 0.3, 4.5, 0.85, 12, 8, 0.65),
    (0.55, 0.3, 2.5, 0.85, 12, 12, 0.55),
)
# Shares of the picture and of the ice.
_FROST = ((1.0, 0.4), (0.8, 0.6), (0.7, 0.7), (0.65, 0.7), (0.6, 0.75))
# How much fog, and by what its fractal's octaves fall.
_FOG = ((1.5, 2.0), (2.0, 2.0), (2.5, 1.7), (2.5, 1.5), (3.0, 1.4))
# Mean and deviation of the liquid, its smoothing, threshold, strength, and whether it is mud.
_SPATTER = (
    (0.65, 0.3, 4, 0.69, 0.6, False),
    (0.65, 0.3, 3, 0.68, 0.6, False),
    (0.65, 0.3, 2, 0.68, 0.5, False),
    (0.65, 0.3, 1, 0.65, 1.5, True),
    (0.67, 0.4, 1, 0.65, 1.5, True),
)
_WATER = (175 / 255, 238 / 255, 238 / 255)
_MUD = (63 / 255, 42 / 255, 20 / 255)
_ICE = (0.87, 0.94, 1.0)


def snow(picture: Picture, severity: int, chance: Chance) -> Picture:
    """Flakes that fall, before and behind, over a picture turned pale."""
    mean, deviation, size, threshold, radius, sigma, stays = _SNOW[severity]
    height, width = published(picture)
    # A flake of one point is so many pixels large.
    points = (max(2, round(height / size)), max(2, round(width / size)))
    field = enlarged(np.float32(mean) + np.float32(deviation) * chance.normals(points), (height, width))
    field = np.where(field < threshold, np.float32(0), np.clip(field, 0, 1))[:, :, None]
    flakes = fitted(filtered(field, streak(radius, sigma, chance.angle(-135, -45))), picture)
    pale = np.float32(stays) * picture + np.float32(1 - stays) * np.maximum(picture, grey(picture) * 1.5 + 0.5)
    made: Picture = pale + flakes + flakes[::-1, ::-1]
    return made


def frost(picture: Picture, severity: int, chance: Chance) -> Picture:
    """Ice on the pane."""
    stays, share = _FROST[severity]
    channels = picture.shape[2]
    ice = fitted(_ice(*published(picture), chance), picture) * paint(_ICE, channels)
    return np.float32(stays) * picture + np.float32(share) * ice


def _ice(height: int, width: int, chance: Chance) -> NDArray[np.float32]:
    """(H, W) ice: needles in three directions over a film, denser at the rim; about half of white in the mean."""
    noise = chance.normals((height, width, 1), 1)
    turn = chance.angle(0, 60)
    needles = np.full((height, width), -np.inf, dtype=np.float32)
    for step in range(3):
        kernel = streak(14, 9, turn + 60 * step)
        # A kernel of positive weights: the deviation of what it makes of unit noise is known.
        level = np.sqrt(np.square(kernel).sum())
        needles = np.maximum(needles, filtered(noise, kernel)[:, :, 0] / level)
    film = enlarged(clouds(chance.streams[:1], np.array([0.6]))[0].astype(np.float32), (height, width))
    x, y = (np.abs(np.linspace(-1, 1, side, dtype=np.float32)) for side in (width, height))
    rim = np.maximum(x, y[:, None]) ** 2
    ice: NDArray[np.float32] = np.clip(0.1 + 0.35 * film + 0.2 * needles + 0.4 * rim * film, 0, 1)
    return ice


def fog(picture: Picture, severity: int, chance: Chance) -> Picture:
    """A fractal cloud, in front of everything."""
    amount, decay = _FOG[severity]
    cloud = clouds(chance.streams[:1], np.array([1 / decay]))[0].astype(np.float32)
    brightest = float(picture.max())
    thick = picture + np.float32(amount) * enlarged(cloud, picture.shape[:2])[:, :, None]
    return thick * np.float32(brightest / (brightest + amount))


def enlarged(field: NDArray[np.float32], size: tuple[int, ...]) -> NDArray[np.float32]:
    """(H, W) values between those of a coarse field."""
    import cv2

    return np.asarray(cv2.resize(field, (size[1], size[0]), interpolation=cv2.INTER_LINEAR), dtype=np.float32)


def spatter(picture: Picture, severity: int, chance: Chance) -> Picture:
    """Drops of water on the lens; at severity 4 and 5 mud."""
    mean, deviation, soft, threshold, strength, mud = _SPATTER[severity]
    noise = np.float32(mean) + np.float32(deviation) * chance.normals((*published(picture), 1))
    liquid = smoothed(noise, soft)
    liquid = np.where(liquid < threshold, np.float32(0), liquid)
    if mud:
        cover = smoothed((liquid > threshold).astype(np.float32), strength)
        cover = fitted(np.where(cover < 0.8, np.float32(0), cover), picture)
        return picture * (1 - cover) + cover * paint(_MUD, picture.shape[2])
    drops = fitted(_drops(liquid[:, :, 0]), picture)
    return picture + np.float32(strength) * drops * paint(_WATER, picture.shape[2])


def _drops(liquid: NDArray[np.float32]) -> NDArray[np.float32]:
    """(H, W) light in drops: embossed by their distance from the rim, 1 at most."""
    import cv2

    levels = (np.clip(liquid, 0, 1) * 255).astype(np.uint8)
    distance = cv2.distanceTransform(255 - cv2.Canny(levels, 50, 150), cv2.DIST_L2, 5)
    near = cv2.blur(np.minimum(distance, 20).astype(np.float32), (3, 3)).astype(np.uint8)
    relief = np.array([[-2, -1, 0], [-1, 1, 1], [0, 1, 2]], dtype=np.float32)
    even = cv2.filter2D(cv2.equalizeHist(near), cv2.CV_8U, relief)
    light = liquid * cv2.blur(even, (3, 3)).astype(np.float32)
    return np.asarray(light / max(float(light.max()), 1e-6), dtype=np.float32)
