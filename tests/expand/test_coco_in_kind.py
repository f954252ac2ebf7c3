"""COCO in, COCO out; read back by pycocotools."""

import contextlib
import io
import json
import os

import numpy as np
import pytest
from expansions import dataset_names, state
from shapes import HEIGHT, NAMES, WIDTH, bounds, check_covered, check_tight, pipeline, write_scene

from covary import Pipeline, image
from covary.data.coco_dataset import CocoDataset
from covary.data.decode import decode
from covary.expand import ExpandError, expand, verify

pytestmark = [
    pytest.mark.filterwarnings("ignore:covary's compiled kernels:RuntimeWarning"),
    pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning"),
]


def coco_set(root, parts=("train", "val"), polygons=True, pictures=4):
    """A data set in the layout of COCO 2017."""
    number = 0
    for part in parts:
        images, annotations = [], []
        for _ in range(pictures):
            name = f"{number:012d}.png"
            objects = write_scene(root / f"{part}2017" / name, number)
            images.append({"id": 10 + number, "file_name": name, "height": HEIGHT, "width": WIDTH})
            for shape, corners in objects:
                x0, y0, x1, y1 = bounds(corners).tolist()
                entry = {"id": len(annotations) + 1, "image_id": 10 + number, "category_id": NAMES.index(shape) + 7}
                entry |= {"bbox": [x0, y0, x1 - x0, y1 - y0], "iscrowd": 0, "score": 0.5}
                if polygons:
                    entry["segmentation"] = [corners.ravel().tolist()]
                annotations.append(entry)
            number += 1
        content = {
            "info": {"description": part},
            "licenses": [{"id": 1, "name": "free"}],
            "images": images,
            "annotations": annotations,
            "categories": [
                {"id": place + 7, "name": name, "supercategory": "shape"} for place, name in enumerate(NAMES)
            ],
        }
        (root / "annotations").mkdir(exist_ok=True)
        (root / f"annotations/instances_{part}2017.json").write_text(json.dumps(content))
    return root


def read_by_pycocotools(path):
    from pycocotools.coco import COCO

    with contextlib.redirect_stdout(io.StringIO()):
        return COCO(str(path))


@pytest.mark.parametrize("polygons", (False, True))
def test_boxes_read_by_pycocotools_cover_their_objects(tmp_path, polygons):
    report = expand(coco_set(tmp_path / "in", polygons=polygons), tmp_path / "out", pipeline(), times=6)
    assert report.ok and report.made == 24 and "left out: 4 of val" in report.notes[0]
    made = read_by_pycocotools(tmp_path / "out/annotations/instances_train2017.json")
    assert len(made.imgs) == 24 and made.dataset["info"] == {"description": "train"}
    assert made.cats[7] == {"id": 7, "name": "disc", "supercategory": "shape"}
    seen = 0
    for number, entry in made.imgs.items():
        picture = decode(tmp_path / "out/train2017" / entry["file_name"])
        assert picture.shape == (entry["height"], entry["width"], 3)
        found = []
        for annotation in made.loadAnns(made.getAnnIds(number)):
            x, y, width, height = annotation["bbox"]
            name = NAMES[annotation["category_id"] - 7]
            found.append((name, (x, y, x + width, y + height)))
            assert annotation["score"] == 0.5
            if polygons:
                mask = made.annToMask(annotation)
                assert mask.shape == picture.shape[:2] and mask.sum() == annotation["area"]
        seen += check_covered(picture, found)
        if polygons:
            check_tight(picture, found)
    assert seen > 24


def test_other_parts_and_their_files_go_along_with_originals(tmp_path):
    source, out = coco_set(tmp_path / "in"), tmp_path / "out"
    expand(source, out, pipeline(), times=1, originals="link")
    held_out = read_by_pycocotools(out / "annotations/instances_val2017.json")
    assert sorted(entry["file_name"] for entry in held_out.imgs.values()) == [f"{n:012d}.png" for n in range(4, 8)]
    before, after = (
        CocoDataset(source / "annotations/instances_val2017.json"),
        CocoDataset(out / "annotations/instances_val2017.json"),
    )
    for index in range(4):
        one, other = before.read(index)["objects"], after.read(index)["objects"]
        assert np.allclose([each.box for each in one], [each.box for each in other], atol=1e-3)
        assert all(np.array_equal(a.mask, b.mask) for a, b in zip(one, other, strict=True))
    assert verify(out).ok
    expand(source, out, pipeline(), times=1)
    assert not (out / "annotations/instances_val2017.json").exists()
    expand(source, tmp_path / "fresh", pipeline(), times=1)
    assert state(out) == state(tmp_path / "fresh")


def test_a_change_of_one_annotation_makes_one_picture_anew(tmp_path):
    source, out = coco_set(tmp_path / "in"), tmp_path / "out"
    for path in source.rglob("*.*"):
        os.utime(path, (1e9, 1e9))
    expand(source, out, pipeline(), times=2)
    assert expand(source, out, pipeline(), times=2).made == 0
    path = source / "annotations/instances_train2017.json"
    content = json.loads(path.read_text())
    content["annotations"][0]["category_id"] = 9
    path.write_text(json.dumps(content))
    report = expand(source, out, pipeline(), times=2)
    assert (report.made, report.kept) == (2, 6)
    expand(source, tmp_path / "fresh", pipeline(), times=2)
    assert state(out) == state(tmp_path / "fresh") and verify(out).ok


def test_one_annotation_file_alone(tmp_path):
    source = coco_set(tmp_path / "in")
    expand(
        source / "annotations/instances_train2017.json",
        tmp_path / "out",
        Pipeline([image.HorizontalFlip(p=1)]),
        times=1,
    )
    assert [name for name in dataset_names(tmp_path / "out") if "png" in name] == [
        f"train2017/{number:012d}__0.png" for number in range(4)
    ]
    with pytest.raises(ExpandError, match="held-out data"):
        expand(source / "annotations/instances_val2017.json", tmp_path / "out2", pipeline())
