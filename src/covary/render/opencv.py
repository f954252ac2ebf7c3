"""The OpenCV renderer: the same pictures at usable speed where the native one cannot be built.

It differs from the reference in precision only:

- values are float32;
- OpenCV looks up positions between pixels to 1/32 px (`cv2.remap`), so linear sampling is off by at most 1/64 px along
  each axis: up to 4 levels of 255 an axis where neighbours differ by the full range, far less in photographs.

Exact geometry (flips, quarter turns, whole translations, crops and pads) moves pixels by indexing and is bit-equal.
Nearest and cubic sampling are NumPy's: OpenCV rounds positions for the one and has another kernel for the other
(a = -0.75 where ours is -0.5).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from covary.plan.changes import Border, Floats, Image
from covary.plan.stages import Stage
from covary.render.borders import map_indices
from covary.render.buffers import Outputs
from covary.render.filters import Separable, filter_taps
from covary.render.passes import asks_coverage, copies_pixels, render_with
from covary.render.positions import ExactGeometry, exact_geometry, source_positions
from covary.render.sampling import coverage, halved, halvings, sample

# OpenCV's own limits: 16-bit positions in remap, four channels in one scalar.
_LONGEST = 32766
_MOST_CHANNELS = 4


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
        return _filtered(source.astype(np.float32), filter_taps(stage.filter, row)), None
    covered = asks_coverage(stage, row)
    exact = exact_geometry(stage, row)
    if exact is not None:
        pixels = _moved(source, exact, stage.border)
        inside = _exact_coverage(source, exact) if covered else None
        return (pixels if copies_pixels(stage, row) else pixels.astype(np.float32)), inside
    x, y = source_positions(stage, row, source.shape[:2])
    if copies_pixels(stage, row):
        inside = coverage(x, y, source.shape[:2], "nearest") if covered else None
        return sample(source, x, y, "nearest", stage.border), inside
    along_x, along_y = halvings(stage, row)
    level = halved(source.astype(np.float32), along_x, along_y, rounded=source.dtype.kind == "u")
    x, y = x / 2**along_x, y / 2**along_y
    inside = coverage(x, y, level.shape[:2], stage.interpolation) if covered else None
    if stage.interpolation == "linear" and max(*level.shape[:2], *x.shape) <= _LONGEST and x.size:
        return _sampled_linear(level, x, y, stage.border), inside
    return sample(level, x, y, stage.interpolation, stage.border), inside


def _moved(source: Image, exact: ExactGeometry, border: Border) -> Image:
    """The pixels an exact geometry shows, in the source's dtype."""
    height, width, _ = source.shape
    rows = _as_slice(map_indices(exact.y, height, border))
    columns = _as_slice(map_indices(exact.x, width, border))
    moved = source[rows][:, columns]
    return moved.transpose(1, 0, 2) if exact.transposed else moved


def _as_slice(indices: Image) -> Image | slice:
    """Indices that run up or down one by one, as a slice: NumPy then copies nothing yet."""
    if len(indices) < 2 or abs(step := int(indices[1] - indices[0])) != 1 or not (np.diff(indices) == step).all():
        return indices
    stop = int(indices[-1]) + step
    return slice(int(indices[0]), None if stop < 0 else stop, step)


def _exact_coverage(source: Image, exact: ExactGeometry) -> Floats:
    height, width, _ = source.shape
    rows = (exact.y >= 0) & (exact.y < height)
    columns = (exact.x >= 0) & (exact.x < width)
    inside = np.outer(rows, columns).astype(np.float32)
    return inside.T if exact.transposed else inside


def _sampled_linear(level: Floats, x: Floats, y: Floats, border: Border) -> Floats:
    import cv2

    height, width, _ = level.shape
    lost = np.isnan(x)
    across = np.where(lost, 0, _folded(x - 0.5, width, border)).astype(np.float32)
    down = np.where(lost, 0, _folded(y - 0.5, height, border)).astype(np.float32)
    # Folded positions have at most one tap outside, by less than a pixel.
    mode = cv2.BORDER_WRAP if border == "wrap" else cv2.BORDER_REPLICATE
    return _by_channels(level, lambda planes: cv2.remap(planes, across, down, cv2.INTER_LINEAR, borderMode=mode))


def _folded(index: Floats, n: int, border: Border) -> Floats:
    """Pixel-index positions brought into the axis: linear sampling gives there what the border gives outside."""
    if border == "wrap":
        return np.mod(index, n)
    if border == "reflect" and n > 1:
        turned = np.mod(index, 2 * (n - 1))
        index = np.minimum(turned, 2 * (n - 1) - turned)
    elif border == "symmetric":
        turned = np.mod(index + 0.5, 2 * n)
        index = np.minimum(turned, 2 * n - turned) - 0.5
    return np.clip(index, 0, n - 1)


def _filtered(values: Floats, taps: Separable | Floats) -> Floats:
    import cv2

    if not values.size:
        return values
    border = cv2.BORDER_REFLECT_101
    if isinstance(taps, Separable):
        across, down = taps.across, taps.down
        return _by_channels(values, lambda planes: cv2.sepFilter2D(planes, cv2.CV_32F, across, down, borderType=border))
    return _by_channels(values, lambda planes: cv2.filter2D(planes, cv2.CV_32F, taps, borderType=border))


def _by_channels(values: Floats, function: Callable[[Any], Any]) -> Floats:
    """An OpenCV function of up to four channels applied to any number of them."""
    channels = values.shape[2]
    parts = [
        function(np.ascontiguousarray(values[..., start : start + _MOST_CHANNELS]))
        for start in range(0, channels, _MOST_CHANNELS)
    ]
    # OpenCV drops the last axis of a single channel.
    planes = [part if part.ndim == 3 else part[..., None] for part in parts]
    joined: Floats = planes[0] if len(planes) == 1 else np.concatenate(planes, axis=2)
    return joined
