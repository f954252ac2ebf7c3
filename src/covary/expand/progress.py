"""How far a long run is: a bar on a terminal, plain lines elsewhere."""

from __future__ import annotations

import time
from types import TracebackType
from typing import Protocol, Self

from covary.progress import PlainLines, Quiet, TerminalBar, clock, on_terminal

LINE_INTERVAL = 5.0  # seconds between plain lines


class Progress(Protocol):
    """Shows how far a run is. `made` counts work, `spared` what needed none."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def made(self, count: int) -> None: ...

    def spared(self, count: int) -> None: ...


def progress_of(title: str, total: int, shown: bool | None) -> Progress:
    """Progress on standard error.

    Args:
        title: what is going on.
        total: how many files there will be.
        shown: False shows nothing; None shows a bar on a terminal and plain lines elsewhere; True likewise.
    """
    if shown is False:
        return Silent()
    return Bar(title, total) if on_terminal() else Lines(title, total)


class Silent(Quiet):
    """Shows nothing."""

    def made(self, count: int) -> None:
        return None

    def spared(self, count: int) -> None:
        return None


class Lines(Silent):
    """A plain line every few seconds."""

    def __init__(self, title: str, total: int) -> None:
        self._title = title
        self._total = total
        self._made = 0
        self._spared = 0
        self._lines = PlainLines(LINE_INTERVAL)

    def made(self, count: int) -> None:
        self._made += count
        elapsed = self._lines.due()
        if elapsed is not None:
            self._lines.say(self.line(elapsed))

    def spared(self, count: int) -> None:
        self._spared += count

    def line(self, elapsed: float) -> str:
        """What is said after so many seconds."""
        rate = self._made / elapsed if elapsed > 0 else 0.0
        left = self._total - self._spared - self._made
        remaining = f", {clock(left / rate)} left" if rate > 0 else ""
        return f"{self._title}: {self._made + self._spared:,} of {self._total:,} files, {rate:.1f}/s{remaining}"


class Bar(TerminalBar):
    """A bar with rate and time left."""

    def __init__(self, title: str, total: int) -> None:
        from rich.progress import BarColumn, MofNCompleteColumn, TaskProgressColumn, TextColumn, TimeRemainingColumn

        super().__init__(
            TextColumn("{task.description}"),
            BarColumn(),
            TaskProgressColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[rate]}"),
            TimeRemainingColumn(),
        )
        self._total = total
        self._task = self.bar.add_task(title, total=total, rate="")
        self._made = 0
        self._started = time.monotonic()

    def made(self, count: int) -> None:
        self._made += count
        rate = self._made / max(time.monotonic() - self._started, 1e-9)
        self.bar.update(self._task, advance=count, rate=f"{rate:.1f}/s")

    def spared(self, count: int) -> None:
        # Taken off the total rather than added to what is done: it says nothing about the speed of the rest.
        self._total -= count
        self.bar.update(self._task, total=self._total)
