"""What holds for every operation on sound, whatever the sound: its form, its finiteness, its repeatability."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from sounding import noise

from covary import Pipeline, audio
from covary.ops.audio.sounds import Sounds
from covary.ops.base import Operation, registry

audio.declare_all()
SOUNDS = Sounds([noise(300, seed=5), noise(900, 2, seed=6)], 16000)
NAMES = sorted(name for name in registry() if name.startswith("audio."))
NOISY = {"audio.GaussianNoise"}  # whose noise has a level of its own
CODED = {"audio.Gsm", "audio.MuLaw"}  # whose codes have none for silence
SHAPES = ((1,), (2, 1), (400,), (1, 400), (3, 331))


def made(name: str) -> Operation:
    cls: Any = registry()[name]
    return cls(SOUNDS, p=1) if "sounds" in cls.__dataclass_fields__ else cls(p=1)


def given(shape: tuple[int, ...], dtype: str) -> np.ndarray:
    wave = np.random.default_rng(3).uniform(-0.5, 0.5, shape)
    return (wave * 2**15).astype(dtype) if dtype == "int16" else wave.astype(dtype)


@pytest.mark.parametrize("name", NAMES)
def test_every_form_of_sound_comes_out_in_its_form(name: str) -> None:
    pipeline = Pipeline([made(name)], seed=4)
    for rate in (8000, 192_000):
        for dtype in ("float32", "int16"):
            for shape in SHAPES:
                wave = given(shape, dtype)
                before = wave.copy()
                out = pipeline(audio=wave, rate=rate, key=1)
                result = out["audio"]
                assert result.dtype == wave.dtype
                assert result.ndim == wave.ndim or name in {"audio.Pan"}, (shape, result.shape)
                assert result.flags.c_contiguous and not np.shares_memory(result, wave)
                assert np.isfinite(result).all()
                assert np.array_equal(wave, before)
                again = pipeline.batch(audio=[given((40,), dtype), wave], rate=[rate, rate], keys=[0, 1])
                assert np.array_equal(again["audio"][1], result)


@pytest.mark.parametrize("name", sorted(set(NAMES) - NOISY))
def test_silence_stays_silent(name: str) -> None:
    out = Pipeline([made(name)], seed=4)(audio=np.zeros((2, 3000), np.float32), rate=16000, key=2)
    assert np.abs(out["audio"]).max(initial=0) < (1e-3 if name in CODED else 1e-6)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_what_is_no_number_is_refused_with_its_place(name: str, value: float) -> None:
    wave = noise(500, 2)
    wave[1, 77] = value
    with pytest.raises(ValueError, match=rf"audio has the value {value} at channel 1, sample 77"):
        Pipeline([made(name)])(audio=wave, rate=16000)


@pytest.mark.parametrize("names", [NAMES[place::4] for place in range(4)])
def test_threads_that_share_a_pipeline_get_what_one_thread_gets(names: list[str]) -> None:
    pipelines = [Pipeline([made(name)], seed=9, threads=1) for name in names]
    wave = noise(900, 2)

    def all_of(key: int) -> list[np.ndarray]:
        return [pipeline(audio=wave, rate=16000, key=key)["audio"] for pipeline in pipelines]

    with ThreadPoolExecutor(6) as pool:
        parallel = list(pool.map(all_of, [1, 2, 3] * 2))
    for key, results in zip([1, 2, 3] * 2, parallel, strict=True):
        for name, one, other in zip(names, results, all_of(key), strict=True):
            assert np.array_equal(one, other), (name, key)


@pytest.mark.parametrize("name", NAMES)
def test_calls_without_a_key_are_those_of_the_keys_counted(name: str) -> None:
    """They are planned together, ahead of their time; the lengths change in between."""
    pipeline = Pipeline([made(name)], seed=2)
    waves = [noise(length, seed=length) for length in [500] * 20 + [40, 500, 500, 500]]
    for key, wave in enumerate(waves):
        one = pipeline(audio=wave, rate=16000)
        other = pipeline(audio=wave, rate=16000, key=key)
        assert one["rate"] == other["rate"]
        assert np.array_equal(one["audio"], other["audio"]), key


def test_the_bytes_of_another_machine_are_read() -> None:
    wave = noise(300)
    swapped = wave.astype(wave.dtype.newbyteorder())
    for operation in (audio.Gain(3.0), audio.LowPass(1000.0), audio.Reverse(p=1)):
        pipeline = Pipeline([operation], rate=16000)
        result = pipeline(swapped, key=1)
        assert result.dtype == np.float32 and np.array_equal(result, pipeline(wave, key=1))


def test_an_array_of_every_other_sample_is_as_good_as_its_copy() -> None:
    wave = noise(1000)
    for operation in (audio.Gain(3.0), audio.LowPass(1000.0), audio.LowPass(1000.0, zero_phase=False)):
        pipeline = Pipeline([operation], rate=16000)
        assert np.array_equal(pipeline(wave[::-2], key=1), pipeline(wave[::-2].copy(), key=1))


def test_a_new_rate_comes_with_sounds_that_came_without_one() -> None:
    pipeline = Pipeline([audio.ResampleTo(8000, p=0.5)], rate=16000)
    told = {}
    for key in range(12):
        out = pipeline(audio=noise(1600), key=key, label=3)
        told[key] = out.get("rate", 16000)
        assert set(out) == {"audio", "label"} | ({"rate"} if told[key] == 8000 else set())
        assert len(out["audio"]) == told[key] // 10
    assert set(told.values()) == {8000, 16000}
    batch = pipeline.batch(audio=[noise(1600)] * 12, keys=list(range(12)))
    assert batch["rate"] == list(told.values())
    assert "rate" not in pipeline.batch(audio=[noise(1600)], keys=[next(k for k, v in told.items() if v == 16000)])
    assert Pipeline([audio.Gain()], rate=16000)(audio=noise(10)).keys() == {"audio"}
