"""Operations that ask a model of the user's: masked words, paraphrases, translations there and back.

A model is any callable that takes a list of strings; it is called once for all texts of a batch. What a model says is
checked before it is used, and a text with which it does not succeed stays as it is, with a note of the reason.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import accumulate
from threading import Lock
from typing import TYPE_CHECKING, Any, TypeAlias

from covary.ops.base import operation
from covary.ops.text.base import TextOperation, count_of, share
from covary.ops.text.case import written_like
from covary.ops.text.filters import Limits
from covary.ops.text.lists import STOP_WORDS
from covary.ops.text.numbers import Numbers
from covary.ops.text.page import Page
from covary.ops.text.protect import Protection
from covary.ops.text.segment import Ranges
from covary.plan.edits import Edit, Edits, apply_edits

Rewriter: TypeAlias = Callable[[list[str]], Sequence[str | Sequence[str]]]
Similarity: TypeAlias = Callable[[list[str], list[str]], Sequence[float]]
Accept: TypeAlias = Callable[[list[str], list[str]], Sequence[bool]]

_PIECE = re.compile(r"\w+(?:['’\-]\w+)*|\s+|[^\w\s]")


def difference(old: str, new: str) -> list[Edit]:
    """The edits that lead from one text to another, by whole words: what both have in common is kept."""
    before, after = _PIECE.findall(old), _PIECE.findall(new)
    starts = [0, *accumulate(len(piece) for piece in before)]
    matcher = SequenceMatcher(None, before, after, autojunk=False)
    return [
        Edit(starts[low], starts[high], "".join(after[first:last]))
        for kind, low, high, first, last in matcher.get_opcodes()
        if kind != "equal"
    ]


@operation
class ContextualReplacement(TextOperation):
    """Replace words by what a masked language model expects in their place.

    Args:
        model: called with a list of texts that have a mask each; gives for each a list of (word, score), or of mappings
            with "token_str" and "score" as a fill-mask pipeline of `transformers` does.
        alpha: share of the words, 0 to 1, at least one word. Default 0.1. Identity: 0.
        mask: how the model writes its mask; None: as the model's tokeniser says, else "[MASK]". Default None.
        top: how many of the best words to choose from, by their scores. Default 10.

    Stop words stay. The model must be deterministic for results to be reproducible.

    Paper: Kobayashi 2018, "Contextual augmentation"; Wu et al. 2019, "Conditional BERT contextual augmentation".

    Helps: classification; fluent variety.
    Hurts: labels that hang on the word replaced: models fill in "bad" for "good".
    """

    model: Callable[[list[str]], Sequence[Any]]
    alpha: Any = share(0.1)
    mask: str | None = None
    top: int = 10

    def check(self) -> None:
        if not callable(self.model):
            self.refuse("model", repr(self.model), "a callable that takes a list of texts")
        if isinstance(self.top, bool) or not isinstance(self.top, int) or self.top < 1:
            self.refuse("top", repr(self.top), "a whole number from 1 on")

    def edits_of_all(
        self, pages: Sequence[Page], guard: Protection, numbers: Sequence[Numbers], drawn: Sequence[Mapping[str, float]]
    ) -> Sequence[tuple[Edits, str]]:
        mask = self.mask or getattr(getattr(self.model, "tokenizer", None), "mask_token", None) or "[MASK]"
        places = [
            self._places(page, guard, some, values) for page, some, values in zip(pages, numbers, drawn, strict=True)
        ]
        masked = [
            page.text[:start] + mask + page.text[end:]
            for page, some in zip(pages, places, strict=True)
            for start, end in some
        ]
        replies = list(self.model(masked)) if masked else []
        if len(masked) == 1 and replies and isinstance(replies[0], Mapping):
            replies = [replies]  # transformers gives the answer to a single text without a list around it
        if len(replies) != len(masked):
            raise ValueError(f"ContextualReplacement: the model gave {len(replies)} answers for {len(masked)} texts")
        answers = iter(replies)
        changes = []
        for page, some, each in zip(pages, places, numbers, strict=True):
            edits = []
            for start, end in some:
                new = self._word(page.text[start:end], next(answers), each)
                if new is not None:
                    edits.append(Edit(start, end, new))
            changes.append((edits, "" if edits or not some else "the model offered no other word"))
        return changes

    def _places(self, page: Page, guard: Protection, numbers: Numbers, drawn: Mapping[str, float]) -> Ranges:
        count = count_of(drawn["alpha"], len(page.words))
        words = [(a, b) for a, b in page.free_words(guard) if page.text[a:b].lower() not in STOP_WORDS] if count else []
        return sorted(numbers.sample(words, count))

    def _word(self, old: str, answer: Any, numbers: Numbers) -> str | None:
        if answer and isinstance(answer[0], (list, tuple)) and answer[0] and isinstance(answer[0][0], Mapping):
            answer = answer[0]  # transformers nests the answers of texts with several masks
        offered = [
            (item["token_str"], item["score"]) if isinstance(item, Mapping) else (item[0], item[1]) for item in answer
        ]
        usable = [
            (word.strip(), max(float(score), 0.0))
            for word, score in offered[: self.top]
            if word.strip().replace("-", "").isalpha() and word.strip().lower() != old.lower()
        ]
        total = sum(score for _, score in usable)
        if total <= 0:
            return None
        edges = list(accumulate(score for _, score in usable))
        return written_like(old, usable[min(bisect_right(edges, numbers() * total), len(usable) - 1)][0])


class _Cache:
    """The answers to the texts that were asked last."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._known: OrderedDict[str, tuple[str, ...]] = OrderedDict()
        self._lock = Lock()

    def get(self, text: str) -> tuple[str, ...] | None:
        with self._lock:
            return self._known.get(text)

    def put(self, text: str, answers: tuple[str, ...]) -> None:
        with self._lock:
            self._known[text] = answers
            while len(self._known) > self._size:
                self._known.popitem(last=False)


@dataclass(frozen=True, repr=False, kw_only=True)
class _Rewriting(TextOperation):
    retries: int = 2
    shortest: float = 0.5
    longest: float = 2.0
    least_edits: float = 0.0
    similarity: Similarity | None = None
    least_similarity: float = 0.7
    accept: Accept | None = None
    cache: int = 10_000
    dropping = True

    if TYPE_CHECKING:  # no argument, so no field
        _answers: _Cache

    def check(self) -> None:
        for name in ("retries", "cache"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or value < 0:
                self.refuse(name, repr(value), "a whole number from 0 on")
        if not 0 <= self.shortest <= self.longest:
            self.refuse("shortest", f"{self.shortest} (longest {self.longest})", "0 <= shortest <= longest")
        for name in ("similarity", "accept"):
            if getattr(self, name) is not None and not callable(getattr(self, name)):
                self.refuse(name, repr(getattr(self, name)), "a callable, or None")
        object.__setattr__(self, "_answers", _Cache(self.cache))

    def ask(self, texts: list[str]) -> Sequence[str | Sequence[str]]:
        """What the model makes of the texts."""
        raise TypeError(f"{type(self).__name__} has no model")

    def edits_of_all(
        self, pages: Sequence[Page], guard: Protection, numbers: Sequence[Numbers], drawn: Sequence[Mapping[str, float]]
    ) -> Sequence[tuple[Edits, str]]:
        pending = [index for index, page in enumerate(pages) if page.words]
        changes: list[tuple[Edits, str]] = [((), "") for _ in pages]
        for attempt in range(self.retries + 1):
            if not pending:
                break
            answers, failure = self._answered([pages[index].text for index in pending], attempt)
            left = []
            chosen: list[tuple[int, list[Edit], str]] = []
            for index, offered in zip(pending, answers, strict=True):
                page = pages[index]
                edits, complaint = self._fit(page, guard, numbers[index], offered, failure)
                if edits:
                    chosen.append((index, edits, apply_edits(page.text, edits)))
                else:
                    changes[index] = ((), complaint)
                    left.append(index)
            for (index, edits, _), complaint in zip(chosen, self._judged(pages, chosen), strict=True):
                changes[index] = ((), complaint) if complaint else (edits, "")
                if complaint:
                    left.append(index)
            pending = sorted(left)
        return changes

    def _answered(self, texts: list[str], attempt: int) -> tuple[list[tuple[str, ...]], str]:
        """The answers to the texts, at the first attempt those of the cache; and how the model failed, if it did."""
        known = [self._answers.get(text) if attempt == 0 else None for text in texts]
        unknown = [text for text, answer in zip(texts, known, strict=True) if answer is None]
        try:
            replies = list(self.ask(unknown)) if unknown else []
        except Exception as error:  # a model is the user's, with errors of its own: they must not lose the batch
            return [answer or () for answer in known], f"the model failed: {type(error).__name__}: {error}"
        if len(replies) != len(unknown):
            raise ValueError(f"{type(self).__name__}: the model gave {len(replies)} answers for {len(unknown)} texts")
        fresh = iter(replies)
        answers = []
        for text, answer in zip(texts, known, strict=True):
            if answer is None:
                reply = next(fresh)
                answer = (reply,) if isinstance(reply, str) else tuple(reply)
                self._answers.put(text, answer)
            answers.append(answer)
        return answers, ""

    def _fit(
        self, page: Page, guard: Protection, numbers: Numbers, offered: Sequence[str], failure: str
    ) -> tuple[list[Edit], str]:
        """The edits to the first answer, in random order, that keeps within the limits and what is protected."""
        complaint = failure or "the model gave no answer"
        limits = Limits(self.shortest, self.longest, self.least_edits)
        for new in numbers.sample(list(offered), len(offered)):
            complaint = limits.complaint(page.text, new)
            if complaint:
                continue
            edits = difference(page.text, new)
            if all(page.is_free(edit.start, edit.end, guard) for edit in edits):
                return edits, ""
            complaint = "it changes what is protected"
        return [], complaint

    def _judged(self, pages: Sequence[Page], chosen: Sequence[tuple[int, list[Edit], str]]) -> list[str]:
        """What the user's own judges have against each text, "" for nothing."""
        old, new = [pages[index].text for index, _, _ in chosen], [text for _, _, text in chosen]
        complaints = [""] * len(chosen)
        if chosen and self.similarity is not None:
            for place, likeness in enumerate(self.similarity(old, new)):
                if likeness < self.least_similarity:
                    complaints[place] = f"its similarity is {likeness:.3g}"
        if chosen and self.accept is not None:
            for place, accepted in enumerate(self.accept(old, new)):
                if not accepted:
                    complaints[place] = complaints[place] or "it was not accepted"
        return complaints


@operation
class Paraphrase(_Rewriting):
    """Let a model say a text in other words.

    Args:
        model: called with a list of texts; gives for each its paraphrase, or several to choose from.
        retries: how often to ask again where no answer fits. Default 2.
        shortest, longest: words of the answer over those of the original. Default 0.5 to 2.
        least_edits: least share of the words that differ, 0 to 1. Default 0: anything but the original.
        similarity: called with the originals and the answers; gives a number for each pair. Default: none.
        least_similarity: what that number must reach. Default 0.7.
        accept: called with the originals and the answers; says for each whether it may be used, such as whether your
            classifier still gives the label. Default: all may.
        cache: how many answers to remember, in this process. Default 10,000.

    Words that both texts have stay as they were, with their spans; spans whose words are gone are reported as dropped.
    Answers that repeat themselves are refused.

    Helps: small data sets; the strongest variations there are.
    Hurts: span labels, facts and numbers that a model changes without a word.
    """

    model: Rewriter

    def check(self) -> None:
        _Rewriting.check(self)
        if not callable(self.model):
            self.refuse("model", repr(self.model), "a callable that takes a list of texts")

    def ask(self, texts: list[str]) -> Sequence[str | Sequence[str]]:
        return self.model(texts)


@operation
class BackTranslation(_Rewriting):
    """Translate a text into another language and back.

    Args:
        there: called with a list of texts; gives for each its translation.
        back: the same the other way.
        retries: how often to ask again where no answer fits. Default 2.
        shortest, longest: words of the answer over those of the original. Default 0.5 to 2.
        least_edits: least share of the words that differ, 0 to 1. Default 0: anything but the original.
        similarity: called with the originals and the answers; gives a number for each pair. Default: none.
        least_similarity: what that number must reach. Default 0.7.
        accept: called with the originals and the answers; says for each whether it may be used. Default: all may.
        cache: how many answers to remember, in this process. Default 10,000.

    Paper: Sennrich, Haddow and Birch 2016, "Improving neural machine translation models with monolingual data".

    Helps: classification, questions, consistency training.
    Hurts: names, numbers, code and spans.
    """

    there: Callable[[list[str]], Sequence[str]]
    back: Callable[[list[str]], Sequence[str]]

    def check(self) -> None:
        _Rewriting.check(self)
        for name in ("there", "back"):
            if not callable(getattr(self, name)):
                self.refuse(name, repr(getattr(self, name)), "a callable that takes a list of texts")

    def ask(self, texts: list[str]) -> Sequence[str | Sequence[str]]:
        return self.back(list(self.there(texts)))
