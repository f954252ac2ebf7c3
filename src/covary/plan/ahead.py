"""Plans made before they are needed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Generic, TypeVar

from covary.plan.fusion import Group

# How many single calls, and how many batches, are planned at a time.
CALLS = 16
BATCHES = 4

Plan = TypeVar("Plan")


class Ahead(Generic[Plan]):
    """Calls to come, planned together.

    Attributes:
        kind: of the pictures or sounds that they are planned for.
        first: number of the first sample.
        plan_of: gives the plan of each call by its place among them.
        calls: how many there are.
        samples: of each call.
    """

    __slots__ = ("calls", "first", "kind", "plan_of", "samples")

    def __init__(self, kind: Any, first: int, plan_of: Callable[[int], Plan], calls: int, samples: int = 1) -> None:
        self.kind = kind
        self.first = first
        self.plan_of = plan_of
        self.calls = calls
        self.samples = samples

    def covers(self, kind: Any, first: int) -> bool:
        """Whether the call that begins with a sample is among those planned, for content of this kind."""
        behind = first - self.first
        return bool(self.kind == kind) and 0 <= behind < self.calls * self.samples and behind % self.samples == 0

    def of_call(self, first: int) -> Plan:
        """The plan of the call that begins with a sample."""
        return self.plan_of((first - self.first) // self.samples)


def one_by_one(groups: Sequence[Group], count: int) -> Callable[[int], list[Group]]:
    """Takes the groups of some pictures apart: gives those of each picture by its number."""
    places: list[tuple[int, int]] = [(0, row) for row in range(count)]
    for number, group in enumerate(groups):
        for place, row in enumerate(() if group.rows is None else group.rows.tolist()):
            places[row] = (number, place)

    def taken(row: int) -> list[Group]:
        number, place = places[row]
        one = slice(place, place + 1)
        return [Group(None, tuple([stage.take(one) for stage in groups[number].stages]))]

    return taken
