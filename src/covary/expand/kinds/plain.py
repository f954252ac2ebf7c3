"""Data sets whose samples are no files: arrays, rows of a table, members of shards. Their outputs lie in shards."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from covary.data.dataset import Dataset
from covary.expand.kinds.reading import DatasetReader, class_of, split_of
from covary.expand.layout import Layout
from covary.expand.sources import Entry, Sources


def plain_sources(source: Path, dataset: Dataset, layout: Layout) -> Sources:
    """The samples of any data set; a sample's name is its key."""
    entries = tuple(
        Entry(
            index,
            str(key),
            key if isinstance(key, str) else int(key),
            class_of(dataset, index),
            split_of(dataset, index),
        )
        for index, key in enumerate(dataset.keys)
    )
    return Sources(source, entries, PlainReader(source, dataset), layout, _no_facts, kind="plain")


def _no_facts(entry: Entry) -> None:
    return None


@dataclass(frozen=True, slots=True, eq=False)
class PlainReader(DatasetReader):
    """Reads samples of which no file tells whether they have changed: their content does."""

    def files(self, entry: Entry) -> tuple[Path, ...]:
        return ()
