"""Batches for the mixers' tests."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

KEYS = ("cats/12.jpg", "cats/7.jpg", "dogs/1.jpg", "dogs/9.jpg", "emus/4.jpg", "emus/5.jpg", "gnus/2.jpg", "gnus/3.jpg")


def numbered(count: int, height: int = 6, width: int = 8, dtype: str = "float32", layout: str = "CHW") -> NDArray[Any]:
    """Pictures of one value each, which is the number of the sample."""
    shape = (3, height, width) if layout == "CHW" else (height, width, 3)
    return np.ones((count, *shape), dtype) * np.arange(count).astype(dtype).reshape(-1, 1, 1, 1)


def noise(count: int, height: int = 6, width: int = 8, dtype: str = "float32", layout: str = "CHW") -> NDArray[Any]:
    """Pictures of independent uniform values."""
    rng = np.random.default_rng(3)
    shape = (count, 3, height, width) if layout == "CHW" else (count, height, width, 3)
    if dtype == "float32":
        return rng.random(shape, dtype=np.float32)
    return rng.integers(0, np.iinfo(dtype).max, shape, dtype=dtype, endpoint=True)


def partners_of(target: NDArray[np.float32]) -> NDArray[np.int64]:
    """For targets of samples labelled by their own numbers: the other number, or the own where there is none."""
    others = target.copy()
    np.fill_diagonal(others, 0)
    return np.where(others.any(axis=1), others.argmax(axis=1), np.arange(len(others)))
