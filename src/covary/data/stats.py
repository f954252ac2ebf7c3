"""Where the time of an epoch goes."""

from __future__ import annotations

import time
from dataclasses import dataclass, field, fields

from covary.data.made import Made, Spent


@dataclass(frozen=True, slots=True)
class Stats:
    """One epoch of a loader.

    Attributes:
        epoch: its number.
        batches, samples: delivered so far.
        seconds: from the first request to the last delivery.
        read, decode, render, mix: seconds that all workers together spent on it.
        idle: seconds that workers had nothing to do: if it is long, the consumer is the slower side.
        wait: seconds that the consumer waited for a batch: if it is long, the workers are.
        workers: how many there are; the consumer itself is one where there are none.
    """

    epoch: int = 0
    batches: int = 0
    samples: int = 0
    seconds: float = 0.0
    read: float = 0.0
    decode: float = 0.0
    render: float = 0.0
    mix: float = 0.0
    idle: float = 0.0
    wait: float = 0.0
    workers: int = 1

    @property
    def samples_per_second(self) -> float:
        """Delivered samples for each second."""
        return self.samples / self.seconds if self.seconds else 0.0

    def __str__(self) -> str:
        work = ", ".join(f"{name} {getattr(self, name):.2f}" for name in ("read", "decode", "render", "mix", "idle"))
        return (
            f"epoch {self.epoch}: {self.samples:,} samples in {self.seconds:.2f} s "
            f"({self.samples_per_second:,.0f} a second); {self.workers} workers, seconds: {work}; "
            f"the consumer waited {self.wait:.2f}"
        )


@dataclass(slots=True)
class Meter:
    """Counts one epoch as its batches are delivered."""

    epoch: int
    workers: int
    start: float = field(default_factory=time.perf_counter)
    end: float = 0.0
    batches: int = 0
    samples: int = 0
    wait: float = 0.0
    spent: Spent = field(default_factory=Spent)

    def count(self, made: Made, waited: float) -> None:
        """Add a delivered batch, for which the consumer waited so long."""
        self.end = time.perf_counter()
        self.wait += waited
        for each in fields(Spent):
            setattr(self.spent, each.name, getattr(self.spent, each.name) + getattr(made.spent, each.name))
        if made.fields is not None:
            self.batches += 1
            self.samples += len(made.fields["keys"])

    def stats(self) -> Stats:
        """What was counted."""
        spent = self.spent
        seconds = max(0.0, self.end - self.start)
        busy = spent.read + spent.decode + spent.render + spent.mix
        idle = max(0.0, self.workers * seconds - busy)
        return Stats(
            self.epoch,
            self.batches,
            self.samples,
            seconds,
            spent.read,
            spent.decode,
            spent.render,
            spent.mix,
            idle,
            self.wait,
            self.workers,
        )
