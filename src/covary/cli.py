"""The command line: one thin command per capability."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from covary import __version__

if TYPE_CHECKING:
    from covary.data.folder import Problem

# Decoders would print a line of their own for each bad file, beside ours.
os.environ.setdefault("OPENCV_LOG_LEVEL", "SILENT")

app = typer.Typer(
    name="covary",
    help="Vary the data; the labels covary.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

SHOWN_PROBLEMS = 20


class Originals(StrEnum):
    """What becomes of the originals."""

    none = "none"
    link = "link"
    copy = "copy"


class OutputFormat(StrEnum):
    """In which format variations are written."""

    same = "same"
    png = "png"
    jpeg = "jpeg"
    webp = "webp"


class ExpandFormat(StrEnum):
    """In which format an expansion is written: pictures, or shards of them."""

    same = "same"
    png = "png"
    jpeg = "jpeg"
    webp = "webp"
    webdataset = "webdataset"
    parquet = "parquet"


class Engine(StrEnum):
    """What carries out an expansion."""

    local = "local"
    ray = "ray"


class Decode(StrEnum):
    """How much of a JPEG is decoded."""

    full = "full"
    scaled = "scaled"


class OnError(StrEnum):
    """What a picture that cannot be used does."""

    skip = "skip"
    stop = "raise"


Source = Annotated[Path, typer.Argument(metavar="SRC", help="Data set: a folder, or the file that describes it.")]
PipelineFile = Annotated[Path, typer.Option("--pipeline", "-p", help="YAML file of the pipeline.")]
Annotations = Annotated[Path | None, typer.Option(help="COCO file with boxes, regions and keypoints of the pictures.")]
Workers = Annotated[int | None, typer.Option(min=1, help="Threads. [default: every core]", show_default=False)]


def _version(wanted: bool) -> None:
    if wanted:
        print(f"covary {__version__}")
        raise typer.Exit


Version = Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")]


@app.callback()
def covary(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Vary the data; the labels covary."""


def _per_class(given: list[str]) -> int | dict[str, int]:
    """`--times 8 --times cats=20` as a number, or as a mapping in which "*" stands for all other classes."""
    numbers: dict[str, int] = {}
    for text in given:
        name, equals, number = text.rpartition("=")
        name = name if equals else "*"
        least = 0 if equals else 1
        if not number.isdecimal() or int(number) < least:
            raise typer.BadParameter(f"{text!r} is no number from {least} on, nor CLASS=NUMBER", param_hint="--times")
        if name in numbers:
            raise typer.BadParameter(f"{text!r} says again what was said before", param_hint="--times")
        numbers[name] = int(number)
    return numbers["*"] if set(numbers) == {"*"} else numbers


def _fields(given: list[str]) -> dict[str, str] | None:
    """`--field spans=entities` as a mapping; None where nothing was said."""
    fields: dict[str, str] = {}
    for entry in given:
        field, equals, column = entry.partition("=")
        if not equals or field in fields:
            raise typer.BadParameter(f"{entry!r} is no FIELD=COLUMN, or says a field again", param_hint="--field")
        fields[field] = column
    return fields or None


@app.command()
def expand(
    source: Source,
    out: Annotated[Path, typer.Argument(metavar="OUT", help="Folder to write to.")],
    pipeline: PipelineFile,
    times: Annotated[
        list[str],
        typer.Option("--times", "-n", metavar="N|CLASS=N", help="Variations of each sample; for one class: cats=20."),
    ] = ["8"],  # noqa: B006
    balance: Annotated[
        bool, typer.Option("--balance", help="More variations of rare classes: as many of each.")
    ] = False,
    split: Annotated[str | None, typer.Option(help="Part of the data to expand. [default: train]")] = None,
    any_split: Annotated[bool, typer.Option("--any-split", help="Expand held-out parts (val, test), too.")] = False,
    originals: Annotated[Originals, typer.Option(help="Put the originals beside their variations.")] = Originals.none,
    format: Annotated[ExpandFormat, typer.Option(help="Of the variations; the last two: shards.")] = ExpandFormat.same,
    quality: Annotated[int, typer.Option(min=1, max=100, help="For JPEG, and for WebP (100: lossless).")] = 95,
    decode: Annotated[
        Decode, typer.Option(help="JPEGs in full, or scaled as far as a variation allows, as the Loader does.")
    ] = Decode.full,
    workers: Workers = None,
    engine: Annotated[Engine, typer.Option(help="Threads of this machine, or tasks on a Ray cluster.")] = Engine.local,
    shard: Annotated[
        str | None,
        typer.Option(metavar="I/N", help="Do share I of N, from 0/N on; other runs do the rest. The last one merges."),
    ] = None,
    annotations: Annotations = None,
    text: Annotated[
        list[str] | None,
        typer.Option(metavar="COLUMN", help="Column of texts in a table; again for each. [default: look]"),
    ] = None,
    field: Annotated[
        list[str] | None,
        typer.Option(
            metavar="FIELD=COLUMN", help="What is marked in the texts: spans=entities, context.answer=answers."
        ),
    ] = None,
    kind: Annotated[
        str | None, typer.Option(help="Of the data set: folder, coco, yolo, voc ... [default: look]")
    ] = None,
    on_error: Annotated[OnError, typer.Option(help="What to do about a picture that cannot be used.")] = OnError.skip,
) -> None:
    """Write variations of a data set's pictures, sounds or texts, labels included, with a manifest.

    A folder of classes, COCO, YOLO, Pascal VOC, masks, tables and shards come out in kind; so do tables and files of
    texts. Of the parts train, val and test the first alone is expanded.
    Run it again to go on after an interruption, or to bring OUT up to date: only what is missing or changed is made.
    """
    from covary.expand import expand as run

    with _clear_errors():
        report = run(
            source,
            out,
            pipeline,
            times=_per_class(times),
            balance=balance,
            split=split,
            any_split=any_split,
            originals=originals.value,
            format=format.value,
            quality=quality,
            decode=decode.value,
            workers=workers,
            engine=engine.value,
            shard=shard,
            annotations=annotations,
            text=text or None,
            fields=_fields(field or []),
            kind=kind,  # type: ignore[arg-type]
            on_error=on_error.value,
            progress=None,
        )
    for note in report.notes:
        _say(note)
    _list(report.fewer, "fewer")
    _list(report.skipped, "skipped")
    print(f"{out}: {report}")
    if not report.ok:
        raise typer.Exit(1)


@app.command()
def merge(
    out: Annotated[Path, typer.Argument(metavar="OUT", help="Folder that runs with `expand --shard` wrote.")],
) -> None:
    """Make one expansion of its shares, if the last one could not.

    OUT is then as a single run on one machine would have made it.
    """
    from covary.expand import merge as run

    with _clear_errors():
        merged = run(out)
    _list(merged.skipped, "skipped")
    print(f"{out}: {merged}")
    if not merged.ok:
        raise typer.Exit(1)


@app.command()
def verify(
    out: Annotated[Path, typer.Argument(metavar="OUT", help="Folder that `covary expand` wrote.")],
    source: Annotated[Path | None, typer.Option(help="Where the sources are now. [default: where they were]")] = None,
    workers: Workers = None,
) -> None:
    """Check an expansion bit for bit.

    Every picture in OUT is made again from its source and compared; nothing is written.
    """
    from covary.data.folder import Problem
    from covary.expand import verify as run

    with _clear_errors():
        found = run(out, source, workers=workers, progress=None)
    for note in found.notes:
        _say(note)
    _list([Problem(name, "is missing") for name in found.missing], "missing")
    _list([Problem(name, "has been altered") for name in found.altered], "altered")
    _list(found.differing, "not derivable")
    _list([Problem(name, "is not in the manifest") for name in found.extra], "extra")
    print(f"{out}: {found}")
    if not found.ok:
        raise typer.Exit(1)


@app.command()
def prove(
    source: Source,
    pipeline: PipelineFile,
    minutes: Annotated[float, typer.Option("--minutes", "-m", min=0.01, help="That it may take, about.")] = 30,
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder for the report and all runs.")] = Path("report"),
    seed: Annotated[int, typer.Option(min=0, help="Of splits, initialisations and orders.")] = 0,
    runs: Annotated[int, typer.Option(min=1, help="Paired runs at most.")] = 20,
    limit: Annotated[
        int | None, typer.Option(min=1, help="Samples at most. [default: all]", show_default=False)
    ] = None,
    corruptions: Annotated[bool, typer.Option(help="Score the first runs under corruptions, too.")] = True,
    kind: Annotated[
        str | None, typer.Option(help="Of the data set: folder, coco, yolo, voc ... [default: look]")
    ] = None,
) -> None:
    """Find out whether a pipeline helps: by how much, how sure, and which classes it harms.

    Models are trained in pairs, with and without it; OUT/index.html says what came of it.
    Run it again to go on after an interruption, or with more minutes.
    """
    from covary.prove import prove as run

    with _clear_errors():
        options: dict[str, Any] = {} if kind is None else {"format": kind}
        report = run(
            source,
            pipeline,
            minutes=minutes,
            out=out,
            seed=seed,
            runs=runs,
            limit=limit,
            corruptions=corruptions,
            **options,
        )
    print(report)
    print(out / "index.html")


@app.command()
def bench(
    source: Annotated[
        Path | None, typer.Argument(metavar="[SRC]", help="Data set. [default: pictures that are made up]")
    ] = None,
    pipeline: Annotated[
        Path | None, typer.Option("--pipeline", "-p", help="YAML file of the pipeline. [default: the preset photos]")
    ] = None,
    workers: Annotated[
        list[int] | None, typer.Option(min=0, help="Workers to try; may be given again. [default: 0, 1, every core]")
    ] = None,
    batch_size: Annotated[int, typer.Option(min=1, help="Samples in a batch.")] = 64,
    seconds: Annotated[float, typer.Option(min=0.1, help="How long each number of workers is tried.")] = 2.0,
) -> None:
    """Measure how fast a pipeline is on this machine, and where its time goes.

    Two tables: samples a second out of the Loader by the number of workers, and what each operation adds.
    """
    from covary.speed import measure

    with _clear_errors():
        print(measure(source, pipeline, workers=workers or None, batch_size=batch_size, seconds=seconds))


@app.command()
def pack(
    source: Annotated[Path, typer.Argument(metavar="SRC", help="The data set: a folder, a file or shards.")],
    out: Annotated[Path, typer.Argument(metavar="OUT", help="Folder to write to.")],
    side: Annotated[int, typer.Option(min=0, help="Most pixels of the shorter side; 0 leaves all sizes.")] = 512,
    shard_size: Annotated[str, typer.Option(help="Most bytes of a shard, such as 500MB.")] = "256MB",
    per_shard: Annotated[
        int | None, typer.Option(min=1, help="Most samples of a shard. [default: any]", show_default=False)
    ] = None,
    format: Annotated[OutputFormat, typer.Option(help="Of the pictures.")] = OutputFormat.same,
    quality: Annotated[int, typer.Option(min=1, max=100, help="For JPEG, and for WebP (100: lossless).")] = 95,
    shuffle: Annotated[bool, typer.Option(help="Mix the samples, or keep their order.")] = True,
    split: Annotated[str | None, typer.Option(help="Only this part of the data, such as train.")] = None,
    workers: Workers = None,
    on_error: Annotated[OnError, typer.Option(help="What to do about a sample that cannot be used.")] = OnError.skip,
) -> None:
    """Shrink a data set once, and write it as WebDataset shards.

    Labels are scaled along, splits keep shards of their own. Run it again to go on after an interruption.
    """
    from covary.pack import pack as run

    with _clear_errors():
        report = run(
            source,
            out,
            side=side or None,
            shard_size=shard_size,
            per_shard=per_shard,
            format=format.value,
            quality=quality,
            shuffle=shuffle,
            split=split,
            workers=workers,
            on_error=on_error.value,
            progress=None,
        )
    _list(report.skipped, "skipped")
    print(f"{out}: {report}")
    if not report.ok:
        raise typer.Exit(1)


@app.command()
def search(
    source: Source,
    minutes: Annotated[float, typer.Option(help="Of time.")] = 15.0,
    out: Annotated[
        Path, typer.Option("--out", "-o", help="Folder for pipeline.yaml, search.json and all runs.")
    ] = Path("search"),
    limit: Annotated[
        int | None, typer.Option(min=1, help="Most samples to use. [default: all]", show_default=False)
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of splits, initialisations and draws.")] = 0,
) -> None:
    """Find a pipeline for a labelled data set, or say that none helps.

    Operations that endanger labels are left out, then candidates compete, and the best is measured on data that nothing
    was chosen by. Run it again to go on after an interruption.
    """
    from covary.prove.search import search as run

    with _clear_errors():
        found = run(source, minutes=minutes, out=out, limit=limit, seed=seed, progress=_told_now_and_then())
    for note in found.notes:
        _say(note)
    if found.left_out:
        _say(f"left out as unsafe for these labels: {', '.join(found.left_out)}")
    print(found.verdict)
    print(out / "pipeline.yaml")


@app.command()
def convert(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="JSON or YAML that Albumentations saved.")],
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", help="YAML file to write. [default: it is printed]", show_default=False),
    ] = None,
    skip: Annotated[bool, typer.Option("--skip", help="Leave out what has no equal, and name it.")] = False,
    size: Annotated[
        str | None,
        typer.Option(metavar="S|HxW", help="Of the pictures, where pixels there are shares of them here."),
    ] = None,
) -> None:
    """Make a pipeline of Albumentations a pipeline of covary.

    Operations, ranges and probabilities stay. What has no equal is named; what is made in another way is named, too.
    """
    from covary.interop.albumentations import convert_albumentations

    with _clear_errors():
        made = convert_albumentations(file, missing="skip" if skip else "raise", size=_sides(size))
        text = made.pipeline.to_yaml(out)
    for left_out in made.missing:
        _say(f"left out: {left_out}")
    for other in made.differences:
        _say(f"in another way: {other}")
    print(text.rstrip() if out is None else out)


def _sides(given: str | None) -> int | tuple[int, int] | None:
    """`--size 480x640` as (height, width), `--size 224` as one number."""
    if given is None:
        return None
    sides = given.lower().split("x")
    if len(sides) > 2 or not all(side.isdecimal() and int(side) for side in sides):
        raise typer.BadParameter(f"{given!r} is no number of pixels, nor HEIGHTxWIDTH", param_hint="--size")
    numbers = [int(side) for side in sides]
    return numbers[0] if len(numbers) == 1 else (numbers[0], numbers[1])


@app.command()
def show(
    source: Source,
    pipeline: PipelineFile,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            "-o",
            help="File to write: png, jpg or webp for pictures, html for sounds and texts. "
            "[default: sheet.png, sheet.html; texts are printed]",
            show_default=False,
        ),
    ] = None,
    count: Annotated[int, typer.Option(min=1, help="Originals, one a row.")] = 6,
    times: Annotated[int, typer.Option("--times", "-n", min=1, help="Variations of each.")] = 5,
    annotations: Annotations = None,
    seed: Annotated[int | None, typer.Option(min=0, help="In place of the pipeline's own.")] = None,
) -> None:
    """Show originals and variations side by side.

    Pictures become one sheet, with their boxes, masks and keypoints. Sounds become a page with waveform, spectrogram,
    events and a player. Texts are printed with edits and spans marked, or become a page.
    """
    from covary.show import show as run

    with _clear_errors():
        shown = run(source, pipeline, out, count=count, times=times, annotations=annotations, seed=seed)
    _list(shown.skipped, "skipped")
    if shown.path is not None:
        print(shown.path)
    if shown.skipped:
        raise typer.Exit(1)


@app.command()
def check(
    source: Annotated[Path, typer.Argument(metavar="SRC", help="Labelled data set: a folder, or the file of one.")],
    pipeline: PipelineFile,
    write: Annotated[
        Path | None, typer.Option(help="File for the mended pipeline: unsafe operations dropped or cut.")
    ] = None,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="Folder for a page and its figures (JSON).")] = None,
    purpose: Annotated[
        str | None, typer.Option(help="What the data are: xray, digits, documents, speech ... [default: ask the names]")
    ] = None,
    samples: Annotated[int, typer.Option(min=20, help="Most samples on which operations are measured.")] = 500,
    split: Annotated[str | None, typer.Option(help="Only this part of the data, such as train.")] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of the probe's folds and features.")] = 0,
    workers: Workers = None,
    kind: Annotated[
        str | None, typer.Option(help="Of the data set: folder, coco, yolo, voc ... [default: look]")
    ] = None,
) -> None:
    """Find the operations that destroy labels, and faults of the data.

    A small probe says what it takes varied samples for; rules say what is known of such classes and data. No model is
    trained. The exit status is 0 if no operation is unsafe, 2 if any is, 1 if the check could not be made.
    """
    from rich.console import Console

    from covary.prove.check import check as run
    from covary.prove.check_report import print_findings, write_report

    console = Console()
    options = {} if kind is None else {"kind": kind}
    with _clear_errors():
        with Console(stderr=True).status("reading") as status:
            findings = run(
                source,
                pipeline,
                purpose=purpose,
                samples=samples,
                seed=seed,
                split=split,
                threads=workers,
                progress=lambda name, done, all_: status.update(f"{done + 1} of {all_}: {name}"),
                **options,
            )
        print_findings(findings, console)
        if write is not None:
            findings.mended_yaml(write)
            print(write)
        if out is not None:
            print(write_report(findings, out))
    if not findings.ok:
        raise typer.Exit(2)


def _list(problems: list[Problem] | tuple[Problem, ...], what: str) -> None:
    from covary.expand.report import printable

    for problem in problems[:SHOWN_PROBLEMS]:
        _say(f"{what}: {printable(problem.name)}: {problem.reason}")
    if len(problems) > SHOWN_PROBLEMS:
        _say(f"{what}: and {len(problems) - SHOWN_PROBLEMS:,} more")


def _say(line: str) -> None:
    print(f"covary: {line}", file=sys.stderr)


def _told_now_and_then(seconds: float = 10.0) -> Callable[[str, int, int, float], None]:
    """Says how far a search is, on standard error and no more often than every so many seconds."""
    last = [time.monotonic()]

    def told(what: str, done: int, total: int, left: float) -> None:
        if time.monotonic() - last[0] >= seconds:
            last[0] = time.monotonic()
            _say(f"{what}; {done} of {total} runs, about {left / 60:.0f} min left")

    return told


@contextmanager
def _clear_errors() -> Iterator[None]:
    """An error that the user can do something about is one line, not a traceback."""
    from covary.expand import ExpandError

    try:
        yield
    except KeyboardInterrupt:
        _fail("interrupted; what was finished is kept, and the same command goes on from there", 130)
    except (ExpandError, ValueError, TypeError, ImportError) as error:
        _fail(str(error), 1)
    except OSError as error:
        _fail(f"{error.filename}: {error.strerror}" if error.filename else str(error), 1)


def _fail(line: str, status: int) -> NoReturn:
    _say(line)
    raise typer.Exit(status)


def main() -> None:
    """Entry of the `covary` command."""
    app()


if __name__ == "__main__":
    main()
