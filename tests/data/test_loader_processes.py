"""Worker processes: the same stream, nothing copied, nothing left behind."""

import gc
import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import numpy as np
import pytest
from loading import Killer, Pictures, Wrong, contents, loader, stream
from writing import write_picture

from covary import OneOf, Pipeline, image
from covary.data.images import ImageFolder
from covary.data.processes import Processes, WorkerDied
from covary.data.produce import Producer

pytestmark = [
    pytest.mark.filterwarnings("ignore:covary's compiled kernels:RuntimeWarning"),
    pytest.mark.skipif(sys.platform != "linux", reason="what is left behind is looked up in /proc"),
]


@pytest.fixture
def collecting():
    """Collections look at what the test makes alone, not at all that the session has loaded."""
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()


def children():
    """Processes of this one that are still there, but for helpers of Python's own."""
    pids = set()
    for task in Path("/proc/self/task").iterdir():
        pids |= set((task / "children").read_text().split())
    return {pid for pid in pids if "covary.data.serving" in Path(f"/proc/{pid}/cmdline").read_text()}


def shared():
    """How many files without a name this process has open, and how many mappings of them or of /dev/shm."""
    links = [str(entry.readlink()) for entry in Path("/proc/self/fd").iterdir() if entry.is_symlink()]
    maps = Path("/proc/self/maps").read_text().splitlines()
    return sum("memfd:covary" in link for link in links), sum("memfd:covary" in m or "/dev/shm" in m for m in maps)


def gone(pids):
    for _ in range(100):
        if not children() & pids:
            return True
        time.sleep(0.05)
    return False


@pytest.mark.parametrize("cache", [None, "1GB", "encoded:1GB", "disk"])
def test_the_stream_is_that_of_the_callers_thread(cache, tmp_path):
    one, other = (f"disk:{tmp_path / name}" if cache == "disk" else cache for name in ("a", "b"))
    expected = stream(loader(cache=one), 2)
    assert stream(loader(cache=other, workers=2, worker_type="process"), 2) == expected


def test_a_resumed_stream_goes_on_in_processes_as_it_was_in_threads():
    expected = stream(loader(), 1)
    first = loader(workers=2)
    next(iter(first))
    again = loader(workers=1, worker_type="process")
    again.load_state_dict(first.state_dict())
    assert [contents(batch) for batch in again] == expected[1:]
    again.close()


def test_bad_samples_are_the_same_and_defects_come_with_their_place():
    data = Pictures(10, broken=[2], missing=[5])
    with pytest.warns(UserWarning, match="2 samples"):
        expected = stream(loader(data, shuffle=False), 1)
    with loader(data, shuffle=False, workers=1, worker_type="process") as batches:
        with pytest.warns(UserWarning, match="2 samples"):
            assert [contents(batch) for batch in batches] == expected
        assert {problem.key for problem in batches.problems} == {"photo/2.jpg", "photo/5.jpg"}
    with loader(Wrong(), channels=3, workers=1, worker_type="process") as batches:
        with pytest.raises(AttributeError, match="no_such_thing") as raised:
            list(batches)
        assert "loading.py" in "".join(raised.value.__notes__)


def test_batches_may_be_kept_changed_and_let_go_in_any_order(collecting):
    """More of them than there are slots: their memory is not used again before they are gone."""
    data = Pictures(26)
    expected = [contents(batch) for batch in loader(data, batch_size=1, epochs=2)]
    with loader(data, batch_size=1, epochs=2, workers=1, worker_type="process", prefetch=1) as batches:
        kept = list(batches)
        assert len(kept) == 52
        assert [contents(batch) for batch in kept] == expected
        kept[0].image[...] = 0
        del kept[10:40:3]
        gc.collect()
        assert [contents(batch) for batch in batches][:1] != expected[:1]  # the next epochs
        assert [contents(batch) for batch in kept[40 - 10 :]] == expected[40:][-len(kept[40 - 10 :]) :]


def test_nothing_is_left_behind_by_closing_dropping_or_breaking_off(collecting):
    before = shared()
    for way in ("close", "drop", "break"):
        batches = loader(workers=2, worker_type="process", cache="10MB")
        iterator = iter(batches)
        batch = next(iterator)
        pids = children()
        assert pids and shared()[0] > before[0]
        if way == "break":
            iterator.close()
        if way == "drop":
            del iterator, batches
            gc.collect()
        else:
            batches.close()
            del iterator, batches
        assert gone(pids), way
        assert np.isfinite(batch.image).all()  # memory of a batch outlives the workers
        del batch
        gc.collect()
        assert shared() == before, way


def test_a_killed_worker_is_told_of_and_the_loader_goes_on_afterwards():
    with loader(Killer(8), channels=3, shuffle=False, batch_size=2, workers=1, worker_type="process") as batches:
        with pytest.raises(WorkerDied, match=r"worker process \d+ was ended by SIGKILL.*batch 1 of epoch 0"):
            list(batches)
        batches.set_epoch(1)
        assert len(next(iter(batches)).image) == 2


def test_the_index_is_shared_not_copied():
    """What the data set holds in arrays travels outside the pickle."""
    data = Pictures(4)
    data.large = np.zeros(3_000_000)
    batches = loader(data)
    producer: Producer = batches._maker
    workers = Processes(1, producer, ahead=1)
    try:
        setup = workers._processes[0]._setup
        assert len(setup.plain) < 20_000
        assert max(length for _, length in setup.places) == 24_000_000
    finally:
        workers.close()


def script(tmp_path, body, **options):
    path = tmp_path / "train.py"
    path.write_text(textwrap.dedent(body))
    here = str(Path(__file__).parent)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([here, *sys.path])}
    return subprocess.Popen(
        [sys.executable, str(path)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
        **options,
    )


def test_scripts_need_no_main_guard_and_workers_import_no_torch(tmp_path):
    process = script(
        tmp_path,
        """
        import sys
        sys.modules["torch"] = sys.modules["sys"]  # what the trainer imports is no business of the workers
        from covary import Pipeline, image
        from loading import Pictures, loader
        class Told(image.HorizontalFlip):
            pass
        with loader(workers=1, worker_type="process") as batches:
            print(len(list(batches)))
        """,
    )
    out, err = process.communicate(timeout=60)
    assert (out.strip(), process.returncode) == ("4", 0), err


def test_what_a_script_defines_works_behind_a_main_guard_and_without_one_the_error_says_so(tmp_path):
    body = """
        from loading import Pictures, loader
        class Own(Pictures):
            pass
        def main():
            with loader(Own(), workers=1, worker_type="process") as batches:
                print(len(list(batches)))
        {}
            main()
        """
    out, err = script(tmp_path, body.format('if __name__ == "__main__":')).communicate(timeout=60)
    assert out.strip() == "4", err
    out, err = script(tmp_path, body.format("if True:")).communicate(timeout=60)
    assert 'put what it does under if __name__ == "__main__"' in err


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_workers_end_with_a_parent_that_is_killed_or_interrupted(tmp_path, number):
    process = script(
        tmp_path,
        """
        import pathlib
        from loading import Pictures, loader
        batches = iter(loader(Pictures(20, slow=0.02), workers=2, worker_type="process", epochs=1000))
        pids = []
        while len(pids) < 2:  # the second may start later than the first batch comes
            next(batches)
            tasks = pathlib.Path("/proc/self/task").iterdir()
            pids = [pid for task in tasks for pid in (task / "children").read_text().split()]
        print(*pids, flush=True)
        for batch in batches:
            pass
        """,
    )
    try:
        assert process.stdout is not None
        pids = process.stdout.readline().split()
        process.send_signal(number)
        process.communicate(timeout=60)
    finally:
        process.kill()
    for _ in range(200):
        if not any(Path(f"/proc/{pid}").exists() for pid in pids):
            break
        time.sleep(0.05)
    assert len(pids) == 2 and not any(Path(f"/proc/{pid}").exists() for pid in pids)


class Foreign(image.HorizontalFlip):
    """An operation that is not covary's own."""


def test_processes_are_chosen_for_code_that_is_not_our_own(tmp_path):
    write_picture(tmp_path / "a" / "1.png")

    def pool(data, **options):
        with loader(data, worker_type="auto", workers=1, **options) as batches:
            return type(batches._started()).__name__

    own = ImageFolder(tmp_path)
    assert pool(own) == "Threads"
    assert pool(Pictures(4)) == "Processes"
    assert pool(own, pipeline=Pipeline([OneOf([Foreign(), image.VerticalFlip()])])) == "Processes"
    unsendable = Pictures(4)
    unsendable.function = lambda: None
    assert pool(unsendable) == "Threads"


def test_what_cannot_be_sent_is_refused_with_the_way_out():
    data = Pictures(4)
    data.function = lambda: None
    with pytest.raises(TypeError, match='use worker_type="thread"'):
        next(iter(loader(data, workers=1, worker_type="process")))
