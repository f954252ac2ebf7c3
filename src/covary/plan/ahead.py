"""Plans made before they are needed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Generic, TypeVar

from covary.plan.fusion import Group

# How many calls are planned at a time.
CALLS = 16

Plan = TypeVar("Plan")


class Ahead(Generic[Plan]):
    """Calls to come, planned together.

    Attributes:
        kind: of the pictures or sounds that they are planned for.
        first: number of the first call.
        plan_of: gives the plan of each by its place among them.
    """

    __slots__ = ("first", "kind", "plan_of")

    def __init__(self, kind: Any, first: int, plan_of: Callable[[int], Plan]) -> None:
        self.kind = kind
        self.first = first
        self.plan_of = plan_of

    def covers(self, kind: Any, call: int) -> bool:
        """Whether a call is among those planned, for content of this kind."""
        return bool(self.kind == kind) and self.first <= call < self.first + CALLS

    def of_call(self, call: int) -> Plan:
        """The plan of one of the calls."""
        return self.plan_of(call - self.first)


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
