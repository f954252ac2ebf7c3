"""Pascal VOC in, Pascal VOC out; boxes read back by supervision, masks by Pillow."""

import numpy as np
import pytest
from expansions import dataset_names, state
from PIL import Image as Pillow
from sets import PALETTE, indexed, voc_set
from shapes import HEIGHT, NAMES, WIDTH, check_covered, pipeline, pixels_of

from covary import Pipeline, image
from covary.data.decode import decode
from covary.data.instances import Instance
from covary.data.voc import VocDataset
from covary.expand import expand, verify
from covary.expand.kinds.voc import renumbered

pytestmark = pytest.mark.filterwarnings("ignore:covary's compiled kernels:RuntimeWarning")


def test_boxes_read_by_supervision_cover_their_objects(tmp_path):
    import supervision

    report = expand(voc_set(tmp_path / "in"), tmp_path / "out", pipeline(), times=6)
    assert report.ok and report.made == 4 * 6
    made = supervision.DetectionDataset.from_pascal_voc(
        images_directory_path=str(tmp_path / "out/JPEGImages"),
        annotations_directory_path=str(tmp_path / "out/Annotations"),
    )
    assert len(made) == 24
    seen = 0
    for _, pixels, detections in made:
        found = [
            (made.classes[number], (x0, y0, x1, y1))
            for (x0, y0, x1, y1), number in zip(detections.xyxy, detections.class_id, strict=True)
        ]
        # Whole pixels are rounded to, and supervision takes VOC's first pixel 1 for an edge at 0 or at 1.
        seen += check_covered(pixels[:, :, ::-1], [(name, (x0, y0, x1 + 1e-9, y1)) for name, (x0, y0, x1, y1) in found])
    assert seen > 24


def test_lists_of_the_parts_name_the_variations(tmp_path):
    source, out = voc_set(tmp_path / "in", masks=(0, 2)), tmp_path / "out"
    report = expand(source, out, pipeline(), times=2)
    assert "left out: 2 of val" in report.notes[0]
    lines = (out / "ImageSets/Main/train.txt").read_text().split()
    assert lines == [f"s{number}__{k}" for number in (0, 1, 3, 4) for k in range(2)]
    assert (out / "ImageSets/Segmentation/train.txt").read_text().split() == ["s0__0", "s0__1"]
    assert not (out / "ImageSets/Main/val.txt").exists() and verify(out).ok
    expand(source, out, pipeline(), times=1, originals="link")
    assert (out / "ImageSets/Main/val.txt").read_text().split() == ["s2", "s5"]
    assert (out / "ImageSets/Segmentation/val.txt").read_text().split() == ["s2"]
    assert sorted(set(VocDataset(out).splits)) == ["train", "val"] and verify(out).ok
    expand(source, tmp_path / "fresh", pipeline(), times=1, originals="link")
    assert state(out) == state(tmp_path / "fresh")
    expand(source, out, pipeline(), times=1)
    assert not (out / "ImageSets/Main/val.txt").exists()


def test_masks_keep_their_palette_and_show_the_shapes(tmp_path):
    expand(voc_set(tmp_path / "in", masks=range(6)), tmp_path / "out", pipeline(), times=3)
    compared = 0
    for path in sorted((tmp_path / "out/JPEGImages").glob("*.png")):
        picture = decode(path)
        by_class, by_object = (
            Pillow.open(tmp_path / f"out/Segmentation{kind}/{path.name}") for kind in ("Class", "Object")
        )
        assert by_class.mode == "P" and by_class.getpalette() == PALETTE
        names = [object["name"] for object in _xml_objects((tmp_path / f"out/Annotations/{path.stem}.xml").read_text())]
        for number, name in enumerate(NAMES, 1):
            rows, columns = pixels_of(picture, name)
            if len(rows) < 40:
                continue
            compared += 1
            there = np.asarray(by_class) == number
            assert there[rows, columns].mean() > 0.95
            # Numbers of objects are places in the XML file, also where another object has gone.
            assert (np.asarray(by_object)[rows, columns] == names.index(name) + 1).mean() > 0.95
    assert compared > 15


def _xml_objects(text):
    from xml.etree import ElementTree

    return [{child.tag: child.text for child in entry} for entry in ElementTree.fromstring(text).iterfind("object")]


def test_what_files_say_of_objects_stays(tmp_path):
    source = voc_set(tmp_path / "in", pictures=2)
    expand(source, tmp_path / "out", Pipeline([image.HorizontalFlip(p=1)]), times=1)
    before = _xml_objects((source / "Annotations/s1.xml").read_text())
    after = _xml_objects((tmp_path / "out/Annotations/s1__0.xml").read_text())
    assert [entry["difficult"] for entry in after] == ["0", "1"] == [entry["difficult"] for entry in before]
    assert after[1]["pose"] == "Left"
    text = (tmp_path / "out/Annotations/s1__0.xml").read_text()
    assert "<filename>s1__0.png</filename>" in text and "<folder>JPEGImages</folder>" in text


def test_numbers_of_objects_close_up_when_one_has_gone():
    left = [Instance(1, (0, 0, 1, 1), extra={"number": 1}), Instance(1, (0, 0, 1, 1), extra={"number": 3})]
    made = renumbered(np.array([[0, 1, 2, 3, 255]], np.uint8), left)
    assert made.tolist() == [[0, 1, 255, 2, 255]]


def test_reruns_follow_xml_files_and_masks(tmp_path):
    source, out = voc_set(tmp_path / "in", masks=(0, 1)), tmp_path / "out"
    expand(source, out, pipeline(), times=2)
    assert expand(source, out, pipeline(), times=2).made == 0
    (source / "SegmentationClass/s0.png").write_bytes(indexed(np.zeros((HEIGHT, WIDTH), np.uint8)))
    (source / "SegmentationObject/s1.png").unlink()
    xml = source / "Annotations/s3.xml"
    xml.write_text(xml.read_text().replace("disc", "bar"))
    assert expand(source, out, pipeline(), times=2).made == 6
    assert "SegmentationObject/s1__0.png" not in dataset_names(out)
    expand(source, tmp_path / "fresh", pipeline(), times=2)
    assert state(out) == state(tmp_path / "fresh") and verify(out).ok
