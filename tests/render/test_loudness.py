"""Loudness, held to what ITU-R BS.1770 and EBU Tech 3341 print."""

from __future__ import annotations

import numpy as np
import pytest

from covary.render.loudness import k_weighting, loudness_lufs, sounding_rms


def sine(hertz: float, dbfs: float, seconds: float, rate: int = 48000, channels: int = 2) -> np.ndarray:
    wave = 10 ** (dbfs / 20) * np.sin(2 * np.pi * hertz * np.arange(round(seconds * rate)) / rate)
    return np.tile(wave.astype(np.float32), (channels, 1))


def test_k_weighting_at_48_khz_equals_the_printed_coefficients() -> None:
    shelf, high = k_weighting(48000)
    printed = [1.53512485958697, -2.69169618940638, 1.19839281085285, 1, -1.69065929318241, 0.73248077421585]
    np.testing.assert_allclose(shelf, printed, atol=1e-10)
    np.testing.assert_allclose(high, [1, -2, 1, 1, -1.99004745483398, 0.99007225036621], atol=1e-10)


def test_bs1770_reference_tone_997_hz_in_one_channel_is_minus_3_01() -> None:
    wave = sine(997, 0, 20, channels=1)
    assert loudness_lufs(wave, 48000) == pytest.approx(-3.01, abs=0.01)


@pytest.mark.parametrize("rate", [16000, 44100, 48000, 96000])
@pytest.mark.parametrize("level", [-23.0, -33.0])
def test_ebu_3341_cases_1_and_2(rate: int, level: float) -> None:
    assert loudness_lufs(sine(1000, level, 20, rate), rate) == pytest.approx(level, abs=0.1)


@pytest.mark.parametrize(
    "parts",
    [
        [(-36, 10), (-23, 60), (-36, 10)],
        [(-72, 10), (-36, 10), (-23, 60), (-36, 10), (-72, 10)],
        [(-26, 20), (-20, 20.1), (-26, 20)],
    ],
    ids=["case 3", "case 4", "case 5"],
)
def test_ebu_3341_gating_cases(parts: list[tuple[float, float]]) -> None:
    wave = np.concatenate([sine(1000, level, seconds) for level, seconds in parts], axis=1)
    assert loudness_lufs(wave, 48000) == pytest.approx(-23, abs=0.1)


def test_ebu_3341_case_6_five_channels() -> None:
    levels = (-28, -28, -24, -30, -30)
    wave = np.concatenate([sine(1000, level, 20, channels=1) for level in levels])
    assert loudness_lufs(wave, 48000) == pytest.approx(-23, abs=0.1)


def test_silence_and_nothing_have_no_loudness() -> None:
    assert loudness_lufs(np.zeros((1, 100), dtype=np.float32), 8000) == -np.inf
    assert loudness_lufs(np.zeros((2, 0), dtype=np.float32), 8000) == -np.inf


def test_sounding_rms_leaves_silence_out() -> None:
    wave = np.zeros((2, 100), dtype=np.float32)
    wave[0, :25] = 0.5
    assert sounding_rms(wave) == pytest.approx(0.5 / np.sqrt(2))
    # The zeros of a tone are not silence.
    tone = np.tile(np.float32([0, 1, 0, -1]), 100)[None]
    assert sounding_rms(tone) == pytest.approx(np.sqrt(0.5))
