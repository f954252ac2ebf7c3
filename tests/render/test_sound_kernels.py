"""The compiled loops over sounds, against SciPy and NumPy; portable and AVX2 code give the same bits."""

from __future__ import annotations

import itertools
import threading

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import signal

from covary import kernels
from covary.render.blocks import Blocks, blocks_for, convolved
from covary.render.recursion import recursed, recursed_energy, recursed_in_double
from covary.render.response import _half_sines, _power, power_of

native = kernels.native
pytestmark = pytest.mark.skipif(native is None, reason="the compiled kernels were not built")


def noise(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


def response(taps: np.ndarray, size: int, origin: int) -> np.ndarray:
    """(C, bins) of taps (C, L) whose place `origin` is no delay."""
    placed = np.zeros((len(taps), size), dtype=np.float32)
    placed[:, : taps.shape[1]] = taps
    return np.fft.rfft(np.roll(placed, -origin, axis=1), axis=1).astype(np.complex64)


def by_scipy(wave: np.ndarray, taps: np.ndarray, origin: int) -> np.ndarray:
    rows = [
        signal.convolve(np.float64(row), np.float64(taps[min(index, len(taps) - 1)]), method="direct")
        for index, row in enumerate(wave)
    ]
    return np.stack(rows)[:, origin : origin + wave.shape[1]]


@given(
    channels=st.integers(1, 3),
    length=st.integers(1, 3000),
    bits=st.integers(6, 11),
    reach=st.integers(0, 60),
    origin=st.floats(0, 1),
    apart=st.booleans(),
    seed=st.integers(0, 99),
)
@settings(max_examples=50, deadline=None)
def test_blocks_equal_scipy_convolve(channels, length, bits, reach, origin, apart, seed) -> None:
    size, place = 1 << bits, int(origin * reach)
    wave = noise(channels, length, seed=seed)
    taps = noise(channels if apart else 1, reach + 1, seed=seed + 1)
    spectrum = response(taps, size, place)
    made = [
        native.convolve(wave, spectrum, size, size - reach, reach - place, np.empty_like(wave), simd)
        for simd in (True, False)
    ]
    # To the left of its origin a response looks at what comes later.
    expected = by_scipy(wave, taps, place)
    assert np.abs(made[0] - expected).max() < 2e-6 * max(1, np.abs(expected).max())
    assert np.array_equal(*made)


@pytest.mark.parametrize("bits", range(6, 19))
def test_every_size_equals_scipy_convolve(bits: int) -> None:
    size = 1 << bits
    wave, taps = noise(1, size // 2 + 7), noise(1, 9, seed=1)
    made = native.convolve(wave, response(taps, size, 0), size, size - 8, 8, np.empty_like(wave), True)
    expected = by_scipy(wave, taps, 0)
    assert np.abs(made - expected).max() < 3e-6 * np.abs(expected).max()


def test_real_responses_equal_complex_ones() -> None:
    wave = noise(2, 5000)
    real = np.abs(response(noise(1, 30), 1024, 0))
    one = native.convolve(wave, real, 1024, 700, 150, np.empty_like(wave), True)
    two = native.convolve(wave, real.astype(np.complex64), 1024, 700, 150, np.empty_like(wave), True)
    assert np.abs(one - two).max() < 1e-5 * np.abs(two).max()


def test_silent_blocks_beside_loud_ones_stay_silent() -> None:
    wave = np.zeros((1, 4000), dtype=np.float32)
    wave[0, :50] = 1e6
    made = native.convolve(wave, response(noise(1, 20), 256, 0), 256, 230, 20, np.empty_like(wave), True)
    assert np.abs(made[0, :50]).max() > 1e5
    assert not made[0, 460:].any()


@given(
    length=st.integers(1, 400_000),
    channels=st.integers(1, 4),
    before=st.integers(0, 100_000),
    behind=st.integers(0, 100_000),
)
@settings(max_examples=50, deadline=None)
def test_blocks_hold_what_they_finish_and_its_surroundings(length, channels, before, behind) -> None:
    blocks = blocks_for(length, channels, before, behind)
    assert blocks.compiled and blocks.size & (blocks.size - 1) == 0
    if blocks.hop == length:
        assert blocks.size >= length + max(before, behind) or blocks.size >= length + before + behind
    else:
        assert blocks.size >= blocks.hop + before + behind
        assert blocks.behind == behind


@pytest.mark.parametrize(("length", "reach"), [(1, 40), (100, 3000), (5000, 300), (70_000, 1500), (70_000, 30_000)])
@pytest.mark.parametrize("channels", [1, 2])
def test_scipy_in_place_of_the_kernels_agrees(length: int, reach: int, channels: int, monkeypatch) -> None:
    wave, taps = noise(channels, length), noise(1, reach + 1, seed=3) * np.exp(-np.arange(reach + 1) / reach * 4)
    made = []
    for missing in (False, True):
        if missing:
            monkeypatch.setattr(kernels, "native", None)
        blocks = blocks_for(length, channels, 0, reach)
        assert blocks.compiled is not missing
        made.append(convolved(wave, response(taps[:, : blocks.size].astype(np.float32), blocks.size, 0), blocks))
    assert np.abs(made[0] - made[1]).max() < 3e-6 * np.abs(made[1]).max()


@given(channels=st.integers(1, 2), length=st.integers(1, 2000), order=st.integers(1, 13), seed=st.integers(0, 99))
@settings(max_examples=30, deadline=None)
def test_recursion_equals_scipy_sosfilt_to_the_bit(channels, length, order, seed) -> None:
    draw = np.random.default_rng(seed)
    sections = signal.butter(order, draw.uniform(0.02, 0.4), output="sos", fs=1)
    wave = noise(channels, length, seed=seed)
    expected = signal.sosfilt(sections, np.float64(wave), axis=1)
    assert np.array_equal(recursed_in_double(wave, sections), expected)
    assert np.array_equal(recursed(wave, sections), expected.astype(np.float32))


@given(
    channels=st.integers(1, 3),
    edges=st.lists(st.integers(1, 4000), min_size=1, max_size=6, unique=True),
    simple=st.booleans(),
    seed=st.integers(0, 99),
)
@settings(max_examples=30, deadline=None)
def test_energy_behind_a_cascade_equals_the_squares_of_scipy_sosfilt(channels, edges, simple, seed) -> None:
    wave = noise(channels, 4100, seed=seed)
    wave = wave[:, ::2].repeat(2, axis=1) if simple else np.asfortranarray(wave)
    sections = signal.butter(4, 0.1, output="sos")
    places = np.array([0, *sorted(edges)])
    squares = np.square(signal.sosfilt(sections, np.float64(wave), axis=1))
    expected = [squares[:, a:b].sum(axis=1) for a, b in itertools.pairwise(places)]
    made = recursed_energy(wave, sections, places)
    np.testing.assert_allclose(made, np.transpose(expected), rtol=1e-12)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(kernels, "native", None)
        np.testing.assert_allclose(recursed_energy(wave, sections, places), made, rtol=1e-12)


def test_recursion_without_the_kernels_gives_the_same_bits(monkeypatch) -> None:
    sections = 3 * signal.ellip(7, 1, 60, 0.2, output="sos")
    wave = noise(2, 3000)[:, ::2]
    made = recursed(wave, sections, 0.7)
    monkeypatch.setattr(kernels, "native", None)
    assert np.array_equal(recursed(wave, sections, 0.7), made)


def test_recursion_in_long_silence_is_scipy_still() -> None:
    wave = np.zeros((1, 60_000), dtype=np.float32)
    wave[0, :100] = noise(100)
    sections = signal.butter(4, 0.3, output="sos")
    assert np.array_equal(recursed(wave, sections), signal.sosfilt(sections, np.float64(wave)).astype(np.float32))


@given(sections=st.integers(1, 9), size=st.sampled_from([64, 128, 4096]), seed=st.integers(0, 99))
@settings(max_examples=30, deadline=None)
def test_power_equals_numpy_to_the_bit_and_scipy_closely(sections, size, seed) -> None:
    draw = np.random.default_rng(seed)
    poles, zeros = (draw.uniform(0.1, 0.9, sections) for _ in range(2))
    angles = draw.uniform(0, 0.8 * np.pi, (2, sections))
    sos = np.stack(
        [
            np.ones(sections), -2 * zeros * np.cos(angles[0]), zeros**2,
            np.ones(sections), -2 * poles * np.cos(angles[1]), poles**2,
        ],
        axis=1,
    )  # fmt: skip
    phi = _half_sines(size)
    made = _power(sos, size, None)
    assert np.array_equal(made, power_of(sos, phi))
    assert np.array_equal(made, native.section_power(sos, phi, np.empty_like(phi), False))
    _, expected = signal.sosfreqz(sos, np.linspace(0, np.pi, size // 2 + 1))
    assert np.abs(np.sqrt(made) - np.abs(expected)).max() < 1e-3 * np.abs(expected).max()  # 0.01 dB


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("value", [np.nan, -np.nan, np.inf, -np.inf])
def test_all_finite_equals_numpy(dtype: type, value: float) -> None:
    for length in (1, 7, 64, 4096, 4097, 10_000):
        wave = np.full((2, length), np.finfo(dtype).max, dtype=dtype)
        wave[1, 0] = np.finfo(dtype).smallest_subnormal
        views = [wave, wave[:, length // 3 :], wave[::-1]]
        assert all(native.all_finite(view, simd) for view in views for simd in (True, False))
        wave[1, length // 2] = value
        for view in views:
            for simd in (True, False):
                assert native.all_finite(view, simd) == bool(np.isfinite(view).all())


def test_wrong_sizes_are_refused() -> None:
    wave, spectrum = noise(2, 100), np.ones((1, 33), dtype=np.float32)
    good = (wave, spectrum, 64, 50, 14, np.empty_like(wave), True)
    native.convolve(*good)
    for place, wrong, message in (
        (0, noise(100), "wave: expected"),
        (0, wave.astype(np.float64), "wave: expected"),
        (0, noise(2, 200)[:, ::2], "next to each other"),
        (1, spectrum[:, 1:], "response: expected"),
        (1, np.ones((3, 33), dtype=np.float32), "response: expected"),
        (1, np.ones((1, 33)), "response: expected"),
        (1, np.ones((1, 33), dtype=np.int64), "response: expected"),
        (2, 63, "size: expected a power of two"),
        (2, 32, "size: expected a power of two"),
        (3, 0, "hop, behind"),
        (3, 51, "hop, behind"),
        (4, -1, "hop, behind"),
        (5, np.empty((2, 99), dtype=np.float32), "out: expected shape"),
        (5, np.empty((2, 100)), "out: expected float32"),
        (5, wave, "shares memory"),
    ):
        arguments = list(good)
        arguments[place] = wrong
        with pytest.raises(ValueError, match=message):
            native.convolve(*arguments)
    with pytest.raises(ValueError, match="sections: expected shape"):
        native.recurse(wave, np.ones((2, 5)), np.empty_like(wave))
    with pytest.raises(ValueError, match="a0 must be 1"):
        native.recurse(wave, np.full((1, 6), 2.0), np.empty_like(wave))
    with pytest.raises(ValueError, match="out: expected shape"):
        native.recurse(wave, np.ones((1, 6)), np.empty((1, 100), dtype=np.float32))
    for edges in ([0, 101], [5, 3], [-1, 4], []):
        out = np.empty((2, max(len(edges) - 1, 0)))
        with pytest.raises(ValueError, match="edges: expected ascending"):
            native.recursed_energy(wave, np.ones((1, 6)), np.array(edges, dtype=np.int64), out)
    with pytest.raises(ValueError, match="out: expected shape"):
        native.recursed_energy(wave, np.ones((1, 6)), np.array([0, 50, 100]), np.empty((2, 3)))
    with pytest.raises(ValueError, match="out: expected shape"):
        native.section_power(np.ones((1, 6)), np.ones(5, np.float32), np.ones(4, np.float32), True)


def test_threads_get_what_one_thread_gets() -> None:
    wave, spectrum = noise(1, 20_000), response(noise(1, 100), 4096, 0)
    blocks = Blocks(4096, 3900, 100, True)
    expected = convolved(wave, spectrum, blocks)
    made: list[np.ndarray] = []
    workers = [threading.Thread(target=lambda: made.append(convolved(wave, spectrum, blocks))) for _ in range(6)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert len(made) == 6 and all(np.array_equal(one, expected) for one in made)
