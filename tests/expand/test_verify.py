"""Verification finds what was changed, and nothing else."""

import sqlite3

import pytest
from expansions import pipeline, small_set, state

from covary.expand import ExpandError, expand, verify

pytestmark = pytest.mark.filterwarnings("ignore:covary's compiled kernels:RuntimeWarning")


@pytest.fixture
def expanded(tmp_path):
    source = small_set(tmp_path / "in")
    expand(source, tmp_path / "out", pipeline(), times=2, originals="link")
    return source, tmp_path / "out"


def test_untouched_expansion_is_in_order_and_stays_untouched(expanded):
    _, out = expanded
    before = state(out)
    found = verify(out)
    assert found.ok and found.checked == 12
    assert "12 files checked: all as recorded" in str(found)
    assert state(out) == before and not (out / ".covary").exists()


def test_missing_altered_and_extra_files_are_named(expanded):
    _, out = expanded
    (out / "cats/a__0.png").unlink()
    data = bytearray((out / "top__1.bmp").read_bytes())
    data[-1] ^= 1
    (out / "top__1.bmp").write_bytes(data)
    (out / "dogs/mine.txt").write_text("hello")
    (out / "somewhere").symlink_to("/")
    found = verify(out)
    assert found.missing == ("cats/a__0.png",)
    assert found.altered == ("top__1.bmp",)
    assert found.extra == ("dogs/mine.txt", "somewhere")
    assert not found.differing and not found.ok
    assert str(found) == "12 files checked: 1 missing, 1 altered, 2 extra"


def test_changed_source_is_named(expanded):
    source, out = expanded
    (source / "top.bmp").write_bytes((source / "top.bmp").read_bytes() + b"\0")
    found = verify(out)
    assert [problem.name for problem in found.differing] == ["top.bmp", "top__0.bmp", "top__1.bmp"]
    assert "has changed since" in found.differing[0].reason
    assert found.altered == ("top.bmp",)  # the link leads to it


def test_source_that_is_gone_is_named(expanded):
    source, out = expanded
    (source / "top.bmp").unlink()
    found = verify(out)
    assert {problem.name for problem in found.differing} == {"top.bmp", "top__0.bmp", "top__1.bmp"}
    assert "No such file" in found.differing[0].reason
    assert found.missing == ("top.bmp",)


def test_record_that_lies_is_found_out(expanded):
    """The files agree with the manifest, but not with what source and pipeline give."""
    _, out = expanded
    db = sqlite3.connect(out / "manifest.sqlite")
    db.execute("UPDATE outputs SET epoch = 5 WHERE path = 'cats/a__1.png'")
    db.execute("UPDATE outputs SET trace = '{}' WHERE path = 'cats/a__0.png'")
    db.commit()
    db.close()
    found = verify(out)
    assert {problem.name: problem.reason for problem in found.differing} == {
        "cats/a__0.png": "its source and pipeline give another trace or other labels now",
        "cats/a__1.png": "its source and pipeline give other bytes now",
    }


def test_moved_folders_are_verified_where_they_are(expanded, tmp_path):
    source, out = expanded
    source.rename(tmp_path / "moved")
    with pytest.raises(ExpandError, match="source folder is not there"):
        verify(out)
    found = verify(out, tmp_path / "moved")
    assert not found.differing and not found.altered
    assert set(found.missing) == {"cats/a.png", "cats/b c.jpg", "dogs/deep/d.webp", "top.bmp"}  # broken links


def test_skipped_sources_do_not_disturb(tmp_path):
    source = small_set(tmp_path / "in")
    (source / "bad.png").write_bytes(b"bad")
    expand(source, tmp_path / "out", pipeline(), times=1)
    assert verify(tmp_path / "out").ok


def test_version_that_made_it_is_said_if_it_is_another(expanded):
    _, out = expanded
    db = sqlite3.connect(out / "manifest.sqlite")
    db.execute("UPDATE recipes SET version = '0.0.1'")
    db.commit()
    db.close()
    assert any("0.0.1" in note for note in verify(out).notes)


def test_what_is_no_expansion(tmp_path):
    with pytest.raises(ExpandError, match="is it the output"):
        verify(tmp_path)
    (tmp_path / "manifest.sqlite").write_bytes(b"mine" * 1000)
    with pytest.raises(ExpandError, match="no manifest"):
        verify(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["manifest.sqlite"]
