"""Who carries out the work items of a run: threads of this process, or Ray tasks.

An engine takes items that hold no pixels and gives results that hold rows for the manifest. It may do an item twice, as
after the death of a worker: the second time writes the same bytes under the same names. Who asks it records what it
gives: one writer, whatever the engine.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from typing import Literal, Protocol, TypeAlias, get_args

from covary.expand.orders import Order, Result, WorkItem
from covary.expand.work import do_task

EngineName: TypeAlias = Literal["local", "ray"]
ENGINES: tuple[EngineName, ...] = get_args(EngineName)


@dataclass(frozen=True, slots=True)
class Finished:
    """What became of items.

    Attributes:
        results: of those that were done.
        failure: what stopped another one, and is to stop the run.
    """

    results: tuple[Result, ...]
    failure: BaseException | None = None


class Engine(Protocol):
    """Carries out work items; one thread calls it."""

    @property
    def full(self) -> bool:
        """Whether something is to be collected before the next item."""
        ...

    @property
    def idle(self) -> bool:
        """Whether all items that were submitted have been collected."""
        ...

    def submit(self, item: WorkItem) -> None:
        """Begin an item."""
        ...

    def collect(self) -> Finished:
        """Wait until some items are finished."""
        ...

    def stop(self) -> Finished:
        """Begin no further item, wait for those at work, and let go of all that is held; results not yet collected."""
        ...


class LocalThreads:
    """Threads of this process; decoding, rendering and encoding run without Python's lock.

    Args:
        order: what is the same for all items.
        workers: how many threads.
    """

    def __init__(self, order: Order, workers: int) -> None:
        self._order = order
        self._room = 2 * workers
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix="covary-expand")
        self._running: set[Future[Result]] = set()

    @property
    def full(self) -> bool:
        return len(self._running) >= self._room

    @property
    def idle(self) -> bool:
        return not self._running

    def submit(self, item: WorkItem) -> None:
        self._running.add(self._pool.submit(do_task, self._order, item))

    def collect(self) -> Finished:
        done, self._running = wait(self._running, return_when=FIRST_COMPLETED)
        return _finished(done)

    def stop(self) -> Finished:
        self._pool.shutdown(wait=True, cancel_futures=True)
        done, self._running = self._running, set()
        return _finished({future for future in done if not future.cancelled()})


def _finished(done: set[Future[Result]]) -> Finished:
    failures = [error for future in done if (error := future.exception()) is not None]
    results = tuple(future.result() for future in done if future.exception() is None)
    return Finished(results, failures[0] if failures else None)


MakeEngine: TypeAlias = Callable[[Order, int], Engine]
"""Makes an engine for an order and a number of items."""
