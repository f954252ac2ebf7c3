"""Labels of a batch as rows that can be mixed: class numbers, soft rows, several classes at once, quantities; of whole
samples, or of each frame of videos."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Floats: TypeAlias = NDArray[np.float64]
Indices: TypeAlias = NDArray[np.int64]
Classes: TypeAlias = int | Sequence[Any] | None

SLACK = 1e-4  # by so much the sum of a soft row may miss one, whatever its dtype


@dataclass(frozen=True, slots=True, eq=False)
class Labels:
    """The labels of B samples, either class numbers or values.

    Attributes:
        numbers: (B,) int64 class numbers, or (B, T) of each frame; or None.
        values: (B, K) rows, (B, T, K) rows of each frame, or (B,) quantities, float64; or None.
        classes: K for class numbers.
    """

    numbers: Indices | None
    values: Floats | None
    classes: int = 0

    def mixed(self, sources: Indices, weights: Floats) -> NDArray[np.float32]:
        """The targets of samples made of several sources.

        Args:
            sources: (B, S) which samples each is made of.
            weights: (B, S) float64 shares, each row summing to one.

        Returns:
            (B, K) float32 for classes, (B, T, K) for those of each frame, (B,) for quantities.
        """
        if self.numbers is None:
            assert self.values is not None
            picked = self.values[sources]
            shares = weights.reshape(weights.shape + (1,) * (picked.ndim - 2))
            total: NDArray[np.float32] = (picked * shares).sum(axis=1).astype(np.float32)
            return total
        numbers = self.numbers[sources]
        weights = weights.reshape(weights.shape + (1,) * (numbers.ndim - 2))
        # What a sample has of the class of each of its sources, added up before it is rounded to float32: two sources
        # of one class make exactly one.
        shares = ((numbers[:, :, None] == numbers[:, None, :]) * weights[:, None, :]).sum(axis=2)
        target = np.zeros((*self.numbers[sources[:, 0]].shape, self.classes), dtype=np.float32)
        np.put_along_axis(target, np.moveaxis(numbers, 1, -1), np.moveaxis(shares.astype(np.float32), 1, -1), axis=-1)
        return target

    def of(self, sources: Indices) -> NDArray[Any]:
        """The labels of the (B,) samples: int64 class numbers, or float32 values."""
        if self.numbers is not None:
            return self.numbers[sources]
        assert self.values is not None
        return self.values[sources].astype(np.float32)


def read_labels(label: Any, count: int, classes: Classes, frames: int | None = None) -> Labels:
    """Read the labels of a batch, of whatever dtype.

    Args:
        label: class numbers (B,); rows (B, K), one-hot, soft or of several classes; or quantities (B,), floating and
            without `classes`. A NumPy array, a tensor (bfloat16 too), or a list of numbers, rows or tensors. A row that
            sums to one within the precision of its dtype is made to sum to one; rows of several classes stay as they
            are.
        count: B.
        classes: their number, or their names; None or () where there are none.
        frames: where samples have frames that may have labels of their own, how many: class numbers (B, frames) or rows
            (B, frames, K). Numbers (B, frames) are a row for each sample if there are as many classes as frames, or
            `classes` is not given, and they are floating or bool.

    Raises:
        ValueError: another shape or number of classes, a number that is no class, a dtype too coarse to hold the class
            numbers, or whole numbers that could be a row of a sample or the classes of its frames.
    """
    known = None if classes is None else int(classes) if isinstance(classes, (int, np.integer)) else len(classes)
    known = known or None
    array, epsilon = _numbers(label)
    if array.shape[:1] != (count,):
        raise ValueError(f"label has shape {array.shape}; one entry for each of the {count} samples is needed")
    if array.ndim == 1 and (known is not None or array.dtype.kind in "iub"):
        return Labels(_class_numbers(array, epsilon, known), None, known or 0)
    if frames is not None and array.shape[1:] == (frames,) and _is_of_frames(array, known):
        return Labels(_class_numbers(array, epsilon, known), None, known or 0)
    if array.ndim not in (1, 2) and (frames is None or array.shape[1:-1] != (frames,)):
        more = "" if frames is None else f", and for each of {frames} frames (B, {frames}, number of classes)"
        raise ValueError(f"label has shape {array.shape}; allowed: (B,) and (B, number of classes){more}")
    values = array.astype(np.float64)
    if not np.isfinite(values).all():
        raise ValueError("label holds values that are not finite")
    if values.ndim > 1:
        if known is not None and values.shape[-1] != known:
            raise ValueError(f"label has {values.shape[-1]} columns; there are {known} classes")
        total = values.sum(axis=-1, keepdims=True)
        soft = np.abs(total - 1) <= max(2 * epsilon, SLACK)
        values = np.where(soft, values / np.where(soft, total, 1), values)
    return Labels(None, values)


def _is_of_frames(array: NDArray[Any], classes: int | None) -> bool:
    """Whether (B, T) numbers of samples of T frames are classes of the frames; else they are a row for each sample.

    Raises:
        ValueError: they could be either.
    """
    frames = array.shape[1]
    if classes is not None and classes != frames:
        return True
    whole = array.dtype.kind in "iu"
    if whole or (classes is not None and array.dtype.kind == "f" and ((array < 0) | (array > 1)).any()):
        raise ValueError(
            f"label has shape {array.shape} for samples of {frames} frames: a row for each sample, or the class of "
            f"each frame? Give rows as floating numbers in [0, 1], classes of frames with classes= or, where there are "
            f"{frames} classes too, as rows (B, {frames}, {frames})"
        )
    return False


def _class_numbers(array: NDArray[Any], epsilon: float, classes: int | None) -> Indices:
    if classes is None:
        raise ValueError("label holds class numbers; pass classes=, how many classes there are (or their names)")
    if epsilon and classes - 1 > 2 / epsilon:
        raise ValueError(
            f"label is floating and exact up to {2 / epsilon:.0f} only; there are {classes} classes: give integers"
        )
    numbers = array.astype(np.int64)
    wrong = (numbers < 0) | (numbers >= classes) | (numbers != array)
    if wrong.any():
        row, *frame = (int(index) for index in np.argwhere(wrong)[0])
        where = f"sample {row}, frame {frame[0]}," if frame else f"sample {row}"
        got = array[(row, *frame)]
        raise ValueError(f"label of {where} is {got}; allowed: class numbers from 0 to {classes - 1}")
    return numbers


def _numbers(value: Any) -> tuple[NDArray[Any], float]:
    """An array of numbers that NumPy can compute with, and the spacing of its dtype at one (0 for integers)."""
    if isinstance(value, (list, tuple)):
        parts = [_numbers(item) for item in value]
        if len({part.shape for part, _ in parts}) > 1:
            raise ValueError("label has entries of different shapes; one number or one row for each sample is needed")
        array = np.stack([part for part, _ in parts]) if parts else np.zeros(0)
        return array, max((epsilon for _, epsilon in parts), default=0.0)
    epsilon = 0.0
    if hasattr(value, "detach"):  # a PyTorch tensor, without importing PyTorch
        value = value.detach().cpu()
        if "bfloat16" in str(value.dtype):
            value, epsilon = value.float(), 2.0**-7
        value = value.numpy()
    array = np.asarray(value)
    if array.dtype.name == "bfloat16":
        array, epsilon = array.astype(np.float32), 2.0**-7
    if array.dtype.kind not in "iubf":
        raise ValueError(f"label has dtype {array.dtype}; numbers are needed")
    if array.dtype.kind == "f":
        epsilon = max(epsilon, float(np.finfo(array.dtype).eps))
    return array, epsilon
