"""Texts in Hugging Face's `datasets`, against the library's own data sets and the pipeline's own calls."""

from __future__ import annotations

import warnings
from typing import Any

import pytest

from covary import Pipeline, image, text
from covary.interop.huggingface import Transform
from covary.texts import variations

datasets = pytest.importorskip("datasets", reason="datasets is not installed: it has no wheel for this platform")

VARIED = Pipeline([text.SynonymReplacement(0.3), text.RandomSwap(0.3), text.CharacterDeletion(0.05)], seed=5)
SENTENCES = [
    "Anna quickly bought the old house near the river.",
    "The small dog runs after a large ball in the garden.",
    "He doubts that the new method works in New York.",
    "A happy child eats cold soup, slowly.",
]
NAMES = ["O", "B-PER", "I-PER", "B-LOC", "I-LOC"]


def data(**columns: Any) -> Any:
    return datasets.Dataset.from_dict({"id": [f"t{row}" for row in range(4)], "text": SENTENCES, **columns})


def test_rows_are_the_pipelines_variations_by_their_id_in_every_way_to_read_them() -> None:
    transform = Transform(VARIED, key="id")
    read = data().with_transform(transform)
    for epoch in (0, 3):
        transform.set_epoch(epoch)
        truth = [VARIED(text=SENTENCES[row], key=f"t{row}", epoch=epoch)["text"] for row in range(4)]
        assert read[:]["text"] == [read[row]["text"] for row in range(4)] == truth
        assert data().map(transform, batched=True, batch_size=3)["text"][:] == truth
        stream = data().to_iterable_dataset().map(transform, batched=True, batch_size=2)
        assert [row["text"] for row in stream] == truth


def test_without_a_key_the_texts_are_the_key() -> None:
    made = data().map(Transform(VARIED), batched=True)
    shuffled = data().shuffle(seed=3).map(Transform(VARIED), batched=True, batch_size=1)
    assert {row["id"]: row["text"] for row in shuffled} == {row["id"]: row["text"] for row in made}


def test_more_rows_out_than_in_are_the_first_different_variations() -> None:
    made = data(label=[0, 1, 0, 1]).map(Transform(VARIED, key="id", times=3), batched=True, batch_size=2)
    assert made.column_names == ["id", "text", "label", "covary_source", "covary_epoch", "covary_seed"]
    assert len(made) == 12 and made["label"][:] == [0] * 3 + [1] * 3 + [0] * 3 + [1] * 3
    for row in range(4):
        truth = variations(VARIED.operations, SENTENCES[row], 3, seed=5, key=f"t{row}")
        its = made.filter(lambda each, key=f"t{row}": each["covary_source"] == key)
        assert its["text"][:] == truth.texts and its["covary_epoch"][:] == truth.epochs


def test_a_text_that_has_too_few_variations_warns() -> None:
    swaps = Transform(Pipeline([text.RandomSwap(0.5)]), times=3)
    with pytest.warns(UserWarning, match="2 of 3 variations could not be made different"):
        assert swaps({"text": ["old house"]})["text"] == ["house old"]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert len(swaps({"text": SENTENCES})["text"]) == 12


def test_spans_answers_and_numbered_tags_move_with_their_words() -> None:
    spans = [[{"start": 0, "end": 4, "label": "A"}]] * 4
    rows = data(
        entities=spans,
        answer=[{"text": [each.split()[1]], "answer_start": [each.index(each.split()[1])]} for each in SENTENCES],
    )
    made = rows.map(Transform(VARIED, key="id", times=4), batched=True)
    moved = 0
    for row in made:
        (answer,), (start,) = row["answer"]["text"], row["answer"]["answer_start"]
        assert row["text"][start : start + len(answer)] == answer
        (span,) = row["entities"]
        moved += span["start"] > 0
    assert moved
    features = datasets.Features(
        {
            "tokens": datasets.Sequence(datasets.Value("string")),
            "ner_tags": datasets.Sequence(datasets.ClassLabel(names=NAMES)),
        }
    )
    tokens = ["Anna", "Smith", "bought", "a", "house", "in", "New", "York", "."]
    tagged = datasets.Dataset.from_dict({"tokens": [tokens], "ner_tags": [[1, 2, 0, 0, 0, 0, 3, 4, 0]]}, features)
    pipeline = Pipeline([text.EntitySwap({"PER": ["Jo"], "LOC": ["Old New Delhi"]}, 1.0)])
    names = tagged.features["ner_tags"].feature.names
    (row,) = tagged.map(Transform(pipeline, tags={"ner_tags": names}), batched=True)
    assert row["tokens"] == ["Jo", "bought", "a", "house", "in", "Old", "New", "Delhi", "."]
    assert [NAMES[tag] for tag in row["ner_tags"]] == ["B-PER", "O", "O", "O", "O", "B-LOC", "I-LOC", "I-LOC", "O"]


def test_several_columns_of_texts_draw_by_keys_of_their_own() -> None:
    rows = data().rename_column("text", "premise").add_column("hypothesis", SENTENCES)
    made = rows.map(Transform(VARIED, key="id"), batched=True)
    for row in made:
        for column in ("premise", "hypothesis"):
            original = SENTENCES[int(row["id"][1])]
            assert row[column] == VARIED(text=original, key=f"{row['id']}/{column}")["text"]
    assert any(row["premise"] != row["hypothesis"] for row in made)
    named = Transform(VARIED, key="id", names={"text": "hypothesis"})
    assert rows.map(named, batched=True)["premise"][:] == SENTENCES


def test_other_columns_alone_come_as_they_are_and_what_is_wrong_is_named() -> None:
    assert data().with_transform(Transform(VARIED))["id"][:2] == ["t0", "t1"]
    with pytest.raises(TypeError, match="batched=True"):
        data().map(Transform(VARIED))
    with pytest.raises(ValueError, match="times is 0"):
        Transform(VARIED, times=0)
    with pytest.raises(ValueError, match="times is for pipelines with operations on text alone"):
        Transform(Pipeline([image.HorizontalFlip()]), times=2)
    with pytest.raises(ValueError, match="text='body' is no column; its columns are id, text"):
        data().map(Transform(VARIED, names={"text": ("text", "body")}), batched=True)
