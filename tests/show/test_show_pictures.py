"""The contact sheet: what is drawn where."""

import json

import numpy as np
import pytest

from covary import Pipeline, image
from covary.data.decode import decode
from covary.data.encode import encode
from covary.data.instances import Category, Instance
from covary.drawing import COLOURS, draw_instances, text, text_width, viewable
from covary.show import contact_sheet
from covary.show.pictures import CELL, draw_sheet
from covary.show.pictures import Row as SheetRow

pytestmark = pytest.mark.filterwarnings("ignore:covary's compiled kernels:RuntimeWarning")

CATEGORIES = {5: Category(5, "cat", ("nose", "left_eye"), ((1, 2),)), 9: Category(9, "dog")}


def near(pixels, colour, tolerance=60):
    """Where a picture has about this colour."""
    return np.abs(pixels.astype(int) - colour).sum(axis=2) < tolerance


def test_box_is_drawn_on_its_edges():
    grey = np.full((200, 300, 3), 90, np.uint8)
    drawn = draw_instances(grey, 2.0, [Instance(9, box=(30.0, 40.0, 50.0, 30.0))], CATEGORIES)
    rows, columns = np.nonzero(near(drawn, COLOURS[1]))
    # Smoothing may colour one more pixel.
    assert abs(columns.min() - 60) <= 1 and abs(columns.max() + 1 - 160) <= 1
    assert abs(rows.max() + 1 - 140) <= 1 and 60 <= rows.min() < 80  # the name stands above
    assert not near(drawn[84:136, 66:154], COLOURS[1]).any()
    assert (grey == 90).all()


def test_box_as_large_as_the_picture_is_seen():
    drawn = draw_instances(
        np.zeros((100, 120, 3), np.uint8), 1.0, [Instance(5, box=(0.0, 0.0, 120.0, 100.0))], CATEGORIES
    )
    for edge in (drawn[20:, 0], drawn[:, -1], drawn[-1]):
        assert near(edge[None], COLOURS[0], 120).mean() > 0.9


def test_mask_tints_its_pixels_alone():
    mask = np.zeros((50, 60), bool)
    mask[10:30, 20:40] = True
    drawn = draw_instances(np.full((100, 120, 3), 100, np.uint8), 2.0, [Instance(5, mask=mask)], CATEGORIES)
    changed = (drawn != 100).any(axis=2)
    assert changed[20:60, 40:80].all()
    changed[18:62, 38:82] = False
    assert not changed.any()


def test_keypoints_lie_on_their_pixel_and_hidden_ones_are_not_drawn():
    points = np.array([[20.0, 30.0, 2], [40.0, 10.0, 0]])
    drawn = draw_instances(np.zeros((50, 60, 3), np.uint8), 1.0, [Instance(5, keypoints=points)], CATEGORIES)
    rows, columns = np.nonzero(drawn.any(axis=2))
    assert abs(rows.mean() - 30) < 0.2 and abs(columns.mean() - 20) < 0.2
    assert np.ptp(rows) < 14 and np.ptp(columns) < 14


def test_left_is_drawn_hollow():
    points = np.array([[10.0, 10.0, 2], [40.0, 10.0, 2]])
    drawn = draw_instances(np.zeros((30, 60, 3), np.uint8), 1.0, [Instance(5, keypoints=points)], CATEGORIES)
    assert near(drawn[10:11, 10:11], COLOURS[0]).all() and near(drawn[10:11, 40:41], (255, 255, 255)).all()


@pytest.mark.parametrize(
    "picture",
    (
        np.zeros((7, 9, 1), np.uint8),
        np.zeros((1, 1, 3), np.uint16),
        np.full((30, 500, 3), np.nan, np.float32),
        np.zeros((500, 30, 4), np.uint8),
        np.zeros((20, 20, 2), np.float32),
        np.zeros((20, 20, 7), np.uint8),
    ),
)
def test_every_kind_of_picture_can_be_viewed(picture):
    pixels, scale = viewable(picture, 100)
    assert pixels.dtype == np.uint8 and pixels.shape[2] == 3 and max(pixels.shape[:2]) == 100
    assert scale == 100 / max(picture.shape[:2])


def test_viewing_keeps_values():
    wide = np.array([[[0, 32768, 65535]]], np.uint16)
    real = np.array([[[0.0, 0.5, 2.0]]], np.float32)
    assert viewable(wide, 1)[0].tolist() == [[[0, 128, 255]]]
    assert viewable(real, 1)[0].tolist() == [[[0, 128, 255]]]
    half = np.array([[[0, 0, 0, 0]]], np.uint8)
    assert viewable(half, 1)[0].tolist() == [[[255, 255, 255]]]


def test_text_without_opencv_5(monkeypatch):
    monkeypatch.setattr("covary.drawing._face", lambda: None)
    sheet = np.full((40, 300, 3), 255, np.uint8)
    text(sheet, "naïve · 2 · 日本", (5, 25), (0, 0, 0), 14)
    _, columns = np.nonzero((sheet < 128).any(axis=2))
    assert columns.min() >= 5 and columns.max() <= 7 + text_width("naïve · 2 · 日本", 14)


def test_sheet_holds_all_cells_side_by_side():
    cells = tuple(np.full((40, 60, 3), 50 + 20 * index, np.uint8) for index in range(4))
    sheet = draw_sheet("title", "heading", [SheetRow("a.png", "60 x 40", cells), SheetRow("b.png", "", cells[:2])])
    for index in range(4):
        assert (sheet == 50 + 20 * index).all(axis=2).sum() >= (2 if index < 2 else 1) * 40 * 60


@pytest.fixture
def photos(tmp_path):
    for index, name in enumerate(("b/2.png", "b/1.png", "a/3.png", "c/4.png")):
        path = tmp_path / "photos" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(encode(np.full((30, 40, 3), 40 + 40 * index, np.uint8), "png"))
    return tmp_path / "photos"


def shades(sheet):
    return {shade for shade in (40, 80, 120, 160) if (sheet == shade).all(axis=2).sum() >= CELL * CELL // 2}


def test_pictures_are_taken_from_every_class(photos, tmp_path):
    contact_sheet(photos, Pipeline([]), tmp_path / "s.png", count=3, times=1)
    assert shades(decode(tmp_path / "s.png")) == {80, 120, 160}


def test_annotated_pictures_come_first(photos, tmp_path):
    content = {"images": [{"id": 1, "file_name": "b/2.png"}], "annotations": [], "categories": []}
    (tmp_path / "a.json").write_text(json.dumps(content))
    contact_sheet(photos, Pipeline([]), tmp_path / "s.png", count=1, times=1, annotations=tmp_path / "a.json")
    assert shades(decode(tmp_path / "s.png")) == {40}


def test_normalize_is_left_out_and_seed_counts(photos, tmp_path):
    noisy = Pipeline([image.Brightness(0.5), image.Normalize("imagenet"), image.ToTensor()], seed=1)
    for name, seed in (("one", None), ("same", 1), ("other", 2)):
        contact_sheet(photos, noisy, tmp_path / f"{name}.png", times=2, seed=seed)
    one, same, other = (decode(tmp_path / f"{name}.png") for name in ("one", "same", "other"))
    assert np.array_equal(one, same) and not np.array_equal(one, other)


def test_bad_pictures_are_reported(photos, tmp_path):
    (photos / "a/0 bad.png").write_bytes(b"bad")
    skipped = contact_sheet(photos, Pipeline([]), tmp_path / "s.jpg", count=4, times=1)
    assert [problem.name for problem in skipped] == ["a/0 bad.png"]
    assert shades(np.round(decode(tmp_path / "s.jpg") / 40).astype(int) * 40) == {40, 80, 120, 160}


def test_data_sets_of_other_kinds_are_shown_with_their_labels(tmp_path):
    """Boxes of a YOLO data set, and the mask of a pair, are seen in the original and in its variations."""
    grey = np.full((CELL, CELL, 3), 120, np.uint8)
    mask = np.zeros((CELL, CELL), np.uint8)
    mask[:40] = 1
    files = {
        "yolo/images/a.png": encode(grey, "png"),
        "yolo/labels/a.txt": b"0 0.5 0.5 0.5 0.5\n",
        "yolo/data.yaml": b"train: images\nnames: [cat]\n",
        "pairs/images/a.png": encode(grey, "png"),
        "pairs/masks/a.png": encode(mask, "png"),
    }
    for name, data in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(data)
    for kind in ("yolo", "pairs"):
        assert not contact_sheet(tmp_path / kind, Pipeline([]), tmp_path / f"{kind}.png", times=2)
    seen = [(decode(tmp_path / f"{kind}.png") == 120).all(axis=2).sum() / CELL**2 for kind in ("yolo", "pairs")]
    assert 2.8 < seen[0] < 3 and abs(seen[1] - 3 * (1 - 40 / CELL)) < 0.1
