"""Words and sentences."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given, settings

from covary.ops.text import segment
from covary.ops.text.segment import by_library, by_rule, sentences, words
from tests.text.examples import texts


def found(text: str) -> list[str]:
    return [text[start:end] for start, end in words(text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Don't stop, it's 5 o'clock.", ["Don't", "stop", "it's", "5", "o'clock"]),
        ("well-known -- not 'quoted'", ["well-known", "not", "quoted"]),
        ("l’été déjà", ["l’été", "déjà"]),
        ("e\u0301clair cafe\u0301!", ["e\u0301clair", "cafe\u0301"]),
        ("नमस्ते दुनिया", ["नमस्ते", "दुनिया"]),
        ("שָׁלוֹם עולם", ["שָׁלוֹם", "עולם"]),
        ("我爱你 ok", ["我", "爱", "你", "ok"]),
        ("👩\u200d👩\u200d👧 🇩🇪 …", []),
        ("", []),
    ],
)
def test_words(text: str, expected: list[str]) -> None:
    assert found(text) == expected


@settings(deadline=None)
@given(texts())
def test_words_never_part_a_letter_from_its_marks(text: str) -> None:
    for _, end in words(text):
        assert end == len(text) or unicodedata.category(text[end])[0] != "M"


@settings(deadline=None)
@given(texts())
def test_words_of_plain_text_are_the_same_by_both_patterns(text: str) -> None:
    plain = text.encode("ascii", "ignore").decode()
    assert words(plain) == [match.span() for match in segment._unicode_word().finditer(plain)]


RULE_CASES = [
    ("It rains. She stays. Why? Because!", ["It rains.", "She stays.", "Why?", "Because!"]),
    (
        "Dr. J. Smith paid $3.50 to Acme Inc. on Monday. Then he left.",
        ["Dr. J. Smith paid $3.50 to Acme Inc. on Monday.", "Then he left."],
    ),
    ("“Really?” he asked. “Yes.” She went.", ["“Really?” he asked.", "“Yes.”", "She went."]),
    ("See e.g. Figure 2. It is etc. and so on.", ["See e.g. Figure 2.", "It is etc. and so on."]),
    ("A title\n\nA paragraph without a stop\n\nAnother.", ["A title", "A paragraph without a stop", "Another."]),
    ("你好。再见！好？", ["你好。", "再见！", "好？"]),
    ("Wait... what? v1.2.3 is out.", ["Wait... what?", "v1.2.3 is out."]),
    ("It was I. We came.", ["It was I.", "We came."]),
]


@pytest.mark.parametrize(("text", "expected"), RULE_CASES)
def test_sentences_by_the_rule(text: str, expected: list[str]) -> None:
    assert [text[start:end] for start, end in by_rule(text)] == expected


@pytest.mark.parametrize("split", [by_rule, sentences])
@settings(deadline=None)
@given(text=texts())
def test_sentences_are_in_order_and_leave_out_white_space_only(split: object, text: str) -> None:
    last = 0
    for start, end in split(text):  # type: ignore[operator]
        assert not text[last:start].strip()
        assert text[start:end].strip() == text[start:end] != ""
        last = end
    assert not text[last:].strip()


def test_sentences_by_sentencex_are_its_own() -> None:
    sentencex = pytest.importorskip("sentencex")
    text = "Mr. Smith came. He saw!  Did he?\nNo."
    expected = [part.strip() for part in sentencex.segment("en", text) if part.strip()]
    assert [text[start:end] for start, end in by_library(text)] == expected
