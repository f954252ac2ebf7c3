"""What one run of an experiment is told, and what it tells: the contract between experiments and those who train."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from covary.ops.mix import Mixer
from covary.pipeline import Pipeline
from covary.prove.task import Task

Indices: TypeAlias = NDArray[np.int64]
Logits: TypeAlias = NDArray[np.float32]


@dataclass(frozen=True)
class Policy:
    """One way of varying the training data: an arm of an experiment.

    Attributes:
        name: of the arm, for people.
        pipeline: None leaves the samples as they are.
        mix: mixers that act on finished batches.
    """

    name: str
    pipeline: Pipeline | None = None
    mix: tuple[Mixer, ...] = ()


NONE = Policy("none")


@dataclass(frozen=True)
class Settings:
    """How a model is trained.

    Attributes:
        model: which of the built-in ones; "" is the usual one of the modality.
        epochs: passes over the training data, so many that the arm without augmentation has come to rest.
        batch_size: samples a step.
        learning_rate: at its height (one cycle: linear rise, cosine fall).
        weight_decay: of AdamW.
    """

    model: str = ""
    epochs: int = 30
    batch_size: int = 32
    learning_rate: float = 3e-3
    weight_decay: float = 1e-2


@dataclass(frozen=True, eq=False)
class Trial:
    """One run: on which samples, varied how, trained how.

    Attributes:
        task: all the data.
        policy: the arm.
        train, validation, test: numbers of samples in `task`; validation serves temperature scaling and the choice of
            settings.
        seed: of initialisation, order and draws; the same in all arms of a pair.
        settings: how to train.
        corruptions: whether the test part is scored under held-out corruptions, too.
    """

    task: Task
    policy: Policy
    train: Indices
    validation: Indices
    test: Indices
    seed: int
    settings: Settings = Settings()
    corruptions: bool = False


@dataclass(frozen=True, eq=False)
class Outcome:
    """What a trained model says.

    Attributes:
        test: (N, C) logits of the test part, in the order of `Trial.test`.
        validation: (M, C) logits of the validation part.
        corrupted: logits (N, C) of the test part under each corruption, by its name.
        epochs: passes over the training data.
        seconds: of training alone.
        train_loss: mean loss over the last epoch's varied batches; over that of "none" it is the policy's diversity.
    """

    test: Logits
    validation: Logits
    corrupted: Mapping[str, Logits] = field(default_factory=dict)
    epochs: int = 0
    seconds: float = 0.0
    train_loss: float = float("nan")


TrainAndScore: TypeAlias = Callable[[Trial], Outcome]
"""Trains a model as a trial says and scores it. The built-in one is `covary.prove.models.train_and_score`."""
