"""Files read by few calls equal what pathlib reads."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from covary.data.indexed import contents


@pytest.mark.parametrize("length", [0, 1, 4096, 1 << 20, (1 << 20) + 1])
def test_contents_equal_pathlib(tmp_path: Path, length: int) -> None:
    path = tmp_path / "file.bin"
    path.write_bytes(os.urandom(length))
    assert contents(str(path)) == path.read_bytes()


def test_short_reads_are_continued(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "file.bin"
    path.write_bytes(bytes(range(250)))
    read = os.read
    monkeypatch.setattr(os, "read", lambda descriptor, length: read(descriptor, min(length, 7)))
    assert contents(str(path)) == bytes(range(250))


def test_what_cannot_be_read_is_named(tmp_path: Path) -> None:
    for path in (tmp_path / "missing.jpg", tmp_path):
        with pytest.raises(OSError, match=path.name) as caught:
            contents(str(path))
        assert caught.value.filename == str(path)
