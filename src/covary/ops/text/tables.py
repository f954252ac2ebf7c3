"""Operations that look words up in a table: the user's own, or common misspellings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, TypeAlias

from covary.ops.base import operation
from covary.ops.text.base import TextOperation, share
from covary.ops.text.case import written_like
from covary.ops.text.lists import misspellings
from covary.ops.text.numbers import Numbers
from covary.ops.text.page import Page
from covary.ops.text.protect import Protection
from covary.plan.edits import Edit, Edits

Table: TypeAlias = tuple[tuple[str, tuple[str, ...]], ...]


def as_table(value: Any) -> Table:
    """A mapping of words to one or several replacements, or pairs of them, as plain tuples.

    Raises:
        ValueError: something else.
    """
    pairs = list(value.items()) if isinstance(value, Mapping) else value
    if not isinstance(pairs, Sequence) or isinstance(pairs, str) or not pairs:
        raise ValueError("a mapping of words to their replacements")
    table = []
    for pair in pairs:
        if isinstance(pair, str) or not isinstance(pair, Sequence) or len(pair) != 2:
            raise ValueError("a mapping of words to their replacements")
        word, options = pair
        options = (options,) if isinstance(options, str) else tuple(options)
        if not isinstance(word, str) or not options or not all(isinstance(option, str) for option in options):
            raise ValueError("a mapping of words to their replacements")
        table.append((word, options))
    return tuple(table)


@lru_cache(maxsize=64)
def _looked_up(table: Table) -> Mapping[str, tuple[str, ...]]:
    return {word.lower(): options for word, options in table}


@dataclass(frozen=True, repr=False)
class _ByTable(TextOperation):
    def known(self) -> Mapping[str, tuple[str, ...]]:
        """Words in small letters and what may stand for them."""
        raise TypeError(f"{type(self).__name__} has no table")

    def edits(self, page: Page, guard: Protection, numbers: Numbers, drawn: Mapping[str, float]) -> Edits:
        known, text, rate = self.known(), page.text, drawn["rate"]
        if rate == 0:
            return []
        edits = []
        for start, end in page.free_words(guard):
            options = known.get(text[start:end].lower())
            if options is not None and numbers() < rate:
                new = written_like(text[start:end], numbers.one_of(options))
                if new != text[start:end]:
                    edits.append(Edit(start, end, new))
        return edits


@operation
class WordReplacement(_ByTable):
    """Replace words by a table of your own: dialects, jargon, abbreviations, product names.

    Args:
        table: word -> its replacement or a list of them; the case of a word does not matter and is kept.
        rate: chance of each word that is in the table, 0 to 1. Default 0.5. Identity: 0.

    Helps: words that your users write in several ways.
    Hurts: whatever the table gets wrong.
    """

    table: Any
    rate: Any = share(0.5)

    def check(self) -> None:
        try:
            object.__setattr__(self, "table", as_table(self.table))
        except ValueError as error:
            self.refuse("table", repr(self.table)[:80], str(error))

    def known(self) -> Mapping[str, tuple[str, ...]]:
        return _looked_up(self.table)


@operation
class Misspelling(_ByTable):
    """Write words as they are often misspelt: "recieve", "definately", "seperate".

    Args:
        rate: chance of each word with a known misspelling, 0 to 1. Default 0.3. Identity: 0.

    Helps: reviews, messages, learners' texts.
    Hurts: edited text; spelling itself as a task.
    """

    rate: Any = share(0.3)

    def known(self) -> Mapping[str, tuple[str, ...]]:
        return misspellings()
