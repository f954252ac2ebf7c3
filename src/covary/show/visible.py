"""Characters that nobody would see, or that would drive a terminal, as something to be seen."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from unicodedata import category

_SEEN_IN_EDITS = {"\n": "↵", "\r": "␍", "\t": "⇥", "\u00a0": "⍽"}


def runs(text: str, edited: bool) -> Iterator[tuple[str, str]]:
    """Runs of a text: (characters, "") for those that are seen, (character, what to show for it) for others.

    Args:
        text: any string.
        edited: whether it was written or deleted by an edit; white space and invisible characters then count.
    """
    for sign, characters in groupby(text, lambda character: _sign(character, edited)):
        run = "".join(characters)
        if sign:
            yield from ((character, sign) for character in run)
        else:
            yield run, ""


def _sign(character: str, edited: bool) -> str:
    if character.isprintable():
        return ""
    if edited and character in _SEEN_IN_EDITS:
        return _SEEN_IN_EDITS[character]
    kind = category(character)
    if kind in ("Cc", "Cs"):
        return "" if character in "\n\t\r" else f"U+{ord(character):04X}"
    return f"U+{ord(character):04X}" if edited else ""
