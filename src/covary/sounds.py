"""Sounds and what is marked in time, through the operations of a pipeline."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from covary.excerpts import read_sounds
from covary.ops.audio.view import AudioView
from covary.ops.base import Course
from covary.ops.layout import Layout
from covary.plan.audio import AudioPlan, plan_audio
from covary.render.audio import render_audio, render_with
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
    waves = [
        sound if isinstance(sound, Stored) else as_wave(sound, f"{name}[{index}]" if several else name)
        for index, sound in enumerate(sounds)
    ]
    view = AudioView.of(waves, [_rate(rate) for rate in rates], _render)
    layout.walk(course, view)
    plan = plan_audio(course.steps, view.length, view.rate, fuse=fuse)
    companions = [
        {
            field: (value, target.kinds)
            for field, value in sample.items()
            if isinstance(target := target_of(field, value, targets), Waveform)
        }
        for sample in fields
    ]
    read = read_sounds(plan, sounds, companions)
    drawn = render_with(read.plan, read.sounds, read.companions, threads)
    labels = carry_events(plan, fields, targets)
    for label, (_, others) in zip(labels, drawn, strict=True):
        label.update(others)
    return VariedSounds([wave for wave, _ in drawn], plan.final_rates.tolist(), labels)


def _render(plan: AudioPlan, sounds: Sequence[Any]) -> list[NDArray[Any]]:
    """What operations hear."""
    read = read_sounds(plan, sounds, [{} for _ in sounds])
    return render_audio(read.plan, read.sounds)


def _rate(value: Any) -> int:
    if isinstance(value, (int, np.integer)) and not isinstance(value, bool) and value > 0:
        return int(value)
    if value is None:
        raise TypeError("audio comes without a rate; pass rate=... or give the pipeline one")
    raise ValueError(f"rate is {value!r}; allowed: a whole number of samples per second")
