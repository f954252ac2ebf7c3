"""A pipeline for this data: checked operations, successive halving, and an estimate on data that nothing chose by."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from covary.ops.base import Operation
from covary.ops.spec import from_plain, to_plain
from covary.pipeline import Pipeline
from covary.prove.candidates import candidates, menu
from covary.prove.experiment import Experiment, Trainer, code_digest, content_digest
from covary.prove.halving import Plan, planned
from covary.prove.splits import Split, Splits
from covary.prove.statistics import Interval
from covary.prove.store import Scored, Store
from covary.prove.task import Task, read_task
from covary.prove.trial import NONE, Policy, Settings

TUNED_WELL = 300.0  # seconds of budget below which less is spent on settings

Mend: TypeAlias = Callable[[Task, Sequence[Operation]], Sequence[Operation]]
"""Drops operations that make labels untrue, and cuts the ranges of others."""

Progress: TypeAlias = Callable[[str, int, int, float], None]
"""Called after each run: what is going on, runs done, runs planned, seconds left."""


@dataclass(frozen=True)
class Rung:
    """A rung of the halving.

    Attributes:
        runs: that each arm has behind it.
        scores: mean share of right answers of each arm that ran, by its name, best first.
    """

    runs: int
    scores: Mapping[str, float]


@dataclass(frozen=True, eq=False)
class Found:
    """What a search found.

    Attributes:
        task: name of the data set.
        policy: the choice; `NONE` where nothing beat the arm without variations.
        interval: of the difference in the share of right answers between the choice and no variations, on the part of
            the data that nothing was chosen by; None where the choice is no variations.
        tested: number of samples in that part.
        pairs: of runs behind the interval.
        rungs: of the halving.
        plan: what was planned.
        left_out: operations that the check took out.
        seconds: that all runs took.
        notes: what the user should know.
    """

    task: str
    policy: Policy
    interval: Interval | None
    tested: int
    pairs: int
    rungs: tuple[Rung, ...]
    plan: Plan
    left_out: tuple[str, ...]
    seconds: float
    notes: tuple[str, ...] = ()

    @property
    def better(self) -> bool:
        """Whether the choice beats no variations, and not by chance."""
        return self.interval is not None and self.interval.low > 0

    @property
    def verdict(self) -> str:
        """In words."""
        if self.interval is None:
            return "nothing beat training without variations"
        points = self.interval.scaled(100)
        said = f"{points.estimate:+.1f} points ({points.low:+.1f} to {points.high:+.1f}) over no variations"
        if self.better:
            return f"{self.policy.name}: {said}"
        return f"{self.policy.name} came out first, but there is no evidence that it helps: {said}"

    def yaml(self) -> str:
        """The choice as YAML, with its interval; mixers, which stand in no pipeline, are named in a comment."""
        pipeline = self.policy.pipeline or Pipeline([])
        mixers = [to_plain(mixer) for mixer in self.policy.mix]
        said = [f"# {self.verdict}", *([f"# with mix: {json.dumps(mixers)}"] if mixers else [])]
        return "\n".join([*said, pipeline.to_yaml()])

    def to_plain(self) -> dict[str, Any]:
        """All of it as JSON can hold it."""
        pipeline = self.policy.pipeline
        return {
            "task": self.task,
            "verdict": self.verdict,
            "policy": self.policy.name,
            "pipeline": None if pipeline is None else pipeline.to_dict(),
            "mix": [to_plain(mixer) for mixer in self.policy.mix],
            "interval": None if self.interval is None else asdict(self.interval),
            "tested": self.tested,
            "pairs": self.pairs,
            "rungs": [{"runs": rung.runs, "scores": dict(rung.scores)} for rung in self.rungs],
            "plan": asdict(self.plan),
            "left_out": list(self.left_out),
            "seconds": round(self.seconds, 1),
            "notes": list(self.notes),
        }


def search(
    source: Any,
    *,
    minutes: float = 15.0,
    out: str | os.PathLike[str] | None = None,
    train_and_score: Trainer | None = None,
    settings: Settings | None = None,
    policies: Sequence[Policy] | None = None,
    mend: Mend | None = None,
    seed: int = 0,
    limit: int | None = None,
    progress: Progress | None = None,
) -> Found:
    """Find a pipeline for a labelled data set, or that none helps.

    A quarter of the data (its test part, where it has one) is laid aside. On the rest, a check takes out operations
    that make labels untrue; the candidates (no variations, TrivialAugment and RandAugment over the safe operations, the
    presets, each at several strengths, mixers) are trained on the same folds, and the better half of them goes on with
    twice the runs, until three are left. The best is then trained beside no variations and tested on what was laid
    aside.

    Searches are planned by the time that the first two runs take. All runs are kept in `out`: an interrupted search
    goes on there, and comes to the result that it would have come to.

    Args:
        source: anything that `covary.data.open_dataset` opens, or a `Task`.
        minutes: of time, above 0. Default 15.
        out: folder for the runs, `pipeline.yaml` and `search.json`; None keeps nothing.
        train_and_score: trains and scores one run. Default: the built-in models.
        settings: how to train. Default: for the built-in models tuned on the samples as they are; else `Settings()`.
        policies: what to choose from, in place of the usual candidates; no variations is always among them.
        mend: takes out operations that are unsafe. Default: `covary.prove.check`.
        seed: of all runs.
        limit: of the number of samples.
        progress: is told of each run.

    Raises:
        ValueError: too few samples, or no minutes.
    """
    if isinstance(minutes, bool) or not isinstance(minutes, (int, float)) or not minutes > 0:
        raise ValueError(f"search: minutes is {minutes!r}; allowed: a number above 0")
    task = read_task(source, limit=limit)
    folder = None if out is None else Path(out)
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
    with closing(Store(None if folder is None else folder / "search.sqlite")) as store:
        found = _Search(
            task,
            60 * float(minutes),
            store,
            train_and_score or _built_in(),
            settings or (None if train_and_score is None else Settings()),
            policies,
            mend or _checked,
            seed,
            progress,
        ).found()
    if folder is not None:
        _written(folder / "pipeline.yaml", found.yaml())
        _written(folder / "search.json", json.dumps(found.to_plain(), indent=1) + "\n")
    return found


@dataclass(frozen=True)
class _Aside:
    """Splits that all have the same three parts, as one part of the data was laid aside for all."""

    groups: NDArray[np.int64]
    whole: Split

    def fraction(self, run: int, fraction: float) -> Split:
        return self.whole


class _Search:
    """One search, as far as it has come."""

    def __init__(
        self,
        task: Task,
        budget: float,
        store: Store,
        train_and_score: Trainer,
        settings: Settings | None,
        policies: Sequence[Policy] | None,
        mend: Mend,
        seed: int,
        progress: Progress | None,
    ) -> None:
        self.task, self.budget, self.store, self.seed = task, budget, store, seed
        self.train_and_score, self.progress = train_and_score, progress
        self.identity = f"{content_digest(task)} {seed}"
        groups = np.array(self._kept("groups", lambda: _groups(task).tolist()), dtype=np.int64)
        whole = Splits.of(task, groups, seed=seed).split(0)
        known = np.sort(np.concatenate([whole.train, whole.validation]))
        inner = task.subset(known)
        folds = Splits(inner.labels, groups[known], ("",) * len(known), seed)
        self.left_out: tuple[str, ...] = ()
        self.arms = self._arms(inner, policies, mend)
        tuned = settings or self._tuned(inner, folds)
        self.inner = Experiment(inner, folds, train_and_score, store, tuned, seed)
        aside = _Aside(groups, whole)
        self.outer = Experiment(task, aside, train_and_score, store, tuned, seed + 1)  # type: ignore[arg-type]
        self.done: dict[tuple[str, str, int], float] = {}

    def found(self) -> Found:
        plan = self._plan()
        rungs: list[Rung] = []
        going = list(self.arms[: plan.arms])
        for number, (count, runs, before) in enumerate(plan.steps()):
            if number:
                # Where runs take longer than the first two did, fewer arms go on.
                count, more = min(count, len(going)), runs - before
                fitting = (some for some in range(count, 1, -1) if self._fits(some * more + 2 * plan.final))
                count = next(fitting, 0)
                if not count:
                    break
            # No variations stays to the end: it is what all are compared with.
            going = [arm for arm in going if arm.name == NONE.name][:1] + [a for a in going if a.name != NONE.name]
            going = going[:count]
            what = f"rung {number + 1} of {len(plan.rungs)}: {count} candidates, {runs} runs each"
            for run in range(before, runs):
                for arm in going:
                    self._run(self.inner, arm, run, what, plan)
            going = sorted(going, key=lambda arm: self._rank(arm, runs), reverse=True)
            rungs.append(Rung(runs, {arm.name: self._rank(arm, runs)[0] for arm in going}))
        best, last = going[0], rungs[-1]
        notes = [*self.task.notes]
        if len(rungs) < len(plan.rungs):
            notes.append(f"time was short: {len(rungs)} of {len(plan.rungs)} rungs were run")
        elif any(len(rung.scores) < count for rung, (count, _) in zip(rungs, plan.rungs, strict=True)):
            notes.append("time was short: fewer candidates went on than were planned")
        if plan.arms < len(self.arms):
            skipped = ", ".join(arm.name for arm in self.arms[plan.arms :])
            notes.append(f"time was short: not tried were {skipped}")
        if last.scores[best.name] <= last.scores[NONE.name]:
            best = NONE
        measured = None if best is NONE else self._estimate(best, plan)
        if measured is not None and measured.high < 0:
            notes.append(f"{best.name}, the best on the folds, was worse than no variations on the data laid aside")
            best, measured = NONE, None
        tested = len(self.outer.split(0).test)
        return Found(
            task=self.task.name,
            policy=best,
            interval=measured,
            tested=tested,
            pairs=0 if measured is None else plan.final,
            rungs=tuple(rungs),
            plan=plan,
            left_out=self.left_out,
            seconds=sum(self.done.values()),
            notes=tuple(notes),
        )

    def _arms(self, inner: Task, policies: Sequence[Policy] | None, mend: Mend) -> tuple[Policy, ...]:
        if policies is not None:
            names = [policy.name for policy in policies]
            if len(set(names)) < len(names):
                raise ValueError(f"search: policies are called {names}; names must differ")
            return (NONE, *(policy for policy in policies if policy.name != NONE.name))
        wanted = {"menu": menu(inner), **_presets(inner)}
        safe: dict[str, tuple[Operation, ...]] = {}
        for name, operations in wanted.items():

            def mended(operations: Sequence[Operation] = operations) -> list[Any]:
                return [to_plain(operation) for operation in mend(inner, operations)] if operations else []

            kept = self._kept(f"safe {name} {code_digest(mend)}", mended)
            safe[name] = tuple(_unnamed(from_plain(each)) for each in kept)
        stayed = {type(operation) for operation in safe["menu"]}
        self.left_out = tuple(type(each).__name__ for each in wanted["menu"] if type(each) not in stayed)
        return candidates(inner, safe.pop("menu"), safe)

    def _tuned(self, inner: Task, folds: Splits) -> Settings:
        from covary.prove.tuning import tuned

        split = folds.split(0)
        trainings = 8 if self.budget > TUNED_WELL else 3

        def chosen() -> dict[str, Any]:
            trainer: Any = self.train_and_score
            settings: Settings = tuned(
                inner, split.train, split.validation, train_and_score=trainer, seed=self.seed, budget=trainings
            )
            return asdict(settings)

        return Settings(**self._kept(f"settings {trainings} {code_digest(self.train_and_score)}", chosen))

    def _kept(self, name: str, make: Callable[[], Any]) -> Any:
        """Something that takes time, made once; its time counts."""
        made, seconds = self.store.result(f"search {name} {self.identity}", name, make)
        self.budget -= seconds
        return made

    def _plan(self) -> Plan:
        """By the time that a run without variations and one with the first candidate's take. It is kept with the runs,
        so that a restart comes to the same plan.
        """
        seconds = [self._run(self.inner, arm, 0, "first runs", None).seconds for arm in self.arms[:2]]
        return planned(len(self.arms), max(seconds), self.budget)

    def _fits(self, runs: int) -> bool:
        """Whether so many more runs fit into the time. Times are kept with the runs: a restart comes to the same."""
        spent = list(self.done.values())
        return sum(spent) + runs * float(np.mean(spent)) <= 1.1 * self.budget

    def _run(self, experiment: Experiment, arm: Policy, run: int, what: str, plan: Plan | None) -> Scored:
        scored = experiment.scored(arm, run)
        self.done[("inner" if experiment is self.inner else "outer", arm.name, run)] = scored.seconds
        if self.progress is not None:
            total = len(self.done) if plan is None else plan.runs
            left = (total - len(self.done)) * float(np.mean(list(self.done.values())))
            self.progress(what, len(self.done), total, left)
        return scored

    def _rank(self, arm: Policy, runs: int) -> tuple[float, float]:
        """Mean score over the folds; where arms are equal, the higher mean likelihood goes first."""
        scored = [self.inner.scored(arm, run) for run in range(runs)]
        score = round(float(np.mean([each.score for each in scored])), 12)
        if any(each.test is None for each in scored):
            return score, 0.0
        truths = [self.inner.task.labels[self.inner.split(run).test] for run in range(runs)]
        return score, float(np.mean([_likelihood(each.test, y) for each, y in zip(scored, truths, strict=True)]))

    def _estimate(self, best: Policy, plan: Plan) -> Interval:
        for run in range(plan.final):
            for arm in (NONE, best):
                self._run(self.outer, arm, run, f"{best.name} on data laid aside", plan)
        return self.outer.compare(best, NONE, range(plan.final)).interval


def _unnamed(operation: Operation) -> Operation:
    """As it is without the name that it had in its pipeline: policies put the same operation in several places."""
    changes: dict[str, Any] = {"name": None}
    if isinstance(own := getattr(operation, "operations", None), tuple):
        changes["operations"] = tuple(_unnamed(each) for each in own)
    return replace(operation, **changes)


def _likelihood(logits: Any, labels: NDArray[np.int64]) -> float:
    """Mean logarithm of the probability of the right class."""
    from scipy.special import log_softmax

    return float(log_softmax(np.asarray(logits, dtype=np.float64), axis=1)[np.arange(len(labels)), labels].mean())


def _written(path: Path, text: str) -> None:
    waiting = path.with_name(f".{path.name}.part")
    waiting.write_text(text, encoding="utf-8")
    waiting.replace(path)


def _built_in() -> Trainer:
    from covary.prove.models import train_and_score

    return train_and_score


def _groups(task: Task) -> NDArray[np.int64]:
    from covary.prove.duplicates import groups_of

    return groups_of(task)


def _presets(task: Task) -> dict[str, tuple[Operation, ...]]:
    """The careful preset of the modality, and that of what the classes hint at, or the usual one."""
    from covary import presets
    from covary.prove.rules import hinted_purpose

    usual = {"image": "photos", "audio": "sounds", "text": "text"}
    name = hinted_purpose(task.modality, task.classes) or usual[task.modality]
    pipelines = {"standard": presets.standard(task.modality), name: getattr(presets, name)()}
    return {name: pipeline.parted()[0].operations for name, pipeline in pipelines.items()}


def _checked(task: Task, operations: Sequence[Operation]) -> Sequence[Operation]:
    from covary.prove.check import check

    return check(task, Pipeline(operations)).mended.operations
