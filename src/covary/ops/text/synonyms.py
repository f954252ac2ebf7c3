"""Operations that take words from a lexicon: synonyms, antonyms, more general words, insertions."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate
from typing import Any, ClassVar

from covary.ops.base import operation
from covary.ops.text.base import TextOperation, count_of, share
from covary.ops.text.case import written_like
from covary.ops.text.forms import inflected, takes_an
from covary.ops.text.lexicon import Lexicon, Sense, lexicon
from covary.ops.text.lists import STOP_WORDS
from covary.ops.text.numbers import Numbers
from covary.ops.text.page import Page
from covary.ops.text.protect import Protection
from covary.ops.text.segment import Ranges
from covary.ops.text.tagger import Tagged, tagged
from covary.plan.edits import Edit, Edits


class Options:
    """The words that may stand for one, with their weights."""

    __slots__ = ("_edges", "forms")

    def __init__(self, weights: Mapping[str, float]) -> None:
        self.forms = list(weights)
        self._edges = list(accumulate(weights.values()))

    def choose(self, u: float) -> str:
        """The word at a uniform number."""
        return self.forms[min(bisect_right(self._edges, u * self._edges[-1]), len(self.forms) - 1)]


def related(relation: str, sense: Sense, words: Lexicon) -> tuple[str, ...]:
    """The words that stand in a relation to a sense: "synonym", "antonym" or "hypernym"."""
    if relation == "antonym":
        return sense.opposites
    if sense.number is None:
        return ()
    if relation == "synonym":
        return words.words(sense.number)
    above = words.above(sense.number)
    return () if above is None else words.words(above)


@lru_cache(maxsize=65536)
def options(found: Tagged, relation: str, words: Lexicon) -> Options | None:
    """What may stand for a word, in its form; None where there is nothing.

    Only senses that are at least a quarter as frequent as the word's most frequent one count, each by its frequency;
    among the words of a sense the first weighs most.
    """
    lemma, tag = found.reading
    senses = words.entry(lemma).get(found.reading.part, ())
    most = max((sense.met for sense in senses), default=0)
    weights: dict[str, float] = {}
    for place, sense in enumerate(senses):
        if place > 0 and (sense.met == 0 or 4 * sense.met < most):
            continue
        others = [word for word in related(relation, sense, words) if word != lemma]
        for rank, word in enumerate(others, start=1):
            form = inflected(word, tag, words)
            both = {inflected(word, each, words) for each in ("VBD", "VBN")} if found.either else set()
            if form is not None and len(both) < 2 and form not in STOP_WORDS:
                weights[form] = weights.get(form, 0) + (sense.met + 0.5) / rank**2
    return Options(weights) if weights else None


@dataclass(frozen=True, repr=False)
class _FromLexicon(TextOperation):
    alpha: Any = share(0.1)  # noqa: RUF009 (makes a frozen law)
    lexicon: str | None = None
    relation: ClassVar[str] = "synonym"

    def check(self) -> None:
        if self.lexicon is not None and not isinstance(self.lexicon, str):
            self.refuse("lexicon", repr(self.lexicon), "the path of a lexicon, or None for the English one")

    def found(self, page: Page, guard: Protection, numbers: Numbers) -> Iterator[tuple[int, Options]]:
        """The words (as indices of `page.words`) that something can stand for, in random order."""
        words = lexicon(self.lexicon)
        text, places = page.text, page.words
        free = set(page.free_words(guard)) if page.guarded(guard) else None
        for index in numbers.sample(list(range(len(places))), len(places)):
            start, end = places[index]
            form = text[start:end].lower()
            if form in STOP_WORDS or (free is not None and places[index] not in free):
                continue
            before = _neighbour(text, places, index, index - 1)
            if before is not None and text[start].isupper() and not text[start:end].isupper():
                continue  # a name
            reading = tagged(before, form, _neighbour(text, places, index, index + 1), words)
            choices = None if reading is None else options(reading, self.relation, words)
            if choices is not None:
                yield index, choices

    def edits(self, page: Page, guard: Protection, numbers: Numbers, drawn: Mapping[str, float]) -> Edits:
        count = count_of(drawn["alpha"], len(page.words))
        if count == 0:
            return []
        chosen = []
        for index, choices in self.found(page, guard, numbers):
            chosen.append((index, choices))
            if len(chosen) == count:
                break
        edits: list[Edit] = []
        for index, choices in sorted(chosen, key=lambda pair: pair[0]):
            start, end = page.words[index]
            new = written_like(page.text[start:end], choices.choose(numbers()))
            edits += (*self._article(page, guard, index, new), Edit(start, end, new))
        return edits

    def _article(self, page: Page, guard: Protection, index: int, new: str) -> Edits:
        """The change of "a" to "an", or back, before a word that begins with another sound."""
        if index == 0 or lexicon(self.lexicon).language != "en":
            return []
        start, end = page.words[index - 1]
        article = page.text[start:end]
        right = "an" if takes_an(new) else "a"
        if article.lower() not in ("a", "an") or article.lower() == right or not page.is_free(start, end, guard):
            return []
        if page.text[end : page.words[index][0]].strip():
            return []
        return [Edit(start, end, written_like(article, right) if article != "AN" else right.upper())]


def _neighbour(text: str, places: Ranges, index: int, other: int) -> str | None:
    """The word beside another, in small letters; None where something stands between them, or there is none."""
    if not 0 <= other < len(places):
        return None
    first, second = (places[other], places[index]) if other < index else (places[index], places[other])
    if second[0] - first[1] != 1 and text[first[1] : second[0]].strip():
        return None
    if not text[first[1]].isspace():
        return None
    start, end = places[other]
    return text[start:end].lower()


@operation
class SynonymReplacement(_FromLexicon):
    """Replace words by words of the same meaning, in the same form and case.

    Args:
        alpha: share of the words, 0 to 1, at least one word. Default 0.1. Identity: 0.
        lexicon: path of a lexicon of another language, see `covary.ops.text.lexicon`. Default: English, from WordNet.

    Words are replaced where their part of speech is clear from the words beside them, by words that share one of their
    frequent senses. Stop words and names stay; of a word that stands there twice only the chosen copy changes. "a" and
    "an" follow.

    Paper: Wei and Zou 2019, "EDA".

    Helps: classification from few examples.
    Hurts: terms of art, sentiment of fine shades; large pre-trained models gain little (Longpre et al. 2020).
    """


@operation
class AntonymReplacement(_FromLexicon):
    """Replace words by words of opposite meaning, in the same form and case. The meaning changes.

    Args:
        alpha: share of the words, 0 to 1, at least one word. Default 0.1. Identity: 0.
        lexicon: path of a lexicon of another language. Default: English, from WordNet 3.0.

    Helps: contrast sets, negatives for contrastive training: where the label is changed with the text.
    Hurts: every task in which the label stays; sentiment turns round.
    """

    relation = "antonym"


@operation
class HypernymReplacement(_FromLexicon):
    """Replace words by more general ones: "spaniel" by "dog". The meaning changes, to something that still holds.

    Args:
        alpha: share of the words, 0 to 1, at least one word. Default 0.1. Identity: 0.
        lexicon: path of a lexicon of another language. Default: English, from WordNet 3.0.

    Helps: entailment (the original entails the result, unless it is negated), classification by topic.
    Hurts: whatever hangs on details: named entities, questions and answers.
    """

    relation = "hypernym"


@operation
class RandomInsertion(_FromLexicon):
    """Put synonyms of some words at random places.

    Args:
        alpha: share of the words, 0 to 1: as many insertions as alpha times the words, at least one. Default 0.1.
            Identity: 0.
        lexicon: path of a lexicon of another language. Default: English, from WordNet 3.0.

    Paper: Wei and Zou 2019, "EDA".

    Helps: classification by topic from few examples.
    Hurts: grammar, language models, sequence labels.
    """

    def edits(self, page: Page, guard: Protection, numbers: Numbers, drawn: Mapping[str, float]) -> Edits:
        count = count_of(drawn["alpha"], len(page.words))
        if count == 0:
            return []
        places = page.free_words(guard)
        edits = []
        for _, choices in self.found(page, guard, numbers):
            start, _ = places[numbers.below(len(places))]
            edits.append(Edit(start, start, f"{choices.choose(numbers())} "))
            if len(edits) == count:
                break
        return sorted(edits, key=lambda edit: edit.start)
