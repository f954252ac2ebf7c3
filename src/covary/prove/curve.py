"""How much more data an arm is worth: its learning curve laid beside that of "none"."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from covary.prove.experiment import Answers

Reals = NDArray[np.float64]

RESAMPLES = 1000


@dataclass(frozen=True)
class Multiplier:
    """With how many times the data "none" is as good as the arm.

    Attributes:
        fraction: share of the training part at which it holds.
        estimate: the factor; infinite where "none" with all data is not as good, 0 where it is better with the least.
        low: of the 95 % interval.
        high: of the 95 % interval; infinite where the curve of "none" does not reach so far.
        least: the smallest factor that the curve of "none" can show at this fraction.
        most: the largest one.
    """

    fraction: float
    estimate: float
    low: float
    high: float
    least: float
    most: float


def multipliers(
    fractions: Sequence[float], none: Sequence[Answers], arm: Sequence[Answers], groups: NDArray[np.int64], *, seed: int
) -> list[Multiplier]:
    """The effective data multiplier at each fraction.

    The curve of "none" is made monotone (least squares) and read linearly in the logarithm of the number of samples.
    The interval is of percentiles; resampled are runs and, at the same time, groups of test samples.

    Args:
        fractions: (F,) shares of the training part, ascending, the last one 1.
        none: answers of the arm without augmentation at each fraction, of the same runs.
        arm: those of the arm in question.
        groups: (N,) group of each sample of the task.
        seed: of the resamples.
    """
    generator = np.random.default_rng(seed)
    units, where = np.unique(groups[none[0].samples], return_inverse=True)
    numbers, runs = np.unique(none[0].runs, return_inverse=True)
    tested = _table(np.ones(len(where)), where, runs, len(units), len(numbers))
    unit_weights = np.vstack([np.ones(len(units)), _weights(generator, len(units))])
    run_weights = np.vstack([np.ones(len(numbers)), _weights(generator, len(numbers))])

    def shares(answers: Answers) -> Reals:
        right = _table(answers.right.astype(np.float64), where, runs, len(units), len(numbers))
        both = ((unit_weights @ right) * run_weights).sum(1), ((unit_weights @ tested) * run_weights).sum(1)
        return np.asarray(both[0] / np.maximum(both[1], 1e-12))

    curve = monotone(np.stack([shares(answers) for answers in none], 1))
    sizes = np.log(np.asarray(fractions, dtype=np.float64))
    made = []
    for place, fraction in enumerate(fractions):
        reached = shares(arm[place])
        factors = np.array([_size(value, row, sizes) for value, row in zip(reached, curve, strict=True)]) / fraction
        # Percentiles that are seen values: a mean of a number and infinity would be none.
        low, high = np.quantile(factors[1:], (0.025, 0.975), method="inverted_cdf")
        made.append(
            Multiplier(fraction, float(factors[0]), float(low), float(high), fractions[0] / fraction, 1 / fraction)
        )
    return made


def headline(found: Sequence[Multiplier]) -> Multiplier:
    """The one to speak of: with as many samples as possible, but such that the curve of "none" reaches the arm."""
    read = [each for each in found if 0 < each.estimate < np.inf]
    return read[-1] if read else (found[0] if found[0].estimate else found[-1])


def monotone(curves: Reals) -> Reals:
    """The non-decreasing rows next to rows (B, F), by least squares: the largest of the smallest means."""
    count = curves.shape[1]
    sums = np.concatenate([np.zeros((len(curves), 1)), np.cumsum(curves, 1)], 1)
    made = np.empty_like(curves)
    for place in range(count):
        least = [
            np.min([(sums[:, end + 1] - sums[:, start]) / (end + 1 - start) for end in range(place, count)], axis=0)
            for start in range(place + 1)
        ]
        made[:, place] = np.max(least, axis=0)
    return made


def _size(value: float, curve: Reals, sizes: Reals) -> float:
    """With what share of the data the curve first reaches a value; 0 below it, infinity above it."""
    if value > curve[-1]:
        return np.inf
    if value < curve[0]:
        return 0.0
    place = int(np.searchsorted(curve, value, side="left"))
    if place == 0:
        return float(np.exp(sizes[0]))
    share = (value - curve[place - 1]) / (curve[place] - curve[place - 1])
    return float(np.exp(sizes[place - 1] + share * (sizes[place] - sizes[place - 1])))


def _table(values: Reals, rows: NDArray[np.intp], columns: NDArray[np.intp], height: int, width: int) -> Reals:
    cells: Reals = np.bincount(rows * width + columns, values, height * width).astype(np.float64)
    return cells.reshape(height, width)


def _weights(generator: np.random.Generator, size: int) -> Reals:
    return generator.multinomial(size, np.full(size, 1 / size), RESAMPLES).astype(np.float64)
