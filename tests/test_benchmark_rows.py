"""The tables of single operations have all that covary shares with its peers, as docs/counterparts.toml has it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from benchmarks import elsewhere
from benchmarks.operation import Operation
from benchmarks.operations import OPERATIONS
from covary import image
from docs.comparison import Counterpart, libraries


class Names:
    """A library of which only is noted what it is asked for."""

    def __init__(self) -> None:
        self.asked: set[str] = set()

    def __getattr__(self, name: str) -> Any:
        self.asked.add(name)
        return Anything()


class Anything:
    def __getattr__(self, name: str) -> Any:
        return self

    def __call__(self, *values: Any, **named: Any) -> Any:
        return self


def ours(row: Operation) -> str:
    made = row.ours(image)
    return type(made[0] if isinstance(made, tuple) else made).__name__


def theirs(row: Operation, library: str) -> set[str]:
    make = row.torchvision if library.startswith("torchvision") else row.theirs
    names = Names()
    if make is not None:
        make(names)
    return names.asked


def shared() -> Iterator[tuple[str, Counterpart]]:
    """Each operation of the peers that is found as an operation on one picture."""
    for library, operations in libraries().items():
        if library.startswith("kornia"):
            continue  # not a peer in speed
        for operation in operations:
            if operation.ours and all(hasattr(image, name) for name in operation.ours):
                yield library, operation


REASONS = {"Albumentations 2.0.8": elsewhere.ALBUMENTATIONS, "torchvision.transforms.v2": elsewhere.TORCHVISION}


def test_counterparts_toml_names_no_shared_operation_that_has_no_row_and_no_reason() -> None:
    compared = {
        (library, name, ours(row)) for row in OPERATIONS for library in REASONS for name in theirs(row, library)
    }
    missing = [
        f"{library}: {operation.theirs} ({name})"
        for library, operation in shared()
        if operation.theirs not in REASONS[library]
        for name in operation.ours
        if (library, operation.theirs, name) not in compared
    ]
    assert not missing


@pytest.mark.parametrize("library", REASONS)
def test_reasons_are_given_only_for_shared_operations_without_a_row(library: str) -> None:
    known = {operation.theirs for where, operation in shared() if where == library}
    rows = {name for row in OPERATIONS for name in theirs(row, library)}
    assert set(REASONS[library]) <= known
    assert not set(REASONS[library]) & rows


def test_rows_have_names_of_their_own_and_a_peer() -> None:
    names = [(row.name, side) for row in OPERATIONS for side in (row.sides or (256, 512))]
    assert len(set(names)) == len(names)
    assert all(row.theirs is not None or row.torchvision is not None for row in OPERATIONS)
