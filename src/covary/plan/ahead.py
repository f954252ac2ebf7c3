"""Plans made before they are needed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import fields, is_dataclass
from typing import Any, Generic, TypeVar

import numpy as np

from covary.plan.fusion import Group
from covary.plan.stages import Stage

# How many single calls, and how many batches, are planned at a time.
CALLS = 16
BATCHES = 4
# No more pictures than these are planned for batches to come: what is never asked for would cost too much.
PICTURES = 1024
# Plans that take more memory than this, as those with displacements do, cost more when they are made ahead: they are in
# no cache when their turn comes.
MOST_BYTES = 1 << 18

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
        return [Group(None, _part(groups[number].stages, slice(place, place + 1)))]

    return taken


def batch_by_batch(groups: Sequence[Group], count: int) -> Callable[[int], list[Group]]:
    """Takes the groups of several batches of `count` pictures apart: gives those of each batch by its number."""

    def taken(number: int) -> list[Group]:
        first, behind = number * count, (number + 1) * count
        found = []
        for group in groups:
            if group.rows is None:
                found.append(Group(None, _part(group.stages, slice(first, behind))))
                continue
            places = slice(*np.searchsorted(group.rows, (first, behind)).tolist())
            rows = group.rows[places] - first
            if len(rows):
                found.append(Group(None if len(rows) == count else rows, _part(group.stages, places)))
        return found

    return taken


def plan_bytes(groups: Sequence[Group]) -> int:
    """The memory that passes take: that of their arrays, each counted once."""
    arrays: dict[int, int] = {}
    left: list[Any] = [stage for group in groups for stage in group.stages]
    while left:
        value = left.pop()
        if isinstance(value, np.ndarray):
            arrays[id(value)] = value.nbytes
        elif isinstance(value, dict):
            left += value.values()
        elif isinstance(value, (tuple, list)):
            left += value
        elif is_dataclass(value):
            left += [getattr(value, field.name) for field in fields(value)]
    return sum(arrays.values())


def _part(stages: Sequence[Stage], rows: slice) -> tuple[Stage, ...]:
    return tuple([stage.take(rows) for stage in stages])
