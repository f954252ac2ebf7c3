"""Operations on sound."""

from covary.ops.audio.cuts import Pad, RandomCrop, Repeat, Reverse, Shift, Splice, Trim
from covary.ops.audio.level import Clip, Gain, GainTransition, Normalize, PolarityInversion
from covary.ops.audio.masks import TimeMask
from covary.ops.audio.mixing import BackgroundNoise, ShortNoises
from covary.ops.audio.noise import ColorNoise, GaussianNoise, GaussianSNR, Hum
from covary.ops.audio.sounds import Sounds

__all__ = [
    "BackgroundNoise",
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
    "ShortNoises",
    "Sounds",
    "Splice",
    "TimeMask",
    "Trim",
]
