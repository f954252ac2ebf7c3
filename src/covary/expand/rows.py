"""What the manifest records, as rows of its tables."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from covary.draws.keys import Key

Kind: TypeAlias = Literal["variation", "link", "copy"]


@dataclass(frozen=True, slots=True)
class Recipe:
    """How outputs are made, apart from the source: all that their bytes depend on.

    Attributes:
        hash: of all the others.
        pipeline, seed: the pipeline as YAML, and its seed.
        version, renderer: of covary; which of its renderers.
        format, quality: of the encoding.
        layout: how the outputs lie.
        decode: "full", or "scaled": JPEGs reduced by their decoder as far as each variation allows.
    """

    hash: str
    pipeline: str
    seed: str
    version: str
    renderer: str
    format: str
    quality: int
    layout: str
    decode: str


@dataclass(frozen=True, slots=True)
class SourceRow:
    """A row of `sources`; what could not be found out is None.

    Attributes:
        path: name of the source.
        bytes, sha256: of its picture or sound, as stored.
        height, width, channels, dtype: of its picture, decoded; of a sound the last two.
        status: "ok", or "skipped" for the `reason`.
        reason: why it was skipped, or why not all variations that were asked for could be made of it.
        annotations: what a file common to many sources says of it: annotation entries, the row of a table.
        fields_sha256: digest of all its other fields (objects, mask, label, columns); None where it has none.
        split: part of the data set that it belongs to; "" where nothing says so.
        label: name of its class; "" where it has none.
        samples, rate: of its sound: their number, and samples per second.
    """

    path: str
    bytes: int | None = None
    sha256: str | None = None
    height: int | None = None
    width: int | None = None
    channels: int | None = None
    dtype: str | None = None
    status: str = "ok"
    reason: str | None = None
    annotations: str | None = None
    fields_sha256: str | None = None
    split: str = ""
    label: str = ""
    samples: int | None = None
    rate: int | None = None


@dataclass(frozen=True, slots=True)
class Part:
    """A file that goes with an output: its label file, its mask."""

    path: str
    bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class OutputRow:
    """A row of `outputs`.

    Attributes:
        path: of the file, relative to the output folder; in a shard, the shard's path, "/" and the name within.
        source: name of the source.
        kind: "variation", or how the original was taken over: "link", "copy".
        key, epoch: identity of its draws; the epoch is None for originals.
        bytes, sha256: of the encoded file (of an original that was linked: of the file that it leads to).
        recipe: hash of the recipe.
        trace: what each operation drew, as JSON; None for originals.
        parts: files that go with it.
        shard: path of the file that holds it among others; None where it is a file of its own.
        labels: what moved with it, as JSON: a picture's objects, a sound's events; None where there is nothing.
        height, width: of a picture.
        samples, rate: of a sound.
    """

    path: str
    source: str
    kind: Kind
    key: Key
    epoch: int | None
    bytes: int
    sha256: str
    recipe: str
    trace: str | None
    parts: tuple[Part, ...]
    shard: str | None
    labels: str | None
    height: int | None = None
    width: int | None = None
    samples: int | None = None
    rate: int | None = None


@dataclass(frozen=True, slots=True)
class ShardRow:
    """A row of `shards`: a file that holds many outputs.

    Attributes:
        path: relative to the output folder.
        epoch: whose variations it holds; None for originals.
        bytes, sha256: of the file.
        recipe: hash of the recipe.
        sources: digest of the names and contents of the sources that it was made from.
    """

    path: str
    epoch: int | None
    bytes: int
    sha256: str
    recipe: str
    sources: str
