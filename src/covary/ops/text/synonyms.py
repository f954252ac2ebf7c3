"""Operations that take words from a lexicon: synonyms, antonyms, more general words, insertions."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from covary import kernels
from covary.ops.base import operation
from covary.ops.text.base import TextOperation, count_of, share
from covary.ops.text.case import written_like
from covary.ops.text.forms import inflected, takes_an
from covary.ops.text.lexicon import Lexicon, Sense, lexicon
from covary.ops.text.lists import STOP_WORDS
from covary.ops.text.numbers import Numbers
from covary.ops.text.page import Page
from covary.ops.text.plain import Kernel
from covary.ops.text.protect import Protection
from covary.ops.text.segment import Ranges
from covary.ops.text.tagger import CLASSES, END, START, WORD, class_before, class_behind, tagged_between
from covary.plan.edits import Edit, Edits, apply_edits

_MOST_KNOWN = 65536


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


class Known(dict[tuple[str, str, str], Options | None]):
    """What may stand for words: (class of the word before, form, class of the word behind) -> `options`."""

    def __init__(self, relation: str, words: Lexicon) -> None:
        super().__init__()
        self._relation = relation
        self._words = words

    def __missing__(self, key: tuple[str, str, str]) -> Options | None:
        if len(self) >= _MOST_KNOWN:
            self.clear()
        found = self[key] = options(*key, self._relation, self._words)
        return found


@lru_cache(maxsize=16)
def known(relation: str, words: Lexicon) -> Known:
    """What has been looked up so far, for a relation in a lexicon."""
    return Known(relation, words)


def options(before: str, form: str, behind: str, relation: str, words: Lexicon) -> Options | None:
    """What may stand for a word between others of these classes, in its form; None where there is nothing.

    Only senses that are at least a quarter as frequent as the word's most frequent one count, each by its frequency;
    among the words of a sense the first weighs most.
    """
    found = tagged_between(before, form, behind, words)
    if found is None:
        return None
    lemma, tag = found.reading
    senses = words.entry(lemma).get(found.reading.part, ())
    most = max((sense.met for sense in senses), default=0)
    weights: dict[str, float] = {}
    for place, sense in enumerate(senses):
        if place > 0 and (sense.met == 0 or 4 * sense.met < most):
            continue
        others = [word for word in related(relation, sense, words) if word != lemma]
        for rank, word in enumerate(others, start=1):
            made = inflected(word, tag, words)
            both = {inflected(word, each, words) for each in ("VBD", "VBN")} if found.either else set()
            if made is not None and len(both) < 2 and made not in STOP_WORDS:
                weights[made] = weights.get(made, 0) + (sense.met + 0.5) / rank**2
    return Options(weights) if weights else None


@dataclass(frozen=True, repr=False)
class _FromLexicon(TextOperation):
    alpha: Any = share(0.1)  # noqa: RUF009 (makes a frozen law)
    lexicon: str | None = None
    relation: ClassVar[str] = "synonym"

    def check(self) -> None:
        if self.lexicon is not None and not isinstance(self.lexicon, str):
            self.refuse("lexicon", repr(self.lexicon), "the path of a lexicon, or None for the English one")

    def kernel(self) -> Kernel | None:
        words = lexicon(self.lexicon)
        return _Replacer(known(self.relation, words), words)

    def found(self, page: Page, guard: Protection, numbers: Numbers) -> Iterator[tuple[int, Options]]:
        """The words (as indices of `page.words`) that something can stand for, in random order."""
        looked_up = known(self.relation, lexicon(self.lexicon))
        text, places = page.text, page.words
        free = set(page.free_words(guard)) if page.guarded(guard) else None
        forms = [text[start:end].lower() for start, end in places]
        last = len(places) - 1
        for index in numbers.in_random_order(range(len(places))):
            form = forms[index]
            if form in STOP_WORDS or (free is not None and places[index] not in free):
                continue
            start, end = places[index]
            # Words with something else than white space between them are no neighbours.
            before = after = None
            if index > 0 and text[places[index - 1][1] : start].isspace():
                before = forms[index - 1]
                if text[start].isupper() and not text[start:end].isupper():
                    continue  # a name
            if index < last and text[end : places[index + 1][0]].isspace():
                after = forms[index + 1]
            choices = looked_up[class_behind(before), form, class_before(after)]
            if choices is not None:
                yield index, choices

    def edits(self, page: Page, guard: Protection, numbers: Numbers, drawn: Mapping[str, float]) -> Edits:
        text, words = page.text, page.words
        count = count_of(drawn["alpha"], len(words))
        if count == 0:
            return []
        lexical = lexicon(self.lexicon)
        chosen = []
        for index, choices in self.found(page, guard, numbers):
            chosen.append((index, choices))
            if len(chosen) == count:
                break
        edits: list[Edit] = []
        for index, choices in sorted(chosen, key=lambda pair: pair[0]):
            start, end = words[index]
            new = written_like(text[start:end], choices.choose(numbers()))
            article = words[index - 1] if index else (0, 0)
            correction = _article(text, *article, new, lexical)
            if correction and page.is_free(*article, guard) and not text[article[1] : start].strip():
                edits += correction
            edits.append(Edit(start, end, new))
        return edits


def _article(text: str, start: int, end: int, new: str, words: Lexicon) -> list[Edit]:
    """The change of "a" to "an", or back, where one is text[start:end] before a word that begins with another sound."""
    article = text[start:end]
    if article.lower() not in ("a", "an") or words.language != "en":
        return []
    right = "an" if takes_an(new) else "a"
    if article.lower() == right:
        return []
    return [Edit(start, end, written_like(article, right) if article != "AN" else right.upper())]


@dataclass(frozen=True, slots=True)
class _Replacer:
    """The kernel that finds what can be replaced in plain texts.

    Attributes:
        known: the options of words, see `known`.
        words: the lexicon.
    """

    known: Known
    words: Lexicon

    @property
    def rate(self) -> str:
        return "alpha"

    def edited(
        self, texts: list[str], guarded: list[Ranges], streams: NDArray[np.uint64], rates: NDArray[np.float64]
    ) -> tuple[list[list[Edit]], list[str]]:
        assert kernels.native is not None
        found = kernels.native.replaceable_words(
            texts, guarded, streams, rates, STOP_WORDS, CLASSES, (WORD, START, END), self.known
        )
        edits = [self._edits(text, places) for text, places in zip(texts, found, strict=True)]
        return edits, [apply_edits(text, some) for text, some in zip(texts, edits, strict=True)]

    def _edits(self, text: str, found: list[tuple[int, int, Options, float, int, int]]) -> list[Edit]:
        edits = []
        for start, end, choices, u, article, behind in found:
            new = written_like(text[start:end], choices.choose(u))
            if article >= 0:
                edits += _article(text, article, behind, new, self.words)
            edits.append(Edit(start, end, new))
        return edits


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

    def kernel(self) -> None:
        return None

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
