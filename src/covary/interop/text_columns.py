"""Columns of texts, with what is marked in them, through a pipeline."""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

from covary.data.text_columns import PROVENANCE, TextColumn, different_rows, find_text_columns, vary_rows
from covary.draws.keys import Key
from covary.pipeline import Pipeline

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class VaryingTexts:
    """How columns of texts go through a pipeline.

    Args:
        pipeline: the pipeline.
        names: "text" -> the column of texts, or several; field of a pipeline -> its column.
        tags: for a column of tags that holds numbers, what they stand for.
        times: different variations of each row; None gives one, the epoch's.
    """

    pipeline: Pipeline
    names: Mapping[str, str | Sequence[str]]
    tags: Mapping[str, Sequence[str]]
    times: int | None = None

    def columns(
        self, columns: Mapping[str, Sequence[Any]], key_of: Callable[[Row], Key] | None, epoch: int
    ) -> dict[str, Any]:
        """The columns of some rows, varied. Without columns of texts among them, they come back as they are.

        Args:
            columns: the columns.
            key_of: gives a row's key; None takes its texts.
            epoch: which variations are given, where `times` does not ask for several.

        Raises:
            TypeError, ValueError: no columns, or a cell of a wrong form; the message names it.
        """
        if any(isinstance(values, str) or not isinstance(values, Sequence) for values in columns.values()):
            raise TypeError("Transform: texts come in columns; map(transform, batched=True) gives them so")
        chosen = self._chosen(columns)
        rows = [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]
        if chosen is None or not rows:
            return dict(columns)
        keys = [_contents_key(chosen, row) if key_of is None else key_of(row) for row in rows]
        if self.times is not None:
            return self._different(columns, chosen, rows, keys, self.times)
        varied = vary_rows(self.pipeline, chosen, rows, keys, [epoch] * len(rows))
        return {
            name: [new.values.get(name, row[name]) for row, new in zip(rows, varied, strict=True)] for name in columns
        }

    def _chosen(self, columns: Mapping[str, Sequence[Any]]) -> tuple[TextColumn, ...] | None:
        """The columns of texts; None where others alone are asked for, as data sets do."""

        def example(column: str) -> Any:
            return next((value for value in columns[column] if value not in (None, "", [], {})), None)

        told = self.names.get("text")
        wanted = (told,) if isinstance(told, str) else told
        if wanted is not None and not set(wanted) & columns.keys():
            return None
        fields = {field: str(column) for field, column in self.names.items() if field != "text"}
        try:
            return find_text_columns(
                tuple(columns), example, text=wanted, fields=fields, tags=self.tags, where="Transform"
            )
        except ValueError:
            if wanted is None and len(columns) == 1:
                return None
            raise

    def _different(
        self,
        columns: Mapping[str, Sequence[Any]],
        chosen: tuple[TextColumn, ...],
        rows: Sequence[Row],
        keys: Sequence[Key],
        times: int,
    ) -> dict[str, Any]:
        made: dict[str, list[Any]] = {name: [] for name in (*columns, *PROVENANCE)}
        short = 0
        for row, key in zip(rows, keys, strict=True):
            found = different_rows(self.pipeline, chosen, row, key, times)
            short += times - len(found.made)
            for new, epoch in zip(found.made, found.epochs, strict=True):
                told = zip(PROVENANCE, (str(key), epoch, self.pipeline.seed), strict=True)
                whole = {**row, **new.values, **dict(told)}
                for name, values in made.items():
                    values.append(whole[name])
        if short:
            warnings.warn(
                f"Transform: {short} of {times * len(rows)} variations could not be made different; they are left out",
                stacklevel=4,
            )
        return made


def _contents_key(columns: Sequence[TextColumn], row: Row) -> int:
    """A key for a row without a name: a 64-bit hash of its texts."""
    texts = [row.get(name) for column in columns for name in ([column.name] if column.name else column.columns)]
    return int.from_bytes(blake2b(json.dumps(texts).encode(), digest_size=8).digest(), "little")
