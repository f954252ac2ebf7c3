"""YOLO in, YOLO out; read back by supervision, and by OpenCV where it is about pixels."""

import os

import cv2
import numpy as np
import pytest
import yaml
from expansions import dataset_names, state, tree
from sets import yolo_set
from shapes import NAMES, WIDTH, check_covered, check_tight, pipeline, write_scene

from covary import Pipeline, image
from covary.data.decode import decode
from covary.data.yolo import YoloDataset
from covary.expand import ExpandError, expand, verify

pytestmark = pytest.mark.filterwarnings("ignore:covary's compiled kernels:RuntimeWarning")


def read_by_supervision(out, part="train", segments=False):
    import supervision

    return supervision.DetectionDataset.from_yolo(
        images_directory_path=str(out / "images" / part),
        annotations_directory_path=str(out / "labels" / part),
        data_yaml_path=str(out / "data.yaml"),
        force_masks=segments,
    )


@pytest.mark.parametrize("segments", (False, True))
def test_boxes_read_by_supervision_cover_their_objects(tmp_path, segments):
    report = expand(yolo_set(tmp_path / "in", segments), tmp_path / "out", pipeline(), times=6)
    assert report.ok and report.made == 24
    made = read_by_supervision(tmp_path / "out", segments=segments)
    assert made.classes == list(NAMES) and len(made) == 24
    seen = 0
    for _, pixels, detections in made:
        picture = pixels[:, :, ::-1]
        found = [(NAMES[number], box) for box, number in zip(detections.xyxy, detections.class_id, strict=True)]
        seen += check_covered(picture, found)
        if segments:
            check_tight(picture, found)
    assert seen > 24


def test_segments_of_a_concave_shape_are_its_pixels(tmp_path):
    expand(yolo_set(tmp_path / "in", segments=True), tmp_path / "out", pipeline(), times=4)
    made = YoloDataset(tmp_path / "out" / "data.yaml")
    overlaps = []
    for index in range(len(made)):
        sample = made.read(index)
        picture = decode(sample["image"].data)
        for instance in sample["objects"]:
            away = np.abs(picture.astype(int) - [(250, 20, 20), (20, 250, 20), (30, 30, 250)][instance.category])
            shape = away.max(axis=2) < 90
            if shape.sum() > 60:
                overlaps.append((shape & instance.mask).sum() / (shape | instance.mask).sum())
    assert len(overlaps) > 10 and min(overlaps) > 0.8


def test_a_flip_mirrors_the_numbers(tmp_path):
    source = yolo_set(tmp_path / "in")
    expand(source, tmp_path / "out", Pipeline([image.HorizontalFlip(p=1)]), times=1)
    before = np.loadtxt(source / "labels/train/s2.txt", ndmin=2)
    after = np.loadtxt(tmp_path / "out/labels/train/s2__0.txt", ndmin=2)
    before[:, 1] = 1 - before[:, 1]
    assert np.allclose(after, before, atol=2e-6)


def test_only_the_training_part_is_expanded_and_the_rest_is_named_where_it_is(tmp_path):
    source, out = yolo_set(tmp_path / "in"), tmp_path / "out"
    report = expand(source, out, pipeline(), times=2)
    assert report.made == 8 and "left out: 4 of val" in report.notes[0]
    assert all("/train/" in name or name == "data.yaml" for name in dataset_names(out))
    content = yaml.safe_load((out / "data.yaml").read_text())
    assert content["train"] == "images/train" and content["names"] == dict(enumerate(NAMES))
    # Training on the expansion validates on the untouched pictures.
    assert (out / content["val"]).resolve() == (source / "images/val").resolve()
    assert sorted(set(YoloDataset(out / "data.yaml").splits)) == ["train", "val"]


def test_originals_take_the_other_parts_along_unchanged(tmp_path):
    source, out = yolo_set(tmp_path / "in"), tmp_path / "out"
    report = expand(source, out, pipeline(), times=2, originals="copy")
    assert report.made == 8 + 8 and "taken over unchanged: 4 of val" in report.notes[0]
    for part, number in (("train", 1), ("val", 5)):
        for name in (f"images/{part}/s{number}.png", f"labels/{part}/s{number}.txt"):
            assert (out / name).read_bytes() == (source / name).read_bytes()
    assert yaml.safe_load((out / "data.yaml").read_text())["val"] == "images/val"
    assert verify(out).ok
    expand(source, out, pipeline(), times=2, originals="link")
    assert (out / "labels/val/s5.txt").is_symlink() and (out / "images/val/s5.png").samefile(
        source / "images/val/s5.png"
    )
    assert verify(out).ok
    expand(source, tmp_path / "fresh", pipeline(), times=2, originals="link")
    assert state(out) == state(tmp_path / "fresh")


def test_reruns_follow_the_label_files(tmp_path):
    source, out = yolo_set(tmp_path / "in"), tmp_path / "out"
    for path in source.rglob("*.*"):
        os.utime(path, (1e9, 1e9))
    expand(source, out, pipeline(), times=2)
    assert expand(source, out, pipeline(), times=2).made == 0
    (source / "labels/train/s1.txt").write_text("")  # nothing is to be seen there any more
    (source / "labels/train/s2.txt").unlink()
    assert expand(source, out, pipeline(), times=2).made == 4
    assert (out / "labels/train/s1__0.txt").read_text() == ""
    (out / "labels/train/s0__1.txt").unlink()
    (out / "labels/train/s3__0.txt").write_text("cut")
    report = expand(source, out, pipeline(), times=2)
    assert (report.made, report.kept) == (2, 6)
    expand(source, tmp_path / "fresh", pipeline(), times=2)
    assert state(out) == state(tmp_path / "fresh")
    # Fewer variations take their label files along.
    expand(source, out, pipeline(), times=1)
    assert not list(out.rglob("*__1.*")) and verify(out).ok


def test_verify_names_what_is_wrong_with_label_files(tmp_path):
    source, out = yolo_set(tmp_path / "in"), tmp_path / "out"
    expand(source, out, pipeline(), times=1)
    assert verify(out).ok
    (out / "labels/train/s0__0.txt").write_text("0 0.5 0.5 1 1\n")
    (out / "labels/train/s1__0.txt").unlink()
    (out / "data.yaml").write_text("names: []\n")
    found = verify(out)
    assert found.altered == ("data.yaml", "labels/train/s0__0.txt") and found.missing == ("labels/train/s1__0.txt",)
    assert not found.differing and not found.extra
    (source / "labels/train/s2.txt").write_text("")
    assert [problem.name for problem in verify(out).differing] == ["images/train/s2__0.png"]


def test_left_and_right_of_a_pose_trade_places_as_flip_idx_says(tmp_path):
    root = tmp_path / "in"
    write_scene(root / "images/train/a.png", 0)
    (root / "labels/train").mkdir(parents=True)
    (root / "labels/train/a.txt").write_text("0 0.5 0.5 0.5 0.5 0.25 0.5 2 0.75 0.5 1 0.5 0.25 2\n")
    content = {"train": "images/train", "names": ["face"], "kpt_shape": [3, 3], "flip_idx": [1, 0, 2]}
    (root / "data.yaml").write_text(yaml.safe_dump(content))
    expand(root, tmp_path / "out", Pipeline([image.HorizontalFlip(p=1)]), times=1)
    made = np.loadtxt(tmp_path / "out/labels/train/a__0.txt")
    # The keypoint at 0.25 is mirrored to 0.75, and is then the other side's. A pixel index i goes to W - 1 - i.
    one = 1 / WIDTH
    expected = [0, 0.5, 0.5, 0.5, 0.5, 0.25 - one, 0.5, 1, 0.75 - one, 0.5, 2, 0.5 - one, 0.25, 2]
    assert np.allclose(made, expected, atol=2e-6)
    written = yaml.safe_load((tmp_path / "out/data.yaml").read_text())
    assert written["kpt_shape"] == [3, 3] and written["flip_idx"] == [1, 0, 2]


def test_parts_told_by_lists_are_told_by_lists_again(tmp_path):
    root = tmp_path / "in"
    yolo_set(root, parts=("all",))
    for part, chosen in (("train", (0, 1, 2)), ("val", (3,))):
        (root / f"{part}.txt").write_text("".join(f"./images/all/s{number}.png\n" for number in chosen))
    content = {"train": "train.txt", "val": "val.txt", "names": list(NAMES)}
    (root / "data.yaml").write_text(yaml.safe_dump(content))
    expand(root, tmp_path / "out", pipeline(), times=2, originals="copy")
    made = YoloDataset(tmp_path / "out/data.yaml")
    names = dict(zip(made.keys, made.splits, strict=True))
    assert names == {
        **{f"images/all/s{number}.png": "train" for number in range(3)},
        **{f"images/all/s{number}__{k}.png": "train" for number in range(3) for k in range(2)},
        "images/all/s3.png": "val",
    }
    assert verify(tmp_path / "out").ok


def test_two_pictures_with_one_label_file_are_told(tmp_path):
    source = yolo_set(tmp_path / "in", pictures=1)
    write_scene(source / "images/train/s0.jpg", 7)
    report = expand(source, tmp_path / "out", pipeline(), times=1)
    assert [problem.name for problem in report.skipped] == ["images/train/s0.png"]
    assert "labels/train/s0__0.txt would go with it and with images/train/s0.jpg" in report.skipped[0].reason


def test_a_label_file_that_makes_no_sense_is_skipped_with_its_line(tmp_path):
    source = yolo_set(tmp_path / "in")
    (source / "labels/train/s1.txt").write_text("0 0.5 0.5 0.2 0.2\n7 0.5 0.5 0.2 0.2\n")
    report = expand(source, tmp_path / "out", pipeline(), times=1)
    assert report.made == 3 and "s1.txt, line 2: class 7" in report.skipped[0].reason


@pytest.mark.parametrize(
    ("options", "said"),
    (
        ({"split": "val"}, "held-out data; to expand it all the same"),
        ({"split": "extra"}, "no pictures of split 'extra'; its parts: train, val"),
    ),
)
def test_held_out_parts_are_refused(tmp_path, options, said):
    with pytest.raises(ExpandError, match=said):
        expand(yolo_set(tmp_path / "in"), tmp_path / "out", pipeline(), times=1, **options)
    report = expand(tmp_path / "in", tmp_path / "out", pipeline(), times=1, split="val", any_split=True)
    assert report.made == 4 and all("/val/" in name or name == "data.yaml" for name in dataset_names(tmp_path / "out"))


def test_workers_do_not_matter(tmp_path):
    source = yolo_set(tmp_path / "in", segments=True)
    for workers in (1, 3):
        expand(source, tmp_path / str(workers), pipeline(), times=2, workers=workers)
    assert state(tmp_path / "1") == state(tmp_path / "3")


def test_other_kinds_of_pictures_and_one_format_for_all(tmp_path):
    source = yolo_set(tmp_path / "in", pictures=1)
    expand(source, tmp_path / "out", pipeline(), times=1, format="webp", quality=100)
    made = read_by_supervision(tmp_path / "out")
    assert len(made) == 1 and b"labels/train/s0.png__0.txt" in tree(tmp_path / "out")
    assert cv2.imread(str(tmp_path / "out/images/train/s0.png__0.webp")).shape == (64, 80, 3)
