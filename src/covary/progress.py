"""How long runs tell how far they are: a bar on a terminal, plain lines now and then elsewhere."""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import Any, Self


class Quiet:
    """Says nothing."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return None


class PlainLines:
    """Lines on standard error, not too many of them.

    Args:
        interval: seconds between two of them.
    """

    def __init__(self, interval: float) -> None:
        self._interval = interval
        self._started = self._told = time.monotonic()

    def due(self) -> float | None:
        """The seconds since the beginning, where it is time for another line; else None."""
        now = time.monotonic()
        if now - self._told < self._interval:
            return None
        self._told = now
        return now - self._started

    @staticmethod
    def say(line: str) -> None:
        """Print a line."""
        print(line, file=sys.stderr, flush=True)


class TerminalBar:
    """A bar on standard error while a `with` block runs.

    Args:
        columns: of the bar, as `rich.progress.Progress` takes them.
        options: of it.
    """

    def __init__(self, *columns: Any, **options: Any) -> None:
        from rich.console import Console
        from rich.progress import Progress

        self.bar = Progress(*columns, console=Console(stderr=True), **options)

    def __enter__(self) -> Self:
        self.bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.bar.stop()


def on_terminal() -> bool:
    """Whether standard error is a terminal."""
    return sys.stderr.isatty()


def clock(seconds: float) -> str:
    """Seconds as 0:07, 12:30 or 1:02:03; less than none as none."""
    minutes, second = divmod(round(max(0.0, seconds)), 60)
    hours, minute = divmod(minutes, 60)
    return f"{hours}:{minute:02}:{second:02}" if hours else f"{minute}:{second:02}"
