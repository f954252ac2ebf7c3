"""Traces: what happens to a sample, as plain data that JSON can hold, and how to repeat it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from covary.draws.keys import Key
from covary.ops.base import Node, Record
from covary.ops.view import Modality
from covary.written import FORMAT


def told(
    seed: int, key: Key, epoch: int, records: Sequence[tuple[Record, int]], about: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """The trace of one sample.

    Args:
        seed: of the pipeline.
        key, epoch: of the sample.
        records: what its operations did, each with the sample's place in the record.
        about: what else is to be said of the sample, such as its size.
    """
    head = {"covary": FORMAT, "seed": seed, "key": key, "epoch": epoch}
    return {**head, **(about or {}), "operations": _recorded(records)}


def _recorded(records: Sequence[tuple[Record, int]]) -> list[dict[str, Any]]:
    """Records of one sample as plain data. A combinator over several kinds of data was walked through for each."""
    written: dict[str, dict[str, Any]] = {}
    for record, place in records:
        active = record.active is None or bool(record.active[place])
        if active or record.node.name not in written:
            written[record.node.name] = {
                "operation": type(record.node.operation).__name__,
                "name": record.node.name,
                "active": active,
                "values": {slot: value[place].item() for slot, value in record.draw.values.items()} if active else {},
            }
    return list(written.values())


def past_of(trace: Mapping[str, Any], nodes: Iterable[Node]) -> dict[str, Mapping[str, Any]]:
    """What a trace says of each operation, by its name.

    Args:
        trace: as `told` gives it.
        nodes: of the pipeline that is to repeat it.

    Raises:
        ValueError: it names an operation that is not among the nodes.
    """
    names = [node.name for root in nodes for node in root.walk()]
    past = {}
    for record in trace["operations"]:
        if record["name"] not in names:
            raise ValueError(f"the trace names {record['name']!r}; this pipeline has {', '.join(names)}")
        past[record["name"]] = record
    return past


_NEEDED: Mapping[Modality, str] = {
    "image": "size=(height, width)",
    "volume": "size=(depth, height, width)",
    "audio": "audio=... with its rate",
    "text": "text=...",
}


def nothing_to_trace(modalities: Iterable[Modality]) -> TypeError:
    """The error for a trace of a sample of which nothing was said."""
    needed = " or ".join(_NEEDED[modality] for modality in sorted(modalities))
    return TypeError(f"trace: nothing to trace; pass {needed}")
