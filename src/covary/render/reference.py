"""The reference renderer: every stage in float64 NumPy, sample by sample, as plainly as it can be said.

It is the oracle of the tests: other renderers are compared with it. Where the description of a stage leaves something
open, this is what holds for every renderer:

- A sample is *lost* when a map gives w <= 0 or w is NaN, or when the source position found at the end is NaN, infinite
  or farther out than 2**30 pixels along either axis. It reads pixel (0, 0), in every border mode, and has coverage 0.
- A tap of weight 0 adds nothing, even where its pixel is NaN or infinite; so does a source value of coverage 0. Other
  renderers need to keep to this only where the geometry is exact: there pixels move whole.
- Halvings follow one another unrounded: each works on the level before, whose last odd pixel stood alone (it is not
  weighed by the source pixels it stands for). An axis of one pixel stays one pixel; positions are divided all the same.
- Border, coverage and interpolation act on the level sampled: its lengths, its pixel indices.
- A stage's size is the one its geometry leads to: the last warp's, or the source's where there is none (always so for a
  filter); anything else is a ValueError. Without coordinates pixels stay, whatever the interpolation.
- A displacement's canvas is the size of the change before it; displacements keep that size, the first has the source's.
- `pivot` uses the mean over the stage's whole output, in its values just before the step, painted borders included,
  neither rounded nor clipped.
- A noise value belongs to row y, column x, channel c of the stage's output, in either layout.
- Curve, integers: the value is clipped to 0..white, then rounded to nearest, ties to even. NaN counts as 0.
- A table, like a colour, may lead outside 0..white; only storing clips. "Integers" means the stage's source dtype, also
  where its output is float32.
- Impulses: the share is compared with both thresholds in float32; white is decided first.
- Erase: rectangles are cut to the canvas, negative starts to 0; an empty or reversed one paints nothing. A count
  beyond 0..K is a ValueError.
- Fill on labels (interpolation "nearest", no other value step): the colour is rounded to nearest, ties to even, and
  kept inside the dtype's range; NaN is 0 in integers and booleans, any other value but 0 is True. Pixels are moved
  whole, so 64-bit integers stay exact.
- A filter has both kernel_y and kernel_x, or kernel; between kernel_y and kernel_x nothing is rounded.
- Storing NaN in an integer picture gives 0. float32 is stored as it is.
- The source of a stage's value steps is never rounded, the halved levels of integer sources are.
- A Pixels function gets a copy of the picture in the source's dtype.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from covary.plan.changes import Floats, Image, Interpolation
from covary.plan.stages import Stage
from covary.render.borders import map_indices
from covary.render.buffers import Outputs
from covary.render.filters import Separable, filter_taps
from covary.render.passes import asks_coverage, copies_pixels, render_with
from covary.render.positions import source_positions
from covary.render.sampling import coverage, halved, halvings, sample


def render(
    stages: Sequence[Stage],
    sources: Sequence[Image],
    *,
    outputs: Outputs | None = None,
    threads: int = 1,
    batch_bytes: int = 0,
) -> list[Image]:
    """Render B pictures through all stages.

    Args:
        stages: in order; row b of each belongs to sources[b].
        sources: (H, W, C) uint8, uint16 or float32 arrays that share dtype and C; sizes may differ. Where every stage
            only moves pixels (interpolation "nearest", no values but Fill) any boolean, integer or float dtype.
        outputs: arrays of the final size, dtype and layout, or all of them in one, to be filled; None makes new ones.
        threads: number of threads the samples are shared among, 1 or more.
        batch_bytes: of no meaning here, see `covary.render.native.render`.

    Returns:
        One picture per source, in the last stage's dtype and layout.

    Raises:
        ValueError: stages, sources and outputs do not fit each other, or the dtype is not one the stages can take.
    """
    return render_with(_fetch, stages, sources, outputs, threads)


def _fetch(stage: Stage, row: int, source: Image) -> tuple[Image, Floats | None]:
    if stage.filter is not None:
        return _filtered(source.astype(np.float64), filter_taps(stage.filter, row)), None
    x, y = source_positions(stage, row, source.shape[:2])
    interpolation: Interpolation
    if copies_pixels(stage, row):
        level, interpolation = source, "nearest"
    else:
        along_x, along_y = halvings(stage, row)
        level = halved(source.astype(np.float64), along_x, along_y, rounded=source.dtype.kind == "u")
        x, y, interpolation = x / 2**along_x, y / 2**along_y, stage.interpolation
    inside = coverage(x, y, level.shape[:2], interpolation) if asks_coverage(stage, row) else None
    return sample(level, x, y, interpolation, stage.border), inside


def _filtered(values: Floats, taps: Separable | Floats) -> Floats:
    if isinstance(taps, Separable):
        return _correlated(_correlated(values, taps.down[:, None]), taps.across[None, :])
    return _correlated(values, taps)


def _correlated(values: Floats, kernel: Floats) -> Floats:
    """The picture correlated with a centred kernel: each tap's weight times the picture moved by the tap's offset."""
    height, width, _ = values.shape
    rows, columns = kernel.shape
    total = np.zeros_like(values)
    for i in range(rows):
        for j in range(columns):
            y = map_indices(np.arange(height) + i - rows // 2, height, "reflect")
            x = map_indices(np.arange(width) + j - columns // 2, width, "reflect")
            total += kernel[i, j] * values[y][:, x]
    return total
