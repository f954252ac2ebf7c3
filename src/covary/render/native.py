"""The native renderer: all samples through all neighbouring stages in one call of the compiled kernels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from covary import kernels
from covary.plan.changes import Image
from covary.plan.stages import Stage
from covary.render.buffers import Outputs, empty


def render(
    stages: Sequence[Stage],
    sources: Sequence[Image],
    *,
    outputs: Outputs | None = None,
    threads: int = 1,
    batch_bytes: int = 0,
) -> list[Image]:
    """Render each source through all stages.

    Args:
        stages: at least one; row b of each belongs to `sources[b]`.
        sources: (H, W, C) arrays of one dtype and one C; sizes may differ. uint8, uint16 and float32 take everything;
            bool and any integer or float of 1, 2, 4 or 8 bytes take nearest sampling and Fill.
        outputs: C-contiguous arrays of the final dtype and layout, or all of them in one, to be filled; made where
            None.
        threads: how many threads share the samples.
        batch_bytes: how many bytes the batch takes of which these pictures are a part; more than a cache keeps is
            written past it. 0 where they are all of it.

    Returns:
        The finished pictures, or `outputs`.

    Raises:
        ValueError: an array does not fit; the message names the field.
        RuntimeError: the compiled kernels are missing.
    """
    native = kernels.native
    if native is None:
        raise RuntimeError("render.native: the compiled kernels are missing (kernels.native is None)")
    for stage in stages:
        if stage.pixels is not None:
            return _render_in_runs(stages, sources, outputs, threads, batch_bytes)
    rendered: list[Image] = native.render(stages, sources, outputs, threads, kernels.simd, batch_bytes)
    return rendered


def _render_in_runs(
    stages: Sequence[Stage], sources: Sequence[Image], outputs: Outputs | None, threads: int, batch_bytes: int
) -> list[Image]:
    """Native runs of stages between the stages that are Python functions."""
    pictures = list(sources)
    own = False
    run: list[Stage] = []
    for index, stage in enumerate(stages):
        if stage.pixels is None:
            run.append(stage)
            continue
        # A function that ends the pipeline is given the outputs themselves to work in.
        last = index == len(stages) - 1 and stage.dtype is None and stage.layout == "HWC"
        room = outputs if last and outputs is not None and _fits(stage, sources, outputs) else None
        if run:
            pictures = render(run, pictures, outputs=room, threads=threads)
            run, own = [], True
        pictures = _apply(stage, pictures, own, room, f"stages[{index}]")
        own = True
        if stage.dtype is not None or stage.layout != "HWC":
            run.append(replace(stage, pixels=None))
    if run:
        return render(run, pictures, outputs=outputs, threads=threads, batch_bytes=batch_bytes)
    if outputs is None:
        return pictures
    for index, (target, picture) in enumerate(zip(outputs, pictures, strict=True)):
        if picture is target:
            continue
        if target.shape != picture.shape or target.dtype != picture.dtype:
            raise ValueError(
                f"outputs[{index}]: expected {picture.dtype} of shape {picture.shape}, "
                f"got {target.dtype} of shape {target.shape}"
            )
        target[...] = picture
    return list(outputs)


def _fits(stage: Stage, sources: Sequence[Image], outputs: Outputs) -> bool:
    """Whether the outputs have the shapes and the dtype of what the stage makes."""
    shapes = [(height, width, sources[0].shape[2]) for height, width in stage.size.tolist()]
    return [output.shape for output in outputs] == shapes and all(
        output.dtype == sources[0].dtype and output.flags.c_contiguous for output in outputs
    )


def _apply(stage: Stage, pictures: Sequence[Image], own: bool, room: Outputs | None, where: str) -> list[Image]:
    assert stage.pixels is not None
    function, fills = stage.pixels.function, getattr(stage.pixels.function, "into", False)
    changed = []
    for index, (picture, parameters) in enumerate(zip(pictures, stage.pixels.parameters, strict=True)):
        given = picture
        if not own:
            given = empty(picture.shape, picture.dtype) if room is None else room[index]
            if fills and picture.flags.c_contiguous:
                changed.append(function(picture, out=given, **parameters))
                continue
            # A function may work in place, or return what it got: the caller's pictures are handed out as copies.
            given[...] = picture
        result = np.ascontiguousarray(function(given, **parameters))
        if result.shape != picture.shape or result.dtype != picture.dtype:
            raise ValueError(
                f"{where}.pixels: {getattr(function, '__name__', 'the function')} must return {picture.dtype} of shape "
                f"{picture.shape}, got {result.dtype} of shape {result.shape}"
            )
        changed.append(result)
    return changed
