"""A folder of pictures: what lies in it, under which class, in which order."""

from __future__ import annotations

import os
import stat
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from covary.data.encode import EXTENSIONS

OWN_FOLDER = ".covary"
"""Where an expansion keeps its unfinished files; never walked."""

OTHER_PICTURES = frozenset((".gif", ".heic", ".heif", ".avif", ".jxl", ".jp2", ".tga", ".ppm", ".pgm", ".psd", ".svg"))
OTHER_PICTURES |= frozenset((".exr", ".hdr", ".dng", ".cr2", ".cr3", ".nef", ".arw"))
"""Endings of pictures that cannot be read; that they were left out is worth a word."""


@dataclass(frozen=True, slots=True)
class Item:
    """One picture of a folder.

    Attributes:
        name: path relative to the folder, parts joined by "/"; bytes that are no UTF-8 stand as lone surrogates
            (PEP 383). It is the sample's key for the draws.
        label: first part of the name; "" for a picture that lies in the folder itself.
    """

    name: str

    @property
    def label(self) -> str:
        first, slash, _ = self.name.partition("/")
        return first if slash else ""


@dataclass(frozen=True, slots=True)
class Problem:
    """Something in a folder that could not be used: where, and why."""

    name: str
    reason: str


@dataclass(frozen=True, slots=True)
class Listing:
    """The pictures under a folder, in a fixed order.

    Attributes:
        root: the folder.
        items: its pictures, sorted by name.
        problems: folders that could not be listed, and files with a picture's name that are no files.
        left_out: sub-folders that were left out because they were excluded.
        others: files whose endings say that they are pictures of a kind that cannot be read (GIF, HEIC, raw files ...).
    """

    root: Path
    items: tuple[Item, ...]
    problems: tuple[Problem, ...]
    left_out: tuple[str, ...]
    others: tuple[str, ...]

    @property
    def classes(self) -> tuple[str, ...]:
        """The labels that occur, sorted."""
        return tuple(sorted({item.label for item in self.items} - {""}))

    def path(self, item: Item) -> Path:
        """Where the picture lies."""
        return self.root / item.name


def read_folder(
    root: str | os.PathLike[str],
    *,
    exclude: Sequence[str | os.PathLike[str]] = (),
    endings: Collection[str] = EXTENSIONS,
) -> Listing:
    """List the pictures under a folder, at any depth.

    Pictures are known by their ending, in any case: jpg, jpeg, jpe, jfif, png, webp, bmp, dib, tif, tiff. Symbolic
    links are followed, but not into a folder that contains them.

    Args:
        root: the folder.
        exclude: folders to be left out, with all that lies in them.
        endings: lower case endings of the files to be listed, if others than pictures'.

    Raises:
        NotADirectoryError: `root` is no folder.
        OSError: `root` itself cannot be listed.
    """
    base = Path(root)
    if not base.is_dir():
        raise NotADirectoryError(f"{base}: not a folder")
    os.scandir(base).close()
    excluded = {_identity(Path(path)) for path in exclude if Path(path).is_dir()}
    items: list[Item] = []
    problems: list[Problem] = []
    left_out: list[str] = []
    others: list[str] = []
    for found in _walk(base, "", (_identity(base),), excluded, endings):
        if isinstance(found, Item):
            items.append(found)
        elif isinstance(found, Problem):
            problems.append(found)
        else:
            (left_out if found.endswith("/") else others).append(found)
    return Listing(
        base,
        tuple(sorted(items, key=lambda item: item.name)),
        tuple(sorted(problems, key=lambda problem: problem.name)),
        tuple(sorted(name.rstrip("/") for name in left_out)),
        tuple(sorted(others)),
    )


def _identity(folder: Path) -> tuple[int, int]:
    status = folder.stat()
    return status.st_dev, status.st_ino


def _walk(
    folder: Path,
    prefix: str,
    above: tuple[tuple[int, int], ...],
    excluded: set[tuple[int, int]],
    endings: Collection[str],
) -> Iterator[Item | Problem | str]:
    """Everything under one folder: pictures, problems, names of excluded folders (with a "/") and of other pictures."""
    try:
        with os.scandir(folder) as listing:
            entries = list(listing)
    except OSError as error:
        yield Problem(prefix.rstrip("/"), f"the folder cannot be read: {error.strerror}")
        return
    for entry in entries:
        name = prefix + entry.name
        try:
            status = entry.stat()
        except OSError as error:
            if _ending(entry.name) in endings:
                yield Problem(name, f"the file cannot be read: {error.strerror}")
            continue
        if stat.S_ISDIR(status.st_mode):
            identity = (status.st_dev, status.st_ino)
            if identity in excluded:
                yield name + "/"
            elif identity not in above and entry.name != OWN_FOLDER:
                yield from _walk(folder / entry.name, name + "/", (*above, identity), excluded, endings)
        elif _ending(entry.name) in endings:
            if stat.S_ISREG(status.st_mode):
                yield Item(name)
            else:
                yield Problem(name, "not a regular file")
        elif _ending(entry.name) in OTHER_PICTURES:
            yield name


def _ending(name: str) -> str:
    _, dot, ending = name.rpartition(".")
    return dot + ending.lower()
