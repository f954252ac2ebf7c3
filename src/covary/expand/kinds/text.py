"""Texts: rows of tables, lines of text files, text files in folders of classes."""

from __future__ import annotations

import codecs
import json
import os
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any, ClassVar, Self

from covary.data.dataset import SampleError
from covary.data.instances import Category
from covary.data.strings import Strings
from covary.data.tables import TableDataset
from covary.data.text_columns import PROVENANCE, TextColumn, find_text_columns
from covary.data.texts import TextFolder, TextLines
from covary.expand.errors import ExpandError
from covary.expand.kinds.reading import class_of, split_of
from covary.expand.kinds.rows import TableHead
from covary.expand.kinds.text_rows import NewRow, cells_of, row_texts, rows_bytes, tag_names
from covary.expand.layout import PlainLayout
from covary.expand.manifest import Manifest
from covary.expand.rows import OutputRow
from covary.expand.sources import Entry, Opened, Raw, Sources
from covary.expand.variations import canonical

TEXT = (TextColumn("text"),)
"""The column of a sample that is nothing but a text."""


@dataclass(frozen=True, slots=True)
class TextWish:
    """What the user says of the columns of a table of texts.

    Attributes:
        text: the columns of texts; None finds them out.
        fields: what is marked in them, by field of a pipeline; see `find_text_columns`.
        found: what was found out before, and is to hold.
    """

    text: str | Sequence[str] | None = None
    fields: Mapping[str, str] = field(default_factory=dict)
    found: tuple[TextColumn, ...] = ()


def text_sources(source: Path, dataset: TableDataset | TextLines | TextFolder, wish: TextWish) -> Sources:
    """The texts of a data set.

    Raises:
        ExpandError: a table holds no texts that could be found, or cannot be read row by row.
    """
    if isinstance(dataset, TextFolder):
        return _of_folder(source, dataset)
    if isinstance(dataset, TextLines):
        files = [(path, count) for path, count in zip(dataset.files, dataset.counts, strict=True)]
    else:
        files = list(dataset.tables)
    base = Path(os.path.commonpath([os.path.dirname(path) for path, _ in files]))  # noqa: PTH120
    tables: list[TextTable] = []
    rows: list[str] = []
    places: list[tuple[int, int]] = []
    columns: dict[str, None] = {}
    for number, (path, count) in enumerate(files):
        head, names, listed = row_texts(Path(path))
        if len(listed) != count:
            raise ExpandError(
                f"{path}: its data set has {count:,} rows, it has {len(listed):,} with a first line of names"
            )
        tables.append(TextTable(os.path.relpath(path, base), head))
        columns |= dict.fromkeys(names)
        places += [(number, at) for at in range(count)]
        rows += listed
    _refuse_provenance(source, columns)
    entries = tuple(
        Entry(
            index,
            f"{tables[number].name}/{dataset.keys[index]}",
            _key(dataset.keys[index]),
            class_of(dataset, index),
            split_of(dataset, index),
        )
        for index, (number, _) in enumerate(places)
    )
    facts = TextRows(Strings(rows), tuple(places), tuple(tables))
    chosen = wish.found or (TEXT if isinstance(dataset, TextLines) else _chosen(source, dataset, wish, columns, facts))
    layout = TextTableLayout(tuple(tables), chosen)
    return Sources(source, entries, TextRowReader(base, facts), layout, facts, what="texts")


def _key(key: Any) -> str | int:
    return key if isinstance(key, str) else int(key)


def _refuse_provenance(source: Path, columns: Mapping[str, None]) -> None:
    taken = [name for name in PROVENANCE if name in columns]
    if taken:
        raise ExpandError(
            f"{source}: it has a column {taken[0]} already, being an expansion itself; rename that column, or expand "
            "what it was made from"
        )


def _chosen(
    source: Path, dataset: TableDataset, wish: TextWish, columns: Mapping[str, None], rows: TextRows
) -> tuple[TextColumn, ...]:
    def example(column: str) -> Any:
        values = (rows.cells(index, (column,)).get(column) for index in range(len(rows)))
        return next((value for value in values if value not in (None, "", [], {})), None)

    told = wish.text if wish.text is not None else dataset.roles["text"]
    try:
        return find_text_columns(
            tuple(columns),
            example,
            text=told,
            fields=wish.fields,
            tags=tag_names(rows.tables[0].head),
            where=str(source),
        )
    except ValueError as error:
        raise ExpandError(str(error)) from None


def _of_folder(source: Path, dataset: TextFolder) -> Sources:
    entries = tuple(
        Entry(index, str(key), str(key), class_of(dataset, index), split_of(dataset, index))
        for index, key in enumerate(dataset.keys)
    )
    reader = TextFileReader(Path(dataset.root))
    return Sources(source, entries, reader, TextFileLayout(), _no_facts, dataset.problems, what="texts")


def _no_facts(entry: Entry) -> None:
    return None


@dataclass(frozen=True, slots=True)
class TextTable:
    """A table of texts: its path, and what it is apart from its rows."""

    name: str
    head: TableHead


@dataclass(frozen=True, slots=True, eq=False)
class TextRows:
    """The rows of tables, and for each source what its table says of it.

    Attributes:
        rows: of all tables, each as one text.
        places: (number of the table, number in it) of each.
        tables: the tables.
    """

    rows: Sequence[str]
    places: Sequence[tuple[int, int]]
    tables: tuple[TextTable, ...]

    def __len__(self) -> int:
        return len(self.rows)

    def __call__(self, entry: Entry) -> str:
        number, at = self.places[entry.index]
        return canonical({"table": number, "at": at, "row": self.rows[entry.index]})

    def cells(self, index: int, columns: Sequence[str]) -> dict[str, Any]:
        """The cells of a row in some columns."""
        return cells_of(self.tables[self.places[index][0]].head, self.rows[index], columns)


class TextReader(ABC):
    """Reads sources whose content is texts."""

    __slots__ = ()

    @property
    def categories(self) -> Mapping[int, Category]:
        return {}

    @abstractmethod
    def read(self, entry: Entry) -> Raw:
        """Read a source; see `Reader`."""

    @abstractmethod
    def cells(self, entry: Entry, raw: Raw, columns: Sequence[str]) -> dict[str, Any]:
        """The cells of a source that was read, in some columns.

        Raises:
            SampleError: it cannot be used.
        """

    def open(self, entry: Entry, facts: str | None, raw: Raw) -> Opened:
        raise SampleError(entry.key, "texts are varied by their cells, and not opened")


@dataclass(frozen=True, slots=True, eq=False)
class TextRowReader(TextReader):
    """Reads rows of tables, which are in memory.

    Attributes:
        root: folder from which on the names of the tables count.
        rows: of the tables.
    """

    root: Path
    rows: TextRows

    def files(self, entry: Entry) -> tuple[Path, ...]:
        return ()

    def read(self, entry: Entry) -> Raw:
        data = self.rows.rows[entry.index].encode()
        return Raw(data, len(data), sha256(data).hexdigest(), None, {})

    def cells(self, entry: Entry, raw: Raw, columns: Sequence[str]) -> dict[str, Any]:
        return self.rows.cells(entry.index, columns)


@dataclass(frozen=True, slots=True, eq=False)
class TextFileReader(TextReader):
    """Reads text files below a folder."""

    root: Path

    def files(self, entry: Entry) -> tuple[Path, ...]:
        return (self.root / entry.name,)

    def read(self, entry: Entry) -> Raw:
        data = (self.root / entry.name).read_bytes()
        return Raw(data, len(data), sha256(data).hexdigest(), None, {})

    def cells(self, entry: Entry, raw: Raw, columns: Sequence[str]) -> dict[str, Any]:
        assert isinstance(raw.content, bytes)
        try:
            return {"text": raw.content.decode("utf-8-sig")}
        except UnicodeDecodeError as error:
            raise SampleError(entry.key, f"not UTF-8 text at byte {error.start:,}") from None


class TextLayout(PlainLayout, ABC):
    """How texts lie in an expansion.

    Attributes:
        in_rows: whether outputs are rows of tables.
        columns: of texts, and of what is marked in them.
    """

    __slots__ = ()
    kind: ClassVar[str]
    in_rows: ClassVar[bool]

    @property
    @abstractmethod
    def columns(self) -> tuple[TextColumn, ...]: ...

    def details(self) -> dict[str, str]:
        """What about the layout the outputs depend on."""
        return {"columns": canonical([asdict(column) for column in self.columns])}

    @abstractmethod
    def settings(self) -> dict[str, str]: ...

    @abstractmethod
    def content(self, raw: Raw, values: Mapping[str, Any]) -> bytes:
        """What an output with these new cells holds: its file, or its new cells as JSON.

        Raises:
            ValueError: it has no place for them.
        """


@dataclass(frozen=True, slots=True, eq=False)
class TextFileLayout(TextLayout):
    """Files under the same folders as their sources."""

    kind: ClassVar[str] = "text folder"
    in_rows: ClassVar[bool] = False

    @property
    def columns(self) -> tuple[TextColumn, ...]:
        return TEXT

    def settings(self) -> dict[str, str]:
        return {}

    @classmethod
    def restored(cls, settings: Mapping[str, str]) -> Self:
        return cls()

    def content(self, raw: Raw, values: Mapping[str, Any]) -> bytes:
        assert isinstance(raw.content, bytes)
        mark = codecs.BOM_UTF8 if raw.content.startswith(codecs.BOM_UTF8) else b""
        return mark + str(values["text"]).encode()


@dataclass(frozen=True, slots=True, eq=False)
class TextTableLayout(TextLayout):
    """Tables of the same names, with a row for each output: in the order of the sources, and then of the epochs.

    Attributes:
        tables: the tables.
        chosen: the columns of texts.
    """

    kind: ClassVar[str] = "text table"
    in_rows: ClassVar[bool] = True

    tables: tuple[TextTable, ...] = ()
    chosen: tuple[TextColumn, ...] = TEXT

    @property
    def columns(self) -> tuple[TextColumn, ...]:
        return self.chosen

    def settings(self) -> dict[str, str]:
        return {"tables": canonical([asdict(table) for table in self.tables]), **self.details()}

    @classmethod
    def restored(cls, settings: Mapping[str, str]) -> Self:
        tables = []
        for part in json.loads(settings["tables"]):
            head = TableHead(**{**part["head"], "columns": tuple(part["head"]["columns"])})
            tables.append(TextTable(part["name"], head))
        columns = tuple(
            TextColumn(part["name"], tuple((name, column) for name, column in part["fields"]), tuple(part["tags"]))
            for part in json.loads(settings["columns"])
        )
        return cls(tuple(tables), columns)

    def whole_names(self, splits: Sequence[str]) -> tuple[str, ...]:
        return tuple(table.name for table in self.tables)

    def whole(self, manifest: Manifest) -> Iterator[tuple[str, bytes]]:
        seeds = {hash: int(recipe.seed) for hash, recipe in manifest.recipes().items()}
        rows: dict[int, list[tuple[int, int, NewRow]]] = {}
        for output, source in manifest.outputs_with_sources():
            said = json.loads(source.annotations or "{}")
            row = _new_row(said["row"], output, seeds[output.recipe])
            order = -1 if output.epoch is None else output.epoch
            rows.setdefault(said["table"], []).append((said["at"], order, row))
        for number, table in enumerate(self.tables):
            if number in rows:
                listed = sorted(rows.pop(number), key=lambda placed: placed[:2])
                yield table.name, rows_bytes(table.head, [row for _, _, row in listed])

    def content(self, raw: Raw, values: Mapping[str, Any]) -> bytes:
        if any(table.head.form == "text" for table in self.tables) and "\n" in values.get("text", ""):
            raise ValueError("a variation has a line end in it, which a line of a text file cannot hold")
        return json.dumps(values).encode()


def _new_row(row: str, output: OutputRow, seed: int) -> NewRow:
    return NewRow(row, json.loads(output.labels or "{}"), str(output.key), output.epoch, seed)
