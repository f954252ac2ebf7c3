"""From runs to figures: everything that the report says, as plain data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from covary.prove.conduct import Conducted
from covary.prove.curve import Multiplier, headline, multipliers
from covary.prove.experiment import Comparison, Experiment
from covary.prove.statistics import Differences, Interval, holm, interval, p_value
from covary.prove.store import Scored
from covary.prove.trial import NONE, Policy
from covary.prove.verdict import LEAST_RUNS, sentence

Facts: TypeAlias = dict[str, Any]

FEW_TESTED = 5  # samples of a class below which nothing is said of it


def facts_of(experiment: Experiment, done: Conducted) -> Facts:
    """All figures; what depends on time stands under "times" alone."""
    last = done.looks[-1]
    runs = range(done.runs)
    pipeline = done.arms.pipeline
    scored = {policy.name: [experiment.scored(policy, run) for run in runs] for policy in done.arms.main}
    means = {name: float(np.mean([each.score for each in made])) for name, made in scored.items()}
    by_sample = all(each.predicted is not None for made in scored.values() for each in made)
    classes = class_changes(experiment, pipeline, runs) if by_sample else []
    facts: Facts = {
        "verdict": last.verdict,
        "sentence": sentence(last.verdict, last.comparison, means[NONE.name], means[pipeline.name], shares=by_sample),
        "shares": by_sample,
        "task": _task(experiment),
        "settings": asdict(experiment.settings),
        "seed": experiment.seed,
        "runs": done.runs,
        "looks": [
            {"runs": seen.look.runs, "alpha": seen.look.alpha, "verdict": seen.verdict, **_compared(seen.comparison)}
            for seen in done.looks
        ],
        "difference": _compared(last.comparison),
        "arms": [_arm(name, made) for name, made in scored.items()],
        "standard": _standard(experiment, done),
        "operations": _operations(experiment, done),
        "curve": _curve(experiment, done) if by_sample else None,
        "classes": classes,
        "harmed": [each["name"] for each in classes if each["harmed"]],
        "perhaps_harmed": [each["name"] for each in classes if each["perhaps_harmed"]],
        "calibration": _calibration(experiment, done),
        "robustness": _robustness(experiment, done) if by_sample else None,
        "left_out": done.left_out,
        "notes": list(experiment.task.notes),
        "times": _times(done, scored),
    }
    facts["limits"] = limits(facts)
    return _plain(facts)  # type: ignore[no-any-return]


def _task(experiment: Experiment) -> Facts:
    task, split = experiment.task, experiment.split(0)
    return {
        "name": task.name,
        "modality": task.modality,
        "samples": len(task),
        "groups": len(np.unique(experiment.splits.groups)),
        "classes": dict(zip(task.classes, np.bincount(task.labels, minlength=len(task.classes)).tolist(), strict=True)),
        "train": len(split.train),
        "validation": len(split.validation),
        "test": len(split.test),
        "given_test": "test" in task.splits or "val" in task.splits,
        "problems": [{"name": problem.name, "reason": problem.reason} for problem in task.problems],
    }


def _interval(found: Interval) -> Facts:
    return {"estimate": found.estimate, "low": found.low, "high": found.high, "level": found.level}


def _compared(found: Comparison) -> Facts:
    return {**_interval(found.interval), "sign_flip": found.sign_flip, "by_run": found.by_run.tolist()}


def _arm(name: str, made: Sequence[Scored]) -> Facts:
    return {
        "name": name,
        "score": float(np.mean([each.score for each in made])),
        "by_run": [each.score for each in made],
        "train_loss": float(np.mean([each.train_loss for each in made])),
    }


def _standard(experiment: Experiment, done: Conducted) -> Facts | None:
    standard, runs = done.arms.standard, range(done.runs)
    if standard is None:
        return None
    return {
        "less_none": _compared(experiment.compare(standard, NONE, runs)),
        "pipeline_less_standard": _compared(experiment.compare(done.arms.pipeline, standard, runs)),
    }


def _operations(experiment: Experiment, done: Conducted) -> list[Facts]:
    """What each operation adds: the pipeline less the pipeline without it."""
    arms = dict(done.arms.less)
    made = []
    for name, runs in done.less.items():
        found = experiment.compare(done.arms.pipeline, arms[name], range(runs))
        made.append({"name": name, **_compared(found)})
    return made


def class_changes(experiment: Experiment, arm: Policy, runs: Sequence[int], other: Policy = NONE) -> list[Facts]:
    """For each class the share of its samples that are told right in either arm, and the change with interval and p.

    A class counts as harmed if its p, corrected for the number of classes (Holm), is at most .05; as perhaps harmed if
    only its own p is.
    """
    first, second = experiment.answers(arm, runs), experiment.answers(other, runs)
    labels = experiment.task.labels[first.samples]
    found: list[Facts] = []
    for number, name in enumerate(experiment.task.classes):
        of_class = labels == number
        values = first.right[of_class].astype(np.float64) - second.right[of_class]
        differences = Differences(values, experiment.splits.groups[first.samples[of_class]], first.runs[of_class])
        tested = len(np.unique(first.samples[of_class]))
        enough = tested >= FEW_TESTED
        found.append(
            {
                "name": name,
                "tested": tested,
                "with": float(first.right[of_class].mean()) if tested else float("nan"),
                "without": float(second.right[of_class].mean()) if tested else float("nan"),
                **_interval(interval(differences, seed=experiment.seed)),
                "p": p_value(differences) if enough else float("nan"),
            }
        )
    corrected = holm([each["p"] for each in found])
    for each, p in zip(found, corrected.tolist(), strict=True):
        worse = each["estimate"] < 0
        each["holm"] = p
        each["harmed"] = bool(worse and p <= 0.05)
        each["perhaps_harmed"] = bool(worse and p > 0.05 and each["p"] <= 0.05)
    return found


def _curve(experiment: Experiment, done: Conducted) -> Facts | None:
    if not done.fractions:
        return None
    fractions = (*done.fractions, 1.0)
    runs = range(done.curve_runs)
    none, arm = (
        [experiment.answers(policy, runs, share) for share in fractions] for policy in (NONE, done.arms.pipeline)
    )
    found = multipliers(fractions, none, arm, experiment.splits.groups, seed=experiment.seed)
    sizes = [float(np.mean([len(experiment.split(run, share).train) for run in runs])) for share in fractions]
    return {
        "fractions": list(fractions),
        "samples": sizes,
        "runs": done.curve_runs,
        "none": [float(answers.right.mean()) for answers in none],
        "pipeline": [float(answers.right.mean()) for answers in arm],
        "multipliers": [asdict(each) for each in found],
        "multiplier": {**asdict(headline(found)), "words": worth(headline(found))},
    }


def worth(found: Multiplier) -> str:
    """The multiplier in words."""
    if found.estimate == np.inf:
        least = f", {found.low:.1f} and more with 95 % certainty" if np.isfinite(found.low) and found.low > 0 else ""
        return f"worth more than {found.most:.1f}x the data{least}"
    if found.estimate == 0:
        return f"worth less than {found.least:.1f}x the data"
    high = f"{found.high:.1f}" if np.isfinite(found.high) else f"more than {found.most:.1f}"
    low = f"{found.low:.1f}" if found.low else f"less than {found.least:.1f}"
    return f"worth {found.estimate:.1f}x the data, {low} to {high}"


def _calibration(experiment: Experiment, done: Conducted) -> list[Facts] | None:
    """Calibration of the main arms, mean over runs, before and after temperature scaling.

    A run's temperature is fitted to what all runs of its arm say of their validation samples, but for those that it is
    tested on: the few of one run alone are often all right, and would ask for boundless confidence.
    """
    from covary.prove.calibration import calibration, fitted_temperature

    made = []
    for policy in done.arms.main:
        measured: list[list[Any]] = [[], []]
        scored = [experiment.scored(policy, run) for run in range(done.runs)]
        held = [each.validation for each in scored if each.validation is not None]
        if len(held) < len(scored):
            return None
        logits = np.concatenate(held)
        samples = np.concatenate([experiment.split(run).validation for run in range(done.runs)])
        for run, each in enumerate(scored):
            test = experiment.split(run).test
            unseen = ~np.isin(samples, test)
            temperature = fitted_temperature(logits[unseen], experiment.task.labels[samples[unseen]])
            assert each.test is not None
            for place, degree in enumerate((1.0, temperature)):
                measured[place].append(calibration(each.test, experiment.task.labels[test], degree))
        made.append(
            {
                "name": policy.name,
                **{
                    when: {
                        figure: float(np.mean([getattr(each, figure) for each in several]))
                        for figure in ("ece", "nll", "brier", "temperature")
                    }
                    for when, several in zip(("before", "after"), measured, strict=True)
                },
            }
        )
    return made


def _robustness(experiment: Experiment, done: Conducted) -> Facts | None:
    """Right answers under corruptions that no arm trained on, and what the pipeline changes there."""
    runs = range(min(done.runs, LEAST_RUNS))
    made = {policy.name: [experiment.scored(policy, run) for run in runs] for policy in done.arms.main}
    names = [
        name
        for name in made[NONE.name][0].corrupted
        if all(name in each.corrupted for several in made.values() for each in several)
    ]
    if not names:
        return None

    def right(policy: Policy, run: int) -> NDArray[np.float64]:
        """(K, N) whether each test sample is right under each corruption."""
        corrupted = made[policy.name][run].corrupted
        truth = experiment.task.labels[experiment.split(run).test]
        return np.array([corrupted[name] == truth for name in names], dtype=np.float64)

    def change(rows: slice | int) -> Facts:
        parts = []
        for run in runs:
            test = experiment.split(run).test
            less = np.atleast_2d((right(done.arms.pipeline, run) - right(NONE, run))[rows]).mean(0)
            parts.append((run, experiment.splits.groups[test], less))
        return _interval(interval(Differences.joined(parts), seed=experiment.seed))

    shares = {policy.name: np.mean([right(policy, run).mean(1) for run in runs], axis=0) for policy in done.arms.main}
    return {
        "runs": len(runs),
        "mean": {"with": {name: float(share.mean()) for name, share in shares.items()}, **change(slice(None))},
        "corruptions": [
            {"name": name, "with": {arm: float(share[place]) for arm, share in shares.items()}, **change(place)}
            for place, name in enumerate(names)
        ],
    }


def _times(done: Conducted, scored: dict[str, list[Scored]]) -> Facts:
    per_epoch = {}
    for name, made in scored.items():
        known = [each.training_seconds / each.epochs for each in made if each.epochs]
        per_epoch[name] = float(np.median(known)) if known else None
    return {
        "seconds": done.seconds,
        "planned_runs": done.planned,
        "seconds_per_run": {name: float(np.mean([each.seconds for each in made])) for name, made in scored.items()},
        "seconds_per_epoch": per_epoch,
    }


def limits(facts: Facts) -> list[str]:
    """What the figures do not say."""
    task = facts["task"]
    said = [
        "The figures hold for the model and the settings used here, trained on some "
        f"{task['train']} samples; a larger model, or more data, may gain less, or be harmed.",
        "New samples are taken to be like these: what the collection lacks, nobody has tested.",
    ]
    if not task["given_test"]:
        said.append(
            "Runs share one collection of samples; the interval allows for the choice of test samples, and for the "
            "choice of training samples as far as runs differ in it."
        )
    if facts["runs"] < LEAST_RUNS:
        said.append(f"{facts['runs']} paired runs: fewer than six allow no verdict.")
    few = [each["name"] for each in facts["classes"] if each["tested"] < FEW_TESTED]
    if few:
        said.append(f"Too few test samples to judge a class by itself: {', '.join(few)}.")
    if facts["operations"]:
        said.append("Operations are judged by six runs each, and their intervals are not corrected for their number.")
    if not facts["shares"]:
        said.append(
            "Only a score of each run was given: the interval is a corrected resampled t interval, and nothing can be "
            "said of classes, calibration, robustness or the worth in data."
        )
    return said


def _plain(value: Any) -> Any:
    """As JSON can hold it: what is not finite becomes None."""
    if isinstance(value, dict):
        return {name: _plain(each) for name, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(each) for each in value]
    if isinstance(value, (float, np.floating)):
        return float(value) if np.isfinite(value) else None
    return value.item() if isinstance(value, np.generic) else value
