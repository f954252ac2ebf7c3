"""One operation as two libraries say it: a row of the tables of single operations."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Operation:
    """One operation as both libraries say it, and how many times as fast as Albumentations it has to be.

    `ours` is given `covary.image`, `theirs` is given `albumentations`.
    """

    name: str
    ours: Callable[[Any], Any]
    theirs: Callable[[Any], Any]
    at_least: float = 1 / 1.1
    planar: bool = False  # the result is CHW; theirs is brought to it


BLACK: dict[str, Any] = {"border": "constant", "fill": 0}
OFF = (0.0, 0.0)
