"""Pictures for the tests of frameworks."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def noise(seed: int, height: int = 40, width: int = 48, channels: int = 3) -> NDArray[np.uint8]:
    """A picture of noise, in which no two places look alike."""
    shape = (height, width, channels) if channels else (height, width)
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


def same(one: Any, other: Any) -> bool:
    """Whether two values hold the same numbers, whatever holds them."""
    return np.array_equal(np.asarray(one), np.asarray(other))
