"""What an operation may know of the sounds: their lengths, rates and channels; the samples themselves only on
request."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, TypeAlias

import numpy as np
from numpy.typing import NDArray

from covary.ops.view import Modality
from covary.plan.audio import AudioPlan, AudioStep, Channels, TimeMap, Wave, plan_audio
from covary.plan.changes import Bools, Floats, Ints
from covary.waves import Stored

Render: TypeAlias = Callable[[AudioPlan, Sequence[Any]], list[NDArray[Any]]]


@dataclass(frozen=True, slots=True, eq=False)
class AudioView:
    """The B sounds as they stand at one point of the pipeline.

    Attributes:
        length: (B,) int64 samples of each channel.
        rate: (B,) int64 samples per second.
        channels: (B,) int64.
        sources: the B sounds as they came, (channels, samples), or as they are stored, for the operations that must
            hear them; None where they are not there yet.
        render: draws a plan; needed where `sources` are given.
        start: lengths and rates of the sources.
        steps: what has happened to them so far.
    """

    modality: ClassVar[Modality] = "audio"

    length: Ints
    rate: Ints
    channels: Ints
    sources: Sequence[NDArray[Any] | Stored] | None = None
    render: Render | None = None
    start: tuple[Ints, Ints] | None = None
    steps: tuple[AudioStep, ...] = ()

    @classmethod
    def of(
        cls, waves: Sequence[NDArray[Any] | Stored], rates: Sequence[int], render: Render | None = None
    ) -> AudioView:
        """The view of sounds that are there: (channels, samples) arrays or stored, and their samples per second."""
        sizes = np.array([_size(wave) for wave in waves], dtype=np.int64).reshape(-1, 2)
        channels, length = sizes[:, 0], sizes[:, 1]
        rate = np.array(rates, dtype=np.int64)
        return cls(length, rate, channels, waves if render is not None else None, render, (length, rate))

    @property
    def count(self) -> int:
        """B, the number of sounds."""
        return len(self.length)

    @property
    def seconds(self) -> Floats:
        """(B,) durations."""
        return self.length / self.rate

    def after(self, change: Any, active: Bools | None) -> AudioView:
        """The view behind a change, which touched the `active` samples only."""
        steps = self.steps if self.sources is None else (*self.steps, AudioStep(change, active))
        if isinstance(change, TimeMap):
            length = change.length if active is None else np.where(active, change.length, self.length)
            rate = change.rate if active is None else np.where(active, change.rate, self.rate)
            return replace(self, length=length, rate=rate, steps=steps)
        if isinstance(change, Channels):
            mixed = np.array([len(matrix) for matrix in change.matrices], dtype=np.int64)
            channels = mixed if active is None else np.where(active, mixed, self.channels)
            return replace(self, channels=channels, steps=steps)
        return self if steps is self.steps else replace(self, steps=steps)

    def heard(self) -> list[Wave]:
        """The B sounds as they stand here, (channels, samples): rendered so far, at the price of rendering it twice.

        Raises:
            ValueError: the samples are not there.
        """
        if self.sources is None or self.render is None or self.start is None:
            raise ValueError("it must hear the sound, and is planned before the sound is there")
        if not self.steps:
            return [source if isinstance(source, np.ndarray) else source.read() for source in self.sources]
        return self.render(plan_audio(self.steps, *self.start), self.sources)


def _size(wave: NDArray[Any] | Stored) -> tuple[int, int]:
    """Channels and samples of a sound."""
    if not isinstance(wave, np.ndarray):
        return wave.channels, wave.length
    return wave.shape[0] if wave.ndim == 2 else 1, wave.shape[-1]
