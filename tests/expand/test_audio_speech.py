"""Speech of espeak-ng with a manifest of its words, through expand, verify and the Loader: a word is heard where it is
said to be.

What is heard is measured: the word's own samples, cut from the source by the times that espeak-ng gave, are sought in
the variation by their correlation.
"""

import json

import numpy as np
import pytest
import soundfile
import soxr
from scipy.signal import correlate, resample

from covary import Loader, Pipeline, audio
from covary.data import open_dataset
from covary.expand import expand, verify
from tools.speech import Sentence, missing, synthesise_all

pytestmark = pytest.mark.skipif(missing() is not None, reason=str(missing()))

TEXTS = ("The quick brown fox jumps over a lazy dog.", "Seven green bottles, standing on the wall!")
SPOKEN = [
    Sentence(text, voice, speed, pitch)
    for text in TEXTS
    for voice, speed, pitch in (("en", 150, 50), ("en-us+f3", 180, 70), ("en-gb-scotland+m7", 120, 30))
]
RATE = 16_000
REACH = 0.06
"""Seconds around the place of a word in which it is sought."""

EXACT = {
    "crop": [audio.RandomCrop(2.0)],
    "shift": [audio.Shift((-0.4, 0.4))],
    "roll": [audio.Shift((-0.8, 0.8), roll=True)],
    "pad": [audio.Pad(4.0)],
    "speed": [audio.Speed((0.8, 1.25))],
    "chain": [audio.Speed((0.85, 1.2)), audio.Shift((-0.2, 0.2)), audio.RandomCrop(2.0)],
    "chain in noise": [
        audio.Shift((-0.2, 0.2)),
        audio.Speed((0.85, 1.2)),
        audio.RandomCrop(2.0),
        audio.GaussianSNR((15, 25)),
        audio.Gain((-6, -1)),
    ],
}


@pytest.fixture(scope="module")
def spoken(tmp_path_factory):
    """A manifest of sentences by several voices, as JSON lines: words and phones with their times."""
    root = tmp_path_factory.mktemp("speech")
    (root / "wavs").mkdir()
    rows = []
    for number, (sentence, speech) in enumerate(zip(SPOKEN, synthesise_all(SPOKEN), strict=True)):
        path = f"wavs/{number}.{('wav', 'flac')[number % 2]}"
        samples = soxr.resample(speech.samples.astype(np.float32) / 40_000, speech.rate, RATE)
        soundfile.write(root / path, samples, RATE)
        row = {
            "audio_filepath": path,
            "duration": len(samples) / RATE,
            "text": sentence.text,
            "speaker": sentence.voice,
        }
        rows.append({**row, "words": speech.words, "phones": speech.phones})
    (root / "manifest.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return root


def expanded(spoken, out, operations, times=3):
    """The rows of an expansion that was checked, each with its source's row and the samples of both."""
    report = expand(spoken, out, Pipeline(operations, seed=11), times=times)
    assert report.ok and report.made == times * len(SPOKEN) and verify(out).ok
    sources = {row["audio_filepath"].partition(".")[0]: row for row in lines(spoken / "manifest.jsonl")}
    for row in lines(out / "manifest.jsonl"):
        source = sources[row["audio_filepath"].partition("__")[0]]
        heard = [soundfile.read(root / each["audio_filepath"])[0] for root, each in ((spoken, source), (out, row))]
        yield source, row, *heard


def lines(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def whole_words(source, row):
    """Pairs of a word in the source and in a variation, without those that a crop has cut."""
    # All whole words have one ratio of lengths; cut ones are shorter.
    before = {word["text"]: word for word in source["words"]}
    lengths = [(w["end"] - w["start"]) / (before[w["text"]]["end"] - before[w["text"]]["start"]) for w in row["words"]]
    ratio = np.median(lengths) if lengths else 1.0
    for word, length in zip(row["words"], lengths, strict=True):
        if abs(length / ratio - 1) < 1e-6:
            yield before[word["text"]], word, ratio


def lag(heard, start, sound):
    """Seconds between where a sound is said to start and where it is heard."""
    first = max(0, round((start - REACH) * RATE))
    there = heard[first : round((start + REACH) * RATE) + len(sound)]
    if len(there) < len(sound):
        return None
    energy = np.convolve(np.square(there), np.ones(len(sound)), "valid")
    match = correlate(there, sound, "valid") / np.sqrt(np.maximum(energy, 1e-9))
    return (first + int(match.argmax())) / RATE - start


@pytest.mark.parametrize("operations", EXACT.values(), ids=EXACT)
def test_words_are_heard_within_a_millisecond_of_where_they_are_said_to_be(tmp_path, spoken, operations):
    lags = []
    for source, row, original, varied in expanded(spoken, tmp_path / "out", operations):
        for before, now, ratio in whole_words(source, row):
            cut = original[round(before["start"] * RATE) : round(before["end"] * RATE)]
            found = lag(varied, now["start"], resample(cut, round(len(cut) * ratio)))
            if found is not None:
                lags.append(found)
    assert len(lags) > 50 and np.abs(lags).max() < 0.001


def test_the_measure_hears_what_is_said_to_be_elsewhere(spoken):
    row = lines(spoken / "manifest.jsonl")[0]
    sound, _ = soundfile.read(spoken / row["audio_filepath"])
    for word in row["words"][1:]:
        cut = sound[round(word["start"] * RATE) : round(word["end"] * RATE)]
        assert lag(sound, word["start"] - 0.003, cut) == pytest.approx(0.003, abs=1e-4)


def test_stretched_words_are_heard_within_fifteen_milliseconds(tmp_path, spoken):
    """A vocoder keeps the pitch and not the phases: loudness is compared, in steps of 2.5 ms."""
    step = RATE // 400

    def loudness(sound):
        smooth = np.convolve(np.square(sound), np.hanning(4 * step), "same")
        return np.log(smooth[::step] + 1e-5)

    lags = []
    for source, row, original, varied in expanded(spoken, tmp_path / "out", [audio.TimeStretch((0.8, 1.25))]):
        ratio = row["duration"] / source["duration"]
        before, now = source["words"][0]["start"], row["words"][0]["start"]
        assert now == pytest.approx(before * ratio, abs=1e-3)
        curve = loudness(original)
        said = np.interp(np.arange(0, len(varied), step) / ratio, np.arange(len(curve)) * step, curve)
        for word in row["words"]:
            first, end = (round(word[name] * RATE / step) for name in ("start", "end"))
            reach = round(REACH * RATE / step)
            if first < reach or end + reach > len(said):
                continue
            heard = loudness(varied)[first - reach : end + reach]
            wanted = said[first:end] - said[first:end].mean()
            match = [
                float(np.corrcoef(heard[at : at + len(wanted)], wanted)[0, 1])
                for at in range(len(heard) - len(wanted) + 1)
            ]
            lags.append((int(np.argmax(match)) - reach) * step / RATE)
    assert len(lags) > 60 and np.percentile(np.abs(lags), 90) <= 0.005 and np.abs(lags).max() <= 0.015


def test_the_loader_gives_the_words_and_phones_that_an_expansion_writes(tmp_path, spoken):
    operations = EXACT["chain in noise"]
    made = {row["audio_filepath"]: row for _, row, _, _ in expanded(spoken, tmp_path / "out", operations, times=2)}
    dataset = open_dataset(spoken)
    names = {key: dataset.file_of("audio_filepath", index) for index, key in enumerate(dataset.keys)}
    for epoch in (0, 1):
        with Loader(spoken, Pipeline(operations, seed=11), batch_size=4, workers=0) as loader:
            batches = list(loader.epoch(epoch))
        for batch in batches:
            for number, key in enumerate(batch.keys):
                stem, _, ending = names[key].partition(".")
                path = f"{stem}__{epoch}.{ending}"
                written, rate = soundfile.read(tmp_path / "out" / path)
                assert batch.words[number] == made[path]["words"] and batch.phones[number] == made[path]["phones"]
                assert batch.rate[number] == rate and batch.audio[number].shape == (1, len(written))
                assert np.abs(np.clip(batch.audio[number][0], -1, 1) - written).max() < 1 / 32_768
    with Loader(tmp_path / "out", batch_size=12, workers=0, shuffle=False) as loader:
        (batch,) = loader
    assert [len(words) for words in batch.words] == [len(row["words"]) for row in made.values()]
    assert len({len(words) for words in batch.words}) > 1 and len(batch.audio) == 12
