"""Texts with marked edits as a page: by colour, and by underline, strike-through and names for those who see none."""

from __future__ import annotations

from collections.abc import Sequence

from covary.show.drawn import Drawn
from covary.show.marks import Kind, Piece
from covary.show.page import escape, page
from covary.show.texts import TextRow, TextVersion
from covary.show.visible import runs

# What encloses a piece of each kind.
ELEMENTS: dict[Kind, tuple[str, str]] = {
    "kept": ("", ""),
    "inserted": ('<ins class="new">', "</ins>"),
    "replacing": ('<ins class="instead">', "</ins>"),
    "moved": ('<ins class="moved">', "</ins>"),
    "deleted": ("<del>", "</del>"),
}

STYLE = """
.text { white-space: pre-wrap; overflow-wrap: anywhere; margin: .2rem 0; line-height: 2; unicode-bidi: isolate; }
ins, del { border-radius: 3px; padding: .05em .1em; }
ins { text-decoration: underline; } ins.new { color: var(--new); background: var(--new-back); }
ins.instead { color: var(--instead); background: var(--instead-back); text-decoration-style: dashed; }
ins.moved { color: var(--moved); background: var(--moved-back); text-decoration-style: dotted; }
del { color: var(--gone); background: var(--gone-back); text-decoration: line-through; }
.new::before, .instead::before, .moved::before, del::before, ins::after, del::after { position: absolute;
  clip-path: inset(100%); width: 1px; height: 1px; overflow: hidden; white-space: nowrap; }
.new::before { content: " [inserted: "; } .instead::before { content: " [instead: "; }
.moved::before { content: " [moved here: "; } del::before { content: " [deleted: "; }
ins::after, del::after { content: "] "; }
.span { border-bottom: 2px solid var(--span); padding-bottom: .1em; }
.span[data-deep] { border-bottom-style: double; border-bottom-width: 4px; }
.span[data-ends]::after { content: attr(data-ends); color: var(--span); font-size: .68em; font-weight: 600;
  margin-left: .25em; vertical-align: super; line-height: 1; }
.sign::before { content: attr(data-sign); font-size: .75em; opacity: .85; }
.legend { font-size: .85rem; display: flex; gap: 1rem; flex-wrap: wrap; margin: .6rem 0; line-height: 2; }
"""

_LEGEND = (
    '<p class="legend"><ins class="new">inserted</ins> <del>deleted</del> <ins class="instead">replacement</ins> '
    '<ins class="moved">moved here</ins> <span class="span" data-ends="LABEL">span</span></p>'
)


def text_page(title: str, about: str, rows: Sequence[TextRow]) -> bytes:
    """The page, as UTF-8.

    Args:
        title: of the whole.
        about: a line about it.
        rows: what it shows.
    """
    return page(title, about, "\n".join([_LEGEND, *map(_section, rows)]), style=STYLE)


def _section(row: TextRow) -> str:
    versions = "\n".join(map(_version, row.versions))
    return f"<section>\n<h2>{escape(row.name)}</h2>\n{class_line(row.label)}{versions}\n</section>"


def class_line(label: str) -> str:
    """A line that names a sample's class, if it has one."""
    return f'<p class="about">{escape(label)}</p>\n' if label else ""


def _version(version: TextVersion) -> str:
    dropped = f'<p class="about">dropped: {escape(", ".join(version.dropped))}</p>' if version.dropped else ""
    return (
        f'<div class="version"><h3>{escape(version.title)}</h3>\n<p class="text" dir="auto">'
        f"{as_html(version.pieces)}</p>\n{drawn_list(version.drawn)}{dropped}</div>"
    )


def drawn_list(drawn: Sequence[Drawn]) -> str:
    """What each operation drew, as a list."""
    if not drawn:
        return ""
    items = "".join(
        f"<li><b>{escape(each.name)}</b> {escape(each.said)}</li>"
        if each.active
        else f'<li class="idle"><b>{escape(each.name)}</b> not applied</li>'
        for each in drawn
    )
    return f'<ul class="drawn">{items}</ul>'


def as_html(pieces: Sequence[Piece]) -> str:
    """Pieces as HTML whose characters are those of the text, the deleted ones with them."""
    return "".join(map(_piece, pieces))


def _piece(piece: Piece) -> str:
    opened, closed = ELEMENTS[piece.kind]
    inner = opened + "".join(_run(*run) for run in runs(piece.text, piece.kind != "kept")) + closed
    if not piece.labels:
        return inner
    deep = ' data-deep="1"' if len(piece.labels) > 1 else ""
    ends = f' data-ends="{escape(" ".join(piece.ends))}"' if any(piece.ends) else ""
    return f'<span class="span" title="{escape(" in ".join(reversed(piece.labels)))}"{deep}{ends}>{inner}</span>'


def _run(characters: str, sign: str) -> str:
    if not sign:
        return escape(characters)
    return f'<span class="sign" data-sign="{escape(sign)}">{escape(characters)}</span>'
