"""Superpixels: neighbourhoods of like pixels become one colour."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from covary import kernels
from covary.draws.distributions import Integers, Range, Uniform
from covary.draws.streams import stream_uniforms
from covary.ops.amounts import Amount
from covary.ops.base import Draw, operation, ranged
from covary.ops.view import WHITE, View
from covary.plan.changes import Change, Image, Pixels

Labels = NDArray[np.int32]

_ROUNDS = 5
# Colour and place count alike where values differ by this many of 256 and pixels by the side of a segment.
_COMPACTNESS = 20
_FINE = 16  # centres are kept in sixteenths


@operation
class Superpixels(Amount):
    """Divide the picture into superpixels and paint some of them in their mean colour.

    Any (H, W, C) image. Segments are found on means of blocks, at a size of at most `max_size`, from a grid of centres
    by five rounds of k-means on colour and place; what is not painted keeps its full resolution (Albumentations scales
    the whole picture down and up).

    Args:
        replace: share of the superpixels that are painted over, 0 to 1. Default 0.1 to 0.5. Identity: 0.
        segments: how many superpixels, about; 1 to 10,000: a whole number or an inclusive range (low, high). Default
            100.
        max_size: longest side in pixels at which segments are found, 16 to 4096. Default 128.

    Achanta, Shaji, Smith, Lucchi, Fua and Suesstrunk, "SLIC superpixels compared to state-of-the-art superpixel
    methods", IEEE Transactions on Pattern Analysis and Machine Intelligence, 2012.

    Helps: against reliance on texture; paintings, posters, strong compression.
    Hurts: small objects and thin lines, which vanish in their surroundings.
    """

    replace: Range = ranged(default=Uniform(0.1, 0.5, identity=0), low=0, high=1)
    segments: Range = ranged(default=Integers(100, 100), low=1, high=10_000)
    max_size: int = 128

    streams = ("chosen",)

    def check(self) -> None:
        if isinstance(self.max_size, bool) or not isinstance(self.max_size, int) or not 16 <= self.max_size <= 4096:
            self.refuse("max_size", repr(self.max_size), "a whole number in [16, 4096]")

    def describe(self, draw: Draw, view: View) -> Change:
        rows = zip(draw("replace").tolist(), draw("segments").tolist(), draw.stream("chosen").tolist(), strict=True)
        names = ("replace", "segments", "stream", "max_size")
        parameters = [(share, round(count), stream, self.max_size) for share, count, stream in rows]
        return Pixels(with_superpixels, tuple(dict(zip(names, own, strict=True)) for own in parameters))


def with_superpixels(image: Image, replace: float, segments: int, stream: int, max_size: int) -> Image:
    """The picture with some of its superpixels in one colour; works in place."""
    if image.size == 0:
        return image
    factor = math.ceil(max(image.shape[:2]) / max_size)
    features = block_means(image, factor)
    height, width, _ = features.shape
    # As many rows and columns as make cells square.
    rows = min(max(round(math.sqrt(segments * height / width)), 1), height)
    columns = min(max(round(segments / rows), 1), width)
    chance = stream_uniforms(np.array([stream], np.uint64), rows * columns)[0]
    chosen = (chance < replace).astype(np.uint8)
    if not chosen.any():
        return image
    labels = segment(features, rows, columns)
    if kernels.native is not None:
        kernels.native.flatten_segments(image, labels, factor, chosen)
        return image
    return flattened(image, labels, factor, chosen)


def block_means(image: Image, factor: int) -> NDArray[np.uint8]:
    """Means of blocks of `factor` by `factor` pixels, in 256 levels; blocks at the far edges may be smaller."""
    scale = 255 / WHITE[image.dtype.name]
    if factor == 1:
        return image.copy() if image.dtype == np.uint8 else _levels(image * scale)
    down, across = (np.arange(0, side, factor) for side in image.shape[:2])
    kind = np.float64 if image.dtype.kind == "f" else np.int64 if image.dtype == np.uint16 else np.int32
    # Rows first: they lie in one piece, and are added whole.
    sums = np.add.reduceat(np.add.reduceat(image, down, axis=0, dtype=kind), across, axis=1)
    counts = np.outer(np.diff(down, append=image.shape[0]), np.diff(across, append=image.shape[1]))
    return _levels(sums * (scale / counts[:, :, None]))


def _levels(values: Image) -> NDArray[np.uint8]:
    levels: NDArray[np.uint8] = np.rint(np.clip(np.nan_to_num(values), 0, 255)).astype(np.uint8)
    return levels


def segment(features: NDArray[np.uint8], rows: int, columns: int) -> Labels:
    """(H, W) int32 numbers of superpixels, that of row r and column c of the grid being r * columns + c."""
    height, width, _ = features.shape
    # Distances: near * colour**2 + far * place**2, in sixteenths.
    near, far = max(round(height * width / (rows * columns)), 1), _COMPACTNESS**2
    if kernels.native is not None:
        labels = np.empty((height, width), np.int32)
        kernels.native.superpixel_labels(features, rows, columns, near, far, _ROUNDS, labels)
        return labels
    return segmented(features, rows, columns, near, far)


def segmented(features: NDArray[np.uint8], rows: int, columns: int, near: int, far: int) -> Labels:
    """The kernel's labels by NumPy."""
    height, width, channels = features.shape
    y, x = np.indices((height, width))
    row, column = y * rows // height, x * columns // width
    values = np.concatenate([np.stack([y, x], axis=2), features], axis=2).astype(np.int64)
    labels = row * columns + column
    centres = np.zeros((rows * columns, channels + 2), np.int64)
    weights = np.array([far, far, *[near] * channels])
    for _ in range(_ROUNDS):
        counts = np.bincount(labels.ravel(), minlength=len(centres))
        for series in range(channels + 2):
            sums = np.bincount(labels.ravel(), values[..., series].ravel(), len(centres)).astype(np.int64) * _FINE
            means = (2 * sums + counts) // np.maximum(2 * counts, 1)
            centres[:, series] = np.where(counts > 0, means, centres[:, series])
        best = np.full((height, width), np.iinfo(np.int64).max)
        for down in (-1, 0, 1):
            for right in (-1, 0, 1):
                r, c = row + down, column + right
                inside = (r >= 0) & (r < rows) & (c >= 0) & (c < columns)
                label = np.where(inside, r * columns + c, 0)
                distance = (np.square(values * _FINE - centres[label]) * weights).sum(axis=2)
                closer = inside & (distance < best)
                best, labels = np.where(closer, distance, best), np.where(closer, label, labels)
    found: Labels = labels.astype(np.int32)
    return found


def flattened(image: Image, labels: Labels, factor: int, chosen: NDArray[np.uint8]) -> Image:
    """The chosen segments in their means, in place; the kernel's bytes by NumPy."""
    height, width, channels = image.shape
    full = np.repeat(np.repeat(labels, factor, axis=0), factor, axis=1)[:height, :width]
    counts = np.maximum(np.bincount(full.ravel(), minlength=len(chosen)), 1)
    painted = chosen.astype(bool)[full]
    for channel in range(channels):
        means = np.bincount(full.ravel(), image[..., channel].ravel(), len(chosen)) / counts
        shades = (means + (0 if image.dtype.kind == "f" else 0.5)).astype(image.dtype)
        image[..., channel] = np.where(painted, shades[full], image[..., channel])
    return image
