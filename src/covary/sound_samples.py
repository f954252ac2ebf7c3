"""Samples with a sound, through the operations of a pipeline: rates that came or did not, single calls and batches."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from covary.ops.base import Course
from covary.ops.layout import Layout
from covary.waves import Stored

if TYPE_CHECKING:
    from covary.plan.audio import AudioPlan
    from covary.sounds import Sound, Sounds
    from covary.targets.events import Target


@dataclass(frozen=True, eq=False)
class SoundSamples:
    """How a pipeline treats sounds.

    Attributes:
        layout: its operations.
        fuse: whether neighbouring changes become one.
        time_labels: how fields that move in time are written, by name.
        rate: of sounds that come without one; None where all must have one.
    """

    layout: Layout
    fuse: bool
    time_labels: Mapping[str, Target]
    rate: int | None

    @cached_property
    def targets(self) -> Mapping[str, Target]:
        """How all fields are written that move in time."""
        from covary.targets.events import TARGETS

        return {**TARGETS, **self.time_labels}

    def vary(self, samples: list[dict[str, Any]], course: Course, threads: int) -> list[dict[str, Any]]:
        """Vary samples that have a sound each.

        Args:
            samples: their fields, from which sounds and rates are taken out.
            course: where the numbers come from.
            threads: cores to use.
        """
        from covary.sounds import vary_sounds

        sounds = [sample.pop("audio") for sample in samples]
        given = [sample.pop("rate", None) for sample in samples]
        made = vary_sounds(
            self.layout,
            sounds,
            self._rates_of(sounds, given),
            samples,
            course,
            targets=self.targets,
            fuse=self.fuse,
            threads=threads,
        )
        return [
            {"audio": wave, **self._told(before, rate), **label}
            for wave, before, rate, label in zip(made.waves, given, made.rates, made.fields, strict=True)
        ]

    def of_sample(self, fields: Mapping[str, Any]) -> Sound | None:
        """The sound of one sample, checked, with its other fields; None where it has none."""
        from covary.sounds import Sound

        rest = dict(fields)
        audio, rate = rest.pop("audio", None), rest.pop("rate", None)
        if audio is None:
            return None
        return Sound.of(audio, rate, self._rate_of(audio), rest)

    def plan_one(self, sound: Sound, count: int, course: Course) -> AudioPlan:
        """The passes of several sounds like this one."""
        from covary.sounds import plan_sounds

        sizes, rates = np.tile(sound.size, (count, 1)), np.full(count, sound.rate, dtype=np.int64)
        return plan_sounds(self.layout, [sound.given] * count, sizes, rates, course, self.fuse)

    def draw_one(self, sound: Sound, plan: AudioPlan) -> dict[str, Any]:
        """One sample, as planned."""
        from covary.sounds import draw_sounds

        made = draw_sounds(plan, [sound.given], [sound.fields] if sound.fields else None, self.targets, 1)
        return {"audio": made.waves[0], **self._told(sound.given_rate, made.rates[0]), **made.fields[0]}

    def of_batch(self, columns: Mapping[str, Sequence[Any]]) -> Sounds:
        """The sounds of a batch that come with no more than their rates, checked."""
        from covary.sounds import Sounds

        sounds = list(columns["audio"])
        given = columns.get("rate")
        rates: list[Any] = [None] * len(sounds) if given is None else list(given)
        return Sounds.of(sounds, self._rates_of(sounds, rates), told=rates.count(None) < len(rates))

    def plan_several(self, sounds: Sounds, times: int, course: Course) -> AudioPlan:
        """The passes of several batches like this one, one after the other."""
        from covary.sounds import plan_sounds

        sizes, rates, given = sounds.sizes, sounds.rates, sounds.given
        if times > 1:
            sizes, rates, given = np.tile(sizes, (times, 1)), np.tile(rates, times), given * times
        return plan_sounds(self.layout, given, sizes, rates, course, self.fuse)

    def draw_several(self, sounds: Sounds, plan: AudioPlan, threads: int) -> dict[str, Any]:
        """A batch, as planned."""
        from covary.sounds import draw_sounds

        made = draw_sounds(plan, sounds.given, None, self.targets, threads)
        told = sounds.told or made.rates != [self.rate] * sounds.count
        return {"audio": made.waves, "rate": made.rates} if told else {"audio": made.waves}

    def _told(self, given: Any, rate: int) -> dict[str, int]:
        """The rate among the results: where it came with the sound, or where it is no longer the pipeline's own."""
        return {} if given is None and rate == self.rate else {"rate": rate}

    def _rates_of(self, sounds: Sequence[Any], given: list[Any]) -> list[Any]:
        """The rates of sounds, of which some may have come without one."""
        if given.count(None) == len(given) and set(map(type, sounds)) == {np.ndarray}:
            return [self.rate] * len(given)
        return [self._rate_of(sound) if rate is None else rate for sound, rate in zip(sounds, given, strict=True)]

    def _rate_of(self, sound: Any) -> int | None:
        """The rate of a sound that came without one."""
        if isinstance(sound, np.ndarray):
            return self.rate  # arrays are told first: to ask for a protocol costs more
        return sound.rate if isinstance(sound, Stored) else self.rate
