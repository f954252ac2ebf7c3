"""The form in which a model takes volumes."""

from __future__ import annotations

from typing import ClassVar

from covary.ops.base import Draw, operation
from covary.ops.image.finish import Tensor
from covary.ops.view import WHITE, Modality
from covary.ops.volume.view import VolumeView
from covary.plan.volume import Convert3D


@operation
class ToTensor3D(Tensor):
    """Make float32 volumes in (C, D, H, W) layout, 0 to 1.

    Args:
        scale: divide by white (255, 65,535 or 1.0); int16, which has no white, is converted as it is: Hounsfield units
            stay Hounsfield units. False keeps values and dtype, as Albumentations does, and changes the layout only.
            Default True.

    Directly behind `image.Normalize` it only settles the layout. The result is a NumPy array; `torch.from_numpy` shares
    its memory. A volume (D, H, W) becomes (1, D, H, W).

    Helps: models that normalise by themselves.
    Hurts: not by itself.
    """

    modality: ClassVar[Modality | None] = "volume"

    def describe(self, draw: Draw, view: VolumeView) -> Convert3D:
        return Convert3D(WHITE.get(view.dtype, 1.0) if self.scale else None)
