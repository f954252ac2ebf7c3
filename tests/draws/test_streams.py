"""Random streams against the published Random123 vectors, and their numbers against the distributions they claim."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from covary.draws import streams


@pytest.mark.parametrize(
    ("counter", "key", "expected"),
    [
        ((0, 0, 0, 0), (0, 0), (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)),
        ((0xFFFFFFFF,) * 4, (0xFFFFFFFF,) * 2, (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD)),
        (
            (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344),
            (0xA4093822, 0x299F31D0),
            (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1),
        ),
    ],
)
def test_philox_equals_published_random123_vectors(counter, key, expected):
    assert tuple(int(word) for word in streams.philox4x32(counter, key)) == expected


def test_philox_of_arrays_equals_philox_of_each_element():
    generator = np.random.default_rng(3)
    counter = generator.integers(0, 2**32, (4, 5, 1), dtype=np.uint64)
    key = generator.integers(0, 2**32, (2, 3), dtype=np.uint64)
    words = streams.philox4x32(tuple(counter), tuple(key))
    for row in range(5):
        for column in range(3):
            single = streams.philox4x32(tuple(counter[:, row, 0]), tuple(key[:, column]))
            assert [int(word[row, column]) for word in words] == [int(word) for word in single]


def test_uniforms_equal_53_bits_of_the_generator_words():
    stream = np.array([0x0123456789ABCDEF], np.uint64)
    uniforms = streams.stream_uniforms(stream, 5)
    for i in range(5):
        words = [int(w) for w in streams.philox4x32((i // 2, 0, 0, 0), (0x89ABCDEF, 0x01234567))]
        low, high = words[2 * (i % 2) : 2 * (i % 2) + 2]
        assert uniforms[0, i] == ((low + (high << 32)) >> 11) / 2**53


@pytest.mark.parametrize("n", [0, 1, 2, 7])
@pytest.mark.parametrize("draw", [streams.stream_uniforms, streams.stream_normals])
def test_streams_do_not_depend_on_batch_or_length(draw, n):
    keys = np.array([5, 2**63 + 1, 7], np.uint64)
    together = draw(keys, 9)
    assert draw(keys[1:2], n).shape == (1, n)
    np.testing.assert_array_equal(draw(keys[1:2], n)[0], together[1, :n])


def test_uniforms_and_normals_follow_their_distributions_by_kolmogorov_smirnov():
    keys = np.array([11, 12], np.uint64)
    assert stats.kstest(streams.stream_uniforms(keys, 20_000).ravel(), "uniform").pvalue > 1e-3
    assert stats.kstest(streams.stream_normals(keys, 20_000).ravel(), "norm").pvalue > 1e-3


def test_picture_bits_equal_the_layout_written_out_for_each_pixel():
    stream, tag, height, width, channels = 0xFEDCBA9876543210, 2, 3, 131, 2
    bits = streams.picture_bits(stream, tag, height, width, channels)
    for y, x, c in [(0, 0, 0), (0, 7, 1), (1, 8, 0), (1, 31, 1), (2, 32, 0), (2, 63, 1), (2, 64, 0), (0, 130, 1)]:
        group, r = divmod(x, 64)
        block = 8 * group + r % 8
        words = streams.philox4x32((block, y, c, tag), (stream & 0xFFFFFFFF, stream >> 32))
        assert bits[y, x, c] == (int(words[(r // 8) % 4]) >> (16 * (r // 32))) & 0xFFFF


def test_picture_bits_do_not_depend_on_the_picture_around_them():
    whole = streams.picture_bits(9, 1, 5, 200, 4)
    np.testing.assert_array_equal(streams.picture_bits(9, 1, 2, 70, 3), whole[:2, :70, :3])
    assert streams.picture_bits(9, 1, 0, 0, 1).shape == (0, 0, 1)


def test_gaussian_values_equal_scipy_quantiles():
    numbers = np.arange(65536, dtype=np.uint16)
    share = (2.0 * (numbers & 0x7FFF) + 1) / 131072
    expected = np.where(numbers >> 15, 1, -1) * stats.norm.ppf(share)
    assert streams.GAUSSIAN_TABLE.dtype == np.float32
    np.testing.assert_allclose(streams.gaussian_values(numbers), expected, atol=0.004)


def test_gaussian_values_are_normally_distributed():
    values = np.sort(streams.gaussian_values(np.arange(65536, dtype=np.uint16)))
    # The distance between the two distribution functions, were all numbers drawn once.
    assert np.abs(stats.norm.cdf(values) - (np.arange(65536) + 0.5) / 65536).max() < 1e-3
    assert abs(stats.kurtosis(values)) < 0.01


def test_gaussian_values_of_all_numbers_have_mean_0_and_variance_1():
    values = streams.gaussian_values(np.arange(65536).astype(np.uint16)).astype(np.float64)
    assert abs(values.mean()) < 1e-12
    assert abs(values.var() - 1) < 1e-6
    assert values[0x8000] == -values[0] and values[0] > 0
