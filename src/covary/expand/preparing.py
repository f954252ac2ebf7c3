"""A source on its way into work: read, compared with what is recorded, decoded; and why it cannot be used."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from covary.data.dataset import SampleError
from covary.data.decode import DecodeError
from covary.data.encode import EncodeError
from covary.data.instances import AnnotationError
from covary.expand.errors import ExpandError
from covary.expand.files import DISK_ERRORS, stamp_of
from covary.expand.manifest import Check
from covary.expand.orders import Order, Outcome, Piece, Task
from covary.expand.report import printable
from covary.expand.rows import SourceRow
from covary.expand.sources import Entry, Opened, Raw, Reader

# A file that changed less than this before it was read may change again without its time telling; ns.
SETTLED = 2_000_000_000


@dataclass(frozen=True, slots=True, eq=False)
class Read:
    """A source that was read.

    Attributes:
        raw: its content.
        source: its row for the manifest, as far as it is known.
        check: sizes and times of its files, if they can be relied on.
    """

    raw: Raw
    source: SourceRow
    check: Check | None

    def equals(self, recorded: SourceRow | None) -> bool:
        """Whether the manifest records this very content."""
        return recorded is not None and (self.source.sha256, self.source.fields_sha256) == (
            recorded.sha256,
            recorded.fields_sha256,
        )


def read(reader: Reader, piece: Piece, wanted: int) -> Read | Outcome:
    """Read a source; what became of it, if it cannot be read."""
    entry = piece.entry
    source = SourceRow(entry.name, annotations=piece.facts, split=entry.split, label=entry.label)
    try:
        before = _settled_stamp(reader.files(entry))
        raw = reader.read(entry)
        check = before if before is not None and before == stamp_of(reader.files(entry)) else None
    except SampleError as error:
        return Outcome(skipped(source, error.reason), None, wanted, fresh=True)
    except OSError as error:
        return Outcome(skipped(source, _unreadable(reader, entry, error)), None, wanted, unreadable=True)
    known = replace(source, bytes=raw.size, sha256=raw.sha256, fields_sha256=raw.fields_sha256)
    return Read(raw, known, check)


@dataclass(frozen=True, slots=True, eq=False)
class Begun:
    """A source of which outputs are missing.

    Attributes:
        found: its content.
        wanted: how many outputs it is to have.
        fresh: whether all of them are to be made anew, as it is not what is recorded.
        original: whether its original is to be put beside them.
    """

    found: Read
    wanted: int
    fresh: bool
    original: bool


def begin(order: Order, task: Task) -> Begun | Outcome:
    """Read the source of a task; what became of it, if nothing can be made of it or nothing is missing."""
    piece = task.piece
    wanted = piece.times + order.with_originals
    found = read(order.reader, piece, wanted)
    if isinstance(found, Outcome):
        return found
    fresh = not found.equals(piece.recorded)
    if piece.recorded is not None and not fresh and not task.missing and not task.original_missing:
        entry = piece.entry
        return Outcome(replace(piece.recorded, split=entry.split, label=entry.label), found.check, wanted)
    return Begun(found, wanted, fresh, order.with_originals and (fresh or task.original_missing))


def opened(reader: Reader, piece: Piece, found: Read) -> tuple[SourceRow, Opened]:
    """Decode a source; its complete row.

    Raises:
        DecodeError, AnnotationError, SampleError: it cannot be used.
    """
    content = reader.open(piece.entry, piece.facts, found.raw)
    return replace(found.source, **content.told), content


def skipped(source: SourceRow, reason: str) -> SourceRow:
    """The row of a source that cannot be used."""
    known = SourceRow(source.path, source.bytes, source.sha256, fields_sha256=source.fields_sha256)
    return replace(known, status="skipped", reason=reason, split=source.split, label=source.label)


def reason_of(order: Order, error: Exception) -> str:
    """Why a source had to be skipped.

    Raises:
        ExpandError: no other source would fare better: the disk is full or fails, or the pipeline makes no pictures.
    """
    match error:
        case ExpandError():
            raise error
        case SampleError():
            return error.reason
        case DecodeError() | EncodeError() | AnnotationError():
            return str(error)
        case OSError():
            if error.errno in DISK_ERRORS:
                raise ExpandError(
                    f"{order.out}: {error.strerror}; stopped, run the same command again to go on"
                ) from error
            return f"its outputs cannot be written: {error.strerror}"
    # A pipeline may fail on one picture (too small a crop); the others go on.
    return f"the pipeline failed: {type(error).__name__}: {error}"


def _settled_stamp(files: Sequence[Path]) -> Check | None:
    """The stamp of files of which none has changed lately; None where no file tells."""
    now = time.time_ns()
    if not files or any(now - path.stat().st_mtime_ns <= SETTLED for path in files):
        return None
    return stamp_of(files)


def _unreadable(reader: Reader, entry: Entry, error: OSError) -> str:
    """Why a source cannot be read; the file is named where it is not the picture itself."""
    files = reader.files(entry)
    picture = str(files[0]) if files else None
    which = "the file" if error.filename in (None, picture) else f"its file {printable(str(error.filename))}"
    return f"{which} cannot be read: {error.strerror or error}"
