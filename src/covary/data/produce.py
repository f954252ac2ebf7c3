"""The making of one batch, by one worker: read, decode, render, mix. What comes out depends on the order alone."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import numpy as np

from covary.data.annotated import FIELDS, object_fields
from covary.data.audio import AudioError
from covary.data.dataset import Dataset, Encoded, SampleError
from covary.data.fetch import UNUSABLE, Decode, Row, bound_row, decode_row, fetch, reduction_within
from covary.data.instances import Instance, for_objects
from covary.data.made import BadSample, Begun, Made, Part, Spent, joined, stacked, total
from covary.data.schedule import Order, Schedule
from covary.data.strength import EpochStrength, of_samples
from covary.draws.keys import Key
from covary.plan.changes import Image, Ints
from covary.render.buffers import Empty, empty
from covary.stacks import stack_bytes
from covary.targets import Boxes, Keypoints
from covary.targets.visible import visible_fractions

if TYPE_CHECKING:
    from covary.data.cache import Cache
    from covary.ops.mix.base import Alternatives
    from covary.pipeline import Pipeline
    from covary.planned import Planned

FORMS = ("boxes", "keypoints", "oriented_boxes", "polygons", "line_strings", "targets")
"""The options of a pipeline that say how fields of pictures are written."""

OnError: TypeAlias = Literal["skip", "raise"]

# Pictures that have to be decoded before they are planned (all but JPEGs) are not held all at once if they take more.
CHUNK_BYTES = 128 << 20
# JPEGs are decoded and drawn in groups of so many bytes of pixels, which the processor's cache can hold.
DRAWN_AT_ONCE = 4 << 20


@dataclass(frozen=True, eq=False)
class Producer:
    """All that is needed to make any batch; threads share it, processes have a copy.

    Attributes:
        dataset: the samples.
        schedule: the batch plan, for what stands in where a sample is bad.
        pipeline: what happens to each sample before they are mixed; None for nothing.
        mixers: what mixes them; None for nothing.
        finish: what happens to the pictures after that, where mixers need them as they were; None for nothing.
        classes: how many there are, for the mixers; None where there are none.
        decode: "scaled" decodes no more than the drawn warp needs, "full" everything.
        channels: that all pictures get; None keeps what is stored.
        refill: whether a batch stays as large as it was planned when samples are bad.
        on_error: whether bad samples are left out or raised.
        cache: of samples that were read before, or None.
        cache_side: where pictures are cached and `decode` is "scaled", their shorter sides stay at least so long.
        visible: whether each picture gets a field `visible`, the share of its source that is seen.
        for_pictures: an option that was asked for and is for pictures alone; "" where there is none.
        new: where the memory of finished batches comes from.
    """

    dataset: Dataset
    schedule: Schedule
    pipeline: Pipeline | None
    mixers: Alternatives | None
    finish: Pipeline | None
    classes: int | None
    decode: Decode
    channels: int | None
    refill: bool
    on_error: OnError
    cache: Cache | None = None
    cache_side: int = 512
    visible: bool = False
    for_pictures: str = ""
    new: Empty = empty

    @property
    def varies_sounds(self) -> bool:
        """Whether the pipeline has operations on sounds, and so may want a part of them only."""
        return self.pipeline is not None and "audio" in self.pipeline.modalities

    def make(self, order: Order) -> Made:
        """Make one batch.

        Raises:
            SampleError: a bad sample, where these are raised.
        """
        return self.join(order, [self.begin(order, empty if self.mixers is not None else self.new)])

    def begin(self, order: Order, new: Empty = empty) -> Begun:
        """The samples of an order, read and rendered onto memory of `new`; they are not a batch yet."""
        work = _Work(self, order.strength, new=new)
        parts = work.parts(zip(order.indices.tolist(), order.variations.tolist(), strict=True))
        return Begun(parts, work.problems, work.failures, work.spent)

    def join(self, order: Order, begun: Sequence[Begun]) -> Made:
        """The batch of an order that was begun in one piece or several."""
        problems = [problem for each in begun for problem in each.problems]
        work = _Work(self, order.strength, problems, total([each.spent for each in begun]))
        parts = [part for each in begun for part in each.parts]
        failures = [failure for each in begun for failure in each.failures]
        if not parts and len(failures) == len(order.indices) > 1:
            raise failures[
                0
            ]  # a picture may be too small for a crop, say; if none can be drawn, it is the pipeline's fault
        missing = len(order.indices) - sum(len(part.rows) for part in parts)
        if missing and self.refill:
            behind = self.schedule.epoch(order.epoch).behind(order.number)
            parts += work.parts(zip(*(numbers.tolist() for numbers in behind), strict=True), missing)
        fields = joined(parts, empty if self.mixers is not None else self.new) if parts else None
        if fields is not None and self.mixers is not None:
            fields = work.mixed(fields, self.mixers)
        if fields is not None:
            fields["epoch"] = order.epoch
        return Made(order, fields, tuple(work.problems), work.spent)


@dataclass(slots=True, eq=False)
class _Work:
    """One worker's work on one batch."""

    of: Producer
    strength: EpochStrength
    problems: list[BadSample] = field(default_factory=list)
    spent: Spent = field(default_factory=Spent)
    failures: list[ValueError] = field(default_factory=list)
    new: Empty = empty

    def parts(self, wanted: Iterable[tuple[int, int]], enough: int | None = None) -> list[Part]:
        """Finished pictures of samples and variations, in the order given, until there are enough."""
        parts: list[Part] = []
        for rows in self._chunks(wanted, None if enough is None else 1):
            part = self._rendered(rows)
            if part.rows:
                parts.append(part)
            if enough is not None and len(parts) == enough:
                break
        return parts

    def mixed(self, fields: dict[str, Any], mixers: Alternatives) -> dict[str, Any]:
        """The batch, its samples mixed with each other."""
        from covary.ops.mix.base import mix_batch

        producer, pipeline = self.of, self.of.pipeline
        start = time.perf_counter()
        # Mixing moves what boxes and masks say, and so there are no objects as they were any more.
        with_objects = fields.pop("objects", None) is not None
        forms: dict[str, Any] = {} if pipeline is None else {name: getattr(pipeline, name) for name in FORMS}
        if with_objects:
            forms["keypoints"] = Keypoints("xyv")
        fields = mix_batch(
            mixers,
            fields,
            classes=producer.classes,
            seed=producer.schedule.seed,
            epoch=fields["variations"].tolist(),
            keys=fields["keys"],
            new=producer.new if producer.finish is None else empty,
            layout="HWC" if pipeline is None else pipeline.layout,
            **forms,
        )
        if producer.finish is not None:
            for name in mixers.pictures:
                if name in fields:
                    fields[name] = _formed(producer.finish, fields[name], producer.new)
        self.spent.mix += time.perf_counter() - start
        return fields

    # Reading

    def _chunks(self, wanted: Iterable[tuple[int, int]], most: int | None) -> Iterator[list[Row]]:
        """Rows that can be used, `most` at once and no more than their pictures may take of memory."""
        rows: list[Row] = []
        size = 0
        last: Row | None = None
        for index, variation in wanted:
            row = last.of(variation) if last is not None and last.index == index else self._fetched(index, variation)
            if row is None:
                continue
            last = row
            rows.append(row)
            size += (0 if row.picture is None else row.picture.nbytes) + stack_bytes(row.fields)
            if size > CHUNK_BYTES or len(rows) == most:
                yield rows
                rows, size, last = [], 0, None
        if rows:
            yield rows

    def _fetched(self, index: int, variation: int) -> Row | None:
        producer = self.of
        start = time.perf_counter()
        try:
            row = None if producer.cache is None else producer.cache.get(index, variation)
            if row is None:
                stored = producer.cache is None and producer.varies_sounds
                row = fetch(producer.dataset, index, variation, channels=producer.channels, stored=stored)
                if producer.cache is not None:
                    self._cached(row, producer.cache)
        except UNUSABLE as error:
            self._leave_out(producer.dataset.keys[index], error)
            return None
        finally:
            self.spent.read += time.perf_counter() - start
        return row

    def _cached(self, row: Row, cache: Cache) -> None:
        """Put a sample into the cache, its picture decoded at a size that does not depend on any draw."""
        if cache.decoded and row.has_image:
            start = time.perf_counter()
            if self.of.decode == "scaled":
                bound_row(row, self.of.cache_side, self.of.channels)
            elif row.encoded is not None:
                decode_row(row, 0, self.of.channels)
            took = time.perf_counter() - start
            self.spent.decode += took
            self.spent.read -= took
        cache.put(row)

    # Rendering

    def _rendered(self, rows: list[Row]) -> Part:
        """The finished pictures of rows that may be of several kinds; those that turn out bad are left out."""
        kinds: dict[Any, list[int]] = {}
        for place, row in enumerate(rows):
            objects = None if row.objects is None else (row.objects.by_masks, row.objects.pairs)
            kinds.setdefault((row.has_image, row.channels, row.dtype, objects), []).append(place)
        if len(kinds) == 1:
            return self._of_a_kind(rows)
        found: dict[int, tuple[Row, Any, dict[str, Any]]] = {}
        for places in kinds.values():
            part = self._of_a_kind([rows[place] for place in places])
            at = {id(rows[place]): place for place in places}
            for number, row in enumerate(part.rows):
                image = None if part.images is None else part.images[number]
                found[at[id(row)]] = row, image, part.labels[number]
        in_order = [found[place] for place in sorted(found)]
        images = [image for _, image, _ in in_order]
        return Part([row for row, _, _ in in_order], stacked(images, self.new), [labels for _, _, labels in in_order])

    def _of_a_kind(self, rows: list[Row]) -> Part:
        pipeline = self.of.pipeline
        if pipeline is None and not rows[0].has_image:
            return Part(rows, None, [row.fields for row in rows])
        if pipeline is None:
            start = time.perf_counter()
            rows = [row for number, row in enumerate(rows) if self._decoded(row, 0, rows[:number])]
            self.spent.decode += time.perf_counter() - start
            for row in rows:
                if row.objects is not None:
                    _put_objects(row.fields, row.objects.instances, Boxes(), row.size)
            whole = {"visible": 1.0} if self.of.visible else {}
            pictures = stacked([row.picture for row in rows], self.new)
            return Part(rows, pictures, [{**row.fields, **whole} for row in rows])
        boxes = pipeline.boxes
        if rows[0].objects is not None:
            pipeline = for_objects(pipeline, rows[0].objects)
        try:
            if not rows[0].has_image:
                return Part(rows, None, self._without_pictures(pipeline, rows))
            return self._drawn(pipeline, rows, boxes)
        except SampleError:
            raise
        except (AudioError, OSError) as error:  # of a sound that was read as far as it is wanted
            if len(rows) == 1:
                self._leave_out(rows[0].key, error)
                return Part([], None, [])
        except ValueError as error:
            if len(rows) == 1:
                self._leave_out(rows[0].key, ValueError(f"the pipeline failed: {error}"), cause=error)
                self.failures.append(error)
                return Part([], None, [])
        alone = [part for row in rows if (part := self._of_a_kind([row])).rows]
        return Part(
            [part.rows[0] for part in alone],
            stacked([part.images[0] for part in alone], self.new) if rows[0].has_image else None,
            [part.labels[0] for part in alone],
        )

    def _strengths(self, rows: Sequence[Row]) -> Any:
        return of_samples(self.strength, self.of.dataset.labels, [row.index for row in rows])

    def _without_pictures(self, pipeline: Pipeline, rows: list[Row]) -> list[dict[str, Any]]:
        """The fields of samples without a picture, their videos, volumes, sounds and texts varied.

        Raises:
            TypeError: they hold videos or volumes, and an option is for pictures alone.
        """
        if self.of.for_pictures and any(stack_bytes(row.fields) for row in rows):
            raise TypeError(f"Loader: {self.of.for_pictures} is for pictures; the samples hold videos or volumes")
        start = time.perf_counter()
        varied = pipeline.vary(
            [row.fields for row in rows],
            keys=[row.key for row in rows],
            epoch=[row.variation for row in rows],
            strength=self._strengths(rows),
        )
        self.spent.render += time.perf_counter() - start
        return varied

    def _beside(self, pipeline: Pipeline, rows: list[Row], labels: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """The fields with their sounds and texts varied."""
        start = time.perf_counter()
        varied = pipeline.beside(
            labels,
            keys=[row.key for row in rows],
            epoch=[row.variation for row in rows],
            strength=self._strengths(rows),
        )
        self.spent.render += time.perf_counter() - start
        return varied

    def _drawn(self, pipeline: Pipeline, rows: list[Row], boxes: Boxes) -> Part:
        for row in rows:
            if stack_bytes(row.fields):
                raise ValueError(
                    "a sample has a picture and a video or volume: labels could belong to either; give it one of them"
                )
        while rows:
            start = time.perf_counter()
            plan = pipeline.planned(
                [row.size for row in rows],
                keys=[row.key for row in rows],
                epoch=[row.variation for row in rows],
                strength=self._strengths(rows),
                channels=rows[0].channels,
                dtype=rows[0].dtype,
                fields=[row.fields for row in rows],
            )
            scaled = self.of.decode == "scaled"
            reductions = plan.reductions() if scaled else np.zeros(len(rows), np.int64)
            needed = _most_of_each(plan.rows_needed(), rows) if scaled else [None] * len(rows)
            images = plan.room(rows[0].channels, rows[0].dtype, self.new)
            self.spent.render += time.perf_counter() - start
            usable = self._filled(plan, images, rows, reductions.tolist(), needed)
            if len(usable) < len(rows):
                rows = usable
                continue
            start = time.perf_counter()
            labels = plan.carry([row.fields for row in rows])
            if self.of.visible:
                seen = visible_fractions(plan.groups, plan.sizes).tolist()
                labels = [{**label, "visible": share} for label, share in zip(labels, seen, strict=True)]
            for row, image, carried in zip(rows, images, labels, strict=True):
                if row.objects is not None:
                    size = image.shape[-2:] if pipeline.layout == "CHW" else image.shape[:2]
                    _put_objects(carried, row.objects.carried(carried), boxes, size)
            self.spent.render += time.perf_counter() - start
            return Part(rows, images, self._beside(pipeline, rows, labels))
        return Part([], None, [])

    def _filled(
        self, plan: Planned, images: Any, rows: list[Row], reductions: list[int], needed: list[int] | list[None]
    ) -> list[Row]:
        """Decode pictures and draw them, a few at a time: they are drawn out of the processor's cache, and the memory
        of these few serves the next.

        Returns:
            The rows that can be decoded. If there are fewer than came, not all is drawn.
        """
        usable: list[Row] = []
        waiting: list[Row] = []
        files: list[Encoded | None] = []
        for number, (row, allowed, enough) in enumerate(zip(rows, reductions, needed, strict=True)):
            file = row.encoded
            start = time.perf_counter()
            fine = self._decoded(row, allowed, waiting, enough)
            self.spent.decode += time.perf_counter() - start
            if not fine:
                continue
            usable.append(row)
            waiting.append(row)
            files.append(file)
            if sum(_picture(each).nbytes for each in waiting) >= DRAWN_AT_ONCE or number + 1 == len(rows):
                start = time.perf_counter()
                if len(usable) == number + 1:  # none was bad so far
                    halved = np.array([each.reduction for each in waiting], np.int64)
                    pictures = [_picture(each) for each in waiting]
                    plan.fill(images, len(usable) - len(waiting), pictures, halved if halved.any() else None)
                    del pictures
                for each, encoded in zip(waiting, files, strict=True):
                    if encoded is not None:  # its pixels go; should all have to be drawn again, it is decoded again
                        each.picture, each.encoded = None, encoded
                waiting, files = [], []
                self.spent.render += time.perf_counter() - start
        return usable

    def _decoded(self, row: Row, allowed: int, others: Sequence[Row] = (), enough: int | None = None) -> bool:
        """Whether a row's picture could be decoded; at a scale that the draws allow.

        Args:
            row: whose picture it is.
            allowed: how often it may be halved.
            others: rows that are decoded already; one of the same sample has the same picture.
            enough: how many of the picture's rows are enough, for this variation and all others of the sample; None for
                all.
        """
        if row.picture is not None:
            return True
        reduction = reduction_within(row, allowed)
        for other in others:
            if other.picture is not None and (other.index, other.reduction) == (row.index, reduction):
                row.picture, row.reduction, row.encoded = other.picture, reduction, None
                return True
        try:
            decode_row(row, reduction, self.of.channels, enough)
        except UNUSABLE as error:
            self._leave_out(row.key, error)
            return False
        return True

    def _leave_out(self, key: Key, error: Exception, cause: Exception | None = None) -> None:
        reason = error.reason if isinstance(error, SampleError) else str(error)
        if self.of.on_error == "raise":
            raise SampleError(key, reason) from (cause or error)
        problem = BadSample(key, reason)
        if problem not in self.problems:
            self.problems.append(problem)


def _formed(form: Pipeline, pictures: Any, new: Empty) -> Any:
    """Pictures, or (B, V, ...) views of pictures, in the form that a model takes; if stacked, on memory of `new`."""
    if not isinstance(pictures, np.ndarray):
        return form.batch(pictures, threads=1)
    flat = pictures.reshape(-1, *pictures.shape[-3:])
    count, height, width, channels = flat.shape
    plan = form.planned([(height, width)] * count, keys=range(count), channels=channels, dtype=flat.dtype.name)
    made = plan.room(channels, flat.dtype, new)
    plan.fill(made, 0, list(flat), None)
    return made.reshape(*pictures.shape[:-3], *made.shape[1:])


def _most_of_each(needed: Ints, rows: Sequence[Row]) -> list[int]:
    """For each row the most that any variation of its sample needs, so that one decoding serves all of them."""
    most: dict[int, int] = {}
    for row, count in zip(rows, needed.tolist(), strict=True):
        most[row.index] = max(count, most.get(row.index, 0))
    return [most[row.index] for row in rows]


def _put_objects(fields: dict[str, Any], instances: Sequence[Instance], boxes: Boxes, size: tuple[int, ...]) -> None:
    """Objects in place of the fields by which they were carried."""
    for name in FIELDS:
        fields.pop(name, None)
    fields.update(object_fields(instances, boxes, (size[0], size[1])))


def _picture(row: Row) -> Image:
    assert row.picture is not None
    return row.picture
