from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from benchmarks.coverage import SETTINGS, Simulated, decided, null_of
from covary.prove.sequential import planned_looks
from covary.prove.statistics import (
    Differences,
    bca,
    bca_ratio,
    holm,
    interval,
    p_value,
    resampled_interval,
    run_variance,
    sign_flip,
    standard_error,
)


def crossed(values: np.ndarray) -> Differences:
    """Every unit (row) tested in every run (column)."""
    units, runs = np.indices(values.shape)
    return Differences(values.ravel().astype(float), units.ravel(), runs.ravel())


@pytest.mark.parametrize("seed", range(4))
def test_bca_equals_scipy(seed: int) -> None:
    sample = np.random.default_rng(seed).exponential(1.0, 30 + 20 * seed)
    truth = stats.bootstrap((sample,), np.mean, method="BCa", n_resamples=20000, rng=np.random.default_rng(1))
    found = bca(sample, resamples=20000)
    width = truth.confidence_interval.high - truth.confidence_interval.low
    assert found.low == pytest.approx(truth.confidence_interval.low, abs=0.03 * width)
    assert found.high == pytest.approx(truth.confidence_interval.high, abs=0.03 * width)


def test_bca_of_a_ratio_equals_scipy_on_paired_samples() -> None:
    generator = np.random.default_rng(3)
    counts = generator.integers(1, 5, 80).astype(float)
    sums = generator.binomial(counts.astype(int), 0.3).astype(float)

    def ratio(first: np.ndarray, second: np.ndarray, axis: int = -1) -> np.ndarray:
        return first.sum(axis) / second.sum(axis)

    truth = stats.bootstrap(
        (sums, counts), ratio, paired=True, method="BCa", n_resamples=20000, rng=np.random.default_rng(1)
    ).confidence_interval
    found = bca_ratio(sums, counts, resamples=20000)
    assert found.low == pytest.approx(truth.low, abs=0.03 * (truth.high - truth.low))
    assert found.high == pytest.approx(truth.high, abs=0.03 * (truth.high - truth.low))


def test_bca_of_equal_values_has_no_width_and_of_two_no_end() -> None:
    same = bca([0.1] * 7)
    assert same.low == same.high == pytest.approx(0.1)
    assert bca([1.0, 2.0]).high == np.inf


@pytest.mark.parametrize("count", [2, 5, 8, 12])
def test_sign_flip_equals_scipy_permutation_test(count: int) -> None:
    sample = np.random.default_rng(count).normal(0.4, 1, count).round(1)
    truth = stats.permutation_test((sample,), np.mean, permutation_type="samples", n_resamples=np.inf)
    assert sign_flip(sample) == pytest.approx(truth.pvalue)


def test_drawn_sign_flips_come_near_the_exact_p_of_wilcoxon_like_sums() -> None:
    # Values of one size: the number of positive signs is binomial.
    sample = np.array([1.0] * 15 + [-1.0] * 5)
    assert sign_flip(sample) == pytest.approx(stats.binomtest(15, 20).pvalue, abs=0.004)


def test_holm_equals_the_worked_example() -> None:
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])


def test_holm_leaves_unknown_p_values_out() -> None:
    found = holm([0.02, np.nan, 0.03])
    assert found[[0, 2]] == pytest.approx([0.04, 0.04])
    assert np.isnan(found[1])


def test_run_variance_equals_analysis_of_variance_in_a_balanced_design() -> None:
    generator = np.random.default_rng(5)
    values = generator.normal(size=(40, 1)) + generator.normal(size=(1, 7)) + generator.normal(size=(40, 7))
    grand = values.mean()
    runs, units = values.mean(0), values.mean(1)
    rest = values - runs - units[:, None] + grand
    square_runs = 40 * ((runs - grand) ** 2).sum() / 6
    square_rest = (rest**2).sum() / (39 * 6)
    assert run_variance(crossed(values)) == pytest.approx((square_runs - square_rest) / 40)


def test_run_variance_is_never_negative() -> None:
    values = np.tile([[1.0, -1.0], [-1.0, 1.0]], (5, 1))
    assert run_variance(crossed(values)) == 0


def test_resampled_interval_without_correction_equals_scipy_t() -> None:
    values = np.random.default_rng(0).normal(size=9)
    truth = stats.ttest_1samp(values, 0).confidence_interval(0.9)
    found = resampled_interval(values, 0.0, level=0.9)
    assert (found.low, found.high) == pytest.approx((truth.low, truth.high))


def test_resampled_interval_is_as_much_wider_as_nadeau_and_bengio_say() -> None:
    values = np.random.default_rng(0).normal(size=10)
    plain, wider = resampled_interval(values, 0.0), resampled_interval(values, 1 / 3)
    assert (wider.high - wider.low) / (plain.high - plain.low) == pytest.approx(np.sqrt(1 + 10 / 3))


differences = st.integers(4, 30).flatmap(
    lambda units: st.integers(2, 6).flatmap(
        lambda runs: st.lists(st.sampled_from([-1, 0, 0, 0, 1]), min_size=units * runs, max_size=units * runs).map(
            lambda values: crossed(np.array(values).reshape(units, runs))
        )
    )
)


@settings(max_examples=25, deadline=None)
@given(differences)
def test_an_interval_holds_its_estimate_and_does_not_depend_on_names(given_differences: Differences) -> None:
    found = interval(given_differences)
    assert found.low < found.estimate < found.high
    assert found.estimate == pytest.approx(given_differences.values.mean())
    renamed = replace(given_differences, units=97 - given_differences.units, runs=5 * given_differences.runs)
    error = standard_error(given_differences)
    assert standard_error(renamed) == pytest.approx(error)
    # The resamples are others; the ends move by what 5,000 of them leave to chance.
    assert interval(renamed).low == pytest.approx(found.low, abs=0.3 * error[0] + 1e-9)


def test_no_differences_at_all_leave_room_for_a_rare_one() -> None:
    found = interval(crossed(np.zeros((50, 6))))
    assert found.low == pytest.approx(-1.96 / 50, rel=1e-3)
    assert found.high == pytest.approx(1.96 / 50, rel=1e-3)


def test_one_run_tells_nothing() -> None:
    assert interval(crossed(np.ones((9, 1)))).low == -np.inf
    assert p_value(crossed(np.ones((9, 1)))) == 1


def test_looks_share_the_false_alarms() -> None:
    for runs in (1, 6, 7, 12, 19, 20, 40):
        looks = planned_looks(runs)
        assert looks[-1].runs == runs
        assert sum(look.alpha for look in looks) == pytest.approx(0.05)
        assert all(first.runs < second.runs for first, second in pairwise(looks))


def test_the_simulated_truth_is_what_large_data_show() -> None:
    setting = Simulated(20000, 4, 5, effect=0.3, run_noise=0.0, imbalance=5)
    found = setting.experiment(1)
    assert found.values.mean() == pytest.approx(setting.truth(), abs=4 * standard_error(found)[0])


@pytest.mark.parametrize("name", ["120 samples, 6 runs, 10 classes", "300 samples, 10 runs, noisy runs"])
def test_intervals_hold_the_simulated_difference_in_90_to_98_percent(name: str) -> None:
    setting, experiments = SETTINGS[name], 100
    found = [interval(setting.experiment(seed)) for seed in range(experiments)]
    covered = np.mean([each.low <= setting.truth() <= each.high for each in found])
    assert 0.90 <= covered <= 0.98


def test_naive_intervals_over_runs_would_not() -> None:
    # The same experiments, each run taken as independent of all others: what this module is there to avoid.
    setting = Simulated(200, 20, 5, effect=0.2, effect_spread=0.8, run_noise=0.0, noise=0.2)
    found = [resampled_interval(setting.experiment(seed).by_run(), 0.0) for seed in range(40)]
    assert np.mean([each.low <= setting.truth() <= each.high for each in found]) < 0.85


def test_stopping_early_raises_at_most_5_false_alarms_in_100() -> None:
    setting = null_of(replace(SETTINGS["300 samples, 20 runs, 5 classes"], samples=150))
    verdicts = [decided(setting.experiment(seed), setting.runs)[1] for seed in range(100)]
    assert sum(verdict != "no evidence" for verdict in verdicts) <= 5


def test_p_values_of_no_difference_are_rarely_small() -> None:
    setting = null_of(Simulated(40, 6, 2, run_noise=0.1))
    small = [p_value(setting.experiment(seed)) <= 0.05 for seed in range(200)]
    assert np.mean(small) <= 0.06
