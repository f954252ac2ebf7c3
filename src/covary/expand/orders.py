"""What a worker is told and what it tells: plain data that pickles and holds no pixels.

A run makes one `Order` and many work items. `do_task(order, item)` makes the files of one item, in any thread or
process that sees both folders, and gives the rows for the manifest, which one writer records.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias

from covary.expand.layout import Layout
from covary.expand.manifest import Check
from covary.expand.names import OutputFormat
from covary.expand.rows import OutputRow, Recipe, ShardRow, SourceRow
from covary.expand.sources import Entry, Reader

if TYPE_CHECKING:
    from covary.expand.containers import Container
    from covary.pipeline import Pipeline

Originals: TypeAlias = Literal["none", "link", "copy"]


@dataclass(frozen=True, slots=True, eq=False)
class Order:
    """What is the same for all sources of a run.

    Attributes:
        reader: reads the sources.
        layout: where outputs lie, and what goes with them.
        out: the output folder.
        temporary: folder for unfinished files.
        pipeline: what is done to the pictures.
        recipe: the same, with all else that outputs depend on, as the manifest records it.
        format, quality: of the pictures.
        originals: whether originals go along.
        container: files that hold many outputs each; None where each is a file of its own.
        classes: names of the classes; their places are the numbers in shards.
        in_rows: whether sources and outputs are rows of tables: those of the outputs are whole files of the layout, and
            what there is to know of a source are its facts.
    """

    reader: Reader
    layout: Layout
    out: Path
    temporary: Path
    pipeline: Pipeline
    recipe: Recipe
    format: OutputFormat
    quality: int
    originals: Originals
    container: Container | None = None
    classes: tuple[str, ...] = ()
    in_rows: bool = False

    @property
    def with_originals(self) -> bool:
        """Whether originals go along."""
        return self.originals != "none"


@dataclass(frozen=True, slots=True)
class Piece:
    """A source and what is known of it.

    Attributes:
        entry: the source.
        facts: what the file common to all sources says of it; None where there is none.
        times: how many variations there are to be.
        recorded: its row in the manifest, if what is there holds for that content; else None.
    """

    entry: Entry
    facts: str | None
    times: int
    recorded: SourceRow | None


@dataclass(frozen=True, slots=True)
class Task:
    """What is to be done about one source whose outputs are files of their own.

    Attributes:
        piece: the source. For another content than the recorded one, all its outputs are missing.
        missing: the epochs to make.
        original_missing: whether the original is to be linked or copied.
    """

    piece: Piece
    missing: tuple[int, ...]
    original_missing: bool


@dataclass(frozen=True, slots=True)
class ShardTask:
    """What is to be done about a group of sources whose outputs lie in shards together.

    Attributes:
        group: its name.
        pieces: the sources, in the data set's order.
        shards: path of the shard of each epoch that there is to be; the epoch None stands for the originals.
        missing: the epochs whose shards are to be made. If a source has another content than the recorded one, all are.
        certain: whether the contents are known to be those recorded.
    """

    group: str
    pieces: tuple[Piece, ...]
    shards: tuple[tuple[int | None, str], ...]
    missing: tuple[int | None, ...]
    certain: bool


WorkItem: TypeAlias = Task | ShardTask


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one source.

    Attributes:
        source: its row for the manifest.
        check: sizes and times of its files, if they can be relied on.
        wanted: how many outputs there are to be.
        outputs: rows of the outputs made.
        fresh: whether all outputs were made anew, so that older ones count no longer.
        short: how many of those wanted cannot be made; the row's reason says why.
        unreadable: whether it could not even be read; what was made of it before stays.
    """

    source: SourceRow
    check: Check | None
    wanted: int
    outputs: tuple[OutputRow, ...] = ()
    fresh: bool = False
    unreadable: bool = False
    short: int = 0


@dataclass(frozen=True, slots=True)
class Result:
    """What became of a work item.

    Attributes:
        outcomes: of each source.
        shards: rows of the shards made, with their outputs; () where outputs are files of their own.
        group: name of the group of sources whose shards they are; "" where there is none.
    """

    outcomes: tuple[Outcome, ...]
    shards: tuple[tuple[ShardRow, tuple[OutputRow, ...]], ...] = ()
    group: str = ""
