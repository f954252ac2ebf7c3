"""Expansion of small folders: pixels, names, reruns, bad input."""

import errno
import json
import os
import shutil
import sqlite3
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
from expansions import dataset_names, picture, pipeline, small_set, state, tree, write

import covary.expand.files as files
from covary import Pipeline, image
from covary.data.decode import decode
from covary.data.encode import encode
from covary.expand import ExpandError, expand, verify
from covary.expand.files import locked
from covary.expand.names import original_name, variation_name

pytestmark = pytest.mark.filterwarnings("ignore:covary's compiled kernels:RuntimeWarning")


# What comes out


def test_pixels_equal_those_of_the_pipeline(tmp_path):
    source = small_set(tmp_path / "in")
    report = expand(source, tmp_path / "out", pipeline(), times=3, format="png")
    assert (report.sources, report.made, report.kept, report.removed) == (4, 12, 0, 0) and report.ok
    for name in ("cats/a.png", "cats/b c.jpg", "dogs/deep/d.webp", "top.bmp"):
        original = decode(source / name)
        for epoch in range(3):
            expected = pipeline()(image=original, key=name, epoch=epoch)["image"]
            assert np.array_equal(decode(tmp_path / "out" / f"{name}__{epoch}.png"), expected)


def test_same_format_keeps_ending_and_encoding(tmp_path):
    source = small_set(tmp_path / "in")
    expand(source, tmp_path / "out", pipeline(), times=2)
    assert dataset_names(tmp_path / "out") == [
        "cats/a__0.png",
        "cats/a__1.png",
        "cats/b c__0.jpg",
        "cats/b c__1.jpg",
        "dogs/deep/d__0.webp",
        "dogs/deep/d__1.webp",
        "top__0.bmp",
        "top__1.bmp",
    ]
    expected = pipeline()(image=decode(source / "cats/b c.jpg"), key="cats/b c.jpg", epoch=1)["image"]
    assert (tmp_path / "out/cats/b c__1.jpg").read_bytes() == encode(expected, "jpeg", quality=95)


def test_result_does_not_depend_on_workers(tmp_path):
    source = small_set(tmp_path / "in")
    for name, workers in (("one", 1), ("four", 4)):
        expand(source, tmp_path / name, pipeline(), times=3, workers=workers)
    assert state(tmp_path / "one") == state(tmp_path / "four")


@pytest.mark.parametrize("times", (1, 40))
def test_many_variations_are_made_in_parts(tmp_path, times):
    write(tmp_path / "in" / "a.png", height=5, width=4)
    expand(tmp_path / "in", tmp_path / "out", pipeline(), times=times)
    last = pipeline()(image=decode(tmp_path / "in/a.png"), key="a.png", epoch=times - 1)["image"]
    assert np.array_equal(decode(tmp_path / f"out/a__{times - 1}.png"), last)
    assert len(dataset_names(tmp_path / "out")) == times


def test_grey_sixteen_bit_and_transparent_pictures_keep_their_kind(tmp_path):
    write(tmp_path / "in" / "grey.png", channels=1)
    write(tmp_path / "in" / "deep.png", dtype=np.uint16)
    write(tmp_path / "in" / "clear.png", channels=4)
    plain = Pipeline([image.HorizontalFlip(p=0.5), image.Rotate((-20, 20))], seed=3)
    report = expand(tmp_path / "in", tmp_path / "out", plain, times=1)
    assert report.ok
    kinds = {name: decode(tmp_path / "out" / f"{name}__0.png") for name in ("grey", "deep", "clear")}
    assert [kinds[name].shape[2] for name in kinds] == [1, 3, 4]
    assert kinds["deep"].dtype == np.uint16


def test_manifest_tells_how_each_output_came_about(tmp_path):
    source = small_set(tmp_path / "in")
    expand(source, tmp_path / "out", pipeline(), times=2)
    db = sqlite3.connect(tmp_path / "out" / "manifest.sqlite")
    row = db.execute(
        "SELECT source, key, epoch, trace, recipe, height, width FROM outputs WHERE path = 'dogs/deep/d__1.webp'"
    ).fetchone()
    assert row[:3] == ("dogs/deep/d.webp", "dogs/deep/d.webp", 1) and row[5:] == (31, 26)
    trace = pipeline().trace(key="dogs/deep/d.webp", epoch=1, size=(31, 26), channels=3, dtype="uint8")
    assert json.loads(row[3]) == json.loads(json.dumps(trace))
    (yaml,) = db.execute("SELECT pipeline FROM recipes WHERE hash = ?", (row[4],)).fetchone()
    assert Pipeline.from_yaml(yaml) == pipeline()
    replayed = pipeline().replay(json.loads(row[3]), image=decode(source / "dogs/deep/d.webp"))["image"]
    expected = pipeline()(image=decode(source / "dogs/deep/d.webp"), key="dogs/deep/d.webp", epoch=1)["image"]
    assert replayed.shape == expected.shape


def test_pipeline_may_be_a_yaml_file(tmp_path):
    source = small_set(tmp_path / "in")
    pipeline().to_yaml(tmp_path / "p.yaml")
    expand(source, tmp_path / "one", pipeline(), times=1)
    expand(source, tmp_path / "two", str(tmp_path / "p.yaml"), times=1)
    assert state(tmp_path / "one") == state(tmp_path / "two")


def test_no_temporary_folder_is_left_for_a_class(tmp_path):
    source = small_set(tmp_path / "in")
    expand(source, tmp_path / "out", pipeline(), times=1)
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "cats",
        "dogs",
        "manifest.sqlite",
        "top__0.bmp",
    ]


# Names


SOURCES = ["a.jpg", "a.png", "A.JPG", "a__1.jpg", "a__1__1.jpg", "a__original.jpg", "a__1__original.jpg", "a.jpg.png"]
SOURCES += ["a_.jpg", "a__.jpg", "a.jpg__0.jpg", "a.jpg__0.png", "__0.png", "d/a.jpg", "d__0.d/a.jpg", "a.jpeg"]


@pytest.mark.parametrize("format", ("same", "png", "jpeg", "webp"))
def test_no_two_outputs_share_a_name(format):
    taken = {}
    for source in SOURCES:
        for name in [original_name(source), *(variation_name(source, k, format) for k in range(12))]:
            assert name not in taken, (name, source, taken.get(name))
            taken[name] = source


def test_names_are_a_matter_of_the_source_alone(tmp_path):
    for name in ("a.png", "a__1.png", "a__1__original.png"):
        write(tmp_path / "in" / name)
    write(tmp_path / "in" / "a.bmp", "bmp")
    expand(tmp_path / "in", tmp_path / "out", pipeline(), times=2, originals="copy", format="png")
    assert dataset_names(tmp_path / "out") == sorted(
        ["a.png", "a__1__original.png", "a__1__original__original.png", "a.bmp"]
        + [f"{name}__{k}.png" for name in ("a.png", "a__1.png", "a__1__original.png", "a.bmp") for k in range(2)]
    )


def test_odd_names_go_through(tmp_path):
    odd = [
        "with space.png",
        'quo"te.png',
        "it's.png",
        "new\nline.png",
        "日本.png",
        "🐈/x.png",
        "\udcff\udcfe.png",
        "-p.png",
    ]
    for name in odd:
        write(tmp_path / "in" / name)
    report = expand(tmp_path / "in", tmp_path / "out", pipeline(), times=2)
    assert report.ok and report.made == 2 * len(odd)
    assert dataset_names(tmp_path / "out") == sorted(f"{name[:-4]}__{k}.png" for name in odd for k in range(2))
    assert verify(tmp_path / "out").ok
    assert expand(tmp_path / "in", tmp_path / "out", pipeline(), times=2).kept == 2 * len(odd)


# Originals


def test_originals_linked(tmp_path):
    source = small_set(tmp_path / "in")
    expand(source, tmp_path / "out", pipeline(), times=1, originals="link")
    link = tmp_path / "out" / "dogs" / "deep" / "d.webp"
    assert link.is_symlink() and link.samefile(source / "dogs/deep/d.webp") and not link.readlink().is_absolute()
    assert verify(tmp_path / "out").ok


def test_originals_copied_then_linked_then_gone(tmp_path):
    source = small_set(tmp_path / "in")
    out = tmp_path / "out"
    expand(source, out, pipeline(), times=1, originals="copy")
    assert (out / "cats/a.png").read_bytes() == (source / "cats/a.png").read_bytes()
    assert not (out / "cats/a.png").is_symlink()
    report = expand(source, out, pipeline(), times=1, originals="link")
    assert (report.made, report.kept) == (4, 4) and (out / "cats/a.png").is_symlink()
    report = expand(source, out, pipeline(), times=1)
    assert report.removed == 4 and not (out / "cats/a.png").exists()
    expand(source, tmp_path / "fresh", pipeline(), times=1)
    assert state(out) == state(tmp_path / "fresh")


def test_inputs_are_never_touched(tmp_path):
    source = small_set(tmp_path / "in")
    before = {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in source.rglob("*") if path.is_file()}
    for originals in ("link", "copy", "none"):
        expand(source, tmp_path / "out", pipeline(), times=2, originals=originals)
    after = {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in source.rglob("*") if path.is_file()}
    assert before == after


# Reruns


def test_second_run_makes_nothing(tmp_path):
    source = small_set(tmp_path / "in")
    for path in source.rglob("*.*"):
        os.utime(path, (1e9, 1e9))
    expand(source, tmp_path / "out", pipeline(), times=3)
    before = state(tmp_path / "out")
    times = {path: path.stat().st_mtime_ns for path in (tmp_path / "out").rglob("*__*")}
    report = expand(source, tmp_path / "out", pipeline(), times=3)
    assert (report.made, report.kept, report.removed) == (0, 12, 0)
    assert state(tmp_path / "out") == before
    assert times == {path: path.stat().st_mtime_ns for path in (tmp_path / "out").rglob("*__*")}


def test_second_run_reads_no_source_that_looks_the_same(tmp_path, monkeypatch):
    source = small_set(tmp_path / "in")
    for path in source.rglob("*.*"):
        os.utime(path, (1e9, 1e9))
    expand(source, tmp_path / "out", pipeline(), times=1)
    monkeypatch.setattr("covary.expand.engines.do_task", lambda order, task: pytest.fail("a source was read"))
    assert expand(source, tmp_path / "out", pipeline(), times=1).kept == 4


CHANGES = {}


def change(function):
    CHANGES[function.__name__] = function
    return function


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
def another_quality(source, out):
    return {"quality": 80}, (12, 0)


@change
def another_format(source, out):
    return {"format": "png"}, (12, 0)


@change
def output_deleted(source, out):
    (out / "cats/a__1.png").unlink()
    return {}, (1, 11)


@change
def output_cut_short(source, out):
    with (out / "cats/a__1.png").open("r+b") as file:
        file.truncate(10)
    return {}, (1, 11)


@change
def output_made_a_folder_link(source, out):
    (out / "cats/a__2.png").unlink()
    (out / "cats/a__2.png").symlink_to(source)
    return {}, (1, 11)


@change
def folder_deleted(source, out):
    shutil.rmtree(out / "cats")
    return {}, (6, 6)


@change
def source_changed_keeping_size_and_time(source, out):
    path = source / "top.bmp"
    status = path.stat()
    path.write_bytes(path.read_bytes()[:-1] + b"\x07")
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns + 1))
    return {}, (3, 9)


@change
def source_touched_but_equal(source, out):
    os.utime(source / "top.bmp", (2e9, 2e9))
    return {}, (0, 12)


@change
def source_added(source, out):
    write(source / "cats" / "new one.png")
    return {}, (3, 12)


@change
def source_gone(source, out):
    (source / "dogs/deep/d.webp").unlink()
    return {}, (0, 9)


@change
def source_renamed(source, out):
    (source / "top.bmp").rename(source / "bottom.bmp")
    return {}, (3, 9)


@change
def source_broken(source, out):
    (source / "top.bmp").write_bytes(b"no picture any more")
    return {}, (0, 9)


@pytest.mark.parametrize("name", CHANGES)
def test_rerun_equals_a_fresh_run(tmp_path, name):
    source, out, fresh = small_set(tmp_path / "in"), tmp_path / "out", tmp_path / "fresh"
    options = {"times": 3, "pipeline": pipeline()}
    expand(source, out, **options)
    changed, expected = CHANGES[name](source, out)
    options |= changed
    report = expand(source, out, **options)
    assert (report.made, report.kept) == expected
    again = expand(source, fresh, **options)
    assert report.skipped == again.skipped
    assert state(out) == state(fresh)
    assert not (out / "dogs").exists() or name != "source_gone"
    assert verify(out).ok


def test_files_that_are_not_ours_are_never_touched(tmp_path):
    source, out = small_set(tmp_path / "in"), tmp_path / "out"
    for name in ("cats/a__1.png", "cats/notes.txt", "top__9.bmp", "dogs/mine.png"):
        (out / name).parent.mkdir(parents=True, exist_ok=True)
        (out / name).write_bytes(b"mine")
    report = expand(source, out, pipeline(), times=2)
    assert [problem.name for problem in report.skipped] == ["cats/a.png"]
    assert "a__1.png is in the way" in report.skipped[0].reason
    assert report.made == 6 and not (out / "cats/a__0.png").exists()
    expand(source, out, pipeline(), times=1)
    shutil.rmtree(source / "dogs")
    expand(source, out, pipeline(), times=1)
    for name in ("cats/a__1.png", "cats/notes.txt", "top__9.bmp", "dogs/mine.png"):
        assert (out / name).read_bytes() == b"mine"
    assert not (out / "dogs/deep").exists()


def test_moved_source_folder_is_recognised(tmp_path):
    source = small_set(tmp_path / "in")
    expand(source, tmp_path / "out", pipeline(), times=2)
    source.rename(tmp_path / "moved")
    assert expand(tmp_path / "moved", tmp_path / "out", pipeline(), times=2).kept == 8


def test_expansion_of_other_pictures_is_refused_and_kept(tmp_path):
    expand(small_set(tmp_path / "in"), tmp_path / "out", pipeline(), times=2)
    before = state(tmp_path / "out")
    write(tmp_path / "other" / "x.png")
    with pytest.raises(ExpandError, match="is the expansion of"):
        expand(tmp_path / "other", tmp_path / "out", pipeline(), times=2)
    (tmp_path / "empty").mkdir()
    with pytest.raises(ExpandError, match="no pictures"):
        expand(tmp_path / "empty", tmp_path / "out", pipeline(), times=2)
    assert state(tmp_path / "out") == before


# Bad input


def bad_set(root):
    small_set(root)
    jpeg = encode(picture(1, 64, 64), "jpeg")
    (root / "cats/cut.jpg").write_bytes(jpeg[: len(jpeg) // 2])
    (root / "cats/empty.png").write_bytes(b"")
    (root / "cats/text.jpg").write_text("I am no picture")
    (root / "gone.png").symlink_to("nowhere")
    return root


def test_bad_files_are_skipped_with_reasons_and_the_rest_is_done(tmp_path):
    report = expand(bad_set(tmp_path / "in"), tmp_path / "out", pipeline(), times=2)
    assert not report.ok and report.made == 8
    reasons = {problem.name: problem.reason for problem in report.skipped}
    assert sorted(reasons) == ["cats/cut.jpg", "cats/empty.png", "cats/text.jpg", "gone.png"]
    assert "truncated" in reasons["cats/cut.jpg"] and "empty" in reasons["cats/empty.png"]
    assert "not a picture" in reasons["cats/text.jpg"] and "No such file" in reasons["gone.png"]
    again = expand(tmp_path / "in", tmp_path / "out", pipeline(), times=2)
    assert again.skipped == report.skipped and again.kept == 8
    assert verify(tmp_path / "out").ok


def test_on_error_raise_stops_and_goes_on_later(tmp_path):
    source = bad_set(tmp_path / "in")
    with pytest.raises(ExpandError, match=r"gone\.png"):
        expand(source, tmp_path / "out", pipeline(), times=2, on_error="raise")
    (source / "gone.png").unlink()
    with pytest.raises(ExpandError, match="cats/"):
        expand(source, tmp_path / "out", pipeline(), times=2, on_error="raise")
    for name in ("cut.jpg", "empty.png", "text.jpg"):
        (source / "cats" / name).unlink()
    expand(source, tmp_path / "out", pipeline(), times=2, on_error="raise")
    expand(source, tmp_path / "fresh", pipeline(), times=2)
    assert state(tmp_path / "out") == state(tmp_path / "fresh")


def test_format_that_cannot_hold_a_picture_skips_it(tmp_path):
    write(tmp_path / "in" / "clear.png", channels=4)
    write(tmp_path / "in" / "plain.png")
    plain = Pipeline([image.HorizontalFlip()], seed=1)
    report = expand(tmp_path / "in", tmp_path / "out", plain, times=1, format="jpeg")
    assert report.made == 1 and [problem.name for problem in report.skipped] == ["clear.png"]
    assert "jpeg cannot hold" in report.skipped[0].reason


def test_picture_on_which_the_pipeline_fails_is_skipped(tmp_path, monkeypatch):
    write(tmp_path / "in" / "large.png", height=50)
    write(tmp_path / "in" / "small.png", height=10)
    planned = Pipeline.planned

    def picky(self, sizes, **options):
        if sizes[0][0] < 30:
            raise ValueError("RandomCrop: the picture is too small")
        return planned(self, sizes, **options)

    monkeypatch.setattr(Pipeline, "planned", picky)
    report = expand(tmp_path / "in", tmp_path / "out", pipeline(), times=1)
    assert report.made == 1 and [problem.name for problem in report.skipped] == ["small.png"]
    assert report.skipped[0].reason == "the pipeline failed: ValueError: RandomCrop: the picture is too small"


def test_pipeline_that_makes_no_pictures_is_refused(tmp_path):
    small_set(tmp_path / "in")
    with pytest.raises(ExpandError, match=r"Normalize or ToTensor"):
        expand(tmp_path / "in", tmp_path / "out", Pipeline([image.Normalize("imagenet")]), times=1)


def test_outputs_stay_while_their_sources_cannot_be_read(tmp_path, monkeypatch):
    source, out = small_set(tmp_path / "in"), tmp_path / "out"
    expand(source, out, pipeline(), times=2)
    before = tree(out)
    scan = os.scandir

    def refuse(path="."):
        if str(path).endswith("dogs"):
            raise PermissionError(13, "Permission denied", str(path))
        return scan(path)

    with monkeypatch.context() as patch:
        patch.setattr(os, "scandir", refuse)
        report = expand(source, out, pipeline(), times=2)
    assert [(p.name, p.reason) for p in report.skipped] == [("dogs", "the folder cannot be read: Permission denied")]
    assert tree(out) == before
    read = Path.read_bytes

    def cannot(path):
        if path.name == "a.png":
            raise OSError(errno.EIO, "Input/output error")
        return read(path)

    for path in source.rglob("*.*"):
        os.utime(path, (1e9, 1e9))
    with monkeypatch.context() as patch:
        patch.setattr(Path, "read_bytes", cannot)
        report = expand(source, out, pipeline(), times=2)
    assert [(p.name, p.reason) for p in report.skipped] == [
        ("cats/a.png", "the file cannot be read: Input/output error")
    ]
    assert tree(out) == before
    assert expand(source, out, pipeline(), times=2).ok
    assert tree(out) == before


def test_pictures_that_cannot_be_read_are_noted(tmp_path):
    source = small_set(tmp_path / "in")
    (source / "cats/anim.gif").write_bytes(b"GIF89a")
    report = expand(source, tmp_path / "out", pipeline(), times=1)
    assert report.ok and report.notes == ("left out, being of other kinds (.gif): cats/anim.gif",)


def test_output_inside_the_source_is_left_out_and_said(tmp_path):
    source = small_set(tmp_path / "in")
    first = expand(source, source / "expanded", pipeline(), times=2)
    assert first.made == 8 and any("expanded" in note for note in first.notes)
    again = expand(source, source / "expanded", pipeline(), times=2)
    assert (again.sources, again.made, again.kept) == (4, 0, 8)
    assert verify(source / "expanded").ok


def test_output_equal_to_or_around_the_source_is_refused(tmp_path):
    source = small_set(tmp_path / "in")
    (tmp_path / "link").symlink_to(source)
    for out in (source, tmp_path / "link", source / "cats" / ".."):
        with pytest.raises(ExpandError, match="same folder"):
            expand(source, out, pipeline())
    for out in (tmp_path, tmp_path / "link" / ".."):
        with pytest.raises(ExpandError, match="inside the output"):
            expand(source, out, pipeline())
    assert len(list(source.rglob("*.*"))) == 4


def test_what_is_no_folder_is_refused(tmp_path):
    write(tmp_path / "a.png")
    with pytest.raises(ExpandError, match="not a folder"):
        expand(tmp_path / "a.png", tmp_path / "out", pipeline())
    with pytest.raises(ExpandError, match="not a folder"):
        expand(tmp_path / "none", tmp_path / "out", pipeline())
    small_set(tmp_path / "in")
    with pytest.raises(ExpandError, match="not a folder"):
        expand(tmp_path / "in", tmp_path / "a.png", pipeline())


@pytest.mark.parametrize(
    ("options", "said"),
    (
        ({"times": 0}, "times=0; allowed: 1 or more"),
        ({"quality": 101}, "quality=101; allowed: 1 to 100"),
        ({"workers": 0}, "workers=0"),
        ({"format": "gif"}, "format='gif'; allowed: same, png, jpeg, webp"),
        ({"originals": "hard"}, "originals='hard'; allowed: none, link, copy"),
        ({"on_error": "shrug"}, "on_error='shrug'; allowed: skip, raise"),
    ),
)
def test_wrong_arguments_are_named(tmp_path, options, said):
    with pytest.raises(ValueError, match=said):
        expand(small_set(tmp_path / "in"), tmp_path / "out", pipeline(), **options)
    assert not (tmp_path / "out").exists()


def test_second_run_at_the_same_time_is_refused(tmp_path):
    source, out = small_set(tmp_path / "in"), tmp_path / "out"
    out.mkdir()
    with locked(out):
        with pytest.raises(ExpandError, match="another run is writing there"):
            expand(source, out, pipeline())
        with pytest.raises(ExpandError, match="a run is writing there"):
            verify(out)
    assert expand(source, out, pipeline(), times=1).made == 4


def test_second_process_at_the_same_time_is_refused(tmp_path):
    source, out = small_set(tmp_path / "in"), tmp_path / "out"
    out.mkdir()
    code = f"import covary; covary.expand.expand({str(source)!r}, {str(out)!r}, covary.Pipeline([]))"
    with locked(out):
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode and "another run is writing there" in done.stderr


def test_other_databases_are_left_alone(tmp_path):
    source, out = small_set(tmp_path / "in"), tmp_path / "out"
    out.mkdir()
    (out / "manifest.sqlite").write_bytes(b"not a database, but mine" * 100)
    with pytest.raises(ExpandError, match="no manifest"):
        expand(source, out, pipeline())
    assert (out / "manifest.sqlite").read_bytes() == b"not a database, but mine" * 100
    (out / "manifest.sqlite").unlink()
    db = sqlite3.connect(out / "manifest.sqlite")
    db.execute("CREATE TABLE mine (x)")
    db.close()
    before = (out / "manifest.sqlite").read_bytes()
    with pytest.raises(ExpandError, match="left as it is"):
        expand(source, out, pipeline())
    assert (out / "manifest.sqlite").read_bytes() == before


# A full disk


@pytest.mark.parametrize("room", (0, 1, 5, 11))
def test_full_disk_stops_cleanly_and_goes_on_later(tmp_path, monkeypatch, room):
    source, out = small_set(tmp_path / "in"), tmp_path / "out"
    left = [room]
    lock = threading.Lock()

    def write_while_there_is_room(path, data):
        with lock:
            left[0] -= 1
            if left[0] < 0:
                path.write_bytes(data[: len(data) // 2])
                raise OSError(errno.ENOSPC, "No space left on device", str(path))
        path.write_bytes(data)

    with monkeypatch.context() as patch:
        patch.setattr(files, "write_whole", write_while_there_is_room)
        with pytest.raises(ExpandError, match="No space left on device"):
            expand(source, out, pipeline(), times=3)
    assert not (out / ".covary").exists()
    for row in record_lenient(out):
        assert (out / row[0]).stat().st_size == row[1]
    expand(source, out, pipeline(), times=3)
    expand(source, tmp_path / "fresh", pipeline(), times=3)
    assert state(out) == state(tmp_path / "fresh")


def record_lenient(out):
    db = sqlite3.connect(out / "manifest.sqlite")
    try:
        return db.execute("SELECT path, bytes FROM outputs").fetchall()
    finally:
        db.close()
