"""Time labels: events, alignments, frame labels and tracks, moved by the maps of time that moved the sound."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from covary.plan.audio import KINDS, AudioPlan, Kind
from covary.targets.fields import chosen
from covary.targets.intervals import TOUCH, Leg, legs_of, move_intervals, source_positions
from covary.targets.times import read_times, written_times


def _check_one_of(owner: str, argument: str, value: Any, allowed: Sequence[str]) -> None:
    if value not in allowed:
        raise ValueError(f"{owner}: {argument} is {value!r}; allowed: {', '.join(allowed)}")


@dataclass(frozen=True)
class Events:
    """How events are written, and which of them stay.

    An event has a start and an end; equal ones are a moment. It is written as a row (start, end, ...) of an array, as a
    tuple or list (start, end, ...), or as a mapping with "start" and "end" or "duration"; what else is in it goes with
    it. Of an event that is cut, what is left stays; where a splice joins its parts again it is one event; where it is
    played more than once there are as many. Events come out in the order of their starts if they came in so.

    For a field `events`, entries of `event_labels` go with their events.

    Args:
        unit: of the times: "seconds", or "samples" of the sound that they belong to.
        min_visibility: events of which a smaller share is left, 0 to 1, are dropped.
        min_seconds: events shorter than this in the result are dropped, moments excepted.
        report: whether fields `<name>_kept` (share of each event that is left, float64) and `<name>_source` (its number
            among those that came in, int64) are added.

    Raises:
        ValueError: an argument is none of those allowed.
    """

    unit: Literal["seconds", "samples"] = "seconds"
    min_visibility: float = 0.0
    min_seconds: float = 0.0
    report: bool = False

    def __post_init__(self) -> None:
        _check_one_of("Events", "unit", self.unit, ("seconds", "samples"))
        if not 0 <= self.min_visibility <= 1:
            raise ValueError(f"Events: min_visibility is {self.min_visibility!r}; allowed: 0 to 1")
        if not self.min_seconds >= 0:
            raise ValueError(f"Events: min_seconds is {self.min_seconds!r}; allowed: a duration from 0 on")


@dataclass(frozen=True)
class Frames:
    """Values at a regular hop: frame labels, activities, tracks such as F0, or one value for every sample.

    Args:
        hop_seconds: from one frame to the next; None: one value for every sample of the sound.
        kind: "labels": frame i stands for the time from i to i + 1 hops, and the nearest frame's value is taken;
            "track": frame i stands for the moment of i hops, and numbers in between are interpolated (not across NaN or
            zeros, which mean "none").
        axis: along which the frames lie. Default 0.
        fill: value where there is no sound of the source.
        frequency: whether the values are frequencies in hertz of the sound itself, such as F0: they then follow its
            pitch.

    Raises:
        ValueError: an argument is none of those allowed.
    """

    hop_seconds: float | None = 0.01
    kind: Literal["labels", "track"] = "labels"
    axis: int = 0
    fill: float = 0
    frequency: bool = False

    def __post_init__(self) -> None:
        _check_one_of("Frames", "kind", self.kind, ("labels", "track"))
        if self.hop_seconds is not None and not self.hop_seconds > 0:
            raise ValueError(f"Frames: hop_seconds is {self.hop_seconds!r}; allowed: a duration above 0, or None")


@dataclass(frozen=True)
class Waveform:
    """Another waveform of the same length and rate, such as the clean target of a noisy input.

    Args:
        kinds: the kinds of change that it takes part in: "time", "level", "filter", "add", "shape" (see
            `covary.render.audio.render_with`). Default: time and level, so that it stays clean.
    """

    kinds: tuple[Kind, ...] = ("time", "level")

    def __post_init__(self) -> None:
        object.__setattr__(self, "kinds", tuple(self.kinds))
        for kind in self.kinds:
            _check_one_of("Waveform", "kinds", kind, KINDS)


Target: TypeAlias = Events | Frames | Waveform

TARGETS: Mapping[str, Target] = {
    "events": Events(),
    "words": Events(),
    "phones": Events(),
    "clean": Waveform(),
}


def target_of(name: str, value: Any, targets: Mapping[str, Target]) -> Target | None:
    """How a field moves; None for one that does not.

    A field without a value does not, nor does what cannot be meant under a name that is known without being told: in a
    table, `words` may be a text, a list of texts or a number.
    """
    target = targets.get(name)
    if value is None or (target is TARGETS.get(name) and _is_plain(value)):
        return None
    return target


def _is_plain(value: Any) -> bool:
    if isinstance(value, (list, tuple)):
        return bool(value) and all(isinstance(part, str) for part in value)
    return isinstance(value, (str, int, float))


def carry_events(
    plan: AudioPlan, fields: Sequence[Mapping[str, Any]], targets: Mapping[str, Target] = TARGETS
) -> list[dict[str, Any]]:
    """Move the time labels of B sounds as the plan moves the sounds.

    Args:
        plan: of the sounds.
        fields: of each sound; fields that `targets` does not name come back as they are, waveforms too (see
            `render_with`).
        targets: how the fields are written, by name.

    Returns:
        B new dicts.

    Raises:
        TypeError, ValueError: a field is not what its target says; the message names it.
    """
    return [_carried(plan, row, sample, targets) for row, sample in enumerate(fields)]


def _carried(plan: AudioPlan, row: int, sample: Mapping[str, Any], targets: Mapping[str, Target]) -> dict[str, Any]:
    made = dict(sample)
    if targets.keys().isdisjoint(sample):
        return made
    legs = legs_of(plan, row)
    for name, value in sample.items():
        target = target_of(name, value, targets)
        if isinstance(target, Events):
            made.update(_events(name, sample, target, legs, int(plan.rates[row])))
        elif isinstance(target, Frames):
            made[name] = _frames(name, sample[name], target, legs, int(plan.lengths[row]), int(plan.rates[row]))
    return made


def _events(name: str, sample: Mapping[str, Any], target: Events, legs: Sequence[Leg], rate: int) -> dict[str, Any]:
    value = sample[name]
    start, end = read_times(value, name)
    scale = float(rate) if target.unit == "seconds" else 1.0
    moved = move_intervals(start * scale, end * scale, legs)
    after = legs[-1].rate if legs else rate
    kept = moved.kept >= target.min_visibility - 1e-9
    if target.min_seconds:
        kept &= (moved.end == moved.start) | (moved.end - moved.start >= target.min_seconds * after - TOUCH)
    moved = moved.take(np.flatnonzero(kept))
    if (np.diff(start) >= 0).all():
        moved = moved.take(np.lexsort((moved.end, moved.start)))
    scale = float(after) if target.unit == "seconds" else 1.0
    made = {name: written_times(value, moved.source, moved.start / scale, moved.end / scale)}
    labels = (name[:-1] if name.endswith("s") else name) + "_labels"
    if labels in sample:
        made[labels] = chosen(sample[labels], moved.source, len(start), labels)
    if target.report:
        made[f"{name}_kept"], made[f"{name}_source"] = moved.kept, moved.source
    return made


def _frames(name: str, value: Any, target: Frames, legs: Sequence[Leg], length: int, rate: int) -> NDArray[Any]:
    given = np.asarray(value)
    if given.ndim == 0:
        raise ValueError(f"{name} is a single value; an array with an axis of frames is needed")
    if not legs:
        return given
    frames = np.moveaxis(given, target.axis, 0)
    hop = 1.0 if target.hop_seconds is None else target.hop_seconds * rate
    hop_after = 1.0 if target.hop_seconds is None else target.hop_seconds * legs[-1].rate
    # As many frames too many or too few as there were before.
    surplus = len(frames) - round(length / hop)
    count = max(0, round(legs[-1].length / hop_after) + surplus)
    middle = 0.5 if target.kind == "labels" else 0.0
    position, pitch = source_positions(
        legs, np.minimum((np.arange(count) + middle) * hop_after, legs[-1].length - 1e-9)
    )
    place = position / hop - middle
    sounding = np.isfinite(place)
    made = np.full((count, *frames.shape[1:]), target.fill, dtype=frames.dtype)
    if len(frames):
        place = np.clip(place[sounding], 0, len(frames) - 1)
        made[sounding] = _between(frames, place) if target.kind == "track" else frames[np.rint(place).astype(np.intp)]
    if target.frequency:
        made = (made * pitch.reshape(-1, *[1] * (made.ndim - 1))).astype(frames.dtype)
    return np.moveaxis(made, 0, target.axis)


def _between(frames: NDArray[Any], place: NDArray[np.float64]) -> NDArray[Any]:
    """Values between frames: interpolated where both neighbours have one, else the nearer one's."""
    low = place.astype(np.intp)
    high = np.minimum(low + 1, len(frames) - 1)
    part = (place - low).reshape(-1, *[1] * (frames.ndim - 1))
    a, b = frames[low], frames[high]
    if frames.dtype.kind != "f":
        return np.where(part < 0.5, a, b)
    both = (a != 0) & (b != 0) & np.isfinite(a) & np.isfinite(b)
    return np.where(both, a + (b - a) * part, np.where(part < 0.5, a, b)).astype(frames.dtype)
