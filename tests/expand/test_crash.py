"""kill -9 at any moment, then the same run again: as if nothing had happened."""

import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from expansions import pipeline, state, tree, write
from sets import yolo_set

import covary.expand.files as files
import covary.expand.shards as shards
import covary.expand.work as work
from covary.expand import expand, verify
from covary.expand.manifest import Manifest

pytestmark = pytest.mark.filterwarnings("ignore:covary's compiled kernels:RuntimeWarning")

SERVER = """
import json, os, signal, sys, time
import covary.expand.run as run
from covary import Pipeline
from covary.expand import expand
run.COMMIT_INTERVAL = 0.02
run.PLANNED_AT_ONCE = 4
pipeline = Pipeline.from_yaml(sys.argv[2])
pipeline(image=__import__("numpy").zeros((4, 4, 3), "uint8"))  # every module is loaded now
print("ready", flush=True)
for line in sys.stdin:
    delay, out = line.rstrip("\\n").split(" ", 1)
    child = os.fork()
    if not child:
        expand(sys.argv[1], out, pipeline, **json.loads(sys.argv[3]))
        os._exit(0)
    if float(delay) >= 0:
        time.sleep(float(delay))
        os.kill(child, signal.SIGKILL)  # ours to reap, so the number is still its own
    print(os.waitpid(child, 0)[1], flush=True)
"""


class Server:
    """A process that has loaded everything and forks a run on demand: a kill then hits the run, not its imports."""

    def __init__(self, source, **options):
        arguments = [
            sys.executable,
            "-W",
            "ignore",
            "-c",
            SERVER,
            str(source),
            pipeline().to_yaml(),
            json.dumps(options),
        ]
        self.process = subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout.readline() == "ready\n"

    def run(self, out, kill_after=-1.0):
        """Start a run and kill it after so many seconds (never, if negative); returns whether it ended by that."""
        self.process.stdin.write(f"{kill_after} {out}\n")
        self.process.stdin.flush()
        return os.waitstatus_to_exitcode(int(self.process.stdout.readline())) == -signal.SIGKILL

    def close(self):
        self.process.stdin.close()
        self.process.wait()
        self.process.stdout.close()


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    """A server, its source folder, what an undisturbed run gives, and how long it takes."""
    base = tmp_path_factory.mktemp("crash")
    for index in range(16):
        write(base / "in" / f"class{index % 3}" / f"picture {index}.png", height=12 + index, width=20)
    (base / "in" / "broken.jpg").write_bytes(b"\xff\xd8\xff nothing")
    server = Server(base / "in", times=6, originals="copy", workers=2)
    server.run(base / "warm")
    began = time.monotonic()
    server.run(base / "out")
    duration = time.monotonic() - began
    yield server, base / "in", state(base / "out"), duration
    server.close()


def test_kill_at_twenty_random_moments_then_rerun_equals_an_undisturbed_run(tmp_path, undisturbed):
    server, source, expected, duration = undisturbed
    random = np.random.default_rng()
    killed = 0
    for trial in range(20):
        out = tmp_path / str(trial)
        killed += server.run(out, random.uniform(0, duration))
        expand(source, out, pipeline(), times=6, originals="copy", workers=2)
        assert state(out) == expected, f"trial {trial}"
    assert killed, "every run was over before it was killed"


def test_killed_again_and_again_in_one_folder(tmp_path, undisturbed):
    server, source, expected, duration = undisturbed
    for share in (0.1, 0.2, 0.4, 0.6):
        server.run(tmp_path / "out", share * duration)
    expand(source, tmp_path / "out", pipeline(), times=6, originals="copy")
    assert state(tmp_path / "out") == expected


class Stop(BaseException):
    """Stands for the process's end: nothing catches it."""


@pytest.mark.parametrize("step", range(0, 30, 3))
def test_stop_between_two_file_operations_then_rerun_equals_an_undisturbed_run(tmp_path, monkeypatch, step):
    """The moments that chance may miss: right before a rename, right after it, right before a commit."""
    source, out = tmp_path / "in", tmp_path / "out"
    for name in ("a.png", "b.png", "c/d.png"):
        write(source / name)
    count = [0]

    def stopping(function):
        def stepped(*arguments, **options):
            count[0] += 1
            if count[0] == step + 1:
                raise Stop
            made = function(*arguments, **options)
            count[0] += 1
            if count[0] == step + 1:
                raise Stop
            return made

        return stepped

    with monkeypatch.context() as patch:
        patch.setattr(work, "place", stopping(work.place))
        patch.setattr(Manifest, "commit", stopping(Manifest.commit))
        patch.setattr(Manifest, "close", lambda self, keep: self._db.close())  # nothing is committed on the way out
        try:
            expand(source, out, pipeline(), times=3, workers=1)
        except Stop:
            pass
        else:
            pytest.skip("the run has fewer steps")
    if step % 2:
        # Whoever comes back may want something else, and a source may be gone.
        (source / "a.png").unlink()
        options = {"times": 2, "format": "webp"}
    else:
        options = {"times": 3}
    expand(source, out, pipeline(), **options)
    expand(source, tmp_path / "fresh", pipeline(), **options)
    assert state(out) == state(tmp_path / "fresh")


def test_unfinished_files_of_a_killed_run_are_cleared_away(tmp_path):
    write(tmp_path / "in" / "a.png")
    (tmp_path / "out/.covary/tmp").mkdir(parents=True)
    (tmp_path / "out/.covary/tmp/17").write_bytes(b"half a picture")
    (tmp_path / "out/.covary/lock").touch()
    expand(tmp_path / "in", tmp_path / "out", pipeline(), times=1)
    assert not (tmp_path / "out/.covary").exists()


def test_interrupt_keeps_what_is_finished(tmp_path, monkeypatch):
    source, out = tmp_path / "in", tmp_path / "out"
    for index in range(12):
        write(source / f"{index}.png")
    done = [0]
    place = files.place

    def interrupted(temporary, final):
        done[0] += 1
        if done[0] == 7:
            raise KeyboardInterrupt
        place(temporary, final)

    with monkeypatch.context() as patch:
        patch.setattr(work, "place", interrupted)
        with pytest.raises(KeyboardInterrupt):
            expand(source, out, pipeline(), times=2, workers=1)
    assert len(tree(out)) >= 6
    report = expand(source, out, pipeline(), times=2)
    assert report.kept >= 6 and report.made + report.kept == 24
    assert verify(out).ok


def test_full_disk_of_a_real_file_system(tmp_path):
    """On a file system of 128 KiB, where one can be mounted; it goes with the process that mounted it."""
    for index in range(30):
        write(tmp_path / "in" / f"{index}.png", height=50, width=50)
    pipeline().to_yaml(tmp_path / "p.yaml")
    (tmp_path / "small").mkdir()
    run = f"{sys.executable} -W ignore -m covary.cli expand in small/out --times 2 --pipeline p.yaml"
    script = f"""
        mount -t tmpfs -o size=128k tmpfs small || exit 77
        {run} 2> said; echo $? > status
        mount -o remount,size=4m small
        {run} && cp -R small/out out
    """
    arguments = ["unshare", "--map-root-user", "--mount", "sh", "-c", script]
    try:
        done = subprocess.run(arguments, cwd=tmp_path, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        pytest.skip("there is no unshare here")
    if done.returncode and not (tmp_path / "said").exists():
        pytest.skip("no file system can be mounted here")
    assert (tmp_path / "status").read_text() == "1\n"
    said = (tmp_path / "said").read_text()
    assert "No space left" in said or "disk is full" in said
    assert "run the same command again" in said and "Traceback" not in said
    expand(tmp_path / "in", tmp_path / "fresh", pipeline(), times=2)
    assert state(tmp_path / "out") == state(tmp_path / "fresh")


# Kinds with label files, and shards


@pytest.mark.parametrize("step", range(0, 40, 3))
@pytest.mark.parametrize("format", ("same", "webdataset"))
def test_stop_between_two_file_operations_of_labelled_sets_and_shards(tmp_path, monkeypatch, format, step):
    source, out = yolo_set(tmp_path / "in", segments=True, pictures=3), tmp_path / "out"
    monkeypatch.setattr(shards, "GROUP", 2)
    count = [0]

    def stopping(function):
        def stepped(*arguments, **options):
            count[0] += 1
            if count[0] == step + 1:
                raise Stop
            made = function(*arguments, **options)
            count[0] += 1
            if count[0] == step + 1:
                raise Stop
            return made

        return stepped

    with monkeypatch.context() as patch:
        for module in (work, shards):
            patch.setattr(module, "place", stopping(module.place))
        patch.setattr(Manifest, "commit", stopping(Manifest.commit))
        patch.setattr(Manifest, "close", lambda self, keep: self._db.close())
        try:
            expand(source, out, pipeline(), times=2, workers=1, format=format)
        except Stop:
            pass
        else:
            pytest.skip("the run has fewer steps")
    options = {"times": 2, "format": format}
    if step % 2:
        # Whoever comes back may find a source changed, and want the other form.
        (source / "labels/train/s1.txt").write_text("")
        (source / "images/train/s0.png").unlink()
        options = {"times": 1, "format": "webdataset" if format == "same" else "same"}
    expand(source, out, pipeline(), **options)
    expand(source, tmp_path / "fresh", pipeline(), **options)
    assert state(out) == state(tmp_path / "fresh")
    assert verify(out).ok


@pytest.mark.parametrize("format", ("same", "parquet"))
def test_kill_of_a_labelled_set_then_rerun_equals_an_undisturbed_run(tmp_path, format):
    source = yolo_set(tmp_path / "in", segments=True, parts=("train",), pictures=12)
    server = Server(source, times=3, originals="copy", workers=2, format=format)
    try:
        server.run(tmp_path / "warm")
        began = time.monotonic()
        server.run(tmp_path / "whole")
        duration = time.monotonic() - began
        expected = state(tmp_path / "whole")
        for share in (0.2, 0.5, 0.8):
            out = tmp_path / str(share)
            server.run(out, share * duration)
            expand(source, out, pipeline(), times=3, originals="copy", workers=2, format=format)
            assert state(out) == expected
    finally:
        server.close()
