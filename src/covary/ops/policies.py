"""Policies: each sample gets a few of many operations, at a strength that is drawn or fixed."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray

from covary.draws.distributions import choose
from covary.ops.base import Course, Draw, Node, Operation, narrowed, operation
from covary.ops.view import AnyView, Modality
from covary.plan.changes import Bools

Numbers = NDArray[np.float64]


class Member(NamedTuple):
    """One of the operations that a policy chooses from.

    Attributes:
        operation: as it is at full strength; None leaves the sample as it is.
        scaled: whether the policy's magnitude weakens it.
    """

    operation: Operation | None
    scaled: bool = True


@dataclass(frozen=True, repr=False)
class Policy(Operation):
    """In each of some rounds one of the members acts.

    Args:
        strength: in [0, 1], by which all members are weakened; what `with_strength` lowers. Default 1.
    """

    modality: ClassVar[Modality | None] = None
    passes_strength_on: ClassVar[bool] = True

    strength: float = field(default=1.0, kw_only=True)

    @property
    def rounds(self) -> int:
        """How many members act on a sample, one after the other."""
        return 1

    def members(self) -> Sequence[Member]:
        """What to choose from in each round, with equal chances."""
        raise TypeError(f"{type(self).__name__} has no members")

    def weaken(self, draw: Draw, number: int) -> Numbers | None:
        """(B,) by how much the members of a round are weakened, in [0, 1]; None leaves them as they are."""
        return None

    def happens(self, draw: Draw, number: int) -> Bools | None:
        """(B,) whether a round takes place; None: always."""
        return None

    def check(self) -> None:
        super().check()
        if (
            isinstance(self.strength, bool)
            or not isinstance(self.strength, (int, float))
            or not 0 <= self.strength <= 1
        ):
            self.refuse("strength", repr(self.strength), "a number in [0, 1]")

    def slots(self) -> tuple[str, ...]:
        return (*super().slots(), *(f"choice{number}" for number in range(self.rounds)))

    @property
    def children(self) -> tuple[Operation, ...]:
        own = [member.operation for member in self.members() if member.operation is not None]
        return tuple(_of_round(child, number) for number in range(self.rounds) for child in own)

    def with_strength(self, strength: float) -> Operation:
        return dataclasses.replace(self, strength=self.strength * strength)

    def apply(self, node: Node, course: Course, view: AnyView, active: Bools | None) -> AnyView:
        anybody, chosen, draw = course.enter(node, active)
        if not anybody:
            return view
        members = self.members()
        children = iter(node.children)
        whole = None if self.strength == 1 else np.full(course.count, float(self.strength))
        for number in range(self.rounds):
            choice = choose(draw(f"choice{number}"), None, len(members))
            levels, happens = self.weaken(draw, number), self.happens(draw, number)
            weaker = levels if whole is None else whole if levels is None else whole * levels
            for index, member in enumerate(members):
                if member.operation is None:
                    continue
                child = next(children)
                mask = choice == index
                for condition in (happens, chosen):
                    mask = mask if condition is None else mask & condition
                acts, some = narrowed(mask)
                if acts:
                    with course.weakened(weaker if member.scaled else whole):
                        view = child.operation.apply(child, course, view, some)
        return view

    def whole_number(self, argument: str, low: int, high: int) -> None:
        """Refuse an argument that is no whole number from `low` to `high`."""
        value = getattr(self, argument)
        if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or not low <= value <= high:
            self.refuse(argument, repr(value), f"a whole number from {low} to {high}")


def listed(owner: Operation, operations: Any) -> None:
    """Refuse anything but a non-empty list of operations."""
    if isinstance(operations, Operation) or not operations:
        owner.refuse("operations", repr(operations), "a non-empty list of operations")
    for index, child in enumerate(operations):
        if not isinstance(child, Operation):
            owner.refuse(f"operations[{index}]", f"a {type(child).__name__}", "an operation")


def even_levels(uniforms: Numbers, levels: int) -> Numbers:
    """One of so many levels from 0 to 1, evenly spread."""
    picked: Numbers = choose(uniforms, None, levels) / (levels - 1)
    return picked


def _of_round(child: Operation, number: int) -> Operation:
    """What the user named has another name in each round, as names are unique."""
    return renamed(child, f"round {number}") if number else child


def renamed(child: Operation, suffix: str) -> Operation:
    """The operation, and what it is made of, with the suffix to all names that were given."""
    changes: dict[str, Any] = {}
    if child.name is not None:
        changes["name"] = f"{child.name}, {suffix}"
    if isinstance(getattr(child, "operations", None), tuple):
        changes["operations"] = tuple(renamed(each, suffix) for each in child.children)
    return dataclasses.replace(child, **changes) if changes else child


@operation
class TrivialAugment(Policy):
    """Apply exactly one of the operations, at a random strength.

    For images, sounds and texts alike. Each operation stands with the ranges that it has at full strength; a strength
    draws them towards the identity, or lowers the probability of operations whose ranges have none.

    Args:
        operations: what to choose from, with equal chances. The chosen one's own `p` still counts.
        levels: how many strengths there are, evenly from 0 to 1, both included. Default 31, as in the paper.
        strength: in [0, 1], of the whole policy. Default 1.
        p: probability that any is applied.

    Paper: Müller and Hutter 2021, "TrivialAugment: tuning-free yet state-of-the-art data augmentation". Its own
    operations and ranges for pictures are `image.TrivialAugmentWide`.

    Helps: any task, with operations that leave its labels true: nothing to tune, and every strength occurs.
    Hurts: where one of the operations turns a class into another: leave it out of the list.
    """

    operations: Sequence[Operation] = ()
    levels: int = 31

    uniforms = ("level",)

    def check(self) -> None:
        super().check()
        listed(self, self.operations)
        self.whole_number("levels", 2, 1 << 16)

    def weaken(self, draw: Draw, number: int) -> Numbers:
        return even_levels(draw("level"), self.levels)

    def members(self) -> Sequence[Member]:
        return [Member(child) for child in self.operations]
