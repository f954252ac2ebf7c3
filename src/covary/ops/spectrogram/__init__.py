"""Operations on spectrograms: batched, padding-aware, in NumPy and PyTorch."""

from covary.ops.spectrogram.masks import FrequencyMask, SpecAugment, TimeMask
from covary.ops.spectrogram.mixing import MixUp, Noise
from covary.ops.spectrogram.warps import VTLP, FrequencyShift, TimeWarp

__all__ = ["VTLP", "FrequencyMask", "FrequencyShift", "MixUp", "Noise", "SpecAugment", "TimeMask", "TimeWarp"]
