"""The fast path for sounds against the float64 reference, over random chains of operations; the reference against
SciPy.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parents[1] / "ops"))

from sounding import noise, tone, vary

from covary import OneOf, audio
from covary.ops.audio.sounds import Sounds
from covary.ops.base import Operation
from covary.render.audio_reference import render_reference, summed

RATE = 8000
RESPONSE = (noise(500, 2, seed=5) * np.exp(-np.arange(500) / 90)).astype(np.float32)
OPERATIONS: list[Operation] = [
    audio.Gain(),
    audio.GainTransition(seconds=0.1),
    audio.PolarityInversion(),
    audio.Normalize("rms"),
    audio.Normalize("lufs"),
    audio.TimeMask(),
    audio.RandomCrop(0.15),
    audio.Pad(0.3, place="random"),
    audio.Reverse(),
    audio.Shift(),
    audio.Splice(seconds=0.02),
    audio.Repeat(seconds=0.05),
    audio.GaussianNoise(),
    audio.GaussianSNR(),
    audio.ColorNoise(),
    audio.Hum(),
    audio.BackgroundNoise(Sounds([noise(3000, seed=8)], 6000)),
    audio.LowPass(),
    audio.HighPass(zero_phase=False),
    audio.SevenBandEQ(),
    audio.AirAbsorption(),
    audio.ImpulseResponse(Sounds([RESPONSE], RATE)),
    audio.Room(seconds=0.1),
    audio.Echo(seconds=0.02),
    audio.Clip(-0.2, 0.2),
    OneOf([audio.LowShelf(), audio.HighShelf(), audio.Peaking()]),
]


@settings(max_examples=50, deadline=None)
@given(st.lists(st.sampled_from(OPERATIONS), min_size=1, max_size=5), st.integers(0, 10_000), st.sampled_from([1, 2]))
def test_chains_agree_with_the_reference(chain: list[Operation], key: int, channels: int) -> None:
    # Sums of tones below a third of the rate: what two resamplers should agree on.
    wave = np.stack([tone(200, 0.2, RATE) + tone(1300 + 100 * channel, 0.2, RATE, 0.2) for channel in range(channels)])
    wave *= np.hanning(wave.shape[1]).astype(np.float32)
    result = vary(chain, wave, RATE, keys=[key])
    (expected,) = render_reference(result.plan, [wave])
    assert result.wave.shape == expected.shape
    scale = max(float(np.abs(expected).max()), 1e-6)
    np.testing.assert_allclose(result.wave, expected, atol=5e-4 * scale)


@pytest.mark.parametrize("factor", [0.75, 1.4])
def test_vocoder_agrees_with_its_plain_form(factor: float) -> None:
    wave = tone(440, 0.4, RATE) + tone(1000, 0.4, RATE, 0.1) + noise(3200, scale=0.01)
    wave[1500] += 0.8
    result = vary(audio.TimeStretch((factor, factor)), wave, RATE)
    (expected,) = render_reference(result.plan, [wave])
    np.testing.assert_allclose(result.wave, expected[0], atol=2e-3)


@pytest.mark.parametrize("operation", [audio.Jitter(), audio.WowFlutter()])
def test_uneven_resampling_agrees_with_sums_of_sincs(operation: Operation) -> None:
    wave = (tone(300, 0.5, RATE) + tone(1900, 0.5, RATE, 0.3)) * np.hanning(4000).astype(np.float32)
    result = vary(operation, wave, RATE)
    (expected,) = render_reference(result.plan, [wave])
    np.testing.assert_allclose(result.wave, expected[0], atol=1e-3)


@pytest.mark.parametrize("ratio", [0.5, 0.9, 1.3, 2.0])
def test_resampling_agrees_with_sums_of_sincs(ratio: float) -> None:
    wave = (tone(300, 0.5, RATE) + tone(900, 0.5, RATE, 0.3)) * np.hanning(4000).astype(np.float32)
    result = vary(audio.Speed((ratio, ratio)), wave, RATE)
    (expected,) = render_reference(result.plan, [wave])
    np.testing.assert_allclose(result.wave, expected[0], atol=2e-3)


def test_sums_of_sincs_equal_a_tone_in_closed_form() -> None:
    wave = np.sin(0.3 * np.arange(4000))[None]
    places = 1000 + 0.77 * np.arange(2000)
    np.testing.assert_allclose(summed(wave, places, 1.0)[0], np.sin(0.3 * places), atol=1e-4)


@pytest.mark.parametrize("dtype", ["int16", "int32"])
def test_integers_agree_to_their_rounding(dtype: str) -> None:
    full = 2.0 ** (15 if dtype == "int16" else 31)
    wave = (tone(300, 0.2, RATE) * full).astype(dtype)
    result = vary([audio.LowPass(), audio.Gain((-3, -3))], wave, RATE)
    (expected,) = render_reference(result.plan, [wave])
    assert result.wave.dtype == wave.dtype
    np.testing.assert_allclose(result.wave / full, expected[0], atol=1 / 2**15)
