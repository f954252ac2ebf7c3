"""What is there already, and what is still to be done about each group of sources whose outputs lie in shards."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from covary.data.folder import Problem
from covary.expand.containers import Container
from covary.expand.manifest import Manifest
from covary.expand.orders import Order, Piece, ShardTask
from covary.expand.rows import SourceRow
from covary.expand.shards import Group, content_digest, epochs_of, members_of
from covary.expand.sources import Sources
from covary.expand.survey import (
    Finding,
    drop_outputs,
    drop_shard,
    drop_vanished,
    in_the_way,
    is_file,
    keep_labels,
    unchanged,
)
from covary.plan.changes import Ints


@dataclass(frozen=True, slots=True, eq=False)
class ShardPlan:
    """Groups of sources whose outputs lie in shards together.

    Attributes:
        order: what the run is to do.
        container: kind of the shards.
        sources: all sources that take part.
        times: how many variations there are to be of each.
        groups: the sources in groups.
    """

    order: Order
    container: Container
    sources: Sources
    times: Ints
    groups: Sequence[Group]

    def __len__(self) -> int:
        return len(self.groups)

    @property
    def names(self) -> Sequence[str]:
        return [entry.name for entry in self.sources.entries]

    @property
    def total(self) -> int:
        return int(self.times.sum()) + len(self.sources.entries) * self.order.with_originals

    def outputs(self, number: int) -> int:
        rows = self.groups[number].rows
        return sum(len(epochs_of(int(self.times[row]), self.order.with_originals)) for row in rows)

    def names_in(self, group: Group) -> list[str]:
        """The sources of a group."""
        return [self.sources.entries[row].name for row in group.rows]

    def clear(self, manifest: Manifest) -> int:
        order = self.order
        wanted = {path for group in self.groups for _, path in self.shards(group)}
        # Outputs that are files of their own are of another form; what was only begun is begun again.
        files = manifest.paths_of_files()
        drop_outputs(order.out, manifest, [*files, *manifest.begun()])
        removed = len(files)
        for shard in manifest.shards():
            if shard.path not in wanted:
                removed += drop_shard(order.out, manifest, shard.path)
        drop_vanished(order, manifest, self.sources)
        return removed

    def shards(self, group: Group) -> list[tuple[int | None, str]]:
        """Path of the shard of each epoch of a group; None stands for the originals."""
        most = max(int(self.times[row]) for row in group.rows)
        return [(epoch, group.shard(epoch, self.container)) for epoch in epochs_of(most, self.order.with_originals)]

    def survey(self, manifest: Manifest, number: int) -> Finding:
        order, group = self.order, self.groups[number]
        entries = [self.sources.entries[row] for row in group.rows]
        times = [int(self.times[row]) for row in group.rows]
        facts = [self.sources.facts(entry) for entry in entries]
        known = [_known(manifest.source(entry.name), said) for entry, said in zip(entries, facts, strict=True)]
        shards = self.shards(group)
        missing = [epoch for epoch, path in shards if not self._is_right(manifest, group, known, epoch, path)]
        outputs = sum(len(epochs_of(count, order.with_originals)) for count in times)
        unrecorded = tuple(path for epoch, path in shards if epoch in missing and manifest.shard(path) is None)
        problem = in_the_way(order.out, group.name, unrecorded, set(manifest.pending(group.name)))
        if problem is not None:
            return Finding(group.name, outputs, None, problems=(problem,))
        certain = all(unchanged(order, entry, manifest.check(entry.name)) for entry in entries)
        pieces = tuple(map(Piece, entries, facts, times, known))
        if missing or not certain:
            task = ShardTask(group.name, pieces, tuple(shards), tuple(missing), certain)
            return Finding(group.name, outputs, task, unrecorded)
        problems = []
        kept = 0
        for piece in pieces:
            assert piece.recorded is not None
            keep_labels(manifest, piece.entry, piece.recorded)
            if piece.recorded.status == "ok":
                kept += len(epochs_of(piece.times, order.with_originals))
            else:
                problems.append(Problem(piece.entry.name, piece.recorded.reason or ""))
        return Finding(group.name, outputs, None, kept=kept, problems=tuple(problems))

    def _is_right(
        self, manifest: Manifest, group: Group, known: Sequence[SourceRow | None], epoch: int | None, path: str
    ) -> bool:
        """Whether a shard is there as recorded, made by this recipe from these sources."""
        shard = manifest.shard(path)
        if shard is None or shard.recipe != self.order.recipe.hash or not is_file(self.order.out / path, shard.bytes):
            return False
        pieces = [
            (self.sources.entries[row], source, int(self.times[row]))
            for row, source in zip(group.rows, known, strict=True)
            if source is not None
        ]
        return len(pieces) == len(known) and content_digest(members_of(pieces, epoch)) == shard.sources


def _known(source: SourceRow | None, facts: str | None) -> SourceRow | None:
    return source if source is not None and source.annotations == facts else None
