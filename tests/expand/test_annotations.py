"""Boxes, regions and keypoints of a COCO file through an expansion."""

import json

import numpy as np
import pytest
from expansions import record, state, tree, write

from covary import Boxes, Pipeline, image
from covary.data.coco import instance_from_json, read_coco
from covary.data.instances import Category, Instance, Objects, for_objects
from covary.expand import ExpandError, expand, verify

pytestmark = pytest.mark.filterwarnings("ignore:covary's compiled kernels:RuntimeWarning")

FACE = {"id": 1, "name": "face", "keypoints": ["nose", "left_eye", "right_eye"], "skeleton": [[1, 2], [1, 3]]}
CUP = {"id": 2, "name": "cup"}
HEIGHT, WIDTH = 40, 60


def annotations(path, **changes):
    content = {
        "images": [{"id": 1, "file_name": "faces/f.png", "height": HEIGHT, "width": WIDTH}],
        "annotations": [
            {
                "id": 1,
                "image_id": 1,
                "category_id": 1,
                "bbox": [10, 5, 20, 16],
                "keypoints": [20, 13, 2, 15, 9, 2, 25, 9, 1],
                "num_keypoints": 3,
                "iscrowd": 0,
            },
            {
                "id": 2,
                "image_id": 1,
                "category_id": 2,
                "segmentation": [[40, 20, 52, 20, 52, 33, 40, 33]],
                "bbox": [40, 20, 12, 13],
            },
        ],
        "categories": [FACE, CUP],
        "info": {"description": "faces and cups"},
        **changes,
    }
    path.write_text(json.dumps(content))
    return path


def folder(root):
    write(root / "faces" / "f.png", height=HEIGHT, width=WIDTH)
    write(root / "plain.png")
    return root


def test_flip_moves_every_label_as_numpy_moves_the_pixels(tmp_path):
    flip = Pipeline([image.HorizontalFlip(p=1)])
    expand(folder(tmp_path / "in"), tmp_path / "out", flip, times=1, annotations=annotations(tmp_path / "a.json"))
    coco = read_coco(tmp_path / "out" / "annotations.json")
    assert coco.info == {"description": "faces and cups"}
    assert sorted(coco.pictures) == ["faces/f__0.png", "plain__0.png"]
    face, cup = coco.pictures["faces/f__0.png"][1]
    assert face["bbox"] == [30, 5, 20, 16]
    # The left eye is now where the right one was mirrored to, and the other way round.
    assert face["keypoints"] == [39, 13, 2, 34, 9, 1, 44, 9, 2]
    expected = np.zeros((HEIGHT, WIDTH), bool)
    expected[20:33, 40:52] = True
    assert np.array_equal(instance_from_json(cup, (HEIGHT, WIDTH)).mask, expected[:, ::-1])
    assert cup["bbox"] == [8, 20, 12, 13] and cup["area"] == 12 * 13
    assert coco.pictures["plain__0.png"][1] == ()


def test_labels_equal_those_of_the_pipeline(tmp_path):
    pipeline = Pipeline([image.Rotate((-30, 30)), image.RandomResizedCrop(32, scale=(0.5, 1.0))], seed=5)
    expand(folder(tmp_path / "in"), tmp_path / "out", pipeline, times=6, annotations=annotations(tmp_path / "a.json"))
    coco = read_coco(tmp_path / "out" / "annotations.json")
    blank = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    plain = pipeline.with_options(boxes="coco", keypoints="xyv")
    for epoch in range(6):
        out = plain(
            image=blank,
            boxes=[[10, 5, 20, 16]],
            keypoints=[[20, 13, 2], [15, 9, 2], [25, 9, 1]],
            key="faces/f.png",
            epoch=epoch,
        )
        faces = [e for e in coco.pictures[f"faces/f__{epoch}.png"][1] if e["category_id"] == 1]
        assert len(faces) == len(out["boxes"])
        for entry in faces:
            assert np.allclose(entry["bbox"], out["boxes"][0], atol=1e-3)
            assert np.allclose(np.reshape(entry["keypoints"], (-1, 3)), out["keypoints"], atol=1e-3)
            assert entry["num_keypoints"] == int((out["keypoints"][:, 2] > 0).sum())


@pytest.mark.parametrize("epoch", range(6))
def test_box_of_a_mask_is_the_one_around_its_pixels(tmp_path, epoch):
    disc = [[30 + 9 * np.cos(t), 20 + 9 * np.sin(t)] for t in np.linspace(0, 2 * np.pi, 60)]
    entry = {"id": 1, "category_id": 2, "segmentation": [np.ravel(disc).tolist()], "bbox": [21, 11, 18, 18]}
    instance = instance_from_json(entry, (HEIGHT, WIDTH))
    objects = Objects.of([instance], {2: Category(2, "cup")})
    pipeline = for_objects(Pipeline([image.Rotate((-90, 90), border="reflect")], seed=1), objects)
    out = pipeline(image=np.zeros((HEIGHT, WIDTH, 3), np.uint8), key=1, epoch=epoch, **objects.fields())
    (moved,) = objects.carried(out)
    rows, columns = np.nonzero(moved.mask)
    assert moved.box == (columns.min(), rows.min(), np.ptp(columns) + 1, np.ptp(rows) + 1)
    # A disc stays a disc; the box around the turned corners would be up to 1.4 times as large.
    assert abs(moved.box[2] - 18) <= 1 and abs(moved.box[3] - 18) <= 1


def mixed():
    mask = np.zeros((HEIGHT, WIDTH), bool)
    mask[5:15, 5:15] = True
    crowd = np.zeros((HEIGHT, WIDTH), bool)
    crowd[30:, :] = True
    return [
        Instance(1, box=(10.0, 5.0, 20.0, 16.0), keypoints=np.array([[20, 13, 2], [15, 9, 2], [0, 0, 0]])),
        Instance(2, box=(5.0, 5.0, 10.0, 10.0), mask=mask, extra={"score": 0.25}),
        Instance(1, keypoints=np.array([[50, 30, 2], [48, 28, 1], [52, 28, 2]])),
        Instance(2, box=(0.0, 30.0, 60.0, 10.0), mask=crowd, crowd=True),
    ]


def carried(instances, operations, epoch=0):
    categories = {1: Category(1, "face", tuple(FACE["keypoints"])), 2: Category(2, "cup")}
    objects = Objects.of(instances, categories)
    pipeline = for_objects(Pipeline(operations, boxes=Boxes("yolo", min_area=4)), objects)
    assert pipeline.boxes.format == "coco" and pipeline.boxes.min_area == 4
    out = pipeline(image=np.zeros((HEIGHT, WIDTH, 3), np.uint8), key=1, epoch=epoch, **objects.fields())
    return objects.carried(out)


def test_nothing_done_changes_nothing():
    before = mixed()
    after = carried(before, [])
    assert len(after) == 4
    for one, other in zip(before, after, strict=True):
        assert one.to_json() == other.to_json()


def test_objects_of_every_mixture_are_flipped_together():
    after = carried(mixed(), [image.HorizontalFlip(p=1)])
    assert [instance.category for instance in after] == [1, 2, 1, 2]
    assert after[0].box == (30.0, 5.0, 20.0, 16.0)
    # Of a pair of which one is not labelled, the label goes to the other side with its point.
    assert after[0].keypoints.tolist() == [[39, 13, 2], [0, 0, 0], [44, 9, 2]]
    assert after[1].box == (45, 5, 10, 10) and after[1].extra == {"score": 0.25}
    assert after[2].keypoints.tolist() == [[9, 30, 2], [7, 28, 2], [11, 28, 1]] and after[2].box is None
    assert after[3].crowd and after[3].mask[30:].all()


def test_what_leaves_the_picture_is_gone():
    after = carried(mixed(), [image.CenterCrop(20)])  # rows 10 to 30, columns 20 to 40
    assert [instance.category for instance in after] == [1]
    assert after[0].box == (0.0, 0.0, 10.0, 11.0)
    assert after[0].keypoints[:, 2].tolist() == [2, 0, 0]


def test_a_mirrored_border_annotates_each_object_once():
    mask = np.zeros((HEIGHT, WIDTH), bool)
    mask[10:20, 3:9] = True
    shift = image.Translate(x=(20, 20), y=(0, 0), unit="pixels", border="symmetric")
    (shown,) = carried([Instance(2, box=(3.0, 10.0, 6.0, 10.0), mask=mask)], [shift])
    # Its mirror image is to be seen from column 11 to 17.
    expected = np.zeros((HEIGHT, WIDTH), bool)
    expected[10:20, 23:29] = True
    assert np.array_equal(shown.mask, expected) and shown.box == (23, 10, 6, 10)
    boxed = Instance(1, box=(40.0, 30.0, 5.0, 5.0))
    assert np.array_equal(
        carried([Instance(2, box=(3.0, 10.0, 6.0, 10.0), mask=mask), boxed], [shift])[0].mask, expected
    )


def test_reruns_and_verification_with_annotations(tmp_path):
    source, out = folder(tmp_path / "in"), tmp_path / "out"
    pipeline = Pipeline([image.Rotate((-30, 30))], seed=5)
    first = annotations(tmp_path / "a.json")
    expand(source, out, pipeline, times=3, annotations=first, originals="copy")
    assert verify(out).ok
    before = state(out)
    assert expand(source, out, pipeline, times=3, annotations=first, originals="copy").made == 0
    assert state(out) == before
    # One picture's annotations change: its outputs are made again, the others are kept.
    second = annotations(tmp_path / "b.json", annotations=[])
    report = expand(source, out, pipeline, times=3, annotations=second, originals="copy")
    assert (report.made, report.kept) == (4, 4)
    expand(source, tmp_path / "fresh", pipeline, times=3, annotations=second, originals="copy")
    assert state(out) == state(tmp_path / "fresh")
    # Without annotations, the file that describes them goes.
    expand(source, out, pipeline, times=3, originals="copy")
    expand(source, tmp_path / "bare", pipeline, times=3, originals="copy")
    assert state(out) == state(tmp_path / "bare") and b"annotations.json" not in tree(out)


def test_altered_annotation_file_is_found(tmp_path):
    source, out = folder(tmp_path / "in"), tmp_path / "out"
    expand(source, out, Pipeline([]), times=1, annotations=annotations(tmp_path / "a.json"))
    (out / "annotations.json").write_text("{}")
    assert verify(out).altered == ("annotations.json",)
    (out / "annotations.json").unlink()
    assert verify(out).missing == ("annotations.json",)


def test_annotation_file_in_the_way_is_left_alone(tmp_path):
    source, out = folder(tmp_path / "in"), tmp_path / "out"
    out.mkdir()
    (out / "annotations.json").write_text("mine")
    with pytest.raises(ExpandError, match="in the way"):
        expand(source, out, Pipeline([]), times=1, annotations=annotations(tmp_path / "a.json"))
    assert (out / "annotations.json").read_text() == "mine"


def test_picture_of_another_size_than_annotated_is_skipped(tmp_path):
    source = folder(tmp_path / "in")
    images = [{"id": 1, "file_name": "faces/f.png", "height": WIDTH, "width": HEIGHT}]
    path = annotations(tmp_path / "a.json", images=images)
    report = expand(source, tmp_path / "out", Pipeline([]), times=1, annotations=path)
    assert report.made == 1 and "the annotations are for 40 x 60 pixels" in report.skipped[0].reason


def test_annotated_pictures_that_are_not_there_are_said(tmp_path):
    images = [{"id": 1, "file_name": "faces/f.png"}, {"id": 2, "file_name": "elsewhere.png"}]
    path = annotations(tmp_path / "a.json", images=images)
    report = expand(folder(tmp_path / "in"), tmp_path / "out", Pipeline([]), times=1, annotations=path)
    assert report.ok and any("elsewhere.png" in note for note in report.notes)


def test_labels_lie_in_the_manifest_too(tmp_path):
    expand(
        folder(tmp_path / "in"), tmp_path / "out", Pipeline([]), times=1, annotations=annotations(tmp_path / "a.json")
    )
    labels = {row[0]: row[11] for row in record(tmp_path / "out")["outputs"]}
    assert json.loads(labels["plain__0.png"]) == []
    assert [entry["category_id"] for entry in json.loads(labels["faces/f__0.png"])] == [1, 2]


def test_upright_size_counts(tmp_path):
    """Annotations are for the picture as it is seen, so its stored orientation is applied first."""
    import io

    from PIL import Image as Pillow

    exif = Pillow.Exif()
    exif[274] = 6
    (tmp_path / "in").mkdir()
    buffer = io.BytesIO()
    Pillow.fromarray(np.zeros((WIDTH, HEIGHT, 3), np.uint8)).save(buffer, "PNG", exif=exif)
    (tmp_path / "in" / "f.png").write_bytes(buffer.getvalue())
    path = annotations(tmp_path / "a.json")
    assert expand(tmp_path / "in", tmp_path / "out", Pipeline([]), times=1, annotations=path).ok
