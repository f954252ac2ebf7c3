"""Operations on sound."""

from covary.ops.audio.cuts import (
    Pad,
    RandomCrop,
    Repeat,
    Reverse,
    Shift,
    Splice,
    Trim,
)
from covary.ops.audio.filters import (
    AirAbsorption,
    BandPass,
    BandStop,
    HighPass,
    HighShelf,
    LowPass,
    LowShelf,
    Peaking,
    SevenBandEQ,
    TelephoneBand,
)
from covary.ops.audio.level import Clip, Gain, GainTransition, Normalize, PolarityInversion
from covary.ops.audio.masks import TimeMask
from covary.ops.audio.mixing import BackgroundNoise, ShortNoises
from covary.ops.audio.noise import ColorNoise, GaussianNoise, GaussianSNR, Hum
from covary.ops.audio.sounds import Sounds
from covary.ops.audio.space import Echo, ImpulseResponse, Room
from covary.ops.audio.stretch import (
    Jitter,
    PitchShift,
    ResampleTo,
    Speed,
    Tempo,
    TimeStretch,
    WowFlutter,
)

__all__ = [
    "AirAbsorption",
    "BackgroundNoise",
    "BandPass",
    "BandStop",
    "Clip",
    "ColorNoise",
    "Echo",
    "Gain",
    "GainTransition",
    "GaussianNoise",
    "GaussianSNR",
    "HighPass",
    "HighShelf",
    "Hum",
    "ImpulseResponse",
    "Jitter",
    "LowPass",
    "LowShelf",
    "Normalize",
    "Pad",
    "Peaking",
    "PitchShift",
    "PolarityInversion",
    "RandomCrop",
    "Repeat",
    "ResampleTo",
    "Reverse",
    "Room",
    "SevenBandEQ",
    "Shift",
    "ShortNoises",
    "Sounds",
    "Speed",
    "Splice",
    "TelephoneBand",
    "Tempo",
    "TimeMask",
    "TimeStretch",
    "Trim",
    "WowFlutter",
]
