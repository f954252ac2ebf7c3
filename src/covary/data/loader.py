"""Batches from a data set into training: planned, made ahead by workers, delivered in order, resumable."""

from __future__ import annotations

import os
import time
import warnings
import weakref
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import Future
from copy import copy
from dataclasses import replace
from functools import cached_property
from itertools import islice
from multiprocessing import parent_process
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, get_args

import numpy as np
from numpy.typing import ArrayLike

from covary.data.batch import Batch
from covary.data.cache import Cache, open_cache, parse_cache
from covary.data.dataset import Dataset, SampleError
from covary.data.fetch import Decode, usual_channels
from covary.data.made import BadSample, Made
from covary.data.options import (
    check_plan,
    class_count,
    one_of,
    opened,
    rows_of,
    seed_of,
    shard_of,
    spread,
    weights_of,
    whole,
)
from covary.data.pinned import pinned_memory
from covary.data.produce import OnError, Producer
from covary.data.schedule import Epoch, Order, Schedule
from covary.data.state import Position, checked_position, plan_options
from covary.data.stats import Meter, Stats
from covary.data.strength import ChangingStrength, LoaderStrength, checked_strength, of_epoch, plain_strength
from covary.data.tensors import FRAMEWORKS, Framework, tensor_maker
from covary.data.workers import Workers, WorkerType, start_workers
from covary.draws.keys import Key
from covary.pipeline import Pipeline, usable_cores
from covary.render.buffers import empty

if TYPE_CHECKING:
    from covary.ops.mix.base import Alternatives, Mixers

# So many samples are looked at to learn how many channels the pictures have.
PROBES = 5


class Loader:
    """Batches of a data set, varied by a pipeline and mixed, for training or evaluation.

    The batches are a pure function of the data, the pipeline and the options: the same for any number and type of
    workers, and after a resume. In epoch e a sample takes variation e: `pipeline(image=..., key=key, epoch=e)`, and
    what `expand` writes as number e. With `decode="full"` these are the very pixels; "scaled" decodes JPEGs no larger
    than the drawn crop and resize need: it costs less, and halves in the decoder instead of the renderer.

    Samples may hold a `video` or a `volume` in place of a picture, with their labels, as arrays; they are what
    `pipeline.batch` gives with the same keys. `decode`, `channels` and `visible` are for pictures alone.

    Args:
        source: the data: a path (what lies there is found by looking), arrays, or a data set; see `open_dataset`.
        pipeline: what happens to each sample: a `Pipeline`, or the path of a YAML file. None: pictures as they are.
        batch_size: pictures in a batch, 1 and more. Default 32.
        shuffle: draw the samples of each epoch in another order. Default True; False keeps the order of the data set.
        mix: a mixer of `covary.mix`, or a list of mixers and (mixer, weight) pairs to choose from.
        workers: how many batches are made at the same time; 0 makes them in the caller's thread when they are asked
            for. Default: the usable cores.
        worker_type: "thread", "process", or "auto": processes for data sets and operations that are not covary's own,
            whose Python code would keep threads from running at the same time; threads for all else.
        cache: "4GB" keeps decoded pictures in memory up to this size, "encoded:4GB" the files' bytes; "disk:PATH" keeps
            decoded pictures in a file that later runs use again. What does not fit is read again each time. None: no
            cache.
        decode: "scaled" decodes of a JPEG what the drawn crop and resize need: at 1/2, 1/4 or 1/8 of its size where
            that is enough, and no rows below the crop, which are not checked then. "full" gives the pixels of a call on
            the full picture.
        drop_last: leave out a last batch that is not full; all batches then have `batch_size` pictures.
        balance: draw each class equally often, in epochs of about the data set's length. A sample's variations count
            how often it was drawn before. Samples without a class are left out.
        weights: (N,) numbers, 0 and more: the samples of an epoch are drawn with replacement, as often as these say.
        repeats: variations of each sample in a batch; `batch_size` is a multiple. Epoch e has variations e * repeats to
            e * repeats + repeats - 1 of every sample, and so many times the batches.
        shard: (rank, world): this process is one of `world` that share each epoch. All have as many batches: the first
            samples of the epoch fill up the last draws, or with `drop_last` the last are dropped.
        seed: of order and mixing. Default: the pipeline's, or 0. The variations have the pipeline's own seed.
        split: which part of the data set, where it has several ("train", "val", "test").
        prefetch: how many batches are made ahead of the one that is asked for. Default: workers + 2.
        on_error: "skip" leaves bad samples out, tells of them by one warning, and lists them in `problems`; "raise"
            stops. A batch with a bad sample is shorter, and left out if it is empty; with `drop_last` or several ranks
            it is filled up by the samples that follow it in the epoch.
        to: "numpy", or "torch" or "jax" for tensors on the same memory.
        pin_memory: with "torch": page-locked memory, from which a GPU copies without waiting. Threads draw and mix
            pictures straight into it; of processes, a thread of this one copies there. Default False.
        device: with "torch" and "jax": where the tensors go.
        epochs: how many epochs one `for` loop goes through, without a pause between them. Default: one.
        channels: of all pictures (1, 3 or 4): grey is repeated, colour becomes luma, transparency goes or is full.
            Default: what the pictures of the data set have; 3 where they differ.
        cache_side: with decode="scaled", pictures are cached at the smallest JPEG scale whose shorter side is at least
            so many pixels. Default 512.
        strength: of the variations, in [0, 1]: `pipeline.with_strength(strength)`; or a `learn.AdaptiveStrength`, which
            is asked anew when an epoch begins. Its state is saved with the loader's. Default 1.
        visible: give each picture a field `visible`: the share of its source, 0 to 1, that crops, shifts and erasures
            leave to be seen; for `learn.soft_label`. Default False.

    Raises:
        ValueError, TypeError: a wrong argument, or options that exclude each other.

    Example:
        >>> import numpy as np
        >>> from covary import Loader, Pipeline, image
        >>> pictures, labels = np.zeros((10, 48, 64, 3), np.uint8), np.arange(10) % 2
        >>> with Loader((pictures, labels), Pipeline([image.HorizontalFlip()]), batch_size=4) as loader:
        ...     [batch.image.shape for batch in loader]
        [(4, 48, 64, 3), (4, 48, 64, 3), (2, 48, 64, 3)]
    """

    def __init__(
        self,
        source: Any,
        pipeline: Pipeline | str | os.PathLike[str] | None = None,
        *,
        batch_size: int = 32,
        shuffle: bool = True,
        mix: Mixers | None = None,
        workers: int | None = None,
        worker_type: WorkerType = "auto",
        cache: str | None = None,
        decode: Decode = "scaled",
        drop_last: bool = False,
        balance: bool = False,
        weights: ArrayLike | None = None,
        repeats: int = 1,
        shard: tuple[int, int] = (0, 1),
        seed: int | None = None,
        split: str | None = None,
        prefetch: int | None = None,
        on_error: OnError = "skip",
        to: Framework = "numpy",
        pin_memory: bool = False,
        device: Any = None,
        epochs: int | None = None,
        channels: int | None = None,
        cache_side: int = 512,
        strength: LoaderStrength = None,
        visible: bool = False,
    ) -> None:
        one_of("worker_type", worker_type, get_args(WorkerType))
        one_of("decode", decode, get_args(Decode))
        one_of("on_error", on_error, get_args(OnError))
        one_of("to", to, FRAMEWORKS)
        one_of("channels", channels, (None, 1, 3, 4))
        for name, number, least in (
            ("batch_size", batch_size, 1),
            ("repeats", repeats, 1),
            ("workers", workers, 0),
            ("prefetch", prefetch, 1),
            ("epochs", epochs, 1),
            ("cache_side", cache_side, 1),
        ):
            whole(name, number, least)
        if to == "numpy" and (pin_memory or device is not None):
            raise ValueError('Loader: pin_memory and device are for tensors; give to="torch" or to="jax" too')
        if isinstance(pipeline, str | os.PathLike):
            pipeline = Pipeline.from_yaml(os.fspath(pipeline))
        if pipeline is not None and not isinstance(pipeline, Pipeline):
            raise TypeError(f"Loader: pipeline is a {type(pipeline).__name__}; a Pipeline or the path of one is needed")
        self.dataset: Dataset = opened(source, split)
        self.pipeline = pipeline
        self.batch_size = batch_size
        self._framework = (to, pin_memory, device)
        self._choose_memory()
        self._epochs = epochs or 1
        rows = rows_of(self.dataset, labelled=balance)
        rank, world = shard_of(shard)
        self._schedule = Schedule(
            rows=rows,
            batch_size=batch_size,
            seed=seed_of(seed, pipeline),
            shuffle=shuffle,
            drop_last=drop_last,
            repeats=repeats,
            rank=rank,
            world=world,
            labels=np.asarray(self.dataset.labels)[rows] if balance else None,
            weights=None if weights is None else weights_of(weights, len(self.dataset), rows),
        )
        check_plan(self._schedule)
        self._mix = None if mix is None else _alternatives(mix)
        self._strength = checked_strength(strength)
        self._visible = bool(visible)
        self._decode: Decode = decode
        self._on_error: OnError = on_error
        self._cache_options = None if cache is None else parse_cache(cache)
        self._cache_side = cache_side
        self._channels = channels
        # A worker of another loader is one of many that share the cores.
        self._workers = workers if workers is not None else 1 if parent_process() is not None else usable_cores()
        self._worker_type: WorkerType = worker_type
        self._ahead = (prefetch or self._workers + 2) if self._workers else 1
        self._problems: dict[Key, str] = {}
        self._warned = False
        self._position = Position(0, 0)
        self._resumed = False
        self._meter = Meter(0, max(1, self._workers))
        self._plan: Epoch | None = None
        self._pool: Workers | None = None
        self._stop: weakref.finalize[[], Loader] | None = None
        self._home = os.getpid()

    # Going through it

    def __len__(self) -> int:
        """Batches of one `for` loop."""
        return len(self._schedule) * self._epochs

    def __iter__(self) -> Iterator[Batch]:
        """The next epoch, each time; after `load_state_dict` the rest of the one that was left."""
        return self._stream()

    def epoch(self, number: int, start: int | None = None) -> Iterator[Batch]:
        """The batches of one epoch.

        Args:
            number: of the epoch.
            start: number of the first batch. Default: 0, or where `load_state_dict` has just returned to.
        """
        whole("epoch", number, 0)
        whole("start", start, 0)
        if start is not None and start > len(self._schedule):
            raise ValueError(f"Loader: start is {start!r}; an epoch has {len(self._schedule):,} batches")
        return self._stream(number, start)

    def batch(self, number: int, epoch: int = 0) -> Batch | None:
        """One batch of an epoch by itself, made in the caller's thread: for frameworks that ask for batches by number.

        It is the very batch that a `for` loop gives. Any thread may ask for any batch; where the loader stands, and
        what `state_dict` says, stays as it is.

        Args:
            number: of the batch, below the number of batches in an epoch.
            epoch: of the stream.

        Returns:
            The batch, or None where none of its samples can be used.

        Raises:
            IndexError: an epoch has no such batch.
        """
        whole("epoch", epoch, 0)
        if not 0 <= number < len(self._schedule):
            raise IndexError(f"Loader: batch is {number}; an epoch has {len(self._schedule):,}")
        self._settle()
        plan = self._plan
        if plan is None or plan.number != epoch:
            self._plan = plan = self._epoch(epoch)
        made = self._maker.make(plan.order(number))
        for problem in made.problems:
            self._problems.setdefault(problem.key, problem.reason)
        return None if made.fields is None else self._finished(made.fields)

    def sharded(self, rank: int, world: int) -> Loader:
        """The same loader, for one of several processes that share each epoch.

        Args:
            rank: number of the process.
            world: how many there are.
        """
        rank, world = shard_of((rank, world))
        other: Loader = copy(self)
        other._schedule = replace(self._schedule, rank=rank, world=world)
        check_plan(other._schedule)
        other.__dict__.pop("_options", None)
        other._position, other._resumed = Position(0, 0), False
        other._problems = {}
        return other

    @property
    def batches(self) -> int:
        """Batches in an epoch."""
        return len(self._schedule)

    @property
    def drop_last(self) -> bool:
        """Whether all batches hold `batch_size` samples."""
        return self._schedule.drop_last

    @property
    def shard(self) -> tuple[int, int]:
        """Number of this process among those that share each epoch, and how many there are."""
        return self._schedule.rank, self._schedule.world

    def set_epoch(self, number: int) -> None:
        """Let the next `for` loop begin with this epoch."""
        whole("epoch", number, 0)
        if not (self._resumed and self._position.epoch == number):
            self._position, self._resumed = Position(number, 0), False

    def _begin(self, number: int | None, batch: int | None) -> tuple[Position, int]:
        """Where a loop begins, and the epoch before which it ends."""
        if number is not None:
            self.set_epoch(number)
            if batch is not None:
                self._position = Position(number, batch)
        elif self._position.batch and not self._resumed:  # the loop before was broken off
            self._position = Position(self._position.epoch + 1, 0)
        start, resumed = self._position, self._resumed
        self._resumed = False
        if start.batch == len(self._schedule):
            self._position = Position(start.epoch + 1, 0)
        if number is not None:
            return start, start.epoch + 1
        return start, start.epoch + self._epochs - (start.epoch % self._epochs if resumed else 0)

    def _stream(self, number: int | None = None, batch: int | None = None) -> Iterator[Batch]:
        """The batches of a loop, made ahead by the workers."""
        pool, (start, end) = self._started(), self._begin(number, batch)
        orders = deque(self._orders(start, end))
        pending: deque[Future[Made]] = deque()
        self._meter = Meter(start.epoch, max(1, self._workers))
        delivered = 0
        try:
            while True:
                asked = time.perf_counter()
                for order in islice(orders[0], self._ahead - len(pending)):
                    pending.append(pool.submit(order, urgent=not pending))
                if not pending:
                    orders.popleft()
                    if orders:
                        continue
                    break
                made = pending.popleft().result()
                self._count(made, time.perf_counter() - asked)
                if made.fields is None:
                    continue
                delivered += 1
                # Nothing here holds what the consumer gets: its memory is free as soon as it is let go there.
                finished = [self._finished(made.fields)]
                del made
                yield finished.pop()
            if not delivered and not start.batch and self._problems:
                key, reason = next(iter(self._problems.items()))
                raise SampleError(key, f"{reason} (and no other sample can be used either)")
        finally:
            for future in pending:
                future.cancel()

    def _orders(self, start: Position, end: int) -> list[Iterator[Order]]:
        """The batches of a loop, in stretches within which they may be made ahead. A strength that learns is asked when
        an epoch begins, so that no batch may be made before all of the epoch before it are delivered.
        """
        epochs = range(start.epoch, end)
        if not isinstance(self._strength, ChangingStrength):
            return [self._orders_of(start, epochs)]
        return [self._orders_of(start, [number]) for number in epochs]

    def _orders_of(self, start: Position, epochs: Iterable[int]) -> Iterator[Order]:
        for number in epochs:
            epoch = self._epoch(number)
            for batch in range(start.batch if number == start.epoch else 0, len(epoch)):
                yield epoch.order(batch)

    def _epoch(self, number: int) -> Epoch:
        strength = of_epoch(self._strength, number, class_count(self.dataset))
        return replace(self._schedule.epoch(number), strength=strength)

    def _count(self, made: Made, waited: float) -> None:
        """Take note of a batch that leaves."""
        epoch, last = made.order.epoch, made.order.number + 1 == len(self._schedule)
        self._position = Position(epoch + 1, 0) if last else Position(epoch, made.order.number + 1)
        if self._meter.epoch != epoch:
            self._meter = Meter(epoch, max(1, self._workers))
        self._meter.count(made, waited)
        for problem in made.problems:
            self._problems.setdefault(problem.key, problem.reason)
        if last and self._problems and not self._warned:
            self._warned = True
            key, reason = next(iter(self._problems.items()))
            warnings.warn(
                f"Loader: {len(self._problems):,} samples cannot be used and were left out; see loader.problems. "
                f"The first is {key!r}: {reason}",
                stacklevel=4,
            )

    def _finished(self, fields: dict[str, Any]) -> Batch:
        if self._convert is not None:
            convert = self._convert
            fields = {name: value if name == "keys" else convert(value) for name, value in fields.items()}
        return Batch(fields)

    def _choose_memory(self) -> None:
        """Where batches stand, and what makes tensors of them."""
        to, pin_memory, device = self._framework
        self._pinned = pinned_memory() if pin_memory and to == "torch" else None
        self._convert = tensor_maker(to, self._pinned, device)

    # Where it stands

    def state_dict(self) -> dict[str, Any]:
        """Where the stream stands: a few numbers, and the options on which the batches depend.

        Delivered batches count, not those made ahead. At the end of an epoch it is the beginning of the next.
        """
        state = {"covary": 1, **self._position.to_plain(), "options": dict(self._options)}
        if isinstance(self._strength, ChangingStrength):
            state["strength"] = self._strength.state_dict()
        return state

    def load_state_dict(self, state: Mapping[str, Any], strict: bool = True) -> None:
        """Return to where another loader stood. The next `for` loop goes on with the very batch that it had not given.

        The number and type of workers may differ, and with them prefetch, the place of a cache and the framework.

        Args:
            state: of `state_dict`.
            strict: whether all options must agree. Otherwise only those must that say which samples stand in a batch.

        Raises:
            ValueError: options differ; the message names them.
        """
        self._position = checked_position(state, self._options, len(self._schedule), strict)
        if isinstance(self._strength, ChangingStrength) and "strength" in state:
            self._strength.load_state_dict(state["strength"])
            self._plan = None
        self._resumed = True

    @cached_property
    def _options(self) -> dict[str, Any]:
        return plan_options(
            self._schedule,
            dataset=self.dataset,
            pipeline=self.pipeline,
            mix=self._mix,
            decode=self._decode,
            cached=None
            if self._cache_options is None or not self._cache_options.decoded or self._decode == "full"
            else self._cache_side,
            channels=self._channels,
            on_error=self._on_error,
            strength=plain_strength(self._strength),
        )

    def stats(self) -> Stats:
        """Where the time of the present epoch goes, or of the last one: see `Stats`."""
        return self._meter.stats()

    @property
    def problems(self) -> tuple[BadSample, ...]:
        """The samples that were left out so far, each with its reason."""
        return tuple(BadSample(key, reason) for key, reason in self._problems.items())

    # Workers

    def _started(self) -> Workers:
        self._settle()
        if self._pool is None:
            self._pool = start_workers(self._worker_type, self._workers, self._maker, self._ahead)
            self._stop = weakref.finalize(self, self._pool.close)
        return self._pool

    def _settle(self) -> None:
        """A fork has no threads, its parent's processes, and locks that somebody else may hold: begin anew there."""
        if self._home != os.getpid():
            self._home = os.getpid()
            self._pool = self._stop = None
            self.__dict__.pop("_maker", None)
            if self._pinned is not None:  # and CUDA does not work there
                to, _, device = self._framework
                self._pinned, self._convert = None, tensor_maker(to, None, device)

    @cached_property
    def _maker(self) -> Producer:
        return self._producer()

    def _producer(self) -> Producer:
        schedule, pipeline, finish = self._schedule, self.pipeline, None
        if self._mix is not None and self._mix.raw and pipeline is not None:
            pipeline, finish = pipeline.parted()
        channels = self._channels or usual_channels(self.dataset, spread(schedule.rows, PROBES))
        if self._pinned is not None:
            self._pinned.begin()
        return Producer(
            dataset=self.dataset,
            schedule=schedule,
            pipeline=pipeline,
            mixers=self._mix,
            finish=finish,
            classes=class_count(self.dataset),
            decode=self._decode,
            channels=channels,
            refill=schedule.drop_last or schedule.world > 1,
            on_error=self._on_error,
            cache=self._opened_cache(channels),
            cache_side=self._cache_side,
            visible=self._visible,
            for_pictures="channels" if self._channels is not None else "visible" if self._visible else "",
            new=empty if self._pinned is None else self._pinned.empty,
        )

    def _opened_cache(self, channels: int | None) -> Cache | None:
        if self._cache_options is None:
            return None
        side = self._cache_side if self._decode == "scaled" else None
        return open_cache(self._cache_options, self.dataset, side=side, channels=channels)

    def close(self) -> None:
        """Let the workers go. The loader can be used again; it then starts new ones."""
        if self._stop is not None:
            self._stop()
        self._pool = self._stop = None
        self.__dict__.pop("_maker", None)

    def __getstate__(self) -> dict[str, Any]:
        """A copy, here or elsewhere, has workers of its own."""
        state = {**self.__dict__, "_pool": None, "_stop": None, "_convert": None, "_pinned": None, "_plan": None}
        state.pop("_maker", None)
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._choose_memory()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"Loader({self.dataset!r}, batch_size={self.batch_size}, {len(self._schedule):,} batches an epoch)"


def _alternatives(mix: Mixers) -> Alternatives:
    from covary.ops.mix.base import alternatives

    return alternatives(mix)
