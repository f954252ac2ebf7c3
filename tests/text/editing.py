"""Edits of any Unicode string, and a slow oracle that follows every character by itself."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import strategies as st

from covary.plan.edits import Copy, Edit

# Lone surrogates, combining marks, right-to-left letters, emoji sequences, line ends and tabs, beside everything else.
AWKWARD = [
    "e\u0301",
    "👩\u200d👩\u200d👧",
    "🇩🇪",
    "\u05e9\u05dc\u05d5\u05dd",
    "\u202e",
    "\r\n",
    "\t",
    "\ud83d",
    "한",
    "ß",
    "\ufeff",
]
texts = st.lists(st.one_of(st.characters(), st.sampled_from(AWKWARD), st.sampled_from("ab c.")), max_size=24).map(
    "".join
)


@st.composite
def edits_of(draw: st.DrawFn, text: str, copies: bool = True) -> list[Edit]:
    """A sorted list of edits of this text, some with copies of parts of it."""
    ends = sorted(draw(st.lists(st.integers(0, len(text)), max_size=8).filter(lambda ends: len(ends) % 2 == 0)))
    edits = []
    for start, end in zip(ends[::2], ends[1::2], strict=True):
        replacement, taken = draw(st.text("xyz", max_size=4)), ()
        if copies and draw(st.booleans()):
            low, high = sorted(draw(st.tuples(st.integers(0, len(text)), st.integers(0, len(text)))))
            taken = (Copy(len(replacement), low, high),)
            replacement += text[low:high] + draw(st.text("xyz", max_size=2))
        edits.append(Edit(start, end, replacement, taken))
    return edits


Traced = list[tuple[str, int | None]]


def follow(traced: Traced, edits: Sequence[Edit]) -> Traced:
    """The characters after the edits, each with the index in the original that it came from, or None."""
    result: Traced = []
    last = 0
    for edit in edits:
        written: Traced = [(character, None) for character in edit.text]
        for copy in edit.copies:
            written[copy.at : copy.at + copy.end - copy.start] = traced[copy.start : copy.end]
        result += traced[last : edit.start] + written
        last = edit.end
    return result + traced[last:]


def traced(text: str) -> Traced:
    return [(character, index) for index, character in enumerate(text)]
