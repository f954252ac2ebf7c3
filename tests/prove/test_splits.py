from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from covary.prove.splits import FOLDS, Splits


def splits(
    labels: np.ndarray, groups: np.ndarray | None = None, parts: list[str] | None = None, seed: int = 0
) -> Splits:
    count = len(labels)
    return Splits(labels, np.arange(count) if groups is None else groups, parts or [""] * count, seed)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 1000), st.integers(2, 5), st.integers(0, 12))
def test_no_group_crosses_and_nothing_is_lost(seed: int, classes: int, run: int) -> None:
    generator = np.random.default_rng(seed)
    labels = generator.integers(0, classes, 120)
    groups = generator.integers(0, 60, 120)
    split = splits(labels, groups, seed=seed).split(run)
    parts = [split.train, split.validation, split.test]
    assert np.array_equal(np.sort(np.concatenate(parts)), np.arange(120))
    held = [set(groups[part].tolist()) for part in parts]
    assert not (held[0] & held[1] or held[0] & held[2] or held[1] & held[2])


def test_each_four_runs_test_every_sample_once() -> None:
    made = splits(np.arange(103) % 3)
    for repeat in range(2):
        tested = np.concatenate([made.split(FOLDS * repeat + fold).test for fold in range(FOLDS)])
        assert np.array_equal(np.sort(tested), np.arange(103))
    assert not np.array_equal(made.split(0).test, made.split(FOLDS).test)


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(8, 40), min_size=2, max_size=6), st.integers(0, 50))
def test_classes_are_spread_evenly(counts: list[int], seed: int) -> None:
    labels = np.repeat(np.arange(len(counts)), counts)
    made = splits(labels, seed=seed)
    for run in range(FOLDS):
        tested = np.bincount(labels[made.split(run).test], minlength=len(counts))
        assert np.all(np.abs(tested - np.array(counts) / FOLDS) < 1)


def test_a_given_test_part_stays_and_runs_differ_in_training() -> None:
    labels = np.arange(100) % 4
    parts = ["test" if number < 20 else "train" for number in range(100)]
    made = splits(labels, parts=parts)
    for run in range(3):
        assert np.array_equal(made.split(run).test, np.arange(20))
    assert not np.array_equal(made.split(0).train, made.split(1).train)
    assert len(made.split(0).validation)


def test_given_validation_and_test_parts_stay() -> None:
    labels = np.arange(120) % 4
    parts = (["test"] * 20) + (["val"] * 20) + (["train"] * 80)
    made = splits(labels, parts=parts)
    for run in range(6):
        split = made.split(run)
        assert np.array_equal(split.test, np.arange(20))
        assert np.array_equal(split.validation, np.arange(20, 40))
        assert len(split.train) == 64
    assert not np.array_equal(made.split(0).train, made.split(1).train)


def test_a_validation_part_alone_is_tested() -> None:
    parts = (["val"] * 30) + (["train"] * 90)
    split = splits(np.arange(120) % 3, parts=parts).split(0)
    assert np.array_equal(split.test, np.arange(30))


def test_what_shares_a_group_with_the_given_test_part_is_not_trained_on() -> None:
    groups = np.arange(60)
    groups[40:45] = groups[:5]
    parts = (["test"] * 10) + (["train"] * 50)
    split = splits(np.arange(60) % 2, groups, parts).split(0)
    assert not set(range(40, 45)) & {*split.train.tolist(), *split.validation.tolist()}


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 100), st.integers(0, 7))
def test_shares_of_the_training_part_are_nested_and_keep_every_class(seed: int, run: int) -> None:
    labels = np.random.default_rng(seed).permutation(np.repeat(np.arange(5), (60, 30, 20, 12, 10)))
    made = splits(labels, seed=seed)
    shares = [set(made.fraction(run, share).train.tolist()) for share in (0.125, 0.25, 0.5, 1.0)]
    assert shares[0] <= shares[1] <= shares[2] <= shares[3]
    assert len(shares[2]) == pytest.approx(len(shares[3]) / 2, abs=5)
    for share in shares:
        assert len(np.unique(labels[list(share)])) == 5


def test_splits_depend_on_the_seed_and_on_nothing_else() -> None:
    labels = np.arange(80) % 4
    assert np.array_equal(splits(labels).split(5).train, splits(labels).split(5).train)
    assert not np.array_equal(splits(labels, seed=1).split(5).train, splits(labels).split(5).train)


def test_too_few_samples_are_refused() -> None:
    with pytest.raises(ValueError, match="too few"):
        splits(np.array([0, 1, 0])).split(0)
