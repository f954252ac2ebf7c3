"""Mel scales, log-mel spectrograms and MFCCs, held to published tables, to PyTorch's transform and to closed forms."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.fft import dct
from sounding import noise, tone

from covary.ops.audio import MFCC, LogMel
from covary.ops.audio.mel import hertz_to_mel, mel_filters, mel_to_hertz

# Mel centres of Slaney's toolbox for 40 bands up to 11025 Hz.
SLANEY = [0.0, 85.317, 170.635, 255.952, 341.269, 426.586, 511.904, 597.221, 682.538, 767.855, 853.173, 938.49]
SLANEY += [1024.856, 1119.114, 1222.042, 1334.436, 1457.167, 1591.187, 1737.532, 1897.337, 2071.84, 2262.393]
SLANEY += [2470.47, 2697.686, 2945.799, 3216.731, 3512.582, 3835.643, 4188.417, 4573.636, 4994.285, 5453.621]
SLANEY += [5955.205, 6502.92, 7101.009, 7754.107, 8467.272, 9246.028, 10096.408, 11025.0]


def test_slaney_scale_equals_the_published_table() -> None:
    made = mel_to_hertz(np.linspace(0, hertz_to_mel(11025.0), 40))
    np.testing.assert_allclose(made, SLANEY, atol=1e-3)
    np.testing.assert_allclose(hertz_to_mel([60, 110, 220, 440]), [0.9, 1.65, 3.3, 6.6], atol=1e-12)


def test_htk_scale_equals_its_formula_and_1000_hz_is_1000_mel() -> None:
    assert hertz_to_mel(1000.0, "htk") == pytest.approx(1000, abs=0.05)
    hertz = np.array([0.0, 700.0, 6300.0])
    np.testing.assert_allclose(hertz_to_mel(hertz, "htk"), 2595 * np.log10([1, 2, 10]))


@pytest.mark.parametrize("scale", ["slaney", "htk"])
def test_scales_are_undone(scale: str) -> None:
    hertz = np.linspace(0, 20000, 500)
    np.testing.assert_allclose(mel_to_hertz(hertz_to_mel(hertz, scale), scale), hertz, atol=1e-8)


def test_filters_are_triangles_of_unit_peak_or_area() -> None:
    htk = mel_filters(16000, 8192, 20, scale="htk", area=False)
    assert htk.max(axis=1) == pytest.approx(1, abs=0.05)
    # Neighbours cross so that between the outermost centres they sum to one.
    centres = htk.argmax(axis=1)
    np.testing.assert_allclose(htk[:, centres[0] : centres[-1]].sum(axis=0), 1, atol=1e-9)
    area = mel_filters(16000, 8192, 20).sum(axis=1) * 16000 / 8192
    np.testing.assert_allclose(area, 1, rtol=0.01)


def test_power_equals_torch_stft() -> None:
    torch = pytest.importorskip("torch")
    wave = noise(5000)
    for size, window, hop in ((512, None, 160), (400, 320, 100)):
        width = window or size
        expected = torch.stft(
            torch.from_numpy(wave), size, hop, width, torch.hann_window(width), center=True, return_complex=True
        )
        made = LogMel(size=size, window=window, hop=hop).power(wave)
        np.testing.assert_allclose(made, expected.abs().square().numpy(), rtol=1e-3, atol=1e-5)


def test_log_mel_is_the_log_of_filtered_power() -> None:
    wave = noise(4000, 2)
    front = LogMel(bands=40)
    expected = np.log(np.maximum(mel_filters(16000, 512, 40) @ front.power(wave).astype(np.float64), 1e-10))
    np.testing.assert_allclose(front(wave), expected, atol=1e-4)
    np.testing.assert_allclose(LogMel(bands=40, log="db")(wave), 10 * expected / np.log(10), atol=1e-3)
    assert front(wave).shape == (2, 40, front.frames(4000)) and front(wave).dtype == np.float32


def test_a_tone_is_in_its_band() -> None:
    front = LogMel(bands=80)
    peak = int(front(tone(1000)).mean(axis=1).argmax())
    edges = mel_to_hertz(np.linspace(0, hertz_to_mel(8000.0), 82))
    assert edges[peak] < 1000 < edges[peak + 2]


def test_cepstra_are_the_orthonormal_cosine_transform_and_lifters_htk() -> None:
    wave = noise(3000)
    logs = LogMel(bands=26, scale="htk", area=False)(wave)
    made = MFCC(bands=26, scale="htk", area=False)(wave)
    np.testing.assert_allclose(made, dct(logs, axis=0, norm="ortho")[:13], atol=1e-4)
    # HTK's own sum: sqrt(2 / N) sum m_j cos(pi i / N (j - 0.5)).
    n = np.arange(1, 13)[:, None]
    sums = np.sqrt(2 / 26) * np.cos(np.pi * n / 26 * (np.arange(1, 27) - 0.5)) @ logs
    np.testing.assert_allclose(made[1:], sums, atol=1e-4)
    lifted = MFCC(bands=26, scale="htk", area=False, lifter=22)(wave)
    np.testing.assert_allclose(lifted[5] / made[5], 1 + 11 * np.sin(np.pi * 5 / 22), rtol=1e-4)


def test_batches_are_padded_with_silence_and_know_their_lengths() -> None:
    waves = [noise(4000), noise(1600), noise(1)]
    front = LogMel()
    values, lengths = front.batch(waves)
    assert values.shape == (3, 80, 26) and lengths.tolist() == [26, 11, 1]
    np.testing.assert_array_equal(values[1][:, :11], front(waves[1]))
    np.testing.assert_allclose(values[1][:, 11:], np.log(1e-10), rtol=1e-5)
    assert (front.batch(waves, pad=0.0)[0][1][:, 11:] == 0).all()


def test_uncentred_frames_lie_within_the_sound() -> None:
    front = LogMel(centred=False)
    wave = noise(1000)
    assert front(wave).shape == (80, 1 + (1000 - 512) // 160)
    assert front(wave[:500]).shape == (80, 0)
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(512) / 512)
    np.testing.assert_allclose(
        front.power(wave)[:, 1], np.abs(np.fft.rfft(wave[160:672] * window)) ** 2, rtol=1e-3, atol=1e-6
    )


def test_integers_count_from_full_scale() -> None:
    wave = noise(2000)
    np.testing.assert_allclose(LogMel()((wave * 32768).astype(np.int16)), LogMel()(wave), atol=0.05)


def test_wrong_arguments_are_named() -> None:
    with pytest.raises(ValueError, match="LogMel: high_hz is 9000"):
        LogMel(high_hz=9000)
    with pytest.raises(ValueError, match="MFCC: count is 99; allowed: 1 to 80"):
        MFCC(count=99)
    with pytest.raises(TypeError, match="wave is a list"):
        LogMel()([0.0])  # type: ignore[arg-type]
