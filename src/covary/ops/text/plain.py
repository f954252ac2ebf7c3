"""Plain texts of a batch, edited together by the compiled kernels.

A kernel makes exactly the edits that its operation makes text by text in Python, for ASCII texts without spans.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from covary import kernels
from covary.ops.text.page import Page
from covary.ops.text.protect import Protection
from covary.ops.text.scan import FEWEST
from covary.ops.text.segment import Ranges
from covary.plan.edits import Edit


class Kernel(Protocol):
    """What edits plain texts in compiled code.

    Attributes:
        rate: the slot of the operation's share of words or letters.
    """

    @property
    def rate(self) -> str: ...

    def edited(
        self,
        texts: list[str],
        guarded: list[Ranges],
        streams: NDArray[np.uint64],
        rates: NDArray[np.float64],
    ) -> tuple[list[list[Edit]], list[str]]:
        """The edits of B ASCII texts, and the texts after them.

        Args:
            texts: B of them.
            guarded: for each the protected parts, sorted and disjoint.
            streams: (B,) of the operation's random numbers.
            rates: (B,) shares of words or letters, 0 to 1.
        """


@dataclass(frozen=True, slots=True)
class Drafter:
    """A kernel that needs nothing of Python while it drafts its edits.

    Attributes:
        name: of the kernel.
        rate: the slot of the share of words or letters.
        least: words with fewer characters stay as they are.
        table: for shapes of one or two ASCII characters what may be written instead; for "" what may be put in.
        alphabet: ASCII letters to choose from; None for those of the text.
        stays: whether the letter in whose place another comes stays, before it.
    """

    name: str
    rate: str = "rate"
    least: int = 1
    table: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    alphabet: str | None = None
    stays: bool = False

    def edited(
        self,
        texts: list[str],
        guarded: list[Ranges],
        streams: NDArray[np.uint64],
        rates: NDArray[np.float64],
    ) -> tuple[list[list[Edit]], list[str]]:
        assert kernels.native is not None
        edits, made = kernels.native.edit_texts(
            self.name, texts, guarded, streams, rates, self.table, self.alphabet, self.least, self.stays
        )
        return edits, made


def plain(pages: Sequence[Page], kernel: Kernel | None) -> NDArray[np.bool_] | None:
    """(B,) which pages a kernel can take; None where that is none, or too few to be worth it."""
    if kernel is None or kernels.native is None or len(pages) < FEWEST:
        return None
    found = np.fromiter((page.is_plain for page in pages), np.bool_, len(pages))
    return found if np.count_nonzero(found) >= FEWEST else None


def change_plain(
    kernel: Kernel,
    operation: str,
    pages: Sequence[Page],
    guard: Protection,
    streams: NDArray[np.uint64],
    rates: NDArray[np.float64],
) -> None:
    """Let a kernel edit plain pages.

    Args:
        kernel: of the operation.
        operation: its name in the pipeline.
        pages: B of them.
        guard: what to leave alone.
        streams: (B,) of the operation's random numbers.
        rates: (B,) shares of words or letters, 0 to 1.
    """
    assert kernels.native is not None
    texts = [page.text for page in pages]
    signs = kernels.native.text_signs(texts)
    guarded = [page.guarded_by_signs(guard, bits) for page, bits in zip(pages, signs, strict=True)]
    edits, made = kernel.edited(texts, guarded, streams, rates)
    for page, some, text in zip(pages, edits, made, strict=True):
        if some:
            page.change(operation, some, text=text)
