"""The pictures that all candidates get: parts of the photographs that scikit-image ships."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

NAMES = ("astronaut", "cat", "coffee", "rocket", "hubble_deep_field", "immunohistochemistry", "retina")


def photographs(count: int, height: int, width: int) -> list[NDArray[np.uint8]]:
    """`count` different RGB photographs of one size, the same ones every time."""
    from skimage import data

    sources = [getattr(data, name)() for name in NAMES]
    generator = np.random.default_rng(20)
    return [_part(sources[index % len(sources)], height, width, generator) for index in range(count)]


def _part(source: NDArray[Any], height: int, width: int, generator: np.random.Generator) -> NDArray[np.uint8]:
    """A random part of a photograph with the wanted aspect, scaled to the wanted size."""
    scale = generator.uniform(0.6, 1.0) * min(source.shape[0] / height, source.shape[1] / width)
    rows, columns = int(height * scale), int(width * scale)
    top, left = (int(generator.integers(0, source.shape[axis] - n + 1)) for axis, n in ((0, rows), (1, columns)))
    part = np.ascontiguousarray(source[top : top + rows, left : left + columns, :3])
    return np.ascontiguousarray(cv2.resize(part, (width, height), interpolation=cv2.INTER_AREA), dtype=np.uint8)
