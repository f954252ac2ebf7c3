"""Rooms: convolution held to SciPy, made-up rooms to their reverberation time, direct paths to their place."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile
from scipy.signal import fftconvolve
from sounding import level_db, noise, vary

from covary import audio
from covary.ops.audio.sounds import Sounds
from covary.ops.audio.space import made_up

RATE = 16000


def response(length: int = 3000, origin: int = 40, channels: int = 1) -> np.ndarray:
    made = noise(length, channels, scale=0.05) * np.exp(-np.arange(length) / 400).astype(np.float32)
    made[:, :origin] *= 0.1
    made[:, origin] = 1
    return made.astype(np.float32)


def test_convolution_equals_scipy_and_the_direct_path_stays() -> None:
    wave, taps = noise(8000), response()
    made = vary(audio.ImpulseResponse(Sounds([taps], RATE), level="recorded"), wave).wave
    expected = fftconvolve(wave.astype(np.float64), taps[0])[40 : 40 + 8000]
    np.testing.assert_allclose(made, expected, atol=1e-5)
    click = np.zeros(8000, dtype=np.float32)
    click[3000] = 1
    assert vary(audio.ImpulseResponse(Sounds([taps], RATE)), click).wave.argmax() == 3000
    late = vary(audio.ImpulseResponse(Sounds([taps], RATE), align=False), click).wave
    assert late.argmax() == 3040


def test_unit_impulse_leaves_a_quiet_clip_alone() -> None:
    quiet = noise(4000, scale=1e-3)
    for loud in (1.0, 0.01):
        delta = np.zeros(100, dtype=np.float32)
        delta[10] = loud
        made = vary(audio.ImpulseResponse(Sounds([delta], RATE)), quiet).wave
        np.testing.assert_allclose(made, quiet, atol=1e-7)


def test_level_of_noise_is_kept() -> None:
    wave = noise(64000)
    made = vary(audio.ImpulseResponse(Sounds([response() * 7], RATE)), wave).wave
    assert level_db(made) == pytest.approx(level_db(wave), abs=0.5)


def test_wet_share_is_a_straight_mix() -> None:
    wave, sounds = noise(4000), Sounds([response()], RATE)
    dry, half, wet = (vary(audio.ImpulseResponse(sounds, share), wave).wave for share in (0.0, 0.5, 1.0))
    np.testing.assert_allclose(dry, wave, atol=1e-6)
    np.testing.assert_allclose(half, (wet + wave) / 2, atol=1e-5)


def test_channels_are_matched_or_the_first_is_used() -> None:
    stereo, mono = response(channels=2), noise(2000)
    sounds = Sounds([stereo], RATE)
    both = vary(audio.ImpulseResponse(sounds, level="recorded"), np.stack([mono, mono])).wave
    for channel in range(2):
        expected = fftconvolve(mono, stereo[channel])[40:2040]
        np.testing.assert_allclose(both[channel], expected, atol=1e-5)
    np.testing.assert_allclose(vary(audio.ImpulseResponse(sounds, level="recorded"), mono).wave, both[0], atol=1e-5)


def test_folder_of_any_rate_is_resampled(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "hall.wav", response(4000)[0], 48000)
    click = np.zeros(4000, dtype=np.float32)
    click[1000] = 0.5
    made = vary(audio.ImpulseResponse(tmp_path), click).wave
    assert abs(int(np.abs(made).argmax()) - 1000) <= 1


def test_silent_response_is_named() -> None:
    with pytest.raises(ValueError, match=r"impulse response \(number 0\) is silent"):
        vary(audio.ImpulseResponse(Sounds([np.zeros(5, dtype=np.float32)], RATE)), noise(10))


def reverberation_seconds(taps: np.ndarray, rate: int) -> float:
    """T30 by Schroeder's backward integration, ISO 3382."""
    left = 10 * np.log10(np.cumsum(np.square(taps[::-1], dtype=np.float64))[::-1] + 1e-30)
    left -= left[0]
    start, stop = np.argmax(left < -10), np.argmax(left < -40)
    return -60 / np.polyfit(np.arange(start, stop) / rate, left[start:stop], 1)[0]


@pytest.mark.parametrize("seconds", [0.2, 0.5, 1.0, 2.0])
def test_reverberation_time_by_schroeder(seconds: float) -> None:
    times = [reverberation_seconds(made_up(RATE, stream, seconds, 8.0, 2.0, 1.0, 1)[0][0], RATE) for stream in range(6)]
    assert np.median(times) == pytest.approx(seconds, rel=0.15)


def test_direct_over_reverberant_follows_the_distance() -> None:
    def ratio(distance: float) -> float:
        taps = [made_up(RATE, stream, 0.6, 10.0, distance, 1.0, 1)[0][0] for stream in range(20)]
        return float(np.median([10 * np.log10(t[0] ** 2 / np.sum(t[1:] ** 2)) for t in taps]))

    assert ratio(0.5) - ratio(2.0) == pytest.approx(12, abs=2.5)


def test_room_keeps_place_and_level_and_varies_with_the_key() -> None:
    wave = noise(32000)
    made = vary(audio.Room(), [wave] * 8).waves
    assert len({sound.tobytes() for sound in made}) == 8
    for sound in made:
        assert level_db(sound) == pytest.approx(level_db(wave), abs=1.5)
    click = np.zeros(16000, dtype=np.float32)
    click[4000] = 1
    for sound in vary(audio.Room(), [click] * 8).waves:
        first = np.flatnonzero(np.abs(sound) > 1e-3 * np.abs(sound).max())[0]
        assert first == 4000 and np.abs(sound[4000]) >= 0.3 * np.abs(sound).max()


def test_dry_room_and_no_echo_do_nothing() -> None:
    wave = noise(5000)
    np.testing.assert_allclose(vary(audio.Room(wet=0.0), wave).wave, wave, atol=1e-6)
    np.testing.assert_allclose(vary(audio.Echo(times=0), wave).wave, wave, atol=1e-6)


def test_echoes_come_in_time_and_softer() -> None:
    click = np.zeros(16000, dtype=np.float32)
    click[100] = 1
    made = vary(audio.Echo(0.1, 6.0206, 3), click).wave
    np.testing.assert_allclose(made[[100, 1700, 3300, 4900]], [1, 0.5, 0.25, 0.125], atol=1e-5)
    assert np.abs(made[5000:]).max() < 1e-5


@pytest.mark.parametrize("rate", [8000, 192000])
@pytest.mark.parametrize("shape", [(0,), (1,), (2, 500)])
def test_any_rate_and_shape_passes(rate: int, shape: tuple[int, ...]) -> None:
    for operation in (audio.Room(), audio.Echo()):
        made = vary(operation, np.ones(shape, dtype=np.float32), rate).wave
        assert made.shape == shape and np.isfinite(made).all()
