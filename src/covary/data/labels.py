"""What a column of labels says: classes, sets of classes, or numbers to be predicted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

# More class numbers than twice the samples and this are names: ids of some other table.
_GENEROUS = 1_000


@dataclass(frozen=True, slots=True, eq=False)
class Labels:
    """The labels of all samples.

    Attributes:
        classes: names of the classes; () where the labels are values.
        numbers: (N,) int64 class number of each sample, -1 where it has none; None where it has no single class.
        sets: where samples have several classes: where each one's class numbers end among `members`.
        members: their class numbers.
        values: (N,) or (N, K) numbers, where the labels are values.
    """

    classes: tuple[str, ...] = ()
    numbers: NDArray[np.int64] | None = None
    sets: NDArray[np.int64] | None = None
    members: NDArray[np.int64] | None = None
    values: NDArray[Any] | None = None

    def __getitem__(self, index: int) -> Any:
        """The label of a sample: a class number, a row of 0 and 1 (K,) float32 for a set of classes, or its value."""
        if self.numbers is not None:
            return int(self.numbers[index])
        if self.sets is not None and self.members is not None:
            row = np.zeros(len(self.classes), dtype=np.float32)
            row[self.members[self.sets[index - 1] if index else 0 : self.sets[index]]] = 1
            return row
        assert self.values is not None
        value = self.values[index]
        return value.item() if isinstance(value, np.generic) else value


def labels_of(values: Sequence[Any], *, classes: Sequence[str] | None = None, separator: str | None = None) -> Labels:
    """The labels that a column's values stand for.

    Args:
        values: a label for each sample. Strings are names of classes, numbered in sorted order. Whole numbers from 0 on
            (as text, too) are class numbers, named by themselves. Other numbers are values to be predicted. Lists of
            strings are sets of classes; lists of numbers, all equally long, rows of values or of 0 and 1. None and ""
            are missing.
        classes: names of the classes in the order of their numbers.
        separator: what stands between the names where a string is a set of them ("cat|dog").

    Raises:
        ValueError: the values are of several kinds, or a name is none of `classes`.
    """
    if separator is not None:
        values = [_split(value, separator) if isinstance(value, str) or value is None else value for value in values]
    kinds = {_kind(value) for value in values} - {"missing"}
    if len(kinds) > 1 and kinds != {"whole", "real"}:
        raise ValueError(f"labels are of several kinds: {', '.join(sorted(kinds))}")
    kind = next(iter(kinds), "missing") if len(kinds) <= 1 else "real"
    if kind == "list":
        return _lists(values, classes)
    if kind == "name":
        reals = None if _are(values, classes) else _reals(values)
        return _named(values, classes) if reals is None else _counted(reals, classes)
    if kind in ("whole", "missing"):
        return _numbered([-1 if value is None or value == "" else int(value) for value in values], classes)
    return _counted([np.nan if value is None or value == "" else float(value) for value in values], classes)


def _kind(value: Any) -> str:
    if value is None or (isinstance(value, str) and not value):
        return "missing"
    if isinstance(value, str):
        return "name"
    if isinstance(value, (bool, int, np.bool_, np.integer)):
        return "whole"
    if isinstance(value, (float, np.floating)):
        return "real"
    if isinstance(value, (list, tuple, np.ndarray)):
        return "list"
    return type(value).__name__


def _split(value: str | None, separator: str) -> list[str]:
    return [name for part in (value or "").split(separator) if (name := part.strip())]


def _are(values: Sequence[Any], classes: Sequence[str] | None) -> bool:
    known = set(classes or ())
    return bool(known) and all(value in known for value in values if value)


def _reals(values: Sequence[str | None]) -> list[float] | None:
    """The numbers that texts hold, NaN for those that are missing; None where one holds none."""
    try:
        return [float(value) if value else np.nan for value in values]
    except ValueError:
        return None


def _counted(reals: Sequence[float], classes: Sequence[str] | None) -> Labels:
    """Class numbers where all are whole and none is below 0 (1.0 is one, too), else values."""
    if all(value != value or (value.is_integer() and value >= 0) for value in reals):
        return _numbered([-1 if value != value else int(value) for value in reals], classes)
    return Labels(tuple(classes or ()), values=np.array(reals, dtype=np.float64))


def _numbered(numbers: Sequence[int], classes: Sequence[str] | None) -> Labels:
    """Class numbers; numbers below -1, or far beyond the number of samples, are none."""
    array = np.array(numbers, dtype=np.int64)
    least, most = (int(array.min()), int(array.max())) if array.size else (-1, -1)
    if classes is not None:
        if least < -1 or most >= len(classes):
            raise ValueError(f"labels lie in {least} to {most}, but there are {len(classes)} classes")
        return Labels(tuple(classes), array)
    if least < -1:
        return Labels(values=array)
    if most >= 2 * len(array) + _GENEROUS:
        names = sorted({number for number in numbers if number >= 0})
        place = {number: at for at, number in enumerate(names)}
        return Labels(tuple(map(str, names)), np.array([place.get(number, -1) for number in numbers], dtype=np.int64))
    return Labels(tuple(map(str, range(most + 1))), array)


def _named(values: Sequence[Any], classes: Sequence[str] | None) -> Labels:
    names = _names({value for value in values if value}, classes)
    place: dict[str | None, int] = {name: number for number, name in enumerate(names)}
    return Labels(names, np.fromiter((place[value] if value else -1 for value in values), np.int64, len(values)))


def _names(used: set[str], classes: Sequence[str] | None) -> tuple[str, ...]:
    if classes is None:
        return tuple(sorted(used))
    unknown = sorted(used - set(classes))
    if unknown:
        raise ValueError(f"label {unknown[0]!r} is none of the {len(classes)} classes ({', '.join(classes[:10])})")
    return tuple(classes)


def _lists(values: Sequence[Any], classes: Sequence[str] | None) -> Labels:
    rows = [() if value is None or (isinstance(value, str) and not value) else value for value in values]
    if all(isinstance(each, str) for row in rows for each in row):
        names = _names({each for row in rows for each in row}, classes)
        place = {name: number for number, name in enumerate(names)}
        members = np.fromiter((place[each] for row in rows for each in row), np.int64)
        return Labels(names, sets=np.cumsum([len(row) for row in rows], dtype=np.int64), members=members)
    lengths = {len(row) for row in rows}
    if len(lengths) != 1:
        raise ValueError(f"lists of numbers as labels are equally long; got lengths {sorted(lengths)[:5]}")
    try:
        return Labels(tuple(classes or ()), values=np.array(rows, dtype=np.float32))
    except (TypeError, ValueError):
        raise ValueError("lists as labels hold names of classes, or numbers") from None
