"""The batch plan: who stands in which batch."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from covary.data.schedule import AGAIN, Schedule, permutation, weighted

sizes = st.integers(1, 60)
seeds = st.integers(0, 2**64 - 1)
epochs = st.integers(0, 2**31)


def orders(schedule, epoch):
    found = schedule.epoch(epoch)
    assert len(found) == len(schedule)
    return [found.order(batch) for batch in range(len(found))]


def indices(schedule, epoch):
    return np.concatenate([order.indices for order in orders(schedule, epoch)]).tolist()


@settings(max_examples=40, deadline=None)
@given(sizes, st.integers(1, 9), seeds, epochs, st.booleans())
def test_every_index_comes_once_an_epoch(count, batch_size, seed, epoch, shuffle):
    schedule = Schedule(np.arange(count) + 100, batch_size, seed, shuffle=shuffle)
    found = orders(schedule, epoch)
    drawn = np.concatenate([order.indices for order in found])
    assert sorted(drawn) == list(range(100, 100 + count))
    assert shuffle or drawn.tolist() == list(range(100, 100 + count))
    assert [len(order.indices) for order in found[:-1]] == [batch_size] * (len(found) - 1)
    assert all((order.variations == epoch).all() for order in found)


@settings(max_examples=40, deadline=None)
@given(sizes, st.integers(1, 9), seeds, epochs, st.integers(1, 5), st.booleans())
def test_ranks_have_as_many_batches_and_share_the_epoch(count, batch_size, seed, epoch, world, drop_last):
    def rank(number):
        return Schedule(np.arange(count), batch_size, seed, drop_last=drop_last, rank=number, world=world)

    shares = [[order.indices.tolist() for order in orders(rank(number), epoch)] for number in range(world)]
    assert len({tuple(map(len, share)) for share in shares}) == 1
    drawn = Counter(index for share in shares for batch in share for index in batch)
    if drop_last:
        assert set(drawn.values()) <= {1}
        assert all(len(batch) == batch_size for share in shares for batch in share)
        assert len(drawn) > count - world * batch_size
    else:
        assert set(drawn) == set(range(count))
        assert drawn.total() - count < world
        if drawn.total() <= 2 * count:
            assert max(drawn.values()) <= 2


@settings(max_examples=25, deadline=None)
@given(sizes, seeds, epochs, st.sampled_from([2, 4]))
def test_global_batches_do_not_depend_on_how_many_ranks_share_them(count, seed, epoch, world):
    """As torch's DistributedSampler deals samples out: every world-th to a rank."""
    count *= world
    whole = indices(Schedule(np.arange(count), 4 * world, seed), epoch)
    shares = [indices(Schedule(np.arange(count), 4, seed, rank=rank, world=world), epoch) for rank in range(world)]
    assert [shares[place % world][place // world] for place in range(count)] == whole


def test_epochs_and_seeds_have_orders_of_their_own():
    found = {tuple(permutation(seed, epoch, 50).tolist()) for seed in (0, 1, 2**63) for epoch in range(5)}
    assert len(found) == 15


def test_permutations_are_uniform_by_a_chi_square_test():
    """Of three numbers all six orders come equally often: of 5 degrees of freedom, p > 0.001 below 20.5."""
    counts = Counter(tuple(permutation(11, epoch, 3).tolist()) for epoch in range(3000))
    assert len(counts) == 6
    assert sum((count - 500) ** 2 / 500 for count in counts.values()) < 20.5


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(0, 4), min_size=1, max_size=40), seeds, st.integers(0, 5))
def test_balance_is_exact_in_every_epoch_and_even_within_classes_over_epochs(labels, seed, epoch):
    labels = np.array(labels)
    schedule = Schedule(np.arange(len(labels)), 4, seed, labels=labels)
    drawn = Counter()
    pairs = set()
    for number in range(epoch + 1):
        for order in orders(schedule, number):
            drawn.update(order.indices.tolist())
            pairs.update(zip(order.indices.tolist(), order.variations.tolist(), strict=True))
    by_class = Counter()
    for index, times in drawn.items():
        by_class[labels[index]] += times
    assert set(by_class) == set(labels.tolist())
    assert len(set(by_class.values())) == 1
    for label in by_class:
        times = [drawn[index] for index in np.flatnonzero(labels == label)]
        assert max(times) - min(times) <= 1
    # A sample that comes again comes in another variation, one after the other.
    assert pairs == {(index, variation) for index, times in drawn.items() for variation in range(times)}


def test_balance_of_equal_classes_is_plain_epochs():
    labels = np.arange(12) % 3
    schedule = Schedule(np.arange(12), 4, 7, labels=labels)
    for epoch in range(3):
        found = orders(schedule, epoch)
        assert sorted(np.concatenate([order.indices for order in found])) == list(range(12))
        assert all((order.variations == epoch).all() for order in found)


def test_weights_are_kept_in_the_long_run():
    weights = np.array([0.0, 1.0, 2.0, 5.0, 0.0])
    drawn = Counter()
    for epoch in range(4000):
        drawn.update(weighted(3, epoch, weights)[0].tolist())
    assert set(drawn) == {1, 2, 3}
    shares = [drawn[index] / drawn.total() for index in (1, 2, 3)]
    assert np.allclose(shares, [1 / 8, 2 / 8, 5 / 8], atol=4 * np.sqrt(0.25 / 20000))


def test_a_sample_drawn_again_in_an_epoch_takes_another_variation():
    drawn, variations = weighted(0, 6, np.array([1.0, 0.0, 0.0, 0.0]))
    assert drawn.tolist() == [0] * 4
    assert variations.tolist() == [6, 6 + AGAIN, 6 + 2 * AGAIN, 6 + 3 * AGAIN]


@settings(max_examples=25, deadline=None)
@given(sizes, seeds, st.integers(0, 100), st.integers(2, 4), st.integers(1, 3))
def test_repeats_stand_in_one_batch_as_variations_of_their_own(count, seed, epoch, repeats, distinct):
    schedule = Schedule(np.arange(count), repeats * distinct, seed, repeats=repeats)
    drawn = Counter()
    for order in orders(schedule, epoch):
        wanted = set(range(epoch * repeats, (epoch + 1) * repeats))
        for index in set(order.indices.tolist()):
            assert set(order.variations[order.indices == index].tolist()) == wanted
            drawn[index] += 1
    assert drawn == Counter(range(count))


@pytest.mark.parametrize("batch", [0, 2, 3])
def test_what_follows_a_batch_goes_round_to_the_batch_itself(batch):
    epoch = Schedule(np.arange(10), 3, 0, shuffle=False).epoch(1)
    following, variations = epoch.behind(batch)
    first = min(3 * batch + 3, 10)
    assert following.tolist() == [*range(first, 10), *range(first)]
    assert (variations == 1).all()
