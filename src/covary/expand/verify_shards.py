"""Re-derive the shards of an expansion, and compare bit for bit. Nothing is written."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from hashlib import file_digest

from covary.data.folder import Problem
from covary.expand.errors import ExpandError
from covary.expand.kinds.sharded import ShardLayout
from covary.expand.manifest import Manifest
from covary.expand.reference import OTHER_BYTES, OTHER_LABELS, Found, Reference, reopened_source, told
from covary.expand.rows import OutputRow, ShardRow, SourceRow
from covary.expand.shards import ShardFile, outputs_of


@dataclass(frozen=True, slots=True, eq=False)
class _Group:
    """The shards of a group of sources, what they hold, and the sources."""

    shards: Sequence[ShardRow]
    outputs: Mapping[str, Sequence[OutputRow]]
    sources: Sequence[SourceRow]


def shard_groups(manifest: Manifest) -> list[list[ShardRow]]:
    """The shards of a manifest: those of each group of sources together."""
    groups: dict[tuple[str, str, str], list[ShardRow]] = {}
    for shard in manifest.shards():
        rest, _, number = shard.path.rpartition("-")
        groups.setdefault((rest.rpartition("-")[0], number, shard.recipe), []).append(shard)
    return list(groups.values())


def check_groups(
    pool: ThreadPoolExecutor, reference: Reference, groups: Sequence[Sequence[ShardRow]], manifest: Manifest
) -> Iterator[Found]:
    """Check all groups, a few at a time; the manifest is read in this thread alone."""
    for start in range(0, len(groups), 4):
        part = [_with_content(manifest, group) for group in groups[start : start + 4]]
        yield from pool.map(lambda group: _check(reference, group), part)


def _with_content(manifest: Manifest, shards: Sequence[ShardRow]) -> _Group:
    outputs = {shard.path: manifest.outputs_in(shard.path) for shard in shards}
    names = sorted({row.source for rows in outputs.values() for row in rows})
    sources = [source for name in names if (source := manifest.source(name)) is not None]
    return _Group(shards, outputs, sources)


def _check(reference: Reference, group: _Group) -> Found:
    missing, altered = [], []
    for shard in group.shards:
        try:
            with (reference.out / shard.path).open("rb") as file:
                if file_digest(file, "sha256").hexdigest() != shard.sha256:
                    altered.append(shard.path)
        except OSError:
            missing.append(shard.path)
    checked = sum(map(len, group.outputs.values()))
    return Found(checked, tuple(missing), tuple(altered), tuple(_differing(reference, group)))


def _differing(reference: Reference, group: _Group) -> list[Problem]:
    """Outputs and shards that are not derived again."""
    layout = reference.layout
    assert isinstance(layout, ShardLayout)
    again = {shard.path: ShardFile(shard.path, shard.epoch, layout.container, None) for shard in group.shards}
    by_source: dict[str, dict[int | None, OutputRow]] = {}
    for rows in group.outputs.values():
        for row in rows:
            by_source.setdefault(row.source, {})[row.epoch] = row
    differing: list[Problem] = []
    members = []
    for source in group.sources:
        try:
            members.append((reference.entry_of(source), source))
        except ExpandError as error:
            differing += [
                Problem(row.path, f"its source {source.path}: {error}") for row in by_source[source.path].values()
            ]
    recipe = group.shards[0].recipe
    for _, source in sorted(members, key=lambda pair: (pair[0].index, pair[0].name)):
        wanted = by_source[source.path]
        try:
            opened = reopened_source(reference, source)
            if opened is None:
                raise ExpandError("it has changed since")
            entry, content = opened
            made = outputs_of(
                reference.pipelines[recipe],
                reference.recipes[recipe],
                layout.classes,
                entry,
                content,
                list(wanted),
            )
        except (OSError, ValueError, ExpandError) as error:
            differing += [Problem(row.path, f"its source {source.path}: {told(error)}") for row in wanted.values()]
            continue
        for member, row in made:
            recorded = wanted[row.epoch]
            file = again[recorded.shard or ""]
            file.add(member, row)
            derived = file.rows[-1]
            if (derived.path, derived.sha256, derived.parts) != (recorded.path, recorded.sha256, recorded.parts):
                differing.append(Problem(recorded.path, OTHER_BYTES))
            elif (derived.trace, derived.labels) != (recorded.trace, recorded.labels):
                differing.append(Problem(recorded.path, OTHER_LABELS))
    if not differing:
        for shard in group.shards:
            again[shard.path].close()
            if again[shard.path].row(recipe, "").sha256 != shard.sha256:
                differing.append(Problem(shard.path, "its sources and pipeline give other bytes now"))
    return differing
