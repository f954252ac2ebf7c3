"""Tables of any columns: CSV, TSV, JSON lines and Parquet files, read whole."""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from covary.data.columns import Column, Jsons, column_of, numbers_in
from covary.data.instances import AnnotationError

TABLE_ENDINGS = frozenset((".csv", ".tsv", ".tab", ".jsonl", ".ndjson", ".json", ".manifest", ".parquet", ".pq"))

_LONGEST = 1 << 16  # characters of a first line that are looked at


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """The cells of a table.

    Attributes:
        files: the file, or several one after another, and how many rows each has.
        columns: the values of each column, by name: texts in a CSV, any JSON values elsewhere; None where a row has
            none.
        lines: number of the line (from 1 on) of each row; in a Parquet file of the row.
        plain: whether all cells are texts that may stand for numbers.
    """

    files: tuple[tuple[Path, int], ...]
    columns: dict[str, list[Any]]
    lines: Sequence[int]
    plain: bool

    def __len__(self) -> int:
        return len(self.lines)

    @property
    def path(self) -> Path:
        """The (first) file."""
        return self.files[0][0]

    def where(self, row: int) -> str:
        """What to call a row in messages: file and line."""
        first = 0
        for path, rows in self.files:
            if row < first + rows:
                return f"{path}, line {self.lines[row]}"
            first += rows
        raise IndexError(row)

    def column(self, name: str) -> Column:
        """The values of a column in flat arrays; texts of a CSV that are all numbers, or all JSON lists, as such."""
        values = self.columns[name]
        if self.plain:
            numbers = numbers_in(values)
            if numbers is not None:
                return numbers
            lists = _json_cells(values)
            if lists is not None:
                return lists
        return column_of(values)


def read_table(
    path: str | os.PathLike[str], *, delimiter: str | None = None, columns: Sequence[str] | None = None
) -> Table:
    """Read a table; what it is, its ending says.

    Args:
        path: a .csv, .tsv, .tab, .jsonl, .ndjson, .manifest (JSON lines), .json (a list of objects) or .parquet file.
        delimiter: what separates the cells of a CSV; by default the one of "," tab ";" "|" that its first line has most
            of.
        columns: names of the columns of a CSV without a first line that names them.

    Raises:
        AnnotationError: a row cannot be used; the message names file and line.
        OSError: it cannot be read.
    """
    where = Path(path)
    ending = where.suffix.lower()
    if ending in (".parquet", ".pq"):
        return _parquet(where)
    if ending == ".json":
        return _json(where)
    if ending in (".jsonl", ".ndjson", ".manifest"):
        return _from_objects(where, _json_lines(where))
    if ending in (".csv", ".tsv", ".tab"):
        return _csv(where, delimiter or ("\t" if ending in (".tsv", ".tab") else None), columns)
    raise AnnotationError(f"{where}: not a table; allowed are files ending in {', '.join(sorted(TABLE_ENDINGS))}")


def column_names(path: Path) -> list[str]:
    """The names of a table's columns, by its first line; none of a file that is no table."""
    try:
        if path.suffix.lower() in (".parquet", ".pq"):
            with pyarrow_parquet().ParquetFile(path) as file:
                return list(file.schema_arrow.names)
        with path.open(encoding="utf-8-sig") as text:
            first = text.readline(_LONGEST)
        if path.suffix.lower() in (".csv", ".tsv", ".tab"):
            delimiter = max(",\t;|", key=first.count)
            return [name.strip() for row in csv.reader([first], delimiter=delimiter) for name in row]
        row = json.loads(first)
    except (ValueError, csv.Error):
        return []
    # A COCO file of one line is no row of a table.
    return list(row) if isinstance(row, dict) and not {"images", "annotations"} <= set(row) else []


def joined(tables: Sequence[Table]) -> Table:
    """The rows of several tables, one after another.

    Raises:
        AnnotationError: there are none, or they have different columns.
    """
    if not tables:
        raise AnnotationError("no table given")
    first = tables[0]
    for other in tables[1:]:
        if set(other.columns) != set(first.columns):
            raise AnnotationError(
                f"{other.path}: columns {', '.join(other.columns)}, but {first.path} has {', '.join(first.columns)}"
            )
    if len(tables) == 1:
        return first
    return Table(
        tuple(file for table in tables for file in table.files),
        {name: [value for table in tables for value in table.columns[name]] for name in first.columns},
        [line for table in tables for line in table.lines],
        all(table.plain for table in tables),
    )


def _csv(path: Path, delimiter: str | None, columns: Sequence[str] | None) -> Table:
    # Texts may be longer than the module's own limit of 131,072 characters.
    csv.field_size_limit(max(csv.field_size_limit(), 2**31 - 1))
    cells: list[list[str]] = []
    lines: list[int] = []
    names = list(columns) if columns is not None else None
    line = 1
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            if delimiter is None:
                delimiter = max(",\t;|", key=file.readline().count)
                file.seek(0)
            reader = csv.reader(file, delimiter=delimiter, strict=True)
            for row in reader:
                line = reader.line_num
                if not row:
                    continue
                if names is None:
                    names = [name.strip() for name in row]
                    _check_names(names, f"{path}, line {line}")
                elif len(row) != len(names):
                    raise AnnotationError(f"{path}, line {line}: {len(row)} cells, but there are {len(names)} columns")
                else:
                    cells.append(row)
                    lines.append(line)
    except csv.Error as error:
        raise AnnotationError(f"{path}, line {reader.line_num}: {error}") from None
    except UnicodeDecodeError as error:
        raise AnnotationError(f"{path}, line {line} or behind it: not UTF-8 text: {error.reason}") from None
    values = zip(*cells, strict=True) if cells else ((),) * len(names or ())
    return Table(((path, len(lines)),), dict(zip(names or (), map(list, values), strict=True)), lines, plain=True)


def _check_names(names: Sequence[str], where: str) -> None:
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise AnnotationError(f"{where}: two columns are called {twice!r}")


def _json_lines(path: Path) -> Iterator[tuple[int, Any]]:
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            if number == 1:
                line = line.removeprefix(b"\xef\xbb\xbf")
            if line.strip():
                try:
                    yield number, json.loads(line)
                except ValueError as error:
                    raise AnnotationError(f"{path}, line {number}: not JSON: {error}") from None


def _json(path: Path) -> Table:
    """A list of objects, or lines of them: manifests are called .json, too."""
    text = path.read_text(encoding="utf-8-sig")
    if text.lstrip()[:1] == "{":
        return _from_objects(path, _json_lines(path))
    try:
        document = json.loads(text)
    except ValueError as error:
        raise AnnotationError(f"{path}: not a JSON file: {error}") from None
    if not isinstance(document, list):
        raise AnnotationError(f"{path}: not a table: its top level is no list of objects")
    return _from_objects(path, enumerate(document, 1))


def _from_objects(path: Path, rows: Iterable[tuple[int, Any]]) -> Table:
    columns: dict[str, list[Any]] = {}
    lines: list[int] = []
    for number, row in rows:
        if not isinstance(row, dict):
            raise AnnotationError(f"{path}, line {number}: a row is an object, got {row!r:.80}")
        for name, value in row.items():
            column = columns.get(name)
            if column is None:
                column = columns[name] = [None] * len(lines)
            column.append(value)
        lines.append(number)
        if len(row) < len(columns):
            for column in columns.values():
                if len(column) < len(lines):
                    column.append(None)
    return Table(((path, len(lines)),), columns, lines, plain=False)


def _parquet(path: Path) -> Table:
    parquet = pyarrow_parquet()
    try:
        table = parquet.read_table(path)
    except OSError:
        raise
    except Exception as error:  # pyarrow's errors have no base of their own but this
        raise AnnotationError(f"{path}: not a Parquet file that can be read: {error}") from None
    columns = {name: table.column(name).to_pylist() for name in table.column_names}
    return Table(((path, table.num_rows),), columns, range(1, table.num_rows + 1), plain=False)


def pyarrow_parquet() -> Any:
    """The module that reads Parquet files.

    Raises:
        ModuleNotFoundError: it is not installed; the message has the line that mends it.
    """
    try:
        import pyarrow.parquet
    except ModuleNotFoundError:
        raise ModuleNotFoundError("reading Parquet files needs pyarrow: pip install 'covary[parquet]'") from None
    return pyarrow.parquet


def _json_cells(cells: Sequence[str]) -> Jsons | None:
    """The lists and objects that a column of text cells holds; None where a cell is neither."""
    if not any(cells) or not all(cell[:1] in "[{" for cell in cells):
        return None
    try:
        return Jsons([json.loads(cell) if cell else None for cell in cells])
    except ValueError:
        return None
