"""Which samples a run trains on, validates on and is tested on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from covary.prove.task import Task

Numbers = NDArray[np.int64]

FOLDS = 4  # each four runs test every sample once
VALIDATION = 6  # one part in so many of what is not tested
KEPT = 5  # where validation and test parts are given: a run leaves out one part in so many of the training part


@dataclass(frozen=True, eq=False)
class Split:
    """Numbers of samples of each part, ascending."""

    train: Numbers
    validation: Numbers
    test: Numbers


@dataclass(frozen=True, eq=False)
class Splits:
    """Splits of a task, one for each run: by class as even as groups allow, and no group in two parts.

    Where the data set names its parts, its test part is every run's test part, and its validation part (or the test
    part of data that have no other) likewise; runs then differ in what they leave out of the training part. Otherwise
    each four runs in a row test every sample once.

    Attributes:
        labels: (N,) class numbers.
        groups: (N,) numbers of groups of samples that belong together.
        parts: N names of parts ("train", "val", "test"), "" where nothing says so.
        seed: of all splits.
    """

    labels: Numbers
    groups: Numbers
    parts: Sequence[str]
    seed: int = 0

    @classmethod
    def of(cls, task: Task, groups: Numbers | None = None, *, seed: int = 0) -> Splits:
        return cls(task.labels, np.arange(len(task)) if groups is None else groups, task.splits, seed)

    def split(self, run: int) -> Split:
        """The split of run `run`, from 0 on.

        Raises:
            ValueError: there are too few samples to train on and to test.
        """
        parts = np.array(self.parts, dtype=object)
        everything = np.arange(len(self.labels))
        held = parts == "test" if np.any(parts == "test") else parts == "val"
        if not held.any():
            repeat, fold = divmod(run, FOLDS)
            tested = self._tested(repeat) == fold
            test, rest = everything[tested], everything[~tested]
        else:
            test = everything[held]
            rest = everything[~held & ~self._shares_group(test)]
        validation = rest[parts[rest] == "val"]
        if len(validation):
            training = np.setdiff1d(rest, validation)
            training = training[~np.isin(self.groups[training], self.groups[validation])]
            repeat, fold = divmod(run, KEPT)
            left_out = self._folds(training, KEPT, (2, repeat)) == fold
            train = training[~left_out]
        else:
            validating = self._folds(rest, VALIDATION, (3, run)) == 0
            train, validation = rest[~validating], rest[validating]
        if not len(train) or not len(test) or not len(validation) or len(np.unique(self.labels[train])) < 2:
            raise ValueError(
                f"{len(everything)} samples in {len(np.unique(self.groups))} groups are too few: run {run} would train "
                f"on {len(train)}, validate on {len(validation)} and test {len(test)}"
            )
        return Split(train, validation, test)

    def fraction(self, run: int, fraction: float) -> Split:
        """The run's split with a share of its training part in (0, 1], as even by class as groups allow.

        Smaller shares are contained in larger ones; of each class at least one group stays.
        """
        whole = self.split(run)
        if fraction >= 1:
            return whole
        rank = self._ranks(whole.train, (4, run))
        return Split(whole.train[rank < fraction], whole.validation, whole.test)

    def _tested(self, repeat: int) -> Numbers:
        """The fold in which each sample is tested; four runs in a row share it."""
        if repeat not in self._known:
            self._known[repeat] = self._folds(np.arange(len(self.labels)), FOLDS, (1, repeat))
        return self._known[repeat]

    @cached_property
    def _known(self) -> dict[int, Numbers]:
        return {}

    def _shares_group(self, chosen: Numbers) -> NDArray[np.bool_]:
        return np.isin(self.groups, self.groups[chosen])

    def _generator(self, purpose: tuple[int, int]) -> np.random.Generator:
        return np.random.default_rng([self.seed, *purpose])

    def _members(self, chosen: Numbers, purpose: tuple[int, int]) -> tuple[Numbers, Numbers, Numbers, Numbers]:
        """Groups among the chosen samples: each sample's group, its size, its most frequent class, and a random order
        with large groups first.
        """
        _, group = np.unique(self.groups[chosen], return_inverse=True)
        sizes = np.bincount(group)
        table = np.zeros((len(sizes), int(self.labels.max()) + 1), dtype=np.int64)
        np.add.at(table, (group, self.labels[chosen]), 1)
        shuffled = self._generator(purpose).permutation(len(sizes))
        order = shuffled[np.argsort(-sizes[shuffled], kind="stable")]
        return group.astype(np.int64), sizes.astype(np.int64), table.argmax(1), order

    def _folds(self, chosen: Numbers, count: int, purpose: tuple[int, int]) -> Numbers:
        """The fold in [0, count) of each chosen sample: groups go where their class, then all samples, are fewest."""
        group, sizes, classes, order = self._members(chosen, purpose)
        by_class = [[0] * count for _ in range(int(self.labels.max()) + 1)]
        total = [0] * count
        # Folds that stand equal are filled in an order of chance, or fold 0 would have the surplus of every class.
        chance = self._generator((purpose[0] + 100, purpose[1])).random((len(sizes), count)).tolist()
        fold = np.empty(len(sizes), dtype=np.int64)
        for number in order.tolist():
            own, lots, size = by_class[classes[number]], chance[number], int(sizes[number])
            chosen_fold = min(range(count), key=lambda place: (own[place], total[place], lots[place]))
            fold[number] = chosen_fold
            own[chosen_fold] += size
            total[chosen_fold] += size
        return fold[group]

    def _ranks(self, chosen: Numbers, purpose: tuple[int, int]) -> NDArray[np.float64]:
        """Where each chosen sample stands in its class, in [0, 1): what a share takes first."""
        group, sizes, classes, _ = self._members(chosen, purpose)
        order = self._generator(purpose).permutation(len(sizes))
        rank = np.empty(len(sizes))
        for label in np.unique(classes):
            own = order[classes[order] == label]
            before = np.concatenate([[0], np.cumsum(sizes[own])[:-1]])
            rank[own] = before / sizes[own].sum()
        return rank[group]
