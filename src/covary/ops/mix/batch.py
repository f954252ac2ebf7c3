"""A finished batch as it came, and the batch that is made of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, TypeAlias, cast

import numpy as np
from numpy.typing import NDArray

from covary.draws.keys import Key, epoch_numbers, key_numbers
from covary.ops.mix.labels import Classes, Labels, read_labels
from covary.plan.changes import Image
from covary.render.buffers import empty
from covary.targets import Boxes, Keypoints

Layout: TypeAlias = Literal["CHW", "HWC", "HW"]

DTYPES = (np.dtype(np.float32), np.dtype(np.uint8), np.dtype(np.uint16))
SOURCES = 4  # of so many samples a mixed one is made at most
OBJECT_FIELDS = ("boxes", "box_labels", "masks", "keypoints", "keypoint_labels")
PER_SAMPLE = ("label", "mask", *OBJECT_FIELDS)
_CHANNELS = (1, 2, 3, 4)


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """B samples.

    Attributes:
        fields: as the user gave them.
        count: B.
        labels: from the field `label`; None where there is none.
        seed: of all randomness.
        epochs: (B,) uint32.
        keys: (B,) uint64 identities.
        layout: of `image`, as the user gave it.
        boxes: how boxes are written and which stay.
        keypoints: how keypoints are written and what becomes of those outside.
    """

    fields: Mapping[str, Any]
    count: int
    labels: Labels | None
    seed: int
    epochs: NDArray[np.uint32]
    keys: NDArray[np.uint64]
    layout: Layout | None
    boxes: Boxes
    keypoints: Keypoints

    def stack(self, field: str = "image") -> NDArray[Any]:
        """The samples of a field in one array.

        Raises:
            TypeError: they are not in one NumPy array.
            ValueError: there is no such field.
        """
        values = self.field(field)
        if not isinstance(values, np.ndarray):
            raise TypeError(
                f"{field} is a {type(values).__name__}; one NumPy array of B samples of one size is needed: let the "
                "pipeline end in a crop or resize"
            )
        return values

    def field(self, field: str) -> Any:
        """A field that must be there."""
        if field not in self.fields:
            raise ValueError(f"no {field} among the fields {sorted(self.fields)}")
        return self.fields[field]

    def has(self, field: str) -> bool:
        """Whether there is such a field."""
        return self.fields.get(field) is not None

    @property
    def boxes_by_masks(self) -> Boxes:
        """How boxes are carried: those of samples with instance masks are the boxes of the masks."""
        return replace(self.boxes, source="masks")

    def stacked_images(self) -> tuple[NDArray[Any], Layout]:
        """The pictures in one array, and their layout; errors as for `stack` and `images`."""
        stack = self.stack()
        return stack, self.images()[1]

    def images(self) -> tuple[Sequence[Image], Layout]:
        """The pictures, (B, ...) or a list, and their layout.

        Raises:
            TypeError, ValueError: of another type, dtype or number of axes, or of a layout that cannot be told.
        """
        images = self.field("image")
        if not isinstance(images, (np.ndarray, list, tuple)):
            raise TypeError(f"image is a {type(images).__name__}; a NumPy array of B pictures (or a list) is needed")
        for index, image in enumerate(images[:1] if isinstance(images, np.ndarray) else images):
            if not isinstance(image, np.ndarray) or image.dtype not in DTYPES:
                kind = image.dtype if isinstance(image, np.ndarray) else type(image).__name__
                raise TypeError(f"image[{index}] is {kind}; allowed are NumPy arrays of float32, uint8 and uint16")
            if image.ndim not in (2, 3):
                raise ValueError(f"image[{index}] has shape {image.shape}; two or three axes are needed")
        if not len(images):
            return cast(Sequence[Image], images), self.layout or "HWC"
        layout = self.layout if self.layout and images[0].ndim == 3 else layout_of(images[0].shape)
        return cast(Sequence[Image], images), layout


def layout_of(shape: Sequence[int]) -> Layout:
    """Where the channels of a picture are, by its shape.

    Raises:
        ValueError: the shape does not tell.
    """
    if len(shape) == 2:
        return "HW"
    first, last = shape[0] in _CHANNELS, shape[-1] in _CHANNELS
    if first == last:
        why = "either end could be the channels" if first else "neither end looks like channels"
        raise ValueError(f"pictures of shape {tuple(shape)}: {why}; pass layout='CHW' or 'HWC'")
    return "CHW" if first else "HWC"


def size_of(image: Image, layout: Layout) -> tuple[int, int]:
    """Height and width."""
    return (image.shape[1], image.shape[2]) if layout == "CHW" else (image.shape[0], image.shape[1])


def window(image: Image, layout: Layout, rectangle: Sequence[int]) -> Image:
    """The pixels in x0, y0, x1, y1 (ends exclusive), as a view."""
    x0, y0, x1, y1 = rectangle
    return image[:, y0:y1, x0:x1] if layout == "CHW" else image[y0:y1, x0:x1]


def mask_window(mask: NDArray[Any], size: tuple[int, int], rectangle: Sequence[int]) -> NDArray[Any]:
    """The part of a mask (H, W) or (H, W, C) in x0, y0, x1, y1, as a view.

    Raises:
        ValueError: the mask has not the picture's height and width.
    """
    if mask.shape[:2] != size or mask.ndim not in (2, 3):
        raise ValueError(f"mask has shape {mask.shape}; allowed: {size} or {(*size, 'C')}, as its picture")
    x0, y0, x1, y1 = rectangle
    return mask[y0:y1, x0:x1]


def read_batch(
    fields: Mapping[str, Any],
    *,
    classes: Classes,
    seed: int,
    epoch: int | Sequence[int],
    keys: Sequence[Key] | None,
    layout: str | None,
    boxes: Any,
    keypoints: Any,
) -> Batch:
    """Check what a user gives to a mixer; the arguments are those of `mix_batch`.

    Raises:
        TypeError, ValueError: a wrong argument, or a field with another number of entries than the others.
    """
    if not isinstance(fields, Mapping):
        raise TypeError(f"fields is a {type(fields).__name__}; a mapping of names to the samples' values is needed")
    if layout not in (None, "CHW", "HWC"):
        raise ValueError(f"layout is {layout!r}; allowed: 'CHW', 'HWC' or None")
    if isinstance(seed, bool) or not isinstance(seed, (int, np.integer)) or not 0 <= seed < 2**64:
        raise ValueError(f"seed is {seed!r}; allowed: a whole number in [0, 2**64)")
    lengths = {
        name: len(fields[name]) for name in ("image", "audio", "text", *PER_SAMPLE) if fields.get(name) is not None
    }
    if keys is not None:
        lengths["keys"] = len(keys)
    if not lengths:
        lengths = {name: len(value) for name, value in fields.items() if isinstance(value, np.ndarray) and value.ndim}
    if len(set(lengths.values())) != 1:
        said = ", ".join(f"{name} {length}" for name, length in lengths.items()) or "none"
        raise ValueError(f"every field needs one entry for each sample; got {said}")
    count = next(iter(lengths.values()))
    label = fields.get("label")
    return Batch(
        fields,
        count,
        None if label is None else read_labels(label, count, classes),
        int(seed),
        epoch_numbers(epoch, count),
        np.arange(count, dtype=np.uint64) if keys is None else _as_numbers(keys),
        cast("Layout | None", layout),
        Boxes(cast(Any, boxes)) if isinstance(boxes, str) else boxes,
        Keypoints(cast(Any, keypoints)) if isinstance(keypoints, str) else keypoints,
    )


def _as_numbers(keys: Any) -> NDArray[np.uint64]:
    if isinstance(keys, np.ndarray) and keys.dtype == np.uint64:
        return np.ascontiguousarray(keys)
    return key_numbers(keys.tolist() if isinstance(keys, np.ndarray) else keys)


class Room:
    """One field on its way out: room for the samples that are changed; the others are copied in the end."""

    __slots__ = ("_came", "_made", "_stacked")

    def __init__(self, came: Any) -> None:
        self._came = came
        self._stacked: NDArray[Any] | None = empty(came.shape, came.dtype) if isinstance(came, np.ndarray) else None
        self._made: list[Any] = [None] * len(came)

    def open(self, row: int) -> NDArray[Any]:
        """Uninitialised room of the size of one sample, to be filled by the caller."""
        made: NDArray[Any]
        made = np.empty_like(self._came[row]) if self._stacked is None else self._stacked[row, ...]
        self._made[row] = made
        return made

    def copy(self, row: int) -> NDArray[Any]:
        """A copy of one sample, to be changed by the caller."""
        made = self.open(row)
        np.copyto(made, self._came[row])
        return made

    def fresh(self, row: int, shape: tuple[int, ...], dtype: Any) -> NDArray[Any]:
        """Uninitialised room of any shape, to be filled by the caller."""
        if self._came[row].shape == shape:
            return self.open(row)
        self._made[row] = empty(shape, dtype)
        return cast("NDArray[Any]", self._made[row])

    def put(self, row: int, value: Any) -> None:
        """Another value in place of one sample, of any size."""
        self._made[row] = value

    def result(self) -> Any:
        """All samples: in one array if they came so and have one size, else in a list."""
        if self._stacked is not None and all(made is None for made in self._made):
            np.copyto(self._stacked, self._came)
            return self._stacked
        for row, made in enumerate(self._made):
            if made is None:
                self.copy(row)
        if self._stacked is None:
            return self._made
        if len({made.shape for made in self._made}) > 1:
            return self._made
        if self._made and self._made[0].shape != self._stacked.shape[1:]:
            return np.stack(self._made)
        for row, made in enumerate(self._made):
            if not np.may_share_memory(made, self._stacked):
                self._stacked[row] = made
        return self._stacked


class Made:
    """The batch that is made: pixels, what each sample is made of, and the labels that go with it."""

    __slots__ = ("_batch", "_objects", "_rooms", "box_weights", "extra", "second_masks", "sources", "weights")

    def __init__(self, batch: Batch) -> None:
        self._batch = batch
        self._rooms: dict[str, Room] = {}
        self.extra: dict[str, Any] = {}
        self._objects: dict[int, dict[str, Any]] = {}
        # Samples blended with the whole of a partner: shares of their boxes, and whose class mask is theirs too.
        self.box_weights: dict[int, NDArray[np.float32]] | None = None
        self.second_masks: dict[int, int] | None = None
        # (B, 4): the samples each is made of, itself first, and their shares in it.
        self.sources = np.repeat(np.arange(batch.count), SOURCES).reshape(batch.count, SOURCES)
        self.weights = np.zeros((batch.count, SOURCES))
        self.weights[:, 0] = 1

    def room(self, field: str) -> Room:
        """The room for a field."""
        if field not in self._rooms:
            self._rooms[field] = Room(self._batch.fields[field])
        return self._rooms[field]

    def put_objects(self, row: int, objects: dict[str, Any]) -> None:
        """The boxes, instance masks and keypoints of a mixed sample, with their labels."""
        self._objects[row] = objects

    def pair(self, row: int, partner: int, share: float) -> None:
        """Note that a sample is `share` of itself and the rest of its partner."""
        self.sources[row, 1] = partner
        self.weights[row, :2] = share, 1 - share

    def result(self, pairs: bool) -> dict[str, Any]:
        """The fields of the mixed batch."""
        out = {**self._batch.fields, **{name: room.result() for name, room in self._rooms.items()}, **self.extra}
        labels = self._batch.labels
        for name in OBJECT_FIELDS if self._objects else ():
            if self._batch.has(name):
                came = self._batch.fields[name]
                out[name] = [
                    self._objects[row].get(name) if row in self._objects else came[row] for row in range(len(came))
                ]
        if self.box_weights is not None:
            ones = [np.ones(0 if boxes is None else len(boxes), dtype=np.float32) for boxes in out["boxes"]]
            out["box_weights"] = [self.box_weights.get(row, weights) for row, weights in enumerate(ones)]
        if self.second_masks is not None:
            came = self._batch.fields["mask"]
            second = [
                came[self.second_masks[row]] if row in self.second_masks else mask
                for row, mask in enumerate(out["mask"])
            ]
            out["mask_b"] = np.stack(second) if isinstance(out["mask"], np.ndarray) else second
        if labels is not None:
            out["target"] = labels.mixed(self.sources, self.weights)
        if pairs:
            out["lam"] = self.weights[:, 0].astype(np.float32)
            if labels is not None:
                out["target_a"], out["target_b"] = labels.of(self.sources[:, 0]), labels.of(self.sources[:, 1])
        return out
