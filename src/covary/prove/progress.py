"""How far an experiment is: a bar on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import Any, Self

LINE_INTERVAL = 10.0  # seconds between plain lines


class Progress:
    """Shows nothing. `made` is told of each run, `stage` of what comes next."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return None

    def stage(self, name: str) -> None:
        return None

    def made(self, what: str, seconds: float) -> None:
        return None


def progress_of(seconds: float, shown: bool | None) -> Progress:
    """Progress on standard error of an experiment that may take so many seconds; False shows none."""
    if shown is False:
        return Progress()
    return Bar(seconds) if sys.stderr.isatty() else Lines(seconds)


class Lines(Progress):
    """A plain line every few seconds."""

    def __init__(self, seconds: float) -> None:
        self._whole = seconds
        self._used = 0.0
        self._runs = 0
        self._told = time.monotonic()

    def stage(self, name: str) -> None:
        print(f"prove: {name}", file=sys.stderr, flush=True)

    def made(self, what: str, seconds: float) -> None:
        self._runs += 1
        self._used += seconds
        now = time.monotonic()
        if now - self._told >= LINE_INTERVAL:
            self._told = now
            left = clock(self._whole - self._used)
            print(f"prove: {self._runs} runs, {what}; at most {left} left", file=sys.stderr, flush=True)


class Bar(Progress):
    """A bar over the time that may be used."""

    def __init__(self, seconds: float) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, TextColumn
        from rich.progress import Progress as RichProgress

        self._bar = RichProgress(
            TextColumn("prove"),
            BarColumn(),
            TextColumn("{task.fields[runs]} runs, at most {task.fields[left]} left"),
            TextColumn("{task.description}"),
            console=Console(stderr=True),
            transient=True,
        )
        self._whole = seconds
        self._used = 0.0
        self._runs = 0
        self._task: Any = self._bar.add_task("", total=seconds, runs=0, left=clock(seconds))

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.stop()

    def stage(self, name: str) -> None:
        self._bar.update(self._task, description=name)

    def made(self, what: str, seconds: float) -> None:
        self._runs += 1
        self._used += seconds
        left = clock(self._whole - self._used)
        self._bar.update(self._task, completed=self._used, description=what, runs=self._runs, left=left)


def clock(seconds: float) -> str:
    """Seconds as 0:07, 12:30 or 1:02:03."""
    minutes, second = divmod(round(max(0.0, seconds)), 60)
    hours, minute = divmod(minutes, 60)
    return f"{hours}:{minute:02}:{second:02}" if hours else f"{minute}:{second:02}"
