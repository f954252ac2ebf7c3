"""What the plain ASCII texts of a batch hold, found in one pass over all their characters.

It finds exactly what `segment.words` and the signs of `protect` find, which take texts one by one and any characters.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from covary import kernels
from covary.ops.text.segment import Ranges

# Signs of what `protect` looks for, as bits; `ANY` is that of a closer look at all.
URLS, EMAILS, NUMBERS, PLACEHOLDERS, CODE, MARKUP, ANY = (1 << bit for bit in range(7))

FEWEST = 8  # texts for which a pass over all is faster


def _table(*entries: tuple[str, int]) -> NDArray[np.uint8]:
    table = np.zeros(256, np.uint8)
    for characters, bits in entries:
        for character in characters:
            table[ord(character)] |= bits
    return table


_DIGITS = "0123456789"
_WORD_CHARACTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_" + _DIGITS
_WORD, _JOINER, _SPACE, _CLOSER = (1 << bit for bit in range(4))
_CLASSES = _table((_WORD_CHARACTERS, _WORD), ("'-", _JOINER), (" \t\n\r\f\v\x1c\x1d\x1e\x1f", _SPACE), (".:(", _CLOSER))
# What one character alone is a sign of.
_SIGNS = _table(
    (_DIGITS, NUMBERS), ("@", EMAILS), ("{%$<[_", PLACEHOLDERS), ("`_", CODE), ("<&", MARKUP),
    (_DIGITS + "@{%$<[_`&", ANY),
)  # fmt: skip


def scan(texts: Sequence[str]) -> tuple[list[Ranges], Sequence[int]]:
    """Where the words of ASCII texts are, and bits of the signs that each has.

    Args:
        texts: ASCII only, at least one.
    """
    if kernels.native is None:
        return scan_arrays(texts)
    return kernels.native.text_words(texts), kernels.native.text_signs(texts)


def scan_arrays(texts: Sequence[str]) -> tuple[list[Ranges], list[int]]:
    """As `scan`, by NumPy."""
    # A line end on either side of each text is neither part of a word nor a sign.
    joined = np.frombuffer(("\n" + "\n".join(texts) + "\n").encode("ascii"), np.uint8)
    bounds = np.zeros(len(texts) + 1, np.int64)
    np.cumsum(np.fromiter(map(len, texts), np.int64, len(texts)) + 1, out=bounds[1:])
    classes = _CLASSES[joined]
    inside = (classes & _WORD).astype(bool)
    signs = _signs(joined, classes, inside)
    joiners = np.flatnonzero(classes & _JOINER)
    joiners = joiners[inside[joiners - 1] & inside[joiners + 1]]
    inside[joiners] = True
    edges = np.flatnonzero(inside[1:] != inside[:-1]) + 1
    starts, ends = edges[0::2], edges[1::2]
    cuts = np.searchsorted(starts, bounds)
    begins = np.repeat(bounds[:-1] + 1, np.diff(cuts))
    pairs = list(zip((starts - begins).tolist(), (ends - begins).tolist(), strict=True))
    places = cuts.tolist()
    words = [pairs[low:high] for low, high in pairwise(places)]
    return words, np.bitwise_or.reduceat(signs, bounds[:-1] + 1).tolist()


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
