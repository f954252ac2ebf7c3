"""The search of settings on made-up losses whose best setting is known."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pytest

from covary.prove.trial import NONE, Outcome, Settings, Trial
from covary.prove.tuning import DECAYS, RATES, tuned, usual_settings
from tests.prove.small import sentences

TASK = sentences(240)
TRAIN, VALIDATION = np.arange(120), np.arange(120, 240)


@dataclass
class Simulated:
    """A model that is the better the nearer its settings are to the best."""

    rate: float
    decay: float
    longer: float = 0.0
    asked: list[Trial] = field(default_factory=list)

    def __call__(self, trial: Trial) -> Outcome:
        self.asked.append(trial)
        settings = trial.settings
        off = abs(np.log(settings.learning_rate / self.rate)) + abs(np.log(settings.weight_decay / self.decay))
        gain = self.longer * np.log2(settings.epochs / usual_settings(len(trial.train)).epochs)
        generator = np.random.default_rng(0)
        signal = np.eye(2)[TASK.labels[trial.validation]] * (1.5 - 0.1 * off + gain)
        logits = (signal + generator.standard_normal(signal.shape)).astype(np.float32)
        return Outcome(test=logits, validation=logits)


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("decay", DECAYS)
def test_the_best_pair_of_a_known_surface_is_found(rate, decay):
    found = tuned(TASK, TRAIN, VALIDATION, train_and_score=Simulated(rate, decay))
    assert (found.learning_rate, found.weight_decay) == (rate, decay)
    assert found.epochs == usual_settings(120).epochs


def test_training_goes_on_longer_only_where_that_helps():
    epochs = usual_settings(120).epochs
    assert tuned(TASK, TRAIN, VALIDATION, train_and_score=Simulated(3e-3, 1e-2, longer=0.8)).epochs == 2 * epochs
    assert tuned(TASK, TRAIN, VALIDATION, train_and_score=Simulated(3e-3, 1e-2, longer=-0.1)).epochs == epochs


@pytest.mark.parametrize("budget, least, most", [(8, 7, 9), (4, 2, 4.5), (1, 0, 0)])
def test_the_search_keeps_to_its_budget_and_sees_no_test_sample_nor_augmentation(budget, least, most):
    model = Simulated(3e-3, 1e-2)
    tuned(TASK, TRAIN, VALIDATION, train_and_score=model, budget=budget, seed=7)
    full = usual_settings(120).epochs
    assert least <= sum(trial.settings.epochs for trial in model.asked) / full <= most
    for trial in model.asked:
        assert trial.policy is NONE and trial.seed == 7
        assert np.array_equal(trial.train, TRAIN) and np.array_equal(trial.test, VALIDATION)


def test_training_that_comes_to_grief_is_not_chosen():
    model = Simulated(1e-2, 1e-2)

    def broken(trial: Trial) -> Outcome:
        outcome = model(trial)
        if trial.settings.learning_rate == 1e-2:
            return Outcome(test=outcome.test, validation=np.full_like(outcome.validation, np.nan))
        return outcome

    assert tuned(TASK, TRAIN, VALIDATION, train_and_score=broken).learning_rate == 3e-3


def test_without_validation_samples_settings_are_the_usual_ones():
    none = np.zeros(0, dtype=np.int64)
    assert tuned(TASK, TRAIN, none, train_and_score=Simulated(1e-3, 0.1)) == usual_settings(120)


@pytest.mark.parametrize("samples, epochs", [(10, 100), (320, 90), (1000, 29), (50_000, 12)])
def test_few_samples_are_passed_over_more_often(samples, epochs):
    assert usual_settings(samples).epochs == epochs
    assert usual_settings(samples, "timm:resnet18") == Settings("timm:resnet18", epochs, 32, 3e-4, 1e-2)
