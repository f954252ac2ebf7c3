"""The parts of a check: the probe beside scikit-learn, rules, mending, faults."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.alarm_tasks import shapes
from covary import OneOf, Pipeline, Sometimes, audio, image, presets, text
from covary.data.folder import Problem
from covary.draws.distributions import Choice
from covary.ops.base import Operation
from covary.prove.dials import Dial, Limits
from covary.prove.duplicates import find_duplicates
from covary.prove.faults import find_faults
from covary.prove.mend import leaves, mended
from covary.prove.probe import Probe, folds_of
from covary.prove.rules import hinted_purpose, warnings_for
from covary.prove.safety import _mean_test, _sign_test


def test_probe_says_what_kernel_ridge_of_scikit_learn_says_that_was_fitted_on_the_other_folds() -> None:
    from sklearn.kernel_ridge import KernelRidge

    generator = np.random.default_rng(0)
    labels = np.arange(90) % 3
    clean = (generator.normal(size=(90, 6)) + labels[:, None]).astype(np.float32)
    varied = clean + generator.normal(size=clean.shape).astype(np.float32)
    folds = folds_of(labels, np.arange(90), 5, generator)
    probe = Probe.trained(clean, labels, folds, 3)
    views = probe.asked(varied)
    targets = np.eye(3)[labels] - 1 / 3
    for fold, (width, ridge) in enumerate(probe.settings):
        learned, held = folds != fold, folds == fold
        for training, answers, asked, said in (
            (clean[learned], targets[learned], clean, probe.says),
            (clean[learned], targets[learned], varied, views.unknown),
            (np.vstack([clean[learned], varied[learned]]), np.vstack([targets[learned]] * 2), clean, views.clean),
            (np.vstack([clean[learned], varied[learned]]), np.vstack([targets[learned]] * 2), varied, views.known),
        ):
            model = KernelRidge(alpha=ridge, kernel="rbf", gamma=0.5 / width).fit(training, answers)
            expected = np.maximum(model.predict(asked[held]) + 1 / 3, 1e-6)
            expected /= expected.sum(1, keepdims=True)
            np.testing.assert_allclose(said[held], expected, atol=2e-3)


def test_probe_never_speaks_of_a_sample_that_it_was_trained_on() -> None:
    """A label that no feature tells is right by chance only, even with each sample there twice."""
    generator = np.random.default_rng(1)
    once = generator.normal(size=(150, 4)).astype(np.float32)
    labels = np.tile(generator.integers(0, 2, 150), 2)
    groups = np.tile(np.arange(150), 2)
    folds = folds_of(labels, groups, 5, generator)
    assert all(len(set(folds[groups == group])) == 1 for group in range(150))
    assert abs(Probe.trained(np.vstack([once, once]), labels, folds, 2).accuracy - 0.5) < 0.13


@settings(max_examples=25, deadline=None)
@given(st.integers(30, 120), st.integers(2, 6), st.integers(0, 1000))
def test_folds_keep_groups_whole_and_classes_even(count: int, classes: int, seed: int) -> None:
    generator = np.random.default_rng(seed)
    labels = generator.integers(0, classes, count)
    groups = generator.integers(0, count, count)
    folds = folds_of(labels, groups, 5, generator)
    assert all(len(set(folds[groups == group])) == 1 for group in set(groups.tolist()))
    alone = folds_of(labels, np.arange(count), 5, generator)
    for label in range(classes):
        sizes = np.bincount(alone[labels == label], minlength=5)
        assert sizes.max() - sizes.min() <= 1


def test_tests_agree_with_scipy() -> None:
    from scipy.stats import binomtest, ttest_1samp

    generator = np.random.default_rng(2)
    values = generator.normal(0.2, 1, 40)
    signs = np.sign(values)
    rises = int((signs > 0).sum())
    groups = np.arange(40)
    assert _sign_test(signs, groups) == pytest.approx(binomtest(rises, 40, alternative="greater").pvalue)
    assert _mean_test(values, groups) == pytest.approx(ttest_1samp(values, 0, alternative="greater").pvalue)
    doubled = np.tile(values, 2)
    assert _mean_test(doubled, np.tile(groups, 2)) == pytest.approx(_mean_test(values, groups))


@pytest.mark.parametrize(
    ("operation", "modality", "classes", "rule"),
    [
        (image.HorizontalFlip(), "image", ("turn_left", "turn_right", "stop_here"), "left and right"),
        (image.HorizontalFlip(), "image", ("turnLeft", "turnRight"), "left and right"),
        (image.VerticalFlip(), "image", ("north", "south"), "up and down"),
        (image.RandomRotate90(), "image", ("left", "right", "up", "down"), "directions"),
        (image.HorizontalFlip(), "image", ("clockwise", "anticlockwise"), "sense of rotation"),
        (image.HorizontalFlip(), "image", ("b", "d", "o"), "letters that mirror"),
        (image.Rotate((-180, 180)), "image", ("6", "9"), "letters by half turns"),
        (image.Hue(0.2), "image", ("red car", "blue car"), "colours"),
        (image.Scale((0.5, 2)), "image", ("small", "large"), "sizes"),
        (audio.Reverse(), "audio", ("rising", "falling"), "direction of a sound"),
        (audio.PitchShift(6), "audio", ("male", "female"), "who speaks"),
        (text.RandomDeletion(), "text", ("positive", "negative"), "opinions"),
        (text.AntonymReplacement(), "text", ("pos", "neg"), "opinions"),
    ],
)
def test_rules_know_names_of_classes(operation: Operation, modality: str, classes: tuple[str, ...], rule: str) -> None:
    found = warnings_for(operation, modality, classes, None)  # type: ignore[arg-type]
    assert rule in {warning.rule for warning in found}
    hidden = tuple(f"class {number}" for number in range(len(classes)))
    assert not warnings_for(operation, modality, hidden, None)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("operation", "classes"),
    [
        (image.HorizontalFlip(), ("cat", "dog")),
        (image.HorizontalFlip(), ("b", "cat")),
        (image.Rotate(15), ("6", "9")),
        (image.HorizontalFlip(), ("north", "south")),
        (image.Hue(0.02), ("red", "blue")),
        (image.HorizontalFlip(), ("lefthanded", "brightness")),
    ],
)
def test_rules_keep_quiet_where_they_do_not_apply(operation: Operation, classes: tuple[str, ...]) -> None:
    assert not warnings_for(operation, "image", classes, None)


def test_protected_negations_may_stand_beside_dropped_words() -> None:
    classes = ("positive", "negative")
    assert not warnings_for(text.RandomDeletion(), "text", classes, None, ("word:not",))
    assert warnings_for(text.AntonymReplacement(), "text", classes, None, ("word:not",))


PRESETS = [
    "photos",
    "satellite",
    "xray",
    "histology",
    "documents",
    "driving",
    "faces",
    "industrial",
    "digits",
    "speech",
    "sounds",
    "text",
]


@pytest.mark.parametrize("name", PRESETS)
def test_no_preset_breaks_a_rule_on_its_own_purpose(name: str) -> None:
    pipeline = getattr(presets, name)()
    for node in leaves(pipeline):
        modality = node.operation.modality
        assert modality is not None
        assert not warnings_for(node.operation, modality, ("this", "that"), name, pipeline.protect), node.name


@pytest.mark.parametrize(
    ("modality", "classes", "purpose"),
    [
        ("image", tuple("0123456789"), "digits"),
        ("image", ("NORMAL", "PNEUMONIA"), "xray"),
        ("image", ("invoice", "letter", "memo"), "documents"),
        ("image", ("scratch", "dent", "ok"), "industrial"),
        ("audio", ("yes", "no", "stop"), "speech"),
        ("audio", ("dog", "rain", "siren"), "sounds"),
        ("image", ("cat", "dog"), None),
    ],
)
def test_names_of_classes_hint_at_the_purpose(modality: str, classes: tuple[str, ...], purpose: str | None) -> None:
    assert hinted_purpose(modality, classes) == purpose  # type: ignore[arg-type]


def test_mended_keeps_names_inside_and_outside_of_combinators() -> None:
    pipeline = Pipeline(
        [
            image.Rotate(180),
            OneOf([image.HorizontalFlip(), image.Rotate(10), image.GaussianBlur()]),
            Sometimes([image.VerticalFlip()]),
            image.HorizontalFlip(p=0.3),
            image.Rotate(5),
        ],
        seed=9,
    )
    kept = mended(pipeline, {"Rotate": None, "HorizontalFlip": None, "VerticalFlip": None})
    names = [node.name for node in leaves(kept)]
    assert names == ["HorizontalFlip", "Rotate#2", "GaussianBlur", "HorizontalFlip#2", "Rotate#3"]
    assert kept.operations[0].children[0].p == 0
    assert len(kept.operations) == 3
    before = pipeline.trace(key=4, epoch=1, size=(32, 32))["operations"]
    after = kept.trace(key=4, epoch=1, size=(32, 32))["operations"]
    drawn = {record["name"]: record for record in before}
    assert all(record == drawn[record["name"]] for record in after if record["name"] != "HorizontalFlip")
    assert Pipeline.from_yaml(kept.to_yaml()) == kept


@pytest.mark.parametrize(
    ("operation", "limits", "left"),
    [
        (image.Rotate(60), Limits(0.5), image.Rotate(30)),
        (image.Rotate(60), Limits(0.05), None),
        (image.Rotate((180, 180)), Limits(0.5), None),
        (image.HorizontalFlip(), Limits(0.5), None),
        (text.RandomDeletion(0.4), Limits(0.5), text.RandomDeletion(0.2)),
        (image.RandomRotate90(), Limits(1.0, frozenset((2.0,))), image.RandomRotate90(Choice((0, 1, 3)))),
        (image.RandomRotate90(), Limits(1.0, frozenset((1.0, 2.0, 3.0))), None),
    ],
)
def test_operations_within_limits(operation: Operation, limits: Limits, left: Operation | None) -> None:
    assert Dial.of(operation).limited(limits) == left


def test_all_faults_that_were_planted_are_found_and_no_other() -> None:
    task = shapes(60, 0)
    assert not find_faults(task, find_duplicates(task))
    samples = [*task.samples, task.samples[0], task.samples[1], task.samples[2]]
    faulty = replace(
        task,
        samples=samples,
        labels=np.concatenate([task.labels, [task.labels[0], task.labels[1], (task.labels[2] + 1) % 3]]),
        keys=(*task.keys, "equal", "in test", "mislabelled"),
        splits=(*["train"] * 60, "train", "test", "train"),
        problems=(Problem("torn.png", "is truncated"),),
    )
    found = {fault.kind: fault for fault in find_faults(faulty, find_duplicates(faulty))}
    assert set(found) == {"unreadable", "conflicting labels", "across splits", "equal samples"}
    assert found["conflicting labels"].samples == ((task.keys[2], "mislabelled"),)
    assert found["across splits"].samples == ((task.keys[1], "in test"),)
    assert found["equal samples"].count == 6
    assert "torn.png" in found["unreadable"].words


def test_uneven_and_empty_classes_are_faults() -> None:
    task = shapes(90, 0)
    kept = np.flatnonzero((task.labels != 2) & ((task.labels != 1) | (np.arange(90) < 6)))
    found = {fault.kind for fault in find_faults(task.subset(kept), find_duplicates(task.subset(kept)))}
    assert found == {"empty classes", "small classes", "imbalance"}


def test_names_tell_sources_on_both_sides_of_a_split() -> None:
    task = shapes(60, 0)
    names = tuple(f"patient{number // 3}_{number % 3}.png" for number in range(60))
    splits = tuple("test" if number % 3 == 2 else "train" for number in range(60))
    leaky = replace(task, keys=names, splits=splits)
    assert [fault.kind for fault in find_faults(leaky, find_duplicates(leaky))] == ["source across splits"]
    plain = replace(task, keys=tuple(f"img_{number}.png" for number in range(60)), splits=splits)
    assert not find_faults(plain, find_duplicates(plain))
