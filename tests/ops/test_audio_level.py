"""Gains, transitions, normalising and clipping, held to closed forms."""

from __future__ import annotations

import numpy as np
import pytest
from sounding import level_db, noise, tone, vary

from covary import audio
from covary.render.loudness import loudness_lufs


def test_gain_is_its_decibels_and_leaves_the_input_alone() -> None:
    wave = noise(4000, 2)
    before = wave.copy()
    made = vary(audio.Gain((6.0, 6.0)), wave).wave
    np.testing.assert_allclose(made, wave * 10 ** (6 / 20), rtol=1e-6)
    assert np.array_equal(wave, before) and made.dtype == np.float32


def test_single_number_is_a_distance_either_side_of_no_gain() -> None:
    assert audio.Gain(6) == audio.Gain((-6, 6))
    assert audio.Gain(6).with_strength(0.5) == audio.Gain(3)


def test_polarity_inversion_is_minus_and_exact_twice() -> None:
    wave = noise()
    assert np.array_equal(vary(audio.PolarityInversion(p=1), wave).wave, -wave)
    twice = [audio.PolarityInversion(p=1), audio.PolarityInversion(p=1)]
    assert np.array_equal(vary(twice, wave).wave, wave)


def test_transition_is_straight_in_decibels() -> None:
    ones = np.ones(16000, dtype=np.float32)
    made = 20 * np.log10(vary(audio.GainTransition((-20, -20), (0, 0), (0.25, 0.25)), ones, keys=[4]).wave)
    slope = np.diff(made)
    assert made[0] == pytest.approx(-20, abs=0.01) or slope[0] > 0
    inside = slope[(slope > 1e-6)]
    assert inside[1:-1] == pytest.approx(20 / 4000, rel=0.01)


@pytest.mark.parametrize("measure", ["peak", "rms", "lufs"])
def test_normalize_reaches_its_target(measure: str) -> None:
    wave = noise(32000, 2, scale=0.03)
    made = vary(audio.Normalize(measure, -18.0), wave).wave
    reached = {
        "peak": 20 * np.log10(np.abs(made).max()),
        "rms": level_db(made),
        "lufs": loudness_lufs(made, 16000),
    }[measure]
    assert reached == pytest.approx(-18, abs=0.01)


def test_normalize_leaves_silence_and_with_only_above_what_is_softer() -> None:
    silence = np.zeros(1000, dtype=np.float32)
    for measure in ("peak", "rms", "lufs"):
        assert np.array_equal(vary(audio.Normalize(measure), silence).wave, silence)
    soft, loud = noise(scale=0.001), tone(100, scale=1.0)
    limit = audio.Normalize("peak", -6.0, only_above=True)
    assert np.array_equal(vary(limit, soft).wave, soft)
    assert np.abs(vary(limit, loud).wave).max() == pytest.approx(10 ** (-6 / 20), rel=1e-5)


def test_clip_equals_numpy_clip() -> None:
    wave = noise(scale=1.0)
    assert np.array_equal(vary(audio.Clip(-0.5, 0.25), wave).wave, np.clip(wave, -0.5, 0.25))


def test_wrong_arguments_are_named() -> None:
    with pytest.raises(ValueError, match="Normalize: measure is 'loud'; allowed: peak, rms, lufs"):
        audio.Normalize("loud")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="Clip: low is 1"):
        audio.Clip(1.0, 0.0)


@pytest.mark.parametrize("dtype", ["int16", "int32", "float64"])
def test_what_comes_in_comes_out(dtype: str) -> None:
    full = {"int16": 2.0**15, "int32": 2.0**31, "float64": 1.0}[dtype]
    wave = (noise(scale=0.1) * full).astype(dtype)
    made = vary(audio.Gain((-6.0206, -6.0206)), wave).wave
    assert made.dtype == wave.dtype
    assert np.abs(made / full - wave / full / 2).max() < 2e-5


def test_integers_are_clipped_at_full_scale() -> None:
    wave = np.array([20000, -20000, 0], dtype=np.int16)
    assert vary(audio.Gain((12, 12)), wave).wave.tolist() == [32767, -32768, 0]
