"""Tables whose rows name pictures: CSV, JSON lines, Parquet."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, ClassVar, Self

from covary.data.coco import category_from_json
from covary.data.encode_mask import encode_mask
from covary.data.instances import Category, Json
from covary.data.object_columns import BOX_NAMES
from covary.data.tables import TableDataset
from covary.expand.errors import ExpandError
from covary.expand.kinds.pairs import mask_name
from covary.expand.kinds.reading import DatasetReader, class_of, relative_names, split_of, without_clashes
from covary.expand.kinds.rows import TableHead, read_rows, row_of, row_text, table_bytes
from covary.expand.layout import companion_name
from covary.expand.manifest import Manifest
from covary.expand.rows import OutputRow, SourceRow
from covary.expand.sources import Entry, Mask, Raw, Sources
from covary.expand.variations import Variation, canonical

NUMBER = "number"
"""What an object's `extra` calls its place in the row's list of objects."""


def table_sources(source: Path, dataset: TableDataset, *, numbered: bool) -> Sources:
    """The pictures that a table's rows name.

    Args:
        numbered: whether objects carry their place in their row.

    Raises:
        ExpandError: its rows name no pictures, or two rows the same one.
    """
    image, mask = dataset.roles["image"], dataset.roles["mask"]
    if image is None:
        raise ExpandError(f"{source}: no column of it names pictures")
    count = len(dataset)
    files = [os.path.join(dataset.root, dataset.file_of(image, index)) for index in range(count)]  # noqa: PTH118
    masks = [os.path.join(dataset.root, dataset.file_of(mask, index)) if mask else "" for index in range(count)]  # noqa: PTH118
    folders = [os.path.dirname(path) for path, _ in dataset.tables]  # noqa: PTH120
    base, names = relative_names([*files, *filter(None, masks)], os.path.commonpath([dataset.root, *folders]))
    beside = iter(names[count:])
    _refuse_twice(source, names[:count])
    entries = [
        Entry(
            index,
            name,
            dataset.keys[index],
            class_of(dataset, index),
            split_of(dataset, index),
            companions=(next(beside),) if masks[index] else (),
        )
        for index, name in enumerate(names[:count])
    ]
    tables, facts = tables_of(dataset, base)
    layout = TableLayout(
        tuple(dataset.categories.values()),
        tables,
        image,
        mask or "",
        dataset.roles["objects"] or "",
        os.path.relpath(dataset.root, base),
    )
    kept, problems = without_clashes(entries, layout)
    shared = tuple(Path(path) for path, _ in dataset.tables)
    reader = TableReader(base, dataset, shared, numbered=numbered and layout.objects != "")
    return Sources(source, tuple(kept), reader, layout, facts, tuple(problems))


def _refuse_twice(source: Path, names: Sequence[str]) -> None:
    seen: dict[str, int] = {}
    for row, name in enumerate(names, 1):
        if name in seen:
            raise ExpandError(
                f"{source}: rows {seen[name]} and {row} name the same picture, {name}; one row for each picture is "
                "needed (objects go into one cell of it, as a list)"
            )
        seen[name] = row


def tables_of(dataset: TableDataset, base: Path) -> tuple[tuple[TablePart, ...], _Rows]:
    """The tables of a data set, and what they say of each source.

    Args:
        base: folder from which on names count.
    """
    rows = [read_rows(Path(path)) for path, _ in dataset.tables]
    tables = tuple(
        TablePart(os.path.relpath(path, base), head) for (path, _), (head, _) in zip(dataset.tables, rows, strict=True)
    )
    return tables, _Rows([(number, row) for number, (_, listed) in enumerate(rows) for row in listed], tables)


@dataclass(frozen=True, slots=True)
class TablePart:
    """A table: its path, and what it is apart from its rows."""

    name: str
    head: TableHead


@dataclass(frozen=True, slots=True, eq=False)
class _Rows:
    """What the table says of a source: its row."""

    rows: Sequence[tuple[int, Json]]
    tables: Sequence[TablePart]

    def __call__(self, entry: Entry) -> str:
        number, row = self.rows[entry.index]
        return canonical({"table": number, "row": row_text(self.tables[number].head, row)})


@dataclass(frozen=True, slots=True, eq=False)
class TableReader(DatasetReader):
    """Reads rows by their data set.

    Attributes:
        numbered: whether objects carry their place in their row.
    """

    numbered: bool = False

    def read(self, entry: Entry) -> Raw:
        raw = DatasetReader.read(self, entry)
        if not self.numbered:
            return raw
        objects = enumerate(raw.sample.get("objects") or ())
        placed = tuple(replace(each, extra={**each.extra, NUMBER: number}) for number, each in objects)
        return replace(raw, sample={**raw.sample, "objects": placed})


@dataclass(frozen=True, slots=True, eq=False)
class TableLayout:
    """Pictures and masks under the folders of their sources, and tables with a row for each picture.

    A new row is its source's, with the new paths; its objects are those that are left, width and height the new ones.

    Attributes:
        categories: kinds of objects.
        tables: the tables.
        image, mask, objects: names of the columns; "" for none.
        root: folder that the paths in the tables count from.
    """

    kind: ClassVar[str] = "table"

    categories: tuple[Category, ...] = ()
    tables: tuple[TablePart, ...] = ()
    image: str = ""
    mask: str = ""
    objects: str = ""
    root: str = field(default=".")

    def settings(self) -> dict[str, str]:
        return {
            "categories": canonical([category.to_json() for category in self.categories]),
            "tables": canonical([asdict(table) for table in self.tables]),
            "columns": canonical({"image": self.image, "mask": self.mask, "objects": self.objects}),
            "root": self.root,
        }

    @classmethod
    def restored(cls, settings: Mapping[str, str]) -> Self:
        categories = tuple(category_from_json(entry) for entry in json.loads(settings["categories"]))
        columns = json.loads(settings["columns"])
        tables = []
        for part in json.loads(settings["tables"]):
            head = TableHead(**{**part["head"], "columns": tuple(part["head"]["columns"])})
            tables.append(TablePart(part["name"], head))
        return cls(categories, tuple(tables), **columns, root=settings["root"])

    def part_names(self, entry: Entry, path: str) -> tuple[str, ...]:
        return tuple(mask_name(companion, entry.name, path) for companion in entry.companions)

    def parts(self, entry: Entry, path: str, made: Variation, mask: Mask | None) -> list[tuple[str, bytes]]:
        if mask is None or made.mask is None:
            return []
        return [(name, encode_mask(made.mask, mask.files[0])) for name in self.part_names(entry, path)]

    def original_parts(self, entry: Entry, path: str) -> list[tuple[str, str]]:
        return [(companion_name(companion, entry.name, path), companion) for companion in entry.companions]

    def whole_names(self, splits: Sequence[str]) -> tuple[str, ...]:
        return tuple(table.name for table in self.tables)

    def whole(self, manifest: Manifest) -> Iterator[tuple[str, bytes]]:
        rows: dict[int, list[Json]] = {}
        for output, source in manifest.outputs_with_sources():
            said = json.loads(source.annotations or "{}")
            number = said["table"]
            row = row_of(self.tables[number].head, said["row"])
            rows.setdefault(number, []).append(self._row(row, self.tables[number], output, source))
        for number, table in enumerate(self.tables):
            if number in rows:
                yield table.name, table_bytes(table.head, rows[number])

    def _row(self, row: Json, table: TablePart, output: OutputRow, source: SourceRow) -> Json:
        """The row of an output: that of its source, where the change asks for nothing else."""
        new = {**row, self.image: self._path(row[self.image], output.path, table)}
        if self.mask and output.parts:
            new[self.mask] = self._path(row[self.mask], output.parts[0].path, table)
        if self.objects and output.labels is not None and row.get(self.objects):
            new[self.objects] = _moved(row[self.objects], json.loads(output.labels))
        for name, before, now in (("width", source.width, output.width), ("height", source.height, output.height)):
            if name in row and str(row[name]) == str(before):
                new[name] = type(row[name])(now)
        return new

    def _path(self, cell: str, path: str, table: TablePart) -> str:
        """What a cell has to hold to lead to `path`, in the way in which it led to the source."""
        start = os.path.dirname(table.name) if cell.strip().startswith("/") else self.root  # noqa: PTH120
        new = os.path.relpath(path, start or ".")
        if "." not in os.path.basename(cell):  # noqa: PTH119 - a table that leaves endings out
            return new.rpartition(".")[0]
        return new


def _moved(cell: Any, left: Sequence[Json]) -> Any:
    """A cell of objects after a change: those that are left, with their new boxes and keypoints.

    Args:
        cell: a list of objects, an object of lists, or a text that says one of these.
        left: the objects that are left, as COCO entries with their number in the cell.
    """
    if isinstance(cell, str):
        return json.dumps(_moved(json.loads(cell), left))
    if isinstance(cell, Mapping):
        lists = {name: value for name, value in cell.items() if isinstance(value, list)}
        count = len(next(iter(lists.values()), []))
        moved = _moved([{name: value[at] for name, value in lists.items()} for at in range(count)], left)
        return {**cell, **{name: [each[name] for each in moved] for name in lists}}
    return [_with_place(dict(cell[entry[NUMBER]]), entry) for entry in left]


def _with_place(known: Json, entry: Json) -> Json:
    box = next(name for name in BOX_NAMES if name in known)
    known[box] = entry["bbox"]
    if known.get("area") is not None:
        known["area"] = entry["area"]
    if known.get("keypoints"):
        known["keypoints"] = entry["keypoints"]
    return known
