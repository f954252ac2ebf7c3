"""Rendering what one geometric operation describes, without the planning of passes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from describing import describe, describe_at

from covary.ops.base import Operation
from covary.plan.changes import Displace, Fill, Image, Warp
from covary.plan.stages import Stage, ValueStep
from covary.render.reference import render


def render_change(change: Warp | Displace, pictures: Sequence[Image]) -> list[Image]:
    """The pictures behind one geometric change, by the reference renderer."""
    sizes = np.array([picture.shape[:2] for picture in pictures], dtype=np.int64)
    values = () if change.fill is None else (ValueStep(Fill(change.fill)),)
    stage = Stage(
        size=change.size if isinstance(change, Warp) else sizes,
        coordinates=(change,),
        border=change.border or "edge",
        interpolation=change.interpolation or "linear",
        values=values,
    )
    return render([stage], pictures)


def apply(operation: Operation, picture: Image, seed: int = 0) -> Image:
    """One (H, W, C) picture behind an operation."""
    (change,), _ = describe(operation, [picture.shape[:2]], picture.shape[2], picture.dtype.name, seed=seed)
    assert isinstance(change, (Warp, Displace))
    return render_change(change, [picture])[0]


def apply_at(operation: Operation, picture: Image, **uniforms: float) -> Image:
    """One (H, W, C) picture behind an operation whose slots have the given uniform numbers (0.5 by default)."""
    (change,) = describe_at(operation, picture.shape[:2], picture.shape[2], **uniforms)
    assert isinstance(change, (Warp, Displace))
    return render_change(change, [picture])[0]


def noise_picture(height: int, width: int, channels: int = 3, dtype: str = "uint8", seed: int = 0) -> Image:
    """A picture of random values, each of which betrays its place."""
    rng = np.random.default_rng(seed)
    if dtype == "float32":
        return rng.random((height, width, channels), dtype=np.float32)
    return rng.integers(0, np.iinfo(dtype).max, (height, width, channels), dtype=dtype, endpoint=True)


def moved(matrix: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Where a 3x3 matrix takes (N, 2) points."""
    homogeneous = np.concatenate([points, np.ones((len(points), 1))], axis=1) @ matrix.T
    return homogeneous[:, :2] / homogeneous[:, 2:]
