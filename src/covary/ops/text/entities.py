"""Operations that exchange names: of the user's own entities, of people, and words by gender."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache, lru_cache
from itertools import pairwise
from typing import Any

from covary.ops.base import operation
from covary.ops.text.base import TextOperation, share
from covary.ops.text.case import written_like
from covary.ops.text.lists import FEMALE_NAMES, GENDER_PAIRS, MALE_NAMES, STOP_WORDS
from covary.ops.text.numbers import Numbers
from covary.ops.text.page import Page
from covary.ops.text.protect import Protection
from covary.ops.text.tables import Table, as_table
from covary.plan.edits import Edit, Edits


def gazetteer(texts: Iterable[str], spans: Iterable[Iterable[Any]]) -> dict[str, list[str]]:
    """The entities that occur in labelled texts, by label.

    Args:
        texts: the texts.
        spans: for each its spans, in any form that a pipeline takes.

    Returns:
        label -> its entities in alphabetical order.
    """
    from covary.targets.spans import read_spans

    found: dict[str, set[str]] = {}
    for text, each in zip(texts, spans, strict=True):
        for start, end, label in read_spans(list(each), "spans", text):
            if label is not None and text[start:end].strip():
                found.setdefault(str(label), set()).add(text[start:end])
    return {label: sorted(entities) for label, entities in sorted(found.items())}


@lru_cache(maxsize=64)
def _by_label(table: Table) -> Mapping[str, tuple[str, ...]]:
    return dict(table)


@operation
class EntitySwap(TextOperation):
    """Replace labelled spans by other entities with the same label (mention replacement).

    Args:
        gazetteer: label -> entities; `covary.text.gazetteer(texts, spans)` collects them from your own data.
        rate: chance of each span whose label is known, 0 to 1. Default 0.5. Identity: 0.

    The same entity in one text is replaced by the same other one.

    Paper: Dai and Adel 2020, "An analysis of simple data augmentation for named entity recognition".

    Helps: named entity recognition from few examples.
    Hurts: facts, relations between entities, agreement with words around (gender, number).
    """

    gazetteer: Any
    rate: Any = share(0.5)

    def check(self) -> None:
        try:
            object.__setattr__(self, "gazetteer", as_table(self.gazetteer))
        except ValueError:
            self.refuse("gazetteer", repr(self.gazetteer)[:80], "a mapping of labels to lists of entities")

    def edits(self, page: Page, guard: Protection, numbers: Numbers, drawn: Mapping[str, float]) -> Edits:
        known, rate = _by_label(self.gazetteer), drawn["rate"]
        edits: list[Edit] = []
        chosen: dict[tuple[object, str], str | None] = {}
        for start, end, label, _ in sorted(page.spans, key=lambda span: (span.start, -span.end)):
            others = known.get(str(label))
            if others is None or (edits and start < edits[-1].end) or not page.is_free(start, end, guard):
                continue
            old = page.text[start:end]
            if (label, old) not in chosen:
                offered = [other for other in others if other != old]
                chosen[label, old] = numbers.one_of(offered) if offered and numbers() < rate else None
            new = chosen[label, old]
            if new is not None and all(not start < other.end or not end > other.start or _within(other, start, end)
                                       for other in page.spans):  # fmt: skip
                edits.append(Edit(start, end, new))
        return edits


def _within(other: Any, start: int, end: int) -> bool:
    """Whether the replacement leaves another span something to mark: it is the same part, or holds it."""
    return bool(other.start <= start and other.end >= end)


@cache
def _names() -> Mapping[str, tuple[str, ...]]:
    return {name: group for group in (MALE_NAMES, FEMALE_NAMES) for name in group}


@operation
class NameSwap(TextOperation):
    """Replace given names by others, the same name by the same one throughout a text.

    Args:
        rate: chance of each name, 0 to 1. Default 1. Identity: 0.
        names: groups of names that may stand for each other, lists of strings. Default: common English given names,
            male and female apart.

    Helps: a model should not hang on who it is about; fairness tests.
    Hurts: well-known people, genders that other words of the text tell (of your own groups), facts.
    """

    rate: Any = share(1.0)
    names: Any = None

    def check(self) -> None:
        if self.names is None:
            return
        groups = tuple(tuple(group) for group in self.names)
        if not groups or not all(len(group) > 1 and all(isinstance(name, str) for name in group) for group in groups):
            self.refuse("names", repr(self.names)[:80], "lists of at least two names each, or None")
        object.__setattr__(self, "names", groups)

    def edits(self, page: Page, guard: Protection, numbers: Numbers, drawn: Mapping[str, float]) -> Edits:
        known = _names() if self.names is None else {name: group for group in self.names for name in group}
        text, rate = page.text, drawn["rate"]
        chosen: dict[str, str | None] = {}
        edits = []
        for start, end in page.free_words(guard):
            old, ending = _bare(text[start:end])
            if old not in known:
                continue
            if old not in chosen:
                others = [name for name in known[old] if name != old]
                chosen[old] = numbers.one_of(others) if numbers() < rate else None
            new = chosen[old]
            if new is not None:
                edits.append(Edit(start, end - len(ending), new))
        return edits


def _bare(word: str) -> tuple[str, str]:
    """A name and its ending: "Anna's" is "Anna" and "'s"."""
    for ending in ("'s", "’s"):
        if word.endswith(ending):
            return word[: -len(ending)], ending
    return word, ""


@cache
def _genders() -> Mapping[str, str]:
    pairs = [(entry.split()[0], entry.split()[1]) for entry in GENDER_PAIRS]
    return {female: male for male, female in reversed(pairs)} | dict(pairs)


@cache
def _paired_names() -> Mapping[str, str]:
    pairs = list(zip(MALE_NAMES, FEMALE_NAMES, strict=False))
    return dict(pairs) | {female: male for male, female in pairs}


@operation
class GenderSwap(TextOperation):
    """Exchange words by gender throughout a text: he and she, man and woman, actor and actress.

    Args:
        names: whether given names are exchanged as well. Default True.

    "her" becomes "his" before a word that may be owned and "him" elsewhere; "his" becomes "her" or "hers".

    Paper: Zhao et al. 2018, "Gender bias in coreference resolution".

    Helps: fairness; coreference; models that should not tell people apart by gender.
    Hurts: facts about people, titles, texts about gender, medicine.
    """

    names: bool = True

    def edits(self, page: Page, guard: Protection, numbers: Numbers, drawn: Mapping[str, float]) -> Edits:
        text = page.text
        edits = []
        free = page.free_words(guard)
        for (start, end), behind in pairwise([*free, (len(text), len(text))]):
            word, ending = _bare(text[start:end])
            new = self._other(word, text[end : behind[0]], text[slice(*behind)])
            if new is not None and new != word:
                edits.append(Edit(start, end - len(ending), new))
        return edits

    def _other(self, word: str, gap: str, behind: str) -> str | None:
        lowered = word.lower()
        owns = bool(behind) and not gap.strip() and behind.lower() not in STOP_WORDS and not behind.endswith("ly")
        if lowered == "her":
            return written_like(word, "his" if owns else "him")
        if lowered == "his":
            return written_like(word, "her" if owns else "hers")
        if lowered in _genders():
            return written_like(word, _genders()[lowered])
        return _paired_names().get(word) if self.names else None
