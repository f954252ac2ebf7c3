"""Paired runs: the same splits, initialisations and orders in all arms, each run made once and kept."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property, lru_cache, partial
from hashlib import blake2b
from pathlib import Path
from time import perf_counter
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from covary import __version__
from covary.ops.spec import to_plain
from covary.prove.splits import Split, Splits
from covary.prove.statistics import Differences, Interval, interval, resampled_interval, sign_flip
from covary.prove.store import Scored, Store
from covary.prove.task import Task
from covary.prove.trial import Outcome, Policy, Settings, Trial

Answer: TypeAlias = "Outcome | NDArray[Any] | float"
"""What a trainer may return: an Outcome; logits (N, C) or predicted classes (N,) of the test part; or one score."""

Trainer: TypeAlias = Callable[[Trial], Any]

USUAL = Settings()


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
class Answers:
    """What the runs of an arm said of their test samples.

    Attributes:
        samples: (N,) number of the sample in the task.
        runs: (N,) number of the run.
        right: (N,) whether the sample's class was told.
    """

    samples: NDArray[np.int64]
    runs: NDArray[np.int64]
    right: NDArray[np.bool_]


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
    settings: Settings = USUAL
    seed: int = 0

    def trial(self, policy: Policy, run: int, *, fraction: float = 1.0, corruptions: bool = False) -> Trial:
        """Run `run` of an arm. With a share of the training part there are as many steps, so more epochs."""
        split = self.split(run, fraction)
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
        return stored(trial, self.train_and_score, self.store, self.content)

    def differences(self, arm: Policy, other: Policy, runs: Sequence[int], *, fraction: float = 1.0) -> Differences:
        """Right answers of an arm less those of another, sample by sample; makes runs that are not there yet.

        Raises:
            ValueError: the trainer gives no predictions, only a score.
        """
        first, second = self.answers(arm, runs, fraction), self.answers(other, runs, fraction)
        return Differences(first.right.astype(np.float64) - second.right, self.splits.groups[first.samples], first.runs)

    def answers(self, policy: Policy, runs: Sequence[int], fraction: float = 1.0) -> Answers:
        """What an arm's runs said of each test sample, in an order that is the same in all arms.

        Raises:
            ValueError: the trainer gives no predictions, only a score.
        """
        tested = [self.split(run, fraction).test for run in runs]
        predicted = [_predicted(self.scored(policy, run, fraction=fraction)) for run in runs]
        samples = np.concatenate(tested)
        return Answers(
            samples=samples,
            runs=np.repeat(np.asarray(runs, dtype=np.int64), [len(part) for part in tested]),
            right=np.concatenate(predicted) == self.task.labels[samples],
        )

    def compare(
        self, arm: Policy, other: Policy, runs: Sequence[int], *, fraction: float = 1.0, level: float = 0.95
    ) -> Comparison:
        """An arm less another over some runs; makes runs that are not there yet."""
        pairs = [[self.scored(policy, run, fraction=fraction) for policy in (arm, other)] for run in runs]
        if any(scored.predicted is None for pair in pairs for scored in pair):
            by_run = np.array([first.score - second.score for first, second in pairs])
            splits = [self.split(run, fraction) for run in runs]
            tested = sum(len(split.test) for split in splits) / sum(len(split.train) for split in splits)
            return Comparison(
                resampled_interval(by_run, tested, level=level), by_run, sign_flip(by_run, seed=self.seed)
            )
        differences = self.differences(arm, other, runs, fraction=fraction)
        by_run = differences.by_run()
        return Comparison(interval(differences, level=level, seed=self.seed), by_run, sign_flip(by_run, seed=self.seed))

    def digest(self, policy: Policy, run: int) -> str:
        """Of everything that decides a run."""
        return trial_digest(self.trial(policy, run), self.train_and_score, self.content)

    def split(self, run: int, fraction: float = 1.0) -> Split:
        """The split of a run."""
        if (run, fraction) not in self._splits:
            self._splits[run, fraction] = self.splits.fraction(run, fraction)
        return self._splits[run, fraction]

    @cached_property
    def content(self) -> str:
        return content_digest(self.task)

    @cached_property
    def _splits(self) -> dict[tuple[int, float], Split]:
        return {}


def _predicted(scored: Scored) -> NDArray[np.int64]:
    if scored.predicted is None:
        raise ValueError("train_and_score gave a score alone; what is asked for needs predictions of each sample")
    return scored.predicted


def run_seed(seed: int, run: int) -> int:
    """The seed of a run, the same in all arms, in [0, 2**31)."""
    return int.from_bytes(blake2b(f"{seed} {run}".encode(), digest_size=4).digest(), "little") >> 1


def remembered(trial: Trial, train_and_score: Trainer, store: Store, *, content: str | None = None) -> Scored:
    """What a trial gives: from the store, or made now and kept there.

    Args:
        trial: the run.
        train_and_score: makes it.
        store: where it is kept.
        content: digest of the task, where it is known.
    """
    content = content or content_digest(trial.task)
    digest = trial_digest(trial, train_and_score, content)
    found = stored(trial, train_and_score, store, content)
    if found is None:
        started = perf_counter()
        answer = train_and_score(trial)
        found = as_scored(answer, trial, perf_counter() - started)
        store.put_run(digest, {"arm": trial.policy.name, "seed": trial.seed, "train": len(trial.train)}, found)
    return found


def stored(trial: Trial, train_and_score: Trainer, store: Store, content: str) -> Scored | None:
    """What was kept of a trial; one that was scored under corruptions, too, serves where they are not asked for."""
    found = store.run(trial_digest(replace(trial, corruptions=True), train_and_score, content))
    if found is None and not trial.corruptions:
        found = store.run(trial_digest(trial, train_and_score, content))
    return found


def as_scored(answer: Any, trial: Trial, seconds: float) -> Scored:
    """What is kept of a trainer's answer.

    Raises:
        TypeError, ValueError: it is none of what a trainer may return.
    """
    tested, classes = len(trial.test), len(trial.task.classes)
    truth = trial.task.labels[trial.test]
    if isinstance(answer, Outcome):
        test = _logits(answer.test, tested, classes, "test")
        predicted = test.argmax(1).astype(np.int64)
        return Scored(
            predicted=predicted,
            score=float(np.mean(predicted == truth)),
            test=test,
            validation=_logits(answer.validation, len(trial.validation), classes, "validation"),
            corrupted={
                name: _logits(logits, tested, classes, f"corrupted[{name!r}]").argmax(1).astype(np.int64)
                for name, logits in answer.corrupted.items()
            },
            seconds=seconds,
            training_seconds=answer.seconds,
            epochs=answer.epochs,
            train_loss=answer.train_loss,
        )
    if isinstance(answer, (int, float, np.floating, np.integer)) and not isinstance(answer, bool):
        if not np.isfinite(answer):
            raise ValueError(f"train_and_score: got a score of {answer}; a finite number is needed")
        return Scored(predicted=None, score=float(answer), seconds=seconds)
    array = np.asarray(answer)
    if array.ndim == 2:
        test = _logits(array, tested, classes, "test")
        predicted = test.argmax(1).astype(np.int64)
        return Scored(predicted, float(np.mean(predicted == truth)), test=test, seconds=seconds)
    if array.shape != (tested,) or array.dtype.kind not in "iu":
        raise TypeError(
            f"train_and_score: got {type(answer).__name__} of shape {array.shape} and type {array.dtype}; allowed: an "
            f"Outcome, logits ({tested}, {classes}), predicted classes ({tested},) as whole numbers, or a score"
        )
    predicted = array.astype(np.int64)
    return Scored(predicted, float(np.mean(predicted == truth)), seconds=seconds)


def _logits(given: Any, count: int, classes: int, name: str) -> NDArray[np.float32]:
    logits = np.asarray(given, dtype=np.float32)
    if logits.shape != (count, classes):
        raise ValueError(f"train_and_score: {name} logits have shape {logits.shape}; ({count}, {classes}) is needed")
    if not np.isfinite(logits).all():
        raise ValueError(f"train_and_score: {name} logits hold NaN or infinity; did training diverge?")
    return logits


def trial_digest(trial: Trial, train_and_score: Trainer, content: str) -> str:
    """Of everything that decides a run: data, arm, split, seed, settings and code."""
    policy = trial.policy
    made = blake2b(digest_size=16)
    plain = {
        "content": content,
        "pipeline": policy.pipeline.to_dict() if policy.pipeline else None,
        "mix": [to_plain(mixer) for mixer in policy.mix],
        "settings": asdict(trial.settings),
        "seed": trial.seed,
        "corruptions": trial.corruptions,
        "code": code_digest(train_and_score),
    }
    made.update(json.dumps(plain, sort_keys=True).encode())
    for part in (trial.train, trial.validation, trial.test):
        made.update(len(part).to_bytes(8, "little") + np.ascontiguousarray(part, dtype="<i8").tobytes())
    return made.hexdigest()


def content_digest(task: Task) -> str:
    """Of a task's samples, labels, keys and parts, in order."""
    made = blake2b(digest_size=16)
    about = [task.modality, task.labels.tolist(), task.classes, [str(key) for key in task.keys], task.splits]
    made.update(json.dumps(about).encode())
    if task.rates is not None:
        made.update(task.rates.astype("<i8").tobytes())
    for sample in task.samples:
        if isinstance(sample, str):
            content, form = sample.encode("utf-8", "surrogatepass"), "text"
        else:
            array = np.ascontiguousarray(sample)
            content, form = array.tobytes(), f"{array.dtype.str} {array.shape}"
        made.update(f"{form} {len(content)} ".encode())
        made.update(content)
    return made.hexdigest()


def code_digest(function: Any) -> str:
    """Of the version of covary and of a function's source text; of covary's own, of all files beside it.

    What a user's function calls is not looked at: change `seed` or the output folder after changes there.
    """
    made = blake2b(__version__.encode(), digest_size=16)
    while isinstance(function, partial):
        made.update(repr((function.args, sorted(function.keywords.items()))).encode())
        function = function.func
    named: Any = function if inspect.isroutine(function) or inspect.isclass(function) else type(function)
    made.update(f"{named.__module__}.{named.__qualname__}".encode() + _source(named))
    return made.hexdigest()


@lru_cache(maxsize=64)
def _source(named: Any) -> bytes:
    try:
        if named.__module__.startswith("covary."):
            beside = Path(inspect.getsourcefile(named) or "").parent.glob("*.py")
            return b"".join(path.read_bytes() for path in sorted(beside))
        return inspect.getsource(named).encode()
    except (OSError, TypeError):
        return b""  # made at a prompt: its name has to do
