"""Token labels: tokens with BIO tags, which become entities on the way in and tokens and tags again on the way out."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise
from typing import Any, NamedTuple

from covary.plan.edits import Edits, move_span
from covary.targets.spans import Place

_RUN = re.compile(r"\S+")


class Tokens(NamedTuple):
    """Tokens of a text.

    Attributes:
        places: (start, end) of each.
        entities: (start, end, label) of each run of tags B-label, I-label ...
    """

    places: list[tuple[int, int]]
    entities: list[Place]


def read_tokens(tokens: Any, tags: Any, text: str) -> Tokens:
    """Find tokens in their text and entities in their tags.

    Args:
        tokens: strings that stand in the text in this order, or (start, end) pairs.
        tags: "O", "B-label" or "I-label" for each; None: all "O". An I that continues nothing begins an entity.
        text: the text.

    Raises:
        ValueError: a token is not in the text, tags and tokens differ in number, or a tag has another form.
    """
    places = _places(tokens, text)
    names = ["O"] * len(places) if tags is None else list(tags)
    if len(names) != len(places):
        raise ValueError(f"tags has {len(names)} entries, there are {len(places)} tokens; give one for each token")
    entities: list[Place] = []
    current = None
    for index, (tag, (start, end)) in enumerate(zip(names, places, strict=True)):
        kind, label = _parted(tag, index)
        if kind == "I" and current == label:
            entities[-1] = (entities[-1][0], end, label)
        elif kind != "O":
            entities.append((start, end, label))
        current = label
    return Tokens(places, entities)


def _parted(tag: Any, index: int) -> tuple[str, str | None]:
    if tag == "O":
        return "O", None
    if isinstance(tag, str) and tag[:2] in ("B-", "I-") and len(tag) > 2:
        return tag[0], tag[2:]
    raise ValueError(f"tags[{index}] is {tag!r}; allowed: 'O', 'B-label' and 'I-label'")


def _places(tokens: Any, text: str) -> list[tuple[int, int]]:
    places = []
    last = 0
    for index, token in enumerate(tokens):
        if isinstance(token, str):
            start = text.find(token, last)
            if start < 0 or not token:
                raise ValueError(f"tokens[{index}] is {token!r}, which is not in the text from {last} on")
            end = start + len(token)
        else:
            start, end = int(token[0]), int(token[1])
            if not last <= start < end <= len(text):
                raise ValueError(
                    f"tokens[{index}] is {start} to {end}; allowed: from {last} to {len(text)}, and not empty"
                )
        places.append((start, end))
        last = end
    return places


def write_tokens(
    like: Any, old: Sequence[tuple[int, int]], original: str, edits: Edits, text: str, entities: Sequence[Place]
) -> tuple[list[Any], list[str]]:
    """The tokens and tags of the new text.

    Tokens go with their words. What was written anew becomes tokens between white space; words that have been joined or
    parted become one token or several.

    Args:
        like: the tokens as they came in: strings, or pairs.
        old: their places in the original.
        original: the text as it came in.
        edits: of the original.
        text: the text now.
        entities: where they are now.
    """
    places = _new_places(old, original, edits, text, sorted(entities, key=lambda entity: entity[:2]))
    tags = []
    last = None
    for start, _ in places:
        entity = _entity_at(entities, start)
        tags.append("O" if entity is None else f"{'I' if entity is last else 'B'}-{entity[2]}")
        last = entity
    as_text = len(like) > 0 and isinstance(like[0], str)
    kind = type(like[0]) if len(like) > 0 else tuple
    written = [text[start:end] for start, end in places] if as_text else [kind(place) for place in places]
    return written, tags


class _Part(NamedTuple):
    start: int
    end: int
    joins_left: bool  # whether it may become one with a part that touches it
    joins_right: bool


def _new_places(
    old: Sequence[tuple[int, int]], original: str, edits: Edits, text: str, entities: Sequence[Place]
) -> list[tuple[int, int]]:
    parts = _parts(old, edits, text, {edge for start, end, _ in entities for edge in (start, end)})
    joined: list[_Part] = []
    for part in parts:
        before = joined[-1] if joined else None
        if (
            before is not None
            and before.end == part.start
            and before.joins_right
            and part.joins_left
            and text[part.start - 1].isalnum()
            and text[part.start].isalnum()
            and _entity_at(entities, before.start) is _entity_at(entities, part.start)
        ):
            joined[-1] = _Part(before.start, part.end, before.joins_left, part.joins_right)
        else:
            joined.append(part)
    if any(_has_blank(original[start:end]) for start, end in old):
        return [(part.start, part.end) for part in joined]
    return [
        (part.start + run.start(), part.start + run.end())
        for part in joined
        for run in _RUN.finditer(text[part.start : part.end])
    ]


def _has_blank(token: str) -> bool:
    return any(character.isspace() for character in token)


def _parts(old: Sequence[tuple[int, int]], edits: Edits, text: str, edges: set[int]) -> list[_Part]:
    """The moved tokens and, between them, the runs of new text, in order; runs end at the edges of entities."""
    moved = []
    for index, (start, end) in enumerate(old):
        place = move_span(edits, start, end)
        if place is not None:
            touches_left = index > 0 and old[index - 1][1] == start
            touches_right = index + 1 < len(old) and old[index + 1][0] == end
            moved.append(_Part(*place, not touches_left, not touches_right))
    parts: list[_Part] = []
    last = 0
    for part in [*sorted(moved), _Part(len(text), len(text), False, False)]:
        if part.start < last:
            continue
        cuts = sorted({last, part.start, *(edge for edge in edges if last < edge < part.start)})
        for low, high in pairwise(cuts):
            parts += (_Part(low + run.start(), low + run.end(), True, True) for run in _RUN.finditer(text[low:high]))
        if part.start < part.end:
            parts.append(part)
        last = part.end
    return parts


def _entity_at(entities: Sequence[Place], place: int) -> Place | None:
    return next((entity for entity in entities if entity[0] <= place < entity[1]), None)
