"""How sure: intervals and tests of paired differences, where runs share one finite data set.

Runs of an experiment are no independent draws. Their test parts come from one data set, so what its samples have in
common (an unlucky collection) stays however many runs are made. Differences are therefore kept apart by sample and by
run, and an interval has two parts: how much it would move with other samples, and how much with other runs.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

Reals = NDArray[np.float64]
Numbers = NDArray[np.int64]

RESAMPLES = 4999
EXACT_PAIRS = 16  # all sign patterns are counted up to so many pairs


@dataclass(frozen=True)
class Interval:
    """An estimate and where the truth lies, by a method that is right in `level` of all cases."""

    estimate: float
    low: float
    high: float
    level: float = 0.95

    def excludes_zero(self) -> bool:
        return self.low > 0 or self.high < 0

    def scaled(self, factor: float) -> Interval:
        """In another unit: 100 makes points of shares."""
        ends = sorted((self.low * factor, self.high * factor))
        return Interval(self.estimate * factor, ends[0], ends[1], self.level)


@dataclass(frozen=True, eq=False)
class Differences:
    """Paired differences between two arms: one value for each sample and run in which it was tested.

    Attributes:
        values: (N,) right (1) or wrong (0) in one arm less the same in the other, or any other score of a sample.
        units: (N,) number of the sample, or of the group of samples that belong together (near-duplicates).
        runs: (N,) number of the run.
    """

    values: Reals
    units: Numbers
    runs: Numbers

    @classmethod
    def joined(cls, parts: Iterable[tuple[int, ArrayLike, ArrayLike]]) -> Differences:
        """Of several runs, each (number of the run, units, values)."""
        kept = [(run, np.asarray(units, np.int64), np.asarray(values, np.float64)) for run, units, values in parts]
        if not kept:
            return cls(np.empty(0), np.empty(0, np.int64), np.empty(0, np.int64))
        return cls(
            np.concatenate([values for _, _, values in kept]),
            np.concatenate([units for _, units, _ in kept]),
            np.concatenate([np.full(len(units), run, np.int64) for run, units, _ in kept]),
        )

    def where(self, chosen: NDArray[np.bool_]) -> Differences:
        """Some of the values, such as those of one class."""
        return Differences(self.values[chosen], self.units[chosen], self.runs[chosen])

    def by_run(self) -> Reals:
        """(R,) mean difference of each run, in the order of their numbers."""
        _, place = np.unique(self.runs, return_inverse=True)
        return np.asarray(np.bincount(place, self.values) / np.bincount(place), dtype=np.float64)


def interval(differences: Differences, *, level: float = 0.95, seed: int = 0) -> Interval:
    """Where the mean difference lies on new samples and in new runs.

    The part that is owed to samples is a BCa interval over units (every run in which a unit was tested stays together);
    the part that is owed to runs (initialisation, choice of the training part) is a t interval with its variance
    component; both, and half a pair that differs in either direction, are joined by recovery of variance (MOVER):
    distances from the estimate add in squares.

    Args:
        differences: of at least two runs and two units.
        level: share of cases in which the interval is right.
        seed: of the resamples.

    Returns:
        The interval; from minus to plus infinity where there are fewer than two runs or three units.

    References:
        Efron 1987 (BCa); Zou & Donner 2008 (MOVER); Agresti & Min 2005 (the half pair).
    """
    if not len(differences.values):
        return Interval(float("nan"), -np.inf, np.inf, level)
    sums, counts = _by_unit(differences)
    runs = len(np.unique(differences.runs))
    estimate = float(sums.sum() / counts.sum())
    if runs < 2 or len(sums) < 3:
        return Interval(estimate, -np.inf, np.inf, level)
    samples = bca_ratio(sums, counts, level=level, seed=seed)
    others = _t(level, runs - 1) ** 2 * run_variance(differences) / runs + (_z(level) * half_pair(differences)) ** 2
    return Interval(
        estimate,
        estimate - float(np.sqrt((estimate - samples.low) ** 2 + others)),
        estimate + float(np.sqrt((samples.high - estimate) ** 2 + others)),
        level,
    )


def standard_error(differences: Differences) -> tuple[float, float]:
    """Of the mean difference, of the same parts as in `interval`; and its degrees of freedom (Satterthwaite 1946)."""
    sums, counts = _by_unit(differences)
    runs = len(np.unique(differences.runs))
    if runs < 2 or len(sums) < 3:
        return float("inf"), 1.0
    spread = sums - counts * (sums.sum() / counts.sum())
    samples = len(sums) / (len(sums) - 1) * float((spread**2).sum()) / float(counts.sum()) ** 2
    others = run_variance(differences) / runs
    least = half_pair(differences) ** 2
    variance = samples + others + least
    freedom = variance**2 / ((samples + least) ** 2 / (len(sums) - 1) + others**2 / (runs - 1))
    return float(np.sqrt(variance)), float(freedom)


def p_value(differences: Differences) -> float:
    """Two-sided p of no difference, by Student's t."""
    from scipy.stats import t

    error, freedom = standard_error(differences)
    return float(2 * t.sf(abs(differences.values.mean()) / error, freedom)) if np.isfinite(error) else 1.0


def run_variance(differences: Differences) -> float:
    """How much runs differ beyond what their test samples explain, as a variance; at least 0.

    With sample effects, run effects and a rest, half the mean squared difference of two values from different samples
    and different runs holds all three; from different samples of one run, all but the run's.
    """
    values, units, runs = _cells(differences)
    total, square = float(values.sum()), float((values**2).sum())
    count = len(values)
    in_run, of_run = _squares(values, runs)
    in_unit, of_unit = _squares(values, units)
    apart = count * (count - 1) - of_run - of_unit
    if not of_run or apart <= 0:
        return 0.0
    return max(0.0, (count * square - total**2 - in_run - in_unit) / apart - in_run / of_run)


def half_pair(differences: Differences) -> float:
    """The standard error of half a sample that is better and half a sample that is worse."""
    largest = float(np.abs(differences.values).max())
    return (largest or 1.0) / len(np.unique(differences.units))


def bca(values: ArrayLike, *, level: float = 0.95, seed: int = 0, resamples: int = RESAMPLES) -> Interval:
    """BCa bootstrap interval of a mean (Efron 1987).

    Args:
        values: (N,).
        level: share of cases in which the interval is right.
        seed: of the resamples.
        resamples: how many.

    Returns:
        The interval: of no width where all values are equal, from minus to plus infinity for fewer than three.
    """
    sample = np.asarray(values, dtype=np.float64)
    return bca_ratio(sample, np.ones_like(sample), level=level, seed=seed, resamples=resamples)


def bca_ratio(
    sums: Reals, counts: Reals, *, level: float = 0.95, seed: int = 0, resamples: int = RESAMPLES
) -> Interval:
    """BCa bootstrap interval of sum(sums) / sum(counts) over clusters (N,), resampled whole."""
    from scipy.special import ndtr, ndtri

    size = len(sums)
    estimate = float(sums.sum() / counts.sum())
    if size < 3:
        return Interval(estimate, -np.inf, np.inf, level)
    # A leave-one-out estimate each: their skewness is the acceleration.
    left = (sums.sum() - sums) / np.maximum(counts.sum() - counts, 1e-300)
    spread = left.mean() - left
    # Values that are equal but for rounding have no skewness to speak of.
    if np.abs(spread).max() <= 1e-12 * max(1.0, abs(estimate)):
        return Interval(estimate, estimate, estimate, level)
    acceleration = float((spread**3).sum() / (6 * (spread**2).sum() ** 1.5))
    drawn = _resampled(sums, counts, seed, resamples)
    below = (np.count_nonzero(drawn < estimate) + 0.5 * np.count_nonzero(drawn == estimate)) / resamples
    bias = float(ndtri(np.clip(below, 1 / resamples, 1 - 1 / resamples)))
    outer = bias + np.array([-1.0, 1.0]) * _z(level)
    low, high = np.quantile(drawn, ndtr(bias + outer / (1 - acceleration * outer)))
    return Interval(estimate, min(float(low), estimate), max(float(high), estimate), level)


def resampled_interval(by_run: ArrayLike, tested: float, *, level: float = 0.95) -> Interval:
    """Interval of the mean of run differences alone, for scores that are not known sample by sample.

    Corrected resampled t (Nadeau & Bengio 2003): runs overlap, so the variance of their mean is taken as
    (1 / R + tested) times theirs.

    Args:
        by_run: (R,) differences.
        tested: number of test samples over number of training samples.
        level: share of cases in which the interval is right.
    """
    values = np.asarray(by_run, dtype=np.float64)
    estimate = float(values.mean()) if len(values) else float("nan")
    if len(values) < 3:
        return Interval(estimate, -np.inf, np.inf, level)
    half = _t(level, len(values) - 1) * float(np.sqrt((1 / len(values) + tested) * values.var(ddof=1)))
    return Interval(estimate, estimate - half, estimate + half, level)


def sign_flip(values: ArrayLike, *, seed: int = 0, resamples: int = 1 << 16) -> float:
    """Two-sided p of a sign-flip test of a mean of 0: how often random signs give a mean as far from 0.

    All patterns are counted up to 16 values, `resamples` drawn ones (and the observed one) beyond.

    Args:
        values: (N,) paired differences.
        seed: of drawn patterns.
        resamples: how many are drawn.
    """
    sample = np.asarray(values, dtype=np.float64)
    if not len(sample):
        return 1.0
    exact = len(sample) <= EXACT_PAIRS
    if exact:
        bits = np.arange(1 << len(sample))[:, None] >> np.arange(len(sample))
        signs = 1.0 - 2.0 * (bits & 1)
    else:
        signs = np.random.default_rng(seed).choice((-1.0, 1.0), size=(resamples, len(sample)))
    # Sums that are equal but for the order of adding count as equal.
    least = abs(sample.sum()) - 1e-9 * np.abs(sample).sum()
    as_far = int(np.count_nonzero(np.abs(signs @ sample) >= least))
    return as_far / len(signs) if exact else (as_far + 1) / (resamples + 1)


def holm(p_values: ArrayLike) -> Reals:
    """p values (N,) corrected for their number (Holm 1979); NaN stays NaN and counts for nothing."""
    given = np.asarray(p_values, dtype=np.float64)
    made = np.full_like(given, np.nan)
    known = np.flatnonzero(~np.isnan(given))
    order = known[np.argsort(given[known], kind="stable")]
    factors = len(order) - np.arange(len(order))
    made[order] = np.minimum(1.0, np.maximum.accumulate(given[order] * factors)) if len(order) else 0
    return made


def _by_unit(differences: Differences) -> tuple[Reals, Reals]:
    """Sum and number of the values of each unit."""
    _, place = np.unique(differences.units, return_inverse=True)
    return (
        np.bincount(place, differences.values).astype(np.float64),
        np.bincount(place).astype(np.float64),
    )


def _cells(differences: Differences) -> tuple[Reals, Numbers, Numbers]:
    """One mean value for each unit and run, its unit and its run."""
    _, units = np.unique(differences.units, return_inverse=True)
    pairs = differences.runs * (int(units.max()) + 1) + units
    _, first, place = np.unique(pairs, return_index=True, return_inverse=True)
    values = np.bincount(place, differences.values) / np.bincount(place)
    return values.astype(np.float64), units[first].astype(np.int64), differences.runs[first]


def _squares(values: Reals, labels: Numbers) -> tuple[float, float]:
    """Sum of half squared differences over ordered pairs that share a label, and the number of these pairs."""
    _, place = np.unique(labels, return_inverse=True)
    counts = np.bincount(place).astype(np.float64)
    sums, squares = np.bincount(place, values), np.bincount(place, values**2)
    return float((counts * squares - sums**2).sum()), float((counts * (counts - 1)).sum())


def _resampled(sums: Reals, counts: Reals, seed: int, resamples: int) -> Reals:
    """The estimate in each of (B,) resamples with replacement.

    Clusters that are alike (there are few kinds, as values are sums of -1, 0 and 1) are drawn together, by their
    number.
    """
    kinds, members = np.unique(np.stack([sums, counts], 1), axis=0, return_counts=True)
    generator = np.random.default_rng(seed)
    drawn = generator.multinomial(len(sums), members / len(sums), resamples)
    both: Reals = drawn @ kinds
    return both[:, 0] / both[:, 1]


def _z(level: float) -> float:
    from scipy.special import ndtri

    return float(ndtri(0.5 + level / 2))


def _t(level: float, freedom: int) -> float:
    from scipy.stats import t

    return float(t.ppf(0.5 + level / 2, freedom))
