"""Commands that say what helps and what harms: prove, search, check."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from covary.cli.messages import clear_errors, say, told_now_and_then
from covary.cli.options import Kind, PipelineFile, Source, Split, Workers


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
    kind: Kind = None,
) -> None:
    """Find out whether a pipeline helps: by how much, how sure, and which classes it harms.

    Models are trained in pairs, with and without it; OUT/index.html says what came of it.
    Run it again to go on after an interruption, or with more minutes.
    """
    from covary.prove import prove as run

    with clear_errors():
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

    with clear_errors():
        found = run(source, minutes=minutes, out=out, limit=limit, seed=seed, progress=told_now_and_then())
    for note in found.notes:
        say(note)
    if found.left_out:
        say(f"left out as unsafe for these labels: {', '.join(found.left_out)}")
    print(found.verdict)
    print(out / "pipeline.yaml")


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
    split: Split = None,
    seed: Annotated[int, typer.Option(min=0, help="Of the probe's folds and features.")] = 0,
    workers: Workers = None,
    kind: Kind = None,
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
    with clear_errors():
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
