"""What commands say on standard error, and with which status they end."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import typer

if TYPE_CHECKING:
    from covary.data.folder import Problem

SHOWN_PROBLEMS = 20


def say(line: str) -> None:
    """A line on standard error."""
    print(f"covary: {line}", file=sys.stderr)


def list_problems(problems: Sequence[Problem], what: str) -> None:
    """A line for each, up to a number of them."""
    from covary.expand.report import printable

    for problem in problems[:SHOWN_PROBLEMS]:
        say(f"{what}: {printable(problem.name)}: {problem.reason}")
    if len(problems) > SHOWN_PROBLEMS:
        say(f"{what}: and {len(problems) - SHOWN_PROBLEMS:,} more")


def finish(out: Path, report: Any) -> None:
    """The last line of a command that wrote to OUT; its status is 1 where not all went well."""
    print(f"{out}: {report}")
    if not report.ok:
        raise typer.Exit(1)


def told_now_and_then(seconds: float = 10.0) -> Callable[[str, int, int, float], None]:
    """Says how far a search is, on standard error and no more often than every so many seconds."""
    last = [time.monotonic()]

    def told(what: str, done: int, total: int, left: float) -> None:
        if time.monotonic() - last[0] >= seconds:
            last[0] = time.monotonic()
            say(f"{what}; {done} of {total} runs, about {left / 60:.0f} min left")

    return told


@contextmanager
def clear_errors() -> Iterator[None]:
    """An error that the user can do something about is one line, not a traceback."""
    from covary.expand import ExpandError

    try:
        yield
    except KeyboardInterrupt:
        _fail("interrupted; what was finished is kept, and the same command goes on from there", 130)
    except (ExpandError, ValueError, TypeError, ImportError) as error:
        _fail(str(error), 1)
    except OSError as error:
        _fail(f"{error.filename}: {error.strerror}" if error.filename else str(error), 1)


def _fail(line: str, status: int) -> NoReturn:
    say(line)
    raise typer.Exit(status)
