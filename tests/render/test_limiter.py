"""The compiled limiter against SciPy's filters and against its definition sample by sample in double precision."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from covary import kernels
from covary.ops.audio.dynamics import limited, limited_by_scipy

native = kernels.native
pytestmark = pytest.mark.skipif(native is None, reason="the compiled kernels were not built")


def bursts(length: int, channels: int, seed: int) -> np.ndarray:
    """Noise, loud and soft by turns, with single peaks and silence."""
    draw = np.random.default_rng(seed)
    wave = draw.standard_normal((channels, length)) * np.where(np.arange(length) // 97 % 3 == 0, 0.8, 0.02)
    wave[:, draw.random(length) < 0.001] *= 30
    wave[:, length // 2 : length // 2 + 300] = 0
    return wave.astype(np.float32)


def by_definition(wave: np.ndarray, limit: float, kept: float, half: int) -> np.ndarray:
    """In double precision, sample by sample."""
    loudest = np.abs(wave.astype(np.float64)).max(axis=0)
    need = np.log2(np.maximum(loudest / limit, 1))
    down, last = np.empty_like(need), 0.0
    for at, own in enumerate(need):
        last = down[at] = max(own, last * kept)
    if not down.any():
        return wave.astype(np.float64)
    padded = np.pad(down, 2 * half, mode="edge")
    coming = np.lib.stride_tricks.sliding_window_view(padded, 2 * half + 1).max(axis=1)
    smooth = np.lib.stride_tricks.sliding_window_view(coming, 2 * half + 1).mean(axis=1)
    return np.clip(wave * 2.0 ** -np.maximum(smooth, need), -limit, limit)


@given(
    length=st.sampled_from([1, 2, 7, 63, 64, 65, 500, 4096, 4097, 9000, 13_001]),
    channels=st.integers(1, 3),
    decibels=st.floats(-30, 3),
    kept=st.sampled_from([0.0, 0.5, 0.99, 0.9999, 1 - 1e-7]),
    reach=st.sampled_from([1, 2, 3, 4, 7, 8, 15, 31, 32, 100, 1024, 6000]),
    seed=st.integers(0, 999),
)
@settings(max_examples=50, deadline=None)
def test_limiter_equals_its_definition(length, channels, decibels, kept, reach, seed) -> None:
    wave, limit, half = bursts(length, channels, seed), float(np.float32(10 ** (decibels / 20))), min(reach, length)
    made = [native.limit(wave, limit, kept, half, np.empty_like(wave), simd) for simd in (True, False)]
    assert made[0].tobytes() == made[1].tobytes()
    assert np.abs(made[0]).max(initial=0) <= np.float32(limit)
    np.testing.assert_allclose(made[0], by_definition(wave, limit, kept, half), rtol=3e-6, atol=1e-9)


@pytest.mark.parametrize("rate", [8000, 44100])
@pytest.mark.parametrize(("threshold", "attack", "release"), [(-20, 0.0005, 0.05), (-12, 0.01, 0.5), (-3, 0.003, 0.2)])
def test_limiter_equals_scipy_filters(rate: int, threshold: float, attack: float, release: float) -> None:
    wave = bursts(rate, 2, 4)
    made = limited(wave, rate, threshold, attack, release)
    np.testing.assert_allclose(made, limited_by_scipy(wave, rate, threshold, attack, release), rtol=3e-6, atol=1e-9)
    apart = np.stack([wave, wave], axis=2)[:, :, 0]
    assert limited(apart, rate, threshold, attack, release).tobytes() == made.tobytes()


def test_without_the_kernels_scipy_does_it(monkeypatch: pytest.MonkeyPatch) -> None:
    wave = bursts(5000, 1, 5)
    made = limited(wave, 8000, -12, 0.005, 0.1)
    monkeypatch.setattr(kernels, "native", None)
    np.testing.assert_allclose(limited(wave, 8000, -12, 0.005, 0.1), made, rtol=3e-6, atol=1e-9)


def test_what_stays_below_is_left_to_the_bit_and_peaks_come_down_to_the_limit() -> None:
    wave = np.full((1, 3000), 0.25, dtype=np.float32)
    wave[0, 1500] = -2.0
    made = native.limit(wave, 0.5, 0.99, 20, np.empty_like(wave), True)
    assert np.array_equal(made[0, :1460], wave[0, :1460]) and made[0, 1500] == pytest.approx(-0.5, rel=1e-6)
    assert made[0, 1461] < 0.25 and (np.diff(made[0, 1461:1499]) <= 0).all()
    soft = native.limit(wave, 2.0, 0.99, 20, np.empty_like(wave), True)
    assert soft.tobytes() == wave.tobytes()
    extreme = np.array([[1e-45, 3e38, -3e38, 0.0, -0.0]], dtype=np.float32)
    assert np.abs(native.limit(extreme, 1e-3, 0.5, 1, np.empty_like(extreme), True)).max() <= np.float32(1e-3)


def test_wrong_arguments_are_refused() -> None:
    wave = bursts(100, 2, 1)
    good = (wave, 0.5, 0.9, 10, np.empty_like(wave), True)
    native.limit(*good)
    for place, wrong, message in (
        (0, wave.astype(np.float64), "wave: expected"),
        (1, 0.0, "limit, kept, half"),
        (1, float("nan"), "limit, kept, half"),
        (2, 1.0, "limit, kept, half"),
        (3, 0, "limit, kept, half"),
        (3, 101, "limit, kept, half"),
        (4, np.empty((2, 99), dtype=np.float32), "out: expected shape"),
        (4, np.empty((2, 100)), "out: expected float32"),
        (4, wave, "shares memory"),
    ):
        arguments = list(good)
        arguments[place] = wrong
        with pytest.raises(ValueError, match=message):
            native.limit(*arguments)
    empty = np.empty((1, 0), dtype=np.float32)
    assert native.limit(empty, 0.5, 0.9, 1, np.empty_like(empty), True).shape == (1, 0)
