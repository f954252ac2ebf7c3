"""How many variations there are to be of each source: per class, or so that the classes come out equal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from covary.expand.sources import Entry
from covary.expand.variations import canonical
from covary.plan.changes import Ints

OTHERS = "*"
"""Stands for all classes that are not named."""
DEFAULT_TIMES = 8


@dataclass(frozen=True, slots=True)
class Wish:
    """What the user wants: a number for each named class and one for all others; equal classes or not."""

    others: int
    named: Mapping[str, int]
    balance: bool

    @property
    def text(self) -> str:
        """As the manifest keeps it."""
        if not self.named and not self.balance:
            return str(self.others)
        return canonical({OTHERS: self.others, **self.named, **({"balance": True} if self.balance else {})})


def wish_of(times: int | Mapping[str, int], balance: bool) -> Wish:
    """Check what the user asked for.

    Raises:
        ValueError, TypeError: a number is out of its range, or `balance` goes with numbers per class.
    """
    numbers = dict(times) if isinstance(times, Mapping) else {OTHERS: times}
    for name, number in numbers.items():
        least = 0 if isinstance(times, Mapping) else 1
        which = f"times[{name!r}]" if isinstance(times, Mapping) else "times"
        if isinstance(number, bool) or not isinstance(number, int | np.integer):
            raise TypeError(f"expand: {which}={number!r}; allowed: whole numbers, or a mapping of class names to them")
        if number < least:
            raise ValueError(f"expand: {which}={number}; allowed: {least} or more")
    others = int(numbers.pop(OTHERS, DEFAULT_TIMES))
    if balance and numbers:
        raise ValueError("expand: balance=True works out the numbers per class by itself; give one number for times")
    return Wish(others, {name: int(number) for name, number in numbers.items()}, balance)


def variation_counts(entries: Sequence[Entry], wish: Wish, *, with_originals: bool) -> Ints:
    """How many variations there are to be of each entry.

    To balance, every class gets as many pictures as the largest one has with `times` variations of each of its own
    (originals count where they are in the output). Where that does not divide evenly, the first sources of the class
    get one more than the others. Sources without a class get `times`.

    Returns:
        (N,) int64, a function of the classes of the entries and of nothing else.

    Raises:
        ValueError: a class is named that no entry has, or no entry has a class where classes are needed.
    """
    labels = [entry.label for entry in entries]
    classes = sorted(set(labels) - {""})
    if (wish.balance or wish.named) and not classes:
        which = "balance=True" if wish.balance else f"times for {next(iter(wish.named))!r}"
        raise ValueError(f"expand: {which} needs a class for each sample; this data set gives none")
    for name in wish.named:
        if name not in classes:
            raise ValueError(f"expand: times for {name!r}; the classes are {', '.join(classes)}")
    if not wish.balance:
        return np.array([wish.named.get(label, wish.others) for label in labels], dtype=np.int64)
    counts = np.full(len(entries), wish.others, dtype=np.int64)
    of_class = {name: [i for i, label in enumerate(labels) if label == name] for name in classes}
    total = max(map(len, of_class.values())) * (wish.others + with_originals)
    for rows in of_class.values():
        each, more = divmod(total - len(rows) * with_originals, len(rows))
        counts[rows] = each
        counts[rows[:more]] += 1
    return counts
