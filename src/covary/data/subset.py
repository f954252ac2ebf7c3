"""Some samples of a data set, which share its index."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Generic, TypeVar, overload

import numpy as np
from numpy.typing import ArrayLike, NDArray

from covary.data.dataset import Dataset, Sample, stored_sample
from covary.data.instances import Category
from covary.data.splits import split_named
from covary.data.strings import Coded
from covary.draws.keys import Key

T = TypeVar("T")


class Picked(Sequence[T], Generic[T]):
    """Some places of a sequence, in any order; nothing is copied."""

    __slots__ = ("_indices", "_values")

    def __init__(self, values: Sequence[T], indices: NDArray[np.int64]) -> None:
        self._values = values
        self._indices = indices

    def __len__(self) -> int:
        return len(self._indices)

    @overload
    def __getitem__(self, index: int) -> T: ...

    @overload
    def __getitem__(self, index: slice) -> list[T]: ...

    def __getitem__(self, index: int | slice) -> T | list[T]:
        if isinstance(index, slice):
            return [self._values[place] for place in self._indices[index].tolist()]
        return self._values[int(self._indices[index])]


class Subset:
    """Samples of a data set by their numbers. They keep their keys, and so their draws.

    Args:
        dataset: the whole.
        indices: (M,) numbers of the samples, in the order in which they are wanted.

    Raises:
        ValueError: an index lies outside the data set, or is no whole number.
    """

    def __init__(self, dataset: Dataset, indices: ArrayLike) -> None:
        chosen = np.asarray(indices)
        if chosen.ndim != 1 or (chosen.size and chosen.dtype.kind not in "iu"):
            raise ValueError(f"Subset: indices has shape {chosen.shape} and dtype {chosen.dtype}; whole numbers (M,)")
        self.dataset = dataset
        self.indices: NDArray[np.int64] = chosen.astype(np.int64)
        if chosen.size and (self.indices.min() < 0 or self.indices.max() >= len(dataset)):
            least, most = self.indices.min(), self.indices.max()
            raise ValueError(f"Subset: indices lie in {least} to {most}; the data set has {len(dataset):,} samples")

    @property
    def keys(self) -> Sequence[Key]:
        return Picked(self.dataset.keys, self.indices)

    @property
    def classes(self) -> tuple[str, ...]:
        return self.dataset.classes

    @property
    def labels(self) -> NDArray[np.int64] | None:
        labels = self.dataset.labels
        return None if labels is None else labels[self.indices]

    @property
    def splits(self) -> Sequence[str] | None:
        splits = self.dataset.splits
        return None if splits is None else Picked(splits, self.indices)

    @property
    def categories(self) -> Mapping[int, Category]:
        return self.dataset.categories

    def __len__(self) -> int:
        return len(self.indices)

    def read(self, index: int) -> Sample:
        """The sample, as the whole data set reads it."""
        return self.dataset.read(int(self.indices[index]))

    def stored(self, index: int) -> Sample:
        """The sample, its sound still in its file if the whole data set can leave it there."""
        return stored_sample(self.dataset, int(self.indices[index]))

    def __repr__(self) -> str:
        return f"Subset({len(self):,} of {self.dataset!r})"


def choose_split(dataset: Dataset, split: str) -> Dataset:
    """The samples of one part of a data set.

    Args:
        dataset: the whole.
        split: "train", "val" ("valid", "validation", "dev"), "test", or what else its parts are called.

    Raises:
        ValueError: nothing says what part samples belong to, or none belongs to this one.
    """
    wanted = split_named(split)
    if dataset.splits is None:
        raise ValueError(f"split={split!r}: nothing says which part of the data the samples of {dataset!r} belong to")
    coded = dataset.splits if isinstance(dataset.splits, Coded) else Coded(dataset.splits)
    if wanted not in coded.names:
        there = ", ".join(repr(name) for name in coded.names if name)
        raise ValueError(f"split={split!r}: no sample of {dataset!r} belongs to it; there are {there}")
    return Subset(dataset, np.flatnonzero(coded.codes == coded.names.index(wanted)))
