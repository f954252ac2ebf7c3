"""Crops, padding, shifts, reversal, splicing and repeats: samples held to NumPy, labels to clicks."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sounding import clicks, noise, vary

from covary import audio
from covary.ops.base import Operation

RATE = 16000
PLACES = [1500, 4100, 7000, 9800, 12900]
CUTS: list[Operation] = [
    audio.RandomCrop(0.6),
    audio.RandomCrop(1.5),
    audio.Pad(1.4, place="random"),
    audio.Pad(2.1, mode="wrap", place="both"),
    audio.Reverse(p=1),
    audio.Shift(0.5),
    audio.Shift(0.5, roll=False),
    audio.Splice(),
    audio.Repeat(),
    audio.Repeat(insert=False),
    audio.TimeMask(0.05),
]
IDS = [repr(operation) for operation in CUTS]


def assert_clicks_at_events(result: Any, index: int = 0, within: int = 1) -> None:
    """Every moment has its click and every (whole) click its moment."""
    wave, rate = np.atleast_2d(result.waves[index])[0], int(result.plan.final_rates[index])
    for start, end in result.fields[index]["events"]:
        low, high = round(start * rate) - within, round(end * rate) + within
        assert np.abs(wave[max(low, 0) : high + 1]).max() > 0.85, (start, end)
    found = np.flatnonzero(np.abs(wave) > 0.85)
    starts = np.array([start * rate for start, _ in result.fields[index]["events"]])
    assert len(starts) == len(found)
    assert np.abs(np.sort(starts) - found).max(initial=0) <= within


@pytest.mark.parametrize("operation", CUTS, ids=IDS)
def test_every_click_is_at_its_event(operation: Operation) -> None:
    wave = clicks(RATE, PLACES)
    events = [(place / RATE, (place + 1) / RATE) for place in PLACES]
    result = vary([operation], [wave] * 12, fields=[{"events": events}] * 12)
    for index, sound in enumerate(result.waves):
        quiet = [event for event in result.fields[index]["events"] if not _sounds(sound, event)]
        # Only a mask or the fade of a joint silences a click; the event stays, as nothing moved.
        assert not quiet or isinstance(operation, (audio.TimeMask, audio.Splice, audio.Repeat, audio.Shift))
        if not quiet:
            assert_clicks_at_events(result, index)


def _sounds(wave: np.ndarray, event: tuple[float, float]) -> bool:
    return bool(np.abs(wave[max(0, round(event[0] * RATE) - 1) : round(event[1] * RATE) + 1]).max(initial=0) > 0.85)


@settings(max_examples=25, deadline=None)
@given(st.lists(st.sampled_from(CUTS[:7]), min_size=3, max_size=3), st.integers(0, 1000))
def test_clicks_and_events_stay_together_in_chains_of_three(chain: list[Operation], key: int) -> None:
    chain = [audio.Shift(0.5, fade_seconds=0) if isinstance(op, audio.Shift) else op for op in chain]
    wave = clicks(RATE, PLACES)
    events = np.array([(place / RATE, (place + 1) / RATE) for place in PLACES])
    result = vary(chain, wave, keys=[key], fields={"events": events})
    assert_clicks_at_events(result)


@pytest.mark.parametrize("dtype", ["int16", "int32", "float32"])
def test_random_crop_is_numpy_slicing_in_any_dtype(dtype: str) -> None:
    wave = (np.arange(2 * 16000).reshape(2, -1)).astype(dtype)
    made = vary(audio.RandomCrop(0.25), wave).wave
    assert made.dtype == wave.dtype and made.shape == (2, 4000)
    first = int(made[0, 0])
    assert np.array_equal(made, wave[:, first : first + 4000])


def test_pad_and_crop_of_int32_keep_every_bit() -> None:
    wave = np.random.default_rng(0).integers(-(2**31), 2**31 - 1, 1000).astype(np.int32)
    assert np.array_equal(vary(audio.Pad(1.0), wave).wave, np.pad(wave, (0, 15000)))
    both = vary(audio.Pad(1.0, place="both"), wave).wave
    assert np.array_equal(both, np.pad(wave, (7500, 7500)))


def test_wrapped_padding_equals_numpy_pad_wrap() -> None:
    wave = noise(3000)
    made = vary(audio.Pad(1.0, mode="wrap"), wave).wave
    assert np.array_equal(made, np.pad(wave, (0, 13000), mode="wrap"))
    both = vary(audio.Pad(1.0, mode="wrap", place="both"), wave).wave
    assert np.array_equal(both, np.pad(wave, (6500, 6500), mode="wrap"))


def test_reverse_is_numpy_reversal_and_exact_twice() -> None:
    wave = noise(1001, 2)
    assert np.array_equal(vary(audio.Reverse(p=1), wave).wave, wave[:, ::-1])
    assert np.array_equal(vary([audio.Reverse(p=1), audio.Reverse(p=1)], wave).wave, wave)


def test_rolled_shift_equals_numpy_roll() -> None:
    wave = noise(1000)
    result = vary(audio.Shift((0.3, 0.3), fade_seconds=0), wave)
    assert np.array_equal(result.wave, np.roll(wave, 300))
    back = vary(audio.Shift((-0.3, -0.3), fade_seconds=0), wave)
    assert np.array_equal(back.wave, np.roll(wave, -300))


def test_shift_without_roll_brings_silence_and_fades_only_the_inner_edge() -> None:
    wave = np.ones(1600, dtype=np.float32)
    made = vary(audio.Shift((0.5, 0.5), roll=False, fade_seconds=0.005), wave).wave
    assert not made[:800].any() and np.array_equal(made[880:], wave[880:])
    assert (np.diff(made[800:880]) > 0).all()


def test_splice_shortens_by_what_it_cuts_out() -> None:
    wave = noise(16000)
    result = vary(audio.Splice(count=4, seconds=0.05, fade_seconds=0), wave)
    assert len(result.wave) == 16000 - 4 * 800
    pieces = np.split(wave, 1)[0]
    assert np.isin(result.wave, pieces).all()


def test_repeat_inserts_the_part_again() -> None:
    wave = np.arange(16000, dtype=np.float32)
    made = vary(audio.Repeat(seconds=0.1, times=2, fade_seconds=0), wave).wave
    assert len(made) == 16000 + 3200
    jumps = np.flatnonzero(np.diff(made) < 0)
    assert len(jumps) == 2 and jumps[1] - jumps[0] == 1600
    assert np.array_equal(made[jumps[0] + 1 : jumps[0] + 1601], made[jumps[0] - 1599 : jumps[0] + 1])


def test_joints_do_not_click() -> None:
    wave = np.sin(2 * np.pi * 200 * np.arange(16000) / RATE).astype(np.float32)
    most = np.abs(np.diff(wave)).max()
    for operation in (audio.Splice(), audio.Repeat(), audio.Shift(0.5)):
        for made in vary(operation, [wave] * 8).waves:
            assert np.abs(np.diff(made)).max() < most + 0.05


def test_trim_finds_the_sound_and_moves_its_events() -> None:
    wave = np.zeros(16000, dtype=np.float32)
    wave[4000:9000] = noise(5000)
    result = vary(audio.Trim(), wave, fields={"events": [(4000 / RATE, 9000 / RATE, "speech")]})
    assert 5000 <= len(result.wave) <= 5000 + 2 * 400
    start, end, label = result.fields[0]["events"][0]
    offset = round(start * RATE)
    assert label == "speech" and np.array_equal(result.wave[offset : round(end * RATE)], wave[4000:9000])


def test_trim_hears_what_stands_before_it() -> None:
    wave = np.zeros(16000, dtype=np.float32)
    wave[4000:9000] = noise(5000)
    result = vary([audio.Pad(3.0, place="start"), audio.Trim(), audio.RandomCrop(0.3)], wave)
    assert len(result.wave) == 4800 and np.abs(result.wave).max() > 0.1


def test_trim_leaves_silence_alone() -> None:
    assert len(vary(audio.Trim(), np.zeros(500, dtype=np.float32)).wave) == 500


def test_mask_silences_its_share_and_keeps_the_rest() -> None:
    ones = np.ones(16000, dtype=np.float32)
    made = vary(audio.TimeMask(0.1, fade_seconds=0), ones).wave
    assert np.count_nonzero(made == 0) == 1600 and np.count_nonzero(made == 1) == 14400


@pytest.mark.parametrize("operation", CUTS, ids=IDS)
@pytest.mark.parametrize("length", [0, 1, 2])
def test_tiny_sounds_pass(operation: Operation, length: int) -> None:
    vary([operation], [np.ones((2, length), dtype=np.float32)] * 4)


def test_strength_zero_does_nothing() -> None:
    wave = noise(16000)
    for operation in (audio.Shift(), audio.Splice(), audio.Repeat(), audio.TimeMask(), audio.Reverse()):
        assert np.array_equal(vary(operation.with_strength(0), wave).wave, wave)


def test_wrong_arguments_are_named() -> None:
    with pytest.raises(ValueError, match="RandomCrop: seconds is 0"):
        audio.RandomCrop(0)
    with pytest.raises(ValueError, match="Pad: mode is 'reflect'; allowed: silence, wrap"):
        audio.Pad(1.0, mode="reflect")  # type: ignore[arg-type]
