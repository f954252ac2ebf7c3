"""Between-class learning: levels by the published A curve, mixtures by the paper's equations."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from covary import mix
from covary.ops.mix.sound import a_weighting_db, sound_pressure_level


def tone(frequency: float, amplitude: float, rate: int = 16000, seconds: float = 1.0) -> Any:
    return (amplitude * np.sin(2 * np.pi * frequency * np.arange(int(rate * seconds)) / rate)).astype(np.float32)


def test_a_weighting_equals_the_table_of_iec_61672() -> None:
    # At the exact mid-frequencies of the octaves from 31.5 Hz to 8 kHz, to a tenth of a dB.
    table = [-39.4, -26.2, -16.1, -8.6, -3.2, 0.0, 1.2, 1.0, -1.1]
    np.testing.assert_allclose(a_weighting_db(1000 * 10 ** (0.3 * np.arange(-5, 4))), table, atol=0.06)


@pytest.mark.parametrize("rate", [8000, 16000, 44100])
def test_level_of_a_sine_is_its_power_and_weighting(rate: int) -> None:
    unweighted = sound_pressure_level(tone(1000, 0.5, rate), None)
    # Of an amplitude of 0.5: -6.02 dB against a full-scale sine.
    assert unweighted == pytest.approx(20 * np.log10(0.5), abs=0.1)
    assert sound_pressure_level(tone(1000, 0.5, rate), rate) == pytest.approx(unweighted, abs=0.1)
    low = sound_pressure_level(tone(125, 0.5, rate), rate)
    assert low - unweighted == pytest.approx(-16.1, abs=0.5)


def test_level_is_that_of_the_loudest_part_and_has_a_floor() -> None:
    burst = np.concatenate([np.zeros(40000, np.float32), tone(1000, 0.5, seconds=0.5), np.zeros(40000, np.float32)])
    assert sound_pressure_level(burst, 16000) == pytest.approx(sound_pressure_level(tone(1000, 0.5), 16000), abs=0.2)
    assert sound_pressure_level(np.zeros(100, np.float32), 16000) == -80
    assert sound_pressure_level(np.stack([burst, burst]), 16000) == pytest.approx(sound_pressure_level(burst, 16000))


@pytest.mark.parametrize("channels", [None, 2])
def test_mixture_equals_the_papers_equations(channels: int | None) -> None:
    sounds = np.stack([tone(1000, 0.5), tone(1500, 0.05), tone(700, 0.2), tone(125, 0.4)])
    if channels:
        sounds = np.stack([sounds] * channels, axis=1)
    before = sounds.copy()
    out = mix.BCLearning(pairs=True)({"audio": sounds, "rate": 16000, "label": range(4)}, classes=4, seed=3)
    np.testing.assert_array_equal(sounds, before)
    for row in range(4):
        partner, r = out["target_b"][row], float(out["lam"][row])
        gap = sound_pressure_level(sounds[row], 16000) - sound_pressure_level(sounds[partner], 16000)
        p = 1 / (1 + 10 ** (gap / 20) * (1 - r) / r)
        truth = (p * sounds[row] + (1 - p) * sounds[partner]) / np.sqrt(p**2 + (1 - p) ** 2)
        np.testing.assert_allclose(out["audio"][row], truth, atol=1e-5)
        assert out["target"][row, row] == pytest.approx(r) and out["target"][row, partner] == pytest.approx(1 - r)


def test_each_sound_is_heard_by_its_share() -> None:
    # A thousandth of the partner's amplitude; yet at a share of one half both are heard alike.
    sounds = np.stack([tone(1000, 0.001), tone(2000, 1.0)])
    for epoch in range(50):
        out = mix.BCLearning(alpha=50.0, pairs=True)({"audio": sounds, "rate": [16000, 16000]}, epoch=epoch)
        spectrum = np.abs(np.fft.rfft(out["audio"][0]))
        own, other = spectrum[1000], spectrum[2000] * 10 ** (1.2 / 20)
        share = float(out["lam"][0])
        assert own / (own + other) == pytest.approx(share, abs=0.03)


def test_silence_and_single_sounds_are_safe() -> None:
    silent = np.zeros((2, 4000), np.float32)
    assert np.isfinite(mix.BCLearning()({"audio": silent})["audio"]).all()
    single = tone(500, 0.3)[None]
    np.testing.assert_array_equal(mix.BCLearning()({"audio": single})["audio"], single)


@pytest.mark.parametrize(
    ("fields", "error", "message"),
    [
        ({"audio": np.zeros((2, 9))}, TypeError, "BCLearning: audio is float64 .2, 9.; allowed: float32"),
        ({"audio": [np.zeros(9, np.float32)] * 2}, TypeError, "BCLearning: audio is a list; one NumPy array"),
        ({"audio": np.zeros((2, 9), np.float32), "rate": [8000, 16000]}, ValueError, "have rates .*: resample"),
        ({"image": np.zeros((2, 9), np.float32)}, ValueError, "BCLearning: no audio among the fields"),
    ],
)
def test_wrong_fields_are_refused(fields: Any, error: Any, message: str) -> None:
    with pytest.raises(error, match=message):
        mix.BCLearning()(fields)
