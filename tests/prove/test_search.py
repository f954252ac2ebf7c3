"""Search: plans against their arithmetic; the known best policy is found; a restart changes nothing."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from covary import Pipeline, audio, image, mix
from covary import text as words
from covary.ops.base import Operation
from covary.prove.candidates import candidates, menu
from covary.prove.halving import SMALLEST, planned
from covary.prove.inputs import inputs_for, varied
from covary.prove.search import Found, search
from covary.prove.task import Task
from covary.prove.trial import NONE, Outcome, Policy, Settings, Trial

CLASSES = 12
SIDE = 16


def task(count: int = 160, *, moved: bool = True, noise: float = 20, seed: int = 0) -> Task:
    """Pictures of bars in twelve directions; where they are `moved`, anywhere on the canvas."""
    rng = np.random.Generator(np.random.PCG64(seed))
    pictures, labels = [], np.arange(count) % CLASSES
    y, x = np.mgrid[0:SIDE, 0:SIDE] - (SIDE - 1) / 2
    for label in labels:
        angle = np.pi * label / CLASSES
        shift = rng.uniform(-5.5, 5.5) if moved else 0
        across = x * np.sin(angle) - y * np.cos(angle) - shift
        picture = 200 * np.exp(-2 * across**2) + rng.normal(0, noise, (SIDE, SIDE)) + 30
        pictures.append(np.clip(picture, 0, 255).astype(np.uint8)[..., None])
    keys = tuple(f"bar/{number}" for number in range(count))
    names = tuple(f"{180 * label // CLASSES} degrees" for label in range(CLASSES))
    return Task("bars", "image", pictures, labels.astype(np.int64), names, keys, ("",) * count)


def nearest(trial: Trial) -> Outcome:
    """The nearest training picture of each class, in six variations: fast, and a function of the trial alone."""
    inputs = inputs_for(trial.task)

    def features(indices: np.ndarray, pipeline: Pipeline | None, epoch: int) -> np.ndarray:
        made = varied(trial.task, inputs, indices, pipeline or Pipeline([]), trial.seed % 1000 + epoch)
        return np.asarray(made.reshape(len(made), -1), dtype=np.float64)

    pipeline = trial.policy.pipeline
    copies = [features(trial.train, pipeline, epoch) for epoch in range(6 if pipeline else 1)]
    known, labels = np.concatenate(copies), np.tile(trial.task.labels[trial.train], len(copies))

    def logits(indices: np.ndarray) -> np.ndarray:
        asked = features(indices, None, 0)
        distance = (asked**2).sum(1)[:, None] + (known**2).sum(1) - 2 * asked @ known.T
        classes = range(len(trial.task.classes))
        return np.stack([-distance[:, labels == label].min(1, initial=1e6) for label in classes], 1).astype(np.float32)

    return Outcome(logits(trial.test), logits(trial.validation))


SHIFTS = Policy("shifts", Pipeline([image.Translate(0.35, 0.35)]))
DESTROYED = Policy("destroyed", Pipeline([image.RandomRotate90()]))
NOISY = Policy("noisy", Pipeline([image.GaussianNoise(0.9)]))
WEAK = Policy("weak", Pipeline([image.Brightness((0.99, 1.01))]))
ARMS = (DESTROYED, NOISY, WEAK, SHIFTS)


def found(source: Task, arms: Sequence[Policy] = ARMS, **options: Any) -> Found:
    return search(source, train_and_score=nearest, policies=arms, settings=Settings(), **{"minutes": 60, **options})


@pytest.fixture(autouse=True)
def few_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("covary.prove.halving.SIZES", ((2, 6), (1, 4)))


def test_it_finds_the_policy_that_is_known_to_help() -> None:
    result = found(task())
    assert result.policy.name == "shifts"
    assert result.better
    assert result.interval is not None
    assert 0.05 < result.interval.estimate < 0.6
    names = list(result.rungs[0].scores)
    assert names.index("shifts") < names.index("none") < names.index("destroyed")
    assert "shifts: +" in result.verdict


def test_it_says_that_nothing_helps_where_nothing_does() -> None:
    result = found(task(200, moved=False, noise=5), (DESTROYED, NOISY))
    assert result.policy is NONE
    assert result.interval is None
    assert result.verdict == "nothing beat training without variations"
    assert Pipeline.from_yaml(result.yaml()) == Pipeline([])


def test_labels_at_random_are_no_evidence() -> None:
    better = []
    for seed in range(6):
        shuffled = task(120, seed=seed)
        labels = np.random.Generator(np.random.PCG64(seed)).permutation(shuffled.labels)
        better.append(found(shuffled.with_labels(labels), (SHIFTS, WEAK), seed=seed).better)
    assert sum(better) <= 1


def test_what_is_laid_aside_is_never_seen_before_the_choice() -> None:
    trials: list[Trial] = []

    def noting(trial: Trial) -> Outcome:
        trials.append(trial)
        return nearest(trial)

    result = search(task(), train_and_score=noting, policies=ARMS, minutes=60)
    final = [trial for trial in trials if len(trial.task) == 160]
    before = [trial for trial in trials if len(trial.task) < 160]
    assert trials == [*before, *final]
    aside = {final[0].task.keys[index] for index in final[0].test.tolist()}
    assert len(aside) == result.tested
    for trial in before:
        assert not aside & set(trial.task.keys)
    assert {trial.policy.name for trial in final} == {"none", "shifts"}
    assert len(final) == 2 * result.pairs
    for trial in trials:
        parts = [set(part.tolist()) for part in (trial.train, trial.validation, trial.test)]
        assert not parts[0] & parts[1] and not parts[0] & parts[2] and not parts[1] & parts[2]


@pytest.mark.parametrize("stop", [1, 6, 13])
def test_a_search_that_was_killed_comes_to_the_same_result(
    tmp_path: Path, stop: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("covary.prove.halving.SIZES", ((1, 4),))
    left = [stop]

    def dying(trial: Trial) -> Outcome:
        if not left[0]:
            raise KeyboardInterrupt
        left[0] -= 1
        return nearest(trial)

    whole = search(task(80), train_and_score=nearest, policies=ARMS, minutes=60, out=tmp_path / "whole")
    with pytest.raises(KeyboardInterrupt):
        search(task(80), train_and_score=dying, policies=ARMS, minutes=60, out=tmp_path / "killed")
    left[0] = 10_000
    again = search(task(80), train_and_score=dying, policies=ARMS, minutes=60, out=tmp_path / "killed")
    assert 10_000 - left[0] == whole.plan.runs - stop
    same = {**again.to_plain(), "seconds": 0}
    assert same == {**whole.to_plain(), "seconds": 0}
    once_more = search(task(80), train_and_score=dying, policies=ARMS, minutes=60, out=tmp_path / "killed")
    assert once_more.to_plain() == again.to_plain()
    assert Pipeline.from_yaml(tmp_path / "killed/pipeline.yaml") == again.policy.pipeline
    assert json.loads((tmp_path / "killed/search.json").read_text())["policy"] == again.policy.name


@given(st.integers(1, 40), st.floats(0.01, 100), st.floats(1, 5000))
@settings(max_examples=50, deadline=None)
def test_plans_fit_into_the_budget_or_are_the_smallest(arms: int, seconds: float, budget: float) -> None:
    plan = planned(arms, seconds, budget)
    counted = 2 * plan.final
    before = 0
    for count, runs in plan.rungs:
        counted += count * (runs - before)
        before = runs
    assert plan.runs == counted
    assert plan.rungs[0][0] == plan.arms <= arms
    assert plan.rungs[-1][0] == min(arms, plan.arms, max(SMALLEST, 0)) or plan.arms < SMALLEST
    for (more, fewer_runs), (fewer, more_runs) in zip(plan.rungs, plan.rungs[1:], strict=False):
        assert fewer == max(SMALLEST, -(-more // 2))
        assert more_runs == 2 * fewer_runs
    assert plan.runs * seconds <= budget * (1 + 1e-9) or plan.arms == min(arms, SMALLEST)


def test_short_of_time_it_tries_less_and_says_so(tmp_path: Path) -> None:
    many = [Policy(f"number {number}", Pipeline([image.Rotate(number + 1)])) for number in range(30)]
    result = found(task(60), many, minutes=1e-4, out=tmp_path)
    assert result.plan.arms == SMALLEST
    assert any("not tried were number 2" in note for note in result.notes)


def test_usual_candidates_hold_the_fixed_policies_and_the_check_decides() -> None:
    pictures = task(40)
    arms = candidates(pictures, [image.Rotate(), image.Gamma()], {"standard": [image.Translate()], "gone": []})
    names = [arm.name for arm in arms]
    assert names[0] == "none"
    assert {"trivial", "rand", "standard", "TrivialAugmentWide", "RandAugment", "standard at 0.5", "CutMix"} <= set(
        names
    )
    assert len(set(names)) == len(names)
    assert any(isinstance(mixer, mix.MixUp) for arm in arms for mixer in arm.mix)
    for arm in arms:
        if arm.pipeline is not None:
            arm.pipeline.batch(pictures.samples[:3], keys=range(3))
    kinds = {type(operation).__name__ for operation in menu(pictures)}
    assert "Hue" not in kinds
    assert {"Rotate", "HorizontalFlip", "Invert", "AutoContrast", "Equalize"} <= kinds


def test_menus_of_sounds_and_texts_run() -> None:
    rng = np.random.Generator(np.random.PCG64(2))
    waves = [rng.normal(0, 0.1, (1, 8000)).astype(np.float32) for _ in range(4)]
    about = {"labels": np.array([0, 1, 0, 1]), "classes": ("a", "b"), "keys": ("1", "2", "3", "4"), "splits": ("",) * 4}
    sounds = Task("noise", "audio", waves, rates=np.full(4, 8000), **about)
    texts = Task("lines", "text", ["The old house, by 7 trees. It stood there for years!"] * 4, **about)
    for source, kind in ((sounds, audio.Gain), (texts, words.RandomDeletion)):
        assert any(isinstance(operation, kind) for operation in menu(source))
        for arm in candidates(source, menu(source), {"standard": menu(source)[:2]})[:6]:
            fields = {source.modality: source.samples}
            if arm.pipeline is not None:
                if source.rates is not None:
                    fields["rate"] = source.rates.tolist()
                assert len(arm.pipeline.batch(keys=range(4), **fields)[source.modality]) == 4


def test_unsafe_operations_are_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("covary.prove.search._presets", lambda task: {"standard": (image.Translate(),)})

    def no_turns(task: Task, operations: Sequence[Operation]) -> Sequence[Operation]:
        return [each for each in operations if isinstance(each, (image.Translate, image.Gamma))]

    result = search(task(48), train_and_score=nearest, mend=no_turns, minutes=1e-4, out=tmp_path, seed=3)
    assert "RandomRotate90" in result.left_out
    assert "Translate" not in result.left_out
    data = yaml.safe_load((tmp_path / "pipeline.yaml").read_text())
    assert "operations" in data


@pytest.mark.parametrize("minutes", [0, -1, float("nan"), "5", True])
def test_wrong_minutes_are_refused(minutes: Any) -> None:
    with pytest.raises(ValueError, match="minutes is"):
        search(task(40), minutes=minutes)


def test_names_must_differ() -> None:
    with pytest.raises(ValueError, match="names must differ"):
        found(task(40), (SHIFTS, SHIFTS))


def test_the_command_says_what_it_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from typer.testing import CliRunner

    from covary.cli import app

    asked: dict[str, Any] = {}

    def quick(source: Any, **options: Any) -> Found:
        asked.update(options, source=source)
        return found(task(96), out=options["out"], progress=options["progress"])

    monkeypatch.setattr("covary.prove.search.search", quick)
    done = CliRunner().invoke(app, ["search", str(tmp_path), "--minutes", "2", "--out", str(tmp_path / "found")])
    assert done.exit_code == 0, done.output
    assert asked["minutes"] == 2
    assert asked["source"] == tmp_path
    assert "shifts" in done.stdout
    assert Pipeline.from_yaml(tmp_path / "found/pipeline.yaml") == SHIFTS.pipeline


def test_where_runs_take_longer_than_planned_fewer_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    from covary.prove import search as module

    def slower(self: Any, runs: int) -> bool:
        return runs <= 2 * 2 + 2 * 6  # two candidates with two runs each, and the estimate

    monkeypatch.setattr(module._Search, "_fits", slower)
    result = found(task(96))
    assert len(result.rungs) == 2
    assert len(result.rungs[1].scores) == 2
    assert "none" in result.rungs[1].scores
    assert "time was short: fewer candidates went on than were planned" in result.notes
