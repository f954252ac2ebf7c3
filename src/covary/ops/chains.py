"""A chain of operations, each of them one of several: as AugMix and PixMix draw them."""

from __future__ import annotations

import dataclasses
from functools import lru_cache
from typing import Any

from covary.ops.base import Operation
from covary.ops.combine import OneOf, Sequential
from covary.ops.layout import Layout, lay_out


@lru_cache(maxsize=256)
def chain(operations: tuple[Operation, ...], depth: tuple[int, int], name: str) -> Layout:
    """As many choices as the deepest chain has, each within the one before, so that every depth is as likely.

    Args:
        operations: what each link is chosen from.
        depth: the fewest and the most links.
        name: to which the random slots are bound.
    """
    fewest, most = depth
    links: list[Operation] = []
    for number in range(most, 0, -1):
        choice = OneOf(tuple(_renamed(each, f"{name}.{number}.{i}") for i, each in enumerate(operations)))
        # Of the depths from `number` on to those from `number` - 1 on.
        p = 1.0 if number <= fewest else (most - number + 1) / (most - number + 2)
        choice = dataclasses.replace(choice, name=f"{name}.{number}")
        links = [Sequential([choice, *links], p=p, name=f"{name}>{number}")]
    return lay_out(tuple(links))


def _renamed(operation: Operation, name: str) -> Operation:
    """The operation and all inside it under names of their own."""
    changes: dict[str, Any] = {"name": f"{name}.{operation.name or type(operation).__name__}"}
    own = getattr(operation, "operations", None)
    if own:
        changes["operations"] = tuple(_renamed(child, f"{name}.{i}") for i, child in enumerate(own))
    return dataclasses.replace(operation, **changes)
