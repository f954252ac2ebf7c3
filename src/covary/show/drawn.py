"""What a trace says of each operation, in a few words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple


class Drawn(NamedTuple):
    """What one operation drew.

    Attributes:
        name: of the operation in the pipeline.
        active: whether it was applied.
        said: the values that it drew, and what else there is to say.
    """

    name: str
    active: bool
    said: str

    def __str__(self) -> str:
        return " ".join(part for part in (self.name, self.said if self.active else "not applied") if part)


def drawn_by(trace: Mapping[str, Any], remarks: Mapping[str, str] | None = None) -> tuple[Drawn, ...]:
    """What every operation of a trace drew.

    Args:
        trace: from `Pipeline.trace`.
        remarks: what else to say of an operation, by its name.
    """
    more = remarks or {}
    return tuple(
        Drawn(record["name"], record["active"], _said(record["values"], more.get(record["name"], "")))
        for record in trace["operations"]
    )


def _said(values: Mapping[str, Any], remark: str) -> str:
    # Whole numbers are keys of streams, which tell nobody anything.
    parts = [f"{slot} {value:.4g}" for slot, value in values.items() if not isinstance(value, int)]
    return ", ".join([*parts, *([remark] if remark else [])])
