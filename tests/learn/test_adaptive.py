"""AdaptiveStrength: its rule, its memory, the loader's bytes after a resume, and a real small training."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from covary import Loader, Pipeline, image
from covary.learn import AdaptiveStrength

RNG = np.random.Generator(np.random.PCG64(0))
PICTURES = RNG.integers(0, 256, (20, 16, 16, 3), dtype=np.uint8)
LABELS = np.arange(20) % 3
PIPELINE = Pipeline([image.Rotate(40), image.GaussianNoise((0.1, 0.3)), image.HorizontalFlip(p=0.5)], seed=4)


def loader(strength: Any, **options: Any) -> Loader:
    return Loader((PICTURES, LABELS), PIPELINE, batch_size=6, strength=strength, **{"workers": 0, **options})


def test_it_rises_on_overfitting_falls_on_harm_and_rests_between() -> None:
    strength = AdaptiveStrength(0.5, step=0.1, margin=0.05)
    strength.report(train=2.0, validation=2.0)
    assert strength.strength == 0.5
    strength.report(train=1.0, validation=1.05)  # 2.5 % of the first loss
    assert strength.strength == 0.5
    strength.report(train=0.5, validation=1.0)
    assert strength.strength == 0.6
    strength.report(train=1.5, validation=1.0)
    assert strength.strength == 0.5
    for _ in range(20):
        strength.report(train=0.1, validation=1.9)
    assert strength.strength == 1.0


def test_clean_and_varied_losses_raise_what_is_learned_and_lower_what_harms() -> None:
    strength = AdaptiveStrength(0.5)
    strength.report(clean=2.3, varied=2.3)  # nothing is learned yet
    assert strength.strength == 0.5
    strength.report(clean=0.4, varied=0.45)
    assert strength.strength == 0.6
    strength.report(clean=0.4, varied=0.8)
    assert strength.strength == 0.6
    strength.report(clean=0.4, varied=1.5)
    assert strength.strength == 0.5


def test_classes_move_by_themselves_and_without_a_report_not_at_all() -> None:
    strength = AdaptiveStrength(0.2, classes=3)
    strength.report(train=[1, 1, np.nan], validation=[1, 1, 2])
    strength.report(train=[0.1, 1, np.nan], validation=[1, 0.2, 2])
    np.testing.assert_allclose(strength.strength, [0.3, 0.1, 0.2])
    np.testing.assert_allclose(strength.of([2, 0, 0, 1], 0), [0.2, 0.3, 0.3, 0.1])


def test_an_epoch_keeps_its_strength_and_the_last_ones_are_clean() -> None:
    strength = AdaptiveStrength(0.2, epochs=10, close_after=0.9)
    assert strength.at(0) == 0.2
    strength.report(train=0.1, validation=1)
    assert (strength.at(0), strength.at(1)) == (0.2, 0.3)
    assert strength.at(8) == 0.3
    assert strength.at(9) == 0.0
    other = AdaptiveStrength(0.2, epochs=10, close_after=0.9)
    other.load_state_dict(json.loads(json.dumps(strength.state_dict())))
    assert (other.at(0), other.at(1), other.strength, other.at(9)) == (0.2, 0.3, 0.3, 0)


@pytest.mark.parametrize("workers", [0, 3])
@pytest.mark.parametrize("classes", [None, 3])
def test_batches_are_those_of_the_pipeline_at_the_strength_of_the_epoch(classes: int | None, workers: int) -> None:
    strength = AdaptiveStrength(0.3, classes=classes)
    losses: list[Any] = [[0.1, 1, 1], [1, 1, 0.1]] if classes else [0.1, 1.0]
    with loader(strength, workers=workers, epochs=3) as stream:
        for number, batch in enumerate(stream):
            epoch = number // 4
            assert batch.epoch == epoch
            at = strength.of(batch.label, epoch)
            for made, key, own in zip(batch.image, batch.keys, at, strict=True):
                expected = PIPELINE.with_strength(own)(image=PICTURES[int(key)], key=key, epoch=epoch)["image"]
                np.testing.assert_array_equal(made, expected)
            if number % 4 == 3:
                strength.report(train=losses[0], validation=losses[1])
    assert not np.array_equal(strength.at(0), strength.at(1))


@pytest.mark.parametrize("classes", [None, 3])
def test_a_training_that_goes_on_sees_the_same_bytes(classes: int | None) -> None:
    def losses(epoch: int) -> dict[str, Any]:
        own = np.array([0.1, 1.0, 2.0])[: classes or 1] / (epoch + 1)
        return {"train": own, "validation": own[::-1] + 0.5}

    def run(stream: Loader, first: int, stop: int | None) -> list[Any]:
        seen = []
        for epoch in range(first, 4):
            for batch in stream:
                seen.append(batch.image.tobytes())
                if stop == len(seen):
                    return seen
            strength.report(**losses(epoch))
        return seen

    strength = AdaptiveStrength(0.4, classes=classes)
    whole = run(loader(strength), 0, None)
    strength = AdaptiveStrength(0.4, classes=classes)
    before = loader(strength)
    begun = run(before, 0, 6)  # broken off in the second epoch
    state = json.loads(json.dumps(before.state_dict()))
    strength = AdaptiveStrength(0.4, classes=classes)
    after = loader(strength, workers=2)
    after.load_state_dict(state)
    with after:
        assert begun + run(after, 1, None) == whole


def test_a_state_of_another_strength_is_refused() -> None:
    state = loader(AdaptiveStrength(0.4)).state_dict()
    with pytest.raises(ValueError, match="strength was"):
        loader(AdaptiveStrength(0.5)).load_state_dict(state)
    with pytest.raises(ValueError, match="strength was"):
        loader(0.4).load_state_dict(state)


def test_a_number_is_the_pipeline_of_that_strength() -> None:
    for mine, expected in zip(
        loader(0.4), Loader((PICTURES, LABELS), PIPELINE.with_strength(0.4), batch_size=6), strict=True
    ):
        np.testing.assert_array_equal(mine.image, expected.image)
    for mine, expected in zip(loader(1), loader(None), strict=True):
        np.testing.assert_array_equal(mine.image, expected.image)


class Softmax:
    """A softmax regression on pixels, by gradient descent in NumPy."""

    def __init__(self, inputs: int, classes: int) -> None:
        self.weights = np.zeros((inputs, classes))

    def probabilities(self, x: np.ndarray) -> np.ndarray:
        logits = x @ self.weights
        powers = np.exp(logits - logits.max(1, keepdims=True))
        return np.asarray(powers / powers.sum(1, keepdims=True))

    def loss(self, x: np.ndarray, y: np.ndarray) -> float:
        return float(-np.log(self.probabilities(x)[np.arange(len(y)), y] + 1e-12).mean())

    def step(self, x: np.ndarray, y: np.ndarray, rate: float) -> None:
        self.weights -= rate * x.T @ (self.probabilities(x) - np.eye(self.weights.shape[1])[y]) / len(y)


def flat(pictures: np.ndarray) -> np.ndarray:
    return pictures.reshape(len(pictures), -1) / 255 - 0.5


def trained(count: int, strength: AdaptiveStrength, epochs: int = 12) -> list[float]:
    """The strengths of a training on `count` handwritten digits, after each epoch."""
    from sklearn.datasets import load_digits

    digits = load_digits()
    pictures = np.repeat((digits.images * 15.9).astype(np.uint8)[..., None], 1, axis=3)
    order = np.random.Generator(np.random.PCG64(1)).permutation(len(pictures))
    known, unseen = order[:count], order[-300:]
    pipeline = Pipeline([image.Affine(rotate=30, translate=0.2, scale=(0.7, 1.3)), image.GaussianNoise((0.1, 0.3))])
    model, history = Softmax(64, 10), []
    with Loader(
        (pictures[known], digits.target[known]), pipeline, batch_size=25, strength=strength, workers=0
    ) as stream:
        for _ in range(epochs):
            losses = []
            for _ in range(max(1, 500 // count)):
                for batch in stream:
                    x = flat(batch.image)
                    losses.append(model.loss(x, batch.label))
                    model.step(x, batch.label, 0.5)
            validation = model.loss(flat(pictures[unseen]), digits.target[unseen])
            strength.report(train=np.mean(losses), validation=validation)
            history.append(float(strength.strength))  # type: ignore[arg-type]
    return history


def test_strength_rises_in_a_training_that_overfits_and_not_in_one_that_does_not() -> None:
    few = trained(25, AdaptiveStrength(0.1))
    many = trained(1400, AdaptiveStrength(0.1), epochs=5)
    assert few[-1] >= 0.4
    assert many[-1] <= 0.2


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"start": 2}, "start is 2"),
        ({"start": 0.5, "high": 0.3}, "start is 0.5; allowed: from low"),
        ({"classes": 0}, "classes is 0"),
        ({"close_after": 0.9}, "close_after is 0.9 with epochs=None"),
    ],
)
def test_wrong_arguments_are_refused(arguments: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        AdaptiveStrength(**arguments)


def test_wrong_reports_and_strengths_are_refused() -> None:
    strength = AdaptiveStrength(classes=2)
    with pytest.raises(ValueError, match="pass train= and validation="):
        strength.report()
    with pytest.raises(ValueError, match="validation= is missing"):
        strength.report(train=[1, 1])
    with pytest.raises(ValueError, match=r"train has shape \(1,\)"):
        strength.report(train=1, validation=[1, 1])
    with pytest.raises(ValueError, match="no state of an AdaptiveStrength"):
        strength.load_state_dict({"strength": [1]})
    with pytest.raises(ValueError, match=r"Loader: strength is 1\.2"):
        loader(1.2)
    with pytest.raises(ValueError, match="strength is for 2 classes; the data set has 3"):
        next(iter(loader(strength)))
