"""Operations that learn from data: TF-IDF of the user's texts, and neighbours in word vectors."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import accumulate
from math import log
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from covary.ops.base import operation
from covary.ops.text.base import TextOperation, count_of, share
from covary.ops.text.case import written_like
from covary.ops.text.lists import STOP_WORDS
from covary.ops.text.numbers import Numbers
from covary.ops.text.page import Page
from covary.ops.text.protect import Protection
from covary.ops.text.segment import words
from covary.plan.edits import Edit, Edits


class _Weights(NamedTuple):
    """What is known of the words of the user's texts.

    Attributes:
        idf: of each word.
        offered: the words, in order.
        edges: running sums of their chances of being put in.
    """

    idf: Mapping[str, float]
    offered: tuple[str, ...]
    edges: list[float]


@lru_cache(maxsize=16)
def _weights(vocabulary: tuple[tuple[str, float, float], ...]) -> _Weights:
    most = max(score for _, _, score in vocabulary)
    chances = [most - score + 1e-9 for _, _, score in vocabulary]
    return _Weights(
        {word: idf for word, idf, _ in vocabulary}, tuple(word for word, _, _ in vocabulary), list(accumulate(chances))
    )


@operation
class TfIdfReplacement(TextOperation):
    """Replace words that say little about a text by other words that say little.

    Args:
        vocabulary: (word, its idf, its score) for each word of your data; made by `TfIdfReplacement.fit`.
        rate: share of the words that change on average, 0 to 1. Default 0.1. Identity: 0.

    A word's chance falls with its TF-IDF in the text; words with low scores are put in most.

    Paper: Xie et al. 2020, "Unsupervised data augmentation for consistency training".

    Helps: classification by topic, consistency training on unlabelled text.
    Hurts: grammar, sentiment (negations have a low TF-IDF: protect them with "word:not"), sequence labels.
    """

    vocabulary: Any
    rate: Any = share(0.1)

    @classmethod
    def fit(cls, texts: Iterable[str], size: int = 20_000, **options: Any) -> TfIdfReplacement:
        """Learn from texts.

        Args:
            texts: your data.
            size: how many words to keep, the most frequent ones.
            options: of the operation.

        Raises:
            ValueError: there is no word in the texts.
        """
        in_texts: Counter[str] = Counter()
        in_all: Counter[str] = Counter()
        count = 0
        for text in texts:
            found = [text[start:end].lower() for start, end in words(text)]
            in_all.update(found)
            in_texts.update(set(found))
            count += 1
        if not in_all:
            raise ValueError("TfIdfReplacement: there is no word in the texts")
        kept = sorted(in_all, key=lambda word: (-in_all[word], word))[:size]
        vocabulary = []
        for word in sorted(kept):
            idf = log(count / in_texts[word])
            vocabulary.append((word, round(idf, 6), round(in_all[word] * idf, 6)))
        return cls(tuple(vocabulary), **options)

    def check(self) -> None:
        try:
            vocabulary = tuple((str(word), float(idf), float(score)) for word, idf, score in self.vocabulary)
        except (TypeError, ValueError):
            self.refuse("vocabulary", repr(self.vocabulary)[:80], "(word, idf, score) for each word, see `fit`")
        if not vocabulary:
            self.refuse("vocabulary", "empty", "at least one word")
        object.__setattr__(self, "vocabulary", vocabulary)

    def edits(self, page: Page, guard: Protection, numbers: Numbers, drawn: Mapping[str, float]) -> Edits:
        known, rate, text = _weights(self.vocabulary), drawn["rate"], page.text
        places = page.free_words(guard)
        if rate == 0 or not places:
            return []
        found = [text[start:end].lower() for start, end in places]
        counts = Counter(found)
        rare = max(known.idf.values())
        weight = [counts[word] / len(found) * known.idf.get(word, rare) for word in found]
        most = max(weight)
        mean = sum(most - each for each in weight) / len(weight)
        edits = []
        for (start, end), word, each, u in zip(places, found, weight, numbers.several(len(found)), strict=True):
            chance = rate * (most - each) / mean if mean > 0 else rate
            if u < chance:
                new = known.offered[min(bisect_right(known.edges, numbers() * known.edges[-1]), len(known.offered) - 1)]
                if new != word:
                    edits.append(Edit(start, end, written_like(text[start:end], new)))
        return edits


class Vectors(NamedTuple):
    """Word vectors.

    Attributes:
        words: their words, the frequent ones first as the files have them.
        unit: (V, D) float32, each of length one.
        rows: word -> row.
    """

    words: tuple[str, ...]
    unit: NDArray[np.float32]
    rows: Mapping[str, int]


@lru_cache(maxsize=2)
def read_vectors(path: str, limit: int = 100_000) -> Vectors:
    """Read word vectors.

    Args:
        path: of a file of word2vec (text, or binary if its name ends in ".bin"), GloVe or fastText (text), or of a
            NumPy archive ".npz" with `words` and `vectors`.
        limit: how many words to read.

    Raises:
        OSError: the file cannot be read.
        ValueError: it has another form.
    """
    if path.endswith(".npz"):
        with np.load(path, allow_pickle=False) as archive:
            if not {"words", "vectors"} <= set(archive.files):
                raise ValueError(f"{path} has the arrays {', '.join(archive.files)}; it needs 'words' and 'vectors'")
            pairs = list(zip(archive["words"][:limit].tolist(), archive["vectors"][:limit], strict=True))
    else:
        pairs = list(_binary(path, limit) if path.endswith(".bin") else _lines(path, limit))
    if not pairs:
        raise ValueError(f"{path} holds no word vectors")
    table = np.array([vector for _, vector in pairs], dtype=np.float32)
    unit = table / np.maximum(np.linalg.norm(table, axis=1, keepdims=True), 1e-12)
    names = tuple(str(word) for word, _ in pairs)
    return Vectors(names, unit, {word: row for row, word in reversed(list(enumerate(names)))})


def _lines(path: str, limit: int) -> Iterator[tuple[str, NDArray[np.float32]]]:
    length = 0
    with Path(path).open(encoding="utf-8", errors="surrogateescape", newline="\n") as lines:
        for number, line in enumerate(lines, start=1):
            fields = line.rstrip().split(" ")
            if number == 1 and len(fields) == 2 and all(field.isdigit() for field in fields):
                continue  # word2vec's and fastText's header
            if number > limit + 1:
                return
            length = length or len(fields) - 1
            try:  # GloVe has words with blanks in them
                yield " ".join(fields[:-length]), np.array(fields[-length:], dtype=np.float32)
            except ValueError:
                raise ValueError(f"{path}, line {number}: not a word and {length} numbers") from None


def _binary(path: str, limit: int) -> Iterator[tuple[str, NDArray[np.float32]]]:
    with Path(path).open("rb") as file:
        try:
            count, length = (int(field) for field in file.readline().split())
        except ValueError:
            raise ValueError(f"{path} does not begin with the number of words and of dimensions") from None
        for _ in range(min(count, limit)):
            word = bytearray()
            while (letter := file.read(1)) not in (b" ", b""):
                word += letter
            data = file.read(4 * length)
            if len(data) < 4 * length:
                raise ValueError(f"{path} ends before its {count} words do")
            yield word.decode("utf-8", "surrogateescape").lstrip("\n"), np.frombuffer(data, "<f4")


@lru_cache(maxsize=65536)
def _near(path: str, word: str, count: int, least: float) -> tuple[str, ...]:
    """The nearest words that are other words, in small letters, the nearest first."""
    vectors = read_vectors(path)
    row = vectors.rows.get(word)
    if row is None:
        return ()
    likeness = vectors.unit @ vectors.unit[row]
    wanted = min(4 * count + 8, len(likeness))
    nearest = np.argpartition(-likeness, wanted - 1)[:wanted]
    found: list[str] = []
    for other in sorted(nearest.tolist(), key=lambda place: (-float(likeness[place]), place)):
        name = vectors.words[other].lower()
        if likeness[other] >= least and name != word and name.isalpha() and name not in found:
            found.append(name)
    return tuple(found[:count])


@operation
class EmbeddingReplacement(TextOperation):
    """Replace words by neighbours in word vectors.

    Args:
        vectors: path of the vectors: word2vec (text or ".bin"), GloVe or fastText text, or ".npz" with `words` and
            `vectors`.
        alpha: share of the words, 0 to 1, at least one word. Default 0.1. Identity: 0.
        neighbours: how many of the nearest words to choose from. Default 10.
        similarity: least cosine, -1 to 1. Default 0.6.

    Stop words stay. Vectors put words of opposite meaning side by side.

    Paper: Wang and Yang 2015, "That's so annoying!!!".

    Helps: classification by topic; jargon, with vectors of that jargon.
    Hurts: sentiment and entailment, as "good" and "bad" are neighbours.
    """

    vectors: str
    alpha: Any = share(0.1)
    neighbours: int = 10
    similarity: float = 0.6

    def check(self) -> None:
        if not isinstance(self.vectors, str) or not self.vectors:
            self.refuse("vectors", repr(self.vectors), "the path of a file")
        if isinstance(self.neighbours, bool) or not isinstance(self.neighbours, int) or self.neighbours < 1:
            self.refuse("neighbours", repr(self.neighbours), "a whole number from 1 on")
        if not -1 <= self.similarity <= 1:
            self.refuse("similarity", repr(self.similarity), "a cosine in [-1, 1]")

    def edits(self, page: Page, guard: Protection, numbers: Numbers, drawn: Mapping[str, float]) -> Edits:
        text = page.text
        count = count_of(drawn["alpha"], len(page.words))
        places = page.free_words(guard) if count else []
        edits: list[Edit] = []
        for start, end in numbers.in_random_order(places):
            if len(edits) == count:
                break
            word = text[start:end].lower()
            if word not in STOP_WORDS and word.isalpha():
                near: Sequence[str] = _near(self.vectors, word, self.neighbours, float(self.similarity))
                if near:
                    edits.append(Edit(start, end, written_like(text[start:end], numbers.one_of(near))))
        return sorted(edits, key=lambda edit: edit.start)
