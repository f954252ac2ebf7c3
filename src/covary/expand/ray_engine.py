"""Expansion on a Ray cluster: Ray Core tasks that carry work lists, not pixels.

Each task reads its sources and writes its outputs by itself, so all nodes need both folders under the same paths, and
the same version of covary. Rows come back; the driver alone writes the manifest. Ray starts the tasks of a worker that
died again on another one; as an item's files are written under temporary names, renamed, and depend on the item alone,
what the dead worker left is at worst a temporary file or an output that is already right.
"""

from __future__ import annotations

import os
from collections import deque
from typing import Any

from covary.expand.engines import Finished, MakeEngine
from covary.expand.errors import ExpandError
from covary.expand.orders import Order, Result, Task, WorkItem
from covary.expand.recipe import recipe_of
from covary.expand.work import do_task

RETRIES = 3
"""So often a task is started again after the death of its worker."""
LONGEST_LIST = 16
"""Items of a task: enough to make its fixed cost small, few enough to lose little."""
STOP_MARK = "stop"
"""A file of this name among the temporary ones tells the workers to begin no further item."""
_QUEUED = 2  # tasks per core that Ray holds, so that no core waits for the driver


def ray_engine_maker(workers: int | None) -> MakeEngine:
    """What makes a Ray engine.

    Args:
        workers: tasks at once; None: as many as the cluster has cores.

    Raises:
        ImportError: Ray is not installed.
    """
    _imported()
    return lambda order, items: RayTasks(order, items, workers)


def _imported() -> Any:
    try:
        import ray
    except ImportError as error:
        raise ImportError('engine "ray" needs Ray: pip install "covary[ray]"') from error
    return ray


class RayTasks:
    """Work lists as Ray Core tasks.

    A cluster that this process is connected to is used; else the one that RAY_ADDRESS names or that runs on this
    machine; else one is started on this machine and ended with the engine.

    Args:
        order: what is the same for all items.
        items: how many there may be, for the length of the lists.
        workers: tasks at once; None: as many as the cluster has cores.
    """

    def __init__(self, order: Order, items: int, workers: int | None) -> None:
        self._ray = _imported()
        self._next: list[WorkItem] = []
        self._lists: deque[tuple[WorkItem, ...]] = deque()
        self._running: dict[Any, tuple[WorkItem, ...]] = {}
        self._stop_mark = order.temporary / STOP_MARK
        self._started = _connect(self._ray, workers)
        try:
            cores = max(1, workers or int(self._ray.cluster_resources().get("CPU", 1)))
            self._length = max(1, min(LONGEST_LIST, items // (4 * cores)))
            self._most = cores if workers else _QUEUED * cores
            self._order = self._ray.put(order)
            self._task = self._ray.remote(max_retries=RETRIES)(do_list)
        except BaseException:
            self.stop()
            raise

    @property
    def full(self) -> bool:
        return len(self._lists) + len(self._running) >= 2 * self._most

    @property
    def idle(self) -> bool:
        return not (self._next or self._lists or self._running)

    def submit(self, item: WorkItem) -> None:
        self._next.append(item)
        if len(self._next) >= self._length:
            self._close_list()

    def collect(self) -> Finished:
        if not self._running and not self._lists:
            self._close_list()
        self._start()
        done, _ = self._ray.wait(list(self._running), num_returns=1)
        return self._taken(done)

    def stop(self) -> Finished:
        try:
            self._next.clear()
            self._lists.clear()
            running = list(self._running)
            if running:
                # Ray's own cancelling may bring down the driver, when a task ends just then (seen in Ray 2.60). And no
                # worker may be writing any longer when the folder for temporary files goes.
                self._stop_mark.touch()
                self._ray.wait(running, num_returns=len(running))
            return self._taken(running, again=False)
        finally:
            if self._started:
                self._ray.shutdown()

    def _close_list(self) -> None:
        if self._next:
            self._lists.append(tuple(self._next))
            self._next = []
        self._start()

    def _start(self) -> None:
        while self._lists and len(self._running) < self._most:
            items = self._lists.popleft()
            self._running[self._task.remote(self._order, items)] = items

    def _taken(self, done: list[Any], *, again: bool = True) -> Finished:
        """The results of tasks that are over; what a worker's death left is begun again, if wanted."""
        exceptions = self._ray.exceptions
        results: list[Result] = []
        failure: BaseException | None = None
        for reference in done:
            items = self._running.pop(reference)
            try:
                finished: Finished = self._ray.get(reference)
                results += finished.results
                failure = finished.failure or failure
            except exceptions.RayTaskError as error:
                failure = ExpandError(f"a Ray task failed: {error.cause or error}")
            except (exceptions.WorkerCrashedError, exceptions.OutOfMemoryError, exceptions.NodeDiedError) as error:
                if not again:
                    continue
                if len(items) > 1:  # one of them kills its worker: each by itself, the others are done
                    self._lists.extend((item,) for item in items)
                else:
                    failure = ExpandError(
                        f"the worker died {RETRIES + 1} times at {_name(items[0])}: {type(error).__name__} "
                        "(out of memory?); what was finished is kept"
                    )
        if again:
            self._start()
        return Finished(tuple(results), failure)


def _connect(ray: Any, workers: int | None) -> bool:
    """Connect to a cluster unless this process is connected; whether one had to be started."""
    if ray.is_initialized():
        return False
    quiet = {"include_dashboard": False, "logging_level": "ERROR", "log_to_driver": False}
    try:
        ray.init(os.environ.get("RAY_ADDRESS") or "auto", logging_level="ERROR", log_to_driver=False)
    except ConnectionError:
        # Nothing is told to anyone about a cluster that we start.
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
        ray.init("local", num_cpus=workers, **quiet)
    return True


def do_list(order: Order, items: tuple[WorkItem, ...]) -> Finished:
    """Carry out a work list, or its beginning if the run is stopped; it runs in a worker, on any node."""
    results: list[Result] = []
    try:
        _check_node(order)
        for item in items:
            if (order.temporary / STOP_MARK).exists():
                break
            results.append(do_task(order, item))
    except ExpandError as error:
        return Finished(tuple(results), error)
    return Finished(tuple(results))


def _check_node(order: Order) -> None:
    """Refuse to work where the outputs would not be those that the driver would make.

    Raises:
        ExpandError: it is such a place.
    """
    node = os.uname().nodename
    if not order.temporary.is_dir():
        raise ExpandError(f"the node {node} does not see {order.out}: all nodes need the folders under the same paths")
    recipe = order.recipe
    here = recipe_of(order.pipeline, recipe.format, recipe.quality, recipe.layout, decode=recipe.decode)
    if (here.version, here.renderer) != (recipe.version, recipe.renderer):
        raise ExpandError(
            f"the node {node} has covary {here.version} with the renderer {here.renderer}, the driver "
            f"{recipe.version} with {recipe.renderer}: outputs would differ"
        )


def _name(item: WorkItem) -> str:
    return item.piece.entry.name if isinstance(item, Task) else f"the shards of {item.group}"
