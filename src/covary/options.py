"""The options of a pipeline: their defaults, and what is allowed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, TypeVar, get_args

import numpy as np
from numpy.typing import NDArray

from covary.targets import Boxes, Keypoints, LineStrings, OrientedBoxes, Polygons

if TYPE_CHECKING:
    from covary.targets.events import Target

BoxFormat: TypeAlias = Literal["pascal_voc", "coco", "yolo", "normalised"]
PointFormat: TypeAlias = Literal["xy", "xyv"]
Strength: TypeAlias = float | Sequence[float] | NDArray[np.float64] | None
"""How strongly samples are varied, in [0, 1]: one number for all, or one for each. None is 1."""
OrientedFormat: TypeAlias = Literal["xywha", "corners"]
ShapeFormat: TypeAlias = Literal["pixels", "normalised"]
Kind: TypeAlias = Literal[
    "image", "mask", "masks", "heatmaps", "boxes", "keypoints", "oriented_boxes", "polygons", "line_strings"
]
KINDS: tuple[Kind, ...] = get_args(Kind)
"""As what a further field of a sample can be treated."""

DEFAULTS: dict[str, Any] = {
    "draws": "independent",
    "fuse": True,
    "boxes": Boxes("pascal_voc"),
    "keypoints": Keypoints("xy"),
    "mask_fill": 0,
    "oriented_boxes": OrientedBoxes("xywha"),
    "polygons": Polygons("pixels"),
    "line_strings": LineStrings("pixels"),
    "mask_pairs": (),
    "heatmap_pairs": (),
    "targets": {},
    "time_labels": {},
    "rate": None,
    "protect": (),
    "frame_noise": "own",
    "threads": None,
    "renderer": None,
}
"""All options but the seed, as a pipeline keeps them when nothing else is said."""


Choice = TypeVar("Choice", bound=str)


def checked_choice(name: str, value: Choice, allowed: Sequence[Choice]) -> Choice:
    if value not in allowed:
        raise ValueError(f"Pipeline: {name} is {value!r}; allowed: {', '.join(allowed)}")
    return value


def checked_threads(threads: int | None) -> int | None:
    if threads is not None and (not isinstance(threads, int) or threads < 1):
        raise ValueError(f"Pipeline: threads is {threads!r}; allowed: a whole number from 1 on, or None")
    return threads


def checked_targets(targets: Mapping[str, Kind] | None, owner: str = "Pipeline") -> dict[str, Kind]:
    if targets is None:
        return {}
    if not isinstance(targets, Mapping):
        raise TypeError(f"{owner}: targets is a {type(targets).__name__}; allowed: a mapping of names to kinds")
    for name, kind in targets.items():
        if not isinstance(name, str) or name in (*KINDS, "images"):
            raise ValueError(f"{owner}: targets names {name!r}; allowed: names that are no field of a pipeline's own")
        if kind not in KINDS:
            raise ValueError(f"{owner}: targets[{name!r}] is {kind!r}; allowed: {', '.join(KINDS)}")
    return dict(targets)


def checked_time_labels(labels: Mapping[str, Target] | None) -> dict[str, Target]:
    if not labels:
        return {}
    from covary.targets.events import Events, Frames, Waveform

    for name, target in labels.items():
        if not isinstance(target, (Events, Frames, Waveform)):
            raise TypeError(
                f"Pipeline: time_labels[{name!r}] is a {type(target).__name__}; allowed: Events, Frames, Waveform"
            )
    return dict(labels)


def checked_rate(rate: int | None) -> int | None:
    if rate is not None and (isinstance(rate, bool) or not isinstance(rate, (int, np.integer)) or rate < 1):
        raise ValueError(f"Pipeline: rate is {rate!r}; allowed: a whole number of samples per second, or None")
    return None if rate is None else int(rate)


def checked_protect(protect: Sequence[str]) -> tuple[str, ...]:
    if not protect:
        return ()
    from covary.ops.text.protect import protection

    if isinstance(protect, str) or not all(isinstance(entry, str) for entry in protect):
        raise ValueError(f"Pipeline: protect is {protect!r}; allowed: a list of entries such as 'word:not'")
    try:
        protection(tuple(protect))
    except ValueError as error:
        raise ValueError(f"Pipeline: {error}") from None
    return tuple(protect)


def strengths_of(strength: Strength, count: int) -> NDArray[np.float64] | None:
    """(B,) strengths, or None where they are all 1.

    Raises:
        ValueError: a number outside [0, 1], or not one for each sample.
    """
    if strength is None:
        return None
    numbers = np.asarray(strength, dtype=np.float64)
    if numbers.shape not in ((), (count,)) or not ((numbers >= 0) & (numbers <= 1)).all():
        raise ValueError(f"strength is {strength!r}; allowed: a number in [0, 1], or one for each of {count} samples")
    return None if (numbers == 1).all() else np.ascontiguousarray(np.broadcast_to(numbers, (count,)))
