"""One operation as several libraries say it: a row of the tables of single operations."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from benchmarks.labelled import Labels


@dataclass(frozen=True)
class Operation:
    """One operation as the libraries say it, and how many times as fast as the fastest of the others it has to be.

    `ours` is given `covary.image`, `theirs` is given `albumentations`, `torchvision` is given its `transforms.v2`; None
    where a library has no such operation, or another one under that name. `ours` may give a tuple of operations, each
    of which is done to every picture.
    """

    name: str
    ours: Callable[[Any], Any]
    theirs: Callable[[Any], Any] | None = None
    at_least: float = 1 / 1.1
    planar: bool = False  # the result is CHW; Albumentations' is brought to it
    torchvision: Callable[[Any], Any] | None = None
    sides: tuple[int, ...] = ()  # of the pictures that it is for; none: of any
    labels: Labels | None = None  # what goes along with each picture, in all libraries
    call: Callable[[], Mapping[str, Any]] = dict  # what else Albumentations wants with each picture


BLACK: dict[str, Any] = {"border": "constant", "fill": 0}
OFF = (0.0, 0.0)
