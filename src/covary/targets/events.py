"""Time labels: events, alignments, frame labels and tracks, moved by the maps of time that moved the sound."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from covary.plan.audio import KINDS, AudioPlan, Kind, Part, TimeMap, pitch_of
from covary.targets.fields import chosen, float_dtype

_TOUCH = 1e-6  # samples: pieces of an event that end and begin this near to each other are one


def _check_one_of(owner: str, argument: str, value: Any, allowed: Sequence[str]) -> None:
    if value not in allowed:
        raise ValueError(f"{owner}: {argument} is {value!r}; allowed: {', '.join(allowed)}")


@dataclass(frozen=True)
class Events:
    """How events are written, and which of them stay.

    An event has a start and an end; equal ones are a moment. It is written as a row (start, end, ...) of an array, as a
    tuple or list (start, end, ...), or as a mapping with "start" and "end" or "duration"; what else is in it goes with it.
    Of an event that is cut, what is left stays; where a splice joins its parts again it is one event; where it is
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
        frequency: whether the values are frequencies in hertz of the sound itself, such as F0: they then follow its pitch.

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


@dataclass(frozen=True, slots=True, eq=False)
class Leg:
    """One map of time of one sound, with the rates on both sides."""

    pieces: NDArray[np.float64]
    length: int
    rate_before: int
    rate: int
    pitch: float | None


def legs_of(plan: AudioPlan, row: int) -> list[Leg]:
    """The maps of time that one sound passes, in order."""
    legs, rate = [], int(plan.rates[row])
    for step in plan.passes[row]:
        if isinstance(step, Part) and isinstance(step.change, TimeMap):
            change, after = step.change, int(step.change.rate[step.row])
            pitch = None if change.how == "wobble" else pitch_of(step)
            legs.append(Leg(change.pieces[step.row], int(change.length[step.row]), rate, after, pitch))
            rate = after
    return legs


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
    legs = legs_of(plan, row)
    for name in sample:
        target = targets.get(name)
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
        kept &= (moved.end == moved.start) | (moved.end - moved.start >= target.min_seconds * after - _TOUCH)
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


@dataclass(frozen=True, slots=True, eq=False)
class Moved:
    """Intervals where they came to lie, in samples.

    Attributes:
        source: (M,) number of the interval each comes from.
        start, end: (M,).
        kept: (M,) the share of that interval that is left in it.
    """

    source: NDArray[np.int64]
    start: NDArray[np.float64]
    end: NDArray[np.float64]
    kept: NDArray[np.float64]

    def take(self, rows: NDArray[Any]) -> Moved:
        """Some of them, in the order given."""
        return Moved(self.source[rows], self.start[rows], self.end[rows], self.kept[rows])


def move_intervals(start: NDArray[np.float64], end: NDArray[np.float64], legs: Sequence[Leg]) -> Moved:
    """Where intervals come to lie: each as often as it is played, cut where the sound is cut."""
    source = np.arange(len(start))
    # What each fragment holds of its interval, as shares of it from 0 to 1, in the order in which it is played.
    first, last = np.zeros(len(start)), np.ones(len(start))
    kept = np.ones(len(start))
    for leg in legs:
        parts = [
            _through(piece, leg.length, source, start, end, first, last, kept)
            for piece in leg.pieces.tolist()
            if piece[1] > piece[0]
        ]
        if not parts:
            empty = np.zeros(0)
            return Moved(np.zeros(0, dtype=np.int64), empty, empty, empty)
        source, start, end, first, last, kept = (np.concatenate(column) for column in zip(*parts, strict=True))
        source, start, end, first, last, kept = _joined(source, start, end, first, last, kept)
    return Moved(source, start, end, np.minimum(kept, 1.0))


Fragments: TypeAlias = tuple[
    NDArray[np.int64],
    NDArray[np.float64],
    NDArray[np.float64],
    NDArray[np.float64],
    NDArray[np.float64],
    NDArray[np.float64],
]


def _through(
    piece: list[float],
    length: int,
    source: NDArray[np.int64],
    start: NDArray[np.float64],
    end: NDArray[np.float64],
    first: NDArray[np.float64],
    last: NDArray[np.float64],
    kept: NDArray[np.float64],
) -> Fragments:
    """The part of each fragment that one straight piece plays, and where."""
    out0, out1, in0, in1 = piece
    slope = (out1 - out0) / (in1 - in0)
    if out1 > length:
        out1, in1 = float(length), in0 + (length - out0) / slope
    low, high = min(in0, in1), max(in0, in1)
    a, b = np.maximum(start, low), np.minimum(end, high)
    moment = start == end
    rows = np.flatnonzero(np.where(moment, (start >= low) & (start < high), b > a))
    a, b, moment = a[rows], b[rows], moment[rows]
    wide = np.where(moment, 1.0, end[rows] - start[rows])
    span = last[rows] - first[rows]
    share_a = np.where(moment, first[rows], first[rows] + span * (a - start[rows]) / wide)
    share_b = np.where(moment, last[rows], first[rows] + span * (b - start[rows]) / wide)
    left = kept[rows] * np.where(moment, 1.0, (b - a) / wide)
    to_a, to_b = out0 + (a - in0) * slope, out0 + (b - in0) * slope
    if slope < 0:
        to_a, to_b, share_a, share_b = to_b, to_a, share_b, share_a
    return source[rows], to_a, to_b, share_a, share_b, left


def _joined(
    source: NDArray[np.int64],
    start: NDArray[np.float64],
    end: NDArray[np.float64],
    first: NDArray[np.float64],
    last: NDArray[np.float64],
    kept: NDArray[np.float64],
) -> Fragments:
    """Fragments of one interval that follow on each other become one, but that its end and its beginning stay two."""
    order = np.lexsort((start, source))
    source, start, end, first, last, kept = (column[order] for column in (source, start, end, first, last, kept))
    if len(source) < 2:
        return source, start, end, first, last, kept
    new_turn = _outermost(last[:-1]) & _outermost(first[1:])
    follows = (source[1:] == source[:-1]) & (start[1:] <= end[:-1] + _TOUCH) & ~new_turn
    heads = np.flatnonzero(np.concatenate([[True], ~follows]))
    tails = np.append(heads[1:], len(source)) - 1
    return source[heads], start[heads], end[tails], first[heads], last[tails], np.add.reduceat(kept, heads)


def _outermost(share: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Whether a fragment ends (or begins) where its interval does."""
    made: NDArray[np.bool_] = (share < 1e-9) | (share > 1 - 1e-9)
    return made


def source_positions(legs: Sequence[Leg], position: NDArray[np.float64]) -> tuple[NDArray[np.float64], Any]:
    """From where in the source the sound at some output positions comes, in samples; NaN where it is silence.

    Returns:
        The positions, and the factor by which frequencies have changed there.
    """
    pitch = np.ones(len(position))
    for leg in reversed(legs):
        found = np.full(len(position), np.nan)
        for out0, out1, in0, in1 in leg.pieces.tolist():
            if out1 <= out0:
                continue
            slope = (in1 - in0) / (out1 - out0)
            inside = (position >= out0) & (position < out1)
            found[inside] = in0 + (position[inside] - out0) * slope
            if leg.pitch is None:
                pitch[inside] *= abs(slope) * leg.rate / leg.rate_before
        if leg.pitch is not None:
            pitch *= leg.pitch
        position = found
    return position, pitch


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


def read_times(value: Any, name: str) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Starts and ends of events as a user writes them, see `Events`.

    Raises:
        TypeError, ValueError: not events; the message names the field and the row.
    """
    if isinstance(value, np.ndarray):
        if value.size == 0:
            return np.zeros(0), np.zeros(0)
        if value.ndim != 2 or value.shape[1] < 2 or value.dtype.kind not in "fiu":
            raise ValueError(f"{name} is {value.dtype} of shape {value.shape}; allowed: numbers (events, 2 or more)")
        pairs = value[:, :2].astype(np.float64)
    elif isinstance(value, (list, tuple)):
        pairs = np.array([_pair(item, f"{name}[{row}]") for row, item in enumerate(value)]).reshape(-1, 2)
    else:
        raise TypeError(f"{name} is a {type(value).__name__}; allowed: an array (events, 2) or a list of events")
    wrong = np.flatnonzero(~(pairs[:, 1] >= pairs[:, 0]) | ~np.isfinite(pairs).all(axis=1))
    if wrong.size:
        start, end = pairs[wrong[0]].tolist()
        raise ValueError(f"{name}[{wrong[0]}] starts at {start} and ends at {end}; an end must not be before its start")
    return pairs[:, 0], pairs[:, 1]


def _pair(item: Any, where: str) -> tuple[float, float]:
    try:
        if isinstance(item, Mapping):
            start = float(item["start"])
            return start, float(item["end"]) if "end" in item else start + float(item["duration"])
        return float(item[0]), float(item[1])
    except (KeyError, TypeError, ValueError, IndexError):
        raise ValueError(
            f"{where} is {item!r}; allowed: (start, end, ...), or a mapping with start and end or duration"
        ) from None


def written_times(value: Any, source: NDArray[np.int64], start: NDArray[np.float64], end: NDArray[np.float64]) -> Any:
    """Moved events in the form in which they came."""
    if isinstance(value, np.ndarray):
        if value.size == 0:
            return value
        made = value[source].astype(float_dtype(value))
        made[:, 0], made[:, 1] = start, end
        return made
    rows = []
    for index, begins, ends in zip(source.tolist(), start.tolist(), end.tolist(), strict=True):
        item = value[index]
        if isinstance(item, Mapping):
            times = {"start": begins, "end": ends, "duration": ends - begins}
            rows.append({**item, **{key: time for key, time in times.items() if key in item}})
        else:
            rows.append(
                type(item)((begins, ends, *item[2:])) if type(item) in (list, tuple) else (begins, ends, *item[2:])
            )
    return type(value)(rows)
