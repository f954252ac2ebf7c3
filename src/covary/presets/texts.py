"""Presets for texts."""

from __future__ import annotations

from covary.ops import text as operations
from covary.ops.combine import OneOf
from covary.pipeline import Pipeline


def text(*, seed: int = 0) -> Pipeline:
    """English sentences and paragraphs, to be classified.

    Leaves out the deletion of words (with "not" goes the meaning), antonyms, shuffled sentences and everything that
    changes names or numbers. Numbers, addresses and the word "not" are protected.

    Args:
        seed: of the pipeline.
    """
    return Pipeline(
        [
            operations.SynonymReplacement(0.1, p=0.5),
            operations.Contractions(p=0.3),
            OneOf([operations.KeyboardTypo(0.01), operations.CharacterTranspose(0.01)], p=0.3),
            operations.WhitespaceNoise(0.02, p=0.1),
            operations.CaseNoise(0.3, mode="lower", p=0.2),
        ],
        seed=seed,
        protect=("word:not",),
    )
