import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from writing import check_dataset

from covary.data.arrays import Arrays
from covary.data.subset import Subset, choose_split


def whole(count=30):
    parts = ["train", "valid", "test", ""]
    return Arrays(
        text=[str(n) for n in range(count)],
        label=[n % 3 for n in range(count)],
        split=[parts[n % 4] for n in range(count)],
    )


@given(st.lists(st.integers(0, 29), max_size=20, unique=True))
@settings(max_examples=30, deadline=None)
def test_a_subset_is_the_list_taken_at_its_indices(indices):
    dataset = whole()
    subset = Subset(dataset, indices)
    assert len(subset) == len(indices)
    assert list(subset.keys) == [dataset.keys[n] for n in indices]
    assert list(subset.splits) == [dataset.splits[n] for n in indices]
    assert subset.labels.tolist() == [n % 3 for n in indices]
    assert [subset.read(n)["text"] for n in range(len(indices))] == [str(n) for n in indices]
    assert subset.keys[1:3] == [dataset.keys[n] for n in indices[1:3]]


def test_promises():
    check_dataset(Subset(whole(5_000), np.arange(5_000)[::-1]))


def test_parts():
    dataset = whole()
    for name, part in (("train", 0), ("val", 1), ("Validation", 1), ("test", 2)):
        assert list(choose_split(dataset, name).keys) == list(range(part, 30, 4))
    with pytest.raises(ValueError, match=r"split='extra': no sample of .* there are 'train', 'val', 'test'"):
        choose_split(dataset, "extra")
    with pytest.raises(ValueError, match="nothing says which part"):
        choose_split(Arrays(text=["a"]), "train")
    nested = choose_split(Subset(dataset, range(8)), "val")
    assert list(nested.keys) == [1, 5]


@pytest.mark.parametrize("indices", ([-1], [30], [0.5], [[1]], [True]))
def test_indices_that_cannot_be_used(indices):
    with pytest.raises(ValueError, match="Subset: indices"):
        Subset(whole(), indices)
