"""How far an experiment is: a bar on a terminal, plain lines elsewhere."""

from __future__ import annotations

from types import TracebackType
from typing import Any, Protocol, Self

from covary.progress import PlainLines, Quiet, TerminalBar, clock, on_terminal

LINE_INTERVAL = 10.0  # seconds between plain lines


class Progress(Protocol):
    """Shows how far an experiment is. `made` is told of each run, `stage` of what comes next."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def stage(self, name: str) -> None: ...

    def made(self, what: str, seconds: float) -> None: ...


def progress_of(seconds: float, shown: bool | None) -> Progress:
    """Progress on standard error of an experiment that may take so many seconds; False shows none."""
    if shown is False:
        return Silent()
    return Bar(seconds) if on_terminal() else Lines(seconds)


class Silent(Quiet):
    """Shows nothing."""

    def stage(self, name: str) -> None:
        return None

    def made(self, what: str, seconds: float) -> None:
        return None


class Lines(Quiet):
    """A plain line every few seconds."""

    def __init__(self, seconds: float) -> None:
        self._whole = seconds
        self._used = 0.0
        self._runs = 0
        self._lines = PlainLines(LINE_INTERVAL)

    def stage(self, name: str) -> None:
        self._lines.say(f"prove: {name}")

    def made(self, what: str, seconds: float) -> None:
        self._runs += 1
        self._used += seconds
        if self._lines.due() is not None:
            self._lines.say(f"prove: {self._runs} runs, {what}; at most {clock(self._whole - self._used)} left")


class Bar(TerminalBar):
    """A bar over the time that may be used."""

    def __init__(self, seconds: float) -> None:
        from rich.progress import BarColumn, TextColumn

        super().__init__(
            TextColumn("prove"),
            BarColumn(),
            TextColumn("{task.fields[runs]} runs, at most {task.fields[left]} left"),
            TextColumn("{task.description}"),
            transient=True,
        )
        self._whole = seconds
        self._used = 0.0
        self._runs = 0
        self._task: Any = self.bar.add_task("", total=seconds, runs=0, left=clock(seconds))

    def stage(self, name: str) -> None:
        self.bar.update(self._task, description=name)

    def made(self, what: str, seconds: float) -> None:
        self._runs += 1
        self._used += seconds
        left = clock(self._whole - self._used)
        self.bar.update(self._task, completed=self._used, description=what, runs=self._runs, left=left)
