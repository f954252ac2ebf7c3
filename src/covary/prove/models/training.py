"""Training and scoring of one trial in PyTorch."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from covary.ops.mix import jensen_shannon, soft_cross_entropy
from covary.prove.corruptions import corrupted, held_out
from covary.prove.inputs import clean
from covary.prove.models.batches import Batch, batches, steps_per_epoch
from covary.prove.models.built import Model, initialised, model_for
from covary.prove.trial import Logits, Outcome, Trial

RISE = 0.2  # share of the steps in which the learning rate rises
AGREEMENT = 12.0  # weight of the Jensen-Shannon term where samples have several views, as in the paper (AugMix)


def train(trial: Trial) -> Outcome:
    """Train the trial's model and score it; a function of the trial alone, whatever the number of threads."""
    _check(trial)
    model = model_for(trial.task, trial.settings.model)
    with single_threaded():
        first = clean(trial.task, model.inputs, trial.train)
        network = initialised(model, first, trial.seed)
        began = time.perf_counter()
        loss = fit(network, trial, model)
        seconds = time.perf_counter() - began
        return Outcome(
            test=logits_of(network, model, clean(trial.task, model.inputs, trial.test)),
            validation=logits_of(network, model, clean(trial.task, model.inputs, trial.validation)),
            corrupted=dict(_corrupted(network, model, trial)) if trial.corruptions else {},
            epochs=trial.settings.epochs,
            seconds=seconds,
            train_loss=loss,
        )


@contextmanager
def single_threaded() -> Iterator[None]:
    """PyTorch on one thread: sums then come in one order, on any machine with the same instructions."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def fit(network: nn.Module, trial: Trial, model: Model) -> float:
    """Train a network in place: AdamW, one cycle. All arms take the same number of steps.

    Returns:
        The mean cross-entropy over the last epoch's batches.
    """
    settings = trial.settings
    optimiser = _optimiser(network, settings.learning_rate, settings.weight_decay)
    steps = settings.epochs * steps_per_epoch(len(trial.train), settings.batch_size)
    network.train()
    step, loss = 0, math.nan
    for epoch in range(settings.epochs):
        total, count = torch.zeros((), device=model.device), 0
        for several in batches(trial, model.inputs, epoch):
            for batch in several:
                for group in optimiser.param_groups:
                    group["lr"] = settings.learning_rate * one_cycle(step, steps)
                optimiser.zero_grad(set_to_none=True)
                error, penalty = _losses(network, batch, model.device)
                (error + penalty).backward()  # type: ignore[no-untyped-call]
                optimiser.step()
                total += error.detach() * len(batch.targets)
                count += len(batch.targets)
                step += 1
        loss = float(total) / count
    return loss


def _check(trial: Trial) -> None:
    settings = trial.settings
    if settings.epochs < 1 or settings.batch_size < 1:
        raise ValueError(
            f"settings: epochs is {settings.epochs}, batch_size is {settings.batch_size}; both must be 1 or more"
        )
    if not len(trial.train):
        raise ValueError("train is empty; a model needs samples to learn from")


def one_cycle(step: int, steps: int) -> float:
    """The share of the highest learning rate at a step: a linear rise, then half a cosine down to zero."""
    rise = max(1, round(RISE * steps))
    if step < rise:
        return (step + 1) / rise
    return 0.5 + 0.5 * math.cos(math.pi * (step - rise + 1) / max(1, steps - rise + 1))


def logits_of(network: nn.Module, model: Model, inputs: NDArray[Any], at_once: int = 256) -> Logits:
    """(N, classes) what a network says of inputs (N, ...)."""
    network.eval()
    with torch.inference_mode():
        parts = [
            network(torch.from_numpy(inputs[start : start + at_once]).to(model.device)).float().cpu().numpy()
            for start in range(0, len(inputs), at_once)
        ]
    made: Logits = np.concatenate(parts) if parts else np.zeros((0, 0), dtype=np.float32)
    return made


def _optimiser(network: nn.Module, learning_rate: float, weight_decay: float) -> torch.optim.Optimizer:
    """AdamW. Biases and the gains of normalisations do not decay."""
    weights = [each for each in network.parameters() if each.ndim > 1]
    others = [each for each in network.parameters() if each.ndim <= 1]
    groups = [{"params": weights, "weight_decay": weight_decay}, {"params": others, "weight_decay": 0.0}]
    return torch.optim.AdamW([group for group in groups if group["params"]], lr=learning_rate, fused=True)


def _losses(network: nn.Module, batch: Batch, device: str) -> tuple[Tensor, Tensor]:
    """The cross-entropy, and what is added to it where samples have several views."""
    inputs = torch.from_numpy(batch.inputs).to(device)
    targets = torch.from_numpy(batch.targets).to(device)
    if not batch.views:
        return soft_cross_entropy(network(inputs), targets), torch.zeros((), device=device)
    views = inputs.shape[1]
    logits = network(inputs.flatten(0, 1)).unflatten(0, (-1, views)).unbind(1)
    return soft_cross_entropy(logits[0], targets), AGREEMENT * jensen_shannon(logits)


def _corrupted(network: nn.Module, model: Model, trial: Trial) -> Iterator[tuple[str, Logits]]:
    for corruption in held_out(trial.task.modality, [trial.policy])[0]:
        samples = corrupted(trial.task, trial.test, corruption)
        yield corruption.name, logits_of(network, model, model.inputs.of(samples))
