"""A change of a text: a list of edits on the original string, how such lists combine, and where offsets go.

The edits of a list are sorted and do not overlap; they may touch. What no edit covers stays as it is. An edit may say
that parts of its replacement are copies of other parts of the original: that is how a moved sentence takes its spans
along.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from typing import Literal, NamedTuple, TypeAlias

Side: TypeAlias = Literal["left", "right"]


class Copy(NamedTuple):
    """A part of a replacement that came from elsewhere in the original.

    Attributes:
        at: where it begins in the replacement.
        start, end: what it was in the original; it is as long there, though its case may have changed.
    """

    at: int
    start: int
    end: int


class Edit(NamedTuple):
    """The replacement of original[start:end] by `text`; an insertion where start == end.

    Attributes:
        start, end: offsets in the original, in characters.
        text: what stands there now; "" deletes.
        copies: the parts of `text` that moved here from elsewhere.
    """

    start: int
    end: int
    text: str
    copies: tuple[Copy, ...] = ()


Edits: TypeAlias = Sequence[Edit]


def checked(edits: Edits, length: int) -> Edits:
    """The edits, after a check that they are a list for an original of this length.

    Raises:
        ValueError: an edit lies outside, is out of order, overlaps its neighbour, or copies what is not there.
    """
    last = 0
    for edit in edits:
        if not last <= edit.start <= edit.end <= length:
            raise ValueError(f"{edit} is out of order, overlaps another edit or lies outside the {length} characters")
        for copy in edit.copies:
            if not (0 <= copy.start <= copy.end <= length and copy.at + copy.end - copy.start <= len(edit.text)):
                raise ValueError(f"{edit} copies {copy}, which is outside the original or the replacement")
        last = edit.end
    return edits


def apply_edits(original: str, edits: Edits) -> str:
    """The text after the edits."""
    if not edits:
        return original
    parts: list[str] = []
    last = 0
    for start, end, text, _ in edits:
        parts += (original[last:start], text)
        last = end
    parts.append(original[last:])
    return "".join(parts)


def move_span(edits: Edits, start: int, end: int) -> tuple[int, int] | None:
    """Where the words of original[start:end] are after the edits.

    A span goes with a copy that holds all of it. Otherwise what is replaced inside it stays inside, and what is
    inserted at its very edges stays outside.

    Returns:
        The new start and end, or None: nothing is left of it, or an edit crossed its edge.
    """
    copied = _copied(edits, start, end)
    if copied is not None:
        return copied
    before = within = 0
    for low, high, text, _ in edits:
        growth = len(text) - (high - low)
        if high <= start:
            before += growth
        elif low >= end:
            break
        elif low < start or high > end:
            return None
        else:
            within += growth
    new_start, new_end = start + before, end + before + within
    return (new_start, new_end) if new_start < new_end or start == end else None


def _copied(edits: Edits, start: int, end: int) -> tuple[int, int] | None:
    """Where the first copy that holds the whole span puts it, if there is one."""
    shift = 0
    for edit in edits:
        for copy in edit.copies:
            if copy.start <= start < end <= copy.end:
                at = edit.start + shift + copy.at + start - copy.start
                return at, at + end - start
        shift += len(edit.text) - (edit.end - edit.start)
    return None


class _Output(NamedTuple):
    """What an edit became: output[start:end], and by how much the text left of it had shifted."""

    start: int
    end: int
    shift: int
    edit: Edit


def _outputs(edits: Edits) -> list[_Output]:
    shift = 0
    outputs = []
    for edit in edits:
        start = edit.start + shift
        outputs.append(_Output(start, start + len(edit.text), shift, edit))
        shift += len(edit.text) - (edit.end - edit.start)
    return outputs


def compose(first: Edits, second: Edits) -> list[Edit]:
    """One list that does what `first` and then, on its result, `second` do.

    Edits that overlap become one; all others stay apart.

    Args:
        first: edits of the original.
        second: edits of the text after `first`.
    """
    if not first or not second:
        return list(first or second)
    outputs = _outputs(first)
    result: list[Edit] = []
    i = j = shift = 0
    while i < len(outputs) or j < len(second):
        if j == len(second) or (i < len(outputs) and _left_of(outputs[i], second[j])):
            result.append(outputs[i].edit)
            shift = _shift_behind(outputs[i])
            i += 1
        elif i == len(outputs) or _left_of(second[j], outputs[i]):
            start, end, text, copies = second[j]
            result.append(Edit(start - shift, end - shift, text, _traced(copies, outputs)))
            j += 1
        else:
            i_end, j_end, low, high = _cluster(outputs, second, i, j)
            behind = _shift_behind(outputs[i_end - 1])
            text, copies = _merged(outputs, second[j:j_end], low, high)
            result.append(Edit(low - shift, high - behind, text, copies))
            i, j, shift = i_end, j_end, behind
    return result


def _shift_behind(output: _Output) -> int:
    return output.end - output.edit.end


def _left_of(one: _Output | Edit, other: _Output | Edit) -> bool:
    """Whether one ends where the other starts or earlier; two empty ones at one place are not apart."""
    return one.end <= other.start and not one.start == one.end == other.start == other.end


def _cluster(outputs: list[_Output], second: Edits, i: int, j: int) -> tuple[int, int, int, int]:
    """The run of edits that hang together from these two on: the first ones behind it, and its place in the middle
    text."""
    low, high = min(outputs[i].start, second[j].start), max(outputs[i].end, second[j].end)
    i, j = i + 1, j + 1
    while True:
        if i < len(outputs) and outputs[i].start < high:
            high = max(high, outputs[i].end)
            i += 1
        elif j < len(second) and second[j].start < high:
            high = max(high, second[j].end)
            j += 1
        else:
            return i, j, low, high


def _merged(outputs: list[_Output], second: Edits, low: int, high: int) -> tuple[str, tuple[Copy, ...]]:
    """The text of a cluster, and what of it is copied from the original."""
    text = ""
    copies: list[Copy] = []
    last = low
    for start, end, replacement, theirs in (*second, Edit(high, high, "")):
        copies += (Copy(len(text) + at, *source) for at, *source in _sources(outputs, last, start))
        # What of a cluster no second edit covers was written by the first ones.
        text += "".join(
            edit.text[max(last - begin, 0) : start - begin]
            for begin, stop, _, edit in outputs
            if begin < start and stop > last
        )
        copies += (Copy(len(text) + at, *source) for at, *source in _traced(theirs, outputs))
        text += replacement
        last = end
    return text, tuple(copies)


def _traced(copies: Sequence[Copy], outputs: list[_Output]) -> tuple[Copy, ...]:
    """Copies of the middle text as copies of the original; what `first` had put in is no copy any more."""
    return tuple(
        Copy(copy.at + at, start, end) for copy in copies for at, start, end in _sources(outputs, copy.start, copy.end)
    )


def _sources(outputs: list[_Output], low: int, high: int) -> Iterator[Copy]:
    """The parts of middle[low:high] that are the original's, kept or copied; `at` counts from `low`."""
    at, shift = low, 0
    for output in outputs:
        if output.start >= high:
            break
        if at < output.start:
            yield Copy(at - low, at - output.shift, output.start - output.shift)
        for copy in output.edit.copies:
            begin = output.start + copy.at
            first, last = max(begin, low), min(begin + copy.end - copy.start, high)
            if first < last:
                yield Copy(first - low, copy.start + first - begin, copy.start + last - begin)
        at, shift = max(at, output.end), _shift_behind(output)
    if at < high:
        yield Copy(at - low, at - shift, high - shift)


class Offsets:
    """Where offsets of the original are in the text after the edits, and back.

    A place strictly inside what was replaced maps to the other side's start or end, as `side` says; a place at which
    something was inserted, to before ("left") or behind it. What moved is followed by `move_span`.

    Args:
        edits: of the original.
    """

    __slots__ = ("_new", "_old")

    def __init__(self, edits: Edits) -> None:
        self._old = [(edit.start, edit.end) for edit in edits]
        self._new = [(output.start, output.end) for output in _outputs(edits)]

    def forward(self, offset: int, side: Side = "left") -> int:
        """Where a place of the original is in the new text."""
        return _other_side(self._old, self._new, offset, side)

    def backward(self, offset: int, side: Side = "left") -> int:
        """Where a place of the new text was in the original."""
        return _other_side(self._new, self._old, offset, side)


def _other_side(here: list[tuple[int, int]], there: list[tuple[int, int]], offset: int, side: Side) -> int:
    index = bisect_left(here, offset, key=lambda place: place[1])
    # Of the places that end right here, those with a length lie behind us, empty ones only for the right side.
    while index < len(here) and here[index][1] == offset and (here[index][0] < offset or side == "right"):
        index += 1
    if index < len(here) and here[index][0] < offset:
        return there[index][side == "right"]
    return offset if index == 0 else offset + there[index - 1][1] - here[index - 1][1]
