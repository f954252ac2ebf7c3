"""Filters, held to SciPy's designs, to closed forms and to the tables of ISO 9613."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import signal
from sounding import noise, vary

from covary import audio
from covary.ops.audio.filters import absorption_db_per_m
from covary.ops.base import Operation


def measured_db(operation: Operation, rate: int, hertz: list[float], length: int = 1 << 16) -> np.ndarray:
    """The gain in decibels, by an impulse in the middle."""
    impulse = np.zeros(length, dtype=np.float32)
    impulse[length // 2] = 1
    made = vary(operation, impulse, rate).wave.astype(np.float64)
    phases = np.exp(-2j * np.pi / rate * np.outer(hertz, np.arange(length)))
    return 20 * np.log10(np.abs(phases @ made))


@pytest.mark.parametrize("rate", [8000, 16000, 44100, 192000])
@pytest.mark.parametrize("order", [2, 4, 8])
@pytest.mark.parametrize("zero_phase", [True, False])
def test_passes_equal_scipy_butterworth_to_0_1_db(rate: int, order: int, zero_phase: bool) -> None:
    hertz = [60.0, 200.0, 700.0, 1000.0, 1500.0, 3000.0]
    for kind, cls in (("lowpass", audio.LowPass), ("highpass", audio.HighPass)):
        design = signal.butter(order, 800, kind, fs=rate, output="sos")
        expected = 20 * np.log10(np.abs(signal.sosfreqz(design, hertz, fs=rate)[1]))
        made = measured_db(cls(800.0, order, zero_phase), rate, hertz)
        heard = expected > -70
        np.testing.assert_allclose(made[heard], expected[heard], atol=0.1)


def test_causal_filter_equals_scipy_sosfilt() -> None:
    wave = noise(16000)
    design = signal.butter(4, 1000, "lowpass", fs=16000, output="sos")
    made = vary(audio.LowPass(1000.0, zero_phase=False), wave).wave
    np.testing.assert_allclose(made, signal.sosfilt(design, wave), atol=1e-5)


@pytest.mark.parametrize(
    "operation",
    [
        audio.LowPass(),
        audio.HighPass(),
        audio.BandPass(),
        audio.BandStop(),
        audio.LowShelf(),
        audio.HighShelf(),
        audio.Peaking(),
        audio.SevenBandEQ(),
        audio.TelephoneBand(),
        audio.AirAbsorption(),
    ],
    ids=repr,
)
def test_nothing_is_delayed(operation: Operation) -> None:
    impulse = np.zeros(8001, dtype=np.float32)
    impulse[4000] = 1
    made = vary(operation, impulse, 44100).wave
    assert np.abs(made).argmax() == 4000
    np.testing.assert_allclose(made, made[::-1], atol=1e-5)


def test_bells_and_shelves_reach_their_decibels() -> None:
    rate = 44100
    made = measured_db(audio.Peaking((9.0, 9.0), 1000.0, 2.0), rate, [1000, 20, 15000])
    np.testing.assert_allclose(made, [9, 0, 0], atol=0.1)
    made = measured_db(audio.LowShelf((-12.0, -12.0), 300.0, 0.5), rate, [5, 300, 20000])
    np.testing.assert_allclose(made, [-12, -6, 0], atol=0.1)
    made = measured_db(audio.HighShelf((6.0, 6.0), 3000.0, 0.5), rate, [5, 3000, 22000])
    np.testing.assert_allclose(made, [0, 3, 6], atol=0.1)


def test_stops_and_bands_have_their_edges() -> None:
    rate = 44100
    made = measured_db(audio.BandStop(1000.0, 1.0), rate, [1000 / 2**0.5, 1000 * 2**0.5, 100])
    np.testing.assert_allclose(made, [-3.01, -3.01, 0], atol=0.1)
    assert measured_db(audio.BandStop(1000.0, 1.0), rate, [1000.0])[0] < -40
    made = measured_db(audio.BandPass(1000.0, 2.0), rate, [500, 1000, 2000])
    np.testing.assert_allclose(made, [-3.04, 0, -3.04], atol=0.1)
    made = measured_db(audio.TelephoneBand(), 16000, [300, 1000, 3400])
    np.testing.assert_allclose(made, [-3.01, 0, -3.01], atol=0.1)


def test_seven_bands_equal_the_cascade_of_their_sections() -> None:
    rate, hertz = 44100, [50.0, 100, 250, 700, 1000, 2500, 5000, 10000, 20000]
    operation = audio.SevenBandEQ()
    impulse = np.zeros(1 << 16, dtype=np.float32)
    impulse[1 << 15] = 1
    result = vary(operation, impulse, rate)
    sections = result.plan.passes(0)[0].parts[0].change.sections[0]
    unit = sections / sections[:, 3:4]
    expected = 20 * np.log10(np.abs(signal.sosfreqz(unit, hertz, fs=rate)[1]))
    np.testing.assert_allclose(measured_db(operation, rate, hertz), expected, atol=0.1)
    assert np.ptp(expected) > 3


def test_beyond_the_highest_frequency_nothing_happens() -> None:
    wave = noise(4000)
    for operation in (audio.LowPass(7900.0), audio.Peaking((6, 6), 9000.0), audio.HighShelf((6, 6), 9000.0)):
        np.testing.assert_allclose(vary(operation, wave).wave, wave, atol=1e-5)


# dB per km at 63, 125, 250, 500, 1000, 2000, 4000, 8000 Hz.
TABLE = {
    (10, 70): [0.1, 0.4, 1.0, 1.9, 3.7, 9.7, 32.8, 117.0],
    (20, 70): [0.1, 0.3, 1.1, 2.8, 5.0, 9.0, 22.9, 76.6],
    (30, 70): [0.1, 0.3, 1.0, 3.1, 7.4, 12.7, 23.1, 59.3],
    (15, 20): [0.3, 0.6, 1.2, 2.7, 8.2, 28.2, 88.8, 202.0],
    (15, 80): [0.1, 0.3, 1.1, 2.4, 4.1, 8.3, 23.7, 82.8],
}


@pytest.mark.parametrize("air", TABLE)
def test_absorption_equals_the_table_of_iso_9613_2(air: tuple[int, int]) -> None:
    # The exact midbands, of which the nominal frequencies are roundings.
    frequency = 1000 * 10.0 ** (0.3 * np.arange(-4, 4))
    np.testing.assert_allclose(1000 * absorption_db_per_m(frequency, *air), TABLE[air], rtol=0.02, atol=0.06)


def test_distance_takes_what_the_formula_says() -> None:
    made = measured_db(audio.AirAbsorption(200.0, 20.0, 70.0), 44100, [1000, 4000, 8000])
    expected = -200 * absorption_db_per_m(np.array([1000, 4000, 8000]), 20.0, 70.0)
    np.testing.assert_allclose(made, expected, atol=0.1)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000))
def test_a_chain_is_one_pass_and_equals_its_parts(key: int) -> None:
    chain = [audio.SevenBandEQ(), audio.LowPass(), audio.Gain(), audio.HighPass(), audio.AirAbsorption(), audio.Echo()]
    # Silence about the sound, as what rings out beyond an end is cut off after each pass, or once.
    wave = np.pad(noise(8000, 2), ((0, 0), (12000, 24000)))
    fused, apart = vary(chain, wave, keys=[key]), vary(chain, wave, keys=[key], fuse=False)
    assert len(fused.plan.passes(0)) == 1
    np.testing.assert_allclose(fused.wave, apart.wave, atol=1e-3 * np.abs(apart.wave).max() + 1e-7)


@pytest.mark.parametrize("shape", [(0,), (1,), (2, 3)])
def test_tiny_sounds_pass(shape: tuple[int, ...]) -> None:
    for operation in (audio.SevenBandEQ(), audio.LowPass(), audio.AirAbsorption(), audio.HighPass(zero_phase=False)):
        made = vary(operation, np.ones(shape, dtype=np.float32)).wave
        assert made.shape == shape and np.isfinite(made).all()


def test_wrong_arguments_are_named() -> None:
    with pytest.raises(ValueError, match="LowPass: order is 3; allowed: 2, 4"):
        audio.LowPass(order=3)
    with pytest.raises(ValueError, match="TelephoneBand: band is 'radio'"):
        audio.TelephoneBand("radio")  # type: ignore[arg-type]
