"""What all operations on sound share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from covary.ops.amounts import Amount
from covary.ops.audio.view import AudioView
from covary.ops.base import Draw
from covary.ops.view import Modality
from covary.plan.audio import AudioChange
from covary.plan.changes import Floats


@dataclass(frozen=True, repr=False)
class SoundOperation(Amount):
    """An operation on sounds; it passes views of other modalities by."""

    modality: ClassVar[Modality | None] = "audio"

    def describe(self, draw: Draw, view: AudioView) -> AudioChange | Sequence[AudioChange]:
        """The change for B sounds at once; rows of sounds that the operation leaves out are ignored."""
        raise TypeError(f"{type(self).__name__} describes no change")


def linear(decibels: Floats) -> Floats:
    """The amplitude factors of decibels."""
    made: Floats = 10 ** (decibels / 20)
    return made


def rows_of(**columns: Any) -> tuple[dict[str, Any], ...]:
    """One dict of plain numbers per sample from arrays (B,) or (B, K) by name."""
    lists = {name: np.asarray(column).tolist() for name, column in columns.items()}
    count = len(next(iter(lists.values())))
    return tuple({name: column[row] for name, column in lists.items()} for row in range(count))
