"""Where the pixels of a stage's output come from, for all samples of a batch at once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import grid_sample

from covary.plan.changes import Displace, Floats, Warp
from covary.plan.stages import Stage
from covary.render.positions import FAR
from covary.render.torch.transfer import on_device

Size: TypeAlias = tuple[int, int]

_AFFINE = np.array([0.0, 0.0, 1.0])


def source_positions(stage: Stage, canvases: Sequence[Size], device: torch.device) -> tuple[Tensor, Tensor]:
    """The continuous source position of every output pixel's centre.

    Args:
        stage: its coordinates are gone through from last to first.
        canvases: (height, width) of the source and after each of the stage's coordinates, the same for all samples.
        device: where the positions are wanted.

    Returns:
        x and y, float32, each of a shape that broadcasts to (B, height, width); both NaN where a map sends the pixel to
        infinity or behind the plane (w <= 0), or farther than FAR.
    """
    height, width = canvases[-1]
    *changes, last = stage.coordinates
    before = list(canvases[:-1])
    # A map behind another may magnify what float32 leaves out, near a horizon without bound.
    dtype = finest(device) if changes else torch.float32
    if isinstance(last, Warp):
        x, y, bounded = _warped_grid(last.matrix, height, width, device, dtype)
    else:
        across, down = (position.to(dtype) for position in pixel_centres(height, width, device))
        (x, y), bounded = _displaced(last, before[-1], across, down), False
    for change, canvas in zip(reversed(changes), reversed(before[:-1]), strict=True):
        x, y = _warped(change.matrix, x, y) if isinstance(change, Warp) else _displaced(change, canvas, x, y)
        bounded = False
    if bounded:
        return x, y
    there = (x.abs() <= FAR) & (y.abs() <= FAR)
    return torch.where(there, x, torch.nan).float(), torch.where(there, y, torch.nan).float()


def finest(device: torch.device) -> torch.dtype:
    """The most exact floats of a device: Apple's have no float64."""
    return torch.float32 if device.type == "mps" else torch.float64


def pixel_centres(height: int, width: int, device: torch.device) -> tuple[Tensor, Tensor]:
    """x (1, 1, width) and y (1, height, 1) of a canvas's pixels, float32."""
    x, y = (torch.arange(length, dtype=torch.float32, device=device) + 0.5 for length in (width, height))
    return x.reshape(1, 1, -1), y.reshape(1, -1, 1)


def _warped_grid(
    matrix: Floats, height: int, width: int, device: torch.device, dtype: torch.dtype
) -> tuple[Tensor, Tensor, bool]:
    """Where warps look for the centres of a canvas's pixels, and whether that is known to be near.

    What depends on one axis alone is found in float64, which keeps the sum of both as exact as float32 can say it.
    """
    exact = finest(device)
    affine = bool((matrix[:, 2] == _AFFINE).all())
    rows = on_device(matrix, device, exact)[..., None, None]
    across = torch.arange(width, device=device, dtype=exact) + 0.5
    down = torch.arange(height, device=device, dtype=exact)[:, None] + 0.5
    kept = dtype if affine else exact
    parts = []
    for axis in range(2 if affine else 3):
        by_column, by_row, constant = rows[:, axis].unbind(1)
        # Along the axes a map needs no more than one of the two.
        if affine and not matrix[:, axis, 1].any():
            parts.append((by_column * across + constant).to(kept))
        elif affine and not matrix[:, axis, 0].any():
            parts.append((by_row * down + constant).to(kept))
        else:
            parts.append((by_column * across + constant).to(kept) + (by_row * down).to(kept))
    if not affine:
        x, y = _divided(*parts)
        return x, y, False
    corners = np.abs(matrix[:, :2]) @ (width + 1.0, height + 1.0, 1.0)
    return parts[0], parts[1], bool((corners < FAR).all())


def _warped(matrix: Floats, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    rows = on_device(matrix, x.device, x.dtype)
    across, down, w = (
        rows[:, axis, 0, None, None] * x + rows[:, axis, 1, None, None] * y + rows[:, axis, 2, None, None]
        for axis in range(3)
    )
    return _divided(across, down, w)


def _divided(across: Tensor, down: Tensor, w: Tensor) -> tuple[Tensor, Tensor]:
    before = w > 0
    return torch.where(before, across / w, torch.nan), torch.where(before, down / w, torch.nan)


def _displaced(change: Displace, canvas: Size, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """The positions moved by displacements, which are bilinear between knots spread from edge to edge."""
    knots = on_device(np.stack(change.grids), x.device, x.dtype).permute(0, 3, 1, 2)
    height, width = canvas
    # From edge to edge is what grid_sample calls aligned corners: -1 and 1 are the outermost knots.
    across, down = x.nan_to_num(0.0) * (2 / width) - 1, y.nan_to_num(0.0) * (2 / height) - 1
    place = torch.stack([across + 0 * down, down + 0 * across], -1).expand(len(knots), -1, -1, -1)
    moved = grid_sample(knots, place, "bilinear", "border", align_corners=True)
    return x + moved[:, 0], y + moved[:, 1]
