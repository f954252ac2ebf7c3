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
    "LowPass",
    "LowShelf",
    "Normalize",
    "Pad",
    "Peaking",
    "PolarityInversion",
    "RandomCrop",
    "Repeat",
    "Reverse",
    "Room",
    "SevenBandEQ",
    "Shift",
    "ShortNoises",
    "Sounds",
    "Splice",
    "TelephoneBand",
    "TimeMask",
    "Trim",
]
