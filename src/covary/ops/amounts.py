"""Ranges with one side: an amount of noise, a width of blur, a number of bits."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from covary.draws.distributions import Constant, Distribution, Integers
from covary.ops.base import Operation


@dataclass(frozen=True, repr=False)
class Amount(Operation):
    """An operation with ranges that end at the identity.

    Such a range has no two sides, so a single number is not a distance either side of the identity but the value
    itself: `GaussianNoise(0.05)` always has that standard deviation.
    """

    def __post_init__(self) -> None:
        for item in dataclasses.fields(self):
            law, value = item.default, getattr(self, item.name)
            if not (isinstance(law, Distribution) and law.identity in item.metadata.get("domain", ())):
                continue
            if _is_number(value):
                object.__setattr__(self, item.name, self._exactly(item.name, value, law))
        Operation.__post_init__(self)

    def _exactly(self, argument: str, value: float, law: Distribution) -> Distribution:
        if not isinstance(law, Integers):
            return Constant(float(value), identity=law.identity)
        if value != int(value):
            self.refuse(argument, repr(value), "a whole number or a range of whole numbers")
        return Integers(int(value), int(value), identity=law.identity)


def _is_number(value: Any) -> bool:
    """Whether a value is a finite number; all others are left to the general rules and their messages."""
    return isinstance(value, (int, float, np.number)) and not isinstance(value, bool) and math.isfinite(value)
