"""Tone from the picture's own values: each channel spread over the whole range, or spread evenly in it."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from covary import kernels
from covary.draws.distributions import Constant, Range, Uniform
from covary.ops.amounts import Amount
from covary.ops.base import Draw, operation, ranged
from covary.ops.image.levels import level_ends, spread, spread_levels, stretch, stretched_levels
from covary.ops.image.luma import has_chroma
from covary.ops.image.spatial import is_count
from covary.ops.view import WHITE, View
from covary.plan.changes import Image, Pixels


@operation
class AutoContrast(Amount):
    """Stretch each channel so that its darkest value becomes black and its brightest white.

    Any (H, W, C) image of uint8, uint16 or float32; a channel of one value stays as it is.

    Args:
        cutoff: share of the pixels at either end that count as black and white already, from 0 to 0.49. Default 0.
        amount: share of the stretched picture, 0 to 1, in a blend with the given one. Default 1. Identity: 0.

    Pillow's and torchvision's `autocontrast`, rounded to nearest instead of down. The curve is measured on the picture
    as it stands at this place, so the operation is a pass of its own.

    Helps: part of the AutoAugment and RandAugment families; haze, scans and cameras of different exposure.
    Hurts: pictures whose values are measurements; channels stretched one by one shift colours.
    """

    cutoff: Range = ranged(default=Constant(0.0), low=0, high=0.49)
    amount: Range = ranged(default=Constant(1.0, identity=0), low=0, high=1)

    def describe(self, draw: Draw, view: View) -> Pixels:
        pairs = zip(draw("cutoff").tolist(), draw("amount").tolist(), strict=True)
        return Pixels(stretched, tuple({"cutoff": cutoff, "amount": amount} for cutoff, amount in pairs))


@operation
class Equalize(Amount):
    """Spread the values of each channel evenly over the range.

    Any (H, W, C) image of uint8, uint16 or float32; a channel of one value stays as it is.

    Args:
        amount: share of the equalised picture, 0 to 1, in a blend with the given one. Default 1. Identity: 0.

    A value becomes the share of pixels that are not brighter, the darkest ones left out of the count, as OpenCV's
    `equalizeHist` has it. Pillow and torchvision count in whole steps of N / 255 pixels: on pictures of few pixels
    theirs saturates, and below 256 pixels does nothing. For uint16 all 65,536 levels are counted, for float32 each
    value that occurs. The curve is measured on the picture as it stands at this place, so the operation is a pass of
    its own.

    Helps: part of the AutoAugment and RandAugment families; pictures of widely differing exposure.
    Hurts: pictures whose values are measurements, or with large even areas, whose noise it blows up.
    """

    amount: Range = ranged(default=Constant(1.0, identity=0), low=0, high=1)

    def describe(self, draw: Draw, view: View) -> Pixels:
        return Pixels(equalised, tuple({"amount": amount} for amount in draw("amount").tolist()))


def stretched(picture: Image, *, cutoff: float = 0.0, amount: float = 1.0) -> Image:
    """A picture (H, W, C) with each channel stretched over the range, blended with itself; whole numbers in place."""
    if picture.dtype.kind != "f":
        return stretched_levels(picture, level_ends(picture, cutoff), amount)
    made = np.empty_like(picture)
    for channel in range(picture.shape[2]):
        values = picture[:, :, channel]
        made[:, :, channel] = stretch(values, *_ends(values, cutoff), 1.0, amount)
    return made


def equalised(picture: Image, *, amount: float = 1.0) -> Image:
    """A picture (H, W, C) with each channel's values spread evenly, blended with itself; whole numbers in place."""
    if picture.dtype.kind != "f":
        return spread_levels(picture, amount)
    made = np.empty_like(picture)
    for channel in range(picture.shape[2]):
        values = picture[:, :, channel]
        levels, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
        made[:, :, channel] = spread(levels, counts, 1.0, amount)[inverse.reshape(values.shape)]
    return made


def _ends(values: NDArray[Any], cutoff: float) -> tuple[float, float]:
    """The lowest and the highest value, so many pixels at either end left out."""
    if not cutoff:
        return float(values.min()), float(values.max())
    skipped = int(cutoff * values.size)
    order = np.partition(values.reshape(-1), (skipped, values.size - 1 - skipped))
    return float(order[skipped]), float(order[values.size - 1 - skipped])


@operation
class CLAHE(Amount):
    """Equalise the lightness tile by tile, with a limit to how much contrast is raised (contrast-limited adaptive
    histogram equalisation).

    Any (H, W, 1) or (H, W, 3) image of uint8, uint16 or float32. Of colours the lightness L* of CIE L*a*b* is
    equalised; hue and chroma stay. Tiles are blended bilinearly.

    Args:
        clip_limit: the highest count of a histogram's level, as a multiple of the mean count, from 1 to 100: what is
            above is spread over all levels. Default 1 to 4, as in Albumentations.
        tile_grid_size: number of tiles (rows, columns), from 1. Default (8, 8).
        amount: share of the equalised picture, 0 to 1, in a blend with the given one. Default 1. Identity: 0.

    Pizer et al., "Adaptive histogram equalization and its variations", CVGIP 1987; OpenCV's `createCLAHE`.

    Raises:
        ValueError: at the call, for pictures with neither one nor three channels.

    Helps: X-rays, fundus pictures, low light: contrast that differs from place to place.
    Hurts: pictures whose values are measurements; smooth areas, whose noise it blows up.
    """

    clip_limit: Range = ranged(default=Uniform(1.0, 4.0), low=1, high=100)
    tile_grid_size: tuple[int, int] = (8, 8)
    amount: Range = ranged(default=Constant(1.0, identity=0), low=0, high=1)

    def check(self) -> None:
        size = self.tile_grid_size
        if not isinstance(size, tuple) or len(size) != 2 or not all(is_count(number) for number in size):
            self.refuse("tile_grid_size", repr(size), "a pair (rows, columns) of whole numbers from 1")

    def describe(self, draw: Draw, view: View) -> Pixels:
        has_chroma(self, view)
        tiles, pairs = self.tile_grid_size, zip(draw("clip_limit").tolist(), draw("amount").tolist(), strict=True)
        return Pixels(locally_equalised, tuple({"clip_limit": c, "tiles": tiles, "amount": a} for c, a in pairs))


def locally_equalised(picture: Image, *, clip_limit: float, tiles: tuple[int, int], amount: float) -> Image:
    """A picture (H, W, 1 or 3) with its lightness equalised tile by tile, blended with itself; bytes in place."""
    import cv2

    if amount == 0:
        return picture
    white = WHITE[picture.dtype.name]
    if picture.dtype == np.uint8:
        made: Image = _bytes_equalised(picture if amount == 1 else picture.copy(), clip_limit, tiles)
    elif picture.shape[2] == 3:
        lab = cv2.cvtColor(np.clip(picture / np.float32(white), 0, 1).astype(np.float32), cv2.COLOR_RGB2Lab)
        deep = np.rint(lab[..., :1] * np.float32(655.35)).astype(np.uint16)
        lab[..., :1] = _deep_equalised(deep, clip_limit, tiles) / np.float32(655.35)
        made = cv2.cvtColor(lab, cv2.COLOR_Lab2RGB) * np.float32(white)
    elif picture.dtype == np.float32:
        deep = np.rint(np.clip(picture, 0, 1) * np.float32(65535)).astype(np.uint16)
        made = _deep_equalised(deep, clip_limit, tiles) / np.float32(65535)
    else:
        made = _deep_equalised(np.ascontiguousarray(picture), clip_limit, tiles)
    if amount == 1 and made.dtype == picture.dtype:
        return made
    mixed = picture + np.float32(amount) * (made.astype(np.float32) - picture)
    whole: Image = mixed if picture.dtype.kind == "f" else np.clip(np.rint(mixed), 0, white)
    return whole.astype(picture.dtype)


def _bytes_equalised(picture: Image, clip_limit: float, tiles: tuple[int, int]) -> Image:
    """The same for bytes, in place."""
    import cv2

    light = cv2.cvtColor(picture, cv2.COLOR_RGB2Lab) if picture.shape[2] == 3 else picture
    if kernels.native is not None:
        kernels.native.equalise_tiles(light, clip_limit, *tiles)
    else:
        light[..., 0] = cv2.createCLAHE(clip_limit, tiles[::-1]).apply(np.ascontiguousarray(light[..., 0]))
    return cv2.cvtColor(light, cv2.COLOR_Lab2RGB, dst=picture) if picture.shape[2] == 3 else light


def _deep_equalised(light: Image, clip_limit: float, tiles: tuple[int, int]) -> Image:
    """A picture (H, W, 1) of uint16 equalised tile by tile."""
    if kernels.native is not None:
        made = np.empty_like(light)
        kernels.native.equalise_deep_tiles(light, made, clip_limit, *tiles)
        return made
    import cv2

    return cv2.createCLAHE(clip_limit, tiles[::-1]).apply(light[..., 0])[..., None]
