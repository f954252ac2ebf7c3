"""Does a pipeline help on this data? The whole experiment, from a data set to a report."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from covary.ops.view import Modality
from covary.pipeline import Pipeline
from covary.prove.analysis import Facts, facts_of
from covary.prove.conduct import Budget, arms_of, conduct
from covary.prove.experiment import Experiment, Trainer, code_digest, content_digest
from covary.prove.progress import Progress, progress_of
from covary.prove.sequential import LOOKS
from covary.prove.splits import Splits
from covary.prove.store import Store
from covary.prove.task import Task, read_task
from covary.prove.trial import NONE, Policy, Settings
from covary.prove.verdict import Verdict

TUNING_SHARE = 0.15  # of the time
TUNING_RUNS = 8  # full-length trainings that tuning costs at most
STORE = "runs.sqlite"


@dataclass(frozen=True, eq=False)
class Report:
    """What an experiment found.

    Attributes:
        facts: all figures, as in `report.json`.
        out: the folder with `index.html`, `report.json` and the store of all runs; None where nothing was written.
    """

    facts: Facts
    out: Path | None = None

    @property
    def verdict(self) -> Verdict:
        """ "helps", "no evidence" or "hurts"."""
        verdict: Verdict = self.facts["verdict"]
        return verdict

    @property
    def sentence(self) -> str:
        """The verdict with its figures."""
        return str(self.facts["sentence"])

    @property
    def harmed(self) -> list[str]:
        """Classes of which fewer samples are told right than without the pipeline."""
        return list(self.facts["harmed"])

    def __str__(self) -> str:
        lines = [self.sentence]
        if self.harmed:
            lines.append(f"It harms: {', '.join(self.harmed)}.")
        if self.facts["curve"]:
            lines.append(f"It is {self.facts['curve']['multiplier']['words']}.")
        lines += [f"Left out: {missing}." for missing in self.facts["left_out"]]
        return "\n".join(lines)


def prove(
    source: Any,
    pipeline: Pipeline | Policy | str | os.PathLike[str],
    *,
    minutes: float = 30,
    out: str | os.PathLike[str] | None = None,
    train_and_score: Trainer | None = None,
    standard: Pipeline | Policy | str | None = "preset",
    settings: Settings | None = None,
    groups: NDArray[np.int64] | None = None,
    seed: int = 0,
    runs: int = LOOKS[-1],
    corruptions: bool = True,
    limit: int | None = None,
    progress: bool | None = None,
    **options: Any,
) -> Report:
    """Find out whether a pipeline helps on a data set, by how much, how sure that is, and which classes it harms.

    Models are trained in pairs, with and without the pipeline, on the same splits with the same initialisation and
    order; what is compared is how many test samples they tell right. See docs/prove.md for what is measured and how.

    Args:
        source: a labelled data set: anything that `covary.data.open_dataset` opens, or a `Task`.
        pipeline: a Pipeline, the path of its YAML file, or a `Policy` (a pipeline with mixers).
        minutes: that it may take, about. What does not fit is said; with more minutes the same `out` goes on.
        out: folder for `index.html`, `report.json` and `runs.sqlite`; an interrupted experiment continues there.
            Default: nothing is written.
        train_and_score: trains a model as a `Trial` says, and returns an `Outcome`, or less: logits (N, C) of the test
            part (nothing on calibration after scaling), predicted classes (N,) (nothing on calibration), or one score
            (no classes, robustness or worth in data either, and a wider interval). Default: the built-in models.
        standard: an arm for comparison; "preset" is the standard preset of the modality, None leaves it out.
        settings: of training, for `Trial.settings`. Default: tuned for the arm without augmentation with the built-in
            models, `Settings()` for a `train_and_score` of your own.
        groups: (N,) numbers of groups of samples that belong together (a patient, a speaker), which no split parts.
            Default: groups of near-duplicates, found in the data.
        seed: of splits, initialisations, orders and resamples.
        runs: paired runs at most.
        corruptions: whether the first runs are scored under corruptions that no arm trains on.
        limit: of the number of samples; more are thinned out evenly.
        progress: False shows none; None and True show it on standard error.
        options: of the reader.

    Returns:
        A Report; `print` shows its verdict.

    Raises:
        ValueError: data without labels, too few samples, a pipeline for another kind of data, or an argument out of
            range.
        OSError: a file cannot be read or written.

    Example:
        >>> from covary.prove import prove                                              # doctest: +SKIP
        >>> report = prove("photos", "photos.yaml", minutes=20, out="report")           # doctest: +SKIP
        >>> print(report.verdict)                                                       # doctest: +SKIP
    """
    if minutes <= 0 or runs < 1:
        raise ValueError(f"minutes is {minutes}, runs is {runs}; allowed: more than 0, and 1 and more")
    policy = _policy(pipeline)
    task = read_task(source, limit=limit, **options)
    check_fits(policy, task.modality)
    folder = None if out is None else Path(out)
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
    with Store(None if folder is None else folder / STORE) as store, progress_of(60 * minutes, progress) as shown:
        budget = Budget(60 * minutes)
        experiment = _grouped(task, groups, settings, train_and_score, store, seed, budget, shown)
        if settings is None and train_and_score is None:
            experiment = _tuned(experiment, corruptions, budget, shown)
        arms = arms_of(policy, _standard(standard, task.modality))
        done = conduct(experiment, arms, budget, shown.made, corruptions=corruptions, most=runs)
        shown.stage("figures")
        facts = facts_of(experiment, done)
        if folder is not None:
            from covary.prove.report.page import write_page

            write_page(folder / "index.html", facts, task, policy)
            _write(folder / "report.json", json.dumps(facts, indent=1, ensure_ascii=False) + "\n")
    return Report(facts, folder)


def check_fits(policy: Policy, modality: Modality) -> None:
    """Raises ValueError where a policy's pipeline has operations for another kind of data."""
    from covary.samples import modalities_of

    kinds = modalities_of(policy.pipeline.operations) if policy.pipeline is not None else ()
    if kinds and modality not in kinds:
        raise ValueError(f"{policy.name}: operations for {' and '.join(sorted(kinds))}, but the data are {modality}")


def _policy(given: Pipeline | Policy | str | os.PathLike[str]) -> Policy:
    if isinstance(given, Policy):
        return given
    if isinstance(given, Pipeline):
        return Policy("pipeline", given)
    return Policy("pipeline", Pipeline.from_yaml(Path(given)))


def _standard(given: Pipeline | Policy | str | None, modality: Modality) -> Policy | None:
    if given is None or isinstance(given, Policy):
        return given
    if isinstance(given, Pipeline):
        return Policy("standard preset", given)
    if given != "preset":
        raise ValueError(f"standard is {given!r}; allowed: 'preset', a Pipeline, a Policy or None")
    from covary import presets

    return Policy("standard preset", presets.standard(modality))


def _grouped(
    task: Task,
    groups: NDArray[np.int64] | None,
    settings: Settings | None,
    train_and_score: Trainer | None,
    store: Store,
    seed: int,
    budget: Budget,
    shown: Progress,
) -> Experiment:
    """The experiment with its groups, which are found once and kept."""
    content = content_digest(task)
    if groups is None:
        from covary.prove.duplicates import groups_of

        shown.stage("near-duplicates")
        key = f"groups {content} {code_digest(groups_of)}"
        found, seconds = store.result(key, "groups of near-duplicates", lambda: groups_of(task).tolist())
        budget.charge(seconds)
        groups = np.array(found, dtype=np.int64)
    groups = np.asarray(groups, dtype=np.int64)
    if groups.shape != (len(task),):
        raise ValueError(f"groups has shape {groups.shape}; one number for each of the {len(task)} samples is needed")
    splits = Splits.of(task, groups, seed=seed)
    return Experiment(task, splits, train_and_score or _built_in(), store, settings or Settings(), seed)


def _built_in() -> Trainer:
    from covary.prove.models import train_and_score

    return train_and_score


def _tuned(experiment: Experiment, corruptions: bool, budget: Budget, shown: Progress) -> Experiment:
    """The experiment with settings that suit the arm without augmentation, as far as a share of the time allows."""
    from covary.prove.tuning import tuned, usual_settings

    split = experiment.split(0)
    usual = replace(experiment, settings=usual_settings(len(split.train)))
    shown.stage("settings")
    # One run tells how long a training takes; it is run 0 of "none" where tuning does not change the settings.
    first = usual.scored(NONE, 0, corruptions=corruptions)
    budget.charge(first.seconds)
    trainings = int(min(TUNING_RUNS, TUNING_SHARE * budget.whole / max(first.seconds, 1e-9)))
    # Chosen once: with more minutes an experiment goes on with the settings that it has.
    digest = f"settings {usual.digest(NONE, 0)} {code_digest(tuned)}"

    def choose() -> dict[str, Any]:
        found = tuned(
            experiment.task,
            split.train,
            split.validation,
            train_and_score=experiment.train_and_score,
            seed=experiment.seed,
            budget=trainings,
        )
        return asdict(found)

    found, seconds = experiment.store.result(digest, "settings", choose)
    budget.charge(seconds)
    return replace(usual, settings=Settings(**found))


def _write(path: Path, text: str) -> None:
    made = path.with_name(path.name + ".part")
    made.write_text(text, encoding="utf-8")
    made.replace(path)
