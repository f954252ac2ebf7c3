"""Files that hold many outputs each: WebDataset shards and Parquet tables.

The bytes of a shard are a function of what is written into it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import IO, Any, ClassVar, Protocol, cast

import numpy as np

from covary.data.dataset import Encoded
from covary.data.encode import EXTENSIONS
from covary.data.instances import Category, Json
from covary.data.shard_members import KEY_COLUMN
from covary.data.shard_writing import ShardWriter, json_bytes
from covary.expand.errors import ExpandError

ROWS_AT_ONCE = 64
"""So many rows of a Parquet file make a row group."""


@dataclass(frozen=True, slots=True, eq=False)
class Content:
    """What a shard holds of one output.

    Attributes:
        name: of the picture in the shard, with its ending; in Parquet, the picture's path.
        picture: its file.
        label: number of its class; None where it has none.
        masks: name, ending and file of each of its masks.
        objects: its objects as COCO entries; None where nothing is annotated.
        columns: whatever else the data set says of it.
        source: name of its source.
        epoch: number of the variation; None for an original.
    """

    name: str
    picture: bytes
    label: int | None
    masks: Sequence[tuple[str, str, bytes]]
    objects: Sequence[Json] | None
    columns: Mapping[str, Any]
    source: str
    epoch: int | None


class Writing(Protocol):
    """A shard while it is written."""

    def add(self, content: Content) -> None: ...

    def close(self) -> None: ...


class Container(Protocol):
    """A kind of shard; it pickles and is never changed.

    Attributes:
        ending: of the names of its files.
    """

    ending: ClassVar[str]

    def writing(self, file: Measured) -> Writing:
        """Begin a shard in a file, which is left open."""
        ...


class Measured:
    """A file open for writing that measures what is written: its bytes and their SHA-256.

    Args:
        file: where it goes; None keeps nothing.
    """

    def __init__(self, file: IO[bytes] | None) -> None:
        self._file = file
        self._digest = sha256()
        self.bytes = 0
        self.closed = False

    def write(self, data: Any) -> int:
        view = memoryview(data).cast("B")
        self._digest.update(view)
        self.bytes += len(view)
        if self._file is not None:
            self._file.write(view)
        return len(view)

    def tell(self) -> int:
        return self.bytes

    def flush(self) -> None:
        if self._file is not None:
            self._file.flush()

    def close(self) -> None:
        self.closed = True

    def writable(self) -> bool:
        return True

    def readable(self) -> bool:
        return False

    def seekable(self) -> bool:
        return False

    @property
    def sha256(self) -> str:
        return self._digest.hexdigest()


@dataclass(frozen=True, slots=True)
class WebDatasetContainer:
    """Tar archives as the WebDataset library reads them: `cats/12__0.jpg`, `cats/12__0.cls`, `cats/12__0.json`."""

    ending: ClassVar[str] = ".tar"

    def writing(self, file: Measured) -> Writing:
        return _TarWriting(file)


class _TarWriting:
    def __init__(self, file: Measured) -> None:
        self._shard = ShardWriter(cast("IO[bytes]", file))

    def add(self, content: Content) -> None:
        stem, _, ending = content.name.rpartition(".")
        key = wanted = _without_dots(stem)
        number = 1
        while key in self._shard.keys:  # a.jpg and a.png
            key = f"{wanted}_{ending}" if number == 1 else f"{wanted}_{ending}_{number}"
            number += 1
        files: dict[str, Any] = {"__key__": key, ending.lower(): content.picture}
        if content.label is not None:
            files["cls"] = content.label
        for name, dot_ending, data in content.masks:
            files[name + dot_ending] = data
        columns: Json = {} if key == stem else {KEY_COLUMN: stem}
        if content.objects is not None:
            columns["objects"] = list(content.objects)
        for name, value in content.columns.items():
            _add_column(name, value, files, columns)
        if columns:
            files["json"] = json_bytes(columns)
        self._shard.add(files)

    def close(self) -> None:
        self._shard.close()


def _without_dots(name: str) -> str:
    """A key that a name in a shard can hold: what follows the first dot of a name's last part says what the file is."""
    folder, slash, last = name.rpartition("/")
    return f"{folder}{slash}{last.replace('.', '_')}"


def _add_column(name: str, value: Any, files: dict[str, Any], columns: Json) -> None:
    if isinstance(value, Encoded):
        dot_ending = "." + value.name.rpartition(".")[2].lower()
        files[name + (dot_ending if dot_ending in EXTENSIONS else ".bin")] = value.data
    elif isinstance(value, bytes):
        files[f"{name}.bin"] = value
    elif isinstance(value, np.ndarray) and value.ndim:
        files[f"{name}.npy"] = value
    else:
        columns[name] = value


@dataclass(frozen=True, slots=True)
class ParquetContainer:
    """Parquet tables as the Hugging Face libraries read them: a row for each output, pictures as structs of bytes.

    Attributes:
        classes: names of the classes.
        categories: kinds of objects.
        masks: names of the masks that samples may have.
        columns: for each of the other columns, the kind of its values: "int", "float", "bool", "str", or "json".
    """

    ending: ClassVar[str] = ".parquet"

    classes: tuple[str, ...] = ()
    categories: tuple[Category, ...] = ()
    masks: tuple[str, ...] = ()
    columns: Mapping[str, str] = field(default_factory=dict)

    def writing(self, file: Measured) -> Writing:
        return _TableWriting(self, file)

    def schema(self) -> Any:
        """The table's columns. The metadata tell the Hugging Face libraries which of them are pictures and classes."""
        pa = pyarrow()
        picture = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
        fields: list[tuple[str, Any]] = [("image", picture)]
        features: Json = {"image": {"_type": "Image"}}
        if self.classes:
            fields.append(("label", pa.int64()))
            features["label"] = {"names": list(self.classes), "_type": "ClassLabel"}
        for name in self.masks:
            fields.append((name, picture))
            features[name] = {"_type": "Image"}
        if self.categories:
            fields.append(("objects", pa.list_(pa.struct(_object_fields(pa)))))
            features["objects"] = [_object_features([category.name for category in self.categories])]
        for name, kind in {**self.columns, "source": "str", "epoch": "int"}.items():
            fields.append((name, _arrow_type(pa, kind)))
            features[name] = {"dtype": _ARROW_NAMES[kind], "_type": "Value"}
        metadata = {"huggingface": json.dumps({"info": {"features": features}})}
        return pa.schema(fields, metadata=metadata)


_ARROW_NAMES = {"int": "int64", "float": "float64", "bool": "bool", "str": "string", "json": "string"}


def _arrow_type(pa: Any, kind: str) -> Any:
    return {"int": pa.int64, "float": pa.float64, "bool": pa.bool_, "str": pa.string, "json": pa.string}[kind]()


def _object_fields(pa: Any) -> list[tuple[str, Any]]:
    return [
        ("category", pa.int64()),
        ("bbox", pa.list_(pa.float64())),
        ("area", pa.float64()),
        ("iscrowd", pa.bool_()),
        ("keypoints", pa.list_(pa.float64())),
        ("segmentation", pa.string()),
    ]


def _object_features(names: Sequence[str]) -> Json:
    numbers = {"feature": {"dtype": "float64", "_type": "Value"}, "_type": "Sequence"}
    return {
        "category": {"names": list(names), "_type": "ClassLabel"},
        "bbox": numbers,
        "area": {"dtype": "float64", "_type": "Value"},
        "iscrowd": {"dtype": "bool", "_type": "Value"},
        "keypoints": numbers,
        "segmentation": {"dtype": "string", "_type": "Value"},
    }


class _TableWriting:
    def __init__(self, container: ParquetContainer, file: Measured) -> None:
        pa = pyarrow()
        self._pa = pa
        self._container = container
        self._schema = container.schema()
        self._numbers = {category.id: number for number, category in enumerate(container.categories)}
        self._sink = pa.PythonFile(file, mode="w")
        # Pictures are compressed already; a second time costs time and gains nothing.
        self._writer = pa.parquet.ParquetWriter(self._sink, self._schema, compression="none", use_dictionary=False)
        self._rows: list[Json] = []

    def add(self, content: Content) -> None:
        row: Json = {"image": {"bytes": content.picture, "path": _readable(content.name)}, "label": content.label}
        for name, dot_ending, data in content.masks:
            row[name] = {"bytes": data, "path": _readable(content.name.rpartition(".")[0]) + dot_ending}
        if content.objects is not None:
            row["objects"] = [self._object(entry) for entry in content.objects]
        for name, kind in self._container.columns.items():
            row[name] = _cell(content.columns.get(name), kind)
        row |= {"source": _readable(content.source), "epoch": content.epoch}
        self._rows.append(row)
        if len(self._rows) == ROWS_AT_ONCE:
            self._flush()

    def _object(self, entry: Json) -> Json:
        region = entry.get("segmentation")
        return {
            "category": self._numbers[entry["category_id"]],
            "bbox": entry.get("bbox"),
            "area": entry.get("area"),
            "iscrowd": bool(entry.get("iscrowd", 0)),
            "keypoints": entry.get("keypoints"),
            "segmentation": None if region is None else json.dumps(region),
        }

    def _flush(self) -> None:
        if self._rows:
            self._writer.write_table(self._pa.Table.from_pylist(self._rows, schema=self._schema))
            self._rows = []

    def close(self) -> None:
        self._flush()
        self._writer.close()
        self._sink.close()


def _readable(name: str) -> str:
    """A name as text: bytes that are no UTF-8 are escaped."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def _cell(value: Any, kind: str) -> Any:
    if value is None or kind == "bool":
        return value
    if kind == "json":
        return json.dumps(value, default=_plain)
    if kind == "str":
        return _readable(str(value))
    number = float(value) if kind == "float" else int(value)
    if kind == "int" and not -(2**63) <= number < 2**63:
        raise ValueError(f"{value} is beyond the numbers of 64 bits")
    return number


def _plain(value: Any) -> Any:
    return value.tolist() if isinstance(value, np.ndarray | np.generic) else str(value)


def kind_of_values(value: Any) -> str:
    """How a Parquet table holds values like this one."""
    match value:
        case bool() | np.bool_():
            return "bool"
        case int() | np.integer():
            return "int"
        case float() | np.floating():
            return "float"
        case str():
            return "str"
        case _:
            return "json"


def pyarrow() -> Any:
    """The library that writes Parquet files.

    Raises:
        ExpandError: it is not installed; the message has the line that mends it.
    """
    try:
        import pyarrow as found
        import pyarrow.parquet
    except ModuleNotFoundError:
        raise ExpandError("writing Parquet files needs pyarrow: pip install 'covary[parquet]'") from None
    return found
