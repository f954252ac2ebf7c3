"""What every reader gives: samples by number, each a dict of fields, and a flat index that processes can share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from covary.data.instances import Category
from covary.draws.keys import Key

Sample: TypeAlias = dict[str, Any]
"""The fields of one sample.

Known names are `image` and `mask` (an `Encoded`, or an array as a pipeline takes it), `label` (a class number, or
whatever the data set has for one: a row of 0 and 1 for several classes, a number to be predicted), `objects` (a tuple
of `Instance`: boxes, regions and keypoints), `audio` with `rate`, and `text` with `spans`. Other columns keep their own
names.
"""


@dataclass(frozen=True, slots=True, eq=False)
class Encoded:
    """A picture or mask as its file holds it, not decoded yet.

    Attributes:
        data: the file's bytes.
        name: what to call it in messages: a path, or "part.tar: 000012.jpg".
    """

    data: bytes
    name: str


class SampleError(ValueError):
    """A sample that cannot be used.

    Attributes:
        key: of the sample.
        reason: what is wrong with it.
    """

    def __init__(self, key: Key, reason: str) -> None:
        self.key = key
        self.reason = reason
        super().__init__(f"{key}: {reason}")

    def __reduce__(self) -> tuple[Any, ...]:
        return SampleError, (self.key, self.reason)


def stored_sample(dataset: Dataset, index: int) -> Sample:
    """A sample with its sound still in its file, where the reader has a method `stored` for that; else as it reads it.

    Raises:
        SampleError, OSError: as `Dataset.read`.
    """
    read = getattr(dataset, "stored", dataset.read)
    sample: Sample = read(index)
    return sample


@runtime_checkable
class Dataset(Protocol):
    """Samples by number.

    A reader holds its index in few flat arrays (`Strings`, NumPy arrays), never in lists of Python objects: worker
    processes then share them without copying. It opens no file before `read`, keeps none open that a fork would share,
    and pickles without its contents.

    Attributes:
        keys: identity of each sample, on which its draws depend: a path relative to the data set, a row's id, a number.
        classes: names of the classes; () where there are none.
        labels: (N,) int64 class number of each sample, -1 where it has none; None where samples have no single class.
        splits: what part of the data each sample belongs to ("train", "val", "test" or ""); None where nothing says so.
        categories: kinds of the annotated objects by id; empty where there are none.
    """

    @property
    def keys(self) -> Sequence[Key]: ...

    @property
    def classes(self) -> tuple[str, ...]: ...

    @property
    def labels(self) -> NDArray[np.int64] | None: ...

    @property
    def splits(self) -> Sequence[str] | None: ...

    @property
    def categories(self) -> Mapping[int, Category]: ...

    def __len__(self) -> int: ...

    def read(self, index: int) -> Sample:
        """The fields of one sample, files read but pictures not decoded. It may be called from several threads.

        Raises:
            SampleError: this sample cannot be used; the message says why.
            OSError: a file cannot be read.
        """
        ...
