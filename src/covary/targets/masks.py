"""Masks: rendered by the image's own geometry with nearest interpolation, and measured."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from covary.plan.changes import Bools, Fill, Image, Pixels, Reshape, Vanish
from covary.plan.stages import Stage, ValueStep
from covary.targets.displacement import Size
from covary.targets.path import Leg, travel

Render = Callable[..., list[Image]]

MEASURED = 4096  # pixels of a mask that stand for all of them when its visible share is measured


class Job(NamedTuple):
    """One mask to be rendered: whose it is, its pixels as (H, W, C), and the colour outside a constant border."""

    row: int
    pixels: Image
    fill: float


def read_mask(mask: Any, size: Size, field: str) -> Image:
    """A user's mask as a contiguous (H, W, C) array.

    Raises:
        ValueError: the dtype is not boolean, integer or float of at most 8 bytes, or the shape is not the image's.
    """
    array = np.asarray(mask)
    if array.dtype.kind not in "biuf" or array.dtype.itemsize not in (1, 2, 4, 8):
        raise ValueError(f"{field}: dtype {array.dtype}; allowed: bool, integers and floats of 1, 2, 4 or 8 bytes")
    if array.ndim not in (2, 3) or array.shape[:2] != size or 0 in array.shape:
        height, width = size
        raise ValueError(
            f"{field}: shape {array.shape} does not match the image's {height} x {width}; "
            f"allowed: ({height}, {width}) or ({height}, {width}, C)"
        )
    if not (array.dtype.isnative and array.flags.c_contiguous):
        array = np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("="))
    return array if array.ndim == 3 else array[:, :, None]


def check_fill(fill: float, pixels: Image, field: str) -> float:
    """The fill value, if the mask's dtype can hold it.

    Raises:
        ValueError: it cannot.
    """
    if fill == 0:
        return fill
    dtype = pixels.dtype
    if dtype.kind == "b":
        fits = fill in (0, 1)
    elif dtype.kind == "f":
        fits = True
    else:
        limits = np.iinfo(dtype)
        fits = fill == int(fill) and limits.min <= fill <= limits.max
    if not fits:
        raise ValueError(f"mask_fill is {fill!r}, which {field} of dtype {dtype} cannot hold")
    return fill


def render_masks(jobs: Sequence[Job], stages: Sequence[Stage], render: Render, threads: int) -> list[Image]:
    """All masks through the geometry, those of one dtype and number of channels in one go; always new arrays."""
    return rendered_in_kinds(jobs, mask_stages(stages), render, threads)


def mask_stages(stages: Sequence[Stage]) -> list[Stage]:
    """What stages do to masks; the colours of their `Fill` steps are not those of any mask yet, see `painted`."""
    return [_nearest(stage) for stage in stages if stage.concerns_labels]


def rendered_in_kinds(jobs: Sequence[Job], stages: Sequence[Stage], render: Render, threads: int) -> list[Image]:
    """Arrays through stages of geometry, those of one dtype and number of channels in one go; always new arrays.

    The colours of `Fill` steps are those of the jobs.
    """
    if not stages:
        return [job.pixels.copy() for job in jobs]
    alike: dict[tuple[Any, int], list[int]] = {}
    for number, job in enumerate(jobs):
        alike.setdefault((job.pixels.dtype, job.pixels.shape[2]), []).append(number)
    rendered: list[Image] = [_EMPTY] * len(jobs)
    for numbers in alike.values():
        some = [jobs[number] for number in numbers]
        made = render(_for_jobs(stages, some), [job.pixels for job in some], threads=threads)
        for number, image in zip(numbers, made, strict=True):
            rendered[number] = image
    return rendered


_EMPTY: Image = np.zeros((0, 0, 0))


def _nearest(stage: Stage) -> Stage:
    """The geometry of a stage alone, without interpolation."""
    values = PAINT if stage.border == "constant" and stage.coordinates else ()
    pixels = on_masks(stage.pixels)
    return Stage(stage.size, stage.coordinates, stage.border, "nearest", pixels=pixels, values=values)


PAINT = (ValueStep(Fill(np.zeros((1, 1)))),)


def _for_jobs(stages: Sequence[Stage], jobs: Sequence[Job]) -> Sequence[Stage]:
    """The stages for arrays of one number of channels, with their colours outside the sources."""
    rows = [job.row for job in jobs]
    if rows != list(range(len(stages[0].size))):
        # The colours in the stages stand for those of the jobs, and are not indexed.
        chosen = np.array(rows)
        taken = [replace(stage, values=()).take(chosen) for stage in stages]
        stages = [replace(few, values=PAINT) if every.values else few for few, every in zip(taken, stages, strict=True)]
    return painted(stages, [[float(job.fill)] * job.pixels.shape[2] for job in jobs])


def painted(stages: Sequence[Stage], colours: Sequence[Sequence[float]]) -> Sequence[Stage]:
    """Stages whose `Fill` steps, where they have any, paint these (B, C) colours."""
    if not any(stage.values for stage in stages):
        return stages
    fill = (ValueStep(Fill(np.array(colours))),)
    return [replace(stage, values=fill) if stage.values else stage for stage in stages]


def on_masks(pixels: Pixels | None) -> Pixels | None:
    """What a function of pixels does to masks.

    Cells move as they do in the picture; what vanishes becomes 0; shapes grow and shrink in a way of their own.
    """
    if pixels is not None and isinstance(pixels.effect, Reshape):
        return Pixels(pixels.effect.function, pixels.effect.parameters)
    if pixels is None or not isinstance(pixels.effect, Vanish):
        return pixels
    return Pixels(_cleared, tuple({"gone": gone} for gone in pixels.effect.gone))


def _cleared(mask: Image, gone: Bools) -> Image:
    mask.reshape(gone.size, -1)[np.flatnonzero(gone)] = 0
    return mask


def constant_borders(stages: Sequence[Stage]) -> list[Stage]:
    """The same stages, seeing nothing beyond the source."""
    return [replace(stage, border="constant") if stage.coordinates else stage for stage in stages]


def tight_box(mask: NDArray[np.bool_]) -> tuple[float, float, float, float]:
    """x0, y0, x1, y1 around the true pixels of an (H, W) mask; NaN where there are none."""
    rows = np.flatnonzero(mask.any(axis=1))
    if not len(rows):
        return (np.nan, np.nan, np.nan, np.nan)
    columns = np.flatnonzero(mask.any(axis=0))
    return (float(columns[0]), float(rows[0]), float(columns[-1] + 1), float(rows[-1] + 1))


def visible_share(mask: NDArray[np.bool_], source: Size, legs: Sequence[Leg]) -> float:
    """The share of the true pixels of an (H, W) source mask whose centres land on the output's canvas."""
    y, x = np.nonzero(mask)
    if not len(y):
        return 0.0
    every = -(-len(y) // MEASURED)
    centres = np.stack((x[::every], y[::every]), axis=1).astype(np.float64) + 0.5
    return float(travel(centres, source, legs)[1].mean())
