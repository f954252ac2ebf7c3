"""Sounds and what is marked in time, through the operations of a pipeline."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from covary.excerpts import read_sounds
from covary.ops.audio.view import AudioView
from covary.ops.base import Course
from covary.ops.layout import Layout
from covary.plan.audio import AudioPlan, plan_audio
from covary.render.audio import draw_checked, render_audio, render_with
from covary.targets.events import Target, Waveform, carry_events, target_of
from covary.waves import Stored, as_wave


class VariedSounds(NamedTuple):
    """B varied sounds.

    Attributes:
        waves: the new sounds, each in the form and dtype of what came.
        rates: samples per second of each.
        fields: for each its other fields, the time labels moved along.
    """

    waves: list[NDArray[Any]]
    rates: list[int]
    fields: list[dict[str, Any]]


def vary_sounds(
    layout: Layout,
    sounds: Sequence[Any],
    rates: Sequence[Any],
    fields: Sequence[Mapping[str, Any]],
    course: Course,
    *,
    targets: Mapping[str, Target],
    fuse: bool = True,
    threads: int = 1,
    name: str = "audio",
) -> VariedSounds:
    """Take B sounds through operations.

    Args:
        layout: the operations; those on other things pass sounds by.
        sounds: B arrays (samples,) or (channels, samples) in float32, float64, int16 or int32; or stored sounds, of
            which no more is read than the changes look at.
        rates: samples per second of each.
        fields: their other fields; those that `targets` names move.
        course: where the numbers come from; it keeps the records for the trace.
        targets: how time labels are written, by name of their field.
        fuse: whether neighbouring changes become one.
        threads: cores to use.
        name: of the sounds in messages; the index of one of several is added.

    Raises:
        TypeError, ValueError: a sound, a rate or a label of a wrong form.
    """
    several = len(sounds) > 1
    waves = [_wave(sound, f"{name}[{index}]" if several else name) for index, sound in enumerate(sounds)]
    plan = plan_sounds(layout, waves, [_rate(rate) for rate in rates], course, fuse)
    return draw_sounds(plan, sounds, waves, fields, targets, threads)


@dataclass(frozen=True, slots=True, eq=False)
class Sound:
    """One sound on its way.

    Attributes:
        given: as it came; `given_rate` with it, None where the pipeline's own rate is meant.
        wave: the same, (channels, samples), or a sound that is still stored.
        rate: samples per second.
        fields: what came with it.
    """

    given: Any
    given_rate: int | None
    wave: Any
    rate: int
    fields: dict[str, Any]

    @classmethod
    def of(cls, audio: Any, rate: Any, own_rate: int | None, fields: dict[str, Any]) -> Sound:
        """A sound as users give it, checked."""
        return cls(audio, rate, _wave(audio, "audio"), _rate(own_rate if rate is None else rate), fields)

    @property
    def kind(self) -> tuple[int, int, int]:
        """All that a plan depends on, but for operations that listen."""
        if _is_stored(self.wave):
            return self.wave.channels, self.wave.length, self.rate
        return (*self.wave.shape, self.rate)


def plan_sounds(layout: Layout, waves: Sequence[Any], rates: Sequence[int], course: Course, fuse: bool) -> AudioPlan:
    """The passes of B sounds, (channels, samples) each, or stored."""
    view = AudioView.of(waves, rates, _render if layout.listens else None)
    layout.walk(course, view)
    return plan_audio(course.steps, view.length, view.rate, fuse=fuse)


def draw_sounds(
    plan: AudioPlan,
    sounds: Sequence[Any],
    waves: Sequence[Any],
    fields: Sequence[Mapping[str, Any]],
    targets: Mapping[str, Target],
    threads: int,
) -> VariedSounds:
    """What was planned, and the time labels that go with it.

    Args:
        plan: of B sounds.
        sounds: as they came.
        waves: the same, checked, (channels, samples), or stored.
        fields: their other fields.
        targets: how time labels are written, by name of their field.
        threads: cores to use.
    """
    companions = [
        {
            field: (value, target.kinds)
            for field, value in sample.items()
            if isinstance(target := target_of(field, value, targets), Waveform)
        }
        for sample in fields
    ]
    stored = [*waves, *(value for some in companions for value, _ in some.values())]
    if any(_is_stored(value) for value in stored):
        read = read_sounds(plan, sounds, companions)
        drawn = render_with(read.plan, read.sounds, read.companions, threads)
    else:
        drawn = draw_checked(plan, sounds, waves, companions, threads)
    labels = carry_events(plan, fields, targets)
    for label, (_, others) in zip(labels, drawn, strict=True):
        label.update(others)
    return VariedSounds([wave for wave, _ in drawn], plan.final_rates.tolist(), labels)


def _render(plan: AudioPlan, sounds: Sequence[Any]) -> list[NDArray[Any]]:
    """What operations hear."""
    read = read_sounds(plan, sounds, [{} for _ in sounds])
    return render_audio(read.plan, read.sounds)


def _wave(sound: Any, name: str) -> Any:
    """A sound as (channels, samples), or as it is stored."""
    return sound if _is_stored(sound) else as_wave(sound, name)


def _is_stored(sound: Any) -> bool:
    # Arrays are told first: to ask for a protocol costs more.
    return not isinstance(sound, np.ndarray) and isinstance(sound, Stored)


def _rate(value: Any) -> int:
    if type(value) is int and value > 0:
        return value
    if isinstance(value, np.integer) and value > 0:
        return int(value)
    if value is None:
        raise TypeError("audio comes without a rate; pass rate=... or give the pipeline one")
    raise ValueError(f"rate is {value!r}; allowed: a whole number of samples per second")
