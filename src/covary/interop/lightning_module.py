"""covary in Lightning: Loaders as a `LightningDataModule` that resumes in the middle of an epoch."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from covary.data.loader import Loader
from covary.interop.batches import checked_loader
from covary.interop.missing import missing
from covary.interop.pytorch import tensors_of
from covary.interop.pytorch.places import rank_and_world

try:
    from lightning.pytorch import LightningDataModule
except ImportError as error:
    raise missing("lightning", error) from None


class DataModule(LightningDataModule):
    """Loaders for the stages of a Trainer; batches are dicts of tensors, or tuples of the fields that are named.

    An epoch of the Trainer is the epoch of the training loader of that number. A checkpoint holds where the loader
    stands, and a Trainer that starts from it goes on with the very batch that came next, on any number of workers. Each
    rank takes its share. Validation, test and prediction always see epoch 0.

    Args:
        train: a `covary.Loader`.
        val, test, predict: loaders too, with `shuffle=False` and a pipeline without chance as a rule. Default: none.
        fields: fields of the batches to give, as ("image", "label"), in a tuple. Default: all, in a dict.

    Raises:
        TypeError: a loader is none.
    """

    def __init__(
        self,
        train: Loader | None = None,
        val: Loader | None = None,
        test: Loader | None = None,
        predict: Loader | None = None,
        *,
        fields: Sequence[str] | None = None,
    ) -> None:
        super().__init__()
        given = {"train": train, "val": val, "test": test, "predict": predict}
        self.loaders = {
            stage: checked_loader(f"DataModule: {stage}", each) for stage, each in given.items() if each is not None
        }
        self.fields = None if fields is None else tuple(fields)

    def train_dataloader(self) -> Any:
        return self._stage("train", lambda: 0 if self.trainer is None else self.trainer.current_epoch)

    def val_dataloader(self) -> Any:
        return self._stage("val")

    def test_dataloader(self) -> Any:
        return self._stage("test")

    def predict_dataloader(self) -> Any:
        return self._stage("predict")

    def _stage(self, stage: str, epoch: Callable[[], int] = lambda: 0) -> Any:
        if stage not in self.loaders:
            return []
        loader = self.loaders[stage]
        ranks = rank_and_world() if self.trainer is None else (self.trainer.global_rank, self.trainer.world_size)
        if ranks[1] > 1 and loader.shard[1] == 1:
            loader = loader.sharded(*ranks)
        return Epochs(loader, epoch, self.fields)


class Epochs:
    """What a Trainer goes through: the batches of a loader, of the epoch that is asked for."""

    def __init__(self, loader: Loader, epoch: Callable[[], int], fields: Sequence[str] | None) -> None:
        self.loader = loader
        self._epoch = epoch
        self._fields = fields
        self._resumed = False

    def __len__(self) -> int:
        return self.loader.batches

    def __iter__(self) -> Iterator[Any]:
        if self._resumed:
            batches = self.loader.epoch(self.loader.state_dict()["epoch"])
        else:
            batches = self.loader.epoch(self._epoch(), start=0)
        self._resumed = False
        for batch in batches:
            yield tensors_of(batch, self._fields)

    def state_dict(self) -> dict[str, Any]:
        """Where the loader stands."""
        return self.loader.state_dict()

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Return there, for the next pass."""
        self.loader.load_state_dict(state)
        self._resumed = True
