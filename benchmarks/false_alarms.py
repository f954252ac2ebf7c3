"""How often `covary prove` finds a difference where labels are shuffled, so that there is nothing to find.

    python -m benchmarks.false_alarms            100 experiments with the built-in model for pictures, trained briefly

Every experiment has a collection, labels, splits and initialisations of its own; it stops where `covary prove` would.
"""

from __future__ import annotations

import argparse
from collections import Counter

import numpy as np

from covary import Pipeline, image
from covary.prove import Policy, Settings, Task
from covary.prove.experiment import Experiment
from covary.prove.sequential import planned_looks
from covary.prove.splits import Splits
from covary.prove.store import Store
from covary.prove.trial import NONE
from covary.prove.verdict import Verdict, verdict_of

PIPELINE = Pipeline([image.Rotate((-20, 20)), image.GaussianNoise((0.02, 0.1)), image.HorizontalFlip(p=0.5)])


def shuffled(samples: int, classes: int, seed: int) -> Task:
    """Noisy pictures of a pattern for each class, with labels that have nothing to do with them."""
    generator = np.random.default_rng([seed, 30])
    shown, labels = (generator.permutation(np.arange(samples) % classes) for _ in range(2))
    patterns = generator.uniform(60, 200, (classes, 12, 12))
    pictures = patterns[shown] + 25 * generator.standard_normal((samples, 12, 12))
    return Task(
        name="shuffled labels",
        modality="image",
        samples=list(pictures.clip(0, 255).astype(np.uint8)[..., None]),
        labels=labels.astype(np.int64),
        classes=tuple(str(number) for number in range(classes)),
        keys=tuple(range(samples)),
        splits=("",) * samples,
    )


def verdict(seed: int, samples: int, runs: int, epochs: int) -> Verdict:
    """The verdict of one experiment."""
    from covary.prove.models import train_and_score

    task = shuffled(samples, 3, seed)
    settings = Settings(epochs=epochs)
    experiment = Experiment(task, Splits.of(task, seed=seed), train_and_score, Store(), settings, seed)
    arm = Policy("pipeline", PIPELINE)
    for look in planned_looks(runs):
        found = verdict_of(experiment.compare(arm, NONE, range(look.runs), level=1 - look.alpha))
        if found != "no evidence":
            break
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--experiments", type=int, default=100)
    parser.add_argument("--samples", type=int, default=90)
    parser.add_argument("--runs", type=int, default=6, help="paired runs at most")
    parser.add_argument("--epochs", type=int, default=12)
    asked = parser.parse_args()
    seeds = range(asked.experiments)
    found = Counter(verdict(seed, asked.samples, asked.runs, asked.epochs) for seed in seeds)
    alarms = asked.experiments - found["no evidence"]
    print(f"{alarms} false alarms in {asked.experiments} experiments ({dict(found)})")


if __name__ == "__main__":
    main()
