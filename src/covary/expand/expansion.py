"""Offline expansion: the front door."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import get_args

import numpy as np

from covary import __version__
from covary.data.coco import read_coco
from covary.data.dataset import Dataset
from covary.data.fetch import Decode
from covary.data.look import Kind
from covary.expand.counts import Wish, variation_counts, wish_of
from covary.expand.engines import ENGINES, EngineName, LocalThreads, MakeEngine
from covary.expand.errors import ExpandError
from covary.expand.files import locked, share_locked
from covary.expand.guard import guarded
from covary.expand.kinds.folder import folder_sources
from covary.expand.kinds.opening import IN_MEMORY, opened, sources_of
from covary.expand.kinds.sharded import ShardLayout
from covary.expand.kinds.text import TextLayout, TextWish
from covary.expand.manifest import Manifest
from covary.expand.merging import merge_if_complete
from covary.expand.names import OUTPUT_FORMATS, SHARD_FORMATS, OutputFormat, ShardFormat
from covary.expand.orders import Order, Originals
from covary.expand.progress import progress_of
from covary.expand.recipe import recipe_of
from covary.expand.report import Report
from covary.expand.run import OnError, Run
from covary.expand.shards import groups_of
from covary.expand.shares import (
    Share,
    SharePlan,
    check_count,
    marked,
    open_share_manifest,
    take_over,
)
from covary.expand.sources import Sources
from covary.expand.survey import FilePlan, Plan
from covary.expand.survey_shards import ShardPlan
from covary.expand.variations import canonical
from covary.ops.view import Modality
from covary.pipeline import Pipeline
from covary.plan.changes import Bools, Ints


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
    format: OutputFormat | ShardFormat = "same",
    quality: int = 95,
    decode: Decode = "full",
    workers: int | None = None,
    engine: EngineName = "local",
    shard: tuple[int, int] | str | None = None,
    annotations: str | os.PathLike[str] | None = None,
    text: str | Sequence[str] | None = None,
    fields: Mapping[str, str] | None = None,
    kind: Kind | None = None,
    on_error: OnError = "skip",
    progress: bool | None = False,
) -> Report:
    """Write variations of a data set's pictures, sounds or texts into another folder, with their labels and a record.

    Variation k of `cats/12.jpg` becomes `cats/12__k.jpg`, with the pixels of `pipeline(image=..., key="cats/12.jpg",
    epoch=k)`: the same that online training sees. `OUT/manifest.sqlite` records how every file came about. A second run
    does only what is missing or changed, and removes what it once made of pictures that are gone; files that the
    manifest does not know are never touched, nor is anything in the source folder. The process may be killed at any
    moment: the same call goes on from there. (After a power failure, `verify` finds what the disk lost.)

    A data set comes out in the kind in which it went in: a folder of pictures (the first part of a picture's path is
    its class), COCO, YOLO with its data.yaml, Pascal VOC, pictures and masks, a table (CSV, JSON lines, Parquet) with
    its pictures, WebDataset shards, Parquet files with pictures in them. Boxes, regions, keypoints and masks go through
    the same changes; all else that the data set says of a picture is said of its variations, too.

    So do sounds: folders of classes, and manifests (JSON lines, CSV, TSV, Parquet) with a column of audio files. Each
    variation has its source's own format and subtype; words, phones, events and clean sounds go through the same
    changes, and rows get the new path, duration, rate and number of samples where they have such columns.

    With a pipeline for text, tables of texts (CSV, TSV, JSON lines, Parquet), .txt files of lines and folders of .txt
    files come out in kind: a table with a row for each variation, in which what is marked in the texts has moved along,
    all other columns are as they were, and `covary_source`, `covary_epoch` and `covary_seed` say where the row comes
    from. Variations of a text are different from it and from each other: the first epochs that give something new,
    `times` of them, or as many as 50 times that many draws give. How many that are, and of what text, the report says.
    A column draws by the row's key (its column key or id, else its number), each of several columns by "KEY/COLUMN".

    Of a data set in parts (train, val, test: folders, columns, lists, data.yaml), the training part alone is expanded;
    with `originals`, the others go along unchanged. A variation is always in the part of its source.

    Args:
        source: path of a data set, or a `Dataset`. Any data set can be written as shards; one without files of its own
            (arrays) only so.
        out: folder to write to; it may lie inside a plain folder of pictures, and is then left out of it.
        pipeline: a Pipeline, or the path of its YAML file.
        times: variations per picture, 1 or more; or a mapping of class names to such numbers (0: none), in which "*"
            stands for all other classes (default 8).
        balance: make more variations of rare classes, so that all classes come to the same number of pictures:
            `times` is then for the largest class.
        split: expand this part alone.
        any_split: expand held-out parts (val, test), too.
        originals: "link" puts a symbolic link to every original beside its variations, "copy" a copy.
        format: of the variations: "same" as the source's, "png", "jpeg" or "webp"; PNG, BMP and TIFF keep the pixels
            exactly. Or "webdataset" or "parquet": shards, each with a variation of so many pictures, which keep their
            own format in them.
        quality: 1 to 100, for JPEG, WebP (100: lossless), Vorbis, Opus and MP3.
        decode: "full", or "scaled": JPEGs are reduced by their decoder as far as a variation's crop and resize allow.
            That is the Loader's default; its pixels and these are the same where both decode alike.
        workers: threads; None uses every core that the process may use. With Ray, tasks at once; None uses every core
            of the cluster.
        engine: "local" works in threads of this process; "ray" in tasks on a Ray cluster, whose nodes need both folders
            under the same paths. The outputs are the same.
        shard: (i, n) or "i/n", with 0 <= i < n: do the i-th of n shares of the work, while other runs, on any machines
            that see both folders, do the others into the same folder. The last one to finish makes one expansion of
            them, equal to that of a single run; so does `merge`.
        annotations: a COCO file for a plain folder of pictures; `OUT/annotations.json` describes the variations.
        text: the column of a table that holds the texts, or several, each varied by itself. Default: text, sentence and
            alike, or question and context, premise and hypothesis and alike, or tokens.
        fields: columns of what is marked in the texts, as {"spans": "entities"}: spans, sentences, answer, tokens, tags
            or protected; "" for none. Of several columns of texts, "context.answer" is about the column context.
            Default: columns of these names (also entities, answers, ner_tags), where their values are of that form.
        kind: of the data set, where looking does not tell it: as `format` of `covary.data.open_dataset`.
        on_error: what a picture that cannot be used does: "skip" it and go on, or "raise".
        progress: None shows a bar on a terminal and plain lines elsewhere; False nothing.

    Returns:
        What was done, and what was skipped and why.

    Raises:
        ExpandError: it cannot begin (the source lies inside the output, another run is at work, nothing there, held-out
            data alone, a pipeline for something else) or not go on (the disk is full; a bad picture under
            on_error="raise"). What was finished is kept.
        AnnotationError: the annotation file cannot be used.
        ImportError: Ray was asked for and is not installed.
        ValueError: an argument is out of its range.
    """
    _check_options(originals, format, quality, decode, workers, engine, on_error, kind)
    wish = wish_of(times, balance)
    make_engine = engine_maker(engine, workers)
    share = _share(shard)
    target = Path(out)
    pipeline = _pipeline(pipeline)
    texts = _texts(pipeline, text, fields, format)
    dataset, root = opened(source, annotations, kind, out=target, texts=texts)
    if root != Path(IN_MEMORY):
        # Of a table of texts nothing is read but the table.
        _check_folders(root, target, alone=dataset is not None and not (texts is not None and root.is_file()))
    coco = None if annotations is None else read_coco(annotations)
    said = (root,) if annotations is None else (root, Path(annotations))
    try:
        target.mkdir(parents=True, exist_ok=True)
        held = locked(target) if share is None else share_locked(target, share.folder(target))
        with held as temporary:
            if dataset is None:
                found = folder_sources(root, coco, format, exclude=[target])
            else:
                found = sources_of(dataset, root, target, format, texts)
            if not found.entries and not found.problems:
                raise ExpandError(f"{root}: no {found.what} there")
            _check_pipeline(root, pipeline, found)
            sources, chosen = guarded(
                found, split=split, any_split=any_split, with_originals=originals != "none", said=said
            )
            counts = _counts(sources, chosen, wish, originals != "none")
            order = _order(
                sources, target.absolute(), temporary.absolute(), pipeline, format, quality, decode, originals
            )
            settings = _settings(order, sources, counts, root, wish, format)
            plan = _plan(order, sources, counts)
            notes: tuple[str, ...] = ()
            if share is None:
                manifest = Manifest.open(target)
                taken = take_over(target, manifest)
                if taken:
                    notes = (f"took over what {taken} shares had done",)
            else:
                check_count(target, share)
                settings = marked(settings, plan)
                plan = SharePlan(plan, share)
                manifest = open_share_manifest(target, share, plan.owners)
            run = Run(order, sources, plan, manifest, make_engine, on_error)
            with progress_of("covary expand", plan.total, progress) as shown:
                report = run.carry_out(settings, shown)
        if share is not None:
            notes = (f"shard {share}: {merge_if_complete(target)}",)
        return replace(report, notes=(*report.notes, *notes))
    except OSError as error:
        raise ExpandError(f"{error.filename or target}: {error.strerror}") from error
    except sqlite3.Error as error:
        raise ExpandError(
            f"{target}: the manifest cannot be written: {error}; stopped, run the same command again to go on"
        ) from error


def _order(
    sources: Sources,
    out: Path,
    temporary: Path,
    pipeline: Pipeline,
    format: OutputFormat | ShardFormat,
    quality: int,
    decode: Decode,
    originals: Originals,
) -> Order:
    layout = sources.layout
    if isinstance(layout, ShardLayout):
        if originals == "link":
            raise ValueError("expand: originals='link' with shards, which can hold no links; allowed: none, copy")
        recipe = recipe_of(pipeline, "same", quality, layout.kind, layout.settings(), decode=decode)
        pictures: OutputFormat = "same"
        container, classes = layout.container, layout.classes
    elif isinstance(layout, TextLayout):
        if layout.in_rows and originals == "link":
            raise ValueError("expand: originals='link' with rows of tables, which are no files; allowed: none, copy")
        recipe = recipe_of(pipeline, "same", 0, layout.kind, layout.details())
        pictures, container, classes = "same", None, ()
    else:
        recipe = recipe_of(pipeline, format, quality, layout.kind, decode=decode)
        pictures = format  # type: ignore[assignment]
        container, classes = None, ()
    return Order(
        sources.reader,
        layout,
        out,
        temporary,
        pipeline,
        recipe,
        pictures,
        quality,
        originals,
        container,
        classes,
        isinstance(layout, TextLayout) and layout.in_rows,
    )


def _plan(order: Order, sources: Sources, counts: Ints) -> Plan:
    if order.container is None:
        return FilePlan(order, sources, counts)
    return ShardPlan(order, order.container, sources, counts, groups_of(sources.entries))


def _settings(
    order: Order, sources: Sources, counts: Ints, root: Path, wish: Wish, format: OutputFormat | ShardFormat
) -> dict[str, str]:
    """What the manifest keeps of a run."""
    splits = {entry.split for entry, count in zip(sources.entries, counts, strict=True) if count + order.with_originals}
    return {
        "source": _written(root),
        "kind": sources.source_kind,
        "layout": sources.layout.kind,
        "times": wish.text,
        "format": format,
        "quality": str(order.quality),
        "originals": order.originals,
        "version": __version__,
        "seed": order.recipe.seed,
        "recipe": order.recipe.hash,
        "whole": canonical(sources.layout.whole_names(sorted(splits))),
        **sources.layout.settings(),
    }


def _written(root: Path) -> str:
    """Where a data set lies, as text."""
    if root == Path(IN_MEMORY):
        return IN_MEMORY
    return os.fsencode(os.path.realpath(root)).decode("utf-8", "backslashreplace")


def _counts(sources: Sources, chosen: Bools, wish: Wish, with_originals: bool) -> Ints:
    """How many variations there are to be of each source: of those that are not chosen, none."""
    counts = np.zeros(len(sources.entries), dtype=np.int64)
    entries = [sources.entries[row] for row in np.flatnonzero(chosen)]
    counts[chosen] = variation_counts(entries, wish, with_originals=with_originals)
    return counts


def _check_pipeline(root: Path, pipeline: Pipeline, sources: Sources) -> None:
    """Refuse a pipeline that would leave the samples as they are."""
    needed, has = _MODALITY[sources.what], sorted(pipeline.modalities)
    if needed not in has:
        raise ExpandError(f"{root}: {sources.what} are there, and the pipeline has operations on {', '.join(has)} only")


_MODALITY: Mapping[str, Modality] = {"pictures": "image", "sounds": "audio", "texts": "text"}


def _check_options(
    originals: str,
    format: str,
    quality: int,
    decode: str,
    workers: int | None,
    engine: str,
    on_error: str,
    kind: str | None,
) -> None:
    for name, value, choices in (
        ("originals", originals, get_args(Originals)),
        ("format", format, (*OUTPUT_FORMATS, *SHARD_FORMATS)),
        ("decode", decode, get_args(Decode)),
        ("engine", engine, ENGINES),
        ("on_error", on_error, get_args(OnError)),
        ("kind", kind, (None, *get_args(Kind))),
    ):
        if value not in choices:
            raise ValueError(f"expand: {name}={value!r}; allowed: {', '.join(map(str, choices))}")
    if not 1 <= quality <= 100:
        raise ValueError(f"expand: quality={quality}; allowed: 1 to 100")
    if workers is not None and workers < 1:
        raise ValueError(f"expand: workers={workers}; allowed: 1 or more")


def _share(shard: tuple[int, int] | str | None) -> Share | None:
    if shard is None:
        return None
    if isinstance(shard, str):
        return Share.parsed(shard)
    if not isinstance(shard, tuple) or len(shard) != 2:
        raise ValueError(f"expand: shard is {shard!r}; allowed: (i, n) with 0 <= i < n, such as (0, 8)")
    return Share(*shard)


def _check_folders(root: Path, out: Path, *, alone: bool) -> None:
    """Refuse an output folder that would be read as a part of the source, or hold it.

    Args:
        alone: whether the output may not lie inside the source: its reader would find the outputs again.
    """
    if root.is_file():
        root = root.parent
    if out.exists() and not out.is_dir():
        raise ExpandError(f"{out}: not a folder")
    real_root, real_out = Path(os.path.realpath(root)), Path(os.path.realpath(out))
    if real_root == real_out:
        raise ExpandError(f"{out}: output and source are the same folder; choose another one for the output")
    if alone and real_root in real_out.parents:
        raise ExpandError(f"{out}: the output folder lies inside the data set; choose another one for the output")
    if real_out in real_root.parents:
        raise ExpandError(f"{out}: the source folder lies inside the output folder; choose another one for the output")


def _texts(
    pipeline: Pipeline, text: str | Sequence[str] | None, fields: Mapping[str, str] | None, format: str
) -> TextWish | None:
    """Which columns are texts, if texts are to be varied: the pipeline has operations on them, and on nothing else."""
    if pipeline.modalities != {"text"}:
        for name, value in (("text", text), ("fields", fields)):
            if value is not None:
                raise ValueError(f"expand: {name}={value!r} is for pipelines with operations on text alone")
        return None
    if format != "same":
        raise ValueError(f"expand: format={format!r} with texts, which come out in kind; allowed: same")
    return TextWish(text, dict(fields or {}))


def _pipeline(pipeline: Pipeline | str | os.PathLike[str]) -> Pipeline:
    if isinstance(pipeline, str | os.PathLike):
        return Pipeline.from_yaml(Path(pipeline))
    return pipeline


def engine_maker(name: EngineName, workers: int | None) -> MakeEngine:
    """What makes the engine of this name.

    Args:
        name: "local" or "ray".
        workers: threads, or Ray tasks at once; None: every core.

    Raises:
        ImportError: Ray is not installed; the message says how to.
    """
    from covary.pipeline import usable_cores

    if name == "local":
        return lambda order, items: LocalThreads(order, workers or usable_cores())
    from covary.expand.ray_engine import ray_engine_maker

    return ray_engine_maker(workers)
