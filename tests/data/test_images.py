"""Folders of pictures as data sets; the order of classes against torchvision's rule (sorted names)."""

import os

import numpy as np
import pytest
from writing import check_dataset, write_picture, write_text

from covary.data.images import ImageFolder


def test_folders_are_classes(tmp_path):
    data = {
        name: write_picture(tmp_path / name, number)
        for number, name in enumerate(("dog/b.jpg", "cat/deep/a.png", "cat/z.jpg", "Ape/x.bmp"))
    }
    dataset = ImageFolder(tmp_path)
    assert list(dataset.keys) == sorted(data)
    assert dataset.classes == ("Ape", "cat", "dog")
    assert dataset.labels.tolist() == [0, 1, 1, 2]
    assert dataset.splits is None
    for index, key in enumerate(dataset.keys):
        sample = dataset.read(index)
        assert sample["image"].data == data[key] and sample["label"] == dataset.labels[index]
        assert sample["image"].name == str(tmp_path / key)
    check_dataset(dataset)


def test_split_folders_are_no_classes(tmp_path):
    for name in ("train/cat/1.jpg", "train/dog/2.jpg", "valid/cat/3.jpg", "TEST/dog/4.jpg", "train/5.jpg"):
        write_picture(tmp_path / name)
    dataset = ImageFolder(tmp_path)
    assert dataset.classes == ("cat", "dog")
    found = {
        key: (split, label) for key, split, label in zip(dataset.keys, dataset.splits, dataset.labels, strict=True)
    }
    assert found == {
        "train/cat/1.jpg": ("train", 0),
        "train/dog/2.jpg": ("train", 1),
        "valid/cat/3.jpg": ("val", 0),
        "TEST/dog/4.jpg": ("test", 1),
        "train/5.jpg": ("train", -1),
    }
    check_dataset(dataset)


@pytest.mark.parametrize(
    ("folders", "classes", "splits"),
    (
        (("train", "car"), ("car", "train"), None),  # a class of trains
        (("test", "car"), ("car", "test"), None),
        (("train", "val", "extra"), (), ["extra", "train", "val"]),
        (("dev", "train"), (), ["val", "train"]),
    ),
)
def test_when_folders_are_parts(tmp_path, folders, classes, splits):
    for folder in folders:
        write_picture(tmp_path / folder / "1.jpg")
    dataset = ImageFolder(tmp_path)
    assert dataset.classes == classes
    assert (dataset.splits if splits is None else list(dataset.splits)) == splits
    assert ("label" in dataset.read(0)) == bool(classes)


def test_the_user_has_the_last_word(tmp_path):
    for name in ("train/1.jpg", "val/2.jpg"):
        write_picture(tmp_path / name)
    assert ImageFolder(tmp_path, splits=False).classes == ("train", "val")
    assert ImageFolder(tmp_path, splits=False, classes=("val", "train", "x")).labels.tolist() == [1, 0]
    with pytest.raises(ValueError, match="folder 'train' is none of the 1 classes"):
        ImageFolder(tmp_path, splits=False, classes=("val",))


def test_what_is_no_folder_of_pictures(tmp_path):
    with pytest.raises(NotADirectoryError, match="nothing"):
        ImageFolder(tmp_path / "nothing")
    write_text(tmp_path / "a.gif", "")
    with pytest.raises(ValueError, match=r"no pictures .* 1 of kinds that cannot be read: a\.gif"):
        ImageFolder(tmp_path)


def test_a_picture_that_went_away_is_named(tmp_path):
    write_picture(tmp_path / "a" / "1.jpg")
    dataset = ImageFolder(tmp_path)
    (tmp_path / "a" / "1.jpg").unlink()
    with pytest.raises(FileNotFoundError, match=r"a/1\.jpg"):
        dataset.read(0)


def test_five_thousand_pictures_stay_small_in_a_pickle(tmp_path):
    for folder in range(10):
        (tmp_path / f"class{folder}").mkdir()
    for number in range(5_000):
        (tmp_path / f"class{number % 10}" / f"{number:05}.jpg").touch()
    dataset = ImageFolder(tmp_path)
    assert np.bincount(dataset.labels).tolist() == [500] * 10
    check_dataset(dataset)


def test_a_relative_root_means_the_same_from_elsewhere(tmp_path, monkeypatch):
    data = write_picture(tmp_path / "set" / "1.jpg")
    monkeypatch.chdir(tmp_path)
    dataset = ImageFolder("set")
    monkeypatch.chdir(os.sep)
    assert dataset.read(0)["image"].data == data
