"""Byte strings by number, in one file that threads and processes share: anonymous memory, or a pack on disk.

    header   magic, how many numbers, where the next entry goes, and what the file is for, as JSON
    index    for each number: offset, length and checksum of its entry; length 0 where there is none
    data     the entries, one behind the other

Entries are only ever added. One is believed when its checksum, over number, place and content, is right: a file that a
crash has torn loses entries, and never gives wrong ones.
"""

from __future__ import annotations

import contextlib
import errno
import json
import mmap
import os
import struct
import tempfile
import threading
import weakref
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

Piece: TypeAlias = bytes | memoryview

_MAGIC = b"covary\x00\x01"
_PAGE = 4096
_ALIGN = 64
_HEADER = struct.Struct("<8sqqq")  # magic, count, cursor, length of the JSON text
_CURSOR_AT = 16
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.ENOMEM)

# Short: only room is taken under it. One for all, as closing any descriptor of a file ends the process's file locks.
_lock = threading.RLock()


def _renew_lock() -> None:
    global _lock
    _lock = threading.RLock()


if hasattr(os, "register_at_fork"):  # another thread may have held it when this process was forked
    os.register_at_fork(after_in_child=_renew_lock)


class Arena:
    """Byte strings by number.

    The file goes with the object; entries that were handed out stay valid.

    Attributes:
        file: descriptor of the file; in a worker process it has the same number.
        path: of a pack on disk; None in memory.
    """

    def __init__(self, file: int, path: str | None, count: int, limit: int | None) -> None:
        self.file = file
        self.path = path
        self._count = count
        self._limit = limit
        self._start = _data_start(count)
        self._index_map = mmap.mmap(file, self._start)
        entries = np.frombuffer(self._index_map, np.int64, 3 * count, _PAGE).reshape(count, 3)
        self._offsets, self._lengths, self._checksums = entries.T
        self._cursor = np.frombuffer(self._index_map, np.int64, 1, _CURSOR_AT)
        self._believed = np.zeros(count, np.bool_)
        self._data: mmap.mmap | None = None
        self._is_full = False
        weakref.finalize(self, _close, file)

    @classmethod
    def in_memory(cls, count: int, limit: int) -> Arena:
        """An empty one in memory that no file system knows, for `limit` bytes of entries."""
        file = anonymous_file()
        os.ftruncate(file, _data_start(count) + limit)
        os.pwrite(file, _header(count, {}), 0)
        return cls(file, None, count, limit)

    @classmethod
    def on_disk(cls, path: str, count: int, purpose: dict[str, Any]) -> Arena:
        """The pack at a path, made if there is none.

        Args:
            path: of the file.
            count: how many numbers there are.
            purpose: what it is for: a pack for anything else is refused.

        Raises:
            ValueError: the file is no pack, or one for another purpose; the message says what differs.
            OSError: it cannot be made or opened.
        """
        if not Path(path).exists():
            _make(path, count, purpose)
        file = os.open(path, os.O_RDWR)
        try:
            _check(file, path, count, purpose)
        except BaseException:
            os.close(file)
            raise
        arena = cls(file, path, count, None)
        with arena._locked():
            ends = arena._offsets + arena._lengths
            arena._cursor[0] = max(int(arena._cursor[0]), arena._start, int(ends.max(initial=0)))
        return arena

    def __reduce__(self) -> tuple[Any, ...]:
        """For a worker process, to which the descriptor of one in memory is handed down."""
        return _reopened, (self.file, self.path, self._count, self._limit)

    def get(self, number: int) -> memoryview | None:
        """An entry, read-only and in place; None where there is none that can be believed."""
        length, offset = int(self._lengths[number]), int(self._offsets[number])
        if length <= 0:
            return None
        if self._data is None or offset + length > len(self._data):
            size = os.fstat(self.file).st_size
            if offset < self._start or offset + length > size:
                return None
            self._data = mmap.mmap(self.file, size, access=mmap.ACCESS_READ)
        entry = memoryview(self._data)[offset : offset + length]
        if not self._believed[number]:
            if self.path is not None and _checksum(number, offset, [entry]) != self._checksums[number]:
                return None
            self._believed[number] = True
        return entry

    def put(self, number: int, pieces: Sequence[Piece]) -> bool:
        """Add an entry, or put another one in its place; whether there was room for it."""
        length = sum(map(len, pieces))
        if self._is_full or not length:
            return False
        with self._locked():
            offset = -(-int(self._cursor[0]) // _ALIGN) * _ALIGN
            if self._limit is not None and offset + length > self._start + self._limit:
                return False
            self._cursor[0] = offset + length
        try:
            at = offset
            for piece in pieces:
                at += _write(self.file, piece, at)
        except OSError as error:
            if error.errno not in _FULL:
                raise
            self._is_full = True  # the disk; what is there stays of use
            return False
        checksum = _checksum(number, offset, pieces) if self.path is not None else 0
        with self._locked():
            self._lengths[number] = 0
            self._offsets[number], self._checksums[number] = offset, checksum
            self._lengths[number] = length
        self._believed[number] = True
        return True

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        """No other thread or process takes room meanwhile."""
        import fcntl

        with _lock:
            fcntl.lockf(self.file, fcntl.LOCK_EX, 1)
            try:
                yield
            finally:
                fcntl.lockf(self.file, fcntl.LOCK_UN, 1)


def anonymous_file() -> int:
    """A new file without a name, in memory where the system can do that; it is gone when nobody has it open."""
    if hasattr(os, "memfd_create"):
        return os.memfd_create("covary")
    with tempfile.TemporaryFile() as file:
        return os.dup(file.fileno())


def _close(file: int) -> None:
    with _lock:
        os.close(file)


def _reopened(file: int, path: str | None, count: int, limit: int | None) -> Arena:
    return Arena(file if path is None else os.open(path, os.O_RDWR), path, count, limit)


def _data_start(count: int) -> int:
    return -(-(_PAGE + 24 * count) // _PAGE) * _PAGE


def _header(count: int, purpose: dict[str, Any]) -> bytes:
    text = json.dumps(purpose, sort_keys=True).encode()
    if _HEADER.size + len(text) > _PAGE:
        raise ValueError(f"what a pack is for takes {len(text)} bytes, more than its header has")
    return _HEADER.pack(_MAGIC, count, _data_start(count), len(text)) + text


def _make(path: str, count: int, purpose: dict[str, Any]) -> None:
    """Write an empty pack under a name of its own, and give it its name when it is whole."""
    folder = Path(path).absolute().parent
    folder.mkdir(parents=True, exist_ok=True)
    file, temporary = tempfile.mkstemp(prefix=Path(path).name, suffix=".new", dir=folder)
    try:
        header = _header(count, purpose)
        _write(file, header + bytes(_data_start(count) - len(header)), 0)
        os.fsync(file)
        with contextlib.suppress(FileExistsError):  # another process was faster
            os.link(temporary, path)
    finally:
        os.close(file)
        Path(temporary).unlink()


def _check(file: int, path: str, count: int, purpose: dict[str, Any]) -> None:
    page = os.pread(file, _PAGE, 0)
    whole = len(page) == _PAGE and os.fstat(file).st_size >= _data_start(count)
    magic, found, _, length = _HEADER.unpack_from(page) if whole else (b"", 0, 0, 0)
    if magic != _MAGIC:
        raise ValueError(f"cache: {path} is no pack of covary, or a broken one; delete it or give another path")
    before = {**json.loads(page[_HEADER.size : _HEADER.size + length]), "count": found}
    wanted = {**purpose, "count": count}
    differing = [name for name in wanted if before.get(name) != wanted[name]]
    if differing:
        said = "; ".join(f"{name} was {before.get(name)!r}, is {wanted[name]!r}" for name in differing)
        raise ValueError(f"cache: {path} was made for other data or options ({said}); delete it or give another path")


def _checksum(number: int, offset: int, pieces: Sequence[Piece]) -> int:
    checksum = zlib.crc32(struct.pack("<qq", number, offset))
    for piece in pieces:
        checksum = zlib.crc32(piece, checksum)
    return checksum


def _write(file: int, data: Piece, at: int) -> int:
    view = memoryview(data)
    done = 0
    while done < len(view):
        done += os.pwrite(file, view[done:], at + done)
    return done
