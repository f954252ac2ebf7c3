"""Paired runs: the same splits, initialisations and orders in all arms, each run made once and kept."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from hashlib import blake2b
from pathlib import Path
from time import perf_counter
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from covary import __version__
from covary.ops.spec import to_plain
from covary.prove.splits import Splits
from covary.prove.statistics import Differences, Interval, interval, resampled_interval, sign_flip
from covary.prove.store import Scored, Store
from covary.prove.task import Task
from covary.prove.trial import Outcome, Policy, Settings, Trial

Answer: TypeAlias = "Outcome | NDArray[Any] | float"
"""What a trainer may return: an Outcome; logits (N, C) or predicted classes (N,) of the test part; or one score."""

Trainer: TypeAlias = Callable[[Trial], Any]


@dataclass(frozen=True, eq=False)
class Comparison:
    """One arm beside another.

    Attributes:
        interval: of the difference in the share of right answers (or in the user's score).
        by_run: (R,) difference of each run.
        sign_flip: two-sided p of the runs' differences under random signs.
    """

    interval: Interval
    by_run: NDArray[np.float64]
    sign_flip: float


@dataclass(frozen=True, eq=False)
class Experiment:
    """A task with its splits, and who trains on it.

    Args:
        task: the data.
        splits: which samples a run uses.
        train_and_score: makes a run.
        store: where runs are kept.
        settings: how all arms are trained.
        seed: of the runs' seeds.
    """

    task: Task
    splits: Splits
    train_and_score: Trainer
    store: Store
    settings: Settings = Settings()
    seed: int = 0

    def trial(self, policy: Policy, run: int, *, fraction: float = 1.0, corruptions: bool = False) -> Trial:
        """Run `run` of an arm. With a share of the training part there are as many steps, so more epochs."""
        split = self.splits.fraction(run, fraction)
        settings = self.settings
        if fraction < 1:
            settings = replace(settings, epochs=max(settings.epochs, round(settings.epochs / fraction)))
        return Trial(
            task=self.task,
            policy=policy,
            train=split.train,
            validation=split.validation,
            test=split.test,
            seed=run_seed(self.seed, run),
            settings=settings,
            corruptions=corruptions,
        )

    def scored(self, policy: Policy, run: int, *, fraction: float = 1.0, corruptions: bool = False) -> Scored:
        """What run `run` of an arm gave: from the store where it was made before."""
        trial = self.trial(policy, run, fraction=fraction, corruptions=corruptions)
        return remembered(trial, self.train_and_score, self.store, content=self.content)

    def known(self, policy: Policy, run: int, *, fraction: float = 1.0, corruptions: bool = False) -> Scored | None:
        """What `scored` would give, if it was made before."""
        trial = self.trial(policy, run, fraction=fraction, corruptions=corruptions)
        return self.store.run(trial_digest(trial, self.train_and_score, self.content))

    def differences(self, arm: Policy, other: Policy, runs: Sequence[int], *, fraction: float = 1.0) -> Differences:
        """Right answers of an arm less those of another, sample by sample; makes runs that are not there yet.

        Raises:
            ValueError: the trainer gives no predictions, only a score.
        """
        raise NotImplementedError

    def compare(
        self, arm: Policy, other: Policy, runs: Sequence[int], *, fraction: float = 1.0, level: float = 0.95
    ) -> Comparison:
        """An arm less another over some runs; makes runs that are not there yet."""
        raise NotImplementedError

    @cached_property
    def content(self) -> str:
        return content_digest(self.task)
