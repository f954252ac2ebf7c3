"""Worker processes: each is driven by a thread of its own, and leaves its batches in memory that both share.

A worker is a fresh interpreter, never a fork: it starts with the modules that it needs and no others, and does not run
the main module again unless the data set or an operation is defined there. The index of the data set goes into shared
memory once. A batch lies in a slot, a file without a name in memory, on which the consumer's arrays stand; the slot is
used again when the last of them is gone.
"""

from __future__ import annotations

import contextlib
import mmap
import os
import pickle
import signal
import subprocess
import threading
import weakref
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from multiprocessing.spawn import get_preparation_data
from queue import SimpleQueue
from typing import Any

import numpy as np

from covary.data import serving
from covary.data.arena import anonymous_file
from covary.data.made import Made
from covary.data.produce import Producer
from covary.data.schedule import Order
from covary.render.buffers import Empty, empty

# Batches that a consumer may hold beyond those made ahead, before they are copied out of their slots.
HELD = 8

# Whoever starts so many processes wants each to keep to one core.
ONE_CORE = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "OPENCV_FOR_THREADS_NUM": "1"}


class WorkerDied(RuntimeError):  # noqa: N818
    """A worker process has ended while it was making a batch."""


class CannotSend(TypeError):  # noqa: N818
    """What makes the batches does not go into another process."""


class Processes:
    """Worker processes that make batches.

    Args:
        count: how many.
        producer: makes the batches.
        ahead: how many batches will be ordered before the first is asked for.
        may_import_main: whether workers may import the main module where the data set or an operation is defined there.

    Raises:
        CannotSend: the producer does not go into another process.
    """

    def __init__(self, count: int, producer: Producer, ahead: int, *, may_import_main: bool = True) -> None:
        if os.name != "posix":
            raise ValueError('Loader: worker_type="process" needs a POSIX system; use "thread"')
        if serving.preparing:
            raise RuntimeError(
                "Loader: the main module starts a loader while a worker process imports it; "
                'put what it does under if __name__ == "__main__":'
            )
        self._home = os.getpid()
        self._pool = ThreadPoolExecutor(count, thread_name_prefix="covary-loader")
        self._shared = Slot()  # for what all workers need
        self._slots = [Slot() for _ in range(count + ahead + HELD)]
        self._free: SimpleQueue[Slot | None] = SimpleQueue()
        for slot in self._slots:
            self._free.put(slot)
        self._cache = producer.cache  # its file is handed down, too
        files = [self._shared.file, *(slot.file for slot in self._slots)]
        if self._cache is not None:
            files.append(self._cache.arena.file)
        # Workers leave their batches in memory that is shared; if they are to stand elsewhere, they are copied here.
        self._new = None if producer.new is empty else producer.new
        plain, places = _pickled(replace(producer, new=empty), self._shared.file)
        main = _main_module(may_import_main) if b"__main__" in plain else None
        setup = serving.Setup(main, self._shared.file, plain, places)
        self._idle: SimpleQueue[Process | None] = SimpleQueue()
        self._processes = [Process(setup, files) for _ in range(count)]
        for process in self._processes:
            self._idle.put(process)

    def submit(self, order: Order, urgent: bool) -> Future[Made]:
        return self._pool.submit(self._make, order)

    def close(self) -> None:
        if self._home != os.getpid():  # a fork of the process that started them
            return
        self._pool.shutdown(wait=False, cancel_futures=True)
        for process in self._processes:
            process.stop()
        for _ in self._processes:
            self._free.put(None)
            self._idle.put(None)

    def _make(self, order: Order) -> Made:
        process, slot = self._idle.get(), self._free.get()
        if process is None or slot is None:
            raise WorkerDied("Loader: it was closed")
        try:
            result = process.ask(order, slot.file)
            if result.failed:
                raise pickle.loads(result.plain)
            made, kept = slot.read(result, self._free, self._new)
        except BaseException:
            self._free.put(slot)
            raise
        finally:
            self._idle.put(process)
        if not kept:
            self._free.put(slot)
        return made


class Slot:
    """Shared memory for one batch; it grows to the largest that it has held, and goes when nobody has it any more."""

    def __init__(self) -> None:
        self.file = anonymous_file()
        self._map: mmap.mmap | None = None
        weakref.finalize(self, os.close, self.file)

    def read(
        self, result: serving.Result, free: SimpleQueue[Slot | None], new: Empty | None = None
    ) -> tuple[Made, bool]:
        """The batch that a worker has left.

        Args:
            result: what the worker says of it.
            free: the slots that are free.
            new: where the memory comes from into which the batch is copied; None: it need not be.

        Returns:
            The batch, and whether its arrays stand in the slot, which is then put among the free ones when they are
            gone. Where no other slot is free they are copied.
        """
        size = serving.span(result.places)
        if not size:
            return pickle.loads(result.plain), False
        if self._map is None or len(self._map) < size:
            self._map = mmap.mmap(self.file, size)
        # All arrays of the batch keep this one alive.
        lease = np.frombuffer(self._map, np.uint8)
        kept = new is None and not free.empty()
        views = [lease[offset : offset + length] for offset, length in result.places]
        if not kept:
            views = [_copy(view, new or empty) for view in views]
        made: Made = pickle.loads(result.plain, buffers=views)
        if kept:
            weakref.finalize(lease, free.put, self).atexit = False
        return made, kept


class Process:
    """One worker process, started when it is first asked for something."""

    def __init__(self, setup: serving.Setup, files: list[int]) -> None:
        self._setup = setup
        self._files = files
        self._process: subprocess.Popen[bytes] | None = None
        self._connection: Connection | None = None
        self._stopped = False
        self._lock = threading.Lock()

    def ask(self, order: Order, slot: int) -> serving.Result:
        """Have a batch made.

        Raises:
            WorkerDied: the process has ended; the next order starts another one.
        """
        try:
            with self._lock:
                connection = self._started()
            connection.send((order, slot))
            result: serving.Result = connection.recv()
        except (EOFError, OSError) as error:
            why = self._end()
            raise WorkerDied(f"Loader: worker process {why} at batch {order.number} of epoch {order.epoch}") from error
        return result

    def stop(self) -> None:
        """End the process, whatever it does."""
        with self._lock:
            self._stopped = True
            if self._process is not None and self._process.poll() is None:
                self._process.terminate()
        self._end()

    def _started(self) -> Connection:
        if self._connection is not None:
            return self._connection
        if self._stopped:
            raise OSError("it was stopped")
        here, there = Pipe()
        with there:
            self._process = subprocess.Popen(
                serving.command(there.fileno()),
                stdin=subprocess.DEVNULL,
                pass_fds=[there.fileno(), *self._files],
                env={**ONE_CORE, **os.environ},
            )
        self._connection = here
        here.send(self._setup)
        failure: serving.Result | None = here.recv()
        if failure is not None:
            here.close()
            self._connection = None
            raise pickle.loads(failure.plain)
        return here

    def _end(self) -> str:
        """Wait for the process's end, and tell of it."""
        process, connection = self._process, self._connection
        self._process = self._connection = None
        if connection is not None:
            with contextlib.suppress(OSError):
                connection.close()
        if process is None:
            return "has not started"
        try:
            status = process.wait(5)
        except subprocess.TimeoutExpired:
            process.kill()
            status = process.wait()
        if status < 0:
            name = signal.Signals(-status).name
            memory = " (was there not enough memory?)" if name == "SIGKILL" else ""
            return f"{process.pid} was ended by {name}{memory}"
        return f"{process.pid} ended with status {status}"


def _main_module(may_import: bool) -> dict[str, Any]:
    """What a process needs to import the main module of this one."""
    data = get_preparation_data("covary-loader")
    if not may_import or not {"init_main_from_name", "init_main_from_path"} & data.keys():
        raise CannotSend(
            "Loader: the data set or an operation is defined in the main module or an interactive session, which "
            'worker processes do not know; put it in a module of its own, or use worker_type="thread"'
        )
    data.pop("authkey", None)
    return data


def _pickled(producer: Producer, file: int) -> tuple[bytes, list[serving.Place]]:
    try:
        return serving.pack(producer, file)
    except (pickle.PicklingError, AttributeError, TypeError) as error:
        raise CannotSend(
            f'Loader: data set and pipeline cannot be sent to worker processes; use worker_type="thread": {error}'
        ) from error


def _copy(view: Any, new: Empty) -> Any:
    copy = new(view.shape, view.dtype)
    np.copyto(copy, view)
    return copy
