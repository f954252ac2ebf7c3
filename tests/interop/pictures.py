"""Pictures for the tests of frameworks."""

from __future__ import annotations

import multiprocessing
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


class Pictures:
    """A map-style data set as users write one: (picture, label), by way of a transform."""

    def __init__(self, pictures: list[Any], transform: Any = None) -> None:
        self.pictures = pictures
        self.transform = transform

    def __len__(self) -> int:
        return len(self.pictures)

    def __getitem__(self, index: int) -> Any:
        picture = self.pictures[index]
        return (picture if self.transform is None else self.transform(picture)), index % 3


def with_workers(count: int, **options: Any) -> dict[str, Any]:
    """Options of PyTorch's DataLoader for so many workers; further options are for workers only.

    They are forked from a server that has imported what they need, not from this process: it may hold threads of
    several frameworks, and a fork of such a process can hang.
    """
    if not count:
        return {"num_workers": 0}
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return {"num_workers": count, "multiprocessing_context": "spawn", **options}
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["covary.interop.pytorch", "covary.data.decode", __name__])
    return {"num_workers": count, "multiprocessing_context": context, **options}
