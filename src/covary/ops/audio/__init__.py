"""Operations on sound."""

from covary.ops.audio.channels import ChannelDrop, ChannelSwap, Pan, ToMono
from covary.ops.audio.cuts import (
    Pad,
    RandomCrop,
    Repeat,
    Reverse,
    Shift,
    Splice,
    Trim,
)
from covary.ops.audio.distortion import (
    Aliasing,
    BitCrush,
    ClippingDistortion,
    Downsample,
    MuLaw,
    Tanh,
)
from covary.ops.audio.dynamics import Compressor, Limiter
from covary.ops.audio.features import MFCC, LogMel
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
from covary.ops.audio.transmission import Gsm, Mp3, Opus, PacketLoss, Vorbis

__all__ = [
    "MFCC",
    "AirAbsorption",
    "Aliasing",
    "BackgroundNoise",
    "BandPass",
    "BandStop",
    "BitCrush",
    "ChannelDrop",
    "ChannelSwap",
    "Clip",
    "ClippingDistortion",
    "ColorNoise",
    "Compressor",
    "Downsample",
    "Echo",
    "Gain",
    "GainTransition",
    "GaussianNoise",
    "GaussianSNR",
    "Gsm",
    "HighPass",
    "HighShelf",
    "Hum",
    "ImpulseResponse",
    "Jitter",
    "Limiter",
    "LogMel",
    "LowPass",
    "LowShelf",
    "Mp3",
    "MuLaw",
    "Normalize",
    "Opus",
    "PacketLoss",
    "Pad",
    "Pan",
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
    "Tanh",
    "TelephoneBand",
    "Tempo",
    "TimeMask",
    "TimeStretch",
    "ToMono",
    "Trim",
    "Vorbis",
    "WowFlutter",
]
