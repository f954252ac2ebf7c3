"""How strongly the samples of an epoch are varied: a number, or something that learns it from training."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol, TypeAlias, runtime_checkable

import numpy as np
from numpy.typing import NDArray


@runtime_checkable
class ChangingStrength(Protocol):
    """A strength that changes between epochs and remembers what it was in each."""

    def at(self, epoch: int) -> float | NDArray[np.float64]:
        """In [0, 1], for all samples of an epoch, or (K,) for each class. The same whenever it is asked again."""
        ...

    def options(self) -> dict[str, Any]:
        """What must agree for a state to be loaded, as plain data."""
        ...

    def state_dict(self) -> dict[str, Any]:
        """All that it remembers, as plain data."""
        ...

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Remember what another one did."""
        ...


LoaderStrength: TypeAlias = float | ChangingStrength | None
EpochStrength: TypeAlias = float | tuple[float, ...] | None
"""Of the samples of one epoch: one number, one for each class, or None for 1."""


def checked_strength(strength: Any) -> LoaderStrength:
    """The strength, if it is one.

    Raises:
        ValueError: a number outside [0, 1], or something else.
    """
    number = isinstance(strength, (int, float, np.number)) and not isinstance(strength, bool)
    if strength is None or isinstance(strength, ChangingStrength) or (number and 0 <= strength <= 1):
        return float(strength) if number else strength
    raise ValueError(f"Loader: strength is {strength!r}; allowed: a number in [0, 1], or a learn.AdaptiveStrength")


def plain_strength(strength: LoaderStrength) -> Any:
    """What of it must agree for a loader to go on where another stood."""
    return strength.options() if isinstance(strength, ChangingStrength) else strength


def of_epoch(strength: LoaderStrength, epoch: int, classes: int | None) -> EpochStrength:
    """The strength of an epoch.

    Raises:
        ValueError: there is one for each class, and the data set has another number of classes.
    """
    if not isinstance(strength, ChangingStrength):
        return strength
    numbers = np.asarray(strength.at(epoch), dtype=np.float64)
    if not numbers.ndim:
        return float(numbers)
    if classes is None or len(numbers) < classes:
        raise ValueError(f"Loader: strength is for {len(numbers)} classes; the data set has {classes or 'none'}")
    return tuple(numbers.tolist())


def of_samples(strength: EpochStrength, labels: NDArray[np.int64] | None, indices: list[int]) -> Any:
    """The strength of some samples: one number, (B,) numbers, or None. Samples without a class get the mean of all."""
    if not isinstance(strength, tuple):
        return strength
    assert labels is not None
    table = np.append(strength, np.mean(strength))
    return table[np.maximum(labels[indices], -1)]
