"""Tasks and trainers that take milliseconds, for tests of experiments."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from covary.prove.inputs import PictureInputs, clean, varied
from covary.prove.task import Task
from covary.prove.trial import Outcome, Trial

SIDE = 8


def picture_task(pictures: NDArray[Any], labels: NDArray[Any], *, splits: tuple[str, ...] = ()) -> Task:
    """Pictures (N, H, W) uint8 with class numbers."""
    count = int(labels.max()) + 1
    return Task(
        name="made",
        modality="image",
        samples=[picture[..., None] for picture in pictures],
        labels=np.asarray(labels, dtype=np.int64),
        classes=tuple(f"class {number}" for number in range(count)),
        keys=tuple(range(len(labels))),
        splits=splits or ("",) * len(labels),
    )


def blobs(count: int, classes: int, *, noise: float, seed: int = 0, side: int = SIDE) -> Task:
    """Noisy pictures of one random pattern for each class."""
    generator = np.random.default_rng([seed, 1])
    patterns = np.random.default_rng(99).uniform(60, 200, (classes, side, side))
    labels = np.sort(np.arange(count) % classes)
    pictures = patterns[labels] + noise * generator.standard_normal((count, side, side))
    return picture_task(pictures.clip(0, 255).astype(np.uint8), labels)


def arrows(count: int, *, seed: int = 0, noise: float = 40) -> Task:
    """Arrows that point left (class 0) or right (class 1), at random places."""
    generator = np.random.default_rng([seed, 2])
    labels = np.arange(count) % 2
    pictures = noise * generator.standard_normal((count, 10, 10)) + 90
    for picture, label in zip(pictures, labels, strict=True):
        shape = np.zeros((5, 5))
        shape[2, :] = 1
        for step in (1, 2):
            shape[2 - step, step] = shape[2 + step, step] = 1
        row, column = generator.integers(0, 3, 2)
        picture[row + 1 : row + 6, column + 1 : column + 6] += 110 * (shape if label == 0 else shape[:, ::-1])
    return picture_task(pictures.clip(0, 255).astype(np.uint8), labels)


def _training_inputs(trial: Trial, copies: int) -> tuple[NDArray[Any], NDArray[Any]]:
    """Inputs and labels of the training part, varied `copies` times or as they are."""
    inputs = PictureInputs.fitted(trial.task)
    labels = trial.task.labels[trial.train]
    if trial.policy.pipeline is None:
        return clean(trial.task, inputs, trial.train).reshape(len(labels), -1), labels
    made = [varied(trial.task, inputs, trial.train, trial.policy.pipeline, trial.seed + k) for k in range(copies)]
    return np.concatenate(made).reshape(copies * len(labels), -1), np.tile(labels, copies)


def neighbours(trial: Trial, *, copies: int = 4) -> Outcome:
    """The nearest training picture decides; logits are minus squared distances."""
    pictures, labels = _training_inputs(trial, copies)
    inputs = PictureInputs.fitted(trial.task)
    classes = len(trial.task.classes)

    def logits(indices: NDArray[np.int64]) -> NDArray[np.float32]:
        asked = clean(trial.task, inputs, indices).reshape(len(indices), -1)
        squares = (asked**2).sum(1)[:, None] + (pictures**2).sum(1) - 2 * asked @ pictures.T
        nearest = [np.where((labels == c)[None], squares, 1e3).min(1) for c in range(classes)]
        return -np.stack(nearest, 1).astype(np.float32)

    return Outcome(test=logits(trial.test), validation=logits(trial.validation), epochs=1, seconds=0.01)


def softmax_regression(trial: Trial, *, copies: int = 4, steps: int = 60) -> Outcome:
    """Multinomial logistic regression on pixels by gradient descent, from a random start."""
    pictures, labels = _training_inputs(trial, copies)
    inputs = PictureInputs.fitted(trial.task)
    classes = len(trial.task.classes)
    mean, scale = pictures.mean(0), pictures.std() + 1e-6
    given = (pictures - mean) / scale
    wanted = np.eye(classes, dtype=np.float32)[labels]
    weights = np.random.default_rng(trial.seed).normal(0, 0.1, (given.shape[1], classes)).astype(np.float32)
    for _ in range(steps):
        scores = given @ weights
        likely = np.exp(scores - scores.max(1, keepdims=True))
        likely /= likely.sum(1, keepdims=True)
        weights -= 0.1 * (given.T @ (likely - wanted) / len(given) + 1e-3 * weights)

    def logits(indices: NDArray[np.int64]) -> NDArray[np.float32]:
        asked = clean(trial.task, inputs, indices).reshape(len(indices), -1)
        return ((asked - mean) / scale @ weights).astype(np.float32)

    corrupted = {}
    if trial.corruptions:
        darker = (clean(trial.task, inputs, trial.test) * 0.5).reshape(len(trial.test), -1)
        corrupted["darkness"] = ((darker - mean) / scale @ weights).astype(np.float32)
    return Outcome(logits(trial.test), logits(trial.validation), corrupted, epochs=steps, seconds=0.01)
