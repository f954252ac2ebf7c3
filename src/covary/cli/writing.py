"""Commands that write data sets: expand, merge, verify, pack."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from covary.cli.messages import clear_errors, finish, list_problems, say
from covary.cli.options import (
    Annotations,
    Decode,
    Engine,
    ExpandFormat,
    Kind,
    OnError,
    Originals,
    OutputFormat,
    PipelineFile,
    Quality,
    Source,
    Split,
    Workers,
)


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
    quality: Quality = 95,
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
    kind: Kind = None,
    on_error: Annotated[OnError, typer.Option(help="What to do about a picture that cannot be used.")] = OnError.skip,
) -> None:
    """Write variations of a data set's pictures, sounds or texts, labels included, with a manifest.

    A folder of classes, COCO, YOLO, Pascal VOC, masks, tables and shards come out in kind; so do tables and files of
    texts. Of the parts train, val and test the first alone is expanded.
    Run it again to go on after an interruption, or to bring OUT up to date: only what is missing or changed is made.
    """
    from covary.expand import expand as run

    with clear_errors():
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
        say(note)
    list_problems(report.fewer, "fewer")
    list_problems(report.skipped, "skipped")
    finish(out, report)


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


def merge(
    out: Annotated[Path, typer.Argument(metavar="OUT", help="Folder that runs with `expand --shard` wrote.")],
) -> None:
    """Make one expansion of its shares, if the last one could not.

    OUT is then as a single run on one machine would have made it.
    """
    from covary.expand import merge as run

    with clear_errors():
        merged = run(out)
    list_problems(merged.skipped, "skipped")
    finish(out, merged)


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

    with clear_errors():
        found = run(out, source, workers=workers, progress=None)
    for note in found.notes:
        say(note)
    list_problems([Problem(name, "is missing") for name in found.missing], "missing")
    list_problems([Problem(name, "has been altered") for name in found.altered], "altered")
    list_problems(found.differing, "not derivable")
    list_problems([Problem(name, "is not in the manifest") for name in found.extra], "extra")
    finish(out, found)


def pack(
    source: Annotated[Path, typer.Argument(metavar="SRC", help="The data set: a folder, a file or shards.")],
    out: Annotated[Path, typer.Argument(metavar="OUT", help="Folder to write to.")],
    side: Annotated[int, typer.Option(min=0, help="Most pixels of the shorter side; 0 leaves all sizes.")] = 512,
    shard_size: Annotated[str, typer.Option(help="Most bytes of a shard, such as 500MB.")] = "256MB",
    per_shard: Annotated[
        int | None, typer.Option(min=1, help="Most samples of a shard. [default: any]", show_default=False)
    ] = None,
    format: Annotated[OutputFormat, typer.Option(help="Of the pictures.")] = OutputFormat.same,
    quality: Quality = 95,
    shuffle: Annotated[bool, typer.Option(help="Mix the samples, or keep their order.")] = True,
    split: Split = None,
    workers: Workers = None,
    on_error: Annotated[OnError, typer.Option(help="What to do about a sample that cannot be used.")] = OnError.skip,
) -> None:
    """Shrink a data set once, and write it as WebDataset shards.

    Labels are scaled along, splits keep shards of their own. Run it again to go on after an interruption.
    """
    from covary.pack import pack as run

    with clear_errors():
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
    list_problems(report.skipped, "skipped")
    finish(out, report)
