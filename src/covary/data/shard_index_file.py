"""The index of shards kept in a file, for those who open millions of samples again and again."""

from __future__ import annotations

import json
import os
from array import array
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from covary.data.folder import Problem
from covary.data.shard_index import ShardIndex
from covary.data.shard_members import row_or_value
from covary.data.strings import Strings

_FORMAT = "covary shard index 1"
_ARRAYS = ("sizes", "first_samples", "first_members", "offsets", "lengths", "suffixes")


def stamp_of_shards(shards: Sequence[Path]) -> str:
    """Names, sizes and modification times of shards: an index of the same ones holds.

    Raises:
        OSError: a shard cannot be looked at.
    """
    statuses = [path.stat() for path in shards]
    entries = [[str(path), status.st_size, status.st_mtime_ns] for path, status in zip(shards, statuses, strict=True)]
    return json.dumps(entries)


def load_index(path: Path, stamp: str) -> ShardIndex | None:
    """The index that a file holds; None if there is none, or it is of other shards.

    Raises:
        ValueError: the file is no index.
    """
    if not path.exists():
        return None
    try:
        with np.load(path, allow_pickle=False) as file:
            said: dict[str, Any] = json.loads(file["said"].tobytes())
            if said["format"] != _FORMAT:
                raise ValueError(said["format"])
            if said["stamp"] != stamp:
                return None
            columns = {name: file[name] for name in _ARRAYS}
            return ShardIndex(
                **columns,
                keys=_keys_from(file["keys"], file["key_lengths"]),
                names=tuple(said["names"]),
                labels=None if said["labels"] is None else [row_or_value(label) for label in said["labels"]],
                categories=frozenset(said["categories"]),
                problems=tuple(Problem(*pair) for pair in said["problems"]),
            )
    except (ValueError, KeyError, TypeError, OSError) as error:
        raise ValueError(f"{path} is no index of shards: it is left as it is; name another file by index=") from error


def save_index(path: Path, index: ShardIndex, stamp: str) -> None:
    """Keep an index in a file, which is never there in part.

    Raises:
        OSError: the file cannot be written.
    """
    labels = None if index.labels is None else [np.asarray(each).tolist() for each in index.labels]
    said = {
        "format": _FORMAT,
        "stamp": stamp,
        "names": index.names,
        "labels": labels,
        "categories": sorted(index.categories, key=lambda each: (isinstance(each, str), each)),
        "problems": [[problem.name, problem.reason] for problem in index.problems],
    }
    columns: dict[str, Any] = {name: getattr(index, name) for name in _ARRAYS}
    columns["keys"], columns["key_lengths"] = _keys_to(index.keys)
    columns["said"] = np.frombuffer(json.dumps(said).encode(), np.uint8)
    unfinished = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with unfinished.open("wb") as file:
            np.savez(file, allow_pickle=False, **columns)
        unfinished.replace(path)
    except BaseException:
        unfinished.unlink(missing_ok=True)
        raise


def _keys_to(keys: Sequence[int | str]) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Keys as arrays: bytes and lengths of names, or numbers without lengths."""
    if not isinstance(keys, Strings):
        return np.array(keys, dtype=np.uint64), np.zeros(0, np.int64)
    parts = [os.fsencode(key) for key in keys]
    return np.frombuffer(b"".join(parts), np.uint8), np.array([len(part) for part in parts], dtype=np.int64)


def _keys_from(data: np.ndarray[Any, Any], lengths: np.ndarray[Any, Any]) -> Sequence[int | str]:
    if data.dtype == np.uint64:
        return array("Q", data.tolist())
    ends = np.cumsum(lengths).tolist()
    text = data.tobytes()
    return Strings(os.fsdecode(text[end - length : end]) for end, length in zip(ends, lengths.tolist(), strict=True))
