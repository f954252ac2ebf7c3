"""The tables of a manifest, and how older ones become the present ones."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from covary.expand.errors import ExpandError

FILE_NAME = "manifest.sqlite"
APPLICATION_ID = 0x434F5659  # "COVY"
SCHEMA_VERSION = 3

_OUTPUTS = """
CREATE TABLE outputs (
    path PRIMARY KEY, source NOT NULL, kind TEXT NOT NULL, key NOT NULL, epoch INTEGER, bytes INTEGER NOT NULL,
    sha256 TEXT NOT NULL, recipe TEXT NOT NULL, trace TEXT, parts TEXT, shard TEXT, labels TEXT,
    height INTEGER, width INTEGER, samples INTEGER, rate INTEGER
) WITHOUT ROWID;
CREATE INDEX outputs_by_source ON outputs (source, epoch);
CREATE INDEX outputs_by_shard ON outputs (shard) WHERE shard IS NOT NULL;
"""

_SCHEMA = f"""
CREATE TABLE settings (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE recipes (
    hash TEXT PRIMARY KEY, pipeline TEXT NOT NULL, seed TEXT NOT NULL, version TEXT NOT NULL, renderer TEXT NOT NULL,
    format TEXT NOT NULL, quality INTEGER NOT NULL, layout TEXT NOT NULL, decode TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE sources (
    path PRIMARY KEY, bytes INTEGER, sha256 TEXT, height INTEGER, width INTEGER, channels INTEGER, dtype TEXT,
    status TEXT NOT NULL, reason TEXT, annotations TEXT, fields_sha256 TEXT, split TEXT NOT NULL, label NOT NULL,
    samples INTEGER, rate INTEGER
) WITHOUT ROWID;
{_OUTPUTS}
CREATE TABLE shards (
    path TEXT PRIMARY KEY, epoch INTEGER, bytes INTEGER NOT NULL, sha256 TEXT NOT NULL, recipe TEXT NOT NULL,
    sources TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE checks (path PRIMARY KEY, stamp TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE pending (path PRIMARY KEY, source NOT NULL) WITHOUT ROWID;
CREATE INDEX pending_by_source ON pending (source);
"""

# The first layout knew folders of pictures only: one file a source, no files beside an output, no shards.
_FROM_1 = f"""
DROP INDEX outputs_by_source;
DROP INDEX pending_by_source;
ALTER TABLE settings RENAME TO old_settings;
ALTER TABLE recipes RENAME TO old_recipes;
ALTER TABLE sources RENAME TO old_sources;
ALTER TABLE outputs RENAME TO old_outputs;
ALTER TABLE checks RENAME TO old_checks;
ALTER TABLE pending RENAME TO old_pending;
{_SCHEMA}
INSERT INTO settings SELECT name, value FROM old_settings;
INSERT INTO settings SELECT 'whole', '["annotations.json"]' FROM old_settings WHERE name = 'categories';
INSERT INTO recipes SELECT hash, pipeline, seed, version, renderer, format, quality, 'folder', 'full' FROM old_recipes;
INSERT INTO sources
    SELECT path, bytes, sha256, height, width, channels, dtype, status, reason, annotations, NULL, '', '', NULL, NULL
    FROM old_sources;
INSERT INTO outputs
    SELECT path, source, kind, key, epoch, bytes, sha256, recipe, trace, NULL, NULL, labels, height, width, NULL, NULL
    FROM old_outputs;
INSERT INTO checks SELECT path, '[[' || bytes || ',' || mtime_ns || ']]' FROM old_checks;
INSERT INTO pending SELECT path, source FROM old_pending;
DROP TABLE old_settings; DROP TABLE old_recipes; DROP TABLE old_sources; DROP TABLE old_outputs;
DROP TABLE old_checks; DROP TABLE old_pending;
"""

# The second knew pictures only.
_FROM_2 = f"""
DROP INDEX outputs_by_source;
DROP INDEX outputs_by_shard;
ALTER TABLE outputs RENAME TO old_outputs;
ALTER TABLE sources ADD COLUMN samples INTEGER;
ALTER TABLE sources ADD COLUMN rate INTEGER;
{_OUTPUTS}
INSERT INTO outputs
    SELECT path, source, kind, key, epoch, bytes, sha256, recipe, trace, parts, shard, labels, height, width, NULL, NULL
    FROM old_outputs;
DROP TABLE old_outputs;
"""


def create(db: sqlite3.Connection) -> None:
    """Make the tables in an empty database."""
    _script(db, f"PRAGMA application_id = {APPLICATION_ID}; {_SCHEMA}")


def version_of(db: sqlite3.Connection, out: Path) -> int:
    """The layout of a manifest.

    Raises:
        ExpandError: it is no manifest of ours, or of a newer version.
    """
    (application,) = db.execute("PRAGMA application_id").fetchone()
    (version,) = db.execute("PRAGMA user_version").fetchone()
    if application != APPLICATION_ID:
        raise ExpandError(
            f"{out / FILE_NAME} is no manifest of covary: it is left as it is; choose another output folder"
        )
    if not 1 <= version <= SCHEMA_VERSION:
        raise ExpandError(f"{out / FILE_NAME} has layout {version}, this version of covary knows {SCHEMA_VERSION}")
    return int(version)


def bring_up_to_date(db: sqlite3.Connection) -> None:
    """Turn an older layout into the present one, whole or not at all."""
    (version,) = db.execute("PRAGMA user_version").fetchone()
    _script(db, _FROM_1 if version == 1 else _FROM_2)


def _script(db: sqlite3.Connection, statements: str) -> None:
    db.executescript(f"BEGIN; {statements} PRAGMA user_version = {SCHEMA_VERSION}; COMMIT;")
