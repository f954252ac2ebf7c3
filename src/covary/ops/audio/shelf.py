"""Memory that several processes share without a file: what one of them has decoded, the others need not decode.

On Linux it is a file that has no name and lies in memory. Forked processes inherit it; a process that gets the shelf in
a pickle opens it by way of the process that wrote the pickle. What goes on a shelf is put there once, under a name, by
whoever needs it first; all others map the same pages. Elsewhere a shelf holds memory of its process, which forks share.
"""

from __future__ import annotations

import mmap
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any
from weakref import WeakSet, WeakValueDictionary, finalize

import numpy as np
from numpy.typing import NDArray

_NAME = 16  # bytes of a name, and of the token by which a shelf is known
_ENTRY = np.dtype([("name", f"S{2 * _NAME}"), ("start", "<i8"), ("size", "<i8")])
_HEAD = 4096  # bytes before the first thing: token, end of the last thing, entries


class Shelf:
    """Read-only arrays under names of 32 hexadecimal digits, shared with forks and with whoever gets this by pickle."""

    def __init__(self, file: int | None = None) -> None:
        """`file` is the descriptor of a shelf that another process has made."""
        self._own: dict[str, NDArray[np.float32]] = {}
        self._file = _made_file() if file is None else file
        self._lock = threading.Lock()
        _here.add(self)
        if self._file >= 0:
            _known[self._token()] = self
            # When the interpreter goes down, the system closes it.
            finalize(self, os.close, self._file).atexit = False

    def __reduce__(self) -> tuple[Any, ...]:
        return _opened, (os.getpid(), self._file, self._token())

    def array(self, name: str, count: int, fill: Callable[[NDArray[np.float32]], None]) -> NDArray[np.float32]:
        """The array of a name; made if there is none yet.

        Args:
            name: 32 hexadecimal digits, of the content.
            count: float32 values.
            fill: writes the content into the array that it is given.
        """
        if not count:
            return np.zeros(0, dtype=np.float32)
        with self._alone():
            known = self._own.get(name)
            if known is None:
                known = self._private(count, fill) if self._file < 0 else self._shared(name, count, fill)
                self._own[name] = known
            return known

    def _shared(self, name: str, count: int, fill: Callable[[NDArray[np.float32]], None]) -> NDArray[np.float32]:
        head = os.pread(self._file, _HEAD, 0)
        end = int.from_bytes(head[_NAME : _NAME + 8], "little")
        entries = np.frombuffer(head, _ENTRY, (_HEAD - _NAME - 8) // _ENTRY.itemsize, _NAME + 8)
        found = np.flatnonzero(entries["name"] == name.encode())
        if found.size:
            start, size = int(entries["start"][found[0]]), int(entries["size"][found[0]])
            if size == count * 4:
                return self._mapped(start, count)
        free = np.flatnonzero(entries["size"] == 0)
        if found.size or not free.size:
            return self._private(count, fill)
        try:
            os.ftruncate(self._file, end + count * 4)
            room = mmap.mmap(self._file, count * 4, offset=end)
        except OSError:
            return self._private(count, fill)
        fill(np.frombuffer(room, dtype=np.float32))
        # Only now does it count: who dies on the way leaves nothing behind.
        entry = np.array([(name.encode(), end, count * 4)], dtype=_ENTRY).tobytes()
        os.pwrite(self._file, entry, _NAME + 8 + int(free[0]) * _ENTRY.itemsize)
        step = mmap.ALLOCATIONGRANULARITY
        os.pwrite(self._file, (-(-(end + count * 4) // step) * step).to_bytes(8, "little"), _NAME)
        return self._mapped(end, count)

    def _mapped(self, start: int, count: int) -> NDArray[np.float32]:
        return np.frombuffer(mmap.mmap(self._file, count * 4, prot=mmap.PROT_READ, offset=start), dtype=np.float32)

    def _private(self, count: int, fill: Callable[[NDArray[np.float32]], None]) -> NDArray[np.float32]:
        made = np.frombuffer(mmap.mmap(-1, count * 4), dtype=np.float32)
        fill(made)
        made.flags.writeable = False
        return made

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """No other thread or process looks or puts meanwhile."""
        with self._lock:
            if self._file < 0:
                yield
                return
            import fcntl

            fcntl.lockf(self._file, fcntl.LOCK_EX)
            try:
                yield
            finally:
                fcntl.lockf(self._file, fcntl.LOCK_UN)

    def _token(self) -> bytes:
        return b"" if self._file < 0 else os.pread(self._file, _NAME, 0)


def _opened(process: int, file: int, token: bytes) -> Shelf:
    """The shelf of a process of this machine, or a new one where that process or shelf is gone."""
    # Never opened twice: closing one descriptor of a file gives up the locks that a process has by another.
    known = _known.get(token)
    if known is not None:
        return known
    if token:
        with suppress(OSError):
            there = os.open(f"/proc/{process}/fd/{file}", os.O_RDWR | os.O_CLOEXEC)
            if os.pread(there, _NAME, 0) == token:
                return Shelf(there)
            os.close(there)
    return Shelf()


def _made_file() -> int:
    """The descriptor of a new file in memory; -1 where there are no such files, or no more of them."""
    create = getattr(os, "memfd_create", None)
    if create is None:
        return -1
    try:
        file: int = create("covary-sounds", os.MFD_CLOEXEC)
    except OSError:
        return -1
    try:
        os.ftruncate(file, _HEAD)
        os.pwrite(file, os.urandom(_NAME) + _HEAD.to_bytes(8, "little"), 0)
    except OSError:
        os.close(file)
        return -1
    return file


_here: WeakSet[Shelf] = WeakSet()
_known: WeakValueDictionary[bytes, Shelf] = WeakValueDictionary()  # by token


def _renew_locks() -> None:
    for shelf in _here:
        shelf._lock = threading.Lock()


if hasattr(os, "register_at_fork"):  # another thread may have held one when this process was forked
    os.register_at_fork(after_in_child=_renew_locks)
