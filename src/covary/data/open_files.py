"""Files that are read here and there: few of them open, each process with descriptors of its own."""

from __future__ import annotations

import errno
import os
import threading
from collections import OrderedDict

LIMIT = 32
"""How many files one `OpenFiles` holds open."""


class OpenFiles:
    """Reads pieces of files from any thread, in any process; a copy sent to another process opens its own.

    Args:
        limit: files held open; the one used longest ago is closed for the next.
    """

    def __init__(self, limit: int = LIMIT) -> None:
        self._limit = limit
        self._held = _Held()

    def read(self, path: str, file_size: int, offset: int, size: int) -> bytes:
        """A piece of a file.

        Args:
            path: of the file.
            file_size: how large it is to be; another size means that it is another file by now.
            offset: where the piece begins.
            size: bytes of it.

        Raises:
            OSError: the file cannot be read, or has changed.
        """
        if self._held.process != os.getpid():
            # After a fork: the parent's descriptors, and a lock that nobody here would release.
            self._held = _Held()
        file = self._held.file(path, file_size, self._limit)
        data = os.pread(file.descriptor, size, offset)
        while len(data) < size:  # a signal, or a network file system, may cut a read short
            more = os.pread(file.descriptor, size - len(data), offset + len(data))
            if not more:
                raise OSError(
                    errno.ESTALE, f"it ends at byte {offset + len(data):,}: it has changed since it was indexed", path
                )
            data += more
        return data

    def __reduce__(self) -> tuple[type[OpenFiles], tuple[int]]:
        return OpenFiles, (self._limit,)


class _File:
    """An open file. It is closed when the last thread that reads it has let go of it, and no earlier."""

    def __init__(self, path: str, size: int) -> None:
        self.descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        if os.fstat(self.descriptor).st_size != size:
            raise OSError(errno.ESTALE, "it has changed since it was indexed", path)

    def __del__(self) -> None:
        if hasattr(self, "descriptor"):
            os.close(self.descriptor)


class _Held:
    """The files that one process holds open, the one used last at the end."""

    def __init__(self) -> None:
        self.process = os.getpid()
        self._lock = threading.Lock()
        self._files: OrderedDict[str, _File] = OrderedDict()

    def file(self, path: str, size: int, limit: int) -> _File:
        with self._lock:
            file = self._files.get(path)
            if file is None:
                file = self._files[path] = _File(path, size)
                while len(self._files) > limit:
                    self._files.popitem(last=False)
            else:
                self._files.move_to_end(path)
            return file
