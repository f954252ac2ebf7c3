"""Pictures and their labels, through the operations of a pipeline."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from covary.annotated import Annotated
from covary.courses import Courses
from covary.ops.base import Course
from covary.ops.layout import Layout
from covary.ops.view import View
from covary.pictures import as_picture, as_pictures, like_input, sizes_of
from covary.plan.changes import Image, Ints
from covary.plan.fusion import Group, plan
from covary.planned import Labels, Planned
from covary.render import Renderer, find_renderer


@dataclass(frozen=True, slots=True, eq=False)
class Images:
    """How a pipeline treats pictures.

    Attributes:
        layout: its operations.
        fuse: whether neighbouring changes become one pass.
        renderer: what draws them; None for the fastest there is.
        labels: how labels are written.
    """

    layout: Layout
    fuse: bool
    renderer: Renderer | None
    labels: Labels

    def walk(
        self, sizes: Ints, channels: int, dtype: str, course: Course, samples: Sequence[Mapping[str, Any]] | None
    ) -> Course:
        """Let the operations describe what happens to pictures of these sizes, with these other fields."""
        labels = None
        if self.layout.looks:
            known: Sequence[Mapping[str, Any]] = [{}] * len(sizes) if samples is None else samples
            labels = Annotated(known, sizes, self.labels, find_renderer(self.renderer))
        return self.layout.walk(course, View(sizes, channels, dtype, labels))

    def groups(
        self, sizes: Ints, picture: Image, course: Course, samples: Sequence[Mapping[str, Any]] | None
    ) -> list[Group]:
        """The passes of pictures of these sizes, all of one picture's channels and dtype.

        Args:
            samples: their other fields, at which some operations look; None where there are none.
        """
        walked = self.walk(sizes, picture.shape[2], picture.dtype.name, course, samples)
        return plan(walked.steps, sizes, fuse=self.fuse)

    def planned(
        self,
        sizes: Ints,
        groups: Sequence[Group],
        anew: Callable[[], Course] | None = None,
        samples: Sequence[Mapping[str, Any]] | None = None,
    ) -> Planned:
        """Passes, ready to be drawn.

        Args:
            sizes: (B, 2) heights and widths of the sources.
            groups: the passes.
            anew: another walk with the same draws, for further images of other channels or dtypes.
            samples: their other fields, at which some operations look.
        """

        def again(channels: int, dtype: str) -> Planned:
            assert anew is not None
            groups = self.groups(sizes, blank(channels, dtype), anew(), samples)
            return self.planned(sizes, groups)

        return Planned(sizes, groups, find_renderer(self.renderer), self.labels, None if anew is None else again)

    def vary(
        self, images: Sequence[Any], samples: Sequence[dict[str, Any]], courses: Courses, threads: int, name: str
    ) -> tuple[Any, list[dict[str, Any]]]:
        """Vary B pictures.

        Args:
            images: as users give them, of any sizes, dtypes and channels.
            samples: their other fields.
            courses: where the numbers come from.
            threads: cores to use.
            name: of the pictures in messages; their index is added.

        Returns:
            The finished pictures, stacked in one array if they agree, else a list; and the fields, labels moved.
        """
        pictures = as_pictures(images, name)
        if len({(picture.dtype, picture.shape[2]) for picture in pictures}) == 1:
            outputs, labels = self._of_a_kind(pictures, samples, lambda: courses(np.arange(len(pictures))), threads)
        else:
            kinds: dict[Any, list[int]] = {}
            for index, picture in enumerate(pictures):
                kinds.setdefault((picture.dtype, picture.shape[2]), []).append(index)
            outputs, labels = self._of_several(pictures, samples, list(kinds.values()), courses, threads)
        if 2 in {image.ndim for image in images}:
            outputs = [like_input(output, image) for output, image in zip(outputs, images, strict=True)]
            if len({(output.shape, output.dtype) for output in outputs}) == 1:
                outputs = np.stack(outputs)
        return outputs, labels

    def _of_a_kind(
        self, pictures: Sequence[Image], samples: Sequence[dict[str, Any]], anew: Callable[[], Course], threads: int
    ) -> tuple[Any, list[dict[str, Any]]]:
        sizes = sizes_of(pictures)
        groups = self.groups(sizes, pictures[0], anew(), samples)
        return self.planned(sizes, groups, anew, samples).draw(pictures, None, samples, threads)

    def _of_several(
        self,
        pictures: Sequence[Image],
        samples: Sequence[dict[str, Any]],
        kinds: Sequence[list[int]],
        courses: Courses,
        threads: int,
    ) -> tuple[list[Image], list[dict[str, Any]]]:
        """Pictures of several dtypes or channel counts: each kind is a batch of its own."""
        found: dict[int, tuple[Image, dict[str, Any]]] = {}
        for rows in kinds:
            some = [samples[row] for row in rows]
            chosen = np.array(rows)
            made = self._of_a_kind([pictures[row] for row in rows], some, partial(courses, chosen), threads)
            found.update(zip(rows, zip(*made, strict=True), strict=True))
        outputs, labels = zip(*(found[row] for row in range(len(pictures))), strict=True)
        return list(outputs), list(labels)


def blank(channels: int, dtype: str) -> Image:
    """A picture without pixels: all that a plan must know of pictures but their sizes.

    Raises:
        TypeError: pictures have no such dtype.
    """
    return np.empty((0, 0, channels), dtype=as_picture(np.empty((1, 1), dtype), "image").dtype)
