"""The PyTorch renderer: whole batches at once, on any of its devices.

As a renderer among others it takes and gives NumPy arrays, on the CPU; `draw` takes tensors where they lie.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from covary.plan.changes import Image, Ints
from covary.plan.stages import Stage
from covary.render.buffers import Outputs
from covary.render.passes import check_fit, stored

try:
    import torch
    from torch import Tensor
except ImportError as error:
    if error.name != "torch":
        raise
    raise ModuleNotFoundError(
        "PyTorch is not installed; renderer 'torch' needs it: pip install torch", name="torch"
    ) from None

from covary.render.torch.stages import Part, joined, picked, render_stages


def draw(passes: Sequence[tuple[Ints | None, Sequence[Stage]]], pictures: Tensor) -> Tensor | list[Tensor]:
    """Render a batch, on the device where it lies.

    Args:
        passes: which samples (None: all), and the stages that they go through, row b of each for the b-th of them. The
            last stage's layout is of no meaning here.
        pictures: (B, C, H, W), uint8, uint16 or float32; other dtypes where stages only move pixels.

    Returns:
        (B, C, H', W') of the last stage's dtype, or a list of (C, H', W') where the sizes differ.

    Raises:
        ValueError: a stage does not fit the pictures.
    """
    made = []
    for rows, stages in passes:
        some = pictures if rows is None else picked(pictures, rows)
        for part in render_stages(stages, [Part(np.arange(len(some)), some)]):
            made.append(part if rows is None else Part(rows[part.rows], part.pixels))
    made = joined(made)
    if len(made) == 1:
        rows, pixels = made[0].rows, made[0].pixels
        if not (rows == np.arange(len(rows))).all():
            return picked(pixels, np.argsort(rows))
        # Where nothing happens what was given comes out; results are always the caller's own.
        return pixels.clone() if pixels.data_ptr() == pictures.data_ptr() else pixels
    by_row = {int(row): pixels for part in made for row, pixels in zip(part.rows, part.pixels, strict=True)}
    return [by_row[row] for row in range(len(pictures))]


def render(
    stages: Sequence[Stage],
    sources: Sequence[Image],
    *,
    outputs: Outputs | None = None,
    threads: int = 1,
    batch_bytes: int = 0,
) -> list[Image]:
    """Render B pictures through all stages, on the CPU.

    Args:
        stages, sources: as for `covary.render.reference.render`.
        outputs: arrays of the final size, dtype and layout, or all of them in one, to be filled; None makes new ones.
        threads: of no meaning here: PyTorch has threads of its own, see `torch.set_num_threads`.
        batch_bytes: of no meaning here, see `covary.render.native.render`.

    Returns:
        One picture per source, in the last stage's dtype and layout.

    Raises:
        ValueError: stages, sources and outputs do not fit each other, or the dtype is not one the stages can take.
    """
    return render_on("cpu", stages, sources, outputs)


def render_on(
    device: str, stages: Sequence[Stage], sources: Sequence[Image], outputs: Outputs | None = None
) -> list[Image]:
    """As `render`, with the pixels computed on a device."""
    check_fit(stages, sources, outputs)
    by_size: dict[tuple[int, ...], list[int]] = {}
    for row, source in enumerate(sources):
        by_size.setdefault(source.shape, []).append(row)
    parts = [
        Part(np.array(rows), _channels_first(np.stack([sources[row] for row in rows])).to(device))
        for rows in by_size.values()
    ]
    made: dict[int, Image] = {}
    for part in render_stages(stages, parts):
        arrays = part.pixels.permute(0, 2, 3, 1).cpu().numpy()
        made.update(zip(part.rows.tolist(), arrays, strict=True))
    layout = stages[-1].layout if stages else "HWC"
    return [
        stored(made[row], made[row].dtype, layout, None if outputs is None else outputs[row])
        for row in range(len(sources))
    ]


def _channels_first(pictures: Image) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(pictures.transpose(0, 3, 1, 2)))
