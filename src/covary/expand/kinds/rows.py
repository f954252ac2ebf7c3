"""Tables cell by cell: the rows of a file as they stand in it, and files of such rows."""

from __future__ import annotations

import base64
import codecs
import csv
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias

from covary.data.instances import Json
from covary.expand.containers import pyarrow

TableForm: TypeAlias = Literal["csv", "lines", "list", "parquet", "text"]


@dataclass(frozen=True, slots=True)
class TableHead:
    """What a table is apart from its rows.

    Attributes:
        form: "csv"; "lines" of JSON; a "list" of JSON; "parquet"; "text": plain lines.
        columns: their names, in order; () for JSON, where each row has its own.
        delimiter: what separates the cells of a CSV.
        schema: of a Parquet table, as text.
        newline: how its lines end.
        mark: whether it begins with a byte order mark.
    """

    form: TableForm
    columns: tuple[str, ...] = ()
    delimiter: str = ","
    schema: str = ""
    newline: str = "\n"
    mark: bool = False


def read_rows(path: Path) -> tuple[TableHead, list[Json]]:
    """The rows of a table: texts of a CSV, values of JSON or Parquet as they are."""
    ending = path.suffix.lower()
    if ending in (".parquet", ".pq"):
        table = pyarrow().parquet.read_table(path)
        head = TableHead("parquet", tuple(table.column_names), schema=_text_of(table.schema.serialize()))
        return head, table.to_pylist()
    if ending in (".csv", ".tsv", ".tab"):
        return _csv_rows(path, ending)
    data = path.read_bytes()
    text = data.decode("utf-8-sig")
    if ending == ".json" and text.lstrip()[:1] == "[":
        return TableHead("list", mark=_has_mark(data)), json.loads(text)
    # Texts may hold what else ends a line for Python (U+2028); in JSON lines a line feed does.
    lines = [json.loads(line) for line in text.split("\n") if line.strip()]
    return TableHead("lines", newline=_newline(text), mark=_has_mark(data)), lines


def _csv_rows(path: Path, ending: str) -> tuple[TableHead, list[Json]]:
    data = path.read_bytes()
    text = data.decode("utf-8-sig")
    first = text[: text.find("\n") + 1] or text
    delimiter = max(",\t;|", key=first.count) if ending == ".csv" else "\t"
    lines = [row for row in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter) if row]
    columns = tuple(name.strip() for name in lines[0])
    head = TableHead("csv", columns, delimiter, newline=_newline(text), mark=_has_mark(data))
    return head, [dict(zip(columns, row, strict=True)) for row in lines[1:]]


def _newline(text: str) -> str:
    """How the first line of a text ends."""
    end = text.find("\n")
    return "\r\n" if end > 0 and text[end - 1] == "\r" else "\n"


def _has_mark(data: bytes) -> bool:
    return data.startswith(codecs.BOM_UTF8)


def row_text(head: TableHead, row: Mapping[str, Any]) -> str:
    """A row as text, from which `row_of` gives it back; equal for equal rows."""
    if head.form != "parquet":
        return json.dumps(row)
    pa = pyarrow()
    batch = pa.RecordBatch.from_pylist([row], schema=_schema_of(pa, head))
    return _text_of(batch.serialize())


def row_of(head: TableHead, text: str) -> Json:
    """The row that a text stands for."""
    if head.form != "parquet":
        row: Json = json.loads(text)
        return row
    pa = pyarrow()
    batch = pa.ipc.read_record_batch(pa.py_buffer(base64.b64decode(text)), _schema_of(pa, head))
    first: Json = batch.to_pylist()[0]
    return first


def _text_of(buffer: Any) -> str:
    return base64.b64encode(buffer.to_pybytes()).decode()


def _schema_of(pa: Any, head: TableHead) -> Any:
    return pa.ipc.read_schema(pa.py_buffer(base64.b64decode(head.schema)))


def table_bytes(head: TableHead, rows: Sequence[Mapping[str, Any]]) -> bytes:
    """A file of rows."""
    if head.form == "parquet":
        pa = pyarrow()
        file = io.BytesIO()
        pa.parquet.write_table(pa.Table.from_pylist(list(rows), schema=_schema_of(pa, head)), file)
        return file.getvalue()
    mark = codecs.BOM_UTF8 if head.mark else b""
    if head.form == "csv":
        listed = [head.columns, *([row[name] for name in head.columns] for row in rows)]
        return mark + "".join(_csv_line(head, cells) for cells in listed).encode("utf-8", "surrogateescape")
    lines = [_json_line(row) for row in rows]
    end = head.newline.encode()
    if head.form == "list":
        return mark + b"[\n" + b",\n".join(lines) + b"\n]\n"
    return mark + b"".join(line + end for line in lines)


def _csv_line(head: TableHead, cells: Sequence[Any]) -> str:
    """A row of a CSV: a cell with any kind of line end in it is quoted, however the file's own lines end."""
    line = io.StringIO()
    csv.writer(line, delimiter=head.delimiter, lineterminator="\r\n").writerow(cells)
    return line.getvalue().removesuffix("\r\n") + head.newline


def _json_line(row: Mapping[str, Any]) -> bytes:
    try:
        return json.dumps(row, ensure_ascii=False).encode()
    except UnicodeEncodeError:  # a half of a surrogate pair, which JSON can say and UTF-8 cannot
        return json.dumps(row).encode()
