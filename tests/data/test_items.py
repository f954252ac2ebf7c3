"""Data sets of other libraries: a list, PyTorch's TensorDataset, and what torchvision's look like."""

import numpy as np
import pytest
from PIL import Image
from writing import check_dataset, picture

from covary.data.dataset import SampleError
from covary.data.items import Items


class Pictures:
    """As torchvision's data sets are: PIL images and class numbers, `classes`, `targets`."""

    classes = ("cat", "dog")

    def __init__(self, count):
        self.targets = [number % 2 for number in range(count)]

    def __len__(self):
        return len(self.targets)

    def __getitem__(self, index):
        return Image.fromarray(picture(index)), self.targets[index]


def test_pil_images_with_labels():
    dataset = Items(Pictures(9))
    assert dataset.classes == ("cat", "dog") and dataset.labels.tolist() == [n % 2 for n in range(9)]
    sample = dataset.read(3)
    assert np.array_equal(sample["image"], picture(3)) and sample["label"] == 1
    check_dataset(dataset)


@pytest.mark.parametrize("mode", ("L", "RGB", "RGBA", "P", "CMYK", "1", "I;16", "LA"))
def test_modes_of_pil_are_what_pil_converts_them_to(mode):
    base = Image.fromarray(picture(1))
    value = Image.fromarray(picture(1)[..., 0].astype(np.uint16) * 200) if mode == "I;16" else base.convert(mode)
    wanted = {"P": "RGB", "CMYK": "RGB", "1": "L", "LA": "RGBA"}.get(mode)
    expected = np.array(value.convert(wanted) if wanted else value)
    image = Items([value]).read(0)["image"]
    assert image.dtype == expected.dtype and np.array_equal(image, expected)


def test_tensors():
    torch = pytest.importorskip("torch", reason="PyTorch has no wheel for this platform")
    pictures = np.stack([picture(number) for number in range(4)])
    tensors = torch.utils.data.TensorDataset(torch.from_numpy(pictures.transpose(0, 3, 1, 2).copy()), torch.arange(4))
    dataset = Items(tensors)
    sample = dataset.read(2)
    assert np.array_equal(sample["image"], pictures[2]) and sample["label"] == 2 and type(sample["label"]) is int
    check_dataset(dataset, most=10**6)


def test_other_forms_of_items():
    image = picture(0)
    assert Items(["a text"]).read(0) == {"text": "a text"}
    assert np.array_equal(Items([image]).read(0)["image"], image)
    both = Items([{"image": image, "mask": image[..., 0], "label": np.int64(3), "name": "x"}]).read(0)
    assert np.array_equal(both["mask"], image[..., 0]) and both["label"] == 3 and both["name"] == "x"
    target = Items([(image, {"boxes": [1, 2, 3, 4]})]).read(0)
    assert target["boxes"] == [1, 2, 3, 4] and np.array_equal(target["image"], image)


def test_items_that_cannot_be_used_are_named():
    class Broken:
        def __len__(self):
            return 3

        def __getitem__(self, index):
            if index == 1:
                raise KeyError("gone")
            return (1, 2, 3) if index else "x"

    dataset = Items(Broken())
    with pytest.raises(SampleError, match="1: Broken failed: KeyError: 'gone'"):
        dataset.read(1)
    with pytest.raises(SampleError, match="2: a tuple of 3"):
        dataset.read(2)
    with pytest.raises(SampleError, match="a picture is an array"):
        Items([object()]).read(0)
