"""Tables whose rows name sounds, or parts of them: manifests as JSON lines, CSV, TSV, Parquet."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from covary.data.instances import Json
from covary.data.tables import TableDataset
from covary.expand.kinds.audio import SoundReader
from covary.expand.kinds.reading import class_of, relative_names, split_of
from covary.expand.kinds.table import TableLayout, TablePart, tables_of
from covary.expand.layout import companion_name
from covary.expand.rows import OutputRow, SourceRow
from covary.expand.sources import Entry, Sources

RATE_NAMES = ("rate", "sample_rate", "sampling_rate", "samplerate", "sr")
SAMPLES_NAMES = ("samples", "num_samples", "n_samples", "num_frames", "n_frames", "frames")


def audio_table_sources(source: Path, dataset: TableDataset) -> Sources:
    """The sounds that a table's rows name.

    A row with an offset, or with a file that a row before it names, too, is a part of that file: it comes out as a
    file of its own, `a.wav` from 2.5 s on as `a@2.5__0.wav`.
    """
    column, clean = dataset.roles["audio"], dataset.roles["clean"]
    assert column is not None
    rows = range(len(dataset))
    paths = [dataset.file_of(each, index) for each in (column, clean) if each is not None for index in rows]
    files = [os.path.join(dataset.root, path) for path in paths]  # noqa: PTH118
    folders = [os.path.dirname(path) for path, _ in dataset.tables]  # noqa: PTH120
    base, names = relative_names(files, os.path.commonpath([dataset.root, *folders]))
    tables, facts = tables_of(dataset, base)
    entries = []
    taken: set[str] = set()
    for index, file in enumerate(names[: len(rows)]):
        name = _own_name(file, _offset(facts.rows[index][1]), taken)
        taken.add(name)
        label, split = class_of(dataset, index), split_of(dataset, index)
        beside = (names[len(rows) + index],) if clean is not None else ()
        part_of = "" if name == file else file
        entries.append(Entry(index, name, dataset.keys[index], label, split, companions=beside, part_of=part_of))
    layout = AudioTableLayout((), tables, column, clean or "", root=os.path.relpath(dataset.root, base))
    reader = SoundReader(base, dataset, tuple(Path(path) for path, _ in dataset.tables))
    return Sources(source, tuple(entries), reader, layout, facts, what="sounds")


def _offset(row: Json) -> str:
    """The offset of a row as it stands there; "" for none."""
    offset = next((str(value) for name, value in row.items() if name.lower() == "offset" and value is not None), "")
    try:
        return offset if float(offset) else ""
    except ValueError:
        return ""


def _own_name(file: str, offset: str, taken: set[str]) -> str:
    """A name that no other row has, made of the file's and the offset."""
    stem, dot, ending = file.rpartition(".")
    name = f"{stem}@{offset}{dot}{ending}" if offset else file
    number = 1
    while name in taken:
        number += 1
        name = f"{stem}{f'@{offset}' if offset else ''}#{number}{dot}{ending}"
    return name


@dataclass(frozen=True, slots=True, eq=False)
class AudioTableLayout(TableLayout):
    """Sounds under the folders of their sources, and tables with a row for each.

    A new row is its source's, with the new path; what is marked in the sound has moved, and duration, rate and number
    of samples are those of the new file, where the row has them. `image` is the column of the files, `mask` that of the
    clean ones.
    """

    kind: ClassVar[str] = "audio table"

    def part_names(self, entry: Entry, path: str) -> tuple[str, ...]:
        return tuple(companion_name(companion, entry.file, path) for companion in entry.companions)

    def original_parts(self, entry: Entry, path: str) -> list[tuple[str, str]]:
        return list(zip(self.part_names(entry, path), entry.companions, strict=True))

    def _row(self, row: Json, table: TablePart, output: OutputRow, source: SourceRow) -> Json:
        new = {**row, self.image: self._path(row[self.image], output.path, table)}
        if self.mask and output.parts:
            new[self.mask] = self._path(row[self.mask], output.parts[0].path, table)
        if output.kind != "variation":
            return new
        assert output.samples is not None and output.rate is not None
        new |= {name: _in_kind(row[name], value) for name, value in json.loads(output.labels or "{}").items()}
        for name, value in row.items():
            lower = name.lower()
            if lower == "offset" and value not in (None, ""):
                new[name] = type(value)(0)
            elif lower == "duration" and value not in (None, ""):
                new[name] = _in_kind(value, output.samples / output.rate)
            elif (lower in RATE_NAMES and str(value) == str(source.rate)) or (
                lower in SAMPLES_NAMES and str(value) == str(source.samples)
            ):
                new[name] = type(value)(output.rate if lower in RATE_NAMES else output.samples)
        return new


def _in_kind(cell: Any, value: Any) -> Any:
    """A value as a cell holds it that held a text, where all cells are texts."""
    if not isinstance(cell, str) or isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False) if isinstance(value, (list, dict)) else repr(value)
