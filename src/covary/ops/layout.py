"""A pipeline's operations in their places: unique names, columns of random numbers, and what must stand last."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from covary.draws.distributions import Uniform
from covary.draws.keys import slot_numbers
from covary.ops.base import Course, Node, Operation
from covary.ops.image.finish import Finish, Normalize, Tensor
from covary.ops.view import AnyView


@dataclass(frozen=True, slots=True, eq=False)
class Layout:
    """Where everything stands.

    Attributes:
        nodes: the operations in order.
        slots: (S,) uint32 numbers of all slots; a node's columns index them.
        lines: (S, 1) starts and lengths of the slots' uniform laws, see Chance.
        looks: whether an operation asks for the labels of the samples.
        listens: whether an operation must hear the sounds.
    """

    nodes: tuple[Node, ...]
    slots: NDArray[np.uint32]
    lines: tuple[NDArray[np.float64], NDArray[np.float64]]
    looks: bool = False
    listens: bool = False

    def walk(self, course: Course, view: AnyView) -> Course:
        """Let every operation describe its change, in order."""
        for node in self.nodes:
            view = node.operation.apply(node, course, view, None)
        return course


def lay_out(operations: tuple[Operation, ...]) -> Layout:
    """Give every operation its unique name and its columns in the rows of random numbers.

    Raises:
        ValueError: two operations have one name=, or a Normalize or ToTensor is not the last.
    """
    nodes, slots = _placed(_finished(operations))
    every = [node.operation for root in nodes for node in root.walk()]
    looks, listens = any(one.looks for one in every), any(one.listens for one in every)
    return Layout(nodes, slots, _uniform_lines(nodes, len(slots)), looks, listens)


def _finished(operations: tuple[Operation, ...]) -> tuple[Operation, ...]:
    """Check that what gives the finished form stands last; behind Normalize, ToTensor leaves the values alone."""
    for operation in operations:
        for child in operation.children:
            _refuse_finish(child)
    for index, operation in enumerate(operations[:-1]):
        if isinstance(operation, Finish):
            behind = operations[index + 1 :]
            if not (isinstance(operation, Normalize) and len(behind) == 1 and isinstance(behind[0], Tensor)):
                raise ValueError(
                    f"Pipeline: {type(operation).__name__} stands before other operations; it must be the last"
                )
    if len(operations) > 1 and isinstance(operations[-2], Normalize) and isinstance(operations[-1], Tensor):
        return (*operations[:-1], dataclasses.replace(operations[-1], scale=False))
    return operations


def _refuse_finish(operation: Operation) -> None:
    if isinstance(operation, Finish):
        raise ValueError(
            f"Pipeline: {type(operation).__name__} stands inside a combinator; it must be the last operation"
        )
    for child in operation.children:
        _refuse_finish(child)


def _placed(operations: Sequence[Operation]) -> tuple[tuple[Node, ...], NDArray[np.uint32]]:
    taken: dict[str, int] = {}
    pairs: list[tuple[str, str]] = []

    def name_of(operation: Operation) -> str:
        base = operation.name or type(operation).__name__
        taken[base] = taken.get(base, 0) + 1
        if taken[base] == 1:
            return base
        if operation.name:
            raise ValueError(f"Pipeline: two operations are called {base!r}; names must differ")
        return f"{base}#{taken[base]}"

    def lay(operation: Operation) -> Node:
        name = name_of(operation)
        columns = {}
        for slot in operation.slots():
            columns[slot] = len(pairs)
            pairs.append((name, slot))
        return Node(operation, name, columns, tuple(lay(child) for child in operation.children))

    nodes = tuple(lay(operation) for operation in operations)
    return nodes, slot_numbers(pairs)


def _uniform_lines(nodes: Sequence[Node], slots: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Where the uniform law of each slot starts and how long it is, (S, 1) each; 0 and 1 for slots of other laws."""
    low, length = np.zeros((slots, 1)), np.ones((slots, 1))
    for root in nodes:
        for node in root.walk():
            for slot, law in node.laws.items():
                if type(law) is Uniform:
                    low[node.columns[slot]], length[node.columns[slot]] = law.low, law.high - law.low
    return low, length
