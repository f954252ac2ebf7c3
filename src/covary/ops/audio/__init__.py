"""Operations on sound."""

from covary.ops.audio.cuts import Pad, RandomCrop, Repeat, Reverse, Shift, Splice, Trim
from covary.ops.audio.level import Clip, Gain, GainTransition, Normalize, PolarityInversion
from covary.ops.audio.masks import TimeMask
from covary.ops.audio.noise import ColorNoise, GaussianNoise, GaussianSNR, Hum

__all__ = [
    "Clip",
    "ColorNoise",
    "Gain",
    "GainTransition",
    "GaussianNoise",
    "GaussianSNR",
    "Hum",
    "Normalize",
    "Pad",
    "PolarityInversion",
    "RandomCrop",
    "Repeat",
    "Reverse",
    "Shift",
    "Splice",
    "TimeMask",
    "Trim",
]
