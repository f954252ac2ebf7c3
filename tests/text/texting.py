"""Taking texts through operations: what the tests of all text operations begin with."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from covary import texts
from covary.draws.keys import Key
from covary.ops.base import Operation

vary_all = texts.vary


def vary(
    operations: Sequence[Operation] | Operation,
    text: str,
    *,
    key: Key = 0,
    seed: int = 0,
    epoch: int = 0,
    protect: Sequence[str] = (),
    **fields: Any,
) -> dict[str, Any]:
    """One text and its fields, as a dict with `text`, `edits`, `changes` and `dropped` among them."""
    done = texts.vary(operations, [text], [fields], keys=[key], seed=seed, epoch=epoch, protect=protect)
    return {
        "text": done.texts[0],
        "edits": done.edits[0],
        "changes": done.changes[0],
        "dropped": done.dropped[0],
        **done.fields[0],
    }
