"""Operations on images."""

from covary.ops.image import corruptions as corruptions
from covary.ops.image.aberration import ChromaticAberration
from covary.ops.image.affine import Affine, Rotate, Scale, Shear, ShiftScaleRotate, Stretch, Translate
from covary.ops.image.augmix import AugMix
from covary.ops.image.blurs import AdvancedBlur, Bilateral, Blur, MedianBlur
from covary.ops.image.canvases import LetterBox, SafeRotate, ZoomOut
from covary.ops.image.channels import ChannelDropout, ChannelShuffle, ChannelSwap
from covary.ops.image.colour import Brightness, ColorJitter, Contrast, Grayscale, Hue, RGBShift, Saturation
from covary.ops.image.convolutions import RandConv
from covary.ops.image.crops import CenterCrop, Crop, FiveCrop, RandomCrop, RandomResizedCrop, TenCrop
from covary.ops.image.defocus import Defocus, GlassBlur
from covary.ops.image.dense import ElasticTransform, GridDistortion
from covary.ops.image.erasing import CoarseDropout, Cutout, RandomErasing
from covary.ops.image.filters import GaussianBlur, Sharpen, Sharpness
from covary.ops.image.finish import Normalize, ToTensor
from covary.ops.image.flips import D4, HorizontalFlip, RandomRotate90, Transpose, VerticalFlip
from covary.ops.image.grain import FilmGrain
from covary.ops.image.grids import ConstrainedCoarseDropout, GridDropout, GridMask, HideAndSeek, XYMasking
from covary.ops.image.histogram import CLAHE, AutoContrast, Equalize
from covary.ops.image.hsv import HueSaturationValue
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
from covary.ops.image.morphology import Morphological
from covary.ops.image.motion import MotionBlur, ZoomBlur
from covary.ops.image.mri import Anisotropy, BiasField, Ghosting, KSpaceSpike, RandomMotion
from covary.ops.image.noise import GaussianNoise, SaltAndPepper
from covary.ops.image.pads import Pad, PadIfNeeded
from covary.ops.image.perspective import Perspective
from covary.ops.image.policies import AutoAugment, RandAugment, TrivialAugmentWide, UniformAugment
from covary.ops.image.prime import Prime, RandomDeformation, RandomFilter, RandomTone
from covary.ops.image.quality import Dithering, Downscale, ImageCompression
from covary.ops.image.references import FDA, HistogramMatching, PixelDistributionAdaptation
from covary.ops.image.resize import (
    LongestMaxSize,
    RandomScale,
    RandomShortestSize,
    Resize,
    ScaleJitter,
    SmallestMaxSize,
)
from covary.ops.image.road import Night, RandomGravel, RandomShadow, RandomSunFlare, WetRoad
from covary.ops.image.sharpening import Emboss, RingingOvershoot, UnsharpMask
from covary.ops.image.shuffle import RandomGridShuffle
from covary.ops.image.signal import AdditiveNoise, ISONoise, MultiplicativeNoise, PixelDropout, RicianNoise, ShotNoise
from covary.ops.image.stain import HEStain
from covary.ops.image.superpixels import Superpixels
from covary.ops.image.tints import Colorize, FancyPCA, PhotoMetricDistort, PlanckianJitter, Sepia
from covary.ops.image.tone import Gamma, Invert, Posterize, RandomToneCurve, Solarize
from covary.ops.image.vanishing import MaskDropout
from covary.ops.image.weather import Frost, RandomFog, RandomRain, RandomSnow, Spatter

__all__ = [
    "CLAHE",
    "D4",
    "FDA",
    "AdditiveNoise",
    "AdvancedBlur",
    "Affine",
    "Anisotropy",
    "AtLeastOneBBoxRandomCrop",
    "AugMix",
    "AutoAugment",
    "AutoContrast",
    "BBoxSafeRandomCrop",
    "BiasField",
    "Bilateral",
    "Blur",
    "Brightness",
    "CenterCrop",
    "ChannelDropout",
    "ChannelShuffle",
    "ChannelSwap",
    "ChromaticAberration",
    "CoarseDropout",
    "ColorJitter",
    "Colorize",
    "ConstrainedCoarseDropout",
    "Contrast",
    "Crop",
    "CropAndPad",
    "CropNonEmptyMaskIfExists",
    "Cutout",
    "Defocus",
    "Dithering",
    "Downscale",
    "ElasticTransform",
    "Emboss",
    "Equalize",
    "FancyPCA",
    "FilmGrain",
    "FiveCrop",
    "Frost",
    "Gamma",
    "GaussianBlur",
    "GaussianNoise",
    "Ghosting",
    "GlassBlur",
    "Grayscale",
    "GridDistortion",
    "GridDropout",
    "GridElasticDeform",
    "GridMask",
    "HEStain",
    "HideAndSeek",
    "HistogramMatching",
    "HorizontalFlip",
    "Hue",
    "HueSaturationValue",
    "ISONoise",
    "Illumination",
    "ImageCompression",
    "Invert",
    "IoUCrop",
    "KSpaceSpike",
    "LetterBox",
    "LongestMaxSize",
    "MaskDropout",
    "MedianBlur",
    "Morphological",
    "MotionBlur",
    "MultiplicativeNoise",
    "Night",
    "Normalize",
    "OpticalDistortion",
    "Pad",
    "PadIfNeeded",
    "Perspective",
    "PhotoMetricDistort",
    "PiecewiseAffine",
    "PixelDistributionAdaptation",
    "PixelDropout",
    "PlanckianJitter",
    "PlasmaBrightness",
    "PlasmaContrast",
    "PlasmaShadow",
    "Posterize",
    "Prime",
    "RGBShift",
    "RandAugment",
    "RandConv",
    "RandomCrop",
    "RandomCropFromBorders",
    "RandomCropNearBBox",
    "RandomDeformation",
    "RandomErasing",
    "RandomFilter",
    "RandomFog",
    "RandomGravel",
    "RandomGridShuffle",
    "RandomMotion",
    "RandomRain",
    "RandomResizedCrop",
    "RandomRotate90",
    "RandomScale",
    "RandomShadow",
    "RandomShortestSize",
    "RandomSizedBBoxSafeCrop",
    "RandomSnow",
    "RandomSunFlare",
    "RandomTone",
    "RandomToneCurve",
    "Resize",
    "RicianNoise",
    "RingingOvershoot",
    "Rotate",
    "SafeRotate",
    "SaltAndPepper",
    "Saturation",
    "Scale",
    "ScaleJitter",
    "Sepia",
    "Sharpen",
    "Sharpness",
    "Shear",
    "ShiftScaleRotate",
    "ShotNoise",
    "SmallestMaxSize",
    "Solarize",
    "Spatter",
    "Stretch",
    "Superpixels",
    "TenCrop",
    "ThinPlateSpline",
    "ToTensor",
    "Translate",
    "Transpose",
    "TrivialAugmentWide",
    "UniformAugment",
    "UnsharpMask",
    "VerticalFlip",
    "Vignetting",
    "WetRoad",
    "XYMasking",
    "ZoomBlur",
    "ZoomOut",
]
