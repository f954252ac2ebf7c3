"""Does augmentation help? Three real tasks, three sizes, four arms: the table in docs/evidence.md.

    make evidence        or        python -m benchmarks.evidence [--runs 6] [--tasks digits ...] [--sizes 10 25 100]

For each task and size, learning rate, weight decay and length of training are tuned without augmentation, on the
validation part; all arms are then trained with these settings, in pairs: the same training samples, initial weights and
order. The training samples are drawn anew for each run, the test part is the same in all. Runs are kept in
build/evidence; a run that was made is not made again.
"""

from __future__ import annotations

import argparse
import shlex
import sys
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from functools import cached_property
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.tasks import POOLS, chosen
from covary import Pipeline, audio, image, text
from covary.pipeline import usable_cores
from covary.prove.task import Task
from covary.prove.trial import NONE, Policy, Settings

SIZES = (10, 25, 100)
RUNS = 6
TUNING = 5  # trainings that the choice of settings may cost
ROOT = Path(__file__).resolve().parents[1]
KEPT = ROOT / "build" / "evidence"
PAGE = ROOT / "docs" / "evidence.md"


@dataclass(frozen=True, eq=False)
class Draws:
    """Splits of an experiment: run r trains on the pool's draw r."""

    pool: Task
    per_class: int

    @property
    def groups(self) -> NDArray[np.int64]:
        return np.arange(len(self.pool))

    def fraction(self, run: int, _fraction: float) -> Any:
        from covary.prove.splits import Split

        return Split(chosen(self.pool, self.per_class, run), *self._held_out)

    @cached_property
    def _held_out(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        parts = np.array(self.pool.splits)
        return np.flatnonzero(parts == "val"), np.flatnonzero(parts == "test")


def arms(task: str) -> tuple[Policy, ...]:
    """Without augmentation; the standard preset of the modality; a pipeline chosen for the data; a harmful one."""
    from covary import presets

    if task == "digits":
        return (
            NONE,
            Policy("standard preset", presets.standard("image")),
            Policy(
                "chosen",
                Pipeline(
                    [image.Affine(rotate=12, scale=(0.85, 1.15), shear=10, translate=0.08, border="constant", fill=0)]
                ),
            ),
            Policy("harmful", Pipeline([image.HorizontalFlip(p=0.5), image.VerticalFlip(p=0.5)])),
        )
    if task == "spoken words":
        return (
            NONE,
            Policy("standard preset", presets.standard("audio")),
            Policy("chosen", Pipeline([audio.Speed((0.8, 1.25)), audio.SevenBandEQ((-6, 6)), audio.Gain((-6, 6))])),
            Policy("harmful", Pipeline([audio.Reverse(p=0.5)])),
        )
    return (
        NONE,
        Policy("standard preset", presets.standard("text")),
        Policy("chosen", Pipeline([text.RandomDeletion((0.0, 0.3)), text.SynonymReplacement()])),
        Policy("harmful", Pipeline([text.CharacterSubstitution((0.2, 0.5)), text.RandomDeletion((0.3, 0.7))])),
    )


@dataclass(frozen=True)
class Arm:
    """What came of one arm: its mean accuracy, and the difference to no augmentation in points, with its interval."""

    name: str
    accuracy: float
    difference: tuple[float, float, float] | None = None
    p: float = 1.0
    verdict: str = ""


@dataclass(frozen=True)
class Cell:
    """One task at one size."""

    task: str
    per_class: int
    settings: Settings
    arms: tuple[Arm, ...]
    seconds: float  # of training, a run without augmentation
    spent: float  # seconds, all runs together


def measure(task: str, per_class: int, runs: int) -> Cell:
    """All runs of one task at one size."""
    from covary.prove.experiment import Experiment
    from covary.prove.models import train_and_score
    from covary.prove.store import Store
    from covary.prove.tuning import tuned
    from covary.prove.verdict import verdict_of

    pool = POOLS[task]()
    KEPT.mkdir(parents=True, exist_ok=True)
    with Store(KEPT / f"{task.replace(' ', '-')}-{per_class}.sqlite") as store:
        draws = Draws(pool, per_class)
        split = draws.fraction(0, 1.0)
        plain = Experiment(pool, draws, train_and_score, store)

        def tune() -> dict[str, Any]:
            return asdict(tuned(pool, split.train, split.validation, train_and_score=train_and_score, budget=TUNING))

        settings, _ = store.result(f"settings {per_class} {plain.content}", "settings", tune)
        experiment = Experiment(pool, draws, train_and_score, store, Settings(**settings))
        numbers = range(runs)
        found = []
        for policy in arms(task):
            accuracy = float(np.mean([experiment.scored(policy, run).score for run in numbers]))
            if policy is NONE:
                found.append(Arm(policy.name, accuracy))
                continue
            compared = experiment.compare(policy, NONE, numbers)
            interval = compared.interval.scaled(100)
            bounds = (interval.estimate, interval.low, interval.high)
            found.append(Arm(policy.name, accuracy, bounds, compared.sign_flip, verdict_of(compared)))
        seconds = float(np.median([experiment.scored(NONE, run).training_seconds for run in numbers]))
        spent = sum(experiment.scored(policy, run).seconds for policy in arms(task) for run in numbers)
    return Cell(task, per_class, Settings(**settings), tuple(found), seconds, spent)


def page(cells: Sequence[Cell], runs: int, about: str) -> str:
    """The text of docs/evidence.md."""
    lines = [INTRODUCTION.format(runs=runs), about, ""]
    for task in dict.fromkeys(cell.task for cell in cells):
        own = [cell for cell in cells if cell.task == task]
        lines += [f"## {task.capitalize()}", "", WHAT[task], ""]
        for policy in arms(task)[1:]:
            assert policy.pipeline is not None
            inside = ", ".join(repr(operation) for operation in policy.pipeline.operations)
            lines.append(f"- {policy.name}: `{inside}`")
        lines += ["", "| samples a class | " + " | ".join(arm.name for arm in own[0].arms) + " | settings |"]
        lines.append("|---" * (len(own[0].arms) + 2) + "|")
        for cell in own:
            shown = " | ".join(_cell(arm) for arm in cell.arms)
            used = cell.settings
            settings = f"rate {used.learning_rate:g}, decay {used.weight_decay:g}, {used.epochs} epochs"
            lines.append(f"| {cell.per_class} | {shown} | {settings}; {cell.seconds:.1f} s a run |")
        lines.append("")
    hurt = [(cell, arm) for cell in cells for arm in cell.arms if arm.verdict == "hurts"]
    lines += ["## Harm", "", "Where augmentation hurt:" if hurt else "No arm was found to hurt.", ""]
    lines += [f"- {cell.task}, {cell.per_class} a class, {arm.name}: {_cell(arm)}" for cell, arm in hurt]
    return "\n".join(lines) + "\n"


def _cell(arm: Arm) -> str:
    if arm.difference is None:
        return f"{100 * arm.accuracy:.1f}"
    estimate, low, high = arm.difference
    return f"{100 * arm.accuracy:.1f}: {estimate:+.1f} ({low:+.1f} to {high:+.1f}), **{arm.verdict}**"


INTRODUCTION = """# Evidence

Does augmentation help where samples are few? Three real tasks in three modalities, with 10, 25 and 100 samples of each
class to train with. In the tables stands the share of test samples that are told right, in percent, the mean of the
runs; behind it the difference to no augmentation in points, its 95 % interval, and the verdict: "helps" or "hurts"
where the interval excludes 0 and random signs of the runs' differences rarely do as well (p up to 0.05), else "no
evidence".

- {runs} paired runs of each arm. In each, other training samples are drawn from the pool; all arms have the same ones,
  the same initial weights, order and number of steps.
- Learning rate, weight decay and length of training are tuned without augmentation, on a validation part, and used in
  all arms. If this favours an arm, it is the one without augmentation.
- The test part is the same in all runs: other writers, speakers and documents than those of the training part, as far
  as the data tell.
- Models are the small built-in ones. The harmful arms show whether harm is found.
"""

WHAT = {
    "digits": "Handwritten digits of 8 x 8 px, those of scikit-learn; 397 to test.",
    "spoken words": "Ten words spoken by espeak-ng (seven accents of English, many speeds and pitches); 400 to test, "
    "by eight speakers of which the training part has none.",
    "text lines": "Lines from the documentation strings of Python's standard library, by subject (ten groups of "
    "modules); more than 500 to test, none from a string that the training part has.",
}


def about(seconds: float, command: str) -> str:
    """Machine, versions and command."""
    from benchmarks.report import processor, versions

    packages = [part for part in versions().split(", ") if "not installed" not in part]
    return "\n".join(
        [
            f"- Machine: {processor()}, {usable_cores()} cores.",
            f"- All runs, one after another, took {seconds / 60:.0f} minutes.",
            f"- Versions: {', '.join(packages)}.",
            f"- Command: `{command}`.",
        ]
    )


def main(arguments: Sequence[str] | None = None) -> int:
    reader = argparse.ArgumentParser(prog="python -m benchmarks.evidence", description=__doc__.splitlines()[0])
    reader.add_argument("--runs", type=int, default=RUNS, help="paired runs of each arm; verdicts need six")
    reader.add_argument("--tasks", nargs="+", choices=list(POOLS), default=list(POOLS))
    reader.add_argument("--sizes", nargs="+", type=int, default=list(SIZES), help="training samples of each class")
    reader.add_argument("--out", type=Path, default=PAGE)
    asked = reader.parse_args(arguments)
    wanted = [(task, size) for task in asked.tasks for size in asked.sizes]
    with ProcessPoolExecutor(min(usable_cores(), len(wanted)), mp_context=get_context("spawn")) as workers:
        # The longest first, so that all end together.
        orders = sorted(wanted, key=lambda each: (each[0] != "spoken words", -each[1]))
        waiting = {order: workers.submit(measure, *order, asked.runs) for order in orders}
        cells = []
        for order in wanted:
            cells.append(waiting[order].result())
            shown = "; ".join(f"{arm.name} {_cell(arm)}" for arm in cells[-1].arms)
            print(f"{order[0]}, {order[1]} a class: {shown}", flush=True)
    given = list(sys.argv[1:] if arguments is None else arguments)
    command = shlex.join(["python", "-m", "benchmarks.evidence", *given]) if given else "make evidence"
    asked.out.write_text(page(cells, asked.runs, about(sum(cell.spent for cell in cells), command)), encoding="utf-8")
    print(f"written: {asked.out}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
