"""Distortion, dynamics, channels and codecs, held to closed forms and to the values of G.711."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import signal
from sounding import level_db, noise, tone, vary

from covary import audio
from covary.ops.audio.distortion import companded
from covary.ops.audio.dynamics import released
from covary.ops.audio.transmission import gilbert
from covary.ops.base import Operation

SHAPERS: list[Operation] = [
    audio.ClippingDistortion(),
    audio.Tanh(),
    audio.BitCrush(),
    audio.MuLaw(),
    audio.Downsample(),
    audio.Aliasing(),
    audio.Limiter(),
    audio.Compressor(),
    audio.PacketLoss(),
    audio.Mp3(),
    audio.Vorbis(),
    audio.Opus(),
    audio.Gsm(),
    audio.Pan(),
    audio.ToMono(),
    audio.ChannelDrop(p=1),
    audio.ChannelSwap(p=1),
]


def test_share_of_samples_is_clipped() -> None:
    wave = noise(10_000)
    made = vary(audio.ClippingDistortion(0.2), wave).wave
    limit = np.abs(made).max()
    assert np.count_nonzero(np.abs(wave) > limit) == pytest.approx(2000, abs=1)
    assert np.array_equal(made, np.clip(wave, -limit, limit))


def test_tanh_keeps_the_level_and_makes_odd_harmonics() -> None:
    wave = tone(500, 1.0)
    made = vary(audio.Tanh(20.0), wave).wave
    assert level_db(made) == pytest.approx(level_db(wave), abs=0.01)
    spectrum = np.abs(np.fft.rfft(made))
    assert spectrum[1500] > 0.1 * spectrum[500] and spectrum[1000] < 1e-3 * spectrum[500]
    faint = vary(audio.Tanh(-40.0), wave).wave
    np.testing.assert_allclose(faint, wave, atol=1e-4)


@pytest.mark.parametrize("bits", [1, 4, 8, 16])
def test_crushed_values_are_on_the_levels(bits: int) -> None:
    made = vary(audio.BitCrush(bits), noise(4000, scale=0.3)).wave.astype(np.float64) * 2 ** (bits - 1)
    assert np.array_equal(made, np.rint(made))
    assert len(np.unique(made)) <= 2**bits


def test_noise_of_crushing_is_6_db_per_bit() -> None:
    wave = noise(50_000, scale=0.2)
    errors = [level_db(vary(audio.BitCrush(bits), wave).wave.astype(np.float64) - wave) for bits in (6, 8, 10)]
    np.testing.assert_allclose(np.diff(errors), -12.04, atol=0.3)


def test_mu_law_equals_its_formula_and_has_some_38_db_of_ratio() -> None:
    wave = np.linspace(-1, 1, 2001, dtype=np.float32)[None]
    code = np.rint((np.sign(wave) * np.log1p(255 * np.abs(wave.astype(np.float64))) / np.log(256) + 1) / 2 * 255)
    signed = code / 255 * 2 - 1
    expected = np.sign(signed) * (256 ** np.abs(signed) - 1) / 255
    np.testing.assert_allclose(companded(wave, 256.0), expected, atol=2e-2)
    assert np.median(np.abs(companded(wave, 256.0) - expected)) < 1e-6
    for scale in (0.5, 0.05):
        sound = tone(440, 1.0, scale=scale)
        error = vary(audio.MuLaw(), sound).wave.astype(np.float64) - sound
        assert 33 < level_db(sound) - level_db(error) < 41


def test_downsampling_takes_the_highs_and_aliasing_folds_them() -> None:
    both = tone(1000) + tone(5000)
    clean = np.abs(np.fft.rfft(vary(audio.Downsample(8000.0), both).wave * np.hanning(16000)))
    folded = np.abs(np.fft.rfft(vary(audio.Aliasing(8000.0), both).wave * np.hanning(16000)))
    assert clean[1000] == pytest.approx(2000, rel=0.02) and clean[5000] < 5 and clean[3000] < 5
    assert folded[3000] > 500
    held = vary(audio.Aliasing(8000.0, hold=True), both).wave
    assert np.array_equal(held[0::2], held[1::2]) and np.array_equal(held[0::2], both[0::2])


def test_nothing_is_above_the_limit_and_nothing_below_is_touched() -> None:
    wave = noise(32000, 2, scale=0.2)
    wave[:, 8000:16000] *= 0.02
    limit = 10 ** (-12 / 20)
    made = vary(audio.Limiter((-12.0, -12.0), 0.005, 0.02), wave).wave
    assert np.abs(made).max() <= np.float32(limit)
    np.testing.assert_array_equal(made[:, 13000:15500], wave[:, 13000:15500])
    ratio = made[np.abs(wave) > 1e-3] / wave[np.abs(wave) > 1e-3]
    assert ratio.min() > 0.2 and ratio.max() <= 1 + 1e-6


def test_release_is_a_running_maximum_of_decays() -> None:
    need = np.zeros(400, dtype=np.float32)
    need[100], need[150] = 9.0, 1.0
    made = released(need, 100, 1.0)
    assert not made[:100].any() and made[100] == pytest.approx(9) and made[200] == pytest.approx(3)
    assert made[300] == pytest.approx(1)


def test_steady_tone_is_compressed_by_the_ratio() -> None:
    wave = np.concatenate([tone(500, 1.0, scale=0.8), tone(500, 1.0, scale=0.2)])
    made = vary(audio.Compressor((-20, -20), (4.0, 4.0), 0.001, 0.05, make_up=False), wave).wave
    loud, soft = np.abs(made[8000:16000]).max() / 0.8, np.abs(made[24000:]).max() / 0.2
    # The peaks, over the threshold by 20 and by 20 - 12.04 dB, lose three quarters of that.
    assert 20 * np.log10(loud) == pytest.approx(-15, abs=1)
    assert 20 * np.log10(soft) == pytest.approx(-0.75 * 7.96, abs=1)
    same = vary(audio.Compressor(), wave).wave
    assert level_db(same) == pytest.approx(level_db(wave), abs=0.01)


@pytest.mark.parametrize("codec", [audio.Mp3(0.5), audio.Vorbis(0.5), audio.Opus(0.3)], ids=repr)
@pytest.mark.parametrize("rate", [8000, 16000, 44100, 48000])
def test_codecs_keep_time_length_and_most_of_the_sound(codec: Operation, rate: int) -> None:
    wave = signal.lfilter([0.1], [1, -0.95], noise(rate, 2)).astype(np.float32)
    made = vary(codec, wave, rate).wave
    assert made.shape == wave.shape
    spectrum = np.fft.rfft(made[0]) * np.conj(np.fft.rfft(wave[0]))
    assert int(np.fft.irfft(spectrum).argmax()) == 0
    assert np.corrcoef(made[0], wave[0])[0, 1] > 0.85
    assert not np.array_equal(made, wave)


def test_more_compression_leaves_less() -> None:
    wave = signal.lfilter([0.1], [1, -0.9], noise(48000)).astype(np.float32)
    for cls in (audio.Mp3, audio.Vorbis, audio.Opus):
        errors = [level_db(vary(cls(level), wave, 48000).wave - wave) for level in (0.0, 0.5, 1.0)]
        assert errors[0] < errors[1] < errors[2]


def test_gsm_is_speech_band_at_any_rate_and_length() -> None:
    made = vary(audio.Gsm(), tone(440, 1.0, 44100) + tone(9000, 1.0, 44100, 0.1), 44100).wave
    spectrum = np.abs(np.fft.rfft(made * np.hanning(44100)))
    assert len(made) == 44100 and spectrum[440] > 5000 and spectrum[9000] < 50


def test_loud_sounds_go_through_codecs_turned_down() -> None:
    wave = 3 * tone(440, 1.0, 44100, 1.0)
    made = vary(audio.Vorbis(0.2), wave, 44100).wave
    assert np.abs(made).max() == pytest.approx(3, rel=0.05)


def test_lost_packets_are_as_many_and_as_long_as_said() -> None:
    lost = gilbert(np.random.default_rng(0).random(200_000), 0.1, 3.0)
    assert lost.mean() == pytest.approx(0.1, rel=0.05)
    starts = np.count_nonzero(lost[1:] & ~lost[:-1])
    assert lost.sum() / starts == pytest.approx(3, rel=0.05)


@pytest.mark.parametrize("concealment", ["silence", "repeat"])
def test_lost_packets_are_silent_or_the_last_again(concealment: str) -> None:
    wave = noise(32000)
    made = vary(audio.PacketLoss(0.2, concealment=concealment), wave).wave.reshape(-1, 320)
    given = wave.reshape(-1, 320)
    changed = np.flatnonzero((made != given).any(axis=1))
    assert 5 < len(changed) < 50
    for index in changed:
        expected = 0 * given[0] if concealment == "silence" or index == 0 else 0.5 * made[index - 1]
        np.testing.assert_array_equal(made[index], expected)


def test_channel_operations_equal_indexing() -> None:
    wave = (noise(100, 3) * 30000).astype(np.int16)
    dropped = vary(audio.ChannelDrop(p=1), [wave] * 8).waves
    assert all(sum(not channel.any() for channel in made) == 1 for made in dropped)
    for made in vary(audio.ChannelSwap(p=1), [wave] * 8).waves:
        assert made.dtype == np.int16 and not np.array_equal(made, wave)
        assert sorted(map(bytes, made)) == sorted(map(bytes, wave))
    mono = vary(audio.ToMono(), noise(100, 3)).wave
    np.testing.assert_allclose(mono, noise(100, 3).mean(axis=0, keepdims=True), atol=1e-7)


def test_two_channels_are_swapped() -> None:
    wave = noise(100, 2)
    assert np.array_equal(vary(audio.ChannelSwap(p=1), wave).wave, wave[::-1])


@pytest.mark.parametrize("position", [-1.0, -0.3, 0.0, 0.6, 1.0])
def test_panning_keeps_the_power(position: float) -> None:
    left, right = vary(audio.Pan((position, position)), np.ones(4, dtype=np.float32)).wave
    assert left[0] ** 2 + right[0] ** 2 == pytest.approx(2)
    assert (right[0] - left[0]) * position >= 0
    stereo = noise(50, 2)
    assert np.array_equal(vary(audio.Pan((0, 0)), stereo).wave, stereo)


@pytest.mark.parametrize("operation", SHAPERS, ids=lambda operation: type(operation).__name__)
@pytest.mark.parametrize("shape", [(0,), (1,), (3, 5), (2, 700)])
@pytest.mark.parametrize("rate", [8000, 192000])
def test_any_shape_and_rate_passes(operation: Operation, shape: tuple[int, ...], rate: int) -> None:
    for wave in (np.zeros(shape, dtype=np.float32), np.full(shape, 0.5, dtype=np.float32)):
        before = wave.copy()
        made = vary(operation, wave, rate).wave
        assert made.shape[-1] == shape[-1] and np.isfinite(made).all()
        assert np.array_equal(wave, before)


@pytest.mark.parametrize("rate", [8000, 16000, 44100])
def test_the_quick_mp3_keeps_time_and_length_as_libsndfile_does(rate: int) -> None:
    pytest.importorskip("fast_mp3_augment", reason="fast-mp3-augment is not installed")
    wave = signal.lfilter([0.1], [1, -0.95], noise(rate, 2)).astype(np.float32)
    quick = audio.Mp3(0.4, engine="fast-mp3-augment")
    made, other = vary(quick, wave, rate).wave, vary(audio.Mp3(0.4), wave, rate).wave
    assert made.shape == wave.shape
    assert int(np.fft.irfft(np.fft.rfft(made[0]) * np.conj(np.fft.rfft(wave[0]))).argmax()) == 0
    # The two coders agree with each other about as well as either does with the sound.
    assert np.corrcoef(made[0], other[0])[0, 1] > 0.85
    assert np.array_equal(made, vary(quick, wave, rate).wave)
    for shape in ((1,), (3, 40)):
        assert vary(quick, 2 * noise(shape[-1], *shape[:-1]), rate).wave.shape == shape


def test_the_quick_mp3_takes_bit_rates_that_mp3_knows() -> None:
    from covary.render.fast_mp3 import kilobits

    assert [kilobits(44100, level) for level in (0.0, 0.5, 1.0)] == [320, 160, 32]
    assert [kilobits(16000, level) for level in (0.0, 0.5, 1.0)] == [160, 80, 8]
    assert [kilobits(8000, level) for level in (0.0, 1.0)] == [64, 8]


def test_a_missing_mp3_engine_gives_the_line_that_installs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "fast_mp3_augment", None)
    with pytest.raises(ImportError, match="pip install fast-mp3-augment"):
        vary(audio.Mp3(engine="fast-mp3-augment"), noise(4000))
    with pytest.raises(ValueError, match="Mp3: engine is 'lame'; allowed: libsndfile, fast-mp3-augment"):
        audio.Mp3(engine="lame")  # type: ignore[arg-type]
