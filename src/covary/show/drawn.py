"""What a trace says of each operation, in a few words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from covary.draws.keys import Key
from covary.pipeline import Pipeline


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


def drawn_by(
    pipeline: Pipeline, key: Key, epoch: int, remarks: Mapping[str, str] | None = None, **content: Any
) -> tuple[Drawn, ...]:
    """What every operation of a pipeline drew for one variation.

    Args:
        pipeline: whose trace it is.
        key, epoch: of the variation.
        remarks: what else to say of an operation, by its name.
        content: of the sample, as for `Pipeline.trace`.
    """
    if not pipeline.operations:
        return ()
    more = remarks or {}
    return tuple(
        Drawn(record["name"], record["active"], _said(record["values"], more.get(record["name"], "")))
        for record in pipeline.trace(key=key, epoch=epoch, **content)["operations"]
    )


def _said(values: Mapping[str, Any], remark: str) -> str:
    # Whole numbers are keys of streams, which tell nobody anything.
    parts = [f"{slot} {value:.4g}" for slot, value in values.items() if not isinstance(value, int)]
    return ", ".join([*parts, *([remark] if remark else [])])
