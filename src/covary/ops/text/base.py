"""What every operation on text is made of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import compress
from typing import Any, ClassVar

from covary.draws.distributions import Constant, Distribution
from covary.ops.amounts import Amount
from covary.ops.base import Course, Node, ranged
from covary.ops.text.numbers import Numbers, numbers_of
from covary.ops.text.page import Page, scan_pages
from covary.ops.text.plain import Kernel, change_plain, plain
from covary.ops.text.protect import Protection, protection
from covary.ops.view import Modality
from covary.plan.changes import Bools
from covary.plan.edits import Edits


class Pages:
    """The B texts as they stand at one point of the pipeline: what operations on text get for a view.

    Attributes:
        pages: one for each text.
        protect: entries that hold for all operations, see `covary.ops.text.protect`.
    """

    __slots__ = ("pages", "protect")

    modality: ClassVar[Modality] = "text"

    def __init__(self, pages: Sequence[Page], protect: tuple[str, ...] = ()) -> None:
        self.pages = pages
        self.protect = protect


@dataclass(frozen=True, repr=False)
class TextOperation(Amount):
    """The base of operations on text.

    Args:
        protect: what to leave alone, see `covary.ops.text.protect`: "word:NAME", "pattern:REGEX", "spans",
            "entity:LABEL", and "-KIND" to give a built-in kind free ("-numbers").
    """

    modality: ClassVar[Modality | None] = "text"
    # Kinds of protection that the operation needs lifted, as changing them is what it is for.
    lifts: ClassVar[tuple[str, ...]] = ()
    # Whether a span may go with the words that it marks.
    dropping: ClassVar[bool] = False
    streams = ("numbers",)

    protect: Sequence[str] = field(default=(), kw_only=True)

    def __post_init__(self) -> None:
        if isinstance(self.protect, str) or not all(isinstance(entry, str) for entry in self.protect):
            self.refuse("protect", repr(self.protect), "a list of entries such as 'word:not' or '-numbers'")
        try:
            protection(tuple(self.protect))
        except ValueError as error:
            raise ValueError(f"{type(self).__name__}: {error}") from None
        Amount.__post_init__(self)

    def guard(self, common: tuple[str, ...]) -> Protection:
        """What is protected from this operation, together with what is protected from all."""
        return protection((*common, *self.protect), self.lifts)

    def edits(self, page: Page, guard: Protection, numbers: Numbers, drawn: Mapping[str, float]) -> Edits:
        """The edits of one text.

        Args:
            page: the text and what is in it.
            guard: what to leave alone.
            numbers: random numbers of this text and operation.
            drawn: the values of the operation's ranges.
        """
        raise TypeError(f"{type(self).__name__} describes no change")

    def kernel(self) -> Kernel | None:
        """What makes the same edits of plain texts in compiled code; None where there is nothing."""
        return None

    def edits_of_all(
        self, pages: Sequence[Page], guard: Protection, numbers: Sequence[Numbers], drawn: Sequence[Mapping[str, float]]
    ) -> Sequence[tuple[Edits, str]]:
        """The edits of several texts, and for each why there are none where there is a reason to say."""
        return [
            (self.edits(page, guard, some, values), "")
            for page, some, values in zip(pages, numbers, drawn, strict=True)
        ]

    def apply(self, node: Node, course: Course, view: Any, active: Bools | None) -> Any:
        """Edit the texts that are still active; the pages are changed, the same view comes back."""
        if self.modality != view.modality:
            return view
        anybody, chosen, draw = course.enter(node, active)
        if not anybody:
            return view
        rows = slice(None) if chosen is None else chosen
        pages = list(view.pages if chosen is None else compress(view.pages, chosen))
        guard = self.guard(view.protect)
        values = {slot: draw(slot)[rows] for slot in node.laws}
        streams = draw.stream("numbers")[rows]
        kernel = self.kernel()
        quick = plain(pages, kernel)
        if kernel is not None and quick is not None:
            change_plain(
                kernel, node.name, list(compress(pages, quick)), guard, streams[quick], values[kernel.rate][quick]
            )
            if quick.all():
                return view
            pages = list(compress(pages, ~quick))
            values, streams = {slot: drawn[~quick] for slot, drawn in values.items()}, streams[~quick]
        scan_pages(pages, guard)
        drawn = _by_text({slot: several.tolist() for slot, several in values.items()}, len(pages))
        changes = self.edits_of_all(pages, guard, numbers_of(streams), drawn)
        for page, (edits, note) in zip(pages, changes, strict=True):
            if edits or note:
                page.change(node.name, edits, note, dropping=self.dropping)
        return view


def _by_text(values: Mapping[str, list[float]], count: int) -> list[dict[str, float]]:
    """Values by slot as values by text."""
    if len(values) == 1:
        ((slot, several),) = values.items()
        return [{slot: value} for value in several]
    return [dict(zip(values, some, strict=True)) for some in zip(*values.values(), strict=True)] or [{}] * count


def share(default: float) -> Any:
    """A field for a share in [0, 1] of words or characters: a number, a pair or a distribution. Identity: 0."""
    law: Distribution = Constant(default, identity=0)
    return ranged(default=law, low=0, high=1)


def count_of(rate: float, length: int) -> int:
    """How many of `length` words a rate means: rounded down, but at least one unless the rate is zero (EDA's rule)."""
    return max(1, int(rate * length)) if rate > 0 and length > 0 else 0
