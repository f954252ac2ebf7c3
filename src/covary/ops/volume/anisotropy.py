"""Scans with thick slices."""

from __future__ import annotations

from dataclasses import field

import numpy as np

from covary.draws.distributions import LogUniform, Range
from covary.ops.amounts import Amount
from covary.ops.base import Draw, operation, ranged
from covary.ops.volume.base import VolumeOperation
from covary.ops.volume.view import VolumeView
from covary.plan.volume import Volume, Voxels


@operation
class Anisotropy3D(Amount, VolumeOperation):
    """Lower the resolution along one axis, as if it had been scanned in thick slices; the size stays.

    Voxels along the axis are averaged into slices `factor` times as thick, which are then interpolated linearly back to
    the old ones. (TorchIO's RandomAnisotropy skips voxels instead of averaging, which no scanner does.)

    Args:
        factor: how many voxels thick the slices are, from 1 to 100; the nearest thickness of which a whole number fits
            is taken. Identity: 1. Default: 1.5 to 5, evenly in the logarithm.
        axes: which axes may be taken, each as likely as any other: 0 the depth, 1 the height, 2 the width. Default all.
        p: probability. Default 0.5.

    Billot et al. 2021, "SynthSeg: domain randomisation for segmentation of brain scans of any contrast and resolution".

    Helps: models for scans of several scanners and protocols.
    Hurts: tasks on details thinner than the slices.
    """

    factor: Range = ranged(default=LogUniform(1.5, 5, identity=1), low=1, high=100)
    axes: tuple[int, ...] = (0, 1, 2)
    p: float = field(default=0.5, kw_only=True)

    uniforms = ("axis",)

    def check(self) -> None:
        super().check()
        axes = self.axes if isinstance(self.axes, tuple) else (self.axes,)
        if not axes or not set(axes) <= {0, 1, 2}:
            self.refuse("axes", repr(self.axes), "some of 0, 1 and 2")
        object.__setattr__(self, "axes", axes)

    def describe(self, draw: Draw, view: VolumeView) -> Voxels:
        axis = np.array(self.axes)[np.floor(draw("axis") * len(self.axes)).astype(np.int64)]
        length = np.take_along_axis(view.size, axis[:, None], axis=1)[:, 0]
        slices = np.clip(np.rint(length / draw("factor")), 1, length).astype(np.int64)
        rows = zip(axis.tolist(), slices.tolist(), strict=True)
        return Voxels(in_thick_slices, tuple({"axis": one, "slices": count} for one, count in rows))


def in_thick_slices(volume: Volume, axis: int, slices: int) -> Volume:
    """The volume as it looks where an axis has only so many slices."""
    length = volume.shape[axis]
    if slices == length:
        return volume
    lines = np.moveaxis(volume, axis, 0)
    thick = np.empty((slices, *lines.shape[1:]), dtype=np.float32)
    for number in range(slices):
        thick[number] = _mean(lines, number * length / slices, (number + 1) * length / slices)
    for index in range(length):
        at = min(max((index + 0.5) * slices / length - 0.5, 0.0), slices - 1.0)
        first = min(int(at), max(slices - 2, 0))
        share = np.float32(at - first)
        value = thick[first] * (1 - share) + thick[min(first + 1, slices - 1)] * share
        lines[index] = value if volume.dtype.kind == "f" else np.rint(value)
    return volume


def _mean(lines: Volume, start: float, end: float) -> Volume:
    """The mean of what lies between two positions of the first axis; slices cut by them count in part."""
    first, last = int(start), min(int(np.ceil(end)), len(lines))
    total = np.zeros(lines.shape[1:], dtype=np.float32)
    for index in range(first, last):
        total += lines[index] * np.float32((min(end, index + 1) - max(start, index)) / (end - start))
    return total
