"""Decoded sounds are shared by processes, and nothing is written to do so."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pytest
import soundfile
from sounding import noise, tone, vary

from covary import Pipeline, audio
from covary.ops.audio import shelf as module
from covary.ops.audio.shelf import Shelf
from covary.ops.audio.sounds import Sounds, open_sounds

linux = pytest.mark.skipif(not hasattr(os, "memfd_create"), reason="shared by forks only where there is no memfd")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    soundfile.write(tmp_path / "a.wav", tone(1000, 1.0, 8000), 8000)
    soundfile.write(tmp_path / "b.wav", noise(4000), 16000)
    return tmp_path


def spoil(folder: Path) -> None:
    """Silence in place of what the files hold; their size, time and header stay. Who reads them anew gets silence."""
    for path in folder.glob("*.wav"):
        status = path.stat()
        content = path.read_bytes()
        path.write_bytes(content[:44] + bytes(len(content) - 44))
        os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


def mapped_files() -> set[str]:
    """Device and inode of the shelves that this process has in its memory."""
    lines = Path("/proc/self/maps").read_text().splitlines()
    return {" ".join(line.split()[3:5]) for line in lines if "memfd:covary-sounds" in line}


def in_fork(work) -> int:
    """The exit status of a fork that does some work: 0 where it says that all is well."""
    child = os.fork()
    if child == 0:
        try:
            os._exit(0 if work() else 1)
        finally:
            os._exit(2)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


@linux
def test_a_fork_sees_the_pages_of_its_parent(folder: Path) -> None:
    sounds = Sounds(folder)
    expected = sounds.whole(0, 16000).copy()
    spoil(folder)
    assert in_fork(lambda: np.array_equal(Sounds.whole(sounds, 0, 16000), expected)) == 0


@linux
def test_parent_and_other_forks_see_what_a_fork_has_decoded(folder: Path) -> None:
    operation = audio.BackgroundNoise(folder)  # the shelf is there from here on, the sounds are not

    def first() -> bool:
        before = open_sounds(operation.sounds).whole(1, 16000).any()
        spoil(folder)
        return bool(before)

    assert in_fork(first) == 0
    assert in_fork(lambda: open_sounds(operation.sounds).whole(1, 16000).any()) == 0
    assert np.abs(open_sounds(operation.sounds).whole(1, 16000) - noise(4000)).max() < 1e-4


@linux
@pytest.mark.parametrize("what", ["collection", "operation", "pipeline"])
def test_a_new_interpreter_sees_the_same_pages(folder: Path, what: str) -> None:
    operation = audio.ImpulseResponse(str(folder))
    given = {"collection": Sounds(folder), "operation": operation, "pipeline": Pipeline([operation])}[what]
    sounds = given if isinstance(given, Sounds) else open_sounds(operation.sounds)
    expected = sounds.whole(1, 16000).copy()
    spoil(folder)
    code = (
        "import pickle, sys; sys.path.insert(0, sys.argv[1])\n"
        "from test_audio_shelf import mapped_files\n"
        "from covary.ops.audio.sounds import open_sounds\n"
        "given = pickle.load(sys.stdin.buffer)\n"
        "sounds = given if hasattr(given, 'whole') else open_sounds(getattr(given, 'operations', [given])[0].sounds)\n"
        "values = sounds.whole(1, 16000)\n"
        "sys.stdout.buffer.write(pickle.dumps((values, mapped_files())))\n"
    )
    place = str(Path(__file__).parent)
    result = subprocess.run(
        [sys.executable, "-c", code, place], input=pickle.dumps(given), capture_output=True, check=True
    )
    values, files = pickle.loads(result.stdout)
    assert np.array_equal(values, expected)
    assert files
    assert files <= mapped_files()


def test_nothing_is_written(folder: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch) -> None:
    empty = tmp_path_factory.mktemp("temporary")
    monkeypatch.setenv("TMPDIR", str(empty))
    monkeypatch.setattr(tempfile, "tempdir", None)
    assert tempfile.gettempdir() == str(empty)
    before = sorted(folder.rglob("*"))
    vary(audio.BackgroundNoise(folder), noise(9000))
    vary(audio.ImpulseResponse(folder), noise(9000))
    vary(audio.ShortNoises(Sounds([noise(100)], 8000)), noise(9000))
    assert list(empty.iterdir()) == []
    assert sorted(folder.rglob("*")) == before


@pytest.mark.parametrize("memory", ["shared", "private"])
def test_what_is_there_is_not_made_again_and_not_to_be_written(memory: str, monkeypatch) -> None:
    if memory == "private":
        monkeypatch.delattr(os, "memfd_create", raising=False)
    shelf, filled = Shelf(), []

    def fill(room: np.ndarray) -> None:
        filled.append(len(room))
        room[:] = np.arange(len(room))

    for name, count in (("a" * 32, 5000), ("b" * 32, 3), ("a" * 32, 5000)):
        made = shelf.array(name, count, fill)
        assert np.array_equal(made, np.arange(count))
        with pytest.raises(ValueError, match="read-only"):
            made[0] = 1
    assert filled == [5000, 3]
    assert np.array_equal(pickle.loads(pickle.dumps(shelf)).array("a" * 32, 5000, fill), np.arange(5000))


def test_what_could_not_be_filled_leaves_nothing_behind() -> None:
    shelf = Shelf()

    def fail(room: np.ndarray) -> None:
        room[:] = 7
        raise ValueError("torn")

    with pytest.raises(ValueError, match="torn"):
        shelf.array("a" * 32, 100, fail)
    assert not shelf.array("b" * 32, 100, lambda room: room.fill(0)).any()
    assert not shelf.array("a" * 32, 100, lambda room: room.fill(0)).any()


def test_more_names_than_a_shelf_has_room_for() -> None:
    shelf = Shelf()
    for number in range(module._HEAD // module._ENTRY.itemsize + 3):
        made = shelf.array(f"{number:032x}", 2, lambda room, number=number: room.fill(number))
        assert made.tolist() == [number, number]


@linux
def test_a_shelf_whose_process_is_gone_is_a_new_one() -> None:
    shelf = Shelf()
    shelf.array("a" * 32, 4, lambda room: room.fill(1))
    left = pickle.dumps(shelf)
    del shelf
    again = pickle.loads(left)
    assert again.array("a" * 32, 4, lambda room: room.fill(2)).tolist() == [2, 2, 2, 2]
