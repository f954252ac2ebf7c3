"""Levels and moments of colours: the compiled kernels against NumPy's counting, indexing and covariance."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from covary import kernels
from covary.ops.image.levels import level_counts, level_ends, looked_up, spread_levels, stretched_levels
from covary.ops.image.moments import colour_moments, colours_mixed

pictures = st.tuples(
    st.integers(0, 9),
    st.sampled_from([(1, 1), (1, 70), (2, 3), (31, 65), (9, 300)]),
    st.sampled_from([1, 2, 3, 4, 9]),
    st.sampled_from(["uint8", "uint16"]),
)


def made(seed: int, size: tuple[int, int], channels: int, dtype: str) -> np.ndarray:
    white = np.iinfo(dtype).max
    return np.random.default_rng(seed).integers(0, white, (*size, channels), endpoint=True).astype(dtype)


@settings(max_examples=40, deadline=None)
@given(pictures)
def test_counts_and_ends_equal_numpys(form: tuple) -> None:
    picture = made(*form)
    levels = np.iinfo(picture.dtype).max + 1
    expected = [np.bincount(picture[..., c].ravel(), minlength=levels) for c in range(picture.shape[2])]
    np.testing.assert_array_equal(level_counts(picture), expected)
    np.testing.assert_array_equal(level_ends(picture), [picture.min(axis=(0, 1)), picture.max(axis=(0, 1))])


@settings(max_examples=40, deadline=None)
@given(pictures, st.sampled_from([0.0, 0.01, 0.2, 0.49]))
def test_cut_ends_equal_numpys_sorted_values(form: tuple, cutoff: float) -> None:
    picture = made(*form)
    order = np.sort(picture.reshape(-1, picture.shape[2]), axis=0)
    skipped = int(cutoff * len(order))
    np.testing.assert_array_equal(level_ends(picture, cutoff), [order[skipped], order[-1 - skipped]])


def narrowed(form: tuple) -> np.ndarray:
    """A picture whose channels lie in ranges of their own, the last one of a single value."""
    picture = made(*form)
    white = np.iinfo(picture.dtype).max
    low, high = np.sort(np.random.default_rng(form[0]).integers(0, white, (2, picture.shape[2])), axis=0)
    picture = (low + picture.astype(np.int64) * (high - low) // white).astype(picture.dtype)
    if picture.shape[2] > 1:
        picture[..., -1] = low[-1]
    return picture


amounts = st.sampled_from([1.0, 0.0, 0.3, 0.77])


@settings(max_examples=40, deadline=None)
@given(pictures, amounts, st.sampled_from([0.0, 0.2]))
def test_stretching_equals_float64_arithmetic_of_each_value(form: tuple, amount: float, cutoff: float) -> None:
    picture = narrowed(form)
    white = np.iinfo(picture.dtype).max
    low, high = ends = level_ends(picture, cutoff)
    scale = white / np.maximum(high - low, 1).astype(float)
    whole = np.where(high > low, np.clip((picture - low.astype(float)) * scale, 0, white), picture)
    expected = np.rint(whole if amount == 1 else picture + amount * (whole - picture))
    np.testing.assert_array_equal(stretched_levels(picture.copy(), ends, amount), expected)


@settings(max_examples=40, deadline=None)
@given(pictures, amounts)
def test_spreading_equals_numpys_ranks_of_the_values_that_occur(form: tuple, amount: float) -> None:
    picture = narrowed(form)
    expected = picture.astype(float)
    for c in range(picture.shape[2]):
        _, place, counts = np.unique(picture[..., c], return_inverse=True, return_counts=True)
        if len(counts) > 1:
            share = (np.cumsum(counts) - counts[0]) / (counts.sum() - counts[0])
            own, whole = expected[..., c], (share * np.iinfo(picture.dtype).max)[place.reshape(picture.shape[:2])]
            expected[..., c] = whole if amount == 1 else own + amount * (whole - own)
    np.testing.assert_array_equal(spread_levels(picture.copy(), amount), np.rint(expected))


@settings(max_examples=40, deadline=None)
@given(pictures)
def test_looking_up_equals_numpys_indexing(form: tuple) -> None:
    picture = made(*form)
    levels = np.iinfo(picture.dtype).max + 1
    tables = np.random.default_rng(1).integers(0, levels, (picture.shape[2], levels))
    expected = np.stack([tables[c][picture[..., c]] for c in range(picture.shape[2])], axis=2)
    np.testing.assert_array_equal(looked_up(picture.copy(), tables.astype(float)), expected)


@settings(max_examples=40, deadline=None)
@given(pictures)
def test_moments_equal_numpys_covariance(form: tuple) -> None:
    picture = made(*form)
    colours = picture.reshape(-1, picture.shape[2]).astype(float)
    mean, covariance = colour_moments(picture)
    np.testing.assert_allclose(mean, colours.mean(axis=0), rtol=1e-12)
    expected = np.cov(colours.T, bias=True).reshape(covariance.shape)
    np.testing.assert_allclose(covariance, expected, rtol=1e-9, atol=1e-9 * np.iinfo(picture.dtype).max ** 2)


@settings(max_examples=40, deadline=None)
@given(pictures)
def test_mixtures_equal_float64_matrices_to_a_rounding(form: tuple) -> None:
    picture = made(*form)
    channels, white = picture.shape[2], np.iinfo(picture.dtype).max
    matrix = np.random.default_rng(2).normal(0, 0.6, (channels, channels + 1))
    matrix[:, -1] *= white
    exact = np.clip(picture @ matrix[:, :-1].T + matrix[:, -1], 0, white)
    assert np.abs(colours_mixed(picture.copy(), matrix) - exact).max() <= 0.5 + white * 1e-6
    floats = (picture / white).astype(np.float32)
    exact = floats @ matrix[:, :-1].T + matrix[:, -1]
    np.testing.assert_allclose(colours_mixed(floats.copy(), matrix), exact, atol=white * 1e-5)


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
@pytest.mark.parametrize("channels", [1, 3, 9])
def test_without_kernels_the_bytes_are_the_same(dtype: str, channels: int, monkeypatch: pytest.MonkeyPatch) -> None:
    picture = made(4, (37, 41), channels, "uint8")
    picture = picture.astype(dtype) * np.array(1 if dtype == "uint8" else 257 if dtype == "uint16" else 1 / 255, dtype)
    matrix = np.random.default_rng(3).normal(0, 0.7, (channels, channels + 1))

    def all_of_it() -> list[np.ndarray]:
        results = [colours_mixed(picture.copy(), matrix), *colour_moments(picture)]
        if dtype != "float32":
            tables = np.tile(np.arange(float(np.iinfo(dtype).max) + 1)[::-1], (channels, 1))
            results += [level_counts(picture), looked_up(picture.copy(), tables)]
            for cutoff, amount in ((0.0, 1.0), (0.1, 1.0), (0.3, 0.6)):
                ends = level_ends(picture, cutoff)
                results += [ends, stretched_levels(picture.copy(), ends, amount), spread_levels(picture.copy(), amount)]
        return results

    compiled = all_of_it()
    monkeypatch.setattr(kernels, "native", None)
    for first, second in zip(compiled, all_of_it(), strict=True):
        np.testing.assert_array_equal(first, second)


def test_wrong_tables_are_refused_by_the_kernels() -> None:
    if kernels.native is None:
        pytest.skip("no compiled kernels")
    picture = np.zeros((2, 3, 3), np.uint8)
    with pytest.raises(ValueError, match="tables"):
        kernels.native.look_up_levels(picture, np.zeros((3, 255), np.uint8))
    with pytest.raises(TypeError, match="tables"):
        kernels.native.look_up_levels(picture, np.zeros((3, 256), np.uint16))
    with pytest.raises(TypeError, match="uint8 or uint16"):
        kernels.native.find_ends(picture.astype(np.float32), 0, np.zeros((2, 3), np.int64))
    with pytest.raises(ValueError, match="skipped"):
        kernels.native.find_ends(picture, 3, np.zeros((2, 3), np.int64))
    with pytest.raises(ValueError, match="ends"):
        kernels.native.stretch_levels(picture, np.zeros((2, 2), np.int64), 1.0)
    with pytest.raises(ValueError, match="curves"):
        kernels.native.whiten_levels(np.zeros(2), 255.0, np.zeros((3, 256), np.float32))
