from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import isotonic_regression

from covary.prove.curve import headline, monotone, multipliers
from covary.prove.experiment import Answers

FRACTIONS = (0.25, 0.5, 1.0)


def answers(share: float, *, samples: int = 400, runs: int = 6) -> Answers:
    """Exactly so large a share of the samples right in every run, others each time."""
    order = (np.arange(samples)[None] + 37 * np.arange(runs)[:, None]) % samples
    right = order < round(share * samples)
    return Answers(np.tile(np.arange(samples), runs), np.repeat(np.arange(runs), samples), right.ravel())


def found(none: list[float], arm: list[float]):
    made = [[answers(share) for share in shares] for shares in (none, arm)]
    return multipliers(FRACTIONS, made[0], made[1], np.arange(400), seed=0)


def test_an_arm_that_is_as_good_with_half_the_data_is_worth_twice_the_data() -> None:
    # Linear in the logarithm of the data: 5 points for each doubling.
    made = found([0.70, 0.75, 0.80], [0.75, 0.80, 0.85])
    assert [each.estimate for each in made[:2]] == pytest.approx([2, 2])
    assert made[2].estimate == np.inf
    best = headline(made)
    assert best.fraction == 0.5
    assert best.low < 2 <= best.high


def test_between_two_points_the_logarithm_is_read() -> None:
    assert found([0.70, 0.80, 0.90], [0.75, 0.85, 0.95])[0].estimate == pytest.approx(np.sqrt(2))


def test_a_harmful_arm_is_worth_less_than_the_data() -> None:
    best = headline(found([0.70, 0.75, 0.80], [0.65, 0.70, 0.75]))
    assert best.fraction == 1
    assert best.estimate == pytest.approx(0.5)


def test_an_equal_arm_is_worth_the_data() -> None:
    made = found([0.70, 0.75, 0.80], [0.70, 0.75, 0.80])
    assert [each.estimate for each in made] == pytest.approx([1, 1, 1])


def test_an_arm_beyond_the_curve_is_worth_more_than_can_be_shown() -> None:
    best = headline(found([0.50, 0.55, 0.60], [0.90, 0.92, 0.95]))
    assert (best.fraction, best.estimate, best.most) == (0.25, np.inf, 4)


def test_an_arm_below_the_curve_is_worth_less_than_the_smallest_share() -> None:
    assert headline(found([0.50, 0.55, 0.60], [0.30, 0.32, 0.35])).estimate == 0


def test_monotone_rows_equal_scipy_isotonic_regression() -> None:
    rows = np.random.default_rng(0).normal(size=(50, 5))
    truth = np.stack([isotonic_regression(row).x for row in rows])
    assert monotone(rows) == pytest.approx(truth)
