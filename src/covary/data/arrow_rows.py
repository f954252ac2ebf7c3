"""Rows of Arrow tables: of Parquet files, read a row group at a time, and of Hugging Face data sets."""

from __future__ import annotations

import json
import os
import threading
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from covary.data.indexed import absolute
from covary.data.instances import AnnotationError
from covary.data.strings import Strings
from covary.data.table_files import pyarrow_parquet


class ArrowRows(Protocol):
    """Rows by number.

    Attributes:
        schema: names and types of the columns (pyarrow.Schema).
        parts: name and number of rows of each file or data set that they come from.
    """

    schema: Any
    parts: Sequence[tuple[str, int]]

    def row(self, index: int) -> dict[str, Any]:
        """The values of a row in Python's own types."""
        ...

    def column(self, name: str) -> list[Any]:
        """The values of a column, all rows."""
        ...


def features_of(schema: Any) -> dict[str, Any]:
    """What the schema's metadata says of the columns in Hugging Face's words; nothing where it says nothing."""
    try:
        text = (schema.metadata or {}).get(b"huggingface", b"{}")
        features = json.loads(text).get("info", {}).get("features", {})
    except (ValueError, AttributeError):
        return {}
    return features if isinstance(features, dict) else {}


class ParquetRows:
    """The rows of Parquet files with the same columns.

    A row group is read as a whole, when the first of its rows is asked for, and kept until others take its place.

    Args:
        paths: the files.
        cache: how many bytes of row groups are kept; the last one is always.

    Raises:
        AnnotationError: a file is no Parquet file, or has other columns than the first.
        ModuleNotFoundError: pyarrow is not installed.
        OSError: a file cannot be read.
    """

    def __init__(self, paths: Sequence[str | os.PathLike[str]], *, cache: int = 256_000_000) -> None:
        parquet = pyarrow_parquet()
        files: list[int] = []
        numbers: list[int] = []
        rows: list[int] = []
        parts: list[tuple[str, int]] = []
        self.schema: Any = None
        for at, path in enumerate(paths):
            metadata, schema = _footer(parquet, Path(path))
            if self.schema is None:
                self.schema = schema
            elif schema.names != self.schema.names:
                raise AnnotationError(
                    f"{path}: columns {', '.join(schema.names)}, but {paths[0]} has {', '.join(self.schema.names)}"
                )
            files += [at] * metadata.num_row_groups
            numbers += range(metadata.num_row_groups)
            rows += [metadata.row_group(number).num_rows for number in range(metadata.num_row_groups)]
            parts.append((os.fspath(path), metadata.num_rows))
        self.parts: Sequence[tuple[str, int]] = tuple(parts)
        self._paths = Strings(absolute(path) for path in paths)
        self._files: NDArray[np.int64] = np.array(files, dtype=np.int64)
        self._numbers: NDArray[np.int64] = np.array(numbers, dtype=np.int64)
        self._ends: NDArray[np.int64] = np.cumsum(rows, dtype=np.int64)
        self._cache = cache
        self._begin()

    def _begin(self) -> None:
        """Nothing read yet. A fork begins anew: a lock that another thread held there would stay held for ever."""
        self._process = os.getpid()
        self._lock = threading.Lock()
        self._groups: OrderedDict[int, Future[Any]] = OrderedDict()

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name not in ("_process", "_lock", "_groups")}

    def __setstate__(self, state: Mapping[str, Any]) -> None:
        self.__dict__.update(state)
        self._begin()

    def row(self, index: int) -> dict[str, Any]:
        group = int(np.searchsorted(self._ends, index, side="right"))
        first = int(self._ends[group - 1]) if group else 0
        row: dict[str, Any] = self._group(group).slice(index - first, 1).to_pylist()[0]
        return row

    def column(self, name: str) -> list[Any]:
        parquet = pyarrow_parquet()
        tables = (parquet.read_table(path, columns=[name]) for path in self._paths)
        return [value for table in tables for value in table.column(name).to_pylist()]

    def _group(self, group: int) -> Any:
        if os.getpid() != self._process:
            self._begin()
        with self._lock:
            found = self._groups.get(group)
            if found is not None:
                self._groups.move_to_end(group)
            else:
                promise: Future[Any] = Future()
                self._groups[group] = promise
        if found is not None:
            return found.result()
        try:
            table = self._read(group)
        except BaseException as error:
            with self._lock:
                self._groups.pop(group, None)
            promise.set_exception(error)
            raise
        promise.set_result(table)
        with self._lock:
            self._forget()
        return table

    def _read(self, group: int) -> Any:
        path = self._paths[int(self._files[group])]
        number = int(self._numbers[group])
        try:
            with pyarrow_parquet().ParquetFile(path) as file:
                return file.read_row_group(number, use_threads=False)
        except FileNotFoundError:
            raise
        except OSError as error:
            raise OSError(f"{path}: row group {number} cannot be read: {error}") from None
        except Exception as error:  # pyarrow's errors have no base of their own but this
            raise ValueError(f"{path}: row group {number} cannot be read: {error}") from None

    def _forget(self) -> None:
        """Drop the row groups that were not asked for longest, as far as there are too many bytes."""
        sizes = {group: promise.result().nbytes for group, promise in self._groups.items() if _is_there(promise)}
        total = sum(sizes.values())
        for group, size in list(sizes.items())[:-1]:
            if total <= self._cache:
                return
            del self._groups[group]
            total -= size


def _is_there(promise: Future[Any]) -> bool:
    return promise.done() and promise.exception() is None


def _footer(parquet: Any, path: Path) -> tuple[Any, Any]:
    path.open("rb").close()  # says what is wrong with a path in the words of the system
    try:
        with parquet.ParquetFile(path) as file:
            return file.metadata, file.schema_arrow
    except Exception as error:  # pyarrow's errors have no base of their own but this
        raise AnnotationError(f"{path}: not a Parquet file that can be read: {error}") from None


class DatasetsRows:
    """The rows of data sets of the library `datasets`, one after another.

    Args:
        parts: data sets (`datasets.Dataset`) with the same columns, by name.

    Raises:
        ValueError: they have different columns.
    """

    def __init__(self, parts: Mapping[str, Any]) -> None:
        first, *others = parts.values()
        for other in others:
            if other.features != first.features:
                raise ValueError("the parts of the data set have different columns; give one of them")
        self.schema: Any = first.features.arrow_schema
        self.parts: Sequence[tuple[str, int]] = tuple((name, len(part)) for name, part in parts.items())
        self._parts = [part.with_format("arrow") for part in parts.values()]
        self._ends: NDArray[np.int64] = np.cumsum([len(part) for part in self._parts], dtype=np.int64)

    def row(self, index: int) -> dict[str, Any]:
        part = int(np.searchsorted(self._ends, index, side="right"))
        first = int(self._ends[part - 1]) if part else 0
        row: dict[str, Any] = self._parts[part][index - first].to_pylist()[0]
        return row

    def column(self, name: str) -> list[Any]:
        tables = (part.select_columns([name])[:] for part in self._parts)
        return [value for table in tables for value in table.column(name).to_pylist()]
