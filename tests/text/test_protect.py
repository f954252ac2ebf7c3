"""What no operation may touch."""

from __future__ import annotations

import pytest

from covary import text
from covary.ops.text.protect import KINDS, protection
from tests.text.examples import OPERATIONS
from tests.text.texting import vary

CASES = [
    ("see https://a.org/b?c=1#d, then", ["https://a.org/b?c=1#d"]),
    ("go to www.example.com.", ["www.example.com"]),
    ("on covary.dev/docs today", ["covary.dev/docs"]),
    ("mail jo.doe+x@mail.example.org!", ["jo.doe+x@mail.example.org"]),
    ("about 3.5 kg of it", ["3.5 kg"]),
    ("$1,299.99 or 15% off at 10:30 am", ["$1,299.99", "15%", "10:30 am"]),
    (
        "Hello {name}, you have %d or %(count)s <unk> $HOME {{x}} [MASK]!",
        ["{name}", "%d", "%(count)s", "<unk>", "$HOME", "{{x}}", "[MASK]"],
    ),
    ("call `run it` or run_it or run(it) now", ["`run it`", "run_it", "run(it)"]),
    ("a <b class='x'>bold</b> &amp; [link](http://x.y)", ["<b class='x'>", "</b>", "&amp;", "](http://x.y)"]),
    ("plain words, nothing else: at all!", []),
]


@pytest.mark.parametrize(("sentence", "expected"), CASES)
def test_the_built_in_kinds(sentence: str, expected: list[str]) -> None:
    found = [sentence[start:end] for start, end in protection(()).ranges(sentence, (), [])]
    assert found == expected


@pytest.mark.parametrize("kind", KINDS)
def test_a_kind_can_be_given_free(kind: str) -> None:
    every = "https://a.org a@b.org 5 kg {x} `c` </b>"
    held = {every[start:end] for start, end in protection(()).ranges(every, (), [])}
    free = {every[start:end] for start, end in protection((f"-{kind}",)).ranges(every, (), [])}
    assert free < held


def test_words_patterns_spans_and_entities() -> None:
    sentence = "Not not knot, AB-12 and Anna in Rome"
    spans = [(24, 28, "PER"), (32, 36, "LOC")]
    for entries, expected in [
        (("word:not",), ["Not", "not"]),
        ((r"pattern:[A-Z]+-\d+",), ["AB-12"]),
        (("entity:PER",), ["Anna"]),
        (("spans",), ["Anna", "Rome"]),
    ]:
        free = ("-numbers", *entries)
        assert [sentence[a:b] for a, b in protection(free).ranges(sentence, spans, [])] == expected


def test_protection_holds_for_one_operation_for_all_and_for_a_sample() -> None:
    sentence = "ab cd ef gh ij kl mn"
    swap = text.RandomSwap(1.0, protect=["word:ab"])
    for key in range(30):
        assert vary(swap, sentence, key=key)["text"].startswith("ab ")
        assert vary(text.RandomSwap(1.0), sentence, key=key, protect=["word:mn"])["text"].endswith(" mn")
        fixed = vary(
            [text.RandomSwap(1.0), text.CharacterDeletion(0.5, min_length=1)], sentence, key=key, protected=[(6, 8)]
        )
        assert "ef" in fixed["text"]
        assert fixed["text"][slice(*fixed["protected"][0])] == "ef"


def test_a_url_survives_every_operation() -> None:
    sentence = "please open https://example.org/a_b?c=d#e before the meeting and write to jo@example.org about it"
    # Whole stretches may go with what is in them.
    altering = [
        operation for operation in OPERATIONS if not isinstance(operation, (text.SpanCrop, text.SentenceDeletion))
    ]
    for key in range(10):
        done = vary(altering, sentence, key=key)["text"]
        assert "https://example.org/a_b?c=d#e" in done
        assert "jo@example.org" in done


def test_operations_refuse_what_is_no_entry() -> None:
    with pytest.raises(ValueError, match="RandomSwap: protect has 'urlz'"):
        text.RandomSwap(protect=["urlz"])
    with pytest.raises(ValueError, match="RandomSwap: protect is 'urls'"):
        text.RandomSwap(protect="urls")


@pytest.mark.parametrize("kind", KINDS)
def test_every_match_has_a_sign_for_the_quick_look(kind: str) -> None:
    import re

    from covary.ops.text.protect import _ANY_SIGN, _SIGNS

    for sentence, _ in CASES:
        for match in re.finditer(KINDS[kind], sentence, re.DOTALL):
            assert _ANY_SIGN.search(sentence), match
            assert re.search(_SIGNS[kind], sentence), match
