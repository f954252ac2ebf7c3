"""The record of an expansion: one SQLite file of plain tables, readable with any SQLite tool.

    settings   what the last run was asked for (name, value)
    recipes    pipeline, version, renderer, encoding and layout by which outputs were made
    sources    every sample found: size, SHA-256, shape, "ok" or "skipped" and why, what annotation files say of it
    outputs    every file made: from which source, key and epoch, by which recipe, its SHA-256, trace and labels,
               the files that go with it
    shards     every file that holds many outputs
    checks     sizes and modification times of the sources' files as last read; lets a rerun skip the reading
    pending    files being made; a file of such a name is ours, even if it is not yet recorded

Nothing in the first five depends on when, how often or in how many threads the work was done. Paths are TEXT; a path
that is not valid UTF-8 is a BLOB.
"""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Iterable, Iterator
from dataclasses import fields, replace
from pathlib import Path
from typing import Any, Literal, TypeAlias, get_args

from covary.expand.errors import ExpandError
from covary.expand.rows import OutputRow, Part, Recipe, ShardRow, SourceRow
from covary.expand.schema import FILE_NAME, SCHEMA_VERSION, bring_up_to_date, create, version_of

Check = str
"""Size and modification time of each file of a source when it was read, as JSON."""

Table: TypeAlias = Literal["recipes", "sources", "outputs", "shards", "checks", "pending"]
TABLES: tuple[Table, ...] = get_args(Table)

# Columns that are not in the table as they are in the row.
_LABEL = [part.name for part in fields(SourceRow)].index("label")
_PARTS = [part.name for part in fields(OutputRow)].index("parts")


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
                create(db)
            if version_of(db, out) != SCHEMA_VERSION:
                bring_up_to_date(db)
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
            if version_of(db, out) != SCHEMA_VERSION:
                db = _newer_copy(db)
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

    # Whole tables, for handing rows from one manifest to another.

    def rows(self, table: Table) -> Iterator[tuple[Any, ...]]:
        yield from self._db.execute(f"SELECT * FROM {table}")

    def put_rows(self, table: Table, rows: Iterable[tuple[Any, ...]]) -> None:
        for row in rows:
            self._db.execute(f"INSERT OR REPLACE INTO {table} VALUES ({', '.join('?' * len(row))})", row)

    def clear(self) -> None:
        """Remove all rows but the settings."""
        for table in TABLES:
            self._db.execute(f"DELETE FROM {table}")

    # Settings and recipes.

    def settings(self) -> dict[str, str]:
        return dict(self._db.execute("SELECT name, value FROM settings ORDER BY name"))

    def set_settings(self, settings: dict[str, str]) -> None:
        self._db.execute("DELETE FROM settings")
        self._db.executemany("INSERT INTO settings VALUES (?, ?)", sorted(settings.items()))

    def add_recipe(self, recipe: Recipe) -> None:
        self._db.execute(
            "INSERT OR REPLACE INTO recipes VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
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

    def short_sources(self) -> list[tuple[str, str]]:
        """Names of the sources of which not all variations that were asked for could be made, and why."""
        query = "SELECT path, reason FROM sources WHERE status = 'ok' AND reason IS NOT NULL ORDER BY path"
        return [(from_column(path), reason) for path, reason in self._db.execute(query)]

    def put_source(self, row: SourceRow, check: Check | None) -> None:
        path = to_column(row.path)
        self._db.execute(
            f"INSERT OR REPLACE INTO sources VALUES ({_places(SourceRow)})",
            tuple(_column(value) for value in _values(row)),
        )
        if check is None:
            self._db.execute("DELETE FROM checks WHERE path = ?", (path,))
        else:
            self._db.execute("INSERT OR REPLACE INTO checks VALUES (?, ?)", (path, check))

    def relabel_source(self, path: str, split: str, label: str) -> None:
        self._db.execute(
            "UPDATE sources SET split = ?, label = ? WHERE path = ?", (split, to_column(label), to_column(path))
        )

    def drop_source(self, path: str) -> None:
        column = to_column(path)
        self._db.execute("DELETE FROM sources WHERE path = ?", (column,))
        self._db.execute("DELETE FROM checks WHERE path = ?", (column,))
        self._db.execute("DELETE FROM pending WHERE source = ?", (column,))

    def check(self, path: str) -> Check | None:
        row = self._db.execute("SELECT stamp FROM checks WHERE path = ?", (to_column(path),)).fetchone()
        return None if row is None else row[0]

    def pending(self, source: str) -> list[str]:
        """Names of the outputs of a source that a run began to make and did not record."""
        query = "SELECT path FROM pending WHERE source = ? ORDER BY path"
        return [from_column(path) for (path,) in self._db.execute(query, (to_column(source),))]

    def begun(self) -> list[str]:
        """Names of all files that a run began to make and did not record."""
        return [from_column(path) for (path,) in self._db.execute("SELECT path FROM pending ORDER BY path")]

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

    def outputs_with_sources(self) -> Iterator[tuple[OutputRow, SourceRow]]:
        """All outputs that are files of their own, with their sources."""
        query = (
            "SELECT outputs.*, sources.* FROM outputs JOIN sources ON sources.path = outputs.source "
            "WHERE outputs.shard IS NULL ORDER BY outputs.path"
        )
        count = len(fields(OutputRow))
        for row in self._db.execute(query):
            yield _output_row(row[:count]), _source_row(row[count:])

    def paths_of_files(self) -> list[str]:
        """Paths of all outputs that are files of their own."""
        query = "SELECT path FROM outputs WHERE shard IS NULL ORDER BY path"
        return [from_column(path) for (path,) in self._db.execute(query)]

    def output(self, path: str) -> OutputRow | None:
        row = self._db.execute("SELECT * FROM outputs WHERE path = ?", (to_column(path),)).fetchone()
        return None if row is None else _output_row(row)

    def put_output(self, row: OutputRow) -> None:
        self._db.execute(
            f"INSERT OR REPLACE INTO outputs VALUES ({_places(OutputRow)})",
            tuple(_column(value) for value in _values(row)),
        )

    def drop_output(self, path: str) -> None:
        self._db.execute("DELETE FROM outputs WHERE path = ?", (to_column(path),))

    # Shards.

    def shards(self) -> list[ShardRow]:
        return [ShardRow(*row) for row in self._db.execute("SELECT * FROM shards ORDER BY path")]

    def shard(self, path: str) -> ShardRow | None:
        row = self._db.execute("SELECT * FROM shards WHERE path = ?", (path,)).fetchone()
        return None if row is None else ShardRow(*row)

    def outputs_in(self, shard: str) -> list[OutputRow]:
        query = "SELECT * FROM outputs WHERE shard = ? ORDER BY path"
        return [_output_row(row) for row in self._db.execute(query, (shard,))]

    def count_in(self, shard: str) -> int:
        """How many outputs a shard holds."""
        (count,) = self._db.execute("SELECT count(*) FROM outputs WHERE shard = ?", (shard,)).fetchone()
        return int(count)

    def put_shard(self, row: ShardRow, outputs: Iterable[OutputRow]) -> None:
        """Record a shard and what it holds, in place of what was in it before."""
        self.drop_shard(row.path)
        self._db.execute(f"INSERT INTO shards VALUES ({_places(ShardRow)})", _values(row))
        for output in outputs:
            self.put_output(output)

    def drop_shard(self, path: str) -> None:
        self._db.execute("DELETE FROM outputs WHERE shard = ?", (path,))
        self._db.execute("DELETE FROM shards WHERE path = ?", (path,))


def _places(kind: type[SourceRow | OutputRow | ShardRow]) -> str:
    return ", ".join("?" * len(fields(kind)))


def _values(row: SourceRow | OutputRow | ShardRow) -> tuple[Any, ...]:
    return tuple(getattr(row, part.name) for part in fields(row))


def _column(value: Any) -> Any:
    if isinstance(value, tuple):
        return json.dumps([_values_of_part(part) for part in value]) if value else None
    return to_column(value) if isinstance(value, str) else value


def _values_of_part(part: Part) -> list[str | int]:
    # JSON escapes lone surrogates, which stand for bytes that are no UTF-8.
    return [part.path, part.bytes, part.sha256]


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


def _newer_copy(db: sqlite3.Connection) -> sqlite3.Connection:
    """A manifest of an older layout as a present one, in memory; the file stays as it is."""
    copy = sqlite3.connect(":memory:", isolation_level=None)
    db.backup(copy)
    db.close()
    bring_up_to_date(copy)
    return copy


def _source_row(row: tuple[Any, ...]) -> SourceRow:
    plain = list(row)
    plain[0], plain[_LABEL] = from_column(row[0]), from_column(row[_LABEL])
    return SourceRow(*plain)


def _output_row(row: tuple[Any, ...]) -> OutputRow:
    made = OutputRow(*row)
    return replace(
        made,
        path=from_column(made.path),
        source=from_column(made.source),
        key=made.key if isinstance(made.key, int) else from_column(made.key),
        parts=() if made.parts is None else tuple(Part(*part) for part in json.loads(row[_PARTS])),
    )
