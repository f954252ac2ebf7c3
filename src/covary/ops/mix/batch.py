"""A finished batch as it came, and the batch that is made of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, NamedTuple, TypeAlias, cast

import numpy as np
from numpy.typing import NDArray

from covary.draws.keys import Key, epoch_numbers, key_numbers
from covary.ops.mix.labels import Classes, Labels, read_labels
from covary.plan.changes import Bools, Image
from covary.planned import Labels as Forms  # `Labels` are classes here
from covary.render.buffers import Empty, empty
from covary.targets import Boxes, Keypoints
from covary.targets.carry import LABELS

Layout: TypeAlias = Literal["CHW", "HWC", "HW"]

DTYPES = (np.dtype(np.float32), np.dtype(np.uint8), np.dtype(np.uint16))
SOURCES = 4  # of so many samples a mixed one is made at most
OBJECTS = ("boxes", "masks", "keypoints", "oriented_boxes", "polygons", "line_strings")
LAYERS = ("mask", "heatmaps")
SEVERAL = "images"
WEIGHTS = {
    "boxes": "box_weights",
    "oriented_boxes": "oriented_box_weights",
    "polygons": "polygon_weights",
    "line_strings": "line_string_weights",
}
PLAIN = Forms(Boxes(), Keypoints(), 0)
_CHANNELS = (1, 2, 3, 4)


class ObjectField(NamedTuple):
    """A field with one row for each object: its name, the name of its labels (or ""), and what it is treated as."""

    name: str
    labels: str
    kind: str


class Layer(NamedTuple):
    """A field of pixels that lie on those of the picture: its name, and whether it is "image", "mask" or "heatmaps"."""

    name: str
    kind: str


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """B samples.

    Attributes:
        fields: as the user gave them; but `images` are columns of their own, "images[0]" and so on, of which the
            first is "image" where there is no such field.
        count: B.
        labels: from the field `label`; None where there is none.
        seed: of all randomness.
        epochs: (B,) uint32.
        keys: (B,) uint64 identities.
        layout: of `image`, as the user gave it.
        forms: how all fields are written that go with pictures, and which further ones there are.
        several: the columns that `images` were taken apart to; () where there are none.
        came: `images` as the user gave them.
        new: where the memory of mixed fields comes from.
    """

    fields: Mapping[str, Any]
    count: int
    labels: Labels | None
    seed: int
    epochs: NDArray[np.uint32]
    keys: NDArray[np.uint64]
    layout: Layout | None
    forms: Forms
    several: tuple[str, ...] = ()
    came: Any = None
    new: Empty = empty

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
    def forms_by_masks(self) -> Forms:
        """How labels are carried: the boxes of samples with instance masks are those of the masks."""
        return replace(self.forms, boxes=replace(self.forms.boxes, source="masks"))

    def objects(self) -> list[ObjectField]:
        """The fields there are with one row for each object."""
        fields = [ObjectField(kind, LABELS.get(kind, ""), kind) for kind in OBJECTS]
        targets = self.forms.targets.items()
        fields += [ObjectField(name, f"{name}_labels", kind) for name, kind in targets if kind in OBJECTS]
        return [field for field in fields if self.has(field.name)]

    def layers(self) -> list[Layer]:
        """The fields there are of pixels, the pictures themselves first."""
        fields = [Layer("image", "image"), *(Layer(name, "image") for name in self.several if name != "image")]
        fields += [Layer(kind, kind) for kind in LAYERS]
        targets = self.forms.targets.items()
        fields += [Layer(name, kind) for name, kind in targets if kind in ("image", *LAYERS)]
        return [layer for layer in fields if self.has(layer.name)]

    def refuse_further_images(self) -> None:
        """For mixers that change the picture alone.

        Raises:
            ValueError: samples have further images.
        """
        names = [layer.name.partition("[")[0] for layer in self.layers()[1:] if layer.kind == "image"]
        if names:
            raise ValueError(
                f"{names[0]} is a further image of the samples, which would not be changed with `image`; take a mixer "
                "that changes both alike, such as MixUp or CutMix"
            )

    def pixels(self, layer: Layer, row: int) -> tuple[Image, Layout]:
        """The pixels of one sample in a layer, and how they lie.

        Raises:
            ValueError: the sample has none, or of another height and width than its picture.
        """
        images, layout = self.images()
        value = self.fields[layer.name][row]
        if value is None:
            raise ValueError(f"{layer.name} of sample {row} is None; give it for each sample or for none")
        pixels, size = np.asarray(value), size_of(images[row], layout)
        own: Layout = "HW" if pixels.ndim == 2 else "HWC"
        if layer.kind == "image" and pixels.ndim == 3:
            own = layout if layout != "HW" else self.layout or layout_of(pixels.shape)
        if pixels.ndim not in (2, 3) or size_of(pixels, own) != size:
            raise ValueError(
                f"{layer.name} has shape {pixels.shape}; allowed: {size} or {(*size, 'C')}, as its picture"
            )
        return pixels, own

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


def where_in(region: Bools, layout: Layout) -> Bools:
    """An (H, W) region with as many axes as pixels of a layout."""
    return region[:, :, None] if layout == "HWC" else region


def read_batch(
    fields: Mapping[str, Any],
    *,
    classes: Classes,
    seed: int,
    epoch: int | Sequence[int],
    keys: Sequence[Key] | None,
    layout: str | None,
    forms: Forms = PLAIN,
    new: Empty = empty,
    frames: int | None = None,
) -> Batch:
    """Check what a user gives to a mixer; the arguments are those of `mix_batch`, `frames` is that of `read_labels`.

    Raises:
        TypeError, ValueError: a wrong argument, or a field with another number of entries than the others.
    """
    if not isinstance(fields, Mapping):
        raise TypeError(f"fields is a {type(fields).__name__}; a mapping of names to the samples' values is needed")
    if layout not in (None, "CHW", "HWC"):
        raise ValueError(f"layout is {layout!r}; allowed: 'CHW', 'HWC' or None")
    if isinstance(seed, bool) or not isinstance(seed, (int, np.integer)) or not 0 <= seed < 2**64:
        raise ValueError(f"seed is {seed!r}; allowed: a whole number in [0, 2**64)")
    known = ("image", SEVERAL, "audio", "text", "label", *LAYERS, *OBJECTS, *LABELS.values(), *forms.targets)
    lengths = {name: len(fields[name]) for name in known if fields.get(name) is not None}
    if keys is not None:
        lengths["keys"] = len(keys)
    if not lengths:
        lengths = {name: len(value) for name, value in fields.items() if isinstance(value, np.ndarray) and value.ndim}
    if len(set(lengths.values())) != 1:
        said = ", ".join(f"{name} {length}" for name, length in lengths.items()) or "none"
        raise ValueError(f"every field needs one entry for each sample; got {said}")
    count = next(iter(lengths.values()))
    label = fields.get("label")
    columns, several = _apart(fields)
    return Batch(
        columns,
        count,
        None if label is None else read_labels(label, count, classes, frames),
        int(seed),
        epoch_numbers(epoch, count),
        np.arange(count, dtype=np.uint64) if keys is None else _as_numbers(keys),
        cast("Layout | None", layout),
        forms,
        several,
        fields.get(SEVERAL),
        new,
    )


def _apart(fields: Mapping[str, Any]) -> tuple[Mapping[str, Any], tuple[str, ...]]:
    """The fields with `images` in columns of their own, and the names of these.

    Raises:
        ValueError: samples have different numbers of images.
    """
    images = fields.get(SEVERAL)
    if images is None or not len(images):
        return fields, ()
    counts = {0 if sample is None else len(sample) for sample in images}
    if len(counts) > 1 or 0 in counts:
        raise ValueError(
            f"images are {sorted(counts)} for different samples; as many as one or more are needed for each"
        )
    leads = fields.get("image") is None
    names = tuple("image" if leads and not number else f"{SEVERAL}[{number}]" for number in range(counts.pop()))
    columns = {
        name: images[:, number] if isinstance(images, np.ndarray) else _column([sample[number] for sample in images])
        for number, name in enumerate(names)
    }
    return {**{name: value for name, value in fields.items() if name != SEVERAL}, **columns}, names


def _column(images: list[Any]) -> Any:
    """Images in one array if they agree, else the list."""
    kinds = {(image.shape, image.dtype) if isinstance(image, np.ndarray) else None for image in images}
    return np.stack(images) if len(kinds) == 1 and None not in kinds else images


def _together(columns: Sequence[Any], came: Any) -> Any:
    """The columns of `images` as one field, in arrays where they came as such."""
    if isinstance(came, np.ndarray) and all(isinstance(column, np.ndarray) for column in columns):
        return np.stack(columns, axis=1)
    samples = [list(sample) for sample in zip(*columns, strict=True)]
    arrays = isinstance(came, np.ndarray) or isinstance(came[0], np.ndarray)
    return [np.stack(sample) for sample in samples] if arrays else samples


def _as_numbers(keys: Any) -> NDArray[np.uint64]:
    if isinstance(keys, np.ndarray) and keys.dtype == np.uint64:
        return np.ascontiguousarray(keys)
    return key_numbers(keys.tolist() if isinstance(keys, np.ndarray) else keys)


class Room:
    """One field on its way out: room for the samples that are changed; the others are copied in the end."""

    __slots__ = ("_came", "_made", "_new", "_stacked")

    def __init__(self, came: Any, new: Empty = empty) -> None:
        self._came = came
        self._new = new
        self._stacked: NDArray[Any] | None = new(came.shape, came.dtype) if isinstance(came, np.ndarray) else None
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
        self._made[row] = self._new(shape, dtype)
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
            return np.stack(self._made, out=self._new((len(self._made), *self._made[0].shape), self._stacked.dtype))
        for row, made in enumerate(self._made):
            if not np.may_share_memory(made, self._stacked):
                self._stacked[row] = made
        return self._stacked


class Made:
    """The batch that is made: pixels, what each sample is made of, and the labels that go with it."""

    __slots__ = ("_batch", "_objects", "_rooms", "extra", "object_weights", "second_masks", "sources", "weights")

    def __init__(self, batch: Batch) -> None:
        self._batch = batch
        self._rooms: dict[str, Room] = {}
        self.extra: dict[str, Any] = {}
        self._objects: dict[int, dict[str, Any]] = {}
        # Of samples blended with the whole of a partner, by field: shares of their objects, and their second masks.
        self.object_weights: dict[str, dict[int, NDArray[np.float32]]] = {}
        self.second_masks: dict[str, dict[int, Image]] = {}
        # (B, 4): the samples each is made of, itself first, and their shares in it.
        self.sources = np.repeat(np.arange(batch.count), SOURCES).reshape(batch.count, SOURCES)
        self.weights = np.zeros((batch.count, SOURCES))
        self.weights[:, 0] = 1

    def room(self, field: str) -> Room:
        """The room for a field."""
        if field not in self._rooms:
            self._rooms[field] = Room(self._batch.fields[field], self._batch.new)
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
        for name in self._object_fields() if self._objects else ():
            if self._batch.has(name):
                came = self._batch.fields[name]
                out[name] = [
                    self._objects[row].get(name) if row in self._objects else came[row] for row in range(len(came))
                ]
        for name, known in self.object_weights.items():
            ones = [np.ones(0 if rows is None else len(rows), dtype=np.float32) for rows in out[name]]
            out[WEIGHTS.get(name, f"{name}_weights")] = [known.get(row, weights) for row, weights in enumerate(ones)]
        for name, others in self.second_masks.items():
            second = [others.get(row, mask) for row, mask in enumerate(out[name])]
            out[f"{name}_b"] = np.stack(second) if isinstance(out[name], np.ndarray) else second
        if self._batch.several:
            out[SEVERAL] = _together([out.pop(name) for name in self._batch.several], self._batch.came)
        if labels is not None:
            out["target"] = labels.mixed(self.sources, self.weights)
        if pairs:
            out["lam"] = self.weights[:, 0].astype(np.float32)
            if labels is not None:
                out["target_a"], out["target_b"] = labels.of(self.sources[:, 0]), labels.of(self.sources[:, 1])
        return out

    def _object_fields(self) -> list[str]:
        return [name for field in self._batch.objects() for name in (field.name, field.labels) if name]
