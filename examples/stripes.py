"""What the examples train on: small pictures of lying and standing stripes, made here."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from covary.data.encode import encode

CLASSES = ("lying", "standing")


def stripes(count: int = 64, size: int = 48) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Pictures (count, size, size, 3) of stripes of every colour, width and place, and their classes."""
    chance = np.random.default_rng(0)
    labels = np.arange(count) % 2
    pictures = np.empty((count, size, size, 3), np.uint8)
    for picture, label in zip(pictures, labels, strict=True):
        wave = np.sin(np.arange(size) / chance.uniform(1.0, 1.6) + chance.uniform(0, 6))
        lying = np.broadcast_to(wave[:, None, None], picture.shape)
        colour, grain = chance.uniform(40, 100, 3), chance.normal(0, 10, picture.shape)
        picture[:] = np.clip(128 + colour * (lying.swapaxes(0, 1) if label else lying) + grain, 0, 255)
    return pictures, labels


def write_stripes(folder: str | Path) -> Path:
    """Write the pictures as an image folder, one sub-folder for each class."""
    for number, (picture, label) in enumerate(zip(*stripes(), strict=True)):
        path = Path(folder) / CLASSES[label] / f"{number:03}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(encode(picture, "png"))
    return Path(folder)
