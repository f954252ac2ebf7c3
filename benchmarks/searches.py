"""Does a search find as good a pipeline as the best fixed policy? On the three tasks of the evidence.

    python -m benchmarks.searches [--minutes 15] [--size 25] [--runs 6] [--tasks digits ...]

`covary search` is given the training and the validation part of a task, and so many minutes. What it chose, RandAugment
and TrivialAugment (of pictures those of the papers; of sounds and texts over the search's own list of operations, not
checked) are then trained in pairs, with other training samples in each run, and scored on the test part, which the
search never saw. Searches and runs are kept in build/searches.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass, replace
from multiprocessing import get_context
from typing import Any

import numpy as np

from benchmarks.evidence import ROOT, TUNING, Draws
from benchmarks.report import print_machine, print_table
from benchmarks.tasks import POOLS
from covary import RandAugment, TrivialAugment, image
from covary.pipeline import Pipeline, usable_cores
from covary.prove.task import Task
from covary.prove.trial import NONE, Policy, Settings

KEPT = ROOT / "build" / "searches"


@dataclass(frozen=True)
class Line:
    """One task: what was chosen, and how the arms came out.

    Attributes:
        choice: name of the policy that the search chose, and what it said of it.
        accuracies: share of right answers on the test part by arm, in percent.
        difference: of the choice to the best fixed policy in points, with its interval.
    """

    task: str
    choice: str
    accuracies: dict[str, float]
    best: str
    difference: tuple[float, float, float]


def fixed(task: Task) -> tuple[Policy, ...]:
    """RandAugment and TrivialAugment as they are used without a search."""
    from covary.prove.candidates import menu

    if task.modality == "image":
        return (
            Policy("RandAugment", Pipeline([image.RandAugment()])),
            Policy("TrivialAugment", Pipeline([image.TrivialAugmentWide()])),
        )
    operations = menu(task)
    return (
        Policy("RandAugment", Pipeline([RandAugment(2, 15, operations)])),
        Policy("TrivialAugment", Pipeline([TrivialAugment(operations)])),
    )


def measure(task: str, per_class: int, minutes: float, runs: int) -> Line:
    """The search on one task, and the runs that judge it."""
    from covary.prove.experiment import Experiment
    from covary.prove.models import train_and_score
    from covary.prove.search import search
    from covary.prove.store import Store
    from covary.prove.tuning import tuned

    pool = POOLS[task]()
    folder = KEPT / f"{task.replace(' ', '-')}-{per_class}-{minutes:g}"
    draws = Draws(pool, per_class)
    split = draws.fraction(0, 1.0)
    known = pool.subset(np.concatenate([split.train, split.validation]))
    found = search(replace(known, splits=("",) * len(known)), minutes=minutes, out=folder)
    with Store(folder / "judged.sqlite") as store:
        plain = Experiment(pool, draws, train_and_score, store)

        def tune() -> dict[str, Any]:
            return asdict(tuned(pool, split.train, split.validation, train_and_score=train_and_score, budget=TUNING))

        settings, _ = store.result(f"settings {per_class} {plain.content}", "settings", tune)
        experiment = Experiment(pool, draws, train_and_score, store, Settings(**settings))
        chosen = NONE if found.policy.name == NONE.name else replace(found.policy, name="choice")
        arms = (NONE, *fixed(pool), *([] if chosen is NONE else [chosen]))
        scores = {a.name: 100 * float(np.mean([experiment.scored(a, r).score for r in range(runs)])) for a in arms}
        best = max(fixed(pool), key=lambda arm: scores[arm.name])
        interval = experiment.compare(chosen, best, range(runs)).interval.scaled(100)
    scores.setdefault("choice", scores[NONE.name])
    return Line(task, found.verdict, scores, best.name, (interval.estimate, interval.low, interval.high))


def main(arguments: Sequence[str] | None = None) -> int:
    reader = argparse.ArgumentParser(prog="python -m benchmarks.searches", description=__doc__.splitlines()[0])
    reader.add_argument("--minutes", type=float, default=15.0, help="of each search")
    reader.add_argument("--size", type=int, default=25, help="training samples of each class")
    reader.add_argument("--runs", type=int, default=6, help="paired runs that judge")
    reader.add_argument("--tasks", nargs="+", choices=list(POOLS), default=list(POOLS))
    reader.add_argument("--together", type=int, default=1, help="tasks at a time; more share the cores")
    asked = reader.parse_args(arguments)
    print_machine()
    with ProcessPoolExecutor(asked.together, mp_context=get_context("spawn")) as workers:
        waiting = [workers.submit(measure, task, asked.size, asked.minutes, asked.runs) for task in asked.tasks]
        lines = [each.result() for each in waiting]
    rows = []
    for line in lines:
        estimate, low, high = line.difference
        numbers = [f"{line.accuracies[name]:.1f}" for name in ("none", "RandAugment", "TrivialAugment", "choice")]
        as_good = "met" if high >= 0 else "not met"
        rows.append((line.task, *numbers, line.best, f"{estimate:+.1f} ({low:+.1f} to {high:+.1f})", as_good))
    print_table(
        f"{asked.minutes:g} minutes of search, {asked.together} tasks at a time on {usable_cores()} cores, "
        f"{asked.size} samples a class: right answers in percent",
        ("task", "none", "RandAugment", "TrivialAugment", "choice", "best fixed", "choice less best", "as good"),
        rows,
        [f"{line.task}: {line.choice}." for line in lines],
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
