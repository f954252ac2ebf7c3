"""Made-up noise: ratios, slopes and lines, measured."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.signal import welch
from sounding import level_db, noise, tone, vary

from covary import audio


def test_gaussian_noise_has_its_deviation_and_is_normal() -> None:
    from scipy.stats import kurtosis, skew

    made = vary(audio.GaussianNoise(0.01), np.zeros((2, 200_000), dtype=np.float32)).wave
    assert made.std() == pytest.approx(0.01, rel=0.01)
    assert abs(skew(made[0])) < 0.03 and abs(kurtosis(made[0])) < 0.06
    assert abs(np.corrcoef(made)[0, 1]) < 0.01


@pytest.mark.parametrize("snr_db", [-5.0, 0.0, 12.5, 40.0])
@pytest.mark.parametrize("kind", ["GaussianSNR", "ColorNoise", "Hum"])
def test_ratio_is_exact_to_a_tenth_of_a_decibel(kind: str, snr_db: float) -> None:
    wave = tone(333, 2.0, scale=0.3)
    made = vary(getattr(audio, kind)(snr_db), wave).wave
    assert level_db(wave) - level_db(made.astype(np.float64) - wave) == pytest.approx(snr_db, abs=0.1)


@pytest.mark.parametrize("slope_db", [-6.02, -3.01, 0.0, 3.01, 6.02])
@pytest.mark.parametrize("rate", [8000, 44100])
def test_slope_by_welch_is_right_to_0_3_db_per_octave(slope_db: float, rate: int) -> None:
    wave = np.full(rate * 30, 1e-4, dtype=np.float32)
    made = vary(audio.ColorNoise(-60, (slope_db, slope_db)), wave, rate).wave
    frequency, power = welch(made - wave, rate, nperseg=rate // 4, window="blackmanharris")
    used = (frequency > 100) & (frequency < 0.45 * rate)
    fit = np.polyfit(np.log2(frequency[used]), 10 * np.log10(power[used]), 1)[0]
    assert fit == pytest.approx(slope_db, abs=0.3)


def test_hum_has_lines_at_the_harmonics_with_their_falloff() -> None:
    rate = 8000
    wave = np.full(rate * 4, 1e-3, dtype=np.float32)
    made = vary(audio.Hum(-40, frequency_hz=50.0, falloff_db=6.0), wave, rate).wave - wave
    spectrum = np.abs(np.fft.rfft(made * np.hanning(len(made))))
    lines = 20 * np.log10(spectrum[[200, 400, 800, 1600]])
    np.testing.assert_allclose(lines[0] - lines[1:], [6, 12, 18], atol=0.1)
    assert spectrum[300] < spectrum[1600] / 100


def test_silence_stays_silent_at_any_ratio() -> None:
    silence = np.zeros(1000, dtype=np.float32)
    for operation in (audio.GaussianSNR(), audio.ColorNoise(), audio.Hum()):
        assert not vary(operation, silence).wave.any()


@pytest.mark.parametrize("operation", [audio.GaussianNoise(), audio.GaussianSNR(), audio.ColorNoise(), audio.Hum()])
@pytest.mark.parametrize("shape", [(0,), (1,), (3, 2), (1, 700)])
def test_any_shape_passes(operation: audio.Gain, shape: tuple[int, ...]) -> None:
    made = vary(operation, noise(shape[-1], None if len(shape) == 1 else shape[0])).wave
    assert made.shape == shape and np.isfinite(made).all()


def test_numpy_and_the_compiled_kernels_give_the_same_noise(monkeypatch: pytest.MonkeyPatch) -> None:
    from covary import kernels
    from covary.gaussian import gaussian_wave

    if kernels.native is None:
        pytest.skip("the compiled kernels were not built")
    compiled = gaussian_wave(12345, 2, 1000)
    monkeypatch.setattr(kernels, "native", None)
    assert np.array_equal(gaussian_wave(12345, 2, 1000), compiled)
