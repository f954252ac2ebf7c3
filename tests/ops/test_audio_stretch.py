"""Speed, tempo and pitch: clicks at their labels, tones at their frequency, formants in their place."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sounding import clicks, noise, tone, vary

from covary import audio
from covary.ops.base import Operation
from covary.targets.events import Frames

PLACES = [6000, 18000, 30000, 45000]
MOVES: list[Operation] = [
    audio.Speed((0.8, 1.25)),
    audio.ResampleTo(11025),
    audio.ResampleTo(44100),
    audio.TimeStretch((0.5, 2.0)),
    audio.TimeStretch((0.8, 1.25), keep_length=True),
    audio.Tempo(),
    audio.PitchShift(4),
    audio.PitchShift((-3, 3), formants=True),
    audio.Jitter(),
    audio.WowFlutter(),
    audio.Reverse(p=1),
    audio.Shift(0.5, fade_seconds=0),
    audio.RandomCrop(2.0),
    audio.Pad(5.0, place="both"),
]


def assert_clicks_found(result: object, index: int, milliseconds: float = 1.0, share: float = 0.0) -> None:
    """Within a millisecond of every moment stands the highest value of its surroundings."""
    wave, rate = np.abs(result.waves[index]), int(result.plan.final_rates[index])  # type: ignore[attr-defined]
    for start, _ in result.fields[index]["events"]:  # type: ignore[attr-defined]
        place = start * rate
        low, high = max(0, int(place - 0.05 * rate)), int(place + 0.05 * rate)
        found = low + int(wave[low:high].argmax())
        assert abs(found - place) <= milliseconds / 1000 * rate + 1, (found, place)
        near = round(place - milliseconds / 1000 * rate), round(place + milliseconds / 1000 * rate) + 1
        energy = np.square(wave[low:high], dtype=np.float64).sum()
        assert np.square(wave[max(near[0], 0) : near[1]], dtype=np.float64).sum() >= share * energy


@pytest.mark.parametrize("operation", MOVES, ids=repr)
@pytest.mark.parametrize("background", [0.0, 0.005])
def test_every_click_is_within_a_millisecond_of_its_moment(operation: Operation, background: float) -> None:
    wave = clicks(64000, PLACES, background)
    result = vary(operation, [wave] * 6, fields=[{"events": [(p / 16000, p / 16000) for p in PLACES]}] * 6)
    for index in range(6):
        assert_clicks_found(result, index)


@settings(max_examples=25, deadline=None)
@given(st.lists(st.sampled_from(MOVES), min_size=3, max_size=3, unique_by=repr), st.integers(0, 10_000))
def test_clicks_stay_with_their_moments_in_chains_of_three(chain: list[Operation], key: int) -> None:
    wave = clicks(64000, PLACES, 0.002)
    result = vary(chain, wave, keys=[key], fields={"events": [(p / 16000, p / 16000) for p in PLACES]})
    assert_clicks_found(result, 0)


NEAR_THE_BEGINNING = [audio.RandomCrop(2.0), audio.PitchShift(4), audio.TimeStretch((0.5, 2.0))]
AT_THE_END: list[Operation] = [
    audio.Shift(0.5, fade_seconds=0),
    audio.TimeStretch((0.5, 2.0)),
    audio.PitchShift((-3, 3), formants=True),
]


@pytest.mark.parametrize(
    ("chain", "keys"),
    [(NEAR_THE_BEGINNING, [12, 30, 69, 103, 114, 220, 250, 297, 389]), (AT_THE_END, [5057])],
    ids=["beginning", "end"],
)
def test_clicks_near_either_end_of_a_sound_stay_with_their_moments(chain: list[Operation], keys: list[int]) -> None:
    moments = {"events": [(p / 16000, p / 16000) for p in PLACES]}
    result = vary(chain, [clicks(64000, PLACES, 0.002)] * len(keys), keys=keys, fields=[moments] * len(keys))
    for index in range(len(keys)):
        assert_clicks_found(result, index)


@pytest.mark.parametrize("factor", [0.5, 0.85, 1.5, 2.0])
@pytest.mark.parametrize("gap", [420, 530, 700, 1000])
def test_clicks_near_each_other_keep_95_percent_of_their_energy_in_their_places(factor: float, gap: int) -> None:
    places = np.array([6000, 6000 + gap])
    made = np.square(vary(audio.TimeStretch((factor, factor)), clicks(12000, places, 0.001)).wave, dtype=np.float64)
    half = int(0.45 * gap / factor)
    for place in np.rint(places / factor).astype(int):
        assert made[place - 16 : place + 17].sum() >= 0.95 * made[place - half : place + half].sum()


@pytest.mark.parametrize("factor", [0.5, 0.8, 1.25, 2.0])
@pytest.mark.parametrize("rate", [16000, 44100])
def test_stretched_clicks_keep_95_percent_of_their_energy_in_their_place(factor: float, rate: int) -> None:
    places = [rate // 2, rate, 2 * rate, 3 * rate]
    wave = clicks(4 * rate, places, 0.001)
    moments = [(place / rate, place / rate) for place in places]
    result = vary(audio.TimeStretch((factor, factor)), wave, rate, fields={"events": moments})
    assert_clicks_found(result, 0, share=0.95)


def frequency_of(wave: np.ndarray, rate: int) -> float:
    """Of a steady tone, by the phase that it gains between two windows."""
    middle = wave[len(wave) // 4 : -len(wave) // 4].astype(np.float64)
    size = len(middle) // 2
    window = np.hanning(size)
    peak = int(np.abs(np.fft.rfft(middle[:size] * window)).argmax())
    hop = 16
    first, second = (np.fft.rfft(middle[at : at + size] * window)[peak] for at in (0, hop))
    turn = np.angle(second / first * np.exp(-2j * np.pi * peak * hop / size))
    return (peak + turn * size / (2 * np.pi * hop)) * rate / size


@pytest.mark.parametrize("semitones", [-12.0, -4.0, -0.5, 0.3, 4.0, 7.0, 12.0])
@pytest.mark.parametrize("hertz", [220.0, 1234.5])
def test_pitch_is_shifted_to_two_cents(semitones: float, hertz: float) -> None:
    made = vary(audio.PitchShift((semitones, semitones)), tone(hertz, 2.0)).wave
    assert len(made) == 32000
    cents = 1200 * np.log2(frequency_of(made, 16000) / hertz)
    assert cents == pytest.approx(100 * semitones, abs=2)


@pytest.mark.parametrize("factor", [0.6, 0.9, 1.3])
def test_stretch_keeps_pitch_and_level(factor: float) -> None:
    made = vary(audio.TimeStretch((factor, factor)), tone(440, 2.0)).wave
    assert len(made) == int(np.floor(32000 / factor + 0.5))
    assert 1200 * np.log2(frequency_of(made, 16000) / 440) == pytest.approx(0, abs=1)
    assert made[3000:-3000].std() == pytest.approx(0.5 / 2**0.5, rel=0.02)


def test_speed_moves_pitch_and_length_as_lhotse_reckons() -> None:
    moments = [(0.5, 0.75, "a"), (1.0, 1.5, "b")]
    result = vary(audio.Speed((1.1, 1.1)), tone(440, 2.0), fields={"events": moments})
    assert len(result.wave) == 29091 and result.rate == 16000
    assert frequency_of(result.wave, 16000) == pytest.approx(484, abs=0.1)
    expected = np.array([(0.5, 0.75), (1.0, 1.5)]) / 1.1
    np.testing.assert_allclose([event[:2] for event in result.fields[0]["events"]], expected)


def test_resampling_gives_the_rate_back_and_removes_what_it_cannot_hold() -> None:
    both = tone(1000, 1.0, 44100) + tone(15000, 1.0, 44100)
    result = vary(audio.ResampleTo(16000), both, 44100)
    assert result.rate == 16000 and len(result.wave) == 16000
    np.testing.assert_allclose(result.wave[500:-500], tone(1000)[500:-500], atol=1e-3)


def test_speeds_compose_into_one_resampling_and_stretches_into_one_stretch() -> None:
    wave = tone(440, 2.0)
    chain = [audio.Speed((1.1, 1.1)), audio.ResampleTo(8000), audio.Speed((0.9, 0.9))]
    result = vary(chain, wave)
    assert len(result.plan.passes(0)) == 1
    assert frequency_of(result.wave, 8000) == pytest.approx(440 * 0.99, abs=0.2)
    both = vary([audio.TimeStretch((1.2, 1.2)), audio.PitchShift((3, 3)), audio.Speed((0.9, 0.9))], wave)
    assert len(both.plan.passes(0)) == 1
    assert frequency_of(both.wave, 16000) == pytest.approx(440 * 2 ** (3 / 12) * 0.9, rel=1e-3)


def test_what_a_low_rate_loses_stays_lost() -> None:
    wave = tone(6000)
    made = vary([audio.ResampleTo(8000), audio.ResampleTo(16000)], wave).wave
    assert np.abs(made[1000:-1000]).max() < 1e-3


def voice(f0: float, seconds: float = 1.0, rate: int = 16000) -> np.ndarray:
    """Pulses through two resonances, at 700 and 1700 Hz."""
    from scipy.signal import lfilter

    made = np.zeros(round(seconds * rate))
    made[np.rint(np.arange(0, seconds, 1 / f0) * rate).astype(int)[:-1]] = 1
    for hertz, width in ((700, 90), (1700, 120)):
        radius = np.exp(-np.pi * width / rate)
        made = lfilter([1 - radius], [1, -2 * radius * np.cos(2 * np.pi * hertz / rate), radius**2], made)
    return (made / np.abs(made).max() * 0.5).astype(np.float32)


def envelope_peak(wave: np.ndarray, rate: int = 16000) -> float:
    """The frequency of the strongest resonance: the centre of the spectrum's power between 400 and 1200 Hz."""
    power = np.abs(np.fft.rfft(wave * np.hanning(len(wave)))) ** 2
    hertz = np.fft.rfftfreq(len(wave), 1 / rate)
    inside = (hertz > 400) & (hertz < 1200)
    return float(np.sum(hertz[inside] * power[inside]) / np.sum(power[inside]))


def test_formants_stay_on_request_and_move_otherwise() -> None:
    wave = voice(110)
    there = envelope_peak(wave)
    moved = envelope_peak(vary(audio.PitchShift((4, 4)), wave).wave)
    kept = envelope_peak(vary(audio.PitchShift((4, 4), formants=True), wave).wave)
    assert moved / there == pytest.approx(2 ** (4 / 12), rel=0.05)
    assert kept / there == pytest.approx(1, rel=0.05)


def test_stereo_stays_in_phase() -> None:
    wave = np.stack([tone(440, 1.0), 0.5 * tone(440, 1.0)]) + noise(16000)
    made = vary(audio.TimeStretch((0.8, 0.8)), np.stack([wave[0], wave[0]])).wave
    np.testing.assert_allclose(made[0], made[1], atol=1e-6)


def test_no_change_is_no_change() -> None:
    wave = noise(16000)
    for operation in (
        audio.TimeStretch((1, 1)),
        audio.PitchShift((0, 0)),
        audio.Speed((1, 1)),
        audio.ResampleTo(16000),
    ):
        np.testing.assert_allclose(vary(operation, wave).wave, wave, atol=1e-5)
    for operation in (audio.Jitter(0.0), audio.WowFlutter(0.0, 0.0)):
        np.testing.assert_allclose(vary(operation, wave).wave, wave, atol=1e-6)


def test_wow_swings_the_pitch_by_its_depth() -> None:
    made = vary(audio.WowFlutter(0.01, 0.0, 1.0), tone(1000, 4.0)).wave
    analytic = np.fft.ifft(np.fft.fft(made) * np.concatenate([np.full(32000, 2.0), np.zeros(32000)]))
    speed = np.diff(np.unwrap(np.angle(analytic))) * 16000 / (2 * np.pi * 1000)
    smooth = np.convolve(speed, np.ones(400) / 400, mode="same")[8000:-8000]
    assert smooth.max() == pytest.approx(1.01, abs=0.001) and smooth.min() == pytest.approx(0.99, abs=0.001)


def test_f0_follows_the_pitch() -> None:
    fields = {"f0": np.full(200, 220.0)}
    targets = {"f0": Frames(0.01, kind="track", frequency=True)}
    made = vary(audio.PitchShift((12, 12)), tone(220, 2.0), fields=fields, targets=targets).fields[0]["f0"]
    np.testing.assert_allclose(made, 440)
    made = vary(audio.Speed((1.25, 1.25)), tone(220, 2.0), fields=fields, targets=targets).fields[0]["f0"]
    assert len(made) == 160
    np.testing.assert_allclose(made, 275)


@pytest.mark.parametrize("operation", MOVES, ids=repr)
@pytest.mark.parametrize("shape", [(0,), (1,), (2, 7), (40,)])
@pytest.mark.parametrize("rate", [8000, 192000])
def test_tiny_sounds_pass(operation: Operation, shape: tuple[int, ...], rate: int) -> None:
    made = vary(operation, np.ones(shape, dtype=np.float32) * 0.5, rate).wave
    assert np.isfinite(made).all()


def test_silence_stays_silent() -> None:
    for operation in MOVES:
        assert not vary(operation, np.zeros((2, 9000), dtype=np.float32)).wave.any()


def test_long_sounds_do_not_drift() -> None:
    wave = np.tile(tone(500, 1.0), 40)
    made = vary(audio.TimeStretch((0.7, 0.7)), wave).wave
    late = made[-32000:-16000]
    assert late.std() == pytest.approx(0.5 / 2**0.5, rel=0.02)
    assert frequency_of(late, 16000) == pytest.approx(500, abs=0.3)


def test_signalsmith_puts_clicks_in_their_place_and_keeps_pitch() -> None:
    pytest.importorskip("python_stretch", reason="python-stretch is not installed")
    wave = clicks(64000, PLACES, 0.001)
    operation = audio.TimeStretch((0.8, 1.25), engine="signalsmith")
    result = vary(operation, [wave] * 3, fields=[{"events": [(p / 16000, p / 16000) for p in PLACES]}] * 3)
    for index in range(3):
        assert_clicks_found(result, index)
    made = vary(audio.PitchShift((3, 3), engine="signalsmith"), tone(440, 2.0)).wave
    assert 1200 * np.log2(frequency_of(made, 16000) / 440) == pytest.approx(300, abs=2)
    assert np.array_equal(made, vary(audio.PitchShift((3, 3), engine="signalsmith"), tone(440, 2.0)).wave)
    for shape in ((1,), (2, 30)):
        assert vary(audio.TimeStretch((2, 2), engine="signalsmith"), np.ones(shape, dtype=np.float32)).wave.size


def test_missing_engine_gives_the_line_that_installs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "python_stretch.Signalsmith", None)
    with pytest.raises(ImportError, match="pip install python-stretch"):
        vary(audio.TimeStretch((0.8, 0.8), engine="signalsmith"), noise(4000))
    with pytest.raises(ValueError, match="TimeStretch: engine is 'rubber'; allowed: vocoder, signalsmith"):
        audio.TimeStretch(engine="rubber")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="PitchShift: formants is True"):
        audio.PitchShift(formants=True, engine="signalsmith")
