"""covary in PyTorch.

`Transform` for any data set, `wrap` for keyed variations, `Collate` for mixing, `Batches` for a Loader.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np

from covary.data.loader import Loader
from covary.draws.keys import Key, key_number
from covary.interop.batches import checked_loader
from covary.interop.epochs import SharedEpoch
from covary.interop.forms import is_tensor, tensor_array, to_tensor
from covary.interop.missing import missing
from covary.interop.samples import Varying, as_key
from covary.ops.mix.base import Mixers, alternatives, mix_batch
from covary.ops.mix.labels import Classes
from covary.pipeline import Pipeline

try:
    import torch
    from torch.utils.data import Dataset, IterableDataset, default_collate, get_worker_info
except ImportError as error:
    raise missing("torch", error) from None

Keys: TypeAlias = Sequence[Key] | str | Callable[[Any], Key]

_NOTHING = object()


class Transform:
    """A pipeline as the `transform=` or `transforms=` of a data set.

    It takes what data sets give: a picture; a picture and its target, as the `transforms=` of torchvision's data sets
    is called; a tuple (picture, target); or a dict with a picture under "image". Pictures are PIL images, tensors
    (C, H, W) or arrays (H, W, C). Where the pipeline ends in `Normalize` or `ToTensor` they become tensors, float32
    (C, H, W), and PIL masks become int64 tensors (H, W) of class numbers; otherwise everything comes back in the form
    in which it came.

    A target is a mask (H, W); a dict with `boxes`, `masks`, `keypoints`, `labels` and `area`, a row per object, as
    torchvision's detection models take it; a list of COCO entries; or anything else, which comes back as it is. Boxes
    are written as the pipeline's `boxes` says (by default x0, y0, x1, y1). Where an object leaves the picture, its row
    goes from all columns.

    Without keys every call is another variation. Worker processes of a DataLoader take theirs from the seed that
    PyTorch gives each of them for each epoch: none repeats another's, nor an earlier epoch's, and `torch.manual_seed`
    with the same number of workers gives the same again. For variations that depend on nothing but the sample and the
    epoch, see `wrap`.

    Args:
        pipeline: the pipeline.
        rows: columns of a target, besides those that covary knows, that have a row per object.

    Raises:
        TypeError: `pipeline` is none.
    """

    def __init__(self, pipeline: Pipeline, *, rows: Iterable[str] = ()) -> None:
        if not isinstance(pipeline, Pipeline):
            raise TypeError(f"Transform: pipeline is a {type(pipeline).__name__}; a covary.Pipeline is needed")
        self.pipeline = pipeline
        self.rows = tuple(rows)
        self._stream: tuple[Any, Varying, itertools.count[int]] | None = None

    def __call__(self, image: Any, target: Any = _NOTHING, *, key: Key | None = None, epoch: int = 0) -> Any:
        """A variation.

        Args:
            image: a picture, a tuple (picture, target) or a dict.
            target: what belongs to the picture, where it comes by itself; then a tuple comes back.
            key: the sample's identity. Default: this transform counts its calls.
            epoch: which of the sample's variations.

        Raises:
            TypeError, ValueError: a field of a wrong type, dtype or shape; the message names it.
        """
        sample = image if target is _NOTHING else (image, target)
        if key is not None:
            return Varying(self.pipeline, to_tensor, self.rows).one(sample, key, epoch)
        varying, calls = self._next_calls()
        return varying.one(sample, epoch=epoch, call=f"call {next(calls)}")

    def _next_calls(self) -> tuple[Varying, itertools.count[int]]:
        """The pipeline that counts the calls of this process, seeded for the worker and rank that it is."""
        place = stream_of()
        if self._stream is None or self._stream[0] != place:
            own = self.pipeline if place is None else apart(self.pipeline, place)
            self._stream = (place, Varying(own, to_tensor, self.rows), itertools.count())
        return self._stream[1:]

    def __getstate__(self) -> dict[str, Any]:
        return {"pipeline": self.pipeline, "rows": self.rows, "_stream": None}

    def __repr__(self) -> str:
        return f"Transform({self.pipeline!r})"


def stream_of() -> str | None:
    """What tells the draws of this process from those of all others; None in the only one."""
    worker, (rank, world) = get_worker_info(), rank_and_world()
    if worker is None:
        return None if world == 1 else f"rank {rank}"
    return f"worker {worker.seed} of rank {rank}"


def rank_and_world() -> tuple[int, int]:
    """Number of this process among those that train together, and how many there are.

    Where `torch.distributed` has not begun, as in the worker processes of a DataLoader, the environment says it, as
    `torchrun` sets it.
    """
    if torch.distributed.is_available() and torch.distributed.is_initialized():
        return torch.distributed.get_rank(), torch.distributed.get_world_size()
    rank, world = os.environ.get("RANK", ""), os.environ.get("WORLD_SIZE", "")
    return (int(rank), int(world)) if rank.isdigit() and world.isdigit() else (0, 1)


def apart(pipeline: Pipeline, place: str) -> Pipeline:
    """The same pipeline, drawing as no other place does."""
    return pipeline.with_options(seed=key_number(f"{pipeline.seed}: {place}"))


class Samples(list[Any]):
    """The samples of a batch, with what they are called.

    Attributes:
        keys: their identities.
        epoch: number of their variation.
    """

    def __init__(self, samples: Iterable[Any], keys: Sequence[Key], epoch: int) -> None:
        super().__init__(samples)
        self.keys = list(keys)
        self.epoch = epoch


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
        return Samples(self._varying.many(samples, keys, epoch), keys, epoch)

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


class Collate:
    """A `collate_fn` that stacks samples, and mixes them.

    What has one shape in all samples is stacked; annotations and everything else of differing lengths stays a list.
    With mixers, pictures and labels are mixed as a batch: in dicts, `target` holds the soft labels (B, K), float32,
    that sum to one; of tuples (picture, label) the label becomes them.

    Of a data set made by `wrap`, the draws depend on its keys and epoch alone. Of any other they are told apart by
    worker and batch, as those of `Transform`.

    Args:
        mix: a mixer of `covary.mix`, or a list of mixers and (mixer, weight) pairs; each sample is given one of them.
        classes: how many classes there are, or their names. Needed for labels that are class numbers.
        seed: of the mixing's randomness, in [0, 2**64). Default 0.
        then: a pipeline for the mixed pictures, such as `Pipeline([Normalize("imagenet")])` behind mixers that need
            pictures before they are normalised.
        layout: how pictures lie. Default: tensors are "CHW", arrays "HWC".

    Raises:
        ValueError: a seed that is none; at the call: labels or pictures that cannot be mixed.
    """

    def __init__(
        self,
        mix: Mixers | None = None,
        *,
        classes: Classes = None,
        seed: int = 0,
        then: Pipeline | None = None,
        layout: str | None = None,
    ) -> None:
        if layout not in (None, "CHW", "HWC"):
            raise ValueError(f"Collate: layout is {layout!r}; allowed: 'CHW', 'HWC' or None")
        self.mix = alternatives(mix) if mix else None
        self.classes = classes
        self.seed = seed
        self.then = then
        self.layout = layout
        self._calls = itertools.count()

    def __call__(self, samples: Sequence[Any]) -> Any:
        """One batch of samples as a data set gives them."""
        first = samples[0]
        if isinstance(first, Mapping):
            fields = {name: stack([sample[name] for sample in samples]) for name in first}
            return self._mixed(fields, samples, first.get("image"))
        if isinstance(first, (tuple, list)):
            columns = [stack(column) for column in zip(*samples, strict=True)]
            if not self._changes or len(columns) < 2:
                return tuple(columns)
            fields = self._mixed({"image": columns[0], "label": columns[1]}, samples, first[0])
            return (fields["image"], fields.get("target", fields["label"]), *columns[2:])
        return self._mixed({"image": stack(samples)}, samples, first)["image"]

    @property
    def _changes(self) -> bool:
        return self.mix is not None or self.then is not None

    def _mixed(self, fields: dict[str, Any], samples: Sequence[Any], picture: Any) -> dict[str, Any]:
        if not self._changes:
            return fields
        layout = self.layout or ("CHW" if is_tensor(picture) else "HWC")
        arrays = {name: tensor_array(value, name) if is_tensor(value) else value for name, value in fields.items()}
        keys, epoch = self._identities(samples)
        if self.mix is not None:
            arrays = mix_batch(
                self.mix, arrays, classes=self.classes, seed=self.seed, epoch=epoch, keys=keys, layout=layout
            )
        if self.then is not None:
            pictures = ("image",) if self.mix is None else self.mix.pictures
            arrays |= {name: self._finished(arrays[name], layout, keys, epoch) for name in pictures}
        return {name: fields[name] if value is fields.get(name) else _stacked(value) for name, value in arrays.items()}

    def _finished(self, pictures: Any, layout: str, keys: Sequence[Key], epoch: int) -> Any:
        assert self.then is not None
        plain = np.moveaxis(pictures, -3, -1) if layout == "CHW" else pictures
        return self.then.batch(plain, keys=keys, epoch=epoch)

    def _identities(self, samples: Sequence[Any]) -> tuple[Sequence[Key], int]:
        if isinstance(samples, Samples):
            return samples.keys, samples.epoch
        call = f"{stream_of()}, batch {next(self._calls)}"
        return [f"{call}, sample {row}" for row in range(len(samples))], 0

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_calls": itertools.count()}


def stack(values: Sequence[Any]) -> Any:
    """The values of one field: stacked where all have one shape, else a list of them."""
    if isinstance(values[0], Mapping):
        return list(values)
    try:
        return default_collate(list(values))
    except (TypeError, RuntimeError):
        return list(values)


def _stacked(value: Any) -> Any:
    return to_tensor(value) if isinstance(value, np.ndarray) and value.dtype.kind in "biuf" else value


class Batches(IterableDataset[Any]):
    """The batches of a Loader as an `IterableDataset`, for `DataLoader(..., batch_size=None, num_workers=n)`.

    The batches and their order are the same for any number of workers: worker w of n makes batches w, w + n, w + 2n ...
    of the loader's plan. Each pass over the data is the next epoch. Under `torch.distributed` each rank takes its
    share, unless the loader has been given a shard.

    A plain `for batch in loader` needs no DataLoader and makes its batches by threads. This is for code that wants
    one.

    Args:
        loader: a `covary.Loader`; `to` and its workers play no part where DataLoader has workers.
        fields: fields of the batches to give, as ("image", "label"), in a tuple. Default: all, in a dict.

    Raises:
        TypeError: `loader` is none.
    """

    def __init__(self, loader: Loader, *, fields: Sequence[str] | None = None) -> None:
        loader = checked_loader("Batches", loader)
        rank, world = rank_and_world()
        self.loader = loader.sharded(rank, world) if world > 1 and loader.shard[1] == 1 else loader
        self.fields = None if fields is None else tuple(fields)
        self._epoch = SharedEpoch()
        self._start = 0, 0
        self._rounds = itertools.count()

    def set_epoch(self, epoch: int, start: int = 0) -> None:
        """Let the next pass over the data be this epoch.

        Args:
            epoch: its number.
            start: how many of its batches to leave out, as after a training that stopped there. Workers that keep
                running (`persistent_workers`) hear of it before their first pass only.
        """
        if isinstance(start, bool) or not isinstance(start, int) or not 0 <= start <= self.loader.batches:
            raise ValueError(f"start is {start!r}; allowed: a whole number up to {self.loader.batches}")
        self._epoch.set(epoch)
        self._start = epoch, start

    def __len__(self) -> int:
        """Batches in an epoch."""
        return self.loader.batches

    def __iter__(self) -> Iterator[Any]:
        worker = get_worker_info()
        epoch = self._epoch.claim(0 if worker is None else worker.id, self._passing(worker))
        start = self._start[1] if epoch == self._start[0] else 0
        if worker is None:
            yield from (tensors_of(batch, self.fields) for batch in self.loader.epoch(epoch, start=start))
            return
        for number in range(start + worker.id, self.loader.batches, worker.num_workers):
            batch = self.loader.batch(number, epoch)
            if batch is not None:
                yield tensors_of(batch, self.fields)

    def _passing(self, worker: Any) -> int:
        """Identity of this pass over the data: all workers of one DataLoader agree on it, and no two passes share it.

        PyTorch draws one seed for each pass (workers that keep running keep theirs, and count).
        """
        base = "main" if worker is None else worker.seed - worker.id
        return key_number(f"{base}, round {next(self._rounds)}") % (2**32 - 1) + 1

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_rounds": itertools.count()}


def tensors_of(batch: Mapping[str, Any], fields: Sequence[str] | None = None) -> Any:
    """A batch with its arrays as tensors on the same memory: all fields in a dict, or those named in a tuple.

    Raises:
        ValueError: the batch has no such field.
    """
    if fields is None:
        return {name: _stacked(value) for name, value in dict(batch).items()}
    for name in fields:
        if name not in batch:
            raise ValueError(f"the batch has no field {name!r}; it has {', '.join(map(repr, batch))}")
    return tuple(_stacked(batch[name]) for name in fields)
