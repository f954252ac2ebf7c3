"""Pascal VOC against supervision, which converts its 1-based inclusive pixels as the devkit defines them."""

import numpy as np
import pytest
from PIL import Image
from writing import check_dataset, write_picture, write_text

from covary.data.dataset import SampleError
from covary.data.instances import Category, Instance
from covary.data.masks import decode_mask
from covary.data.voc import VocDataset, parse_voc, voc_text

supervision = pytest.importorskip(
    "supervision", reason="the reader that is the truth here has no wheel for this platform"
)

SIZE = (40, 60)
CATEGORIES = {1: Category(1, "cat"), 2: Category(2, "dog & co")}

# An object as VOC2012 writes it, with a part of its own.
PERSON = """<annotation>
	<folder>VOC2012</folder><filename>2007_000027.jpg</filename>
	<source><database>The VOC2007 Database</database></source>
	<size><width>60</width><height>40</height><depth>3</depth></size>
	<segmented>0</segmented>
	<object>
		<name>person</name><pose>Left</pose><truncated>1</truncated><difficult>0</difficult>
		<bndbox><xmin>11</xmin><ymin>5</ymin><xmax>40</xmax><ymax>20</ymax></bndbox>
		<part><name>head</name><bndbox><xmin>9</xmin><ymin>9</ymin><xmax>15</xmax><ymax>15</ymax></bndbox></part>
	</object>
</annotation>"""


def write_set(root, texts, images="JPEGImages", annotations="Annotations"):
    for number, text in enumerate(texts):
        write_picture(root / images / f"{number}.jpg", number, SIZE)
        if text is not None:
            write_text(root / annotations / f"{number}.xml", text)
    return root


def test_pixels_are_counted_from_one_and_the_last_is_included(tmp_path):
    dataset = VocDataset(write_set(tmp_path, [PERSON, None]))
    assert list(dataset.keys) == ["JPEGImages/0.jpg"]  # the other has no annotations
    assert dataset.categories == {1: Category(1, "person")}
    (person,) = dataset.read(0)["objects"]
    assert person.box == (10, 4, 30, 16)
    assert person.extra == {"pose": "Left", "truncated": 1, "difficult": 0}
    theirs = supervision.DetectionDataset.from_pascal_voc(str(tmp_path / "JPEGImages"), str(tmp_path / "Annotations"))
    assert theirs.annotations[str(tmp_path / "JPEGImages/0.jpg")].xyxy.tolist() == [[10, 4, 40, 20]]
    check_dataset(dataset)


def test_what_is_written_is_read_by_supervision_and_here(tmp_path):
    objects = [
        Instance(1, (0.0, 0.0, 10.0, 12.0), extra={"difficult": 1, "occluded": 1, "score": 0.5}),
        Instance(2, (10.4, 5.6, 20.0, 10.0)),
        Instance(2, (50.0, 30.0, 30.0, 30.0)),  # cut
        Instance(2, (70.0, 30.0, 30.0, 30.0)),  # outside
    ]
    text = voc_text(objects, SIZE, CATEGORIES, filename="0.jpg", folder="JPEGImages")
    write_set(tmp_path, [text])
    found = supervision.DetectionDataset.from_pascal_voc(str(tmp_path / "JPEGImages"), str(tmp_path / "Annotations"))
    (theirs,) = found.annotations.values()
    assert [found.classes[number] for number in theirs.class_id] == ["cat", "dog & co", "dog & co"]
    expected = [[0, 0, 10, 12], [10, 6, 30, 16], [50, 30, 60, 40]]
    assert theirs.xyxy.tolist() == expected
    dataset = VocDataset(tmp_path)
    ours = dataset.read(0)["objects"]
    assert [(x, y, x + w, y + h) for x, y, w, h in (each.box for each in ours)] == [tuple(box) for box in expected]
    assert [dataset.categories[each.category].name for each in ours] == ["cat", "dog & co", "dog & co"]
    assert ours[0].extra == {"pose": "Unspecified", "truncated": 0, "difficult": 1, "occluded": 1}
    assert voc_text(ours, SIZE, dataset.categories, filename="0.jpg", folder="JPEGImages") == text


def test_what_supervision_writes_is_read(tmp_path):
    image = write_set(tmp_path, [None]) / "JPEGImages" / "0.jpg"
    detections = supervision.Detections(xyxy=np.array([[3.0, 4, 20, 30], [0, 0, 60, 40]]), class_id=np.array([1, 0]))
    written = supervision.DetectionDataset(["cat", "dog"], [str(image)], {str(image): detections})
    written.as_pascal_voc(annotations_directory_path=str(tmp_path / "Annotations"))
    dataset = VocDataset(tmp_path)
    assert [(dataset.categories[each.category].name, each.box) for each in dataset.read(0)["objects"]] == [
        ("dog", (3, 4, 17, 26)),
        ("cat", (0, 0, 60, 40)),
    ]


def test_parts_by_lists_and_by_folders(tmp_path):
    root = write_set(tmp_path / "lists", [PERSON] * 3)
    write_text(root / "ImageSets/Main/train.txt", "0\n")
    write_text(root / "ImageSets/Main/val.txt", "2\n")
    write_text(root / "ImageSets/Main/trainval.txt", "0\n2\n")
    assert list(VocDataset(root).splits) == ["train", "", "val"]
    for part in ("train", "valid"):
        write_set(tmp_path / "flat", [PERSON], part, part)
    flat = VocDataset(tmp_path / "flat")
    assert list(flat.keys) == ["train/0.jpg", "valid/0.jpg"] and list(flat.splits) == ["train", "val"]
    assert len(flat.read(1)["objects"]) == 1
    assert VocDataset(write_set(tmp_path / "kaggle", [PERSON], "images", "annotations")).splits is None


def test_masks_of_classes_and_objects(tmp_path):
    two = PERSON.replace("</annotation>", PERSON[PERSON.index("\t<object>") :])
    root = write_set(tmp_path, [two, PERSON, None])
    numbers = np.zeros(SIZE, np.uint8)
    numbers[4:20, 10:40] = 1
    numbers[25:30, 5:9] = 2
    for folder, values in (("SegmentationClass", np.where(numbers, 15, 0)), ("SegmentationObject", numbers)):
        picture = Image.frombytes("P", SIZE[::-1], values.astype(np.uint8).tobytes())
        picture.putpalette(np.random.default_rng(0).integers(0, 256, 768, dtype=np.uint8).tobytes())
        (root / folder).mkdir()
        picture.save(root / folder / "0.png")
    write_text(root / "ImageSets/Segmentation/val.txt", "0\n")
    dataset = VocDataset(root, task="segmentation", classes=["person"])
    assert list(dataset.keys) == ["JPEGImages/0.jpg"] and list(dataset.splits) == ["val"]
    sample = dataset.read(0)
    assert np.array_equal(decode_mask(sample["mask"]), np.where(numbers, 15, 0))
    assert all(np.array_equal(each.mask, numbers == at) for at, each in enumerate(sample["objects"], 1))
    assert len(VocDataset(root)) == 2 and "mask" not in VocDataset(root).read(0)
    check_dataset(dataset)


@pytest.mark.parametrize(
    ("change", "said"),
    (
        (("<annotation>", "<annotation"), "not an XML file"),
        (("<width>60</width>", "<width>61</width>"), "61 x 40 pixels, the picture has 60 x 40"),
        (("<xmin>11</xmin>", ""), "object 1: its bndbox lacks"),
        (("<xmin>11</xmin>", "<xmin>x</xmin>"), "object 1: its bndbox lacks"),
        (("<xmin>11</xmin>", "<xmin>50</xmin>"), "object 1: its bndbox is 50, 5, 40, 20"),
        (("<name>person</name>", ""), "object 1: class ''"),
    ),
)
def test_files_that_cannot_be_used_are_named(tmp_path, change, said):
    dataset = VocDataset(write_set(tmp_path, [PERSON, PERSON.replace(*change)]))
    dataset.read(0)
    with pytest.raises(SampleError, match=said) as caught:
        dataset.read(1)
    assert "Annotations/1.xml" in str(caught.value)


def test_first_pixels_of_tools_that_count_from_zero():
    text = PERSON.replace("<xmin>11</xmin>", "<xmin>0</xmin>").replace("<width>60</width>", "<width>0</width>")
    assert parse_voc(text, {4: Category(4, "person")}, size=SIZE)[0].box == (0, 4, 40, 16)


def test_a_folder_without_annotations(tmp_path):
    write_picture(tmp_path / "a.jpg")
    with pytest.raises(ValueError, match="no picture with an XML file"):
        VocDataset(tmp_path)
    with pytest.raises(ValueError, match="task='boxes'; allowed"):
        VocDataset(tmp_path, task="boxes")


def test_five_thousand_pictures_stay_small_in_a_pickle(tmp_path):
    root = write_set(tmp_path, [PERSON] * 12)
    for number in range(12, 5_000):
        (root / "JPEGImages" / f"z{number}.jpg").touch()
        (root / "Annotations" / f"z{number}.xml").touch()
    check_dataset(VocDataset(root))


def test_several_years_in_one_folder(tmp_path):
    for year in ("VOC2007", "VOC2012"):
        write_set(tmp_path / year, [PERSON] * 2)
        write_text(tmp_path / year / "ImageSets/Main/train.txt", "0\n" if year == "VOC2007" else "1\n")
    dataset = VocDataset(tmp_path)
    assert [key for key, split in zip(dataset.keys, dataset.splits, strict=True) if split == "train"] == [
        "VOC2007/JPEGImages/0.jpg",
        "VOC2012/JPEGImages/1.jpg",
    ]
