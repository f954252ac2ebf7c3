"""Rows of texts as an expansion keeps them: each as one text, from which its cells and new rows are made."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from covary.data.arrow_rows import features_of
from covary.data.text_columns import PROVENANCE
from covary.data.texts import TEXT_ENDINGS
from covary.expand.containers import pyarrow
from covary.expand.kinds.rows import TableHead, read_rows, table_bytes

_LINE, _END = "text", "end"


@dataclass(frozen=True, slots=True)
class NewRow:
    """An output.

    Attributes:
        row: its source's row, as `row_texts` gives it.
        values: the cells that are new.
        source: key of the source.
        epoch: that gave it; None for an original.
        seed: of the pipeline.
    """

    row: str
    values: Mapping[str, Any]
    source: str
    epoch: int | None
    seed: int

    @property
    def provenance(self) -> dict[str, Any]:
        """The cells of `PROVENANCE`."""
        return dict(zip(PROVENANCE, (self.source, self.epoch, None if self.epoch is None else self.seed), strict=True))


def row_texts(path: Path) -> tuple[TableHead, tuple[str, ...], list[str]]:
    """A table's head, its columns, and each of its rows as one text, from which nothing is lost."""
    ending = path.suffix.lower()
    if ending in (".parquet", ".pq"):
        return _parquet_texts(path)
    if ending in TEXT_ENDINGS:
        return TableHead("text", (_LINE,)), (_LINE,), [json.dumps(row) for row in _lines(path)]
    head, rows = read_rows(path)
    columns = head.columns or tuple(dict.fromkeys(name for row in rows for name in row))
    return head, columns, [json.dumps(row) for row in rows]


def _lines(path: Path) -> list[dict[str, str]]:
    """The lines of a text file that hold anything, each with its line end; the last one may take the first's."""
    *lines, last = path.read_bytes().decode("utf-8-sig").split("\n")
    if last and lines and lines[0].endswith("\r"):
        last += "\r"
    rows = []
    for line in [*lines, last]:
        text = line.removesuffix("\r")
        if text.strip():
            rows.append({_LINE: text, _END: line[len(text) :] + "\n"})
    return rows


def _parquet_texts(path: Path) -> tuple[TableHead, tuple[str, ...], list[str]]:
    pa = pyarrow()
    table = pa.parquet.read_table(path)
    head = TableHead("parquet", tuple(table.column_names), schema=_coded(table.schema.serialize()))
    plain = table.cast(_plain_schema(pa, table.schema)).combine_chunks()
    rows = []
    for at in range(table.num_rows):
        (batch,) = plain.slice(at, 1).to_batches()
        rows.append(_coded(batch.serialize()))
    return head, head.columns, rows


def tag_names(head: TableHead) -> dict[str, tuple[str, ...]]:
    """For columns of a Parquet table that hold numbers of classes what these are called, as `datasets` writes it."""
    if head.form != "parquet":
        return {}
    pa = pyarrow()
    named: dict[str, tuple[str, ...]] = {}
    for column, feature in features_of(_schema(pa, head)).items():
        inner = feature.get("feature", feature) if isinstance(feature, Mapping) else {}
        if isinstance(inner, Mapping) and isinstance(inner.get("names"), list):
            named[column] = tuple(map(str, inner["names"]))
    return named


def cells_of(head: TableHead, row: str, columns: Sequence[str]) -> dict[str, Any]:
    """The cells of a row in some columns."""
    if head.form == "parquet":
        pa = pyarrow()
        batch = _batch(pa, _plain_schema(pa, _schema(pa, head)), row)
        chosen: dict[str, Any] = batch.select(list(columns)).to_pylist()[0]
        return chosen
    cells = json.loads(row)
    return {name: cells[name] for name in columns if name in cells}


def rows_bytes(head: TableHead, rows: Sequence[NewRow]) -> bytes:
    """A table of new rows, in the form of the one that they come from; behind its columns those of `PROVENANCE`.

    A file of plain lines has no room for them.
    """
    match head.form:
        case "parquet":
            return _parquet_bytes(head, rows)
        case "text":
            cells = [{**json.loads(row.row), **row.values} for row in rows]
            return "".join(cell[_LINE] + cell[_END] for cell in cells).encode()
        case "csv":
            whole = replace(head, columns=(*head.columns, *PROVENANCE))
            return table_bytes(whole, [{**_all(row), **_filled(row.provenance)} for row in rows])
        case _:
            return table_bytes(head, [{**_all(row), **row.provenance} for row in rows])


def _all(row: NewRow) -> dict[str, Any]:
    return {**json.loads(row.row), **row.values}


def _filled(cells: Mapping[str, Any]) -> dict[str, Any]:
    return {name: "" if value is None else value for name, value in cells.items()}


def _parquet_bytes(head: TableHead, rows: Sequence[NewRow]) -> bytes:
    pa = pyarrow()
    schema = _schema(pa, head)
    plain = _plain_schema(pa, schema)
    places: dict[str, int] = {}
    chosen = [places.setdefault(row.row, len(places)) for row in rows]
    table = pa.Table.from_batches([_batch(pa, plain, text) for text in places], plain).take(chosen)
    for name in dict.fromkeys(name for row in rows for name in row.values):
        at = plain.get_field_index(name)
        old = table.column(name).to_pylist()
        values = [row.values.get(name, before) for row, before in zip(rows, old, strict=True)]
        table = table.set_column(at, plain.field(at), pa.array(values, plain.field(at).type))
    table = table.cast(schema)
    kinds = (pa.string(), pa.int64(), pa.uint64())
    for name, kind in zip(PROVENANCE, kinds, strict=True):
        table = table.append_column(name, pa.array([row.provenance[name] for row in rows], kind))
    file = io.BytesIO()
    pa.parquet.write_table(table, file)
    return file.getvalue()


def _batch(pa: Any, schema: Any, row: str) -> Any:
    return pa.ipc.read_record_batch(pa.py_buffer(base64.b64decode(row)), schema)


def _schema(pa: Any, head: TableHead) -> Any:
    return pa.ipc.read_schema(pa.py_buffer(base64.b64decode(head.schema)))


def _plain_schema(pa: Any, schema: Any) -> Any:
    """The same columns without dictionaries, which a row by itself does not hold."""
    fields = [
        field.with_type(field.type.value_type) if pa.types.is_dictionary(field.type) else field for field in schema
    ]
    return pa.schema(fields, schema.metadata)


def _coded(buffer: Any) -> str:
    return base64.b64encode(buffer.to_pybytes()).decode()
