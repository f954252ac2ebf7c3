"""YOLO data sets against supervision: what both read, and what supervision reads of what is written here."""

import numpy as np
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from writing import check_dataset, write_picture, write_text

from covary.data.dataset import SampleError
from covary.data.instances import AnnotationError, Category, Instance
from covary.data.yolo import YoloDataset, data_yaml_text, yolo_numbers
from covary.data.yolo_labels import label_path, parse_yolo, yolo_text
from covary.targets.pixels import fill_polygon

supervision = pytest.importorskip(
    "supervision", reason="the reader that is the truth here has no wheel for this platform"
)

SIZE = (120, 160)
BOXES = "0 0.5 0.5 0.25 0.5\n2 0.1 0.25 0.125 0.3\n"
SEGMENTS = "1 0.125 0.25 0.625 0.25 0.625 0.75 0.125 0.5\n0 0.5 0.1 0.9 0.2 0.7 0.9\n"
NAMES = ["cat", "dog", "owl"]


def write_set(root, labels, config=None, images="images/{}/{}.jpg", text="labels/{}/{}.txt"):
    """A data set of one picture per label text, alternately in train and val."""
    for number, label in enumerate(labels):
        part = ("train", "val")[number % 2]
        write_picture(root / images.format(part, number), number, SIZE)
        if label is not None:
            write_text(root / text.format(part, number), label)
    described = {"path": ".", "train": "images/train", "val": "images/val", "names": NAMES}
    write_text(root / "data.yaml", yaml.safe_dump({**described, **(config or {})}))
    return root


def by_supervision(root, part, **options):
    return supervision.DetectionDataset.from_yolo(
        str(root / "images" / part), str(root / "labels" / part), str(root / "data.yaml"), **options
    ).annotations


@pytest.mark.parametrize("text", (BOXES, SEGMENTS))
def test_objects_equal_those_that_supervision_reads(tmp_path, text):
    root = write_set(tmp_path, [text, text.splitlines()[0], ""])
    dataset = YoloDataset(root)
    assert list(dataset.keys) == ["images/train/0.jpg", "images/train/2.jpg", "images/val/1.jpg"]
    assert list(dataset.splits) == ["train", "train", "val"]
    assert {id: kind.name for id, kind in dataset.categories.items()} == dict(enumerate(NAMES))
    expected = {**by_supervision(root, "train"), **by_supervision(root, "val")}
    for index, key in enumerate(dataset.keys):
        objects = dataset.read(index)["objects"]
        theirs = expected[str(root / key)]
        assert [each.category for each in objects] == list(theirs.class_id)
        corners = [(x, y, x + w, y + h) for x, y, w, h in (each.box for each in objects)]
        # supervision rounds the corners of segments to whole pixels.
        assert np.allclose(np.reshape(corners, (-1, 4)), theirs.xyxy, atol=1e-3 if text == BOXES else 1)
    check_dataset(dataset)


def test_segments_are_filled_as_pixels_whose_centres_lie_inside(tmp_path):
    dataset = YoloDataset(write_set(tmp_path, [SEGMENTS]))
    first, second = dataset.read(0)["objects"]
    theirs = by_supervision(tmp_path, "train", force_masks=True)[str(tmp_path / dataset.keys[0])].mask
    for ours, other in zip((first.mask, second.mask), theirs, strict=True):
        assert (ours & other).sum() / (ours | other).sum() > 0.95  # supervision draws the outline's own pixels as well
    corners = np.array([[20, 30], [100, 30], [100, 90], [20, 60]])
    assert np.array_equal(first.mask, fill_polygon(corners, SIZE))
    assert first.box == (20, 30, 80, 60)
    assert YoloDataset(tmp_path, masks=False).read(0)["objects"][0].mask is None


POSE = "0 0.5 0.5 0.5 0.5 0.25 0.5 2 0.75 0.5 1 0 0 0\n"


def test_poses_and_what_trades_places(tmp_path):
    dataset = YoloDataset(write_set(tmp_path, [POSE], {"kpt_shape": [3, 3], "flip_idx": [1, 0, 2]}))
    (pose,) = dataset.read(0)["objects"]
    assert pose.box == (40, 30, 80, 60)
    assert pose.keypoints.tolist() == [[40, 60, 2], [120, 60, 1], [0, 0, 0]]
    assert dataset.categories[0].pairs == ((0, 1),)
    bare = YoloDataset(write_set(tmp_path / "bare", ["0 0.5 0.5 0.5 0.5 0.25 0.5 0 0\n"], {"kpt_shape": [2, 2]}))
    assert bare.read(0)["objects"][0].keypoints.tolist() == [[40, 60, 2], [0, 0, 0]]
    assert bare.categories[0].pairs == ()


def test_keypoint_names_of_the_file_are_kept_where_they_agree(tmp_path):
    said = {"kpt_shape": [3, 3], "flip_idx": [0, 2, 1], "kpt_names": {0: ["nose", "left_eye", "right_eye"]}}
    categories = YoloDataset(write_set(tmp_path / "a", [POSE], said)).categories
    assert categories[0].keypoints == ("nose", "left_eye", "right_eye") and categories[1].pairs == ((1, 2),)
    said["flip_idx"] = [1, 0, 2]
    assert YoloDataset(write_set(tmp_path / "b", [POSE], said)).categories[0].pairs == ((0, 1),)


@pytest.mark.parametrize(
    ("picture", "label"),
    (
        ("/d/images/train/1.jpg", "/d/labels/train/1.txt"),
        ("/d/train/images/a.b.png", "/d/train/labels/a.b.txt"),
        ("/images/set/images/1.jpg", "/images/set/labels/1.txt"),
        ("/d/pictures/1.jpg", "/d/pictures/1.txt"),
    ),
)
def test_label_path(picture, label):
    assert label_path(picture) == label


@pytest.mark.parametrize(
    "layout",
    (
        {"train": ["images/train"], "val": ["images/val"]},
        {"train": "train.txt", "val": "lists/val.txt"},
        {"train": "../images/train", "val": "../images/val"},
        {"path": "nowhere/to/be/found"},
        {"names": {2: "owl", 0: "cat", 1: "dog"}},
        {"valid": "images/val", "val": None},
    ),
)
def test_ways_to_say_where_the_pictures_are(tmp_path, layout):
    root = write_set(tmp_path, [BOXES] * 4, layout)
    write_text(root / "train.txt", "./images/train/0.jpg\n" + str(root / "images/train/2.jpg") + "\n\n")
    write_text(root / "lists" / "val.txt", "../images/val/1.jpg\n../images/val/3.jpg\n")
    dataset = YoloDataset(root / "data.yaml")
    assert {(key, split) for key, split in zip(dataset.keys, dataset.splits, strict=True)} == {
        ("images/train/0.jpg", "train"),
        ("images/train/2.jpg", "train"),
        ("images/val/1.jpg", "val"),
        ("images/val/3.jpg", "val"),
    }
    assert [each.category for each in dataset.read(3)["objects"]] == [0, 2]
    assert [kind.name for kind in dataset.categories.values()] == NAMES


def test_a_folder_without_a_file_that_describes_it(tmp_path):
    root = write_set(tmp_path, [BOXES, None])
    (root / "data.yaml").unlink()
    dataset = YoloDataset(root)
    assert list(dataset.splits) == ["train", "val"]
    assert [kind.name for kind in dataset.categories.values()] == ["0", "1", "2"]
    assert len(dataset.read(0)["objects"]) == 2
    assert dataset.read(1)["objects"] == ()  # no label file: no objects
    assert YoloDataset(root, names=["a", "b", "c", "d"]).categories[3].name == "d"
    write_text(root / "classes.txt", "\n".join(NAMES))
    assert YoloDataset(root).categories[2].name == "owl"


def test_a_turned_picture_counts_upright(tmp_path):
    root = write_set(tmp_path, ["0 0.5 0.5 1 1"])
    data = (root / "images/train/0.jpg").read_bytes()
    exif = b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0"
    marker = b"\xff\xe1" + (len(exif) + 2).to_bytes(2, "big") + exif
    (root / "images/train/0.jpg").write_bytes(data[:2] + marker + data[2:])
    assert YoloDataset(root).read(0)["objects"][0].box == (0, 0, SIZE[0], SIZE[1])


@pytest.mark.parametrize(
    ("line", "said"),
    (
        ("0 0.5 0.5 0.5", "3 numbers behind the class"),
        ("0 0.5 0.5 0.5 0.5 0.5", "5 numbers behind the class"),
        ("3 0.5 0.5 0.5 0.5", "class 3 is none of the 3"),
        ("0.5 0.5 0.5 0.5 0.5", "class 0.5 is none"),
        ("cat 0.5 0.5 0.5 0.5", "numbers are allowed alone"),
        ("0 80 60 20 30", "80 is no share of the picture"),
        ("0 nan 0.5 0.5 0.5", "nan is no share"),
        ("0 0.5 0.5 -0.005 0.5", "a box of width -0.005"),
    ),
)
def test_lines_that_cannot_be_used_are_named(tmp_path, line, said):
    root = write_set(tmp_path, ["0 0.5 0.5 0.5 0.5\n\n" + line, BOXES])
    dataset = YoloDataset(root)
    with pytest.raises(SampleError, match=said) as caught:
        dataset.read(0)
    assert "images/train/0.jpg: " in str(caught.value) and "labels/train/0.txt, line 3" in str(caught.value)
    dataset.read(1)


@pytest.mark.parametrize(
    ("config", "said"),
    (
        ({"names": "cat"}, "names is 'cat'"),
        ({"kpt_shape": [3, 4]}, r"kpt_shape is \[3, 4\]"),
        ({"kpt_shape": [3, 3], "flip_idx": [0, 1]}, "flip_idx"),
        ({"train": "nowhere", "val": None}, "nowhere not found"),
        ({"train": None, "val": None}, "none of train, val, test"),
    ),
)
def test_descriptions_that_cannot_be_used_are_named(tmp_path, config, said):
    with pytest.raises(AnnotationError, match=said) as caught:
        YoloDataset(write_set(tmp_path, [BOXES], config))
    assert "data.yaml" in str(caught.value)


def test_two_descriptions_need_a_choice(tmp_path):
    write_set(tmp_path, [BOXES])
    (tmp_path / "data.yaml").rename(tmp_path / "one.yaml")
    assert len(YoloDataset(tmp_path)) == 1
    write_text(tmp_path / "two.yml", (tmp_path / "one.yaml").read_text())
    with pytest.raises(AnnotationError, match=r"one\.yaml, two\.yml"):
        YoloDataset(tmp_path)
    assert len(YoloDataset(tmp_path / "two.yml")) == 1


boxes = st.tuples(st.floats(0, 100), st.floats(0, 80), st.floats(1, 60), st.floats(1, 40))


@given(st.lists(st.tuples(st.integers(0, 2), boxes), max_size=6))
@settings(max_examples=30, deadline=None)
def test_boxes_come_back(listed):
    kinds = {number: Category(number, name) for number, name in enumerate(NAMES)}
    text = yolo_text([Instance(kind, box) for kind, box in listed], SIZE)
    again = parse_yolo(text, SIZE, kinds)
    assert [each.category for each in again] == [kind for kind, _ in listed]
    for each, (_, (x, y, width, height)) in zip(again, listed, strict=True):
        right, bottom = min(x + width, SIZE[1]), min(y + height, SIZE[0])
        assert np.allclose(each.box, (x, y, right - x, bottom - y), atol=2e-4)


def ellipse(y, x, a, b):
    rows, columns = np.mgrid[: SIZE[0], : SIZE[1]]
    return ((columns - x) / a) ** 2 + ((rows - y) / b) ** 2 <= 1


def test_what_is_written_is_read_by_supervision(tmp_path):
    """Boxes and segments (one with a hole, one of two parts) of categories whose ids are no class numbers."""
    categories = {7: Category(7, "cat"), 3: Category(3, "dog")}
    numbers = yolo_numbers(categories)
    assert numbers == {3: 0, 7: 1}
    ring = ellipse(60, 50, 40, 30) & ~ellipse(60, 50, 15, 10)
    two = ellipse(40, 130, 12, 15) | ellipse(90, 120, 14, 12)
    objects = [
        Instance(7, (9.0, 29.0, 83.0, 63.0), ring),
        Instance(3, (105.0, 24.0, 39.0, 80.0), two),
        Instance(3, (10.5, 20.25, 30.0, 200.0)),  # beyond the lower edge
        Instance(3, (200.0, 20.25, 30.0, 20.0)),  # outside
        Instance(3, (1.0, 1.0, 30.0, 20.0), crowd=True),
    ]
    for kind in ("boxes", "segments"):
        root = tmp_path / kind
        write_picture(root / "images/train/0.jpg", 0, SIZE)
        write_text(root / "labels/train/0.txt", yolo_text(objects, SIZE, kind, numbers=numbers))
        write_text(root / "data.yaml", data_yaml_text(categories, {"train": "images/train", "val": "images/train"}))
        (theirs,) = by_supervision(root, "train", force_masks=kind == "segments").values()
        assert list(theirs.class_id) == [1, 0, 0]
        expected = [(9, 29, 92, 92), (105, 24, 144, 104), (10.5, 20.25, 40.5, 120)]
        assert np.allclose(theirs.xyxy, expected, atol=1e-3 if kind == "boxes" else 3)
        ours = YoloDataset(root).read(0)["objects"]
        assert [each.category for each in ours] == [1, 0, 0]
        if kind == "segments":
            for mask, mine, other in zip((ring, two), ours, theirs.mask, strict=False):
                assert (mine.mask & mask).sum() / (mine.mask | mask).sum() > 0.97
                assert (other & mask).sum() / (other | mask).sum() > 0.8  # it paints the outline, bridges included


def test_poses_come_back(tmp_path):
    names = ("nose", "left_eye", "right_eye")
    categories = {0: Category(0, "person", names)}
    points = np.array([[40.0, 60, 2], [120, 60, 1], [300, 5, 2]])
    write_picture(tmp_path / "images/train/0.jpg", 0, SIZE)
    text = yolo_text(
        [Instance(0, (20.0, 30.0, 60.0, 50.0), keypoints=points), Instance(0, (1.0, 1, 9, 9))], SIZE, "pose"
    )
    assert text.splitlines()[0].endswith("0 0 0") and len(text.splitlines()[1].split()) == 14
    write_text(tmp_path / "labels/train/0.txt", text)
    described = yaml.safe_load(data_yaml_text(categories, {"train": "images/train"}))
    assert described["flip_idx"] == [0, 2, 1] and described["kpt_shape"] == [3, 3]
    write_text(tmp_path / "data.yaml", yaml.safe_dump(described))
    dataset = YoloDataset(tmp_path)
    assert dataset.categories == categories
    first, second = dataset.read(0)["objects"]
    assert np.allclose(first.keypoints, [[40, 60, 2], [120, 60, 1], [0, 0, 0]], atol=1e-3)
    assert not second.keypoints.any()


def test_five_thousand_pictures_stay_small_in_a_pickle(tmp_path):
    (tmp_path / "images" / "train").mkdir(parents=True)
    for number in range(5_000):
        (tmp_path / "images" / "train" / f"{number}.jpg").touch()
    for number in range(12):
        write_picture(tmp_path / "images" / "train" / f"{number}.jpg")
    write_text(tmp_path / "data.yaml", data_yaml_text({0: Category(0, "x")}, {"train": "images/train"}))
    check_dataset(YoloDataset(tmp_path))
