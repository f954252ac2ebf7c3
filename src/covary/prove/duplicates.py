"""Which samples are one and the same thing: equal bit for bit, or nearly so."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from covary.prove.task import Task

Pairs: TypeAlias = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Duplicates:
    """What of a task is there more than once.

    Attributes:
        exact: (N,) number of each sample's group of equal samples; groups are numbered by their first sample.
        near: (N,) the same for groups of samples that are equal or nearly so; being alike is taken further: where a is
            like b and b like c, all three are one group.
    """

    exact: NDArray[np.int64]
    near: NDArray[np.int64]


def groups_of(task: Task) -> NDArray[np.int64]:
    """(N,) int64 group of each sample: samples of one group are duplicates and belong on one side of every split.

    Pictures are alike if one is the other encoded, scaled or slightly cropped anew; sounds if their waveforms agree but
    for a shift, a gain and what codecs lose; texts if most of their short pieces are the same. A class is no group:
    what merely looks or sounds similar stays apart.
    """
    return find_duplicates(task).near


def find_duplicates(task: Task) -> Duplicates:
    """The groups of equal, and of equal or nearly equal samples."""
    exact = _numbered([_digest(sample) for sample in task.samples])
    firsts = np.unique(exact, return_index=True)[1]
    pairs = firsts[_alike(task, firsts)] if len(firsts) > 1 else np.empty((0, 2), dtype=np.int64)
    return Duplicates(exact, joined(exact, pairs))


def _alike(task: Task, firsts: NDArray[np.int64]) -> Pairs:
    samples = [task.samples[i] for i in firsts.tolist()]
    if task.modality == "image":
        from covary.prove.alike_pictures import alike_pictures

        return alike_pictures(samples)
    if task.modality == "audio":
        from covary.prove.alike_sounds import alike_sounds

        assert task.rates is not None
        return alike_sounds(samples, task.rates[firsts].tolist())
    from covary.prove.alike_texts import alike_texts

    return alike_texts(samples)


def joined(groups: NDArray[np.int64], pairs: Pairs) -> NDArray[np.int64]:
    """Groups (N,) that also hold together the samples of each pair (P, 2), numbered by their first sample."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    count = len(groups)
    firsts = np.unique(groups, return_index=True)[1]
    rows = np.concatenate([np.arange(count), pairs[:, 0]])
    columns = np.concatenate([firsts[np.unique(groups, return_inverse=True)[1]], pairs[:, 1]])
    graph = coo_array((np.ones(len(rows), dtype=np.int8), (rows, columns)), shape=(count, count))
    return _numbered(connected_components(graph, directed=False)[1].tolist())


def _numbered(names: list[Any]) -> NDArray[np.int64]:
    numbers: dict[Any, int] = {}
    return np.array([numbers.setdefault(name, len(numbers)) for name in names], dtype=np.int64)


def _digest(sample: Any) -> bytes:
    if isinstance(sample, str):
        return hashlib.blake2b(sample.encode(errors="surrogatepass"), digest_size=16).digest()
    array = np.ascontiguousarray(sample)
    about = f"{array.dtype.str}{array.shape}".encode()
    return hashlib.blake2b(about + array.tobytes(), digest_size=16).digest()
