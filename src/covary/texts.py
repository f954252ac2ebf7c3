"""Texts and what is marked in them, through the operations of a pipeline."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any, Generic, NamedTuple, TypeVar

import numpy as np

from covary.draws.keys import Key, key_numbers
from covary.draws.rows import Draws, draw_rows
from covary.ops.base import Course, Operation
from covary.ops.layout import Layout, lay_out
from covary.ops.text.base import Pages
from covary.ops.text.page import Change, Page, Span
from covary.ops.text.protect import protection
from covary.ops.text.trees import read_tree
from covary.plan.edits import Edit
from covary.targets.spans import Place, read_answer, read_spans, write_answer, write_span
from covary.targets.tokens import Tokens, read_tokens, write_tokens

SPAN_FIELDS = ("spans", "sentences")
MOST_DRAWS = 50
"""So many epochs are looked at for each variation that is wanted, if need be."""
_MOST_AT_ONCE = 256
TEXT_FIELDS = (*SPAN_FIELDS, "answer", "tokens", "tags", "protected", "tree")


class Varied(NamedTuple):
    """B varied texts.

    Attributes:
        texts: the new texts.
        fields: for each its other fields, the labels moved along.
        edits: for each the edits of the original that lead to it.
        changes: for each what every operation did, in order, with a note where one could not act.
        dropped: for each the spans and answers that went with their words, as (field, index, label).
    """

    texts: list[str]
    fields: list[dict[str, Any]]
    edits: list[list[Edit]]
    changes: list[list[Change]]
    dropped: list[list[tuple[str, int, object]]]


def vary_texts(
    layout: Layout,
    texts: Sequence[str],
    fields: Sequence[Mapping[str, Any]] | None,
    course: Course,
    *,
    protect: Sequence[str] = (),
) -> Varied:
    """Take B texts through operations.

    Args:
        layout: the operations; those on other things pass texts by.
        texts: B texts.
        fields: for each its other fields. Known are `spans` and `sentences` (see `covary.targets.spans.read_spans`),
            `answer` (a span, or SQuAD's mapping), `tokens` with `tags` (see `covary.targets.tokens.read_tokens`) and
            `protected`, spans that nothing may touch, and `tree` (see `covary.ops.text.trees.read_tree`), which comes
            back as a `Tree` of the new text, or as None where it would not be true any more. All others come back as
            they are.
        course: where the numbers come from; it keeps the records for the trace.
        protect: entries that hold for all operations, see `covary.ops.text.protect`.

    Raises:
        TypeError, ValueError: a text or a field of a wrong form.
    """
    entries = tuple(protect)
    protection(entries)
    if fields is None:
        pages = [_page(text, index) for index, text in enumerate(texts)]
        layout.walk(course, Pages(pages, entries))
        return Varied(
            [page.text for page in pages],
            [{} for _ in pages],
            [page.edits for page in pages],
            [page.changes for page in pages],
            [[] for _ in pages],
        )
    given = list(fields)
    if len(given) != len(texts):
        raise ValueError(f"there are fields for {len(given)} samples and {len(texts)} texts")
    labels = [_Labels(text, sample, index) for index, (text, sample) in enumerate(zip(texts, given, strict=True))]
    layout.walk(course, Pages([label.page for label in labels], entries))
    return Varied(
        [label.page.text for label in labels],
        [label.written() for label in labels],
        [label.page.edits for label in labels],
        [label.page.changes for label in labels],
        [label.dropped() for label in labels],
    )


def vary(
    operations: Sequence[Operation] | Operation,
    texts: Sequence[str],
    fields: Sequence[Mapping[str, Any]] | None = None,
    *,
    seed: int = 0,
    keys: Sequence[Key] | None = None,
    epoch: int | Sequence[int] = 0,
    draws: Draws = "independent",
    protect: Sequence[str] = (),
) -> Varied:
    """Take texts through operations that are in no pipeline, and tell what each of them did.

    Args:
        operations: on text, and combinators of such.
        texts: B texts.
        fields: for each its other fields, see `vary_texts`.
        seed: of all randomness, in [0, 2**64).
        keys: identities of the texts. Default: their numbers.
        epoch: which of a text's variations, one for all or one for each.
        draws: "independent" or "stratified".
        protect: entries that hold for all operations, see `covary.ops.text.protect`.

    Raises:
        TypeError, ValueError: as for `vary_texts`.
    """
    if isinstance(texts, str):
        raise TypeError("texts is a string; a list of texts is needed")
    layout = lay_out((operations,) if isinstance(operations, Operation) else tuple(operations))
    epochs = np.ascontiguousarray(np.broadcast_to(np.asarray(epoch, np.uint32), (len(texts),)))
    rows = draw_rows(seed, epochs, key_numbers(range(len(texts)) if keys is None else keys), layout.slots, draws)
    course = Course(len(texts), rows, lines=layout.lines)
    return vary_texts(layout, texts, fields, course, protect=protect)


class Variations(NamedTuple):
    """Different variations of one text.

    Attributes:
        texts: all different, none of them the original.
        fields: for each its other fields.
        epochs: for each the epoch that gives it.
        reason: why there are fewer than were asked for, or "".
    """

    texts: list[str]
    fields: list[dict[str, Any]]
    epochs: list[int]
    reason: str


def variations(
    operations: Sequence[Operation] | Operation,
    text: str,
    n: int,
    fields: Mapping[str, Any] | None = None,
    *,
    seed: int = 0,
    key: Key = 0,
    most: int = MOST_DRAWS,
    protect: Sequence[str] = (),
) -> Variations:
    """Exactly `n` different variations of a text, if there are so many.

    Args:
        operations: on text, and combinators of such.
        text: the original.
        n: how many.
        fields: of the text, see `vary_texts`.
        seed, key: of all randomness, and the text's identity.
        most: how many epochs to look at for each that is wanted.
        protect: entries that hold for all operations, see `covary.ops.text.protect`.

    Raises:
        TypeError, ValueError: `n` or `most` is no whole number from 1 on, or as for `vary_texts`.
    """
    for name, value in (("n", n), ("most", most)):
        if isinstance(value, bool) or not isinstance(value, int) or value < 1:
            raise ValueError(f"{name} is {value!r}; allowed: a whole number from 1 on")

    def drawn(epochs: range) -> list[tuple[str, dict[str, Any]]]:
        done = vary(
            operations,
            [text] * len(epochs),
            None if fields is None else [fields] * len(epochs),
            seed=seed,
            keys=[key] * len(epochs),
            epoch=epochs,
            protect=protect,
        )
        return list(zip(done.texts, done.fields, strict=True))

    found = different(drawn, lambda made: made[0], text, n, most=most)
    return Variations([new for new, _ in found.made], [its for _, its in found.made], found.epochs, found.reason)


Made = TypeVar("Made")


class Different(NamedTuple, Generic[Made]):
    """Different variations of one thing.

    Attributes:
        made: no two of which are alike, nor like the original.
        epochs: for each the epoch that gives it.
        reason: why there are fewer than were asked for, or "".
    """

    made: list[Made]
    epochs: list[int]
    reason: str


def different(
    drawn: Callable[[range], Sequence[Made]],
    identity: Callable[[Made], Hashable],
    original: Hashable,
    n: int,
    *,
    most: int = MOST_DRAWS,
    first: int = 0,
) -> Different[Made]:
    """The first epochs that give something new: `n` of them, if there are so many. More begin with the same ones.

    Args:
        drawn: gives the variation of each of some epochs.
        identity: by which two variations are alike.
        original: the identity of what is varied.
        n: how many.
        most: how many epochs to look at for each that is wanted.
        first: epoch to begin with.
    """
    seen = {original}
    found = Different[Made]([], [], "")
    end, done, step = first + most * n, first, n
    while len(found.made) < n and done < end:
        tried = range(done, min(done + step, end))
        for epoch, made in zip(tried, drawn(tried), strict=True):
            if identity(made) not in seen and len(found.made) < n:
                seen.add(identity(made))
                found.made.append(made)
                found.epochs.append(epoch)
        # A few more for those that were like others; ever more where that does not help.
        step = 2 * (n - len(found.made)) if done == first else min(2 * step, _MOST_AT_ONCE)
        done = tried.stop
    reason = "" if len(found.made) == n else f"{most * n} draws gave only {len(found.made)} different texts"
    return found._replace(reason=reason)


def _page(text: str, index: int) -> Page:
    """A text alone.

    Raises:
        TypeError: it is no string.
    """
    if not isinstance(text, str):
        raise TypeError(f"texts[{index}] is a {type(text).__name__}; a string is needed")
    return Page(text)


class _Labels:
    """The marked parts of one sample, from its fields to a page and back."""

    __slots__ = ("fields", "owners", "page", "places", "tokens")

    def __init__(self, text: str, fields: Mapping[str, Any], index: int) -> None:
        self.page = _page(text, index)
        self.fields = fields
        self.owners: list[tuple[str, int]] = []
        self.places: list[Place] = []
        self.tokens: Tokens | None = None
        if not fields:
            return
        for name in SPAN_FIELDS:
            if fields.get(name) is not None:
                self._mark(name, read_spans(fields[name], name, text))
        if fields.get("answer") is not None:
            self._mark("answer", read_answer(fields["answer"], "answer", text))
        if fields.get("tokens") is not None:
            self.tokens = read_tokens(fields["tokens"], fields.get("tags"), text)
            self._mark("tags", self.tokens.entities)
        fixed = [place[:2] for place in read_spans(fields.get("protected") or (), "protected", text)]
        self.page = Page(text, [Span(*place, mark) for mark, place in enumerate(self.places)], fixed)
        if fields.get("tree") is not None:
            self.page.tree = read_tree(fields["tree"], text)

    def _mark(self, field: str, places: list[Place]) -> None:
        self.owners += ((field, index) for index in range(len(places)))
        self.places += places

    def written(self) -> dict[str, Any]:
        """The fields of the new text."""
        fields = dict(self.fields)
        if not self.page.edits:
            return fields
        now: dict[str, dict[int, tuple[int, int, object]]] = {}
        for start, end, label, mark in self.page.spans:
            field, index = self.owners[mark]
            now.setdefault(field, {})[index] = (start, end, label)
        text = self.page.text
        for name in SPAN_FIELDS:
            if fields.get(name) is not None:
                moved = [
                    write_span(like, *now[name][index][:2], text)
                    for index, like in enumerate(fields[name])
                    if index in now.get(name, {})
                ]
                fields[name] = tuple(moved) if isinstance(fields[name], tuple) else moved
        if fields.get("answer") is not None:
            count = sum(owner == "answer" for owner, _ in self.owners)
            found = now.get("answer", {})
            places = [found[index][:2] if index in found else None for index in range(count)]
            fields["answer"] = write_answer(fields["answer"], places, text)
        if self.tokens is not None:
            entities = list(now.get("tags", {}).values())
            tokens, tags = write_tokens(
                fields["tokens"], self.tokens.places, self.page.original, self.page.edits, text, entities
            )
            fields["tokens"] = tokens
            if fields.get("tags") is not None:
                fields["tags"] = tags
        if fields.get("tree") is not None:
            fields["tree"] = self.page.tree
        if fields.get("protected"):
            fields["protected"] = list(self.page.fixed)
        return fields

    def dropped(self) -> list[tuple[str, int, object]]:
        """The marked parts that went with their words."""
        return [(*self.owners[span.mark], span.label) for span in self.page.dropped]
