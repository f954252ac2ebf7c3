"""The work on one source whose outputs are files of their own: read, decode, render, encode, write.

It runs in any thread and touches no shared state.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from hashlib import sha256
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from covary.expand.files import link_target, link_temporary, place, write_temporary
from covary.expand.kinds.text import TextLayout
from covary.expand.layout import Layout
from covary.expand.names import original_name
from covary.expand.orders import Order, Outcome, Piece, Result, ShardTask, Task, WorkItem
from covary.expand.preparing import begin, opened, reason_of, skipped
from covary.expand.rows import Kind, OutputRow, Part, Recipe
from covary.expand.shards import make_shards
from covary.expand.sources import Entry, Opened, Raw

if TYPE_CHECKING:
    from covary.pipeline import Pipeline


def do_task(order: Order, item: WorkItem) -> Result:
    """Make the missing outputs of a work item.

    Raises:
        ExpandError: the output's disk is full or fails, or the pipeline makes no pictures.
    """
    if isinstance(item, ShardTask):
        return make_shards(order, item)
    if isinstance(order.layout, TextLayout):
        from covary.expand.texts import make_texts  # which writes as these do

        return Result((make_texts(order, item),))
    return Result((make_files(order, item),))


def make_files(order: Order, task: Task) -> Outcome:
    """Make the missing outputs of one source: all of them, or none."""
    begun = begin(order, task)
    if isinstance(begun, Outcome):
        return begun
    found, piece = begun.found, task.piece
    epochs = tuple(range(piece.times)) if begun.fresh else task.missing
    source = found.source
    try:
        source, content = opened(order.reader, piece, found)
        outputs = _make(order, piece, found.raw, content, epochs, begun.original)
    except Exception as error:
        return Outcome(skipped(source, reason_of(order, error)), found.check, begun.wanted, fresh=True)
    return Outcome(source, found.check, begun.wanted, outputs, begun.fresh)


def _make(
    order: Order,
    piece: Piece,
    raw: Raw,
    content: Opened,
    epochs: Sequence[int],
    original: bool,
) -> tuple[OutputRow, ...]:
    """Write all files under temporary names, and only then give them their own."""
    rows: list[OutputRow] = []
    with OutputFiles(order.out, order.temporary) as files:
        if original:
            rows.append(_original(order, piece.entry, raw, content, files))
        rows += derived(order.pipeline, order.recipe, order.layout, piece.entry, content, epochs, files)
    return tuple(rows)


class OutputFiles:
    """The files that one task writes: under temporary names, until all of them are there at the end of a `with` block;
    where that fails, none.
    """

    def __init__(self, out: Path, temporary: Path) -> None:
        self._out = out
        self._temporary = temporary
        self._written: list[tuple[Path, str]] = []

    def write(self, path: str, data: bytes) -> None:
        self._written.append((write_temporary(self._temporary, data), path))

    def link(self, path: str, source: Path) -> None:
        self._written.append((link_temporary(self._temporary, link_target(source, self._out / path)), path))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is not None:
            self._discard()
            return
        try:
            for temporary, path in self._written:
                place(temporary, self._out / path)
        except BaseException:
            self._discard()
            raise

    def _discard(self) -> None:
        for temporary, _ in self._written:
            with contextlib.suppress(OSError):
                temporary.unlink(missing_ok=True)


def derived(
    pipeline: Pipeline,
    recipe: Recipe,
    layout: Layout,
    entry: Entry,
    content: Opened,
    epochs: Sequence[int],
    files: OutputFiles | None = None,
) -> Iterator[OutputRow]:
    """Make variations of one source by a recipe; their rows, and their files where `files` is given."""
    for made in content.variations(pipeline, recipe, layout, entry, epochs):
        if files is not None:
            for name, data in [(made.path, made.data), *made.beside]:
                files.write(name, data)
        yield OutputRow(
            made.path,
            entry.name,
            "variation",
            entry.key,
            made.epoch,
            len(made.data),
            made.sha256,
            recipe.hash,
            made.trace,
            tuple(Part(name, len(data), sha256(data).hexdigest()) for name, data in made.beside),
            None,
            made.labels,
            **made.measures,
        )


def _original(order: Order, entry: Entry, raw: Raw, content: Opened, files: OutputFiles) -> OutputRow:
    kind: Kind = "link" if order.originals == "link" else "copy"
    path = original_name(entry.name)
    parts = []
    for name, original in [(path, entry.file), *order.layout.original_parts(entry, path)]:
        source = order.reader.root / original
        data = raw.content if name == path and isinstance(raw.content, bytes) else source.read_bytes()
        if kind == "link":
            files.link(name, source)
        else:
            files.write(name, data)
        if name != path:
            parts.append(Part(name, len(data), sha256(data).hexdigest()))
    return OutputRow(
        path,
        entry.name,
        kind,
        entry.key,
        None,
        raw.size,
        raw.sha256,
        order.recipe.hash,
        None,
        tuple(parts),
        None,
        content.labels_text,
        **content.measures,
    )


def original_is_there(path: Path, kind: Kind, size: int, source: Path) -> bool:
    """Whether an original, or a file that goes with it, is linked or copied as recorded."""
    try:
        if kind == "link":
            return path.is_symlink() and str(path.readlink()) == link_target(source, path)
        return not path.is_symlink() and path.stat().st_size == size
    except OSError:
        return False
