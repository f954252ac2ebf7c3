"""One instance of every operation on text, at rates at which something happens, and labelled texts of any script."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from covary import text
from covary.ops.base import Operation

SENTENCE = (
    "The old captain doesn't sail to New York any more, but his crew (all of them) still writes to him: “Come back!”"
)
# With words, names, numbers and dates for every operation to change.
RICH = (
    SENTENCE + " Café naïve. Emma said that they would receive 250 letters on 5 March 2024, because the hungry dogs "
    "found large bones in the beautiful gardens of a small town. The old sailor "
    "painted the boat. The dog was seen by a man."
)


def fill_masks(given: list[str]) -> list[list[tuple[str, float]]]:
    """A model that expects one of three words in any place."""
    assert all(each.count("[MASK]") == 1 for each in given)
    return [[("sailor", 0.5), ("sea", 0.3), ("happy", 0.2)] for _ in given]


def reworded(given: list[str]) -> list[list[str]]:
    """A model with two ways to say anything."""
    return [[f"well, {each}", each.replace(" to ", " towards ") + " indeed"] for each in given]


VECTORS = str(Path(__file__).parent / "vectors.txt")

OPERATIONS: list[Operation] = [
    text.AccentNoise(0.8, mode="add"),
    text.AccentNoise(0.8, mode="strip"),
    text.AntonymReplacement(0.5),
    text.CaseNoise(0.5),
    text.CaseNoise(0.5, mode="upper"),
    text.CharacterDeletion(0.5),
    text.CharacterInsertion(0.5),
    text.CharacterSubstitution(0.5),
    text.CharacterTranspose(0.5),
    text.Homoglyphs(0.5),
    text.HypernymReplacement(0.5),
    text.KeyboardTypo(0.5),
    text.Leet(0.5),
    text.OcrNoise(0.5),
    text.PunctuationInsertion(0.5),
    text.RandomDeletion(0.4),
    text.RandomInsertion(0.5),
    text.RandomSwap(0.5),
    text.StopWordDeletion(0.5),
    text.SynonymReplacement(0.5),
    text.WhitespaceNoise(0.5),
    text.WordMerge(0.5),
    text.WordSplit(0.5),
    text.ZeroWidthNoise(0.5),
    text.WordReplacement({"captain": ["skipper", "master"], "crew": "team", "small": "wee", "come": "get"}, 0.6),
    text.Misspelling(0.5),
    text.NumberJitter(0.5),
    text.DateJitter((-400, 400)),
    text.EntitySwap({"PER": ["Jo Smith", "Ann"], "LOC": ["Old Sarum", "Bonn"]}, 0.7),
    text.GenderSwap(p=0.5),
    text.NameSwap(0.7),
    text.TfIdfReplacement.fit([SENTENCE, "the old man and the sea", "a ship of the line"], rate=0.4),
    text.EmbeddingReplacement(VECTORS, 0.5, similarity=0.0),
    text.SentenceShuffle(),
    text.SentenceDeletion(0.4),
    text.SentenceInsertion(0.5),
    text.SpanCrop((0.3, 0.9)),
    text.Contractions(0.6),
    text.Voice(0.7),
]
MODELS: list[Operation] = [
    text.TreeCrop(),
    text.TreeRotate(),
    text.ConjunctSwap(),
    text.SubjectObjectSwap(),
    text.AdjunctFronting(),
    text.ContextualReplacement(fill_masks, 0.5),
    text.Paraphrase(reworded),
    text.BackTranslation(
        lambda given: [each.upper() for each in given], lambda given: [each.lower() for each in given]
    ),
]
SWAP, TYPO, MERGE, MARKS = (
    text.RandomSwap(0.5),
    text.KeyboardTypo(0.5),
    text.WordMerge(0.5),
    text.PunctuationInsertion(0.5),
)
IDS = [f"{type(operation).__name__}-{index}" for index, operation in enumerate(OPERATIONS)]

_PIECES = [
    "the", "The", "New", "York", "captain's", "she", "is", "not", "1999", "3.5 kg", "https://a.org/x?y=1", "{name}",
    "e\u0301clair", "naïve", "שָׁלוֹם", "नमस्ते", "你好", "👩\u200d👩\u200d👧", "🇩🇪", "-", ",", ".", "!", "“", "”", "(", ")",
    "Dr.", "a", "I", "don't", "good", "houses", "went", "quickly", "Paris", "snake_case", "`code`", "<b>", "2024-03-05",
    "well-known", "\ud83d", "ß",
]  # fmt: skip
_GAPS = [" ", " ", " ", "", "  ", "\n", "\r\n", "\t", "\n\n", "\u00a0", ". "]


@st.composite
def texts(draw: st.DrawFn) -> str:
    """Something like sentences, of any script, with awkward white space; or any characters at all."""
    if draw(st.integers(0, 5)) == 0:
        return draw(st.text(max_size=30))
    count = draw(st.integers(0, 14))
    pairs = draw(st.lists(st.tuples(st.sampled_from(_PIECES), st.sampled_from(_GAPS)), min_size=count, max_size=count))
    return "".join(piece + gap for piece, gap in pairs)


@st.composite
def labelled(draw: st.DrawFn) -> tuple[str, list[tuple[int, int, str]]]:
    """A text and spans in it that begin and end at words, as annotators' do; they may overlap."""
    from covary.ops.text.segment import words

    made = draw(texts())
    places = words(made)
    spans: list[tuple[int, int, str]] = []
    if places:
        for _ in range(draw(st.integers(0, 4))):
            first = draw(st.integers(0, len(places) - 1))
            last = draw(st.integers(first, min(first + 3, len(places) - 1)))
            spans.append((places[first][0], places[last][1], draw(st.sampled_from(["PER", "LOC"]))))
    return made, spans


def some_operations(count: int) -> st.SearchStrategy[list[Any]]:
    return st.lists(st.sampled_from(OPERATIONS), min_size=1, max_size=count)
