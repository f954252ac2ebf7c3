"""Other sounds mixed in: from folders and arrays of any rate and channels, at measured ratios."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile
from sounding import level_db, noise, tone, vary

from covary import audio
from covary.ops.audio import sounds as module
from covary.ops.audio.sounds import Sounds


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three files: other rates, channels and formats."""
    (tmp_path / "deep").mkdir()
    soundfile.write(tmp_path / "a.wav", tone(1000, 3.0, 8000), 8000)
    soundfile.write(tmp_path / "deep" / "b.flac", np.stack([tone(1000, 2.0, 44100)] * 2, axis=1), 44100)
    soundfile.write(tmp_path / "c.ogg", tone(1000, 0.2, 22050), 22050)
    (tmp_path / "notes.txt").write_text("no sound")
    return tmp_path


def added(made: np.ndarray, wave: np.ndarray) -> np.ndarray:
    return made.astype(np.float64) - wave


@pytest.mark.parametrize("channels", [None, 1, 2, 3])
def test_ratio_is_exact_whatever_the_file(folder: Path, channels: int | None) -> None:
    wave = noise(16000, channels)
    for made in vary(audio.BackgroundNoise(folder, 7.0), [wave] * 12).waves:
        assert level_db(wave) - level_db(added(made, wave)) == pytest.approx(7, abs=0.1)


def test_the_noise_own_silence_is_left_out() -> None:
    gappy = np.zeros(32000, dtype=np.float32)
    for start in range(0, 32000, 4000):
        gappy[start : start + 1000] = noise(1000, seed=start)
    wave = noise(32000, seed=99)
    difference = added(vary(audio.BackgroundNoise(Sounds([gappy], 16000), 10.0), wave).wave, wave)
    sounding = difference[np.abs(difference) > 1e-7]
    assert level_db(wave) - level_db(sounding) == pytest.approx(10, abs=0.1)


def test_any_rate_is_resampled_a_tone_stays_its_tone(folder: Path) -> None:
    wave = np.full(16000, 1e-3, dtype=np.float32)
    for made in vary(audio.BackgroundNoise(folder, -40.0), [wave] * 6).waves:
        spectrum = np.abs(np.fft.rfft(added(made, wave) * np.hanning(16000)))
        assert abs(int(spectrum.argmax()) - 1000) <= 1


def test_short_ones_are_played_again_and_again(folder: Path) -> None:
    wave = np.full(16000, 1e-3, dtype=np.float32)
    made = added(vary(audio.BackgroundNoise(str(folder / "c.ogg"), -20.0), wave).wave, wave)
    assert (np.abs(made.reshape(20, -1)).max(axis=1) > 0).all()


def test_short_noises_have_their_ratio_where_they_sound(folder: Path) -> None:
    wave = noise(32000)
    result = vary(audio.ShortNoises(folder, snr_db=6.0, count=1, fade_seconds=0, most_seconds=0.3), [wave] * 8)
    for made in result.waves:
        difference = added(made, wave)
        places = np.flatnonzero(np.abs(difference) > 1e-4 * np.abs(difference).max())
        heard = difference[places[0] : places[-1] + 1]
        assert 100 < len(heard) <= 0.31 * 16000
        assert level_db(wave) - level_db(heard) == pytest.approx(6, abs=0.1)


def test_parts_of_large_collections_are_read_from_their_files(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    banked = Sounds(folder)
    monkeypatch.setattr(module, "_LARGEST_BANK", 0)
    for rate in (8000, 16000, 44100):
        unbanked = Sounds(folder)
        for index in range(3):
            length = min(1500, banked.length(index, rate) - 1)
            one, other = (sounds.part(index, rate, 0.6, length) for sounds in (banked, unbanked))
            # The middle, as a resampler begins anew at the edges of what it gets.
            assert np.abs(one - other)[:, 20:-20].max() < 0.03


def test_same_key_same_noise_in_any_batch(folder: Path) -> None:
    operation = audio.BackgroundNoise(folder)
    wave = noise(9000)
    many = vary(operation, [wave] * 4, keys=["a", "b", "c", "d"], threads=2).waves
    for key, made in zip("abcd", many, strict=True):
        assert np.array_equal(vary(operation, wave, keys=[key]).wave, made)


def test_wrong_sounds_are_named(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="BackgroundNoise: sounds is None; allowed: a folder"):
        audio.BackgroundNoise(None)
    with pytest.raises(ValueError, match="sounds is a list of arrays; allowed"):
        audio.BackgroundNoise([np.zeros(3, dtype=np.float32)])
    with pytest.raises(ValueError, match="BackgroundNoise: no sound in"):
        vary(audio.BackgroundNoise(tmp_path), noise(10))
    (tmp_path / "torn.wav").write_bytes(b"RIFF")
    with pytest.raises(ValueError, match=r"torn\.wav is no sound that can be read"):
        Sounds(tmp_path)
    with pytest.raises(FileNotFoundError, match="there is no"):
        Sounds(tmp_path / "missing")
    with pytest.raises(ValueError, match="arrays need their rate"):
        Sounds([np.zeros(3, dtype=np.float32)])
