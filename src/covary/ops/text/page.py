"""A text on its way through the operations."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from typing import NamedTuple

from covary.ops.text.protect import Protection
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
        "_guard", "_guarded", "_sentences", "_words",
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
            self._guarded = guard.ranges(self.text, ((s.start, s.end, s.label) for s in self.spans), self.fixed)
            self._guard = guard
        return self._guarded

    def free_words(self, guard: Protection) -> Ranges:
        """The words of which no part is protected."""
        guarded = self.guarded(guard)
        return [word for word in self.words if _is_free(word, guarded)] if guarded else self.words

    def is_free(self, start: int, end: int, guard: Protection) -> bool:
        """Whether no part of text[start:end] is protected (nor lies strictly inside what is, if it is empty)."""
        return _is_free((start, end), self.guarded(guard))

    def removal(self, start: int, end: int) -> Edit:
        """The deletion of a word together with white space on one side: before it if there is some, else behind it.

        At the start of a line, and of a span that goes on, the white space behind goes; line ends stay.
        """
        text = self.text
        before = start
        while before > 0 and text[before - 1] in " \t":
            before -= 1
        behind = end
        while behind < len(text) and text[behind] in " \t":
            behind += 1
        opens_line = before == 0 or text[before - 1] in "\r\n"
        opens_span = any(span.start == start and span.end > end for span in self.spans)
        if (opens_line or opens_span or before == start) and behind > end:
            closed = behind == len(text) or not text[behind].isalnum()
            if opens_line or opens_span or not closed:
                return Edit(start, behind, "")
        return Edit(before, end, "") if before < start and not opens_span else Edit(start, end, "")

    def removals(self, words: Ranges) -> list[Edit]:
        """The deletion of several words in order, see `removal`."""
        edits: list[Edit] = []
        last = 0
        for word in words:
            edit = self.removal(*word)
            if edit.start < last:  # the word before took the white space already
                edit = Edit(last, edit.end, "")
            edits.append(edit)
            last = edit.end
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
            if start < end and move_span(admitted, start, end) is None:
                admitted = [
                    edit
                    for edit in admitted
                    if edit.copies
                    or edit.end <= start
                    or edit.start >= end
                    or (dropping and edit.start <= start and edit.end >= end)
                    or (not dropping and edit.text and edit.start >= start and edit.end <= end)
                ]
        return admitted

    def change(self, operation: str, edits: Edits, note: str = "", *, dropping: bool = False) -> None:
        """Make the edits, and take everything marked along."""
        if edits and self.spans:
            edits = self.admitted(edits, dropping)
        if edits or note:
            self.changes.append(Change(operation, tuple(edits), note))
        if not edits:
            return
        before, self.text = self.text, apply_edits(self.text, edits)
        self.edits = compose(self.edits, edits)
        if self.spans:
            self._move_spans(edits, before)
        if self.fixed:
            self.fixed = [place for start, end in self.fixed if (place := move_span(edits, start, end)) is not None]
        if self.tree is not None:
            self.tree = self.tree.moved(edits)
        self._words = self._sentences = self._guard = None

    def _move_spans(self, edits: Edits, before: str) -> None:
        kept = []
        for span in self.spans:
            place = move_span(edits, span.start, span.end)
            if place is None or (_says(before, span.start, span.end) and not _says(self.text, *place)):
                self.dropped.append(span)
            else:
                kept.append(Span(*place, span.label, span.mark))
        self.spans = kept


def _says(text: str, start: int, end: int) -> bool:
    """Whether there is a letter or digit in text[start:end]; brackets and blanks alone are no words."""
    return any(character.isalnum() for character in text[start:end])


def _is_free(place: tuple[int, int], guarded: Ranges) -> bool:
    start, end = place
    index = bisect_right(guarded, start, key=lambda part: part[1])
    if index == len(guarded):
        return True
    low, high = guarded[index]
    return low >= end if start < end else not low < start < high
