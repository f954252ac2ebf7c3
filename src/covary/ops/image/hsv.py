"""Hue, saturation and value: colours as people name them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from covary.draws.distributions import Range, Uniform
from covary.ops.base import Draw, Operation, operation, ranged
from covary.ops.image.levels import looked_up
from covary.ops.image.luma import has_chroma
from covary.ops.view import View
from covary.plan.changes import Change, Floats, Image, Pixels


@operation
class HueSaturationValue(Operation):
    """Shift hue, saturation and value.

    Works on the hexagonal cone HSV, as editors of pictures do; `Hue` and `Saturation` are the linear, faster way, which
    keeps the luma and fuses with other changes.

    Args:
        hue: shift as a part of the circle, -0.5 to 0.5: a third turns red into green. Identity: 0. Default: -0.05 to
            0.05. (Albumentations counts in units of 2 degrees: its 20 is 0.11.)
        saturation: what is added to it, -1 to 1. Identity: 0. Default: -0.12 to 0.12.
        value: what is added to it, as a fraction of white, -1 to 1. Identity: 0. Default: -0.08 to 0.08.

    uint8 pictures are taken to 180 hues and 256 steps of the others and back, which costs up to 3 levels; a picture of
    which nothing is to change stays as it is. One-channel pictures stay as they are.

    Raises:
        ValueError: at the call, for pictures with neither one nor three channels.

    Helps: photographs in all sorts of light.
    Hurts: classes told apart by colour.
    """

    hue: Range = ranged(default=Uniform(-0.05, 0.05, identity=0), low=-0.5, high=0.5)
    saturation: Range = ranged(default=Uniform(-0.12, 0.12, identity=0), low=-1, high=1)
    value: Range = ranged(default=Uniform(-0.08, 0.08, identity=0), low=-1, high=1)

    def describe(self, draw: Draw, view: View) -> Change | Sequence[Change]:
        shifts = np.stack([draw("hue"), draw("saturation"), draw("value")], axis=1)
        if not has_chroma(self, view):
            return ()
        return Pixels(shifted, tuple({"hue": h, "saturation": s, "value": v} for h, s, v in shifts.tolist()))


def shifted(image: Image, hue: float, saturation: float, value: float) -> Image:
    """The picture with its hue (in turns), saturation and value (in fractions) shifted; bytes in place."""
    import cv2

    if hue == saturation == value == 0:
        return image
    if image.dtype == np.uint8:
        table = _tables(hue, saturation, value)
        hsv = cv2.cvtColor(image, cv2.COLOR_RGB2HSV)
        return cv2.cvtColor(looked_up(hsv, table), cv2.COLOR_HSV2RGB, dst=image)
    white = np.float32(65535 if image.dtype == np.uint16 else 1)
    hsv = cv2.cvtColor(np.clip(image / white, 0, 1).astype(np.float32), cv2.COLOR_RGB2HSV)
    hsv[..., 0] = np.mod(hsv[..., 0] + np.float32(360 * hue), np.float32(360))
    for channel, shift in ((1, saturation), (2, value)):
        hsv[..., channel] = np.clip(hsv[..., channel] + np.float32(shift), 0, 1)
    rgb: Image = cv2.cvtColor(hsv, cv2.COLOR_HSV2RGB) * white
    return np.rint(rgb).astype(image.dtype) if image.dtype == np.uint16 else rgb


def _tables(hue: float, saturation: float, value: float) -> Floats:
    """(3, 256): what becomes of 180 hues and 256 saturations and values."""
    levels = np.arange(256)
    moved = levels + 255 * np.array([[saturation], [value]])
    return np.concatenate([np.mod(np.rint(levels + 180 * hue), 180)[None], np.clip(moved, 0, 255)])
