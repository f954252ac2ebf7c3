"""Which shards a user means: a list, a folder, or a pattern such as train-{000000..000099}.tar."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from glob import glob, has_magic
from pathlib import Path

from covary.data.splits import SPLITS

ENDINGS = (".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tbz2", ".tar.xz", ".txz")
"""How the names of shards end."""

_RANGE = re.compile(r"(-?\d+)\.\.(-?\d+)(?:\.\.(-?\d+))?")
_LETTERS = re.compile(r"([A-Za-z])\.\.([A-Za-z])")
_REMOTE = re.compile(r"^(pipe:|[A-Za-z][A-Za-z0-9+.-]+://)")
Paths = str | os.PathLike[str] | Iterable[str | os.PathLike[str]]


def shard_paths(paths: Paths) -> list[Path]:
    """The shards that a user names, in order: those of a list or a brace pattern as they stand there, others sorted.

    Args:
        paths: a shard; a folder, searched at any depth for names that end in .tar, .tar.gz, .tar.bz2 or .tar.xz;
            a pattern with braces ("{000..099}", "{train,val}") or wildcards ("*", "?", "[...]"); or several of these.

    Raises:
        FileNotFoundError: a shard that was named is not there, or a folder or pattern holds none.
        ValueError: an address on a network, or no path at all.
    """
    named = [paths] if isinstance(paths, str | os.PathLike) else list(paths)
    found: dict[Path, None] = {}
    for entry in named:
        text = os.fspath(entry)
        if _REMOTE.match(text):
            raise ValueError(f"shards are read from disk, not from {text!r}: fetch them first")
        for name in [text] if Path(text).exists() else braced(text):
            found |= dict.fromkeys(_of(name))
    if not found:
        raise ValueError("no shards: an empty list of paths")
    return list(found)


def _of(name: str) -> Iterator[Path]:
    """The shards of one name without braces."""
    path = Path(name)
    if path.is_dir():
        inside = [
            file
            for file in path.rglob("*")
            if file.name.lower().endswith(ENDINGS)
            and not any(part.startswith(".") for part in file.relative_to(path).parts)
            and file.is_file()
        ]
        if not inside:
            raise FileNotFoundError(f"{name}: no shards there, no name ends in {', '.join(ENDINGS)}")
        yield from sorted(inside)
    elif path.exists() or not has_magic(name):
        if not path.exists():
            raise FileNotFoundError(f"{name}: no such shard")
        yield path
    else:
        matching = sorted(glob(name, recursive=True))  # noqa: PTH207 (the pattern may be absolute)
        if not matching:
            raise FileNotFoundError(f"{name}: no shard matches this pattern")
        yield from map(Path, matching)


def braced(pattern: str) -> list[str]:
    """The names that a pattern with braces stands for, as a shell expands it.

    "{1..3}" counts, "{001..100}" with as many digits, "{0..8..2}" in steps; "{a,b}" lists; braces may stand in braces.
    What is neither stays as it is.
    """
    for start in range(len(pattern)):
        if pattern[start] != "{":
            continue
        parts, end = _parts(pattern, start)
        if parts:
            rests = braced(pattern[end:])
            return [pattern[:start] + middle + rest for part in parts for middle in part for rest in rests]
    return [pattern]


def _parts(pattern: str, start: int) -> tuple[list[list[str]], int]:
    """What the brace that opens here lists, each part expanded, and where it ends; nothing if it is no such brace."""
    depth, begins, parts = 0, start + 1, []
    for at in range(start, len(pattern)):
        depth += {"{": 1, "}": -1}.get(pattern[at], 0)
        if depth == 1 and pattern[at] == ",":
            parts.append(pattern[begins:at])
            begins = at + 1
        if depth == 0:
            parts.append(pattern[begins:at])
            if len(parts) > 1:
                return [braced(part) for part in parts], at + 1
            counted = _counted(parts[0])
            return ([counted] if counted else []), at + 1
    return [], start


def _counted(text: str) -> list[str]:
    """The terms of a range such as 000..099, 0..8..2 or a..f; none if it is no range."""
    letters = _LETTERS.fullmatch(text)
    if letters:
        first, last = map(ord, letters.groups())
        step = 1 if first <= last else -1
        return [chr(code) for code in range(first, last + step, step)]
    numbers = _RANGE.fullmatch(text)
    if not numbers:
        return []
    first, last = int(numbers[1]), int(numbers[2])
    step = (abs(int(numbers[3] or 1)) or 1) * (1 if first <= last else -1)
    ends = [end.lstrip("-") for end in numbers.groups()[:2]]
    padded = any(end.startswith("0") and len(end) > 1 for end in ends)
    width = max(len(numbers[1]), len(numbers[2])) if padded else 0
    return [f"{number:0{width}d}" for number in range(first, last + (1 if step > 0 else -1), step)]


def shard_split(shard: Path) -> str:
    """The part of the data that a shard's name, or its folder's, says it holds: "train", "val", "test" or ""."""
    words = [*re.split(r"[^a-z]+", shard.name.lower()), shard.parent.name.lower()]
    return next((SPLITS[word] for word in words if word in SPLITS), "")
