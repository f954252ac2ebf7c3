"""A varied text in pieces: what was kept, deleted, written and moved, by its edits, and which spans cover each."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any, Literal, NamedTuple, TypeAlias

from covary.plan.edits import Edit, Edits
from covary.targets.spans import Place, read_answer, read_spans
from covary.targets.tokens import read_tokens

Kind: TypeAlias = Literal["kept", "inserted", "replacing", "moved", "deleted"]


class Piece(NamedTuple):
    """A run of characters with one history.

    Attributes:
        kind: "kept" from the original; "inserted" between its characters; "replacing" some of them; "moved" from
            elsewhere in it; or "deleted", which stands in the original only.
        text: the characters.
        labels: of the spans that cover it, the outermost first.
        ends: of those, the labels of the ones that end behind it.
    """

    kind: Kind
    text: str
    labels: tuple[str, ...] = ()
    ends: tuple[str, ...] = ()


def marked(original: str, edits: Edits, spans: Sequence[Place] = ()) -> list[Piece]:
    """The new text and what is gone, in reading order: all pieces but the deleted ones joined are the new text, and
    what is kept and deleted or moved was the original.

    Args:
        original: the text as it was.
        edits: that lead to the new one.
        spans: (start, end, label) in the new text.
    """
    ordered = sorted(spans, key=lambda span: (span[0], -span[1]))
    pieces: list[Piece] = []
    at = 0
    for kind, text in _runs(original, edits):
        if kind == "deleted":
            covering = tuple(_name(label) for start, end, label in ordered if start < at < end)
            pieces.append(Piece(kind, text, covering))
            continue
        for start, end in _parts(at, at + len(text), ordered):
            over = [span for span in ordered if span[0] <= start and end <= span[1]]
            labels = tuple(_name(span[2]) for span in over)
            ends = tuple(_name(span[2]) for span in reversed(over) if span[1] == end)
            pieces.append(Piece(kind, text[start - at : end - at], labels, ends))
        at += len(text)
    return pieces


def _runs(original: str, edits: Edits) -> Iterator[tuple[Kind, str]]:
    """Kinds and texts of the pieces, before spans part them further."""
    moved = [(copy.start, copy.end) for edit in edits for copy in edit.copies]
    last = 0
    for edit in edits:
        yield from _nonempty([("kept", original[last : edit.start])])
        yield from _nonempty(("deleted", original[start:end]) for start, end in _without(edit.start, edit.end, moved))
        yield from _nonempty(_written(edit))
        last = edit.end
    yield from _nonempty([("kept", original[last:])])


def _nonempty(runs: Iterable[tuple[Kind, str]]) -> Iterator[tuple[Kind, str]]:
    return ((kind, text) for kind, text in runs if text)


def _written(edit: Edit) -> Iterator[tuple[Kind, str]]:
    new: Kind = "replacing" if edit.end > edit.start else "inserted"
    last = 0
    for copy in sorted(edit.copies):
        end = copy.at + copy.end - copy.start
        yield new, edit.text[last : copy.at]
        yield "moved", edit.text[max(last, copy.at) : end]
        last = max(last, end)
    yield new, edit.text[last:]


def _without(start: int, end: int, moved: Sequence[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """The parts of start:end that were not moved elsewhere."""
    for low, high in sorted(moved):
        if start < end and low < end and high > start:
            yield start, low
            start = max(start, high)
    yield start, end


def _parts(start: int, end: int, spans: Sequence[Place]) -> Iterator[tuple[int, int]]:
    """start:end, parted where spans begin and end."""
    cuts = {start, end} | {place for span in spans for place in span[:2] if start < place < end}
    ordered = sorted(cuts)
    return pairwise(ordered)


def _name(label: object) -> str:
    return "" if label is None else str(label)


def places_of(fields: Mapping[str, Any], text: str) -> list[Place]:
    """All that is marked in a text: its `spans` and `sentences`, its `answer`, the entities of its `tags`.

    Raises:
        TypeError, ValueError: a field is not what a pipeline takes.
    """
    places: list[Place] = []
    for name, otherwise in (("spans", ""), ("sentences", "sentence")):
        if fields.get(name) is not None:
            found = read_spans(fields[name], name, text)
            places += [(start, end, otherwise if label is None else label) for start, end, label in found]
    if fields.get("answer") is not None:
        places += [(start, end, "answer") for start, end, _ in read_answer(fields["answer"], "answer", text)]
    if fields.get("tags") is not None and fields.get("tokens") is not None:
        places += read_tokens(fields["tokens"], fields["tags"], text).entities
    return [place for place in places if place[0] < place[1]]
