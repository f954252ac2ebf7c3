"""Manifests of sounds through the Loader: what a call of the pipeline makes of each row."""

import json

import numpy as np
import pytest
import soundfile

from covary import Loader, Pipeline, audio
from covary.data import open_dataset
from covary.targets.events import Events

RATE = 8_000


@pytest.fixture
def manifest(tmp_path):
    rows = []
    for number in range(6):
        samples = np.random.default_rng(number).normal(0, 0.1, (6_000 + 1_000 * number, 1 + number % 2))
        soundfile.write(tmp_path / f"{number}.flac", samples, RATE)
        rows.append(
            {
                "utt_id": f"u{number}",
                "audio": f"{number}.flac",
                "words": [{"start": 0.1, "end": 0.2, "text": "a"}, {"start": 0.5, "end": 0.75, "text": "b"}],
                "events": None if number == 2 else [[0.3, 0.3, "click"], [0.0, 0.7, "hum"]],
                "text": "a b",
                "label": "xyz"[number % 3],
            }
        )
    rows[4]["words"] = []
    path = tmp_path / "train.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


@pytest.mark.parametrize(("workers", "kind"), [(0, "thread"), (2, "thread"), (2, "process")])
def test_rows_of_the_stream_equal_calls_of_the_pipeline(manifest, workers, kind):
    pipeline = Pipeline([audio.Speed((0.8, 1.2)), audio.Shift((-0.2, 0.2)), audio.GaussianNoise(0.01)], seed=4)
    dataset = open_dataset(manifest)
    rows = {key: dataset.read(index) for index, key in enumerate(dataset.keys)}
    assert list(rows) == [f"u{number}" for number in range(6)]
    moved = 0
    with Loader(manifest, pipeline, batch_size=4, workers=workers, worker_type=kind) as loader:
        batches = list(loader.epoch(1))
    assert sum(len(batch.keys) for batch in batches) == 6
    for batch in batches:
        assert isinstance(batch.audio, list) and isinstance(batch.words, list)  # of different lengths
        for number, key in enumerate(batch.keys):
            expected = pipeline(**rows[key], key=key, epoch=1)
            assert np.array_equal(batch.audio[number], expected["audio"])
            for name in ("words", "events", "text", "label", "rate"):
                assert getattr(batch, name)[number] == expected[name]
            moved += batch.words[number] != rows[key]["words"]
    assert moved >= 4


def test_sounds_of_one_length_are_stacked(manifest):
    mono = Pipeline([audio.ToMono(), audio.Pad(2.0), audio.RandomCrop(0.5)], seed=1)
    with Loader(manifest, mono, batch_size=6, workers=0) as loader:
        (batch,) = loader
    assert batch.audio.shape == (6, 1, RATE // 2) and batch.audio.dtype == np.float32


def test_rows_say_in_a_form_of_their_own_what_moves_if_the_pipeline_is_told(manifest):
    rows = [json.loads(line) for line in manifest.read_text().splitlines()]
    told = [{**row, "calls": row.pop("words")} for row in rows]
    manifest.write_text("".join(json.dumps(row) + "\n" for row in told))
    pipeline = Pipeline([audio.RandomCrop(0.6)], seed=2, time_labels={"calls": Events(min_visibility=0.99)})
    dataset = open_dataset(manifest)
    with Loader(manifest, pipeline, batch_size=6, workers=0, shuffle=False) as loader:
        (batch,) = loader
    expected = [pipeline(**dataset.read(index), key=key)["calls"] for index, key in enumerate(dataset.keys)]
    assert batch.calls == expected and {len(calls) for calls in expected} > {0}


def test_a_wrong_alignment_is_told_and_a_text_of_that_name_is_none(manifest):
    rows = [json.loads(line) for line in manifest.read_text().splitlines()]
    rows[1]["words"] = "how are you"
    rows[3]["words"] = [{"start": 0.5, "end": 0.1}]
    manifest.write_text("".join(json.dumps(row) + "\n" for row in rows))
    loader = Loader(manifest, Pipeline([audio.RandomCrop(0.5)]), batch_size=6, workers=0)
    with loader, pytest.warns(UserWarning, match="1 samples cannot be used"):
        (batch,) = loader
    assert loader.problems[0].key == "u3" and "words[0] starts at 0.5" in loader.problems[0].reason
    assert batch.words[list(batch.keys).index("u1")] == "how are you"
