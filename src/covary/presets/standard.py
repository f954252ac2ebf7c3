"""The usual, careful choice for a kind of data of which nothing else is known."""

from __future__ import annotations

from covary.ops import audio, image
from covary.ops import text as operations
from covary.ops.view import Modality
from covary.pipeline import Pipeline


def standard(modality: Modality, *, seed: int = 0) -> Pipeline:
    """A conservative pipeline for pictures, sounds or texts of any size, length and rate; sizes stay as they are.

    It holds only what seldom destroys a label: no flips, no crops, no large turns, no deletion of words, nothing played
    backwards. Where more is known of the data, a preset of its kind is better.

    Args:
        modality: "image", "audio" or "text".
        seed: of the pipeline.

    Raises:
        ValueError: there is no such modality.
    """
    if modality == "image":
        return Pipeline(
            [
                image.Affine(rotate=8, scale=(0.92, 1.08), translate=0.05, border="edge", p=0.8),
                image.Brightness((0.8, 1.2), p=0.5),
                image.Contrast((0.8, 1.2), p=0.5),
                image.GaussianNoise((0.005, 0.02), p=0.3),
            ],
            seed=seed,
        )
    if modality == "audio":
        return Pipeline(
            [
                audio.Shift((-0.05, 0.05), roll=False, p=0.5),
                audio.TimeStretch((0.92, 1.08), p=0.3),
                audio.ColorNoise(snr_db=(15, 40), p=0.5),
                audio.Gain(6, p=0.5),
            ],
            seed=seed,
        )
    if modality == "text":
        return Pipeline(
            [
                operations.SynonymReplacement(0.1, p=0.5),
                operations.KeyboardTypo(0.01, p=0.3),
                operations.CaseNoise(0.3, mode="lower", p=0.2),
            ],
            seed=seed,
            protect=("word:not",),
        )
    raise ValueError(f"standard: modality is {modality!r}; allowed: image, audio, text")
