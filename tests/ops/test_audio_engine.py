"""What holds for all operations on sound: batches, threads, dtypes, inputs untouched, wrong inputs named."""

from __future__ import annotations

import numpy as np
import pytest
from sounding import noise, vary

from covary import OneOf, Sequential, SomeOf, Sometimes, audio
from covary.ops.base import registry
from covary.ops.spec import from_plain, to_plain

CHAIN = [
    audio.Shift(0.3),
    OneOf([audio.GaussianSNR(), audio.ColorNoise(), Sequential([audio.Hum(), audio.Reverse()])], p=0.8),
    SomeOf([audio.Gain(), audio.PolarityInversion(), audio.TimeMask()], n=(1, 2)),
    Sometimes([audio.Splice(), audio.Repeat()]),
    audio.Normalize("rms"),
]
SOUNDS = [noise(3000), noise(1, 2), noise(5000, 3), np.zeros(800, dtype=np.float32), noise(4000, 1)]
RATES = [8000, 16000, 22050, 44100, 192000]


def test_a_sound_alone_equals_itself_in_any_batch_with_any_threads() -> None:
    keys = ["a", "b", "c", "d", "e"]
    together = vary(CHAIN, SOUNDS, RATES, keys=keys, threads=3).waves
    for sound, rate, key, made in zip(SOUNDS, RATES, keys, together, strict=True):
        assert np.array_equal(vary(CHAIN, sound, rate, keys=[key]).wave, made)


def test_fused_equals_unfused_to_rounding() -> None:
    for wave, other in zip(vary(CHAIN, SOUNDS, RATES).waves, vary(CHAIN, SOUNDS, RATES, fuse=False).waves, strict=True):
        np.testing.assert_allclose(wave, other, atol=2e-6)


def test_inputs_stay_and_outputs_are_new() -> None:
    wave = noise(2000)
    before = wave.copy()
    for operation in (
        audio.Gain((0, 0)),
        audio.RandomCrop(0.05),
        audio.Shift(0.5),
        audio.GaussianNoise(),
        audio.Clip(),
    ):
        made = vary(operation, wave).wave
        assert not np.shares_memory(made, wave) and np.array_equal(wave, before)


def test_nothing_happens_bit_for_bit_when_nothing_is_asked() -> None:
    for wave in (noise(100), np.arange(-50, 50, dtype=np.int16), np.arange(100, dtype=np.int32) * 12345678):
        assert np.array_equal(vary(audio.Gain(p=0), wave).wave, wave)


def test_wrong_sounds_are_named() -> None:
    bad = noise(10)
    bad[3] = np.nan
    with pytest.raises(ValueError, match="wave has the value nan at channel 0, sample 3"):
        vary(audio.Gain(), bad)
    with pytest.raises(TypeError, match="wave has dtype uint8"):
        vary(audio.Gain(), np.zeros(4, dtype=np.uint8))
    with pytest.raises(ValueError, match="channels come first"):
        vary(audio.Gain(), np.zeros((16000, 2), dtype=np.float32))
    with pytest.raises(TypeError, match="is a list"):
        vary(audio.Gain(), [[0.0, 1.0]])  # type: ignore[list-item]


audio.declare_all()


@pytest.mark.parametrize("name", [name for name in registry() if name.startswith("audio.")])
def test_plain_data_gives_the_operation_back(name: str) -> None:
    cls = registry()[name]
    if name in {"audio.BackgroundNoise", "audio.ShortNoises", "audio.ImpulseResponse"}:
        operation = cls("folder")  # type: ignore[arg-type]
    else:
        operation = cls()
    assert from_plain(to_plain(operation)) == operation


def test_clean_target_gets_the_same_moves_and_levels_and_no_noise() -> None:
    wave = noise(4000)
    chain = [audio.Shift((0.25, 0.25), fade_seconds=0), audio.GaussianSNR(0), audio.Normalize("peak", -6.0)]
    result = vary(chain, wave, fields={"clean": wave})
    ratio = result.fields[0]["clean"] / np.roll(wave, 1000)
    assert np.ptp(ratio) < 1e-5
    noisy = vary(chain[:2], wave).wave
    assert ratio[0] == pytest.approx(10 ** (-6 / 20) / np.abs(noisy).max(), rel=1e-5)


def test_a_pipeline_of_images_passes_sounds_by() -> None:
    from covary import image

    wave = noise(100)
    assert np.array_equal(vary([image.Rotate(10)], wave).wave, wave)
