"""Operations on images."""

from covary.ops.image.affine import Affine, Rotate, Scale, Shear, ShiftScaleRotate, Stretch, Translate
from covary.ops.image.canvases import LetterBox, SafeRotate, ZoomOut
from covary.ops.image.channels import ChannelDropout, ChannelShuffle
from covary.ops.image.colour import Brightness, ColorJitter, Contrast, Grayscale, Hue, RGBShift, Saturation
from covary.ops.image.crops import CenterCrop, Crop, FiveCrop, RandomCrop, RandomResizedCrop, TenCrop
from covary.ops.image.dense import ElasticTransform, GridDistortion
from covary.ops.image.erasing import CoarseDropout, Cutout, RandomErasing
from covary.ops.image.filters import GaussianBlur, Sharpen
from covary.ops.image.finish import Normalize, ToTensor
from covary.ops.image.flips import D4, HorizontalFlip, RandomRotate90, Transpose, VerticalFlip
from covary.ops.image.grids import ConstrainedCoarseDropout, GridDropout, GridMask, HideAndSeek, XYMasking
from covary.ops.image.knots import GridElasticDeform, PiecewiseAffine, ThinPlateSpline
from covary.ops.image.label_crops import (
    AtLeastOneBBoxRandomCrop,
    BBoxSafeRandomCrop,
    CropNonEmptyMaskIfExists,
    IoUCrop,
    RandomCropNearBBox,
    RandomSizedBBoxSafeCrop,
)
from covary.ops.image.lens import OpticalDistortion
from covary.ops.image.light import Illumination, PlasmaBrightness, PlasmaContrast, PlasmaShadow, Vignetting
from covary.ops.image.margins import CropAndPad, RandomCropFromBorders
from covary.ops.image.noise import GaussianNoise, SaltAndPepper
from covary.ops.image.pads import Pad, PadIfNeeded
from covary.ops.image.perspective import Perspective
from covary.ops.image.resize import (
    LongestMaxSize,
    RandomScale,
    RandomShortestSize,
    Resize,
    ScaleJitter,
    SmallestMaxSize,
)
from covary.ops.image.shuffle import RandomGridShuffle
from covary.ops.image.tints import Colorize, FancyPCA, PhotoMetricDistort, PlanckianJitter, Sepia
from covary.ops.image.tone import Gamma, Invert, Posterize, RandomToneCurve, Solarize
from covary.ops.image.vanishing import MaskDropout

__all__ = [
    "D4",
    "Affine",
    "AtLeastOneBBoxRandomCrop",
    "BBoxSafeRandomCrop",
    "Brightness",
    "CenterCrop",
    "ChannelDropout",
    "ChannelShuffle",
    "CoarseDropout",
    "ColorJitter",
    "Colorize",
    "ConstrainedCoarseDropout",
    "Contrast",
    "Crop",
    "CropAndPad",
    "CropNonEmptyMaskIfExists",
    "Cutout",
    "ElasticTransform",
    "FancyPCA",
    "FiveCrop",
    "Gamma",
    "GaussianBlur",
    "GaussianNoise",
    "Grayscale",
    "GridDistortion",
    "GridDropout",
    "GridElasticDeform",
    "GridMask",
    "HideAndSeek",
    "HorizontalFlip",
    "Hue",
    "Illumination",
    "Invert",
    "IoUCrop",
    "LetterBox",
    "LongestMaxSize",
    "MaskDropout",
    "Normalize",
    "OpticalDistortion",
    "Pad",
    "PadIfNeeded",
    "Perspective",
    "PhotoMetricDistort",
    "PiecewiseAffine",
    "PlanckianJitter",
    "PlasmaBrightness",
    "PlasmaContrast",
    "PlasmaShadow",
    "Posterize",
    "RGBShift",
    "RandomCrop",
    "RandomCropFromBorders",
    "RandomCropNearBBox",
    "RandomErasing",
    "RandomGridShuffle",
    "RandomResizedCrop",
    "RandomRotate90",
    "RandomScale",
    "RandomShortestSize",
    "RandomSizedBBoxSafeCrop",
    "RandomToneCurve",
    "Resize",
    "Rotate",
    "SafeRotate",
    "SaltAndPepper",
    "Saturation",
    "Scale",
    "ScaleJitter",
    "Sepia",
    "Sharpen",
    "Shear",
    "ShiftScaleRotate",
    "SmallestMaxSize",
    "Solarize",
    "Stretch",
    "TenCrop",
    "ThinPlateSpline",
    "ToTensor",
    "Translate",
    "Transpose",
    "VerticalFlip",
    "Vignetting",
    "XYMasking",
    "ZoomOut",
]
