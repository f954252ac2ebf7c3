"""Variation that takes part in training: strength in a closed loop, labels as sure as what is left to be seen."""

from covary.learn.adaptive import AdaptiveStrength
from covary.learn.soft_label import edited_share, noise_share, soft_label, visible_fraction

__all__ = ["AdaptiveStrength", "edited_share", "noise_share", "soft_label", "visible_fraction"]
