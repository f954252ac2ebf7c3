"""The baseline tuned first: settings under which a model without augmentation does its best, then used in all arms."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import numpy as np
from numpy.typing import NDArray

from covary.prove.calibration import fitted_temperature, log_losses
from covary.prove.task import Task
from covary.prove.trial import NONE, Indices, Settings, TrainAndScore, Trial

RATES = (3e-3, 1e-3, 1e-2)
RATES_PRETRAINED = (3e-4, 1e-4, 1e-3)
DECAYS = (1e-2, 1e-1, 5e-1)
STEPS = 900  # of training that bring the built-in models to rest
EPOCHS = (12, 100)
FULL = 8  # full-length trainings that the whole search costs


def usual_settings(samples: int, model: str = "") -> Settings:
    """Settings before any tuning, for a number of training samples: so many epochs that some 900 steps are taken, at
    least 12 and at most 100.
    """
    batch = Settings.batch_size
    epochs = int(np.clip(round(STEPS / max(1, round(samples / batch))), *EPOCHS))
    rates = RATES_PRETRAINED if ":" in model else RATES
    return Settings(model=model, epochs=epochs, learning_rate=rates[0])


def tuned(
    task: Task,
    train: Indices,
    validation: Indices,
    *,
    train_and_score: TrainAndScore,
    seed: int = 0,
    budget: int = FULL,
    model: str = "",
) -> Settings:
    """Choose learning rate, weight decay and length of training, for the samples as they are.

    Successive halving over a small grid: all candidates are trained for a third of the time, the best third in full,
    and the best of these twice as long, which is taken if it is better by a twentieth and by two standard errors. What
    counts is the validation part's mean log loss after temperature scaling: it tells settings apart that accuracy on
    few samples does not, and leaves calibration aside. No test sample is seen. The same arguments choose the same.

    Args:
        task: all the data.
        train: numbers of the samples to train with.
        validation: numbers of the samples to choose by.
        train_and_score: what trains.
        seed: of all trainings.
        budget: full-length trainings that the search may cost, about; 8 tries all nine pairs of rate and decay, less
            tries the likelier ones, below 2 nothing is tried.
        model: of `Settings`.

    Returns:
        The settings; those of `usual_settings` where there is nothing to choose by.
    """
    usual = usual_settings(len(train), model)
    count = min(len(_grid(usual)), int(budget * len(_grid(usual)) / FULL))
    if budget < 2 or not len(train) or len(np.unique(task.labels[validation])) < 2:
        return usual

    def losses(settings: Settings) -> NDArray[np.float64]:
        outcome = train_and_score(Trial(task, NONE, train, validation, validation, seed, settings))
        return _losses(outcome.validation, task.labels[validation])

    short = max(1, usual.epochs // 3)
    first = _grid(usual)[:count]
    tried = [float(losses(replace(settings, epochs=short)).mean()) for settings in first]
    order = np.argsort(tried, kind="stable").tolist()
    best: list[Settings] = [first[i] for i in order[: max(1, count // 3)]]
    full = [losses(settings) for settings in best]
    chosen = int(np.argmin([each.mean() for each in full]))
    longer: Settings = replace(best[chosen], epochs=2 * best[chosen].epochs)
    return longer if _clearly_lower(losses(longer), full[chosen]) else best[chosen]


def _grid(usual: Settings) -> list[Settings]:
    """Pairs of rate and decay, the likelier ones first."""
    rates = RATES_PRETRAINED if ":" in usual.model else RATES
    places = sorted(product(range(len(rates)), range(len(DECAYS))), key=sum)
    return [replace(usual, learning_rate=rates[i], weight_decay=DECAYS[j]) for i, j in places]


def _losses(logits: NDArray[np.float32], labels: NDArray[np.int64]) -> NDArray[np.float64]:
    """(N,) log losses after temperature scaling; infinite where training came to grief."""
    if not np.isfinite(logits).all():
        return np.full(len(labels), np.inf)
    return log_losses(logits, labels, fitted_temperature(logits, labels))


def _clearly_lower(losses: NDArray[np.float64], others: NDArray[np.float64]) -> bool:
    """Whether losses (N,) are lower by a twentieth and by two standard errors; such as are not finite never are."""
    gain = others - losses
    if not np.isfinite(gain).all() or len(gain) < 2:
        return False
    return bool(gain.mean() > max(0.05 * others.mean(), 2 * gain.std(ddof=1) / np.sqrt(len(gain))))
