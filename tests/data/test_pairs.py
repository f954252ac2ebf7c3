import numpy as np
import pytest
from PIL import Image
from writing import check_dataset, write_picture

from covary.data.dataset import SampleError
from covary.data.masks import decode_mask
from covary.data.pairs import MaskPairs


def write_mask(path, value):
    path.parent.mkdir(parents=True, exist_ok=True)
    picture = Image.new("P", (16, 12), value)
    picture.putpalette([x for i in range(256) for x in (i, 255 - i, i // 2)])
    picture.save(path)


LAYOUTS = {
    "two folders": ("images/{}.jpg", "masks/{}.png"),
    "parts within": ("images/train/{}.jpg", "masks/train/{}.png"),
    "parts above": ("train/images/{}.jpg", "train/masks/{}_mask.png"),
    "side by side": ("{}.jpg", "{}_mask.png"),
    "VOC's names": ("JPEGImages/{}.jpg", "SegmentationClass/{}.png"),
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_each_picture_finds_its_mask(tmp_path, layout):
    images, masks = LAYOUTS[layout]
    data = {}
    for number in range(5):
        name = images.format(f"p{number}")
        data[name] = number, write_picture(tmp_path / name, number)
        write_mask(tmp_path / masks.format(f"p{number}"), number)
    dataset = MaskPairs(tmp_path, classes=("sky", "road"))
    assert list(dataset.keys) == sorted(data) and dataset.classes == ("sky", "road") and dataset.labels is None
    for index, key in enumerate(dataset.keys):
        sample = dataset.read(index)
        number, encoded = data[key]
        assert sample["image"].data == encoded
        assert np.array_equal(decode_mask(sample["mask"]), np.full((12, 16), number))
    assert (dataset.splits is not None) == ("train" in images)
    check_dataset(dataset)


def test_names_and_suffixes_of_the_users_own(tmp_path):
    for number in range(3):
        write_picture(tmp_path / f"Left/{number}.png", number)
        write_mask(tmp_path / f"truth/{number}_ids.png", number)
        write_mask(tmp_path / f"truth/{number}_colour.png", 99)
    dataset = MaskPairs(tmp_path, images="Left", masks="truth", suffix="_ids")
    assert [decode_mask(dataset.read(index)["mask"])[0, 0] for index in range(3)] == [0, 1, 2]


def test_a_picture_without_a_mask_is_named(tmp_path):
    write_picture(tmp_path / "images/a.jpg")
    write_picture(tmp_path / "images/b.jpg")
    write_mask(tmp_path / "masks/b.png", 1)
    dataset = MaskPairs(tmp_path)
    with pytest.raises(SampleError, match=r"images/a\.jpg: .* has no mask"):
        dataset.read(0)
    dataset.read(1)


def test_what_is_not_pairs(tmp_path):
    write_picture(tmp_path / "a.jpg")
    with pytest.raises(ValueError, match="no picture with a mask; looked for folders images"):
        MaskPairs(tmp_path)
    write_mask(tmp_path / "a_mask.png", 1)
    write_mask(tmp_path / "a_gt.png", 1)
    with pytest.raises(ValueError, match="two masks for one picture"):
        MaskPairs(tmp_path)
    assert len(MaskPairs(tmp_path, suffix="_gt")) == 2  # a, and a_mask which no longer counts as one


def test_classes_painted_in_colours(tmp_path):
    colours = {"sky": (128, 128, 128), "road": (128, 64, 128), "car": (64, 0, 128)}
    numbers = np.random.default_rng(0).integers(0, 3, (12, 16))
    write_picture(tmp_path / "images/a.jpg")
    write_picture(tmp_path / "images/b.jpg")
    (tmp_path / "masks").mkdir()
    painted = np.array(list(colours.values()), np.uint8)[numbers]
    Image.fromarray(painted).save(tmp_path / "masks/a.png")
    painted[3, 5] = 1, 2, 3
    Image.fromarray(painted).save(tmp_path / "masks/b.png")
    dataset = MaskPairs(tmp_path, colours=colours)
    assert dataset.classes == tuple(colours)
    assert np.array_equal(dataset.read(0)["mask"], numbers) and dataset.read(0)["mask"].dtype == np.uint8
    with pytest.raises(SampleError, match=r"masks/b\.png: pixel \(5, 3\) of the mask has the colour \(1, 2, 3\)"):
        dataset.read(1)
    assert np.array_equal(MaskPairs(tmp_path, colours=list(colours.values())).read(0)["mask"], numbers)
    with pytest.raises(ValueError, match="colours="):
        MaskPairs(tmp_path, colours=[(1, 2)])
    with pytest.raises(ValueError, match="two classes have the same colour"):
        MaskPairs(tmp_path, colours=[(1, 2, 3), (1, 2, 3)])
