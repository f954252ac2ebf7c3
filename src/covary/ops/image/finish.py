"""The form in which a model takes pictures: the last operations of a pipeline."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal, TypeAlias

import numpy as np

from covary.ops.base import Draw, Operation, operation
from covary.ops.image.luma import identity_matrix
from covary.ops.view import View
from covary.plan.changes import Change, Colour, Convert

Layout: TypeAlias = Literal["CHW", "HWC"]
Numbers: TypeAlias = float | tuple[float, ...]

# Mean and standard deviation of the channels, as fractions of white.
STATISTICS: dict[str, tuple[Numbers, Numbers]] = {
    "imagenet": ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
    "half": (0.5, 0.5),
}

_TO_FLOAT: dict[Layout, Convert] = {"CHW": Convert("float32", "CHW"), "HWC": Convert("float32", "HWC")}
_TO_CHW = Convert(None, "CHW")


@lru_cache(maxsize=256)
def _normalised(mean: Numbers, std: Numbers, channels: int, white: float, count: int) -> Colour:
    """The change (value / white - mean) / std for `count` pictures; its array is shared and read-only."""
    scale = 1 / (white * np.broadcast_to(np.asarray(std, dtype=np.float64), channels))
    matrix = scale[:, None] * identity_matrix(channels)
    matrix[:, -1] = -np.asarray(mean, dtype=np.float64) / std
    batch = matrix[None].repeat(count, axis=0)
    batch.flags.writeable = False
    return Colour(batch)


@dataclass(frozen=True, repr=False)
class Finish(Operation):
    """An operation that belongs to the model's input, not to the variation: it happens always, and at any strength."""

    required = True

    def check(self) -> None:
        if self.p != 1:
            self.refuse("p", repr(self.p), "1, as all pictures of a batch need the same form")


@operation
class Normalize(Finish):
    """Centre and scale the channels, (value / white - mean) / std, as float32.

    Args:
        statistics: the name of a known pair: "imagenet", or "half" (mean and std 0.5, which gives -1 to 1). Default
            "imagenet", unless `mean` and `std` are given.
        mean, std: in units of white (0 to 1), one number for all channels or one for each. Both or neither.
        layout: "CHW" or "HWC". Default "CHW".

    As in torchvision and Albumentations, but for the layout; `ToTensor` behind it only settles the layout.

    Raises:
        ValueError: at the call, when there are neither one nor as many numbers as the image has channels.

    Helps: always use the numbers with which a pre-trained model was trained.
    Hurts: not by itself; other numbers than the model's do.
    """

    statistics: str | None = None
    mean: Numbers | None = None
    std: Numbers | None = None
    layout: Layout = "CHW"

    def check(self) -> None:
        Finish.check(self)
        self.one_of("layout", ("CHW", "HWC"))
        if self.statistics is not None:
            if not isinstance(self.statistics, str) or self.statistics not in STATISTICS:
                self.refuse(
                    "statistics", repr(self.statistics), f"{', '.join(STATISTICS)}, or numbers as mean= and std="
                )
            if self.mean is not None or self.std is not None:
                self.refuse("statistics", repr(self.statistics), "either statistics or mean and std, not both")
        if (self.mean is None) != (self.std is None):
            missing = "mean" if self.mean is None else "std"
            self.refuse(missing, "missing", "both mean and std, or neither")
        if self.mean is not None and self.std is not None:
            _check_numbers(self, "mean", self.mean)
            _check_numbers(self, "std", self.std, above_zero=True)
            lengths = {len(numbers) for numbers in (self.mean, self.std) if isinstance(numbers, tuple)} - {1}
            if len(lengths) > 1:
                self.refuse("std", repr(self.std), f"as many numbers as mean has ({self.mean!r})")

    def numbers(self) -> tuple[Numbers, Numbers]:
        """Mean and standard deviation, in units of white."""
        if self.mean is not None and self.std is not None:
            return self.mean, self.std
        return STATISTICS[self.statistics or "imagenet"]

    def describe(self, draw: Draw, view: View) -> tuple[Change, ...]:
        mean, std = self.numbers()
        try:
            change = _normalised(mean, std, view.channels, view.white, view.count)
        except ValueError:
            raise ValueError(
                f"the image has {view.channels} channels; mean is {mean}, std is {std}: "
                "give one number for all channels or one for each, as mean= and std="
            ) from None
        return change, _TO_FLOAT[self.layout]


@dataclass(frozen=True, repr=False)
class Tensor(Finish):
    """What changes the layout, and divides by white if it is asked to."""

    scale: bool = True

    def check(self) -> None:
        Finish.check(self)
        if not isinstance(self.scale, bool):
            self.refuse("scale", repr(self.scale), "True or False")


@operation
class ToTensor(Tensor):
    """Make float32 pictures in CHW layout, 0 to 1.

    Args:
        scale: divide by white (255, 65,535 or 1.0), as torchvision's ToTensor does. False keeps the values and their
            type, as Albumentations' ToTensorV2 does, and changes the layout only. Default True.

    Directly behind `Normalize` it only settles the layout. The result is a NumPy array; `torch.from_numpy` shares its
    memory.

    Helps: models that normalise by themselves.
    Hurts: not by itself.
    """

    def describe(self, draw: Draw, view: View) -> tuple[Change, ...]:
        if not self.scale:
            return (_TO_CHW,)
        return _normalised(0.0, 1.0, view.channels, view.white, view.count), _TO_FLOAT["CHW"]


def _check_numbers(owner: Operation, argument: str, value: Any, *, above_zero: bool = False) -> None:
    """Refuse what is not a finite number or a tuple of them."""
    parts = value if isinstance(value, tuple) else (value,)
    good = [
        isinstance(x, (int, float, np.number))
        and not isinstance(x, bool)
        and math.isfinite(x)
        and (x > 0 or not above_zero)
        for x in parts
    ]
    if not good or not all(good):
        numbers = "numbers above 0" if above_zero else "finite numbers"
        owner.refuse(argument, repr(value), f"{numbers} in units of white: one, or a tuple with one per channel")
