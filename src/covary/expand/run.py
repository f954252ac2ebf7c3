"""Offline expansion: what is to be done, done in threads, recorded by one writer."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from pathlib import Path
from typing import Literal, TypeAlias, get_args

from covary import __version__
from covary.data.coco import CocoFile, read_coco
from covary.data.folder import Listing, Problem, read_folder
from covary.expand.annotations import (
    ANNOTATIONS_NAME,
    annotation_settings,
    annotations_text,
    unmatched_note,
)
from covary.expand.errors import ExpandError
from covary.expand.files import locked, place, write_temporary
from covary.expand.manifest import Manifest
from covary.expand.names import OUTPUT_FORMATS, OutputFormat
from covary.expand.progress import Progress, progress_of
from covary.expand.recipe import recipe_of
from covary.expand.report import Report, printable
from covary.expand.survey import Annotated, drop_outputs, drop_vanished, survey
from covary.expand.variations import canonical
from covary.expand.work import Order, Result, do_task
from covary.pipeline import Pipeline, usable_cores

Originals: TypeAlias = Literal["none", "link", "copy"]
OnError: TypeAlias = Literal["skip", "raise"]

PLANNED_AT_ONCE = 32
COMMIT_INTERVAL = 1.0  # seconds


def expand(
    source: str | os.PathLike[str],
    out: str | os.PathLike[str],
    pipeline: Pipeline | str | os.PathLike[str],
    *,
    times: int = 8,
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
        times: variations per picture, 1 or more.
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
    _check_arguments(times, originals, format, quality, workers, on_error)
    root, target = Path(source), Path(out)
    _check_folders(root, target)
    pipeline = _pipeline(pipeline)
    coco = None if annotations is None else read_coco(annotations)
    try:
        target.mkdir(parents=True, exist_ok=True)
        with locked(target) as temporary:
            folder = read_folder(root, exclude=[target])
            if not folder.items and not folder.problems:
                raise ExpandError(f"{root}: no pictures there")
            recipe = recipe_of(pipeline, format, quality)
            categories = {} if coco is None else dict(coco.categories)
            order = Order(
                root.absolute(),
                target.absolute(),
                temporary.absolute(),
                pipeline,
                recipe,
                times,
                format,
                quality,
                originals,
                categories,
            )
            settings = {
                "source": os.fsencode(os.path.realpath(root)).decode("utf-8", "backslashreplace"),
                "times": str(times),
                "format": format,
                "quality": str(quality),
                "originals": originals,
                "version": __version__,
                "seed": recipe.seed,
                "recipe": recipe.hash,
                **annotation_settings(coco),
            }
            run = _Run(order, folder, coco, Manifest.open(target), workers or usable_cores(), on_error)
            with progress_of("covary expand", run.total, progress) as shown:
                return run.carry_out(settings, shown)
    except OSError as error:
        raise ExpandError(f"{error.filename or target}: {error.strerror}") from error
    except sqlite3.Error as error:
        raise ExpandError(
            f"{target}: the manifest cannot be written: {error}; stopped, run the same command again to go on"
        ) from error


def _check_arguments(times: int, originals: str, format: str, quality: int, workers: int | None, on_error: str) -> None:
    def allowed(name: str, value: str, choices: tuple[str, ...]) -> None:
        if value not in choices:
            raise ValueError(f"expand: {name}={value!r}; allowed: {', '.join(choices)}")

    allowed("originals", originals, get_args(Originals))
    allowed("format", format, OUTPUT_FORMATS)
    allowed("on_error", on_error, get_args(OnError))
    if times < 1:
        raise ValueError(f"expand: times={times}; allowed: 1 or more")
    if not 1 <= quality <= 100:
        raise ValueError(f"expand: quality={quality}; allowed: 1 to 100")
    if workers is not None and workers < 1:
        raise ValueError(f"expand: workers={workers}; allowed: 1 or more")


def _check_folders(root: Path, out: Path) -> None:
    if not root.is_dir():
        raise ExpandError(f"{root}: not a folder")
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


class _Run:
    """One run on one output folder; its methods are called by one thread."""

    def __init__(
        self,
        order: Order,
        folder: Listing,
        coco: CocoFile | None,
        manifest: Manifest,
        workers: int,
        on_error: OnError,
    ) -> None:
        self._order = order
        self._folder = folder
        self._manifest = manifest
        self._workers = workers
        self._on_error = on_error
        self._annotated = _annotated(folder, coco)
        self._per_source = order.times + (order.originals != "none")
        self._skipped = list(folder.problems)
        self._made = self._kept = self._removed = 0
        self._committed = time.monotonic()
        self._notes = [f"{printable(name)} is the output folder and was left out" for name in folder.left_out]
        if folder.others:
            kinds = ", ".join(sorted({Path(name).suffix.lower() for name in folder.others}))
            more = f" and {len(folder.others) - 1:,} more" if len(folder.others) > 1 else ""
            self._notes.append(f"left out, being of other kinds ({kinds}): {printable(folder.others[0])}{more}")
        if coco is not None:
            self._notes += unmatched_note(coco, self._annotated.keys(), folder)

    @property
    def total(self) -> int:
        """How many output files there will be."""
        return len(self._folder.items) * self._per_source

    def carry_out(self, settings: Mapping[str, str], shown: Progress) -> Report:
        """Do all that is to be done."""
        finished = False
        try:
            self._begin(settings)
            self._refuse_skipped()
            self._work(shown)
            self._finish()
            finished = True
        finally:
            try:
                self._manifest.close(keep=True)
            except sqlite3.Error:
                if finished:
                    raise
        return Report(
            len(self._folder.items),
            self._made,
            self._kept,
            self._removed,
            tuple(sorted(self._skipped, key=lambda problem: problem.name)),
            tuple(self._notes),
        )

    def _begin(self, settings: Mapping[str, str]) -> None:
        manifest, order = self._manifest, self._order
        before = manifest.settings()
        names = manifest.source_paths()
        if names and before.get("source") != settings["source"]:
            present = {item.name for item in self._folder.items}
            if present.isdisjoint(names):
                raise ExpandError(
                    f"{order.out} is the expansion of {before.get('source')}; choose another output folder"
                )
        described = order.out / ANNOTATIONS_NAME
        if "categories" in settings and "categories" not in before and described.exists():
            raise ExpandError(f"{described} is in the way: covary did not make it, and leaves it alone")
        if "categories" in before and "categories" not in settings:
            described.unlink(missing_ok=True)
        manifest.set_settings(dict(settings))
        manifest.add_recipe(order.recipe)
        self._removed += drop_vanished(order, manifest, self._folder)
        manifest.commit()

    def _finish(self) -> None:
        order = self._order
        self._manifest.drop_unused_recipes(order.recipe.hash)
        self._manifest.commit()
        text = annotations_text(self._manifest)
        if text is not None:
            place(write_temporary(order.temporary, text.encode()), order.out / ANNOTATIONS_NAME)

    def _work(self, shown: Progress) -> None:
        running: set[Future[Result]] = set()
        pool = ThreadPoolExecutor(self._workers, thread_name_prefix="covary-expand")
        items = self._folder.items
        try:
            for start in range(0, len(items), PLANNED_AT_ONCE):
                tasks = []
                for item in items[start : start + PLANNED_AT_ONCE]:
                    finding = survey(self._order, self._manifest, item.name, self._annotated.get(item.name))
                    self._kept += finding.kept
                    self._removed += finding.removed
                    if finding.blocked is not None:
                        self._skipped.append(finding.blocked)
                    if finding.task is not None:
                        tasks.append(finding.task)
                        self._manifest.set_pending(item.name, finding.unrecorded)
                    else:
                        shown.spared(self._per_source)
                self._refuse_skipped()
                if tasks:
                    self._manifest.commit()  # before any of these files is made
                for task in tasks:
                    while len(running) >= 2 * self._workers:
                        running = self._collect(running, shown)
                    running.add(pool.submit(do_task, self._order, task))
            while running:
                running = self._collect(running, shown)
        except BaseException:
            pool.shutdown(wait=True, cancel_futures=True)
            for future in running:
                if future.done() and not future.cancelled() and future.exception() is None:
                    self._record(future.result(), shown)
            raise
        finally:
            pool.shutdown(wait=True)

    def _collect(self, running: set[Future[Result]], shown: Progress) -> set[Future[Result]]:
        done, rest = wait(running, return_when=FIRST_COMPLETED)
        failure: BaseException | None = None
        for future in done:
            error = future.exception()
            if error is None:
                self._record(future.result(), shown)
            else:
                failure = error
        if failure is not None:
            raise failure
        self._refuse_skipped()
        if time.monotonic() - self._committed > COMMIT_INTERVAL:
            self._manifest.commit()
            self._committed = time.monotonic()
        return rest

    def _record(self, result: Result, shown: Progress) -> None:
        manifest, source = self._manifest, result.source
        made = {row.path for row in result.outputs}
        if result.fresh:
            old = [row.path for row in manifest.outputs_of(source.path) if row.path not in made]
            drop_outputs(self._order.out, manifest, old)
            self._removed += len(old)
        if not result.unreadable:
            # What an earlier run left half done, and this one could not do again.
            drop_outputs(self._order.out, manifest, set(manifest.pending(source.path)) - made)
            manifest.clear_pending(source.path)
        for row in result.outputs:
            manifest.put_output(row)
        manifest.put_source(source, result.check)
        if source.status == "ok":
            self._made += len(made)
            self._kept += self._per_source - len(made)
            shown.made(len(made))
            shown.spared(self._per_source - len(made))
        else:
            shown.spared(self._per_source)
            self._skipped.append(Problem(source.path, source.reason or ""))

    def _refuse_skipped(self) -> None:
        if self._skipped and self._on_error == "raise":
            problem = self._skipped[0]
            raise ExpandError(f"{printable(problem.name)}: {problem.reason}")


def _annotated(folder: Listing, coco: CocoFile | None) -> dict[str, Annotated]:
    """What the annotation file says of each source; a picture that it does not know has no objects."""
    if coco is None:
        return {}
    found = coco.find(item.name for item in folder.items)
    annotated = {}
    for item in folder.items:
        entry, annotations = coco.pictures[found[item.name]] if item.name in found else ({}, ())
        size = (entry["height"], entry["width"]) if {"height", "width"} <= entry.keys() else None
        annotated[item.name] = Annotated(canonical(list(annotations)), size)
    return annotated
