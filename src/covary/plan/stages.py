"""A stage: one pass from source pixels to finished pixels. A plan is a list of stages."""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import cache
from typing import Any, Literal, TypeVar

import numpy as np

from covary.plan.changes import (
    Bools,
    Border,
    Displace,
    Filter,
    Interpolation,
    Ints,
    Pixels,
    Reshape,
    Tiles,
    Value,
    Vanish,
    Warp,
)

AnyChange = TypeVar("AnyChange", bound=Any)


def take_change(change: AnyChange, rows: Ints | slice) -> AnyChange:
    """The change for the chosen samples: every array and every per-sample tuple is indexed along the batch."""
    kind: Any = type(change)
    taken: AnyChange = kind(*[_pick(getattr(change, name), rows) for name in _names(kind)])
    return taken


def _pick(value: Any, rows: Ints | slice) -> Any:
    if isinstance(value, np.ndarray):
        return value[rows]
    if isinstance(value, tuple):
        return value[rows] if isinstance(rows, slice) else tuple(value[row] for row in rows)
    if isinstance(value, (Tiles, Vanish, Reshape)):
        return take_change(value, rows)
    return value


@cache
def _names(kind: type[Any]) -> tuple[str, ...]:
    return tuple(field.name for field in fields(kind))


@dataclass(frozen=True, slots=True, eq=False)
class ValueStep:
    """A change of values and the samples it touches (None: all of them)."""

    change: Value
    active: Bools | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Stage:
    """One pass over B pictures: fetch each value (by sampling, or by a filter), change it, store it.

    The picture between two stages has the source's own dtype, values rounded to nearest and clipped.

    Attributes:
        size: (B, 2) int64 height and width of the stage's output.
        coordinates: warps and displacements in the order of application (first operation first); empty where the
            geometry stays. An output pixel's centre goes through the *last* one's map first. No two warps are
            neighbours. `border`, `fill` and `interpolation` of these entries are ignored: the stage's own count.
        border: what lies outside the source. "constant" samples as "edge" does; the colour is painted by a Fill step.
        interpolation: of the sampling.
        levels: (B, 2) int64, how often the source is halved along x and along y before it is sampled, so that shrinking
            skips no source pixel. A halved axis holds means of two neighbours, a last odd pixel standing alone; after l
            halvings source position x is found at x / 2**l.
        filter: a linear filter in place of the sampling; `coordinates` is then empty.
        pixels: a function in place of everything else; `coordinates` and `values` are then empty.
        values: changes of value, in order. The index of a noise value is that of the stage's output element.
        dtype: "float32" for unclipped float32 output, None for the source's own dtype (integers are rounded to nearest,
            ties to even, and clipped to 0..white; float32 is neither rounded nor clipped).
        layout: of the output; "CHW" only in a last stage.
    """

    size: Ints
    coordinates: tuple[Warp | Displace, ...] = ()
    border: Border = "edge"
    interpolation: Interpolation = "linear"
    levels: Ints | None = None
    filter: Filter | None = None
    pixels: Pixels | None = None
    values: tuple[ValueStep, ...] = ()
    dtype: Literal["float32"] | None = None
    layout: Literal["HWC", "CHW"] = "HWC"

    @property
    def concerns_labels(self) -> bool:
        """Whether labels move, or go, in this pass."""
        return bool(self.coordinates) or (self.pixels is not None and self.pixels.effect is not None)

    def take(self, rows: Ints | slice) -> Stage:
        """The stage for the chosen samples, in the order given; by indices, a sample may be chosen more than once."""
        return Stage(
            self.size[rows],
            tuple([take_change(change, rows) for change in self.coordinates]),
            self.border,
            self.interpolation,
            None if self.levels is None else self.levels[rows],
            None if self.filter is None else take_change(self.filter, rows),
            None if self.pixels is None else take_change(self.pixels, rows),
            tuple(
                [
                    ValueStep(take_change(step.change, rows), None if step.active is None else step.active[rows])
                    for step in self.values
                ]
            ),
            self.dtype,
            self.layout,
        )
