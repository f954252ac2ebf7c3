"""What the plain ASCII texts of a batch hold, found in one pass over all their characters.

It finds exactly what `segment.words` and the signs of `protect` find, which take the texts one by one; for a batch it is
several times faster. Texts with other characters are left to these.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

# Signs of what `protect` looks for, as bits; `ANY` is that of a closer look at all.
URLS, EMAILS, NUMBERS, PLACEHOLDERS, CODE, MARKUP, ANY = (1 << bit for bit in range(7))

FEWEST = 8  # texts for which a pass over all is faster


class Found(NamedTuple):
    """What a text holds.

    Attributes:
        words: where its words are.
        signs: bits of the signs that it has.
    """

    words: list[tuple[int, int]]
    signs: int


def _table(*entries: tuple[str, int]) -> NDArray[np.uint8]:
    table = np.zeros(256, np.uint8)
    for characters, bits in entries:
        for character in characters:
            table[ord(character)] |= bits
    return table


_DIGITS = "0123456789"
_WORD_CHARACTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_" + _DIGITS
_WORD, _JOINER, _SPACE, _CLOSER = (1 << bit for bit in range(4))
_CLASSES = _table(
    (_WORD_CHARACTERS, _WORD), ("'-", _JOINER), (" \t\n\r\f\v\x1c\x1d\x1e\x1f", _SPACE), (".:(", _CLOSER)
)
# What one character alone is a sign of.
_SIGNS = _table(
    (_DIGITS, NUMBERS), ("@", EMAILS), ("{%$<[_", PLACEHOLDERS), ("`_", CODE), ("<&", MARKUP),
    (_DIGITS + "@{%$<[_`&", ANY),
)  # fmt: skip


def scan(texts: Sequence[str]) -> list[Found]:
    """The words and signs of ASCII texts.

    Args:
        texts: ASCII only.
    """
    if not texts:
        return []
    # A line end on either side of each text is neither part of a word nor a sign.
    joined = np.frombuffer(("\n" + "\n".join(texts) + "\n").encode("ascii"), np.uint8)
    bounds = np.zeros(len(texts) + 1, np.int64)
    np.cumsum(np.fromiter(map(len, texts), np.int64, len(texts)) + 1, out=bounds[1:])
    classes = _CLASSES[joined]
    is_word = (classes & _WORD).astype(bool)
    signs = np.bitwise_or.reduceat(_signs(joined, classes, is_word), bounds[:-1] + 1).tolist()
    inside = is_word
    joiners = np.flatnonzero(classes & _JOINER)
    joiners = joiners[is_word[joiners - 1] & is_word[joiners + 1]]
    inside[joiners] = True
    edges = np.flatnonzero(inside[1:] != inside[:-1]) + 1
    starts, ends = edges[0::2], edges[1::2]
    cuts = np.searchsorted(starts, bounds)
    begins = np.repeat(bounds[:-1] + 1, np.diff(cuts))
    pairs = list(zip((starts - begins).tolist(), (ends - begins).tolist(), strict=True))
    places = cuts.tolist()
    return [
        Found(pairs[low:high], sign) for low, high, sign in zip(places[:-1], places[1:], signs, strict=True)
    ]


def _signs(joined: NDArray[np.uint8], classes: NDArray[np.uint8], is_word: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """The bits that begin at each character."""
    signs = _SIGNS[joined]
    at = np.flatnonzero(classes & _CLOSER)
    character, before, behind = joined[at], joined[at - 1], joined[at + 1]
    signs[at[(_CLASSES[behind] & _SPACE) == 0]] |= ANY
    points = at[(character == ord(".")) & is_word[at - 1] & is_word[at + 1]]
    signs[points] |= URLS
    colons = at[(character == ord(":")) & (behind == ord("/"))]
    signs[colons[joined[colons + 2] == ord("/")]] |= URLS
    brackets = character == ord("(")
    signs[at[brackets & is_word[at - 1]]] |= CODE
    signs[at[brackets & (before == ord("]"))]] |= MARKUP
    return signs
