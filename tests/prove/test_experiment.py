from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import covary
from covary import Pipeline, image, mix
from covary.prove import Outcome, Policy, Settings, Trial, prove
from covary.prove.conduct import Arms, Budget, Conducted, arms_of, conduct
from covary.prove.experiment import Experiment, as_scored, code_digest, content_digest, remembered, trial_digest
from covary.prove.splits import Splits
from covary.prove.store import Store
from covary.prove.task import Task
from covary.prove.trial import NONE
from covary.prove.verdict import verdict_of
from tests.prove import interrupted
from tests.prove.learners import arrows, blobs, neighbours, picture_task, softmax_regression

NOISE = Policy("pipeline", Pipeline([image.GaussianNoise((0.02, 0.1)), image.Rotate((-10, 10))]))
FLIPS = Policy("flips", Pipeline([image.HorizontalFlip(p=0.5)]))
ROOT = Path(__file__).parents[2]


def experiment(task: Task, trainer: Callable[[Trial], Any], seed: int = 0) -> Experiment:
    return Experiment(task, Splits.of(task, seed=seed), trainer, Store(), seed=seed)


def conducted(made: Experiment, arms: Arms, minutes: float = 60, most: int = 20) -> Conducted:
    return conduct(made, arms, Budget(60 * minutes), lambda what, seconds: None, most=most)


# Pairs


def test_arms_of_a_run_share_split_and_seed_and_runs_do_not() -> None:
    made = experiment(blobs(60, 3, noise=30), softmax_regression)
    first, second, other = made.trial(NONE, 3), made.trial(NOISE, 3), made.trial(NONE, 4)
    for part in ("train", "validation", "test"):
        assert np.array_equal(getattr(first, part), getattr(second, part))
        assert not np.array_equal(getattr(first, part), getattr(other, part))
    assert first.seed == second.seed != other.seed


def test_shares_of_the_data_are_trained_on_for_as_many_steps() -> None:
    made = replace(experiment(blobs(80, 2, noise=30), softmax_regression), settings=Settings(epochs=10))
    assert made.trial(NONE, 0, fraction=0.25).settings.epochs == 40


def test_differences_equal_those_of_the_scores() -> None:
    made = experiment(blobs(90, 3, noise=70), softmax_regression)
    found = made.compare(NOISE, NONE, range(3))
    scores = [[made.scored(policy, run).score for policy in (NOISE, NONE)] for run in range(3)]
    assert found.by_run == pytest.approx([first - second for first, second in scores])


# What is kept


def test_a_run_is_made_once() -> None:
    calls: list[Trial] = []

    def counted(trial: Trial) -> Outcome:
        calls.append(trial)
        return softmax_regression(trial)

    made = experiment(blobs(60, 3, noise=30), counted)
    first = made.scored(NONE, 0, corruptions=True)
    again = made.scored(NONE, 0)
    assert len(calls) == 1
    assert np.array_equal(first.predicted, again.predicted)
    assert np.array_equal(first.test, again.test)
    assert list(again.corrupted) == ["darkness"]
    assert np.array_equal(again.corrupted["darkness"], first.corrupted["darkness"])
    assert again.seconds == first.seconds


def test_everything_that_decides_a_run_decides_its_digest() -> None:
    task = blobs(40, 2, noise=30)
    made = experiment(task, softmax_regression)
    trial = made.trial(NOISE, 0)
    other_pixel = [sample.copy() for sample in task.samples]
    other_pixel[7][0, 0, 0] ^= 1
    variants = [
        replace(trial, policy=NONE),
        replace(trial, policy=replace(NOISE, mix=(mix.MixUp(0.2),))),
        replace(trial, policy=replace(NOISE, pipeline=NOISE.pipeline.with_options(seed=1))),
        replace(trial, settings=Settings(epochs=31)),
        replace(trial, seed=trial.seed + 1),
        replace(trial, train=trial.train[1:]),
        replace(trial, corruptions=True),
        replace(trial, task=replace(task, samples=other_pixel)),
        replace(trial, task=task.with_labels(1 - task.labels)),
    ]
    digests = [trial_digest(each, softmax_regression, content_digest(each.task)) for each in variants]
    digests.append(trial_digest(trial, neighbours, content_digest(task)))
    digests.append(trial_digest(trial, partial(softmax_regression, steps=9), content_digest(task)))
    own = trial_digest(trial, softmax_regression, content_digest(task))
    assert own not in digests
    assert len(set(digests)) == len(digests)
    assert trial_digest(replace(trial), softmax_regression, content_digest(replace(task))) == own
    renamed = replace(trial, policy=replace(NOISE, name="x"))
    assert trial_digest(renamed, softmax_regression, content_digest(task)) == own


def test_objects_that_train_have_a_digest() -> None:
    class Trainer:
        def __call__(self, trial: Trial) -> float:
            return 0.5

    assert code_digest(Trainer()) == code_digest(Trainer())


def test_another_file_is_no_store(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("no data base, but long enough to look at" * 10)
    with pytest.raises(ValueError, match="no file of runs"):
        Store(tmp_path / "text")
    with sqlite3.connect(tmp_path / "other") as db:
        db.execute("CREATE TABLE t (a)")
    with pytest.raises(ValueError, match="no file of runs"):
        Store(tmp_path / "other")


# What a trainer may return


def test_logits_classes_and_scores_are_taken() -> None:
    task = blobs(60, 3, noise=30)
    trial = experiment(task, softmax_regression).trial(NONE, 0)
    outcome = softmax_regression(trial)
    whole = as_scored(outcome, trial, 1.0)
    for less in (outcome.test, outcome.test.argmax(1), whole.score):
        found = as_scored(less, trial, 1.0)
        assert found.score == pytest.approx(whole.score)
        assert found.validation is None
    assert as_scored(0.5, trial, 1.0).predicted is None


@pytest.mark.parametrize(
    "answer", [None, "good", np.zeros(3), np.zeros((2, 2)), float("nan"), np.full((15, 3), np.nan)]
)
def test_other_answers_are_refused_by_name(answer: Any) -> None:
    trial = experiment(blobs(60, 3, noise=30), softmax_regression).trial(NONE, 0)
    with pytest.raises((TypeError, ValueError), match="train_and_score"):
        remembered(trial, lambda _: answer, Store())


def test_scores_alone_give_a_verdict() -> None:
    def score(trial: Trial) -> float:
        noise = np.random.default_rng(trial.seed).normal(0, 0.01)
        return 0.8 + noise + (0.1 if trial.policy is not NONE else 0)

    report = prove(
        blobs(60, 3, noise=30), NOISE, standard=None, train_and_score=score, groups=np.arange(60), progress=False
    )
    assert report.verdict == "helps"
    assert report.facts["classes"] == []
    assert any("Only a score" in each for each in report.facts["limits"])


# Verdicts


def test_what_is_in_the_test_data_helps() -> None:
    generator = np.random.default_rng(0)
    patterns = generator.uniform(40, 220, (3, 12, 12))
    pictures, labels, parts = [], [], []
    for number in range(180):
        # The training part shows every pattern upright, the test part turned.
        pattern = patterns[number % 3]
        tested = number >= 90
        turned = np.rot90(pattern, generator.integers(0, 4)) if tested else pattern
        pictures.append((turned + generator.normal(0, 20, (12, 12))).clip(0, 255))
        labels.append(number % 3)
        parts.append("test" if tested else "train")
    task = picture_task(np.array(pictures, dtype=np.uint8), np.array(labels), splits=tuple(parts))
    turns = Pipeline([image.RandomRotate90()])
    report = prove(task, turns, standard=None, train_and_score=neighbours, groups=np.arange(180), progress=False)
    assert report.verdict == "helps"
    assert report.facts["difference"]["low"] > 0.2
    assert report.facts["runs"] == 6
    assert "It helps" in str(report)


def test_flips_of_arrows_hurt_and_name_the_classes() -> None:
    task = arrows(120)
    report = prove(task, FLIPS, standard=None, train_and_score=neighbours, groups=np.arange(120), progress=False)
    assert report.verdict == "hurts"
    assert set(report.facts["harmed"]) == {"class 0", "class 1"}
    assert (
        report.facts["curve"]["multiplier"]["estimate"] is None or report.facts["curve"]["multiplier"]["estimate"] < 1
    )


def test_shuffled_labels_give_no_evidence() -> None:
    alarms = 0
    for seed in range(20):
        task = blobs(60, 3, noise=25, seed=seed)
        task = task.with_labels(np.random.default_rng(seed).permutation(task.labels))
        alarms += verdict_of(experiment(task, neighbours, seed).compare(NOISE, NONE, range(6))) != "no evidence"
    assert alarms <= 1


def test_less_than_six_runs_are_no_evidence() -> None:
    report = prove(
        arrows(120), FLIPS, standard=None, train_and_score=neighbours, groups=np.arange(120), runs=5, progress=False
    )
    assert report.verdict == "no evidence"
    assert "too few" in report.sentence


# The plan


def test_operations_are_left_out_one_at_a_time_and_others_draw_as_before() -> None:
    pipeline = Pipeline([image.Rotate((-9, 9)), image.GaussianNoise(), image.Normalize("imagenet")], seed=4)
    less = arms_of(Policy("pipeline", pipeline, mix=(mix.MixUp(),)), None).less
    assert [name for name, _ in less] == ["Rotate", "GaussianNoise", "MixUp"]
    shorter = less[1][1].pipeline
    assert shorter is not None
    names = [type(operation).__name__ for operation in shorter.operations]
    assert (names, shorter.seed) == (["Rotate", "Normalize"], 4)
    assert less[2][1].mix == ()
    assert arms_of(Policy("pipeline", Pipeline([image.Rotate()])), None).less == ()


class Clock:
    """Time that runs by training alone."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr("covary.prove.experiment.perf_counter", made)
    return made


def timed(clock: Clock, seconds: float) -> Callable[[Trial], Outcome]:
    def train(trial: Trial) -> Outcome:
        clock.now += seconds
        return softmax_regression(trial, steps=5)

    return train


@pytest.mark.parametrize(
    ("minutes", "runs", "standard", "less", "curve"),
    [
        (1, 3, False, 0, 0),  # six runs of 10 s: three pairs
        (2, 6, False, 0, 0),
        (5, 8, True, 1, 0),
        (6, 9, True, 1, 0),
        (20, 20, True, 2, 6),
        (60, 20, True, 2, 6),
    ],
)
def test_the_plan_keeps_to_the_time(
    clock: Clock, minutes: float, runs: int, standard: bool, less: int, curve: int
) -> None:
    # Labels by chance: no verdict ends it early.
    task = blobs(60, 3, noise=25)
    task = task.with_labels(np.random.default_rng(5).permutation(task.labels))
    made = experiment(task, timed(clock, 10))
    done = conducted(made, arms_of(NOISE, FLIPS), minutes)
    assert done.seconds <= 60 * minutes * 1.15
    assert (done.runs, done.arms.standard is not None) == (runs, standard)
    assert (len(done.less), done.curve_runs) == (less, curve)
    assert bool(done.left_out) == (minutes < 20)


def test_slower_runs_than_planned_end_the_experiment_in_time(clock: Clock) -> None:
    task = blobs(60, 3, noise=25)
    task = task.with_labels(np.random.default_rng(5).permutation(task.labels))

    def slower(trial: Trial) -> Outcome:
        clock.now += 2 if clock.now < 60 else 20
        return softmax_regression(trial, steps=5)

    done = conducted(experiment(task, slower), Arms(NOISE), 2.5)
    assert done.planned > done.runs >= 6
    assert done.seconds <= 2.5 * 60 * 1.15
    assert sum(seen.look.alpha for seen in done.looks) == pytest.approx(0.05)


# Interruption


def _without_times(out: Path) -> dict[str, Any]:
    facts: dict[str, Any] = json.loads((out / "report.json").read_text())
    del facts["times"]
    return facts


def test_a_killed_and_restarted_experiment_gives_the_same_report(tmp_path: Path) -> None:
    # The very covary of this process: a checkout's own sources may lie there without the compiled kernels.
    places = os.pathsep.join([str(ROOT), str(Path(covary.__file__).parents[1])])
    environment = {**os.environ, "PYTHONPATH": places, "OMP_NUM_THREADS": "1"}
    slowly = "import sys; from pathlib import Path; from tests.prove import interrupted as it; it.PAUSE = 0.05; "
    command = [sys.executable, "-c", slowly + "it.main(Path(sys.argv[1]))", str(tmp_path / "killed")]
    process = subprocess.Popen(command, env=environment, cwd=ROOT)
    kept = 0
    while process.poll() is None and kept < 7:
        time.sleep(0.02)
        if (tmp_path / "killed" / "runs.sqlite").exists():
            try:
                with sqlite3.connect(tmp_path / "killed" / "runs.sqlite") as db:
                    kept = db.execute("SELECT count(*) FROM runs").fetchone()[0]
            except sqlite3.OperationalError:
                continue
    assert process.poll() is None, "it was done before it could be killed"
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert not (tmp_path / "killed" / "report.json").exists()
    interrupted.main(tmp_path / "killed")
    interrupted.main(tmp_path / "whole")
    assert _without_times(tmp_path / "killed") == _without_times(tmp_path / "whole")
    # What was there before the kill was not made again.
    with Store(tmp_path / "killed" / "runs.sqlite") as store, Store(tmp_path / "whole" / "runs.sqlite") as whole:
        assert len(store) == len(whole) > kept


def test_a_finished_experiment_costs_nothing_to_repeat(tmp_path: Path) -> None:
    task = blobs(60, 3, noise=60)
    calls: list[int] = []

    def counted(trial: Trial) -> Outcome:
        calls.append(1)
        return softmax_regression(trial, steps=5)

    arguments: dict[str, Any] = {
        "standard": None, "out": tmp_path, "runs": 6, "train_and_score": counted, "groups": np.arange(60),
        "progress": False,
    }  # fmt: skip
    first = prove(task, NOISE, **arguments)
    made = len(calls)
    second = prove(task, NOISE, **arguments)
    assert len(calls) == made
    assert second.facts == first.facts


# Errors


def test_a_pipeline_for_another_kind_of_data_is_refused() -> None:
    from covary import text

    with pytest.raises(ValueError, match="text"):
        prove(blobs(60, 3, noise=30), Pipeline([text.RandomSwap()]), groups=np.arange(60), progress=False)


def test_arguments_out_of_range_are_refused() -> None:
    task = blobs(60, 3, noise=30)
    with pytest.raises(ValueError, match="minutes"):
        prove(task, NOISE, minutes=0)
    with pytest.raises(ValueError, match="groups"):
        prove(task, NOISE, groups=np.arange(3), train_and_score=softmax_regression, progress=False)
    with pytest.raises(ValueError, match="standard"):
        prove(task, NOISE, standard="flips", groups=np.arange(60), train_and_score=softmax_regression, progress=False)
    with pytest.raises(ValueError, match="name of its own"):
        prove(task, NONE, standard=None, groups=np.arange(60), train_and_score=softmax_regression, progress=False)
