"""Volumes drawn: whole voxels by slicing, all else by the compiled kernel."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from covary import kernels
from covary.plan.changes import BORDERS, Border
from covary.plan.volume import Affine, Call, Convert3D, Matrix, Pass, Sampling, Volume
from covary.render import volume_reference
from covary.render.borders import map_indices
from covary.render.buffers import empty


def draw_volume(passes: Sequence[Pass], source: Volume, *, threads: int = 1, reference: bool = False) -> Volume:
    """What passes make of a (D, H, W, C) volume: a new array, or the source itself where there is none.

    Args:
        passes: of the volume.
        source: uint8, uint16, int16 or float32, in C order; for "nearest" any dtype of 1, 2, 4 or 8 bytes.
        threads: cores to use.
        reference: draw by the oracle.
    """
    drawn = source
    for one in passes:
        if isinstance(one, Sampling):
            drawn = sampled(one, drawn, threads, reference)
        elif isinstance(one, Call):
            drawn = one.function(drawn.copy() if drawn is source else drawn, **one.parameters)
        else:
            drawn = converted(one, drawn)
    return drawn


def sampled(passed: Sampling, source: Volume, threads: int = 1, reference: bool = False) -> Volume:
    """One sampling of a (D, H, W, C) volume."""
    if reference:
        return volume_reference.sample(passed, source)
    if len(passed.maps) == 1 and isinstance(passed.maps[0], Affine):
        whole = whole_voxels(passed.maps[0].matrix)
        if whole is not None:
            return _moved(passed, source, *whole)
    if kernels.native is None:
        kernels.warn_once()
        return volume_reference.sample(passed, source)
    out = empty((*passed.size, source.shape[3]), source.dtype)
    maps = [one.matrix if isinstance(one, Affine) else one.knots for one in passed.maps]
    fill = np.zeros(source.shape[3]) if passed.fill is None else passed.fill
    nearest = passed.interpolation == "nearest"
    kernels.native.warp_volume(
        _bits(source) if nearest else source,
        _bits(out) if nearest else out,
        [np.ascontiguousarray(one) for one in maps],
        np.array([one.size for one in passed.maps], dtype=np.float64),
        BORDERS.index(passed.border),
        _bits(fill.astype(source.dtype)) if nearest else fill.astype(source.dtype),
        nearest,
        threads,
        kernels.simd,
    )
    return out


def _bits(array: NDArray[Any]) -> NDArray[Any]:
    """The same memory as unsigned numbers: nearest voxels are copied whatever they mean."""
    return array.view(f"u{array.dtype.itemsize}")


def whole_voxels(matrix: Matrix) -> tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]] | None:
    """An affine map that moves whole voxels: for each output axis its input axis, direction (1 or -1) and first index.

    None where voxels would have to be computed.
    """
    # Twelve numbers: plain Python is faster than arrays.
    axes, signs, starts = [-1, -1, -1], [0, 0, 0], [0, 0, 0]
    for source, (*turn, shift) in enumerate(matrix.tolist()):
        ones = [axis for axis in range(3) if abs(abs(turn[axis]) - 1) < 1e-12]
        if len(ones) != 1 or sum(map(abs, turn)) > 1 + 3e-12 or abs(shift - round(shift)) > 1e-9:
            return None
        output = ones[0]
        axes[output], signs[output] = source, 1 if turn[output] > 0 else -1
        starts[output] = round(shift) - (turn[output] < 0)
    return None if -1 in axes else (tuple(axes), tuple(signs), tuple(starts))


def _moved(
    passed: Sampling, source: Volume, axes: tuple[int, ...], signs: tuple[int, ...], starts: tuple[int, ...]
) -> Volume:
    """Whole voxels in new places."""
    turned = source.transpose(*axes, 3)
    lows = []
    for axis, (sign, start) in enumerate(zip(signs, starts, strict=True)):
        if sign < 0:
            turned = np.flip(turned, axis)
            start = turned.shape[axis] - 1 - start
        lows.append(start)
    ends = [low + side for low, side in zip(lows, passed.size, strict=True)]
    inner = turned[tuple(slice(max(low, 0), max(end, 0)) for low, end in zip(lows, ends, strict=True))]
    made = empty((*passed.size, source.shape[3]), source.dtype)
    if inner.shape == made.shape:
        # Without an axis of length one, NumPy's innermost loop is a row.
        alone = (..., 0) if made.shape[3] == 1 else ...
        made[alone] = inner[alone]
        return made
    if passed.border == "constant":
        made[...] = 0 if passed.fill is None else passed.fill.astype(source.dtype)
        place = tuple(
            slice(max(-low, 0), max(-low, 0) + length) for low, length in zip(lows, inner.shape[:3], strict=True)
        )
        if inner.size:
            made[place] = inner
        return made
    indices = (_indices(low, end, n, passed.border) for low, end, n in zip(lows, ends, turned.shape, strict=False))
    return np.ascontiguousarray(turned[np.ix_(*indices)])


def _indices(low: int, end: int, n: int, border: Border) -> NDArray[np.int64]:
    return map_indices(np.arange(low, end), n, border)


def converted(form: Convert3D, volume: Volume) -> Volume:
    """The finished form of a (D, H, W, C) volume: (C, D, H, W)."""
    first = np.moveaxis(volume, 3, 0)
    if form.scale is None:
        return first.copy("C")
    made = first.astype(np.float32, order="C")
    if form.scale != 1:
        made *= np.float32(1 / form.scale)
    return made
