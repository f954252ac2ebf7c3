"""Expansions made in shares, against those of a single run."""

import json
import subprocess
import sys

import pytest
from expansions import pipeline, small_set, state, tree, write
from typer.testing import CliRunner

import covary.expand.merging as merging
import covary.expand.whole_files as whole_files
import covary.expand.work as work
from covary.cli import app
from covary.expand import ExpandError, expand, merge, verify
from covary.expand.files import locked, share_locked
from covary.expand.manifest import Manifest
from covary.expand.shares import Share, shares_in

pytestmark = pytest.mark.filterwarnings("ignore:covary's compiled kernels:RuntimeWarning")


@pytest.fixture
def source(tmp_path):
    root = small_set(tmp_path / "in")
    for index in range(14):
        write(root / f"class{index % 3}" / f"picture {index}.png", height=12 + index)
    (root / "cats/broken.jpg").write_bytes(b"\xff\xd8\xff nothing")
    return root


def coco_file(source):
    """Boxes for two pictures, so that there is a file that describes the whole."""
    names = ["class0/picture 0.png", "class1/picture 1.png"]
    annotations = {
        "images": [{"id": i, "file_name": name, "height": 12 + i, "width": 26} for i, name in enumerate(names)],
        "annotations": [{"id": i, "image_id": i, "category_id": 1, "bbox": [2, 3, 10, 8]} for i in range(2)],
        "categories": [{"id": 1, "name": "thing"}],
    }
    path = source.parent / "coco.json"
    path.write_text(json.dumps(annotations))
    return path


def in_shares(source, out, count, order=None, **options):
    return [expand(source, out, pipeline(), shard=(index, count), **options) for index in order or range(count)]


OPTIONS = {
    "plain": {"times": 2},
    "originals": {"times": 1, "originals": "link"},
    "per class": {"times": {"cats": 3, "class0": 0, "*": 1}},
    "balance": {"times": 2, "balance": True},
    "webdataset": {"times": 2, "format": "webdataset"},
    "parquet": {"times": {"cats": 2, "*": 1}, "format": "parquet", "originals": "copy"},
}


@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS)
def test_shares_give_what_a_single_run_gives(tmp_path, source, options, monkeypatch):
    monkeypatch.setattr("covary.expand.shards.GROUP", 4)
    single = expand(source, tmp_path / "single", pipeline(), **options)
    reports = in_shares(source, tmp_path / "out", 3, [2, 0, 1], **options)
    assert state(tmp_path / "out") == state(tmp_path / "single")
    assert not (tmp_path / "out/.covary").exists() and verify(tmp_path / "out").ok
    assert sum(report.made for report in reports) == single.made and all(report.made for report in reports)
    assert sum(report.sources for report in reports) == single.sources == 19
    assert "3 shares merged: 19 sources" in reports[-1].notes[-1]
    assert reports[0].notes[-1] == "shard 2/3: not merged yet: shards 0/3, 1/3 to be run"
    again = in_shares(source, tmp_path / "out", 2, **options)
    assert sum(report.made for report in again) == 0 and sum(report.kept for report in again) == single.made
    assert state(tmp_path / "out") == state(tmp_path / "single")


def test_the_file_that_describes_the_whole_is_written_when_they_are_merged(tmp_path, source):
    options = {"times": 2, "annotations": coco_file(source)}
    expand(source, tmp_path / "single", pipeline(), **options)
    expand(source, tmp_path / "out", pipeline(), shard="0/2", **options)
    assert not (tmp_path / "out/annotations.json").exists() and not (tmp_path / "out/manifest.sqlite").exists()
    expand(source, tmp_path / "out", pipeline(), shard="1/2", **options)
    assert (tmp_path / "out/annotations.json").exists() and state(tmp_path / "out") == state(tmp_path / "single")


@pytest.mark.parametrize("format", ["same", "webdataset"])
def test_changed_sources_and_wishes_equal_a_fresh_run(tmp_path, source, format, monkeypatch):
    monkeypatch.setattr("covary.expand.shards.GROUP", 4)
    in_shares(source, tmp_path / "out", 3, times=3, format=format)
    (source / "class0/picture 3.png").unlink()
    write(source / "class0/picture 6.png", height=50)
    write(source / "cats/added.png", height=33)
    in_shares(source, tmp_path / "out", 4, times=2, format=format)
    expand(source, tmp_path / "fresh", pipeline(), times=2, format=format)
    assert state(tmp_path / "out") == state(tmp_path / "fresh")


def test_shares_in_processes_at_once_give_what_a_single_run_gives(tmp_path, source):
    pipeline().to_yaml(tmp_path / "p.yaml")
    command = [sys.executable, "-W", "ignore", "-m", "covary.cli", "expand", "in", "out", "-p", "p.yaml", "-n", "4"]
    running = [
        subprocess.Popen([*command, "--shard", f"{index}/3"], cwd=tmp_path, stderr=subprocess.PIPE, text=True)
        for index in range(3)
    ]
    said = [process.communicate(timeout=100)[1] for process in running]
    assert sum("3 shares merged" in text for text in said) == 1, said
    # One of them found the broken picture.
    assert sorted(process.returncode for process in running) == [0, 0, 1], said
    expand(source, tmp_path / "single", pipeline(), times=4)
    assert state(tmp_path / "out") == state(tmp_path / "single")


class Stop(BaseException):
    """Stands for the process's end: nothing catches it."""


def stopping(function, count, step):
    """The function, stopped right before or right after one of its calls."""

    def stepped(*arguments, **options):
        count[0] += 1
        if count[0] == step:
            raise Stop
        made = function(*arguments, **options)
        count[0] += 1
        if count[0] == step:
            raise Stop
        return made

    return stepped


def stopped(patch, step, run):
    """Whether a run was stopped at this step of its file operations."""
    count = [0]
    for module in (work, whole_files):
        patch.setattr(module, "place", stopping(module.place, count, step))
    patch.setattr(merging, "drop_shares", stopping(merging.drop_shares, count, step))
    patch.setattr(Manifest, "commit", stopping(Manifest.commit, count, step))
    patch.setattr(Manifest, "close", lambda self, keep: self._db.close())  # nothing is committed on the way out
    try:
        run()
    except Stop:
        return True
    return False


@pytest.mark.parametrize("step", range(1, 40, 3))
def test_a_share_stopped_at_any_moment_then_rerun_equals_a_single_run(tmp_path, source, monkeypatch, step):
    options = {"times": 2, "annotations": coco_file(source), "workers": 1}
    out = tmp_path / "out"
    expand(source, out, pipeline(), shard="1/2", **options)
    with monkeypatch.context() as patch:
        if not stopped(patch, step, lambda: expand(source, out, pipeline(), shard="0/2", **options)):
            pytest.skip("the run has fewer steps")
    if shares_in(out):
        expand(source, out, pipeline(), shard="0/2", **options)
    if step % 2 == 0:  # a single run takes over as well
        expand(source, out, pipeline(), **options)
    expand(source, tmp_path / "single", pipeline(), **options)
    assert state(out) == state(tmp_path / "single") and not (out / ".covary").exists()


@pytest.mark.parametrize("step", range(1, 9))
def test_a_merge_stopped_at_any_moment_is_done_again(tmp_path, source, monkeypatch, step):
    options = {"times": 1, "annotations": coco_file(source)}
    out = tmp_path / "out"
    expand(source, out, pipeline(), times=2)  # what was there before
    with monkeypatch.context() as patch:
        patch.setattr("covary.expand.expansion.merge_if_complete", lambda out: "")
        in_shares(source, out, 2, **options)
    with monkeypatch.context() as patch:
        assert stopped(patch, step, lambda: merge(out)) == (step <= 6)
    if shares_in(out):
        merged = merge(out)
        assert (merged.shares, merged.sources, merged.outputs, len(merged.skipped)) == (2, 19, 18, 1)
    expand(source, tmp_path / "single", pipeline(), **options)
    assert state(out) == state(tmp_path / "single")


def test_a_single_run_takes_over_what_shares_did(tmp_path, source):
    out = tmp_path / "out"
    reports = in_shares(source, out, 3, [0, 2], times=2)
    with pytest.raises(ExpandError, match="shares of a run there are not merged"):
        verify(out)
    with pytest.raises(ExpandError, match="shard 1/3 not finished"):
        merge(out)
    report = expand(source, out, pipeline(), times=2)
    assert "took over what 2 shares had done" in report.notes
    assert report.kept == sum(each.made for each in reports) > 0
    expand(source, tmp_path / "single", pipeline(), times=2)
    assert state(out) == state(tmp_path / "single")


def test_shares_that_do_not_go_together_are_not_merged(tmp_path, source):
    out = tmp_path / "out"
    expand(source, out, pipeline(), shard="0/2", times=2)
    report = expand(source, out, pipeline(), shard="1/2", times=3)
    assert "differ in times: run all shares again" in report.notes[-1]
    with pytest.raises(ExpandError, match="shares 0/2 and 1/2 differ in times"):
        merge(out)
    with pytest.raises(ExpandError, match="has shares of a run in 2, which are not merged"):
        expand(source, out, pipeline(), shard="0/3", times=3)
    write(source / "cats/added.png", height=33)
    report = expand(source, out, pipeline(), shard="0/2", times=3)
    assert "differ in the sources" in report.notes[-1]
    expand(source, out, pipeline(), shard="1/2", times=3)
    expand(source, tmp_path / "single", pipeline(), times=3)
    assert state(out) == state(tmp_path / "single")
    with pytest.raises(ExpandError, match="no shares there"):
        merge(out)


def test_locks(tmp_path, source, monkeypatch):
    out = tmp_path / "out"
    out.mkdir()
    first, second = Share(0, 2).folder(out), Share(1, 2).folder(out)
    with share_locked(out, first), share_locked(out, second):
        for attempt in (lambda: locked(out), lambda: share_locked(out, first)):
            with pytest.raises(ExpandError, match="another run is writing there"), attempt():
                pass
    monkeypatch.setattr("covary.expand.files._MERGE_TIME", 0.1)
    with locked(out), pytest.raises(ExpandError, match="another run is writing there"), share_locked(out, first):
        pass
    with locked(out):
        pass
    expand(source, out, pipeline(), times=1)
    assert not (out / ".covary").exists()


@pytest.mark.parametrize("shard", ["8/8", "1", "a/b", "-1/2", "1/0", (2, 2), (0, 1, 2), 3, (0.0, 1)])
def test_no_share(tmp_path, source, shard):
    with pytest.raises(ValueError, match=r"expand: shard is .*; allowed: "):
        expand(source, tmp_path / "out", pipeline(), shard=shard)
    assert not (tmp_path / "out").exists()


def test_a_share_without_sources_is_finished_too(tmp_path):
    write(tmp_path / "in/only.png")
    in_shares(tmp_path / "in", tmp_path / "out", 5, times=1)
    expand(tmp_path / "in", tmp_path / "single", pipeline(), times=1)
    assert state(tmp_path / "out") == state(tmp_path / "single")


def test_the_commands(tmp_path, source, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (source / "cats/broken.jpg").unlink()
    pipeline().to_yaml(tmp_path / "p.yaml")
    for index in range(2):
        with monkeypatch.context() as patch:
            patch.setattr("covary.expand.expansion.merge_if_complete", lambda out: "not merged")
            arguments = ["expand", "in", "out", "-p", "p.yaml", "-n", "1", "--shard", f"{index}/2"]
            done = CliRunner().invoke(app, arguments)
            assert done.exit_code == 0 and f"shard {index}/2: not merged" in done.stderr
    done = CliRunner().invoke(app, ["merge", "out"])
    assert done.exit_code == 0 and done.stdout == "out: 2 shares merged: 18 sources, 18 outputs\n"
    done = CliRunner().invoke(app, ["merge", "out"])
    assert done.exit_code == 1 and done.stderr == "covary: out: no shares there that are to be merged\n"
    assert len(tree(tmp_path / "out")) == 18
