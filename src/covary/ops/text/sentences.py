"""Operations on sentences, and on stretches of a text."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, Literal

from covary.draws.distributions import Uniform
from covary.ops.base import operation, ranged
from covary.ops.text.base import TextOperation, share
from covary.ops.text.case import written_like
from covary.ops.text.characters import picked
from covary.ops.text.numbers import Numbers
from covary.ops.text.page import Page
from covary.ops.text.protect import KINDS, Protection, protection
from covary.ops.text.segment import Ranges
from covary.plan.edits import Copy, Edit, Edits


def rearranged(text: str, places: Ranges, order: Sequence[int]) -> list[Edit]:
    """The edits that put part order[i] into place i; parts take their spans along."""
    edits = []
    for place, part in enumerate(order):
        if place != part:
            start, end = places[part]
            edits.append(Edit(*places[place], text[start:end], (Copy(0, start, end),)))
    return edits


@operation
class SentenceShuffle(TextOperation):
    """Let sentences change places; the white space between the places stays.

    Args:
        rate: share of the sentences that may move, 0 to 1; at least two do. Default 1. Identity: 0.

    Spans move with their sentences; sentences that a span holds together stay where they are.

    Helps: classification of documents whose sentences stand side by side (reviews).
    Hurts: stories, arguments, dialogues, coreference.
    """

    rate: Any = share(1.0)

    def edits(self, page: Page, guard: Protection, numbers: Numbers, drawn: Mapping[str, float]) -> Edits:
        places = page.sentences
        if drawn["rate"] == 0 or len(places) < 2:
            return []
        chosen = sorted(numbers.sample(list(range(len(places))), max(2, round(drawn["rate"] * len(places)))))
        homes = page.homes(places)
        order = list(range(len(places)))
        groups: dict[Any, list[int]] = {}
        for place in chosen:
            groups.setdefault(None if homes is None else homes[place], []).append(place)
        for group in groups.values():
            for place, part in zip(group, numbers.sample(group, len(group)), strict=True):
                order[place] = part
        return rearranged(page.text, places, order)


@operation
class SentenceDeletion(TextOperation):
    """Leave sentences out.

    Args:
        rate: chance of each sentence, 0 to 1. Default 0.1. Identity: 0.

    At least one sentence stays, and all that hold something that you have named to be protected. Spans of the others
    are reported as dropped.

    Helps: classification of documents; robustness to missing context.
    Hurts: answers that stood in the sentence; stories.
    """

    rate: Any = share(0.1)
    dropping = True
    # A number or an address may go with its sentence.
    lifts = tuple(KINDS)

    def edits(self, page: Page, guard: Protection, numbers: Numbers, drawn: Mapping[str, float]) -> Edits:
        rate = drawn["rate"]
        if rate == 0:
            return []
        places = page.sentences
        guarded = page.guarded(guard)
        chosen = [
            place
            for place, u in zip(places, numbers.several(len(places)), strict=True)
            if u < rate and not any(low < place[1] and high > place[0] for low, high in guarded)
        ]
        if chosen and len(chosen) == len(places):
            chosen.pop(numbers.below(len(chosen)))
        return page.removals(chosen)


@operation
class SentenceInsertion(TextOperation):
    """Put sentences between those of the text.

    Args:
        rate: share of the places before sentences at which one comes, 0 to 1. Default 0.1. Identity: 0.
        pool: the sentences to choose from, such as neutral ones of your own data. Default: those of the text itself.

    Helps: robustness to what is beside the point; long documents.
    Hurts: summaries, counts, coreference; a pool whose sentences carry another label.
    """

    rate: Any = share(0.1)
    pool: Sequence[str] | None = None

    def check(self) -> None:
        if self.pool is not None:
            if isinstance(self.pool, str) or not self.pool or not all(isinstance(each, str) for each in self.pool):
                self.refuse("pool", repr(self.pool)[:80], "a list of sentences, or None")
            object.__setattr__(self, "pool", tuple(self.pool))

    def edits(self, page: Page, guard: Protection, numbers: Numbers, drawn: Mapping[str, float]) -> Edits:
        if drawn["rate"] == 0:
            return []
        places = page.sentences
        own = [page.text[start:end] for start, end in places]
        free = [start for start, _ in places if page.is_free(start, start, guard)]
        return [
            Edit(start, start, f"{numbers.one_of(self.pool or own)} ") for start in picked(free, drawn["rate"], numbers)
        ]


@operation
class SpanCrop(TextOperation):
    """Keep a stretch of the text, a run of words at a random place, and leave out what is before and behind.

    Args:
        keep: share of the words that stay, 0 to 1. Default 0.6 to 1. Identity: 1.

    The stretch is extended so that it cuts through no span, address, number or the like. Spans outside are reported as
    dropped. Where it would leave out something that you have named to be protected, the text stays as it is.

    Helps: long documents, contrastive learning (two crops of one text are a pair).
    Hurts: labels that hang on a part that is gone; grammar at the ends.
    """

    keep: Any = ranged(default=Uniform(0.6, 1.0, identity=1), low=0, high=1)
    dropping = True
    lifts = tuple(KINDS)

    def edits(self, page: Page, guard: Protection, numbers: Numbers, drawn: Mapping[str, float]) -> Edits:
        places = page.words
        count = max(1, round(drawn["keep"] * len(places)))
        if count >= len(places):
            return []
        first = numbers.below(len(places) - count + 1)
        start, end = places[first][0], places[first + count - 1][1]
        whole = [(span.start, span.end) for span in page.spans] + protection(()).ranges(
            page.text, (), page.guarded(guard)
        )
        while True:
            cut = [
                part for part in whole if part[0] < end and part[1] > start and not start <= part[0] <= part[1] <= end
            ]
            if not cut:
                break
            start, end = min(start, *(part[0] for part in cut)), max(end, *(part[1] for part in cut))
        text = page.text
        edits = [Edit(0, start, "")] if text[:start].strip() else []
        if text[end:].strip() and any(place[1] > end for place in places):
            edits.append(Edit(end, len(text), ""))
        return edits if self._keeps_protected(edits, page.guarded(guard)) else []

    def _keeps_protected(self, edits: Edits, guarded: Ranges) -> bool:
        return not any(edit.start < high and edit.end > low for edit in edits for low, high in guarded)


_NOT = "is are was were do does did has have had would could should must might need ought".split()
_EXPANDED = (
    {f"{verb}n't": f"{verb} not" for verb in _NOT}
    | {"can't": "cannot", "won't": "will not", "shan't": "shall not", "i'm": "I am", "let's": "let us"}
    | {f"{who}'re": f"{who} are" for who in "you we they".split()}
    | {f"{who}'ve": f"{who} have" for who in "I you we they".split()}
    | {f"{who}'ll": f"{who} will" for who in "I you he she it we they".split()}
    | {f"{who}'s": f"{who} is" for who in "he she it that there what who where here".split()}
)


@cache
def _expansions() -> Mapping[str, str]:
    return {short.lower(): long for short, long in _EXPANDED.items()}


@cache
def _contractions() -> tuple[re.Pattern[str], Mapping[str, str]]:
    table = {long.lower(): short for short, long in _EXPANDED.items()} | {"can not": "can't"}
    # "they will not" is "they won't" rather than "they'll not".
    forms = "|".join(f"{re.escape(long)}(?! not)" if table[long][-2:] != "'t" else long for long in sorted(table))
    return re.compile(rf"(?<!\w)(?:{forms})(?!\w|['’-]\w)", re.IGNORECASE), table


@operation
class Contractions(TextOperation):
    """Write "do not" for "don't", or the other way: the meaning stays word for word.

    Args:
        rate: chance of each place, 0 to 1. Default 0.5. Identity: 0.
        mode: "expand", "contract" or "both". Default "both".

    English. "it's" and the like are expanded to "is", and left where they may mean "has" ("it's been").

    Helps: texts of all registers; a safe variation.
    Hurts: authorship, register as a task.
    """

    rate: Any = share(0.5)
    mode: Literal["expand", "contract", "both"] = "both"

    def check(self) -> None:
        self.one_of("mode", ("expand", "contract", "both"))

    def edits(self, page: Page, guard: Protection, numbers: Numbers, drawn: Mapping[str, float]) -> Edits:
        rate = drawn["rate"]
        found = [] if self.mode == "contract" else self._long(page, guard)
        if self.mode != "expand":
            found += self._short(page, guard)
        return [edit for edit in sorted(found) if numbers() < rate]

    def _long(self, page: Page, guard: Protection) -> list[Edit]:
        text, places = page.text, page.free_words(guard)
        edits = []
        for index, (start, end) in enumerate(places):
            word = text[start:end].replace("’", "'")
            long = _expansions().get(word.lower())
            if long is None:
                continue
            behind = text[slice(*places[index + 1])].lower() if index + 1 < len(places) else ""
            if long.endswith(" is") and (behind in ("been", "got", "had") or behind.endswith(("ed", "en"))):
                continue
            edits.append(Edit(start, end, _cased(word, long)))
        return edits

    def _short(self, page: Page, guard: Protection) -> list[Edit]:
        pattern, table = _contractions()
        text = page.text
        edits = []
        for match in pattern.finditer(text):
            short = table[match[0].lower()]
            ends = not short.endswith("n't") and not re.match(r"[^\S\n]+\w", text[match.end() :])  # "yes, it is"
            if not ends and page.is_free(*match.span(), guard):
                edits.append(Edit(*match.span(), _cased(match[0], short)))
        return edits


def _cased(old: str, new: str) -> str:
    if new[0] == "I" and not old.isupper():
        return new
    return (
        written_like(old, new)
        if old.isupper() and len(old) > 3
        else (new[0].upper() if old[0].isupper() else new[0]) + new[1:]
    )
