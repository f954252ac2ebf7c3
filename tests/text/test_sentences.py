"""Operations on sentences and stretches."""

from __future__ import annotations

import pytest

from covary import text
from tests.text.texting import vary

STORY = "It rained.  We stayed at home!\nDid Anna come? She wrote from Rome."
PLACES = {part: (STORY.index(part), STORY.index(part) + len(part)) for part in ("Anna", "Rome", "She wrote from Rome.")}
SPANS = [(*PLACES["Anna"], "PER"), (*PLACES["Rome"], "LOC"), (*PLACES["She wrote from Rome."], "SENTENCE")]


def test_sentences_change_places_and_their_spans_go_with_them() -> None:
    seen = set()
    for epoch in range(40):
        done = vary(text.SentenceShuffle(), STORY, epoch=epoch, spans=SPANS[:2], sentences=SPANS[2:])
        seen.add(done["text"])
        assert sorted(done["text"].replace("\n", " ").replace("  ", " ").split()) == sorted(STORY.split())
        assert [done["text"][start:end] for start, end, _ in done["spans"]] == ["Anna", "Rome"]
        assert [done["text"][start:end] for start, end, _ in done["sentences"]] == ["She wrote from Rome."]
    assert len(seen) > 10


def test_sentences_that_a_span_holds_together_stay() -> None:
    for epoch in range(10):
        done = vary(text.SentenceShuffle(), STORY, epoch=epoch, spans=[(3, 20, "X")])
        assert [done["text"][start:end] for start, end, _ in done["spans"]] == [STORY[3:20]]
        assert done["text"].startswith("It rained.  We stayed at home!")


def test_of_deleted_sentences_the_spans_are_reported() -> None:
    for epoch in range(40):
        done = vary(text.SentenceDeletion(0.5), STORY, epoch=epoch, spans=SPANS)
        assert done["text"].strip()
        left = {label for _, _, label in done["spans"]}
        assert left | {label for _, _, label in done["dropped"]} == {"PER", "LOC", "SENTENCE"}
        assert ("Anna" in done["text"]) == ("PER" in left)
        assert "\n" in done["text"]


def test_sentences_with_something_protected_are_not_deleted() -> None:
    for epoch in range(20):
        assert "Anna" in vary(text.SentenceDeletion(1.0, protect=["word:anna"]), STORY, epoch=epoch)["text"]


def test_sentences_are_put_in_from_a_pool() -> None:
    done = vary(text.SentenceInsertion(1.0, pool=["Well."]), "One came. Two left.", spans=[(0, 3, "N")])
    assert done["text"] == "Well. One came. Well. Two left."
    assert done["spans"] == [(6, 9, "N")]
    own = vary(text.SentenceInsertion(1.0), "One came. Two left.")["text"]
    assert own.count("One came.") + own.count("Two left.") == 4


def test_a_crop_is_a_run_of_words_and_cuts_no_span() -> None:
    sentence = "one two three New York four five six seven eight"
    for epoch in range(60):
        done = vary(text.SpanCrop((0.2, 0.5)), sentence, epoch=epoch, spans=[(14, 22, "LOC")])
        assert done["text"] in sentence
        assert 2 <= len(done["text"].split()) <= 6
        if done["spans"]:
            assert [done["text"][start:end] for start, end, _ in done["spans"]] == ["New York"]
        else:
            assert "New" not in done["text"]
            assert "York" not in done["text"]
            assert done["dropped"] == [("spans", 0, "LOC")]


CONTRACTIONS = [
    ("I don't know.", "I do not know."),
    ("We can't go, and they won't.", "We cannot go, and they will not."),
    ("It's late, I'm here.", "It is late, I am here."),
    ("They've seen that we're ready.", "They have seen that we are ready."),
    ("DON'T SHOUT", "DO NOT SHOUT"),
]


@pytest.mark.parametrize(("short", "long"), CONTRACTIONS)
def test_contractions_both_ways(short: str, long: str) -> None:
    assert vary(text.Contractions(1.0, mode="expand"), short)["text"] == long
    assert vary(text.Contractions(1.0, mode="contract"), long)["text"] == short


@pytest.mark.parametrize(
    "sentence", ["Yes, it is.", "It's been long.", "She's got it.", "Anna's book", "I know who they are"]
)
def test_what_must_not_be_contracted_or_may_mean_something_else_stays(sentence: str) -> None:
    assert vary(text.Contractions(1.0), sentence)["text"] == sentence
