"""Sounds and what is marked in time, through the operations of a pipeline."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from covary import kernels
from covary.excerpts import Companions, read_sounds
from covary.ops.audio.view import AudioView
from covary.ops.base import Course
from covary.ops.layout import Layout
from covary.plan.audio import AudioPlan, plan_audio
from covary.plan.changes import Ints
from covary.plan.excerpts import looked_at
from covary.render.audio import draw_checked, render_audio, render_with
from covary.render.direct import draw_directly
from covary.targets.events import Target, Waveform, carry_events, target_of
from covary.waves import Stored, as_wave, check_finite, formed


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
    fields: Sequence[Mapping[str, Any]] | None,
    course: Course,
    *,
    targets: Mapping[str, Target],
    fuse: bool = True,
    threads: int = 1,
) -> VariedSounds:
    """Take B sounds through operations.

    Args:
        layout: the operations; those on other things pass sounds by.
        sounds: B arrays (samples,) or (channels, samples) in float32, float64, int16 or int32; or stored sounds, of
            which no more is read than the changes look at.
        rates: samples per second of each.
        fields: their other fields, of which those that `targets` names move; None where there are none.
        course: where the numbers come from; it keeps the records for the trace.
        targets: how time labels are written, by name of their field.
        fuse: whether neighbouring changes become one.
        threads: cores to use.

    Raises:
        TypeError, ValueError: a sound, a rate or a label of a wrong form; or a value that is looked at is no number.
    """
    plan = plan_sounds(layout, sounds, sizes_of(sounds), _rates(rates), course, fuse)
    return draw_sounds(plan, sounds, fields, targets, threads)


@dataclass(frozen=True, slots=True, eq=False)
class Sound:
    """One sound on its way.

    Attributes:
        given: as it came; `given_rate` with it, None where the pipeline's own rate is meant.
        size: (1, 2) channels and samples.
        rate: samples per second.
        fields: what came with it.
    """

    given: Any
    given_rate: int | None
    size: Ints
    rate: int
    fields: dict[str, Any]

    @classmethod
    def of(cls, audio: Any, rate: Any, own_rate: int | None, fields: dict[str, Any]) -> Sound:
        """A sound as users give it, its form checked."""
        size = sizes_of([audio])
        return cls(audio, rate, size, _rate(own_rate if rate is None else rate), fields)

    @property
    def kind(self) -> tuple[int, int, int]:
        """All that a plan depends on, but for operations that listen."""
        channels, length = self.size[0].tolist()
        return channels, length, self.rate


@dataclass(frozen=True, slots=True, eq=False)
class Sounds:
    """Sounds that come with no more than their rates.

    Attributes:
        given: B arrays or stored sounds, as they came.
        sizes: (B, 2) channels and samples.
        rates: (B,) samples per second.
        told: whether a rate came with any of them.
    """

    given: list[Any]
    sizes: Ints
    rates: Ints
    told: bool

    @classmethod
    def of(cls, sounds: list[Any], rates: Sequence[Any], told: bool) -> Sounds:
        """Sounds as users give them, their forms checked."""
        return cls(sounds, sizes_of(sounds), _rates(rates), told)

    @property
    def count(self) -> int:
        """B."""
        return len(self.given)

    @property
    def kind(self) -> tuple[bytes, bytes]:
        """All that a plan depends on, but for operations that listen."""
        return self.sizes.tobytes(), self.rates.tobytes()


def sizes_of(sounds: Sequence[Any]) -> Ints:
    """Channels and samples of each sound, (B, 2); their forms are checked.

    Raises:
        TypeError, ValueError: a sound has a form that no sound has.
    """
    quick = None if kernels.native is None else kernels.native.sound_sizes(sounds)
    if quick is not None:
        made: Ints = quick
        return made
    sizes = [
        (sound.channels, sound.length) if _is_stored(sound) else formed(sound, name).shape
        for sound, name in zip(sounds, _names(len(sounds)), strict=True)
    ]
    return np.array(sizes, dtype=np.int64).reshape(-1, 2)


def plan_sounds(
    layout: Layout, sounds: Sequence[Any], sizes: Ints, rates: Ints, course: Course, fuse: bool
) -> AudioPlan:
    """The passes of B sounds of some sizes."""
    channels, lengths = sizes[:, 0], sizes[:, 1]
    heard = None
    if layout.listens:
        names = _names(len(sounds))
        heard = [
            sound if _is_stored(sound) else as_wave(sound, name) for sound, name in zip(sounds, names, strict=True)
        ]
    render = None if heard is None else _render
    layout.walk(course, AudioView(lengths, rates, channels, heard, render, (lengths, rates)))
    return plan_audio(course.steps, lengths, rates, fuse=fuse)


def draw_sounds(
    plan: AudioPlan,
    sounds: Sequence[Any],
    fields: Sequence[Mapping[str, Any]] | None,
    targets: Mapping[str, Target],
    threads: int,
) -> VariedSounds:
    """What was planned, and the time labels that go with it.

    Args:
        plan: of B sounds.
        sounds: as they came.
        fields: their other fields; None where there are none.
        targets: how time labels are written, by name of their field.
        threads: cores to use.
    """
    rates = plan.final_rates.tolist()
    if fields is None:
        waves = draw_directly(plan, sounds, None, threads)
        if type(None) in set(map(type, waves)):
            waves = [wave for wave, _ in _completed(plan, sounds, waves, None, threads)]
        return VariedSounds(waves, rates, [{}] * len(rates))
    companions = [
        {
            field: (value, target.kinds)
            for field, value in sample.items()
            if isinstance(target := target_of(field, value, targets), Waveform)
        }
        for sample in fields
    ]
    alone = np.array([not some for some in companions], dtype=np.bool_)
    drawn = _completed(plan, sounds, draw_directly(plan, sounds, alone, threads), companions, threads)
    labels = carry_events(plan, fields, targets)
    for label, (_, others) in zip(labels, drawn, strict=True):
        label.update(others)
    return VariedSounds([wave for wave, _ in drawn], rates, labels)


def _completed(
    plan: AudioPlan, sounds: Sequence[Any], begun: Sequence[Any], companions: Sequence[Companions] | None, threads: int
) -> list[tuple[NDArray[Any], Mapping[str, NDArray[Any]]]]:
    """The sounds and their companions; those that one call of the compiled kernels has drawn are in `begun`."""
    drawn: list[Any] = [(wave, _NONE) for wave in begun]
    rest = [row for row, wave in enumerate(begun) if wave is None]
    if not rest:
        return drawn
    every = [_NONE] * plan.count if companions is None else companions
    if any(_is_stored(sounds[row]) or any(_is_stored(value) for value, _ in every[row].values()) for row in rest):
        read = read_sounds(plan, sounds, every)
        return list(render_with(read.plan, read.sounds, read.companions, threads))
    names = _names(plan.count)
    waves = [formed(sounds[row], names[row]) for row in rest]
    for row, wave in zip(rest, waves, strict=True):
        check_finite(wave, names[row], looked_at(plan.passes(row), wave.shape[1]))
    given = [sounds[row] for row in rest]
    for row, made in zip(
        rest, draw_checked(plan, rest, given, waves, [every[row] for row in rest], threads), strict=True
    ):
        drawn[row] = made
    return drawn


_NONE: Mapping[str, Any] = {}


def _render(plan: AudioPlan, sounds: Sequence[Any]) -> list[NDArray[Any]]:
    """What operations hear."""
    read = read_sounds(plan, sounds, [{} for _ in sounds])
    return render_audio(read.plan, read.sounds)


def _names(count: int) -> Sequence[str]:
    """What sounds are called in messages."""
    return ["audio"] if count == 1 else [f"audio[{index}]" for index in range(count)]


def _is_stored(sound: Any) -> bool:
    # Arrays are told first: to ask for a protocol costs more.
    return not isinstance(sound, np.ndarray) and isinstance(sound, Stored)


def _rates(values: Sequence[Any]) -> Ints:
    """(B,) rates, checked."""
    if values and values.count(values[0]) == len(values):
        return np.full(len(values), _rate(values[0]), dtype=np.int64)
    return np.array([_rate(value) for value in values], dtype=np.int64)


def _rate(value: Any) -> int:
    if type(value) is int and value > 0:
        return value
    if isinstance(value, np.integer) and value > 0:
        return int(value)
    if value is None:
        raise TypeError("audio comes without a rate; pass rate=... or give the pipeline one")
    raise ValueError(f"rate is {value!r}; allowed: a whole number of samples per second")
