"""Texts mixed by sentences and words: what is taken is counted by hand, marks are found by their own words."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from covary import Loader, Pipeline, mix, text
from covary.ops.mix.sentences import run_of
from covary.ops.text.segment import sentences, words


# Each word says whose it is, each sentence is found by its words.
def document(name: str, lengths: Sequence[int], ends: str = " ") -> str:
    made = []
    for number, length in enumerate(lengths):
        made.append(" ".join(f"{name.capitalize()}{number}x{place}" for place in range(length)) + ".")
    return ends.join(made)


NAMES = ("ant", "bee", "cat", "dog")
LENGTHS = ((3, 5, 4), (6, 2), (7,), (2, 2, 2, 2, 2))
TEXTS = [document(name, lengths) for name, lengths in zip(NAMES, LENGTHS, strict=True)]


def owners(mixed: str) -> list[int]:
    """Whose word each word of a mixed text is."""
    return [NAMES.index(mixed[start : start + 3].lower()) for start, _ in words(mixed)]


def sentence_list(mixed: str) -> list[str]:
    return [mixed[start:end] for start, end in sentences(mixed)]


@pytest.mark.parametrize("seed", range(12))
def test_labels_of_sentence_cutmix_are_the_words_counted_in_the_result(seed: int) -> None:
    out = mix.SentenceCutMix()({"text": TEXTS, "label": range(4)}, classes=4, seed=seed)
    whole = [sentence for each in TEXTS for sentence in sentence_list(each)]
    for row, mixed in enumerate(out["text"]):
        counted = np.bincount(owners(mixed), minlength=4) / len(words(mixed))
        np.testing.assert_allclose(out["target"][row], counted, atol=1e-6)
        assert set(sentence_list(mixed)) <= set(whole)
        assert len(set(owners(mixed))) == 2 and row in owners(mixed)
        own = [sentence for sentence in sentence_list(mixed) if sentence in sentence_list(TEXTS[row])]
        assert own == [sentence for sentence in sentence_list(TEXTS[row]) if sentence in own]


def test_lambda_is_met_as_near_as_sentences_allow() -> None:
    long = [document(name, (4,) * 50) for name in NAMES]
    out = mix.SentenceCutMix(pairs=True)({"text": long, "label": range(4)}, classes=4, seed=3)
    again = mix.MixUp(1.0, name="SentenceCutMix", pairs=True)(
        {"image": np.zeros((4, 3, 2, 2), np.float32), "label": range(4)}, classes=4, seed=3
    )
    # The same slots draw the same lambda and partners; a sentence is a fiftieth of a text.
    np.testing.assert_array_equal(out["target_b"], again["target_b"])
    np.testing.assert_allclose(out["lam"], again["lam"], atol=0.02)
    assert np.ptp(out["lam"]) > 0.5


def test_characters_as_unit_count_characters() -> None:
    out = mix.SentenceCutMix(unit="characters")({"text": TEXTS, "label": range(4)}, classes=4, seed=5)
    for row, mixed in enumerate(out["text"]):
        lengths = np.zeros(4)
        for sentence in sentence_list(mixed):
            lengths[owners(sentence)[0]] += len(sentence)
        np.testing.assert_allclose(out["target"][row], lengths / lengths.sum(), atol=1e-6)


@settings(max_examples=50)
@given(
    st.lists(st.integers(1, 9), min_size=1, max_size=8),
    st.floats(0, 40),
    st.floats(0, 1, exclude_max=True),
    st.integers(0, 8),
)
def test_a_run_ends_where_it_is_nearest_by_trying_all(
    lengths: list[int], target: float, place: float, most: int
) -> None:
    first, last = run_of(lengths, target, place, most)
    assert 0 <= first <= last <= len(lengths) and last - first <= most
    ends = range(first, min(len(lengths), first + most) + 1)
    assert abs(sum(lengths[first:last]) - target) == min(abs(sum(lengths[first:end]) - target) for end in ends)
    assert sum(lengths[first:]) >= min(target, sum(lengths)) or first == 0


def test_white_space_that_is_not_exchanged_stays() -> None:
    texts = ["  Ant one two.\n\nAnt three four.\t Ant five. \n", "Bee one.   Bee two three."]
    for seed in range(20):
        mixed = mix.SentenceCutMix()({"text": texts}, seed=seed)["text"]
        assert mixed[0].startswith("  ") and mixed[0].endswith(" \n")
        for each in mixed:
            assert not each[len(each.rstrip()) :].strip() and ".." not in each
            assert all(a.isspace() for a, b in zip(each[1:], each, strict=False) if b == ".")


def test_texts_without_spaces_between_sentences_get_none() -> None:
    texts = ["我来了。", "他走了。"]
    mixed = mix.SentenceCutMix()({"text": texts}, seed=1)["text"]
    assert set(mixed) <= {"我来了。他走了。", "他走了。我来了。"}


SPANNED = [{"text": each, "spans": [(start, end, each[start:end]) for start, end in words(each)]} for each in TEXTS]


@pytest.mark.parametrize("mixer", [mix.SentenceCutMix(), mix.SameLabelSplice(), mix.SpanMix()])
def test_spans_cover_the_words_that_they_name(mixer: mix.Mixer) -> None:
    fields = {name: [sample[name] for sample in SPANNED] for name in ("text", "spans")}
    fields["label"] = [0, 0, 0, 0]
    before = json.dumps(fields)
    for seed in range(10):
        out = mixer(fields, classes=1, seed=seed)
        for mixed, spans in zip(out["text"], out["spans"], strict=True):
            assert [mixed[start:end] for start, end, _ in spans] == [label for *_, label in spans]
            assert [tuple(span[:2]) for span in spans] == words(mixed)  # none was lost, none stands twice
    assert json.dumps(fields) == before


def test_spans_across_sentences_go_when_they_are_cut_and_stay_when_they_are_not() -> None:
    first, second = "Ant one. Ant two. Ant three.", "Bee one. Bee two. Bee three."
    fields = {"text": [first, second], "spans": [[(0, 17, "two")], [[9, 28, "two"]]]}
    seen = set()
    for seed in range(30):
        out = mix.SentenceCutMix()(fields, seed=seed)
        for mixed, spans in zip(out["text"], out["spans"], strict=True):
            for start, end, _ in spans:
                assert mixed[start:end] in (first[:17], second[9:])
            seen.add(len(spans))
    assert 0 in seen and 1 in seen


def test_tokens_and_tags_go_with_their_sentences_and_stay_valid_bio() -> None:
    texts = ["Anna Lee left. She came to New York.", "Bob ran. Old Town Hall was closed. He sat."]
    tags = [
        ["B-PER", "I-PER", "O", "O", "O", "O", "O", "B-LOC", "I-LOC", "O"],
        ["B-PER", "O", "O", "B-LOC", "I-LOC", "I-LOC", "O", "O", "O", "O", "O", "O"],
    ]
    tokens = [each.replace(".", " .").split() for each in texts]
    named = {"Anna Lee": "PER", "New York": "LOC", "Bob": "PER", "Old Town Hall": "LOC"}
    for mixer in (mix.SentenceCutMix(), mix.SpanMix(), mix.SameLabelSplice()):
        for seed in range(20):
            out = mixer({"text": texts, "tokens": tokens, "tags": tags, "label": [0, 0]}, classes=1, seed=seed)
            for mixed, some, its in zip(out["text"], out["tokens"], out["tags"], strict=True):
                assert "".join(some) == "".join(mixed.split())
                assert len(some) == len(its)
                for place, tag in enumerate(its):
                    if tag.startswith("I-"):
                        assert its[place - 1][2:] == tag[2:] and place > 0
                if not isinstance(mixer, mix.SpanMix):
                    found = [" ".join(t for t, _ in run) for run in entities(some, its)]
                    assert all(name in named for name in found)


def entities(tokens: Sequence[str], tags: Sequence[str]) -> list[list[tuple[str, str]]]:
    runs: list[list[tuple[str, str]]] = []
    for token, tag in zip(tokens, tags, strict=True):
        if tag.startswith("B-"):
            runs.append([(token, tag)])
        elif tag.startswith("I-"):
            runs[-1].append((token, tag))
    return runs


def test_answers_are_the_samples_own_and_go_with_their_sentence() -> None:
    texts = ["Ant one. Ant two. Ant three.", "Bee one. Bee two."]
    answers = [{"text": ["Ant two"], "answer_start": [9]}, {"text": ["Bee one"], "answer_start": [0]}]
    found = set()
    for seed in range(20):
        out = mix.SentenceCutMix()({"text": texts, "answer": answers}, seed=seed)
        for row, (mixed, answer) in enumerate(zip(out["text"], out["answer"], strict=True)):
            for words_, start in zip(answer["text"], answer["answer_start"], strict=True):
                assert mixed[start : start + len(words_)] == words_ == answers[row]["text"][0]
            found.add(len(answer["text"]))
    assert found == {0, 1}


def test_halves_of_texts_of_one_label_are_joined_and_the_label_stays() -> None:
    labels = [0, 1, 0, 1]
    lengths = [(4, 4, 4, 4), (3, 9, 4), (8,), (5, 5)]
    texts = [document(name, each) for name, each in zip(NAMES, lengths, strict=True)]
    out = mix.SameLabelSplice()({"text": texts, "label": labels}, classes=2)
    np.testing.assert_array_equal(out["target"], np.eye(2, dtype=np.float32)[labels])
    ant, bee, cat, dog = (sentence_list(each) for each in texts)
    # The halves by hand: 8 of 16 words, 12 of 16 (3 are farther from 8), all of one sentence, 5 of 10.
    assert out["text"] == [
        " ".join([*ant[:2], *cat]),
        " ".join([*bee[:2], *dog[1:]]),
        " ".join([*cat, *ant[2:]]),
        " ".join([*dog[:1], *bee[2:]]),
    ]


def test_a_text_alone_with_its_label_stays_as_it_is() -> None:
    out = mix.SameLabelSplice(pairs=True)({"text": TEXTS, "label": [0, 1, 2, 1]}, classes=3)
    assert [out["text"][row] == TEXTS[row] for row in range(4)] == [True, False, True, False]
    np.testing.assert_array_equal(out["target_a"], out["target_b"])
    with pytest.raises(ValueError, match="label is needed"):
        mix.SameLabelSplice()({"text": TEXTS})


def test_rows_of_labels_are_the_same_where_all_their_numbers_are() -> None:
    rows = [[1, 0.0, 1], [1, -0.0, 1], [0, 0, 1], [1, 0, 0]]
    out = mix.SameLabelSplice()({"text": TEXTS, "label": rows})
    assert [out["text"][row] == TEXTS[row] for row in range(4)] == [False, False, True, True]
    np.testing.assert_allclose(out["target"], rows)


@pytest.mark.parametrize("seed", range(5))
def test_span_mix_exchanges_as_many_words_as_it_says(seed: int) -> None:
    out = mix.SpanMix()({"text": TEXTS, "label": range(4)}, classes=4, seed=seed)
    for row, mixed in enumerate(out["text"]):
        assert len(words(mixed)) == len(words(TEXTS[row]))
        counted = np.bincount(owners(mixed), minlength=4) / len(words(mixed))
        np.testing.assert_allclose(out["target"][row], counted, atol=1e-6)
        came = [place for place, owner in enumerate(owners(mixed)) if owner != row]
        assert came == list(range(came[0], came[0] + len(came))) if came else True


def test_span_mix_by_saliency_equals_the_papers_rule_by_trying_all_runs() -> None:
    def saliency(asked: list[list[str]]) -> list[list[float]]:
        return [[float((7 * place + len(word)) % 5) for place, word in enumerate(each)] for each in asked]

    out = mix.SpanMix(saliency=saliency)({"text": TEXTS, "label": range(4)}, classes=4, seed=2)
    for row, mixed in enumerate(out["text"]):
        came = [place for place, owner in enumerate(owners(mixed)) if owner != row]
        if not came:
            continue
        partner = owners(mixed)[came[0]]
        own, other = saliency([[TEXTS[each][a:b] for a, b in words(TEXTS[each])] for each in (row, partner)])
        count = len(came)
        least = min(range(len(own) - count + 1), key=lambda low: sum(own[low : low + count]))
        most = max(range(len(other) - count + 1), key=lambda low: sum(other[low : low + count]))
        assert came[0] == least
        taken = [mixed[a:b] for a, b in words(mixed)][came[0] : came[0] + count]
        assert taken == [TEXTS[partner][a:b] for a, b in words(TEXTS[partner])][most : most + count]
    with pytest.raises(ValueError, match="saliency gives"):
        mix.SpanMix(saliency=lambda asked: [[1.0]] * len(asked))({"text": TEXTS})


@pytest.mark.parametrize("mixer", [mix.SentenceCutMix(), mix.SpanMix(), mix.SameLabelSplice()])
def test_mixing_of_texts_does_not_depend_on_the_order_of_the_batch(mixer: mix.Mixer) -> None:
    keys = [f"k{name}" for name in NAMES]
    order = [2, 0, 3, 1]
    one = mixer({"text": TEXTS, "label": [0, 1, 0, 1]}, classes=2, seed=4, keys=keys)
    other = mixer(
        {"text": [TEXTS[row] for row in order], "label": [0, 0, 1, 1]},
        classes=2,
        seed=4,
        keys=[keys[row] for row in order],
    )
    assert other["text"] == [one["text"][row] for row in order]
    np.testing.assert_array_equal(other["target"], one["target"][order])


def test_odd_texts_are_left_alone() -> None:
    texts = ["", "   \n", "Ant.", "..."]
    for mixer in (mix.SentenceCutMix(), mix.SpanMix()):
        out = mixer({"text": texts, "label": range(4)}, classes=4, seed=1)
        np.testing.assert_allclose(out["target"].sum(axis=1), 1)
        assert out["text"][:2] == texts[:2]
    assert mix.SentenceCutMix()({"text": ["Ant. Bee."], "label": [0]}, classes=1)["text"] == ["Ant. Bee."]


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"text": ["a", 3], "label": [0, 1]}, r"text\[1\] is a int"),
        ({"label": [0, 1]}, "no text among the fields"),
        ({"text": ["A b. C d.", "E f."], "spans": [[(0, 99)], []]}, r"spans\[0\] is 0 to 99"),
        ({"text": ["A b. C d.", "E f."], "tokens": [["A"], None]}, "one has tokens or tags"),
        ({"text": ["A."], "label": [0, 1]}, "text 1, label 2"),
    ],
)
def test_wrong_fields_are_refused_by_name(fields: dict[str, Any], message: str) -> None:
    with pytest.raises((TypeError, ValueError), match=message):
        mix.SentenceCutMix()(fields, classes=2 if "label" in fields else None)


def test_wrong_arguments_are_refused() -> None:
    with pytest.raises(ValueError, match="SentenceCutMix: unit is 'tokens'; allowed: words, characters"):
        mix.SentenceCutMix(unit="tokens")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="SpanMix: saliency"):
        mix.SpanMix(saliency=3)  # type: ignore[arg-type]


def test_mixers_of_text_are_plain_data() -> None:
    mixers = [mix.SentenceCutMix(0.5, unit="characters"), mix.SameLabelSplice(p=0.5), mix.SpanMix()]
    plain = mix.mixers_to_plain(mixers)
    assert plain == [
        {"SentenceCutMix": {"alpha": 0.5, "unit": "characters"}},
        {"SameLabelSplice": {"p": 0.5}},
        {"SpanMix": {}},
    ]
    assert [mixer for mixer, _ in mix.mixers_from_plain(plain)] == mixers


@pytest.mark.parametrize("workers", [0, 2])
def test_a_loader_mixes_its_texts(tmp_path: Path, workers: int) -> None:
    rows = [
        {
            "id": f"t{number}",
            "text": document(NAMES[number % 4], (3, 4, 5)),
            "label": "ab"[number % 2],
            "spans": [[0, 6, "X"]],
        }
        for number in range(12)
    ]
    path = tmp_path / "set.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    loader = Loader(
        path,
        Pipeline([text.CharacterDeletion(0.0)]),
        batch_size=6,
        workers=workers,
        mix=[mix.SentenceCutMix(), (mix.SameLabelSplice(), 0.5), mix.SpanMix()],
    )
    batches = list(loader.epoch(1))
    assert len(batches) == 2
    whole = {row["id"]: row["text"] for row in rows}
    mixed = 0
    for batch in batches:
        assert batch.target.shape == (6, 2)
        np.testing.assert_allclose(batch.target.sum(axis=1), 1, atol=1e-6)
        mixed += sum(each != whole[key] for key, each in zip(batch.keys, batch.text, strict=True))
        for each, spans in zip(batch.text, batch.spans, strict=True):
            for start, end, _ in spans:
                assert each[start:end][3:] == "0x0"
    assert mixed >= 8
