"""Pictures of a single operation: its changes, one stage each, drawn by the reference renderer."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from describing import describe

from covary.ops.base import Operation
from covary.plan.changes import Change, Convert, Filter, Image
from covary.plan.stages import Stage, ValueStep
from covary.render.reference import render

WHITE = {"uint8": 255, "uint16": 65535, "float32": 1.0}


def draw_changes(changes: Sequence[Change], images: Sequence[Image], *, exact: bool = False) -> list[Image]:
    """The pictures after the changes; `exact` gives the last stage's values as float32, neither rounded nor clipped."""
    size = np.array([image.shape[:2] for image in images], dtype=np.int64)
    stages: list[Stage] = []
    dtype, layout = "float32" if exact else None, "HWC"
    for change in changes:
        if isinstance(change, Convert):
            dtype, layout = change.dtype, change.layout
        elif isinstance(change, Filter):
            stages.append(Stage(size=size, filter=change))
        else:
            stages.append(Stage(size=size, values=(ValueStep(change),)))
    last = stages.pop() if stages else Stage(size=size)
    stages.append(Stage(size=size, filter=last.filter, values=last.values, dtype=dtype, layout=layout))
    return render(stages, images)


def pictures(
    operation: Operation, images: Sequence[Image], *, seed: int = 0, exact: bool = False
) -> tuple[list[Image], list[Change]]:
    """What an operation makes of some pictures, and the changes that it described."""
    sizes = [image.shape[:2] for image in images]
    changes, _ = describe(operation, sizes, images[0].shape[2], images[0].dtype.name, seed=seed)
    return draw_changes(changes, images, exact=exact), changes


def noise_picture(height: int = 7, width: int = 9, channels: int = 3, dtype: str = "uint8", *, seed: int = 1) -> Image:
    """A picture of independent uniform values; the same seed gives the same picture in every dtype."""
    levels = np.random.Generator(np.random.PCG64(seed)).integers(0, 256, (height, width, channels))
    return in_dtype(levels, dtype)


def in_dtype(levels: Image, dtype: str) -> Image:
    """The picture of these 256 levels in one of the three dtypes."""
    if dtype == "float32":
        return (levels / 255).astype(np.float32)
    return (levels * (WHITE[dtype] // 255)).astype(dtype)
