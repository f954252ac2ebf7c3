"""Describing a single operation without a pipeline: what the tests of all operations begin with."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from covary.draws.distributions import Distribution
from covary.draws.keys import Key, key_numbers, slot_numbers
from covary.draws.rows import Draws, Rows, draw_rows
from covary.ops.base import Course, Node, Operation
from covary.ops.view import View
from covary.plan.changes import Change


def place(operation: Operation) -> tuple[Node, np.ndarray]:
    """The operation (and its children) as the only one of a pipeline: its node and the numbers of all its slots."""
    pairs: list[tuple[str, str]] = []

    def node(op: Operation, name: str) -> Node:
        columns = {slot: len(pairs) + index for index, slot in enumerate(op.slots())}
        pairs.extend((name, slot) for slot in op.slots())
        children = tuple(node(child, f"{name}.{index}") for index, child in enumerate(op.children))
        return Node(op, name, columns, children)

    placed = node(operation, operation.name or type(operation).__name__)
    return placed, slot_numbers(pairs)


def make_view(sizes: Sequence[tuple[int, int]], channels: int = 3, dtype: str = "uint8") -> View:
    """The view of pictures of these (height, width) sizes."""
    return View(np.array(sizes, dtype=np.int64).reshape(-1, 2), channels, dtype)


def course_of(
    operation: Operation,
    sizes: Sequence[tuple[int, int]],
    *,
    channels: int = 3,
    dtype: str = "uint8",
    keys: Sequence[Key] | None = None,
    seed: int = 0,
    epoch: int = 0,
    draws: Draws = "independent",
) -> tuple[Course, View]:
    """Walk through one operation for pictures of these sizes: the course (steps and records) and the view behind."""
    view = make_view(sizes, channels, dtype)
    placed, slots = place(operation)
    numbers = key_numbers(range(view.count) if keys is None else keys)
    epochs = np.full(view.count, epoch, dtype=np.uint32)
    course = Course(view.count, draw_rows(seed, epochs, numbers, slots, draws))
    return course, operation.apply(placed, course, view, None)


def describe(
    operation: Operation,
    sizes: Sequence[tuple[int, int]],
    channels: int = 3,
    dtype: str = "uint8",
    keys: Sequence[Key] | None = None,
    seed: int = 0,
    epoch: int = 0,
) -> tuple[list[Change], View]:
    """The changes of one operation for pictures of these sizes, and the view behind them.

    Args:
        operation: what to describe.
        sizes: (height, width) of each of the B pictures.
        channels, dtype: of all of them.
        keys: of the B samples; by default 0, 1, 2 ...
        seed, epoch: as of a pipeline.
    """
    course, view = course_of(operation, sizes, channels=channels, dtype=dtype, keys=keys, seed=seed, epoch=epoch)
    return [step.change for step in course.steps], view


def values_of(
    operation: Operation, count: int, sizes: Sequence[tuple[int, int]] | None = None
) -> dict[str, np.ndarray]:
    """What the operation draws for `count` samples (of 64 x 64 pixels by default), by slot."""
    course, _ = course_of(operation, sizes or [(64, 64)] * count)
    return course.records[0].draw.values


def describe_at(operation: Operation, size: tuple[int, int], channels: int = 3, **uniforms: float) -> list[Change]:
    """The changes for one uint8 picture when the slots have the given uniform numbers, 0.5 where none is given."""
    placed, slots = place(operation)
    row = np.full((1, len(slots)), 0.5)
    for slot, value in uniforms.items():
        row[0, placed.columns[slot]] = value
    course = Course(1, Rows(row, np.ones((1, len(slots)), dtype=np.uint64)))
    operation.apply(placed, course, make_view([size], channels), None)
    return [step.change for step in course.steps]


def laws(operation: Operation) -> dict[str, Distribution]:
    """The distributions among the fields of an operation, by name."""
    fields = {name: getattr(operation, name) for name in operation.slots() if hasattr(operation, name)}
    return {name: law for name, law in fields.items() if isinstance(law, Distribution)}
