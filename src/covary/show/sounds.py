"""Sounds and their variations with what is marked in time, as data that a page shows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from covary.data.dataset import Dataset
from covary.data.folder import Problem
from covary.pipeline import Pipeline
from covary.show.drawn import Drawn, drawn_by
from covary.show.subject import Subject, rows_of
from covary.targets.events import TARGETS, Events, Target
from covary.targets.times import read_times
from covary.waves import as_wave

_LABEL_KEYS = ("label", "text", "word", "phone", "name", "event", "category", "class")


class Mark(NamedTuple):
    """Something that happens in a sound.

    Attributes:
        start, end: in seconds; equal ones are a moment.
        label: of it, or "".
    """

    start: float
    end: float
    label: str


@dataclass(frozen=True, slots=True, eq=False)
class SoundVersion:
    """The original, or one variation.

    Attributes:
        title: "original", or "variation 3".
        wave: (channels, samples) in the dtype of the data set.
        rate: samples per second.
        marks: by the name of their field.
        drawn: what each operation drew; of a variation.
    """

    title: str
    wave: NDArray[Any]
    rate: int
    marks: Mapping[str, tuple[Mark, ...]]
    drawn: tuple[Drawn, ...] = ()

    @property
    def seconds(self) -> float:
        """How long it is."""
        return float(self.wave.shape[1] / self.rate)


@dataclass(frozen=True, slots=True, eq=False)
class SoundRow:
    """A sample: its key, its class, and its versions, the original first."""

    name: str
    label: str
    versions: tuple[SoundVersion, ...]


def sound_rows(
    dataset: Dataset, pipeline: Pipeline, *, count: int, times: int
) -> tuple[list[SoundRow], tuple[Problem, ...]]:
    """Sounds of a data set with their variations, and those that could not be shown.

    Args:
        dataset: of samples with `audio` and its `rate`.
        pipeline: what varies them; variation k is epoch k.
        count: sounds to show, taken evenly from the classes.
        times: variations of each.
    """
    return rows_of(dataset, "audio", lambda subject: _row(subject, pipeline, times), count)


def _row(subject: Subject, pipeline: Pipeline, times: int) -> SoundRow:
    targets = {**TARGETS, **pipeline.time_labels}
    wanted = {"audio", "rate", *targets, *map(_labels_of, targets)}
    fields = {name: value for name, value in subject.fields.items() if name in wanted and value is not None}
    if fields.get("rate") is None and pipeline.rate is not None:
        fields["rate"] = pipeline.rate
    versions = [_version("original", fields, targets)]
    varied = pipeline.beside([fields] * times, keys=[subject.key] * times, epoch=range(times))
    for epoch, made in enumerate(varied):
        drawn = drawn_by(pipeline, subject.key, epoch, audio=fields["audio"], rate=fields.get("rate"))
        versions.append(_version(f"variation {epoch}", made, targets, drawn))
    return SoundRow(str(subject.key), subject.label, tuple(versions))


def _version(
    title: str, fields: Mapping[str, Any], targets: Mapping[str, Target], drawn: tuple[Drawn, ...] = ()
) -> SoundVersion:
    if fields.get("rate") is None:
        raise TypeError("audio comes without a rate; give the pipeline one")
    rate = int(fields["rate"])
    marks = {
        name: marks_of(name, fields, target, rate)
        for name, target in targets.items()
        if isinstance(target, Events) and fields.get(name) is not None
    }
    return SoundVersion(title, as_wave(fields["audio"], "audio"), rate, marks, drawn)


def marks_of(name: str, fields: Mapping[str, Any], target: Events, rate: int) -> tuple[Mark, ...]:
    """The events of a field, with their labels.

    Raises:
        TypeError, ValueError: they are not events.
    """
    starts, ends = read_times(fields[name], name)
    scale = rate if target.unit == "samples" else 1
    beside = fields.get(_labels_of(name))
    labels = [_label(item) for item in fields[name]] if beside is None else [str(label) for label in beside]
    return tuple(
        Mark(float(start) / scale, float(end) / scale, label)
        for start, end, label in zip(starts, ends, labels, strict=True)
    )


def _labels_of(name: str) -> str:
    return name.removesuffix("s") + "_labels"


def _label(item: Any) -> str:
    """What an event says of itself: a named entry, or what stands behind its start and end."""
    if isinstance(item, Mapping):
        found = next((item[key] for key in _LABEL_KEYS if item.get(key) is not None), "")
        return str(found)
    rest: Sequence[Any] = item[2:]
    if not len(rest):
        return ""
    return f"{rest[0]:g}" if isinstance(rest[0], (float, np.floating)) else str(rest[0])
