"""Plans made before they are needed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from covary.plan.fusion import Group

# How many calls are planned at a time.
CALLS = 16


class Ahead:
    """Calls to come, planned together.

    Attributes:
        kind: of the pictures that they are planned for.
        first: number of the first call.
    """

    __slots__ = ("_groups", "_places", "first", "kind")

    def __init__(self, kind: Any, first: int, groups: Sequence[Group]) -> None:
        self.kind = kind
        self.first = first
        self._groups = groups
        self._places: list[tuple[int, int]] = [(0, row) for row in range(CALLS)]
        for number, group in enumerate(groups):
            for place, row in enumerate(() if group.rows is None else group.rows.tolist()):
                self._places[row] = (number, place)

    def covers(self, kind: Any, call: int) -> bool:
        """Whether a call is among those planned, for pictures of this kind."""
        return bool(self.kind == kind) and self.first <= call < self.first + CALLS

    def groups_of(self, call: int) -> list[Group]:
        """The plan of one of the calls."""
        number, place = self._places[call - self.first]
        one = slice(place, place + 1)
        return [Group(None, tuple([stage.take(one) for stage in self._groups[number].stages]))]
