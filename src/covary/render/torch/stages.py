"""Batches of tensors through the stages of a plan, on the device where they lie."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from covary.plan.changes import Displace, Fill, Interpolation, Ints, Shade, Warp
from covary.plan.stages import Stage
from covary.render.passes import called, check_size, in_dtype, wrong_dtype
from covary.render.positions import exact_maps
from covary.render.torch.filters import filtered
from covary.render.torch.positions import Size, pixel_centres, source_positions
from covary.render.torch.sampling import coverage, halved, sample
from covary.render.torch.transfer import whole_on_device
from covary.render.torch.values import change_values

WHITE = {torch.uint8: 255.0, torch.uint16: 65535.0, torch.float32: 1.0}

# PyTorch has few operations on the larger unsigned types: their bits travel as signed ones.
_AS_SIGNED = {torch.uint16: torch.int16, torch.uint32: torch.int32, torch.uint64: torch.int64}


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """Some samples of a batch whose pictures have one size.

    Attributes:
        rows: which ones.
        pixels: (b, C, H, W).
    """

    rows: Ints
    pixels: Tensor


def render_stages(stages: Sequence[Stage], parts: Sequence[Part]) -> list[Part]:
    """The pictures behind all stages.

    Args:
        stages: row b of each belongs to sample b.
        parts: all samples of a batch, each once.

    Returns:
        One part for each size, its samples in any order.

    Raises:
        ValueError: a stage does not fit the pictures.
    """
    if not parts:
        return []
    # What autocast would narrow has to be float32.
    with torch.autocast(parts[0].pixels.device.type, enabled=False):
        for stage in stages:
            parts = joined([made for part in parts for made in _staged(stage, part)])
    return list(parts)


def joined(parts: Sequence[Part]) -> list[Part]:
    """Parts of one size as one."""
    by_size: dict[torch.Size, list[Part]] = {}
    for part in parts:
        by_size.setdefault(part.pixels.shape[1:], []).append(part)
    return [
        some[0] if len(some) == 1 else Part(np.concatenate([p.rows for p in some]), _all_of([p.pixels for p in some]))
        for some in by_size.values()
    ]


def _all_of(pictures: Sequence[Tensor]) -> Tensor:
    return torch.cat([signed(each) for each in pictures]).view(pictures[0].dtype)


def _staged(stage: Stage, part: Part) -> list[Part]:
    """One stage, for samples of one size; they part where the shapes differ of what is done to them."""
    size = (int(part.pixels.shape[2]), int(part.pixels.shape[3]))
    canvases = _canvases(stage, part.rows, size)
    for place in np.flatnonzero((canvases[:, -1] != stage.size[part.rows]).any(axis=1)):
        check_size(stage, int(part.rows[place]), (int(canvases[place, -1, 0]), int(canvases[place, -1, 1])))
    exact = _exact(stage, part.rows)
    levels = [] if stage.levels is None else [stage.levels[part.rows]]
    shapes = canvases.reshape(len(part.rows), -1)
    kinds = np.column_stack([shapes, exact, *levels, *_grid_shapes(stage, part.rows)])
    if (kinds == kinds[0]).all():
        return [Part(part.rows, _rendered(_taken(stage, part.rows), part.pixels, canvases[0], exact=bool(exact[0])))]
    _, found = np.unique(kinds, axis=0, return_inverse=True)
    made = []
    for kind in range(int(found.max()) + 1):
        chosen = np.flatnonzero(found.ravel() == kind)
        rows, pixels = part.rows[chosen], picked(part.pixels, chosen)
        first = chosen[0]
        made.append(Part(rows, _rendered(_taken(stage, rows), pixels, canvases[first], exact=bool(exact[first]))))
    return made


def _taken(stage: Stage, rows: Ints) -> Stage:
    whole = len(rows) == len(stage.size) and bool((rows == np.arange(len(rows))).all())
    return stage if whole else stage.take(rows)


def _canvases(stage: Stage, rows: Ints, size: Size) -> Ints:
    """(b, n + 1, 2) heights and widths before the stage's coordinates and after each of them."""
    canvases: list[Ints] = [np.tile(np.array(size), (len(rows), 1))]
    for change in stage.coordinates:
        canvases.append(change.size[rows] if isinstance(change, Warp) else canvases[-1])
    return np.stack(canvases, 1)


def _exact(stage: Stage, rows: Ints) -> Ints:
    """(b,) whether every pixel's centre falls on a pixel's centre, so that there is nothing in between to be found: 1
    where it does, 2 where rows become columns as well, else 0."""
    exact = np.ones(len(rows), np.bool_)
    if stage.levels is not None:
        exact &= ~stage.levels[rows].any(axis=1)
    turned: Any = 0
    if stage.coordinates:
        change = stage.coordinates[0]
        if len(stage.coordinates) > 1 or not isinstance(change, Warp):
            return np.zeros(len(rows), np.int64)
        exact &= exact_maps(change.matrix[rows], stage.size[rows])
        turned = change.matrix[rows, 0, 0] == 0
    return np.where(exact, 1 + turned, 0)


def _grid_shapes(stage: Stage, rows: Ints) -> list[Ints]:
    """The shapes of the grids of displacements and shades where they differ between samples."""
    changes = [*stage.coordinates, *[step.change for step in stage.values]]
    grids = [change.grids for change in changes if isinstance(change, (Displace, Shade))]
    return [np.array([each[row].shape for row in rows]) for each in grids if len({grid.shape for grid in each}) > 1]


def _rendered(stage: Stage, pictures: Tensor, canvases: Ints, *, exact: bool) -> Tensor:
    """One stage for pictures (B, C, H, W) whose canvases have these sizes."""
    if stage.pixels is not None:
        return _stored(_called(stage, pictures), pictures.dtype, stage.dtype)
    interpolation: Interpolation = "nearest" if exact else stage.interpolation
    if _only_moves(stage, interpolation):
        return _stored(_moved(stage, pictures, canvases), pictures.dtype, stage.dtype)
    if pictures.dtype not in WHITE:
        raise wrong_dtype(str(pictures.dtype).removeprefix("torch."))
    values, inside = _fetched(stage, pictures, canvases, interpolation)
    white, integers = WHITE[pictures.dtype], not pictures.is_floating_point()
    changed = change_values(values, stage.values, white=white, integers=integers, coverage=inside)
    return _stored(changed, pictures.dtype, stage.dtype)


def _only_moves(stage: Stage, interpolation: Interpolation) -> bool:
    """Whether whole pixels move and colours are painted beside them, and nothing else."""
    moves = stage.filter is None and not any(_halvings(stage)) and (interpolation == "nearest" or not stage.coordinates)
    paints = all(isinstance(step.change, Fill) for step in stage.values) and (not stage.values or stage.dtype is None)
    return moves and paints


def _halvings(stage: Stage) -> tuple[int, int]:
    """How often the sources are halved along x and along y, all alike."""
    return (0, 0) if stage.levels is None else (int(stage.levels[0, 0]), int(stage.levels[0, 1]))


def _fetched(
    stage: Stage, pictures: Tensor, canvases: Ints, interpolation: Interpolation
) -> tuple[Tensor, Tensor | None]:
    """The float32 values with which the stage's changes begin, and how much of each pixel the source covers (None: all
    of it, or nobody asks)."""
    if stage.filter is not None:
        return filtered(as_float(pictures), stage.filter), None
    along_x, along_y = _halvings(stage)
    if not stage.coordinates and not (along_x or along_y):
        return as_float(pictures), None
    level = pictures if interpolation == "nearest" and pictures.dtype != torch.uint16 else as_float(pictures)
    x, y = _positions(stage, canvases, pictures.device)
    if along_x or along_y:
        level = halved(level.float(), along_x, along_y, rounded=not pictures.is_floating_point())
        x, y = x * 2.0**-along_x, y * 2.0**-along_y
    inside = None
    if any(isinstance(step.change, Fill) for step in stage.values):
        inside = coverage(x, y, (level.shape[2], level.shape[3]), interpolation)
    return sample(level, x, y, _size(canvases), interpolation, stage.border).float(), inside


def _positions(stage: Stage, canvases: Ints, device: torch.device) -> tuple[Tensor, Tensor]:
    sizes = [(int(height), int(width)) for height, width in canvases]
    if stage.coordinates:
        return source_positions(stage, sizes, device)
    return pixel_centres(*sizes[-1], device)


def _size(canvases: Ints) -> Size:
    return int(canvases[-1, 0]), int(canvases[-1, 1])


def _moved(stage: Stage, pictures: Tensor, canvases: Ints) -> Tensor:
    """Whole pixels of any dtype, and what is painted beside them."""
    if not stage.coordinates:
        return pictures
    x, y = _positions(stage, canvases, pictures.device)
    moved = sample(signed(pictures), x, y, _size(canvases), "nearest", stage.border)
    source = (pictures.shape[2], pictures.shape[3])
    inside = coverage(x, y, source, "nearest")[:, None] > 0 if stage.values else None
    dtype = np.dtype(str(pictures.dtype).removeprefix("torch."))
    for step in stage.values:
        assert isinstance(step.change, Fill) and inside is not None
        colours, which = np.unique(step.change.colour, axis=0, return_inverse=True)
        found = np.stack([in_dtype(colour, dtype) for colour in colours])[which.ravel()]
        paint = torch.tensor(found, device=pictures.device).view(moved.dtype)[:, :, None, None]
        shown = inside
        if step.active is not None:
            shown = inside | ~torch.tensor(step.active, device=pictures.device)[:, None, None, None]
        moved = torch.where(shown, moved, paint)
    return moved.view(pictures.dtype)


def _called(stage: Stage, pictures: Tensor) -> Tensor:
    """A function of pixels works on arrays in main memory."""
    arrays = pictures.permute(0, 2, 3, 1).cpu().numpy()
    made = [called(stage, row, array) for row, array in enumerate(arrays)]
    return torch.tensor(np.stack(made), device=pictures.device).permute(0, 3, 1, 2)


def picked(pictures: Tensor, rows: Ints) -> Tensor:
    """Some of the pictures, in this order."""
    return signed(pictures)[whole_on_device(rows, pictures.device)].view(pictures.dtype)


def signed(pictures: Tensor) -> Tensor:
    """The same memory in a type that PyTorch has all operations on."""
    return pictures.view(_AS_SIGNED.get(pictures.dtype, pictures.dtype))


def as_float(pictures: Tensor) -> Tensor:
    """Pictures' values as float32."""
    if pictures.dtype in _AS_SIGNED:
        whole = signed(pictures).long()
        return (whole & 0xFFFF if pictures.dtype == torch.uint16 else whole).float()
    return pictures.float()


def _stored(values: Tensor, dtype: torch.dtype, wanted: str | None) -> Tensor:
    """Finished pictures: rounded to nearest (ties to even) and clipped for integers, NaN as 0."""
    if wanted == "float32":
        return values if values.dtype == torch.float32 else as_float(values)
    if values.dtype == dtype:
        return values
    # A NaN is a 0 to the conversion.
    whole = values.clamp(0, WHITE[dtype]).round_()
    if dtype == torch.uint16:
        return whole.int().to(torch.int16).view(torch.uint16)
    return whole.to(dtype)
