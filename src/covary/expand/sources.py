"""Where the samples of an expansion come from: what a run knows of each before and after it is read.

A run lists its sources once (`Sources`). A worker reads one with the `Reader`: first its bytes and digests, which tell
whether anything is to be done at all; then it is opened: decoded, with its labels, ready to be varied. What a sample is
(a picture, a sound) only its `Opened` knows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
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
    from covary.expand.rows import Recipe
    from covary.pipeline import Pipeline


@dataclass(frozen=True, slots=True)
class Entry:
    """What is known of a source before it is read.

    Attributes:
        index: its number in the data set.
        name: of its file: a path relative to the data set. No two sources share it, and the names of all that is made
            of it are made from it.
        key: identity for the draws, the one by which a Loader draws too.
        label: name of its class; "" where it has none.
        split: part of the data set that it belongs to; "" where nothing says so.
        size: height and width that an annotation file gives for its picture.
        companions: names of the files that belong to this picture alone (mask, label file), relative to the data set.
        part_of: where it is a part of a file: the name of that file.
    """

    index: int
    name: str
    key: Key
    label: str = ""
    split: str = ""
    size: tuple[int, int] | None = None
    companions: tuple[str, ...] = ()
    part_of: str = ""

    @property
    def file(self) -> str:
        """Name of the file that it is read from."""
        return self.part_of or self.name


@dataclass(frozen=True, slots=True, eq=False)
class Raw:
    """A source as read, nothing decoded.

    Attributes:
        content: the bytes of its file, or the array that a data set in memory has in their place.
        size: of the content in bytes.
        sha256: of the content.
        fields_sha256: of all its other fields; None where it has none.
        sample: its other fields.
    """

    content: bytes | Image
    size: int
    sha256: str
    fields_sha256: str | None
    sample: Sample

    def file_for(self, decode: str) -> bytes | None:
        """What variations are decoded from, each as small as it allows: the bytes, if that is wanted and possible."""
        return self.content if decode == "scaled" and isinstance(self.content, bytes) else None


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


@dataclass(frozen=True, slots=True, eq=False)
class Made:
    """A variation as it is written.

    Attributes:
        path: of its file, relative to the output folder.
        epoch: its number.
        data, sha256: content of its file.
        trace: what each operation drew, as JSON.
        labels: what moved with it, as JSON; None where there is nothing.
        measures: of what it is, by the names of the manifest's columns: height and width, or samples and rate.
        beside: name and content of the files that go with it.
    """

    path: str
    epoch: int
    data: bytes
    sha256: str
    trace: str
    labels: str | None
    measures: Mapping[str, int] = field(default_factory=dict)
    beside: Sequence[tuple[str, bytes]] = ()


class Opened(Protocol):
    """A source that was decoded, with all that belongs to it."""

    @property
    def told(self) -> Mapping[str, Any]:
        """What the manifest records of the source: columns of `SourceRow`."""
        ...

    @property
    def measures(self) -> Mapping[str, int]:
        """What the manifest records of the original: columns of `OutputRow`."""
        ...

    @property
    def labels_text(self) -> str | None:
        """What of it moves when it is varied, as it is in the original, as JSON; None where there is nothing."""
        ...

    def variations(
        self, pipeline: Pipeline, recipe: Recipe, layout: Layout, entry: Entry, epochs: Sequence[int]
    ) -> Iterator[Made]:
        """Vary the source and encode what comes of it.

        Raises:
            ExpandError: the pipeline makes something that no such file can hold.
            EncodeError: the format cannot hold this sample.
        """
        ...


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
        """What the source is read from, its own file first. The same sizes and times say: unchanged."""
        ...

    def read(self, entry: Entry) -> Raw:
        """Read a source.

        Raises:
            OSError: a file cannot be read.
            SampleError: it was read, but cannot be used.
        """
        ...

    def open(self, entry: Entry, facts: str | None, raw: Raw) -> Opened:
        """Decode a source.

        Args:
            facts: what the file common to all sources says of this one.

        Raises:
            DecodeError, AnnotationError, SampleError: it cannot be used, or its labels make no sense for it.
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
