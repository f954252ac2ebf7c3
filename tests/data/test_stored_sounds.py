"""Sounds that stay in their files: what is read of them, against reading all and cutting."""

import io

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from covary import Loader, OneOf, Pipeline, audio
from covary.data import open_dataset
from covary.data.audio import AudioError, StoredSound, open_sound, read_audio
from covary.data.subset import Subset
from covary.draws.distributions import Uniform
from covary.targets.events import Waveform

RATE = 8000
# Format, subtype, and whether a part of such a file can be read by itself.
KINDS = (
    ("WAV", "PCM_16", True),
    ("WAV", "PCM_24", True),
    ("WAV", "FLOAT", True),
    ("WAV", "ULAW", True),
    ("FLAC", "PCM_16", True),
    ("AIFF", "PCM_16", True),
    ("WAV", "GSM610", False),
    ("WAV", "IMA_ADPCM", False),
    ("OGG", "VORBIS", False),
    ("OGG", "OPUS", False),
    ("MP3", "MPEG_LAYER_III", False),
)


def wave(samples=12_000, channels=1, seed=0):
    noise = np.random.default_rng(seed).normal(0, 0.1, (samples, channels))
    return (noise + 0.3 * np.sin(np.arange(samples) / 9)[:, None]).astype(np.float32)


def encoded(samples, format="WAV", subtype="PCM_16"):
    file = io.BytesIO()
    soundfile.write(file, samples, RATE, format=format, subtype=subtype)
    return file.getvalue()


FILES = {(format, subtype): encoded(wave(), format, subtype) for format, subtype, _ in KINDS}


class Counting:
    """A stored sound that remembers what was read of it."""

    def __init__(self, sound):
        self._sound = sound
        self.channels, self.length, self.rate = sound.channels, sound.length, sound.rate
        self.asked = []

    def read(self, start=0, stop=None):
        self.asked.append((start, stop))
        return self._sound.read(start, stop)


@pytest.mark.parametrize(("format", "subtype", "exact"), KINDS)
def test_any_part_equals_the_slice_of_what_soundfile_reads(format, subtype, exact):
    data = FILES[format, subtype]
    whole, _ = soundfile.read(io.BytesIO(data), dtype="float32", always_2d=True)
    sound = open_sound(data)
    assert sound.exact == exact and sound.length == len(whole) and sound.subtype == subtype
    for start, stop in ((0, 100), (1, 2), (3_000, 9_000), (len(whole) - 700, None), (0, None)):
        assert np.array_equal(sound.read(start, stop), whole[start:stop].T)
    part, _ = read_audio(data, offset=0.5, duration=0.25)
    assert np.array_equal(part, whole[4_000:6_000].T)


@given(
    seed=st.integers(0, 1000),
    kind=st.sampled_from(KINDS[:6]),
    crop=st.floats(0.05, 2.5),
    first=st.sampled_from(("crop", "reverse", "shift", "pad", "gain")),
)
@settings(max_examples=40, deadline=None)
def test_a_pipeline_on_a_stored_sound_equals_it_on_the_samples(seed, kind, crop, first):
    before = {
        "crop": [],
        "reverse": [audio.Reverse()],
        "shift": [audio.Shift((-0.2, 0.2))],
        "pad": [audio.Pad(2.0)],
        "gain": [audio.Gain((-6, 6))],
    }[first]
    behind = [audio.TimeStretch((0.8, 1.2), p=0.3), audio.LowPass((500, 3000)), audio.GaussianSNR((5, 30))]
    pipeline = Pipeline([*before, audio.RandomCrop(crop), *behind], seed=seed)
    sound = open_sound(FILES[kind[:2]])
    events = [(0.1, 0.3, "a"), (0.7, 1.4, "b")]
    expected = pipeline(audio=sound.read(), rate=RATE, events=events, key="k", epoch=seed)
    made = pipeline(audio=sound, events=events, key="k", epoch=seed)
    assert np.array_equal(made["audio"], expected["audio"]) and made["events"] == expected["events"]


@pytest.mark.parametrize(
    ("operations", "most"),
    [
        ([audio.RandomCrop(0.25)], 2_000),
        ([audio.RandomCrop(0.5), audio.RandomCrop(0.25), audio.Gain((-3, 3))], 2_000),
        ([audio.RandomCrop(0.25), audio.Trim(40)], 2_000),
        ([audio.Reverse(), audio.RandomCrop(0.25), audio.TimeStretch((0.8, 0.9))], 2_000),
        ([OneOf([audio.RandomCrop(0.25), audio.RandomCrop(0.5)])], 4_000),
        ([audio.Gain((-3, 3)), audio.RandomCrop(0.25)], 12_000),
        ([audio.Speed((1.4, 1.5)), audio.RandomCrop(0.25)], 12_000),
        ([audio.Trim(40), audio.RandomCrop(0.25)], 12_000),
    ],
)
def test_no_more_is_read_than_a_crop_that_comes_first_leaves(operations, most):
    for epoch in range(5):
        sound = Counting(open_sound(FILES["WAV", "PCM_16"]))
        pipeline = Pipeline(operations, seed=3)
        made = pipeline(audio=sound, key="k", epoch=epoch)["audio"]
        lengths = [(sound.length if stop is None else stop) - start for start, stop in sound.asked]
        assert all(length <= most for length in lengths)
        assert np.array_equal(made, pipeline(audio=sound.read(), rate=RATE, key="k", epoch=epoch)["audio"])


def test_variations_of_one_sound_share_what_they_need_where_that_is_less():
    pipeline = Pipeline([audio.RandomCrop(1.0)], seed=1)
    short, long = (Counting(open_sound(encoded(wave(n)))) for n in (12_000, 400_000))
    for sound, reads in ((short, 1), (long, 3)):
        varied = pipeline.batch(audio=[sound] * 3, keys=["k"] * 3, epoch=[0, 1, 2])["audio"]
        assert len(sound.asked) == reads
        for epoch, made in enumerate(varied):
            assert np.array_equal(made, pipeline(audio=sound.read(), rate=RATE, key="k", epoch=epoch)["audio"])


def test_companions_are_cut_where_their_sound_was_and_what_does_not_move_stays_whole():
    values = wave()[:, 0]
    for kinds in (("time", "level"), ("level",)):
        pipeline = Pipeline([audio.RandomCrop(0.25), audio.Gain((-6, 6))], time_labels={"other": Waveform(kinds)})
        sound = open_sound(encoded(wave(), subtype="FLOAT"))
        expected = pipeline(audio=sound.read(), rate=RATE, clean=values, other=values, key=1)
        made = pipeline(audio=sound, clean=values, other=values, key=1)
        for name in ("audio", "clean", "other"):
            assert np.array_equal(made[name], expected[name])
    with pytest.raises(ValueError, match="clean"):
        pipeline(audio=sound, clean=values[:-1], key=1)


def test_cut_off_and_empty_files_are_told(tmp_path):
    whole = encoded(wave(), "FLAC")
    (tmp_path / "a.flac").write_bytes(whole[: len(whole) * 2 // 3])
    with pytest.raises(AudioError, match=r"a\.flac: .*(damaged|lost sync|ends after)"):
        read_audio(tmp_path / "a.flac")
    streamed = bytearray(whole)
    streamed[21] &= 0xF0  # a length of 0: not known
    streamed[22:26] = bytes(4)
    with pytest.raises(AudioError, match="does not say how long"):
        read_audio(bytes(streamed))
    with pytest.raises(AudioError, match="no samples"):
        open_sound(encoded(wave(0)))


@pytest.fixture
def folder(tmp_path):
    for number in range(6):
        path = tmp_path / "in" / "ab"[number % 2] / f"{number}.flac"
        path.parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(path, wave(9_000 + 500 * number, 1 + number % 2, number), RATE)
    return tmp_path / "in"


@pytest.mark.parametrize("cache", [None, "100MB"])
def test_the_loader_reads_parts_and_gives_what_a_call_gives(folder, cache, monkeypatch):
    pipeline = Pipeline([audio.RandomCrop(0.25), audio.GaussianNoise(0.01)], seed=2)
    dataset = open_dataset(folder)
    expected = {key: pipeline(**dataset.read(i), key=key) for i, key in enumerate(dataset.keys)}
    read = []
    whole = StoredSound.read

    def noted(self, start=0, stop=None):
        part = whole(self, start, stop)
        read.append(part.shape[1])
        return part

    monkeypatch.setattr(StoredSound, "read", noted)
    options = {} if cache is None else {"cache": cache}
    with Loader(folder, pipeline, batch_size=4, workers=0, **options) as loader:
        batches = list(loader)
    for batch in batches:
        for row, key in enumerate(batch.keys):
            assert np.array_equal(batch.audio[row], expected[key]["audio"]) and batch.rate[row] == RATE
    assert len(read) == 6 and (max(read) == 2_000 if cache is None else min(read) == 9_000)


@pytest.mark.parametrize("pipeline", [None, Pipeline([])])
def test_without_operations_on_sounds_the_loader_gives_samples(folder, pipeline):
    dataset = Subset(open_dataset(folder), [4, 1])
    with Loader(dataset, pipeline, batch_size=2, shuffle=False, workers=0) as loader:
        (batch,) = loader
    assert [sound.shape for sound in batch.audio] == [(2, 10_500), (1, 10_000)]
    assert isinstance(dataset.stored(0)["audio"], StoredSound)


def test_files_that_break_off_behind_their_head_are_left_out(folder):
    data = (folder / "a/0.flac").read_bytes()
    (folder / "a/0.flac").write_bytes(data[:200] + bytes(len(data) - 200))
    loader = Loader(folder, Pipeline([audio.RandomCrop(0.25)]), batch_size=6, workers=0)
    with loader, pytest.warns(UserWarning, match="1 samples cannot be used"):
        (batch,) = loader
    assert len(batch.audio) == 5
    assert loader.problems[0].key == "a/0.flac" and "a/0.flac" in loader.problems[0].reason


def test_noise_in_a_range_is_drawn_as_for_samples():
    # A distribution that listens to nothing, over a batch of stored sounds and samples.
    pipeline = Pipeline([audio.RandomCrop(0.25), audio.Gain(Uniform(-6, 6))], seed=5)
    sound = open_sound(FILES["WAV", "FLOAT"])
    mixed = pipeline.batch(audio=[sound, sound.read()], rate=[RATE, RATE], keys=["k", "k"], epoch=[1, 1])["audio"]
    assert np.array_equal(mixed[0], mixed[1])
