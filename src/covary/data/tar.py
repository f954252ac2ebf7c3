"""Tar archives: where each file in one lies, told by the headers alone; and archives whose bytes say no when or who.

The standard library's reader keeps an object for each member and takes three times as long: for the millions of members
of a large data set, minutes at every start.
"""

from __future__ import annotations

import io
import os
import tarfile
from collections.abc import Iterable, Iterator
from typing import IO, NamedTuple

BLOCK = 512
_READ_AHEAD = 4096  # a small file and the header after it come in one read
_EMPTY = bytes(BLOCK)
_CHECKSUM_PLACE = slice(148, 156)
_SPACES = 8 * 32  # what the checksum's own bytes count
# Kinds of member (POSIX.1-1988 and the GNU extensions) that have no content, whatever their size says.
_WITHOUT_CONTENT = frozenset(b"123456")
_LINKS = frozenset(b"12")
_REGULAR = frozenset(b"0\07")
_GNU_LONG_NAME, _GNU_LONG_LINK, _GNU_SPARSE = ord("L"), ord("K"), ord("S")
_PAX, _PAX_GLOBAL, _SOLARIS_PAX = ord("x"), ord("g"), ord("X")
_LARGEST_HEADER = 1 << 20


class TarError(ValueError):
    """From here on an archive cannot be read; what came before is whole."""


class Member(NamedTuple):
    """A file in an archive.

    Attributes:
        name: as the archive has it; bytes that are no UTF-8 stand as lone surrogates (PEP 383).
        offset: where its content begins, in bytes from the archive's start.
        size: of its content in bytes.
        left_out: why it cannot be used; "" if it can.
    """

    name: str
    offset: int
    size: int
    left_out: str = ""


def members(descriptor: int) -> Iterator[Member]:
    """The regular files in an uncompressed archive, in the archive's order: ustar, GNU and pax, of any size.

    Links and sparse files come with the reason why they are left out; folders and devices do not come at all.

    Args:
        descriptor: of the open archive; its position is neither used nor changed.

    Raises:
        TarError: the archive is cut off or broken from here on, or is none.
    """
    archive = _Archive(descriptor)
    at = 0
    lasting: dict[str, str] = {}
    passing: dict[str, str] = {}
    while True:
        header = archive.block(at)
        if header == _EMPTY:
            return
        size, kind = _size(header, at), header[156]
        start = at + BLOCK
        if kind in (_GNU_LONG_NAME, _GNU_LONG_LINK, _PAX, _PAX_GLOBAL, _SOLARIS_PAX):
            content = archive.content(start, size, at)
            if kind == _GNU_LONG_NAME:
                passing["path"] = os.fsdecode(content.partition(b"\0")[0])
            elif kind == _PAX_GLOBAL:
                lasting |= _pax_records(content, at)
            elif kind != _GNU_LONG_LINK:
                passing |= _pax_records(content, at)
            at = start + _padded(size)
            continue
        said = lasting | passing if lasting else passing
        passing = {}
        name = said["path"] if "path" in said else _name(header)
        if "size" in said:
            size = _decimal(said["size"], at)
        if kind == _GNU_SPARSE:
            start = archive.after_sparse_map(header, start)
        stored = 0 if kind in _WITHOUT_CONTENT else size
        if start + stored > archive.size:
            raise TarError(f"cut off within {name}")
        at = start + _padded(stored)
        if kind in _REGULAR and not (kind == 0 and name.endswith("/")):  # so did V7 tar mark folders
            sparse = any(record.startswith("GNU.sparse.") for record in said)
            yield Member(name, start, size, "a sparse file" if sparse else "")
        elif kind == _GNU_SPARSE:
            yield Member(name, start, size, "a sparse file")
        elif kind in _LINKS:
            yield Member(name, start, 0, "a link")


class _Archive:
    """The blocks of an archive, a few read at once."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self.size = os.fstat(descriptor).st_size
        self._ahead, self._start = b"", 0

    def block(self, at: int) -> bytes:
        """The header that begins here; zeros at the archive's end."""
        place = at - self._start
        if not 0 <= place <= len(self._ahead) - BLOCK:
            self._ahead, self._start, place = os.pread(self._descriptor, _READ_AHEAD, at), at, 0
        header = self._ahead[place : place + BLOCK]
        if len(header) == BLOCK:
            return header
        if header:
            raise TarError("cut off within a header")
        raise TarError("empty" if at == 0 else "cut off: it has no end mark")

    def content(self, start: int, size: int, header: int) -> bytes:
        """The content of an extended header."""
        if size > _LARGEST_HEADER:
            raise TarError(f"broken header at byte {header}: an extended header of {size:,} bytes")
        data = os.pread(self._descriptor, size, start)
        if len(data) < size:
            raise TarError("cut off within a header")
        return data

    def after_sparse_map(self, header: bytes, at: int) -> int:
        """Where the content of a sparse file begins: after the blocks that continue its map."""
        more = header[482]
        while more:
            more = self.block(at)[504]
            at += BLOCK
        return at


def _size(header: bytes, at: int) -> int:
    """The size that a header says, once its checksum holds."""
    field = header[_CHECKSUM_PLACE]
    try:
        said = int(field.strip(b"\0 ") or b"0", 8)
    except ValueError:
        said = -1
    if said != sum(header) - sum(field) + _SPACES and said != _signed_sum(header):
        reason = "not a tar archive" if at == 0 else f"broken header at byte {at}"
        raise TarError(reason)
    digits = header[124:136]
    if digits[0] & 0x80:  # GNU: a number too large for the octal digits, in base 256
        return int.from_bytes(digits[1:])
    try:
        return int(digits.strip(b"\0 ") or b"0", 8)
    except ValueError:
        raise TarError(f"broken header at byte {at}: its size is {digits!r}") from None


def _signed_sum(header: bytes) -> int:
    """The checksum as some old archivers made it, of signed bytes."""
    return sum(byte - 256 if byte > 127 else byte for byte in header[:148] + header[156:]) + _SPACES


def _name(header: bytes) -> str:
    name = header[:100].partition(b"\0")[0]
    if header[257:263] == b"ustar\0":
        prefix = header[345:500].partition(b"\0")[0]
        if prefix:
            name = prefix + b"/" + name
    return os.fsdecode(name)


def _pax_records(content: bytes, at: int) -> dict[str, str]:
    """The records "length key=value\\n" of an extended header."""
    records: dict[str, str] = {}
    start = 0
    while start < len(content) and content[start]:
        digits, space, _ = content[start : start + 12].partition(b" ")
        if not space or not digits.isdigit() or int(digits) <= len(digits) + 1:
            raise TarError(f"broken pax header at byte {at}")
        record = content[start + len(digits) + 1 : start + int(digits) - 1]
        key, _, value = record.partition(b"=")
        records[os.fsdecode(key)] = os.fsdecode(value)
        start += int(digits)
    return records


def _decimal(text: str, at: int) -> int:
    if not text.isdecimal():
        raise TarError(f"broken pax header at byte {at}: size={text!r}")
    return int(text)


def _padded(size: int) -> int:
    return -(-size // BLOCK) * BLOCK


class TarWriter:
    """An archive while it is written. Its bytes depend on the files' names, contents and order alone.

    Args:
        file: open for writing; it is left open.
    """

    def __init__(self, file: IO[bytes]) -> None:
        self._archive = tarfile.open(fileobj=file, mode="w", format=tarfile.PAX_FORMAT, encoding="utf-8")  # noqa: SIM115

    def add(self, name: str, data: bytes) -> None:
        """Add a file."""
        entry = tarfile.TarInfo(name)  # no owner, and the time 0
        entry.size = len(data)
        entry.mode = 0o644
        self._archive.addfile(entry, io.BytesIO(data))
        self._archive.members.clear()  # type: ignore[attr-defined]  # what would be a list of all members is of no use

    def close(self) -> None:
        """Write the end mark."""
        self._archive.close()


def write_tar(file: IO[bytes], named: Iterable[tuple[str, bytes]]) -> None:
    """Write an archive of files.

    Args:
        file: open for writing; it is left open.
        named: name and content of each, in the archive's order.
    """
    archive = TarWriter(file)
    for name, data in named:
        archive.add(name, data)
    archive.close()
