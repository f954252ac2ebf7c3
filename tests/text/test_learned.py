"""Operations with a vocabulary, vectors or a model behind them."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from math import log
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from covary import text
from covary.ops.text.filters import Limits, distance, repetition
from covary.ops.text.learned import read_vectors
from covary.ops.text.models import difference
from covary.plan.edits import apply_edits, checked
from tests.text.examples import VECTORS, fill_masks, texts
from tests.text.texting import vary, vary_all

DATA = ["the cat sat on the mat", "the dog sat", "a cat and a dog and the bird"]


def test_tf_idf_is_that_of_its_definition() -> None:
    fitted = text.TfIdfReplacement.fit(DATA)
    table = {word: (idf, score) for word, idf, score in fitted.vocabulary}
    assert table["the"] == (0.0, 0.0)
    assert table["cat"] == (pytest.approx(log(3 / 2), abs=1e-6), pytest.approx(2 * log(3 / 2), abs=1e-6))
    assert table["and"] == (pytest.approx(log(3), abs=1e-6), pytest.approx(2 * log(3), abs=1e-6))


def test_tf_idf_replaces_common_words_more_than_rare_ones_and_as_many_as_the_rate_says() -> None:
    fitted = text.TfIdfReplacement.fit(DATA, rate=0.2)
    sentence = "the bird sat on the mat and the cat"
    done = vary_all(fitted, [sentence] * 1500).texts
    changed = np.array([[a != b for a, b in zip(sentence.split(), each.split(), strict=True)] for each in done])
    rates = dict(zip(sentence.split(), changed.mean(axis=0), strict=False))
    assert rates["the"] > rates["cat"] > rates["bird"]
    # A replacement that happens to be the word itself is none.
    assert 0.14 < changed.mean() < 0.21
    with pytest.raises(ValueError, match="no word"):
        text.TfIdfReplacement.fit(["...", ""])


def written(folder: Path, kind: str) -> str:
    """The vectors of the tests in each format, as the formats' own tools write them."""
    lines = Path(VECTORS).read_text(encoding="utf-8").splitlines()
    table = [(line.split()[0], [float(field) for field in line.split()[1:]]) for line in lines[1:]]
    path = folder / {"word2vec": "v.txt", "glove": "glove.txt", "binary": "v.bin", "npz": "v.npz"}[kind]
    if kind == "word2vec":
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    elif kind == "glove":
        path.write_text("\n".join(lines[1:]) + "\n", encoding="utf-8")
    elif kind == "binary":
        body = b"".join(word.encode() + b" " + struct.pack("<4f", *vector) + b"\n" for word, vector in table)
        path.write_bytes(b"%d 4\n" % len(table) + body)
    else:
        np.savez(path, words=np.array([word for word, _ in table]), vectors=np.array([vector for _, vector in table]))
    return str(path)


@pytest.mark.parametrize("kind", ["word2vec", "glove", "binary", "npz"])
def test_vectors_are_read_in_every_format(kind: str, tmp_path: Path) -> None:
    vectors = read_vectors(written(tmp_path, kind))
    assert vectors.words[:3] == ("the", "captain", "skipper")
    np.testing.assert_allclose(np.linalg.norm(vectors.unit, axis=1), 1, rtol=1e-6)
    np.testing.assert_allclose(vectors.unit[1], np.array([0, 1, 0.1, 0]) / np.sqrt(1.01), rtol=1e-6)


def test_neighbours_are_the_nearest_by_cosine() -> None:
    swap = text.EmbeddingReplacement(VECTORS, 1.0, neighbours=2, similarity=0.9)
    seen = {vary(swap, "Captain", epoch=epoch)["text"] for epoch in range(20)}
    assert seen == {"Skipper", "Sailor"}
    assert vary(swap, "the unknown word")["text"] == "the unknown word"


@pytest.mark.parametrize(
    ("name", "content"), [("v.txt", b"word 1 2\nother x y\n"), ("v.bin", b"no header"), ("v.txt", b"")]
)
def test_files_that_hold_no_vectors_are_refused(name: str, content: bytes, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(ValueError, match=name):
        read_vectors(str(path))


def test_a_model_is_called_once_for_a_batch_and_its_words_are_written_like_the_old_ones() -> None:
    calls = []

    def model(given: list[str]) -> Any:
        calls.append(given)
        return fill_masks(given)

    done = vary_all(text.ContextualReplacement(model, 0.3), ["Captains sail far away", "", "Dogs bark loudly"])
    assert len(calls) == 1
    assert done.texts[0] != "Captains sail far away"
    assert done.texts[1] == ""
    assert all(each[0].isupper() for each in (done.texts[0], done.texts[2]))


class Pipeline:
    """A fill-mask pipeline as transformers gives it: a flat list for one text, nested ones for several."""

    class tokenizer:  # noqa: N801
        mask_token = "<mask>"

    def __call__(self, given: list[str]) -> Any:
        assert all("<mask>" in each for each in given)
        answers = [[{"token_str": " sea", "score": 0.9}, {"token_str": "##x", "score": 0.1}] for _ in given]
        return answers[0] if len(given) == 1 else answers


def test_a_fill_mask_pipeline_of_transformers_is_taken_as_it_is() -> None:
    swap = text.ContextualReplacement(Pipeline(), 0.01)
    assert "sea" in vary(swap, "captains sail far")["text"]
    assert all("sea" in each for each in vary_all(swap, ["captains sail far", "dogs bark loudly"]).texts)


@settings(deadline=None)
@given(texts(), texts())
def test_the_difference_of_two_texts_leads_from_one_to_the_other(one: str, other: str) -> None:
    edits = checked(difference(one, other), len(one))
    assert apply_edits(one, edits) == other
    assert difference(one, one) == []


@settings(deadline=None, max_examples=50)
@given(st.text("abc", max_size=6), st.text("abc", max_size=6))
def test_the_edit_distance_equals_the_recursion_of_its_definition(one: str, other: str) -> None:
    def recursion(a: str, b: str) -> int:
        if not a or not b:
            return len(a) + len(b)
        if a[0] == b[0]:
            return recursion(a[1:], b[1:])
        return 1 + min(recursion(a[1:], b), recursion(a, b[1:]), recursion(a[1:], b[1:]))

    assert distance(one, other) == recursion(one, other)


def test_limits_say_what_is_wrong() -> None:
    limits = Limits(0.5, 2.0, 0.2)
    assert limits.complaint("one two three", "one two three") == "it is the original"
    assert limits.complaint("one two three four five six", "one two three four five sicks") == "it differs too little"
    assert "times the words" in limits.complaint("one two three four", "one")
    assert limits.complaint("one two", " ") == "it is empty"
    assert limits.complaint("one two three four five six", "so so so so so so so") == "it repeats itself"
    assert limits.complaint("one two three", "three blind mice") == ""
    assert repetition(["a", "b", "c", "a", "b", "c"]) == 0.25


def test_a_paraphrase_keeps_the_spans_of_words_that_stay() -> None:
    model = {"Anna went to Rome by train.": "By train, Anna travelled to Rome."}
    done = vary(
        text.Paraphrase(lambda given: [model[each] for each in given]),
        "Anna went to Rome by train.",
        spans=[(0, 4, "PER"), (13, 17, "LOC"), (5, 9, "ACT")],
    )
    assert done["text"] == "By train, Anna travelled to Rome."
    assert [(done["text"][a:b], label) for a, b, label in done["spans"] if label != "ACT"] == [
        ("Anna", "PER"),
        ("Rome", "LOC"),
    ]


def test_answers_that_do_not_fit_are_asked_for_again_and_then_left_with_a_reason() -> None:
    answers = iter([["same words"], [""], ["other words now"]])

    def model(given: list[str]) -> Sequence[str]:
        return [next(answers)[0] for _ in given]

    assert vary(text.Paraphrase(model, retries=2), "same words")["text"] == "other words now"
    stubborn = vary(text.Paraphrase(lambda given: list(given), retries=1), "same words")
    assert stubborn["text"] == "same words"
    assert stubborn["changes"][0].note == "it is the original"


def test_a_model_that_fails_leaves_the_text_with_a_note() -> None:
    def model(given: list[str]) -> Sequence[str]:
        raise RuntimeError("quota")

    done = vary(text.Paraphrase(model), "some words")
    assert done["text"] == "some words"
    assert done["changes"][0].note == "the model failed: RuntimeError: quota"


def test_answers_are_remembered() -> None:
    calls = []

    def model(given: list[str]) -> Sequence[str]:
        calls.append(list(given))
        return [f"well then, {each}" for each in given]

    say = text.Paraphrase(model)
    first = vary_all(say, ["a cat", "a dog"]).texts
    second = vary_all(say, ["a dog", "a bird"]).texts
    assert calls == [["a cat", "a dog"], ["a bird"]]
    assert first[1] == second[0]


def test_similarity_and_the_users_own_check_decide() -> None:
    say = text.Paraphrase(
        lambda given: [f"well then, {each}" for each in given],
        similarity=lambda old, new: [0.9 if "cat" in each else 0.1 for each in new],
        accept=lambda old, new: ["black" not in each for each in new],
    )
    done = vary_all(say, ["a cat", "a dog", "a black cat"])
    assert done.texts == ["well then, a cat", "a dog", "a black cat"]
    assert [each[0].note for each in done.changes] == ["", "its similarity is 0.1", "it was not accepted"]


def test_what_is_protected_survives_a_paraphrase() -> None:
    say = text.Paraphrase(lambda given: [each.replace("https://a.org", "a site") for each in given])
    assert vary(say, "see https://a.org for more")["changes"][0].note == "it changes what is protected"


def test_a_translation_goes_there_and_back() -> None:
    there = {"the cat sleeps": "die Katze schläft"}
    back = {"die Katze schläft": "the cat is asleep"}
    move = text.BackTranslation(
        lambda given: [there[each] for each in given], lambda given: [back[each] for each in given]
    )
    assert vary(move, "the cat sleeps")["text"] == "the cat is asleep"


def test_wrong_numbers_of_answers_are_an_error() -> None:
    with pytest.raises(ValueError, match="Paraphrase: the model gave 0 answers for 1 texts"):
        vary(text.Paraphrase(lambda given: []), "some words")
    with pytest.raises(ValueError, match="ContextualReplacement: the model gave 0 answers"):
        vary(text.ContextualReplacement(lambda given: []), "some words")
