"""Small labelled data in three modalities, for tests of training."""

from __future__ import annotations

import numpy as np

from covary.prove.task import Task
from covary.prove.trial import NONE, Policy, Settings, Trial


def bars(count: int = 96, seed: int = 0) -> Task:
    """Pictures of 12 x 12 px with a bar on a noisy ground: upright or level."""
    generator = np.random.default_rng(seed)
    labels = np.arange(count) % 2
    pictures = generator.integers(0, 60, (count, 12, 12, 1), dtype=np.uint8)
    for picture, label, place in zip(pictures, labels, generator.integers(2, 10, count), strict=True):
        (picture if label else picture.transpose(1, 0, 2))[place] += 120
    return _task("image", list(pictures), labels, ("upright", "level"))


def tones(count: int = 48, seed: int = 0) -> Task:
    """Half a second of a low or a high tone at 8 kHz, in noise."""
    generator = np.random.default_rng(seed)
    labels = np.arange(count) % 2
    time = np.arange(4000) / 8000
    pitches = np.where(labels, 1400, 500) * generator.uniform(0.9, 1.1, count)
    waves = 0.3 * np.sin(2 * np.pi * pitches[:, None] * time) + 0.05 * generator.standard_normal((count, 4000))
    samples = [wave[None].astype(np.float32) for wave in waves]
    return _task("audio", samples, labels, ("low", "high"), rates=np.full(count, 8000, dtype=np.int64))


def sentences(count: int = 64, seed: int = 0) -> Task:
    """Six words, some of which tell of the sea or of the hills."""
    generator = np.random.default_rng(seed)
    words = (["wave", "ship", "harbour", "tide", "sail"], ["summit", "ridge", "valley", "slope", "pass"])
    common = ["the", "was", "near", "and", "very", "old", "seen"]
    labels = np.arange(count) % 2
    samples = [" ".join([*generator.choice(common, 4), *generator.choice(words[label], 2)]) for label in labels]
    return _task("text", samples, labels, ("sea", "hills"))


def trial(task: Task, policy: Policy = NONE, *, seed: int = 0, corruptions: bool = False, **settings: object) -> Trial:
    """Half of the samples to train with, a quarter to validate, a quarter to test."""
    half, rest = len(task) // 2, 3 * len(task) // 4
    chosen = Settings(**{"epochs": 12, "batch_size": 16, **settings})  # type: ignore[arg-type]
    numbers = np.arange(len(task))
    return Trial(task, policy, numbers[:half], numbers[half:rest], numbers[rest:], seed, chosen, corruptions)


def accuracy(logits: np.ndarray, trial: Trial) -> float:
    """Of the test part."""
    return float((logits.argmax(1) == trial.task.labels[trial.test]).mean())


def _task(modality, samples, labels, classes, rates=None) -> Task:  # type: ignore[no-untyped-def]
    return Task(
        name=f"small {modality}",
        modality=modality,
        samples=samples,
        labels=labels.astype(np.int64),
        classes=classes,
        keys=tuple(f"{modality}/{n}" for n in range(len(samples))),
        splits=("",) * len(samples),
        rates=rates,
    )
