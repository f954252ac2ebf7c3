"""Where the pictures of an expansion come from: what a run knows of each before and after it is read.

A run lists its sources once (`Sources`). A worker reads one with the `Reader`: first its bytes and digests, which tell
whether anything is to be done at all, then, with the picture decoded, its labels.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from numpy.typing import NDArray

from covary.data.dataset import Sample
from covary.data.folder import Problem
from covary.data.instances import Category, Objects
from covary.draws.keys import Key
from covary.plan.changes import Image

if TYPE_CHECKING:
    from covary.expand.layout import Layout


@dataclass(frozen=True, slots=True)
class Entry:
    """What is known of a source before it is read.

    Attributes:
        index: its number in the data set.
        name: of its picture: a path relative to the data set. No two sources share it, and the names of all that is
            made of it are made from it.
        key: identity for the draws, the one by which a Loader draws too.
        label: name of its class; "" where it has none.
        split: part of the data set that it belongs to; "" where nothing says so.
        size: height and width that an annotation file gives for its picture.
        companions: names of the files that belong to this picture alone (mask, label file), relative to the data set.
    """

    index: int
    name: str
    key: Key
    label: str = ""
    split: str = ""
    size: tuple[int, int] | None = None
    companions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Raw:
    """A source as read, nothing decoded.

    Attributes:
        picture: its bytes, or the array that a data set in memory has in their place.
        size: of the picture in bytes.
        sha256: of the picture.
        fields_sha256: of all its other fields; None where it has none.
        sample: its other fields.
    """

    picture: bytes | Image
    size: int
    sha256: str
    fields_sha256: str | None
    sample: Sample

    def file_for(self, decode: str) -> bytes | None:
        """What variations are decoded from, each as small as it allows: the bytes, if that is wanted and possible."""
        return self.picture if decode == "scaled" and isinstance(self.picture, bytes) else None


@dataclass(frozen=True, slots=True, eq=False)
class Mask:
    """The numbers of a mask, and the files that hold them.

    Attributes:
        pixels: (H, W) numbers, (H, W, P) of P files, or (H, W, C) colours of one.
        files: content of each file; its palette and bit depth are those of what is made of it. Empty for arrays.
        names: what a shard calls each of them.
    """

    pixels: NDArray[Any]
    files: tuple[bytes, ...]
    names: tuple[str, ...] = ("mask",)

    def plane(self, pixels: NDArray[Any], number: int) -> NDArray[Any]:
        """What of varied pixels belongs to a file."""
        return pixels if len(self.files) == 1 else pixels[:, :, number]


@dataclass(frozen=True, slots=True, eq=False)
class Labels:
    """What belongs to a picture and goes through the pipeline with it.

    Attributes:
        objects: what is annotated in it; None where nothing can be.
        mask: its semantic mask, if it has one.
    """

    objects: Objects | None = None
    mask: Mask | None = None


class Reader(Protocol):
    """Reads sources, in any thread or process: it pickles and is never changed.

    Attributes:
        root: folder from which on the names of sources and of their companions count.
        categories: kinds of annotated objects by id.
    """

    @property
    def root(self) -> Path: ...

    @property
    def categories(self) -> Mapping[int, Category]: ...

    def files(self, entry: Entry) -> tuple[Path, ...]:
        """What the source is read from, its picture first. The same sizes and times say: unchanged."""
        ...

    def read(self, entry: Entry) -> Raw:
        """Read a source.

        Raises:
            OSError: a file cannot be read.
            SampleError: it was read, but cannot be used.
        """
        ...

    def labels(self, entry: Entry, facts: str | None, raw: Raw, picture: Image) -> Labels:
        """What goes through the pipeline with the decoded picture.

        Args:
            facts: what the file common to all sources says of this one.

        Raises:
            AnnotationError, SampleError: it makes no sense for this picture.
        """
        ...


@dataclass(frozen=True, slots=True, eq=False)
class Sources:
    """All that a run may expand.

    Attributes:
        root: folder (or file) of the data set, as it is called in messages.
        entries: the sources, in the data set's order.
        reader: reads them.
        layout: where outputs lie, and what goes with them.
        facts: what the file common to all sources says of one, as text; None where there is no such file.
        problems: what could not even be listed. A name is that of a source, or of a folder of sources.
        notes: what else a reader of the report should know.
        kind: of the data set, where its layout is not that of its kind.
        what: the sources are, in reports.
    """

    root: Path
    entries: tuple[Entry, ...]
    reader: Reader
    layout: Layout
    facts: Callable[[Entry], str | None]
    problems: tuple[Problem, ...] = ()
    notes: tuple[str, ...] = ()
    kind: str = ""
    what: str = "pictures"

    @property
    def source_kind(self) -> str:
        """The kind of data set that the sources are of, whatever the outputs are."""
        return self.kind or self.layout.kind
