"""What is there already, and what is still to be done about each source."""

from __future__ import annotations

import stat
from collections.abc import Container, Iterable
from dataclasses import dataclass
from pathlib import Path

from covary.data.folder import Problem
from covary.expand.files import remove, stamp_of
from covary.expand.manifest import Check, Manifest
from covary.expand.names import original_name, variation_name
from covary.expand.rows import OutputRow, SourceRow
from covary.expand.sources import Entry, Sources
from covary.expand.work import Order, Task, original_is_there


@dataclass(frozen=True, slots=True)
class Finding:
    """What is to be done about one source.

    Attributes:
        task: the work, or None.
        unrecorded: files that the work may make and that are not in the manifest yet.
        kept: outputs that are right already.
        removed: outputs that were removed.
        blocked: why nothing can be done, if so.
    """

    task: Task | None
    unrecorded: tuple[str, ...]
    kept: int
    removed: int
    blocked: Problem | None = None


def survey(order: Order, manifest: Manifest, entry: Entry, facts: str | None, times: int) -> Finding:
    """Look at one source and its outputs; outputs that nobody wants any longer are removed.

    Args:
        facts: what the file common to all sources says of it.
        times: how many variations there are to be.
    """
    name = entry.name
    recorded = manifest.outputs_of(name)
    wanted = _wanted(order, name, times)
    stale = [row for row in recorded if row.path not in wanted]
    begun = set(manifest.pending(name))
    files = {path: (path, *order.layout.part_names(entry, path)) for path in wanted}
    ours = {file for names in files.values() for file in names}
    drop_outputs(order.out, manifest, [row.path for row in stale], spare=ours)
    drop_outputs(order.out, manifest, [path for path in begun if path not in ours])
    source = manifest.source(name)
    if source is None or source.status != "ok" or source.annotations != facts:
        source = None
    right = {row.path for row in recorded if source is not None and _is_right(order, source, entry, row)}
    missing = {path: epoch for path, epoch in wanted.items() if path not in right}
    known = {file for row in recorded for file in (row.path, *(part.path for part in row.parts))}
    unrecorded = tuple(file for path in missing for file in files[path] if file not in known)
    for path in unrecorded:
        if path not in begun and _exists(order.out / path):
            reason = f"{order.out / path} is in the way: covary did not make it, and leaves it alone"
            return Finding(None, (), 0, len(stale), Problem(name, reason))
    if source is not None and not missing and _unchanged(order, entry, manifest.check(name)):
        if (source.split, source.label) != (entry.split, entry.label):
            # Where it belongs is no part of any output's bytes.
            manifest.relabel_source(name, entry.split, entry.label)
        return Finding(None, (), len(wanted), len(stale))
    task = Task(
        entry,
        facts,
        times,
        source,
        tuple(epoch for epoch in missing.values() if epoch is not None),
        None in missing.values(),
    )
    return Finding(task, unrecorded, 0, len(stale))


def drop_outputs(out: Path, manifest: Manifest, paths: Iterable[str], *, spare: Iterable[str] = ()) -> None:
    """Remove files that the manifest records, what goes with them, and their records.

    Files go first: a record without one is harmless.

    Args:
        paths: of pictures, or of files that a run began to make.
        spare: files that other outputs now need.
    """
    kept = frozenset(spare)
    for path in paths:
        drop_parts(out, manifest, path, spare=kept)
        if path not in kept:
            remove(out / path, out)
            manifest.drop_pending(path)
        manifest.drop_output(path)


def drop_parts(out: Path, manifest: Manifest, path: str, *, spare: Container[str] = ()) -> None:
    """Remove the files that the manifest records to go with the picture at `path`, but for those to be spared."""
    row = manifest.output(path)
    for part in row.parts if row is not None else ():
        if part.path not in spare:
            remove(out / part.path, out)
            manifest.drop_pending(part.path)


def drop_vanished(order: Order, manifest: Manifest, sources: Sources) -> int:
    """Remove what was made of sources that are gone; returns how many outputs.

    Sources in folders that could not be listed, and files that could not be looked at, are not gone.
    """
    present = {entry.name for entry in sources.entries} | {problem.name for problem in sources.problems}
    closed = tuple(problem.name + "/" for problem in sources.problems)
    removed = 0
    for name in manifest.source_paths():
        if name not in present and not name.startswith(closed):
            recorded = [row.path for row in manifest.outputs_of(name)]
            drop_outputs(order.out, manifest, recorded)
            drop_outputs(order.out, manifest, manifest.pending(name))
            manifest.drop_source(name)
            removed += len(recorded)
    return removed


def _wanted(order: Order, name: str, times: int) -> dict[str, int | None]:
    """Names of all outputs of a source, with their epochs; None for the original."""
    wanted: dict[str, int | None] = {variation_name(name, k, order.format): k for k in range(times)}
    if order.originals != "none":
        wanted[original_name(name)] = None
    return wanted


def _is_right(order: Order, source: SourceRow, entry: Entry, row: OutputRow) -> bool:
    if row.kind == "variation":
        files = [(row.path, row.bytes), *((part.path, part.bytes) for part in row.parts)]
        return row.recipe == order.recipe.hash and all(_is_file(order.out / path, size) for path, size in files)
    if row.kind != order.originals or row.sha256 != source.sha256:
        return False
    sources = {row.path: entry.name, **dict(order.layout.original_parts(entry, row.path))}
    there = {row.path: row.bytes, **{part.path: part.bytes for part in row.parts}}
    return there.keys() == sources.keys() and all(
        original_is_there(order.out / path, row.kind, size, order.reader.root / sources[path])
        for path, size in there.items()
    )


def _is_file(path: Path, size: int) -> bool:
    try:
        status = path.lstat()
    except OSError:
        return False
    return stat.S_ISREG(status.st_mode) and status.st_size == size


def _unchanged(order: Order, entry: Entry, check: Check | None) -> bool:
    if check is None:
        return False
    try:
        return check == stamp_of(order.reader.files(entry))
    except OSError:
        return False


def _exists(path: Path) -> bool:
    try:
        path.lstat()
    except OSError:
        return False
    return True
