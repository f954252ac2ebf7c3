"""A manifest of an older layout is read as it is, and brought up to date by the next run."""

import sqlite3

import pytest
from expansions import pipeline, record, small_set, state, tree

from covary.expand import expand, verify

pytestmark = pytest.mark.filterwarnings("ignore:covary's compiled kernels:RuntimeWarning")

# The tables as version 0.1.0 made them.
FIRST = """
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


def as_first(out):
    """Turn the manifest of a folder into one of the first layout."""
    tables = {
        "settings": "name, value",
        "recipes": "hash, pipeline, seed, version, renderer, format, quality",
        "sources": "path, bytes, sha256, height, width, channels, dtype, status, reason, annotations",
        "outputs": "path, source, kind, key, epoch, bytes, sha256, height, width, recipe, trace, labels",
    }
    new = sqlite3.connect(out / "manifest.sqlite")
    rows = {name: new.execute(f"SELECT {columns} FROM {name}").fetchall() for name, columns in tables.items()}
    new.close()
    rows["settings"] = [row for row in rows["settings"] if row[0] not in ("whole", "layout", "annotations")]
    (out / "manifest.sqlite").unlink()
    old = sqlite3.connect(out / "manifest.sqlite")
    old.executescript(FIRST)
    old.execute(f"PRAGMA application_id = {0x434F5659}")
    old.execute("PRAGMA user_version = 1")
    for name, found in rows.items():
        old.executemany(f"INSERT INTO {name} VALUES ({', '.join('?' * len(found[0]))})", found)
    old.commit()
    old.close()


def as_second(out):
    """Turn the manifest of a folder into one of the second layout, which knew pictures only."""
    db = sqlite3.connect(out / "manifest.sqlite")
    db.executescript("""
        ALTER TABLE sources DROP COLUMN samples;
        ALTER TABLE sources DROP COLUMN rate;
        DROP INDEX outputs_by_source;
        DROP INDEX outputs_by_shard;
        ALTER TABLE outputs RENAME TO new_outputs;
        CREATE TABLE outputs (
            path PRIMARY KEY, source NOT NULL, kind TEXT NOT NULL, key NOT NULL, epoch INTEGER, bytes INTEGER NOT NULL,
            sha256 TEXT NOT NULL, height INTEGER NOT NULL, width INTEGER NOT NULL, recipe TEXT NOT NULL, trace TEXT,
            parts TEXT, shard TEXT, labels TEXT
        ) WITHOUT ROWID;
        CREATE INDEX outputs_by_source ON outputs (source, epoch);
        CREATE INDEX outputs_by_shard ON outputs (shard) WHERE shard IS NOT NULL;
        INSERT INTO outputs
            SELECT path, source, kind, key, epoch, bytes, sha256, height, width, recipe, trace, parts, shard, labels
            FROM new_outputs;
        DROP TABLE new_outputs;
        PRAGMA user_version = 2;
    """)
    db.close()


@pytest.mark.parametrize("older", (as_first, as_second))
@pytest.mark.parametrize("annotated", (False, True))
def test_older_layouts_are_checked_as_they_are_and_continued(tmp_path, annotated, older):
    source, out = small_set(tmp_path / "in"), tmp_path / "out"
    options = {"times": 2, "originals": "copy"}
    if annotated:
        text = """{"images": [{"id": 1, "file_name": "cats/a.png"}], "categories": [{"id": 1, "name": "cat"}],
            "annotations": [{"id": 1, "image_id": 1, "category_id": 1, "bbox": [1, 2, 3, 4]}]}"""
        (tmp_path / "a.json").write_text(text)
        options["annotations"] = tmp_path / "a.json"
    expand(source, out, pipeline(), **options)
    expected = state(out)
    older(out)
    before = (out / "manifest.sqlite").read_bytes()
    assert verify(out).ok and (out / "manifest.sqlite").read_bytes() == before
    report = expand(source, out, pipeline(), **options)
    assert report.made == 0 and report.kept == 12
    assert (tree(out), record(out)) == expected


def test_newer_layout_is_refused(tmp_path):
    from covary.expand import ExpandError

    source, out = small_set(tmp_path / "in"), tmp_path / "out"
    expand(source, out, pipeline(), times=1)
    db = sqlite3.connect(out / "manifest.sqlite")
    db.execute("PRAGMA user_version = 4")
    db.close()
    for run in (lambda: expand(source, out, pipeline(), times=1), lambda: verify(out)):
        with pytest.raises(ExpandError, match="has layout 4, this version of covary knows 3"):
            run()
