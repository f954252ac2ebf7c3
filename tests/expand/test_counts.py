"""How many variations each source gets."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from covary.expand.counts import variation_counts, wish_of
from covary.expand.sources import Entry


def entries(labels):
    return [Entry(index, f"{index}.png", f"{index}.png", label) for index, label in enumerate(labels)]


def counts(labels, times=8, balance=False, with_originals=False):
    return variation_counts(entries(labels), wish_of(times, balance), with_originals=with_originals)


def test_one_number_is_for_all():
    assert counts(["cats", "", "dogs"], 3).tolist() == [3, 3, 3]


def test_a_class_may_have_its_own_number():
    assert counts(["cats", "", "dogs", "cats"], {"cats": 20}).tolist() == [20, 8, 8, 20]
    assert counts(["cats", "", "dogs"], {"cats": 0, "*": 2}).tolist() == [0, 2, 2]


@settings(max_examples=50)
@given(st.lists(st.sampled_from("abc"), min_size=1, max_size=60), st.integers(1, 9), st.booleans())
def test_balanced_classes_have_the_same_number_of_pictures(labels, times, with_originals):
    made = counts(labels, times, balance=True, with_originals=with_originals)
    label = np.array(labels)
    totals = {name: int((made[label == name] + with_originals).sum()) for name in set(labels)}
    largest = max(np.unique(label, return_counts=True)[1])
    assert set(totals.values()) == {largest * (times + with_originals)}
    for name in totals:  # within a class, as even as whole numbers can be
        assert np.ptp(made[label == name]) <= 1
    # No picture of the largest class gets more than was asked for, and none of another class less.
    assert made.min() == times


def test_balance_leaves_pictures_without_a_class_alone():
    assert counts(["a", "a", "", "b"], 2, balance=True).tolist() == [2, 2, 2, 4]


@pytest.mark.parametrize(
    ("labels", "times", "balance", "said"),
    (
        (["a"], {"b": 2}, False, "times for 'b'; the classes are a"),
        ([""], {"b": 2}, False, "needs a class for each sample"),
        ([""], 2, True, "needs a class for each sample"),
        (["a"], {"a": 2}, True, "give one number"),
        (["a"], {"a": -1}, False, r"times\['a'\]=-1; allowed: 0 or more"),
    ),
)
def test_what_makes_no_sense_is_refused(labels, times, balance, said):
    with pytest.raises(ValueError, match=said):
        counts(labels, times, balance)


def test_a_number_has_to_be_whole():
    with pytest.raises(TypeError, match=r"times=2\.5"):
        wish_of(2.5, False)
