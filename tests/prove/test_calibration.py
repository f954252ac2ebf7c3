"""Measures of calibration against closed forms, scipy and scikit-learn."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from covary.prove.calibration import (
    calibration,
    fitted_temperature,
    log_losses,
    negative_log_likelihood,
    probabilities,
    reliability,
)


def _drawn(count: int, classes: int, seed: int, temperature: float = 1.0):
    """Logits, and labels drawn from them at a temperature."""
    generator = np.random.default_rng(seed)
    logits = 3 * generator.standard_normal((count, classes))
    chances = probabilities(logits, temperature)
    labels = (generator.random(count)[:, None] > chances.cumsum(1)).sum(1).clip(max=classes - 1)
    return logits, labels


def test_measures_of_a_coin_are_those_of_the_closed_form():
    told = calibration(np.zeros((10, 2)), [0] * 7 + [1] * 3)
    assert told.accuracy == 0.7
    assert told.nll == pytest.approx(np.log(2))
    assert told.brier == pytest.approx(0.5)
    assert told.ece_width == pytest.approx(0.2)


def test_log_losses_and_probabilities_equal_scipy():
    from scipy.special import log_softmax, softmax

    logits, labels = _drawn(200, 5, 0)
    np.testing.assert_allclose(probabilities(logits, 2.0), softmax(logits / 2, 1))
    np.testing.assert_allclose(log_losses(logits, labels, 2.0), -log_softmax(logits / 2, 1)[np.arange(200), labels])


def test_brier_and_log_loss_equal_scikit_learn():
    metrics = pytest.importorskip("sklearn.metrics")
    logits, labels = _drawn(300, 2, 1)
    told = calibration(logits, labels)
    # scikit-learn's score of two classes counts one of them.
    assert told.brier == pytest.approx(2 * metrics.brier_score_loss(labels, probabilities(logits)[:, 1]))
    assert told.nll == pytest.approx(metrics.log_loss(labels, probabilities(logits)))


@pytest.mark.parametrize("by, strategy", [("width", "uniform"), ("mass", "quantile")])
def test_reliability_equals_calibration_curve_of_scikit_learn(by, strategy):
    curves = pytest.importorskip("sklearn.calibration")
    logits, labels = _drawn(300, 4, 2)
    chances = probabilities(logits)
    right = chances.argmax(1) == labels
    accuracy, confidence = curves.calibration_curve(right, chances.max(1), n_bins=15, strategy=strategy)
    ours = reliability(logits, labels, by=by)
    if by == "mass":  # bin edges by quantiles take a sample at an edge to the one side or the other
        assert len(ours.count) == 15 and set(ours.count.tolist()) == {20}
        np.testing.assert_allclose(ours.confidence, confidence, atol=0.02)
    else:
        np.testing.assert_allclose(ours.confidence, confidence)
        np.testing.assert_allclose(ours.accuracy, accuracy)


def test_the_error_of_hand_made_bins():
    # Confidence 0.8 (right in 1 of 2) and 0.6 (right in 2 of 2): (0.3 * 2 + 0.4 * 2) / 4.
    logits = np.log([[0.8, 0.2], [0.8, 0.2], [0.4, 0.6], [0.4, 0.6]])
    assert reliability(logits, [0, 1, 1, 1]).error == pytest.approx(0.35)


@given(st.integers(2, 6), st.floats(0.2, 5), st.integers(0, 10**6))
@settings(max_examples=30, deadline=None)
def test_the_temperature_is_that_of_scipys_bounded_search(classes, true, seed):
    from scipy.optimize import minimize_scalar

    logits, labels = _drawn(80, classes, seed, true)
    found = minimize_scalar(
        lambda log: negative_log_likelihood(logits, labels, float(np.exp(log))),
        bounds=np.log([0.05, 20.0]),
        method="bounded",
        options={"xatol": 1e-9},
    )
    assert fitted_temperature(logits, labels) == pytest.approx(np.exp(found.x), rel=1e-3)


def test_a_known_temperature_is_found_again():
    logits, labels = _drawn(20000, 5, 3, 2.5)
    assert fitted_temperature(logits, labels) == pytest.approx(2.5, rel=0.05)


def test_what_is_all_right_is_as_sure_as_allowed_and_all_wrong_as_unsure():
    sure = np.eye(3)[[0, 1, 2]] * 5
    assert fitted_temperature(sure, [0, 1, 2]) == pytest.approx(0.05)
    assert fitted_temperature(sure, [1, 2, 0]) == pytest.approx(20)


@pytest.mark.parametrize(
    "logits, labels, told",
    [
        (np.zeros((3, 2)), [0, 1], r"shape \(3, 2\) and labels \(2,\)"),
        (np.zeros((0, 2)), [], "N of 1 and more"),
        (np.array([[0, np.nan]]), [0], "1 of 1 samples"),
        (np.zeros((1, 2)), [2], "labels reach from 2 to 2; 2 classes"),
    ],
)
def test_what_cannot_be_measured_is_refused(logits, labels, told):
    with pytest.raises(ValueError, match=told):
        calibration(logits, labels)
