"""Texts that are one text: most of their short pieces are the same.

Candidates by MinHash (Broder 1997): the chance that two signatures agree at a place is the share of pieces that two
texts have in common (Jaccard); each candidate is then compared in full.
"""

from __future__ import annotations

import re
import unicodedata
import zlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from covary.prove.duplicates import Pairs

ALIKE = 0.8  # share of pieces in common
LENGTH = 5  # characters of a piece
FEWEST_WORDS = 8  # below, one word more or less is another text
BANDS, ROWS = 24, 5  # of the signature: texts that share 0.8 of their pieces meet with a chance of 0.9999
_PRIME = (1 << 61) - 1


def alike_texts(texts: Sequence[str]) -> Pairs:
    """(P, 2) pairs of places of texts that are near-duplicates.

    Case, punctuation and blanks do not count. Texts of fewer than 8 words have to agree in all else.
    """
    plain = [_plain(text) for text in texts]
    pairs = _equal(plain)
    long = [place for place, text in enumerate(plain) if text.count(" ") + 1 >= FEWEST_WORDS]
    pieces = [_pieces(plain[place]) for place in long]
    if len(long) > 1:
        near = [(i, j) for i, j in _candidates(pieces) if _shared(pieces[i], pieces[j]) >= ALIKE]
        pairs += [(long[i], long[j]) for i, j in near]
    return np.array(sorted(set(pairs)), dtype=np.int64).reshape(-1, 2)


def _plain(text: str) -> str:
    folded = unicodedata.normalize("NFKC", text).casefold()
    # A text of signs alone, such as ":-)", is what it is.
    return " ".join(re.findall(r"\w+", folded)) or folded.strip()


def _equal(texts: Sequence[str]) -> list[tuple[int, int]]:
    firsts: dict[str, int] = {}
    pairs = [(firsts.setdefault(text, place), place) for place, text in enumerate(texts)]
    return [(first, place) for first, place in pairs if first != place]


def _pieces(text: str) -> NDArray[np.uint64]:
    """The different pieces of a text as sorted numbers."""
    numbers = [zlib.crc32(text[i : i + LENGTH].encode(errors="surrogatepass")) for i in range(len(text) - LENGTH + 1)]
    return np.unique(np.array(numbers, dtype=np.uint64))


def _candidates(pieces: Sequence[NDArray[np.uint64]]) -> list[tuple[int, int]]:
    """Pairs of texts whose signatures agree in a whole band."""
    generator = np.random.default_rng(1997)
    factors = generator.integers(1, 1 << 31, BANDS * ROWS, dtype=np.uint64) | np.uint64(1)
    shifts = generator.integers(0, 1 << 61, BANDS * ROWS, dtype=np.uint64)
    # 32-bit pieces by 31-bit factors stay below 2**63; adding the shift, below 2**64.
    signatures = np.stack([((own[:, None] * factors + shifts) % np.uint64(_PRIME)).min(0) for own in pieces])
    found: set[tuple[int, int]] = set()
    for band in range(BANDS):
        buckets: dict[bytes, list[int]] = {}
        for place, part in enumerate(np.ascontiguousarray(signatures[:, band * ROWS : (band + 1) * ROWS])):
            bucket = buckets.setdefault(part.tobytes(), [])
            # The first and the last of a bucket stand for all: groups are transitive.
            found.update((other, place) for other in {*bucket[:1], *bucket[-1:]})
            bucket.append(place)
    return sorted(found)


def _shared(a: NDArray[np.uint64], b: NDArray[np.uint64]) -> float:
    common = len(np.intersect1d(a, b, assume_unique=True))
    return common / (len(a) + len(b) - common)
