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
from covary.ops.text.entities import EntitySwap, GenderSwap, NameSwap, gazetteer
from covary.ops.text.figures import DateJitter, NumberJitter
from covary.ops.text.learned import EmbeddingReplacement, TfIdfReplacement
from covary.ops.text.models import BackTranslation, ContextualReplacement, Paraphrase
from covary.ops.text.sentences import Contractions, SentenceDeletion, SentenceInsertion, SentenceShuffle, SpanCrop
from covary.ops.text.synonyms import AntonymReplacement, HypernymReplacement, RandomInsertion, SynonymReplacement
from covary.ops.text.syntax import AdjunctFronting, ConjunctSwap, SubjectObjectSwap, TreeCrop, TreeRotate
from covary.ops.text.tables import Misspelling, WordReplacement
from covary.ops.text.trees import Tree, TreeToken
from covary.ops.text.voice import Voice
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
    "AdjunctFronting",
    "AntonymReplacement",
    "BackTranslation",
    "CaseNoise",
    "CharacterDeletion",
    "CharacterInsertion",
    "CharacterSubstitution",
    "CharacterTranspose",
    "ConjunctSwap",
    "ContextualReplacement",
    "Contractions",
    "DateJitter",
    "EmbeddingReplacement",
    "EntitySwap",
    "GenderSwap",
    "Homoglyphs",
    "HypernymReplacement",
    "KeyboardTypo",
    "Leet",
    "Misspelling",
    "NameSwap",
    "NumberJitter",
    "OcrNoise",
    "Paraphrase",
    "PunctuationInsertion",
    "RandomDeletion",
    "RandomInsertion",
    "RandomSwap",
    "Recipe",
    "SentenceDeletion",
    "SentenceInsertion",
    "SentenceShuffle",
    "SpanCrop",
    "StopWordDeletion",
    "SubjectObjectSwap",
    "SynonymReplacement",
    "TfIdfReplacement",
    "Tree",
    "TreeCrop",
    "TreeRotate",
    "TreeToken",
    "Voice",
    "WhitespaceNoise",
    "WordMerge",
    "WordReplacement",
    "WordSplit",
    "ZeroWidthNoise",
    "auto",
    "eda",
    "gazetteer",
]
