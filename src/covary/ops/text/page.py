"""A text on its way through the operations."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from typing import NamedTuple
from unicodedata import category

from covary.ops.text.protect import Protection
from covary.ops.text.scan import FEWEST, scan
from covary.ops.text.segment import Ranges, sentences, words
from covary.ops.text.trees import Tree
from covary.plan.edits import Edit, Edits, apply_edits, compose, move_span


class Span(NamedTuple):
    """A labelled part of the text.

    Attributes:
        start, end: offsets.
        label: whatever the user has for one; looked at only where an operation or `protect=` asks for labels.
        mark: what the span is for its owner, who finds it again by this number.
    """

    start: int
    end: int
    label: object
    mark: int


class Change(NamedTuple):
    """What one operation did to one text.

    Attributes:
        operation: its name in the pipeline.
        edits: of the text as the operation found it.
        note: why nothing was done where something was expected, or "".
    """

    operation: str
    edits: tuple[Edit, ...]
    note: str


class Page:
    """One text as it stands at one point of the pipeline, with what is marked in it.

    Attributes:
        original: the text that came in.
        text: the text now.
        edits: of the original, that lead to it.
        spans: the marked parts, where they are now.
        dropped: spans of which nothing was left.
        changes: what each operation did.
        fixed: parts that the sample itself protects, where they are now.
        tree: the dependency tree of the text now, where one is known.
    """

    __slots__ = (
        "_guard", "_guarded", "_sentences", "_signs", "_words",
        "changes", "dropped", "edits", "fixed", "original", "spans", "text", "tree",
    )  # fmt: skip

    def __init__(self, text: str, spans: Sequence[Span] = (), fixed: Ranges | None = None) -> None:
        self.original = self.text = text
        self.spans = list(spans)
        self.fixed = fixed or []
        self.edits: list[Edit] = []
        self.tree: Tree | None = None
        self.dropped: list[Span] = []
        self.changes: list[Change] = []
        self._words: Ranges | None = None
        self._signs: int | None = None
        self._sentences: Ranges | None = None
        self._guard: Protection | None = None
        self._guarded: Ranges = []

    @property
    def words(self) -> Ranges:
        """Where the words are."""
        if self._words is None:
            self._words = words(self.text)
        return self._words

    @property
    def sentences(self) -> Ranges:
        """Where the sentences are."""
        if self._sentences is None:
            self._sentences = sentences(self.text)
        return self._sentences

    def guarded(self, guard: Protection) -> Ranges:
        """The protected parts, sorted and disjoint."""
        if guard is not self._guard:
            spans = ((span.start, span.end, span.label) for span in self.spans) if self.spans else ()
            self._guarded = guard.ranges(self.text, spans, self.fixed, self._signs)
            self._guard = guard
        return self._guarded

    def guarded_by_signs(self, guard: Protection, signs: int) -> Ranges:
        """The protected parts, where it is known what signs of them the text has."""
        if guard is not self._guard:
            self._signs = signs
            if guard.nothing_in(signs) and not self.fixed and not self.spans:
                self._guard, self._guarded = guard, []
        return self.guarded(guard)

    @property
    def is_plain(self) -> bool:
        """Whether this is ASCII text without spans."""
        return not self.spans and self.text.isascii()

    def free_words(self, guard: Protection) -> Ranges:
        """The words of which no part is protected."""
        guarded = self._guarded if guard is self._guard else self.guarded(guard)
        words = self.words if self._words is None else self._words
        return _outside(words, guarded) if guarded else words

    def is_free(self, start: int, end: int, guard: Protection) -> bool:
        """Whether no part of text[start:end] is protected (nor lies strictly inside what is, if it is empty)."""
        return _is_free((start, end), self.guarded(guard))

    def removal(self, start: int, end: int, leading: bool = False) -> Edit:
        """The deletion of a word together with white space on one side: before it if there is some, else behind it.

        At the start of a line, of a span that goes on, and where `leading` says that the white space before is gone
        already, the white space behind goes; line ends stay.
        """
        text = self.text
        before = start
        while not leading and before > 0 and text[before - 1] in " \t":
            before -= 1
        behind = end
        while behind < len(text) and text[behind] in " \t":
            behind += 1
        opens = leading or before == 0 or text[before - 1] in "\r\n"
        opens = opens or any(span.start == start and span.end > end for span in self.spans)
        if opens and behind > end:
            return Edit(start, behind, "")
        if before == start and behind > end and behind < len(text) and text[behind].isalnum():
            return Edit(start, behind, "")
        return Edit(start if opens else before, end, "")

    def removals(self, words: Ranges) -> list[Edit]:
        """The deletion of several words in order, see `removal`."""
        edits: list[Edit] = []
        for start, end in words:
            leading = bool(edits) and edits[-1].end == start
            edits.append(self.removal(start, end, leading))
        return edits

    def homes(self, parts: Ranges) -> list[frozenset[int]] | None:
        """For each part (a word, a sentence) the spans that it must not leave; None where there are no spans.

        Parts with equal homes may change places. A part that holds only one end of a span may not move at all: its home
        is like no other.
        """
        if not self.spans:
            return None
        homes = []
        for index, (start, end) in enumerate(parts):
            home = set()
            for mark, (low, high, _, _) in enumerate(self.spans):
                if low < end and high > start and not start <= low <= high <= end:
                    home.add(mark if low <= start and high >= end else -1 - index)
            homes.append(frozenset(home))
        return homes

    def admitted(self, edits: Edits, dropping: bool) -> list[Edit]:
        """The edits without those that cross the edge of a span or, unless `dropping`, leave nothing of one.

        Edits with copies come from operations that see to spans themselves.
        """
        admitted = list(edits)
        for start, end, _, _ in self.spans:
            if start < end and not self._outlives(admitted, start, end):
                admitted = [
                    edit
                    for edit in admitted
                    if edit.copies
                    or edit.end <= start
                    or edit.start >= end
                    or (dropping and (edit.start <= start and edit.end >= end))
                    or (edit.start >= start and edit.end <= end and (dropping or edit.text))
                ]
        return admitted

    def _outlives(self, edits: Edits, start: int, end: int) -> bool:
        """Whether a span goes on after the edits, with something in it that says something."""
        if move_span(edits, start, end) is None:
            return False
        inside = [edit for edit in edits if start <= edit.start < edit.end <= end]
        if not inside or any(edit.text for edit in inside) or not _says(self.text, start, end):
            return True
        left, last = "", start
        for edit in inside:
            left += self.text[last : edit.start]
            last = edit.end
        return _says(left + self.text[last:end], 0, end)

    def change(
        self, operation: str, edits: Edits, note: str = "", *, dropping: bool = False, text: str | None = None
    ) -> None:
        """Make the edits, and take everything marked along.

        Args:
            operation: whose edits they are.
            edits: of the text.
            note: why there are none, where there is a reason to say.
            dropping: whether a span may go with its words.
            text: the text after the edits, where somebody has made it; only without spans.
        """
        if edits and self.spans:
            edits = self.admitted(edits, dropping)
        if edits or note:
            self.changes.append(Change(operation, tuple(edits), note))
        if not edits:
            return
        before, self.text = self.text, apply_edits(self.text, edits) if text is None else text
        self.edits = compose(self.edits, edits)
        if self.spans:
            self._move_spans(edits, before)
        if self.fixed:
            self.fixed = [place for start, end in self.fixed if (place := move_span(edits, start, end)) is not None]
        if self.tree is not None:
            self.tree = self.tree.moved(edits)
        self._words = self._signs = self._sentences = self._guard = None

    def _move_spans(self, edits: Edits, before: str) -> None:
        kept = []
        for span in self.spans:
            place = move_span(edits, span.start, span.end)
            if place is None or (
                _says(before, *span[:2]) and not _says(self.text, *place) and not _written(edits, span)
            ):
                self.dropped.append(span)
            else:
                kept.append(Span(*place, span.label, span.mark))
        self.spans = kept


def _says(text: str, start: int, end: int) -> bool:
    """Whether there is more than punctuation and white space in text[start:end]."""
    part = text[start:end]
    return any(map(str.isalnum, part)) or any(category(character)[0] not in "PZC" for character in part)


def _written(edits: Edits, span: Span) -> bool:
    """Whether something new was written in a span."""
    return any(edit.text and span.start <= edit.start and edit.end <= span.end for edit in edits)


def _outside(words: Ranges, guarded: Ranges) -> Ranges:
    """The words of which no part is in one of the guarded parts, both in order."""
    free: Ranges = []
    parts = iter(guarded)
    low, high = next(parts)
    for index, word in enumerate(words):
        start, end = word
        while high <= start:
            part = next(parts, None)
            if part is None:
                return free + words[index:]
            low, high = part
        if low >= end:
            free.append(word)
    return free


def scan_pages(pages: Sequence[Page], guard: Protection) -> None:
    """Find the words and signs of all pages that nobody has looked at, together where that is faster.

    Args:
        pages: of a batch.
        guard: what will be asked for first.
    """
    new = [page for page in pages if page._words is None and page.text.isascii()]
    if len(new) < FEWEST:
        return
    for page, places, signs in zip(new, *scan([page.text for page in new]), strict=True):
        page._words = places
        page.guarded_by_signs(guard, signs)


def _is_free(place: tuple[int, int], guarded: Ranges) -> bool:
    start, end = place
    index = bisect_right(guarded, start, key=lambda part: part[1])
    if index == len(guarded):
        return True
    low, high = guarded[index]
    return low >= end if start < end else not low < start < high
