"""Texts and sounds through the Loader: what a call of the pipeline makes of each."""

import json

import numpy as np
import pytest
import soundfile

from covary import Loader, Pipeline, audio, image, text
from covary.data import open_dataset
from tests.data.jpegs import jpeg, photograph

WORDS = ["the", "quick", "brown", "fox", "jumps", "over", "the", "lazy", "dog", "near", "a", "house", "in", "Berlin"]


@pytest.fixture
def tickets(tmp_path):
    rows = [
        {"text": " ".join(WORDS[i % 3 :]), "label": "ab"[i % 2], "spans": [[0, 3, "X"]], "id": f"t{i}"}
        for i in range(7)
    ]
    path = tmp_path / "tickets.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


@pytest.fixture
def sounds(tmp_path):
    folder = tmp_path / "sounds"
    for i in range(5):
        wave = np.sin(np.arange(3000 + 200 * i) / (5 + i)).astype(np.float32)
        (folder / "ab"[i % 2]).mkdir(parents=True, exist_ok=True)
        soundfile.write(folder / "ab"[i % 2] / f"{i}.wav", wave, 8000, subtype="FLOAT")
    return folder


@pytest.mark.parametrize("workers", [0, 2])
def test_texts_of_the_stream_equal_calls_of_the_pipeline(tickets, workers):
    pipeline = Pipeline([text.RandomSwap(0.3), text.RandomDeletion(0.2, p=0.5)], seed=4)
    dataset = open_dataset(tickets)
    by_key = {key: dataset.read(i) for i, key in enumerate(dataset.keys)}
    changed = 0
    with Loader(tickets, pipeline, batch_size=3, workers=workers, worker_type="thread") as loader:
        for batch in loader.epoch(2):
            for row, key in enumerate(batch.keys):
                expected = pipeline(**by_key[key], key=key, epoch=2)
                assert batch.text[row] == expected["text"]
                assert list(map(tuple, batch.spans[row])) == list(map(tuple, expected["spans"]))
                changed += batch.text[row] != by_key[key]["text"]
    assert changed >= 5


def test_sounds_of_the_stream_equal_calls_of_the_pipeline(sounds):
    pipeline = Pipeline([audio.Gain((-6, 6)), audio.RandomCrop(0.25), audio.GaussianNoise(0.01)], seed=4)
    dataset = open_dataset(sounds)
    by_key = {key: dataset.read(i) for i, key in enumerate(dataset.keys)}
    with Loader(sounds, pipeline, batch_size=2, workers=2, worker_type="thread") as loader:
        batches = list(loader)
    assert sum(len(batch.keys) for batch in batches) == 5
    for batch in batches:
        for row, key in enumerate(batch.keys):
            expected = pipeline(**by_key[key], key=key)
            assert np.array_equal(batch.audio[row], expected["audio"]) and batch.audio[row].shape[-1] == 2000


def test_captions_vary_beside_their_pictures(tmp_path):
    for i in range(4):
        (tmp_path / f"{i}.jpg").write_bytes(jpeg(photograph(50, 60, seed=i)))
    table = tmp_path / "captions.csv"
    table.write_text("path,text\n" + "".join(f"{i}.jpg,{' '.join(WORDS)}\n" for i in range(4)))
    pipeline = Pipeline([image.RandomCrop(32), text.RandomSwap(0.4)], seed=1)
    dataset = open_dataset(table)
    with Loader(dataset, pipeline, batch_size=4, shuffle=False, decode="full", workers=0) as loader:
        (batch,) = loader
    for row, key in enumerate(batch.keys):
        alone = pipeline(text=" ".join(WORDS), key=key)
        assert batch.text[row] == alone["text"] != " ".join(WORDS)
    assert batch.image.shape == (4, 32, 32, 3)


def test_a_text_that_cannot_be_varied_is_left_out(tickets):
    rows = [json.loads(line) for line in tickets.read_text().splitlines()]
    rows[3]["spans"] = [[5, 900, "X"]]
    tickets.write_text("".join(json.dumps(row) + "\n" for row in rows))
    loader = Loader(tickets, Pipeline([text.RandomSwap(0.3)]), batch_size=7, workers=0)
    with loader, pytest.warns(UserWarning, match="1 samples cannot be used"):
        (batch,) = loader
    assert len(batch.text) == 6 and len(loader.problems) == 1


@pytest.mark.parametrize(("workers", "kind"), [(0, None), (2, "process")])
def test_batches_hold_labels_and_all_that_is_marked_in_their_texts(tmp_path, workers, kind):
    tokens = ["Anna", "runs", "through", "New", "York", "and", "sings"]
    rows = [
        {
            "text": " ".join(tokens),
            "label": "ab"[i % 2],
            "tokens": tokens,
            "tags": ["B-PER", "O", "O", "B-LOC", "I-LOC", "O", "O"],
            "spans": [{"start": 18, "end": 26, "label": "LOC"}],
            "answer": {"text": ["Anna"], "answer_start": [0]},
            "score": i / 2,
        }
        for i in range(6)
    ]
    path = tmp_path / "t.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    pipeline = Pipeline([text.RandomSwap(0.4), text.RandomDeletion(0.2), text.CharacterInsertion(0.1)], seed=4)
    options = {} if kind is None else {"worker_type": kind}
    with Loader(path, pipeline, batch_size=3, workers=workers, to="torch", **options) as loader:
        batches = [batch for epoch in (0, 1) for batch in loader.epoch(epoch)]
    assert len(batches) == 4
    for batch in batches:
        assert batch.label.dtype.is_floating_point is False and batch.label.tolist() == [int(k) % 2 for k in batch.keys]
        assert batch.score.tolist() == [int(key) / 2 for key in batch.keys]
        for row, key in enumerate(batch.keys):
            alone = pipeline(**rows[int(key)], key=key, epoch=batch.epoch)
            assert all(batch[name][row] == alone[name] for name in ("text", "tokens", "tags", "spans", "answer"))
            (span,), (place,) = batch.spans[row], batch.answer[row]["answer_start"]
            tagged = zip(batch.tokens[row], batch.tags[row], strict=True)
            marked = "".join(batch.text[row][span["start"] : span["end"]].split())
            assert marked == "".join(token for token, tag in tagged if "LOC" in tag)
            assert batch.text[row].startswith(batch.answer[row]["text"][0], place)
            assert [tag for tag in batch.tags[row] if tag[0] == "B"].count("B-LOC") == 1
