"""Files of an output folder: the lock, writing under a temporary name, links, removal."""

from __future__ import annotations

import contextlib
import errno
import itertools
import json
import os
import shutil
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from covary.data.folder import OWN_FOLDER
from covary.expand.errors import ExpandError

# Errors of the output's disk as a whole: no other file would fare better.
DISK_ERRORS = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO, errno.EFBIG})

_numbers = itertools.count()
# Number of this process, and its name among all processes on all machines; a fork gets a name of its own.
_process: list[Any] = [0, ""]
# Held while a folder is made for a file, and while empty folders are removed: threads do both.
_folders = threading.Lock()


@contextmanager
def locked(out: Path) -> Iterator[Path]:
    """Hold an output folder for one run; gives the folder for temporary files, which is empty.

    Raises:
        ExpandError: another run holds it.
    """
    own = out / OWN_FOLDER
    descriptor = _lock(out, own)
    try:
        temporary = own / "tmp"
        shutil.rmtree(temporary, ignore_errors=True)
        temporary.mkdir()
        try:
            yield temporary
        finally:
            shutil.rmtree(temporary, ignore_errors=True)
            # Readers of image folders would take a left-over folder for a class.
            with contextlib.suppress(OSError):
                (own / "lock").unlink()
                own.rmdir()
    finally:
        os.close(descriptor)


def _lock(out: Path, own: Path) -> int:
    """Open and lock the lock file, again while a run that ends removes it in between; returns its descriptor."""
    import fcntl

    for _ in range(100):
        try:
            own.mkdir(exist_ok=True)
            descriptor = os.open(own / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        except FileNotFoundError:
            continue
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if os.path.samestat(os.fstat(descriptor), (own / "lock").stat()):
                return descriptor
        except FileNotFoundError:
            pass
        except BlockingIOError:
            os.close(descriptor)
            break
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)
    raise ExpandError(f"{out}: another run is writing there; wait for it, or choose another output folder")


def is_locked(out: Path) -> bool:
    """Whether a run holds the output folder just now."""
    import fcntl

    try:
        descriptor = os.open(out / OWN_FOLDER / "lock", os.O_RDONLY)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def write_whole(path: Path, data: bytes) -> None:
    """Write a file and hand it to the operating system whole."""
    with path.open("wb") as file:
        file.write(data)


def _temporary(folder: Path) -> Path:
    # Workers may be processes, on several machines.
    if _process[0] != os.getpid():
        _process[:] = os.getpid(), os.urandom(8).hex()
    return folder / f"{_process[1]}-{next(_numbers)}"


def write_temporary(folder: Path, data: bytes) -> Path:
    """Write a file under a name of its own in the folder for temporary files."""
    path = _temporary(folder)
    write_whole(path, data)
    return path


def temporary_file(folder: Path) -> tuple[Path, IO[bytes]]:
    """A new file in the folder for temporary files, open for writing."""
    path = _temporary(folder)
    return path, path.open("wb")


def link_temporary(folder: Path, target: str) -> Path:
    """Make a symbolic link under a name of its own in the folder for temporary files."""
    path = _temporary(folder)
    path.symlink_to(target)
    return path


def place(temporary: Path, final: Path) -> None:
    """Give a finished file its name, replacing what is there."""
    try:
        temporary.replace(final)
    except FileNotFoundError:
        with _folders:
            _place_in_new_folder(temporary, final)


def _place_in_new_folder(temporary: Path, final: Path, attempts: int = 20) -> None:
    """The same, once the folder is there; again if another process removes it while it is empty."""
    try:
        final.parent.mkdir(parents=True, exist_ok=True)
        temporary.replace(final)
    except FileNotFoundError:
        if attempts == 1 or not os.path.lexists(temporary):
            raise
        _place_in_new_folder(temporary, final, attempts - 1)


def stamp_of(files: Sequence[Path]) -> str:
    """Size and modification time of each file, as JSON.

    Raises:
        OSError: a file cannot be looked at.
    """
    statuses = [path.stat() for path in files]
    return json.dumps([[status.st_size, status.st_mtime_ns] for status in statuses], separators=(",", ":"))


def link_target(source: Path, link: Path) -> str:
    """What a link has to hold to lead to the source: a relative path, so that both can be moved together."""
    return os.path.relpath(os.path.realpath(source), os.path.realpath(link.parent))


def remove(path: Path, root: Path) -> None:
    """Remove a file, and the folders above it below `root` that it leaves empty."""
    path.unlink(missing_ok=True)
    with _folders:
        for folder in path.parents:
            if folder == root:
                break
            try:
                folder.rmdir()
            except OSError:
                break
