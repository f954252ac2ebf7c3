"""Members of archives, against Python's tarfile."""

import io
import os
import tarfile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from covary.data.tar import TarError, members, write_tar

FORMATS = {"ustar": tarfile.USTAR_FORMAT, "gnu": tarfile.GNU_FORMAT, "pax": tarfile.PAX_FORMAT}


def listed(data):
    """What `members` finds in the bytes of an archive, and the reason why it ended early."""
    descriptor = os.memfd_create("archive")
    try:
        os.write(descriptor, data)
        found = []
        try:
            for member in members(descriptor):
                found.append(member)
        except TarError as error:
            return found, str(error)
        return found, ""
    finally:
        os.close(descriptor)


def archived(files, format=tarfile.PAX_FORMAT, **options):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=format, **options) as archive:
        for name, content in files:
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return out.getvalue()


def by_tarfile(data):
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        return [(entry.name, entry.offset_data, entry.size) for entry in archive if entry.isreg()]


NAMES = st.one_of(
    st.from_regex(r"[a-z]{1,8}(/[a-z0-9_]{1,30}){0,9}\.(jpg|cls|json)", fullmatch=True),
    st.text(st.characters(min_codepoint=33, exclude_categories=["Cs", "Cc"], exclude_characters="/\\"), min_size=1),
    st.integers(90, 600).map(lambda n: "folder/" + "n" * n + ".jpg"),
)
FILES = st.lists(st.tuples(NAMES, st.binary(max_size=1500)), max_size=8)


@pytest.mark.parametrize("format", ["gnu", "pax"])
@given(files=FILES)
@settings(max_examples=50, deadline=None)
def test_members_equal_those_of_tarfile(format, files):
    data = archived(files, FORMATS[format])
    found, problem = listed(data)
    assert [tuple(member[:3]) for member in found] == by_tarfile(data) and problem == ""
    assert [data[m.offset : m.offset + m.size] for m in found] == [content for _, content in files]


@given(files=st.lists(st.tuples(st.from_regex(r"[a-z]{1,60}/[a-z]{1,90}", fullmatch=True), st.binary(max_size=600))))
@settings(max_examples=25, deadline=None)
def test_ustar_prefixes_equal_those_of_tarfile(files):
    data = archived(files, tarfile.USTAR_FORMAT)
    assert [tuple(member[:3]) for member in listed(data)[0]] == by_tarfile(data)


@given(files=FILES)
@settings(max_examples=50, deadline=None)
def test_tarfile_reads_what_is_written(files):
    out = io.BytesIO()
    write_tar(out, files)
    with tarfile.open(fileobj=io.BytesIO(out.getvalue())) as archive:
        found = [(entry.name, archive.extractfile(entry).read()) for entry in archive]
        assert all((e.mtime, e.uid, e.gid, e.uname, e.gname, e.mode) == (0, 0, 0, "", "", 0o644) for e in archive)
    assert found == files
    assert [tuple(member[:3]) for member in listed(out.getvalue())[0]] == by_tarfile(out.getvalue())


def test_sizes_in_base_256_and_in_pax_records_equal_those_of_tarfile():
    """A sparse file of 9 GB: octal digits cannot say its size."""
    for format in ("gnu", "pax"):
        entry = tarfile.TarInfo("large.bin")
        entry.size = 9 << 30
        head = entry.tobuf(FORMATS[format])
        after = archived([("after.txt", b"here")])
        descriptor = os.memfd_create("archive")
        try:
            os.write(descriptor, head)
            os.pwrite(descriptor, after, len(head) + entry.size)
            os.lseek(descriptor, 0, os.SEEK_SET)
            found = list(members(descriptor))
            with open(descriptor, "rb", closefd=False) as file, tarfile.open(fileobj=file, mode="r:") as archive:
                assert [tuple(m[:3]) for m in found] == [(e.name, e.offset_data, e.size) for e in archive]
        finally:
            os.close(descriptor)
        assert [member.size for member in found] == [9 << 30, 4]


def test_folders_and_devices_do_not_come_and_links_say_so():
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        kinds = ((tarfile.DIRTYPE, "d"), (tarfile.SYMTYPE, "s"), (tarfile.LNKTYPE, "h"), (tarfile.FIFOTYPE, "f"))
        for kind, name in kinds:
            entry = tarfile.TarInfo(name)
            entry.type, entry.linkname = kind, "x" * 200
            archive.addfile(entry)
        archive.addfile(tarfile.TarInfo("file"))
    found, problem = listed(out.getvalue())
    assert [(m.name, m.left_out) for m in found] == [("s", "a link"), ("h", "a link"), ("file", "")] and problem == ""


@pytest.mark.parametrize("format", ["gnu", "posix"])
def test_sparse_files_of_gnu_tar_say_so_and_what_follows_is_found(tmp_path, format):
    import shutil
    import subprocess

    if shutil.which("tar") is None:
        pytest.skip("there is no tar here")
    with (tmp_path / "a.bin").open("wb") as file:
        for block in range(40):  # more pieces than the first header holds
            file.seek(block * 200_000)
            file.write(b"data")
    (tmp_path / "b.txt").write_bytes(b"after")
    command = ["tar", f"--format={format}", "-S", "-cf", "x.tar", "a.bin", "b.txt"]
    subprocess.run(command, cwd=tmp_path, check=True)
    data = (tmp_path / "x.tar").read_bytes()
    found, problem = listed(data)
    assert [m.left_out for m in found] == ["a sparse file", ""] and problem == ""
    assert found[1][:3] == by_tarfile(data)[-1]


@given(st.data())
@settings(max_examples=50, deadline=None)
def test_of_an_archive_that_is_cut_off_the_whole_members_are_found(data):
    whole = archived([(f"{i}/" + "n" * (i * 60), bytes([i]) * (i * 300)) for i in range(6)])
    end = by_tarfile(whole)[-1]
    length = data.draw(st.integers(0, end[1] + end[2] + 511))
    found, problem = listed(whole[:length])
    assert problem
    assert [tuple(m[:3]) for m in found] == [entry for entry in by_tarfile(whole) if entry[1] + entry[2] <= length]


def test_no_archive():
    assert listed(b"\xff\xd8\xff" * 500) == ([], "not a tar archive")
    assert listed(b"") == ([], "empty")
    assert listed(b"short") == ([], "cut off within a header")


def test_a_broken_header_ends_the_list():
    data = bytearray(archived([("a", b"1"), ("b", b"2"), ("c", b"3")]))
    data[1024 + 130] ^= 1
    found, problem = listed(bytes(data))
    assert [m.name for m in found] == ["a"] and problem == "broken header at byte 1024"
