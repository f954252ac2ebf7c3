"""Tables in, tables out: read back by the csv and json modules and by pyarrow."""

import csv
import json

import numpy as np
import pytest
from expansions import picture, state, write
from shapes import NAMES, bounds, check_covered, pipeline, write_scene

from covary import Pipeline, image
from covary.data.decode import decode
from covary.data.encode import encode
from covary.data.masks import decode_mask
from covary.data.tables import TableDataset
from covary.expand import ExpandError, expand, verify

pytestmark = pytest.mark.filterwarnings("ignore:covary's compiled kernels:RuntimeWarning")
FLIP = Pipeline([image.HorizontalFlip(p=1)])


def pictures(root, names=("a", "b", "c"), folder="images"):
    for name in names:
        write(root / folder / f"{name}.png")


def read_csv(path, delimiter=","):
    with path.open(newline="") as file:
        return list(csv.DictReader(file, delimiter=delimiter))


@pytest.mark.parametrize("delimiter", (",", ";"))
def test_csv_keeps_its_columns_as_they_are(tmp_path, delimiter):
    root = tmp_path / "in"
    pictures(root)
    rows = [
        ["path", "label", "split", "patient", "note", "width"],
        ["images/a.png", "cat", "train", "007", 'said "no"', "26"],
        ["images/b.png", "dog", "train", "008", "", "26"],
        ["images/c.png", "dog", "test", "009", "ü", "26"],
    ]
    with (root / "table.csv").open("w", newline="") as file:
        csv.writer(file, delimiter=delimiter).writerows(rows)
    out = tmp_path / "out"
    report = expand(root / "table.csv", out, Pipeline([image.Resize((10, 12))]), times=2, originals="copy")
    assert report.made == 2 * 3 + 1 and "taken over unchanged: 1 of test" in report.notes[0]
    made = {row["path"]: row for row in read_csv(out / "table.csv", delimiter)}
    assert set(made) == {f"images/{n}{k}.png" for n in "ab" for k in ("", "__0", "__1")} | {"images/c.png"}
    first = dict(zip(rows[0], rows[1], strict=True))
    assert made["images/a__1.png"] == {**first, "path": "images/a__1.png", "width": "12"}
    assert made["images/a.png"] == first and list(made["images/a.png"]) == rows[0]
    assert verify(out).ok and len(TableDataset(out / "table.csv")) == 7
    # A change of a row makes its outputs anew; one of the order changes nothing.
    rows[1][4] = "changed"
    with (root / "table.csv").open("w", newline="") as file:
        csv.writer(file, delimiter=delimiter).writerows([rows[0], *rows[:0:-1]])
    report = expand(root / "table.csv", out, Pipeline([image.Resize((10, 12))]), times=2, originals="copy")
    assert (report.made, report.kept) == (3, 4)
    expand(root / "table.csv", tmp_path / "fresh", Pipeline([image.Resize((10, 12))]), times=2, originals="copy")
    assert state(out) == state(tmp_path / "fresh")


def test_classes_of_a_table_count(tmp_path):
    root = tmp_path / "in"
    pictures(root, "abcd")
    (root / "t.csv").write_text("file,label\nimages/a.png,x\nimages/b.png,x\nimages/c.png,x\nimages/d.png,y\n")
    assert expand(root / "t.csv", tmp_path / "one", FLIP, times={"y": 5, "*": 1}).made == 8
    assert expand(root / "t.csv", tmp_path / "two", FLIP, times=2, balance=True).made == 12


@pytest.mark.parametrize("as_lists", (False, True))
@pytest.mark.parametrize("form", ("jsonl", "json", "parquet"))
def test_objects_of_a_row_move_with_its_picture(tmp_path, form, as_lists):
    root, out = tmp_path / "in", tmp_path / "out"
    rows = []
    for number in range(4):
        objects = []
        for name, corners in write_scene(root / f"s{number}.png", number):
            x0, y0, x1, y1 = bounds(corners).tolist()
            objects.append({"category": name, "bbox": [x0, y0, x1 - x0, y1 - y0], "tag": f"{name}!"})
        lists = {key: [each[key] for each in objects] for key in ("category", "bbox", "tag")}
        rows.append(
            {"image": f"s{number}.png", "objects": lists if as_lists else objects, "n": number, "more": [1, 2.5]}
        )
    path = root / f"table.{form}"
    if form == "parquet":
        import pyarrow as pa
        import pyarrow.parquet

        pa.parquet.write_table(pa.Table.from_pylist(rows), path)
    else:
        path.write_text(json.dumps(rows) if form == "json" else "".join(f"{json.dumps(row)}\n" for row in rows))
    report = expand(path, out, pipeline(), times=4)
    assert report.ok and report.made == 16
    if form == "parquet":
        table = pa.parquet.read_table(out / f"table.{form}")
        assert table.schema == pa.parquet.read_table(path).schema
        made = table.to_pylist()
    else:
        text = (out / f"table.{form}").read_text()
        made = json.loads(text) if form == "json" else [json.loads(line) for line in text.splitlines()]
    seen = 0
    for row in made:
        objects = row["objects"]
        if as_lists:
            objects = [dict(zip(objects, each, strict=True)) for each in zip(*objects.values(), strict=True)]
        found = []
        for each in objects:
            x, y, width, height = each["bbox"]
            assert each["tag"] == f"{each['category']}!" and each["category"] in NAMES
            found.append((each["category"], (x, y, x + width, y + height)))
        seen += check_covered(decode(out / row["image"]), found)
        assert row["more"] == [1, 2.5] and row["image"].startswith(f"s{row['n']}__")
    assert seen > 12 and verify(out).ok


def test_masks_of_a_table(tmp_path):
    root, out = tmp_path / "in", tmp_path / "out"
    for name in "ab":
        pixels = picture(ord(name), 9, 8)
        for path, values in ((f"x/{name}.png", pixels), (f"y/{name}_m.png", pixels[:, :, 0].copy())):
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_bytes(encode(values, "png"))
    (root / "t.csv").write_text("image,mask\nx/a.png,y/a_m.png\nx/b.png,y/b_m.png\n")
    expand(root / "t.csv", out, FLIP, times=1, originals="link")
    rows = read_csv(out / "t.csv")
    assert [(row["image"], row["mask"]) for row in rows] == [
        ("x/a.png", "y/a_m.png"),
        ("x/a__0.png", "y/a__0_m.png"),
        ("x/b.png", "y/b_m.png"),
        ("x/b__0.png", "y/b__0_m.png"),
    ]
    for row in rows:
        assert np.array_equal(decode(out / row["image"])[:, :, 0], decode_mask(out / row["mask"]))
    assert verify(out).ok


def test_paths_count_as_they_did(tmp_path):
    root, out = tmp_path / "in", tmp_path / "out"
    pictures(root)
    (root / "t.csv").write_text("image,label\na.png,1\nb.png,2\n")  # the reader finds them in images/
    expand(root / "t.csv", out, FLIP, times=1)
    assert [row["image"] for row in read_csv(out / "t.csv")] == ["a__0.png", "b__0.png"]
    assert (out / "images/a__0.png").exists() and len(TableDataset(out / "t.csv")) == 2
    (root / "u.csv").write_text(f"image,label\n{root}/images/c.png,1\n")
    expand(root / "u.csv", tmp_path / "out2", FLIP, times=1)
    (row,) = read_csv(tmp_path / "out2/u.csv")
    assert not row["image"].startswith("/") and (tmp_path / "out2" / row["image"]).exists()


def test_two_rows_of_one_picture_are_refused(tmp_path):
    pictures(tmp_path / "in")
    (tmp_path / "in/t.csv").write_text("image,x0,x1\nimages/a.png,1,2\nimages/b.png,1,2\nimages/a.png,5,6\n")
    with pytest.raises(ExpandError, match=r"rows 1 and 3 name the same picture, images/a\.png"):
        expand(tmp_path / "in/t.csv", tmp_path / "out", FLIP, times=1)
