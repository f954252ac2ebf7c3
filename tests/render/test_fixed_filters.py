"""Filters of bytes in whole numbers, against Python's own whole numbers and the float64 reference."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from covary import kernels
from covary.plan.changes import Filter
from covary.plan.stages import Stage
from covary.render import native, reference

pytestmark = pytest.mark.skipif(kernels.native is None, reason="the compiled kernels are not built")

ONE = 1 << 24


def stages_of(kernel: np.ndarray, height: int, width: int, dtype: str | None = None) -> list[Stage]:
    return [Stage(size=np.array([[height, width]]), filter=Filter(kernel=kernel[None]), dtype=dtype)]


def shifted(picture: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """(kh * kw, H, W, C): the picture under each tap."""
    (rows, columns), (height, width) = shape, picture.shape[:2]
    y = reflected(np.arange(-(rows // 2), height + rows // 2), height)
    x = reflected(np.arange(-(columns // 2), width + columns // 2), width)
    padded = picture[y][:, x]
    return np.stack([padded[i : i + height, j : j + width] for i in range(rows) for j in range(columns)])


def reflected(index: np.ndarray, length: int) -> np.ndarray:
    if length == 1:
        return np.zeros_like(index)
    folded = np.mod(index, 2 * (length - 1))
    return np.minimum(folded, 2 * (length - 1) - folded)


def weights(kernel: np.ndarray) -> np.ndarray:
    """The taps as whole numbers that sum to 2**24: the first ones take what is missing."""
    whole = np.rint(kernel.ravel() * ONE).astype(np.int64)
    missing = ONE - int(whole.sum())
    for place in np.resize(np.flatnonzero(whole), abs(missing)):
        whole[place] += np.sign(missing)
    return whole


def whole_number_sums(picture: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    return np.tensordot(weights(kernel), shifted(picture.astype(np.int64), kernel.shape), 1)


def nearest(sums: np.ndarray) -> np.ndarray:
    """Of sums of 2**-24, ties to even."""
    return ((sums + (ONE // 2 - 1) + ((sums >> 24) & 1)) >> 24).astype(np.uint8)


def drawn(kernel: np.ndarray, picture: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> np.ndarray:
    """By both instruction sets, which have to agree."""
    made = []
    for simd in (True, False):
        monkeypatch.setattr(kernels, "simd", simd)
        made += native.render(stages_of(kernel, *picture.shape[:2]), [picture])
    np.testing.assert_array_equal(*made)
    return made[0]


def random_kernel(generator: np.random.Generator, shape: tuple[int, int], sparse: float = 0.5) -> np.ndarray:
    kernel = generator.random(shape) ** 3 * (generator.random(shape) < sparse)
    kernel.flat[generator.integers(kernel.size)] += 1e-3
    return kernel / kernel.sum()


@settings(max_examples=40, deadline=None)
@given(
    st.integers(0, 2**32),
    st.sampled_from([(1, 1), (1, 9), (2, 3), (13, 21), (9, 70)]),
    st.sampled_from([1, 2, 3, 9]),
    st.sampled_from([(1, 1), (3, 3), (1, 7), (5, 1), (9, 9)]),
    st.sampled_from([0.1, 0.5, 1.0]),
)
def test_bytes_equal_pythons_whole_numbers(
    seed: int, size: tuple[int, int], channels: int, shape: tuple[int, int], sparse: float
) -> None:
    generator = np.random.default_rng(seed)
    picture = generator.integers(0, 256, (*size, channels), np.uint8)
    kernel = random_kernel(generator, shape, sparse)
    with pytest.MonkeyPatch.context() as patch:
        made = drawn(kernel, picture, patch)
    np.testing.assert_array_equal(made, nearest(whole_number_sums(picture, kernel)))


def test_ties_go_to_even_as_in_the_reference(monkeypatch: pytest.MonkeyPatch) -> None:
    generator = np.random.default_rng(5)
    picture = generator.integers(0, 256, (40, 90, 3), np.uint8)
    for taps in ([1, 1], [1, 2, 1], [3, 1], [1, 0, 0, 0, 1], [1, 1, 1, 1]):
        kernel = np.zeros((3, 5))
        kernel.flat[: len(taps)] = taps
        kernel /= kernel.sum()
        (expected,) = reference.render(stages_of(kernel, 40, 90), [picture])
        np.testing.assert_array_equal(drawn(kernel, picture, monkeypatch), expected)


def test_extremes_stay_and_single_taps_move_pixels(monkeypatch: pytest.MonkeyPatch) -> None:
    generator = np.random.default_rng(6)
    kernel = random_kernel(generator, (5, 5))
    for value in (0, 1, 254, 255):
        even = np.full((9, 33, 3), value, np.uint8)
        np.testing.assert_array_equal(drawn(kernel, even, monkeypatch), even)
    picture = generator.integers(0, 256, (12, 17, 3), np.uint8)
    kernel = np.zeros((3, 3))
    kernel[1, 2] = 1
    np.testing.assert_array_equal(drawn(kernel, picture, monkeypatch)[:, :-1], picture[:, 1:])


@pytest.mark.parametrize("shape", [(3, 3), (9, 9), (31, 31)])
def test_whole_numbers_lie_closer_to_float64_than_sums_of_float32(shape: tuple[int, int]) -> None:
    generator = np.random.default_rng(7)
    picture = generator.integers(0, 256, (40, 50, 1), np.uint8)
    of_whole, of_float = [], []
    for _ in range(10):
        kernel = random_kernel(generator, shape, 0.3)
        exact = np.tensordot(kernel.ravel(), shifted(picture.astype(np.float64), shape), 1)
        of_whole.append(np.abs(whole_number_sums(picture, kernel) / ONE - exact).mean())
        floats = np.zeros(picture.shape, np.float32)
        under_taps = shifted(picture.astype(np.float32), shape)
        for tap, moved in zip(kernel.astype(np.float32).ravel(), under_taps, strict=True):
            floats += tap * moved
        of_float.append(np.abs(floats - exact).mean())
    assert np.mean(of_whole) < np.mean(of_float)


def test_kernels_that_sharpen_or_do_not_sum_to_one_equal_the_reference(monkeypatch: pytest.MonkeyPatch) -> None:
    picture = np.random.default_rng(8).integers(0, 256, (20, 31, 3), np.uint8)
    sharper = np.array([[0.0, -0.3, 0.0], [-0.3, 2.2, -0.3], [0.0, -0.3, 0.0]])
    for kernel in (sharper, np.full((3, 3), 0.3), np.full((3, 3), 0.05)):
        (expected,) = reference.render(stages_of(kernel, 20, 31), [picture])
        assert np.abs(drawn(kernel, picture, monkeypatch).astype(int) - expected).max() <= 1


@pytest.mark.parametrize("taps", [1, 3, 9, 13])
@pytest.mark.parametrize("size", [(1, 5), (2, 9), (7, 40), (30, 33)])
def test_mirrored_pairs_of_rows_equal_the_reference(taps: int, size: tuple[int, int]) -> None:
    generator = np.random.default_rng(9)
    half = generator.random(taps // 2 + 1)
    kernel = np.concatenate([half[:0:-1], half])[None]
    kernel /= kernel.sum()
    picture = generator.random((*size, 3)).astype(np.float32)
    stages = [Stage(size=np.array([size]), filter=Filter(kernel_y=kernel, kernel_x=kernel))]
    (expected,), (made,) = reference.render(stages, [picture]), native.render(stages, [picture])
    np.testing.assert_allclose(made, expected, atol=1e-6)
