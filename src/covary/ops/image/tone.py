"""Tone: each value is replaced by another, whatever its place and its neighbours."""

from __future__ import annotations

from functools import cache
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from covary.draws.distributions import Constant, Integers, LogUniform, Range, Uniform
from covary.draws.streams import stream_normals
from covary.ops.amounts import Amount
from covary.ops.base import Draw, Operation, operation, ranged
from covary.ops.image.luma import identity_matrix
from covary.ops.view import View
from covary.plan.changes import Change, Colour, Curve

Number = TypeVar("Number", bound=np.generic)


@cache
def _inputs(levels: int) -> NDArray[np.float64]:
    """The inputs of a curve's table as fractions of white; read-only."""
    return _frozen(np.arange(levels) / (levels - 1))


@cache
def _logarithms(levels: int) -> NDArray[np.float64]:
    """Their logarithms, of which the first is minus infinity; read-only."""
    with np.errstate(divide="ignore"):
        return _frozen(np.log(_inputs(levels)))


@cache
def _straight_and_inverted(levels: int, white: float) -> NDArray[np.float32]:
    """The tables (2, N) that keep all values and that turn them into the negative; read-only."""
    inputs = _inputs(levels)
    return _frozen((white * np.stack([inputs, 1 - inputs])).astype(np.float32))


@cache
def _posterized(levels: int, white: float) -> NDArray[np.float32]:
    """The tables (8, 1, N) of 1 to 8 bits; read-only."""
    parts = 2 ** np.arange(1, 8)[:, None]
    part = np.arange(levels) * parts // levels
    coarse = (white / 255 * (part * (256 // parts))).astype(np.float32)
    return _frozen(np.concatenate([coarse, _straight_and_inverted(levels, white)[:1]])[:, None])


def _solarized(levels: int, white: float, first: int) -> NDArray[np.float32]:
    """The table (1, N) that inverts all levels from the first one on."""
    straight, inverted = _straight_and_inverted(levels, white)
    return np.concatenate([straight[:first], inverted[first:]])[None]


def _frozen(array: NDArray[Number]) -> NDArray[Number]:
    array.flags.writeable = False
    return array


@operation
class Gamma(Operation):
    """Raise values, as fractions of white, to a power.

    Args:
        gamma: the exponent, 0.01 to 100: above 1 darkens, below 1 brightens; black and white stay. Drawn evenly in the
            logarithm, so that both happen alike. A number x means 1 - x to 1 + x. Default 0.8 to 1.25 (Albumentations'
            80 to 120 are percent). Identity: 1.

    Values below 0 and above white are clipped.

    Helps: displays, scanners and exposures with different tone.
    Hurts: linear data, in which equal steps have a meaning.
    """

    gamma: Range = ranged(default=LogUniform(0.8, 1.25, identity=1), low=0.01, high=100)

    def describe(self, draw: Draw, view: View) -> Change:
        # exp(gamma * log) takes a sixth of the time of the power; at black it is exp(-infinity) = 0.
        power = np.exp(draw("gamma")[:, None] * _logarithms(view.levels))
        return Curve((view.white * power).astype(np.float32)[:, None, :])


@operation
class RandomToneCurve(Amount):
    """Bend the tone curve at random: shadows and highlights rise or fall, each by itself.

    The curve is a cubic Bezier curve from black to white; its two control points stand at a third and at two thirds and
    are moved up and down by normal random steps.

    Args:
        scale: standard deviation of the steps, as a fraction of white, 0 to 1. Identity: 0. Default 0.1. The control
            points stay between black and white. (Albumentations' stand at 0.25 and 0.75: at scale 0 it raises the
            contrast.)
        per_channel: whether each channel has a curve of its own. Default False.

    Values below 0 and above white are clipped.

    Helps: cameras, films and scanners with tone curves of their own.
    Hurts: linear data, in which equal steps have a meaning.
    """

    scale: Range = ranged(default=Constant(0.1, identity=0), low=0, high=1)
    per_channel: bool = False

    streams = ("steps",)

    def check(self) -> None:
        if not isinstance(self.per_channel, bool):
            self.refuse("per_channel", repr(self.per_channel), "True or False")

    def describe(self, draw: Draw, view: View) -> Change:
        curves = view.channels if self.per_channel else 1
        steps = stream_normals(draw.stream("steps"), 2 * curves).reshape(view.count, curves, 2)
        points = np.clip(np.array([1 / 3, 2 / 3]) + steps * draw("scale")[:, None, None], 0, 1)
        x = _inputs(view.levels)
        first, second = 3 * x * np.square(1 - x), 3 * np.square(x) * (1 - x)
        curve = points[..., :1] * first + points[..., 1:] * second + x**3
        return Curve((view.white * curve).astype(np.float32))


@operation
class Posterize(Amount):
    """Keep only the upper bits of each value.

    Args:
        bits: how many of eight, 1 to 8: a whole number or an inclusive range (low, high). Default 4 to 7. Fewer is
            stronger. Identity: 8, which leaves pictures of every depth as they are.

    For uint8 this is the mask of Pillow and torchvision. Pictures of other types are cut into the same 2**bits even
    parts of the range, each of which gets the value that uint8 would give it (a multiple of 2**(8 - bits) 255ths of
    white), so that the same picture gives the same result in all three types.

    Helps: part of the AutoAugment and RandAugment families; compressed or palette pictures.
    Hurts: smooth shading that decides the class (skin lesions, X-rays).
    """

    bits: Range = ranged(default=Integers(4, 7, identity=8), low=1, high=8)

    def describe(self, draw: Draw, view: View) -> Change:
        tables = _posterized(view.levels, view.white)
        return Curve(tuple(tables[bits - 1] for bits in np.rint(draw("bits")).astype(np.intp).tolist()))


@operation
class Solarize(Amount):
    """Invert all values from a threshold on.

    Args:
        threshold: as a fraction of white, 0 to 1: values at it and above are inverted, so 0 inverts all. Lower is
            stronger. Default 0.5 to 1. Identity: 1, at which nothing is inverted, white neither.

    Helps: part of the AutoAugment and RandAugment families; self-supervised training.
    Hurts: most supervised tasks with natural pictures: bright parts turn dark. Use a small `p`.
    """

    threshold: Range = ranged(default=Uniform(0.5, 1.0, identity=1), low=0, high=1)

    def describe(self, draw: Draw, view: View) -> Change:
        threshold = draw("threshold")
        first = np.where(threshold < 1, np.searchsorted(_inputs(view.levels), threshold), view.levels).tolist()
        tables = {level: _solarized(view.levels, view.white, level) for level in set(first)}
        return Curve(tuple(tables[level] for level in first))


@operation
class Invert(Operation):
    """Turn each value into white minus that value: the negative.

    Helps: documents and drawings that come in both polarities; microscopy with bright and dark fields.
    Hurts: photographs, where negatives do not occur. Use a small `p`.
    """

    def describe(self, draw: Draw, view: View) -> Change:
        matrix = -identity_matrix(view.channels)[None].repeat(view.count, axis=0)
        matrix[:, :, -1] = view.white
        return Colour(matrix)
