"""The order of things that renderers in Python share: stages, samples, and how finished values are stored."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from covary.plan.changes import Fill, Floats, Image
from covary.plan.stages import Stage
from covary.render.buffers import Outputs
from covary.render.positions import canvas_sizes
from covary.render.sampling import halvings
from covary.render.values import change_values

WHITE = {np.dtype(np.uint8): 255.0, np.dtype(np.uint16): 65535.0, np.dtype(np.float32): 1.0}

Fetch: TypeAlias = Callable[[Stage, int, Image], tuple[Image, Floats | None]]
"""fetch(stage, row, source) -> the (H, W, C) real values that the stage's value steps begin with, by sampling or by its
filter, and the (H, W) coverage of each pixel by the source; None instead of coverage where no step asks for it. Where
the stage `copies_pixels` the values are pixels of the source, in its dtype."""


def render_with(
    fetch: Fetch,
    stages: Sequence[Stage],
    sources: Sequence[Image],
    outputs: Outputs | None,
    threads: int,
) -> list[Image]:
    """Render every sample through all stages, with a renderer's own way to fetch values.

    Args:
        fetch: how values are found; see Fetch.
        stages, sources, outputs, threads: as in every renderer's `render`.

    Raises:
        ValueError: stages, sources and outputs do not fit each other.
    """
    check_fit(stages, sources, outputs)

    def render_row(row: int) -> Image:
        picture, output = sources[row], None if outputs is None else outputs[row]
        for stage in stages[:-1]:
            picture = _render_stage(fetch, stage, row, picture, None)
        if not stages:
            return stored(picture, picture.dtype, "HWC", output)
        return _render_stage(fetch, stages[-1], row, picture, output)

    rows = range(len(sources))
    if threads <= 1 or len(sources) <= 1:
        return [render_row(row) for row in rows]
    with ThreadPoolExecutor(min(threads, len(sources))) as pool:
        return list(pool.map(render_row, rows))


def _render_stage(fetch: Fetch, stage: Stage, row: int, source: Image, output: Image | None) -> Image:
    check_size(stage, row, canvas_sizes(stage, row, source.shape[:2])[-1])
    if stage.pixels is not None:
        finished = called(stage, row, source)
    elif copies_pixels(stage, row):
        finished = _painted(stage, row, *fetch(stage, row, source))
    elif source.dtype in WHITE:
        white = WHITE[source.dtype]
        with np.errstate(all="ignore"):
            values, inside = fetch(stage, row, source)
            integers = source.dtype.kind == "u"
            finished = change_values(values, stage.values, row, white=white, integers=integers, coverage=inside)
    else:
        raise wrong_dtype(source.dtype)
    dtype = np.dtype(np.float32) if stage.dtype == "float32" else source.dtype
    return stored(finished, dtype, stage.layout, output)


def wrong_dtype(dtype: object) -> ValueError:
    """The error for pictures that can only be moved."""
    return ValueError(
        f"a stage that interpolates, filters or changes values takes uint8, uint16 or float32 pictures, "
        f"not {dtype}; other dtypes are sampled with interpolation 'nearest' only"
    )


def check_size(stage: Stage, row: int, shown: tuple[int, int]) -> None:
    """Refuse a stage whose size is not that of its last canvas."""
    size = tuple(int(length) for length in stage.size[row])
    if size != shown:
        raise ValueError(f"stage.size: sample {row} is {shown} after the stage's geometry, got {size}")


def copies_pixels(stage: Stage, row: int) -> bool:
    """Whether the stage only moves whole pixels and paints outside: such stages take any dtype and are exact."""
    moves = stage.interpolation == "nearest" or not stage.coordinates
    paints = all(isinstance(step.change, Fill) for step in stage.values) and (not stage.values or stage.dtype is None)
    return moves and paints and stage.filter is None and not any(halvings(stage, row))


def asks_coverage(stage: Stage, row: int) -> bool:
    """Whether a Fill step is active for the sample."""
    return any(isinstance(step.change, Fill) and (step.active is None or step.active[row]) for step in stage.values)


def _painted(stage: Stage, row: int, pixels: Image, inside: Floats | None) -> Image:
    """The stage's fills on whole pixels: each is either inside the source or outside."""
    for step in stage.values:
        if inside is not None and (step.active is None or step.active[row]):
            assert isinstance(step.change, Fill)
            colour = in_dtype(step.change.colour[row], pixels.dtype)
            pixels = np.where(inside[..., None] == 0, colour, pixels)
    return pixels


def in_dtype(colour: Floats, dtype: np.dtype[Any]) -> NDArray[Any]:
    """A colour in a dtype: integers are rounded to nearest, ties to even, and kept inside the dtype's range."""
    if dtype.kind == "f":
        with np.errstate(over="ignore"):
            return colour.astype(dtype)
    if dtype.kind == "b":
        return np.nan_to_num(colour).astype(dtype)
    low, high = int(np.iinfo(dtype).min), int(np.iinfo(dtype).max)
    whole = [round(float(np.clip(np.nan_to_num(value), -(2.0**70), 2.0**70))) for value in colour]
    return np.array([min(max(value, low), high) for value in whole], dtype)


def called(stage: Stage, row: int, source: Image) -> Image:
    assert stage.pixels is not None
    function, parameters = stage.pixels.function, stage.pixels.parameters[row]
    # The function gets a copy of its own: it may work in place.
    result = function(np.array(source, order="C"), **parameters)
    if not isinstance(result, np.ndarray) or result.shape != source.shape or result.dtype != source.dtype:
        got = f"{result.dtype} {result.shape}" if isinstance(result, np.ndarray) else type(result).__name__
        name = getattr(function, "__qualname__", repr(function))
        raise ValueError(
            f"Pixels: {name} was given {source.dtype} {source.shape} and has to return the same, not {got}"
        )
    return result


def stored(values: Image, dtype: np.dtype[Any], layout: str, output: Image | None) -> Image:
    """The finished picture: rounded to nearest (ties to even) and clipped for integers, NaN as 0; in its layout."""
    if values.dtype != dtype:
        if dtype in WHITE and dtype.kind == "u":
            values = np.nan_to_num(np.clip(np.rint(values), 0, WHITE[dtype]), nan=0.0)
        with np.errstate(all="ignore"):
            values = values.astype(dtype)
    if layout == "CHW":
        values = values.transpose(2, 0, 1)
    if output is None:
        return np.array(values, order="C")
    if output.shape != values.shape or output.dtype != dtype:
        raise ValueError(f"outputs: expected {dtype} {values.shape}, got {output.dtype} {output.shape}")
    output[...] = values
    return output


def check_fit(stages: Sequence[Stage], sources: Sequence[Image], outputs: Outputs | None) -> None:
    if outputs is not None and len(outputs) != len(sources):
        raise ValueError(f"outputs: {len(outputs)} arrays for {len(sources)} sources")
    for number, stage in enumerate(stages):
        if len(stage.size) != len(sources):
            raise ValueError(
                f"stages[{number}] describes {len(stage.size)} samples, but there are {len(sources)} sources"
            )
        if stage.layout == "CHW" and number < len(stages) - 1:
            raise ValueError(f"stages[{number}] has layout 'CHW', which only the last stage may have")
    for row, source in enumerate(sources):
        if source.ndim != 3 or 0 in source.shape:
            raise ValueError(f"sources[{row}]: expected (H, W, C) with at least one pixel, got shape {source.shape}")
        if source.dtype != sources[0].dtype or source.shape[2] != sources[0].shape[2]:
            raise ValueError(
                f"sources[{row}] is {source.dtype} with {source.shape[2]} channels, "
                f"but sources[0] is {sources[0].dtype} with {sources[0].shape[2]}; all share dtype and channels"
            )
