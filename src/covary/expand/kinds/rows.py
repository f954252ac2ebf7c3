"""Tables cell by cell: the rows of a file as they stand in it, and files of such rows."""

from __future__ import annotations

import base64
import csv
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias

from covary.data.instances import Json
from covary.expand.containers import pyarrow

TableForm: TypeAlias = Literal["csv", "lines", "list", "parquet"]


@dataclass(frozen=True, slots=True)
class TableHead:
    """What a table is apart from its rows.

    Attributes:
        form: "csv"; "lines" of JSON; a "list" of JSON; "parquet".
        columns: their names, in order; () for JSON, where each row has its own.
        delimiter: what separates the cells of a CSV.
        schema: of a Parquet table, as text.
    """

    form: TableForm
    columns: tuple[str, ...] = ()
    delimiter: str = ","
    schema: str = ""


def read_rows(path: Path) -> tuple[TableHead, list[Json]]:
    """The rows of a table: texts of a CSV, values of JSON or Parquet as they are."""
    ending = path.suffix.lower()
    if ending in (".parquet", ".pq"):
        table = pyarrow().parquet.read_table(path)
        head = TableHead("parquet", tuple(table.column_names), schema=_text_of(table.schema.serialize()))
        return head, table.to_pylist()
    if ending in (".csv", ".tsv", ".tab"):
        return _csv_rows(path, ending)
    text = path.read_text(encoding="utf-8-sig")
    if ending == ".json" and text.lstrip()[:1] == "[":
        return TableHead("list"), json.loads(text)
    return TableHead("lines"), [json.loads(line) for line in text.splitlines() if line.strip()]


def _csv_rows(path: Path, ending: str) -> tuple[TableHead, list[Json]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        delimiter = max(",\t;|", key=file.readline().count) if ending == ".csv" else "\t"
        file.seek(0)
        lines = [row for row in csv.reader(file, delimiter=delimiter) if row]
    columns = tuple(name.strip() for name in lines[0])
    return TableHead("csv", columns, delimiter), [dict(zip(columns, row, strict=True)) for row in lines[1:]]


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
    if head.form == "csv":
        text = io.StringIO()
        writer = csv.writer(text, delimiter=head.delimiter, lineterminator="\n")
        writer.writerow(head.columns)
        writer.writerows([row[name] for name in head.columns] for row in rows)
        return text.getvalue().encode("utf-8", "surrogateescape")
    lines = [json.dumps(row, ensure_ascii=False) for row in rows]
    whole = "[\n" + ",\n".join(lines) + "\n]\n" if head.form == "list" else "".join(f"{line}\n" for line in lines)
    return whole.encode("utf-8", "surrogateescape")
