"""Combinators: operations made of operations."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from covary.draws.distributions import Constant, Distribution, Integers, as_distribution, checked_weights, choose
from covary.ops.base import Course, Node, Operation, narrowed, operation
from covary.ops.view import Modality, View
from covary.plan.changes import Bools


@dataclass(frozen=True, repr=False)
class _Combinator(Operation):
    modality: ClassVar[Modality | None] = None
    passes_strength_on: ClassVar[bool] = True

    operations: Sequence[Operation] = ()

    def check(self) -> None:
        if isinstance(self.operations, Operation) or not self.operations:
            self.refuse("operations", repr(self.operations), "a non-empty list of operations")
        for index, child in enumerate(self.operations):
            if not isinstance(child, Operation):
                self.refuse(f"operations[{index}]", f"a {type(child).__name__}", "an operation")

    @property
    def children(self) -> tuple[Operation, ...]:
        return tuple(self.operations)

    def with_strength(self, strength: float) -> Operation:
        return dataclasses.replace(self, operations=tuple(child.with_strength(strength) for child in self.operations))


@operation
class Sequential(_Combinator):
    """Apply all operations in order.

    Args:
        operations: what to apply.
        p: probability that the whole sequence is applied.

    Helps: a group that should happen together or not at all.
    Hurts: not by itself; its operations may.
    """

    def apply(self, node: Node, course: Course, view: View, active: Bools | None) -> View:
        anybody, chosen, _ = course.enter(node, active)
        if anybody:
            for child in node.children:
                view = child.operation.apply(child, course, view, chosen)
        return view


@operation
class Sometimes(Sequential):
    """Apply all operations in order, with probability one half unless `p` says otherwise.

    Args:
        operations: what to apply.
        p: probability that the group is applied. Default 0.5.

    Helps: keeps part of the data as it was.
    Hurts: not by itself; its operations may.
    """

    p: float = dataclasses.field(default=0.5, kw_only=True)


@operation
class OneOf(_Combinator):
    """Apply exactly one of the operations.

    Args:
        operations: what to choose from. The chosen one's own `p` still counts.
        weights: relative chances, one per operation. Default: all alike.
        p: probability that any is applied.

    Helps: variety without piling distortions on each other.
    Hurts: not by itself; its operations may.
    """

    weights: Sequence[float] | None = None

    uniforms = ("choice",)

    def check(self) -> None:
        _Combinator.check(self)
        if self.weights is not None:
            object.__setattr__(self, "weights", checked_weights("OneOf", self.weights, len(self.operations)))

    def apply(self, node: Node, course: Course, view: View, active: Bools | None) -> View:
        anybody, chosen, draw = course.enter(node, active)
        if not anybody:
            return view
        choice = choose(draw("choice"), self.weights, len(self.operations))
        return _apply_each(node, course, view, chosen, [choice == index for index in range(len(self.operations))])


@operation
class SomeOf(_Combinator):
    """Apply `n` different operations, in the order in which they are given.

    Args:
        operations: what to choose from.
        n: how many: a whole number or an inclusive range (low, high). Default 1 to all of them.
        weights: relative chances, one per operation. Default: all alike.
        p: probability that any is applied.

    Helps: RandAugment-like variety with a bounded number of changes.
    Hurts: not by itself; its operations may.
    """

    n: Any = None
    weights: Sequence[float] | None = None

    def check(self) -> None:
        _Combinator.check(self)
        count = len(self.operations)
        if self.weights is not None:
            object.__setattr__(self, "weights", checked_weights("SomeOf", self.weights, count))
        law: Distribution = Integers(1, count)
        if self.n is not None:
            whole = isinstance(self.n, (int, np.integer)) and not isinstance(self.n, bool)
            law = Constant(float(self.n)) if whole else as_distribution(self.n, law)
        low, high = law.bounds()
        choosable = count if self.weights is None else sum(weight > 0 for weight in self.weights)
        if not 0 <= low <= high <= choosable:
            self.refuse("n", repr(self.n), f"0 to {choosable} of the {count} operations")
        object.__setattr__(self, "n", law)

    def slots(self) -> tuple[str, ...]:
        return (*Operation.slots(self), *(f"pick{index}" for index in range(len(self.operations))))

    def apply(self, node: Node, course: Course, view: View, active: Bools | None) -> View:
        anybody, chosen, draw = course.enter(node, active)
        if not anybody:
            return view
        uniforms = np.stack([draw(f"pick{index}") for index in range(len(self.operations))], axis=1)
        weights = np.asarray(self.weights or (1.0,) * len(self.operations))
        # Weighted choice without replacement: the n smallest of -log(u) / weight (Efraimidis and Spirakis 2006).
        with np.errstate(divide="ignore"):
            rank = np.argsort(np.argsort(-np.log(uniforms) / weights, axis=1, kind="stable"), axis=1, kind="stable")
        picked = rank < np.floor(draw("n") + 0.5)[:, None]
        return _apply_each(node, course, view, chosen, list(picked.T))


def _apply_each(node: Node, course: Course, view: View, active: Bools | None, masks: list[Bools]) -> View:
    """Apply each child to the samples of its mask; a child with no sample is not described at all."""
    for child, mask in zip(node.children, masks, strict=True):
        anybody, chosen = narrowed(mask if active is None else mask & active)
        if anybody:
            view = child.operation.apply(child, course, view, chosen)
    return view
