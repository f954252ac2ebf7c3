"""Mixing the samples of a finished batch with each other."""

from covary.ops.mix.base import Alternatives, Mixer, PairMixer, alternatives, mix_batch
from covary.ops.mix.blend import MixUp
from covary.ops.mix.paste import CutMix
from covary.ops.mix.plain import mixers_from_plain, mixers_to_plain

__all__ = [
    "Alternatives",
    "CutMix",
    "MixUp",
    "Mixer",
    "PairMixer",
    "alternatives",
    "mix_batch",
    "mixers_from_plain",
    "mixers_to_plain",
]
