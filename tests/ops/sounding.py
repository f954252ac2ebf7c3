"""Sounds through operations, as a pipeline takes them: what the tests of all operations on sound begin with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from covary.draws.keys import Key, key_numbers
from covary.draws.rows import draw_rows
from covary.ops.audio.view import AudioView
from covary.ops.base import Course, Operation
from covary.ops.layout import lay_out
from covary.plan.audio import AudioPlan, plan_audio
from covary.render.audio import render_audio, render_with
from covary.targets.events import TARGETS, Target, Waveform, carry_events
from covary.waves import as_wave


@dataclass(frozen=True)
class Result:
    """What became of the sounds and of what belongs to them."""

    plan: AudioPlan
    view: AudioView
    waves: list[np.ndarray]
    fields: list[dict[str, Any]]

    @property
    def wave(self) -> np.ndarray:
        assert len(self.waves) == 1
        return self.waves[0]

    @property
    def rate(self) -> int:
        return int(self.plan.final_rates[0])


def vary(
    operations: Operation | Sequence[Operation],
    waves: np.ndarray | Sequence[np.ndarray],
    rate: int | Sequence[int] = 16000,
    *,
    fields: Sequence[Mapping[str, Any]] | Mapping[str, Any] | None = None,
    targets: Mapping[str, Target] = TARGETS,
    keys: Sequence[Key] | None = None,
    epoch: int = 0,
    seed: int = 0,
    threads: int = 1,
    fuse: bool = True,
) -> Result:
    """Walk through the operations for these sounds, plan, render, carry the labels."""
    sounds = [waves] if isinstance(waves, np.ndarray) else list(waves)
    samples: list[Mapping[str, Any]] = (
        [{}] * len(sounds) if fields is None else [fields] if isinstance(fields, Mapping) else list(fields)
    )
    rates = [rate] * len(sounds) if isinstance(rate, int) else list(rate)
    layout = lay_out((operations,) if isinstance(operations, Operation) else tuple(operations))
    numbers = key_numbers(range(len(sounds)) if keys is None else keys)
    rows = draw_rows(seed, np.full(len(sounds), epoch, dtype=np.uint32), numbers, layout.slots)
    course = Course(len(sounds), rows, lines=layout.lines)
    view = AudioView.of([as_wave(wave, "wave") for wave in sounds], rates, render_audio)
    start = view
    for node in layout.nodes:
        view = node.operation.apply(node, course, view, None)
    plan = plan_audio(course.steps, start.length, start.rate, fuse=fuse)
    assert np.array_equal(plan.final_lengths, view.length) and np.array_equal(plan.final_rates, view.rate)
    companions = [
        {
            name: (value, target.kinds)
            for name, value in sample.items()
            if isinstance(target := targets.get(name), Waveform)
        }
        for sample in samples
    ]
    drawn = render_with(plan, sounds, companions, threads)
    labels = carry_events(plan, samples, targets)
    for label, (wave, others), length, channels in zip(labels, drawn, view.length, view.channels, strict=True):
        assert (wave if wave.ndim == 2 else wave[None]).shape == (channels, length)
        label.update(others)
    return Result(plan, view, [wave for wave, _ in drawn], labels)


def noise(length: int = 8000, channels: int | None = None, seed: int = 1, scale: float = 0.1) -> np.ndarray:
    """White noise, float32: (length,) or (channels, length)."""
    shape = (length,) if channels is None else (channels, length)
    return (np.random.default_rng(seed).standard_normal(shape) * scale).astype(np.float32)


def tone(hertz: float, seconds: float = 1.0, rate: int = 16000, scale: float = 0.5) -> np.ndarray:
    """A sine, float32."""
    return (scale * np.sin(2 * np.pi * hertz * np.arange(round(seconds * rate)) / rate)).astype(np.float32)


def clicks(length: int, places: Sequence[int], background: float = 0.0) -> np.ndarray:
    """Single samples of 0.9 at some places, in faint noise."""
    made = noise(length, scale=background) if background else np.zeros(length, dtype=np.float32)
    made[list(places)] = 0.9
    return made


def level_db(wave: np.ndarray) -> float:
    """The root mean square in decibels."""
    return float(10 * np.log10(np.mean(np.square(wave, dtype=np.float64))))
