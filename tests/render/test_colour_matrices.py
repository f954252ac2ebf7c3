"""Colour matrices on whole numbers against NumPy's float32 sums, indexing and assignment, bit for bit, with and without
wide registers."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from covary import kernels
from covary.plan.changes import Colour
from covary.plan.stages import Stage, ValueStep

pytestmark = pytest.mark.skipif(kernels.native is None, reason="the compiled kernels are not built")

quick = settings(max_examples=40, deadline=None)
sizes = st.sampled_from([(1, 1), (1, 70), (3, 5), (33, 67), (64, 64)])
dtypes = st.sampled_from(["uint8", "uint16"])
seeds = st.integers(0, 99)


def picture(seed: int, size: tuple[int, int], channels: int, dtype: str) -> np.ndarray:
    white = np.iinfo(dtype).max
    return np.random.default_rng(seed).integers(0, white, (*size, channels), endpoint=True).astype(dtype)


def coloured(matrix: np.ndarray, source: np.ndarray) -> np.ndarray:
    stage = Stage(np.array([source.shape[:2]]), values=(ValueStep(Colour(matrix[None].astype(np.float64))),))
    wide, portable = (kernels.native.render([stage], [source], None, 1, simd)[0] for simd in (True, False))
    np.testing.assert_array_equal(wide, portable)
    return wide


def summed(matrix: np.ndarray, source: np.ndarray) -> np.ndarray:
    """In float32, one rounding after the other: ((a r + b g) + c b) + d."""
    white = np.iinfo(source.dtype).max
    values = np.moveaxis(source.astype(np.float32), 2, 0)
    rows = [((m[0] * values[0] + m[1] * values[1]) + m[2] * values[2]) + m[3] for m in matrix.astype(np.float32)]
    return np.rint(np.clip(np.stack(rows, axis=2), 0, white)).astype(source.dtype)


@quick
@given(seeds, sizes, dtypes, st.sampled_from([0.3, 2.0, 1e9]), st.booleans(), st.booleans())
def test_mixtures_equal_float32_sums(seed, size, dtype, spread, shifted, grey) -> None:
    generator = np.random.default_rng(seed)
    source = picture(seed, size, 3, dtype)
    matrix = generator.normal(0, spread, (3, 4))
    matrix[:, 3] *= np.iinfo(dtype).max * shifted
    if grey:
        matrix[:] = matrix[0]
    np.testing.assert_array_equal(coloured(matrix, source), summed(matrix, source))


@quick
@given(seeds, sizes, dtypes, st.integers(1, 12))
def test_channels_that_trade_places_equal_indexing(seed, size, dtype, channels) -> None:
    source = picture(seed, size, channels, dtype)
    order = np.random.default_rng(seed).permutation(channels)
    matrix = np.concatenate([np.eye(channels)[order], np.zeros((channels, 1))], axis=1)
    np.testing.assert_array_equal(coloured(matrix, source), source[..., order])


@quick
@given(seeds, sizes, dtypes, st.integers(1, 12))
def test_dropped_channels_equal_assignment(seed, size, dtype, channels) -> None:
    generator = np.random.default_rng(seed)
    source = picture(seed, size, channels, dtype)
    gone = generator.random(channels) < 0.5
    fill = generator.integers(0, np.iinfo(dtype).max, channels, endpoint=True)
    matrix = np.concatenate([np.diag((~gone).astype(float)), (fill * gone)[:, None]], axis=1)
    expected = source.copy()
    expected[..., gone] = fill[gone]
    np.testing.assert_array_equal(coloured(matrix, source), expected)


@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
@pytest.mark.parametrize("kind", ["mixed", "traded", "dropped"])
def test_pictures_too_large_for_the_caches_are_alike(dtype: str, kind: str) -> None:
    source = picture(5, (1700, 1701), 3, dtype)  # 8.7 MB and more
    mixed = np.array([[0.4, 0.8, 0.2, 0.0], [0.3, 0.7, 0.2, 0.0], [0.3, 0.5, 0.1, 0.0]])
    traded, dropped = np.eye(3, 4)[[2, 0, 1]], np.diag([1.0, 0.0, 1.0, 0.0])[:3]
    matrix = {"mixed": mixed, "traded": traded, "dropped": dropped}[kind]
    np.testing.assert_array_equal(coloured(matrix, source), summed(matrix, source))
