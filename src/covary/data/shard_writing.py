"""Writing tar shards: the same samples give the same bytes, always."""

from __future__ import annotations

import io
import json
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import IO, Any

import numpy as np

from covary.data.dataset import Encoded
from covary.data.shard_members import role_of
from covary.data.tar import TarWriter

INDEX_NAME = "index.json"
"""The file beside shards that names their classes, categories and splits."""


def write_shard(to: str | os.PathLike[str] | IO[bytes], samples: Iterable[Mapping[str, Any]]) -> int:
    """Write samples as a WebDataset shard.

    The archive's bytes depend on the samples alone: files carry no owner and the time 0, and those of one sample stand
    in the order of their names. A path is written under a temporary name and renamed: it is never there in part.

    Args:
        to: path of the shard, or a file open for writing.
        samples: for each a mapping with its name under `__key__` and its files under their suffixes ("jpg",
            "mask.png", "cls", "json" ...). Contents may be bytes or an `Encoded`; a str; a number for cls; an array for
            npy; plain data for json. Other names that begin with "__" are left out.

    Returns:
        How many samples there were.

    Raises:
        ValueError: a key that names cannot have (empty, with a dot in its last part, or there twice), or a content
            that its suffix cannot hold.
        OSError: the shard cannot be written.
    """
    if not isinstance(to, str | os.PathLike):
        return _write(to, samples)
    path = Path(to)
    unfinished = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with unfinished.open("wb") as file:
            count = _write(file, samples)
        unfinished.replace(path)
    except BaseException:
        unfinished.unlink(missing_ok=True)
        raise
    return count


def _write(file: IO[bytes], samples: Iterable[Mapping[str, Any]]) -> int:
    writer = ShardWriter(file)
    for sample in samples:
        writer.add(sample)
    writer.close()
    return len(writer.keys)


class ShardWriter:
    """A WebDataset shard while it is written, sample by sample, as `write_shard` writes it.

    Args:
        file: open for writing; it is left open.

    Attributes:
        keys: names of the samples so far.
    """

    def __init__(self, file: IO[bytes]) -> None:
        self._tar = TarWriter(file)
        self.keys: set[str] = set()

    def add(self, sample: Mapping[str, Any]) -> None:
        """Add a sample, as `write_shard` takes it.

        Raises:
            ValueError: a key that names cannot have, or a content that its suffix cannot hold.
        """
        key = _checked_key(sample.get("__key__"), self.keys)
        files = [(suffix, content(suffix, sample[suffix])) for suffix in sorted(sample) if not suffix.startswith("__")]
        self.keys.add(key)
        for suffix, data in files:
            self._tar.add(f"{key}.{suffix}", data)

    def close(self) -> None:
        """Write the end mark."""
        self._tar.close()


def _checked_key(key: Any, taken: set[str]) -> str:
    if not isinstance(key, str):
        raise ValueError(f"write_shard: a sample's __key__ is {key!r}; it takes a str")
    if key in taken:
        raise ValueError(f"write_shard: two samples have the key {key!r}")
    if "." in key.rpartition("/")[2] or not key.rpartition("/")[2] or key.startswith("/") or "\0" in key:
        raise ValueError(
            f"write_shard: the key {key!r} cannot be kept: what stands before the first dot of a file's name is its key"
        )
    return key


def content(suffix: str, value: Any) -> bytes:
    """The bytes of a file.

    Raises:
        ValueError: the suffix cannot hold such a value.
    """
    if isinstance(value, Encoded):
        return value.data
    if isinstance(value, bytes | bytearray | memoryview):
        return bytes(value)
    role = role_of(suffix)
    try:
        if role == "array":
            return _array(suffix, value)
        if role == "json":
            return json_bytes(value)
        if role in ("label", "number", "text") and isinstance(value, str | int | np.integer):
            return str(value).encode("utf-8", "surrogateescape")
        if role == "label":
            return json_bytes(np.asarray(value).tolist())
    except (TypeError, ValueError) as error:
        raise ValueError(f"write_shard: {suffix}: {error}") from None
    raise ValueError(f"write_shard: {suffix}: got a {type(value).__name__}; its encoded bytes are needed")


def _array(suffix: str, value: Any) -> bytes:
    file = io.BytesIO()
    if suffix.endswith("npz"):
        np.savez(file, allow_pickle=False, **value)
    else:
        np.save(file, np.asarray(value), allow_pickle=False)
    return file.getvalue()


def json_bytes(value: Any) -> bytes:
    """Plain data as JSON in one line, in the order that it has; NumPy's numbers and arrays count as plain."""
    try:
        return json.dumps(value, default=_plain, ensure_ascii=False).encode()
    except UnicodeEncodeError:  # a file name that is no valid UTF-8
        return json.dumps(value, default=_plain).encode()


def _plain(value: Any) -> Any:
    if isinstance(value, np.ndarray | np.generic):
        return value.tolist()
    raise TypeError(f"JSON cannot hold a {type(value).__name__}")
