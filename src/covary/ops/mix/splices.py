"""A text made of parts of two texts, and the marks that go with the parts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal, NamedTuple, TypeAlias

from covary.ops.mix.batch import Batch, Made
from covary.targets.spans import Place, read_answer, read_spans, write_answer, write_span
from covary.targets.tokens import read_tokens

Ranges: TypeAlias = Sequence[tuple[int, int]]
Unit: TypeAlias = Literal["words", "characters"]
UNITS: tuple[Unit, ...] = ("words", "characters")

SPAN_FIELDS = ("spans", "sentences", "protected")
FIELDS = (*SPAN_FIELDS, "answer", "tokens", "tags", "tree")

# Full-width stops and closing brackets.
_NO_SPACE_BEHIND = "\u3002\uff01\uff1f\u300d\u300f"


class Part(NamedTuple):
    """A part of the new text.

    Attributes:
        source: whose text it is from: 0 for the sample's own, 1 for the partner's; None for what stands between.
        start, end: where it was there.
        text: the characters.
    """

    source: int | None
    start: int
    end: int
    text: str


def part(texts: tuple[str, str], source: int, start: int, end: int) -> Part:
    """texts[source][start:end]."""
    return Part(source, start, end, texts[source][start:end])


def between(text: str) -> Part:
    """What stands between two parts."""
    return Part(None, 0, 0, text)


def put_spliced(batch: Batch, made: Made, row: int, partner: int, parts: Sequence[Part]) -> None:
    """Put the joined parts in the place of a sample's text, with what is marked in them.

    A span, token or answer goes with the part that holds all of it; others are gone. Answers are the sample's own.

    Raises:
        TypeError, ValueError: a field is not what a pipeline takes, or one of the two samples has tokens alone.
    """
    fields = [{name: batch.fields[name][each] for name in FIELDS if batch.has(name)} for each in (row, partner)]
    texts = (batch.fields["text"][row], batch.fields["text"][partner])
    joined = "".join(each.text for each in parts)
    for name, value in {"text": joined, **_marks((fields[0], fields[1]), texts, parts, joined)}.items():
        if name not in made.extra:
            made.extra[name] = list(batch.fields[name])
        made.extra[name][row] = value


def _marks(
    fields: tuple[Mapping[str, Any], Mapping[str, Any]], texts: tuple[str, str], parts: Sequence[Part], joined: str
) -> dict[str, Any]:
    """The fields of the new text that mark parts of it."""
    own = fields[0]
    marks: dict[str, Any] = {}
    for name in SPAN_FIELDS:
        if any(each.get(name) is not None for each in fields):
            spans = [
                (place, like)
                for source, each in enumerate(fields)
                for like, span in _read(each, name, texts[source])
                if (place := _place(parts, source, *span[:2])) is not None
            ]
            spans.sort(key=lambda found: found[0])
            written = [write_span(like, *place, joined) for place, like in spans]
            marks[name] = tuple(written) if isinstance(own.get(name), tuple) else written
    if own.get("answer") is not None:
        answers = read_answer(own["answer"], "answer", texts[0])
        places = [_place(parts, 0, start, end) for start, end, _ in answers]
        marks["answer"] = write_answer(own["answer"], places, joined)
    if any(each.get("tokens") is not None for each in fields):
        tokens, tags = _tokens(fields, texts, parts)
        marks["tokens"] = tokens
        if own.get("tags") is not None:
            marks["tags"] = tags
    if own.get("tree") is not None:
        marks["tree"] = None
    return marks


def _read(fields: Mapping[str, Any], name: str, text: str) -> Iterable[tuple[Any, Place]]:
    """The spans of a field, each with the place that it has."""
    spans = fields.get(name) or ()
    return zip(spans, read_spans(spans, name, text), strict=True)


def _place(parts: Sequence[Part], source: int, start: int, end: int) -> tuple[int, int] | None:
    """Where text[start:end] of a source is now; None where no part holds all of it."""
    at = 0
    for each in parts:
        if each.source == source and each.start <= start <= end <= each.end:
            return at + start - each.start, at + end - each.start
        at += len(each.text)
    return None


def _tokens(
    fields: tuple[Mapping[str, Any], Mapping[str, Any]], texts: tuple[str, str], parts: Sequence[Part]
) -> tuple[list[Any], list[str]]:
    """Tokens and tags of the new text; an entity that a cut parts begins anew."""
    if any(each.get("tokens") is None for each in fields) or len({each.get("tags") is None for each in fields}) > 1:
        raise ValueError("of two texts that are mixed one has tokens or tags and the other has none")
    read = [read_tokens(each["tokens"], each.get("tags"), text) for each, text in zip(fields, texts, strict=True)]
    tokens: list[Any] = []
    tags: list[str] = []
    at = 0
    for each in parts:
        if each.source is not None:
            given = fields[each.source]
            names = given["tags"] if given.get("tags") is not None else ["O"] * len(given["tokens"])
            found = zip(given["tokens"], names, read[each.source].places, strict=True)
            first = True
            for token, tag, (start, end) in found:
                if each.start <= start and end <= each.end:
                    moved = (at + start - each.start, at + end - each.start)
                    tokens.append(token if isinstance(token, str) else type(token)(moved))
                    tags.append(f"B-{tag[2:]}" if first and tag.startswith("I-") else tag)
                    first = False
        at += len(each.text)
    return tokens, tags


def sizes(text: str, ranges: Ranges, unit: Unit) -> list[int]:
    """How many words or characters each part of a text has; at least 1."""
    if unit == "characters":
        return [end - start for start, end in ranges]
    from covary.ops.text.segment import words

    return [max(1, len(words(text[start:end]))) for start, end in ranges]


def gap(texts: tuple[str, str], sentences: tuple[Ranges, Ranges], boundary: int) -> str:
    """What stands between sentences about a boundary of the sample's own, as it has it there, or else its partner."""
    own = sentences[0]
    if len(own) > 1:
        behind = min(max(boundary, 1), len(own) - 1)
        return texts[0][own[behind - 1][1] : own[behind][0]]
    if len(sentences[1]) > 1:
        return texts[1][sentences[1][0][1] : sentences[1][1][0]]
    return "" if texts[0][own[0][1] - 1] in _NO_SPACE_BEHIND else " "
