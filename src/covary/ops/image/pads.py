"""Padding: a larger canvas around the picture."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from covary.ops.base import Draw, operation
from covary.ops.image.matrices import axis_map
from covary.ops.image.spatial import Bordered, checked_count, is_count
from covary.ops.view import View
from covary.plan.changes import Border, Ints, Warp

POSITIONS = ("center", "top_left", "top_right", "bottom_left", "bottom_right", "random")


@dataclass(frozen=True, repr=False)
class _Padding(Bordered):
    required = True

    border: Border | None = field(default="constant", kw_only=True)

    def extend(self, top_left: Ints, size: Ints, view: View) -> Warp:
        """A canvas of `size` on which the picture begins at `top_left`, (B, 2) rows and columns."""
        matrix = axis_map(view.count, 1, 1, -top_left[:, 1], -top_left[:, 0])
        return Warp(matrix, size, self.border, self.colour(view))


@operation
class Pad(_Padding):
    """Add rows and columns around the picture.

    An (H, W, C) image becomes (H + top + bottom, W + left + right, C). Pixels are moved, none is computed.

    Args:
        padding: in pixels: one number for all four sides, (x, y) for left and right, top and bottom, or (left, top,
            right, bottom).
        border: what is shown there: "constant", "edge", "reflect", "symmetric" or "wrap". Default "constant".
        fill: colour for "constant", in the image's own range: a number, or one for each channel. Default 0.

    Helps: in front of RandomCrop: small shifts of small pictures.
    Hurts: wide frames of one colour teach the model the frame.
    """

    padding: int | tuple[int, int] | tuple[int, int, int, int]

    def check(self) -> None:
        super().check()
        values = self.padding if isinstance(self.padding, tuple) else (self.padding,)
        if len(values) not in (1, 2, 4) or not all(is_count(value, 0) for value in values):
            allowed = "a whole number from 0, or such numbers as (x, y) or (left, top, right, bottom)"
            self.refuse("padding", repr(self.padding), allowed)
        whole = tuple(int(value) for value in values)
        object.__setattr__(self, "padding", whole if isinstance(self.padding, tuple) else whole[0])

    @property
    def sides(self) -> tuple[int, int, int, int]:
        """Left, top, right and bottom in pixels."""
        if not isinstance(self.padding, tuple):
            return (self.padding,) * 4
        return self.padding if len(self.padding) == 4 else (*self.padding, *self.padding)

    def describe(self, draw: Draw, view: View) -> Warp:
        left, top, right, bottom = self.sides
        return self.extend(np.array([[top, left]]), view.size + np.array([top + bottom, left + right]), view)


@operation
class PadIfNeeded(_Padding):
    """Add rows and columns until the picture has a minimum size.

    Any (H, W, C) image; sides that are long enough stay. Pixels are moved, none is computed.

    Args:
        min_height: in pixels, from 1.
        min_width: in pixels, from 1.
        position: where the picture stands on the new canvas: "center" (an odd pixel goes at the bottom and at the
            right), "top_left", "top_right", "bottom_left", "bottom_right" or "random". Default "center".
        divisor: both sides are then padded up to multiples of it. Default 1.
        border: what is shown there: "constant", "edge", "reflect", "symmetric" or "wrap". Default "constant".
        fill: colour for "constant", in the image's own range: a number, or one for each channel. Default 0.

    Helps: pictures of many sizes in one batch without distortion; networks that need sides divisible by 32.
    Hurts: wide frames of one colour teach the model the frame.
    """

    min_height: int
    min_width: int
    position: str = "center"
    divisor: int = 1

    uniforms = ("x", "y")

    def check(self) -> None:
        super().check()
        for argument in ("min_height", "min_width", "divisor"):
            checked_count(self, argument)
        self.one_of("position", POSITIONS)

    def describe(self, draw: Draw, view: View) -> Warp:
        size = np.maximum(view.size, np.array([self.min_height, self.min_width]))
        if self.divisor > 1:
            size = -(-size // self.divisor) * self.divisor
        return self.extend(placed(self.position, size - view.size, draw), size, view)


def placed(position: str, room: Ints, draw: Draw) -> Ints:
    """(B, 2) rows above and columns left of a picture, of the (B, 2) that are free; `position` is one of POSITIONS."""
    if position == "center":
        return room // 2
    if position == "random":
        share = np.stack([draw("y"), draw("x")], axis=1)
        return np.floor(share * (room + 1)).astype(np.int64)
    gets_room: Ints = np.array([position.startswith("bottom"), position.endswith("right")], dtype=np.int64)
    return room * gets_room
