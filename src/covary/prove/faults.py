"""Faults of a data set that make any experiment on it lie, found on the way."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from covary.draws.keys import Key
from covary.prove.duplicates import Duplicates
from covary.prove.task import Task

FaultKind: TypeAlias = Literal[
    "unreadable",
    "conflicting labels",
    "across splits",
    "source across splits",
    "equal samples",
    "near-duplicates",
    "imbalance",
    "small classes",
    "empty classes",
]

SHOWN = 5
IMBALANCE = 10.0  # times as many samples in the largest class as in the smallest, from which on it is a fault
FEW = 5  # samples of a class below which nothing can be said of it


@dataclass(frozen=True)
class Fault:
    """Something wrong with the data.

    Attributes:
        kind: of fault.
        words: what it is, how often, what it does, for people.
        count: how many samples (or classes, of faults of classes) it concerns.
        samples: keys of the samples, in groups that belong together; for faults of classes their names.
    """

    kind: FaultKind
    words: str
    count: int
    samples: tuple[tuple[Key, ...], ...]


def find_faults(task: Task, duplicates: Duplicates) -> list[Fault]:
    """All faults of a task, the gravest first."""
    return [
        *_unreadable(task),
        *_conflicting(task, duplicates.near),
        *_across_splits(task, duplicates.near),
        *_sources_across_splits(task, duplicates.near),
        *_repeated(task, duplicates),
        *_uneven(task),
    ]


def _fault(task: Task, kind: FaultKind, groups: list[NDArray[np.int64]], words: str) -> Iterable[Fault]:
    """A fault of groups of samples, if there are any; `words` may hold {groups} and {samples}."""
    if not groups:
        return
    count = sum(len(group) for group in groups)
    keys = tuple(tuple(task.keys[i] for i in group.tolist()) for group in groups)
    shown = "; ".join(" = ".join(str(key) for key in group[:3]) for group in keys[:SHOWN])
    more = f"; and {len(keys) - SHOWN} more" if len(keys) > SHOWN else ""
    yield Fault(kind, f"{words.format(groups=len(groups), samples=count)}: {shown}{more}", count, keys)


def _members(groups: NDArray[np.int64], wanted: Callable[[NDArray[np.int64]], bool]) -> list[NDArray[np.int64]]:
    """The groups of several samples that are wanted."""
    order = np.argsort(groups, kind="stable")
    parts = np.split(order, np.flatnonzero(np.diff(groups[order])) + 1)
    return [part for part in parts if len(part) > 1 and wanted(part)]


def _unreadable(task: Task) -> Iterable[Fault]:
    if task.problems:
        shown = "; ".join(f"{problem.name}: {problem.reason}" for problem in task.problems[:SHOWN])
        more = f"; and {len(task.problems) - SHOWN} more" if len(task.problems) > SHOWN else ""
        keys = tuple((problem.name,) for problem in task.problems)
        yield Fault("unreadable", f"{len(keys)} samples cannot be used: {shown}{more}", len(keys), keys)


def _conflicting(task: Task, near: NDArray[np.int64]) -> Iterable[Fault]:
    groups = _members(near, lambda part: len(np.unique(task.labels[part])) > 1)
    yield from _fault(
        task,
        "conflicting labels",
        groups,
        "{samples} samples in {groups} groups of duplicates bear different labels; at least one of each group is wrong",
    )


def _across_splits(task: Task, near: NDArray[np.int64]) -> Iterable[Fault]:
    groups = _members(near, lambda part: len({task.splits[i] for i in part.tolist()}) > 1)
    yield from _fault(
        task,
        "across splits",
        groups,
        "{groups} samples stand on both sides of a split, equal or nearly so ({samples} in all), "
        "and what is measured on held-out data is too good",
    )


def _sources_across_splits(task: Task, near: NDArray[np.int64]) -> Iterable[Fault]:
    """Names of files that say that several samples come from one recording, film or person."""
    if len(set(task.splits)) < 2:
        return
    sources = [_source(str(key)) for key in task.keys]
    names = {name: number for number, name in enumerate(dict.fromkeys(sources))}
    numbers = np.array([names[name] if name else -1 - i for i, name in enumerate(sources)], dtype=np.int64)
    # Names tell sources only where there are many, of a few samples each: "cat_001" is a cat, not a source.
    sizes = np.bincount(numbers[numbers >= 0]) if (numbers >= 0).any() else np.zeros(0)
    if (sizes > 1).sum() < 5 or sizes.max() > len(task) / 10:
        return
    groups = _members(
        numbers,
        lambda part: len({task.splits[i] for i in part.tolist()}) > 1 and len(np.unique(near[part])) > 1,
    )
    yield from _fault(
        task,
        "source across splits",
        groups,
        "by their names, {groups} sources (recordings, films, persons) have samples on both sides of a split "
        "({samples} in all)",
    )


def _source(key: str) -> str:
    """What stands before the last number of a name, if that holds a number: of "patient12_03" it is patient12."""
    stem = re.sub(r"\.\w+$", "", key.rpartition("/")[2])
    match = re.fullmatch(r"(.*\d.*?)[_\-. ]+[a-z]*\d+", stem, re.IGNORECASE)
    return match.group(1) if match else ""


def _repeated(task: Task, duplicates: Duplicates) -> Iterable[Fault]:
    equal = _members(duplicates.exact, lambda part: True)
    yield from _fault(
        task, "equal samples", equal, "{samples} samples in {groups} groups are equal bit for bit; each counts double"
    )
    near = _members(duplicates.near, lambda part: len(np.unique(duplicates.exact[part])) > 1)
    yield from _fault(
        task,
        "near-duplicates",
        near,
        "{samples} samples in {groups} groups are nearly equal (encoded, scaled or cropped anew, or shifted)",
    )


def _uneven(task: Task) -> Iterable[Fault]:
    counts = np.bincount(task.labels, minlength=len(task.classes))
    names = np.array(task.classes, dtype=object)
    empty, few = names[counts == 0], names[(counts > 0) & (counts < FEW)]
    if len(empty):
        words = f"{len(empty)} classes have no sample: {', '.join(map(str, empty[:SHOWN]))}"
        yield Fault("empty classes", words, len(empty), tuple((name,) for name in empty))
    if len(few):
        words = f"{len(few)} classes have fewer than {FEW} samples: {', '.join(map(str, few[:SHOWN]))}"
        yield Fault("small classes", words, len(few), tuple((name,) for name in few))
    present = counts[counts > 0]
    if present.max() >= IMBALANCE * present.min():
        least, most = names[np.where(counts > 0, counts, counts.max() + 1).argmin()], names[counts.argmax()]
        words = (
            f"{most} has {present.max() / present.min():.0f} times as many samples as {least} "
            f"({present.max()} and {present.min()}); accuracy over all samples speaks of the large classes"
        )
        yield Fault("imbalance", words, 2, ((str(most),), (str(least),)))
