import pytest

from covary.data.splits import split_in, split_named, split_of
from covary.data.strings import Coded


@pytest.mark.parametrize(
    ("name", "split"),
    (
        ("train", "train"),
        ("Training", "train"),
        ("train2017", "train"),
        ("train-00000-of-00002.parquet", "train"),
        ("train_0001.tar", "train"),
        ("valid", "val"),
        ("validation", "val"),
        ("VAL", "val"),
        ("dev", "val"),
        ("test.csv", "test"),
        ("trains", ""),
        ("trainstation.jpg", ""),
        ("device", ""),
        ("", ""),
        ("2017train", ""),
    ),
)
def test_split_of(name, split):
    assert split_of(name) == split


def test_parts_by_folders_and_by_words():
    assert split_in("images/val/train/1.jpg") == "val"
    assert split_in("images/trains/train.jpg") == ""
    assert [split_named(word) for word in ("Valid", " fold3 ", "")] == ["val", "fold3", ""]


def test_coded_is_the_list_it_was_made_of():
    values = ["b", "a", "b", "", "b"]
    coded = Coded(values)
    assert list(coded) == values and coded[-2:] == ["", "b"] and coded.names == ("b", "a", "") and len(coded) == 5
    assert coded == Coded(values) and hash(coded) == hash(Coded(values))
    with pytest.raises(IndexError):
        coded[5]
