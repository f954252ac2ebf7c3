"""Operations on trees, and the strict pattern of simple sentences."""

from __future__ import annotations

from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import pytest

from covary import text
from covary.ops.text.trees import read_tree
from tests.text.texting import vary

SENTENCE = "The dog chased a black cat in the garden."
_ROWS = [
    ("The", "DET", 2, "det", "_"), ("dog", "NOUN", 3, "nsubj", "Number=Sing"),
    ("chased", "VERB", 0, "root", "Tense=Past"), ("a", "DET", 6, "det", "_"), ("black", "ADJ", 6, "amod", "_"),
    ("cat", "NOUN", 3, "obj", "Number=Sing"), ("in", "ADP", 9, "case", "_"), ("the", "DET", 9, "det", "_"),
    ("garden", "NOUN", 3, "obl", "Number=Sing"), (".", "PUNCT", 3, "punct", "_"),
]  # fmt: skip


def conllu(rows: list[tuple[str, str, int, str, str]]) -> str:
    lines = [
        "\t".join([str(index), form, form, part, "_", features, str(head), relation, "_", "_"])
        for index, (form, part, head, relation, features) in enumerate(rows, start=1)
    ]
    return "# text\n" + "\n".join(lines) + "\n\n"


TREE = conllu(_ROWS)


def test_conllu_gives_places_heads_and_features() -> None:
    tree = read_tree(TREE, SENTENCE)
    assert [SENTENCE[token.start : token.end] for token in tree.tokens] == [row[0] for row in _ROWS]
    assert [token.head + 1 for token in tree.tokens] == [row[2] for row in _ROWS]
    assert tree.roots() == [2]
    assert tree.stretch(5) == (15, 26)
    assert tree.tokens[1].features == {"Number": "Sing"}


def test_several_sentences_and_tokens_of_several_words() -> None:
    """The example of the format's own description: "vámonos al mar" has words inside tokens."""
    source = (
        "1-2\tvámonos\t_\t_\t_\t_\t_\t_\t_\t_\n1\tvamos\tir\tVERB\t_\t_\t0\troot\t_\t_\n2\tnos\tnosotros\tPRON\t_\t_\t1\tobj\t_\t_\n"
        "3-4\tal\t_\t_\t_\t_\t_\t_\t_\t_\n3\ta\ta\tADP\t_\t_\t5\tcase\t_\t_\n4\tel\tel\tDET\t_\t_\t5\tdet\t_\t_\n"
        "5\tmar\tmar\tNOUN\t_\t_\t1\tobl\t_\t_\n\n1\tSí\tsí\tINTJ\t_\t_\t0\troot\t_\t_\n"
    )
    tree = read_tree(source, "vámonos al mar. Sí")
    assert [(token.start, token.end, token.head) for token in tree.tokens][-2:] == [(11, 14, 0), (16, 18, -1)]
    assert tree.roots() == [0, 5]
    assert tree.stretch(4) == (8, 14)


@dataclass
class Token:
    """What a token of a spaCy Doc has."""

    i: int
    idx: int
    text: str
    dep_: str
    pos_: str
    head: Any = None
    morph: Any = None


def test_a_spacy_doc_gives_the_same_tree() -> None:
    tree = read_tree(TREE, SENTENCE)
    doc = [
        Token(i, token.start, SENTENCE[token.start : token.end], token.relation, token.part,
              morph=SimpleNamespace(to_dict=lambda token=token: dict(token.features)))
        for i, token in enumerate(tree.tokens)
    ]  # fmt: skip
    for token, place in zip(doc, tree.tokens, strict=True):
        token.head = doc[place.head] if place.head >= 0 else token
    assert read_tree(doc, SENTENCE) == tree


def test_crop_keeps_the_verb_and_one_argument() -> None:
    seen = {vary(text.TreeCrop(), SENTENCE, epoch=epoch, tree=TREE)["text"] for epoch in range(30)}
    assert seen == {"The dog chased.", "chased a black cat.", "chased in the garden."}


def test_rotate_gives_all_other_orders_and_moves_spans() -> None:
    seen = set()
    for epoch in range(60):
        done = vary(text.TreeRotate(), SENTENCE, epoch=epoch, tree=TREE, spans=[(17, 26, "CAT"), (4, 7, "DOG")])
        seen.add(done["text"])
        assert [done["text"][start:end] for start, end, _ in done["spans"]] == ["black cat", "dog"]
        assert done["tree"] is None
    assert len(seen) == 5
    assert "a black cat chased in the garden The dog." in seen


def test_subject_and_object_change_places() -> None:
    done = vary(text.SubjectObjectSwap(), SENTENCE, tree=TREE, spans=[(15, 26, "CAT")])
    assert done["text"] == "A black cat chased the dog in the garden."
    assert done["spans"] == [(0, 11, "CAT")]


def test_a_verb_that_would_not_agree_stays() -> None:
    rows = [list(row) for row in _ROWS]
    rows[1][4], rows[2][4] = "Number=Plur", "Tense=Pres"
    done = vary(text.SubjectObjectSwap(), SENTENCE, tree=conllu([tuple(row) for row in rows]))  # type: ignore[misc]
    assert done["text"] == SENTENCE
    assert done["changes"][0].note == "no sentence has what it takes"


def test_an_adjunct_goes_to_the_front() -> None:
    done = vary(text.AdjunctFronting(), SENTENCE, tree=TREE, spans=[(30, 40, "PLACE"), (0, 7, "DOG")])
    assert done["text"] == "In the garden, the dog chased a black cat."
    assert [done["text"][start:end] for start, end, _ in done["spans"]] == ["the garden", "the dog"]


def test_two_conjuncts_change_places() -> None:
    rows = [
        ("Green", "ADJ", 2, "amod", "_"), ("tea", "NOUN", 5, "nsubj", "_"), ("and", "CCONJ", 4, "cc", "_"),
        ("coffee", "NOUN", 2, "conj", "_"), ("help", "VERB", 0, "root", "_"),
    ]  # fmt: skip
    assert (
        vary(text.ConjunctSwap(), "Green tea and coffee help", tree=conllu(rows))["text"] == "Coffee and green tea help"
    )


def test_without_a_tree_the_change_says_so_and_a_parser_is_asked() -> None:
    assert vary(text.TreeCrop(), SENTENCE)["changes"][0].note == "there is no tree of the text as it is now"
    parsed = text.SubjectObjectSwap(parser=lambda given: [TREE for _ in given])
    assert vary(parsed, SENTENCE)["text"] == "A black cat chased the dog in the garden."


def test_a_tree_goes_along_with_changes_that_keep_its_tokens() -> None:
    smaller = text.WordReplacement({"black": "very small"}, 1.0)
    done = vary([smaller, text.SubjectObjectSwap()], SENTENCE, tree=TREE)
    assert done["text"] == "A very small cat chased the dog in the garden."
    kept = vary(smaller, SENTENCE, tree=TREE)
    assert kept["text"][kept["tree"].tokens[4].start : kept["tree"].tokens[4].end] == "very small"
    merged = vary(text.SentenceInsertion(1.0, pool=["Oh."]), SENTENCE, tree=TREE)
    assert merged["tree"].tokens[0].start == 4


@pytest.mark.parametrize(
    ("source", "message"), [("1\ta", "has 2 columns"), (TREE.replace("dog", "wolf"), "'wolf' is not in")]
)
def test_trees_that_do_not_fit_are_refused(source: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        read_tree(source, SENTENCE)


VOICES = [
    ("The dog chased a black cat.", "A black cat was chased by the dog."),
    ("The old sailor painted the boats yesterday.", "The boats were painted by the old sailor yesterday."),
    ("My father wrote this letter.", "This letter was written by my father."),
    ("The nurse washes the wound.", "The wound is washed by the nurse."),
]


@pytest.mark.parametrize(("active", "passive"), VOICES)
def test_passive_and_back(active: str, passive: str) -> None:
    assert vary(text.Voice(mode="passive"), active)["text"] == passive
    assert vary(text.Voice(mode="active"), passive)["text"] == active


@pytest.mark.parametrize(
    "sentence",
    ["The man became a doctor.", "The baby slept the night.", "He saw the dog.", "The dog chased a cat and a bird.",
     "The dog, my friend, chased a cat.", "Nothing to see here", "The man saw the dog with the telescope."],
)  # fmt: skip
def test_what_the_pattern_is_not_sure_of_stays_with_a_reason(sentence: str) -> None:
    done = vary(text.Voice(), sentence)
    assert done["text"] == sentence
    assert done["changes"][0].note == "no sentence has a form that it is sure of"


def test_spans_follow_the_voice() -> None:
    done = vary(text.Voice(), "The dog chased a black cat.", spans=[(0, 7, "WHO"), (15, 26, "WHOM")])
    assert [done["text"][start:end] for start, end, _ in done["spans"]] == ["the dog", "A black cat"]
