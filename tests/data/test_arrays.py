import numpy as np
import pytest
from PIL import Image
from writing import check_dataset, picture, same, write_picture

from covary.data.arrays import Arrays
from covary.data.dataset import Encoded


def test_stacked_arrays_are_used_as_they_are():
    images = np.stack([picture(number) for number in range(20)])
    masks = images[..., 0]
    dataset = Arrays(image=images, mask=masks, label=np.arange(20) % 3, weight=np.linspace(0, 1, 20), rate=16_000)
    assert len(dataset) == 20 and list(dataset.keys) == list(range(20))
    assert dataset.classes == ("0", "1", "2") and dataset.labels.tolist() == [n % 3 for n in range(20)]
    sample = dataset.read(7)
    assert same(sample, {"image": images[7], "mask": masks[7], "weight": 7 / 19, "rate": 16_000, "label": 1})
    assert np.shares_memory(sample["image"], images)
    check_dataset(dataset)


def test_lists_become_flat():
    images = [picture(number, (10 + number, 12)) for number in range(6)]
    dataset = Arrays(
        {"image": images, "label": list("cabbac"), "key": list("uvwxyz"), "split": ["train", "valid"] * 3},
        note=["é", "", None, 4, [5], {"a": 1}],
        text=list("fedcba"),
    )
    assert dataset.classes == ("a", "b", "c") and list(dataset.keys) == list("uvwxyz")
    assert list(dataset.splits) == ["train", "val"] * 3
    for index in range(6):
        sample = dataset.read(index)
        assert np.array_equal(sample["image"], images[index]) and sample["text"] == "fedcba"[index]
    assert [dataset.read(index)["note"] for index in range(6)] == ["é", "", None, 4, [5], {"a": 1}]
    check_dataset(dataset)


def test_files_pil_images_and_tensors(tmp_path):
    torch = pytest.importorskip("torch", reason="PyTorch has no wheel for this platform")
    data = [write_picture(tmp_path / f"{number}.png", number) for number in range(3)]
    encoded = Arrays(image=data)
    assert isinstance(encoded.read(1)["image"], Encoded) and encoded.read(1)["image"].data == data[1]
    check_dataset(encoded)
    pictures = np.stack([picture(number) for number in range(3)])
    assert np.array_equal(Arrays(image=[Image.fromarray(each) for each in pictures]).read(2)["image"], pictures[2])
    tensors = torch.from_numpy(pictures.transpose(0, 3, 1, 2).copy())
    for dataset in (Arrays(image=tensors, label=torch.tensor([2, 0, 1])), Arrays(image=list(tensors), label=[2, 0, 1])):
        assert np.array_equal(dataset.read(2)["image"], pictures[2]) and dataset.read(0)["label"] == 2
        check_dataset(dataset)


def test_rows_as_labels_and_float_pictures():
    dataset = Arrays(image=np.zeros((4, 5, 6)), label=np.eye(4, dtype=int), classes=list("abcd"))
    assert dataset.labels is None and dataset.classes == tuple("abcd")
    assert dataset.read(2)["label"].tolist() == [0, 0, 1, 0] and dataset.read(2)["label"].dtype == np.float32
    assert dataset.read(0)["image"].dtype == np.float32


def test_whole_numbers_as_keys():
    dataset = Arrays(text=["a", "b"], key=np.array([7, 2**63], np.uint64))
    assert list(dataset.keys) == [7, 2**63]


@pytest.mark.parametrize(
    ("columns", "said"),
    (
        ({}, "no columns"),
        ({"image": np.zeros((3, 2, 2)), "label": [1]}, "one length, got image 3, label 1"),
        ({"text": ["a", "b"], "key": ["x", "x"]}, "a key occurs twice"),
        ({"text": ["a", "b"], "key": [-1, 2]}, "keys are strings, or whole numbers"),
        ({"image": [np.zeros((3, 3), np.uint8), np.zeros((2, 3), np.uint16)]}, "one dtype and number of axes"),
    ),
)
def test_columns_that_cannot_be_used(columns, said):
    with pytest.raises(ValueError, match=said):
        Arrays(columns)


def test_five_thousand_samples_stay_small_in_a_pickle():
    images = [np.full((2 + number % 3, 2), number % 256, np.uint8) for number in range(5_000)]
    check_dataset(Arrays(image=images, label=[f"c{n % 9}" for n in range(5_000)], key=[f"k{n}" for n in range(5_000)]))
