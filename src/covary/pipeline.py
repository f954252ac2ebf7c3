"""The front door: a pipeline of operations, applied to samples."""

from __future__ import annotations

import dataclasses
import os
import threading
from collections.abc import Iterable, Mapping, Sequence
from multiprocessing import parent_process
from pathlib import Path
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from covary.draws.keys import Key, epoch_numbers, key_numbers
from covary.draws.rows import DRAWS, Draws, draw_rows
from covary.ops.base import Course, Operation, Record
from covary.ops.image.finish import Finish, Layout, Normalize, ToTensor
from covary.ops.layout import lay_out
from covary.ops.spec import from_plain, to_plain
from covary.ops.view import View
from covary.pictures import as_picture, like_input, sizes_of
from covary.plan.ahead import CALLS, Ahead
from covary.plan.changes import Image, Ints
from covary.plan.fusion import Group, plan
from covary.planned import Labels, Planned
from covary.render import Renderer, find_renderer
from covary.targets import Boxes, Keypoints

BoxFormat: TypeAlias = Literal["pascal_voc", "coco", "yolo", "normalised"]
PointFormat: TypeAlias = Literal["xy", "xyv"]

_FORMAT = 1


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
        self.seed = int(seed)
        self.draws: Draws = draws
        self.fuse = bool(fuse)
        self.boxes = Boxes(boxes) if isinstance(boxes, str) else boxes
        self.keypoints = Keypoints(keypoints) if isinstance(keypoints, str) else keypoints
        self.mask_fill = mask_fill
        self.threads = threads
        self.renderer: Renderer | None = renderer
        self._layout = lay_out(self.operations)
        self._calls = 0
        self._kind: Any = None
        self._ahead: Ahead | None = None
        self._lock = threading.Lock()
        self._home = os.getpid()

    # Applying it

    def __call__(self, *images: Image, key: Key | None = None, epoch: int = 0, **fields: Any) -> Any:
        """Vary one sample.

        Args:
            images: a bare array, as the only positional argument; then a bare array comes back.
            key: the sample's identity, an integer or a string. Default: this pipeline counts its calls.
            epoch: which of the sample's variations, from 0 on.
            fields: `image` (H, W) or (H, W, C), uint8, uint16 or float32; `mask` (H, W); `masks` (N, H, W) or a list;
                `boxes` (N, 4 or more) with `box_labels`; `keypoints` (N, 2 or more) with `keypoint_labels`. All other
                fields, `label` among them, come back as they are.

        Returns:
            A dict of the same fields, or an array for a bare array.

        Raises:
            TypeError, ValueError: a field of a wrong type, dtype or shape; the message names it.
        """
        if images:
            if len(images) > 1 or fields:
                raise TypeError("a pipeline takes one bare array or named fields (image=..., boxes=...), not both")
            return self._one(images[0], key, epoch, {})["image"]
        image = fields.pop("image", None)
        if image is None:
            raise TypeError(f"no image among the fields {sorted(fields)}; pass image=...")
        return self._one(image, key, epoch, fields)

    def _one(self, image: Any, key: Key | None, epoch: int, fields: dict[str, Any]) -> dict[str, Any]:
        picture = as_picture(image, "image")
        if key is None:
            groups = self._next_call(picture, epoch)
        else:
            groups = self._plan(sizes_of([picture]), picture, key_numbers((key,)), epoch_numbers(epoch, 1))
        outputs, labels = self._planned(sizes_of([picture]), groups).render(
            [picture], fields=[fields], threads=self._threads(None)
        )
        return {"image": like_input(outputs[0], image), **labels[0]}

    def _next_call(self, picture: Image, epoch: int) -> list[Group]:
        """The plan of the next counted call.

        What a call without a key will draw is known before it comes. Where two calls in a row brought pictures of one
        kind, the calls to come are planned together, which costs little more than planning one.
        """
        kind = (picture.shape, picture.dtype, epoch, os.getpid())
        with self._lock:
            call = self._calls
            self._calls += 1
            ahead, before = self._ahead, self._kind
            self._kind = kind
        if ahead is None or not ahead.covers(kind, call):
            count = CALLS if kind == before else 1
            sizes = sizes_of([picture] * count)
            groups = self._plan(sizes, picture, self._call_keys(call, count), epoch_numbers(epoch, count))
            if count == 1:
                return groups
            ahead = Ahead(kind, call, groups)
            self._ahead = ahead
        return ahead.groups_of(call)

    def batch(
        self,
        images: Sequence[Image] | Image,
        *,
        keys: Sequence[Key] | None = None,
        epoch: int | Sequence[int] = 0,
        threads: int | None = None,
        **fields: Sequence[Any],
    ) -> Any:
        """Vary several samples at once: the same results as one by one, at a fraction of the cost.

        Args:
            images: B images of any sizes, or an array (B, H, W, C).
            keys: B identities. Default: this pipeline counts its samples.
            epoch: one for all, or one for each sample.
            threads: cores to use; default: the pipeline's.
            fields: one entry per sample, under the names of a single call.

        Returns:
            With images alone, one stacked array if all results have one size and a list otherwise; with other fields, a
            dict of them ("image" among them), each with one entry per sample.

        Raises:
            TypeError, ValueError: as for a single call; the message names the sample's index too.
        """
        count = len(images)
        pictures = [as_picture(image, f"images[{index}]") for index, image in enumerate(images)]
        if keys is not None and len(keys) != count:
            raise ValueError(f"keys has {len(keys)} entries for {count} images")
        for name, values in fields.items():
            if len(values) != count:
                raise ValueError(f"{name} has {len(values)} entries for {count} images")
        numbers = self._own_keys(count) if keys is None else key_numbers(keys)
        epochs = epoch_numbers(epoch, count)
        samples = [{name: values[index] for name, values in fields.items()} for index in range(count)]
        outputs: Any
        labels: list[dict[str, Any]]
        if len({(picture.dtype, picture.shape[2]) for picture in pictures}) <= 1:
            outputs, labels = self._batch_of_a_kind(pictures, numbers, epochs, samples, threads)
        else:
            outputs, labels = self._mixed_batch(pictures, numbers, epochs, samples, threads)
        if count and any(image.ndim == 2 for image in images):
            outputs = [like_input(output, image) for output, image in zip(outputs, images, strict=True)]
            if len({output.shape for output in outputs}) == 1:
                outputs = np.stack(outputs)
        if not fields:
            return outputs
        return {"image": outputs, **{name: [label[name] for label in labels] for name in fields}}

    def _batch_of_a_kind(
        self,
        pictures: list[Image],
        keys: NDArray[np.uint64],
        epochs: NDArray[np.uint32],
        samples: list[dict[str, Any]],
        threads: int | None,
    ) -> tuple[Any, list[dict[str, Any]]]:
        if not pictures:
            return [], []
        sizes = sizes_of(pictures)
        groups = self._plan(sizes, pictures[0], keys, epochs)
        return self._planned(sizes, groups).draw(pictures, None, samples, self._threads(threads))

    def _mixed_batch(
        self,
        pictures: list[Image],
        keys: NDArray[np.uint64],
        epochs: NDArray[np.uint32],
        samples: list[dict[str, Any]],
        threads: int | None,
    ) -> tuple[list[Image], list[dict[str, Any]]]:
        """Pictures of several dtypes or channel counts: each kind is a batch of its own."""
        kinds: dict[Any, list[int]] = {}
        for index, picture in enumerate(pictures):
            kinds.setdefault((picture.dtype.str, picture.shape[2]), []).append(index)
        outputs: dict[int, Image] = {}
        labels: dict[int, dict[str, Any]] = {}
        for indices in kinds.values():
            some = self._batch_of_a_kind(
                [pictures[i] for i in indices], keys[indices], epochs[indices], [samples[i] for i in indices], threads
            )
            for index, output, label in zip(indices, *some, strict=True):
                outputs[index], labels[index] = output, label
        return [outputs[i] for i in range(len(pictures))], [labels[i] for i in range(len(pictures))]

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
        channels: int = 3,
        dtype: str = "uint8",
    ) -> Planned:
        """Plan what will happen to B samples before their pixels are there, so that a decoder can be told what to give.

        Args:
            sizes: (B, 2) heights and widths of the pictures.
            keys: B identities.
            epoch: one for all, or one for each sample.
            channels, dtype: of all the pictures.

        Returns:
            What is planned: ask it for `reductions()`, then `render` the pictures.
        """
        full = np.asarray(sizes, dtype=np.int64).reshape(len(keys), 2)
        sample = np.empty((0, 0, channels), dtype=as_picture(np.empty((1, 1), dtype), "image").dtype)
        return self._planned(full, self._plan(full, sample, key_numbers(keys), epoch_numbers(epoch, len(keys))))

    def trace(
        self,
        *,
        key: Key,
        epoch: int = 0,
        size: tuple[int, int],
        channels: int = 3,
        dtype: str = "uint8",
    ) -> dict[str, Any]:
        """What will happen to a sample, as plain data that JSON can hold.

        Args:
            key: the sample's identity.
            epoch: which of its variations.
            size: height and width of the image.
            channels: of the image.
            dtype: of the image.

        Returns:
            The identity and, under "operations", for each operation its name, whether it acts, and the values it drew.
        """
        sample = np.empty((0, 0, channels), dtype=as_picture(np.empty((1, 1), dtype), "image").dtype)
        course = self._course(np.array([size], dtype=np.int64), sample, key_numbers((key,)), epoch_numbers(epoch, 1))
        return {
            "covary": _FORMAT,
            "seed": self.seed,
            "key": key,
            "epoch": epoch,
            "size": [int(side) for side in size],
            "channels": channels,
            "dtype": dtype,
            "operations": [_recorded(record) for record in course.records],
        }

    def replay(self, trace: Mapping[str, Any], **fields: Any) -> dict[str, Any]:
        """Repeat on other data what a trace of this pipeline recorded.

        Args:
            trace: from `trace`.
            fields: as for a call.

        Raises:
            ValueError: the trace names an operation that this pipeline does not have.
        """
        image = fields.pop("image", None)
        if image is None:
            raise TypeError(f"no image among the fields {sorted(fields)}; pass image=...")
        picture = as_picture(image, "image")
        names = {node.name: node for root in self._layout.nodes for node in root.walk()}
        past = {}
        for record in trace["operations"]:
            if record["name"] not in names:
                raise ValueError(f"the trace names {record['name']!r}; this pipeline has {', '.join(names)}")
            past[record["name"]] = record
        sizes = sizes_of([picture])
        groups = plan(self._layout.walk(Course(1, None, past), _view(sizes, picture)).steps, sizes, fuse=self.fuse)
        outputs, labels = self._planned(sizes_of([picture]), groups).render(
            [picture], fields=[fields], threads=self._threads(None)
        )
        return {"image": like_input(outputs[0], image), **labels[0]}

    # Variants and files

    def with_strength(self, strength: float) -> Pipeline:
        """The same pipeline drawn towards doing nothing: 1 leaves it, 0 keeps only sizes and formats.

        Raises:
            ValueError: strength is outside [0, 1].
        """
        if not 0 <= strength <= 1:
            raise ValueError(f"strength is {strength!r}; allowed: a number in [0, 1]")
        weaker = [operation.with_strength(strength) for operation in self.operations]
        return Pipeline(weaker, **self._options())

    def with_options(self, **options: Any) -> Pipeline:
        """The same operations with other options (any keyword of the constructor)."""
        return Pipeline(self.operations, **{**self._options(), **options})

    def parted(self) -> tuple[Pipeline, Pipeline | None]:
        """What varies the samples, and what gives the model's input its form (Normalize, ToTensor): one after the other
        they do what the whole does. None where nothing gives a form.
        """
        form = [operation for operation in self.operations if isinstance(operation, Finish)]
        if not form:
            return self, None
        body = self.operations[: len(self.operations) - len(form)]
        return Pipeline(body, **self._options()), Pipeline(form, **self._options())

    @property
    def layout(self) -> Layout:
        """The order of the finished pictures' axes: "CHW" behind ToTensor and Normalize, unless told otherwise."""
        last = self.operations[-1] if self.operations else None
        if isinstance(last, Normalize):
            return last.layout
        return "CHW" if isinstance(last, ToTensor) else "HWC"

    def to_yaml(self, path: str | Path | None = None) -> str:
        """The pipeline as YAML text, written to `path` too if one is given."""
        import yaml

        text: str = yaml.safe_dump(self.to_dict(), sort_keys=False, allow_unicode=True, default_flow_style=None)
        if path is not None:
            Path(path).write_text(text, encoding="utf-8")
        return text

    def to_dict(self) -> dict[str, Any]:
        """The pipeline as plain data."""
        plain: dict[str, Any] = {"covary": _FORMAT, "seed": self.seed}
        for name, default in _DEFAULTS.items():
            value = getattr(self, name)
            if value != default:
                plain[name] = dataclasses.asdict(value) if isinstance(value, (Boxes, Keypoints)) else value
        plain["operations"] = [to_plain(operation) for operation in self.operations]
        return plain

    @classmethod
    def from_yaml(cls, source: str | Path) -> Pipeline:
        """Read a pipeline from a YAML file, or from YAML text (a string with a line break in it).

        Raises:
            ValueError: not YAML, or not a pipeline; unknown names get the nearest known one suggested.
            OSError: the file cannot be read.
        """
        import yaml

        is_text = isinstance(source, str) and "\n" in source
        text = str(source) if is_text else Path(source).read_text(encoding="utf-8")
        where = "pipeline" if is_text else str(source)
        try:
            data = yaml.safe_load(text)
        except yaml.YAMLError as error:
            raise ValueError(f"{where}: not readable as YAML: {error}") from None
        try:
            return cls.from_dict(data)
        except ValueError as error:
            raise ValueError(f"{where}: {error}") from None

    @classmethod
    def from_dict(cls, data: Any) -> Pipeline:
        """Build the pipeline that plain data describes; the inverse of `to_dict`."""
        if not isinstance(data, Mapping) or not isinstance(data.get("operations"), list):
            raise ValueError("a pipeline is written as a mapping with a list of 'operations'")
        known = {"covary", "operations", "seed", *_DEFAULTS}
        for name in data:
            if name not in known:
                raise ValueError(f"a pipeline has no entry {name!r}; it has {', '.join(sorted(known))}")
        if data.get("covary", _FORMAT) != _FORMAT:
            raise ValueError(f"format {data['covary']!r} is not known; this version reads format {_FORMAT}")
        options = {name: data[name] for name in ("seed", *_DEFAULTS) if name in data}
        for name, cls_ in (("boxes", Boxes), ("keypoints", Keypoints)):
            if isinstance(options.get(name), Mapping):
                try:
                    options[name] = cls_(**options[name])
                except TypeError as error:
                    raise ValueError(f"{name}: {error}") from None
        return cls([from_plain(item) for item in data["operations"]], **options)

    def __repr__(self) -> str:
        lines = "".join(f"    {operation!r},\n" for operation in self.operations)
        options = "".join(
            f", {name}={getattr(self, name)!r}" for name, default in _DEFAULTS.items() if getattr(self, name) != default
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

    def _options(self) -> dict[str, Any]:
        return {"seed": self.seed, **{name: getattr(self, name) for name in _DEFAULTS}}

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

    def _plan(self, sizes: Ints, picture: Image, keys: NDArray[np.uint64], epochs: NDArray[np.uint32]) -> list[Group]:
        return plan(self._course(sizes, picture, keys, epochs).steps, sizes, fuse=self.fuse)

    def _course(self, sizes: Ints, picture: Image, keys: NDArray[np.uint64], epochs: NDArray[np.uint32]) -> Course:
        rows = draw_rows(self.seed, epochs, keys, self._layout.slots, self.draws)
        return self._layout.walk(Course(len(sizes), rows, lines=self._layout.lines), _view(sizes, picture))

    def _planned(self, sizes: Ints, groups: Sequence[Group]) -> Planned:
        return Planned(sizes, groups, find_renderer(self.renderer), Labels(self.boxes, self.keypoints, self.mask_fill))


_DEFAULTS: dict[str, Any] = {
    "draws": "independent",
    "fuse": True,
    "boxes": Boxes("pascal_voc"),
    "keypoints": Keypoints("xy"),
    "mask_fill": 0,
    "threads": None,
    "renderer": None,
}


def _view(sizes: Ints, picture: Image) -> View:
    return View(sizes, picture.shape[2], picture.dtype.name)


def usable_cores() -> int:
    """How many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _restore(operations: tuple[Operation, ...], options: dict[str, Any], home: int) -> Pipeline:
    pipeline = Pipeline(operations, **options)
    pipeline._home = home
    return pipeline


def _recorded(record: Record) -> dict[str, Any]:
    active = record.active is None or bool(record.active[0])
    values = {slot: value[0].item() for slot, value in record.draw.values.items()} if active else {}
    return {
        "operation": type(record.node.operation).__name__,
        "name": record.node.name,
        "active": active,
        "values": values,
    }
