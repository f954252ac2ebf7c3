"""Blurs by what moves while the shutter is open: along a line, and towards the picture."""

from __future__ import annotations

import math

import numpy as np

from covary import kernels
from covary.draws.distributions import Range, Uniform
from covary.ops.amounts import Amount
from covary.ops.base import Draw, operation, ranged
from covary.ops.image.planes import as_picture, filled
from covary.ops.view import View
from covary.plan.changes import Change, Filter, Floats, Image, Ints, Pixels, into

# Neighbouring pictures of a zoom are so many pixels apart at the corners, at most.
_SPACING = 2.0
_MOST_DOUBLINGS = 7


@operation
class MotionBlur(Amount):
    """Blur along a straight line, as a camera that moves.

    Args:
        length: of the line in pixels, 0 to 200. Identity: 0. Default 3 to 9.
        angle: of the line in degrees, anticlockwise from the right. Default 0 to 360.
        direction: how the time is spread along the line, -1 to 1: at 0 evenly, at 1 it grows from none at the start to
            twice the mean at the end (the side that `angle` points to), at -1 it falls. Default -1 to 1.

    The weights are exact: the line, however it lies, is the limit of many pictures moved along it with linear
    interpolation. Its middle stays where it was, and so do labels. Borders are reflected without the edge pixel.

    Helps: moving cameras and objects, long exposures: driving, sports, robots.
    Hurts: small text; tasks that measure sharpness.
    """

    length: Range = ranged(default=Uniform(3, 9, identity=0), low=0, high=200)
    angle: Range = ranged(default=Uniform(0, 360))
    direction: Range = ranged(default=Uniform(-1, 1), low=-1, high=1)

    def describe(self, draw: Draw, view: View) -> Change:
        reach = max(1, math.ceil(self.law("length").bounds()[1] / 2))
        length, turn = draw("length"), np.radians(draw("angle"))
        across, down = 0.5 * length * np.cos(turn), -0.5 * length * np.sin(turn)
        return Filter(kernel=line_kernels(across, down, draw("direction"), reach))


def line_kernels(across: Floats, down: Floats, direction: Floats, reach: int) -> Floats:
    """The weights of lines from (-across, -down) to (across, down), spread over the pixels by linear interpolation.

    Args:
        across, down: (B,) halves of the lines in pixels, at most `reach` each.
        direction: (B,) of each line: the weight at the share t of the way, -1 to 1, is 1 + direction * t.
        reach: of the kernels in pixels to each side, at least 1.

    Returns:
        (B, 2 * reach + 1, 2 * reach + 1) float64, each of which sums to one. The kernels are a correlation's: a pixel
        gets what stands where the weights are, so the picture moves the other way.
    """
    count, side = len(across), 2 * reach + 1
    across, down, direction = across[:, None], down[:, None], direction[:, None]
    whole = np.arange(-reach, reach + 1.0)
    # A line that does not go that way crosses nothing; pieces without a length weigh nothing.
    crossings = [whole / np.where(np.abs(half) > 1e-9, half, 1e-9) for half in (across, down)]
    ends = np.ones((count, 1))
    cuts = np.sort(np.clip(np.concatenate([-ends, ends, *crossings], axis=1), -1, 1), axis=1)
    start, end = cuts[:, :-1], cuts[:, 1:]
    # Between crossings the weights are cubic in t, for which Simpson's rule is exact.
    middle = 0.5 * (start + end)
    t = np.stack([start, middle, end])
    weight = np.array([1.0, 4.0, 1.0])[:, None, None] * (end - start) * (1 + direction * t)
    column, row = np.floor(across * middle), np.floor(down * middle)
    share_x, share_y = across * t - column, down * t - row
    last = side - 2.0
    corner = np.clip(row + reach, 0, last) * side + np.clip(column + reach, 0, last)
    corner = corner.astype(np.int64) + side * side * np.arange(count)[:, None]
    places = np.stack([corner, corner + 1, corner + side, corner + side + 1])
    shares = np.stack(
        [
            (1 - share_x) * (1 - share_y),
            share_x * (1 - share_y),
            (1 - share_x) * share_y,
            share_x * share_y,
        ]
    )
    shares *= weight
    kernels = np.bincount(
        np.broadcast_to(places[:, None], shares.shape).ravel(), shares.ravel(), minlength=count * side * side
    ).reshape(count, side * side)
    spread: Floats = (kernels / kernels.sum(axis=1, keepdims=True)).reshape(count, side, side)
    return spread


@operation
class ZoomBlur(Amount):
    """Blur along rays from the centre, as a lens that zooms, or a camera that comes closer.

    Any (H, W, C) image.

    Args:
        factor: the greatest zoom, 1 to 4. Identity: 1. Default 1.02 to 1.2. (Albumentations' goes to 1.31.)

    The mean of the pictures at 2**n zooms from 1 to `factor`, evenly spaced in the logarithm and close enough to leave
    no copies: each of n steps halves the distance between them, at the cost of one zoom.

    Hendrycks and Dietterich, "Benchmarking neural network robustness to common corruptions and perturbations", ICLR
    2019.

    Helps: driving, drones: the picture grows from the middle.
    Hurts: fine texture at the edges, small text.
    """

    factor: Range = ranged(default=Uniform(1.02, 1.2, identity=1), low=1, high=4)

    def describe(self, draw: Draw, view: View) -> Change:
        return Pixels(_zoomed, tuple({"factor": factor} for factor in draw("factor").tolist()))


def zoom_steps(factor: float, height: int, width: int) -> list[float]:
    """The zooms whose pictures are averaged in turn, each with what the ones before it gave.

    The products of any of them are the 2**n zooms.
    """
    if factor <= 1:
        return []
    furthest = (1 - 1 / factor) * 0.5 * math.hypot(height, width)
    doublings = min(max(1, math.ceil(math.log2(furthest / _SPACING + 1))), _MOST_DOUBLINGS)
    apart = math.log(factor) / (2**doublings - 1)
    return [math.exp(apart * 2**step) for step in range(doublings)]


@into
def _zoomed(picture: Image, factor: float, out: Image | None = None) -> Image:
    height, width = picture.shape[:2]
    steps = zoom_steps(factor, height, width)
    if not steps:
        return filled(out, picture)
    if kernels.native is None:
        return filled(out, zoom_mean(picture, steps))
    out = picture if out is None else out
    kernels.native.zoom_blur(picture, out, steps, kernels.simd)
    return out


def zoom_mean(picture: Image, steps: list[float]) -> Image:
    """The means of `zoom_steps` one after the other, in NumPy: the bytes of the compiled kernel."""
    values: Image = picture.astype(np.float32)
    for step in steps:
        rows, after_rows = _taps(step, picture.shape[0])
        columns, after_columns = _taps(step, picture.shape[1])
        mixed = _between(values[rows[0]], values[rows[1]], after_rows[:, None, None])
        zoomed = _between(mixed[:, columns[0]], mixed[:, columns[1]], after_columns[:, None])
        values = (values + zoomed) * np.float32(0.5)
    return as_picture(values, picture.dtype)


def _taps(zoom: float, length: int) -> tuple[tuple[Ints, Ints], Floats]:
    """Of an axis magnified about its middle: the two places that each comes from, and the share of the second."""
    middle = 0.5 * (length - 1)
    position = (1 / zoom) * (np.arange(length) - middle) + middle
    first = np.floor(position)
    places = first.astype(np.int64)
    return (places, np.minimum(places + 1, length - 1)), (position - first).astype(np.float32)


def _between(first: Image, second: Image, share: Floats) -> Image:
    """Linear interpolation."""
    between: Image = first + share * (second - first)
    return between
