"""Classes and parts of the data by the folders that files lie in."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from covary.data.splits import SPLITS, are_split_folders, known_splits
from covary.data.strings import Coded


class ClassFolders(NamedTuple):
    """What folders say: names of the classes, (N,) class number of each file or None without classes, and its part."""

    classes: tuple[str, ...]
    labels: NDArray[np.int64] | None
    splits: Coded | None


def class_folders(
    names: Sequence[str],
    root: str | os.PathLike[str],
    classes: Sequence[str] | None,
    splits: bool | None,
) -> ClassFolders:
    """The classes and parts of files.

    Folders named train, val, test and alike on the first level are parts of the data where all folders of that level
    are, or where there is "train" and one more; the class is then the next folder.

    Args:
        names: paths of the files relative to the root, parts joined by "/".
        root: what to call the root in messages.
        classes: names of the classes in the order of their numbers; those that occur, sorted, by default.
        splits: whether the folders of the first level are parts; None finds out.

    Raises:
        ValueError: a folder is none of `classes`.
    """
    parts = [name.split("/") for name in names]
    by_part = are_split_folders(sorted({each[0] for each in parts if len(each) > 1})) if splits is None else splits
    depth = 1 if by_part else 0
    found = [each[depth] if len(each) > depth + 1 else "" for each in parts]
    known = tuple(sorted(set(found) - {""})) if classes is None else tuple(classes)
    unknown = sorted(set(found) - {""} - set(known))
    if unknown:
        raise ValueError(f"{root}: folder {unknown[0]!r} is none of the {len(known)} classes ({', '.join(known[:10])})")
    place = {"": -1} | {name: number for number, name in enumerate(known)}
    labels = np.fromiter((place[name] for name in found), np.int64, len(found)) if known else None
    firsts = (SPLITS.get(each[0].lower(), each[0]) if len(each) > 1 else "" for each in parts)
    return ClassFolders(known, labels, known_splits(firsts) if by_part else None)
