"""Audio files against soundfile, and the standard library's own reader of WAV."""

import io
import wave

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st
from writing import check_dataset

from covary.data.audio import AudioError, AudioFolder, read_audio
from covary.data.dataset import SampleError

RATE = 8000


def samples_of(seconds=1.0, channels=1, seed=0):
    return np.random.default_rng(seed).uniform(-0.5, 0.5, (round(seconds * RATE), channels)).astype(np.float32)


def encoded(samples, format="WAV", **options):
    file = io.BytesIO()
    soundfile.write(file, samples, RATE, format=format, **options)
    return file.getvalue()


@pytest.mark.parametrize("format", ("WAV", "FLAC", "OGG", "MP3", "AIFF"))
@pytest.mark.parametrize("channels", (1, 2))
def test_whole_files_equal_what_soundfile_reads(tmp_path, format, channels):
    path = tmp_path / ("a." + format.lower())
    path.write_bytes(encoded(samples_of(channels=channels), format))
    expected, _ = soundfile.read(path, dtype="float32", always_2d=True)
    for audio, rate in (read_audio(path), read_audio(path.read_bytes())):
        assert rate == RATE and audio.dtype == np.float32 and audio.flags.c_contiguous
        assert np.array_equal(audio, expected.T)


@given(st.floats(0, 0.99), st.floats(0.001, 1.5))
@settings(max_examples=40, deadline=None)
def test_a_part_is_the_slice_of_the_whole(offset, duration):
    samples = samples_of(channels=2)
    start = round(offset * RATE)
    audio, _ = read_audio(encoded(samples, subtype="FLOAT"), offset=offset, duration=duration)
    assert np.array_equal(audio, samples.T[:, start : start + max(1, round(duration * RATE))])


def test_values_equal_those_of_the_wave_module(tmp_path):
    values = np.array([0, 1, -1, 32767, -32768, 12345], np.int16)
    with wave.open(str(tmp_path / "a.wav"), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(values.tobytes())
    assert np.array_equal(read_audio(tmp_path / "a.wav")[0][0], values / np.float32(32768))


def test_folders_are_classes(tmp_path):
    for number, name in enumerate(("dog/a.wav", "cat/b.flac", "cat/deep/c.ogg", "cat/notes.txt")):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(
            b"x" if name.endswith("txt") else encoded(samples_of(0.1, seed=number), name[-4:].strip("."))
        )
    dataset = AudioFolder(tmp_path)
    assert list(dataset.keys) == ["cat/b.flac", "cat/deep/c.ogg", "dog/a.wav"]
    assert dataset.classes == ("cat", "dog") and dataset.labels.tolist() == [0, 0, 1]
    sample = dataset.read(2)
    assert list(sample) == ["audio", "rate", "label"] and sample["audio"].shape == (1, 800)
    check_dataset(dataset)


def test_files_that_cannot_be_read_are_named(tmp_path):
    (tmp_path / "a.wav").write_bytes(encoded(samples_of())[:30])
    (tmp_path / "b.wav").write_bytes(b"")
    (tmp_path / "c.mp3").write_bytes(b"no audio at all" * 50)
    (tmp_path / "d.wav").write_bytes(encoded(samples_of(0)))
    dataset = AudioFolder(tmp_path)
    for index, key in enumerate(dataset.keys):
        with pytest.raises(SampleError, match=f"{key}: .*{key}: ") as caught:
            dataset.read(index)
        assert caught.value.key == key
    (tmp_path / "a.wav").unlink()
    with pytest.raises(FileNotFoundError, match=r"a\.wav"):
        dataset.read(0)
    with pytest.raises(AudioError, match="x: offset=-1"):
        read_audio(encoded(samples_of()), offset=-1, name="x")
    (tmp_path / "empty").mkdir()
    with pytest.raises(ValueError, match="no audio files"):
        AudioFolder(tmp_path / "empty")
