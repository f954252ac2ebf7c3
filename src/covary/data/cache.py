"""Samples kept from one epoch to the next, or from one run to the next: decoded, or as their files hold them."""

from __future__ import annotations

import io
import os
import pickle
import re
import struct
import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np

from covary.data.arena import Arena, Piece
from covary.data.dataset import Dataset
from covary.data.fetch import Row
from covary.data.state import digest_of_keys

_UNITS = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9, "t": 10**12, "ki": 2**10, "mi": 2**20, "gi": 2**30, "ti": 2**40}
_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*(|[kmgt]i?)b?", re.IGNORECASE)
_ALIGN = 64

# What the entries of a pack on disk may be made of: data. A pack that names anything else is not believed.
_KNOWN = {
    "covary.data.dataset": {"Encoded"},
    "covary.data.fetch": {"Row"},
    "covary.data.header": {"Header"},
    "covary.data.instances": {"Instance", "Objects"},
    "numpy": {"dtype", "ndarray"},
    "numpy._core.multiarray": {"_reconstruct", "scalar"},
    "numpy.core.multiarray": {"_reconstruct", "scalar"},
    "numpy._core.numeric": {"_frombuffer"},
    "numpy.core.numeric": {"_frombuffer"},
}


@dataclass(frozen=True, slots=True)
class CacheOptions:
    """What a user asks for.

    Attributes:
        decoded: whether pictures are kept decoded.
        limit: bytes in memory; None on disk.
        path: of the pack on disk; None in memory.
    """

    decoded: bool
    limit: int | None
    path: str | None


def parse_cache(text: str) -> CacheOptions:
    """Read "4GB", "encoded:500MB" or "disk:PATH".

    Raises:
        ValueError: it is none of these.
    """
    kind, colon, rest = text.partition(":") if isinstance(text, str) else ("", "", "")
    if kind == "disk" and rest:
        return CacheOptions(True, None, os.path.abspath(os.path.expanduser(rest)))  # noqa: PTH100, PTH111
    if not colon or kind == "encoded":
        limit = bytes_of(rest if colon else text)
        if limit is not None:
            return CacheOptions(not colon, limit, None)
    raise ValueError(f'Loader: cache is {text!r}; allowed: a size as "4GB", "encoded:4GB", or "disk:PATH"')


def bytes_of(text: str) -> int | None:
    """The number of bytes that "4GB", "500 MiB" or "1000" stands for; None where it stands for none."""
    size = _SIZE.fullmatch(text.strip()) if isinstance(text, str) else None
    return None if size is None else int(float(size[1]) * _UNITS[size[2].lower()])


def open_cache(options: CacheOptions, dataset: Dataset, *, side: int | None, channels: int | None) -> Cache:
    """The cache that a user asks for, for the samples of a data set.

    Args:
        options: what is asked for.
        dataset: the samples.
        side: to which pictures are halved at most; None keeps them whole.
        channels: of all pictures.

    Raises:
        ValueError: there is a pack at the path, but for other data or options; or the system cannot share memory.
        OSError: the pack cannot be made.
    """
    if os.name != "posix":
        raise ValueError("Loader: cache needs a POSIX system")
    count = len(dataset)
    if options.path is None:
        assert options.limit is not None
        return Cache(Arena.in_memory(count, options.limit), options.decoded)
    purpose = {"keys": digest_of_keys(dataset, np.arange(count)), "side": side, "channels": channels}
    return Cache(Arena.on_disk(options.path, count, purpose), decoded=True)


class Cache:
    """Rows by the number of their sample.

    Attributes:
        decoded: whether pictures are kept decoded.
        arena: holds the entries.
    """

    def __init__(self, arena: Arena, decoded: bool) -> None:
        self.decoded = decoded
        self.arena = arena
        self._checked: set[int] = set()
        self._complained = False

    def __reduce__(self) -> tuple[Any, ...]:
        return Cache, (self.arena, self.decoded)

    def get(self, index: int, variation: int) -> Row | None:
        """The row of a sample; None where it is not kept, or its file has changed since."""
        entry = self.arena.get(index)
        if entry is None:
            return None
        try:
            row = _unpacked(entry, trusted=self.arena.path is None)
        except (pickle.UnpicklingError, AttributeError, ImportError, IndexError, EOFError):
            return None
        if self.arena.path is not None and index not in self._checked:
            if row.stamp != stamp_of(row.name):
                return None
            self._checked.add(index)
        row.variation = variation
        return row

    def put(self, row: Row) -> None:
        """Keep a row, if there is room."""
        if self.arena.path is not None:
            row.stamp = stamp_of(row.name)
        pieces = _packed(row)
        if self.arena.path is not None and not self._is_plain(pieces):
            return
        if self.arena.put(row.index, pieces) and self.arena.path is not None:
            self._checked.add(row.index)

    def _is_plain(self, pieces: list[Piece]) -> bool:
        """Whether a later run will take an entry: packs hold plain data and arrays alone."""
        try:
            _unpacked(memoryview(b"".join(pieces)), trusted=False)
        except pickle.UnpicklingError as error:
            if not self._complained:
                self._complained = True
                warnings.warn(f"Loader: samples are not kept on disk: {error}", stacklevel=2)
            return False
        return True


def stamp_of(name: str) -> tuple[int, int] | None:
    """Size and time of a file, by which a change is noticed; None where the name is no file's."""
    try:
        status = os.stat(name)  # noqa: PTH116 - once per sample, and a name may be anything
    except (OSError, ValueError):
        return None
    return status.st_size, status.st_mtime_ns


class _PlainUnpickler(pickle.Unpickler):
    """Reads data and nothing that could act."""

    def find_class(self, module: str, name: str) -> Any:
        if name not in _KNOWN.get(module, ()):
            raise pickle.UnpicklingError(f"a field holds a {module}.{name}; plain data and arrays can be kept")
        return super().find_class(module, name)


def _packed(row: Row) -> list[Piece]:
    """A row as bytes: lengths, the pickle, and the arrays behind it, each at a multiple of 64."""
    buffers: list[pickle.PickleBuffer] = []
    plain = pickle.dumps(row, protocol=5, buffer_callback=buffers.append)
    raw = [buffer.raw() for buffer in buffers]
    head = struct.pack(f"<{len(raw) + 2}q", len(plain), len(raw), *(len(view) for view in raw)) + plain
    pieces: list[Piece] = [head, bytes(-len(head) % _ALIGN)]
    for view in raw:
        pieces += [view, bytes(-len(view) % _ALIGN)]
    return pieces


def _unpacked(entry: memoryview, trusted: bool) -> Row:
    """The row of an entry; its arrays lie in the entry and are read-only."""
    size, count = struct.unpack_from("<2q", entry)
    lengths = struct.unpack_from(f"<{count}q", entry, 16)
    start = 16 + 8 * count
    plain = entry[start : start + size]
    at = -(-(start + size) // _ALIGN) * _ALIGN
    buffers = []
    for length in lengths:
        buffers.append(entry[at : at + length])
        at += -(-length // _ALIGN) * _ALIGN
    if trusted:
        row: Row = pickle.loads(plain, buffers=buffers)
    else:
        row = _PlainUnpickler(io.BytesIO(plain), buffers=buffers).load()
    return row
