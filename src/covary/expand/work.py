"""The work on one source: read, decode, render, encode, write. It runs in any thread and touches no shared state.

A work item is a `Task`: names, numbers and text, no pixels. It pickles, as does the `Order` that goes with all tasks of
a run; `do_task(order, task)` may therefore run in another process, on any machine that sees both folders.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from covary.data.dataset import SampleError
from covary.data.decode import DecodeError, decode
from covary.data.encode import EncodeError
from covary.data.instances import AnnotationError
from covary.expand.errors import ExpandError
from covary.expand.files import DISK_ERRORS, link_target, link_temporary, place, stamp_of, write_temporary
from covary.expand.layout import Layout
from covary.expand.manifest import Check
from covary.expand.names import OutputFormat, original_name, variation_name, written_format
from covary.expand.report import printable
from covary.expand.rows import Kind, OutputRow, Part, Recipe, SourceRow
from covary.expand.sources import Entry, Labels, Raw, Reader
from covary.expand.variations import encoded, labels_text
from covary.plan.changes import Image

if TYPE_CHECKING:
    from covary.pipeline import Pipeline

# A file that changed less than this before it was read may change again without its time telling; ns.
SETTLED = 2_000_000_000


@dataclass(frozen=True, slots=True, eq=False)
class Order:
    """What is the same for all sources of a run."""

    reader: Reader
    layout: Layout
    out: Path
    temporary: Path
    pipeline: Pipeline
    recipe: Recipe
    format: OutputFormat
    quality: int
    originals: Literal["none", "link", "copy"]


@dataclass(frozen=True, slots=True)
class Task:
    """What is to be done about one source.

    Attributes:
        entry: the source.
        facts: what the file common to all sources says of it; None where there is none.
        times: how many variations there are to be.
        recorded: its row in the manifest if `missing` holds for that content; for any other, all outputs are missing.
        missing: the epochs to make.
        original_missing: whether the original is to be linked or copied.
    """

    entry: Entry
    facts: str | None
    times: int
    recorded: SourceRow | None
    missing: tuple[int, ...]
    original_missing: bool


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one source.

    Attributes:
        source: its row for the manifest.
        check: sizes and times of its files, if they can be relied on.
        wanted: how many outputs there are to be.
        outputs: rows of the outputs made.
        fresh: whether all outputs were made anew, so that older ones count no longer.
        unreadable: whether the file could not even be read; what was made of it before stays.
    """

    source: SourceRow
    check: Check | None
    wanted: int
    outputs: tuple[OutputRow, ...] = ()
    fresh: bool = False
    unreadable: bool = False


def do_task(order: Order, task: Task) -> Result:
    """Make the missing outputs of one source: all of them, or none.

    Raises:
        ExpandError: the output's disk is full or fails, or the pipeline makes no pictures.
    """
    entry = task.entry
    wanted = task.times + (order.originals != "none")
    source = SourceRow(entry.name, annotations=task.facts, split=entry.split, label=entry.label)
    try:
        before = settled_stamp(order.reader.files(entry))
        raw = order.reader.read(entry)
        check = before if before == stamp_of(order.reader.files(entry)) else None
    except SampleError as error:
        return Result(_skipped(source, error.reason), None, wanted, fresh=True)
    except OSError as error:
        return Result(_skipped(source, unreadable_reason(order.reader, entry, error)), None, wanted, unreadable=True)
    content = (raw.sha256, raw.fields_sha256)
    fresh = task.recorded is None or content != (task.recorded.sha256, task.recorded.fields_sha256)
    if task.recorded is not None and not fresh and not task.missing and not task.original_missing:
        return Result(replace(task.recorded, split=entry.split, label=entry.label), check, wanted)
    epochs = tuple(range(task.times)) if fresh else task.missing
    original = order.originals != "none" and (fresh or task.original_missing)
    source = replace(source, bytes=raw.size, sha256=raw.sha256, fields_sha256=raw.fields_sha256)
    try:
        picture = picture_of(raw)
        labels = order.reader.labels(entry, task.facts, raw, picture)
        height, width, channels = picture.shape
        source = replace(source, height=height, width=width, channels=channels, dtype=picture.dtype.name)
        outputs = _make(order, entry, raw, picture, labels, epochs, original)
    except (DecodeError, EncodeError, AnnotationError) as error:
        return Result(_skipped(source, str(error)), check, wanted, fresh=True)
    except SampleError as error:
        return Result(_skipped(source, error.reason), check, wanted, fresh=True)
    except OSError as error:
        if error.errno in DISK_ERRORS:
            raise ExpandError(f"{order.out}: {error.strerror}; stopped, run the same command again to go on") from error
        reason = f"its outputs cannot be written: {error.strerror}"
        return Result(_skipped(source, reason), check, wanted, fresh=True)
    except ExpandError:
        raise
    except Exception as error:  # a pipeline may fail on one picture (too small a crop); the others go on
        reason = f"the pipeline failed: {type(error).__name__}: {error}"
        return Result(_skipped(source, reason), check, wanted, fresh=True)
    return Result(source, check, wanted, outputs, fresh)


def unreadable_reason(reader: Reader, entry: Entry, error: OSError) -> str:
    """Why a source cannot be read; the file is named where it is not the picture itself."""
    picture = str(reader.files(entry)[0])
    which = "the file" if error.filename in (None, picture) else f"its file {printable(str(error.filename))}"
    return f"{which} cannot be read: {error.strerror or error}"


def settled_stamp(files: Sequence[Path]) -> Check | None:
    """The stamp of files of which none has changed lately.

    Raises:
        OSError: a file cannot be looked at.
    """
    now = time.time_ns()
    if any(now - path.stat().st_mtime_ns <= SETTLED for path in files):
        return None
    return stamp_of(files)


def picture_of(raw: Raw) -> Image:
    """The decoded picture of a source."""
    return decode(raw.picture) if isinstance(raw.picture, bytes) else raw.picture


def _skipped(source: SourceRow, reason: str) -> SourceRow:
    known = SourceRow(source.path, source.bytes, source.sha256, fields_sha256=source.fields_sha256)
    return replace(known, status="skipped", reason=reason, split=source.split, label=source.label)


def _make(
    order: Order,
    entry: Entry,
    raw: Raw,
    picture: Image,
    labels: Labels,
    epochs: Sequence[int],
    original: bool,
) -> tuple[OutputRow, ...]:
    """Write all files under temporary names, and only then give them their own."""
    files = _Files(order.out, order.temporary)
    rows: list[OutputRow] = []
    try:
        if original:
            rows.append(_original(order, entry, raw, picture, labels, files))
        rows += derived(order.pipeline, order.recipe, order.layout, entry, picture, labels, epochs, files)
        files.place()
    except BaseException:
        files.discard()
        raise
    return tuple(rows)


class _Files:
    """The files that one task writes: under temporary names, until all of them are there."""

    def __init__(self, out: Path, temporary: Path) -> None:
        self._out = out
        self._temporary = temporary
        self._written: list[tuple[Path, str]] = []

    def write(self, path: str, data: bytes) -> None:
        self._written.append((write_temporary(self._temporary, data), path))

    def link(self, path: str, source: Path) -> None:
        self._written.append((link_temporary(self._temporary, link_target(source, self._out / path)), path))

    def place(self) -> None:
        for temporary, path in self._written:
            place(temporary, self._out / path)

    def discard(self) -> None:
        for temporary, _ in self._written:
            with contextlib.suppress(OSError):
                temporary.unlink(missing_ok=True)


def derived(
    pipeline: Pipeline,
    recipe: Recipe,
    layout: Layout,
    entry: Entry,
    picture: Image,
    labels: Labels,
    epochs: Sequence[int],
    files: _Files | None = None,
) -> Iterator[OutputRow]:
    """Make variations of one source by a recipe; their rows, and their files where `files` is given."""
    wanted: OutputFormat = recipe.format  # type: ignore[assignment]
    format = written_format(entry.name, wanted)
    mask = None if labels.mask is None else labels.mask.pixels
    for made in encoded(pipeline, picture, entry.key, epochs, format, recipe.quality, labels.objects, mask):
        variation = made.variation
        path = variation_name(entry.name, variation.epoch, wanted)
        beside = layout.parts(entry, path, variation, labels.mask)
        if files is not None:
            for name, data in [(path, made.data), *beside]:
                files.write(name, data)
        yield OutputRow(
            path,
            entry.name,
            "variation",
            entry.key,
            variation.epoch,
            len(made.data),
            made.sha256,
            variation.image.shape[0],
            variation.image.shape[1],
            recipe.hash,
            made.trace,
            tuple(Part(name, len(data), sha256(data).hexdigest()) for name, data in beside),
            None,
            made.labels,
        )


def _original(order: Order, entry: Entry, raw: Raw, picture: Image, labels: Labels, files: _Files) -> OutputRow:
    kind: Kind = "link" if order.originals == "link" else "copy"
    path = original_name(entry.name)
    parts = []
    for name, original in [(path, entry.name), *order.layout.original_parts(entry, path)]:
        source = order.reader.root / original
        data = raw.picture if name == path and isinstance(raw.picture, bytes) else source.read_bytes()
        if kind == "link":
            files.link(name, source)
        else:
            files.write(name, data)
        if name != path:
            parts.append(Part(name, len(data), sha256(data).hexdigest()))
    objects = None if labels.objects is None else labels.objects.instances
    height, width, _ = picture.shape
    return OutputRow(
        path,
        entry.name,
        kind,
        entry.key,
        None,
        raw.size,
        raw.sha256,
        height,
        width,
        order.recipe.hash,
        None,
        tuple(parts),
        None,
        labels_text(objects),
    )


def original_is_there(path: Path, kind: Kind, size: int, source: Path) -> bool:
    """Whether an original, or a file that goes with it, is linked or copied as recorded."""
    try:
        if kind == "link":
            return path.is_symlink() and str(path.readlink()) == link_target(source, path)
        return not path.is_symlink() and path.stat().st_size == size
    except OSError:
        return False
