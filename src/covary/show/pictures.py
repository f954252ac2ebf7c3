"""The contact sheet: originals and their variations side by side, with what is annotated in them."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from covary.data.coco import read_coco
from covary.data.dataset import Dataset, SampleError
from covary.data.decode import DecodeError
from covary.data.encode import EXTENSIONS, encode
from covary.data.folder import Problem
from covary.data.instances import Category, Instance
from covary.drawing import INK, PALE, PAPER, draw_instances, paste, text, text_width, viewable
from covary.expand.kinds.folder import folder_sources
from covary.expand.kinds.opening import opened, sources_of
from covary.expand.pictures import OpenedPicture
from covary.expand.report import printable
from covary.expand.sources import Entry, Sources
from covary.expand.variations import Variation, variations
from covary.pipeline import Pipeline
from covary.plan.changes import Image
from covary.show.subject import heading, named

CELL = 260  # px, the longest side of a picture on the sheet
GAP = 10
MARGIN = 28
HEADER = 98
CAPTION = 26


@dataclass(frozen=True, slots=True, eq=False)
class Row:
    """An original and its variations."""

    name: str
    about: str
    cells: tuple[Image, ...]


def contact_sheet(
    source: str | os.PathLike[str] | Dataset,
    pipeline: Pipeline | str | os.PathLike[str],
    out: str | os.PathLike[str],
    *,
    count: int = 6,
    times: int = 5,
    annotations: str | os.PathLike[str] | None = None,
    seed: int | None = None,
) -> tuple[Problem, ...]:
    """Draw pictures of a data set and variations of each, one picture a row, and write the sheet to a file.

    The variations are those that `expand` makes: variation k is epoch k. `Normalize` and `ToTensor` at the end of the
    pipeline are left out, as they make no pictures.

    Args:
        source: path of a data set of any kind that `expand` takes, or a `Dataset`; objects and masks are drawn.
        pipeline: a Pipeline, or the path of its YAML file.
        out: file to write; PNG, JPEG or WebP by its ending.
        count: pictures to show, taken evenly from the classes; annotated ones first.
        times: variations of each.
        annotations: a COCO file for a plain folder of pictures.
        seed: in place of the pipeline's own.

    Returns:
        Pictures that could not be shown, and why.

    Raises:
        ValueError: nothing can be shown, or `out` has another ending.
        ExpandError: the source is no data set of pictures.
        OSError: a file cannot be read or written.
    """
    format = EXTENSIONS.get(Path(out).suffix.lower())
    if format is None:
        raise ValueError(f"{out}: the ending says no format; allowed: .png, .jpg, .webp, .bmp, .tif")
    whole, name = named(pipeline, seed)
    shown = _for_viewing(whole)
    sources, first = _sources(source, annotations)
    rows: list[Row] = []
    skipped: list[Problem] = []
    for entry in _chosen(sources.entries, first):
        if len(rows) == count:
            break
        try:
            rows.append(_row(sources, entry, shown, times))
        except (SampleError, DecodeError) as error:
            skipped.append(Problem(entry.name, error.reason))
        except (ValueError, OSError) as error:
            skipped.append(Problem(entry.name, str(error)))
    if not rows:
        raise ValueError(
            f"{source}: no picture there can be shown" + "".join(f"; {p.name}: {p.reason}" for p in skipped[:1])
        )
    rows.sort(key=lambda row: row.name)
    about = heading(shown, name, "picture", len(rows), times)
    sheet = draw_sheet(Path(os.path.realpath(sources.root)).name, about, rows)
    Path(out).parent.mkdir(parents=True, exist_ok=True)
    Path(out).write_bytes(encode(sheet, format))
    return tuple(skipped)


def _for_viewing(pipeline: Pipeline) -> Pipeline:
    """The pipeline without what makes no pictures."""
    from covary.ops.image.finish import Normalize, ToTensor

    plain = pipeline.to_dict()
    pairs = zip(pipeline.operations, plain["operations"], strict=True)
    plain["operations"] = [written for operation, written in pairs if not isinstance(operation, Normalize | ToTensor)]
    return Pipeline.from_dict(plain)


def _sources(
    source: str | os.PathLike[str] | Dataset, annotations: str | os.PathLike[str] | None
) -> tuple[Sources, Collection[str]]:
    """The pictures of a data set, and the names of those that are to come first."""
    dataset, root = opened(source, annotations)
    if dataset is not None:
        # As for shards: objects with the masks that they have.
        return sources_of(dataset, root, root, "webdataset"), ()
    coco = None if annotations is None else read_coco(annotations)
    sources = folder_sources(root, coco, "same")
    return sources, () if coco is None else coco.find(entry.name for entry in sources.entries)


def _chosen(entries: Sequence[Entry], first: Collection[str]) -> list[Entry]:
    """The pictures in the order in which they are wanted: annotated ones first, the classes in turn."""
    classes: dict[str, list[Entry]] = {}
    for entry in entries:
        classes.setdefault(entry.label, []).append(entry)
    turns = [(turn, entry) for some in classes.values() for turn, entry in enumerate(some)]
    return [entry for _, entry in sorted(turns, key=lambda pair: (pair[1].name not in first, pair[0]))]


def _row(sources: Sources, entry: Entry, pipeline: Pipeline, times: int) -> Row:
    opened = sources.reader.open(entry, sources.facts(entry), sources.reader.read(entry))
    assert isinstance(opened, OpenedPicture)
    picture, labels = opened.picture, opened.labels
    height, width, channels = picture.shape
    mask = None if labels.mask is None else labels.mask.pixels
    original = Variation(0, picture, None if labels.objects is None else list(labels.objects.instances), mask)
    made = [original, *variations(pipeline, picture, entry.key, range(times), labels.objects, mask)]
    kind = {1: "grey", 3: "", 4: "with transparency"}.get(channels, f"{channels} channels")
    depth = {"uint8": "", "uint16": "16 bit", "float32": "float"}[picture.dtype.name]
    about = "   ".join(part for part in (f"{width} x {height}", kind, depth) if part)
    categories = dict(sources.reader.categories)
    for number in range(256):  # of a mask
        categories.setdefault(number, Category(number, str(number)))
    cells = tuple(_cell(variation.image, _drawn(variation), categories) for variation in made)
    return Row(entry.name, about, cells)


def _drawn(variation: Variation) -> list[Instance]:
    """What is drawn into a picture: its objects; where none has a mask of its own, the picture's mask, too."""
    instances = variation.instances or []
    mask = variation.mask
    if mask is None or mask.ndim != 2 or any(instance.mask is not None for instance in instances):
        return instances
    numbers = [int(number) for number in np.unique(mask) if 0 < number < 256]
    return [*(Instance(number, mask=mask == number) for number in numbers), *instances]


def _cell(picture: Image, instances: Sequence[Instance], categories: Mapping[int, Category]) -> Image:
    pixels, scale = viewable(picture, CELL)
    return draw_instances(pixels, scale, instances, categories)


def draw_sheet(title: str, heading: str, rows: Sequence[Row]) -> Image:
    """Lay rows of pictures out on one sheet, (H, W, 3) uint8."""
    columns = max(len(row.cells) for row in rows)
    heights = [max(cell.shape[0] for cell in row.cells) for row in rows]
    widths = [max(row.cells[column].shape[1] for row in rows if column < len(row.cells)) for column in range(columns)]
    lefts = [MARGIN + sum(widths[:column]) + column * GAP + (GAP if column else 0) for column in range(columns)]
    width = max(
        lefts[-1] + widths[-1] + MARGIN, MARGIN * 2 + max(text_width(title, 24, bold=True), text_width(heading, 14))
    )
    sheet = np.full((HEADER + sum(heights) + len(rows) * (CAPTION + GAP) + MARGIN - GAP, width, 3), PAPER, np.uint8)
    text(sheet, title, (MARGIN, 42), INK, 24, bold=True)
    text(sheet, heading, (MARGIN, 64), PALE, 14)
    for column, left in enumerate(lefts):
        text(sheet, "original" if column == 0 else f"variation {column - 1}", (left, HEADER - 9), PALE, 13)
    top = HEADER
    for row, height in zip(rows, heights, strict=True):
        for left, cell in zip(lefts, row.cells, strict=False):
            paste(sheet, cell, left, top)
        name = printable(row.name)
        below = top + row.cells[0].shape[0] + 18
        text(sheet, name, (MARGIN, below), INK, 13)
        text(sheet, row.about, (MARGIN + text_width(name, 13) + 12, below), PALE, 13)
        top += height + CAPTION + GAP
    return sheet
