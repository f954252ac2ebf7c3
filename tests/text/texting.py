"""Taking texts through operations without a pipeline: what the tests of all text operations begin with."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from covary.draws.keys import Key, key_numbers
from covary.draws.rows import draw_rows
from covary.ops.base import Course, Operation
from covary.ops.layout import lay_out
from covary.texts import Varied, vary_texts


def vary_all(
    operations: Sequence[Operation] | Operation,
    texts: Sequence[str],
    fields: Sequence[dict[str, Any]] | None = None,
    *,
    keys: Sequence[Key] | None = None,
    seed: int = 0,
    epoch: int = 0,
    protect: Sequence[str] = (),
) -> Varied:
    """What a pipeline of these operations makes of the texts."""
    placed = lay_out((operations,) if isinstance(operations, Operation) else tuple(operations))
    numbers = key_numbers(range(len(texts)) if keys is None else keys)
    rows = draw_rows(seed, np.full(len(texts), epoch, dtype=np.uint32), numbers, placed.slots)
    return vary_texts(placed, texts, fields, Course(len(texts), rows, lines=placed.lines), protect=protect)


def vary(
    operations: Sequence[Operation] | Operation,
    text: str,
    *,
    key: Key = 0,
    seed: int = 0,
    epoch: int = 0,
    **fields: Any,
) -> dict[str, Any]:
    """One text and its fields, as a dict with `text`, `edits`, `changes` and `dropped` among them."""
    protect = fields.pop("protect", ())
    done = vary_all(operations, [text], [fields], keys=[key], seed=seed, epoch=epoch, protect=protect)
    return {
        "text": done.texts[0],
        "edits": done.edits[0],
        "changes": done.changes[0],
        "dropped": done.dropped[0],
        **done.fields[0],
    }
