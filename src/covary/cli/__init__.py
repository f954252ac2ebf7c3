"""The command line: one thin command per capability."""

from __future__ import annotations

import os
from typing import Annotated

import typer

from covary import __version__
from covary.cli.evidence import check, prove, search
from covary.cli.pipelines import bench, convert, show
from covary.cli.writing import expand, merge, pack, verify

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


def _version(wanted: bool) -> None:
    if wanted:
        print(f"covary {__version__}")
        raise typer.Exit


@app.callback()
def covary(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Vary the data; the labels covary."""


# In the order in which `covary --help` names them.
for _command in (expand, merge, verify, prove, bench, pack, search, convert, show, check):
    app.command()(_command)


def main() -> None:
    """Entry of the `covary` command."""
    app()
