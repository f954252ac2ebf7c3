"""Whether a model's confidence can be believed: calibration errors, proper scores, and temperature scaling."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

Reals: TypeAlias = NDArray[np.float64]
Numbers: TypeAlias = NDArray[np.int64]
Bins: TypeAlias = Literal["mass", "width"]

BINS = 15
TEMPERATURES = (0.05, 20.0)  # between which the fitted one lies


@dataclass(frozen=True)
class Calibration:
    """How well confidence and truth agree.

    Attributes:
        accuracy: share of samples that are right.
        ece: expected calibration error over 15 bins of equal mass.
        ece_width: the same over 15 bins of equal width, as in most papers.
        nll: mean negative logarithm of the true class's probability, nats.
        brier: mean squared distance of the probabilities to the truth, summed over the classes: 0 to 2.
        temperature: by which the logits were divided.
    """

    accuracy: float
    ece: float
    ece_width: float
    nll: float
    brier: float
    temperature: float


@dataclass(frozen=True, eq=False)
class Reliability:
    """Confidence and accuracy, bin by bin; bins without samples are left out.

    Attributes:
        confidence: (K,) mean confidence.
        accuracy: (K,) share of samples that are right.
        count: (K,) how many samples.
    """

    confidence: Reals
    accuracy: Reals
    count: Numbers

    @property
    def error(self) -> float:
        """The expected calibration error: the distance of both, weighed by the samples."""
        return float((np.abs(self.confidence - self.accuracy) * self.count).sum() / max(1, self.count.sum()))


def calibration(logits: ArrayLike, labels: ArrayLike, temperature: float = 1.0) -> Calibration:
    """All measures of calibration of logits (N, C), divided by a temperature, against labels (N,).

    Raises:
        ValueError: shapes do not fit, a logit is not finite, or there are no samples.
    """
    scores, truth = _checked(logits, labels)
    chances = probabilities(scores, temperature)
    return Calibration(
        accuracy=float((scores.argmax(1) == truth).mean()),
        ece=reliability(scores, truth, temperature, by="mass").error,
        ece_width=reliability(scores, truth, temperature, by="width").error,
        nll=negative_log_likelihood(scores, truth, temperature),
        brier=float(((chances - np.eye(chances.shape[1])[truth]) ** 2).sum(1).mean()),
        temperature=temperature,
    )


def probabilities(logits: ArrayLike, temperature: float = 1.0) -> Reals:
    """(N, C) softmax of logits over a temperature, in float64."""
    return np.asarray(np.exp(_log_probabilities(np.asarray(logits, dtype=np.float64), temperature)))


def negative_log_likelihood(logits: ArrayLike, labels: ArrayLike, temperature: float = 1.0) -> float:
    """Mean negative logarithm of the true class's probability, nats; errors as for `calibration`."""
    scores, truth = _checked(logits, labels)
    return float(log_losses(scores, truth, temperature).mean())


def log_losses(logits: ArrayLike, labels: ArrayLike, temperature: float = 1.0) -> Reals:
    """(N,) negative logarithms of the true classes' probabilities, nats; errors as for `calibration`."""
    scores, truth = _checked(logits, labels)
    return np.asarray(-_log_probabilities(scores, temperature)[np.arange(len(truth)), truth])


def reliability(
    logits: ArrayLike, labels: ArrayLike, temperature: float = 1.0, *, bins: int = BINS, by: Bins = "width"
) -> Reliability:
    """Confidence (the highest probability) against accuracy.

    Args:
        logits: (N, C).
        labels: (N,).
        temperature: by which the logits are divided.
        bins: how many.
        by: "width", bins of equal width over (0, 1], closed above; or "mass", bins of equal numbers of samples (Nixon
            et al. 2019): no bin is then left to a few.

    Raises:
        ValueError: as for `calibration`.
    """
    scores, truth = _checked(logits, labels)
    confidence = probabilities(scores, temperature).max(1)
    right = (scores.argmax(1) == truth).astype(np.float64)
    if by == "width":
        place = np.clip(np.ceil(confidence * bins).astype(np.int64) - 1, 0, bins - 1)
    else:
        place = np.empty(len(confidence), dtype=np.int64)
        place[np.argsort(confidence, kind="stable")] = np.arange(len(confidence)) * bins // len(confidence)
    count = np.bincount(place, minlength=bins)
    held = count > 0
    sums = [np.bincount(place, values, minlength=bins)[held] / count[held] for values in (confidence, right)]
    return Reliability(sums[0], sums[1], count[held].astype(np.int64))


def fitted_temperature(logits: ArrayLike, labels: ArrayLike) -> float:
    """The temperature that makes held-out logits (N, C) most likely (Guo et al. 2017), between 0.05 and 20.

    The likelihood is a concave function of 1 / T: Newton's steps, kept within the bracket that the slope's sign leaves.

    Raises:
        ValueError: as for `calibration`.
    """
    scores, truth = _checked(logits, labels)
    low, high = 1 / TEMPERATURES[1], 1 / TEMPERATURES[0]
    inverse = 1.0
    for _ in range(100):
        slope, bend = _derivatives(scores, truth, inverse)
        low, high = (low, inverse) if slope > 0 else (inverse, high)
        step = inverse - slope / bend if bend > 0 else np.inf
        following = step if low < step < high else (low + high) / 2
        if abs(following - inverse) <= 1e-10 * inverse:
            break
        inverse = following
    return float(1 / inverse)


def _derivatives(scores: Reals, truth: Numbers, inverse: float) -> tuple[float, float]:
    """First and second derivative of the mean negative log-likelihood by the inverse temperature."""
    chances = probabilities(scores, 1 / inverse)
    mean = (chances * scores).sum(1)
    slope = mean - scores[np.arange(len(truth)), truth]
    bend = (chances * (scores - mean[:, None]) ** 2).sum(1)
    return float(slope.mean()), float(bend.mean())


def _log_probabilities(scores: Reals, temperature: float) -> Reals:
    scaled = scores / temperature
    scaled = scaled - scaled.max(1, keepdims=True)
    return np.asarray(scaled - np.log(np.exp(scaled).sum(1, keepdims=True)))


def _checked(logits: ArrayLike, labels: ArrayLike) -> tuple[Reals, Numbers]:
    scores, truth = np.asarray(logits, dtype=np.float64), np.asarray(labels, dtype=np.int64)
    if scores.ndim != 2 or truth.shape != scores.shape[:1] or not len(truth):
        raise ValueError(
            f"logits have shape {scores.shape} and labels {truth.shape}; (N, C) and (N,) are needed, N of 1 and more"
        )
    if not np.isfinite(scores).all():
        raise ValueError(f"{int((~np.isfinite(scores)).any(1).sum())} of {len(scores)} samples have logits not finite")
    if truth.min() < 0 or truth.max() >= scores.shape[1]:
        raise ValueError(f"labels reach from {truth.min()} to {truth.max()}; {scores.shape[1]} classes have logits")
    return scores, truth
