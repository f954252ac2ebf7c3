"""What every mixer is made of, and how one or several of them act on a batch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any, ClassVar, NoReturn, TypeAlias, TypedDict, Unpack

import numpy as np
from numpy.typing import NDArray

from covary.draws.distributions import Beta, Distribution, checked_weights, choose
from covary.draws.keys import Key, slot_numbers
from covary.draws.rows import Rows, draw_rows
from covary.ops.base import Declared
from covary.ops.mix.batch import Batch, Made, read_batch
from covary.ops.mix.labels import Classes
from covary.options import BoxFormat, Kind, OrientedFormat, PointFormat, ShapeFormat, checked_targets
from covary.planned import Labels as Forms
from covary.render.buffers import Empty, empty
from covary.targets import Boxes, Keypoints, LineStrings, OrientedBoxes, Polygons

Floats: TypeAlias = NDArray[np.float64]
Indices: TypeAlias = NDArray[np.intp]


class Draws:
    """What chance says of the B samples of a batch to one mixer."""

    __slots__ = ("_batch", "_mixer", "_rows", "_slots", "name")

    def __init__(self, mixer: Mixer, name: str, batch: Batch) -> None:
        self.name = name
        self._mixer = mixer
        self._batch = batch
        self._slots = mixer.slots()
        self._rows: Rows = draw_rows(batch.seed, batch.epochs, batch.keys, _numbers(name, self._slots))

    def __call__(self, slot: str) -> Floats:
        """(B,) values: of the distribution in the field named `slot`, or uniforms of a slot declared in `uniforms`."""
        uniforms = self._rows.uniforms[:, self._slots.index(slot)]
        law = getattr(self._mixer, slot, None)
        return law.quantile(uniforms) if isinstance(law, Distribution) else uniforms

    def stream(self, slot: str) -> NDArray[np.uint64]:
        """(B,) keys of bulk randomness for a slot declared in `streams`."""
        return self._rows.streams[:, self._slots.index(slot)]

    def partners(self, steps: int = 1) -> Indices:
        """(B,) the sample that stands `steps` after each in the batch's cycle.

        The batch is put in an order by a number of each sample, and each sample's partner is the next, the last one's
        the first: one cycle through all, in which nobody is his own partner. It does not depend on how the batch was
        ordered.
        """
        order = self.order()
        partners = np.empty_like(order)
        partners[order] = np.roll(order, -steps)
        return partners

    def first(self) -> int:
        """The sample that stands first in the batch's order: the one to draw for all."""
        return int(self.order()[0])

    def order(self) -> Indices:
        """(B,) the samples in an order by a number of each, whatever the batch's own order is."""
        ranks = (self._batch.epochs, self._batch.keys, self._rows.uniforms[:, self._slots.index("partner")])
        order: Indices = np.lexsort(ranks)
        return order


@cache
def _numbers(name: str, slots: tuple[str, ...]) -> NDArray[np.uint32]:
    return slot_numbers([(name, slot) for slot in slots])


class _Forms(TypedDict, total=False):
    """How fields that go with pictures are written; see `mix_batch`."""

    boxes: BoxFormat | Boxes
    keypoints: PointFormat | Keypoints
    oriented_boxes: OrientedFormat | OrientedBoxes
    polygons: ShapeFormat | Polygons
    line_strings: ShapeFormat | LineStrings
    targets: Mapping[str, Kind] | None


@dataclass(frozen=True, repr=False)
class Mixer(Declared):
    """The base of all mixers.

    Args:
        p: probability in [0, 1] that a sample is mixed. Each sample is decided by itself, once.
        name: what its random slots are bound to; by default its type, with its occurrence among several mixers.
    """

    # Whether it needs the pictures before Normalize and ToTensor.
    raw: ClassVar[bool] = False
    # The fields of its result that hold pictures; what comes after the mixing (Normalize, ToTensor) is for all of them.
    pictures: ClassVar[tuple[str, ...]] = ("image",)
    # Whether a sample needs another one; a batch of one is then left as it is.
    needs_partner: ClassVar[bool] = True

    def __call__(
        self,
        fields: Mapping[str, Any],
        *,
        classes: Classes = None,
        seed: int = 0,
        epoch: int | Sequence[int] = 0,
        keys: Sequence[Key] | None = None,
        layout: str | None = None,
        **forms: Unpack[_Forms],
    ) -> dict[str, Any]:
        """Mix a batch; see `mix_batch` for the arguments, and for what else may be given."""
        return mix_batch(
            self,
            fields,
            classes=classes,
            seed=seed,
            epoch=epoch,
            keys=keys,
            layout=layout,
            **forms,
        )

    def slots(self) -> tuple[str, ...]:
        return (*Declared.slots(self), "partner")

    def frames(self, fields: Mapping[str, Any]) -> int | None:
        """How many frames the samples have that it mixes; each may have a label of its own. None: there are none."""
        return None

    def mix(self, batch: Batch, rows: list[int], draw: Draws, made: Made) -> None:
        """Mix the samples of the given rows; all others are left alone."""
        raise TypeError(f"{type(self).__name__} mixes nothing")


@dataclass(frozen=True, repr=False)
class PairMixer(Mixer):
    """A mixer of two samples, `lam` of the first and 1 - `lam` of the second.

    Args:
        pairs: whether `target_a`, `target_b` and `lam` come out too, for losses of two targets.
        p: probability in [0, 1] that a sample is mixed.
        name: what its random slots are bound to.
    """

    pairs: bool = field(default=False, kw_only=True)


@dataclass(frozen=True, repr=False)
class BetaMixer(PairMixer):
    """A mixer of two samples, whose lambda is from Beta(alpha, alpha).

    Args:
        alpha: shape of the law of lambda, above 0: 1 is uniform, less favours the ends, more the middle.
        pairs: whether `target_a`, `target_b` and `lam` come out too, for losses of two targets.
        p: probability in [0, 1] that a sample is mixed.
        name: what its random slots are bound to.
    """

    uniforms: ClassVar[tuple[str, ...]] = ("lam",)

    alpha: float = 1.0

    def check(self) -> None:
        if isinstance(self.alpha, bool) or not isinstance(self.alpha, (int, float)) or not 0 < self.alpha < np.inf:
            self.refuse("alpha", repr(self.alpha), "a number above 0")

    def shares(self, draw: Draws) -> Floats:
        """(B,) lambda."""
        return Beta(self.alpha, self.alpha).quantile(draw("lam"))


Mixers: TypeAlias = Mixer | Sequence[Mixer | tuple[Mixer, float]]


@dataclass(frozen=True, slots=True)
class Alternatives:
    """Mixers to choose from.

    Attributes:
        mixers: at least one.
        names: unique; their random slots are bound to them.
        weights: chances, summing to one.
    """

    mixers: tuple[Mixer, ...]
    names: tuple[str, ...]
    weights: tuple[float, ...]

    @property
    def raw(self) -> bool:
        """Whether one of them needs the pictures before Normalize and ToTensor."""
        return any(mixer.raw for mixer in self.mixers)

    @property
    def pictures(self) -> tuple[str, ...]:
        """The fields of the result that hold pictures."""
        return tuple(dict.fromkeys(field for mixer in self.mixers for field in mixer.pictures))


def alternatives(mixers: Mixers | Alternatives) -> Alternatives:
    """Read one mixer, or several with weights.

    Args:
        mixers: a mixer, or a list of mixers and (mixer, weight) pairs; a mixer without a weight has weight 1.

    Raises:
        TypeError, ValueError: something else, no mixer at all, wrong weights, or two mixers with one name=.
    """
    if isinstance(mixers, Alternatives):
        return mixers
    entries = (mixers,) if isinstance(mixers, Mixer) else mixers
    if not isinstance(entries, Sequence) or isinstance(entries, str) or not entries:
        _refuse("mixers", entries)
    found: list[Mixer] = []
    weights: list[float] = []
    names: list[str] = []
    for index, entry in enumerate(entries):
        mixer, weight = entry if isinstance(entry, (tuple, list)) and len(entry) == 2 else (entry, 1.0)
        if not isinstance(mixer, Mixer) or isinstance(weight, bool) or not isinstance(weight, (int, float)):
            _refuse(f"mixers[{index}]", entry)
        name = f"mix.{mixer.name or type(mixer).__name__}"
        if name in names:
            if mixer.name:
                raise ValueError(f"mix: two mixers are called {mixer.name!r}; names must differ")
            name += f"#{sum(type(other) is type(mixer) for other in found) + 1}"
        found.append(mixer)
        weights.append(float(weight))
        names.append(name)
    several = next((mixer for mixer in found if not isinstance(mixer, PairMixer) and mixer.needs_partner), None)
    if several is not None and any(_in_pairs(mixer) for mixer in found):
        raise ValueError(f"mix: pairs=True, but {type(several).__name__} makes a sample of more than two targets")
    return Alternatives(tuple(found), tuple(names), checked_weights("mix", weights, len(found)))


def _refuse(argument: str, got: object) -> NoReturn:
    raise TypeError(f"mix: {argument} is {got!r}; allowed: a mixer, or a list of mixers and (mixer, weight) pairs")


def _in_pairs(mixer: Mixer) -> bool:
    return isinstance(mixer, PairMixer) and mixer.pairs


def mix_batch(
    mixers: Mixers | Alternatives,
    fields: Mapping[str, Any],
    *,
    classes: Classes = None,
    seed: int = 0,
    epoch: int | Sequence[int] = 0,
    keys: Sequence[Key] | None = None,
    layout: str | None = None,
    boxes: BoxFormat | Boxes = "pascal_voc",
    keypoints: PointFormat | Keypoints = "xy",
    oriented_boxes: OrientedFormat | OrientedBoxes = "xywha",
    polygons: ShapeFormat | Polygons = "pixels",
    line_strings: ShapeFormat | LineStrings = "pixels",
    targets: Mapping[str, Kind] | None = None,
    new: Empty = empty,
) -> dict[str, Any]:
    """Mix the samples of a batch with each other.

    Of several mixers, each sample is given one, by their weights, and is then mixed with that mixer's own `p`. A mixed
    sample is made of samples as they came, never of mixed ones, so that partners need not agree on a mixer.

    All draws are a function of (seed, epoch, key): a key draws the same mixer and lambda in any batch. Partners depend
    on the keys in the batch, not on their order. A batch of one has no partners and comes back as it is, but for mixers
    that need none (Cutout, PixMix, AugMixViews).

    Args:
        mixers: one mixer, or a list of mixers and (mixer, weight) pairs.
        fields: `image`, a NumPy array (B, C, H, W), (B, H, W, C) or (B, H, W) of float32, uint8 or uint16 (integers
            are rounded to nearest); and where there are such, one entry per sample, in arrays or lists: `label`,
            `mask`, `heatmaps`, `images`, `masks` (one per box), and each with its labels `boxes`, `keypoints`,
            `oriented_boxes`, `polygons` and `line_strings`, as for a pipeline. Mixers of sound take `audio`; mixers of
            text `text` with `spans`, `sentences`, `protected`, `answer`, `tokens` and `tags`. All others come back as
            they are.
        classes: how many there are, or their names; needed where `label` holds class numbers. Labels may be class
            numbers, rows (B, K) or, floating and without `classes`, quantities (B,), of any dtype. Rows of several
            classes are mixed linearly: a class that only the partner has gets its share, not 1. Where videos or volumes
            of T frames or slices are blended, labels may also be class numbers (B, T) or rows (B, T, K).
        seed: of all randomness, in [0, 2**64).
        epoch: one for all, or one for each sample.
        keys: B identities. Default: 0 to B - 1; without keys give each batch another `epoch`, or all are mixed alike.
        layout: "CHW" or "HWC". Default: told by the number of channels.
        boxes, keypoints, oriented_boxes, polygons, line_strings: the format of these fields, or a `Boxes`, `Keypoints`,
            `OrientedBoxes`, `Polygons` or `LineStrings` with more to say.
        targets: further fields by name, and as which kind of field they are treated, as for a pipeline.
        new: gives the memory of what is mixed: called like `np.empty`, with a shape and a dtype. Default: memory that
            is used again when the arrays of earlier batches are gone.

    Returns:
        The fields of the mixed batch, nothing of the input changed. With `label`, `target` is added: (B, K) float32
        rows, summing to one where the labels do; (B, T, K) for labels of frames; (B,) for quantities. With a mixer's
        `pairs=True` also `target_a`, `target_b` and `lam`, (B,) float32: the target is `lam` of the first and 1 - `lam`
        of the second.

    Raises:
        TypeError, ValueError: a wrong mixer, argument or field; the message names it.
    """
    known = alternatives(mixers)
    batch = read_batch(
        fields,
        classes=classes,
        seed=seed,
        epoch=epoch,
        keys=keys,
        layout=layout,
        forms=Forms(
            Boxes(boxes) if isinstance(boxes, str) else boxes,
            Keypoints(keypoints) if isinstance(keypoints, str) else keypoints,
            0,
            OrientedBoxes(oriented_boxes) if isinstance(oriented_boxes, str) else oriented_boxes,
            Polygons(polygons) if isinstance(polygons, str) else polygons,
            LineStrings(line_strings) if isinstance(line_strings, str) else line_strings,
            targets=checked_targets(targets, "mix"),
        ),
        new=new,
        frames=next((count for mixer in known.mixers if (count := mixer.frames(fields)) is not None), None),
    )
    made = Made(batch)
    choice = _choice(known, batch)
    for index, (mixer, name) in enumerate(zip(known.mixers, known.names, strict=True)):
        draw = Draws(mixer, name, batch)
        active = (choice == index) & (draw("p") < mixer.p)
        if mixer.needs_partner and batch.count < 2:
            active[:] = False
        try:
            mixer.mix(batch, np.flatnonzero(active).tolist(), draw, made)
        except (TypeError, ValueError) as error:
            raise type(error)(f"{type(mixer).__name__}: {error}") from error
    return made.result(any(_in_pairs(mixer) for mixer in known.mixers))


def _choice(known: Alternatives, batch: Batch) -> Indices:
    """(B,) which mixer each sample is given."""
    if len(known.mixers) == 1:
        return np.zeros(batch.count, dtype=np.intp)
    rows = draw_rows(batch.seed, batch.epochs, batch.keys, _numbers("mix", ("choice",)))
    return choose(rows.uniforms[:, 0], known.weights, len(known.mixers))
