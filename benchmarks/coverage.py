"""How often the interval of `covary prove` holds the true difference, and how often it raises a false alarm.

    python -m benchmarks.coverage            the table of docs/prove.md: 200 experiments in each setting

Nothing is trained. A simulated task is a population of samples; each has a difficulty and an effect of the pipeline of
its own, each run moves both arms by chance (initialisation), each prediction has noise. A finite data set is drawn from
it, and split as an experiment splits it; what a run says of its test samples is drawn. The true difference is the
population's.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from covary.prove.sequential import Look, planned_looks
from covary.prove.splits import Splits
from covary.prove.statistics import Differences, Interval, interval, sign_flip


@dataclass(frozen=True)
class Simulated:
    """A population, and how it is examined. Standard deviations are in units of a logit-like scale.

    Attributes:
        samples: in the data set.
        runs: most paired runs.
        classes: how many; they differ in difficulty.
        effect: mean effect of the pipeline on a sample; 0 is the null, unless the spread below moves it.
        effect_spread: of the effect over samples.
        difficulty: mean margin of a sample; 1 makes about 5 in 6 right.
        run_noise: of a run and an arm.
        noise: of a prediction; half of its variance is shared by the arms of a pair.
        imbalance: how many times the first class is as frequent as the last.
    """

    samples: int = 300
    runs: int = 6
    classes: int = 5
    effect: float = 0.0
    effect_spread: float = 0.3
    difficulty: float = 1.0
    run_noise: float = 0.05
    noise: float = 0.4
    imbalance: float = 1.0

    @property
    def class_margins(self) -> NDArray[np.float64]:
        return self.difficulty + np.linspace(-0.5, 0.5, self.classes)

    @property
    def frequencies(self) -> NDArray[np.float64]:
        weights = np.geomspace(self.imbalance, 1.0, self.classes)
        return np.asarray(weights / weights.sum())

    def truth(self) -> float:
        """The population's difference in the share of right answers: closed form, as everything is normal."""
        from scipy.special import ndtr

        without = 1 + self.run_noise**2 + self.noise**2
        with_it = without + self.effect_spread**2
        margins = self.class_margins
        shares = ndtr((margins + self.effect) / np.sqrt(with_it)) - ndtr(margins / np.sqrt(without))
        return float(self.frequencies @ shares)

    def experiment(self, seed: int) -> Differences:
        """What all runs of one experiment on one data set say."""
        generator = np.random.default_rng([seed, 20])
        normal = generator.standard_normal
        labels = np.sort(generator.choice(self.classes, self.samples, p=self.frequencies))
        margin = self.class_margins[labels] + normal(self.samples)
        effect = self.effect + self.effect_spread * normal(self.samples)
        splits = Splits(labels, np.arange(self.samples), [""] * self.samples, seed)
        parts = []
        for run in range(self.runs):
            test = splits.split(run).test
            common, own = (
                np.sqrt(0.5) * self.noise * normal(len(test)),
                np.sqrt(0.5) * self.noise * normal((2, len(test))),
            )
            none = margin[test] + self.run_noise * normal() + common + own[0]
            varied = margin[test] + effect[test] + self.run_noise * normal() + common + own[1]
            parts.append((run, test, (varied > 0).astype(float) - (none > 0)))
        return Differences.joined(parts)


def decided(differences: Differences, runs: int) -> tuple[Interval, str]:
    """The interval and the verdict of an experiment that stops where it may."""
    for look in planned_looks(runs):
        found, verdict = _look(differences.where(differences.runs < look.runs), look)
        if verdict != "no evidence":
            break
    return found, verdict


def _look(differences: Differences, look: Look) -> tuple[Interval, str]:
    found = interval(differences, level=1 - look.alpha)
    if found.excludes_zero() and sign_flip(differences.by_run()) <= 0.05:
        return found, "helps" if found.low > 0 else "hurts"
    return found, "no evidence"


SETTINGS = {
    "60 samples, 6 runs, 2 classes": Simulated(60, 6, 2),
    "60 samples, 12 runs, 3 classes": Simulated(60, 12, 3, effect=0.4),
    "120 samples, 6 runs, 10 classes": Simulated(120, 6, 10, effect=0.2),
    "300 samples, 6 runs, 5 classes": Simulated(300, 6, 5, effect=0.1),
    "300 samples, 20 runs, 5 classes": Simulated(300, 20, 5),
    "300 samples, 10 runs, noisy runs": Simulated(300, 10, 5, run_noise=0.2),
    "300 samples, 8 runs, classes 20 to 1": Simulated(300, 8, 6, imbalance=20, effect=0.2),
    "600 samples, 12 runs, nearly all right": Simulated(600, 12, 4, difficulty=2.5, effect=0.3),
    "2000 samples, 6 runs, 10 classes": Simulated(2000, 6, 10, effect=-0.1),
    "2000 samples, 6 runs, noisy runs": Simulated(2000, 6, 10, run_noise=0.3, effect=0.3),
    "2000 samples, 20 runs, 10 classes": Simulated(2000, 20, 10, effect_spread=0.6),
}


def null_of(setting: Simulated) -> Simulated:
    """The same without any effect."""
    return replace(setting, effect=0.0, effect_spread=0.0)


def measured(setting: Simulated, experiments: int) -> tuple[float, float, float]:
    """Coverage of the 95 % interval, coverage and verdicts other than "no evidence" with sequential stopping."""
    truth = setting.truth()
    covered = stopped = alarms = 0
    for seed in range(experiments):
        differences = setting.experiment(seed)
        plain = interval(differences)
        found, verdict = decided(differences, setting.runs)
        covered += plain.low <= truth <= plain.high
        stopped += found.low <= truth <= found.high
        alarms += verdict != "no evidence"
    return covered / experiments, stopped / experiments, alarms / experiments


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--experiments", type=int, default=200, help="in each setting")
    experiments = parser.parse_args().experiments
    print("| setting | true difference, points | covers | covers, stopped early | verdicts | false alarms |")
    print("|---|---|---|---|---|---|")
    for name, setting in SETTINGS.items():
        covered, stopped, verdicts = measured(setting, experiments)
        *_, alarms = measured(null_of(setting), experiments)
        cells = [f"{100 * share:.1f} %" for share in (covered, stopped, verdicts, alarms)]
        print(f"| {name} | {100 * setting.truth():+.1f} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
