"""A photograph, and how much more operations change it as their strength rises."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from covary import Pipeline
from covary.ops.base import Operation

SIZES = ((1, 1), (1, 9), (2, 3), (31, 17))
FORMS = (("uint8", 1), ("uint8", 3), ("uint16", 2), ("uint16", 4), ("float32", 3), ("float32", 9))


def photograph(side: int = 128) -> np.ndarray:
    """(side, side, 3) uint8."""
    from skimage import data

    step = 512 // side
    return np.ascontiguousarray(data.astronaut()[::step, ::step][:side, :side])


def assert_changes_rise_with_strength(operation: Operation, count: int = 8) -> None:
    """Nothing changes at strength 0, and never less at a higher strength than at a lower one."""
    picture = photograph()
    changes = []
    for strength in (0, 0.25, 0.5, 0.75, 1):
        pipeline = Pipeline([operation]).with_strength(strength)
        outs = [pipeline(image=picture, key=key)["image"].astype(float) for key in range(count)]
        changes.append(np.mean([np.abs(out - picture).mean() for out in outs]))
    assert changes[0] == 0 and changes[-1] > 0, changes
    assert all(more >= less for less, more in pairwise(changes)), changes


def assert_takes_all_pictures(operation: Operation) -> None:
    """All sizes, dtypes and numbers of channels come out as what they were; the input stays, the key decides."""
    pipeline = Pipeline([operation])
    rng = np.random.default_rng(0)
    for size in SIZES:
        for dtype, channels in FORMS:
            white = {"uint8": 255, "uint16": 65535, "float32": 1}[dtype]
            picture = (rng.random((*size, channels)) * white).astype(dtype)
            kept = picture.copy()
            first, again = (pipeline(image=picture, key=5)["image"] for _ in range(2))
            assert first.shape == picture.shape and first.dtype == picture.dtype
            assert np.isfinite(first).all()
            np.testing.assert_array_equal(picture, kept)
            np.testing.assert_array_equal(first, again)


def assert_key_decides(operation: Operation) -> None:
    """Other keys give other pictures; a sample is the same alone and in a batch."""
    pipeline, picture = Pipeline([operation]), photograph()
    alone = [pipeline(image=picture, key=key)["image"] for key in range(3)]
    assert any((alone[0] != other).any() for other in alone[1:])
    together = pipeline.batch(image=[picture] * 3, keys=range(3))["image"]
    for one, other in zip(alone, together, strict=True):
        np.testing.assert_array_equal(one, other)
