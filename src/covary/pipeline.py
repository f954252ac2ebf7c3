"""The front door: a pipeline of operations, applied to samples."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from multiprocessing import parent_process
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from covary.draws.keys import Key, epoch_numbers, key_numbers
from covary.draws.rows import DRAWS, Draws, draw_rows
from covary.further import has_further
from covary.images import Courses, Images
from covary.ops.base import Course, Operation, Record
from covary.ops.image.finish import Finish, Layout, Normalize, ToTensor
from covary.ops.layout import lay_out
from covary.ops.view import Modality
from covary.options import (
    DEFAULTS,
    BoxFormat,
    Kind,
    OrientedFormat,
    PointFormat,
    ShapeFormat,
    Strength,
    checked_protect,
    checked_rate,
    checked_targets,
    checked_time_labels,
    strengths_of,
)
from covary.pictures import as_picture, like_input, sizes_of
from covary.plan.ahead import BATCHES, CALLS, Ahead, one_by_one
from covary.plan.changes import Image, Ints
from covary.plan.fusion import Group
from covary.planned import Labels, Planned
from covary.render import Renderer
from covary.samples import IMAGES, SOUNDS, Samples, has_stack, modalities_of
from covary.stacks import FRAME_NOISE, FrameNoise
from covary.targets import Boxes, Keypoints, LineStrings, OrientedBoxes, Polygons
from covary.targets.pairs import checked_indices, checked_pairs
from covary.written import FORMAT, from_plain_data, read_yaml, to_plain_data, yaml_text

if TYPE_CHECKING:
    from covary.plan.audio import AudioPlan
    from covary.targets.events import Target
    from covary.texts import Variations

Plan = TypeVar("Plan")


class Pipeline:
    """A sequence of operations that varies samples, images and labels alike.

    Args:
        operations: what happens, in order.
        seed: of all randomness, in [0, 2**64). Default 0: pipelines are reproducible unless they are told otherwise.
        draws: "independent", or "stratified" to cover each parameter's range evenly over a sample's epochs.
        fuse: False runs every operation as a pass of its own, in order.
        boxes: the format of `boxes` fields ("pascal_voc", "coco", "yolo", "normalised") or a `Boxes` with more to say.
        keypoints: the format of `keypoints` fields ("xy", "xyv") or a `Keypoints` with more to say.
        mask_fill: value of masks outside the source where a border is "constant".
        oriented_boxes: the format of `oriented_boxes` fields ("xywha", "corners") or an `OrientedBoxes` with more to
            say.
        polygons: the format of `polygons` fields ("pixels", "normalised") or a `Polygons` with more to say.
        line_strings: the format of `line_strings` fields ("pixels", "normalised") or a `LineStrings` with more to say.
        mask_pairs: pairs of class numbers, [(left, right), ...], that trade places in `mask` when the picture is
            mirrored (an odd number of flips).
        heatmap_pairs: pairs of channels that trade places in `heatmaps` then.
        targets: further fields by name, and as which kind of field they are treated, all with the draws of the sample:
            "image" (every change, noise and all; of the size of `image`, of any dtype and channels), "mask", "masks",
            "heatmaps" (geometry alone, values in between are interpolated), "boxes", "keypoints", "oriented_boxes",
            "polygons" or "line_strings", whose labels are in NAME_labels.
        time_labels: how fields of sounds are written that move in time, by name: `Events`, `Frames` or `Waveform` of
            `covary.targets.events`. Known without it: `events`, `words` and `phones` in seconds, a `clean` waveform.
        rate: samples per second of sounds that come without a rate.
        protect: what no operation on text may touch, see `covary.ops.text.protect`: "word:NAME", "pattern:REGEX",
            "spans", "entity:LABEL"; "-KIND" gives a built-in kind free ("-numbers").
        frame_noise: "own" gives every frame of a video and every slice of a volume noise of its own, as a camera does;
            "same" gives all of them one field. All else is the same for all frames in any case.
        threads: cores that one call may use. Default: all of them; one inside a worker process.
        renderer: "native", "opencv" or "reference". Default: native where it was built.

    Raises:
        ValueError, TypeError: a wrong argument, or a `Normalize` or `ToTensor` that is not at the end.

    Example:
        >>> import numpy as np
        >>> from covary import Pipeline, image
        >>> pipeline = Pipeline([image.HorizontalFlip(p=0.5), image.Rotate((-20, 20))], seed=7)
        >>> out = pipeline(image=np.zeros((48, 64, 3), np.uint8), key="cats/12.jpg", epoch=3)
        >>> out["image"].shape
        (48, 64, 3)
    """

    def __init__(
        self,
        operations: Iterable[Operation],
        *,
        seed: int = 0,
        draws: Draws = "independent",
        fuse: bool = True,
        boxes: BoxFormat | Boxes = "pascal_voc",
        keypoints: PointFormat | Keypoints = "xy",
        mask_fill: float = 0,
        oriented_boxes: OrientedFormat | OrientedBoxes = "xywha",
        polygons: ShapeFormat | Polygons = "pixels",
        line_strings: ShapeFormat | LineStrings = "pixels",
        mask_pairs: Sequence[tuple[int, int]] = (),
        heatmap_pairs: Sequence[tuple[int, int]] = (),
        targets: Mapping[str, Kind] | None = None,
        time_labels: Mapping[str, Target] | None = None,
        rate: int | None = None,
        protect: Sequence[str] = (),
        frame_noise: FrameNoise = "own",
        threads: int | None = None,
        renderer: Renderer | None = None,
    ) -> None:
        self.operations = tuple(operations)
        for index, operation in enumerate(self.operations):
            if not isinstance(operation, Operation):
                raise TypeError(
                    f"Pipeline: operations[{index}] is a {type(operation).__name__}; an operation is needed"
                )
        if isinstance(seed, bool) or not isinstance(seed, (int, np.integer)) or not 0 <= seed < 2**64:
            raise ValueError(f"Pipeline: seed is {seed!r}; allowed: a whole number in [0, 2**64)")
        if draws not in DRAWS:
            raise ValueError(f"Pipeline: draws is {draws!r}; allowed: {', '.join(DRAWS)}")
        if threads is not None and (not isinstance(threads, int) or threads < 1):
            raise ValueError(f"Pipeline: threads is {threads!r}; allowed: a whole number from 1 on, or None")
        if frame_noise not in FRAME_NOISE:
            raise ValueError(f"Pipeline: frame_noise is {frame_noise!r}; allowed: {', '.join(FRAME_NOISE)}")
        self.seed = int(seed)
        self.draws: Draws = draws
        self.fuse = bool(fuse)
        self.boxes = Boxes(boxes) if isinstance(boxes, str) else boxes
        self.keypoints = Keypoints(keypoints) if isinstance(keypoints, str) else keypoints
        self.mask_fill = mask_fill
        self.oriented_boxes = OrientedBoxes(oriented_boxes) if isinstance(oriented_boxes, str) else oriented_boxes
        self.polygons = Polygons(polygons) if isinstance(polygons, str) else polygons
        self.line_strings = LineStrings(line_strings) if isinstance(line_strings, str) else line_strings
        self.mask_pairs = checked_pairs(mask_pairs, "Pipeline: mask_pairs")
        self.heatmap_pairs = checked_indices(heatmap_pairs, "Pipeline: heatmap_pairs")
        self.targets = checked_targets(targets)
        self.time_labels = checked_time_labels(time_labels)
        self.rate = checked_rate(rate)
        self.protect = checked_protect(protect)
        self.frame_noise: FrameNoise = frame_noise
        self.threads = threads
        self.renderer: Renderer | None = renderer
        self._layout = lay_out(self.operations)
        labels = Labels(
            self.boxes,
            self.keypoints,
            mask_fill,
            self.oriented_boxes,
            self.polygons,
            self.line_strings,
            self.mask_pairs,
            self.heatmap_pairs,
            self.targets,
        )
        self._images = Images(self._layout, self.fuse, renderer, labels)
        modalities = modalities_of(self.operations) or IMAGES
        self._samples = Samples(self._images, modalities, self.time_labels, self.rate, self.protect, self.frame_noise)
        self._calls = 0
        self._kind: Any = None
        self._ahead: Ahead[Any] | None = None
        self._lock = threading.Lock()
        self._home = os.getpid()

    # Applying it

    def __call__(self, *content: Any, key: Key | None = None, epoch: int = 0, **fields: Any) -> Any:
        """Vary one sample.

        Args:
            content: a bare array or string, as the only positional argument; then such a one comes back.
            key: the sample's identity, an integer or a string. Default: this pipeline counts its calls.
            epoch: which of the sample's variations, from 0 on.
            fields: what varies, and the labels that go with it; all others, `label` among them, come back as they are.
                With `image` (H, W) or (H, W, C), uint8, uint16 or float32: `mask` (H, W); `masks` (N, H, W) or a list;
                `boxes` (N, 4 or more) with `box_labels`; `keypoints` (N, 2 or more) with `keypoint_labels`;
                `oriented_boxes` (N, 5 or 8) with `oriented_box_labels`; `polygons` with `polygon_labels`;
                `line_strings` with `line_string_labels`; `heatmaps` (H, W, K); `images` (N, H, W, C) or a list, beside
                `image` or in its place, all with the same draws; and what `targets` names.
                With `audio` (samples,) or (channels, samples), float32, float64, int16 or int32, and its `rate`, or a
                `covary.data.StoredSound`, of which no more is read than is looked at:
                `events`, `words` and `phones` (see `covary.targets.events.Events`), a `clean` waveform, and what
                `time_labels` names.
                With `video` (T, H, W) or (T, H, W, C): the labels of an image, each with one entry for every frame,
                as `mask` (T, H, W) and `boxes` a list of T arrays. All frames are varied alike.
                With `volume` (D, H, W) or (D, H, W, C), in int16 too for operations on volumes alone: `mask3d`,
                `masks3d`, `keypoints3d` (N, 3) x, y, z with `keypoints3d_labels`, and its voxel `spacing` along D, H
                and W. Operations on images take it slice by slice, all alike.
                With `text`: `spans`, `sentences`, `answer`, `tokens` with `tags`, and `protected` spans (see
                `covary.texts.vary_texts`).

        Returns:
            A dict of the same fields, or what a bare argument was.

        Raises:
            TypeError, ValueError: a field of a wrong type, dtype or shape; the message names it.
        """
        if not content:
            return self._one(fields, key, epoch)
        if len(content) > 1 or fields:
            raise TypeError(
                "a pipeline takes one bare array or string, or named fields (image=..., boxes=...), not both"
            )
        name = self._name_of(content[0])
        return self._one({name: content[0]}, key, epoch)[name]

    def _one(self, fields: dict[str, Any], key: Key | None, epoch: int) -> dict[str, Any]:
        modalities = self._samples.modalities
        if key is None and modalities == SOUNDS:
            return self._counted_sound(fields, epoch)
        if modalities != IMAGES or fields.get("image") is None or has_stack(fields):
            keys = self._own_keys(1) if key is None else key_numbers((key,))
            courses = self._courses(keys, epoch_numbers(epoch, 1))
            return self._samples.vary([fields], courses, self._threads(None))[1][0]
        if fields.get("image") is None or has_further(fields, self.targets):
            return self._with_further(fields, key, epoch)
        fields = dict(fields)
        image = fields.pop("image")
        picture = as_picture(image, "image")
        sizes = sizes_of([picture])
        if key is None and not self._layout.looks:
            groups = self._counted_picture(picture, epoch)
        else:
            keys = self._own_keys(1) if key is None else key_numbers((key,))
            groups = self._images.groups(sizes, picture, self._course(keys, epoch_numbers(epoch, 1)), [fields])
        outputs, labels = self._images.planned(sizes, groups).draw([picture], None, [fields], self._threads(None))
        return {"image": like_input(outputs[0], image), **labels[0]}

    def _with_further(self, fields: dict[str, Any], key: Key | None, epoch: int) -> dict[str, Any]:
        """A sample of several images."""
        keys = self._own_keys(1) if key is None else key_numbers((key,))
        return self._samples.vary([fields], self._courses(keys, epoch_numbers(epoch, 1)), self._threads(None))[1][0]

    def _counted_picture(self, picture: Image, epoch: int) -> list[Group]:
        """The plan of the next call, for a picture."""

        def planned(count: int, course: Course) -> Callable[[int], list[Group]]:
            groups = self._images.groups(sizes_of([picture] * count), picture, course, None)
            return one_by_one(groups, count) if count > 1 else lambda row: groups

        return self._next_call((picture.shape, picture.dtype), planned, epoch, CALLS)

    def _counted_sound(self, fields: Mapping[str, Any], epoch: int) -> dict[str, Any]:
        """The next call, for a sound."""
        sound = self._samples.sound_of(fields)

        def planned(count: int, course: Course) -> Callable[[int], AudioPlan]:
            plan = self._samples.plan_sound(sound, count, course)
            return lambda row: plan.part(row, 1)

        # Operations that must hear the sound cannot be planned before it is there.
        plan = self._next_call(sound.kind, planned, epoch, 1 if self._layout.listens else CALLS)
        return self._samples.draw_sound(sound, plan)

    def _counted_sounds(self, columns: Mapping[str, Sequence[Any]], epoch: int, threads: int) -> dict[str, Any]:
        """The next batch of sounds that come with no more than their rates."""
        sounds = self._samples.sounds_of(columns)

        def planned(count: int, course: Course) -> Callable[[int], AudioPlan]:
            plan = self._samples.plan_several(sounds, count, course)
            return lambda row: plan.part(row * sounds.count, sounds.count)

        plan = self._next_call(sounds.kind, planned, epoch, 1 if self._layout.listens else BATCHES, sounds.count)
        return self._samples.draw_several(sounds, plan, threads)

    def _next_call(
        self,
        kind: tuple[Any, ...],
        planned: Callable[[int, Course], Callable[[int], Plan]],
        epoch: int,
        most: int,
        samples: int = 1,
    ) -> Plan:
        """The plan of the next counted call.

        What a call without a key will draw is known before it comes. Where two calls in a row brought content of one
        kind, the calls to come are planned together, which costs little more than planning one.

        Args:
            kind: of what the call brings.
            planned: plans a number of calls by their course, and gives the plan of each by its place among them.
            epoch: of the call.
            most: calls to plan together.
            samples: of the call.
        """
        kind = (*kind, epoch, os.getpid())
        with self._lock:
            first = self._calls
            self._calls += samples
            ahead, before = self._ahead, self._kind
            self._kind = kind
        if ahead is None or not ahead.covers(kind, first):
            count = most if kind == before else 1
            keys = self._call_keys(first, count * samples)
            ahead = Ahead(
                kind, first, planned(count, self._course(keys, epoch_numbers(epoch, len(keys)))), count, samples
            )
            if count > 1:
                self._ahead = ahead
        plan: Plan = ahead.of_call(first)
        return plan

    def batch(
        self,
        contents: Sequence[Any] | Image | None = None,
        *,
        keys: Sequence[Key] | None = None,
        epoch: int | Sequence[int] = 0,
        strength: Strength = None,
        threads: int | None = None,
        **fields: Sequence[Any],
    ) -> Any:
        """Vary several samples at once: the same results as one by one, at a fraction of the cost.

        Args:
            contents: B images of any sizes, an array (B, H, W, C), or B texts. Sounds, and images and texts together,
                are given by name.
            keys: B identities. Default: this pipeline counts its samples.
            epoch: one for all, or one for each sample.
            strength: in [0, 1], one for all or one for each sample: what `with_strength` gives. Default: 1.
            threads: cores to use; default: the pipeline's.
            fields: one entry per sample, under the names of a single call.

        Returns:
            With contents alone what varied them: for images one stacked array if all results have one size and a list
            otherwise, for texts a list. With fields a dict, each entry with one part per sample.

        Raises:
            TypeError, ValueError: as for a single call; the message names the sample's index too.
        """
        name: str | None = None
        columns: dict[str, Any] = dict(fields)
        if contents is not None:
            name = self._name_of(contents[0]) if len(contents) else "image"
            columns = {name: contents, **fields}
        if not columns:
            raise self._samples.nothing(columns)
        count = len(next(iter(columns.values())))
        for field, values in (("keys", keys), *columns.items()):
            if values is not None and len(values) != count:
                raise ValueError(f"{field} has {len(values)} entries for {count} samples")
        if count and keys is None and strength is None and type(epoch) is int and self._samples.are_sounds(columns):
            varied = self._counted_sounds(columns, epoch, self._threads(threads))
        elif count:
            numbers = self._own_keys(count) if keys is None else key_numbers(keys)
            varied = self._samples.columns(
                columns,
                self._courses(numbers, epoch_numbers(epoch, count), strengths_of(strength, count)),
                self._threads(threads),
                name,
            )
        else:
            varied = {field: [] for field in columns}
        return varied if fields or name is None else varied[name]

    def _name_of(self, content: Any) -> str:
        """What a bare argument is."""
        if isinstance(content, str):
            return "text"
        if self._samples.modalities & {"image", "volume"} and np.ndim(content) > 2:
            if "volume" in self._samples.modalities:
                return "volume"
            if np.ndim(content) == 4:
                return "video"
        return "audio" if self._samples.modalities == {"audio"} else "image"

    def variations(self, text: str, n: int, *, key: Key = 0, **fields: Any) -> Variations:
        """Exactly `n` different variations of a text, or fewer with the reason.

        They are those of the sample's first epochs that differ from the original and from each other.

        Args:
            text: the original.
            n: how many, from 1.
            key: the sample's identity.
            fields: that go with the text, as for a call (`spans`, `answer` ...).

        Returns:
            `texts`, the `fields` of each, the `epochs` that give them, and the `reason` why there are fewer, or "".

        Raises:
            TypeError, ValueError: `n` is no whole number from 1 on, or a field is wrong.
        """
        from covary.texts import variations

        given = fields or None
        return variations(self.operations, text, n, given, seed=self.seed, key=key, protect=self.protect)

    def next_key(self) -> int:
        """The key that the next call without one would have; it counts as a call."""
        return int(self._own_keys(1)[0])

    # What will happen, and the same again

    def planned(
        self,
        sizes: Sequence[tuple[int, int]] | Ints,
        *,
        keys: Sequence[Key],
        epoch: int | Sequence[int] = 0,
        strength: Strength = None,
        channels: int = 3,
        dtype: str = "uint8",
        fields: Sequence[Mapping[str, Any]] | None = None,
    ) -> Planned:
        """Plan what will happen to B samples before their pixels are there, so that a decoder can be told what to give.

        Args:
            sizes: (B, 2) heights and widths of the pictures.
            keys: B identities.
            epoch: one for all, or one for each sample.
            strength: in [0, 1], one for all or one for each sample. Default: 1.
            channels, dtype: of all the pictures.
            fields: other fields of each sample: labels, at which some operations look before they draw.

        Returns:
            What is planned: ask it for `reductions()`, then `render` the pictures.
        """
        full = np.asarray(sizes, dtype=np.int64).reshape(len(keys), 2)
        strengths = strengths_of(strength, len(keys))
        anew = partial(self._course, key_numbers(keys), epoch_numbers(epoch, len(keys)), strengths)
        groups = self._images.groups(full, _like(channels, dtype), anew(), fields)
        return self._images.planned(full, groups, anew, fields)

    def beside(
        self,
        samples: Sequence[Mapping[str, Any]],
        *,
        keys: Sequence[Key],
        epoch: int | Sequence[int] = 0,
        strength: Strength = None,
        threads: int = 1,
    ) -> list[dict[str, Any]]:
        """Vary the sounds and texts of B samples whose pictures are drawn by themselves, see `planned`.

        Args:
            samples: their fields without the pictures; those without a sound or text come back as they are.
            keys: B identities.
            epoch: one for all, or one for each sample.
            strength: in [0, 1], one for all or one for each sample. Default: 1.
            threads: cores to use.
        """
        varied = [dict(sample) for sample in samples]
        if self._samples.modalities != IMAGES:
            strengths = strengths_of(strength, len(keys))
            courses = self._courses(key_numbers(keys), epoch_numbers(epoch, len(keys)), strengths)
            self._samples.vary_beside(varied, courses, threads)
        return varied

    def traced(
        self, samples: Sequence[Mapping[str, Any]], *, keys: Sequence[Key], epoch: int | Sequence[int] = 0
    ) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
        """Vary the sounds and texts of B samples, and tell what happened to each: `beside` and `trace` in one go.

        Args:
            samples: their fields; a sound may be a `StoredSound`.
            keys: B identities.
            epoch: one for all, or one for each sample.

        Returns:
            The varied fields, and the traces.
        """
        varied = [dict(sample) for sample in samples]
        numbers, epochs = key_numbers(keys), epoch_numbers(epoch, len(keys))
        walked: list[tuple[Ints, Course]] = []

        def kept(rows: Ints) -> Course:
            walked.append((rows, self._course(numbers[rows], epochs[rows])))
            return walked[-1][1]

        self._samples.vary_beside(varied, kept, 1)
        traces = []
        for row, key in enumerate(keys):
            places = [(course, int(place)) for rows, course in walked for place in np.flatnonzero(rows == row)]
            records = [(record, place) for course, place in places for record in course.records]
            traces.append(self._told(key, int(epochs[row]), {}, records))
        return varied, traces

    def trace(
        self,
        *,
        key: Key,
        epoch: int = 0,
        size: tuple[int, ...] | None = None,
        channels: int = 3,
        dtype: str = "uint8",
        audio: NDArray[Any] | None = None,
        rate: int | None = None,
        text: str | None = None,
        **labels: Any,
    ) -> dict[str, Any]:
        """What will happen to a sample, as plain data that JSON can hold.

        Args:
            key: the sample's identity.
            epoch: which of its variations.
            size: height and width of its image or video, or depth, height and width of its volume (of which an empty
                one is then taken through the pipeline); needed by pipelines for images and volumes.
            channels, dtype: of the image or volume.
            audio, rate: its sound; a silent one of the same length does where no operation listens to it.
            text: its text.
            labels: of its image (`boxes`, `mask`), where an operation looks at them before it draws.

        Returns:
            The identity and, under "operations", for each operation its name, whether it acts, and the values it drew.
        """
        courses = self._courses(key_numbers((key,)), epoch_numbers(epoch, 1))
        walked: list[Course] = []
        about: dict[str, Any] = {}
        volume = None
        if size is not None and len(size) == 3:
            volume = np.zeros((*size, channels), dtype)
            about = {"size": [int(side) for side in size], "channels": channels, "dtype": dtype}
        elif size is not None:
            like = _like(channels, dtype)
            sizes = np.array([size], dtype=np.int64)
            walked.append(self._images.walk(sizes, channels, like.dtype.name, courses(np.arange(1)), [labels]))
            about = {"size": [int(side) for side in size], "channels": channels, "dtype": dtype}
        walked += self._samples.walked_beside({"volume": volume, "audio": audio, "rate": rate, "text": text}, courses)
        if not walked:
            needed = " or ".join(_TRACED[modality] for modality in sorted(self._samples.modalities))
            raise TypeError(f"trace: nothing to trace; pass {needed}")
        return self._told(key, epoch, about, [(record, 0) for course in walked for record in course.records])

    def replay(self, trace: Mapping[str, Any], **fields: Any) -> dict[str, Any]:
        """Repeat on other data what a trace of this pipeline recorded.

        Args:
            trace: from `trace`.
            fields: as for a call.

        Raises:
            ValueError: the trace names an operation that this pipeline does not have.
        """
        names = {node.name: node for root in self._layout.nodes for node in root.walk()}
        past = {}
        for record in trace["operations"]:
            if record["name"] not in names:
                raise ValueError(f"the trace names {record['name']!r}; this pipeline has {', '.join(names)}")
            past[record["name"]] = record
        return self._samples.vary([fields], lambda rows: Course(len(rows), None, past), self._threads(None))[1][0]

    # Variants and files

    def with_strength(self, strength: float) -> Pipeline:
        """The same pipeline drawn towards doing nothing: 1 leaves it, 0 keeps only sizes and formats.

        Raises:
            ValueError: strength is outside [0, 1].
        """
        if not 0 <= strength <= 1:
            raise ValueError(f"strength is {strength!r}; allowed: a number in [0, 1]")
        weaker = [operation.with_strength(strength) for operation in self.operations]
        return self.with_operations(weaker)

    def with_options(self, **options: Any) -> Pipeline:
        """The same operations with other options (any keyword of the constructor)."""
        return Pipeline(self.operations, **{**self._options(), **options})

    def with_operations(self, operations: Iterable[Operation]) -> Pipeline:
        """Other operations with the same options."""
        return Pipeline(operations, **self._options())

    def parted(self) -> tuple[Pipeline, Pipeline | None]:
        """What varies the samples, and what gives the model's input its form (Normalize, ToTensor): one after the other
        they do what the whole does. None where nothing gives a form.
        """
        form = [operation for operation in self.operations if isinstance(operation, Finish)]
        if not form:
            return self, None
        body = self.operations[: len(self.operations) - len(form)]
        return self.with_operations(body), self.with_operations(form)

    @property
    def modalities(self) -> frozenset[Modality]:
        """What it has operations for: "image", "audio", "text", "volume"; all else passes by."""
        return self._samples.modalities

    @property
    def layout(self) -> Layout:
        """The order of the finished pictures' axes: "CHW" behind ToTensor and Normalize, unless told otherwise."""
        last = self.operations[-1] if self.operations else None
        if isinstance(last, Normalize):
            return last.layout
        return "CHW" if isinstance(last, ToTensor) else "HWC"

    def to_yaml(self, path: str | Path | None = None) -> str:
        """The pipeline as YAML text, written to `path` too if one is given."""
        return yaml_text(self.to_dict(), path)

    def to_dict(self) -> dict[str, Any]:
        """The pipeline as plain data."""
        return to_plain_data(self.operations, self._options())

    @classmethod
    def from_yaml(cls, source: str | Path) -> Pipeline:
        """Read a pipeline from a YAML file, or from YAML text (a string with a line break in it).

        Raises:
            ValueError: not YAML, or not a pipeline; unknown names get the nearest known one suggested.
            OSError: the file cannot be read.
        """
        where, data = read_yaml(source)
        try:
            return cls.from_dict(data)
        except ValueError as error:
            raise ValueError(f"{where}: {error}") from None

    @classmethod
    def from_dict(cls, data: Any) -> Pipeline:
        """Build the pipeline that plain data describes; the inverse of `to_dict`."""
        operations, options = from_plain_data(data)
        return cls(operations, **options)

    def __repr__(self) -> str:
        lines = "".join(f"    {operation!r},\n" for operation in self.operations)
        options = "".join(
            f", {name}={getattr(self, name)!r}" for name, default in DEFAULTS.items() if getattr(self, name) != default
        )
        return f"Pipeline([\n{lines}], seed={self.seed}{options})"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Pipeline):
            return NotImplemented
        return self.operations == other.operations and self._options() == other._options()

    def __hash__(self) -> int:
        return hash((self.operations, self.seed))

    def __reduce__(self) -> tuple[Any, ...]:
        return _restore, (self.operations, self._options(), self._home)

    # Inside

    def _told(
        self, key: Key, epoch: int, about: Mapping[str, Any], records: Sequence[tuple[Record, int]]
    ) -> dict[str, Any]:
        """A trace: records, each with the row of the sample in it."""
        head = {"covary": FORMAT, "seed": self.seed, "key": key, "epoch": epoch}
        return {**head, **about, "operations": _recorded(records)}

    def _options(self) -> dict[str, Any]:
        return {"seed": self.seed, **{name: getattr(self, name) for name in DEFAULTS}}

    def _own_keys(self, count: int) -> NDArray[np.uint64]:
        with self._lock:
            first = self._calls
            self._calls += count
        return self._call_keys(first, count)

    def _call_keys(self, first: int, count: int) -> NDArray[np.uint64]:
        if os.getpid() == self._home:
            return np.arange(first, first + count, dtype=np.uint64)
        # A copy of this pipeline in another process: its count must not repeat that of its siblings.
        return key_numbers(f"call {first + i} of process {os.getpid()}" for i in range(count))

    def _threads(self, threads: int | None) -> int:
        threads = threads or self.threads
        return threads or (1 if parent_process() is not None else usable_cores())

    def _course(
        self, keys: NDArray[np.uint64], epochs: NDArray[np.uint32], strengths: NDArray[np.float64] | None = None
    ) -> Course:
        rows = draw_rows(self.seed, epochs, keys, self._layout.slots, self.draws)
        return Course(len(keys), rows, lines=self._layout.lines, strength=strengths)

    def _courses(
        self, keys: NDArray[np.uint64], epochs: NDArray[np.uint32], strengths: NDArray[np.float64] | None = None
    ) -> Courses:
        return lambda rows: self._course(keys[rows], epochs[rows], None if strengths is None else strengths[rows])


_TRACED = {
    "image": "size=(height, width)",
    "volume": "size=(depth, height, width)",
    "audio": "audio=... with its rate",
    "text": "text=...",
}


def _like(channels: int, dtype: str) -> Image:
    """An empty picture of these channels and this dtype."""
    return np.empty((0, 0, channels), dtype=as_picture(np.empty((1, 1), dtype), "image").dtype)


def usable_cores() -> int:
    """How many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _restore(operations: tuple[Operation, ...], options: dict[str, Any], home: int) -> Pipeline:
    pipeline = Pipeline(operations, **options)
    pipeline._home = home
    return pipeline


def _recorded(records: Sequence[tuple[Record, int]]) -> list[dict[str, Any]]:
    """Records of one sample as plain data. A combinator over several kinds of data was walked through for each."""
    written: dict[str, dict[str, Any]] = {}
    for record, row in records:
        active = record.active is None or bool(record.active[row])
        if active or record.node.name not in written:
            written[record.node.name] = {
                "operation": type(record.node.operation).__name__,
                "name": record.node.name,
                "active": active,
                "values": {slot: value[row].item() for slot, value in record.draw.values.items()} if active else {},
            }
    return list(written.values())
