"""Channel shuffling and dropping: every outcome is a picture made by NumPy indexing, and all are equally likely."""

from __future__ import annotations

import itertools
from collections import Counter

import numpy as np
import pytest
from describing import describe
from picturing import noise_picture, pictures
from scipy.stats import chisquare

from covary import Pipeline
from covary.ops.image.channels import ChannelDropout, ChannelShuffle, ChannelSwap


@pytest.mark.parametrize("channels", [1, 2, 3, 7])
@pytest.mark.parametrize("dtype", ["uint8", "float32"])
def test_shuffle_equals_numpy_indexing_by_a_permutation(channels: int, dtype: str) -> None:
    image = noise_picture(channels=channels, dtype=dtype)
    results, changes = pictures(ChannelShuffle(), [image] * 20)
    for row, result in enumerate(results):
        order = np.argmax(changes[0].matrix[row, :, :-1], axis=1)
        assert sorted(order) == list(range(channels))
        np.testing.assert_array_equal(result, image[:, :, order])


def test_all_orders_are_equally_likely() -> None:
    changes, _ = describe(ChannelShuffle(), [(1, 1)] * 6000)
    orders = np.argmax(changes[0].matrix[:, :, :-1], axis=2)
    counts = Counter(map(tuple, orders.tolist()))
    assert set(counts) == set(itertools.permutations(range(3)))
    assert chisquare(list(counts.values())).pvalue > 1e-4


@pytest.mark.parametrize(("channels", "dropped"), [(1, 0), (2, 1), (3, 1), (3, 2), (5, 3), (3, 3), (3, 9)])
def test_dropout_fills_that_many_channels_and_leaves_one(channels: int, dropped: int) -> None:
    image = noise_picture(channels=channels)
    results, _ = pictures(ChannelDropout((dropped, dropped), fill=7), [image] * 10)
    for result in results:
        filled = [bool((result[:, :, c] == 7).all()) for c in range(channels)]
        assert sum(filled) == min(dropped, channels - 1)
        for c in range(channels):
            if not filled[c]:
                np.testing.assert_array_equal(result[:, :, c], image[:, :, c])


def test_dropout_chooses_each_channel_alike_and_gives_it_its_own_fill() -> None:
    changes, _ = describe(ChannelDropout(fill=(10, 20, 30)), [(1, 1)] * 6000)
    offsets = changes[0].matrix[:, :, 3]
    which = np.argmax(offsets > 0, axis=1)
    np.testing.assert_array_equal(offsets[np.arange(6000), which], np.array([10, 20, 30])[which])
    assert chisquare(np.bincount(which)).pvalue > 1e-4


def test_dropout_range_is_inclusive() -> None:
    changes, _ = describe(ChannelDropout((0, 2)), [(1, 1)] * 500)
    dropped = (np.abs(changes[0].matrix).sum(axis=2) == 0).sum(axis=1)
    assert set(dropped) == {0, 1, 2}


def test_swapped_channels_equal_numpy_indexing() -> None:
    picture = np.random.default_rng(0).integers(0, 256, (5, 7, 4)).astype(np.uint8)
    out = Pipeline([ChannelSwap((1, 2, 0), p=1.0)])(image=picture)["image"]
    assert np.array_equal(out, picture[..., [1, 2, 0, 3]])
    assert np.array_equal(Pipeline([ChannelSwap(p=1.0)])(image=picture[..., :1])["image"], picture[..., :1])
    assert np.array_equal(Pipeline([ChannelSwap()]).with_strength(0)(image=picture)["image"], picture)
    with pytest.raises(ValueError, match="ChannelSwap: order"):
        ChannelSwap((0, 0, 1))
