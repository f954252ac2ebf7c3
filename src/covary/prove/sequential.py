"""When an experiment may stop: looks at planned numbers of runs that together keep the rate of false alarms."""

from __future__ import annotations

from dataclasses import dataclass

LOOKS = (6, 12, 20)
"""Numbers of paired runs after which a verdict may be given."""

ALPHA = 0.05


@dataclass(frozen=True)
class Look:
    """One look at the results.

    Attributes:
        runs: paired runs that are done by then.
        alpha: share of false alarms that this look may add.
    """

    runs: int
    alpha: float


def planned_looks(runs: int, alpha: float = ALPHA) -> tuple[Look, ...]:
    """Looks of an experiment of at most `runs` paired runs, whose false alarms add up to `alpha` at most.

    What may be spent by a look grows with the cube of the runs done (Kim & DeMets 1987); as looks share their runs,
    the sum is an upper bound whatever their dependence. How many runs there will be must not depend on results; on time
    it may.

    Args:
        runs: how many fit.
        alpha: share of experiments without a difference in which any look may find one.
    """
    numbers = [*(number for number in LOOKS if number < runs), runs]
    spent = [alpha * (number / runs) ** 3 for number in numbers]
    return tuple(
        Look(number, total - before) for number, total, before in zip(numbers, spent, [0.0, *spent[:-1]], strict=True)
    )
