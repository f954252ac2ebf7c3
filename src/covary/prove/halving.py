"""Successive halving: how many arms get how many runs, so that all fits into a budget of time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

SMALLEST = 3  # arms that a search has at least, "none" among them
# First runs of each arm, and pairs of runs by which the choice is estimated at the end; what is preferred comes first.
SIZES = ((4, 16), (3, 12), (2, 8), (1, 8), (1, 6), (1, 4))


@dataclass(frozen=True)
class Plan:
    """What will be done.

    Attributes:
        arms: how many take part, the first of the list.
        rungs: of each rung, how many arms run and how many runs each has behind it.
        final: pairs of runs of the choice and of no variation, on the part of the data that nothing was chosen by.
    """

    arms: int
    rungs: tuple[tuple[int, int], ...]
    final: int

    @property
    def runs(self) -> int:
        """How many runs it takes in all."""
        return sum(arms * (runs - before) for arms, runs, before in self.steps()) + 2 * self.final

    def steps(self) -> Iterator[tuple[int, int, int]]:
        """Of each rung: its arms, the runs that each then has, and those that each had before."""
        before = 0
        for arms, runs in self.rungs:
            yield arms, runs, before
            before = runs


def planned(arms: int, seconds: float, budget: float) -> Plan:
    """The largest plan whose runs fit into a budget; the smallest there is where none does.

    Args:
        arms: of the whole list, at least two.
        seconds: that one run takes.
        budget: seconds that are left.
    """
    affordable = budget / max(seconds, 1e-9)
    for first, final in SIZES:
        plan = _plan(arms, first, final)
        if plan.runs <= affordable:
            return plan
    smallest = min(SMALLEST, arms)
    for fewer in range(arms - 1, smallest, -1):
        plan = _plan(fewer, 1, 4)
        if plan.runs <= affordable:
            return plan
    plan = _plan(smallest, 1, 4)
    return plan if plan.runs <= affordable else _plan(smallest, 1, 2)


def _plan(arms: int, first: int, final: int) -> Plan:
    rungs = [(arms, first)]
    while rungs[-1][0] > SMALLEST:
        count, runs = rungs[-1]
        rungs.append((max(SMALLEST, -(-count // 2)), 2 * runs))
    return Plan(arms, tuple(rungs), final)
