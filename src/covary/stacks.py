"""Stacks of pictures that share one draw: the frames of a video, the slices of a volume."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from covary.courses import Courses
from covary.images import Images
from covary.ops.base import Course
from covary.pictures import sizes_of
from covary.plan.changes import Image

FrameNoise: TypeAlias = Literal["own", "same"]
FRAME_NOISE: tuple[FrameNoise, ...] = ("own", "same")

Fields: TypeAlias = dict[str, Any]


STACKS = ("video", "volume")
"""The fields that hold stacks of pictures."""


def is_stack(value: Any) -> bool:
    """Whether a field holds pictures; a number called `volume`, for one, does not."""
    return isinstance(value, np.ndarray) and value.ndim >= 3


def stack_bytes(sample: Mapping[str, Any]) -> int:
    """How much memory the videos and volumes of a sample take; 0 where it has none."""
    return sum(sample[name].nbytes for name in STACKS if is_stack(sample.get(name)))


def vary_stacks(
    images: Images,
    stacks: Sequence[Image],
    fields: Sequence[Sequence[Fields]],
    courses: Courses,
    threads: int,
    noise: FrameNoise,
) -> tuple[list[Image], list[list[Fields]]]:
    """Vary B stacks of pictures; all pictures of one stack get the same numbers.

    Args:
        images: how pictures are treated.
        stacks: (T, H, W, C) arrays in C order, of any lengths, sizes, dtypes and channels.
        fields: the labels of each picture of each stack.
        courses: where the numbers come from, by the stack's number.
        threads: cores to use.
        noise: "own" gives each picture noise of its own, "same" one field to all.

    Returns:
        The finished stacks, and the labels of each picture of each.
    """
    made: list[Image] = list(stacks)
    moved: list[list[Fields]] = [list(sample) for sample in fields]
    for rows in _alike(stacks):
        some = [stacks[row] for row in rows]
        outputs, labels = _of_a_kind(
            images, some, [fields[row] for row in rows], _Shared(courses, rows, noise), threads
        )
        for row, output, label in zip(rows, outputs, labels, strict=True):
            made[row], moved[row] = output, label
    return made, moved


class _Shared:
    """One course for all pictures of some stacks."""

    def __init__(self, courses: Courses, rows: Sequence[int], noise: FrameNoise) -> None:
        self._courses, self._rows, self._noise = courses, np.array(rows), noise

    def course(self, lengths: Sequence[int]) -> Course:
        course = self._courses(np.repeat(self._rows, lengths))
        if self._noise == "own":
            course.frames = np.concatenate([np.arange(length) for length in lengths])
        return course


def _alike(stacks: Sequence[Image]) -> list[list[int]]:
    """The numbers of the stacks of each dtype and channel count."""
    kinds: dict[Any, list[int]] = {}
    for row, stack in enumerate(stacks):
        kinds.setdefault((stack.dtype, stack.shape[3]), []).append(row)
    return list(kinds.values())


def _of_a_kind(
    images: Images,
    stacks: Sequence[Image],
    fields: Sequence[Sequence[Fields]],
    shared: _Shared,
    threads: int,
) -> tuple[list[Image], list[list[Fields]]]:
    pictures = [picture for stack in stacks for picture in stack]
    samples = [sample for stack in fields for sample in stack]
    lengths = [len(stack) for stack in stacks]
    sizes = sizes_of(pictures)
    # An operation that looks at labels sees those of the whole stack, so that it draws the same for every picture.
    looked = [whole for stack in fields for whole in [merged(stack)] * len(stack)] if images.layout.looks else None
    groups = images.groups(sizes, pictures[0], shared.course(lengths), looked)
    outputs, labels = images.planned(sizes, groups).draw(pictures, None, samples, threads)
    ends = np.cumsum(lengths).tolist()
    parts = [slice(end - length, end) for end, length in zip(ends, lengths, strict=True)]
    return [_stacked(outputs[part]) for part in parts], [labels[part] for part in parts]


def _stacked(pictures: Any) -> NDArray[Any]:
    return pictures if isinstance(pictures, np.ndarray) else np.stack(pictures)


def merged(samples: Sequence[Mapping[str, Any]]) -> Fields:
    """The labels of all pictures of a stack on one: their boxes together, and of the masks the highest value of each
    pixel.
    """
    whole: Fields = {}
    boxes = [np.asarray(sample["boxes"]) for sample in samples if sample.get("boxes") is not None]
    filled = [part for part in boxes if part.size]
    if boxes:
        whole["boxes"] = np.concatenate(filled) if filled else boxes[0]
    masks = [np.asarray(sample["mask"]) for sample in samples if sample.get("mask") is not None]
    if masks:
        whole["mask"] = np.maximum.reduce(masks)
    instances = [mask for sample in samples if sample.get("masks") is not None for mask in sample["masks"]]
    if instances:
        whole["masks"] = instances
    return whole
