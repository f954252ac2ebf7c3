"""Courses through a pipeline: whose numbers they go by."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from covary.draws.keys import epoch_numbers
from covary.draws.rows import Draws, draw_rows
from covary.ops.base import Course, Record
from covary.ops.layout import Layout
from covary.options import Strength, strengths_of
from covary.plan.changes import Ints

Courses: TypeAlias = Callable[[Ints], Course]
"""Gives a walk of its own to some samples of a batch, by their numbers."""


@dataclass(frozen=True, slots=True, eq=False)
class Seeded:
    """Courses whose numbers are a function of seed, epoch, key and slot.

    Attributes:
        layout: the operations, of which each has its slots.
        seed: in [0, 2**64).
        draws: "independent" or "stratified".
    """

    layout: Layout
    seed: int
    draws: Draws

    def course(
        self, keys: NDArray[np.uint64], epochs: NDArray[np.uint32], strengths: NDArray[np.float64] | None = None
    ) -> Course:
        """One walk for all samples of some keys.

        Args:
            keys: (B,) numbers of the samples' keys.
            epochs: (B,) of their variations.
            strengths: (B,) in [0, 1]; None where all are 1.
        """
        rows = draw_rows(self.seed, epochs, keys, self.layout.slots, self.draws)
        return Course(len(keys), rows, lines=self.layout.lines, strength=strengths)

    def courses(self, keys: NDArray[np.uint64], epoch: int | Sequence[int] = 0, strength: Strength = None) -> Courses:
        """Walks for samples of some keys.

        Args:
            keys: (B,) numbers of the samples' keys.
            epoch: one for all, or one for each sample.
            strength: in [0, 1], one for all or one for each sample. Default: 1.

        Raises:
            ValueError: an epoch or a strength is none.
        """
        epochs, strengths = epoch_numbers(epoch, len(keys)), strengths_of(strength, len(keys))
        return lambda rows: self.course(keys[rows], epochs[rows], None if strengths is None else strengths[rows])


class Remembered:
    """Courses that are remembered, so that it can be told what happened on them.

    Attributes:
        walked: the samples of each course, and the course.
    """

    def __init__(self, courses: Courses) -> None:
        self._courses = courses
        self.walked: list[tuple[Ints, Course]] = []

    def __call__(self, rows: Ints) -> Course:
        self.walked.append((rows, self._courses(rows)))
        return self.walked[-1][1]

    def records(self, row: int) -> list[tuple[Record, int]]:
        """What happened to a sample: records, each with its place in them."""
        # The frames of a stack share their draws, so that the first of them speaks for all.
        places = [(course, int(place)) for rows, course in self.walked for place in np.flatnonzero(rows == row)[:1]]
        return [(record, place) for course, place in places for record in course.records]
