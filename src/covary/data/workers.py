"""Those who make batches: the caller itself, threads, or processes."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeAlias

from covary.data.produce import Made, Producer
from covary.data.schedule import Order

if TYPE_CHECKING:
    from covary.data.dataset import Dataset
    from covary.pipeline import Pipeline

WorkerType: TypeAlias = Literal["thread", "process"]


class Workers(Protocol):
    """Several workers, and a queue before them."""

    def submit(self, order: Order) -> Future[Made]:
        """Put an order into the queue; its future holds the batch, or what went wrong."""
        ...

    def close(self) -> None:
        """Stop when the batches in the making are finished; those in the queue are given up."""
        ...


def start_workers(kind: WorkerType, count: int, producer: Producer, ahead: int) -> Workers:
    """Start workers.

    Args:
        kind: threads or processes.
        count: how many; with 0, the caller is the worker.
        producer: makes the batches.
        ahead: how many batches will be ordered before the first is asked for.
    """
    if count == 0:
        return Caller(producer)
    if kind == "thread":
        return Threads(count, producer)
    from covary.data.processes import Processes

    return Processes(count, producer, ahead)


class Caller:
    """No workers: the batch is made when it is asked for."""

    def __init__(self, producer: Producer) -> None:
        self._producer = producer

    def submit(self, order: Order) -> Future[Made]:
        future: Future[Made] = Future()
        try:
            future.set_result(self._producer.make(order))
        except Exception as error:
            future.set_exception(error)
        return future

    def close(self) -> None:
        pass


class Threads:
    """Threads of this process: decoding and rendering let go of the interpreter."""

    def __init__(self, count: int, producer: Producer) -> None:
        self._pool = ThreadPoolExecutor(count, thread_name_prefix="covary-loader")
        self._producer = producer

    def submit(self, order: Order) -> Future[Made]:
        return self._pool.submit(self._producer.make, order)

    def close(self) -> None:
        self._pool.shutdown(wait=False, cancel_futures=True)


def suited_type(dataset: Dataset, pipeline: Pipeline | None, mix: Any) -> WorkerType:
    """Processes where code that is not covary's own has a say: it may hold the interpreter; threads for all else."""
    parts: list[object] = [dataset]
    operations = [] if pipeline is None else list(pipeline.operations)
    while operations:
        operation = operations.pop()
        operations += operation.children
        parts.append(operation)
    own = all(type(part).__module__.partition(".")[0] == "covary" for part in parts)
    return "thread" if own else "process"
