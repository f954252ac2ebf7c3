"""Outputs in shards: archives read by tarfile and the webdataset library, tables by pyarrow and datasets."""

import json
import os
import shutil
import sqlite3
import tarfile

import numpy as np
import pytest
from expansions import everything as state
from expansions import pipeline, small_set, write
from sets import voc_set, yolo_set

import covary.expand.shards as shards
from covary.data.decode import decode
from covary.data.encode import encode
from covary.data.webdataset import WebDataset
from covary.expand import expand, verify

pytestmark = pytest.mark.filterwarnings("ignore:covary's compiled kernels:RuntimeWarning")


@pytest.fixture(autouse=True)
def small_groups(monkeypatch):
    """Few sources in a shard, so that small sets have several."""
    monkeypatch.setattr(shards, "GROUP", 3)


def members(path):
    with tarfile.open(path) as archive:
        return {member.name: archive.extractfile(member).read() for member in archive}


def test_each_shard_holds_one_variation_of_each_source_of_a_group(tmp_path):
    source, out = small_set(tmp_path / "in"), tmp_path / "out"
    report = expand(source, out, pipeline(), times=2, format="webdataset", originals="copy")
    assert (report.sources, report.made, report.kept) == (4, 12, 0)
    assert sorted(path.name for path in out.iterdir()) == [
        *(f"data-{what}-{group:05d}.tar" for what in ("original", "v0", "v1") for group in (0, 1)),
        "index.json",
        "manifest.sqlite",
    ]
    assert sorted(members(out / "data-v1-00000.tar")) == [
        "cats/a__1.cls",
        "cats/a__1.png",
        "cats/b c__1.cls",
        "cats/b c__1.jpg",
        "dogs/deep/d__1.cls",
        "dogs/deep/d__1.webp",
    ]
    original = members(out / "data-original-00001.tar")
    assert original == {"top.bmp": (source / "top.bmp").read_bytes()}
    for name, epoch in (("cats/a.png", 0), ("cats/b c.jpg", 1)):
        expected = pipeline()(image=decode(source / name), key=name, epoch=epoch)["image"]
        stem, _, ending = name.rpartition(".")
        data = members(out / f"data-v{epoch}-00000.tar")[f"{stem}__{epoch}.{ending}"]
        assert data == encode(expected, {"jpg": "jpeg"}.get(ending, ending))
    index = json.loads((out / "index.json").read_text())
    assert index["classes"] == ["cats", "dogs"] and index["samples"] == 12
    assert verify(out).ok and verify(out).checked == 12


def test_the_webdataset_library_reads_the_shards(tmp_path):
    webdataset = pytest.importorskip("webdataset")
    source, out = small_set(tmp_path / "in"), tmp_path / "out"
    (source / "top.bmp").unlink()
    expand(source, out, pipeline(), times=2, format="webdataset")
    urls = [str(path) for path in sorted(out.glob("*.tar"))]
    read = list(webdataset.WebDataset(urls, shardshuffle=False).decode("rgb8"))
    assert [sample["__key__"] for sample in read][:3] == ["cats/a__0", "cats/b c__0", "dogs/deep/d__0"]
    assert [sample["cls"] for sample in read] == [0, 0, 1] * 2
    expected = pipeline()(image=decode(source / "cats/a.png"), key="cats/a.png", epoch=1)["image"]
    assert np.array_equal(read[3]["png"], expected)


def test_objects_and_masks_come_back_from_shards(tmp_path):
    source = voc_set(tmp_path / "in", masks=range(6))
    expand(source, tmp_path / "files", pipeline(), times=2)
    expand(source, tmp_path / "out", pipeline(), times=2, format="webdataset")
    made = WebDataset(tmp_path / "out", split="train")
    assert len(made) == 8 and [category.name for category in made.categories.values()] == ["arrow", "bar", "disc"]
    for index in range(8):
        sample = made.read(index)
        name = str(made.keys[index]).rpartition("/")[2]
        assert sample["image"].data == (tmp_path / f"files/JPEGImages/{name}.png").read_bytes()
        assert sample["mask"].data == (tmp_path / f"files/SegmentationClass/{name}.png").read_bytes()
        for instance in sample["objects"]:
            rows, columns = np.nonzero(instance.mask)
            box = columns.min(), rows.min(), np.ptp(columns) + 1, np.ptp(rows) + 1
            assert np.allclose(instance.box, box)


@pytest.mark.parametrize("format", ("webdataset", "parquet"))
def test_workers_do_not_matter_and_verify_makes_the_very_shards(tmp_path, format):
    source = yolo_set(tmp_path / "in", segments=True, pictures=7)
    for workers in (1, 3):
        expand(source, tmp_path / str(workers), pipeline(), times=2, format=format, workers=workers, originals="copy")
    assert state(tmp_path / "1") == state(tmp_path / "3")
    assert verify(tmp_path / "1").ok
    names = sorted(path.name for path in (tmp_path / "1").iterdir())
    ending = {"webdataset": ".tar", "parquet": ".parquet"}[format]
    # Parts of the data set never share a shard; held-out ones have originals alone.
    assert [name for name in names if name.startswith("val")] == [f"val-original-{n:05d}{ending}" for n in range(3)]
    assert [name for name in names if name.startswith("train-v")] == [
        f"train-v{k}-{n:05d}{ending}" for k in range(2) for n in range(3)
    ]


CHANGES = {}


def change(function):
    CHANGES[function.__name__] = function
    return function


@change
def nothing(source, out):
    return {}, (0, 12)


@change
def more_times(source, out):
    return {"times": 5}, (8, 12)


@change
def fewer_times(source, out):
    return {"times": 1}, (0, 4)


@change
def another_pipeline(source, out):
    return {"pipeline": pipeline(seed=8)}, (12, 0)


@change
def shard_deleted(source, out):
    (out / "data-v1-00000.tar").unlink()
    return {}, (3, 9)


@change
def shard_cut_short(source, out):
    os.truncate(out / "data-v1-00000.tar", 1000)
    return {}, (3, 9)


@change
def index_altered(source, out):
    (out / "index.json").write_text("{}")
    return {}, (0, 12)


@change
def source_changed(source, out):
    write(source / "top.bmp", "bmp", height=21)
    return {}, (3, 9)


@change
def source_touched(source, out):
    os.utime(source / "top.bmp", (2e9, 2e9))
    return {}, (0, 12)


@change
def source_added_at_the_end(source, out):
    write(source / "zebras" / "z.png")
    return {}, (15, 0)  # there is one class more, which all shards could name


@change
def source_gone(source, out):
    (source / "cats/a.png").unlink()
    return {}, (9, 0)


@change
def source_broken(source, out):
    (source / "top.bmp").write_bytes(b"no picture any more")
    return {}, (0, 9)


@change
def as_files(source, out):
    return {"format": "png"}, (12, 0)


@change
def as_parquet(source, out):
    return {"format": "parquet"}, (12, 0)


@pytest.mark.parametrize("old", (False, True))
@pytest.mark.parametrize("name", CHANGES)
def test_rerun_equals_a_fresh_run(tmp_path, name, old):
    source, out, fresh = small_set(tmp_path / "in"), tmp_path / "out", tmp_path / "fresh"
    if old:  # files that were left alone long enough are not read again
        for path in source.rglob("*.*"):
            os.utime(path, (1e9, 1e9))
    options = {"times": 3, "pipeline": pipeline(), "format": "webdataset"}
    expand(source, out, **options)
    changed, expected = CHANGES[name](source, out)
    options |= changed
    report = expand(source, out, **options)
    assert (report.made, report.kept) == expected
    again = expand(source, fresh, **options)
    assert report.skipped == again.skipped
    assert state(out) == state(fresh)
    assert verify(out).ok
    assert expand(source, out, **options).made == 0


def test_files_give_way_to_shards(tmp_path):
    source, out = small_set(tmp_path / "in"), tmp_path / "out"
    expand(source, out, pipeline(), times=2, originals="link")
    report = expand(source, out, pipeline(), times=2, format="webdataset")
    assert report.removed == 12 and not (out / "cats").exists()
    expand(source, tmp_path / "fresh", pipeline(), times=2, format="webdataset")
    assert state(out) == state(tmp_path / "fresh")


def test_a_bad_picture_is_left_out_of_its_shards_and_named_every_time(tmp_path):
    source, out = small_set(tmp_path / "in"), tmp_path / "out"
    (source / "cats/bad.png").write_bytes(b"bad")
    for path in source.rglob("*.*"):
        os.utime(path, (1e9, 1e9))
    reports = [expand(source, out, pipeline(), times=2, format="webdataset") for _ in range(3)]
    assert [report.made for report in reports] == [8, 0, 0]
    assert all([problem.name for problem in report.skipped] == ["cats/bad.png"] for report in reports)
    assert verify(out).ok


def test_shards_stay_while_a_source_cannot_be_read(tmp_path, monkeypatch):
    from pathlib import Path

    source, out = small_set(tmp_path / "in"), tmp_path / "out"
    expand(source, out, pipeline(), times=2, format="webdataset")
    before = state(out)
    read = Path.read_bytes

    def cannot(path):
        if path.name == "a.png":
            raise OSError(5, "Input/output error")
        return read(path)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "read_bytes", cannot)
        for _ in range(2):
            report = expand(source, out, pipeline(), times=2, format="webdataset")
            assert [problem.name for problem in report.skipped] == ["cats/a.png"] and report.made == 0
    assert state(out) == before
    assert expand(source, out, pipeline(), times=2, format="webdataset").made == 0


def test_names_with_dots_and_of_two_kinds_stay_apart(tmp_path):
    for name in ("a.png", "a.b.png", "a_b.png"):
        write(tmp_path / "in" / name)
    write(tmp_path / "in" / "a.bmp", "bmp")
    expand(tmp_path / "in", tmp_path / "out", pipeline(), times=1, format="webdataset")
    names = {name for path in (tmp_path / "out").glob("*.tar") for name in members(path)}
    assert {"a__0.bmp", "a__0_png.png", "a_b__0.png"} <= names
    made = WebDataset(tmp_path / "out")
    assert len(made) == len(set(made.keys)) == 4 and "a.b__0" in list(made.keys)
    assert verify(tmp_path / "out").ok


def test_verify_names_shards_that_are_wrong(tmp_path):
    source, out = small_set(tmp_path / "in"), tmp_path / "out"
    expand(source, out, pipeline(), times=2, format="webdataset")
    data = bytearray((out / "data-v0-00000.tar").read_bytes())
    data[600] ^= 1
    (out / "data-v0-00000.tar").write_bytes(data)
    (out / "data-v1-00001.tar").unlink()
    (out / "more.tar").write_bytes(b"mine")
    found = verify(out)
    assert (found.altered, found.missing, found.extra) == (
        ("data-v0-00000.tar",),
        ("data-v1-00001.tar",),
        ("more.tar",),
    )
    assert not found.differing
    write(source / "top.bmp", "bmp", height=33)
    assert "it has changed since" in verify(out).differing[0].reason
    db = sqlite3.connect(out / "manifest.sqlite")
    db.execute("UPDATE outputs SET trace = '{}' WHERE source = 'cats/a.png' AND epoch = 1")
    db.commit()
    db.close()
    assert "data-v1-00000.tar/cats/a__1.png" in [problem.name for problem in verify(out).differing]


def test_shards_that_are_not_ours_are_left_alone(tmp_path):
    source, out = small_set(tmp_path / "in"), tmp_path / "out"
    out.mkdir()
    (out / "data-v0-00001.tar").write_bytes(b"mine")
    report = expand(source, out, pipeline(), times=1, format="webdataset")
    assert report.made == 3 and "in the way" in report.skipped[0].reason
    assert (out / "data-v0-00001.tar").read_bytes() == b"mine"
    with pytest.raises(ValueError, match="shards, which can hold no links"):
        expand(source, out, pipeline(), format="webdataset", originals="link")


def test_parquet_is_what_pyarrow_and_datasets_read(tmp_path):
    import pyarrow.parquet

    source, out = small_set(tmp_path / "in"), tmp_path / "out"
    shutil.rmtree(source / "dogs")
    (source / "top.bmp").unlink()
    write(source / "dogs/e.png", dtype=np.uint16)
    expand(source, out, pipeline(), times=2, format="parquet")
    table = pyarrow.parquet.read_table(out / "data-v1-00000.parquet").to_pylist()
    assert [row["image"]["path"] for row in table] == ["cats/a__1.png", "cats/b c__1.jpg", "dogs/e__1.png"]
    assert [(row["label"], row["source"], row["epoch"]) for row in table] == [
        (0, "cats/a.png", 1),
        (0, "cats/b c.jpg", 1),
        (1, "dogs/e.png", 1),
    ]
    expected = pipeline()(image=decode(source / "dogs/e.png"), key="dogs/e.png", epoch=1)["image"]
    assert np.array_equal(decode(table[2]["image"]["bytes"]), expected)
    datasets = pytest.importorskip("datasets")
    read = datasets.load_dataset("parquet", data_files=str(out / "*.parquet"), cache_dir=str(tmp_path / "cache"))[
        "train"
    ]
    assert read.features["label"].names == ["cats", "dogs"]
    picture = np.asarray(read[0]["image"])
    first = pyarrow.parquet.read_table(out / "data-v0-00000.parquet").to_pylist()[0]
    assert np.array_equal(picture, decode(first["image"]["bytes"]))


def test_parquet_holds_objects_and_masks(tmp_path):
    import pyarrow.parquet

    expand(voc_set(tmp_path / "in", masks=(0, 1)), tmp_path / "out", pipeline(), times=1, format="parquet")
    rows = pyarrow.parquet.read_table(tmp_path / "out/train-v0-00000.parquet").to_pylist()
    assert [row["mask"] is not None for row in rows] == [True, True, False]
    assert [len(row["objects"]) for row in rows] != [0, 0, 0]
    for row in rows:
        for found in row["objects"]:
            assert len(found["bbox"]) == 4 and found["category"] in (0, 1, 2)
    assert verify(tmp_path / "out").ok


@pytest.mark.parametrize("format", ("webdataset", "parquet"))
def test_shards_inside_the_source_folder_are_no_sources(tmp_path, format):
    source = small_set(tmp_path / "in")
    for made in (4, 0):
        assert expand(source, source / "out", pipeline(), times=1, format=format).made == made
    assert verify(source / "out").ok
