"""What an operation may know of the pictures: sizes, channels, value range, and labels; not their pixels."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, ClassVar, Literal, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from covary.plan.changes import Bools, Change, Floats, Ints, Warp, concerns_labels

Modality: TypeAlias = Literal["image", "audio", "text", "volume"]

AnyView: TypeAlias = Any
"""What operations of some modality know of B samples at one point of the pipeline: an object with a `modality`."""

WHITE = {"uint8": 255.0, "uint16": 65535.0, "float32": 1.0}


class Annotations(Protocol):
    """The labels of B pictures as they stand at one point of the pipeline, for operations that look at them."""

    def boxes(self) -> list[Floats | None]:
        """(N, 4) x0, y0, x1, y1 in pixels of the canvas for each picture, of the boxes that are left; None where a
        sample has no `boxes`.
        """
        ...

    def masks(self) -> list[NDArray[Any] | None]:
        """The (H, W) or (H, W, C) `mask` of each picture; None where a sample has none."""
        ...

    def after(self, change: Change, active: Bools | None) -> Annotations:
        """The labels behind a change, which touched the `active` samples only."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class View:
    """The B pictures as they stand at one point of the pipeline.

    Attributes:
        size: (B, 2) int64 height and width in pixels.
        channels: number of channels, the same for all.
        dtype: "uint8", "uint16" or "float32".
        labels: of the pictures; None unless an operation of the pipeline declares that it `looks` at them.
    """

    modality: ClassVar[Modality] = "image"

    size: Ints
    channels: int
    dtype: str
    labels: Annotations | None = None

    @property
    def count(self) -> int:
        """B, the number of pictures."""
        return len(self.size)

    @property
    def height(self) -> NDArray[np.float64]:
        """(B,) heights in pixels."""
        return self.size[:, 0].astype(np.float64)

    @property
    def width(self) -> NDArray[np.float64]:
        """(B,) widths in pixels."""
        return self.size[:, 1].astype(np.float64)

    @property
    def white(self) -> float:
        """The highest value of the range: 255, 65535 or 1.0."""
        return WHITE[self.dtype]

    @property
    def levels(self) -> int:
        """The number of entries of a tone curve's table for this dtype."""
        return 256 if self.dtype == "uint8" else 65536

    def after(self, change: Any, active: Bools | None) -> View:
        """The view behind a change, which touched the `active` samples only."""
        if not concerns_labels(change):
            return self
        labels = None if self.labels is None else self.labels.after(change, active)
        if not isinstance(change, Warp):
            return self if labels is None else replace(self, labels=labels)
        size = change.size if active is None else np.where(active[:, None], change.size, self.size)
        return replace(self, size=size, labels=labels)

    def colour(self, fill: float | tuple[float, ...]) -> Floats:
        """A user's fill value as (B, C): one number for all channels or one each.

        Raises:
            ValueError: the number of values is neither one nor the number of channels.
        """
        values = np.atleast_1d(np.asarray(fill, dtype=np.float64))
        if values.size not in (1, self.channels):
            raise ValueError(
                f"fill has {values.size} values, the image has {self.channels} channels; give one or {self.channels}"
            )
        return np.broadcast_to(values, (self.count, self.channels))
