"""Data sets whose samples are keyed variations."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeAlias

from torch.utils.data import Dataset

from covary.draws.keys import Key
from covary.interop.epochs import SharedEpoch
from covary.interop.forms import to_tensor
from covary.interop.samples import Varying, as_key
from covary.pipeline import Pipeline

Keys: TypeAlias = Sequence[Key] | str | Callable[[Any], Key]


class Samples(list[Any]):
    """The samples of a batch, with what they are called.

    Attributes:
        keys: their identities.
        epoch: number of their variation.
        pipeline: what varied them, and says how boxes and other labels are written.
        rows: further columns of their targets that have a row per object.
    """

    def __init__(
        self, samples: Iterable[Any], keys: Sequence[Key], epoch: int, pipeline: Pipeline, rows: Sequence[str] = ()
    ) -> None:
        super().__init__(samples)
        self.keys = list(keys)
        self.epoch = epoch
        self.pipeline = pipeline
        self.rows = tuple(rows)


class Wrapped(Dataset[Any]):
    """A data set that gives keyed variations; see `wrap`.

    Attributes:
        dataset: the data set itself.
        pipeline: the pipeline.
    """

    def __init__(self, dataset: Any, pipeline: Pipeline, keys: Keys | None, rows: Iterable[str]) -> None:
        if not hasattr(dataset, "__getitem__") or not hasattr(dataset, "__len__"):
            raise TypeError(f"wrap: dataset is a {type(dataset).__name__}; it needs __len__ and __getitem__")
        if isinstance(keys, Sequence) and not isinstance(keys, str) and len(keys) != len(dataset):
            raise ValueError(f"wrap: keys has {len(keys)} entries for {len(dataset)} samples")
        self.dataset = dataset
        self.pipeline = pipeline
        self._keys = keys
        self._varying = Varying(pipeline, to_tensor, tuple(rows))
        self._epoch = SharedEpoch()

    @property
    def epoch(self) -> int:
        """Which variations are given."""
        return int(self._epoch)

    def set_epoch(self, epoch: int) -> None:
        """Give the variations of another epoch from now on; worker processes that keep running hear of it too."""
        self._epoch.set(epoch)

    def __len__(self) -> int:
        return len(self.dataset)

    def __getitem__(self, index: int) -> Any:
        return self.__getitems__([index])[0]

    def __getitems__(self, indices: Sequence[int]) -> Samples:
        """Several samples at once, at less cost than one by one; DataLoader asks for them so."""
        places = [range(len(self))[int(index)] for index in indices]
        many = getattr(self.dataset, "__getitems__", None)
        samples = many(places) if callable(many) else [self.dataset[place] for place in places]
        keys = [self._key(place, sample) for place, sample in zip(places, samples, strict=True)]
        epoch = self.epoch
        return Samples(self._varying.many(samples, keys, epoch), keys, epoch, self.pipeline, self._varying.rows)

    def _key(self, place: int, sample: Any) -> Key:
        keys = self._keys
        if keys is None:
            return place
        if isinstance(keys, str):
            return as_key(sample[keys])
        return keys(sample) if callable(keys) else keys[place]

    def __repr__(self) -> str:
        return f"wrap({self.dataset!r}, {self.pipeline!r})"


def wrap(dataset: Any, pipeline: Pipeline, *, keys: Keys | None = None, rows: Iterable[str] = ()) -> Wrapped:
    """A map-style data set whose samples are variations that depend on their key and the epoch alone.

    Number of workers, batch size, order and rank change nothing: `wrap(data, pipeline)[i]` after `set_epoch(k)` is
    `pipeline(image=..., key=i, epoch=k)`. Without `set_epoch`, every epoch gives the same variations.

    Args:
        dataset: any map-style data set, without a random transform of its own. Its samples are what `Transform` takes.
        pipeline: the pipeline.
        keys: identities of the samples: a sequence, such as their paths; the name of a field of dicts; or a function of
            the sample. Default: their numbers.
        rows: as for `Transform`.

    Raises:
        TypeError: `dataset` is no map-style data set.
        ValueError: not one key for each sample.
    """
    return Wrapped(dataset, pipeline, keys, rows)
