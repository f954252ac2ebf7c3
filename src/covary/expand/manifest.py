"""The record of an expansion: one SQLite file of plain tables, readable with any SQLite tool.

    settings   what the last run was asked for (name, value)
    recipes    pipeline, version, renderer and encoding by which outputs were made
    sources    every picture found: size, SHA-256, shape, "ok" or "skipped" and why, its COCO annotations
    outputs    every file made: from which source, key and epoch, by which recipe, its SHA-256, trace and labels
    checks     size and modification time of the sources as last read; lets a rerun skip the reading
    pending    outputs being made; a file of such a name is ours, even if it is not yet recorded

Nothing in the first four depends on when, how often or in how many threads the work was done. Paths are TEXT; a path
that is not valid UTF-8 is a BLOB.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Literal, TypeAlias

from covary.expand.errors import ExpandError

FILE_NAME = "manifest.sqlite"
APPLICATION_ID = 0x434F5659  # "COVY"
SCHEMA_VERSION = 1

_SCHEMA = """
CREATE TABLE settings (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE recipes (
    hash TEXT PRIMARY KEY, pipeline TEXT NOT NULL, seed TEXT NOT NULL, version TEXT NOT NULL, renderer TEXT NOT NULL,
    format TEXT NOT NULL, quality INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE sources (
    path PRIMARY KEY, bytes INTEGER, sha256 TEXT, height INTEGER, width INTEGER, channels INTEGER, dtype TEXT,
    status TEXT NOT NULL, reason TEXT, annotations TEXT
) WITHOUT ROWID;
CREATE TABLE outputs (
    path PRIMARY KEY, source NOT NULL, kind TEXT NOT NULL, key NOT NULL, epoch INTEGER, bytes INTEGER NOT NULL,
    sha256 TEXT NOT NULL, height INTEGER NOT NULL, width INTEGER NOT NULL, recipe TEXT NOT NULL, trace TEXT, labels TEXT
) WITHOUT ROWID;
CREATE INDEX outputs_by_source ON outputs (source, epoch);
CREATE TABLE checks (path PRIMARY KEY, bytes INTEGER NOT NULL, mtime_ns INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE pending (path PRIMARY KEY, source NOT NULL) WITHOUT ROWID;
CREATE INDEX pending_by_source ON pending (source);
"""

Kind: TypeAlias = Literal["variation", "link", "copy"]


@dataclass(frozen=True, slots=True)
class Recipe:
    """How outputs are made, apart from the source: all that their bytes depend on."""

    hash: str
    pipeline: str
    seed: str
    version: str
    renderer: str
    format: str
    quality: int


@dataclass(frozen=True, slots=True)
class SourceRow:
    """A row of `sources`; what could not be found out is None."""

    path: str
    bytes: int | None = None
    sha256: str | None = None
    height: int | None = None
    width: int | None = None
    channels: int | None = None
    dtype: str | None = None
    status: str = "ok"
    reason: str | None = None
    annotations: str | None = None


@dataclass(frozen=True, slots=True)
class OutputRow:
    """A row of `outputs`; `epoch`, `trace` are None for originals, `labels` where there are no annotations."""

    path: str
    source: str
    kind: Kind
    key: str
    epoch: int | None
    bytes: int
    sha256: str
    height: int
    width: int
    recipe: str
    trace: str | None
    labels: str | None


@dataclass(frozen=True, slots=True)
class Check:
    """Size and modification time of a source when it was read."""

    bytes: int
    mtime_ns: int


class Manifest:
    """The manifest of an output folder. One thread uses it; nothing is durable before `commit`."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._db = connection

    @classmethod
    def open(cls, out: Path) -> Manifest:
        """Open the manifest of an output folder for writing; make it if there is none.

        Raises:
            ExpandError: the file there is no manifest of ours, or of a newer version.
        """
        db = sqlite3.connect(out / FILE_NAME, isolation_level=None)
        try:
            db.execute("PRAGMA synchronous = NORMAL")
            (application,) = db.execute("PRAGMA application_id").fetchone()
            (tables,) = db.execute("SELECT count(*) FROM sqlite_master").fetchone()
            if not application and not tables:
                db.executescript(
                    f"BEGIN; PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = {SCHEMA_VERSION};"
                    f"{_SCHEMA} COMMIT;"
                )
            _check_kind(db, out)
        except BaseException as error:
            db.close()
            if isinstance(error, sqlite3.DatabaseError) and not isinstance(error, sqlite3.OperationalError):
                raise ExpandError(f"{out / FILE_NAME} is no manifest: {error}") from None
            raise
        db.execute("BEGIN")
        return cls(db)

    @classmethod
    def open_to_read(cls, out: Path) -> Manifest:
        """Open the manifest of an output folder, changing nothing.

        Raises:
            ExpandError: there is none, or it is not ours.
        """
        path = out / FILE_NAME
        if not path.is_file():
            raise ExpandError(f"{out}: no {FILE_NAME} there; is it the output of `covary expand`?")
        # A leftover journal has to be rolled back, which a read-only connection cannot do.
        hot = path.with_name(FILE_NAME + "-journal").exists()
        db = sqlite3.connect(f"{path.absolute().as_uri()}?mode={'rw' if hot else 'ro'}", uri=True, isolation_level=None)
        try:
            _check_kind(db, out)
        except sqlite3.DatabaseError as error:
            db.close()
            raise ExpandError(f"{path} is no manifest: {error}") from None
        except ExpandError:
            db.close()
            raise
        return cls(db)

    def commit(self) -> None:
        """Make everything so far durable, and go on."""
        self._db.execute("COMMIT")
        self._db.execute("BEGIN")

    def close(self, *, keep: bool) -> None:
        """Close; what was not committed is kept or dropped."""
        try:
            if self._db.in_transaction:
                self._db.execute("COMMIT" if keep else "ROLLBACK")
        finally:
            self._db.close()

    # Settings and recipes.

    def settings(self) -> dict[str, str]:
        return dict(self._db.execute("SELECT name, value FROM settings ORDER BY name"))

    def set_settings(self, settings: dict[str, str]) -> None:
        self._db.execute("DELETE FROM settings")
        self._db.executemany("INSERT INTO settings VALUES (?, ?)", sorted(settings.items()))

    def add_recipe(self, recipe: Recipe) -> None:
        self._db.execute(
            "INSERT OR REPLACE INTO recipes VALUES (?, ?, ?, ?, ?, ?, ?)",
            tuple(getattr(recipe, part.name) for part in fields(recipe)),
        )

    def recipes(self) -> dict[str, Recipe]:
        return {row[0]: Recipe(*row) for row in self._db.execute("SELECT * FROM recipes ORDER BY hash")}

    def drop_unused_recipes(self, current: str) -> None:
        self._db.execute("DELETE FROM recipes WHERE hash != ? AND hash NOT IN (SELECT recipe FROM outputs)", (current,))

    # Sources.

    def source(self, path: str) -> SourceRow | None:
        row = self._db.execute("SELECT * FROM sources WHERE path = ?", (to_column(path),)).fetchone()
        return None if row is None else _source_row(row)

    def sources(self) -> Iterator[SourceRow]:
        for row in self._db.execute("SELECT * FROM sources ORDER BY path"):
            yield _source_row(row)

    def source_paths(self) -> list[str]:
        """Names of all sources of which anything is recorded, even that work on them was begun."""
        query = "SELECT path FROM sources UNION SELECT source FROM pending ORDER BY 1"
        return [from_column(path) for (path,) in self._db.execute(query)]

    def put_source(self, row: SourceRow, check: Check | None) -> None:
        path = to_column(row.path)
        self._db.execute(
            "INSERT OR REPLACE INTO sources VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (path, *_values(row)[1:]),
        )
        if check is None:
            self._db.execute("DELETE FROM checks WHERE path = ?", (path,))
        else:
            self._db.execute("INSERT OR REPLACE INTO checks VALUES (?, ?, ?)", (path, check.bytes, check.mtime_ns))

    def drop_source(self, path: str) -> None:
        column = to_column(path)
        self._db.execute("DELETE FROM sources WHERE path = ?", (column,))
        self._db.execute("DELETE FROM checks WHERE path = ?", (column,))
        self._db.execute("DELETE FROM pending WHERE source = ?", (column,))

    def check(self, path: str) -> Check | None:
        row = self._db.execute("SELECT bytes, mtime_ns FROM checks WHERE path = ?", (to_column(path),)).fetchone()
        return None if row is None else Check(*row)

    def pending(self, source: str) -> list[str]:
        """Names of the outputs of a source that a run began to make and did not record."""
        query = "SELECT path FROM pending WHERE source = ? ORDER BY path"
        return [from_column(path) for (path,) in self._db.execute(query, (to_column(source),))]

    def set_pending(self, source: str, paths: Iterable[str]) -> None:
        column = to_column(source)
        rows = [(to_column(path), column) for path in paths]
        self._db.executemany("INSERT OR REPLACE INTO pending VALUES (?, ?)", rows)

    def drop_pending(self, path: str) -> None:
        self._db.execute("DELETE FROM pending WHERE path = ?", (to_column(path),))

    def clear_pending(self, source: str) -> None:
        self._db.execute("DELETE FROM pending WHERE source = ?", (to_column(source),))

    # Outputs.

    def outputs_of(self, source: str) -> list[OutputRow]:
        query = "SELECT * FROM outputs WHERE source = ? ORDER BY epoch, path"
        return [_output_row(row) for row in self._db.execute(query, (to_column(source),))]

    def outputs(self) -> Iterator[OutputRow]:
        for row in self._db.execute("SELECT * FROM outputs ORDER BY path"):
            yield _output_row(row)

    def put_output(self, row: OutputRow) -> None:
        self._db.execute(
            "INSERT OR REPLACE INTO outputs VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            tuple(to_column(value) if isinstance(value, str) else value for value in _values(row)),
        )

    def drop_output(self, path: str) -> None:
        self._db.execute("DELETE FROM outputs WHERE path = ?", (to_column(path),))


def _values(row: SourceRow | OutputRow) -> tuple[str | int | None, ...]:
    return tuple(getattr(row, part.name) for part in fields(row))


def to_column(path: str) -> str | bytes:
    """A path as the manifest holds it: text, or its bytes where they are no UTF-8."""
    try:
        path.encode()
    except UnicodeEncodeError:
        return os.fsencode(path)
    return path


def from_column(value: str | bytes) -> str:
    """The path that a column of the manifest holds."""
    return os.fsdecode(value)


def _check_kind(db: sqlite3.Connection, out: Path) -> None:
    (application,) = db.execute("PRAGMA application_id").fetchone()
    (version,) = db.execute("PRAGMA user_version").fetchone()
    if application != APPLICATION_ID:
        raise ExpandError(
            f"{out / FILE_NAME} is no manifest of covary: it is left as it is; choose another output folder"
        )
    if version != SCHEMA_VERSION:
        raise ExpandError(f"{out / FILE_NAME} has layout {version}, this version of covary knows {SCHEMA_VERSION}")


def _source_row(row: tuple[object, ...]) -> SourceRow:
    path, *rest = row
    return SourceRow(from_column(path), *rest)  # type: ignore[arg-type]


def _output_row(row: tuple[object, ...]) -> OutputRow:
    path, source, kind, key, *rest = row
    return OutputRow(from_column(path), from_column(source), kind, from_column(key), *rest)  # type: ignore[arg-type]
