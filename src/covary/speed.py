"""How fast a pipeline is on this machine and this data, and where its time goes: `covary bench`."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from covary.data.loader import Loader
from covary.data.stats import Stats
from covary.ops.base import Operation
from covary.pipeline import Pipeline, usable_cores

Job: TypeAlias = Callable[[], object]

# What a pipeline is given at a time where its operations are timed, and how many turns each gets.
_AT_ONCE = 32
_ROUNDS = 7
_TURN = 0.03  # seconds that a turn takes at least
# Fields that hold what is varied; labels are left out where single operations are timed.
_CONTENTS = ("image", "video", "volume", "audio", "rate", "text")


@dataclass(frozen=True, slots=True)
class Rate:
    """How fast batches come out of a Loader.

    Attributes:
        workers: threads or processes that make them; 0: the consumer itself.
        per_second: samples.
        read, decode, render: microseconds of work on each sample.
    """

    workers: int
    per_second: float
    read: float
    decode: float
    render: float


@dataclass(frozen=True, slots=True)
class Step:
    """An operation in its place among the others.

    Attributes:
        operation: as it is written.
        total: microseconds a sample of the pipeline up to this operation, by one thread.
        added: by how much that is more than without it. Below 0 where it spares the others work, as a crop does.
    """

    operation: str
    total: float
    added: float


@dataclass(frozen=True, slots=True)
class Speed:
    """What was measured.

    Attributes:
        data: what was read.
        samples: how many there are.
        rates: of the Loader, by the number of workers.
        steps: of the pipeline, in its order.
    """

    data: str
    samples: int
    rates: tuple[Rate, ...]
    steps: tuple[Step, ...]

    def __str__(self) -> str:
        loader = [
            ("workers", "samples/s", "read", "decode", "vary"),
            *(
                (str(r.workers), f"{r.per_second:,.0f}", f"{r.read:,.0f}", f"{r.decode:,.0f}", f"{r.render:,.0f}")
                for r in self.rates
            ),
        ]
        steps = [
            ("operation", "up to here", "adds"),
            *((step.operation, f"{step.total:,.0f}", f"{step.added:+,.0f}") for step in self.steps),
        ]
        return "\n".join(
            [
                f"{self.data}: {self.samples:,} samples",
                "",
                "Loader, and microseconds of work on each sample:",
                *_table(loader),
                "",
                "Operations, microseconds a sample, decoded before, one thread:",
                *_table(steps),
            ]
        )


def measure(
    source: Any = None,
    pipeline: Pipeline | str | Path | None = None,
    *,
    workers: Sequence[int] | None = None,
    batch_size: int = 64,
    seconds: float = 2.0,
) -> Speed:
    """Measure how fast a pipeline is: with data from where they lie, and operation by operation.

    Args:
        source: the data: a path, arrays, or a data set; see `open_dataset`. Default: 64 pictures of 500 x 375 pixels
            that are made up.
        pipeline: or the path of its YAML file. Default: `presets.photos(size=224)`.
        workers: numbers of workers to try, 0 and more. Default: 0, 1, and every usable core.
        batch_size: samples in a batch. Default 64.
        seconds: how long each number of workers is tried, above 0. Default 2.

    Returns:
        What was measured; `print` shows it as two tables.

    Raises:
        ValueError: no sample can be used, or a wrong argument.
    """
    if seconds <= 0:
        raise ValueError(f"seconds is {seconds}; allowed: above 0")
    if pipeline is None:
        from covary import presets

        pipeline = presets.photos(size=224)
    elif not isinstance(pipeline, Pipeline):
        pipeline = Pipeline.from_yaml(pipeline)
    if source is None:
        source, name = made_up(64, 375, 500), "made-up pictures, 500 x 375"
    else:
        name = str(source) if isinstance(source, (str, Path)) else type(source).__name__
    tried = sorted({0, 1, usable_cores()} if workers is None else set(workers))
    rates = []
    for number in tried:
        with Loader(source, pipeline, batch_size=batch_size, workers=number) as loader:
            rates.append(_rate(loader, number, seconds))
    with Loader(source, None, batch_size=_AT_ONCE, shuffle=False, workers=0) as loader:
        batch = next(iter(loader))
        columns = {field: batch[field] for field in _CONTENTS if field in batch}
        samples = len(loader.dataset)
    return Speed(name, samples, tuple(rates), tuple(_steps(pipeline, columns)))


def made_up(number: int, height: int, width: int) -> NDArray[np.uint8]:
    """Pictures that are soft and grainy as photographs are: noise whose amplitude falls as one over the frequency.

    Args:
        number, height, width: of the pictures.

    Returns:
        (number, height, width, 3) uint8.
    """
    generator = np.random.default_rng(5)
    frequency = np.hypot(np.fft.fftfreq(height)[:, None], np.fft.rfftfreq(width)[None, :])
    frequency[0, 0] = np.inf
    made = np.empty((number, height, width, 3), np.uint8)
    for picture in made:
        noise = np.fft.rfft2(generator.standard_normal((height, width, 3)), axes=(0, 1)) / frequency[:, :, None]
        values = np.fft.irfft2(noise, s=(height, width), axes=(0, 1))
        picture[...] = np.clip(128 + values * (50 / values.std()), 0, 255)
    return made


def _rate(loader: Loader, workers: int, seconds: float) -> Rate:
    """Epochs until the time is over; the first batch, for which everything is set up, does not count."""
    batches = _epochs(loader)
    next(batches)
    start = now = time.perf_counter()
    samples = 0
    longest = Stats()  # the epoch with the most samples says where the time goes
    while samples == 0 or now - start < seconds:
        samples += next(batches)
        now = time.perf_counter()
        stats = loader.stats()
        longest = stats if stats.samples >= longest.samples else longest
    each = 1e6 / longest.samples
    return Rate(workers, samples / (now - start), longest.read * each, longest.decode * each, longest.render * each)


def _epochs(loader: Loader) -> Iterator[int]:
    """The number of samples of each batch, epoch after epoch. A loader of which no sample can be used raises."""
    while True:
        for batch in loader:
            yield len(batch["keys"])


def _steps(pipeline: Pipeline, columns: dict[str, Any]) -> Iterator[Step]:
    """Pipelines of the first operation, of the first two ... timed in turn."""
    operations: tuple[Operation, ...] = tuple(pipeline.operations)
    samples = len(next(iter(columns.values())))
    jobs = [_job(pipeline, operations[:length], columns) for length in range(1, len(operations) + 1)]
    before = 0.0
    for operation, total in zip(operations, _in_turns(jobs, samples), strict=True):
        yield Step(repr(operation), total, total - before)
        before = total


def _job(pipeline: Pipeline, operations: Sequence[Operation], columns: dict[str, Any]) -> Job:
    part = pipeline.with_operations(operations)
    return lambda: part.batch(**columns, threads=1)


def _in_turns(jobs: Sequence[Job], samples: int) -> list[float]:
    """Microseconds a sample, medians; in turns, so that whatever else the machine does strikes all alike."""
    calls = []
    for job in jobs:
        job()
        start = time.perf_counter()
        job()
        calls.append(max(1, round(_TURN / (time.perf_counter() - start))))
    measured: list[list[float]] = [[] for _ in jobs]
    for _ in range(_ROUNDS):
        for job, times, found in zip(jobs, calls, measured, strict=True):
            start = time.perf_counter()
            for _ in range(times):
                job()
            found.append((time.perf_counter() - start) * 1e6 / (times * samples))
    return [median(found) for found in measured]


def _table(rows: Sequence[Sequence[str]]) -> list[str]:
    """Rows of text: the first column to the left, the others to the right."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return [
        "  ".join(
            [row[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True))]
        )
        for row in rows
    ]
