"""Which runs are made, in what order, within the time: main arms in rounds, then operations, then the learning curve.

Every decision is a function of results and of the seconds that the store holds, never of a clock: an experiment that
was killed and goes on decides as it would have done.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from covary.ops.image.finish import Finish
from covary.pipeline import Pipeline
from covary.prove.experiment import Comparison, Experiment
from covary.prove.sequential import ALPHA, LOOKS, Look, planned_looks
from covary.prove.store import Scored
from covary.prove.trial import NONE, Policy
from covary.prove.verdict import LEAST_RUNS, Verdict, verdict_of

FRACTIONS = (0.25, 0.5)  # of the training part, in the learning curve, below the whole
LEAST_CURVE_RUNS = 3
MAIN_SHARE = 0.5  # of the time left after six rounds, for more of them
OPERATIONS_SHARE = 0.6  # of the time left after the main arms, for one operation less each, before the learning curve
OVERTIME = 0.15  # of the time, where six paired runs would not be reached without it

Tell = Callable[[str, float], None]
"""Is told what has just been done, and the seconds that it took."""


@dataclass(frozen=True)
class Arms:
    """What is compared: the pipeline with nothing and with a standard preset, and the pipeline less one operation
    each."""

    pipeline: Policy
    standard: Policy | None = None
    less: tuple[tuple[str, Policy], ...] = ()

    @property
    def main(self) -> tuple[Policy, ...]:
        return (NONE, self.pipeline) if self.standard is None else (NONE, self.standard, self.pipeline)


@dataclass(frozen=True, eq=False)
class Looked:
    """What was seen at a look."""

    look: Look
    comparison: Comparison
    verdict: Verdict


@dataclass(eq=False)
class Conducted:
    """What was done.

    Attributes:
        arms: those that were run in full; the standard preset is missing where it did not fit.
        planned: paired runs, decided after the first by the time that it took.
        runs: paired runs that were made.
        looks: in order; the last one gives the verdict.
        less: runs of the pipeline less one operation, by the operation's name.
        fractions: shares of the training part with runs of their own, ascending.
        curve_runs: how many runs each.
        left_out: what did not fit, in words.
        seconds: that everything took.
    """

    arms: Arms
    planned: int = 0
    runs: int = 0
    looks: list[Looked] = field(default_factory=list)
    less: dict[str, int] = field(default_factory=dict)
    fractions: tuple[float, ...] = ()
    curve_runs: int = 0
    left_out: list[str] = field(default_factory=list)
    seconds: float = 0.0


def arms_of(pipeline: Policy, standard: Policy | None) -> Arms:
    """The arms of an experiment; operations that only give the model's input its form are never left out.

    Raises:
        ValueError: two arms have one name.
    """
    names = [policy.name for policy in (NONE, pipeline, standard) if policy is not None]
    if len(set(names)) < len(names):
        raise ValueError(f"arms are called {', '.join(names)}; each needs a name of its own")
    operations = pipeline.pipeline.operations if pipeline.pipeline is not None else ()
    varying = [place for place, operation in enumerate(operations) if not isinstance(operation, Finish)]
    less: list[tuple[str, Policy]] = []
    if len(varying) + len(pipeline.mix) > 1:
        types = _names([type(operations[place]).__name__ for place in varying])
        for place, name in zip(varying, types, strict=True):
            assert pipeline.pipeline is not None
            less.append((name, replace(pipeline, name=f"without {name}", pipeline=_less(pipeline.pipeline, place))))
        for place, name in enumerate(_names([type(mixer).__name__ for mixer in pipeline.mix])):
            rest = pipeline.mix[:place] + pipeline.mix[place + 1 :]
            less.append((name, replace(pipeline, name=f"without {name}", mix=rest)))
    return Arms(pipeline, standard, tuple(less))


def _less(pipeline: Pipeline, place: int) -> Pipeline:
    """The pipeline without one operation; all others draw as before."""
    plain = pipeline.to_dict()
    del plain["operations"][place]
    return Pipeline.from_dict(plain)


def _names(types: Sequence[str]) -> list[str]:
    """Type and occurrence: Rotate, Rotate#2."""
    seen: dict[str, int] = {}
    made = []
    for name in types:
        seen[name] = seen.get(name, 0) + 1
        made.append(name if seen[name] == 1 else f"{name}#{seen[name]}")
    return made


class Budget:
    """Seconds that may be used, and those that were."""

    def __init__(self, seconds: float) -> None:
        self.whole = seconds
        self.spent = 0.0

    @property
    def left(self) -> float:
        return self.whole - self.spent

    def charge(self, seconds: float) -> None:
        self.spent += seconds


def conduct(
    experiment: Experiment, arms: Arms, budget: Budget, tell: Tell, *, corruptions: bool = True, most: int = LOOKS[-1]
) -> Conducted:
    """Make the runs of an experiment, as many as the time allows.

    Args:
        experiment: the task and who trains on it.
        arms: what is compared.
        budget: of time.
        tell: is told of every run.
        corruptions: whether the first six runs of the main arms are scored under corruptions, too.
        most: paired runs at most.
    """
    done = Conducted(arms)
    maker = _Maker(experiment, budget, tell, corruptions)
    none, pipeline = (maker.main(policy, 0).seconds for policy in (NONE, arms.pipeline))
    cost = none + pipeline
    if arms.standard is not None:
        # A preset is taken to cost what the pipeline does; each of its runs so far is to come.
        if (min(LEAST_RUNS, most) - 1) * (cost + pipeline) + pipeline <= budget.left:
            cost += maker.main(arms.standard, 0).seconds
        else:
            done.left_out.append("the standard preset: there is no time for it beside six paired runs of the pipeline")
            done.arms = replace(arms, standard=None)
    done.planned = _planned(budget, cost, most)
    _main(done, maker)
    _operations(done, maker, OPERATIONS_SHARE)
    _curve(done, maker)
    _operations(done, maker, 1.0)
    missing = [name for name, _ in arms.less if name not in done.less]
    if missing:
        done.left_out.append(
            f"the pipeline less one operation, for {', '.join(missing)}: there is no time for six runs each"
        )
    done.seconds = budget.spent
    return done


class _Maker:
    """Makes runs and keeps account of the time."""

    def __init__(self, experiment: Experiment, budget: Budget, tell: Tell, corruptions: bool) -> None:
        self.experiment, self.budget, self.tell, self.corruptions = experiment, budget, tell, corruptions
        self.seconds: dict[str, list[float]] = {}

    def main(self, policy: Policy, run: int) -> Scored:
        return self.make(policy, run, corruptions=self.corruptions and run < LEAST_RUNS)

    def make(self, policy: Policy, run: int, *, fraction: float = 1.0, corruptions: bool = False) -> Scored:
        made = self.experiment.scored(policy, run, fraction=fraction, corruptions=corruptions)
        self.budget.charge(made.seconds)
        if fraction == 1:
            self.seconds.setdefault(policy.name, []).append(made.seconds)
        share = "" if fraction == 1 else f", {fraction:.0%} of the data"
        self.tell(f"{policy.name}, run {run + 1}{share}", made.seconds)
        return made

    def last(self, *policies: Policy) -> float:
        """Seconds that the latest run of each took."""
        return float(sum(self.seconds[policy.name][-1] for policy in policies))

    def mean(self, *policies: Policy) -> float:
        """Seconds that one run of each takes."""
        return float(sum(np.mean(self.seconds[policy.name]) for policy in policies))


def _fitting(budget: Budget, cost: float) -> int:
    """How many paired runs fit, one of which is done."""
    return 1 + int(max(0.0, budget.left) / max(cost, 1e-9))


def _planned(budget: Budget, cost: float, most: int) -> int:
    fitting = min(most, _fitting(budget, cost))
    if fitting <= LEAST_RUNS:
        return min(most, LEAST_RUNS)
    beyond = MAIN_SHARE * (budget.left - (LEAST_RUNS - 1) * cost) / max(cost, 1e-9)
    return min(most, LEAST_RUNS + int(beyond))


def _main(done: Conducted, maker: _Maker) -> None:
    """Rounds of all main arms, with looks at planned numbers, until a verdict or the end of the plan."""
    done.runs = 1
    alpha = 0.0
    for look in planned_looks(done.planned):
        in_time = True
        while done.runs < look.runs and in_time:
            # Runs that take longer than the first ones did: the plan is cut short, whatever the results are.
            late = OVERTIME * maker.budget.whole if done.runs < LEAST_RUNS else 0.0
            in_time = maker.budget.left + late >= maker.last(*done.arms.main)
            if in_time:
                for policy in done.arms.main:
                    maker.main(policy, done.runs)
                done.runs += 1
        # The last look may spend all that is left.
        seen = look if in_time else Look(done.runs, ALPHA - alpha)
        alpha += seen.alpha
        _look(done, maker.experiment, seen)
        if done.looks[-1].verdict != "no evidence" or not in_time:
            break
    if done.runs < LEAST_RUNS:
        needed = (LEAST_RUNS - done.runs) * maker.mean(*done.arms.main)
        done.left_out.append(
            f"{LEAST_RUNS - done.runs} of the six paired runs that a verdict needs; they take some "
            f"{needed / 60:.1f} minutes"
        )


def _look(done: Conducted, experiment: Experiment, look: Look) -> None:
    found = experiment.compare(done.arms.pipeline, NONE, range(look.runs), level=1 - look.alpha)
    done.looks.append(Looked(look, found, verdict_of(found)))


def _operations(done: Conducted, maker: _Maker, share: float) -> None:
    """The pipeline less one operation each, as far as a share of the time left allows."""
    runs = min(LEAST_RUNS, done.runs)
    if runs < LEAST_RUNS:
        return
    cost = runs * maker.mean(done.arms.pipeline)
    allowed = share * maker.budget.left
    for name, policy in done.arms.less:
        if name not in done.less and cost <= allowed:
            allowed -= cost
            for run in range(runs):
                maker.make(policy, run)
            done.less[name] = runs


def _curve(done: Conducted, maker: _Maker) -> None:
    """Runs of "none" and of the pipeline on shares of the training part."""
    experiment = maker.experiment
    fractions = _usable_fractions(experiment)
    both = (NONE, done.arms.pipeline)
    # With a share of the data there are as many steps, so a run takes as long.
    fitting = int(max(0.0, maker.budget.left) / max(1e-9, len(fractions) * maker.mean(*both))) if fractions else 0
    runs = min(LEAST_RUNS, done.runs, fitting)
    if not fractions:
        done.left_out.append("the learning curve: a class has too few samples to train on shares of them")
    elif runs < LEAST_CURVE_RUNS:
        done.left_out.append(
            "the learning curve, and how much more data the pipeline is worth: there is no time for three runs"
        )
    else:
        for run in range(runs):
            for fraction in fractions:
                for policy in both:
                    maker.make(policy, run, fraction=fraction)
        done.fractions, done.curve_runs = fractions, runs


def _usable_fractions(experiment: Experiment) -> tuple[float, ...]:
    """Shares that leave two samples and more of the rarest class that has any."""
    counts = np.bincount(experiment.task.labels[experiment.split(0).train])
    rarest = int(counts[counts > 0].min())
    return tuple(fraction for fraction in FRACTIONS if fraction * rarest >= 2)
