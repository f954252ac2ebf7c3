"""covary in Grain: transforms of its own kinds, deterministic under any number of its workers.

Which one depends on what Grain tells a transform. `RandomMap` fits everywhere and gets a generator. `MapWithIndex`, for
`MapDataset.map_with_index`, and `RecordMap`, among the operations of a `DataLoader`, learn which record they have
before them: they give the very variations of `pipeline(image=..., key=..., epoch=...)`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np

from covary.draws.keys import Key
from covary.interop.missing import missing
from covary.interop.samples import Varying, as_key
from covary.pipeline import Pipeline

try:
    from grain import Record, transforms
except ImportError as error:
    raise missing("grain", error) from None


class _Keyed:
    """What the transforms have in common: a pipeline, and where a record's key stands."""

    def __init__(
        self,
        pipeline: Pipeline,
        *,
        key: str | None = None,
        names: Mapping[str, str] | None = None,
        rows: Iterable[str] = (),
    ) -> None:
        if not isinstance(pipeline, Pipeline):
            raise TypeError(f"{type(self).__name__}: pipeline is a {type(pipeline).__name__}; a Pipeline is needed")
        self.pipeline = pipeline
        self.key = key
        self._varying = Varying(pipeline, rows=tuple(rows), names=dict(names or {}))

    def _key_in(self, element: Any) -> Key | None:
        if self.key is None:
            return None
        if not isinstance(element, Mapping) or self.key not in element:
            found = f"a dict with {', '.join(map(repr, element))}" if isinstance(element, Mapping) else type(element)
            raise ValueError(f"{type(self).__name__}: key is {self.key!r}, but the record is {found}")
        return as_key(element[self.key])

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.pipeline!r}, key={self.key!r})"


class RandomMap(_Keyed, transforms.RandomMap):  # type: ignore[misc]
    """A pipeline as Grain's `RandomMap`, also known as `RandomMapTransform`: for every kind of Grain's data sets.

    A variation is a function of the pipeline's seed, of the record's key where `key` names its field, and of what
    Grain's generator draws for the record: another number in each epoch, the same under any number of workers.

    Args:
        pipeline: the pipeline. A record is a picture, a tuple (picture, target) or a dict with a picture under "image"
            and labels beside it; arrays come back.
        key: the field of dicts that holds the record's identity, a text or a number. Default: the generator's draw
            stands for it.
        names: field of a pipeline -> its name in the records, as {"image": "pixels"}.
        rows: columns of annotations, besides those that covary knows, that have a row per object.

    Raises:
        TypeError: `pipeline` is none.
        ValueError: at the call, when a record has no `key`.
    """

    def random_map(self, element: Any, rng: np.random.Generator) -> Any:
        """A variation of a record, by the generator that Grain has seeded for it."""
        key = self._key_in(element)
        if key is None:
            key = int(rng.integers(2**64, dtype=np.uint64))
        return self._varying.one(element, key, int(rng.integers(2**32, dtype=np.uint64)))


class MapWithIndex(_Keyed, transforms.MapWithIndex):  # type: ignore[misc]
    """A pipeline as Grain's `MapWithIndex`: each pass over a `MapDataset` is an epoch of the pipeline.

    Args:
        pipeline: the pipeline.
        length: records in an epoch: `len` of the data set before `repeat`.
        options: as for `RandomMap`. Without a `key`, a record's key is its place in the epoch: give one where the data
            set is shuffled before.

    Raises:
        TypeError, ValueError: no pipeline, or no length.
    """

    def __init__(self, pipeline: Pipeline, length: int, **options: Any) -> None:
        super().__init__(pipeline, **options)
        self.length = checked_length(type(self).__name__, length)

    def map_with_index(self, index: int, element: Any) -> Any:
        """The variation of the record at a place."""
        epoch, place = divmod(int(index), self.length)
        key = self._key_in(element)
        return self._varying.one(element, place if key is None else key, epoch)


class RecordMap(_Keyed):
    """A pipeline among the `operations` of Grain's `DataLoader`: by the record's key, as the sampler numbers it.

    Args:
        pipeline: the pipeline.
        length: records in an epoch: those of the sampler (`num_records`).
        options: as for `RandomMap`. Without a `key`, a record's key is its number in the data source.

    Raises:
        TypeError, ValueError: no pipeline, or no length; at the call: it stands behind a batch.
    """

    def __init__(self, pipeline: Pipeline, length: int, **options: Any) -> None:
        super().__init__(pipeline, **options)
        self.length = checked_length(type(self).__name__, length)

    def __call__(self, records: Iterator[Any]) -> Iterator[Any]:
        for record in records:
            key = self._key_in(record.data)
            if key is None:
                key = record.metadata.record_key
            if key is None:
                raise ValueError("RecordMap: the records have no key any more; it stands before Batch")
            varied = self._varying.one(record.data, key, record.metadata.index // self.length)
            yield Record(metadata=record.metadata, data=varied)


def checked_length(owner: str, length: int) -> int:
    """The length, if it is one."""
    if isinstance(length, bool) or not isinstance(length, (int, np.integer)) or length < 1:
        raise ValueError(f"{owner}: length is {length!r}; allowed: a whole number from 1 on")
    return int(length)
