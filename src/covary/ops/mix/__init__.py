"""Mixing the samples of a finished batch with each other."""

from covary.ops.mix.base import Alternatives, BetaMixer, Mixer, PairMixer, alternatives, mix_batch
from covary.ops.mix.blend import DetectionMixUp, MixUp
from covary.ops.mix.cutout import Cutout
from covary.ops.mix.fourier import FMix
from covary.ops.mix.instances import CopyPaste
from covary.ops.mix.mosaic import Mosaic
from covary.ops.mix.paste import CutMix, ResizeMix, SaliencyMix
from covary.ops.mix.plain import mixers_from_plain, mixers_to_plain

__all__ = [
    "Alternatives",
    "BetaMixer",
    "CopyPaste",
    "CutMix",
    "Cutout",
    "DetectionMixUp",
    "FMix",
    "MixUp",
    "Mixer",
    "Mosaic",
    "PairMixer",
    "ResizeMix",
    "SaliencyMix",
    "alternatives",
    "mix_batch",
    "mixers_from_plain",
    "mixers_to_plain",
]
