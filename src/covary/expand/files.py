"""Files of an output folder: the lock, writing under a temporary name, links, removal."""

from __future__ import annotations

import contextlib
import errno
import itertools
import json
import os
import shutil
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from covary.data.folder import OWN_FOLDER
from covary.expand.errors import ExpandError

# Errors of the output's disk as a whole: no other file would fare better.
DISK_ERRORS = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO, errno.EFBIG})

_MERGE_TIME = 30.0
"""Seconds for which a share waits for another one's merge to end."""

_numbers = itertools.count()
# Number of this process, and its name among all processes on all machines; a fork gets a name of its own.
_process: list[Any] = [0, ""]
# Held while a folder is made for a file, and while empty folders are removed: threads do both.
_folders = threading.Lock()


@contextmanager
def locked(out: Path) -> Iterator[Path]:
    """Hold an output folder for one run; gives the folder for temporary files, which is empty.

    Raises:
        ExpandError: another run holds it, or a share of it.
    """
    own = out / OWN_FOLDER
    descriptor = _lock(own, out)
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


@contextmanager
def share_locked(out: Path, share: Path) -> Iterator[Path]:
    """Hold a share of an output folder for one run; others may hold other shares, but none the whole.

    Args:
        out: the output folder.
        share: folder of the share.

    Gives the folder for temporary files, which is empty.

    Raises:
        ExpandError: another run holds the whole or this share.
    """
    whole = _lock(out / OWN_FOLDER, out, shared=True, patience=_MERGE_TIME)
    try:
        share.mkdir(parents=True, exist_ok=True)
        descriptor = _lock(share, share)
        try:
            temporary = share / "tmp"
            shutil.rmtree(temporary, ignore_errors=True)
            temporary.mkdir()
            try:
                yield temporary
            finally:
                shutil.rmtree(temporary, ignore_errors=True)
        finally:
            os.close(descriptor)
    finally:
        os.close(whole)


def _lock(own: Path, what: Path, *, shared: bool = False, patience: float = 0.0) -> int:
    """Open and lock the lock file, again while a run that ends removes it in between; returns its descriptor.

    Only who holds it alone may remove it: a new file of its name would be another lock.

    Args:
        own: folder of the lock file.
        what: what is locked, as it is called in messages.
        shared: together with others that want it shared.
        patience: seconds to wait for who holds it.
    """
    import fcntl

    wanted = fcntl.LOCK_SH if shared else fcntl.LOCK_EX
    until = time.monotonic() + patience
    attempts = 0
    while attempts < 100:
        attempts += 1
        try:
            own.mkdir(exist_ok=True)
            descriptor = os.open(own / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        except FileNotFoundError:
            continue
        try:
            fcntl.flock(descriptor, wanted | fcntl.LOCK_NB)
            if os.path.samestat(os.fstat(descriptor), (own / "lock").stat()):
                return descriptor
        except FileNotFoundError:
            pass
        except BlockingIOError:
            if time.monotonic() >= until:
                os.close(descriptor)
                break
            attempts -= 1
            time.sleep(0.05)
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)
    raise ExpandError(f"{what}: another run is writing there; wait for it, or choose another output folder")


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
    with contextlib.suppress(NotADirectoryError):  # a row of a table, which has its table's name before its own
        path.unlink(missing_ok=True)
    with _folders:
        for folder in path.parents:
            if folder == root:
                break
            try:
                folder.rmdir()
            except OSError:
                break
