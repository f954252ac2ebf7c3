"""How described changes become few passes over the pixels.

Warps multiply into one, across pointwise colour changes too, so that the source is sampled once; colour matrices
multiply; tone curves compose. Nothing moves across a filter, noise, an erasure or a function of pixels. Two warps with
different ideas of what lies outside the picture (border, fill or interpolation) stay two passes.

The passes of a sample depend on what happens to that sample alone, never on the rest of its batch: samples that skip
different operations are planned in different groups.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from covary.plan.changes import (
    Border,
    Colour,
    Convert,
    Curve,
    Displace,
    Erase,
    Fill,
    Filter,
    Floats,
    GaussianField,
    Impulses,
    Interpolation,
    Ints,
    Pixels,
    Shade,
    SignalNoise,
    Step,
    Warp,
)
from covary.plan.stages import Stage, ValueStep, take_change

# What depends on the place in the picture: geometry does not move across it.
_SEALS = (Shade, GaussianField, SignalNoise, Impulses, Erase)
_BARRIERS = (*_SEALS, Filter, Pixels)
_IDENTITY = np.eye(3)


@dataclass(frozen=True, slots=True, eq=False)
class Group:
    """Samples that take the same passes.

    Attributes:
        rows: which samples of the batch, ascending; None for all of them.
        stages: the passes, for these samples only.
    """

    rows: Ints | None
    stages: tuple[Stage, ...]


def plan(steps: Sequence[Step], sizes: Ints, *, fuse: bool = True) -> list[Group]:
    """Group the samples of a batch and fuse each group's changes into stages.

    Args:
        steps: what was described, in order.
        sizes: (B, 2) int64 height and width of the sources.
        fuse: False gives every change a pass of its own.
    """
    structural = [
        index for index, step in enumerate(steps) if step.active is not None and _is_structural(steps, index, fuse)
    ]
    if not structural:
        return [Group(None, _stages(steps, sizes, fuse))]
    pattern = np.stack([step.active for index in structural if (step := steps[index]).active is not None], axis=1)
    members: dict[bytes, list[int]] = {}
    for row, signature in enumerate(pattern):
        members.setdefault(signature.tobytes(), []).append(row)
    groups = []
    for indices in members.values():
        rows = np.array(indices)
        taken = [
            Step(
                take_change(step.change, rows),
                None if index in structural or step.active is None else step.active[rows],
            )
            for index, step in enumerate(steps)
            if index not in structural or (step.active is not None and step.active[indices[0]])
        ]
        groups.append(Group(rows, _stages(taken, sizes[rows], fuse)))
    return groups


def _is_structural(steps: Sequence[Step], index: int, fuse: bool) -> bool:
    """Whether skipping this step changes the passes of a sample, so that those who skip it need a plan of their own."""
    change = steps[index].change
    if not fuse:
        return True
    before, behind = steps[:index], steps[index + 1 :]
    if isinstance(change, Colour):
        # An identity matrix instead, unless the colour stays apart from others or keeps two borders' fills apart.
        return change.pivot is not None or (any(map(_fills, before)) and any(map(_fills, behind)))
    if isinstance(change, Warp) and change.border is None and change.interpolation is None:
        # An identity matrix instead, unless it would open another pass or stand beside a displacement.
        return any(isinstance(step.change, _BARRIERS) for step in before) or any(
            isinstance(step.change, Displace) for step in steps
        )
    if isinstance(change, _SEALS):
        # A masked step instead, unless something that would otherwise have fused follows.
        return not all(isinstance(step.change, (*_SEALS, Convert)) for step in behind)
    return True


def _fills(step: Step) -> bool:
    """Whether a step paints what lies outside the picture."""
    return isinstance(step.change, (Warp, Displace)) and step.change.border == "constant"


def _stages(steps: Sequence[Step], sizes: Ints, fuse: bool) -> tuple[Stage, ...]:
    finished: list[Stage] = []
    current = _Pass(sizes)
    for step in steps:
        if isinstance(step.change, Convert):
            current.convert(step.change)
            continue
        if not current.is_empty and not (fuse and current.takes(step)):
            finished.append(current.stage())
            current = _Pass(current.size)
        current.add(step)
    finished.append(current.stage())
    return tuple(finished)


class _Pass:
    """A stage in the making."""

    def __init__(self, size: Ints) -> None:
        self.size = size
        self.coordinates: list[Warp | Displace] = []
        self.border: Border | None = None
        self.fill: Floats | None = None
        self.interpolation: Interpolation | None = None
        self.filter: Filter | None = None
        self.pixels: Pixels | None = None
        self.values: list[ValueStep] = []
        self.dtype: Literal["float32"] | None = None
        self.layout: Literal["HWC", "CHW"] = "HWC"

    @property
    def is_empty(self) -> bool:
        return not (self.coordinates or self.values or self.filter or self.pixels)

    def takes(self, step: Step) -> bool:
        """Whether the change may join this pass."""
        change = step.change
        if self.pixels is not None or isinstance(change, (Filter, Pixels)):
            return False
        if not isinstance(change, (Warp, Displace)):
            return True
        if self.filter is not None or any(isinstance(value.change, _SEALS) for value in self.values):
            return False
        if None not in (change.interpolation, self.interpolation) and change.interpolation != self.interpolation:
            return False
        if change.border is None or self.border is None:
            return True
        if change.border != self.border:
            return False
        if change.border != "constant":
            return True
        # One fill for both: they must agree on the colour, and no colour change may stand between them.
        assert change.fill is not None and self.fill is not None
        return isinstance(self.values[-1].change, Fill) and np.array_equal(change.fill, self.fill)

    def add(self, step: Step) -> None:
        change = step.change
        if isinstance(change, (Warp, Displace)):
            self._add_geometry(step, change)
        elif isinstance(change, Filter):
            self.filter = change
        elif isinstance(change, Pixels):
            self.pixels = change
        elif isinstance(change, Colour):
            self._add_colour(_where_active(change, step))
        elif isinstance(change, Curve):
            self._add_curve(change)
        else:
            assert not isinstance(change, Convert)
            self.values.append(ValueStep(change, step.active))

    def convert(self, change: Convert) -> None:
        self.dtype = change.dtype or self.dtype
        self.layout = change.layout

    def _add_geometry(self, step: Step, change: Warp | Displace) -> None:
        if isinstance(change, Warp):
            matrix, size = change.matrix, change.size
            if step.active is not None:
                matrix = np.where(step.active[:, None, None], matrix, _IDENTITY)
                size = np.where(step.active[:, None], size, self.size)
            before = self.coordinates[-1] if self.coordinates else None
            if isinstance(before, Warp):
                self.coordinates[-1] = Warp(before.matrix @ matrix, size)
            else:
                self.coordinates.append(Warp(matrix, size))
            self.size = size
        else:
            self.coordinates.append(change)
        self.interpolation = change.interpolation or self.interpolation
        if change.border is not None:
            if change.border == "constant" and self.border is None:
                assert change.fill is not None
                self.fill = change.fill
                self.values.append(ValueStep(Fill(change.fill)))
            self.border = change.border

    def _add_colour(self, change: Colour) -> None:
        before = self.values[-1].change if self.values else None
        if isinstance(before, Colour) and change.pivot is None:
            self.values[-1] = ValueStep(_colour_product(change, before))
        else:
            self.values.append(ValueStep(change))

    def _add_curve(self, change: Curve) -> None:
        before = self.values[-1].change if self.values else None
        # Only at 256 entries are a table's inputs the very values that the other's outputs are rounded to.
        if isinstance(before, Curve) and change.table[0].shape[1] == before.table[0].shape[1] == 256:
            self.values[-1] = ValueStep(_curve_composition(change, before))
        else:
            self.values.append(ValueStep(change))

    def stage(self) -> Stage:
        interpolation = self.interpolation or "linear"
        levels = None
        if self.coordinates and interpolation != "nearest":
            levels = reduction_levels([c.matrix for c in self.coordinates if isinstance(c, Warp)], self.size)
        return Stage(
            size=self.size,
            coordinates=tuple(self.coordinates),
            border=self.border or "edge",
            interpolation=interpolation,
            levels=levels,
            filter=self.filter,
            pixels=self.pixels,
            values=tuple(self.values),
            dtype=self.dtype,
            layout=self.layout,
        )


def _where_active(change: Colour, step: Step) -> Colour:
    if step.active is None:
        return change
    channels = change.matrix.shape[1]
    matrix = np.where(step.active[:, None, None], change.matrix, np.eye(channels, channels + 1))
    pivot = None if change.pivot is None else np.where(step.active[:, None], change.pivot, 0.0)
    return Colour(matrix, pivot)


def _colour_product(second: Colour, first: Colour) -> Colour:
    linear = second.matrix[:, :, :-1]
    matrix = linear @ first.matrix
    matrix[:, :, -1] += second.matrix[:, :, -1]
    pivot = None if first.pivot is None else (linear @ first.pivot[:, :, None])[:, :, 0]
    return Colour(matrix, pivot)


def _curve_composition(second: Curve, first: Curve) -> Curve:
    inner, outer = np.asarray(first.table), np.asarray(second.table)
    shape = (len(inner), max(inner.shape[1], outer.shape[1]), 256)
    index = np.rint(np.clip(inner, 0, 255)).astype(np.intp)
    return Curve(np.take_along_axis(np.broadcast_to(outer, shape), np.broadcast_to(index, shape), axis=2))


def reduction_levels(matrices: Sequence[Floats], size: Ints) -> NDArray[np.int64] | None:
    """How often each source axis must be halved so that no output pixel skips source pixels.

    A step of one output pixel moves the sampling point by s pixels along a source axis (measured at the centre of the
    output); floor(log2 s) halvings leave steps below two, which two taps cover.

    Args:
        matrices: the warps of a stage, first operation first, each (B, 3, 3).
        size: (B, 2) output height and width.

    Returns:
        (B, 2) halvings along x and y, or None where no sample needs any.
    """
    if not matrices:
        return None
    matrix = matrices[0]
    for other in matrices[1:]:
        matrix = matrix @ other
    linear = matrix[:, :2, :2]
    if np.count_nonzero(matrix[:, 2, :2]):
        centre = np.concatenate([size[:, ::-1] / 2, np.ones((len(size), 1))], axis=1)[:, :, None]
        with np.errstate(all="ignore"):
            point = matrix @ centre
            weight = point[:, 2:, :]
            linear = (linear - (point[:, :2, :] / weight) * matrix[:, 2:, :2]) / weight
    step = np.sqrt(linear[:, :, 0] * linear[:, :, 0] + linear[:, :, 1] * linear[:, :, 1])
    # A hair's breadth below a power of two still counts as one.
    exponent = np.frexp(np.where(np.isfinite(step), step, 1.0) * (1 + 1e-9))[1] - 1
    if not (exponent > 0).any():
        return None
    levels: NDArray[np.int64] = np.clip(exponent, 0, 30).astype(np.int64)
    return levels
