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
from covary.ops.text.eda import Recipe, auto, eda
from covary.ops.text.synonyms import AntonymReplacement, HypernymReplacement, RandomInsertion, SynonymReplacement
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
    "AntonymReplacement",
    "CaseNoise",
    "CharacterDeletion",
    "CharacterInsertion",
    "CharacterSubstitution",
    "CharacterTranspose",
    "Homoglyphs",
    "HypernymReplacement",
    "KeyboardTypo",
    "Leet",
    "OcrNoise",
    "PunctuationInsertion",
    "RandomDeletion",
    "RandomInsertion",
    "RandomSwap",
    "Recipe",
    "StopWordDeletion",
    "SynonymReplacement",
    "WhitespaceNoise",
    "WordMerge",
    "WordSplit",
    "ZeroWidthNoise",
    "auto",
    "eda",
]
