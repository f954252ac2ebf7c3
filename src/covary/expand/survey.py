"""What is there already, and what is still to be done about each source."""

from __future__ import annotations

import stat
from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from covary.data.folder import Problem
from covary.expand.files import remove, stamp_of
from covary.expand.manifest import Check, Manifest
from covary.expand.names import original_name, variation_name
from covary.expand.orders import Order, Piece, Task, WorkItem
from covary.expand.rows import OutputRow, SourceRow
from covary.expand.sources import Entry, Sources
from covary.expand.work import original_is_there
from covary.plan.changes import Ints


@dataclass(frozen=True, slots=True)
class Finding:
    """What is to be done about one source, or one group of sources.

    Attributes:
        name: of the source or the group.
        outputs: how many outputs there are to be.
        task: the work, or None.
        unrecorded: files that the work may make and that are not in the manifest yet.
        kept: outputs that are right already.
        removed: outputs that were removed.
        problems: why nothing can be done, or was done before, about which source.
    """

    name: str
    outputs: int
    task: WorkItem | None
    unrecorded: tuple[str, ...] = ()
    kept: int = 0
    removed: int = 0
    problems: tuple[Problem, ...] = ()


class Plan(Protocol):
    """All that is to be looked at in a run, in order."""

    def __len__(self) -> int: ...

    @property
    def names(self) -> Sequence[str]:
        """The sources."""
        ...

    @property
    def total(self) -> int:
        """How many outputs there are to be."""
        ...

    def outputs(self, number: int) -> int:
        """How many outputs there are to be of one source or group."""
        ...

    def clear(self, manifest: Manifest) -> int:
        """Remove what was made of sources that are gone, or in another form than it is wanted; how many outputs."""
        ...

    def survey(self, manifest: Manifest, number: int) -> Finding:
        """Look at one source or group, and its outputs; outputs that nobody wants any longer are removed."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class FilePlan:
    """Sources whose outputs are files of their own.

    Attributes:
        order: what the run is to do.
        sources: all sources that take part.
        times: how many variations there are to be of each.
    """

    order: Order
    sources: Sources
    times: Ints

    def __len__(self) -> int:
        return len(self.sources.entries)

    @property
    def names(self) -> Sequence[str]:
        return [entry.name for entry in self.sources.entries]

    @property
    def total(self) -> int:
        return int(self.times.sum()) + len(self) * self.order.with_originals

    def outputs(self, number: int) -> int:
        return int(self.times[number]) + self.order.with_originals

    def clear(self, manifest: Manifest) -> int:
        removed = 0
        for shard in manifest.shards():
            removed += drop_shard(self.order.out, manifest, shard.path)
        return removed + drop_vanished(self.order, manifest, self.sources)

    def survey(self, manifest: Manifest, number: int) -> Finding:
        entry = self.sources.entries[number]
        return _survey(self.order, manifest, entry, self.sources.facts(entry), int(self.times[number]))


def _survey(order: Order, manifest: Manifest, entry: Entry, facts: str | None, times: int) -> Finding:
    name = entry.name
    outputs = times + order.with_originals
    recorded = manifest.outputs_of(name)
    source = manifest.source(name)
    if source is None or source.status != "ok" or source.annotations != facts:
        source = None
    wanted = _wanted(order, name, times)
    if source is not None and source.reason is not None:
        if source.reason == shortage(order, times, source.reason):
            there = {row.path for row in recorded}  # and no more are to be had
            wanted = {path: number for path, number in wanted.items() if number is None or path in there}
        else:
            source = replace(source, reason=None)
            manifest.put_source(source, manifest.check(name))
    stale = [row for row in recorded if row.path not in wanted]
    begun = set(manifest.pending(name))
    files = {path: () if order.in_rows else (path, *order.layout.part_names(entry, path)) for path in wanted}
    ours = {file for names in files.values() for file in names}
    drop_outputs(order.out, manifest, [row.path for row in stale], spare=ours)
    drop_outputs(order.out, manifest, [path for path in begun if path not in ours])
    right = {row.path for row in recorded if source is not None and _is_right(order, source, entry, row)}
    missing = {path: epoch for path, epoch in wanted.items() if path not in right}
    known = {file for row in recorded for file in (row.path, *(part.path for part in row.parts))}
    unrecorded = tuple(file for path in missing for file in files[path] if file not in known)
    problem = in_the_way(order.out, name, unrecorded, begun)
    if problem is not None:
        return Finding(name, outputs, None, removed=len(stale), problems=(problem,))
    if source is not None and not missing and (order.in_rows or unchanged(order, entry, manifest.check(name))):
        keep_labels(manifest, entry, source)
        return Finding(name, outputs, None, kept=len(wanted), removed=len(stale))
    task = Task(
        Piece(entry, facts, times, source),
        tuple(epoch for epoch in missing.values() if epoch is not None),
        None in missing.values(),
    )
    return Finding(name, outputs, task, unrecorded, removed=len(stale))


def shortage(order: Order, times: int, reason: str) -> str:
    """Why there are fewer variations of a source than were asked for, as the manifest says it.

    It holds for this number and this recipe alone: with others, more may be had.

    Args:
        times: how many were asked for.
        reason: why; what is recorded to be why will do, too.
    """
    return f"{reason.partition(' (asked for ')[0]} (asked for {times}, recipe {order.recipe.hash[:12]})"


def in_the_way(out: Path, name: str, paths: Iterable[str], begun: Container[str]) -> Problem | None:
    """A problem if a file that is to be made is there already, and is not ours."""
    for path in paths:
        if path not in begun and _exists(out / path):
            return Problem(name, f"{out / path} is in the way: covary did not make it, and leaves it alone")
    return None


def keep_labels(manifest: Manifest, entry: Entry, source: SourceRow) -> None:
    """Record where a source belongs, which is no part of any output's bytes."""
    if (source.split, source.label) != (entry.split, entry.label):
        manifest.relabel_source(entry.name, entry.split, entry.label)


def drop_shard(out: Path, manifest: Manifest, path: str) -> int:
    """Remove a shard and its record; returns how many outputs were in it."""
    count = len(manifest.outputs_in(path))
    remove(out / path, out)
    manifest.drop_shard(path)
    manifest.drop_pending(path)
    return count


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
            recorded = manifest.outputs_of(name)
            drop_outputs(order.out, manifest, [row.path for row in recorded if row.shard is None])
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
    if order.in_rows:
        return row.recipe == order.recipe.hash
    if row.kind == "variation":
        files = [(row.path, row.bytes), *((part.path, part.bytes) for part in row.parts)]
        return row.recipe == order.recipe.hash and all(is_file(order.out / path, size) for path, size in files)
    if row.kind != order.originals or row.sha256 != source.sha256:
        return False
    sources = {row.path: entry.file, **dict(order.layout.original_parts(entry, row.path))}
    there = {row.path: row.bytes, **{part.path: part.bytes for part in row.parts}}
    return there.keys() == sources.keys() and all(
        original_is_there(order.out / path, row.kind, size, order.reader.root / sources[path])
        for path, size in there.items()
    )


def is_file(path: Path, size: int) -> bool:
    """Whether there is a regular file of this size."""
    try:
        status = path.lstat()
    except OSError:
        return False
    return stat.S_ISREG(status.st_mode) and status.st_size == size


def unchanged(order: Order, entry: Entry, check: Check | None) -> bool:
    """Whether the files of a source look as they did when it was read."""
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
