"""COCO data sets against pycocotools."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from writing import check_dataset, write_picture, write_text

from covary.data.coco_dataset import CocoDataset
from covary.data.coco_index import CocoIndex
from covary.data.dataset import SampleError
from covary.data.instances import AnnotationError

pytest.importorskip("pycocotools", reason="the reader that is the truth here has no wheel for this platform")
from pycocotools import mask as cocomask
from pycocotools.coco import COCO

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation")  # of pycocotools itself

SIZE = (40, 60)
CATEGORIES = [
    {"id": 3, "name": "cat"},
    {"id": 18, "name": "person", "keypoints": ["left_eye", "right_eye"], "skeleton": []},
]


def blob(seed):
    random = np.random.default_rng(seed)
    y, x = np.mgrid[: SIZE[0], : SIZE[1]]
    return ((x - random.integers(15, 45)) / 12) ** 2 + ((y - random.integers(12, 28)) / 9) ** 2 <= 1


def packed(mask):
    rle = cocomask.encode(np.asfortranarray(mask.astype(np.uint8)))
    return {"size": rle["size"], "counts": rle["counts"].decode()}


def plain(mask):
    flat = mask.ravel(order="F").astype(int)
    changes = np.flatnonzero(np.diff(flat)) + 1
    runs = np.diff([0, *changes, flat.size]).tolist()
    return {"size": list(mask.shape), "counts": ([0] if flat[0] else []) + runs}


def document(names=("a.jpg", "sub/b.jpg", "c.jpg")):
    annotations = [
        {
            "image_id": 10,
            "category_id": 3,
            "bbox": [2.5, 3, 20, 18],
            "segmentation": [[5, 5, 40, 8, 30, 35], [45, 20, 58, 20, 50, 38]],
        },
        {
            "image_id": 10,
            "category_id": 3,
            "iscrowd": 1,
            "segmentation": plain(blob(1)),
            "bbox": [1, 2, 3, 4],
            "score": 0.25,
        },
        {"image_id": 11, "category_id": 18, "segmentation": packed(blob(2)), "keypoints": [12, 13, 2, 30, 14, 1]},
        {"image_id": 11, "category_id": 3, "bbox": [0, 0, 5, 5]},
    ]
    return {
        "images": [
            {"id": 10 + at, "file_name": name, "height": SIZE[0], "width": SIZE[1]} for at, name in enumerate(names)
        ],
        "annotations": [{"id": at, "area": 1.0, "iscrowd": 0, **entry} for at, entry in enumerate(annotations, 1)],
        "categories": CATEGORIES,
    }


def write_set(root, content, file="annotations.json", images="."):
    for number, image in enumerate(content["images"]):
        write_picture(root / images / image["file_name"], number, SIZE)
    return write_text(root / file, json.dumps(content))


def test_objects_equal_those_of_pycocotools(tmp_path):
    path = write_set(tmp_path, document())
    dataset = CocoDataset(path)
    theirs = COCO(path)
    assert list(dataset.keys) == ["a.jpg", "sub/b.jpg", "c.jpg"]
    assert {id: kind.name for id, kind in dataset.categories.items()} == {
        id: cat["name"] for id, cat in theirs.cats.items()
    }
    assert dataset.categories[18].pairs == ((0, 1),)
    for index, number in enumerate((10, 11, 12)):
        sample = dataset.read(index)
        assert sample["image"].data == (tmp_path / theirs.imgs[number]["file_name"]).read_bytes()
        expected = theirs.imgToAnns[number]
        assert len(sample["objects"]) == len(expected)
        for ours, entry in zip(sample["objects"], expected, strict=True):
            assert ours.category == entry["category_id"] and ours.crowd == entry["iscrowd"]
            if "bbox" in entry:
                assert list(ours.box) == entry["bbox"]
            if "keypoints" in entry:
                assert ours.keypoints.ravel().tolist() == entry["keypoints"]
            if "segmentation" not in entry:
                assert ours.mask is None
                continue
            mask = theirs.annToMask(entry).astype(bool)
            if isinstance(entry["segmentation"], dict):
                assert np.array_equal(ours.mask, mask)
            else:  # pycocotools rounds corners to fifths of a pixel
                assert (ours.mask & mask).sum() / (ours.mask | mask).sum() > 0.95
    assert dataset.read(0)["objects"][1].extra == {"score": 0.25}
    # No box is given for the third: the one around its mask, as pycocotools finds it.
    assert list(dataset.read(1)["objects"][0].box) == cocomask.toBbox(packed(blob(2))).tolist()
    check_dataset(dataset)


def test_boxes_alone(tmp_path):
    dataset = CocoDataset(write_set(tmp_path, document()), masks=False)
    objects = [each for index in range(3) for each in dataset.read(index)["objects"]]
    assert all(each.mask is None for each in objects) and all(each.box for each in objects)
    assert objects[1].extra == {"score": 0.25} and objects[1].crowd


@given(
    st.lists(
        st.lists(st.sampled_from(["box", "plain", "packed", "polygon", "points", "nothing"]), max_size=4), max_size=5
    )
)
@settings(max_examples=40, deadline=None)
def test_the_flat_index_gives_each_picture_its_own(kinds):
    pictures = []
    for entries in kinds:
        pictures.append([])
        for kind in entries:
            number = sum(map(len, pictures))
            region = {
                "plain": plain(blob(number)),
                "packed": packed(blob(number)),
                "polygon": [[number, 1, 30, 2, 9, 30]],
            }
            entry = {"id": number, "category_id": number, "segmentation": region.get(kind), "mark": number}
            if kind == "box":
                entry["bbox"] = [number, 1, 2, 3]
            if kind == "points":
                entry["keypoints"] = [number, 2, 2] * (number % 3 + 1)
            pictures[-1].append(entry)
    index = CocoIndex(pictures)
    assert len(index) == len(pictures)
    for picture, entries in enumerate(pictures):
        objects = index.objects(picture, SIZE)
        assert [each.category for each in objects] == [entry["id"] for entry in entries]
        for each, entry, kind in zip(objects, entries, kinds[picture], strict=True):
            assert each.extra == {"mark": entry["id"]}
            assert (each.mask is not None) == (kind in ("plain", "packed", "polygon"))
            if kind in ("plain", "packed"):
                assert np.array_equal(each.mask, blob(entry["id"]))
            if kind == "box":
                assert each.box == (entry["id"], 1, 2, 3)
            assert (each.keypoints is None) == (kind != "points")
            if kind == "points":
                assert each.keypoints.ravel().tolist() == entry["keypoints"]


@pytest.mark.parametrize(
    ("file", "images", "split"),
    (
        ("annotations/instances_train2017.json", "train2017", "train"),
        ("annotations/instances_val.json", "images/val", "val"),
        ("valid/_annotations.coco.json", "valid", "val"),
        ("labels.json", "data", None),
        ("annotations/all.json", "images", None),
    ),
)
def test_pictures_are_found_around_the_file(tmp_path, file, images, split):
    dataset = CocoDataset(write_set(tmp_path, document(), file, images))
    assert dataset.root == str(tmp_path / images)
    assert (dataset.splits if split is None else set(dataset.splits)) == (split if split is None else {split})
    dataset.read(2)


def test_several_files(tmp_path):
    files = [write_set(tmp_path, document(), f"annotations/instances_{part}.json", part) for part in ("train", "val")]
    dataset = CocoDataset(files)
    assert list(dataset.keys) == [
        f"{part}/{name}" for part in ("train", "val") for name in ("a.jpg", "sub/b.jpg", "c.jpg")
    ]
    assert list(dataset.splits) == ["train"] * 3 + ["val"] * 3
    assert [len(dataset.read(index)["objects"]) for index in range(6)] == [2, 2, 0, 2, 2, 0]
    other = document()
    other["categories"] = [{"id": 3, "name": "dog"}, CATEGORIES[1]]
    files[1].write_text(json.dumps(other))
    with pytest.raises(AnnotationError, match="category 3 is 'dog', and 'cat' in another file"):
        CocoDataset(files)


def test_pictures_that_moved_are_found_by_their_last_part(tmp_path):
    content = document()
    path = write_set(tmp_path / "pictures", content, "../elsewhere/a.json")
    for image in content["images"]:
        image["file_name"] = "C/old/" + image["file_name"].rpartition("/")[2]
    path.write_text(json.dumps(content))
    dataset = CocoDataset(path, tmp_path / "pictures")
    assert list(dataset.keys) == ["a.jpg", "sub/b.jpg", "c.jpg"]
    with pytest.raises(FileNotFoundError, match=r"C/old/a\.jpg is in none of .*; give images="):
        CocoDataset(path)


@pytest.mark.parametrize(
    ("change", "said"),
    (
        (
            {"segmentation": {"size": [5, 5], "counts": [25]}},
            r"annotation 1: segmentation cannot be used: its mask is \(5, 5\)",
        ),
        ({"segmentation": {"size": list(SIZE), "counts": [25]}}, "annotation 1: .* add up to 25"),
        ({"segmentation": {"size": list(SIZE), "counts": "zz"}}, "annotation 1: segmentation"),
    ),
)
def test_regions_that_cannot_be_used_name_their_sample(tmp_path, change, said):
    content = document()
    content["annotations"][0].update(change)
    dataset = CocoDataset(write_set(tmp_path, content))
    with pytest.raises(SampleError, match=said) as caught:
        dataset.read(0)
    assert caught.value.key == "a.jpg"
    dataset.read(1)


@pytest.mark.parametrize("region", ({"size": 5, "counts": [1]}, {"size": [5, 5]}, [1, 2, 3], [[1, 2, 3]], [["a", "b"]]))
def test_regions_of_no_known_form_name_the_file(tmp_path, region):
    content = document()
    content["annotations"][0]["segmentation"] = region
    with pytest.raises(AnnotationError, match=r"annotations\.json: an annotation cannot be used"):
        CocoDataset(write_set(tmp_path, content))


def test_a_picture_of_another_size_is_refused(tmp_path):
    path = write_set(tmp_path, document())
    write_picture(tmp_path / "a.jpg", 0, (20, 30))
    with pytest.raises(SampleError, match="are for 60 x 40 pixels, the picture has 30 x 20"):
        CocoDataset(path).read(0)


def test_five_thousand_pictures_stay_small_in_a_pickle(tmp_path):
    content = document([f"{number}.jpg" for number in range(5_000)])
    content["annotations"] = [
        {**entry, "id": 4 * at + number, "image_id": 10 + at}
        for at in range(5_000)
        for number, entry in enumerate(content["annotations"])
    ]
    write_text(tmp_path / "a.json", json.dumps(content))
    for number in range(12):
        write_picture(tmp_path / f"{number}.jpg", number, SIZE)
    check_dataset(CocoDataset(tmp_path / "a.json"))
