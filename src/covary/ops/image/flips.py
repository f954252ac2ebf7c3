"""Flips, quarter turns and transpositions: exact, without interpolation."""

from __future__ import annotations

from dataclasses import field

import numpy as np

from covary.draws.distributions import Choice, Constant, Integers, Range
from covary.ops.base import Draw, Operation, operation, ranged
from covary.ops.image.matrices import FLIP_X, FLIP_Y, TRANSPOSE, symmetries, symmetry_sizes
from covary.ops.view import View
from covary.plan.changes import Warp


@operation
class HorizontalFlip(Operation):
    """Mirror left and right.

    Any (H, W, C) image; the size stays. Pixels are moved, none is computed.

    Args:
        p: probability of the flip. Default 0.5.

    Helps: almost all photographs; the first augmentation to try.
    Hurts: text, digits, traffic signs, anatomy with a left and a right side. Left and right labels have to be swapped.
    """

    p: float = field(default=0.5, kw_only=True)

    def describe(self, draw: Draw, view: View) -> Warp:
        return Warp(symmetries(FLIP_X, view.size), view.size)


@operation
class VerticalFlip(Operation):
    """Mirror top and bottom.

    Any (H, W, C) image; the size stays. Pixels are moved, none is computed.

    Args:
        p: probability of the flip. Default 0.5.

    Helps: pictures without an upright: aerial, microscopy, materials.
    Hurts: photographs of scenes, faces, text: nobody meets them upside down.
    """

    p: float = field(default=0.5, kw_only=True)

    def describe(self, draw: Draw, view: View) -> Warp:
        return Warp(symmetries(FLIP_Y, view.size), view.size)


@operation
class Transpose(Operation):
    """Swap rows and columns: mirror about the diagonal from the top left.

    An (H, W, C) image becomes (W, H, C). Pixels are moved, none is computed.

    Args:
        p: probability of the swap. Default 0.5.

    Helps: pictures without an upright: aerial, microscopy, materials.
    Hurts: anything whose class depends on its orientation; batches of pictures that are not square.
    """

    p: float = field(default=0.5, kw_only=True)

    def describe(self, draw: Draw, view: View) -> Warp:
        return Warp(symmetries(TRANSPOSE, view.size), np.ascontiguousarray(view.size[:, ::-1]))


@operation
class RandomRotate90(Operation):
    """Turn by a random number of quarter turns.

    An (H, W, C) image becomes (W, H, C) after an odd number of turns. Pixels are moved, none is computed.

    Args:
        turns: quarter turns anticlockwise, a whole number: `Choice`, `Integers` or `Constant`. Identity: 0. Default: 0,
            1, 2 and 3, all alike.

    Helps: pictures without an upright: aerial, microscopy, materials.
    Hurts: anything whose class depends on its orientation; batches of pictures that are not square.
    """

    turns: Range = ranged(default=Choice((0, 1, 2, 3), identity=0))

    def check(self) -> None:
        super().check()
        _refuse_fractions(self, "turns")

    def describe(self, draw: Draw, view: View) -> Warp:
        # The symmetries 0 to 3 are the quarter turns.
        turns = draw("turns").astype(np.intp) % 4
        return Warp(symmetries(turns, view.size), symmetry_sizes(turns, view.size))


@operation
class D4(Operation):
    """Apply one of the eight symmetries of the square: turns and flips.

    An (H, W, C) image becomes (W, H, C) where the symmetry swaps the axes. Pixels are moved, none is computed.

    Args:
        symmetry: a whole number from 0 to 7: 0 to 3 are so many quarter turns anticlockwise, 4 the horizontal flip, 5
            the vertical flip, 6 the transposition, 7 the mirroring about the other diagonal. Identity: 0. Default: all
            alike.

    Helps: pictures without an upright: aerial, microscopy, materials; the whole group in one operation.
    Hurts: anything whose class depends on its orientation; batches of pictures that are not square.
    """

    symmetry: Range = ranged(default=Choice(tuple(range(8)), identity=0), low=0, high=7)

    def check(self) -> None:
        super().check()
        _refuse_fractions(self, "symmetry")

    def describe(self, draw: Draw, view: View) -> Warp:
        kinds = draw("symmetry").astype(np.intp)
        return Warp(symmetries(kinds, view.size), symmetry_sizes(kinds, view.size))


def _refuse_fractions(owner: Operation, argument: str) -> None:
    law = owner.law(argument)
    values = law.values if isinstance(law, Choice) else law.bounds()
    if not isinstance(law, (Choice, Integers, Constant)) or any(value != int(value) for value in values):
        owner.refuse(argument, repr(law), "a Choice, Integers or Constant of whole numbers")
