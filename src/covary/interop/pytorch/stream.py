"""A Loader's batches through a DataLoader."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from torch.utils.data import IterableDataset, get_worker_info

from covary.data.loader import Loader
from covary.draws.keys import key_number
from covary.interop.batches import checked_loader
from covary.interop.epochs import SharedEpoch
from covary.interop.forms import to_tensors
from covary.interop.pytorch.places import rank_and_world


class Batches(IterableDataset[Any]):
    """The batches of a Loader as an `IterableDataset`, for `DataLoader(..., batch_size=None, num_workers=n)`.

    The batches and their order are the same for any number of workers: worker w of n makes batches w, w + n, w + 2n ...
    of the loader's plan. Each pass over the data is the next epoch. Under `torch.distributed`, begun before this is
    made, each rank takes its share, unless the loader has been given a shard.

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
        return {name: to_tensors(value) for name, value in dict(batch).items()}
    for name in fields:
        if name not in batch:
            raise ValueError(f"the batch has no field {name!r}; it has {', '.join(map(repr, batch))}")
    return tuple(to_tensors(batch[name]) for name in fields)
