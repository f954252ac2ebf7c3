"""The work on one source whose content is texts: read, vary until there are enough different ones, write.

It runs in any thread and touches no shared state.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from hashlib import sha256
from typing import TYPE_CHECKING, cast

from covary.data.dataset import SampleError
from covary.data.folder import Problem
from covary.data.text_columns import VariedRow, different_rows, vary_rows
from covary.expand.kinds.text import TextLayout, TextReader
from covary.expand.names import original_name, variation_name
from covary.expand.orders import Order, Outcome, Task
from covary.expand.preparing import begin, reason_of, skipped
from covary.expand.reference import OTHER_BYTES, OTHER_LABELS, Reference
from covary.expand.rows import Kind, OutputRow, Recipe, SourceRow
from covary.expand.sources import Entry, Raw
from covary.expand.survey import shortage
from covary.expand.variations import canonical
from covary.expand.work import OutputFiles
from covary.texts import Different

if TYPE_CHECKING:
    from covary.pipeline import Pipeline


def make_texts(order: Order, task: Task) -> Outcome:
    """Make the missing outputs of one source: all of them, or none.

    Raises:
        ExpandError: the output's disk is full or fails.
    """
    begun = begin(order, task)
    if isinstance(begun, Outcome):
        return begun
    found, piece, fresh = begun.found, task.piece, begun.fresh
    layout = cast(TextLayout, order.layout)
    try:
        made = _different(order, layout, piece.entry, found.raw, piece.times)
        short = piece.times - len(made.made)
        fresh = fresh or short > 0  # of what another recipe made, there may be more
        numbers = range(piece.times) if fresh else task.missing
        original = order.with_originals and (fresh or task.original_missing)
        outputs = _write(order, layout, piece.entry, found.raw, made, numbers, original)
    except Exception as error:
        return Outcome(skipped(found.source, reason_of(order, error)), found.check, begun.wanted, fresh=True)
    reason = shortage(order, piece.times, made.reason) if short else None
    return Outcome(replace(found.source, reason=reason), found.check, begun.wanted, outputs, fresh, short=short)


def _different(order: Order, layout: TextLayout, entry: Entry, raw: Raw, times: int) -> Different[VariedRow]:
    names = [name for column in layout.columns for name in column.columns]
    cells = cast(TextReader, order.reader).cells(entry, raw, names)
    try:
        return different_rows(order.pipeline, layout.columns, cells, entry.key, times)
    except (TypeError, ValueError) as error:  # of this row's cells
        raise SampleError(entry.key, str(error)) from None


def _write(
    order: Order,
    layout: TextLayout,
    entry: Entry,
    raw: Raw,
    made: Different[VariedRow],
    numbers: Collection[int],
    original: bool,
) -> tuple[OutputRow, ...]:
    """Write all files under temporary names, and only then give them their own; rows of tables have none."""
    rows: list[OutputRow] = []
    with OutputFiles(order.out, order.temporary) as files:
        if original:
            rows.append(_original(order, layout, entry, raw, files))
        for number, (varied, epoch) in enumerate(zip(made.made, made.epochs, strict=True)):
            if number in numbers:
                data = layout.content(raw, varied.values)
                row = _row(order.recipe, layout, entry, number, epoch, varied, data)
                rows.append(row)
                if not layout.in_rows:
                    files.write(row.path, data)
    return tuple(rows)


def _row(
    recipe: Recipe, layout: TextLayout, entry: Entry, number: int, epoch: int, varied: VariedRow, data: bytes
) -> OutputRow:
    """The manifest's row of a variation.

    Args:
        number: of the variation among those of its source; the epoch is higher where others gave nothing new.
    """
    return OutputRow(
        path=variation_name(entry.name, number, "same"),
        source=entry.name,
        kind="variation",
        key=entry.key,
        epoch=epoch,
        bytes=len(data),
        sha256=sha256(data).hexdigest(),
        recipe=recipe.hash,
        trace=canonical(varied.about),
        parts=(),
        shard=None,
        labels=data.decode() if layout.in_rows else None,
    )


def _original(order: Order, layout: TextLayout, entry: Entry, raw: Raw, files: OutputFiles) -> OutputRow:
    kind: Kind = "link" if order.originals == "link" else "copy"
    path = original_name(entry.name)
    if not layout.in_rows:
        assert isinstance(raw.content, bytes)
        if kind == "link":
            files.link(path, order.reader.root / entry.name)
        else:
            files.write(path, raw.content)
    return OutputRow(
        path=path,
        source=entry.name,
        kind=kind,
        key=entry.key,
        epoch=None,
        bytes=raw.size,
        sha256=raw.sha256,
        recipe=order.recipe.hash,
        trace=None,
        parts=(),
        shard=None,
        labels="{}" if layout.in_rows else None,
    )


def differing_texts(reference: Reference, source: SourceRow, outputs: Sequence[OutputRow]) -> list[Problem]:
    """Outputs of a source that are not derived again.

    Raises:
        OSError, ValueError, ExpandError: it cannot be read, or cannot be used any more.
    """
    if not outputs:
        return []
    layout, reader = cast(TextLayout, reference.layout), cast(TextReader, reference.reader)
    entry = reference.entry_of(source)
    raw = reader.read(entry)
    if raw.sha256 != source.sha256:
        return [Problem(row.path, f"its source {source.path} has changed since") for row in outputs]
    cells = reader.cells(entry, raw, [name for column in layout.columns for name in column.columns])
    differing = []
    for hash, recipe in reference.recipes.items():
        rows = [row for row in outputs if row.recipe == hash and row.epoch is not None]
        for row, again in zip(rows, _again(reference.pipelines[hash], layout, cells, entry, rows), strict=True):
            data = layout.content(raw, again.values)
            made = _row(recipe, layout, entry, 0, row.epoch or 0, again, data)
            if made.sha256 != row.sha256:
                differing.append(Problem(row.path, OTHER_BYTES))
            elif (made.trace, made.labels) != (row.trace, row.labels):
                differing.append(Problem(row.path, OTHER_LABELS))
    return differing


def _again(
    pipeline: Pipeline, layout: TextLayout, cells: dict[str, object], entry: Entry, rows: Sequence[OutputRow]
) -> Iterator[VariedRow]:
    epochs = [row.epoch for row in rows if row.epoch is not None]
    again = vary_rows(pipeline, layout.columns, [cells] * len(epochs), [entry.key] * len(epochs), epochs)
    return iter(again if epochs else ())
