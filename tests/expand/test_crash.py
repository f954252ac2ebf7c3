"""kill -9 at any moment, then the same run again: as if nothing had happened."""

import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from test_expand import pipeline, state, tree, write

import covary.expand.files as files
import covary.expand.work as work
from covary.expand import expand, verify
from covary.expand.manifest import Manifest

pytestmark = pytest.mark.filterwarnings("ignore:covary's compiled kernels:RuntimeWarning")

WORKER = """
import sys, time
from covary.expand import expand
import covary.expand.run as run
run.COMMIT_INTERVAL = 0.02
run.PLANNED_AT_ONCE = 4
print("ready", flush=True)
sys.stdin.readline()
expand(sys.argv[1], sys.argv[2], sys.argv[3], times=8, originals="copy", workers=2)
print("done", flush=True)
"""


def start(source, out, yaml):
    arguments = [sys.executable, "-W", "ignore", "-c", WORKER, str(source), str(out), str(yaml)]
    process = subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "ready\n"
    return process


def go(process):
    process.stdin.write("\n")
    process.stdin.flush()


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    """A source folder, a pipeline file, what an undisturbed run gives, and how long it takes."""
    base = tmp_path_factory.mktemp("crash")
    for index in range(40):
        write(base / "in" / f"class{index % 3}" / f"picture {index}.png", height=24 + index, width=40)
    (base / "in" / "broken.jpg").write_bytes(b"\xff\xd8\xff nothing")
    pipeline().to_yaml(base / "p.yaml")
    process = start(base / "in", base / "out", base / "p.yaml")
    began = time.monotonic()
    go(process)
    assert process.communicate()[0] == "done\n"
    return base / "in", base / "p.yaml", state(base / "out"), time.monotonic() - began


def test_kill_at_twenty_random_moments_then_rerun_equals_an_undisturbed_run(tmp_path, undisturbed):
    source, yaml, expected, duration = undisturbed
    random = np.random.default_rng()
    processes = [start(source, tmp_path / str(0), yaml)]
    unfinished = 0
    for trial in range(20):
        out = tmp_path / str(trial)
        process = processes.pop()
        go(process)
        if trial < 19:
            processes.append(start(source, tmp_path / str(trial + 1), yaml))  # its imports take longer than the run
        time.sleep(random.uniform(0, duration))
        process.send_signal(signal.SIGKILL)
        unfinished += process.wait() == -signal.SIGKILL
        process.stdin.close()
        process.stdout.close()
        expand(source, out, yaml, times=8, originals="copy", workers=2)
        assert state(out) == expected, f"trial {trial}"
    assert unfinished, "every run was over before it was killed"


def test_killed_again_and_again_in_one_folder(tmp_path, undisturbed):
    source, yaml, expected, duration = undisturbed
    out = tmp_path / "out"
    for share in (0.1, 0.3, 0.5):
        process = start(source, out, yaml)
        go(process)
        time.sleep(share * duration)
        process.kill()
        process.wait()
        process.stdin.close()
        process.stdout.close()
    expand(source, out, yaml, times=8, originals="copy")
    assert state(out) == expected


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
    """On a file system of 128 KiB, where one can be mounted."""
    mount = tmp_path / "small"
    mount.mkdir()
    made = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=128k", "tmpfs", str(mount)], capture_output=True, check=False
    )
    if made.returncode:
        pytest.skip("no file system can be mounted here")
    try:
        for index in range(30):
            write(tmp_path / "in" / f"{index}.png", height=50, width=50)
        code = (
            "import sys; from covary.expand import expand, ExpandError\n"
            "try: expand(sys.argv[1], sys.argv[2], sys.argv[3], times=2)\n"
            "except ExpandError as error: sys.exit(str(error))"
        )
        pipeline().to_yaml(tmp_path / "p.yaml")
        arguments = [sys.executable, "-W", "ignore", "-c", code, tmp_path / "in", mount / "out", tmp_path / "p.yaml"]
        done = subprocess.run(list(map(str, arguments)), capture_output=True, text=True, check=False)
        assert done.returncode == 1 and "No space left" in done.stderr + done.stdout, done.stderr
        subprocess.run(["mount", "-o", "remount,size=4m", str(mount)], check=True)
        expand(tmp_path / "in", mount / "out", pipeline(), times=2)
        expand(tmp_path / "in", tmp_path / "fresh", pipeline(), times=2)
        assert state(mount / "out") == state(tmp_path / "fresh")
    finally:
        subprocess.run(["umount", str(mount)], check=True)
