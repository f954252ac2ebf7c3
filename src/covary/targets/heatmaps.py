"""Heat maps: moved by the image's own geometry, sampled between pixels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from covary.plan.changes import Border, Image, Reshape, Warp
from covary.plan.fusion import reduction_levels
from covary.plan.stages import Stage
from covary.targets.displacement import Size
from covary.targets.masks import PAINT, Job, Render, on_masks, rendered_in_kinds
from covary.targets.pairs import traded

DTYPES = {"uint8": np.uint8, "uint16": np.uint16, "float16": np.float32, "float32": np.float32, "float64": np.float32}
REPEATING = ("reflect", "symmetric", "wrap")


def read_heatmaps(value: Any, size: Size, field: str) -> Image:
    """A user's heat maps as a contiguous (H, W, K) array that renderers take.

    Raises:
        ValueError: the dtype or the shape is wrong.
    """
    array = np.asarray(value)
    if array.dtype.name not in DTYPES:
        raise ValueError(f"{field}: dtype {array.dtype}; allowed: {', '.join(DTYPES)}")
    height, width = size
    if array.ndim not in (2, 3) or array.shape[:2] != size or 0 in array.shape:
        raise ValueError(
            f"{field}: shape {array.shape} does not match the image's {height} x {width}; "
            f"allowed: ({height}, {width}) or ({height}, {width}, K)"
        )
    taken: Image = np.ascontiguousarray(array, dtype=DTYPES[array.dtype.name])
    return taken if taken.ndim == 3 else taken[:, :, None]


def render_heatmaps(jobs: Sequence[Job], stages: Sequence[Stage], render: Render, threads: int) -> list[Image]:
    """All heat maps through the geometry; what lies outside the source is 0, also where the picture repeats itself."""
    return rendered_in_kinds(jobs, heatmap_stages(stages), render, threads)


def heatmap_stages(stages: Sequence[Stage]) -> list[Stage]:
    """What stages do to heat maps; their `Fill` steps want (B, K) colours, see `covary.targets.masks.painted`."""
    return [_linear(stage) for stage in stages if stage.concerns_labels]


def _linear(stage: Stage) -> Stage:
    levels = stage.levels
    if stage.coordinates and stage.interpolation == "nearest":
        levels = reduction_levels([each.matrix for each in stage.coordinates if isinstance(each, Warp)], stage.size)
    border: Border = "constant" if stage.border in REPEATING else stage.border
    values = PAINT if stage.coordinates and border == "constant" else ()
    effect = None if stage.pixels is None else stage.pixels.effect
    pixels = None if isinstance(effect, Reshape) else on_masks(stage.pixels)
    return replace(
        stage,
        interpolation="linear",
        levels=levels,
        border=border,
        pixels=pixels,
        values=values,
        dtype=None,
        layout="HWC",
    )


def as_it_came(moved: Image, value: Any, pairs: Sequence[tuple[int, int]], mirrored: bool, field: str) -> Image:
    """Moved heat maps in the dtype and with the axes in which they came, channels of left and right exchanged."""
    came = np.asarray(value)
    if pairs:
        order = traded(pairs, moved.shape[2], field, "channel")
        moved = moved.take(order, axis=2) if mirrored else moved
    shaped = moved if came.ndim == 3 else moved[:, :, 0]
    return shaped.astype(came.dtype, copy=False)
