"""What is there already, and what is still to be done about each source."""

from __future__ import annotations

import stat
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from covary.data.folder import Listing, Problem
from covary.expand.files import remove
from covary.expand.manifest import Check, Manifest, OutputRow, SourceRow
from covary.expand.names import original_name, variation_name
from covary.expand.work import Order, Task, original_is_there


@dataclass(frozen=True, slots=True)
class Annotated:
    """What the annotation file says of one source: entries as canonical JSON, and the picture's height and width."""

    entries: str
    size: tuple[int, int] | None


@dataclass(frozen=True, slots=True)
class Finding:
    """What is to be done about one source.

    Attributes:
        task: the work, or None.
        unrecorded: outputs that the work will make and that are not in the manifest yet.
        kept: outputs that are right already.
        removed: outputs that were removed.
        blocked: why nothing can be done, if so.
    """

    task: Task | None
    unrecorded: tuple[str, ...]
    kept: int
    removed: int
    blocked: Problem | None = None


def survey(order: Order, manifest: Manifest, name: str, annotated: Annotated | None) -> Finding:
    """Look at one source and its outputs; outputs that nobody wants any longer are removed."""
    recorded = manifest.outputs_of(name)
    wanted = _wanted(order, name)
    stale = [row for row in recorded if row.path not in wanted]
    begun = set(manifest.pending(name))
    drop_outputs(order.out, manifest, [row.path for row in stale])
    drop_outputs(order.out, manifest, [path for path in begun if path not in wanted])
    source = manifest.source(name)
    entries = None if annotated is None else annotated.entries
    if source is None or source.status != "ok" or source.annotations != entries:
        source = None
    right = {row.path for row in recorded if source is not None and _is_right(order, source, row)}
    missing = {path: epoch for path, epoch in wanted.items() if path not in right}
    known = {row.path for row in recorded}
    unrecorded = tuple(path for path in missing if path not in known)
    for path in unrecorded:
        if path not in begun and _exists(order.out / path):
            reason = f"{order.out / path} is in the way: covary did not make it, and leaves it alone"
            return Finding(None, (), 0, len(stale), Problem(name, reason))
    if source is not None and not missing and _unchanged(order.root / name, manifest.check(name)):
        return Finding(None, (), len(wanted), len(stale))
    task = Task(
        name,
        entries,
        None if annotated is None else annotated.size,
        source,
        tuple(epoch for epoch in missing.values() if epoch is not None),
        None in missing.values(),
    )
    return Finding(task, unrecorded, 0, len(stale))


def drop_outputs(out: Path, manifest: Manifest, paths: Iterable[str]) -> None:
    """Remove files that the manifest records, and their records. Files go first: a record without one is harmless."""
    for path in paths:
        remove(out / path, out)
        manifest.drop_output(path)
        manifest.drop_pending(path)


def drop_vanished(order: Order, manifest: Manifest, folder: Listing) -> int:
    """Remove what was made of sources that are gone; returns how many files.

    Sources in folders that could not be listed, and files that could not be looked at, are not gone.
    """
    present = {item.name for item in folder.items} | {problem.name for problem in folder.problems}
    closed = tuple(problem.name + "/" for problem in folder.problems)
    removed = 0
    for name in manifest.source_paths():
        if name not in present and not name.startswith(closed):
            recorded = [row.path for row in manifest.outputs_of(name)]
            drop_outputs(order.out, manifest, recorded)
            drop_outputs(order.out, manifest, manifest.pending(name))
            manifest.drop_source(name)
            removed += len(recorded)
    return removed


def _wanted(order: Order, name: str) -> dict[str, int | None]:
    """Names of all outputs of a source, with their epochs; None for the original."""
    wanted: dict[str, int | None] = {variation_name(name, k, order.format): k for k in range(order.times)}
    if order.originals != "none":
        wanted[original_name(name)] = None
    return wanted


def _is_right(order: Order, source: SourceRow, row: OutputRow) -> bool:
    path = order.out / row.path
    if row.kind != "variation":
        return (
            row.kind == order.originals
            and row.sha256 == source.sha256
            and original_is_there(path, row, order.root / source.path)
        )
    if row.recipe != order.recipe.hash:
        return False
    try:
        status = path.lstat()
    except OSError:
        return False
    return stat.S_ISREG(status.st_mode) and status.st_size == row.bytes


def _unchanged(path: Path, check: Check | None) -> bool:
    if check is None:
        return False
    try:
        status = path.stat()
    except OSError:
        return False
    return check == Check(status.st_size, status.st_mtime_ns)


def _exists(path: Path) -> bool:
    try:
        path.lstat()
    except OSError:
        return False
    return True
