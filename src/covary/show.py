"""The contact sheet: originals and their variations side by side, with what is annotated in them."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from covary.data.coco import CocoFile, instance_from_json, read_coco
from covary.data.decode import DecodeError, decode
from covary.data.encode import EXTENSIONS, encode
from covary.data.folder import Item, Listing, Problem, read_folder
from covary.data.instances import Category, Instance, Objects
from covary.drawing import INK, PALE, PAPER, draw_instances, paste, text, text_width, viewable
from covary.expand.report import printable
from covary.expand.variations import Variation, variations
from covary.pipeline import Pipeline
from covary.plan.changes import Image

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
    source: str | os.PathLike[str],
    pipeline: Pipeline | str | os.PathLike[str],
    out: str | os.PathLike[str],
    *,
    count: int = 6,
    times: int = 5,
    annotations: str | os.PathLike[str] | None = None,
    seed: int | None = None,
) -> tuple[Problem, ...]:
    """Draw pictures of a folder and variations of each, one picture a row, and write the sheet to a file.

    The variations are those that `expand` makes: variation k is epoch k. `Normalize` and `ToTensor` at the end of the
    pipeline are left out, as they make no pictures.

    Args:
        source: folder of pictures.
        pipeline: a Pipeline, or the path of its YAML file.
        out: file to write; PNG, JPEG or WebP by its ending.
        count: pictures to show, taken evenly from the classes; annotated ones first.
        times: variations of each.
        annotations: a COCO file; boxes, regions and keypoints are drawn.
        seed: in place of the pipeline's own.

    Returns:
        Pictures that could not be shown, and why.

    Raises:
        ValueError: nothing can be shown, or `out` has another ending.
        OSError: a file cannot be read or written.
    """
    format = EXTENSIONS.get(Path(out).suffix.lower())
    if format is None:
        raise ValueError(f"{out}: the ending says no format; allowed: .png, .jpg, .webp, .bmp, .tif")
    shown, title = _for_viewing(pipeline, seed)
    folder = read_folder(source)
    coco = None if annotations is None else read_coco(annotations)
    found = {} if coco is None else coco.find(item.name for item in folder.items)
    rows: list[Row] = []
    skipped: list[Problem] = []
    for item in _chosen(folder, found):
        if len(rows) == count:
            break
        try:
            rows.append(_row(folder, item, shown, times, coco, found))
        except (DecodeError, ValueError, OSError) as error:
            reason = error.reason if isinstance(error, DecodeError) else str(error)
            skipped.append(Problem(item.name, reason))
    if not rows:
        raise ValueError(
            f"{source}: no picture there can be shown" + "".join(f"; {p.name}: {p.reason}" for p in skipped[:1])
        )
    rows.sort(key=lambda row: row.name)
    pictures = "1 picture" if len(rows) == 1 else f"{len(rows)} pictures"
    each = "1 variation" if times == 1 else f"{times} variations"
    heading = f"{title}seed {shown.seed} · {pictures}, {each} of each"
    sheet = draw_sheet(Path(os.path.realpath(source)).name, heading, rows)
    Path(out).parent.mkdir(parents=True, exist_ok=True)
    Path(out).write_bytes(encode(sheet, format))
    return tuple(skipped)


def _for_viewing(pipeline: Pipeline | str | os.PathLike[str], seed: int | None) -> tuple[Pipeline, str]:
    """The pipeline without what makes no pictures, and how it is called on the sheet."""
    from covary.ops.image.finish import Normalize, ToTensor

    title = ""
    if isinstance(pipeline, str | os.PathLike):
        title = f"{Path(pipeline).name} · "
        pipeline = Pipeline.from_yaml(Path(pipeline))
    plain = pipeline.to_dict()
    pairs = zip(pipeline.operations, plain["operations"], strict=True)
    plain["operations"] = [written for operation, written in pairs if not isinstance(operation, Normalize | ToTensor)]
    if seed is not None:
        plain["seed"] = seed
    return Pipeline.from_dict(plain), title


def _chosen(folder: Listing, found: Mapping[str, str]) -> list[Item]:
    """The pictures in the order in which they are wanted: annotated ones first, the classes in turn."""
    classes: dict[str, list[Item]] = {}
    for item in folder.items:
        classes.setdefault(item.label, []).append(item)
    turns = [(turn, item) for items in classes.values() for turn, item in enumerate(items)]
    return [item for _, item in sorted(turns, key=lambda pair: (pair[1].name not in found, pair[0]))]


def _row(
    folder: Listing, item: Item, pipeline: Pipeline, times: int, coco: CocoFile | None, found: Mapping[str, str]
) -> Row:
    picture = decode(folder.path(item))
    height, width, channels = picture.shape
    objects: Objects | None = None
    categories: Mapping[int, Category] = {}
    if coco is not None:
        _, entries = coco.pictures[found[item.name]] if item.name in found else ({}, ())
        categories = coco.categories
        objects = Objects.of([instance_from_json(entry, (height, width)) for entry in entries], categories)
    original = Variation(0, picture, None if objects is None else list(objects.instances))
    made = [original, *variations(pipeline, picture, item.name, range(times), objects)]
    kind = {1: "grey", 3: "", 4: "with transparency"}.get(channels, f"{channels} channels")
    depth = {"uint8": "", "uint16": "16 bit", "float32": "float"}[picture.dtype.name]
    about = "   ".join(part for part in (f"{width} x {height}", kind, depth) if part)
    cells = tuple(_cell(variation.image, variation.instances or [], categories) for variation in made)
    return Row(item.name, about, cells)


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
