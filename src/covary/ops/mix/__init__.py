"""Mixing the samples of a finished batch with each other."""

from covary.ops.mix.base import Alternatives, BetaMixer, Mixer, PairMixer, alternatives, mix_batch
from covary.ops.mix.blend import DetectionMixUp, MixUp
from covary.ops.mix.cutout import Cutout
from covary.ops.mix.fourier import FMix
from covary.ops.mix.hidden import HiddenMix, HiddenMixUp
from covary.ops.mix.instances import CopyPaste
from covary.ops.mix.losses import jensen_shannon, soft_cross_entropy, two_target_cross_entropy
from covary.ops.mix.mosaic import Mosaic
from covary.ops.mix.paste import CutMix, ResizeMix, SaliencyMix
from covary.ops.mix.pixmix import PixMix
from covary.ops.mix.plain import mixers_from_plain, mixers_to_plain
from covary.ops.mix.sentences import SameLabelSplice, SentenceCutMix, SpanMix
from covary.ops.mix.sound import BCLearning
from covary.ops.mix.views import AugMixViews

__all__ = [
    "Alternatives",
    "AugMixViews",
    "BCLearning",
    "BetaMixer",
    "CopyPaste",
    "CutMix",
    "Cutout",
    "DetectionMixUp",
    "FMix",
    "HiddenMix",
    "HiddenMixUp",
    "MixUp",
    "Mixer",
    "Mosaic",
    "PairMixer",
    "PixMix",
    "ResizeMix",
    "SaliencyMix",
    "SameLabelSplice",
    "SentenceCutMix",
    "SpanMix",
    "alternatives",
    "jensen_shannon",
    "mix_batch",
    "mixers_from_plain",
    "mixers_to_plain",
    "soft_cross_entropy",
    "two_target_cross_entropy",
]
