"""Make docs/comparison.md: where the operations of other libraries are found here, and what is left out and why.

What they offer and what it is called here stands in counterparts.toml; whether it is here, the code says.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
PAGE = HERE / "comparison.md"
COUNTERPARTS = HERE / "counterparts.toml"
LEFT_OUT = "-"

INTRODUCTION = """# Comparison

Every 2-D operation of three other libraries, and where it is found in covary. Made by `make docs` from
`docs/counterparts.toml` and the code: an operation that is named here and is not in the code is marked as missing.
Names without a dot are operations of `covary.image`, combinators or classes of `covary` itself."""


@dataclass(frozen=True)
class Counterpart:
    """What covary has for one operation of another library.

    Attributes:
        theirs: its name there.
        ours: its names here; () where it is left out.
        missing: those of them that are not in the code.
        remark: what there is to say, the reason where it is left out.
    """

    theirs: str
    ours: tuple[str, ...]
    missing: tuple[str, ...]
    remark: str


def libraries() -> dict[str, tuple[Counterpart, ...]]:
    """The title of each library -> its operations."""
    data = tomllib.loads(COUNTERPARTS.read_text(encoding="utf-8"))
    return {about["title"]: tuple(_counterparts(about["operations"])) for about in data.values()}


def _counterparts(operations: Mapping[str, str]) -> Iterator[Counterpart]:
    for theirs, text in operations.items():
        names, _, remark = text.partition(":")
        ours = () if names == LEFT_OUT else tuple(name.strip() for name in names.split(","))
        yield Counterpart(theirs, ours, tuple(name for name in ours if not _is_here(name)), remark.strip())


def _is_here(name: str) -> bool:
    room, _, attribute = name.rpartition(".")
    if room:
        try:
            return hasattr(import_module(f"covary.ops.{room}"), attribute)
        except ModuleNotFoundError:
            return False
    homes: tuple[Any, ...] = (import_module("covary.ops.image"), import_module("covary"))
    return any(hasattr(home, name) for home in homes)


def page() -> str:
    """The text of docs/comparison.md."""
    parts = [INTRODUCTION]
    for title, operations in libraries().items():
        here = sum(bool(each.ours) and not each.missing for each in operations)
        left_out = sum(not each.ours for each in operations)
        missing = len(operations) - here - left_out
        counted = f"{len(operations)} operations: {here} are here, {left_out} are left out on purpose"
        rows = [f"| {each.theirs} | {_here(each)} | {each.remark} |" for each in operations]
        parts.append(f"## {title}\n\n{counted}{f', {missing} are missing' if missing else ''}.")
        parts.append("\n".join(["| there | here | |", "|---|---|---|", *rows]))
    return "\n\n".join(parts) + "\n"


def _here(counterpart: Counterpart) -> str:
    if not counterpart.ours:
        return "left out"
    return ", ".join(_linked(name) + (" (missing)" if name in counterpart.missing else "") for name in counterpart.ours)


def _linked(name: str) -> str:
    qualified = name if "." in name else f"image.{name}"
    for known in (qualified, name):
        if (HERE / "operations" / f"{known}.md").exists():
            return f"[`{name}`](operations/{known}.md)"
    return f"`{name}`"
