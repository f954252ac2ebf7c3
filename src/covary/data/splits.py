"""Parts of a data set: train, val and test, told by the names of folders, files and columns."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from covary.data.strings import Coded

SPLITS = {
    **dict.fromkeys(("train", "training"), "train"),
    **dict.fromkeys(("val", "valid", "validation", "dev"), "val"),
    **dict.fromkeys(("test", "testing"), "test"),
}
"""Names that stand for a part of the data, in lower case, and what the part is called here."""


def split_of(name: str) -> str:
    """The part that a name stands for, in any case: "train", "val", "test", or "" where it stands for none.

    A year and a counter do not matter: "train2017" and "train-00000-of-00002" are "train".
    """
    first = re.match(r"[a-z]+(?![a-z])", name.lower())
    return SPLITS.get(first[0], "") if first else ""


def split_of_file(path: Path) -> str:
    """The part that a file stands for: by a word of its name ("a_train2017.json"), else by its folder's name."""
    words = (split_of(word) for word in re.split(r"[_.\-]", path.stem))
    return next((split for split in words if split), "") or split_of_folder(path.parent.name)


def split_of_folder(name: str) -> str:
    """The part that a folder's whole name stands for, a year aside ("train2017"); "" where it stands for none."""
    return SPLITS.get(name.lower().rstrip("0123456789"), "")


def split_named(value: str) -> str:
    """What to call the part that a user or a column names: a known name's own word, any other as it stands."""
    return SPLITS.get(value.strip().lower(), value.strip())


def split_in(path: str) -> str:
    """The part of the first folder on a path (parts joined by "/") that names one; "" where none does."""
    return next((found for part in path.split("/")[:-1] if (found := SPLITS.get(part.lower(), ""))), "")


def known_splits(splits: Iterable[str]) -> Coded | None:
    """The parts of samples, held flat; None where no sample has one."""
    coded = Coded(splits)
    return coded if any(coded.names) else None


def splits_in(paths: Iterable[str]) -> Coded | None:
    """The part of each path, by `split_in`; None where none of them lies in one."""
    return known_splits(split_in(path) for path in paths)


def are_split_folders(names: Sequence[str]) -> bool:
    """Whether the folders of a level are parts of the data, and no classes.

    They are if each names a part, or if one is "train" and another one names a different part: what lies beside those
    ("extra", "unlabelled") is a part, too.
    """
    found = {SPLITS.get(name.lower(), "") for name in names}
    return bool(found) and ("" not in found or ("train" in found and len(found - {"", "train"}) > 0))
