"""Compressed archives, unpacked once: what is compressed as a whole can only be read from its beginning."""

from __future__ import annotations

import bz2
import gzip
import lzma
import os
import shutil
import tempfile
import weakref
import zlib
from collections.abc import Callable, Iterator
from hashlib import blake2b
from pathlib import Path
from typing import Any, TypeAlias

_Opener: TypeAlias = Callable[[Path], Any]
_OPENERS: dict[bytes, _Opener] = {b"\x1f\x8b": gzip.open, b"BZh": bz2.open, b"\xfd7zXZ\0": lzma.open}
_ZSTANDARD = b"\x28\xb5\x2f\xfd"
_PIECE = 1 << 20


def opener_of(archive: Path) -> _Opener | None:
    """What opens a compressed archive, known by its content; None for one that is not compressed.

    Raises:
        ValueError: it is compressed in a way that cannot be read.
    """
    with archive.open("rb") as file:
        begin = file.read(8)
    if begin.startswith(_ZSTANDARD):
        raise ValueError(f"{archive}: compressed by Zstandard, which cannot be read; unpack it: zstd -d {archive}")
    return next((opener for mark, opener in _OPENERS.items() if begin.startswith(mark)), None)


class Unpacked:
    """Uncompressed copies of archives.

    A copy of this object that is sent to another process finds the copies of the first; on another machine it makes
    its own.

    Args:
        folder: where the copies are made, and stay. None makes a folder for temporary files of this process, which is
            removed when the object goes or the process ends.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder
        self._others: tuple[Path, ...] = ()

    def of(self, archive: Path) -> Path:
        """The archive itself if it is not compressed, else its copy, made if there is none yet.

        Of an archive that is cut off or broken, the copy has what could be read.

        Raises:
            OSError: the archive cannot be read, or the disk has no room for the copy.
        """
        opener = opener_of(archive)
        if opener is None:
            return archive
        status = archive.stat()
        identity = f"{os.path.realpath(archive)}\0{status.st_size}\0{status.st_mtime_ns}"
        name = f"{archive.name.partition('.')[0]}-{blake2b(os.fsencode(identity), digest_size=8).hexdigest()}.tar"
        for folder in self._others:
            if (folder / name).exists():
                return folder / name
        copy = self._own_folder() / name
        if not copy.exists():
            _unpack(archive, opener, copy)
        return copy

    def _own_folder(self) -> Path:
        if self._folder is None:
            self._folder = Path(tempfile.mkdtemp(prefix="covary-"))
            weakref.finalize(self, _remove, self._folder, os.getpid())
        self._folder.mkdir(parents=True, exist_ok=True)
        return self._folder

    def __reduce__(self) -> tuple[Any, ...]:
        folders = self._others if self._folder is None else (self._folder, *self._others)
        return _elsewhere, (folders,)


def _elsewhere(folders: tuple[Path, ...]) -> Unpacked:
    unpacked = Unpacked()
    unpacked._others = folders
    return unpacked


def _remove(folder: Path, process: int) -> None:
    if os.getpid() == process:  # a fork has the object too, but the copies are its parent's
        shutil.rmtree(folder, ignore_errors=True)


def _pieces(source: Any) -> Iterator[bytes]:
    """What a compressed file holds; of a broken one what came before. The archive's headers will show where it ends."""
    try:
        while piece := source.read1(_PIECE):
            yield piece
    except (EOFError, zlib.error, lzma.LZMAError):
        return
    except OSError as error:
        if error.errno is not None:  # a broken stream has no number, a broken disk has
            raise


def _unpack(archive: Path, opener: _Opener, copy: Path) -> None:
    descriptor, unfinished = tempfile.mkstemp(dir=copy.parent, prefix="." + copy.name)
    try:
        with os.fdopen(descriptor, "wb") as to, opener(archive) as source:
            for piece in _pieces(source):
                to.write(piece)
        Path(unfinished).replace(copy)
    except OSError as error:
        Path(unfinished).unlink(missing_ok=True)
        said = f"{error.strerror or error}; {archive} is unpacked there: name a folder with more room by unpack="
        raise OSError(error.errno, said, str(copy.parent)) from error
    except BaseException:
        Path(unfinished).unlink(missing_ok=True)
        raise
