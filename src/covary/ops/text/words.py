"""Operations on words that need no dictionary.

Words that are protected, and those whose loss would leave nothing of a span, stay.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

from covary.draws.distributions import Uniform
from covary.ops.base import operation, ranged
from covary.ops.text.base import TextOperation, count_of, share
from covary.ops.text.characters import picked
from covary.ops.text.lists import STOP_WORDS
from covary.ops.text.numbers import Numbers
from covary.ops.text.page import Page
from covary.ops.text.plain import Drafter
from covary.ops.text.protect import Protection
from covary.plan.edits import Copy, Edit, Edits


@operation
class RandomSwap(TextOperation):
    """Let two words change places, several times.

    Args:
        alpha: share of the words, 0 to 1: as many swaps as alpha times the words, but at least one. Default 0.1.
            Identity: 0.

    Words take their case and their spans along; a word inside a longer span only changes places inside it.

    Paper: Wei and Zou 2019, "EDA: Easy data augmentation techniques for boosting performance on text classification
    tasks".

    Helps: classification by topic from few examples.
    Hurts: whatever depends on the order of words: relations, negation, translation, language models.
    """

    alpha: Any = share(0.1)

    def kernel(self) -> Drafter:
        return Drafter("swap_words", "alpha")

    def edits(self, page: Page, guard: Protection, numbers: Numbers, drawn: Mapping[str, float]) -> Edits:
        words = page.free_words(guard)
        count = count_of(drawn["alpha"], len(words))
        if count == 0 or len(words) < 2:
            return []
        homes = page.homes(words)
        last = len(words) - 1
        # Place -> the word that stands there now, for the places that had another.
        order: dict[int, int] = {}
        drawn_places = iter(numbers.several(2 * count))
        for u, v in zip(drawn_places, drawn_places, strict=True):
            one, other = min(int(u * (last + 1)), last), min(int(v * last), last - 1)
            if other >= one:
                other += 1
            if homes is None or homes[one] == homes[other]:
                order[one], order[other] = order.get(other, other), order.get(one, one)
        text = page.text
        edits = []
        for place, word in sorted(order.items()):
            if place != word:
                start, end = words[word]
                edits.append(Edit(*words[place], text[start:end], (Copy(0, start, end),)))
        return edits


@operation
class RandomDeletion(TextOperation):
    """Leave words out.

    Args:
        alpha: chance of each word, 0 to 1. Default 0.1. Identity: 0.

    At least one word stays. The white space before a word goes with it, punctuation stays.

    Paper: Wei and Zou 2019, "EDA".

    Helps: classification from few examples; text with gaps, such as speech recognition's.
    Hurts: short texts whose every word counts; negation; language models.
    """

    alpha: Any = share(0.1)

    def kernel(self) -> Drafter:
        return Drafter("delete_words", "alpha")

    def edits(self, page: Page, guard: Protection, numbers: Numbers, drawn: Mapping[str, float]) -> Edits:
        words, alpha = page.free_words(guard), drawn["alpha"]
        if alpha == 0:
            return []
        chosen = [word for word, u in zip(words, numbers.several(len(words)), strict=True) if u < alpha]
        if chosen and len(chosen) == len(page.words):
            chosen.pop(numbers.below(len(chosen)))
        return page.removals(chosen)


@operation
class StopWordDeletion(TextOperation):
    """Leave out words that carry little meaning: "the", "of", "is".

    Args:
        rate: chance of each stop word, 0 to 1. Default 0.2. Identity: 0.
        words: the stop words, in small letters. Default: the English ones, without "not", "no" and "nor".

    Helps: classification by topic; searches and headlines, which leave them out too.
    Hurts: grammar, authorship, translation, language models.
    """

    rate: Any = share(0.2)
    words: Sequence[str] | None = None

    def check(self) -> None:
        if self.words is not None:
            if isinstance(self.words, str) or not all(isinstance(word, str) for word in self.words):
                self.refuse("words", repr(self.words), "a list of words, or None")
            object.__setattr__(self, "words", tuple(word.lower() for word in self.words))

    def edits(self, page: Page, guard: Protection, numbers: Numbers, drawn: Mapping[str, float]) -> Edits:
        stops = STOP_WORDS if self.words is None else self.words
        text, rate = page.text, drawn["rate"]
        found = [(start, end) for start, end in page.free_words(guard) if text[start:end].lower() in stops]
        chosen = [word for word, u in zip(found, numbers.several(len(found)), strict=True) if u < rate]
        return page.removals(chosen) if len(chosen) < len(page.words) else []


@operation
class PunctuationInsertion(TextOperation):
    """Put punctuation marks before words, and change nothing else (AEDA).

    Args:
        alpha: share of the words before which a mark comes, 0 to 1, at least one word. Default 0 to 1/3. Identity: 0.
        marks: the marks to choose from. Default: . ; ? : ! ,

    Paper: Karimi, Rossi and Prati 2021, "AEDA: an easier data augmentation technique for text classification".

    Helps: classification from few examples; all words and their order stay.
    Hurts: punctuation restoration, sentence splitting, emphasis.
    """

    alpha: Any = ranged(default=Uniform(0.0, 1 / 3, identity=0), low=0, high=1)
    marks: Sequence[str] = (".", ";", "?", ":", "!", ",")

    def check(self) -> None:
        if not self.marks or not all(isinstance(mark, str) and mark for mark in self.marks):
            self.refuse("marks", repr(self.marks), "a list of strings")
        object.__setattr__(self, "marks", tuple(self.marks))

    def kernel(self) -> Drafter:
        return Drafter("insert_marks", "alpha", table={"": tuple(f"{mark} " for mark in self.marks)})

    def edits(self, page: Page, guard: Protection, numbers: Numbers, drawn: Mapping[str, float]) -> Edits:
        words = page.free_words(guard)
        chosen = sorted(numbers.sample(words, count_of(drawn["alpha"], len(words))))
        return [Edit(start, start, f"{numbers.one_of(self.marks)} ") for start, _ in chosen]


@operation
class WordSplit(TextOperation):
    """Write a word as two: "together" becomes "toge ther".

    Args:
        rate: share of the words of at least `min_length` letters, 0 to 1. Default 0.1. Identity: 0.
        min_length: shorter words stay whole. Default 4.

    Helps: scanned and typed text.
    Hurts: tasks on single words, where both halves are noise.
    """

    rate: Any = share(0.1)
    min_length: int = 4

    def check(self) -> None:
        if isinstance(self.min_length, bool) or not isinstance(self.min_length, int) or self.min_length < 2:
            self.refuse("min_length", repr(self.min_length), "a whole number from 2 on")

    def kernel(self) -> Drafter:
        return Drafter("split_words", least=self.min_length)

    def edits(self, page: Page, guard: Protection, numbers: Numbers, drawn: Mapping[str, float]) -> Edits:
        text = page.text
        words = [(a, b) for a, b in page.free_words(guard) if b - a >= self.min_length and text[a:b].isalpha()]
        edits = []
        for start, end in picked(words, drawn["rate"], numbers):
            place = start + 1 + numbers.below(end - start - 1)
            edits.append(Edit(place, place, " "))
        return edits


@operation
class WordMerge(TextOperation):
    """Write two words as one: "of the" becomes "ofthe".

    Args:
        rate: share of the single blanks between words, 0 to 1. Default 0.1. Identity: 0.

    Helps: scanned and hastily typed text.
    Hurts: tasks on single words.
    """

    rate: Any = share(0.1)

    def edits(self, page: Page, guard: Protection, numbers: Numbers, drawn: Mapping[str, float]) -> Edits:
        text, words = page.text, page.free_words(guard)
        edges = {edge for span in page.spans for edge in (span.start, span.end)}
        gaps = [
            end
            for (_, end), (start, _) in pairwise(words)
            if start == end + 1 and text[end] == " " and not {start, end} & edges
        ]
        return [Edit(gap, gap + 1, "") for gap in picked(gaps, drawn["rate"], numbers)]
