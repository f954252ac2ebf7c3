"""The front door: a pipeline of operations, applied to samples."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from multiprocessing import parent_process
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from covary.calls import Calls
from covary.courses import Remembered, Seeded
from covary.draws.keys import Key, epoch_numbers, key_numbers
from covary.draws.rows import DRAWS, Draws, checked_seed
from covary.images import Images, blank
from covary.ops.base import Course, Operation
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
    checked_choice,
    checked_protect,
    checked_rate,
    checked_targets,
    checked_threads,
    checked_time_labels,
)
from covary.plan.changes import Image, Ints
from covary.planned import Labels, Planned
from covary.render import Renderer
from covary.samples import IMAGES, Samples, modalities_of
from covary.sound_samples import SoundSamples
from covary.stacks import FRAME_NOISE, FrameNoise
from covary.targets import Boxes, Keypoints, LineStrings, OrientedBoxes, Polygons
from covary.targets.pairs import checked_indices, checked_pairs
from covary.traces import nothing_to_trace, past_of, told
from covary.written import from_plain_data, read_yaml, to_plain_data, yaml_text

if TYPE_CHECKING:
    from covary.targets.events import Target
    from covary.texts import Variations


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
        renderer: "native", "opencv", "reference", or "torch", which is `covary.interop.pytorch.Augmentation`'s and
            slower than the first on a CPU. Default: native where it was built.

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
        self.seed = checked_seed(seed, "Pipeline")
        self.draws: Draws = checked_choice("draws", draws, DRAWS)
        self.threads = checked_threads(threads)
        self.frame_noise: FrameNoise = checked_choice("frame_noise", frame_noise, FRAME_NOISE)
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
        self.renderer: Renderer | None = renderer
        self._layout = lay_out(self.operations)
        labels = Labels(**{each.name: getattr(self, each.name) for each in dataclasses.fields(Labels)})
        self._images = Images(self._layout, self.fuse, renderer, labels)
        sounds = SoundSamples(self._layout, self.fuse, self.time_labels, self.rate)
        modalities = modalities_of(self.operations) or IMAGES
        self._samples = Samples(self._images, sounds, modalities, self.protect, self.frame_noise)
        self._seeded = Seeded(self._layout, self.seed, self.draws)
        self._calls = Calls(self._samples, self._seeded)

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
            return self._calls.one(fields, key, epoch, self._threads(None))
        if len(content) > 1 or fields:
            raise TypeError(
                "a pipeline takes one bare array or string, or named fields (image=..., boxes=...), not both"
            )
        name = self._samples.name_of(content[0])
        return self._calls.one({name: content[0]}, key, epoch, self._threads(None))[name]

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
            name = self._samples.name_of(contents[0]) if len(contents) else "image"
            columns = {name: contents, **fields}
        if not columns:
            raise self._samples.nothing(columns)
        count = len(next(iter(columns.values())))
        for field, values in (("keys", keys), *columns.items()):
            if values is not None and len(values) != count:
                raise ValueError(f"{field} has {len(values)} entries for {count} samples")
        if count:
            varied = self._calls.batch(columns, keys, epoch, strength, self._threads(threads), name)
        else:
            varied = {field: [] for field in columns}
        return varied if fields or name is None else varied[name]

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
        return int(self.next_keys(1)[0])

    def next_keys(self, count: int) -> NDArray[np.uint64]:
        """The keys that the next `count` calls without one would have; they count as calls."""
        return self._calls.keys(count)

    # What will happen, and the same again

    def planned(
        self,
        sizes: Sequence[tuple[int, int]] | Ints,
        *,
        keys: Sequence[Key] | NDArray[np.uint64],
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
            epoch, strength: as for `batch`.
            channels, dtype: of all the pictures.
            fields: other fields of each sample: labels, at which some operations look before they draw.

        Returns:
            What is planned: ask it for `reductions()`, then `render` the pictures.
        """
        full = np.asarray(sizes, dtype=np.int64).reshape(len(keys), 2)
        courses = self._seeded.courses(key_numbers(keys), epoch, strength)
        anew = partial(courses, np.arange(len(keys)))
        groups = self._images.groups(full, blank(channels, dtype), anew(), fields)
        return self._images.planned(full, groups, anew, fields)

    def vary(
        self,
        samples: Sequence[Mapping[str, Any]],
        *,
        keys: Sequence[Key],
        epoch: int | Sequence[int] = 0,
        strength: Strength = None,
        threads: int = 1,
    ) -> list[dict[str, Any]]:
        """Vary B samples of any kinds, each a dict of fields; what there are no operations for comes back as it is.

        Args:
            samples: their fields, under the names of a single call.
            keys: B identities.
            epoch, strength: as for `batch`.
            threads: cores to use.

        Raises:
            TypeError, ValueError: as for a single call.
        """
        return self._samples.vary_some(samples, self._seeded.courses(key_numbers(keys), epoch, strength), threads)

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
            epoch, strength: as for `batch`.
            threads: cores to use.
        """
        varied = [dict(sample) for sample in samples]
        if self._samples.modalities != IMAGES:
            self._samples.vary_beside(varied, self._seeded.courses(key_numbers(keys), epoch, strength), threads)
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
        remembered = Remembered(self._seeded.courses(key_numbers(keys), epoch))
        self._samples.vary_beside(varied, remembered, 1)
        epochs = epoch_numbers(epoch, len(keys)).tolist()
        return varied, [told(self.seed, key, epochs[row], remembered.records(row)) for row, key in enumerate(keys)]

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
        remembered = Remembered(self._seeded.courses(key_numbers((key,)), epoch))
        given = {"audio": audio, "rate": rate, "text": text}
        about: dict[str, Any] = {}
        if size is not None:
            about = {"size": [int(side) for side in size], "channels": channels, "dtype": dtype}
        if size is not None and len(size) == 3:
            given["volume"] = np.zeros((*size, channels), dtype)
        elif size is not None:
            sizes, pixels = np.array([size], dtype=np.int64), blank(channels, dtype)
            self._images.walk(sizes, channels, pixels.dtype.name, remembered(np.arange(1)), [labels])
        samples = [{name: value for name, value in given.items() if value is not None}]
        self._samples.vary_stacks(samples, remembered, 1)
        self._samples.vary_beside(samples, remembered, 1)
        if not remembered.walked:
            raise nothing_to_trace(self._samples.modalities)
        return told(self.seed, key, epoch, remembered.records(0), about)

    def replay(self, trace: Mapping[str, Any], **fields: Any) -> dict[str, Any]:
        """Repeat on other data what a trace of this pipeline recorded.

        Args:
            trace: from `trace`.
            fields: as for a call.

        Raises:
            ValueError: the trace names an operation that this pipeline does not have.
        """
        past = past_of(trace, self._layout.nodes)
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
    def looks_at_labels(self) -> bool:
        """Whether an operation looks at a sample's labels before it draws, as crops do that keep boxes whole."""
        return self._layout.looks

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
        return _restore, (self.operations, self._options(), self._calls.home)

    # Inside

    def _options(self) -> dict[str, Any]:
        return {"seed": self.seed, **{name: getattr(self, name) for name in DEFAULTS}}

    def _threads(self, threads: int | None) -> int:
        threads = threads or self.threads
        return threads or (1 if parent_process() is not None else usable_cores())


def usable_cores() -> int:
    """How many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _restore(operations: tuple[Operation, ...], options: dict[str, Any], home: int) -> Pipeline:
    pipeline = Pipeline(operations, **options)
    pipeline._calls.home = home
    return pipeline
