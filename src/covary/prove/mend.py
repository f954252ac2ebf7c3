"""A pipeline without what is unsafe in it: operations dropped, or their ranges cut; all other draws stay."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence

from covary.ops.base import Node, Operation
from covary.ops.layout import lay_out
from covary.pipeline import Pipeline
from covary.prove.dials import Limits
from covary.prove.rules import Warning
from covary.prove.safety import options_of


def leaves(pipeline: Pipeline) -> list[Node]:
    """The operations of a pipeline that are no combinators, in order, with their names."""
    nodes = lay_out(pipeline.operations).nodes
    return [node for root in nodes for node in root.walk() if not node.operation.children]


def limits_by(warnings: Sequence[Warning]) -> Limits:
    """What rules leave of an operation."""
    limits = Limits()
    for warning in warnings:
        effect = warning.effect
        limits = limits.within(Limits(1.0, effect.values) if effect.values else Limits(effect.strength))
    return limits


def mended(pipeline: Pipeline, left: Mapping[str, Operation | None]) -> Pipeline:
    """The pipeline with some operations replaced by what is left of them.

    Args:
        pipeline: as it was.
        left: by the operation's name in the pipeline; None drops it. Inside a combinator a dropped operation stays with
            p = 0, as the choice among the others would change without it.
    """
    nodes = lay_out(pipeline.operations).nodes
    kept = [made for node in nodes if (made := _rebuilt(node, left, inside=False)) is not None]
    plain = Pipeline(kept, **options_of(pipeline))  # type: ignore[arg-type]
    # Where an operation of the same type is gone, the others would be counted anew, and draw anew: they keep names.
    wanted = [node.name for node in _survivors(nodes, left)]
    names = [node.name for root in lay_out(plain.operations).nodes for node in root.walk()]
    if names == wanted:
        return plain
    remaining = iter(wanted)
    return Pipeline([_named(operation, remaining) for operation in kept], **options_of(pipeline))  # type: ignore[arg-type]


def _rebuilt(node: Node, left: Mapping[str, Operation | None], *, inside: bool) -> Operation | None:
    operation = node.operation
    if node.children:
        children = [_rebuilt(child, left, inside=True) for child in node.children]
        if all(child is None or child.p == 0 for child in children) and not inside:
            return None
        return dataclasses.replace(operation, operations=tuple(children))  # type: ignore[call-arg]
    if node.name not in left:
        return operation
    made = left[node.name]
    return dataclasses.replace(operation, p=0.0) if made is None and inside else made


def _survivors(nodes: Sequence[Node], left: Mapping[str, Operation | None]) -> list[Node]:
    return [child for root in nodes if _rebuilt(root, left, inside=False) is not None for child in root.walk()]


def _named(operation: Operation, names: object) -> Operation:
    """The operation and those in it with the names that they had; the plain name of a type needs no saying."""
    name = next(names)  # type: ignore[call-overload]
    children = tuple(_named(child, names) for child in operation.children)
    if children:
        operation = dataclasses.replace(operation, operations=children)  # type: ignore[call-arg]
    known = operation.name or type(operation).__name__
    return operation if name == known else dataclasses.replace(operation, name=name)
