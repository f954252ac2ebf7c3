"""What a rewritten text must keep to: its length, how much it differs, that it does not repeat itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from covary.ops.text.segment import words


@dataclass(frozen=True, slots=True)
class Limits:
    """What a rewritten text must keep to.

    Args:
        shortest, longest: its length over that of the original, in words. Defaults 0.5 and 2.
        edits: least share of its words that differ, 0 to 1. Default 0: all but the original itself.
        repetition: highest share of its three-word phrases that occurred before. Default 0.3.
    """

    shortest: float = 0.5
    longest: float = 2.0
    edits: float = 0.0
    repetition: float = 0.3

    def complaint(self, old: str, new: str) -> str:
        """Why the new text is refused, or ""."""
        before, after = _words(old), _words(new)
        if not after:
            return "it is empty"
        if new == old:
            return "it is the original"
        ratio = len(after) / max(len(before), 1)
        if not self.shortest <= ratio <= self.longest:
            return f"it has {ratio:.2g} times the words of the original"
        if distance(before, after) / max(len(before), len(after)) < self.edits:
            return "it differs too little"
        if repetition(after) > self.repetition:
            return "it repeats itself"
        return ""


def _words(text: str) -> list[str]:
    return [text[start:end].lower() for start, end in words(text)]


def distance(one: Sequence[Any], other: Sequence[Any]) -> int:
    """The edit distance (Levenshtein 1966) of two sequences: insertions, deletions and substitutions."""
    row = list(range(len(other) + 1))
    for number, item in enumerate(one, start=1):
        corner, row[0] = row[0], number
        for place, against in enumerate(other, start=1):
            corner, row[place] = row[place], min(row[place] + 1, row[place - 1] + 1, corner + (item != against))
    return row[-1]


def repetition(words: Sequence[str]) -> float:
    """The share of three-word phrases that occurred before."""
    phrases = [tuple(words[place : place + 3]) for place in range(len(words) - 2)]
    return 1 - len(set(phrases)) / len(phrases) if phrases else 0.0
