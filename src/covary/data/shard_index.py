"""The index of tar shards: where each member of each sample lies, in flat arrays; made by reading headers."""

from __future__ import annotations

import os
import re
from array import array
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from covary.data.folder import Problem
from covary.data.shard_members import (
    KEY_COLUMN,
    category_in,
    label_in,
    objects_in,
    parsed_json,
    parsed_label,
    role_of,
    row_or_value,
    split_name,
)
from covary.data.strings import Strings
from covary.data.tar import TarError, members
from covary.draws.keys import Key

_META = re.compile(r"__[^/]*__(/|$)")
_LARGEST_LABEL = 1 << 16


@dataclass(frozen=True, slots=True, eq=False)
class ShardIndex:
    """Where the members of the samples lie. S shards, N samples, M members.

    Attributes:
        sizes: (S,) int64: bytes of each shard.
        first_samples: (S + 1,) int64: the first sample of each shard, and N.
        keys: N keys, no two alike: strings, or numbers where the samples' JSON has them.
        first_members: (N + 1,) int64: the first member of each sample, and M.
        offsets, lengths: (M,) int64: where a member's content begins in its shard, and how long it is.
        suffixes: (M,) int32: number of a member's suffix.
        names: the suffixes.
        labels: N values: an int, a str or whatever else a sample has for a label; None where no sample has any.
        categories: numbers and names of the objects' categories that occur.
        problems: what could not be used.
    """

    sizes: NDArray[np.int64]
    first_samples: NDArray[np.int64]
    keys: Sequence[Key]
    first_members: NDArray[np.int64]
    offsets: NDArray[np.int64]
    lengths: NDArray[np.int64]
    suffixes: NDArray[np.int32]
    names: tuple[str, ...]
    labels: Sequence[Any] | None
    categories: frozenset[int | str]
    problems: tuple[Problem, ...]

    def shard_of(self, sample: int) -> int:
        """The shard in which a sample lies."""
        return int(np.searchsorted(self.first_samples, sample, side="right")) - 1


@dataclass(slots=True, eq=False)
class _Shard:
    """The samples of one shard while its headers are read: few objects for each sample, none for each member."""

    size: int
    keys: list[str] = field(default_factory=list)
    samples: array[int] = field(default_factory=lambda: array("q"))
    offsets: array[int] = field(default_factory=lambda: array("q"))
    lengths: array[int] = field(default_factory=lambda: array("q"))
    suffixes: array[int] = field(default_factory=lambda: array("i"))
    labels: dict[int, Any] = field(default_factory=dict)
    said_keys: dict[int, int | str] = field(default_factory=dict)
    categories: set[int | str] = field(default_factory=set)
    problems: list[str] = field(default_factory=list)


def index_shards(paths: Iterable[tuple[Path, Path]]) -> ShardIndex:
    """Read the headers of shards.

    Args:
        paths: of each shard its name, and where its uncompressed content lies.

    Raises:
        OSError: a shard cannot be read.
    """
    names: dict[str, int] = {}
    shards: list[_Shard] = []
    problems: list[Problem] = []
    shown: list[Path] = []
    for path, content in paths:
        shard = _read_shard(content, names)
        problems += [Problem(str(path), reason) for reason in shard.problems]
        shards.append(shard)
        shown.append(path)
    counts = [len(shard.keys) for shard in shards]
    first_samples = np.concatenate([[0], np.cumsum(counts, dtype=np.int64)]).astype(np.int64)
    order: list[NDArray[np.int64]] = []
    starts: list[NDArray[np.int64]] = [np.zeros(1, np.int64)]
    total = 0
    for path, shard, count in zip(shown, shards, counts, strict=True):
        belongs = np.frombuffer(shard.samples, np.int64)
        kept = _last_of_each(belongs, np.frombuffer(shard.suffixes, np.int32), len(names))
        if len(kept) < len(belongs):
            twice = f"{len(belongs) - len(kept):,} files come twice; the later one counts"
            problems.append(Problem(str(path), twice))
        order.append(kept)
        starts.append(total + np.cumsum(np.bincount(belongs[kept], minlength=count), dtype=np.int64))
        total += len(kept)

    def gathered(columns: Iterable[Any], dtype: Any) -> Any:
        parts = [np.frombuffer(column, dtype)[kept] for column, kept in zip(columns, order, strict=True)]
        return np.concatenate(parts) if parts else np.zeros(0, dtype)

    labelled = any(shard.labels for shard in shards)
    return ShardIndex(
        np.array([shard.size for shard in shards], dtype=np.int64),
        first_samples,
        _keys(shown, shards),
        np.concatenate(starts),
        gathered((shard.offsets for shard in shards), np.int64),
        gathered((shard.lengths for shard in shards), np.int64),
        gathered((shard.suffixes for shard in shards), np.int32),
        tuple(names),
        [shard.labels.get(row) for shard in shards for row in range(len(shard.keys))] if labelled else None,
        frozenset().union(*(shard.categories for shard in shards)),
        tuple(problems),
    )


def _last_of_each(samples: NDArray[np.int64], suffixes: NDArray[np.int32], count: int) -> NDArray[np.int64]:
    """The members in the order of their samples; of two with one name the later one, as unpacking would leave it."""
    order = np.argsort(samples, kind="stable")
    identity = samples * max(count, 1) + suffixes
    _, last = np.unique(identity[::-1], return_index=True)
    whole = np.zeros(len(samples), dtype=bool)
    whole[len(samples) - 1 - last] = True
    return order[whole[order]].astype(np.int64)


def _keys(paths: Sequence[Path], shards: Sequence[_Shard]) -> Sequence[Key]:
    """A key for each sample: its own, unless an earlier sample has it; then its shard's name stands before it."""
    numbers = [number for shard in shards for number in shard.said_keys.values() if isinstance(number, int)]
    if numbers and len(set(numbers)) == sum(len(shard.keys) for shard in shards):
        return array("Q", numbers)
    taken: set[str] = set()
    keys: list[str] = []
    for path, shard in zip(paths, shards, strict=True):
        for row, key in enumerate(shard.keys):
            wanted = free = str(shard.said_keys.get(row, key))
            number = 1
            while free in taken:
                free = f"{path.name}/{wanted}" if number == 1 else f"{path.name}#{number}/{wanted}"
                number += 1
            taken.add(free)
            keys.append(free)
    return Strings(keys)


def _read_shard(path: Path, names: dict[str, int]) -> _Shard:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        shard = _Shard(os.fstat(descriptor).st_size)
        rows: dict[str, int] = {}
        left_out: list[str] = []
        wanted_json: bool | None = None  # the first JSON of a shard tells whether the others need to be read
        try:
            for name, offset, length, reason in members(descriptor):
                key, suffix = split_name(name)
                if not key or _META.match(name):
                    continue
                if reason:
                    left_out.append(f"{name} is left out: {reason}")
                    continue
                row = rows.setdefault(key, len(rows))
                if row == len(shard.keys):
                    shard.keys.append(key)
                number = names.setdefault(suffix, len(names))
                shard.samples.append(row)
                shard.offsets.append(offset)
                shard.lengths.append(length)
                shard.suffixes.append(number)
                role = role_of(suffix)
                if role == "label" and length <= _LARGEST_LABEL:
                    shard.labels[row] = parsed_label(os.pread(descriptor, length, offset))
                elif role == "json" and wanted_json is not False:
                    found = _look_into(shard, row, os.pread(descriptor, length, offset))
                    wanted_json = found if wanted_json is None else wanted_json
        except TarError as error:
            shard.problems.append(str(error) + _drop_unfinished(shard))
        if left_out:
            shard.problems.append(left_out[0] + (f"; and {len(left_out) - 1:,} more" if len(left_out) > 1 else ""))
        return shard
    finally:
        os.close(descriptor)


def _look_into(shard: _Shard, row: int, data: bytes) -> bool:
    """Note what a sample's JSON says that the index needs; returns whether it says anything of the kind."""
    try:
        document = parsed_json(data)
    except ValueError:
        return True  # reading that sample will say what is wrong; the others may be right
    entries = objects_in(document)
    label = label_in(document)
    key = document.get(KEY_COLUMN) if isinstance(document, dict) else None
    if entries:
        shard.categories.update(category for entry in entries if (category := category_in(entry)) is not None)
    if label is not None:
        shard.labels.setdefault(row, row_or_value(label))
    if (isinstance(key, str) and key) or (type(key) is int and 0 <= key < 2**64):
        shard.said_keys[row] = key
    return entries is not None or label is not None or key is not None


def _drop_unfinished(shard: _Shard) -> str:
    """Drop the last sample of a shard that is cut off, if it lacks what the first one has; returns a word on it."""
    if not shard.keys:
        return ""
    belongs = np.frombuffer(shard.samples, np.int64)
    suffixes = np.frombuffer(shard.suffixes, np.int32)
    last = len(shard.keys) - 1
    has, needs = set(suffixes[belongs == last].tolist()), set(suffixes[belongs == 0].tolist())
    del belongs, suffixes  # an array with a view of it cannot be changed
    if needs <= has:
        return ""
    while shard.samples and shard.samples[-1] == last:
        for column in (shard.samples, shard.offsets, shard.lengths, shard.suffixes):
            column.pop()
    key = shard.keys.pop()
    for noted in (shard.labels, shard.said_keys):
        noted.pop(last, None)
    return f"; its last sample, {key}, is not whole and left out"
