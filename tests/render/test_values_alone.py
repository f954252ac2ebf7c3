"""Values that are changed each by itself, on whole numbers, against NumPy's indexing and whole-number arithmetic, and
against the same pixels rendered a few at a time; with and without wide registers."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from covary import kernels
from covary.plan.changes import Colour, Curve
from covary.plan.stages import Stage, ValueStep
from covary.render.reference import render as reference

pytestmark = pytest.mark.skipif(kernels.native is None, reason="the compiled kernels are not built")

quick = settings(max_examples=25, deadline=None)
dtypes = st.sampled_from(["uint8", "uint16"])
channels = st.sampled_from([1, 2, 3, 4, 5, 9])
# Too few pixels for tables, and enough; widths that do not fill a register.
sizes = st.sampled_from([(1, 1), (3, 5), (33, 67), (97, 101)])
seeds = st.integers(0, 99)


def picture(seed, size, channels, dtype):
    white = np.iinfo(dtype).max
    return np.random.default_rng(seed).integers(0, white, (*size, channels), endpoint=True).astype(dtype)


def stage_of(changes, sources):
    return Stage(np.array([source.shape[:2] for source in sources]), values=tuple(map(ValueStep, changes)))


def changed(changes, *sources):
    """The first of the pictures; all must be the same by the portable code."""
    stage = stage_of(changes, sources)
    wide, portable = (kernels.native.render([stage], list(sources), None, 1, simd) for simd in (True, False))
    for one, other in zip(wide, portable, strict=True):
        np.testing.assert_array_equal(one, other)
    return wide[0]


def diagonal(gains, offsets):
    return Colour(np.concatenate([np.diag(gains), np.reshape(offsets, (-1, 1))], axis=1)[None])


def tables(generator, count, white, kind):
    """Values on both sides of the range; "coarse": one for every 256 levels."""
    levels = generator.uniform(-0.1 * white, 1.1 * white, (1, count, white + 1))
    return (np.repeat(levels[..., ::256], 256, axis=2) if kind == "coarse" else levels).astype(np.float32)


@quick
@given(seeds, sizes, channels, dtypes, st.sampled_from(["any", "coarse"]), st.booleans(), st.booleans())
def test_curves_equal_numpy_indexing(seed, size, count, dtype, kind, apart, as_tuple) -> None:
    source = picture(seed, size, count, dtype)
    white = np.iinfo(dtype).max
    table = tables(np.random.default_rng(seed), count if apart else 1, white, kind)
    whole = np.rint(np.clip(table[0].astype(float), 0, white)).astype(dtype)
    expected = whole[np.arange(count) if apart else np.zeros(count, int), source]
    np.testing.assert_array_equal(changed([Curve(tuple(table) if as_tuple else table)], source), expected)


@quick
@given(seeds, sizes, channels, st.sampled_from([1.0, -1.0]), st.integers(-140_000, 140_000))
def test_whole_shifts_equal_whole_number_arithmetic(seed, size, count, gain, offset) -> None:
    source = picture(seed, size, count, "uint16")
    expected = np.clip(int(gain) * source.astype(np.int64) + offset, 0, 65535)
    np.testing.assert_array_equal(changed([diagonal([gain] * count, [float(offset)] * count)], source), expected)


@pytest.mark.parametrize("offset", [np.inf, -np.inf, 1e30, -1e30, 65535.5, 0.25])
@pytest.mark.parametrize("gain", [1.0, -1.0])
def test_shifts_that_are_not_whole_or_beyond_all_values_equal_float32_sums(gain, offset) -> None:
    source = np.arange(65536, dtype=np.uint16).reshape(256, 256, 1)
    sums = np.float32(gain) * source.astype(np.float32) + np.float32(offset)
    np.testing.assert_array_equal(changed([diagonal([gain], [offset])], source), np.rint(np.clip(sums, 0, 65535)))


@quick
@given(seeds, sizes, channels)
def test_gains_of_channels_equal_float32_sums(seed, size, count) -> None:
    generator = np.random.default_rng(seed)
    source = picture(seed, size, count, "uint16")
    gains, offsets = generator.normal(1, 0.5, count), generator.normal(0, 9000, count)
    sums = source.astype(np.float32) * gains.astype(np.float32) + offsets.astype(np.float32)
    np.testing.assert_array_equal(changed([diagonal(gains, offsets)], source), np.rint(np.clip(sums, 0, 65535)))


@pytest.mark.parametrize("count", [1, 3, 4, 9])
@pytest.mark.parametrize("alike", [True, False])
def test_chains_equal_the_same_pixels_in_planes_and_nearly_the_float64_reference(count, alike) -> None:
    generator = np.random.default_rng(count)
    rows = 1 + 2 * 65536 // (512 * (count if alike else 1))  # as many values as tables are worth
    source = picture(1, (rows, 512), count, "uint16")
    power = generator.uniform(0.7, 1.4, (1, 1 if alike else count, 1))
    curve = Curve((65535 * np.linspace(0, 1, 65536) ** power).astype(np.float32))
    gains, offsets = generator.normal(1, 0.1, count), generator.normal(0, 2000, count)
    if alike:
        gains[:], offsets[:] = gains[0], offsets[0]
    changes = [diagonal(gains, offsets), curve, diagonal(1 / gains, -offsets), diagonal(gains, offsets)]
    if count == 3:
        changes.insert(0, Colour(np.array([[[0.5, 0.3, 0.2, 0], [0.1, 0.8, 0.1, 0], [0.2, 0.3, 0.5, 0]]])))
    made = changed(changes, source)
    few = source[:4]  # not worth tables
    np.testing.assert_array_equal(made[:4], changed(changes, few))
    (exact,) = reference([stage_of(changes, [few])], [few])
    # Mixed values are rounded before they are looked up, where the curve is at most so steep.
    np.testing.assert_allclose(made[:4].astype(float), exact.astype(float), rtol=0, atol=40)


@pytest.mark.parametrize("count", [1, 3, 4, 9])
@pytest.mark.parametrize("kind", ["any", "coarse", "apart", "shift", "gains"])
def test_pictures_too_large_for_the_caches_are_alike(count, kind) -> None:
    generator = np.random.default_rng(3)
    sources = [picture(seed, (1 + 2_200_000 // (1001 * count), 1001), count, "uint16") for seed in (1, 2)]  # 8.8 MB
    if kind == "shift":
        change = diagonal([-1.0] * count, [60_000.0] * count)
    elif kind == "gains":
        change = diagonal(generator.normal(1, 0.5, count), generator.normal(0, 9000, count))
    else:
        change = Curve(tables(generator, count if kind == "apart" else 1, 65535, kind))
    both = type(change)(np.concatenate([change.table if isinstance(change, Curve) else change.matrix] * 2))
    made = changed([both], *sources)
    np.testing.assert_array_equal(made[:7], changed([change], sources[0][:7]))
