"""Spans, answers and tokens in the forms in which users have them."""

from __future__ import annotations

from typing import Any

import pytest

from covary import text
from covary.plan.edits import Edit
from covary.targets.spans import read_answer, read_spans, write_answer, write_span
from covary.targets.tokens import read_tokens, write_tokens
from tests.text.texting import vary

SENTENCE = "Anna moved from Rome to New York in spring"


@pytest.mark.parametrize(
    "spans",
    [
        [(0, 4, "PER"), (16, 20, "LOC")],
        [[0, 4, "PER", "extra"], [16, 20, "LOC", None]],
        [{"start": 0, "end": 4, "label": "PER", "id": 7}, {"start": 16, "end": 20, "label": "LOC"}],
        [{"start_offset": 0, "end_offset": 4, "label": "PER"}, {"start_char": 16, "end_char": 20}],
        [(0, 4), (16, 20)],
    ],
)
def test_spans_keep_their_form(spans: list[Any]) -> None:
    places = read_spans(spans, "spans", SENTENCE)
    assert [place[:2] for place in places] == [(0, 4), (16, 20)]
    assert [
        write_span(like, start, end, SENTENCE) for like, (start, end, _) in zip(spans, places, strict=True)
    ] == spans


def test_a_span_with_its_text_says_what_it_covers_now() -> None:
    assert write_span({"start": 0, "end": 4, "text": "Anna"}, 5, 9, "Then Jane left") == {
        "start": 5,
        "end": 9,
        "text": "Jane",
    }


@pytest.mark.parametrize("spans", [[(0, 99)], [(4, 0)], [(-1, 4)], [{"from": 0, "to": 4}]])
def test_spans_outside_the_text_are_refused(spans: Any) -> None:
    with pytest.raises(ValueError, match=r"spans\[0\]"):
        read_spans(spans, "spans", SENTENCE)


@pytest.mark.parametrize("spans", ["0-4", [3], [(0.5, 4)], {"start": 0}])
def test_spans_of_a_wrong_form_are_refused(spans: Any) -> None:
    with pytest.raises(TypeError, match="spans"):
        read_spans(spans, "spans", SENTENCE)


def test_squad_answers_are_checked_and_follow() -> None:
    answer = {"text": ["New York", "York"], "answer_start": [24, 28]}
    assert [place[:2] for place in read_answer(answer, "answer", SENTENCE)] == [(24, 32), (28, 32)]
    with pytest.raises(ValueError, match="answer 0 is 'New York'"):
        read_answer({"text": ["New York"], "answer_start": [0]}, "answer", SENTENCE)
    for key in range(20):
        done = vary(text.RandomDeletion(0.4), SENTENCE, key=key, answer=answer)
        places = zip(done["answer"]["text"], done["answer"]["answer_start"], strict=True)
        assert all(done["text"][start : start + len(words)] == words for words, start in places)
    assert write_answer(answer, [None, (0, 2)], "ab") == {"text": ["ab"], "answer_start": [0]}
    assert write_answer((0, 4), [None], "ab") is None
    assert write_answer((0, 4), [(1, 2)], "ab") == (1, 2)


def test_tokens_are_found_in_the_text_and_tags_become_entities() -> None:
    tokens = SENTENCE.split()
    tags = ["B-PER", "O", "O", "B-LOC", "O", "B-LOC", "I-LOC", "O", "O"]
    read = read_tokens(tokens, tags, SENTENCE)
    assert [SENTENCE[start:end] for start, end in read.places] == tokens
    assert [(SENTENCE[start:end], label) for start, end, label in read.entities] == [
        ("Anna", "PER"),
        ("Rome", "LOC"),
        ("New York", "LOC"),
    ]
    assert write_tokens(tokens, read.places, SENTENCE, [], SENTENCE, read.entities) == (tokens, tags)


@pytest.mark.parametrize(
    ("edits", "expected"),
    [
        ([Edit(24, 27, "Old")], [("Old", "B-LOC"), ("York", "I-LOC")]),
        ([Edit(24, 28, "")], [("York", "B-LOC")]),
        ([Edit(27, 32, "")], [("New", "B-LOC")]),
        ([Edit(27, 28, "")], [("NewYork", "B-LOC")]),
        ([Edit(26, 26, " ")], [("Ne", "B-LOC"), ("w", "I-LOC"), ("York", "I-LOC")]),
        ([Edit(28, 28, "big , ")], [("New", "B-LOC"), ("big", "I-LOC"), (",", "I-LOC"), ("York", "I-LOC")]),
        ([Edit(24, 32, "Old Town Hall")], [("Old", "B-LOC"), ("Town", "I-LOC"), ("Hall", "I-LOC")]),
    ],
)
def test_tags_follow_the_edits_of_an_entity(edits: list[Edit], expected: list[tuple[str, str]]) -> None:
    from covary.plan.edits import apply_edits, move_span

    tokens = SENTENCE.split()
    tags = ["O"] * 5 + ["B-LOC", "I-LOC"] + ["O"] * 2
    read = read_tokens(tokens, tags, SENTENCE)
    place = move_span(edits, 24, 32)
    assert place is not None
    after = apply_edits(SENTENCE, edits)
    new_tokens, new_tags = write_tokens(tokens, read.places, SENTENCE, edits, after, [(*place, "LOC")])
    assert [pair for pair in zip(new_tokens, new_tags, strict=True) if pair[1] != "O"] == expected
    assert "".join(new_tokens) == after.replace(" ", "")


def test_punctuation_tokens_stay_apart_from_the_words_they_touch() -> None:
    tokens = ["Go", ",", "Anna", "!"]
    read = read_tokens(tokens, None, "Go, Anna!")
    edits = [Edit(0, 2, "Went")]
    assert write_tokens(tokens, read.places, "Go, Anna!", edits, "Went, Anna!", [])[0] == ["Went", ",", "Anna", "!"]


@pytest.mark.parametrize(
    ("tokens", "tags", "message"),
    [
        (["Anna", "left"], None, r"tokens\[1\] is 'left'"),
        (["Anna"], ["B-PER", "O"], "tags has 2 entries"),
        (["Anna"], ["PER"], r"tags\[0\] is 'PER'"),
        ([(0, 4), (2, 6)], None, r"tokens\[1\] is 2 to 6"),
    ],
)
def test_tokens_of_a_wrong_form_are_refused(tokens: Any, tags: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        read_tokens(tokens, tags, SENTENCE)
