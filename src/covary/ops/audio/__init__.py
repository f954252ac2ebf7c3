"""Operations on sound. A name is imported from its module when it is first used."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from covary.ops.audio.channels import ChannelDrop as ChannelDrop
    from covary.ops.audio.channels import ChannelSwap as ChannelSwap
    from covary.ops.audio.channels import Pan as Pan
    from covary.ops.audio.channels import ToMono as ToMono
    from covary.ops.audio.cuts import Pad as Pad
    from covary.ops.audio.cuts import RandomCrop as RandomCrop
    from covary.ops.audio.cuts import Repeat as Repeat
    from covary.ops.audio.cuts import Reverse as Reverse
    from covary.ops.audio.cuts import Shift as Shift
    from covary.ops.audio.cuts import Splice as Splice
    from covary.ops.audio.cuts import Trim as Trim
    from covary.ops.audio.distortion import Aliasing as Aliasing
    from covary.ops.audio.distortion import BitCrush as BitCrush
    from covary.ops.audio.distortion import ClippingDistortion as ClippingDistortion
    from covary.ops.audio.distortion import Downsample as Downsample
    from covary.ops.audio.distortion import MuLaw as MuLaw
    from covary.ops.audio.distortion import Tanh as Tanh
    from covary.ops.audio.dynamics import Compressor as Compressor
    from covary.ops.audio.dynamics import Limiter as Limiter
    from covary.ops.audio.features import MFCC as MFCC
    from covary.ops.audio.features import LogMel as LogMel
    from covary.ops.audio.filters import AirAbsorption as AirAbsorption
    from covary.ops.audio.filters import BandPass as BandPass
    from covary.ops.audio.filters import BandStop as BandStop
    from covary.ops.audio.filters import HighPass as HighPass
    from covary.ops.audio.filters import HighShelf as HighShelf
    from covary.ops.audio.filters import LowPass as LowPass
    from covary.ops.audio.filters import LowShelf as LowShelf
    from covary.ops.audio.filters import Peaking as Peaking
    from covary.ops.audio.filters import SevenBandEQ as SevenBandEQ
    from covary.ops.audio.filters import TelephoneBand as TelephoneBand
    from covary.ops.audio.level import Clip as Clip
    from covary.ops.audio.level import Gain as Gain
    from covary.ops.audio.level import GainTransition as GainTransition
    from covary.ops.audio.level import Normalize as Normalize
    from covary.ops.audio.level import PolarityInversion as PolarityInversion
    from covary.ops.audio.masks import TimeMask as TimeMask
    from covary.ops.audio.mixing import BackgroundNoise as BackgroundNoise
    from covary.ops.audio.mixing import ShortNoises as ShortNoises
    from covary.ops.audio.noise import ColorNoise as ColorNoise
    from covary.ops.audio.noise import GaussianNoise as GaussianNoise
    from covary.ops.audio.noise import GaussianSNR as GaussianSNR
    from covary.ops.audio.noise import Hum as Hum
    from covary.ops.audio.sounds import Sounds as Sounds
    from covary.ops.audio.space import Echo as Echo
    from covary.ops.audio.space import ImpulseResponse as ImpulseResponse
    from covary.ops.audio.space import Room as Room
    from covary.ops.audio.stretch import Jitter as Jitter
    from covary.ops.audio.stretch import PitchShift as PitchShift
    from covary.ops.audio.stretch import ResampleTo as ResampleTo
    from covary.ops.audio.stretch import Speed as Speed
    from covary.ops.audio.stretch import Tempo as Tempo
    from covary.ops.audio.stretch import TimeStretch as TimeStretch
    from covary.ops.audio.stretch import WowFlutter as WowFlutter
    from covary.ops.audio.transmission import Gsm as Gsm
    from covary.ops.audio.transmission import Mp3 as Mp3
    from covary.ops.audio.transmission import Opus as Opus
    from covary.ops.audio.transmission import PacketLoss as PacketLoss
    from covary.ops.audio.transmission import Vorbis as Vorbis

# Module -> what of it is public.
MODULES = {
    "channels": (
        "ChannelDrop",
        "ChannelSwap",
        "Pan",
        "ToMono",
    ),
    "cuts": (
        "Pad",
        "RandomCrop",
        "Repeat",
        "Reverse",
        "Shift",
        "Splice",
        "Trim",
    ),
    "distortion": (
        "Aliasing",
        "BitCrush",
        "ClippingDistortion",
        "Downsample",
        "MuLaw",
        "Tanh",
    ),
    "dynamics": (
        "Compressor",
        "Limiter",
    ),
    "features": (
        "LogMel",
        "MFCC",
    ),
    "filters": (
        "AirAbsorption",
        "BandPass",
        "BandStop",
        "HighPass",
        "HighShelf",
        "LowPass",
        "LowShelf",
        "Peaking",
        "SevenBandEQ",
        "TelephoneBand",
    ),
    "level": (
        "Clip",
        "Gain",
        "GainTransition",
        "Normalize",
        "PolarityInversion",
    ),
    "masks": ("TimeMask",),
    "mixing": (
        "BackgroundNoise",
        "ShortNoises",
    ),
    "noise": (
        "ColorNoise",
        "GaussianNoise",
        "GaussianSNR",
        "Hum",
    ),
    "sounds": ("Sounds",),
    "space": (
        "Echo",
        "ImpulseResponse",
        "Room",
    ),
    "stretch": (
        "Jitter",
        "PitchShift",
        "ResampleTo",
        "Speed",
        "Tempo",
        "TimeStretch",
        "WowFlutter",
    ),
    "transmission": (
        "Gsm",
        "Mp3",
        "Opus",
        "PacketLoss",
        "Vorbis",
    ),
}
_HOMES = {name: module for module, names in MODULES.items() for name in names}

__all__ = sorted(_HOMES)


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES})


def declare_all() -> None:
    """Import every operation on sound, so that all are declared."""
    for module in MODULES:
        import_module(f"{__name__}.{module}")
