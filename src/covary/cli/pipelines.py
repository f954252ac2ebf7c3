"""Commands about one pipeline: what it shows, how fast it is, what it was elsewhere."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from covary.cli.messages import clear_errors, list_problems, say
from covary.cli.options import Annotations, PipelineFile, Source


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

    with clear_errors():
        print(measure(source, pipeline, workers=workers or None, batch_size=batch_size, seconds=seconds))


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

    with clear_errors():
        made = convert_albumentations(file, missing="skip" if skip else "raise", size=_sides(size))
        text = made.pipeline.to_yaml(out)
    for left_out in made.missing:
        say(f"left out: {left_out}")
    for other in made.differences:
        say(f"in another way: {other}")
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

    with clear_errors():
        shown = run(source, pipeline, out, count=count, times=times, annotations=annotations, seed=seed)
    list_problems(shown.skipped, "skipped")
    if shown.path is not None:
        print(shown.path)
    if shown.skipped:
        raise typer.Exit(1)
