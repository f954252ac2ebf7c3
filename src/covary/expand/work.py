"""The work on one source: read, decode, render, encode, write. It runs in any thread and touches no shared state."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from covary.data.coco import instance_from_json
from covary.data.decode import DecodeError, decode
from covary.data.encode import EncodeError
from covary.data.instances import AnnotationError, Category, Objects
from covary.expand.errors import ExpandError
from covary.expand.files import DISK_ERRORS, link_target, link_temporary, place, write_temporary
from covary.expand.manifest import Check, Kind, OutputRow, Recipe, SourceRow
from covary.expand.names import OutputFormat, original_name, variation_name, written_format
from covary.expand.variations import canonical, encoded
from covary.plan.changes import Image

if TYPE_CHECKING:
    from covary.pipeline import Pipeline

# A file that changed less than this before it was read may change again without its time telling; ns.
SETTLED = 2_000_000_000


@dataclass(frozen=True, slots=True, eq=False)
class Order:
    """What is the same for all sources of a run."""

    root: Path
    out: Path
    temporary: Path
    pipeline: Pipeline
    recipe: Recipe
    times: int
    format: OutputFormat
    quality: int
    originals: Literal["none", "link", "copy"]
    categories: Mapping[int, Category]


@dataclass(frozen=True, slots=True)
class Task:
    """What is to be done about one source.

    Attributes:
        name: of the source.
        annotations: its annotation entries as canonical JSON; None where there is no annotation file.
        picture_size: height and width that the annotation file gives for it.
        recorded: its row in the manifest if `missing` holds for that content; for any other, all outputs are missing.
        missing: the epochs to make.
        original_missing: whether the original is to be linked or copied.
    """

    name: str
    annotations: str | None
    picture_size: tuple[int, int] | None
    recorded: SourceRow | None
    missing: tuple[int, ...]
    original_missing: bool


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one source.

    Attributes:
        source: its row for the manifest.
        check: size and time, if they can be relied on.
        outputs: rows of the files made.
        fresh: whether all outputs were made anew, so that older ones count no longer.
        unreadable: whether the file could not even be read; what was made of it before stays.
    """

    source: SourceRow
    check: Check | None
    outputs: tuple[OutputRow, ...] = ()
    fresh: bool = False
    unreadable: bool = False


def do_task(order: Order, task: Task) -> Result:
    """Make the missing outputs of one source: all of them, or none.

    Raises:
        ExpandError: the output's disk is full or fails, or the pipeline makes no pictures.
    """
    path = order.root / task.name
    try:
        status = path.stat()
        data = path.read_bytes()
    except OSError as error:
        reason = f"the file cannot be read: {error.strerror}"
        return Result(SourceRow(task.name, status="skipped", reason=reason), None, unreadable=True)
    digest = sha256(data).hexdigest()
    settled = len(data) == status.st_size and time.time_ns() - status.st_mtime_ns > SETTLED
    check = Check(status.st_size, status.st_mtime_ns) if settled else None
    fresh = task.recorded is None or digest != task.recorded.sha256
    if task.recorded is not None and not fresh and not task.missing and not task.original_missing:
        return Result(task.recorded, check)
    epochs = tuple(range(order.times)) if fresh else task.missing
    original = order.originals != "none" and (fresh or task.original_missing)
    source = SourceRow(task.name, len(data), digest, annotations=task.annotations)
    try:
        picture = decode(data)
        objects = _objects(order, task, picture)
        height, width, channels = picture.shape
        source = SourceRow(
            task.name, len(data), digest, height, width, channels, picture.dtype.name, annotations=task.annotations
        )
        outputs = _make(order, task, picture, data, digest, epochs, original, objects)
    except (DecodeError, EncodeError, AnnotationError) as error:
        return Result(_skipped(source, str(error)), check, fresh=True)
    except OSError as error:
        if error.errno in DISK_ERRORS:
            raise ExpandError(f"{order.out}: {error.strerror}; stopped, run the same command again to go on") from error
        return Result(_skipped(source, f"its outputs cannot be written: {error.strerror}"), check, fresh=True)
    except ExpandError:
        raise
    except Exception as error:  # a pipeline may fail on one picture (too small a crop); the others go on
        return Result(_skipped(source, f"the pipeline failed: {type(error).__name__}: {error}"), check, fresh=True)
    return Result(source, check, outputs, fresh)


def _skipped(source: SourceRow, reason: str) -> SourceRow:
    return SourceRow(source.path, source.bytes, source.sha256, status="skipped", reason=reason)


def _objects(order: Order, task: Task, picture: Image) -> Objects | None:
    if task.annotations is None:
        return None
    size = (picture.shape[0], picture.shape[1])
    if task.picture_size is not None and task.picture_size != size:
        height, width = task.picture_size
        raise AnnotationError(
            f"the annotations are for {width} x {height} pixels, the picture has {size[1]} x {size[0]}"
        )
    return objects_of(task.annotations, size, order.categories)


def objects_of(annotations: str, size: tuple[int, int], categories: Mapping[int, Category]) -> Objects:
    """The objects that a source's annotation entries describe.

    Raises:
        AnnotationError: an entry makes no sense for a picture of this height and width.
    """
    return Objects.of([instance_from_json(entry, size) for entry in json.loads(annotations)], categories)


def _make(
    order: Order,
    task: Task,
    picture: Image,
    data: bytes,
    digest: str,
    epochs: Sequence[int],
    original: bool,
    objects: Objects | None,
) -> tuple[OutputRow, ...]:
    """Write all files under temporary names, and only then give them their own."""
    name = task.name
    written: list[tuple[Path, OutputRow]] = []
    try:
        if original:
            written.append(_original(order, name, picture, data, digest, objects))
        format = written_format(name, order.format)
        for made in encoded(order.pipeline, picture, name, epochs, objects, format, order.quality):
            temporary = write_temporary(order.temporary, made.data)
            row = OutputRow(
                variation_name(name, made.epoch, order.format),
                name,
                "variation",
                name,
                made.epoch,
                len(made.data),
                made.sha256,
                made.height,
                made.width,
                order.recipe.hash,
                made.trace,
                made.labels,
            )
            written.append((temporary, row))
        for temporary, row in written:
            place(temporary, order.out / row.path)
    except BaseException:
        for temporary, _ in written:
            with contextlib.suppress(OSError):
                temporary.unlink(missing_ok=True)
        raise
    return tuple(row for _, row in written)


def _original(
    order: Order, name: str, picture: Image, data: bytes, digest: str, objects: Objects | None
) -> tuple[Path, OutputRow]:
    final = original_name(name)
    kind: Kind = "link" if order.originals == "link" else "copy"
    if kind == "link":
        temporary = link_temporary(order.temporary, link_target(order.root / name, order.out / final))
    else:
        temporary = write_temporary(order.temporary, data)
    labels = None if objects is None else canonical([instance.to_json() for instance in objects.instances])
    height, width, _ = picture.shape
    row = OutputRow(final, name, kind, name, None, len(data), digest, height, width, order.recipe.hash, None, labels)
    return temporary, row


def original_is_there(path: Path, row: OutputRow, source: Path) -> bool:
    """Whether an original is linked or copied as recorded."""
    try:
        if row.kind == "link":
            return path.is_symlink() and str(path.readlink()) == link_target(source, path)
        return not path.is_symlink() and path.stat().st_size == row.bytes
    except OSError:
        return False
