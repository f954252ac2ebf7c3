"""Active and passive, without trees: a strict pattern of simple sentences, and nothing else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any, Literal, NamedTuple

from covary.ops.base import operation
from covary.ops.text.base import TextOperation, share
from covary.ops.text.forms import Reading, inflected
from covary.ops.text.lexicon import lexicon
from covary.ops.text.numbers import Numbers
from covary.ops.text.page import Page
from covary.ops.text.protect import Protection
from covary.ops.text.segment import Ranges
from covary.ops.text.syntax import swapped
from covary.ops.text.tagger import tagged
from covary.plan.edits import Edit, Edits

_DETERMINERS = frozenset("the a an my your his her its our their this that these those".split())
_TIMES = frozenset("yesterday today tomorrow again".split())
# Verbs without a passive, or with an object that is none.
_NO_PASSIVE = frozenset(
    """
become remain seem appear weigh cost last have resemble fit lack mean stay feel look sound taste smell suit equal
contain comprise concern go come sleep wait live sit stand walk run be do get let want like lie measure total
""".split()
)
_NO_OBJECT = frozenset("day night week month year hour minute time way morning evening afternoon mile bit lot".split())


class _Nominal(NamedTuple):
    """A noun with its determiner and adjectives.

    Attributes:
        first, last: the words it goes from and to.
        plural: whether its noun is.
        noun: its lemma.
    """

    first: int
    last: int
    plural: bool
    noun: str


class _Sentence:
    """The words of one sentence, read from left to right."""

    def __init__(self, text: str, places: Ranges) -> None:
        self.places = places
        self.words = [text[start:end].lower() for start, end in places]
        self.joined = [
            text[end:start] == " " for (_, end), (start, _) in pairwise(places)
        ]  # whether only a blank stands between a word and the next

    def reading(self, index: int) -> Reading | None:
        """What a word is, if its neighbours leave no doubt."""
        before = self.words[index - 1] if index > 0 else None
        behind = self.words[index + 1] if index + 1 < len(self.words) and self.joined[index] else None
        found = tagged(before, self.words[index], behind, lexicon())
        return None if found is None else found.reading

    def nominal(self, at: int) -> _Nominal | None:
        """The determiner, adjectives and noun that begin at a word."""
        if at >= len(self.words) or self.words[at] not in _DETERMINERS:
            return None
        index = at + 1
        while index < len(self.words) and self.joined[index - 1]:
            reading = self.reading(index)
            if reading is None:
                return None
            if reading.tag in ("NN", "NNS"):
                return _Nominal(at, index, reading.tag == "NNS", reading.lemma)
            if reading.tag not in ("JJ", "JJR", "JJS"):
                return None
            index += 1
        return None

    def stretch(self, part: _Nominal) -> tuple[int, int]:
        """Where a nominal is in the text."""
        return self.places[part.first][0], self.places[part.last][1]


@operation
class Voice(TextOperation):
    """Turn simple sentences from active to passive or back: "The dog chased a cat." and "A cat was chased by the dog."

    Args:
        rate: chance of each sentence, 0 to 1. Default 1. Identity: 0.
        mode: "passive", "active" or "both". Default "both".

    English, without a parser: only sentences of a determiner, adjectives and a noun, a verb, and the same again, with
    nothing behind but a word such as "yesterday". All others stay; a text without any says so in its change.

    Paper: Min et al. 2020, "Syntactic data augmentation increases robustness to inference heuristics".

    Helps: entailment and paraphrase data; the meaning stays.
    Hurts: style; long texts, in which it finds few sentences.
    """

    rate: Any = share(1.0)
    mode: Literal["passive", "active", "both"] = "both"

    def check(self) -> None:
        self.one_of("mode", ("passive", "active", "both"))

    def edits_of_all(
        self, pages: Sequence[Page], guard: Protection, numbers: Sequence[Numbers], drawn: Sequence[Mapping[str, float]]
    ) -> Sequence[tuple[Edits, str]]:
        changes: list[tuple[Edits, str]] = []
        for page, some, values in zip(pages, numbers, drawn, strict=True):
            edits: list[Edit] = []
            if values["rate"] > 0:
                for start, end in page.sentences:
                    turned = self._turned(page, start, end, guard)
                    if turned and some() < values["rate"]:
                        edits += turned
            idle = values["rate"] > 0 and bool(page.words) and not edits
            changes.append((edits, "no sentence has a form that it is sure of" if idle else ""))
        return changes

    def _turned(self, page: Page, start: int, end: int, guard: Protection) -> list[Edit]:
        if not page.is_free(start, end, guard) or any(low < start < high for low, high in page.guarded(guard)):
            return []
        if any(low >= start and high <= end for low, high in page.guarded(guard)):
            return []
        places = [place for place in page.words if place[0] >= start and place[1] <= end]
        sentence = _Sentence(page.text, places)
        subject = sentence.nominal(0)
        if subject is None or places[0][0] != start or not all(sentence.joined):
            return []
        edits = []
        if self.mode != "active":
            edits = _passive(page, sentence, subject)
        if not edits and self.mode != "passive":
            edits = _active(page, sentence, subject)
        return edits


def _ends(sentence: _Sentence, index: int) -> bool:
    """Whether nothing stands behind a word but, perhaps, when it was."""
    return all(word in _TIMES for word in sentence.words[index + 1 :])


def _turned_round(page: Page, sentence: _Sentence, one: _Nominal, other: _Nominal, verb: Edit) -> list[Edit]:
    first, second = sentence.stretch(one), sentence.stretch(other)
    homes = page.homes([first, second])
    if homes is not None and homes[0] != homes[1]:
        return []
    # Both begin with a determiner, which is no name.
    front, back = swapped(page.text, first, second)
    return [front, verb, back]


def _passive(page: Page, sentence: _Sentence, subject: _Nominal) -> list[Edit]:
    at = subject.last + 1
    verb = sentence.reading(at) if at < len(sentence.words) else None
    target = sentence.nominal(at + 1)
    if verb is None or verb.tag not in ("VBD", "VBZ", "VB") or target is None or not _ends(sentence, target.last):
        return []
    if verb.lemma in _NO_PASSIVE or target.noun in _NO_OBJECT:
        return []
    participle = inflected(verb.lemma, "VBN", lexicon())
    past = verb.tag == "VBD"
    be = ("were" if past else "are") if target.plural else ("was" if past else "is")
    return _turned_round(page, sentence, subject, target, Edit(*sentence.places[at], f"{be} {participle} by"))


def _active(page: Page, sentence: _Sentence, subject: _Nominal) -> list[Edit]:
    at = subject.last + 1
    if at + 2 >= len(sentence.words) or sentence.words[at] not in ("is", "are", "was", "were"):
        return []
    verb, agent = sentence.reading(at + 1), sentence.nominal(at + 3)
    if verb is None or verb.tag not in ("VBN", "VBD") or sentence.words[at + 2] != "by" or agent is None:
        return []
    if not _ends(sentence, agent.last):
        return []
    past = sentence.words[at] in ("was", "were")
    tag = "VBD" if past else ("VB" if agent.plural else "VBZ")
    form = inflected(verb.lemma, tag, lexicon())
    if form is None:
        return []
    place = sentence.places[at][0], sentence.places[at + 2][1]
    return _turned_round(page, sentence, subject, agent, Edit(*place, form))
