"""Pictures of no object at all, drawn from numbers: fractals, and patterns like those that networks are tuned to.

Nothing is shipped or fetched: a picture is a pure function of its 64-bit stream and its side.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from covary.draws.rows import draw_rows
from covary.draws.streams import stream_normals, stream_uniforms

Floats: TypeAlias = NDArray[np.float64]
Rgb: TypeAlias = NDArray[np.uint8]

POINTS = 2000
BURN, STEPS = 20, 100
WIDTH, LAYERS = 10, 3  # of the network that draws a pattern


@lru_cache(maxsize=256)
def picture(seed: int, number: int, side: int) -> Rgb:
    """One of an endless set of pictures: even numbers are fractals, odd ones patterns.

    Returns:
        (side, side, 3) uint8, read-only.
    """
    slot = np.array([0], dtype=np.uint32)
    rows = draw_rows(seed, np.zeros(1, np.uint32), np.array([number], np.uint64), slot)
    drawn = (pattern if number % 2 else fractal)(rows.streams[:, 0], side)
    drawn.flags.writeable = False
    return drawn


def fractal(stream: NDArray[np.uint64], side: int) -> Rgb:
    """The attractor of an iterated function system of two to four affine maps, on a smooth ground.

    The maps' singular values are scaled so that their sum, the smaller counted twice, is what Anderson and Farrell
    ("Improving fractal pre-training", 2022) found to make fractals that are neither dust nor blobs.

    Args:
        stream: (1,) uint64 key.
        side: of the picture in pixels.
    """
    chance = stream_uniforms(stream, 64 + POINTS * (BURN + STEPS))[0]
    own, steps = chance[:64], chance[64:].reshape(BURN + STEPS, POINTS)
    count = 2 + int(own[0] * 3)
    maps, shifts = _maps(own[1:], count)
    colours = 0.25 + 0.75 * own[44 : 44 + 3 * count].reshape(count, 3)
    likely = np.maximum(np.abs(np.linalg.det(maps)), 0.02)
    edges = np.cumsum(likely / likely.sum())[:-1]
    which = np.searchsorted(edges, steps, side="right")
    at, tint = np.zeros((POINTS, 2)), np.full((POINTS, 3), 0.5)
    places, tints = np.empty((STEPS, POINTS, 2)), np.empty((STEPS, POINTS, 3))
    for step, chosen in enumerate(which):
        at = np.einsum("pij,pj->pi", maps[chosen], at) + shifts[chosen]
        tint = (tint + colours[chosen]) / 2
        if step >= BURN:
            places[step - BURN], tints[step - BURN] = at, tint
    density, tint_map = _exposed(places.reshape(-1, 2), tints.reshape(-1, 3), side)
    ground = pattern(stream ^ np.uint64(1), side, 0.3) / 255 * 0.4
    light = np.minimum(np.log1p(density) / np.log1p(max(float(np.percentile(density[density > 0], 80)), 1.0)), 1)[
        ..., None
    ]
    return np.asarray(np.rint((ground * (1 - light) + tint_map * light) * 255), dtype=np.uint8)


def _maps(chance: Floats, count: int) -> tuple[Floats, Floats]:
    """(N, 2, 2) contractions and (N, 2) shifts."""
    singular = np.sort(0.2 + 0.8 * chance[: 2 * count].reshape(count, 2), axis=1)[:, ::-1]
    total = (5 + count + chance[8]) / 2
    for _ in range(8):  # scaled until the sum is right with none above 0.95
        singular = np.minimum(singular * total / (singular @ (1, 2)).sum(), 0.95)
    turns = 2 * np.pi * chance[9 : 9 + 2 * count].reshape(count, 2)
    cosines, sines = np.cos(turns), np.sin(turns)
    rotations = np.stack([np.stack([cosines, -sines], -1), np.stack([sines, cosines], -1)], -2)
    mirrors = np.where(chance[17 : 17 + 2 * count].reshape(count, 1, 2) < 0.5, -1.0, 1.0)
    maps = rotations[:, 0] @ (singular[:, :, None] * rotations[:, 1]) * mirrors
    return maps, 2 * chance[33 : 33 + 2 * count].reshape(count, 2) - 1


def _exposed(places: Floats, tints: Floats, side: int) -> tuple[Floats, Floats]:
    """How many points fall on each pixel, and their mean colour; all but the outermost fill the frame."""
    low, high = np.percentile(places, (1, 99), axis=0)
    scaled = (places - low) / np.maximum(high - low, 1e-9) * (0.9 * side) + 0.05 * side
    inside = ((scaled >= 0) & (scaled < side)).all(axis=1)
    column, row = scaled[inside].astype(np.intp).T
    index = row * side + column
    density = np.bincount(index, minlength=side * side).astype(np.float64)
    sums = [np.bincount(index, tints[inside, channel], side * side) for channel in range(3)]
    tint = np.stack(sums, axis=1) / np.maximum(density, 1)[:, None]
    return density.reshape(side, side), tint.reshape(side, side, 3)


def pattern(stream: NDArray[np.uint64], side: int, gain: float = 0.5) -> Rgb:
    """A pattern with the repeated, curved textures of feature visualisations: a small random network over the plane.

    Stanley 2007, "Compositional pattern producing networks".

    Args:
        stream: (1,) uint64 key.
        side: of the picture in pixels.
        gain: of the network's inner layers: the more, the finer the texture.
    """
    normals = stream_normals(stream, 4 * WIDTH + (LAYERS - 1) * WIDTH * WIDTH + 3 * WIDTH + 4)[0]
    line = np.linspace(-1, 1, side)
    x, y = np.meshgrid(line, line)
    values = np.stack([x, y, np.hypot(x, y), np.ones_like(x)], axis=-1).reshape(-1, 4)
    used = 0
    for layer in range(LAYERS):
        rows = values.shape[1]
        weights = normals[used : used + rows * WIDTH].reshape(rows, WIDTH)
        used += rows * WIDTH
        sums = values @ weights * (2.0 if layer == 0 else gain)
        half = WIDTH // 2
        values = np.concatenate([np.sin(2.5 * sums[:, :half]), np.tanh(sums[:, half:])], axis=1)
    colour = np.sin(values @ normals[used : used + 3 * WIDTH].reshape(WIDTH, 3) + normals[-3:])
    return np.asarray(np.rint((colour.reshape(side, side, 3) + 1) * 127.5), dtype=np.uint8)
