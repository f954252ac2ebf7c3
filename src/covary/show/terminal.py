"""Texts with marked edits in a terminal: in colours there, and in signs where there are none."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, TextIO

from covary.expand.report import printable
from covary.show.marks import Kind, Piece
from covary.show.texts import TextRow, TextVersion
from covary.show.visible import runs

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

STYLES: dict[Kind, str] = {
    "kept": "",
    "inserted": "bold green",
    "replacing": "bold cyan",
    "moved": "italic yellow",
    "deleted": "strike red",
}
# Where there is no colour: opened and closed by these, as wdiff does it.
SIGNS: dict[Kind, tuple[str, str]] = {
    "kept": ("", ""),
    "inserted": ("{+", "+}"),
    "replacing": ("{+", "+}"),
    "moved": ("{~", "~}"),
    "deleted": ("[-", "-]"),
}
INDENT = 15


def print_texts(title: str, about: str, rows: Sequence[TextRow], file: TextIO | None = None) -> None:
    """Print texts and their variations.

    A terminal gets colours. Anything else, and a terminal that wants none (NO_COLOR), gets signs: {+inserted+},
    [-deleted-], {~moved~}, ⟨span|label⟩.

    Args:
        title: of the whole.
        about: a line about it.
        rows: what to print.
        file: where to; standard output by default.
    """
    from rich.console import Console

    console = Console(file=file, highlight=False, markup=False, emoji=False)
    if console.is_terminal and not console.no_color:
        _in_colours(console, title, about, rows)
        return
    lines = [f"{title}   {about}", "{+inserted+} [-deleted-] {~moved~} ⟨span|label⟩"]
    for row in rows:
        lines += ["", _head(row)]
        for version in row.versions:
            lines.append(f"  {version.title:<{INDENT}}{_indented(in_signs(version.pieces))}")
            if version.drawn:
                lines.append(f"  {'':<{INDENT}}{_drawn(version)}")
    text = "\n".join(lines) + "\n"
    console.file.write(text.encode("utf-8", "backslashreplace").decode("utf-8"))


def in_signs(pieces: Sequence[Piece]) -> str:
    """Pieces with signs about those that edits and spans are about."""
    line = ""
    covered = 0
    for piece in pieces:
        opened, closed = SIGNS[piece.kind]
        edited = piece.kind != "kept"
        line += "⟨" * (len(piece.labels) - covered)
        line += opened + "".join(sign or _unreturned(run) for run, sign in runs(piece.text, edited)) + closed
        line += "".join(f"|{label}⟩" if label else "⟩" for label in map(printable, piece.ends))
        covered = len(piece.labels) - len(piece.ends)
    return line


def in_styles(pieces: Sequence[Piece]) -> Text:
    """Pieces in colours, spans underlined with their labels behind them."""
    from rich.text import Text

    line = Text()
    for piece in pieces:
        style = f"{STYLES[piece.kind]}{' underline' if piece.labels else ''}".strip()
        for run, sign in runs(piece.text, piece.kind != "kept"):
            line.append(sign or _unreturned(run), f"{style} reverse".strip() if sign else style)
            if sign == "↵":
                line.append("\n")
        for label in piece.ends:
            line.append(f"⟨{printable(label)}⟩" if label else "", "dim")
    return line


def _in_colours(console: Console, title: str, about: str, rows: Sequence[TextRow]) -> None:
    from rich.table import Table
    from rich.text import Text

    console.print(Text.assemble((title, "bold"), "   ", (about, "dim")))
    legend = [(kind if kind != "replacing" else "replacement", style) for kind, style in STYLES.items() if style]
    parts: list[tuple[str, str] | str] = []
    for kind, style in legend:
        parts += [(kind, style), "  "]
    console.print(Text.assemble(*parts, ("span", "underline"), ("⟨label⟩", "dim")))
    for row in rows:
        console.print()
        console.print(Text(_head(row), "bold"))
        table = Table.grid(padding=(0, 2, 0, 0))
        table.add_column(style="dim", no_wrap=True)
        table.add_column(overflow="fold")
        for version in row.versions:
            table.add_row(version.title, in_styles(version.pieces))
            if version.drawn:
                table.add_row("", Text(_drawn(version), "dim"))
        console.print(table)


def _head(row: TextRow) -> str:
    return printable(f"{row.name}   {row.label}".rstrip())


def _drawn(version: TextVersion) -> str:
    parts = [str(drawn) for drawn in version.drawn]
    if version.dropped:
        parts.append(f"dropped: {', '.join(version.dropped)}")
    return printable(" · ".join(parts))


def _unreturned(run: str) -> str:
    """Text that does not send a terminal back to the start of its line."""
    return run.replace("\r\n", "\n").replace("\r", "␍")


def _indented(text: str) -> str:
    return text.replace("\n", "\n" + " " * (INDENT + 2))
