"""Times taken in turn, so that whatever else the machine does strikes all candidates alike.

The clock is the wall's. On a machine that others use, BENCH_CLOCK=processor counts the processor time of this process
instead, all its threads together.
"""

from __future__ import annotations

import gc
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from statistics import median

Job = Callable[[], object]

USES_PROCESSOR_TIME = os.environ.get("BENCH_CLOCK") == "processor"


@dataclass(frozen=True)
class Times:
    """Microseconds per item of each candidate, one value a round; rounds correspond between candidates."""

    rounds: Mapping[str, tuple[float, ...]]

    def median(self, name: str) -> float:
        return median(self.rounds[name])

    def ratio(self, slower: str, faster: str) -> float:
        """How many times faster: the median of the rounds' own ratios."""
        return median(a / b for a, b in zip(self.rounds[slower], self.rounds[faster], strict=True))

    def difference(self, more: str, less: str) -> float:
        """Microseconds more: the median of the rounds' own differences."""
        return median(a - b for a, b in zip(self.rounds[more], self.rounds[less], strict=True))


def take_turns(
    jobs: Mapping[str, tuple[Job, int]],
    *,
    rounds: int = 15,
    seconds: float = 0.05,
    wall: bool = not USES_PROCESSOR_TIME,
) -> Times:
    """Run the jobs A, B, C, A, B, C, ...

    Args:
        jobs: by name, a function and how many items one call of it processes.
        rounds: how many turns each gets.
        seconds: about how long a turn lasts at least; a job slower than that runs once a turn.
        wall: by the clock on the wall, which alone sees what threads gain; or by processor time.
    """
    clock = time.perf_counter if wall else time.process_time
    calls = {name: _calls_in(job, seconds) for name, (job, _) in jobs.items()}
    measured: dict[str, list[float]] = {name: [] for name in jobs}
    gc.collect()
    gc.disable()
    try:
        for _ in range(rounds):
            for name, (job, items) in jobs.items():
                start = clock()
                for _ in range(calls[name]):
                    job()
                elapsed = clock() - start
                measured[name].append(elapsed * 1e6 / (calls[name] * items))
    finally:
        gc.enable()
    return Times({name: tuple(values) for name, values in measured.items()})


def _calls_in(job: Job, seconds: float) -> int:
    job()
    start = time.perf_counter()
    job()
    return max(1, round(seconds / (time.perf_counter() - start)))
