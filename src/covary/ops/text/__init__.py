"""Operations on text."""

from covary.ops.text.characters import (
    AccentNoise,
    CaseNoise,
    CharacterDeletion,
    CharacterInsertion,
    CharacterSubstitution,
    CharacterTranspose,
    Homoglyphs,
    KeyboardTypo,
    Leet,
    OcrNoise,
    WhitespaceNoise,
    ZeroWidthNoise,
)
from covary.ops.text.words import (
    PunctuationInsertion,
    RandomDeletion,
    RandomSwap,
    StopWordDeletion,
    WordMerge,
    WordSplit,
)

__all__ = [
    "AccentNoise",
    "CaseNoise",
    "CharacterDeletion",
    "CharacterInsertion",
    "CharacterSubstitution",
    "CharacterTranspose",
    "Homoglyphs",
    "KeyboardTypo",
    "Leet",
    "OcrNoise",
    "PunctuationInsertion",
    "RandomDeletion",
    "RandomSwap",
    "StopWordDeletion",
    "WhitespaceNoise",
    "WordMerge",
    "WordSplit",
    "ZeroWidthNoise",
]
