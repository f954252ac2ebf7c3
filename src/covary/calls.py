"""Calls of a pipeline, single ones and batches; those without keys are counted, and planned ahead."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from covary.courses import Seeded
from covary.draws.keys import Key, epoch_numbers, key_numbers
from covary.ops.base import Course
from covary.options import Strength
from covary.pictures import alike, as_picture, like_input, sizes_of
from covary.plan.ahead import (
    BATCHES,
    CALLS,
    MOST_BYTES,
    PICTURES,
    Ahead,
    batch_by_batch,
    one_by_one,
    plan_bytes,
)
from covary.plan.changes import Image
from covary.plan.fusion import Group
from covary.samples import SOUNDS, Samples

if TYPE_CHECKING:
    from covary.plan.audio import AudioPlan

Plan = TypeVar("Plan")


class Calls:
    """The calls of a pipeline.

    A sample that comes without a key has its number among all such samples as its key, so that what a call will draw is
    known before it comes. Where two calls in a row bring content of one kind, those to come are planned together, which
    costs little more than planning one.

    Args:
        samples: how the pipeline treats them.
        seeded: where the numbers come from.

    Attributes:
        home: the process in which the keys are the bare numbers; in others they tell its number, too.
    """

    def __init__(self, samples: Samples, seeded: Seeded) -> None:
        self.home = os.getpid()
        self._samples = samples
        self._seeded = seeded
        self._layout = samples.images.layout
        self._count = 0
        self._kind: Any = None
        self._ahead: Ahead[Any] | None = None
        self._heavy: Any = None  # the kind of batches whose plans are too large to be made ahead
        self._lock = threading.Lock()

    def one(self, fields: dict[str, Any], key: Key | None, epoch: int, threads: int) -> dict[str, Any]:
        """Vary one sample.

        Args:
            fields: of the sample.
            key: its identity; None for the next of those that are counted.
            epoch: which of its variations.
            threads: cores to use.
        """
        if key is None and self._samples.modalities == SOUNDS:
            return self._next_sound(fields, epoch)
        keys = None if key is None else (key,)
        if not self._samples.is_one_picture(fields):
            courses = self._seeded.courses(self._numbers(keys, 1), epoch)
            return self._samples.vary([fields], courses, threads)[1][0]
        labels = dict(fields)
        image = labels.pop("image")
        picture = as_picture(image, "image")
        sizes, images = sizes_of([picture]), self._samples.images
        if key is None and not self._layout.looks:
            groups = self._next_picture(picture, epoch)
        else:
            course = self._seeded.course(self._numbers(keys, 1), epoch_numbers(epoch, 1))
            groups = images.groups(sizes, picture, course, [labels])
        outputs, moved = images.planned(sizes, groups).draw([picture], None, [labels], threads)
        return {"image": like_input(outputs[0], image), **moved[0]}

    def batch(
        self,
        columns: Mapping[str, Sequence[Any]],
        keys: Sequence[Key] | None,
        epoch: int | Sequence[int],
        strength: Strength,
        threads: int,
        name: str | None,
    ) -> dict[str, Any]:
        """Vary B samples.

        Args:
            columns: fields, one entry for each sample.
            keys: B identities; None for the next of those that are counted.
            epoch: one for all, or one for each sample.
            strength: in [0, 1], one for all or one for each sample; None for 1.
            threads: cores to use.
            name: of what came without a name, if anything did.
        """
        if keys is None and strength is None and type(epoch) is int:
            if self._samples.are_sounds(columns):
                return self._next_sounds(columns, epoch, threads)
            pictures = alike(columns["image"]) if self._samples.are_pictures(columns) else None
            if pictures is not None:
                return {"image": self._next_pictures(pictures, epoch, threads)}
        count = len(next(iter(columns.values())))
        courses = self._seeded.courses(self._numbers(keys, count), epoch, strength)
        return self._samples.columns(columns, courses, threads, name)

    def _numbers(self, keys: Sequence[Key] | None, count: int) -> NDArray[np.uint64]:
        return self.keys(count) if keys is None else key_numbers(keys)

    # Counted ones

    def keys(self, count: int) -> NDArray[np.uint64]:
        """The keys of the next samples; they count as called."""
        with self._lock:
            first = self._count
            self._count += count
        return self._keys_from(first, count)

    def _next_picture(self, picture: Image, epoch: int) -> list[Group]:
        """The plan of the next call, for a picture to whose labels no operation looks."""

        def planned(count: int, course: Course) -> Callable[[int], list[Group]]:
            groups = self._samples.images.groups(sizes_of([picture] * count), picture, course, None)
            return one_by_one(groups, count) if count > 1 else lambda row: groups

        return self._next((picture.shape, picture.dtype), planned, epoch, CALLS)

    def _next_pictures(self, pictures: list[Image], epoch: int, threads: int) -> Any:
        """The next batch of pictures of one kind that come with nothing else."""
        first, several, images = pictures[0], len(pictures), self._samples.images

        kind = first.shape, first.dtype, several

        def planned(count: int, course: Course) -> Callable[[int], list[Group]]:
            groups = images.groups(sizes_of(pictures * count), first, course, None)
            if count == 1:
                return lambda row: groups
            if plan_bytes(groups) > MOST_BYTES:
                self._heavy = kind
            return batch_by_batch(groups, several)

        most = 1 if kind == self._heavy else max(1, min(BATCHES, PICTURES // several))
        groups = self._next(kind, planned, epoch, most, several)
        return images.planned(sizes_of(pictures), groups).draw(pictures, None, [{}] * several, threads)[0]

    def _next_sound(self, fields: Mapping[str, Any], epoch: int) -> dict[str, Any]:
        """The next call, for a sound."""
        sounds, sound = self._samples.sounds, self._samples.sounds.of_sample(fields)
        if sound is None:
            raise self._samples.nothing(fields)

        def planned(count: int, course: Course) -> Callable[[int], AudioPlan]:
            plan = sounds.plan_one(sound, count, course)
            return lambda row: plan.part(row, 1)

        # Operations that must hear the sound cannot be planned before it is there.
        plan = self._next(sound.kind, planned, epoch, 1 if self._layout.listens else CALLS)
        return sounds.draw_one(sound, plan)

    def _next_sounds(self, columns: Mapping[str, Sequence[Any]], epoch: int, threads: int) -> dict[str, Any]:
        """The next batch of sounds that come with no more than their rates."""
        sounds, several = self._samples.sounds, self._samples.sounds.of_batch(columns)

        def planned(count: int, course: Course) -> Callable[[int], AudioPlan]:
            plan = sounds.plan_several(several, count, course)
            return lambda row: plan.part(row * several.count, several.count)

        plan = self._next(several.kind, planned, epoch, 1 if self._layout.listens else BATCHES, several.count)
        return sounds.draw_several(several, plan, threads)

    def _next(
        self,
        kind: tuple[Any, ...],
        planned: Callable[[int, Course], Callable[[int], Plan]],
        epoch: int,
        most: int,
        samples: int = 1,
    ) -> Plan:
        """The plan of the next call.

        Args:
            kind: of what the call brings.
            planned: plans a number of calls by their course, and gives the plan of each by its place among them.
            epoch: of the call.
            most: calls to plan together.
            samples: of the call.
        """
        kind = (*kind, epoch, os.getpid())
        with self._lock:
            first = self._count
            self._count += samples
            ahead, before = self._ahead, self._kind
            self._kind = kind
        if ahead is None or not ahead.covers(kind, first):
            count = most if kind == before else 1
            keys = self._keys_from(first, count * samples)
            course = self._seeded.course(keys, epoch_numbers(epoch, len(keys)))
            ahead = Ahead(kind, first, planned(count, course), count, samples)
            if count > 1:
                self._ahead = ahead
        plan: Plan = ahead.of_call(first)
        return plan

    def _keys_from(self, first: int, count: int) -> NDArray[np.uint64]:
        if os.getpid() == self.home:
            return np.arange(first, first + count, dtype=np.uint64)
        # A copy of the pipeline in another process: its count must not repeat that of its siblings.
        return key_numbers(f"call {first + i} of process {os.getpid()}" for i in range(count))
