"""Operations on images."""

from covary.ops.image.affine import Affine, Rotate, Scale, Shear, Stretch, Translate
from covary.ops.image.channels import ChannelDropout, ChannelShuffle
from covary.ops.image.colour import Brightness, ColorJitter, Contrast, Grayscale, Hue, RGBShift, Saturation
from covary.ops.image.crops import CenterCrop, RandomCrop, RandomResizedCrop
from covary.ops.image.dense import ElasticTransform, GridDistortion
from covary.ops.image.erasing import CoarseDropout, Cutout, RandomErasing
from covary.ops.image.filters import GaussianBlur, Sharpen
from covary.ops.image.finish import Normalize, ToTensor
from covary.ops.image.flips import D4, HorizontalFlip, RandomRotate90, Transpose, VerticalFlip
from covary.ops.image.noise import GaussianNoise, SaltAndPepper
from covary.ops.image.pads import Pad, PadIfNeeded
from covary.ops.image.perspective import Perspective
from covary.ops.image.resize import LongestMaxSize, Resize, SmallestMaxSize
from covary.ops.image.tone import Gamma, Invert, Posterize, Solarize

__all__ = [
    "D4",
    "Affine",
    "Brightness",
    "CenterCrop",
    "ChannelDropout",
    "ChannelShuffle",
    "CoarseDropout",
    "ColorJitter",
    "Contrast",
    "Cutout",
    "ElasticTransform",
    "Gamma",
    "GaussianBlur",
    "GaussianNoise",
    "Grayscale",
    "GridDistortion",
    "HorizontalFlip",
    "Hue",
    "Invert",
    "LongestMaxSize",
    "Normalize",
    "Pad",
    "PadIfNeeded",
    "Perspective",
    "Posterize",
    "RGBShift",
    "RandomCrop",
    "RandomErasing",
    "RandomResizedCrop",
    "RandomRotate90",
    "Resize",
    "Rotate",
    "SaltAndPepper",
    "Saturation",
    "Scale",
    "Sharpen",
    "Shear",
    "SmallestMaxSize",
    "Solarize",
    "Stretch",
    "ToTensor",
    "Translate",
    "Transpose",
    "VerticalFlip",
]
