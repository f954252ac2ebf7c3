"""Those who make batches: the caller itself, threads, or processes."""

from __future__ import annotations

import os
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Literal, Protocol, TypeAlias

from covary.data.items import Items
from covary.data.made import Made
from covary.data.produce import Producer
from covary.data.schedule import Order
from covary.data.subset import Subset

WorkerType: TypeAlias = Literal["auto", "thread", "process"]


class Workers(Protocol):
    """Several workers, and a queue before them."""

    def submit(self, order: Order, urgent: bool) -> Future[Made]:
        """Put an order into the queue; its future holds the batch, or what went wrong.

        Args:
            order: says what to make.
            urgent: whether somebody waits for it and nothing else is being made.
        """
        ...

    def close(self) -> None:
        """Stop when the batches in the making are finished; those in the queue are given up."""
        ...


def start_workers(kind: WorkerType, count: int, producer: Producer, ahead: int) -> Workers:
    """Start workers.

    Args:
        kind: threads, processes, or whichever suits.
        count: how many; with 0, the caller is the worker.
        producer: makes the batches.
        ahead: how many batches will be ordered before the first is asked for.
    """
    if count == 0:
        return Caller(producer)
    if kind == "thread" or (kind == "auto" and (is_own(producer) or os.name != "posix")):
        return Threads(count, producer)
    from covary.data.processes import CannotSend, Processes

    try:
        return Processes(count, producer, ahead, may_import_main=kind == "process")
    except CannotSend:
        if kind == "process":
            raise
        return Threads(count, producer)


class Caller:
    """No workers: the batch is made when it is asked for."""

    def __init__(self, producer: Producer) -> None:
        self._producer = producer

    def submit(self, order: Order, urgent: bool) -> Future[Made]:
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
        self._count = count
        self._producer = producer

    def submit(self, order: Order, urgent: bool) -> Future[Made]:
        if not urgent or self._count == 1:
            return self._pool.submit(self._producer.make, order)
        # All make it together. Who joins the pieces waits for none that is still in the queue: it stands behind them.
        begun = [self._pool.submit(self._producer.begin, piece) for piece in order.pieces(self._count)]
        return self._pool.submit(lambda: self._producer.join(order, [piece.result() for piece in begun]))

    def close(self) -> None:
        self._pool.shutdown(wait=False, cancel_futures=True)


def is_own(producer: Producer) -> bool:
    """Whether all code that makes the batches is covary's own, which lets go of the interpreter where it takes long."""
    parts: list[object] = [producer.dataset]
    while isinstance(parts[-1], Subset):
        parts.append(parts[-1].dataset)
    if isinstance(parts[-1], Items):
        return False
    if producer.mixers is not None:
        parts += producer.mixers.mixers
    operations = [] if producer.pipeline is None else list(producer.pipeline.operations)
    while operations:
        operation = operations.pop()
        operations += operation.children
        parts.append(operation)
    return all(type(part).__module__.partition(".")[0] == "covary" for part in parts)
