"""COCO files: reading, refusing, matching, writing."""

import json

import numpy as np
import pytest

from covary.data.coco import coco_text, instance_from_json, read_coco
from covary.data.instances import AnnotationError, mirror_name
from covary.data.regions import decode_runs, unpack_runs

PERSON = {
    "id": 1,
    "name": "person",
    "supercategory": "animal",
    "keypoints": ["nose", "left_eye", "right_eye"],
    "skeleton": [[1, 2], [1, 3]],
}


def document(**changes):
    plain = {
        "info": {"description": "ours"},
        "images": [
            {"id": 7, "file_name": "a/one.jpg", "height": 20, "width": 30},
            {"id": 8, "file_name": "two.jpg", "height": 20, "width": 30},
        ],
        "annotations": [
            {
                "id": 1,
                "image_id": 7,
                "category_id": 1,
                "bbox": [2, 3, 10, 8],
                "segmentation": [[2, 3, 12, 3, 12, 11, 2, 11]],
                "keypoints": [4, 5, 2, 6, 5, 1, 0, 0, 0],
                "iscrowd": 0,
                "area": 80,
                "score": 0.5,
            },
            {"id": 2, "image_id": 7, "category_id": 2, "segmentation": {"size": [20, 30], "counts": [590, 10]}},
        ],
        "categories": [PERSON, {"id": 2, "name": "dog"}],
    }
    return {**plain, **changes}


def written(tmp_path, content):
    path = tmp_path / "annotations.json"
    path.write_text(json.dumps(content), encoding="utf-8")
    return path


def test_what_is_read(tmp_path):
    coco = read_coco(written(tmp_path, document()))
    assert coco.categories[1].keypoints == ("nose", "left_eye", "right_eye")
    assert coco.categories[1].pairs == ((1, 2),)
    assert coco.categories[2].pairs == ()
    assert coco.categories[1].to_json() == PERSON
    image, entries = coco.pictures["a/one.jpg"]
    assert image["height"] == 20 and len(entries) == 2
    first, second = (instance_from_json(entry, (20, 30)) for entry in entries)
    expected = np.zeros((20, 30), bool)
    expected[3:11, 2:12] = True
    assert np.array_equal(first.mask, expected)
    assert first.box == (2, 3, 10, 8)
    assert np.array_equal(first.keypoints, [[4, 5, 2], [6, 5, 1], [0, 0, 0]])
    assert first.extra == {"score": 0.5}
    assert second.mask[10:, 29].all() and second.mask.sum() == 10
    assert second.box == (29, 10, 1, 10)  # none is given: the one around the mask


def test_an_instance_is_written_as_it_is_read(tmp_path):
    coco = read_coco(written(tmp_path, document()))
    entry = coco.pictures["a/one.jpg"][1][0]
    plain = instance_from_json(entry, (20, 30)).to_json()
    assert plain["bbox"] == [2, 3, 10, 8] and plain["area"] == 80 and plain["num_keypoints"] == 2
    assert plain["keypoints"] == entry["keypoints"] and plain["score"] == 0.5
    region = plain["segmentation"]
    assert np.array_equal(
        decode_runs(unpack_runs(region["counts"]), tuple(region["size"])), instance_from_json(entry, (20, 30)).mask
    )
    again = instance_from_json({**plain, "id": 1}, (20, 30))
    assert np.array_equal(again.mask, instance_from_json(entry, (20, 30)).mask)


def test_file_text_is_a_coco_file(tmp_path):
    coco = read_coco(written(tmp_path, document()))
    entries = [instance_from_json(entry, (20, 30)).to_json() for entry in coco.pictures["a/one.jpg"][1]]
    path = tmp_path / "new.json"
    categories = [category.to_json() for category in coco.categories.values()]
    path.write_text(coco_text(categories, [("x\n.png", 20, 30, entries), ("\udcff.png", 20, 30, ())], info=coco.info))
    again = read_coco(path)
    assert again.info == coco.info and again.categories == coco.categories
    assert [entry["id"] for entry in again.pictures["x\n.png"][1]] == [1, 2]
    assert again.pictures["\udcff.png"][1] == ()


@pytest.mark.parametrize(
    ("name", "mirrored"),
    (
        ("left_eye", "right_eye"),
        ("right_eye", "left_eye"),
        ("ear_l", "ear_r"),
        ("nose", "nose"),
        ("leftover", "leftover"),
        ("bright", "bright"),
    ),
)
def test_mirror_name(name, mirrored):
    assert mirror_name(name) == mirrored


def test_pictures_are_found_by_path_then_by_unique_last_part(tmp_path):
    images = [
        {"id": 1, "file_name": "cats/a.jpg"},
        {"id": 2, "file_name": "b.jpg"},
        {"id": 3, "file_name": "train/c.jpg"},
        {"id": 4, "file_name": "d.jpg"},
    ]
    coco = read_coco(written(tmp_path, document(images=images, annotations=[])))
    found = coco.find(["cats/a.jpg", "dogs/a.jpg", "cats/b.jpg", "cats/c.jpg", "x/d.jpg", "y/d.jpg"])
    assert found == {"cats/a.jpg": "cats/a.jpg", "cats/b.jpg": "b.jpg", "cats/c.jpg": "train/c.jpg"}


@pytest.mark.parametrize(
    ("changes", "said"),
    (
        ({"images": None}, "no list of 'images'"),
        ({"categories": [{"name": "no id"}]}, "category entry"),
        ({"images": [{"id": 1}]}, "no file_name"),
        ({"annotations": [{"id": 5, "image_id": 99, "category_id": 1}]}, "annotation 5: image_id 99"),
        ({"annotations": [{"id": 5, "image_id": 7, "category_id": 9}]}, "annotation 5: category_id 9"),
        ({"annotations": [{"id": 5, "image_id": 7, "category_id": 2, "bbox": [1, 2, 3]}]}, "annotation 5: bbox"),
        ({"annotations": [{"id": 5, "image_id": 7, "category_id": 2, "bbox": [1, 2, 3, "x"]}]}, "annotation 5: bbox"),
        ({"annotations": [{"id": 5, "image_id": 7, "category_id": 1, "keypoints": [1, 2]}]}, "annotation 5: keypoints"),
        (
            {"annotations": [{"id": 5, "image_id": 7, "category_id": 1, "keypoints": [1, 2, 2]}]},
            "1 keypoints, but category 'person' has 3",
        ),
        ({"annotations": ["nonsense"]}, "no object"),
        (
            {"images": [{"id": 7, "file_name": "a.jpg"}, {"id": 8, "file_name": "a.jpg"}]},
            "two image entries .* 'a.jpg'",
        ),
    ),
)
def test_entries_that_cannot_be_used_are_named(tmp_path, changes, said):
    path = written(tmp_path, document(**changes))
    with pytest.raises(AnnotationError, match=said) as caught:
        read_coco(path)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize("content", ("{", "[1]", "\ufeff"))
def test_what_is_no_annotation_file(tmp_path, content):
    path = tmp_path / "a.json"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(AnnotationError, match=r"a\.json"):
        read_coco(path)


@pytest.mark.parametrize(
    "region",
    ({"size": [5, 5], "counts": [25]}, {"size": [20, 30], "counts": [1]}, {"counts": "x"}, [[1, 2, 3]], [["a"]]),
)
def test_region_that_does_not_fit_is_refused(region):
    with pytest.raises(AnnotationError, match="annotation 3: segmentation"):
        instance_from_json({"id": 3, "category_id": 1, "segmentation": region}, (20, 30))
