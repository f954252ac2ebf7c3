"""covary in Keras: a Loader as a `PyDataset`, for `fit`, `evaluate` and `predict` on any backend."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from covary.data.loader import Loader
from covary.interop.batches import checked_loader, inputs_and_target, layout_of
from covary.interop.epochs import SharedEpoch
from covary.interop.missing import missing
from covary.pipeline import usable_cores

try:
    import keras
except ImportError as error:
    raise missing("keras", error) from None


class PyDataset(keras.utils.PyDataset):  # type: ignore[misc]
    """The batches of a Loader by number, as tuples of NumPy arrays.

    Each pass that Keras makes over the data is the next epoch of the loader. On its JAX and PyTorch backends, the first
    `fit` makes one pass more, to learn the shapes, of which nothing is trained on; to have the numbers of the epochs
    agree all the same, or after `fit(initial_epoch=...)`, tell them:

        fit(data, callbacks=[keras.callbacks.LambdaCallback(on_epoch_begin=lambda epoch, logs: data.set_epoch(epoch))])

    Pictures lie as `keras.config.image_data_format()` says; a pipeline that ends in `Normalize(layout="HWC")` spares
    turning them for "channels_last".

    Args:
        loader: a `covary.Loader`. Its own workers have nothing to do here, Keras brings its own.
        fields: fields of the batches to give. Default: the picture, and the soft labels or the labels.
        epoch: the first epoch.
        hold: give the same epoch again and again, as for validation. Default False.
        workers: threads that make batches ahead. Default: the usable cores.
        options: those of `keras.utils.PyDataset`, `use_multiprocessing` and `max_queue_size`.

    Raises:
        TypeError: `loader` is none.
        ValueError: at the first batch, for fields that are not there or whose sizes differ.
    """

    def __init__(
        self,
        loader: Loader,
        *,
        fields: Sequence[str] | None = None,
        epoch: int = 0,
        hold: bool = False,
        workers: int | None = None,
        **options: Any,
    ) -> None:
        super().__init__(workers=usable_cores() if workers is None else workers, **options)
        self.loader = checked_loader("PyDataset", loader)
        self.fields = None if fields is None else tuple(fields)
        self.hold = hold
        self._epoch = SharedEpoch(epoch)
        self._begun = False
        self._layout = layout_of(loader)
        self._wanted: Any = "CHW" if keras.config.image_data_format() == "channels_first" else "HWC"

    @property
    def epoch(self) -> int:
        """Which epoch is given."""
        return int(self._epoch)

    def __len__(self) -> int:
        return self.loader.batches

    def __getitem__(self, index: int) -> tuple[Any, ...]:
        """One batch of the present epoch."""
        number = range(len(self))[index]
        batch = self.loader.batch(number, self.epoch)
        if batch is None:
            raise ValueError(f"no sample of batch {number} can be used; see loader.problems")
        return inputs_and_target(batch, self.fields, self._layout, self._wanted)

    def set_epoch(self, epoch: int) -> None:
        """Give the batches of this epoch from now on."""
        self._epoch.set(epoch)

    def on_epoch_begin(self) -> None:
        """Take note that a pass begins: Keras says that one ends before it has begun any."""
        self._begun = True

    def on_epoch_end(self) -> None:
        """Go on to the next epoch."""
        if self._begun and not self.hold:
            self.set_epoch(self.epoch + 1)
        self._begun = False
