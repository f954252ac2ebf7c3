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
            if isinstance(law, Distribution) and law.identity in item.metadata.get("domain", ()) and _number(value):
                whole = isinstance(law, Integers) and float(value).is_integer()
                exact = (
                    Integers(int(value), int(value), identity=law.identity)
                    if whole
                    else Constant(float(value), identity=law.identity)
                )
                object.__setattr__(self, item.name, exact)
        Operation.__post_init__(self)


def law_of(operation: Operation, argument: str) -> Distribution:
    """The distribution in a field: what the user gave has become one when the operation was made."""
    law: Distribution = getattr(operation, argument)
    return law


def _number(value: Any) -> bool:
    """Whether a value is a finite number; all others are left to the general rules and their messages."""
    return isinstance(value, (int, float, np.number)) and not isinstance(value, bool) and math.isfinite(value)
