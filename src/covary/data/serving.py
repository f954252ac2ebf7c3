"""What a worker process does: it takes orders from its parent and leaves the batches in shared memory."""

from __future__ import annotations

import contextlib
import mmap
import os
import pickle
import signal
import sys
import traceback
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.spawn import prepare
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from covary.data.produce import Producer

Place: TypeAlias = tuple[int, int]
"""Offset and length of a buffer in a shared file."""

_ALIGN = 64

preparing = False
"""Whether this is a worker that is just importing the parent's main module."""


@dataclass(frozen=True, slots=True)
class Setup:
    """The first message to a worker.

    Attributes:
        main: what a process needs to import the parent's main module; None where nothing in it is needed.
        file: descriptor of the shared file that holds the producer.
        plain: the producer's pickle.
        places: of the arrays that belong to it.
    """

    main: dict[str, Any] | None
    file: int
    plain: bytes
    places: list[Place]


@dataclass(frozen=True, slots=True)
class Result:
    """What comes back for an order.

    Attributes:
        plain: pickle of the batch, or of what went wrong.
        places: of its arrays in the slot that came with the order.
        failed: whether something went wrong.
    """

    plain: bytes
    places: list[Place]
    failed: bool = False


def pack(value: Any, file: int) -> tuple[bytes, list[Place]]:
    """The pickle of a value, its arrays written to a shared file."""
    buffers: list[pickle.PickleBuffer] = []
    plain = pickle.dumps(value, protocol=5, buffer_callback=buffers.append)
    places: list[Place] = []
    end = 0
    for buffer in buffers:
        view = buffer.raw()
        places.append((end, len(view)))
        at = 0
        while at < len(view):
            at += os.pwrite(file, view[at:], end + at)
        end = -(-(end + len(view)) // _ALIGN) * _ALIGN
    return plain, places


def span(places: list[Place]) -> int:
    """How many bytes of the file are in use."""
    return max((offset + length for offset, length in places), default=0)


def serve(connection_file: int) -> None:
    """Work until the parent is gone or has enough."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides what an interrupt means
    connection = Connection(connection_file)
    with contextlib.suppress(EOFError, OSError):
        producer = _set_up(connection)
        while producer is not None:
            order, slot = connection.recv()
            connection.send(_result(producer, order, slot))


def _set_up(connection: Connection) -> Producer | None:
    """The producer that the parent describes; None where it cannot be had, of which the parent is told."""
    setup: Setup = connection.recv()
    try:
        if setup.main is not None:
            _import_main(setup.main)
        # Private: pages are shared with all others until one writes.
        shared = memoryview(mmap.mmap(setup.file, max(1, span(setup.places)), access=mmap.ACCESS_COPY))
        views = [shared[offset : offset + length] for offset, length in setup.places]
        producer: Producer = pickle.loads(setup.plain, buffers=views)
    except Exception as error:
        connection.send(_failure(error))
        return None
    connection.send(None)
    return producer


def _import_main(main: dict[str, Any]) -> None:
    global preparing
    preparing = True
    try:
        prepare(main)
    finally:
        preparing = False


def _result(producer: Producer, order: Any, slot: int) -> Result:
    try:
        plain, places = pack(producer.make(order), slot)
    except Exception as error:
        return _failure(error)
    return Result(plain, places)


def _failure(error: Exception) -> Result:
    """An exception, with where it came from as a note."""
    where = "".join(traceback.format_exception(error))
    error.add_note(f"In worker process {os.getpid()}:\n{where}")
    try:
        plain = pickle.dumps(error)
        pickle.loads(plain)
    except Exception:  # one that does not survive the journey
        plain = pickle.dumps(RuntimeError(f"in worker process {os.getpid()}: {where}"))
    return Result(plain, [], failed=True)


def command(connection_file: int) -> list[str]:
    """The command that starts a worker, with the modules of this process within its reach."""
    import subprocess

    flags: list[str] = subprocess._args_from_interpreter_flags()  # type: ignore[attr-defined]
    path = [str(folder) for folder in sys.path]
    code = f"import sys; sys.path[:] = {path!r}; from covary.data.serving import serve; serve({connection_file})"
    return [sys.executable, *flags, "-c", code]
