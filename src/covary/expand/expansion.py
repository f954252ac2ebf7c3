"""Offline expansion: the front door."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Mapping
from pathlib import Path
from typing import Literal, TypeAlias, get_args

import numpy as np

from covary import __version__
from covary.data.coco import read_coco
from covary.data.dataset import Dataset
from covary.expand.counts import Wish, variation_counts, wish_of
from covary.expand.errors import ExpandError
from covary.expand.files import locked
from covary.expand.guard import guarded
from covary.expand.kinds.folder import folder_sources
from covary.expand.kinds.opening import opened, sources_of
from covary.expand.manifest import Manifest
from covary.expand.names import OUTPUT_FORMATS, OutputFormat
from covary.expand.progress import progress_of
from covary.expand.recipe import recipe_of
from covary.expand.report import Report
from covary.expand.run import OnError, Run
from covary.expand.sources import Sources
from covary.expand.variations import canonical
from covary.expand.work import Order
from covary.pipeline import Pipeline, usable_cores
from covary.plan.changes import Bools, Ints

Originals: TypeAlias = Literal["none", "link", "copy"]


def expand(
    source: str | os.PathLike[str] | Dataset,
    out: str | os.PathLike[str],
    pipeline: Pipeline | str | os.PathLike[str],
    *,
    times: int | Mapping[str, int] = 8,
    balance: bool = False,
    split: str | None = None,
    any_split: bool = False,
    originals: Originals = "none",
    format: OutputFormat = "same",
    quality: int = 95,
    workers: int | None = None,
    annotations: str | os.PathLike[str] | None = None,
    on_error: OnError = "skip",
    progress: bool | None = False,
) -> Report:
    """Write variations of all pictures under a folder into another folder, with a record of each.

    Variation k of `cats/12.jpg` becomes `cats/12__k.jpg`, with the pixels of `pipeline(image=..., key="cats/12.jpg",
    epoch=k)`: the same that online training sees. `OUT/manifest.sqlite` records how every file came about. A second run
    does only what is missing or changed, and removes what it once made of pictures that are gone; files that the
    manifest does not know are never touched, nor is anything in the source folder. The process may be killed at any
    moment: the same call goes on from there. (After a power failure, `verify` finds what the disk lost.)

    Args:
        source: folder of pictures; the first part of a picture's relative path is its class.
        out: folder to write to; it may lie inside `source`, and is then left out of it.
        pipeline: a Pipeline, or the path of its YAML file.
        times: variations per picture, 1 or more; or a mapping of class names to such numbers (0: none), in which "*"
            stands for all other classes (default 8).
        balance: make more variations of rare classes, so that all classes come to the same number of pictures:
            `times` is then for the largest class.
        originals: "link" puts a symbolic link to every original beside its variations, "copy" a copy.
        format: of the variations: "same" as the source's, "png", "jpeg" or "webp". PNG, BMP and TIFF keep the
            pixels exactly.
        quality: 1 to 100, for JPEG and WebP (100: lossless).
        workers: threads; None uses every core that the process may use.
        annotations: a COCO file for the pictures; boxes, regions and keypoints go through the same changes, and
            `OUT/annotations.json` describes the variations.
        on_error: what a picture that cannot be used does: "skip" it and go on, or "raise".
        progress: None shows a bar on a terminal and plain lines elsewhere; False nothing.

    Returns:
        What was done, and what was skipped and why.

    Raises:
        ExpandError: it cannot begin (the source lies inside the output, another run is at work, no pictures) or
            not go on (the disk is full; a bad picture under on_error="raise"). What was finished is kept.
        AnnotationError: the annotation file cannot be used.
        ValueError: an argument is out of its range.
    """
    _check_options(originals, format, quality, workers, on_error)
    wish = wish_of(times, balance)
    target = Path(out)
    dataset, root = opened(source, annotations)
    _check_folders(root, target)
    pipeline = _pipeline(pipeline)
    coco = None if annotations is None else read_coco(annotations)
    try:
        target.mkdir(parents=True, exist_ok=True)
        with locked(target) as temporary:
            if dataset is None:
                found = folder_sources(root, coco, exclude=[target])
            else:
                found = sources_of(dataset, root, target)
            if not found.entries and not found.problems:
                raise ExpandError(f"{root}: no pictures there")
            said = (root,) if annotations is None else (root, Path(annotations))
            with_originals = originals != "none"
            sources, chosen = guarded(found, split=split, any_split=any_split, with_originals=with_originals, said=said)
            counts = _counts(sources, chosen, wish, with_originals)
            recipe = recipe_of(pipeline, format, quality, sources.layout.kind)
            order = Order(
                sources.reader,
                sources.layout,
                target.absolute(),
                temporary.absolute(),
                pipeline,
                recipe,
                format,
                quality,
                originals,
            )
            parts = {
                entry.split for entry, count in zip(sources.entries, counts, strict=True) if count + with_originals
            }
            settings = {
                "source": os.fsencode(os.path.realpath(root)).decode("utf-8", "backslashreplace"),
                "layout": sources.layout.kind,
                "times": wish.text,
                "format": format,
                "quality": str(quality),
                "originals": originals,
                "version": __version__,
                "seed": recipe.seed,
                "recipe": recipe.hash,
                "whole": canonical(sources.layout.whole_names(sorted(parts))),
                **sources.layout.settings(),
            }
            run = Run(order, sources, counts, Manifest.open(target), workers or usable_cores(), on_error)
            with progress_of("covary expand", run.total, progress) as shown:
                return run.carry_out(settings, shown)
    except OSError as error:
        raise ExpandError(f"{error.filename or target}: {error.strerror}") from error
    except sqlite3.Error as error:
        raise ExpandError(
            f"{target}: the manifest cannot be written: {error}; stopped, run the same command again to go on"
        ) from error


def _counts(sources: Sources, chosen: Bools, wish: Wish, with_originals: bool) -> Ints:
    """How many variations there are to be of each source: of those that are not chosen, none."""
    counts = np.zeros(len(sources.entries), dtype=np.int64)
    entries = [sources.entries[row] for row in np.flatnonzero(chosen)]
    counts[chosen] = variation_counts(entries, wish, with_originals=with_originals)
    return counts


def _check_options(originals: str, format: str, quality: int, workers: int | None, on_error: str) -> None:
    for name, value, choices in (
        ("originals", originals, get_args(Originals)),
        ("format", format, OUTPUT_FORMATS),
        ("on_error", on_error, get_args(OnError)),
    ):
        if value not in choices:
            raise ValueError(f"expand: {name}={value!r}; allowed: {', '.join(choices)}")
    if not 1 <= quality <= 100:
        raise ValueError(f"expand: quality={quality}; allowed: 1 to 100")
    if workers is not None and workers < 1:
        raise ValueError(f"expand: workers={workers}; allowed: 1 or more")


def _check_folders(root: Path, out: Path) -> None:
    if root.is_file():
        root = root.parent
    if out.exists() and not out.is_dir():
        raise ExpandError(f"{out}: not a folder")
    real_root, real_out = Path(os.path.realpath(root)), Path(os.path.realpath(out))
    if real_root == real_out:
        raise ExpandError(f"{out}: output and source are the same folder; choose another one for the output")
    if real_out in real_root.parents:
        raise ExpandError(f"{out}: the source folder lies inside the output folder; choose another one for the output")


def _pipeline(pipeline: Pipeline | str | os.PathLike[str]) -> Pipeline:
    if isinstance(pipeline, str | os.PathLike):
        return Pipeline.from_yaml(Path(pipeline))
    return pipeline
