"""Operations on volumes; those on images act on volumes too, slice by slice."""

from covary.ops.volume.affine import RandomAffine3D, RandomRotation3D
from covary.ops.volume.anisotropy import Anisotropy3D
from covary.ops.volume.crops import CenterCrop3D, Pad3D, PadIfNeeded3D, RandomCrop3D
from covary.ops.volume.dropout import CoarseDropout3D
from covary.ops.volume.elastic import Elastic3D
from covary.ops.volume.finish import ToTensor3D
from covary.ops.volume.flips import CubicSymmetry, DepthFlip3D, HorizontalFlip3D, VerticalFlip3D

__all__ = [
    "Anisotropy3D",
    "CenterCrop3D",
    "CoarseDropout3D",
    "CubicSymmetry",
    "DepthFlip3D",
    "Elastic3D",
    "HorizontalFlip3D",
    "Pad3D",
    "PadIfNeeded3D",
    "RandomAffine3D",
    "RandomCrop3D",
    "RandomRotation3D",
    "ToTensor3D",
    "VerticalFlip3D",
]
