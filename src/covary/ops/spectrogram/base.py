"""What every operation on spectrograms is made of: a batch of them, padded, in NumPy or PyTorch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

from covary.draws.distributions import Distribution
from covary.draws.keys import Key, key_numbers, slot_numbers
from covary.draws.rows import Rows, draw_rows
from covary.ops.base import Declared

Floats: TypeAlias = NDArray[np.float64]
Array: TypeAlias = Any
"""A NumPy array or a PyTorch tensor."""

AnyOperation = TypeVar("AnyOperation", bound="SpectrogramOperation")


class Draws:
    """What chance says of B spectrograms to one operation."""

    __slots__ = ("_operation", "_rows", "_slots")

    def __init__(
        self, operation: SpectrogramOperation, name: str, seed: int, epoch: int, keys: NDArray[np.uint64]
    ) -> None:
        self._operation = operation
        self._slots = operation.slots()
        epochs = np.full(len(keys), epoch, dtype=np.uint32)
        self._rows: Rows = draw_rows(seed, epochs, keys, _numbers(name, self._slots))

    def __call__(self, slot: str) -> Floats:
        """(B,) values: of the distribution in the field named `slot`, or uniforms of a slot declared in `uniforms`."""
        uniforms = self._rows.uniforms[:, self._slots.index(slot)]
        law = getattr(self._operation, slot, None)
        return law.quantile(uniforms) if isinstance(law, Distribution) else uniforms

    def stream(self, slot: str) -> NDArray[np.uint64]:
        """(B,) keys of bulk randomness for a slot declared in `streams`."""
        return self._rows.streams[:, self._slots.index(slot)]

    @property
    def happens(self) -> NDArray[np.bool_]:
        """(B,) whether each spectrogram is changed at all."""
        made: NDArray[np.bool_] = self("p") < self._operation.p
        return made


@cache
def _numbers(name: str, slots: tuple[str, ...]) -> NDArray[np.uint32]:
    return slot_numbers([(name, slot) for slot in slots])


@dataclass(frozen=True, slots=True, eq=False)
class Spectra:
    """A batch of spectrograms.

    Attributes:
        values: (B, C, F, T); C stands for whatever axes lie between the first and the last two, and is drawn for alike.
        lengths: (B,) frames of each that are no padding.
    """

    values: Array
    lengths: NDArray[np.int64]

    @property
    def bins(self) -> int:
        """F, the number of frequency bins."""
        return int(self.values.shape[2])

    @property
    def frames(self) -> int:
        """T, the number of frames, padding included."""
        return int(self.values.shape[3])


@dataclass(frozen=True, repr=False)
class SpectrogramOperation(Declared):
    """The base of operations on spectrograms.

    Args:
        p: probability in [0, 1] that a spectrogram is changed at all.
        name: what its random slots are bound to; by default its type.
    """

    modality = "audio"

    def change(self, spectra: Spectra, draws: Draws) -> Array:
        """The values of all spectrograms changed, those that `draws.happens` leaves out as well as it pleases."""
        raise TypeError(f"{type(self).__name__} describes no change")

    def __call__(
        self,
        spectrograms: Array,
        lengths: Any = None,
        *,
        keys: Sequence[Key] | None = None,
        seed: int = 0,
        epoch: int = 0,
    ) -> Array:
        """Vary spectrograms. What is drawn for one depends on its key alone, never on its batch.

        Args:
            spectrograms: (F, T), (B, F, T) or (B, ..., F, T): a NumPy array or a PyTorch tensor of floats, on any
                device.
            lengths: (B,) frames of each that are no padding; the rest is neither looked at nor changed. Default: all.
            keys: B identities. Default: 0, 1, 2 ...
            seed: of all randomness, in [0, 2**64).
            epoch: which variation.

        Returns:
            A new array or tensor of the same shape, dtype and device.

        Raises:
            TypeError, ValueError: an argument is not what it should be; the message names it.
        """
        spectra = read_spectra(spectrograms, lengths, type(self).__name__)
        draws = draws_of(self, len(spectra.lengths), keys, seed, epoch)
        made = self.varied(spectra, draws) if len(spectra.lengths) else spectra.values
        return made.reshape(tuple(spectrograms.shape))

    def varied(self, spectra: Spectra, draws: Draws) -> Array:
        """The changed values where something happens, the old ones elsewhere and in the padding."""
        within = np.arange(spectra.frames) < spectra.lengths[:, None]
        within &= draws.happens[:, None]
        return where(within[:, None, None, :], self.change(spectra, draws), spectra.values)


def draws_of(operation: SpectrogramOperation, count: int, keys: Sequence[Key] | None, seed: int, epoch: int) -> Draws:
    """What is drawn for a batch.

    Raises:
        ValueError: the number of keys is not that of the spectrograms.
    """
    numbers = np.arange(count, dtype=np.uint64) if keys is None else key_numbers(keys)
    if len(numbers) != count:
        raise ValueError(f"keys has {len(numbers)} entries for {count} spectrograms")
    return Draws(operation, operation.name or type(operation).__name__, seed, epoch, numbers)


def read_spectra(value: Array, lengths: Any, owner: str) -> Spectra:
    """A user's spectrograms as a batch (B, C, F, T), a view where that is possible.

    Raises:
        TypeError, ValueError: not an array or tensor of floats with two or more axes, or lengths that do not fit.
    """
    if not (isinstance(value, np.ndarray) or is_tensor(value)):
        raise TypeError(
            f"{owner}: spectrograms is a {type(value).__name__}; a NumPy array or a PyTorch tensor is needed"
        )
    if value.ndim < 2:
        raise ValueError(f"{owner}: spectrograms has shape {tuple(value.shape)}; allowed: (F, T) or (B, ..., F, T)")
    floating = value.dtype.kind == "f" if isinstance(value, np.ndarray) else value.is_floating_point()
    if not floating:
        raise TypeError(f"{owner}: spectrograms has dtype {value.dtype}; floats are needed")
    bins, frames = value.shape[-2:]
    count = value.shape[0] if value.ndim > 2 else 1
    middle = int(np.prod(value.shape[1:-2])) if value.ndim > 3 else 1
    if lengths is None:
        used = np.full(count, frames, dtype=np.int64)
    else:
        used = np.asarray(lengths.cpu() if is_tensor(lengths) else lengths).reshape(-1).astype(np.int64)
        if len(used) != count or (used < 0).any() or (used > frames).any():
            raise ValueError(
                f"{owner}: lengths is {used.tolist()}; needed are {count} whole numbers from 0 to {frames}"
            )
    return Spectra(value.reshape(count, middle, bins, frames), used)


def is_tensor(value: Any) -> bool:
    """Whether a value is a PyTorch tensor, found out without importing PyTorch."""
    return type(value).__module__.partition(".")[0] == "torch"


def like(values: Array, numbers: NDArray[Any]) -> Array:
    """NumPy numbers as what can be combined with `values`: a tensor on their device, or themselves."""
    if not is_tensor(values):
        return numbers
    import torch

    return torch.from_numpy(np.ascontiguousarray(numbers)).to(values.device)


def where(condition: NDArray[np.bool_], first: Array, second: Array) -> Array:
    """Elementwise choice, in the dtype of `second`."""
    if not is_tensor(second):
        return np.asarray(np.where(condition, first, second), dtype=second.dtype)
    import torch

    return torch.where(like(second, condition), first, second).to(second.dtype)


def moved_along(values: Array, places: Floats, axis: int) -> Array:
    """Values at other places along an axis, straight in between.

    Args:
        values: (B, C, F, T).
        places: (B, N) positions along the axis, N its length; those beyond the ends take the values there.
        axis: 2 or 3.
    """
    count = int(values.shape[axis])
    low = np.clip(np.floor(places), 0, max(count - 2, 0)).astype(np.int64)
    part = np.clip(places - low, 0, 1).astype(np.float32)
    # A place that is a whole number looks at one value only, so that padding beside it does not matter.
    low = np.where(part == 1, np.minimum(low + 1, count - 1), low)
    part = np.where(part == 1, np.float32(0), part)
    high = np.where(part == 0, low, np.minimum(low + 1, count - 1))
    shape = [len(places), 1, 1, 1]
    shape[axis] = count
    if not is_tensor(values):
        first = np.take_along_axis(values, low.reshape(shape), axis)
        second = np.take_along_axis(values, high.reshape(shape), axis)
        return (first + (second - first) * part.reshape(shape)).astype(values.dtype, copy=False)
    wide = tuple(values.shape)
    first = values.gather(axis, like(values, low.reshape(shape)).expand(wide))
    second = values.gather(axis, like(values, high.reshape(shape)).expand(wide))
    return first + (second - first) * like(values, part.reshape(shape)).to(values.dtype)
