"""What an operation may know of the volumes: sizes, channels, dtype and voxel spacing; not their voxels."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from covary.ops.view import Modality
from covary.plan.changes import Bools, Floats, Ints
from covary.plan.volume import Warp3D


@dataclass(frozen=True, slots=True, eq=False)
class VolumeView:
    """The B volumes as they stand at one point of the pipeline.

    Attributes:
        size: (B, 3) int64 depth, height and width in voxels.
        spacing: (B, 3) distances of voxel centres along depth, height and width, in one unit (millimetres, say).
        channels: number of channels, the same for all.
        dtype: "uint8", "uint16", "int16" or "float32".
    """

    modality: ClassVar[Modality] = "volume"

    size: Ints
    spacing: NDArray[np.float64]
    channels: int
    dtype: str

    @property
    def count(self) -> int:
        """B, the number of volumes."""
        return len(self.size)

    def after(self, change: Any, active: Bools | None) -> VolumeView:
        """The view behind a change, which touched the `active` samples only."""
        if not isinstance(change, Warp3D):
            return self
        touched = np.ones(self.count, dtype=bool) if active is None else active
        size = np.where(touched[:, None], change.size, self.size)
        spacing = self.spacing
        if change.axes is not None:
            turned = np.take_along_axis(self.spacing, change.axes, axis=1)
            spacing = np.where(touched[:, None], turned, self.spacing)
        return replace(self, size=size, spacing=spacing)

    def value(self, fill: float | tuple[float, ...]) -> Floats:
        """A user's fill value as (B, C): one number for all channels or one each.

        Raises:
            ValueError: neither one number nor as many as channels, or one that the dtype cannot hold.
        """
        values = np.atleast_1d(np.asarray(fill, dtype=np.float64))
        if values.size not in (1, self.channels):
            raise ValueError(
                f"fill has {values.size} values, the volume has {self.channels} channels; give one or {self.channels}"
            )
        if self.dtype != "float32":
            limits = np.iinfo(self.dtype)
            if (values != np.rint(values)).any() or values.min() < limits.min or values.max() > limits.max:
                raise ValueError(f"fill is {fill!r}, which a volume of dtype {self.dtype} cannot hold")
        return np.broadcast_to(values, (self.count, self.channels))
