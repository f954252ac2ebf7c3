"""The work on a group of sources whose outputs lie in shards: one shard for each variation of all of them.

The sources are taken in the data set's order, so many to a group; shard k of a group holds the k-th variation of each.
Shards k of all groups together are what epoch k of online training sees; variations of one source lie in different
shards, so that training that reads a few shards at once mixes them; and more variations only add shards. A shard is
written whole, under a temporary name. When one source of a group changes, all shards of the group are made again.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any
from urllib.parse import quote

import numpy as np
from numpy.typing import NDArray

from covary.data.encode import EXTENSIONS, encode
from covary.data.encode_mask import encode_mask, mask_ending
from covary.data.header import Format, read_header
from covary.expand.containers import Container, Content, Measured, Writing
from covary.expand.errors import ExpandError
from covary.expand.files import place, temporary_file
from covary.expand.names import original_name, variation_name
from covary.expand.orders import Order, Outcome, Piece, Result, ShardTask
from covary.expand.pictures import OpenedPicture
from covary.expand.preparing import opened, read, reason_of, skipped
from covary.expand.rows import OutputRow, Part, Recipe, ShardRow, SourceRow
from covary.expand.sources import Entry, Mask, Opened, Raw
from covary.expand.variations import canonical, encoded, labels_text
from covary.plan.changes import Image

if TYPE_CHECKING:
    from covary.pipeline import Pipeline

GROUP = 256
"""Sources in a group, and so outputs in a shard. Fixed: what is in a shard must not depend on anything else."""

ENDINGS: dict[Format, str] = {"jpeg": ".jpg", "png": ".png", "webp": ".webp", "bmp": ".bmp", "tiff": ".tif"}


@dataclass(frozen=True, slots=True)
class Group:
    """Sources of one part of the data set whose outputs lie together.

    Attributes:
        part: name of that part.
        number: of the group in it.
        rows: which of the run's sources they are.
    """

    part: str
    number: int
    rows: tuple[int, ...]

    @property
    def name(self) -> str:
        return f"{self.part}-{self.number:05d}"

    def shard(self, epoch: int | None, container: Container) -> str:
        """Path of the shard of an epoch; None for the originals."""
        what = "original" if epoch is None else f"v{epoch}"
        return f"{self.part}-{what}-{self.number:05d}{container.ending}"


def groups_of(entries: Sequence[Entry]) -> list[Group]:
    """The sources in groups: those of each part of the data set by themselves, in their order."""
    parts: dict[str, list[int]] = {}
    for row, entry in enumerate(entries):
        parts.setdefault(quote(entry.split, safe="") or "data", []).append(row)
    return [
        Group(part, number, tuple(rows[start : start + GROUP]))
        for part, rows in parts.items()
        for number, start in enumerate(range(0, len(rows), GROUP))
    ]


def content_digest(members: Sequence[tuple[Entry, SourceRow]]) -> str:
    """What a shard is made from: its sources in their order, with their contents."""
    listed = [
        [entry.name, entry.key, entry.label, row.annotations, row.sha256, row.fields_sha256, row.status]
        for entry, row in members
    ]
    return sha256(canonical(listed).encode()).hexdigest()


def epochs_of(times: int, with_originals: bool) -> tuple[int | None, ...]:
    """The epochs of a source of which there are so many variations; None stands for its original."""
    return (*range(times), *((None,) if with_originals else ()))


def members_of(pieces: Sequence[tuple[Entry, SourceRow, int]], epoch: int | None) -> list[tuple[Entry, SourceRow]]:
    """The sources that a shard is made from, of those of its group.

    Args:
        pieces: sources, their rows, and how many variations there are to be of each.
        epoch: of the shard; None: all of them, as originals.
    """
    return [(entry, row) for entry, row, times in pieces if epoch is None or epoch < times]


def make_shards(order: Order, task: ShardTask) -> Result:
    """Make the missing shards of a group: all of them, or none.

    Raises:
        ExpandError: the output's disk is full or fails, or the pipeline makes no pictures.
    """
    missing = task.missing
    if not task.certain and len(missing) < len(task.shards):
        compared = tuple(_compared(order, piece) for piece in task.pieces)
        if any(outcome.unreadable for outcome in compared):
            return Result(compared, (), task.group)  # what was made while it could be read stays
        if any(outcome.fresh for outcome in compared):
            missing = tuple(epoch for epoch, _ in task.shards)
        elif not missing:
            return Result(compared, (), task.group)
    with contextlib.ExitStack() as cleaning:
        shards: dict[int | None, ShardFile] = {}
        finished: dict[int | None, Path] = {}
        for epoch, path in task.shards:
            if epoch in missing:
                temporary, file = temporary_file(order.temporary)
                cleaning.callback(temporary.unlink, missing_ok=True)
                cleaning.callback(file.close)
                shards[epoch] = ShardFile(path, epoch, order.container, file)
                finished[epoch] = temporary
        outcomes = tuple(_add(order, piece, shards) for piece in task.pieces)
        if len(missing) < len(task.shards):
            if any(outcome.unreadable for outcome in outcomes):
                return Result(outcomes, (), task.group)
            if any(outcome.fresh for outcome in outcomes):
                # A source changed while the others were looked at: the shards that are there are old.
                return make_shards(order, replace(task, missing=tuple(epoch for epoch, _ in task.shards)))
        known = [
            (piece.entry, outcome.source, piece.times) for piece, outcome in zip(task.pieces, outcomes, strict=True)
        ]
        made = []
        try:
            for shard in shards.values():
                shard.close()
            for epoch, shard in shards.items():
                place(finished[epoch], order.out / shard.path)
                digest = content_digest(members_of(known, epoch))
                made.append((shard.row(order.recipe.hash, digest), tuple(shard.rows)))
        except OSError as error:
            raise ExpandError(f"{order.out}: {error.strerror}; stopped, run the same command again to go on") from error
    return Result(outcomes, tuple(made), task.group)


def _compared(order: Order, piece: Piece) -> Outcome:
    """Whether a source has the recorded content."""
    wanted = len(epochs_of(piece.times, order.with_originals))
    found = read(order.reader, piece, wanted)
    if isinstance(found, Outcome):
        return found
    if piece.recorded is None or not found.equals(piece.recorded):
        return Outcome(found.source, found.check, wanted, fresh=True)
    entry = piece.entry
    return Outcome(replace(piece.recorded, split=entry.split, label=entry.label), found.check, wanted)


def _add(order: Order, piece: Piece, shards: Mapping[int | None, ShardFile]) -> Outcome:
    """Make the outputs of a source and add them to their shards: all of them, or none."""
    wanted = epochs_of(piece.times, order.with_originals)
    found = read(order.reader, piece, len(wanted))
    if isinstance(found, Outcome):
        return found
    fresh = not found.equals(piece.recorded)
    epochs = [epoch for epoch in wanted if epoch in shards]
    source = found.source
    try:
        source, content = opened(order.reader, piece, found)
        made = outputs_of(order.pipeline, order.recipe, order.classes, piece.entry, content, epochs)
    except Exception as error:
        return Outcome(skipped(source, reason_of(order, error)), found.check, len(wanted), fresh=fresh)
    try:
        for member, row in made:
            shards[row.epoch].add(member, row)
    except OSError as error:
        raise ExpandError(f"{order.out}: {error.strerror}; stopped, run the same command again to go on") from error
    except (ValueError, TypeError) as error:
        # Of the columns, which all outputs of the source share; so the first one failed, and none is in.
        return Outcome(skipped(source, f"shards cannot hold it: {error}"), found.check, len(wanted), fresh=fresh)
    return Outcome(source, found.check, len(wanted), tuple(row for _, row in made), fresh)


def outputs_of(
    pipeline: Pipeline,
    recipe: Recipe,
    classes: Sequence[str],
    entry: Entry,
    content: Opened,
    epochs: Sequence[int | None],
) -> list[tuple[Content, OutputRow]]:
    """Outputs of a source as shards hold them, with their rows; those are to be completed by the shard's path.

    Raises:
        ExpandError: it is no picture.
    """
    if not isinstance(content, OpenedPicture):
        raise ExpandError(f"{entry.name}: shards can be written of pictures only")
    raw, picture, labels = content.raw, content.picture, content.labels
    format = _format_of(raw)
    mask = labels.mask
    pixels = None if mask is None else mask.pixels
    numbers = [epoch for epoch in epochs if epoch is not None]
    about = _About(entry, raw, classes, recipe)
    outputs = []
    file = raw.file_for(recipe.decode)
    for made in encoded(pipeline, picture, entry.key, numbers, format, recipe.quality, labels.objects, pixels, file):
        variation = made.variation
        files = [] if mask is None else _masks(mask, variation.mask)
        name = variation_name(_with_ending(entry.name, format), variation.epoch, "same")
        outputs.append(about.output(name, variation.epoch, made.data, files, made.labels, made.trace, variation.image))
    if None in epochs:
        data = raw.content if isinstance(raw.content, bytes) else encode(raw.content, format)
        files = [] if mask is None else _masks(mask, None)
        objects = None if labels.objects is None else labels_text(labels.objects.instances)
        name = original_name(_with_ending(entry.name, format))
        outputs.append(about.output(name, None, data, files, objects, None, picture))
    return outputs


@dataclass(frozen=True, slots=True, eq=False)
class _About:
    """What all outputs of a source have in common."""

    entry: Entry
    raw: Raw
    classes: Sequence[str]
    recipe: Recipe

    def output(
        self,
        name: str,
        epoch: int | None,
        data: bytes,
        masks: Sequence[tuple[str, str, bytes]],
        labels: str | None,
        trace: str | None,
        picture: Image,
    ) -> tuple[Content, OutputRow]:
        entry = self.entry
        columns = {key: value for key, value in self.raw.sample.items() if key not in ("mask", "objects", "label")}
        label = self.classes.index(entry.label) if entry.label in self.classes else None
        if label is None and not self.classes and self.raw.sample.get("label") is not None:
            columns["label"] = self.raw.sample["label"]
        objects = None if labels is None else json.loads(labels)
        content = Content(name, data, label, masks, objects, columns, entry.name, epoch)
        stem = name.rpartition(".")[0]
        row = OutputRow(
            name,
            entry.name,
            "copy" if epoch is None else "variation",
            entry.key,
            epoch,
            len(data),
            sha256(data).hexdigest(),
            self.recipe.hash,
            trace,
            tuple(Part(f"{stem}.{kind}{end}", len(file), sha256(file).hexdigest()) for kind, end, file in masks),
            None,
            labels,
            picture.shape[0],
            picture.shape[1],
        )
        return content, row


def _format_of(raw: Raw) -> Format:
    """The format of variations: the source's own; one that keeps every number, for arrays."""
    if isinstance(raw.content, bytes):
        return read_header(raw.content).format
    return "png" if raw.content.dtype != np.float32 else "tiff"


def _with_ending(name: str, format: Format) -> str:
    """A name with the ending of what it is: its own, if that is right."""
    ending = "." + name.rpartition(".")[2].lower()
    return name if EXTENSIONS.get(ending) == format else name + ENDINGS[format]


def _masks(mask: Mask, pixels: NDArray[Any] | None) -> list[tuple[str, str, bytes]]:
    """Name, ending and file of each mask: as it is, or of varied pixels."""
    files = []
    for plane, (name, like) in enumerate(zip(mask.names, mask.files, strict=True)):
        numbers = mask.plane(mask.pixels if pixels is None else pixels, plane)
        if pixels is None and like:
            files.append((name, ENDINGS[read_header(like).format], like))
        else:
            files.append((name, mask_ending(like) if like else ".png", encode_mask(numbers, like)))
    return files


class ShardFile:
    """A shard while it is written, and the rows of what is in it.

    Args:
        path: relative to the output folder.
        epoch: whose outputs it holds; None: originals.
        container: its kind.
        file: where it is written to; None only measures it.

    Attributes:
        rows: of the outputs in it.
    """

    def __init__(self, path: str, epoch: int | None, container: Container | None, file: IO[bytes] | None) -> None:
        assert container is not None
        self.path = path
        self.epoch = epoch
        self.rows: list[OutputRow] = []
        self._measured = Measured(file)
        self._writing: Writing = container.writing(self._measured)

    def add(self, content: Content, row: OutputRow) -> None:
        self._writing.add(content)
        parts = tuple(replace(part, path=f"{self.path}/{part.path}") for part in row.parts)
        self.rows.append(replace(row, path=f"{self.path}/{row.path}", parts=parts, shard=self.path))

    def close(self) -> None:
        self._writing.close()
        self._measured.flush()

    def row(self, recipe: str, sources: str) -> ShardRow:
        """Its row, once it is closed."""
        return ShardRow(self.path, self.epoch, self._measured.bytes, self._measured.sha256, recipe, sources)
