"""Labels of parts of a text: spans and answers, in the forms in which users have them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

Place = tuple[int, int, object]

_SPAN_KEYS = (("start", "end"), ("start_offset", "end_offset"), ("start_char", "end_char"))


def read_spans(value: Any, field: str, text: str) -> list[Place]:
    """The (start, end, label) of each span.

    Args:
        value: a sequence of spans: (start, end), (start, end, label) or more; or mappings with `start` and `end` (also
            start_offset and end_offset, start_char and end_char) and, if they have one, `label` or `entity`.
        field: its name, for messages.
        text: what the offsets count, in characters.

    Raises:
        ValueError, TypeError: a span has another form, or does not lie in the text.
    """
    if isinstance(value, (str, Mapping)) or not isinstance(value, Sequence):
        raise TypeError(f"{field} is a {type(value).__name__}; a list of (start, end, label) is needed")
    return [_read(span, f"{field}[{index}]", len(text)) for index, span in enumerate(value)]


def _read(span: Any, field: str, length: int) -> Place:
    label: object = None
    if isinstance(span, Mapping):
        keys = _keys(span, field)
        start, end = (span[key] for key in keys)
        label = span.get("label", span.get("entity"))
    elif isinstance(span, Sequence) and not isinstance(span, str) and len(span) >= 2:
        start, end = span[0], span[1]
        label = span[2] if len(span) > 2 else None
    else:
        raise TypeError(f"{field} is {span!r}; a span is (start, end, label) or a mapping with start, end and label")
    try:
        start, end = start.__index__(), end.__index__()
    except AttributeError:
        raise TypeError(f"{field} is {span!r}; start and end are whole numbers") from None
    if not 0 <= start <= end <= length:
        raise ValueError(f"{field} is {start} to {end}; the text has {length} characters")
    return start, end, label


def _keys(span: Mapping[str, Any], field: str) -> tuple[str, str]:
    for keys in _SPAN_KEYS:
        if keys[0] in span and keys[1] in span:
            return keys
    raise ValueError(f"{field} has the entries {', '.join(map(str, span))}; it needs start and end")


def write_span(like: Any, start: int, end: int, text: str) -> Any:
    """A span in the form of the one that it was; its `text` entry, if it has one, says what it covers now."""
    if isinstance(like, Mapping):
        keys = _keys(like, "span")
        moved = {**like, keys[0]: start, keys[1]: end}
        for name in ("text", "word"):
            if isinstance(like.get(name), str):
                moved[name] = text[start:end]
        return moved
    rest = like[2:]
    return (start, end, *rest) if isinstance(like, tuple) else [start, end, *rest]


def read_answer(value: Any, field: str, text: str) -> list[Place]:
    """The places of an answer: (start, end), or SQuAD's {"text": [...], "answer_start": [...]}.

    Raises:
        ValueError, TypeError: another form, or an answer that does not stand where it is said to.
    """
    if isinstance(value, Mapping) and "answer_start" in value and "text" in value:
        texts, starts = value["text"], value["answer_start"]
        if isinstance(texts, str):
            texts, starts = [texts], [starts]
        places: list[Place] = []
        for index, (answer, start) in enumerate(zip(texts, starts, strict=True)):
            found = text[start : start + len(answer)]
            if found != answer:
                raise ValueError(f"{field}: the text at {start} is {found!r}, answer {index} is {answer!r}")
            places.append((int(start), int(start) + len(answer), None))
        return places
    return read_spans([value], field, text)


def write_answer(like: Any, places: Sequence[tuple[int, int] | None], text: str) -> Any:
    """An answer in the form of the one that it was; None, or empty lists, where it went with its words."""
    if isinstance(like, Mapping) and "answer_start" in like:
        left = [place for place in places if place is not None]
        if isinstance(like["text"], str):
            start, end = left[0] if left else (-1, -1)
            return {**like, "text": text[start:end] if left else "", "answer_start": start}
        return {
            **like,
            "text": [text[start:end] for start, end in left],
            "answer_start": [start for start, _ in left],
        }
    return None if places[0] is None else write_span(like, *places[0], text)
