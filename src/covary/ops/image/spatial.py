"""What geometric operations share: the border, its fill, the interpolation, and how sizes are given."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import ClassVar, TypeAlias

import numpy as np

from covary.ops.base import Operation
from covary.ops.view import View
from covary.plan.changes import BORDERS, INTERPOLATIONS, Border, Displace, Floats, Interpolation, Ints, Warp

Fill: TypeAlias = float | tuple[float, ...]
Size: TypeAlias = int | tuple[int, int]


@dataclass(frozen=True, repr=False)
class Bordered(Operation):
    """An operation that may look outside the picture.

    Args:
        border: what lies there: "constant", "edge", "reflect", "symmetric" or "wrap", with numpy.pad's meaning.
        fill: colour for "constant", in the image's own range: one number, or one for each channel.
    """

    # None, where a class allows it, leaves the border to the geometry that shares the pass.
    borders: ClassVar[tuple[Border | None, ...]] = BORDERS

    border: Border | None = field(default="reflect", kw_only=True)
    fill: Fill = field(default=0, kw_only=True)

    def check(self) -> None:
        super().check()
        checked_border(self, self.borders, self.border, self.fill)

    def colour(self, view: View) -> Floats | None:
        """The (B, C) colour outside the picture, None unless the border is constant."""
        return view.colour(self.fill) if self.border == "constant" else None


@dataclass(frozen=True, repr=False)
class Interpolated(Operation):
    """An operation that finds values between pixel centres.

    Args:
        interpolation: "nearest", "linear" or "cubic". Masks of class numbers are always sampled by "nearest".
    """

    interpolation: Interpolation = field(default="linear", kw_only=True)

    def check(self) -> None:
        super().check()
        self.one_of("interpolation", INTERPOLATIONS)


@dataclass(frozen=True, repr=False)
class Geometry(Bordered, Interpolated):
    """A geometric operation that keeps the size, may look outside the picture and finds values between pixels."""

    def warp(self, matrix: Floats, view: View) -> Warp:
        """The projective change that keeps the size; `matrix` (B, 3, 3) maps output to input."""
        return Warp(matrix, view.size, self.border, self.colour(view), self.interpolation)

    def displace(self, grids: tuple[Floats, ...], view: View) -> Displace:
        """The change by displacement, with one (gh, gw, 2) grid for each picture."""
        return Displace(grids, self.border, self.colour(view), self.interpolation)


def checked_border(
    operation: Operation, borders: tuple[Border | None, ...], border: Border | None, fill: float | tuple[float, ...]
) -> None:
    """Refuse a border that is none of those allowed, and a fill that is no colour or has no border to fill."""
    if border not in borders:
        operation.refuse("border", repr(border), ", ".join(str(allowed) for allowed in borders))
    values = fill if isinstance(fill, tuple) else (fill,)
    if not values or not all(is_number(value) for value in values):
        operation.refuse("fill", repr(fill), "a finite number, or a tuple with one for each channel")
    if border != "constant" and any(values):
        operation.refuse("fill", f"{fill!r} with border={border!r}", "a fill with border='constant' only")


def checked_size(operation: Operation, argument: str) -> None:
    """Refuse a size argument that is neither a positive whole number nor a pair (height, width) of them."""
    value = getattr(operation, argument)
    if is_count(value):
        object.__setattr__(operation, argument, int(value))
    elif isinstance(value, tuple) and len(value) == 2 and all(is_count(side) for side in value):
        object.__setattr__(operation, argument, (int(value[0]), int(value[1])))
    else:
        operation.refuse(argument, repr(value), "a whole number of pixels from 1, or a pair (height, width)")


def checked_count(operation: Operation, argument: str, least: int = 1) -> None:
    """Refuse an argument that is no whole number from `least` on."""
    value = getattr(operation, argument)
    if not is_count(value, least):
        operation.refuse(argument, repr(value), f"a whole number from {least}")
    object.__setattr__(operation, argument, int(value))


def is_count(value: object, least: int = 1) -> bool:
    """Whether a value is a whole number from `least` on (True and False are none)."""
    return isinstance(value, (int, np.integer)) and not isinstance(value, bool) and bool(value >= least)


def height_width(size: Size) -> tuple[int, int]:
    """A size as (height, width): one number stands for both."""
    return size if isinstance(size, tuple) else (size, size)


def same_size(count: int, size: Size) -> Ints:
    """(B, 2) int64: the same height and width for all pictures."""
    sizes = np.empty((count, 2), dtype=np.int64)
    sizes[:, 0], sizes[:, 1] = height_width(size)
    return sizes


def is_number(value: object) -> bool:
    """Whether a value is a finite number (True and False are none)."""
    number = isinstance(value, (int, float, np.integer, np.floating)) and not isinstance(value, bool)
    return number and math.isfinite(value)  # type: ignore[arg-type]
